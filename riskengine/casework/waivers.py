"""Which rule floors are waived for whom, until when, by whom and with whose approval, and which waivers have run out?

A waiver removes a floor, never the signal. One person asks (`signals waive`), another approves (`signals release W…`), and it
ends by itself: from the day after its last one the floor counts again and a signal says so (`casework/floors.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.engine import Engine

from riskengine.casework.acts import case_acts, folded
from riskengine.casework.states import WAIVED, Standing
from riskengine.schema import fingerprint

AWAITING = "awaiting"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One floor waived for one enterprise; `state`: `awaiting` (a second person) or `waived`. `until` is its last day."""

    id: str
    enterprise: str
    floor: str
    until: date
    why: str
    by: str
    approved_by: str
    state: str

    def in_force(self, as_of: date) -> bool:
        """Whether it removes the floor on a day; a waived one that does not has expired."""
        return self.state == WAIVED and as_of <= self.until


def waiver_id(enterprise: str, floor: str) -> str:
    """The id under which acts about a waiver are kept: `W` and ten hexadecimal digits."""
    return "W" + fingerprint([enterprise, floor])[:10].upper()


def waivers(ledger: Engine, as_of: date) -> list[Waiver]:
    """Every waiver that was asked for or approved by a day and not taken back, by enterprise and floor."""
    found = []
    for standing in folded(case_acts(ledger, as_of)).values():
        if standing.floor:
            found += [one for one in _of(standing) if one is not None]
    return sorted(found, key=lambda one: (one.enterprise, one.floor, one.state))


def _of(standing: Standing) -> list[Waiver | None]:
    def told(until: date | None, state: str, why: str, who: tuple[str, str]) -> Waiver | None:
        if until is None:
            return None
        key = (standing.case, standing.enterprise, standing.floor)
        return Waiver(*key, until, why, *who, state)

    asked = None
    if standing.awaiting:
        asked = told(standing.asked_until, AWAITING, standing.why, (standing.proposer or "", ""))
    if standing.phase != WAIVED:
        return [asked]
    by, approved, why = standing.granted
    return [told(standing.until, WAIVED, why, (by, approved)), asked]
