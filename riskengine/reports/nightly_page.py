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

from riskengine.monitor.evaluate import SEPARATOR, Evaluation
from riskengine.monitor.health import TO_DO
from riskengine.monitor.plan import Plan
from riskengine.monitor.ranking import ActToday, Changes
from riskengine.monitor.reminders import Reminder
from riskengine.monitor.shown import Dimension, Shown
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.vocabulary import GUARANTEE
from riskengine.profile.units import unit_word
from riskengine.project import Environment
from riskengine.reports import drawing
from riskengine.reports.wording import FILTERS, money, percent, whole
from riskengine.schema import Words

TOP = 8
LINES = 30
_GRADE_COLOURS = (
    "#2f7a55", "#4f8a4a", "#7d9440", "#a4952f", "#b98a24", "#c27a22", "#c26424", "#b74a28", "#a03124", "#7d2019",
)  # fmt: skip


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
        today=[_line(page, row) for row in _rows(page.today.rows)],
        dimensions=[_dimension(page, one) for one in page.shown.dimension],
        by_grade=_by_grade(page),
        groups=_groups(page),
        counts=_counts(page),
        changed=_changed(page),
        reminders=_reminders(page),
        feeds=_records(page.health),
        to_do=TO_DO,
        why=_why(page),
        pictures=_pictures(page),
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
        "states": {name: int((signals.state == name).sum()) for name in ("new", "continuing", "held")},
        "stale": stale[["title_en", "title_zh"]].to_dict("records"),
        "red_below": int((book.severity == "red").sum() - (page.today.rows.severity == "red").sum()),
        "touched": int((book.severity.isin(("orange", "red"))).sum()),
    }


