"""Which rows may a model learn from, and which may test it? Subjects, their profiles, labels and weights from the store.

Applicants are taken each as of the day of their own application; guarantees as of every panel month-end on which they
were in force as far as was known. A profile sees facts known by its own as-of day only; a label sees events known by the
day of training. Sampling weights come from a source of role `design`, which no feature can read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError, UsageError
from riskengine.learning.outcomes import Question, outcomes, panel_dates
from riskengine.learning.spec import ModelSpec, read_spec
from riskengine.learning.training import TrainingFrame
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
    """As-of days from `start` to `end`, with outcomes as known on `known`; only mature labels are kept."""

    start: date
    end: date
    known: date


@dataclass(frozen=True)
class LabelledRows:
    """Profiles with what became of their subjects: one row a subject and as-of day, all parts in the same order.

    `rows` has `id`, `enterprise_id`, `as_of`, the key columns, the features, `label`, `event_date`, `weight`, `group`.
    """

    rows: pd.DataFrame
    recipe: Recipe
    spec: ModelSpec

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
        )


def model_spec(catalogue: Catalogue, name: str) -> ModelSpec:
    """The spec of `models/<name>.toml`, its features checked against the catalogue."""
    path = catalogue.project.root / "models" / f"{name}.toml"
    if not path.exists():
        known = [file.stem for file in catalogue.project.definition_files("models", ".toml")]
        raise UsageError("No such model", [Problem(str(path), f"one of {', '.join(known)}", repr(name))])
    return read_spec(path, frozenset(catalogue.features))


def training_period(spec: ModelSpec, trained: date) -> Period:
    """All as-of days whose labels were mature on the day of training."""
    ripe = Span.parse(spec.label.horizon).before(Span.parse(spec.label.lag).before(trained))
    return Period(spec.population.start, ripe, trained)


def labelled_rows(project: Project, spec: ModelSpec, snapshot: Snapshot, period: Period) -> LabelledRows:
    """Every subject of the period with a mature label."""
    catalogue = Catalogue(project)
    recipe = compile_recipe(catalogue, spec.features)
    rule = catalogue.subjects.applicant if spec.subject == "applicant" else catalogue.subjects.guarantee
    with Workbench(snapshot) as bench:
        bench.load_facts(recipe)
        _load_subjects(bench, rule, recipe, (spec, period))
        subjects = bench.connection.execute("SELECT * FROM subjects ORDER BY subject").df()
        profiles = bench.frame(recipe)
        events = _events(bench, rule, spec, period.known)
        weights = _weights(bench, rule, spec, period.known)
        granted = _granted(bench, rule, spec, period.known)
    rows = pd.concat([subjects.drop(columns=["fed"]), profiles.drop(columns=["subject"])], axis=1)
    rows = rows.loc[:, ~rows.columns.duplicated()]
    question = Question(Span.parse(spec.label.horizon), period.known, Span.parse(spec.label.lag))
    known = outcomes(pd.DataFrame({"subject": rows["id"], "as_of": rows["as_of"]}), events, question)
    weight = rows["id"].map(weights) if weights is not None else pd.Series(1.0, index=rows.index)
    group = rows[spec.group].fillna(rows["id"]) if spec.group else rows["id"]
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
    chosen = rows["mature"] if granted is None else rows["mature"] & rows["id"].isin(granted)
    return LabelledRows(rows[chosen].reset_index(drop=True), recipe, spec)


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


def _events(bench: Workbench, rule: SubjectRule, spec: ModelSpec, known: date) -> pd.DataFrame:
    files = bench.facts(spec.label.source)
    if not files:
        raise SetupError(
            "No outcome is known",
            [
                Problem(
                    f"source {spec.label.source}",
                    "at least one batch",
                    "none",
                    f"Run riskengine intake {spec.label.source} FILE",
                )
            ],
        )
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


def _weights(bench: Workbench, rule: SubjectRule, spec: ModelSpec, known: date) -> pd.Series | None:
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
