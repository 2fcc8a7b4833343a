"""Does a night that looks only at what it must find what a night finds that resolves everything anew, by the slow obvious way?

Two towns get the same random deliveries and answers; in one every shortcut is replaced by what it is a shortcut for.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from town import build, case, code, deliver, enrol

from riskengine.errors import UsageError
from riskengine.identity import desk, matching, reissue, resolve
from riskengine.identity import judgements as judging
from riskengine.identity.anatomy import exact_key, name_parts
from riskengine.identity.judgements import Mention, judgements, standing
from riskengine.identity.names import taken_apart
from riskengine.identity.register import CREDIT_CODE, Named, Register, register_of
from riskengine.identity.renaming import shaped
from riskengine.identity.rules import RegisterSource
from riskengine.intake.codes import registration_check_mark
from riskengine.intake.contract import SourceContract
from riskengine.intake.naming import name_key
from riskengine.intake.nouns import is_person
from riskengine.intake.personal import name_shown
from riskengine.project import Project
from riskengine.store import snapshot
from riskengine.store.database import connect
from riskengine.store.facts import FactStore
from riskengine.store.ledger import open_ledger

OLDER = {
    number: front + registration_check_mark(front)
    for number, front in ((1, "37010200000001"), (2, "37010200000002"))
}
FIRST = date(2024, 5, 20)
CORES, TRADES = ("明湖", "泉城", "趵突", "东岳", "泰和"), ("机械", "食品", "商贸", "纺织")
PLACES, ENDINGS = ("济南", "烟台市", "", "濟南"), ("有限公司", "有限责任公司", "商行", "厂")


def _slow_open(
    connection: Any, contract: SourceContract, held_in: tuple[Sequence[str], Sequence[int]]
) -> str:
    """Every key of every fact is looked at."""
    assert contract.identity
    files, own = held_in
    connection.read_parquet(list(files)).create_view("facts")
    held = set(connection.table("facts").columns)
    code, name, region, person = (
        f'"{column}"' if column in held else "null::varchar"
        for column in reissue.identity_columns(contract.identity)
    )
    keys = ", ".join(f'"{column}"' for column in contract.key)
    rest = ", ".join(f'"{column}"' for column in reissue.rest_of_key(contract))
    hidden = f"count(*) filter (standing) over (partition by {rest}) > 0" if rest else "false"
    ours = f"batch in ({reissue.listed(own)})"
    has_code = f"coalesce(length({code}), 0) = {CREDIT_CODE}"
    standing = "(superseded_at is null or superseded_at > $day) and not removed"
    return f"""select * from (select *, not {has_code} and (standing or gone and {hidden} and fact_hash not in
            (select fact_hash from facts where {ours} and known_at <= $day and {has_code})) as open,
        case when not {ours} and length(before_code) = {CREDIT_CODE} and before_name is not distinct from {name} then before_code end as carried
        from (select *, {code} as who_code, {name} as who_name, {region} as who_region, {person} as who_person,
            {standing} as standing, (superseded_at is null or superseded_at > $day) and removed and fact_hash in
                (select fact_hash from facts where removed and not {ours}) as gone, lag({code}) over before as before_code, lag({name}) over before as before_name
            from facts where known_at <= $day window before as (partition by {keys} order by fact_rank))) where open"""


def _slow_overtaken(store: FactStore, contract: SourceContract, own: Sequence[int], as_of: date) -> pa.Table:
    """The last row of every key, of the publisher's and of all."""
    files, who = store.snapshot().paths(contract.name), contract.identity
    if not files or not own:
        return pa.table({})
    assert who
    assert who.code not in contract.key
    keys = " and ".join(f'theirs."{name}" is not distinct from ours."{name}"' for name in contract.key)
    last = f"qualify row_number() over (partition by {', '.join(contract.key)} order by fact_rank desc) = 1"
    code = f"""case when coalesce(length(theirs."{who.code}"), 0) <> {CREDIT_CODE}
        and theirs."{who.name}" is not distinct from ours."{who.name}" then ours."{who.code}" else theirs."{who.code}" end"""
    with connect() as connection:
        connection.read_parquet(list(files)).create_view("facts")
        query = f"""select theirs.*, ours.known_at as new_known, {code} as new_code
            from (select * from facts where known_at <= $day {last}) ours
            join (select * from facts where known_at <= $day and batch not in ({reissue.listed(own)}) {last}) theirs on {keys}
            where ours.batch in ({reissue.listed(own)}) and theirs.batch > ours.batch and theirs.fact_rank < ours.fact_rank
                and theirs.event_date = ours.event_date and theirs.fact_hash <> ours.fact_hash order by theirs.fact_rank"""
        rows = connection.sql(query, params={"day": as_of}).to_arrow_table()
    moved = reissue.moved(contract, who.code, rows, rows.column("new_code"), rows.column("new_known"))
    return shaped(contract, [moved]) if rows.num_rows else pa.table({})


