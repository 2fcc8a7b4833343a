"""How does a risk officer see the night on one page? One self-contained HTML file in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd
from markupsafe import Markup

from riskengine.casework.night import Handled
from riskengine.casework.rulebook import Rulebook
from riskengine.casework.states import PHASES
from riskengine.monitor.evaluate import KEPT, RENEWED, Evaluation
from riskengine.monitor.health import TO_DO, held_lines
from riskengine.monitor.night import Before
from riskengine.monitor.plan import Plan
from riskengine.monitor.publish import inputs_hash
from riskengine.monitor.ranking import Changes
from riskengine.monitor.reminders import LEVELS, LOSES, Reminder
from riskengine.monitor.shown import Shown
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.work import Work
from riskengine.profile.units import unit_word
from riskengine.project import Environment
from riskengine.reports import drawing
from riskengine.reports.nightly_book import by_dimension, by_grade, changed, pictures
from riskengine.reports.nightly_desk import FATES, acting, aside, desk_of, share_told, suppressed
from riskengine.reports.nightly_rows import missing, records
from riskengine.reports.nightly_signals import categories, counts, of_feeds, reminders
from riskengine.reports.nightly_unchecked import Unchecked, unchecked
from riskengine.reports.pages import rendered
from riskengine.reports.wording import percent
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import master_scale


@dataclass(frozen=True)
class Page:
    """Everything the page tells. `done` is what casework made of the night; `evaluation` and `plan` have its signals and
    reminders; `reasons` maps a guarantee to its reasons in words by language; `quality` is `casework.quality.quality`."""

    as_of: date
    environment: Environment
    done: Handled
    evaluation: Evaluation
    plan: Plan
    health: pd.DataFrame
    changes: Changes
    signals: Mapping[str, Signal]
    reminders: Mapping[str, Reminder]
    grades: Sequence[tuple[str, Words]]
    shown: Shown
    keys: Mapping[str, tuple[str, ...]]
    inputs: Mapping[str, Any]
    unchecked: Unchecked
    before: date | None = None
    notes: tuple[Words, ...] = ()
    held: Sequence[Mapping[str, Any]] = ()  # health.held_lines
    escalations: Mapping[str, Words] = field(default_factory=dict)  # rule -> its title
    floors: Mapping[str, Words] = field(default_factory=dict)  # floor -> its title
    quality: Mapping[str, Any] = field(default_factory=dict)
    called: Mapping[tuple[str, str], str] = field(default_factory=dict)  # work.Work.called

    @property
    def book(self) -> pd.DataFrame:
        """The ranked book after floors."""
        return self.done.book

    @property
    def reasons(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Guarantee -> its reasons in words by language."""
        return self.done.reasons


def page_of(
    rules: Rulebook, bundle: Bundle, night: tuple[Work, Handled], before: Before, inputs: Mapping[str, Any]
) -> Page:
    """The page of a night; `inputs` are those of the publication (`backtested`: the accepted back-test, if there is one)."""
    work, done = night
    watch = rules.watch
    notes = []
    if before.manifest is not None and before.manifest["inputs"]["bundle"] != bundle.hash:
        notes.append(
            Words(
                en="Another model than last time: part of what moved is the model, not the borrowers.",
                zh="本次使用的模型与上次不同：部分变化来自模型而非借款人。",
            )
        )
    return Page(
        as_of=work.as_of,
        environment=watch.project.environment,
        done=done,
        evaluation=replace(work.evaluation, signals=done.signals),
        plan=replace(work.plan, reminders=done.reminders),
        health=work.health,
        held=held_lines(work.held),
        changes=work.changes,
        signals=rules.signals,
        reminders={reminder.id: reminder for reminder in watch.reminders},
        grades=[(grade.name, grade.label) for grade in master_scale(bundle).grades],
        shown=watch.shown,
        keys=watch.catalogue.subjects.keys,
        inputs={"id": inputs_hash(inputs)[:12], **inputs},
        unchecked=unchecked(rules, bundle, work, inputs),
        before=before.as_of,
        notes=tuple(notes),
        escalations={rule.id: rule.title for rule in rules.cases.file.escalate},
        floors={floor.id: floor.title for floor in rules.floors.floors},
        quality=done.quality,
        called=work.called,
    )


