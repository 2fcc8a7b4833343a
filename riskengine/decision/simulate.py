"""What would a change of the rules have done to the decisions of the last months, before it takes effect?

Everybody who applied is decided twice on what was known on the own day, by the same model: by the rules in force on one day,
and by those of another day or of another file. Nothing is recorded but the texts of the definitions under their hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from riskengine.clock import Span
from riskengine.decision.applicants import Applicant, recent_applicants
from riskengine.decision.desk import Desk, current_desk, desk_with
from riskengine.decision.progress import Progress
from riskengine.decision.review import decide, rule_of
from riskengine.errors import Problem, UsageError
from riskengine.portfolio.exposure import ZERO, rounded
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import reading_all
from riskengine.project import Project
from riskengine.schema import Dated, Definition

OUTCOMES = ("pass", "refer", "decline", "insufficient data")
LISTED = 20


@dataclass(frozen=True)
class Change:
    """The change to try: the rules of the day `on`, of `policy` instead of the project's file where one is given.

    `on` None: the first day after today's on which a dated value, a rule or a switch begins or ends.
    """

    on: date | None = None
    policy: Path | None = None


def simulate(project: Project, as_of: date, change: Change, months: int = 12) -> dict[str, Any]:
    """A JSON value: the decisions on those who applied in the `months` to `as_of`, before and after the change.

    `from` is the first day of the applications (the same day `months` earlier), `as_of` the last.
    `before`, `after`: for each outcome how many, the loans asked for, the amounts suggested, and their expected loss;
    The expected loss is that of the amount suggested (it is linear in the amount).
    `crossed`: outcome before -> outcome after -> how many; `rules`: how often each was hit, where that changes;
    `movers`: whose outcome or amount changes, largest request first, with the rules whose state differs and what bounds the
    amount after. Money is text.
    """
    desk = current_desk(project)
    other = desk_with(project, desk.bundle, change.policy) if change.policy else desk
    on = change.on or _next_day(other, as_of) or (as_of if change.policy else None)
    if on is None:
        hint = (
            "Add a dated line to policy.toml, products.toml or sizes.toml, or give --on DAY or --policy FILE"
        )
        problem = Problem("policy", f"a change that begins after {as_of}", "none", hint)
        raise UsageError("Nothing would change", [problem])
    with Workbench(desk.snapshot) as bench:
        recipe = reading_all([recipe for one in (desk, other) for recipe in one.recipes])
        start = _first_day(as_of, months)
        asked = recent_applicants(bench, rule_of(project), recipe, start, as_of)
        if not asked:
            problem = Problem(f"{start} to {as_of}", "at least one application", "none")
            raise UsageError("Nobody applied", [problem])
        old = _decided(desk, bench, asked, as_of)
        new = _decided(other, bench, asked, on)
    return {
        "as_of": str(as_of),
        "from": str(start),
        "months": months,
        "rules_before": _rested(desk, as_of),
        "rules_after": _rested(other, on),
        "model": desk.basis["bundle"],
        "currency": project.environment.currency,
        "applications": len(asked),
        "before": _side(old),
        "after": _side(new),
        "crossed": _crossed(old, new),
        "rules": _rules(old, new),
        **_movers(asked, old, new),
    }


def beginnings(definition: Definition) -> Iterable[date]:
    """Every day on which something dated inside a definition begins, or is no longer in force."""
    for name in type(definition).model_fields:
        value = getattr(definition, name)
        if isinstance(value, date) and name == "start":
            yield value
        elif isinstance(value, date) and name == "end":
            yield date.fromordinal(value.toordinal() + 1)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Definition | Dated):
                yield from beginnings(part)


def _next_day(desk: Desk, as_of: date) -> date | None:
    said = [one for one in (desk.policy, desk.products, desk.sizes) if one is not None]
    return min((day for one in said for day in beginnings(one) if day > as_of), default=None)


def _first_day(as_of: date, months: int) -> date:
    """The first day of the half-open window of so many months, or in the calendar's first year where it reaches no further."""
    reach = min(months, 12 * (as_of.year - 1) + as_of.month - 1)
    return Span(months=reach).before(as_of) + timedelta(days=1)


