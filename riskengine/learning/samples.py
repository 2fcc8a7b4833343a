"""Which rows may a model learn from, and which may test it? Subjects, their profiles, labels and weights from the store.

Applicants are taken each as of the day of their own application; guarantees as of every panel month-end on which they
were in force as far as was known. A profile sees facts known by its own as-of day only; a label sees events known by the
day of training. What the label's event, its indeterminate, excluded and competing cases are, the project's ladder says
(`configs/outcomes.toml`); a label may also name a source, each fact of which is then an event. Sampling weights come from a source of role `design`, which no feature can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError, UsageError
from riskengine.learning.frames import PersonMonths, TrainingFrame
from riskengine.learning.ladder import Ladder, label_problems, read_ladder, rung_events
from riskengine.learning.outcomes import (
    LEARNED,
    STATUSES,
    Question,
    outcomes,
    panel_dates,
    person_months,
    statuses,
)
from riskengine.learning.sampling import Share, drawn, kept_borrowers, thin
from riskengine.learning.spec import ModelSpec, read_spec
from riskengine.profile.again import again
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_applicants, load_in_force
from riskengine.project import Project
from riskengine.store.snapshot import Snapshot


@dataclass(frozen=True)
class Period:
    """As-of days from `start` to `end`, with outcomes as known on `known`; only mature labels are kept.

    With `immature`, rows whose horizon is not over yet are kept too, and the column `mature` tells them apart: their
    label means nothing, their months followed (`followed`, `event_lead`, `exit_lead`) do. `share`: a part of the borrowers.
    """

    start: date
    end: date
    known: date
    immature: bool = False
    share: Share = field(default_factory=Share)


@dataclass(frozen=True)
class LabelledRows:
    """Profiles with what became of their subjects: one row a subject and as-of day, all parts in the same order.

    `rows` has `id`, `enterprise_id`, `as_of`, the key columns, the features, `label`, `mature`, `event_date`, `status`,
    `event_lead`, `exit_lead`, `followed` (months, see `outcomes.person_months`), `weight`, `group`. `counts` says how many
    rows of the period there are of each status, dropped ones too (and `declined`: the risk was never taken).
    """

    rows: pd.DataFrame
    recipe: Recipe
    spec: ModelSpec
    counts: dict[str, int] = field(default_factory=dict)

    def frame(self) -> TrainingFrame:
        """The rows as training wants them."""
        rows, spec = self.rows, self.spec
        return TrainingFrame(
            features=rows[list(spec.features)],
            label=rows["label"].to_numpy(),
            weight=rows["weight"].to_numpy(),
            group=rows["group"].to_numpy(),
            as_of=rows["as_of"].to_numpy(dtype="M8[D]"),
            subject=rows["id"].to_numpy(),
            peers=rows[spec.peers].to_numpy(dtype=object) if spec.peers else None,
            mature=rows["mature"].to_numpy(dtype=bool),
            segment=rows[spec.calibration.segment].to_numpy(dtype=object)
            if spec.calibration.segment
            else None,
            months=self.months(),
        )

    def mature(self) -> LabelledRows:
        """Only the rows whose label is known."""
        return replace(self, rows=self.rows[self.rows["mature"]].reset_index(drop=True))

    def months(self) -> PersonMonths:
        """What was seen of each row month by month."""
        leads = [self.rows[name].to_numpy(dtype="int64") for name in ("event_lead", "exit_lead", "followed")]
        return PersonMonths(*leads)


def model_spec(catalogue: Catalogue, name: str) -> ModelSpec:
    """The spec of `models/<name>.toml`, its features checked against the catalogue."""
    path = catalogue.project.root / "models" / f"{name}.toml"
    if not path.exists():
        known = [file.stem for file in catalogue.project.definition_files("models", ".toml")]
        raise UsageError("No such model", [Problem(str(path), f"one of {', '.join(known)}", repr(name))])
    spec = read_spec(path, frozenset(catalogue.features))
    problems = [
        Problem(f"{path}: {problem.where}", problem.expected, problem.got, problem.next)
        for problem in label_problems(catalogue, read_ladder(catalogue), spec.label, spec.subject)
    ]
    if problems:
        raise UsageError(f"{path.name} is not a model", problems)
    return spec


def training_period(spec: ModelSpec, trained: date) -> Period:
    """All as-of days whose labels were mature on the day of training."""
    ripe = Span.parse(spec.label.horizon).before(Span.parse(spec.label.lag).before(trained))
    return Period(spec.population.start, ripe, trained)


def followed_period(spec: ModelSpec, trained: date) -> Period:
    """`training_period`, and for a hazard also the later as-of days of which one month at least was mature.

    The rows of those days are not `mature`: their months followed are learned from, their labels never.
    """
    period = training_period(spec, trained)
    if not spec.hazard:
        return period
    last = Span(months=1).before(Span.parse(spec.label.lag).before(trained))
    return Period(period.start, max(last, period.end), trained, immature=True)


@again
def labelled_rows(
    project: Project, spec: ModelSpec, snapshot: Snapshot, period: Period, extra: Sequence[str] = ()
) -> LabelledRows:
    """Every subject of the period with a mature label; `extra` are features that are computed beside the model's."""
    catalogue = Catalogue(project)
    model = compile_recipe(catalogue, spec.features)
    more = tuple(name for name in dict.fromkeys(extra) if name not in spec.features)
    recipe = compile_recipe(catalogue, (*spec.features, *more)) if more else model
    rule = _rule(catalogue, spec)
    with Workbench(snapshot) as bench:
        bench.load_facts(recipe)
        _load_subjects(bench, rule, recipe, (spec, period))
        kept = _thin(bench, catalogue, spec, period)
        subjects = bench.connection.execute("SELECT * FROM subjects ORDER BY subject").df()
        profiles = bench.frame(recipe)
        known = _what_became(bench, catalogue, spec, subjects, period.known)
        weights = sampling_weights(bench, rule, spec, period.known)
    rows = pd.concat([subjects.drop(columns=["fed"]), profiles.drop(columns=["subject"])], axis=1)
    rows = rows.loc[:, ~rows.columns.duplicated()]
    weight = rows["id"].map(weights) if weights is not None else pd.Series(1.0, index=rows.index)
    group = rows[spec.group].fillna(rows["id"]) if spec.group else rows["id"]
    if kept is not None:
        sure = group.astype(str).isin(kept).to_numpy()
        weight = weight * drawn(group.to_numpy(dtype=str), spec.population.one_subject_in, sure)
    rows = pd.concat([rows, known, weight.rename("weight"), group.rename("group")], axis=1)
    unweighted = int(rows["weight"].isna().sum())
    if unweighted:
        raise UsageError(
            "Some subjects have no sampling weight",
            [
                Problem(
                    f"source {spec.sample_weight}",
                    "one row for each subject",
                    f"{unweighted} subjects without",
                )
            ],
        )
    taken: tuple[str, ...] = LEARNED
    if period.immature:  # an unclear end is no label, but the months before it were survived
        taken = (*LEARNED, "immature", "indeterminate")
        rows["mature"] = rows["mature"] & (rows["status"] != "indeterminate")
    chosen = rows["status"].isin(taken)
    return LabelledRows(rows[chosen].reset_index(drop=True), model, spec, _counted(rows["status"]))