def render(page: Page, language: str = "") -> bytes:
    """The page as UTF-8 HTML; it opens in `language` (default: the environment's) and can be switched."""
    return rendered(
        "nightly.html.j2",
        page=page,
        language=language or page.environment.language,
        currency=page.environment.currency,
        currency_zh=unit_word(page.environment.currency, "zh"),
        totals=_totals(page),
        today=acting(page),
        coverage=share_told(page),
        desk=desk_of(page),
        aside=aside(page),
        suppressed=suppressed(page),
        fates=FATES,
        phases=PHASES,
        levels=LEVELS,
        loses=LOSES,
        dimensions=[by_dimension(page, one) for one in page.shown.dimension],
        by_grade=by_grade(page),
        counts=counts(page),
        categories=categories(page),
        about_feeds=of_feeds(page),
        changed=changed(page),
        reminders=reminders(page),
        feeds=records(page.health),
        to_do=TO_DO,
        why=_why(page),
        pictures=pictures(page),
        severities=SEVERITIES[::-1],
        bar=lambda part, colour=drawing.ACCENT: Markup(drawing.bar(part, colour)),
    )


def act_first(page: Page) -> list[dict[str, str]]:
    """The lines to act on today in a few words, for the manifest and the terminal."""
    return [
        {
            "enterprise": str(line["enterprise"]),
            "title": str(line["title"]),
            "case": str(line["lead_case"]),
            "severity": str(line["severity"]),
            "signal": str(line["lead"]),
            "grade": str(line["grade"] or ""),
            **{
                name: "" if missing(line[name]) else f"{float(line[name]):.{digits}f}"
                for name, digits in (("pd_used", 6), ("loss_used", 2), ("avoidable", 2), ("net", 2))
            },
            "text_en": line["text"].en,
            "text_zh": line["text"].zh,
            "action_en": line["action"].en,
            "action_zh": line["action"].zh,
            "due": "" if missing(line["due"]) else str(line["due"]),
        }
        for line in acting(page)
    ]


def _totals(page: Page) -> dict[str, Any]:
    book, signals, lines = page.book, page.evaluation.signals, page.done.lines
    loss, exposure = float(book.expected_loss.sum()), float(book.exposure.sum())
    stale = page.health[page.health.stale == 1]
    was = page.changes.bridge["before"]
    grave = lines[lines.severity.isin(("orange", "red"))]
    used = float(book.loss_used.sum()) if "loss_used" in book else loss
    return {
        "guarantees": len(book),
        "exposure": exposure,
        "at_risk": float(grave.exposure.sum()),
        "at_risk_share": float(grave.exposure.sum()) / exposure if exposure else 0.0,
        "grave": len(grave),
        "loss": loss,
        "raised": used - loss if used - loss >= 1 else 0.0,
        "rate": loss / exposure if exposure else 0.0,
        "unvalued": int(book.exposure.isna().sum()),
        "change": loss - was if page.before else None,
        "change_part": (loss - was) / was if page.before and was else None,
        "lines": len(lines),
        "severity": {name: int((lines.severity == name).sum()) for name in SEVERITIES},
        "states": {name: int((signals.state == name).sum()) for name in ("new", RENEWED, "held", *KEPT)},
        "overdue": int(lines.overdue.sum()),
        "stale": stale[["title_en", "title_zh"]].to_dict("records"),
        "refused": int(page.health.quarantined.sum()) if len(page.health) else 0,
        "refusing": int((page.health.quarantined > 0).sum()) if len(page.health) else 0,
        "feeds": len(page.health),
    }


def _why(page: Page) -> list[Words]:
    """The largest part of the expected loss by each dimension."""
    found = []
    for one in page.shown.dimension:
        rows = [row for row in by_dimension(page, one)["rows"] if "rest" not in row]
        if rows:
            top, part = rows[0]["label"], percent(rows[0]["share"], 0)
            found.append(
                Words(
                    en=f"{one.title.en}: {top.en} {part}",
                    zh=f"{one.title.zh}：{top.zh} {part}",
                )
            )
    return found
