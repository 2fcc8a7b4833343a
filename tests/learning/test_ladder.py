"""The ladder of outcomes: its mistakes are named, and its events are those a patient reader of the facts would find."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.learning.ladder import Ladder, label_problems, read_ladder, rung_events
from riskengine.learning.spec_blocks import Label
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.reports.checking import check_project

ROOT = Path(__file__).parents[2]
BEGIN = date(2024, 1, 1)


class Bench:
    """A workbench over rows written in a test: `known_at`, `removed` and any columns; the store's order of versions."""

    def __init__(self, catalogue: Catalogue, rows: dict[str, list[dict[str, Any]]]) -> None:
        self.connection = duckdb.connect()
        self.rows = rows
        for source, listed in rows.items():
            contract = catalogue.sources[source]
            frame = pd.DataFrame([_fact(contract.event_clock.column, row) for row in listed])
            frame["rank"] = range(len(frame))
            frame["superseded_at"] = [_superseded(frame, contract.key, place) for place in range(len(frame))]
            dates = [name for name in frame if name.endswith(("_dt", "_at")) or name in ("dt", "event_date")]
            frame[dates] = frame[dates].apply(lambda part: pd.to_datetime(part).astype("datetime64[s]"))
            cast = ", ".join(f'"{name}"::DATE AS "{name}"' for name in dates)
            self.connection.register("given", frame)
            self.connection.execute(f"CREATE TABLE {source} AS SELECT * REPLACE ({cast}) FROM given")

    def facts(self, source: str) -> str:
        return source if source in self.rows else ""


def _fact(clock: str, row: dict[str, Any]) -> dict[str, Any]:
    return {"removed": False, "event_date": row[clock], **row}


def _superseded(frame: pd.DataFrame, key: Sequence[str], place: int) -> Any:
    """The first day on which a later row of the same key was known (rows are given in the store's order)."""
    later = frame.iloc[place + 1 :]
    for name in key:
        later = later[later[name] == frame[name].iloc[place]]
    return later["known_at"].min() if len(later) else None


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(Project(ROOT))


def events(catalogue: Catalogue, rows: dict[str, list[dict[str, Any]]], known: date) -> list[tuple[Any, ...]]:
    rungs = [rung for rung in _ladder(catalogue).rungs if rung.source in rows]
    bench = Bench(catalogue, rows)
    found = rung_events(bench, catalogue, rungs, "guar_id", known)  # type: ignore[arg-type]
    bench.connection.close()
    told = ("event_date", "known_at", "left", "left_known")
    return [
        (
            line["subject"],
            line["rung"],
            *(None if pd.isna(line[name]) else line[name].date() for name in told),
        )
        for line in found.to_dict("records")
    ]


@cache
def _ladder(catalogue: Catalogue) -> Ladder:
    ladder = read_ladder(catalogue)
    assert ladder is not None
    return ladder


DAYS = st.integers(0, 200).map(lambda n: BEGIN + timedelta(days=n))
VERSIONS = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(0, 200), st.sampled_from("0123"), st.none() | st.integers(0, 150)
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(VERSIONS, DAYS)
def test_an_overdue_lasts_until_its_cure_is_known(catalogue: Catalogue, told: list[Any], known: date) -> None:
    began = {"a": BEGIN, "b": BEGIN + timedelta(days=20)}
    rows = [
        {"guar_id": who, "ovd_dt": began[who], "known_at": BEGIN + timedelta(days=day), "type": kind,
         "removed": kind == "0", "cured_dt": None if cured is None else began[who] + timedelta(days=cured)}
        for who, day, kind, cured in sorted(told, key=lambda item: item[1])
    ]  # fmt: skip
    expected = []
    for who in sorted(began):
        versions = [row for row in rows if row["guar_id"] == who and row["known_at"] <= known]
        real = [row for row in versions if row["type"] != "0"]
        if not real:
            continue
        first, last = real[0]["known_at"], versions[-1]
        left = last["cured_dt"] or (last["known_at"] if last["type"] == "0" else None)
        left_known = last["known_at"] if left else None
        expected.append((who, "overdue", began[who], max(first, began[who]), left, left_known))
        late = began[who] + timedelta(days=90)
        if late <= known and (left is None or left > late):
            expected.append((who, "overdue_90d", late, max(first, late), left, left_known))
    assert events(catalogue, {"overdue": rows}, known) == expected