def status_counts(project: Project, spec: ModelSpec, snapshot: Snapshot, period: Period) -> dict[str, int]:
    """How many rows of the period there are of each status, without profiles: `LabelledRows.counts` alone."""
    catalogue = Catalogue(project)
    recipe = compile_recipe(catalogue, spec.features)
    with Workbench(snapshot) as bench:
        bench.load_facts(recipe)
        _load_subjects(bench, _rule(catalogue, spec), recipe, (spec, period))
        _thin(bench, catalogue, spec, period)
        subjects = bench.connection.execute("SELECT id, as_of FROM subjects ORDER BY subject").df()
        return _counted(_what_became(bench, catalogue, spec, subjects, period.known)["status"])


def what_became(
    project: Project, spec: ModelSpec, snapshot: Snapshot, subjects: pd.DataFrame, known: date
) -> pd.DataFrame:
    """What became of subjects that somebody scored: the columns of `LabelledRows.rows` from `label` to `weight`, in order.

    `subjects` has `id` and `as_of` (datetimes), any number of rows an id. `weight` is NaN for an id without a sampling weight.
    """
    catalogue = Catalogue(project)
    with Workbench(snapshot) as bench:
        known_of = _what_became(bench, catalogue, spec, subjects, known)
        weights = sampling_weights(bench, _rule(catalogue, spec), spec, known)
    weight = subjects["id"].map(weights) if weights is not None else pd.Series(1.0, index=subjects.index)
    return pd.concat([known_of, weight.rename("weight")], axis=1)


def _rule(catalogue: Catalogue, spec: ModelSpec) -> SubjectRule:
    return catalogue.subjects.applicant if spec.subject == "applicant" else catalogue.subjects.guarantee


def _counted(status: pd.Series) -> dict[str, int]:
    """Statuses in their order; of those that a project without a ladder cannot have, only what there is."""
    found = status.value_counts()
    return {name: int(found.get(name, 0)) for name in (*STATUSES, "declined") if found.get(name, 0)}