def _line(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    own = page.evaluation.signals
    mine = own[((own.about == GUARANTEE) & (own.id == str(row["id"])))]
    around = own[own.about.isin([key for key, columns in page.keys.items() if columns])]
    near = [_names(page, row, key) == one for key, one in zip(around.about, around.id, strict=True)]
    around = around[np.array(near, dtype=bool)]
    found = [_spoken(page, one) for one in _rows(mine)]
    worst = page.signals[found[0]["signal"]] if found else None
    history = [float(one) for one in row["pd_history"]]
    return {
        **row,
        "title": _name(page, row),
        "where": [
            one.label(str(row[page.keys[one.key][0]]))
            for one in page.shown.dimension
            if not _missing(row[page.keys[one.key][0]])
        ],
        "spark": Markup(drawing.sparkline(history, " → ".join(percent(one) for one in history))),
        "found": found,
        "around": [_spoken(page, one) for one in _rows(around[around.severity != "blue"])],
        "act": worst,
        "reasons": page.reasons.get(str(row["id"]), {"en": [], "zh": []}),
    }


def act_first(page: Page) -> list[dict[str, str]]:
    """The guarantees to act on today in a few words, for the manifest and the terminal."""
    lines = [_line(page, row) for row in _rows(page.today.rows)]
    return [
        {
            "id": str(line["id"]),
            "title": line["title"],
            "pd": f"{line['pd']:.6f}",
            **{name: f"{line[name]:.6f}" for name in ("pd_lifetime",) if name in line},
            "grade": str(line["grade"]),
            "expected_loss": f"{line['expected_loss']:.2f}",
            "action": line["act"].action.en if line["act"] else "look at it: no signal of its own",
        }
        for line in lines
    ]


def _why(page: Page) -> list[Words]:
    """The largest part of the expected loss by each dimension, and the weak grades' part."""
    found = []
    for one in page.shown.dimension:
        rows = [row for row in _dimension(page, one)["rows"] if "rest" not in row]
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
    return "" if any(map(_missing, parts)) else " · ".join(map(str, parts))


def _spoken(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    label = _label(page, row["about"], row["id"])
    return {
        **row,
        "label": label,
        "title": page.signals[row["signal"]].title,
        "definition": page.signals[row["signal"]],
    }


def _label(page: Page, about: str, name: str) -> Words:
    """What a group is called: the names of its key's values, where the dimensions give them."""
    columns = page.keys.get(about, ())
    if not columns:
        return Words(en="the whole book", zh="整体") if about in page.keys else Words(en=name, zh=name)
    by_column = {page.keys[one.key][0]: one for one in page.shown.dimension if len(page.keys[one.key]) == 1}
    values = name.split(SEPARATOR) if len(columns) > 1 else [name]
    parts = [
        by_column[column].label(value) if column in by_column else Words(en=value, zh=value)
        for column, value in zip(columns, values, strict=False)
    ]
    return Words(en=SEPARATOR.join(one.en for one in parts), zh=SEPARATOR.join(one.zh for one in parts))


def _groups(page: Page) -> list[dict[str, Any]]:
    rows = page.evaluation.signals
    rank = rows.severity.map({name: -number for number, name in enumerate(SEVERITIES)})
    rows = rows.assign(_rank=rank).sort_values(
        ["_rank", "expected_loss"], ascending=[True, False], kind="stable"
    )
    return [_spoken(page, row) for row in _rows(rows[rows.about != GUARANTEE])]


def _dimension(page: Page, dimension: Dimension) -> dict[str, Any]:
    column = page.keys[dimension.key][0]
    grouped = page.book.groupby(page.book[column].astype("object").where(page.book[column].notna(), ""))
    table = grouped.agg(
        guarantees=("id", "size"), exposure=("exposure", "sum"), loss=("expected_loss", "sum")
    )
    table = table.sort_values(["loss"], ascending=False, kind="stable")
    named: list[dict[str, Any]] = [
        {
            "label": dimension.label(str(name)) if name else Words(en="not stated", zh="未填报"),
            **{str(k): float(v) for k, v in values.items()},
        }
        for name, values in table.head(TOP).to_dict("index").items()
    ]
    rest = table.iloc[TOP:]
    if len(rest):
        words = Words(en=f"{len(rest):,} others", zh=f"其余 {len(rest):,} 个")
        named.append({"label": words, "rest": True, **{str(k): float(v) for k, v in rest.sum().items()}})
    whole_loss = float(page.book.expected_loss.sum()) or 1.0
    largest = max((row["loss"] for row in named if "rest" not in row), default=0) or 1.0
    for row in named:
        row |= {
            "share": row["loss"] / whole_loss,
            "part": None if "rest" in row else row["loss"] / largest,
            "rate": row["loss"] / row["exposure"] if row["exposure"] else 0.0,
        }
    return {"title": dimension.title, "rows": named}


def _by_grade(page: Page) -> list[dict[str, Any]]:
    grouped = page.book.groupby("grade")
    table = grouped.agg(
        guarantees=("id", "size"), exposure=("exposure", "sum"), loss=("expected_loss", "sum")
    )
    largest = float(table.loss.max()) if len(table) else 1.0
    found = []
    for number, (name, label) in enumerate(page.grades):
        values: Any = table.loc[name] if name in table.index else dict.fromkeys(table.columns, 0.0)
        loss, exposure = float(values["loss"]), float(values["exposure"])
        found.append(
            {
                "name": name,
                "label": label,
                "guarantees": float(values["guarantees"]),
                "exposure": exposure,
                "loss": loss,
                "rate": loss / exposure if exposure else 0.0,
                "part": loss / (largest or 1.0),
                "colour": _colour(number, len(page.grades)),
            }
        )
    return found


def _counts(page: Page) -> list[dict[str, Any]]:
    ended = page.evaluation.ended.groupby("signal").size()
    fresh = page.evaluation.signals[page.evaluation.signals.state == "new"].groupby("signal").size()
    return [
        {
            **row,
            "definition": page.signals[row["signal"]],
            "new": int(fresh.get(row["signal"], 0)),
            "ended": int(ended.get(row["signal"], 0)),
        }
        for row in _rows(page.evaluation.counts)
    ]


def _changed(page: Page) -> dict[str, Any]:
    now = page.changes
    bridge = list(now.bridge.items())
    cells = now.migration.to_numpy(dtype="int64")
    return {
        "bridge": dict(bridge),
        "picture": Markup(drawing.bridge(bridge, "Expected loss, before to now / 预期损失变动")),
        "up": [{**row, "title": _name(page, row)} for row in _rows(now.up)],
        "down": [{**row, "title": _name(page, row)} for row in _rows(now.down)],
        "worse": int(np.triu(cells, 1).sum()),
        "better": int(np.tril(cells, -1).sum()),
        "left": _rows(
            now.left.groupby("why").agg(n=("id", "size"), loss=("expected_loss", "sum")).reset_index()
        ),
        "sources": {
            row["source"]: Words(en=row["title_en"], zh=row["title_zh"]) for row in _rows(page.health)
        },
        "caught": _caught(now.left[now.left.why != ""], page.before is not None),
        "charged": [
            {**row, "title": _name(page, row)} for row in _rows(now.left[now.left.why != ""].head(12))
        ],
    }


def _caught(gone: pd.DataFrame, known: bool) -> dict[str, int]:
    """Of the guarantees that an event ended: how many had been flagged in the publication before, and how."""
    if not known:
        return {"all": 0, "act": 0, "any": 0}
    return {
        "all": len(gone),
        "act": int(gone.severity.isin(("orange", "red")).sum()),
        "any": int(gone.severity.notna().sum()),
    }


def _reminders(page: Page) -> dict[str, Any]:
    rows = page.plan.reminders
    names = page.book.set_index(page.book.id.astype("str"))
    column = page.shown.name
    order = rows.assign(_late=rows.status == "overdue", _near=rows.days_left.abs() if len(rows) else [])
    # first what concerns a whole feed or group (few), then by loss within due dates of today and after
    order = order.sort_values(["about", "expected_loss"], ascending=[False, False], kind="stable")
    chosen = [part.head(4) for _, part in order.groupby("reminder", sort=True)]
    listed = pd.concat(chosen or [rows]).sort_values(["due", "reminder", "id"], kind="stable").head(LINES)
    return {
        "counts": [{**row, "definition": page.reminders[row["reminder"]]} for row in _rows(page.plan.counts)],
        "rows": [
            {
                **row,
                "definition": page.reminders[row["reminder"]],
                "title": names[column].get(row["id"], "") if column and row["about"] == GUARANTEE else "",
                "label": _reminder_label(page, row),
            }
            for row in _rows(listed)
        ],
        "total": len(rows),
    }


def _reminder_label(page: Page, row: Mapping[str, Any]) -> Words:
    if row["about"] in page.keys:
        return _label(page, row["about"], row["id"])
    feeds = page.health.set_index("source")
    if row["about"] == "source" and row["id"] in feeds.index:
        return Words(en=feeds.title_en[row["id"]], zh=feeds.title_zh[row["id"]])
    return Words(en=row["id"], zh=row["id"])


def _pictures(page: Page) -> dict[str, Any]:
    book = page.book
    colours = [_colour(number, len(page.grades)) for number in range(len(page.grades))]
    grades = [(row["name"], row["exposure"], money(row["exposure"])) for row in _by_grade(page)]
    edges = [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 1.0]
    inside = pd.cut(book.pd, edges, include_lowest=True).value_counts(sort=False)
    names = [f"≤{edge * 100:g} %" for edge in edges[1:-1]] + ["more"]
    names[-1] = f">{edges[-2] * 100:g} %"
    found = {
        "grades": Markup(drawing.columns(grades, "Exposure by grade / 各等级在保敞口", colours)),
        "pd": Markup(
            drawing.columns(
                [(name, float(n), whole(float(n))) for name, n in zip(names, inside, strict=True)],
                "Guarantees by PD / 违约概率分布",
            )
        ),
        "age": "",
    }
    if page.shown.age_months:
        years = (book[page.shown.age_months] // 12).clip(0, 9)
        by_year = book.groupby(years)[["expected_loss", "exposure"]].sum()
        bars = [
            (f"{year:.0f}–{year + 1:.0f}", float(loss), money(float(loss)))
            for year, loss in zip(by_year.index.tolist(), by_year.expected_loss, strict=True)
        ]
        found["age"] = Markup(drawing.columns(bars, "Expected loss by years on book / 按在保年限的预期损失"))
    return found


def _name(page: Page, row: Mapping[str, Any]) -> str:
    name = row.get(page.shown.name) if page.shown.name else None
    return str(row["id"]) if name is None or _missing(name) else str(name)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): None if _missing(v) else v for k, v in row.items()} for row in frame.to_dict("records")]


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _colour(number: int, size: int) -> str:
    place = (
        round(number * (min(len(_GRADE_COLOURS), max(size, 6)) - 1) / max(size - 1, 1))
        if size > 6
        else number
    )
    return _GRADE_COLOURS[min(place, len(_GRADE_COLOURS) - 1)]