def test_each_rung_is_read_from_its_own_facts(catalogue: Catalogue) -> None:
    day = [BEGIN + timedelta(days=10 * n) for n in range(10)]
    release = [("a", "代偿解保", "代偿"), ("b", "正常解保", "提前还清"), ("c", "正常解保", None), ("d", None, "到期还清"),
               ("e", "诉保解保", "判决免责"), ("f", None, "提前还清"), ("g", "正常解保", "保证期间届满")]  # fmt: skip
    rows = {
        "compensation": [{"guar_id": "a", "pay_dt": day[1], "known_at": day[2]}],
        "recovery": [
            {"recovery_id": "1", "guar_id": "a", "recover_dt": day[4], "known_at": day[4], "kind": "追回"},
            {"recovery_id": "2", "guar_id": "a", "recover_dt": day[5], "known_at": day[5], "kind": "追回"},
            {"recovery_id": "2", "guar_id": "a", "recover_dt": day[5], "known_at": day[6], "kind": "追回", "removed": True},
            {"recovery_id": "3", "guar_id": "a", "recover_dt": day[6], "known_at": day[8], "kind": "核销"},
        ],
        "release": [
            {"guar_id": who, "release_dt": day[3], "known_at": day[4], "type": kind, "reason": why}
            for who, kind, why in release
        ],
        "disbursement": [
            {"guar_id": "b", "flow_no": "X1", "dt": day[2], "known_at": day[3], "type": "展期"},
            {"guar_id": "b", "flow_no": "L1", "dt": day[0], "known_at": day[1], "type": "放款"},
        ],
    }  # fmt: skip
    got = [item[:4] for item in events(catalogue, rows, day[7])]
    assert got == [
        ("a", "compensated", day[1], day[2]),
        ("a", "recovered", day[4], day[4]),  # the second was reversed; the write-off is not known yet
        ("b", "extended", day[2], day[3]),
        ("b", "released_early", day[3], day[4]),
        ("c", "released", day[3], day[4]),
        ("d", "released", day[3], day[4]),
        ("e", "freed", day[3], day[4]),
        ("f", "released_early", day[3], day[4]),
        ("g", "freed", day[3], day[4]),
    ]
    assert ("a", "recovered", day[5], day[5]) in [item[:4] for item in events(catalogue, rows, day[5])]
    assert ("a", "written_off", day[6], day[8]) in [item[:4] for item in events(catalogue, rows, day[8])]


def test_a_correction_keeps_the_day_on_which_the_event_was_first_known(catalogue: Catalogue) -> None:
    day = [BEGIN + timedelta(days=10 * n) for n in range(6)]
    paid = {"guar_id": "a", "pay_dt": day[0], "principal": 1}
    rows = {"compensation": [paid | {"known_at": day[1]}, paid | {"known_at": day[3], "principal": 2}]}
    assert events(catalogue, rows, day[4]) == [("a", "compensated", day[0], day[1], None, None)]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = tmp_path_factory.mktemp("wrong")
    for room in ("configs", "features", "models"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return Catalogue(Project(folder))


SAID = [
    ('default = "compensated"', 'default = "compensatd"', "Did you mean 'compensated'?"),
    ('default = "compensated"', 'default = "released"', "expected a step"),
    ('source = "compensation"', 'source = "compensatoin"', "Did you mean 'compensation'?"),
    ("when = \"kind = '核销'\"", "when = \"kind = '核消'\"", "got '核消'. Known: 核销, 追回"),
    ("when = \"type = '展期'\"", "when = \"tpye = '展期'\"", "Did you mean 'type'?"),
    ("when = \"type = '展期'\"", 'when = "type"', "which gives VARCHAR"),
    ('date = "pay_dt"', 'date = "status"', "a date column of reguar_comp"),
    ('left = "cured_dt"\nafter = "90d"', 'after = "90d"', "a rung that lasts"),
    ('after = "90d"', 'after = "90 days"', "rung overdue_90d.after"),
    ('id = "freed"', 'id = "extended"', "'extended' twice"),
    ('id = "freed"\nkind = "exit"', 'id = "freed"\nkinds = "exit"', "Did you mean 'kind'?"),
    ('source = "reguar_comp"', 'source = "mkt_reg"', "a source with guar_id"),
]


@pytest.mark.parametrize(("old", "new", "said"), SAID)
def test_mistakes_are_named(wrong: Catalogue, old: str, new: str, said: str) -> None:
    text = (ROOT / "configs/outcomes.toml").read_text(encoding="utf-8")
    assert old in text
    (wrong.project.root / "configs/outcomes.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_ladder(wrong)
    assert said in str(caught.value)


def test_all_mistakes_come_at_once_and_check_lists_them(wrong: Catalogue) -> None:
    text = (ROOT / "configs/outcomes.toml").read_text(encoding="utf-8")
    for old, new, _ in (SAID[0], SAID[2], SAID[3]):
        text = text.replace(old, new, 1)
    (wrong.project.root / "configs/outcomes.toml").write_text(text, encoding="utf-8")
    _, problems = check_project(wrong.project)
    listed = "\n".join(str(problem) for problem in problems)
    assert all(said in listed for _, _, said in (SAID[0], SAID[2], SAID[3]))


def test_a_label_names_rungs_that_are_there(catalogue: Catalogue) -> None:
    ladder = read_ladder(catalogue)
    label = Label(source="compensatd", indeterminate=("overdue_90",), competing=("released", "extendd"))
    said = "\n".join(str(problem) for problem in label_problems(catalogue, ladder, label, "guarantee"))
    assert "Did you mean 'compensated'?" in said
    assert "Did you mean 'overdue_90d'?" in said
    assert "Did you mean 'extended'?" in said
    assert "'released'" not in said
    itself = Label(source="compensated", competing=("compensated",))
    assert len(label_problems(catalogue, ladder, itself, "applicant")) == 1
    assert label_problems(catalogue, ladder, Label(source="compensation"), "applicant") == []
    without = label_problems(
        catalogue, None, Label(source="compensation", excluded=("overdue",)), "applicant"
    )
    assert "no such file" in str(without[0])


def test_causes_are_the_default_and_the_exits(catalogue: Catalogue) -> None:
    ladder = read_ladder(catalogue)
    assert ladder is not None
    assert ladder.causes == ("compensated", "released", "released_early", "freed", "extended")
    only = read_ladder(Catalogue(Project(ROOT / "examples/sba_7a")))
    assert only is not None
    assert only.causes == ("charged_off",)
