"""Does no personal value stand in clear anywhere, and does one person always have one token?"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from riskengine.errors import IntegrityError, SetupError, UsageError
from riskengine.intake.applicant import clean_cells
from riskengine.intake.cleaning import ask, clean
from riskengine.intake.codes import check_credit_code
from riskengine.intake.contract import read_contract, read_contracts
from riskengine.intake.load import take_in
from riskengine.intake.personal import mask, personal_key, shown, tokens
from riskengine.intake.readers import read_file
from riskengine.project import Project
from riskengine.store import ledger as books
from riskengine.store.facts import FactStore

DAY = date(2026, 3, 31)
USCC = "91350100M000100Y43"
HEADER = ["uscc", "old_code", "day", "person", "person_id", "phone", "share", "address"]
CONTRACT = read_contract(Path(__file__).parent / "persons.toml")


@pytest.fixture(autouse=True)
def no_key_of_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKENGINE_PERSONAL_KEY", raising=False)


def resident(region: int, born: date, serial: int) -> str:
    body = f"{region:06d}{born:%Y%m%d}{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(a) * b for a, b in zip(body, weights, strict=True)) % 11]


def put(project: Project, rows: list[list[str]], name: str = "a.csv", header: list[str] = HEADER) -> Path:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    path = project.inbox / "persons" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def facts(project: Project) -> list[dict[str, Any]]:
    paths = FactStore(project.store).snapshot().paths("persons")
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def everything(store: Path) -> str:
    """All bytes of the store as text, and all values of its (compressed) Parquet files."""
    said = []
    for path in sorted(path for path in store.rglob("*") if path.is_file()):
        said.append(f"{path.name} " + path.read_bytes().decode("utf-8", "replace"))
        if path.suffix == ".parquet":
            said.append(repr(pq.read_table(path).to_pylist()) + repr(pq.read_metadata(path).metadata))
    return "\n".join(said)


PEOPLE = st.tuples(
    st.builds(
        resident,
        st.integers(110101, 659001),
        st.dates(date(1930, 1, 1), date(2005, 1, 1)),
        st.integers(0, 999),
    ),
    st.text("赵钱孙李周吴郑王龘靐", min_size=3, max_size=4),
    st.integers(13000000000, 19999999999).map(str),
    st.text("甲乙丙丁戊己庚辛壬癸", min_size=6, max_size=9),  # the address, in an ignored column
    st.sampled_from(["", "id", "id_check", "phone", "share", "uscc", "same", "id_in_code"]),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink takes minutes and says no more
)
@given(people=st.lists(PEOPLE, min_size=1, max_size=6), number=st.integers(0, 10**5))
def test_no_clear_text_survives(
    project: Project,
    people: list[tuple[str, ...]],
    number: int,
) -> None:
    rows, secrets = [], set()
    for code, name, phone, address, broken in people:
        wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
        row = {
            "uscc": USCC, "old_code": "", "day": "2026-01-05", "person": name, "person_id": code, "phone": phone,
            "share": f"0.{number}", "address": address,
        }  # fmt: skip
        row |= {
            "id": {"person_id": code[:12]}, "id_check": {"person_id": wrong}, "phone": {"phone": phone[:9]},
            "share": {"share": "much"}, "uscc": {"uscc": "9137"}, "same": {"person": USCC},
            "id_in_code": {"old_code": code},
        }.get(broken, {})  # fmt: skip
        rows.append(list(row.values()))
        secrets |= {code, wrong, code[:12], name, phone, phone[:9], address, code.lower()}
    (receipt,) = take_in(project, "persons", [put(project, rows)], DAY)
    assert receipt.accepted + receipt.quarantined + receipt.duplicates == len(people)
    text = everything(project.store)
    assert "personal.key" in text
    assert USCC in text  # a positive control: what is not personal is found
    assert [secret for secret in secrets if secret in text] == []


def test_a_resident_number_that_passes_for_a_credit_code_is_refused(project: Project) -> None:
    born = date(1990, 2, 3)
    every = [resident(370102, born, serial) for serial in range(1000)]
    alike = [code for code in every if check_credit_code(code).valid]
    assert len(alike) > 10
    rows = [[code, code, "2026-01-05", "张三丰", code, "", "", ""] for code in alike]
    (receipt,) = take_in(project, "persons", [put(project, rows)], DAY)
    assert receipt.quarantine_by_rule == {"enterprise_code": len(alike), "uscc": len(alike)}
    assert not [code for code in alike if code in everything(project.store)]


def test_a_fact_holds_tokens_and_a_refusal_masks(project: Project) -> None:
    code = resident(370102, date(1990, 2, 3), 11)
    good = [USCC, "MA3C0001-1", "2026-01-05", "张三丰", f" {code} ", "13812345678", "0.5", "济南"]
    take_in(project, "persons", [put(project, [good, [*good[:3], "", code, "", "x", "济南"]])], DAY)
    (fact,) = facts(project)
    assert (fact["born"], fact["month"], fact["old_code"]) == (1990, "01", "MA3C00011")
    assert fact["same_person"] == fact["person_id"] == tokens(personal_key(project.store))(code)
    assert [shown(fact[name]) for name in ("person", "person_id", "phone", "share")] == [
        "张**", "370102-1990-M", "138****", 0.5,
    ]  # fmt: skip
    (refusal,) = books.refused(books.open_ledger(project.store))
    raw = json.loads(refusal["raw"])
    assert (refusal["rule"], raw["person_id"], raw["address"]) == ("type", "370102-1990-M", "济*")


def test_files_and_applicants_give_the_same_tokens(project: Project) -> None:
    key = personal_key(project.store)
    row = [
        "91350100m000100y43",
        "无",
        "2026-01-05",
        "John Doe",
        "11010519491231002x",
        "１３８12345678",
        "",
        "",
    ]
    cells = read_file(put(project, [row])).cells
    (fact,) = clean(CONTRACT, cells, DAY, key).facts.to_pylist()
    (single,), (problems,) = clean_cells(CONTRACT, cells.to_pylist(), None, key)
    assert problems == []
    assert {name: fact[name] for name in single} == single
    assert single["person_id"] != tokens(b"another")("11010519491231002X")


def test_the_key_is_made_once_and_guarded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    store = project.store
    key = personal_key(store)
    assert personal_key(store) == key
    assert stat.S_IMODE((store / "personal.key").stat().st_mode) == 0o600
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", "another")
    with pytest.raises(IntegrityError, match="key of personal data has changed"):
        personal_key(store)
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", key.decode())
    (store / "personal.key").unlink()
    assert personal_key(store) == key
    assert not (store / "personal.key").exists()
    with pytest.raises(SetupError, match="RISKENGINE_PERSONAL_KEY"):
        clean_cells(CONTRACT, [], None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_store_without_a_key(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SetupError, match="RISKENGINE_PERSONAL_KEY"):
        personal_key(tmp_path / "store")


def test_a_store_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file stands where the store should be: without a key nothing works, with one told it does."""
    (tmp_path / "store").write_text("")
    with pytest.raises(SetupError, match="RISKENGINE_PERSONAL_KEY"):
        personal_key(tmp_path / "store")
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", "told")
    assert personal_key(tmp_path / "store") == b"told"


