"""Which lines are worth an officer's visit tonight, and what becomes of all the others?

A visit is worth its cost where it saves more than it costs: this is example-dependent cost-sensitive decision making
(Elkan, "The foundations of cost-sensitive learning", IJCAI 2001; Torgo, Lopes, "Utility-based fraud detection", IJCAI 2011:
rank what can be inspected by the expected benefit of inspecting it, net of the inspection).

    net of a line = sum over its guarantees of effectiveness(months to maturity, overdue) * loss used - cost of a visit

The loss used is `PD * LGD * guaranteed amount * the guarantor's own share`: `monitor.night.valued` takes it from
`portfolio.exposure.Exposure.expected_loss`, whose `own` is the guarantee times `Shares.retained`, direct / (1 - bank). What
bank, re-guarantee (province), fund and local government bear is thus out already and is not subtracted twice; the PD is that
after rule floors (`floors`). Effectiveness is the part of that loss that acting now still avoids.

Capacity: every line takes one place of its institution and one of its officer. An officer belongs to one institution, so
the sets of lines that fit form a laminar matroid, and taking lines in the order of their net is not a heuristic but the
largest total there is (Edmonds, "Matroids and the greedy algorithm", Mathematical Programming 1 (1971)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from riskengine.casework.budget_terms import Budget, of_institution
from riskengine.casework.connected import ENTERPRISE
from riskengine.casework.officers import capacity, desks
from riskengine.decision.products import tiers_on
from riskengine.errors import Problem, UsageError
from riskengine.monitor.ranking import known_loss, reserved
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE
from riskengine.schema import in_force

ACT, OVERFLOW, COSTS_MORE = "act", "overflow", "costs more than it saves"
PLACES = (ACT, OVERFLOW, COSTS_MORE)
COLUMNS = {
    "institution": "object", "officer": "object", "avoidable": "float64", "cost": "float64", "net": "float64",
    "rank": "int64", "place": "object", "pd_used": "float64", "loss_used": "float64", "floor": "object",
}  # fmt: skip
COUNTED = ("unit", "fate", "reason", "severity", "number")
COMPENSATED = "turned compensated"
INHIBITED, GROUP, NO_CASE, NO_LINE, QUIET = "inhibited", "group or feed", "no case", "no line", "quiet"
_MONTH = 30.4375  # days
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}


def budgeted(lines: pd.DataFrame, book: pd.DataFrame, budget: Budget, as_of: date) -> pd.DataFrame:
    """The lines by rank, with COLUMNS: desk, money in currency units (avoidable, cost, net), rank from 1, place, and what
    the money rests on: the highest PD and the whole loss after floors, and the id of the highest floor (None: none).

    `lines`: one row an enterprise (`enterprise, severity, phase, owner, guarantee, expected_loss, pd`); `book`: one row a
    guarantee (`id, enterprise_id, pd, expected_loss`, after `floors` also `pd_used, loss_used`, and what the budget reads).

    1. A line with an owner stays "act" with that owner; in the phases of `takes` it takes a place first.
    2. Of each institution's places the quota (rounded up) goes to the worst severity by rank, whatever it costs.
    3. The other places go by rank. What finds none is "overflow"; what costs more than it saves is so called, except the
       severities of `always`. Nothing is dropped. Ties: avoidable, PD, severity, then the enterprise's id.
    """
    _check_begun(budget, as_of)
    desk = desks(book, budget, as_of)
    named = lines.guarantee.astype("str")
    institution = named.map(desk.institution).fillna("").astype("object")
    owner = lines.owner.astype("object").where(lines.owner.notna(), "")
    officer = named.map(desk.officer).fillna("").astype("object")
    avoidable = _avoidable(lines, book, budget, as_of)
    costs = of_institution(budget.cost, as_of)
    cost = institution.map({**dict.fromkeys(institution, costs[""]), **costs}).astype("float64")
    made = lines.drop(columns=[name for name in COLUMNS if name in lines.columns]).assign(
        institution=institution,
        officer=owner.where(owner != "", officer),
        avoidable=avoidable.round(2),
        cost=cost,
    )
    made["net"] = (made.avoidable - made.cost).round(2)
    made = made.assign(**_used(lines, book))
    made["_pd"], made["_level"] = made.pd.astype("float64"), made.severity.map(_NUMBER)
    order = ["net", "avoidable", "_pd", "_level", "enterprise"]
    made = made.sort_values(order, ascending=[False] * 4 + [True], kind="stable", ignore_index=True)
    made = made.drop(columns=["_pd", "_level"]).assign(rank=np.arange(1, len(made) + 1))
    return made.assign(place=pd.Series(_placed(made, budget, as_of), dtype="object"))


def loss_still_avoidable(book: pd.DataFrame, budget: Budget, as_of: date) -> pd.Series:
    """What acting tonight would save of each guarantee, in currency units, before the cost of a visit.

    Unknown maturity counts as the most effective: knowing less never moves a line down.
    """
    _check_begun(budget, as_of)
    tiers = tiers_on(budget.effectiveness, as_of)
    most = max(tier.value for tier in tiers)
    part = pd.Series(most, index=book.index)
    if budget.reads.maturity:
        months = book[budget.reads.maturity].astype("float64") / _MONTH
        limits = [float("inf") if tier.up_to is None else tier.up_to for tier in tiers]
        reached: list[Any] = [months <= limit for limit in limits]
        chosen = np.select(reached, [tier.value for tier in tiers], default=tiers[-1].value)
        part = pd.Series(chosen, index=book.index).where(months.notna(), most)
    late = in_force(budget.effectiveness_overdue, as_of)
    if budget.reads.overdue and late is not None:
        part = part.mask(book[budget.reads.overdue].astype("float64") > 0, late.value)
    return part * known_loss(book)


def first(lines: pd.DataFrame, size: int, budget: Budget, as_of: date) -> pd.DataFrame:
    """The `size` budgeted lines to name first: those to act on by rank, the quota kept for the worst severity; where there
    are fewer, the overflow and then the rest fill the list.
    """
    share = in_force(budget.quota, as_of)
    act = lines[lines.place == ACT]
    top = reserved(act, size, share.value if share else 0.0)
    more = [number for place in PLACES[1:] for number in lines.index[lines.place == place]]
    return lines.loc[[*top.index, *more[: max(size - len(top), 0)]]]


def counted(lines: pd.DataFrame, cases: pd.DataFrame, signals: pd.DataFrame) -> pd.DataFrame:
    """What became of every signal, case and line of the night: rows COUNTED, whose numbers add up to all there are.

    `fate` is a place (act, overflow, costs more than it saves), "inhibited" (a signal under a worse one), "quiet" (`reason`
    says why: snoozed, false alarm, resolved, watch, cool-down, clearing), "group or feed" (not about one enterprise),
    "no line" or "no case" (nothing shows it: expected to be nought, and told if it is not).
    """
    place = pd.Series(lines.place.to_numpy(), index=lines.enterprise.astype("str"))
    known = cases.quiet.astype("object").where(cases.quiet.notna(), "")
    alone = ~cases.about.isin((ENTERPRISE, GUARANTEE))
    fate = cases.unit.astype("str").map(place).astype("object").fillna(NO_LINE)
    fate = fate.mask(alone, GROUP).mask(known != "", QUIET)
    of_case = pd.DataFrame(
        {"case": cases.case.to_numpy(), "fate": fate.to_numpy(), "reason": known.to_numpy()}
    )
    by_case = of_case.set_index("case")
    inhibited = signals.inhibited.eq(True)
    of_signal = signals.case.map(by_case.fate).astype("object").fillna(NO_CASE).mask(inhibited, INHIBITED)
    why = signals.case.map(by_case.reason).astype("object").fillna("").mask(inhibited, "")
    frames = [
        _tally("line", lines.place, pd.Series("", index=lines.index), lines.severity),
        _tally("case", fate, known, cases.severity),
        _tally("signal", of_signal, why, signals.severity),
    ]
    return pd.concat(frames, ignore_index=True)[list(COUNTED)]


def _unit(book: pd.DataFrame) -> pd.Series:
    """Whose line a guarantee is on: its enterprise's, of one whose enterprise is not known its own."""
    name = book.enterprise_id.astype("object")
    return name.where(name.notna() & name.ne(""), book.id).astype("str")


