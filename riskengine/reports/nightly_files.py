"""Which files does a night publish, and what does the terminal say of it?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from riskengine.monitor import frames
from riskengine.monitor.health import held_lines
from riskengine.monitor.night import Before
from riskengine.monitor.publish import Outcome, inputs_hash
from riskengine.monitor.watch import Watch
from riskengine.monitor.work import Work
from riskengine.reports.nightly_page import Page, act_first, render
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import master_scale


def night_files(
    watch: Watch, bundle: Bundle, night: Work, before: Before, inputs: Mapping[str, Any]
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The bytes of the four files, and what the manifest says besides their hashes."""
    dates = [name for name, kind in watch.vocabulary.features.items() if kind == "date"]
    signals, reminders = night.evaluation.signals, night.plan.reminders
    page = _page(watch, bundle, night, before, inputs)
    files = {
        "scores.parquet": frames.scores_bytes(night.book, dates),
        "signals.parquet": frames.signals_bytes(signals),
        "reminders.parquet": frames.reminders_bytes(reminders),
        "report.html": render(page),
    }
    rows = {
        "scores.parquet": len(night.book),
        "signals.parquet": len(signals),
        "reminders.parquet": len(reminders),
    }
    facts = {
        "rows": rows,
        "counts": night.counts,
        "act_today": act_first(page),
        "exposure": _sum(night.book.exposure),
        "expected_loss": _sum(night.book.expected_loss),
        "health": _plain(night.health),
        "held": held_lines(night.held),
        "signals": _plain(night.evaluation.counts),
        "reminders": _plain(night.plan.counts),
    }
    return files, facts


def summary(outcome: Outcome) -> str:
    """A few lines for a terminal: what happened, the money, the signals, where the report is."""
    manifest, folder = outcome.publication.manifest, outcome.publication.folder
    counts = manifest["counts"]
    unknown = counts.get("exposure_unknown", 0)
    first = manifest.get("act_today", [])[:3]
    lines = [
        f"{manifest['as_of']}  {outcome.status}",
        f"  {counts['guarantees']:,} guarantees in force, expected loss {float(manifest['expected_loss']):,.0f}"
        + (f", {unknown:,} of unknown exposure not in it" if unknown else ""),
        f"  signals: {counts['signals_red']} red, {counts['signals_orange']} orange, {counts['signals_yellow']} yellow,"
        f" {counts['signals_blue']} blue ({counts['signals_new']} new, {counts.get('signals_renewed', 0)} with a new case,"
        f" {counts['signals_held']} held,"
        f" {counts['signals_ended']} ended); {counts['not_evaluable']:,} could not be evaluated",
        f"  {counts['reminders']:,} reminders; {counts['stale_sources']} stale source(s); {counts.get('held_files', 0)} held file(s)",
        *(
            f"  held: {one['source']}/{one['file']}: {one['problem']}. What to do: {one['to_do']}"
            for one in manifest.get("held", [])
        ),
        *(f"  was damaged: {problem}" for problem in outcome.found),
        *(
            f"  act {place}: {one['title']} ({one['id']}): expected loss {float(one['expected_loss']):,.0f},"
            f" PD {float(one['pd']):.1%}, grade {one['grade']}; {one['action']}"
            for place, one in enumerate(first, 1)
        ),
        f"  {_near(folder / 'report.html')}",
    ]
    return "\n".join(lines)


def _page(watch: Watch, bundle: Bundle, night: Work, before: Before, inputs: Mapping[str, Any]) -> Page:
    notes = []
    if before.manifest is not None and before.manifest["inputs"]["bundle"] != bundle.hash:
        notes.append(
            Words(
                en="Another model than last time: part of what moved is the model, not the borrowers.",
                zh="本次使用的模型与上次不同：部分变化来自模型而非借款人。",
            )
        )
    return Page(
        as_of=night.as_of,
        environment=watch.project.environment,
        book=night.book,
        evaluation=night.evaluation,
        plan=night.plan,
        health=night.health,
        held=held_lines(night.held),
        today=night.today,
        changes=night.changes,
        signals={signal.id: signal for signal in watch.signals},
        reminders={reminder.id: reminder for reminder in watch.reminders},
        grades=[(grade.name, grade.label) for grade in master_scale(bundle).grades],
        shown=watch.shown,
        keys=watch.catalogue.subjects.keys,
        inputs={"id": inputs_hash(inputs)[:12], **inputs},
        before=before.as_of,
        notes=tuple(notes),
        reasons=night.reasons,
    )


def _near(path: Path) -> Path:
    """The path from the working folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _sum(amounts: Any) -> str:
    return f"{amounts.fillna(0).sum():.2f}"


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if pd.isna(value) else value if isinstance(value, (int, str)) else str(value)
         for name, value in row.items()}
        for row in frame.astype("object").to_dict("records")
    ]  # fmt: skip