def _slow_renamed(store: FactStore, contract: SourceContract, own: Sequence[int], as_of: date) -> pa.Table:
    """Every group is ranked."""
    files = store.snapshot().paths(contract.name)
    if not contract.identity or not files or not (rest := ", ".join(reissue.rest_of_key(contract))):
        return pa.table({})
    code, ours = f'"{contract.identity.code}"', f"batch in ({reissue.listed(own)})"
    with connect() as connection:
        connection.read_parquet(list(files)).create_view("facts")
        query = f"""with known as (select * from facts where known_at <= $day),
            last as (select * from known qualify row_number() over (partition by {", ".join(contract.key)} order by fact_rank desc) = 1),
            said as (select fact_hash, known_at as said_at, batch as said_batch, "row" as said_row, removed as said_gone
                from known where not ({ours}) qualify row_number() over (partition by fact_hash order by batch desc, "row" desc) = 1),
            told as (select *, removed and {ours} and not said_gone as withdrawn from last join said using (fact_hash)
                where length({code}) = {CREDIT_CODE}),
            ranked as (select *, min(known_at) over (later rows between unbounded preceding and 1 preceding) as later_known
                from told window later as (partition by {rest}, {code}
                order by event_date desc, said_at desc, said_batch desc, said_row desc))
            select * replace (withdrawn = false as removed), greatest(known_at, coalesce(later_known, $day)) as new_known
            from ranked where case when later_known is null then withdrawn else not removed end order by fact_rank"""
        rows = connection.sql(query, params={"day": as_of}).to_arrow_table()
    if not rows.num_rows:
        return pa.table({})
    known = rows.column_names.index("known_at")
    return shaped(contract, [rows.set_column(known, "known_at", rows.column("new_known"))])


def _slow_register(
    facts: snapshot.Snapshot, sources: Sequence[RegisterSource], contracts: Any, as_of: date
) -> Register:
    """Row by row, name by name."""
    names: dict[tuple[str, str], Named] = {}
    numbers: dict[str, set[str]] = {}
    for told in sources:
        if not (files := facts.paths(told.source)):
            continue
        with connect() as connection:
            rows = connection.read_parquet(list(files)).order("fact_rank").to_arrow_table().to_pylist()
            held = connection.read_parquet(list(files)).filter(told.when or "true").select("fact_rank")
            meant = {rank for (rank,) in held.fetchall()}
        for row in rows:
            who = row[told.code] or ""
            if (
                row["known_at"] > as_of
                or row["removed"]
                or len(who) != CREDIT_CODE
                or row["fact_rank"] not in meant
            ):
                continue
            numbers.setdefault(who[8:17], set()).add(who)
            for number in filter(None, (row[name] for name in told.numbers)):
                numbers.setdefault(number.strip().upper(), set()).add(who)
            is_last = row["superseded_at"] is None or row["superseded_at"] > as_of
            for place, name in enumerate(told.names):
                cell = row[name] or ""
                for mark in ";；,，、|/" if place else "":
                    cell = cell.replace(mark, "\n")
                for piece in filter(None, map(str.strip, cell.split("\n"))):
                    shown, now = name_shown(piece), is_last and place == 0 and not told.when
                    key = exact_key(shown)
                    if key and ((who, key) not in names or now):
                        region, person = (
                            row[each] or "" if each else "" for each in (told.region, told.person)
                        )
                        names[who, key] = Named(who, shown, key, now, region, person, told.source)
    return register_of(sorted(names.values()), numbers)


