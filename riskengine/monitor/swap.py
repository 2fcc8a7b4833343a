"""Who would be treated otherwise if another bundle decided: which grades, which decisions or alerts, how much expected loss?

In force: the whole book of a day, worked twice as a night works it, each time with the signals of the publication before.
Access: everybody who applied within the last months, each as of the own day, decided twice under today's policy. Counts
are of cases in the store: where these are a sample, they are the sample's, unweighted. Nothing is written but the content
of definitions under their own hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from riskengine.clock import Span, parse_day
from riskengine.decision.applicants import recent_applicants
from riskengine.decision.desk import Desk, desk_with
from riskengine.decision.review import decide
from riskengine.errors import Problem, SetupError
from riskengine.monitor import publish
from riskengine.monitor.frames import read_before
from riskengine.monitor.vocabulary import GUARANTEE
from riskengine.monitor.watch import read_watch
from riskengine.monitor.work import work
from riskengine.portfolio.exposure import ZERO, exact, rounded
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import reading_all
from riskengine.project import Project
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import master_scale
from riskengine.store import snapshot

MOST = 2_000  # applicants at most, the latest: people wait for a plan, and a verdict takes milliseconds
LISTED = 50
_QUIET = "none"


@dataclass(frozen=True, slots=True)
class Case:
    """One guarantee or applicant under one bundle: PD, grade, what follows from it, expected loss (None: terms unknown)."""

    pd: float
    grade: str
    outcome: str
    loss: Decimal | None


def plan_day(project: Project, bundle: Bundle) -> date:
    """The day a plan looks at unless told: the latest published night, or the training of the candidate if that is later."""
    trained = parse_day(str(bundle.card["trained_as_of"]), "card.json: trained_as_of")
    return max([*publish.days(project.store), trained])


def swap_set(
    project: Project, champion: Bundle, candidate: Bundle, as_of: date, months: int = 12
) -> dict[str, Any]:
    """A JSON value: how cases move from the champion's answer to the candidate's.

    `population`, `cases`, `matrix` (champion's grade -> candidate's grade -> cases), `better`, `same`, `worse` (by grade),
    `outcomes` (champion's outcome -> candidate's -> cases), `before` and `after` (each: outcomes, mean PD, expected loss as
    exact text), `expected_loss_change`, `movers` (those whose outcome changes, largest expected loss first).
    """
    in_force = candidate.spec.get("subject") == "guarantee"
    if in_force:
        old, new = (_book(project, bundle, as_of) for bundle in (champion, candidate))
    else:
        old, new = _applicants(project, (champion, candidate), as_of, months)
    both = sorted(set(old) & set(new))
    scale = {one.name: place for place, one in enumerate(master_scale(candidate).grades)}
    moves = [scale.get(new[name].grade, 0) - scale.get(old[name].grade, 0) for name in both]
    before, after = ([side[name] for name in both] for side in (old, new))
    sums = [sum((case.loss for case in side if case.loss is not None), ZERO) for side in (before, after)]
    changed = [name for name in both if old[name].outcome != new[name].outcome]
    changed.sort(key=lambda name: (-(new[name].loss or ZERO), name))
    return {
        "population": "in force" if in_force else f"applicants of {months} months",
        "as_of": str(as_of),
        "cases": len(both),
        "matrix": _crossed([(old[name].grade, new[name].grade) for name in both]),
        "grades": list(scale),
        "better": sum(move < 0 for move in moves),
        "same": sum(move == 0 for move in moves),
        "worse": sum(move > 0 for move in moves),
        "outcomes": _crossed([(old[name].outcome, new[name].outcome) for name in both]),
        "before": _side(before, sums[0]),
        "after": _side(after, sums[1]),
        "expected_loss_change": str(rounded(sums[1] - sums[0])),
        "movers": [_mover(name, old[name], new[name]) for name in changed[:LISTED]],
        "movers_in_all": len(changed),
    }


def _book(project: Project, bundle: Bundle, as_of: date) -> dict[str, Case]:
    """The guarantees in force by id; the outcome is the highest severity of their own signals."""
    earlier = read_before(publish.before(project.store, as_of))
    done = work(read_watch(project), bundle, snapshot.read(project.store), earlier, as_of)
    own = done.evaluation.signals
    own = own[own.about == GUARANTEE]
    order = {name: place for place, name in enumerate(("red", "orange", "yellow", "blue"))}
    worst: dict[str, str] = {}
    for name, severity in zip(own.id.astype("str"), own.severity, strict=True):
        if name not in worst or order[severity] < order[worst[name]]:
            worst[name] = severity
    book = done.book
    return {
        str(name): Case(
            float(chance),
            str(grade),
            worst.get(str(name), _QUIET),
            None if pd.isna(loss) else exact(float(loss)),
        )
        for name, chance, grade, loss in zip(book.id, book.pd, book.grade, book.expected_loss, strict=True)
    }


def _applicants(
    project: Project, bundles: tuple[Bundle, Bundle], as_of: date, months: int
) -> tuple[dict[str, Case], dict[str, Case]]:
    """The recent applicants by id; the outcome is the whole decision: policy, model, gaps."""
    from riskengine.profile.catalogue import Catalogue

    desks = [desk_with(project, bundle) for bundle in bundles]
    for desk, bundle in zip(desks, bundles, strict=True):
        if desk.policy.decision.model != bundle.model:
            place = str(project.configs / "policy.toml")
            problem = Problem(
                f"{place}: decision.model", repr(bundle.model), repr(desk.policy.decision.model)
            )
            raise SetupError("The policy does not decide by this model: no swap set can be shown", [problem])
    rule = Catalogue(project).subjects.applicant
    start = Span(months=months).before(as_of)
    with Workbench(desks[0].snapshot) as bench:
        recipe = reading_all([recipe for desk in desks for recipe in desk.recipes])
        asked = recent_applicants(bench, rule, recipe, start, as_of)[-MOST:]
        found = [_decided(desk, bench, asked) for desk in desks]
    return found[0], found[1]


def _decided(desk: Desk, bench: Workbench, asked: Sequence[Any]) -> dict[str, Case]:
    cases = {}
    for applicant, said in zip(asked, decide(desk, bench, asked), strict=True):
        if said["model"] is not None:
            amount = said["amount"]
            loss = Decimal(amount["expected_loss"]) if amount else None
            cases[str(applicant.name)] = Case(
                said["model"]["pd"], said["model"]["grade"], said["decision"], loss
            )
    return cases


def _crossed(pairs: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (old, new), count in sorted(Counter(pairs).items()):
        found.setdefault(old, {})[new] = count
    return found


def _side(cases: Sequence[Case], loss: Decimal) -> dict[str, Any]:
    outcomes: Mapping[str, int] = Counter(case.outcome for case in cases)
    mean = sum(case.pd for case in cases) / len(cases) if cases else None
    return {
        "outcomes": dict(sorted(outcomes.items())),
        "mean_pd": None if mean is None else round(mean, 6),
        "expected_loss": str(rounded(loss)),
        "terms_unknown": sum(case.loss is None for case in cases),
    }


def _mover(name: str, old: Case, new: Case) -> dict[str, Any]:
    return {
        "id": name,
        "pd": [round(old.pd, 6), round(new.pd, 6)],
        "grade": [old.grade, new.grade],
        "outcome": [old.outcome, new.outcome],
        "expected_loss": [None if case.loss is None else str(rounded(case.loss)) for case in (old, new)],
    }
