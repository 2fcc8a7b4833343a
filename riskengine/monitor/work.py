"""What does a night compute, from facts to ranked signals? Everything between taking in and publishing."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any

import pandas as pd

from riskengine.monitor.claims import populated
from riskengine.monitor.deadlines import with_due_dates
from riskengine.monitor.dynamics import with_dynamics
from riskengine.monitor.evaluate import KEPT, RENEWED, Evaluation, Night, both, evaluate
from riskengine.monitor.evidence import with_evidence
from riskengine.monitor.health import feeds, stale_sources
from riskengine.monitor.neighbours import Neighbourhood, contagion_scores, neighbourhood
from riskengine.monitor.night import Before, compared, profiled, rated, subject_rows, valued
from riskengine.monitor.peers import with_peers
from riskengine.monitor.plan import Plan, Reach, plan
from riskengine.monitor.product_terms import with_products
from riskengine.monitor.quiet import quiet
from riskengine.monitor.ranking import Changes, changes, ranked
from riskengine.monitor.renewal import renewed
from riskengine.monitor.vocabulary import CONTAGION, NIGHT
from riskengine.monitor.watch import Watch, held_on, refused_rows
from riskengine.monitor.withdrawn import taken_back
from riskengine.profile.again import again
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import Recipe, reading_all
from riskengine.profile.subjects import load_in_force
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import score_rows
from riskengine.scoring.reason_rows import reasons_of
from riskengine.scoring.reasons import reason_text
from riskengine.scoring.scorecard import master_scale
from riskengine.scoring.served import feature_matrix
from riskengine.stages import lap
from riskengine.store.ledger import HeldFile
from riskengine.store.snapshot import Snapshot

REASONS = 2


log = logging.getLogger("riskengine.monitor")


@dataclass(frozen=True)
class Work:
    """The night's results. `book` is ranked; `quiet` tells why recorded signals did not fire (`quiet.QUIET`); `edges` are the
    ties of the day (`contagion.EDGES`); `model` is the bundle's hash; `gone` names the source that ended a guarantee, by its id;
    `called` is the name of whom a reminder is about that is no guarantee in force, by kind and id."""

    as_of: date
    book: pd.DataFrame
    evaluation: Evaluation
    plan: Plan
    health: pd.DataFrame
    changes: Changes
    quiet: pd.DataFrame
    edges: pd.DataFrame
    model: str
    gone: Mapping[str, str] = field(default_factory=dict)
    held: Sequence[HeldFile] = ()
    called: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """What the manifest and the terminal say of the night."""
        signals = self.evaluation.signals
        return {
            "guarantees": len(self.book),
            "exposure_unknown": int(self.book.exposure.isna().sum()),
            "signals": len(signals),
            **{
                f"signals_{name}": int((signals.severity == name).sum())
                for name in ("red", "orange", "yellow", "blue")
            },
            **{f"signals_{name}": int((signals.state == name).sum()) for name in ("new", RENEWED, "held")},
            "signals_overdue": int(signals.overdue.sum()),
            **{f"signals_{name.replace(' ', '_')}": int((signals.state == name).sum()) for name in KEPT},
            "signals_ended": len(self.evaluation.ended),
            "not_evaluable": int(self.evaluation.counts.not_evaluable.sum())
            if len(self.evaluation.counts)
            else 0,
            "reminders": len(self.plan.reminders),
            "stale_sources": int(self.health.stale.sum()),
            "held_files": len(self.held),
        }


@again
def work(watch: Watch, bundle: Bundle, snapshot: Snapshot, before: Before, as_of: date) -> Work:
    """Profile, score and value every guarantee in force on `as_of`; then signals, reminders, ranking, changes."""
    trained = bundle.card.get("trained_as_of", "")
    if trained > str(as_of):
        log.warning(
            "the champion was trained as of %s, after this night: it may know how these ended", trained
        )
    keys = watch.catalogue.subjects.keys
    rule = watch.catalogue.subjects.guarantee
    held = held_on(watch.project, as_of)
    with Workbench(snapshot) as bench:
        model = Recipe.from_json(bundle.recipe)
        load_in_force(bench, rule, reading_all([model, watch.recipe]), [as_of])  # key columns of both
        subjects = subject_rows(bench)
        lap("load", len(subjects))
        frame = profiled(bench, subjects, model)
        frame = profiled(bench, frame, watch.recipe) if len(watch.recipe.features) else frame
        lap("profiles", len(frame))
        health = feeds(bench, watch.catalogue.sources, as_of, refused_rows(watch.project, as_of), held)
        ended = ended_by(bench, rule.ends_with, rule.id, as_of)
        frame = valued(rated(frame, bundle), watch.products, as_of)
        frame = compared(frame, before, keys, bundle.hash)
        frame = with_dynamics(frame, bundle, keys, watch.shown.dynamics, as_of)
        frame = with_peers(frame, watch.shown.peer, keys)
        frame = with_products(frame, watch.shown.of_product, watch.products, as_of)
        lap("scores", len(frame))
        silent = set(stale_sources(health))
        stale = watch.vocabulary.resting_on(silent)
        if {name for name, _ in model.sources} & silent:  # then a PD that falls proves nothing either
            stale |= {*NIGHT, *watch.vocabulary.shares()}
        links = watch.catalogue.subjects.links
        if watch.catalogue.subjects.link_sources(links) & silent:
            stale |= set(CONTAGION)
        gone = taken_back(bench, watch.catalogue.sources, before.signals, as_of)
        night = Night(
            as_of,
            keys,
            before.signals,
            stale,
            health,
            watch.deadlines.never_ends,
            before.released,
            gone,
            watch.rules_day,
        )
        around = neighbourhood(bench, watch, as_of)
        evaluation, frame = watched(Tied(bench, around), watch, frame, night, before.as_of)
        others = populated(bench, watch.catalogue.subjects, watch.populations, as_of)
    still = quiet(watch.signals, frame, evaluation, night)
    lap("signals", len(evaluation.signals))
    reach = Reach(watch.calendar, others, evaluation.signals, before.as_of, before.acts)
    planned = plan(watch.reminders, frame, health, Night(as_of, keys, before.reminders, stale), reach)
    lap("reminders", len(planned.reminders))
    book = ranked(frame, evaluation.signals)
    moved = changes(book, before, [grade.name for grade in master_scale(bundle).grades], ended)
    return Work(
        as_of, book, evaluation, planned, health, moved, still, around.edges, bundle.hash, ended, held,
        _called(others, planned, watch.shown.name),
    )  # fmt: skip


def _called(others: Mapping[str, pd.DataFrame], planned: Plan, name: str) -> dict[tuple[str, str], str]:
    """The names of those that tonight's reminders are about, as far as a population's frame knows them."""
    found: dict[tuple[str, str], str] = {}
    for about, frame in others.items():
        if name in frame:
            told = frame[frame.id.isin(planned.reminders[planned.reminders.about == about].id)]
            said = zip(told.id.astype("str"), told[name], strict=True)
            found |= {(about, key): str(value) for key, value in said if not pd.isna(value)}
    return found


@dataclass(frozen=True)
class Tied:
    """A workbench, and the ties of its day."""

    bench: Workbench
    around: Neighbourhood


def watched(
    tied: Tied, watch: Watch, frame: pd.DataFrame, night: Night, before_on: date | None
) -> tuple[Evaluation, pd.DataFrame]:
    """All signals with due dates and evidence, and the frame with what troubled neighbours pass on.

    `before_on` is the day of the publication before.

    What neighbours pass on comes from the signals that do not read it, so those are evaluated first.
    """
    bench = tied.bench
    late = [signal for signal in watch.signals if set(signal.inputs) & set(CONTAGION)]
    names = [signal.id for signal in late]
    first = [signal for signal in watch.signals if signal.id not in names]
    past = night.previous if night.previous is not None else pd.DataFrame({"signal": []})
    again = past.signal.isin(names)
    found = evaluate(first, frame, replace(night, previous=past[~again] if len(past) else None))
    paths: dict[str, Any] = {}
    frame = frame.assign(**dict.fromkeys(CONTAGION, float("nan")))
    if late:
        passed = contagion_scores(bench, tied.around, frame, found.signals, night.as_of)
        paths = dict(zip(passed.enterprise, passed.contagion_paths, strict=True))
        by_name = passed.set_index("enterprise")
        frame = frame.assign(
            **{name: frame.enterprise_id.map(by_name[name]).astype("float64") for name in CONTAGION}
        )
        more = evaluate(late, frame, replace(night, previous=past[again] if len(past) else None))
        found = both(found, more, [signal.id for signal in watch.signals])
        reached = set(more.signals.enterprise)
        paths = {name: told for name, told in paths.items() if name in reached}  # of a province's, few
        del passed, by_name, more
    signals = with_evidence(bench, watch, frame, found.signals, paths)
    if watch.deadlines.new_cases:
        signals = renewed(signals, night.previous, watch.catalogue.sources, before_on, night.as_of)
    signals = with_due_dates(signals, watch.signals, watch.deadlines, watch.calendar, night.as_of)
    return replace(found, signals=signals), frame


def told(bundle: Bundle, rows: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """The strongest adverse reasons of each row in words, by guarantee and language; the economy is nobody's own reason."""
    notes = {note["name"]: note for note in bundle.recipe["features"]}
    matrix = feature_matrix(bundle, rows)
    found = {}
    each = reasons_of(bundle, matrix, score_rows(bundle, matrix))
    for name, named in zip(rows.id.astype("str"), each, strict=True):
        own = (one for one in named if one.adverse and not notes[one.feature].get("context"))
        adverse = list(islice(own, REASONS))
        found[name] = {
            "en": [reason_text(notes[one.feature], one, "en") for one in adverse],
            "zh": [reason_text(notes[one.feature], one, "zh") for one in adverse],
        }
    return found


def ended_by(bench: Workbench, sources: Sequence[str], key: str, as_of: date) -> dict[str, str]:
    """Guarantee id -> the source whose fact has ended it, as known on `as_of`."""
    found: dict[str, str] = {}
    for source in sources:
        files = bench.facts(source)
        if files:
            rows = bench.connection.execute(
                f"""SELECT DISTINCT "{key}"::VARCHAR FROM {files} WHERE event_date <= ?::DATE AND known_at <= ?::DATE
                AND (superseded_at IS NULL OR superseded_at > ?::DATE) AND NOT removed""",
                [as_of, as_of, as_of],
            ).fetchall()
            found |= {str(row[0]): source for row in rows}
    return found