def _rested(desk: Desk, on: date) -> dict[str, str]:
    return {"on": str(on), **{name: desk.basis[name] for name in ("policy", "products", "sizes")}}


def _decided(
    desk: Desk, bench: Workbench, asked: Sequence[Applicant], rules_day: date
) -> list[dict[str, Any]]:
    progress = Progress()
    return decide(desk, bench, asked, progress, rules_day)


def _side(decided: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {outcome: _sums([one for one in decided if one["decision"] == outcome]) for outcome in OUTCOMES}


def _sums(decided: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many, the loans asked for, the amounts suggested and the expected loss of these (linear in the amount)."""
    asked, suggested, loss = ZERO, ZERO, ZERO
    for one in decided:
        amount = one["amount"]
        if amount is None:
            continue
        request = Decimal(amount["requested"])
        asked += request
        if amount["suggested"] is not None:
            given = Decimal(amount["suggested"])
            suggested += given
            loss += Decimal(amount["expected_loss"]) * given / request
    return {
        "applications": len(decided),
        "requested": str(rounded(asked)),
        "suggested": str(rounded(suggested)),
        "expected_loss": str(rounded(loss)),
        "terms_unknown": sum(one["amount"] is None for one in decided),
    }


def _crossed(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    counts = Counter((a["decision"], b["decision"]) for a, b in zip(old, new, strict=True))
    return {one: {two: counts[one, two] for two in OUTCOMES} for one in OUTCOMES}


def _rules(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, list[int]]]:
    """Rule -> state -> [before, after], of the rules whose counts change."""
    sides = [
        Counter(
            (line["rule"], line["state"])
            for one in side
            if one["policy"]
            for line in one["policy"]["findings"]
        )
        for side in (old, new)
    ]
    found: dict[str, dict[str, list[int]]] = {}
    for rule, state in sorted({*sides[0], *sides[1]}):
        pair = [side[rule, state] for side in sides]
        if pair[0] != pair[1]:
            found.setdefault(rule, {})[state] = pair
    return found


def _movers(
    asked: Sequence[Applicant], old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    found = []
    for applicant, before, after in zip(asked, old, new, strict=True):
        amounts = [one["amount"]["suggested"] if one["amount"] else None for one in (before, after)]
        if before["decision"] != after["decision"] or amounts[0] != amounts[1]:
            request = (after["amount"] or before["amount"] or {}).get("requested")
            found.append(
                {
                    "id": applicant.name,
                    "as_of": str(applicant.as_of),
                    "requested": request,
                    "decision": [before["decision"], after["decision"]],
                    "suggested": amounts,
                    "binding": list((after["amount"] or {}).get("binding", ())),
                    "rules": _hit(before, after),
                }
            )
    found.sort(key=lambda one: (-Decimal(str(one["requested"] or 0)), str(one["id"])))
    return {"movers": found[:LISTED], "movers_in_all": len(found)}


def _hit(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rules whose state differs, with both states; those that are hit on one of the sides come first."""
    states = [
        {line["rule"]: line["state"] for line in (one["policy"] or {"findings": ()})["findings"]}
        for one in (before, after)
    ]
    found = [
        {
            "rule": rule,
            "before": states[0].get(rule, "not applicable"),
            "after": states[1].get(rule, "not applicable"),
        }
        for rule in dict.fromkeys([*states[0], *states[1]])
        if states[0].get(rule) != states[1].get(rule)
    ]
    offers = [(one["offer"] or {}).get("offered", True) for one in (before, after)]
    if offers[0] != offers[1]:
        words = ["offered" if offered else "not offered" for offered in offers]
        found.insert(0, {"rule": str(after["offer"]["product"]), "before": words[0], "after": words[1]})
    return sorted(found, key=lambda one: not {"hit", "not offered"} & set(one.values()))