def _what_became(
    bench: Workbench, catalogue: Catalogue, spec: ModelSpec, subjects: pd.DataFrame, known: date
) -> pd.DataFrame:
    """`label`, `mature`, `event_date`, `status`, `event_lead`, `exit_lead`, `followed` of each row of `subjects`, in order."""
    rule, label, ladder = _rule(catalogue, spec), spec.label, read_ladder(catalogue)
    rows = pd.DataFrame({"subject": subjects["id"], "as_of": subjects["as_of"]})
    question = Question(Span.parse(label.horizon), known, Span.parse(label.lag))
    events = _events(bench, (rule, catalogue, ladder), spec, known)
    named = dict.fromkeys((*label.excluded, *label.indeterminate, *label.competing))
    chosen = [ladder.rung(name) for name in named] if ladder else []
    rungs = rung_events(bench, catalogue, chosen, rule.id, known)
    found = outcomes(rows, events, question)
    status = statuses(rows, found, rungs, question, label)
    granted = _granted(bench, rule, spec, known)
    if granted is not None:
        status = status.where(rows["subject"].isin(granted), "declined")
    exits = rungs[rungs["rung"].isin(label.competing)]
    months = person_months(rows, events, exits, question)
    return pd.concat([found.drop(columns=["hidden"]), status, months], axis=1)


def _load_subjects(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, asked: tuple[ModelSpec, Period]
) -> None:
    spec, period = asked
    if spec.subject == "applicant":
        load_applicants(bench, rule, recipe, known=period.known, start=period.start)
        bench.connection.execute("DELETE FROM subjects WHERE as_of > ?", [period.end])
        return
    every = Span.parse(spec.population.every or "1m")
    load_in_force(bench, rule, recipe, panel_dates(period.start, period.end, every))
    if spec.population.one_in > 1:
        # Each guarantee is followed at every one_in-th date of the panel, from a start that its number decides.
        step = f"((year(as_of) * 12 + month(as_of)) // {every.months})"
        bench.connection.execute(
            f"DELETE FROM subjects WHERE (('0x' || md5(id)[:6])::BIGINT + {step}) % {spec.population.one_in} <> 0"
        )


def _thin(bench: Workbench, catalogue: Catalogue, spec: ModelSpec, period: Period) -> frozenset[str] | None:
    """Leave the borrowers that are drawn; those that are kept for their events, None where nobody is."""
    population = spec.population
    keeps = population.keep_events and population.one_subject_in > 1
    kept = None
    if keeps:
        asked = _rule(catalogue, spec), catalogue, read_ladder(catalogue)
        kept = kept_borrowers(bench, spec.group, _events(bench, asked, spec, period.known))
    thin(bench, spec.group, population, period.share)
    return kept


def _events(
    bench: Workbench, asked: tuple[SubjectRule, Catalogue, Ladder | None], spec: ModelSpec, known: date
) -> pd.DataFrame:
    """`subject`, `event_date`, `known_at` of the label's event: a rung of the ladder, else each fact of a source."""
    rule, catalogue, ladder = asked
    rung = ladder.rung(spec.label.source) if ladder and spec.label.source in ladder.ids else None
    source = rung.source if rung else spec.label.source
    files = bench.facts(source)
    if not files:
        raise SetupError(
            "No outcome is known",
            [
                Problem(
                    f"source {source}",
                    "at least one batch",
                    "none",
                    f"Run riskengine intake {source} FILE",
                )
            ],
        )
    if rung:
        return rung_events(bench, catalogue, [rung], rule.id, known)[["subject", "event_date", "known_at"]]
    query = f"""SELECT "{rule.id}"::VARCHAR AS subject, event_date, known_at FROM {files}
        WHERE known_at <= ? AND (superseded_at IS NULL OR superseded_at > ?) AND NOT removed"""
    return bench.connection.execute(query, [known, known]).df()  # type: ignore[no-any-return]


def _granted(bench: Workbench, rule: SubjectRule, spec: ModelSpec, known: date) -> set[str] | None:
    """The ids on which the risk was taken, None where everybody counts."""
    if not spec.population.granted:
        return None
    files = bench.facts(spec.population.granted)
    if not files:
        return set()
    found = bench.connection.execute(
        f"""SELECT DISTINCT "{rule.id}"::VARCHAR FROM {files}
        WHERE known_at <= $1 AND (superseded_at IS NULL OR superseded_at > $1) AND NOT removed""",
        [known],
    ).fetchall()
    return {row[0] for row in found}


def sampling_weights(bench: Workbench, rule: SubjectRule, spec: ModelSpec, known: date) -> pd.Series | None:
    """How many cases of the population each id stands for (index: the id); None where the rows are the population."""
    if spec.sample_weight is None:
        return None
    files = bench.facts(spec.sample_weight.source)
    if not files:
        where = f"source {spec.sample_weight.source}"
        raise SetupError(
            "The sampling weights are missing", [Problem(where, "at least one batch", "none", "Take it in")]
        )
    table = bench.connection.execute(
        f"""SELECT "{rule.id}"::VARCHAR AS id, "{spec.sample_weight.column}" AS weight FROM {files}
        WHERE known_at <= $1 AND (superseded_at IS NULL OR superseded_at > $1) AND NOT removed""",
        [known],
    ).df()
    return pd.Series(table["weight"].to_numpy(), index=table["id"].to_numpy())
