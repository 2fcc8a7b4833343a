"""Rows that the publisher took back, in a real store, as a slow reading says; and what becomes of the signal."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.signals import Signal
from riskengine.monitor.withdrawn import taken_back
from riskengine.profile.compute import Workbench
from riskengine.store.facts import FACT_FIELDS, FactStore

DAY = date(2026, 6, 1)
CONTRACTS: Any = {
    name: SimpleNamespace(name=name, key=("case_no", "court")) for name in ("court", "tax", "silent")
}
WORDS = {"en": "text", "zh": "文"}
Row = dict[str, Any]


def fact(case: str, event: int, known: int, batch: int, row: int, *, removed: bool = False) -> Row:
    return {"case_no": case, "court": None, "event_date": DAY + timedelta(days=event), "known_at": DAY + timedelta(days=known),
            "batch": batch, "row": row, "removed": removed, "fact_hash": f"{batch}-{row}"}  # fmt: skip


def stored(folder: Path, **sources: list[Row]) -> FactStore:
    store = FactStore(folder)
    kinds = dict(FACT_FIELDS) | {"case_no": pa.string(), "court": pa.string()}
    for source, facts in sources.items():
        for batch in sorted({one["batch"] for one in facts}):
            mine = [one for one in facts if one["batch"] == batch]
            columns = {name: pa.array([one[name] for one in mine], kind) for name, kind in kinds.items()}
            store.append(source, pa.table(columns), batch)
    store.publish({source: ["case_no", "court"] for source in sources})
    return store


def shown(*rows: tuple[str, Row], name: str = "1") -> dict[str, Any]:
    told = [{"source": source, "batch": row["batch"], "file": "f", "row": row["row"]} for source, row in rows]
    return {
        "signal": "S",
        "about": "guarantee",
        "id": name,
        "evidence": json.dumps({"rows": told, "of": len(told)}),
    }


def asked(store: FactStore, lines: list[dict[str, Any]], day: int) -> set[str]:
    with Workbench(store.snapshot()) as bench:
        found = taken_back(bench, CONTRACTS, pd.DataFrame(lines), DAY + timedelta(days=day))
    return {name for _, _, name in found}


def test_tombstones_and_corrections_but_no_news_nor_windows(tmp_path: Path) -> None:
    tombed, corrected, followed, alone = (fact(case, 0, 1, 1, n) for n, case in enumerate("abcd", 1))
    later = [
        fact("a", 0, 5, 2, 1, removed=True),  # taken off the list
        fact("b", 0, 6, 2, 2),  # the same day told otherwise
        fact("c", 4, 6, 2, 3),  # what happened next
    ]
    other = fact("a", 0, 1, 1, 1)
    store = stored(tmp_path, court=[tombed, corrected, followed, alone, *later], tax=[other])
    rows = {"tombed": tombed, "corrected": corrected, "followed": followed, "alone": alone}
    lines = [shown(("court", row), name=name) for name, row in rows.items()]
    lines += [
        shown(("court", tombed), ("court", corrected), name="both"),
        shown(("court", tombed), ("court", alone), name="one of two"),
        shown(("court", tombed), ("tax", other), name="another source's row stands"),
        shown(("silent", other), name="a source without facts"),
        shown(("gone", other), name="a source no longer defined"),
        {**shown(name="paths"), "evidence": '{"paths": [{"keys": ["a"]}]}'},
        {**shown(name="nothing"), "evidence": None},
    ]
    assert asked(store, lines, 4) == set()  # not known yet
    assert asked(store, lines, 5) == {"tombed"}
    assert asked(store, lines, 400) == {"tombed", "corrected", "both"}
    with Workbench(store.snapshot()) as bench:
        assert taken_back(bench, CONTRACTS, None, DAY) == frozenset()


def test_rows_that_are_only_counted_may_still_stand(tmp_path: Path) -> None:
    """Evidence lists three rows of five: all three taken back say nothing of the other two."""
    facts = [fact(case, 0, 1, 1, n) for n, case in enumerate("abcde", 1)]
    back = [fact(case, 0, 2, 2, n, removed=True) for n, case in enumerate("abc", 1)]
    store = stored(tmp_path, court=[*facts, *back])
    whole = shown(*(("court", row) for row in facts[:3]), name="all there is")
    part = shown(*(("court", row) for row in facts[:3]), name="three of five")
    part["evidence"] = json.dumps(json.loads(part["evidence"]) | {"of": 5})
    assert asked(store, [whole, part], 3) == {"all there is"}


@pytest.mark.parametrize("seed", range(4))
def test_as_a_slow_reading_says(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    facts: list[Row] = []
    for batch in range(1, 5):
        for row in range(1, 9):
            event = chance.randint(0, 3)
            known = max(event, batch * 2 + chance.randint(-1, 1))
            facts.append(
                fact(chance.choice("abcdefg"), event, known, batch, row, removed=chance.random() < 0.2)
            )
    store = stored(tmp_path, court=facts)
    lines = [shown(("court", one), name=str(n)) for n, one in enumerate(facts)]
    for day in (3, 6, 12):
        wanted = set()
        for n, one in enumerate(facts):
            order = lambda row: (row["event_date"], row["known_at"], row["batch"], row["row"])  # noqa: E731
            after = [two for two in facts if two["case_no"] == one["case_no"] and order(two) > order(one)
                     and two["known_at"] <= DAY + timedelta(days=day)]  # fmt: skip
            last = max(after, key=order, default=None)
            if last and (last["removed"] or last["event_date"] == one["event_date"]):
                wanted.add(str(n))
        assert asked(store, lines, day) == wanted


def test_what_rests_on_it_ends_or_waits_for_a_person(tmp_path: Path) -> None:
    """A yellow ends at once whatever days its exit asks; a red waits, withdrawn, until a person releases it."""
    case = fact("a", 0, 1, 1, 1)
    store = stored(tmp_path, court=[case, fact("a", 0, 2, 2, 1, removed=True)])
    bands = [{"severity": name, "when": [{"feature": "x", "op": ">=", "value": limit}]}
             for name, limit in (("yellow", 1), ("red", 2))]  # fmt: skip
    one = Signal.model_validate(
        {"id": "S", "title": WORDS, "category": WORDS, "bands": bands, "exit": {"days": 90, "words": WORDS},
         "text": {"en": "x {x:.0f}", "zh": "x {x:.0f}"}, "action": WORDS, "owner": WORDS, "reference": "r"})  # fmt: skip

    def book(*x: float | None) -> pd.DataFrame:
        frame = pd.DataFrame({"id": ["1", "2", "3", "4"], "x": pd.Series(x, dtype="float64")})
        return frame.assign(enterprise_id="E", expected_loss=1.0, exposure=2.0)

    first = evaluate([one], book(1, 2, 2, 1), Night(DAY)).signals
    first = first.assign(evidence=shown(("court", case))["evidence"])
    day = DAY + timedelta(days=2)
    with Workbench(store.snapshot()) as bench:
        gone = taken_back(bench, CONTRACTS, first, day)
    assert {name for *_, name in gone} == {"1", "2", "3", "4"}
    night = Night(day, {}, first, never_ends=("red",), withdrawn=gone)
    found = evaluate(
        [one], book(0, 0, 2, None), night
    )  # 3 still rests on something else; 4 has nothing left to tell
    assert found.ended[["id", "why", "text_en"]].to_numpy().tolist() == [
        ["1", "withdrawn", "x 1"],
        ["4", "withdrawn", "x 1"],
    ]
    assert dict(zip(found.signals.id, found.signals.state, strict=True)) == {
        "2": "withdrawn",
        "3": "continuing",
    }
    assert found.counts.withdrawn.tolist() == [1]
    waits = Night(day + timedelta(days=400), {}, found.signals, never_ends=("red",))
    assert evaluate([one], book(0, 0, 2, 0), waits).signals.state.tolist() == ["withdrawn", "continuing"]
    released = Night(
        day, {}, found.signals, never_ends=("red",), released=frozenset({("S", "guarantee", "2")})
    )
    assert evaluate([one], book(0, 0, 2, 0), released).ended.why.tolist() == ["released"]
    back = evaluate([one], book(0, 2, 2, 0), waits).signals
    assert dict(zip(back.id, back.state, strict=True)) == {"2": "renewed", "3": "continuing"}
