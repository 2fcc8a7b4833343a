"""What part of a guarantee's loss would acting on a night still have avoided, and what was a visit? By `configs/budget.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.casework.budget_terms import Budget
from riskengine.decision.products import tiers_on
from riskengine.project import Project
from riskengine.schema import in_force, read_definition

_MONTH = 30.4375  # days, as in casework.budget


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the part rests on: a feature of the guarantee, or the part itself with its reference."""

    name: str
    value: Any
    feature: str = ""
    reference: str | None = None


def avoided(project: Project, as_of: date, read: Callable[[Sequence[str]], Mapping[str, Any]]) -> list[Part]:
    """The features that the budget reads of a guarantee (`read` gives their values), and the part in force for them."""
    budget = _budget(project)
    if budget is None:
        return [Part("effectiveness", 1.0, reference="No budget.toml")]
    reads = [name for name in (budget.reads.maturity, budget.reads.overdue) if name]
    values = read(reads)
    told = [Part(name, values.get(name), name) for name in reads]
    late = in_force(budget.effectiveness_overdue, as_of)
    if late is not None and (values.get(budget.reads.overdue) or 0) > 0:
        return [*told, Part("effectiveness", late.value, reference=late.reference)]
    tiers = tiers_on(budget.effectiveness, as_of)
    days = values.get(budget.reads.maturity)
    if days is None:
        tier = max(tiers, key=lambda one: one.value)
    else:
        fit = [one for one in tiers if one.up_to is None or days / _MONTH <= one.up_to]
        tier = fit[0] if fit else tiers[-1]
    return [*told, Part("effectiveness", float(tier.value), reference=tier.reference)]


def visit(project: Project, institution: str, as_of: date) -> tuple[float, str] | None:
    """The cost of a visit in force for an institution, and its reference; None without a budget."""
    budget = _budget(project)
    if budget is None:
        return None
    for name in (institution, ""):
        if found := in_force([one for one in budget.cost if one.institution == name], as_of):
            return found.value, found.reference
    return None


def _budget(project: Project) -> Budget | None:
    path = project.configs / "budget.toml"
    return read_definition(Budget, path) if path.exists() else None