def _everybody(connection: Any, left: pa.Table) -> Any:
    """No blocking before the blocking rules."""
    cities = [
        (place, matching._city(place))
        for (place,) in connection.execute("SELECT DISTINCT place FROM named").fetchall()
    ]
    connection.register("left_names", left)
    columns = {
        name: pa.array([row[at] for row in cities], pa.string()) for at, name in enumerate(("place", "city"))
    }
    connection.register("cities", pa.table(columns))
    rows = connection.execute(
        "SELECT code, name, region, person FROM named ORDER BY code, name, key"
    ).fetchall()
    return [(*row, name_parts(row[1])) for row in rows]


def _slowly(project: Project, day: date) -> Any:
    shutil.rmtree(project.store / "identity", ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reissue, "_open", _slow_open)
        patch.setattr(reissue, "overtaken", _slow_overtaken)
        patch.setattr(resolve, "renamed", _slow_renamed)
        patch.setattr(resolve, "read_register", _slow_register)
        patch.setattr(Register, "spelt", lambda *_: {})
        patch.setattr(matching, "_near", _everybody)
        patch.setattr(judging, "judgements_of", lambda ledger, _: judgements(ledger))
        return resolve.resolve(project, day)


def _name(chance: random.Random) -> str:
    made = "".join(chance.choice(words) for words in (PLACES, CORES, TRADES, ENDINGS))
    return chance.choice(
        ["王建设", "张三丰、李四", "ACME Co., Ltd.", made[:3] + "坤" + made[4:], *[made] * 20]
    )


def _firm(chance: random.Random, number: int) -> dict[str, Any]:
    former = chance.choice(["", "；".join([_name(chance), _name(chance)])])
    region, person = chance.choice(["370102", "370602", ""]), chance.choice(["张三丰", "李四光", ""])
    return {"uscc": code(number), "name": _name(chance), "former_name": former, "registration_no": OLDER.get(number, ""),
            "region6": region, "legal_rep": person}  # fmt: skip


def _court(chance: random.Random, names: Sequence[str], day: date) -> dict[str, Any]:
    number = chance.randrange(1, 9)
    told = chance.choice([{}, {}, {}, {"status": "已移除"}])
    stamp = str(day - timedelta(chance.choice([0, 0, 1, 9])))
    who = chance.choice(
        ["", "", "", "", code(number)[8:17], "370102" + code(number)[8:17], OLDER[1], code(number)]
    )
    person, region = chance.choice(["张三丰", "李四光", ""]), chance.choice(["370102", "370613", ""])
    return case(chance.randrange(12), chance.choice([*names[-24:], _name(chance)]), uscc=who, snapshot_dt=stamp, legal_rep=person,
                region6=region, exec_target=chance.randrange(3) * 1000, file_dt="2024-05-01", **told)  # fmt: skip


def _answered(project: Project, chance: random.Random, day: date) -> None:
    """A person says something of some judgement, where that can be said."""
    every = judgements(open_ledger(project.store))
    asked = chance.choice(every).seq if every else 0
    act = chance.randrange(4)
    try:
        if act == 0:
            desk.accept(project, asked, code(chance.randrange(1, 9)), day, "王五")
        elif act == 1:
            desk.reject(project, asked, day, "王五")
        elif act == 2:
            desk.merge(project, code(chance.randrange(1, 9)), code(chance.randrange(1, 9)), day, "王五")
    except UsageError:
        pass