def test_errors_say_nothing_personal(project: Project) -> None:
    code = resident(370102, date(1990, 2, 3), 11)
    row = [USCC, "", "2026-01-05", "张三丰", code, "13812345678", "0.5", "济南"]
    for first in ([*row[:3], "张三丰", *row[3:]], ["x", *row[1:]], ["x", "y", *row[2:]]):
        with pytest.raises(UsageError) as zeroth:
            take_in(project, "persons", [put(project, [first], header=first)], DAY)
        assert "三丰" not in str(zeroth.value)
        assert code not in str(zeroth.value)
    path = put(project, [row], header=["x", "y", *row[2:]])
    with pytest.raises(UsageError) as caught:
        take_in(project, "persons", [path], DAY)
    assert "none of them. Is it missing?" in str(caught.value)
    path = put(project, [[*row, "1"]], header=[*HEADER, code])
    with pytest.raises(UsageError) as other:
        take_in(project, "persons", [path], DAY)
    assert "370102-1990-M: expected a column of the contract" in str(other.value)
    broken = read_contracts(project)["persons"].model_copy(update={"removed_when": "person::integer > 1"})
    cleaned = clean(CONTRACT, read_file(put(project, [row])).cells, DAY, b"key").facts
    with pytest.raises(UsageError) as third:
        ask(broken, cleaned)
    told = str(caught.value) + str(other.value) + str(third.value)
    assert not [secret for secret in ("三丰", code, "13812345678") if secret in told]
    assert tokens(b"key")("张三丰").rpartition("#")[2] not in told


@given(st.text(min_size=2, max_size=20))
def test_a_mask_hides_all_but_the_beginning(value: str) -> None:
    token = tokens(b"key")(value)
    assert shown(token) == mask(value)
    assert shown(shown(token)) == mask(value)
    assert tokens(b"key")(f" {value} ") == token
