"""What do policy, model and limits say of these applicants, and under which id can that be said again?

One path for one applicant and for ten thousand: the same recipes, rules and arithmetic, the same bits.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.decision import records
from riskengine.decision.applicants import (
    Applicant,
    Form,
    applicants_of_rows,
    filed_applicants,
    known_applicants,
)
from riskengine.decision.delivery import write_answers
from riskengine.decision.desk import Desk, current_desk
from riskengine.decision.freshness import Freshness, Known, freshness, source_notes
from riskengine.decision.grounds import peer_group, scored, told, unknown, untold
from riskengine.decision.profiling import profiles_of
from riskengine.decision.progress import Progress
from riskengine.decision.verdict import (
    Seen,
    blocked,
    doubted_features,
    guarded_features,
    verdict,
    worst_ratings,
)
from riskengine.decision.ways import passing_grade, unspeakable, way_out
from riskengine.decision.words import say, summary, table
from riskengine.errors import Problem, UsageError
from riskengine.intake.personal import redacted
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.scoring.calibration import segment_of
from riskengine.scoring.counterfactuals import Case


@dataclass(frozen=True, slots=True)
class ReviewRun:
    """A review: its name, what it rested on, where it is recorded, and one record for each applicant, in order.

    `id_column` names applications where applicants were asked for by name: an enterprise's name means its latest one.
    """

    run: str
    basis: dict[str, str]
    path: Path
    records: tuple[dict[str, Any], ...]
    currency: str = ""
    id_column: str = ""

    def text(self, language: str) -> str:
        """One decision on one screen, or a line for each of many."""
        if len(self.records) == 1:
            return say(self.records[0], language, self.currency, self.id_column)
        return table(self.records, language)

    def deliver(self, *, out: Path | None, as_json: bool, language: str) -> None:
        """Write the answers to `out` and print them: as JSON, in full where there is no `out`, else how many."""
        if out is not None:
            write_answers(out, self.records, language)
        if as_json:
            print(redacted(json.dumps(list(self.records), ensure_ascii=False, allow_nan=False)))
        elif out is None:
            print(redacted(self.text(language)))
        else:
            print(f"{len(self.records)} -> {out}: {summary(self.records, language)}")


def review(
    project: Project,
    as_of: date | None,
    *,
    ids: Sequence[str] = (),
    file: Path | None = None,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> ReviewRun:
    """Review applicants by `ids` as known on `as_of`, or those of a `file`, or `rows` of raw cells; and record it.

    A row's own application date is its as-of date; `as_of` serves those without one. Exactly one of the three is given;
    unknown ids are a `UsageError`; a bad row is a record with "insufficient data".
    """
    if bool(ids) + (file is not None) + (rows is not None) != 1 or (ids and as_of is None):
        raise UsageError(
            "Nothing to review",
            [Problem("review", "--as-of D --id ID, or --applicants FILE", "neither or both")],
        )
    one = bool(ids) or (rows is not None and len(rows) == 1)
    desk = current_desk(project)
    with Workbench(desk.snapshot, threads=1 if one else 0) as bench:
        return reviewed(desk, bench, (project, as_of), ids or rows or file, None)


def reviewed(
    desk: Desk,
    bench: Workbench,
    asked: tuple[Project, date | None],
    whom: Sequence[str] | Sequence[Mapping[str, Any]] | Path | None,
    form: Form | None,
) -> ReviewRun:
    """Who they are (ids, rows of cells, or the rows of a file), what is decided, and the record of it."""
    project, as_of = asked
    progress, id_column = Progress(), ""
    if isinstance(whom, Path):
        progress.say("reading")
        applicants = filed_applicants(project, whom, as_of)
    elif whom and isinstance(whom[0], str):
        assert as_of is not None
        names = [name for name in whom if isinstance(name, str)]
        rule = form.rule if form else rule_of(project)
        id_column = rule.id
        applicants = known_applicants(bench, rule, desk.every, names, as_of)
    else:
        rows = [row for row in whom or () if isinstance(row, Mapping)]
        applicants = applicants_of_rows(project, rows, as_of, form=form)
    outputs = decide(desk, bench, applicants, progress)
    progress.say("recording")
    inputs = [applicant.to_json() for applicant in applicants]
    run = records.run_name(desk.basis, inputs)
    lines = [
        record(f"{run}-{number}", desk.basis, said, output)
        for number, (said, output) in enumerate(zip(inputs, outputs, strict=True), 1)
    ]
    path = records.write_run(project.store, run, desk.basis, lines)
    progress.clear()
    return ReviewRun(run, desk.basis, path, tuple(lines), project.environment.currency, id_column)


def record(
    decision_id: str, basis: dict[str, str], inputs: dict[str, Any], outputs: dict[str, Any]
) -> dict[str, Any]:
    """The record of one decision: all that went in, all it rested on, all that came out."""
    return {
        "decision_id": decision_id,
        "applicant_id": inputs["name"],
        "as_of": inputs["as_of"],
        "basis": basis,
        "inputs": inputs,
        "outputs": outputs,
    }


def decide(
    desk: Desk,
    bench: Workbench,
    applicants: Sequence[Applicant],
    progress: Progress | None = None,
    rules_day: date | None = None,
) -> list[dict[str, Any]]:
    """One verdict for each applicant, in order; none depends on the others.

    With `rules_day` everybody is judged by the rules, products and thresholds of that day, on what was known on the own day.
    """
    live = [applicant for applicant in applicants if not applicant.blocked]
    progress = progress or Progress(shown=False)
    with uncollected():
        verdicts = iter(_verdicts(desk, bench, live, progress, rules_day) if live else [])
    found = []
    for applicant in applicants:
        made = blocked(applicant.problems) if applicant.blocked else next(verdicts)
        found.append(made | {"data_problems": [dict(problem) for problem in applicant.problems]})
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Do not look for cycles meanwhile: of ten thousand verdicts, none of which has one, that took a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _verdicts(
    desk: Desk, bench: Workbench, live: Sequence[Applicant], progress: Progress, rules_day: date | None
) -> list[dict[str, Any]]:
    progress.say("profiles")
    profiles = profiles_of(desk, bench, live)
    rows = [[_number(profile[name]) for name in desk.bundle.features] for profile in profiles]
    groups = [peer_group(desk.bundle, applicant.keys) for applicant in live]
    progress.say("scores")
    segments = [segment_of(desk.bundle.calibration, applicant.keys) for applicant in live]
    scores = scored(desk.bundle, rows, groups, segments=segments)
    absent = unknown(desk.bundle, rows)
    fresh = freshness(
        bench, source_notes(desk.recipes), [day for item in live if (day := item.as_of)], desk.daily
    )
    gaps = [guarded_features(desk, profile) for profile in profiles]
    bounds = worst_ratings(desk, rows, gaps, segments)
    sources: dict[tuple[date, frozenset[str]], Known] = {}
    found = []
    for number, applicant in enumerate(live):
        assert applicant.as_of is not None
        rate, ranked = scores[number]
        brought = applicant.as_of, frozenset(applicant.facts)
        if brought not in sources:
            sources[brought] = _told_by(*brought, fresh[applicant.as_of])
        known = sources[brought]
        shown, flags = desk.policy.decision.shown_reasons, desk.policy.decision.absence_flags
        mute = unspeakable(doubted_features(desk, known), flags, profiles[number])
        spoken, missing = untold(desk.bundle, ranked, absent[number], mute)
        reasons = {**told(desk.bundle, spoken, groups[number], shown), "missing": missing}
        seen = Seen(
            applicant.as_of, profiles[number], rate, reasons, known, gaps[number], bounds[number], applicant.unread,
            rules_day,
        )  # fmt: skip
        case = Case(rows[number], segments[number], mute)
        found.append(_helped(desk, verdict(desk, seen), case, seen.ruled))
        progress.step(number + 1, len(live))
    return found


def _helped(desk: Desk, made: dict[str, Any], case: Case, as_of: date) -> dict[str, Any]:
    """The verdict with what would help, where the model alone does not pass the applicant."""
    refused = made["model"]["outcome"] in ("refer", "decline")
    target = passing_grade(desk.policy, as_of) if refused else None
    return {**made, "way_out": way_out(desk.bundle, case, target)}


def _told_by(day: date, brought: Collection[str], fresh: Sequence[Freshness]) -> Known:
    """What is known of the sources, where what an applicant brings itself is of its own day."""
    return Known(
        tuple(
            replace(item, last_event=day, last_known=day, state="fresh") if item.source in brought else item
            for item in fresh
        )
    )


def rule_of(project: Project) -> Any:
    """Who an applicant is: the rule of `configs/subjects.toml`."""
    from riskengine.profile.keys import Subjects
    from riskengine.schema import read_definition

    return read_definition(Subjects, project.configs / "subjects.toml").applicant


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
