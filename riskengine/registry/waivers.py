"""May a model whose validation failed decide all the same, for how long, and what makes up for it?

A failed validation blocks a promotion. Whoever needs the model all the same says in writing what controls its use (a
restricted use, a compensating control) and until when: a documented exception, never a standing one. That exceptions
are temporary, reasoned and approved is usual practice under SR 26-2; the longest time, a year, is this house's [D].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError

LONGEST = Span(months=12)
_FEWEST = 10  # letters: a control is described, not named
_CHANGES = ("promote", "rollback", "propose")


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception: what controls the use of a model that failed its validation, and the last day it holds."""

    despite: str
    until: date

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.until

    def to_json(self) -> dict[str, str]:
        """What plan and ledger keep."""
        return {"despite": self.despite, "until": self.until.isoformat()}


def waiver(despite: str, until: date | None, today: date) -> Waiver | None:
    """The exception that somebody asks for (None: neither is given); a `UsageError` names what is missing or too long.

    >>> waiver("", None, date(2026, 1, 1)) is None
    True
    >>> waiver("loans up to 500,000 only", date(2026, 6, 30), date(2026, 1, 1)).expired(date(2026, 7, 1))
    True
    """
    text = despite.strip()
    if not text and until is None:
        return None
    problems = []
    if len(text) < _FEWEST:
        expected = "the control that makes up for the failed validation, in words 补偿性控制措施"
        problems.append(Problem("--despite", expected, repr(despite)))
    last = LONGEST.after(today)
    if until is None or not today < until <= last:
        got = "nothing" if until is None else str(until)
        problems.append(Problem("--until", f"a day after today, at the latest {last} 例外到期日", got))
    if problems or until is None:
        raise UsageError("An exception is documented and ends 例外须写明措施并设到期日", problems)
    return Waiver(text, until)


def waiver_of(acts: Sequence[Mapping[str, Any]], bundle: str) -> Waiver | None:
    """The exception under which a bundle was last proposed, promoted or restored (`acts`: `records.history`, oldest first)."""
    found: Waiver | None = None
    for act in acts:
        if (
            act["action"] in _CHANGES
            and act["detail"]["to"]["bundle"] == bundle
            and act["action"] != "rollback"
        ):
            kept = act["detail"].get("exception")
            found = Waiver(str(kept["despite"]), date.fromisoformat(str(kept["until"]))) if kept else None
    return found


def standing(acts: Sequence[Mapping[str, Any]], bundle: str, today: date) -> dict[str, Any] | None:
    """`waiver_of` for a reader: despite, until, and whether it has expired."""
    found = waiver_of(acts, bundle)
    return None if found is None else found.to_json() | {"expired": found.expired(today)}
