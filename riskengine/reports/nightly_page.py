"""How does a risk officer see the night on one page? One self-contained HTML file in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from riskengine.monitor.evaluate import KEPT, RENEWED, Evaluation
from riskengine.monitor.health import TO_DO
from riskengine.monitor.plan import Plan
from riskengine.monitor.ranking import ActToday, Changes
from riskengine.monitor.reminders import Reminder
from riskengine.monitor.shown import Shown
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.profile.units import unit_word
from riskengine.project import Environment
from riskengine.reports import drawing
from riskengine.reports.nightly_book import by_dimension, by_grade, changed, pictures
from riskengine.reports.nightly_rows import missing, name_of, records, rows_of
from riskengine.reports.nightly_signals import categories, counts, groups, of_feeds, own, reminders, spoken
from riskengine.reports.wording import FILTERS, percent
from riskengine.schema import Words


@dataclass(frozen=True)
class Page:
    """Everything the page tells. `book` is ranked; `reasons` maps a guarantee to its reasons in words by language."""

    as_of: date
    environment: Environment
    book: pd.DataFrame
    evaluation: Evaluation
    plan: Plan
    health: pd.DataFrame
    today: ActToday
    changes: Changes
    signals: Mapping[str, Signal]
    reminders: Mapping[str, Reminder]
    grades: Sequence[tuple[str, Words]]
    shown: Shown
    keys: Mapping[str, tuple[str, ...]]
    inputs: Mapping[str, Any]
    before: date | None = None
    notes: tuple[Words, ...] = ()
    held: Sequence[Mapping[str, Any]] = ()  # health.held_lines
    reasons: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


def render(page: Page, language: str = "") -> bytes:
    """The page as UTF-8 HTML; it opens in `language` (default: the environment's) and can be switched."""
    loader = jinja2.Environment(
        loader=jinja2.PackageLoader("riskengine.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    loader.filters |= FILTERS
    text = loader.get_template("nightly.html.j2").render(
        page=page,
        language=language or page.environment.language,
        currency=page.environment.currency,
        currency_zh=unit_word(page.environment.currency, "zh"),
        totals=_totals(page),
        today=[_line(page, row) for row in rows_of(page.today.rows)],
        dimensions=[by_dimension(page, one) for one in page.shown.dimension],
        by_grade=by_grade(page),
        groups=groups(page),
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
    return text.encode()


def _totals(page: Page) -> dict[str, Any]:
    book, signals = page.book, page.evaluation.signals
    loss, exposure = float(book.expected_loss.sum()), float(book.exposure.sum())
    stale = page.health[page.health.stale == 1]
    was = page.changes.bridge["before"]
    return {
        "guarantees": len(book),
        "exposure": exposure,
        "loss": loss,
        "rate": loss / exposure if exposure else 0.0,
        "unvalued": int(book.exposure.isna().sum()),
        "change": loss - was if page.before else None,
        "change_part": (loss - was) / was if page.before and was else None,
        "severity": {name: int((signals.severity == name).sum()) for name in SEVERITIES},
        "states": {name: int((signals.state == name).sum()) for name in ("new", RENEWED, "held", *KEPT)},
        "overdue": int(signals.overdue.sum()),
        "stale": stale[["title_en", "title_zh"]].to_dict("records"),
        "red_below": int((book.severity == "red").sum() - (page.today.rows.severity == "red").sum()),
        "touched": int((book.severity.isin(("orange", "red"))).sum()),
    }


def _line(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    rows = page.evaluation.signals
    around = rows[rows.about.isin([key for key, columns in page.keys.items() if columns])]
    near = [_names(page, row, key) == one for key, one in zip(around.about, around.id, strict=True)]
    around = around[np.array(near, dtype=bool)]
    found = own(page, str(row["id"]))
    history = [float(one) for one in row["pd_history"]]
    return {
        **row,
        "title": name_of(page, row),
        "where": [
            one.label(str(row[page.keys[one.key][0]]))
            for one in page.shown.dimension
            if not missing(row[page.keys[one.key][0]])
        ],
        "spark": Markup(drawing.sparkline(history, " → ".join(percent(one) for one in history))),
        "found": found,
        "around": [spoken(page, one) for one in rows_of(around[around.severity != "blue"])],
        "act": found[0] if found else None,
        "reasons": page.reasons.get(str(row["id"]), {"en": [], "zh": []}),
    }


def act_first(page: Page) -> list[dict[str, str]]:
    """The guarantees to act on today in a few words, for the manifest and the terminal."""
    lines = [_line(page, row) for row in rows_of(page.today.rows)]
    return [
        {
            "id": str(line["id"]),
            "title": line["title"],
            "pd": f"{line['pd']:.6f}",
            **{name: f"{line[name]:.6f}" for name in ("pd_lifetime",) if name in line},
            "grade": str(line["grade"]),
            "expected_loss": f"{line['expected_loss']:.2f}",
            "action": line["act"]["definition"].action.en
            if line["act"]
            else "look at it: no signal of its own",
            "due": str(line["act"]["due"] or "") if line["act"] else "",
        }
        for line in lines
    ]


def _why(page: Page) -> list[Words]:
    """The largest part of the expected loss by each dimension, and the weak grades' part."""
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


def _names(page: Page, row: Mapping[str, Any], key: str) -> str:
    parts = [row[column] for column in page.keys[key]]
    return "" if any(map(missing, parts)) else " · ".join(map(str, parts))
