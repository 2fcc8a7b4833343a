"""Whose desk: the contract's officer, else a stable share of the institution's enterprises."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.budget_terms import Budget
from riskengine.casework.officers import capacity, desks, spread

ON = date(2026, 6, 30)
SAID: dict[str, Any] = {"from": "2020-01-01", "reference": "test"}
NAMES = [f"E{number}" for number in range(400)]


def budget(officers: list[dict[str, Any]], **reads: str) -> Budget:
    return Budget.model_validate(
        {
            "reads": {"institution": "unit", **reads},
            "effectiveness": [{**SAID, "value": 0.5}],
            "cost": [{**SAID, "value": 1}],
            "places": [{**SAID, "value": 9}],
            "officer_places": [{**SAID, "value": 2}, {**SAID, "value": 4, "institution": "WF"}],
            "officer": officers,
        }
    )


def book(**columns: list[Any]) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    return pd.DataFrame({"id": [f"G{n}" for n in range(size)], "enterprise_id": NAMES[:size], **columns})


@given(
    st.lists(st.sampled_from("ABCDEFGH"), min_size=2, max_size=6, unique=True),
    st.integers(1, 5),
    st.randoms(),
)
@settings(max_examples=25, deadline=None)
def test_when_somebody_leaves_only_that_persons_enterprises_move(
    names: list[str], weight: int, order: Any
) -> None:
    team = [(name, float(weight)) for name in names]
    before = spread(NAMES, team)
    shuffled = list(team)
    order.shuffle(shuffled)
    assert spread(NAMES, shuffled) == before
    after = spread(NAMES, team[1:])
    assert all(new == old for old, new in zip(before, after, strict=True) if old != names[0])
    assert names[0] not in after
    joined = spread(NAMES, [*team, ("Z", 2.0)])
    assert all(new in (old, "Z") for old, new in zip(before, joined, strict=True))


def test_shares_are_in_proportion_to_capacity() -> None:
    enterprises = [f"E{number}" for number in range(6000)]
    found = Counter(spread(enterprises, [("Li", 1.0), ("Wang", 2.0), ("Zhao", 3.0), ("Away", 0.0)]))
    assert found["Away"] == 0
    for name, share in (("Li", 1 / 6), ("Wang", 2 / 6), ("Zhao", 3 / 6)):
        assert abs(found[name] / 6000 - share) < 0.03  # five standard errors
    assert spread(enterprises[:2], []) == ["", ""]


def test_the_contract_names_the_officer_and_the_others_share_the_rest() -> None:
    people = [
        {"name": "li", "institution": "JN", "published": "李*#0123456789abcdef"},
        {"name": "gone", "institution": "JN", "to": "2026-06-29"},
        {"name": "any"},
    ]
    frame = book(
        unit=["JN", "JN", "JN", "WF", None],
        who=["李*#0123456789abcdef", "王*#0123456789abcdef", "gone", None, None],
    )
    found = desks(frame, budget(people, officer="who"), ON)
    assert found.officer.tolist() == ["li", "王*#0123456789abcdef", "li", "any", "any"]
    assert found.institution.tolist() == ["JN", "JN", "JN", "WF", ""]
    there = desks(frame, budget(people, officer="who"), date(2026, 6, 29))
    assert there.officer.tolist()[2] == "gone"
    assert desks(frame, budget([]), ON).officer.tolist() == [""] * 5


def test_whose_capacity_is_what() -> None:
    people = [
        {"name": "li", "institution": "WF"},
        {"name": "wang", "institution": "WF", "capacity": 1},
        {"name": "any"},
    ]
    assert dict(capacity(budget(people), ON)) == {
        ("", ""): 2, ("WF", ""): 4, ("WF", "li"): 4, ("WF", "wang"): 1, ("", "any"): 2,
    }  # fmt: skip