def _used(lines: pd.DataFrame, book: pd.DataFrame) -> dict[str, pd.Series]:
    """What each line's money rests on: PD and loss after floors, and the highest floor."""
    unit, name = _unit(book), lines.enterprise.astype("str")
    pds = book["pd_used" if "pd_used" in book.columns else "pd"].astype("float64")
    made = {
        "pd_used": name.map(pds.groupby(unit).max()).astype("float64"),
        "loss_used": name.map(known_loss(book).groupby(unit).sum()).astype("float64").round(2),
        "floor": pd.Series(np.full(len(lines), None, dtype="object"), index=lines.index, dtype="object"),
    }
    if "floor" in book.columns:
        held = pd.DataFrame({"unit": unit, "floor": book.floor, "pd_floor": book.pd_floor}).dropna()
        held = held.sort_values(["pd_floor", "floor"], ascending=[False, True]).drop_duplicates("unit")
        floor = name.map(held.set_index("unit").floor).astype("object")
        made["floor"] = floor.where(floor.notna(), None)
    return made


def _check_begun(budget: Budget, as_of: date) -> None:
    """A budget whose cost or effectiveness is not in force on the day is a `UsageError`."""
    begun = {
        "cost": "" in of_institution(budget.cost, as_of),
        "effectiveness": bool(tiers_on(budget.effectiveness, as_of)),
    }
    problems = [
        Problem(
            f"budget.toml: {name}", f"one in force on {as_of}", "none", "Date one from before the night's day"
        )
        for name, there in begun.items()
        if not there
    ]
    if problems:
        raise UsageError("The budget has not begun on this day", problems)