def _nights(root: Path, seed: int, nights: int) -> Iterable[tuple[Project, Project, date]]:
    """Two towns with the same history, as they stand before each night."""
    towns = [build(root / name, "adm_penalty") for name in ("quick", "slow")]
    chance = random.Random(seed)
    names: list[str] = []
    for night in range(nights):
        day = FIRST + timedelta(3 * night)
        firms = [_firm(chance, number) for number in chance.sample(range(1, 9), 5 if night else 8)]
        names += [firm["name"] for firm in firms]
        courts = [_court(chance, names, day) for _ in range(25)]
        state = chance.getstate()
        for town in towns:
            chance.setstate(state)
            enrol(town, str(day - timedelta(1)), *firms)
            deliver(town, "court_exec", str(day), *courts)
            if night:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(desk, "resolve", _slowly if town.root.name == "slow" else resolve.resolve)
                    _answered(town, chance, day)
        yield (*towns, day)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_a_night_finds_what_resolving_everything_anew_finds(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", "one for both towns")
    found = 0
    for quick, slow, day in _nights(tmp_path, seed, 3 if seed == 1 else 6):
        mine, theirs = resolve.resolve(quick, day), _slowly(slow, day)
        assert mine.to_json() == theirs.to_json()
        assert snapshot.read(quick.store).id == snapshot.read(slow.store).id
        ledgers = open_ledger(quick.store), open_ledger(slow.store)
        assert judgements(ledgers[0]) == judgements(ledgers[1])
        whole = standing(ledgers[0], day)
        some = list(whole.last)[::2]
        part = standing(ledgers[0], day, some)
        assert {each: part.last[each] for each in some} == {each: whole.last[each] for each in some}
        assert (part.merges, part.taken_back, part.newest) == (whole.merges, whole.taken_back, whole.newest)
        found += mine.rows_filled
    assert found > 8


def test_what_is_kept_of_names_is_read_again_only_where_it_is_whole(tmp_path: Path) -> None:
    spelt = ["济南明湖机械有限公司", " 张三丰 ", "济南（泉城）食品有限责任公司", "明湖商行 110105491231002"]
    asked = " UNION ALL ".join(f"SELECT '{name}' AS spelt" for name in [*spelt, "", spelt[0]])

    def told() -> list[tuple[Any, ...]]:
        with connect() as connection:
            taken_apart(connection, asked, tmp_path)
            return connection.execute("SELECT * EXCLUDE (plain) FROM apart ORDER BY spelt").fetchall()

    first = told()
    assert [row[:3] for row in first] == [
        (name, name_shown(name.strip()), exact_key(name_shown(name.strip()))) for name in sorted(spelt)
    ]
    (kept,) = (tmp_path / "identity").iterdir()
    assert b"1101054912" not in kept.read_bytes()
    assert told() == first
    kept.write_bytes(kept.read_bytes()[:-1])
    assert told() == first
    assert [path.read_bytes()[-1:] for path in (tmp_path / "identity").iterdir()] == [b"1"]


def test_names_of_usual_characters_have_the_keys_of_all_names() -> None:
    chance = random.Random(5)
    letters = "济南濟東明湖机械有限责任公司身份证汉族张三王男女·（）A "
    for _ in range(4000):
        name = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 9)))
        assert exact_key(name) == name_key(matching_simplified(name))
        assert is_person(name) == is_person(name + " ")
    assert Mention(exact_key("濟南明湖有限责任公司")).key == "济南明湖有限公司"


def matching_simplified(name: str) -> str:
    """As names outside the usual characters are made simple."""
    import unicodedata

    from riskengine.identity.places import simplified

    return simplified(unicodedata.normalize("NFKC", name))
