"""What is not told tonight, and why? Silence of a red, of a case's own clearing, and of a case that has just ended; all counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from riskengine.casework.case_endings import Memory
from riskengine.casework.case_events import WITHDRAWN, Change
from riskengine.casework.case_rules import CaseRules
from riskengine.monitor.evaluate import CLEARING, KEPT
from riskengine.monitor.signals import SEVERITIES

if TYPE_CHECKING:
    from riskengine.casework.case_rows import Case

_GONE = frozenset((CLEARING, WITHDRAWN))
_RED = len(SEVERITIES) - 1
_MILD = ("blue", "yellow")


def hushing(
    changes: Sequence[Change],
    made: Sequence[Case],
    rows: Mapping[str, Sequence[Any]],
    by: tuple[Mapping[str, frozenset[str]], frozenset[str]],
) -> tuple[list[bool], list[bool]]:
    """Of each signal whether a red hushes it, and of each case whether a red case of its enterprise does.

    `by`: which roots a red of a root silences, and the cases that people closed: these silence no other case.
    """
    silenced, closed = by
    red = [_true_red(change.group.members, rows) for change in changes]
    loud: dict[tuple[str, str], set[str]] = {}
    for row, is_red in zip(made, red, strict=True):
        if is_red and row.root in silenced and row.case not in closed:
            loud.setdefault((row.about, row.unit), set()).update(silenced[row.root])
    signals = [False] * len(rows["id"])
    hushed = []
    for change, row, is_red in zip(changes, made, red, strict=True):
        by_other = row.root in loud.get((row.about, row.unit), ())
        hushed.append(by_other and row.severity in _MILD)
        if is_red or by_other:
            for place in change.group.members:
                signals[place] = rows["severity"][place] in _MILD
    return signals, hushed


def _true_red(members: Sequence[int], rows: Mapping[str, Sequence[Any]]) -> bool:
    return any(
        rows["severity"][p] == SEVERITIES[_RED] and rows["state"][p] not in (*KEPT, WITHDRAWN)
        for p in members
    )


def quiet(row: Case, change: Change, states: Sequence[str], hushed: bool) -> str:
    """Why a case is not told, as far as the night alone can say: `inhibited`, `clearing` (a blue or yellow one), or ""."""
    if hushed:
        return "inhibited"
    if row.severity not in _MILD:
        return ""
    told = {states[place] for place in change.group.members}
    return CLEARING if CLEARING in told and told <= _GONE else ""


def cooling(row: Case, memory: Memory, rules: CaseRules, as_of: date) -> str:
    """`cool-down` where the case came again soon and no worse, and nothing has been added to it since."""
    last = memory.ended.get(row.follows) if row.follows else None
    if last is None or last["why"] == WITHDRAWN or row.raised_on > row.opened_on:
        return ""
    days = rules.cool_down(row.severity, as_of)
    no_worse = SEVERITIES.index(row.severity) <= SEVERITIES.index(last["severity"])
    return "cool-down" if no_worse and (as_of - last["ended_on"]).days < days else ""