def _tally(unit: str, fate: pd.Series, reason: pd.Series, severity: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame(
        {"fate": fate.to_numpy(), "reason": reason.to_numpy(), "severity": severity.to_numpy()}
    )
    made = rows.groupby(["fate", "reason", "severity"], dropna=False, sort=True).size()
    return made.rename("number").reset_index().assign(unit=unit).astype({"number": "int64"})


def _avoidable(lines: pd.DataFrame, book: pd.DataFrame, budget: Budget, as_of: date) -> pd.Series:
    """What a visit to each line's enterprise saves (a guarantee of nobody known is a line of its own); of one that is not
    in the book, its own expected loss at most.
    """
    total = loss_still_avoidable(book, budget, as_of).groupby(_unit(book)).sum()
    most = max(tier.value for tier in tiers_on(budget.effectiveness, as_of))
    otherwise = lines.expected_loss.astype("float64") * most
    largest = float(total.max()) if len(total) else 0.0
    made = lines.enterprise.astype("str").map(total).fillna(otherwise).fillna(largest).astype("float64")
    return made.mask(lines.phase.eq(COMPENSATED), 0.0)


@dataclass
class _Room:
    """How many places are left, by institution and by officer; a key that is not there has no limit."""

    institutions: Mapping[str, float]
    officers: Mapping[tuple[str, str], float]
    used: Counter[Any] = field(default_factory=Counter)

    def take(self, unit: str, officer: str, forced: bool = False) -> bool:
        """Take a place of both where both have one left (or, for what stays with its owner, in any case)."""
        person = self._person(unit, officer)
        own = self.officers.get(person, self.officers.get((unit, ""), self.officers.get(("", ""), np.inf)))
        free = not officer or self.used[person] < own
        if not forced and not (free and self.used[unit] < self.of(unit)):
            return False
        self.used[unit] += 1
        self.used[person] += 1
        return True

    def of(self, unit: str) -> float:
        return self.institutions.get(unit, self.institutions.get("", np.inf))

    def _person(self, unit: str, officer: str) -> tuple[str, str]:
        """Who is meant: of an institution's own, or somebody for every institution, whose places are one stock."""
        own, any_ = (unit, officer), ("", officer)
        return any_ if own not in self.officers and any_ in self.officers else own


def _placed(rows: pd.DataFrame, budget: Budget, as_of: date) -> list[str]:
    """The place of each row, the rows being in rank order."""
    room = _Room(of_institution(budget.places, as_of), capacity(budget, as_of))
    share = in_force(budget.quota, as_of)
    units, officers = rows.institution.tolist(), rows.officer.tolist()
    owned = (rows.owner.notna() & rows.owner.ne("")).tolist()
    worst = rows.severity.eq(SEVERITIES[-1]).tolist()
    found = [""] * len(rows)
    given: Counter[str] = Counter()
    for number, phase in enumerate(rows.phase.tolist()):
        if owned[number]:
            found[number] = ACT
            if phase in budget.takes:
                room.take(units[number], officers[number], forced=True)
                given[units[number]] += worst[number]
    for number, unit in enumerate(units):
        if share and worst[number] and not found[number]:
            limit = room.of(unit)
            quota = ceil(share.value * limit) if limit < np.inf else np.inf
            if given[unit] < quota and room.take(unit, officers[number]):
                found[number] = ACT
                given[unit] += 1
    always, worth = rows.severity.isin(budget.always).tolist(), rows.net.gt(0).tolist()
    for number, unit in enumerate(units):
        if not found[number] and not (worth[number] or always[number]):
            found[number] = COSTS_MORE
        elif not found[number]:
            found[number] = ACT if room.take(unit, officers[number]) else OVERFLOW
    return found
