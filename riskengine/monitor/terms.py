"""When may one guarantee in force default? Its champion's PD month by month, to the end of the months that it knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.monitor.night import subject_rows
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_in_force
from riskengine.project import Project
from riskengine.scoring.bundle import Bundle, champion
from riskengine.scoring.calibration import segment_of
from riskengine.scoring.scorecard import TermStructure, term_of
from riskengine.scoring.single import ordered_row
from riskengine.scoring.trees import raw_score
from riskengine.store import snapshot


@dataclass(frozen=True, slots=True)
class GuaranteeTerm:
    """The term structure of one guarantee in force on a day, by which bundle and over which snapshot."""

    id: str
    as_of: date
    model: str
    bundle: str
    snapshot: str
    term: TermStructure

    def to_json(self) -> dict[str, Any]:
        """A JSON value; `months` has one object a month: hazard, cumulative PD and cumulative exit."""
        term = self.term
        months = zip(term.hazards, term.pds, term.exits, strict=True)
        return {
            "id": self.id,
            "as_of": str(self.as_of),
            "model": self.model,
            "bundle": self.bundle,
            "snapshot": self.snapshot,
            "horizon": term.horizon,
            "pd": term.pd,
            "lifetime": len(term.pds),
            "pd_lifetime": term.lifetime_pd,
            "months": [
                {"month": month, "hazard": hazard, "pd": pd, "exit": gone}
                for month, (hazard, pd, gone) in enumerate(months, 1)
            ],
        }


def guarantee_term(project: Project, model: str, name: str, as_of: date) -> GuaranteeTerm:
    """The term structure of the guarantee numbered `name`, profiled as of a day, by the champion of `model`.

    A model of applicants or without a hazard, or a guarantee that is not in force, is a `UsageError`.
    """
    bundle = champion(project.store, model)
    problems = _unfit(bundle)
    if problems:
        raise UsageError(f"{model} knows no months", problems)
    rule, recipe = Catalogue(project).subjects.guarantee, Recipe.from_json(bundle.recipe)
    with Workbench(snapshot.read(project.store)) as bench:
        load_in_force(bench, rule, recipe, [as_of])
        book = subject_rows(bench)
        mine = book[book["id"] == name]
        if mine.empty:
            hint = "Check the number, or choose another day"
            got = f"{name!r}, which is none of the {len(book)}"
            raise UsageError("Not in force", [Problem("guarantee", f"one in force on {as_of}", got, hint)])
        keys = {str(column): value for column, value in mine.iloc[0].to_dict().items()}
        bench.load_subjects(recipe, [Subject(as_of, keys)])
        bench.load_facts(recipe)
        row = ordered_row(bundle, bench.rows(recipe)[0])
        term = term_of(bundle, raw_score(bundle.trees, row), row, segment_of(bundle.calibration, keys))
        assert term is not None
        return GuaranteeTerm(name, as_of, model, bundle.hash, bench.snapshot.id, term)


def _unfit(bundle: Bundle) -> list[Problem]:
    """Why a bundle cannot tell a guarantee's months."""
    subject, method = bundle.spec.get("subject"), bundle.calibration["method"]
    problems = []
    if subject != "guarantee":
        problems.append(Problem(f"{bundle.model}: subject", "guarantee", repr(subject), "Choose --model"))
    if method != "hazard":
        hint = f"Add [hazard] to models/{bundle.model}.toml, retrain and promote it"
        problems.append(Problem(f"{bundle.model}: calibration", "a hazard", repr(method), hint))
    return problems
