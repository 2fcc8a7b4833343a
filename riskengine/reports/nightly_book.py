"""Where is the risk of the book, and what of it has changed? The tables and pictures of the nightly page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from riskengine.monitor.shown import Dimension
from riskengine.reports import drawing
from riskengine.reports.nightly_rows import name_of, rows_of
from riskengine.reports.wording import money, whole
from riskengine.schema import Words

if TYPE_CHECKING:
    from riskengine.reports.nightly_page import Page

TOP = 8
_GRADE_COLOURS = (
    "#2f7a55", "#4f8a4a", "#7d9440", "#a4952f", "#b98a24", "#c27a22", "#c26424", "#b74a28", "#a03124", "#7d2019",
)  # fmt: skip


def by_dimension(page: Page, dimension: Dimension) -> dict[str, Any]:
    """The largest groups of one dimension with exposure, loss and rate, and the rest together."""
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


def by_grade(page: Page) -> list[dict[str, Any]]:
    """Guarantees, exposure, loss and rate of each grade."""
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


def pictures(page: Page) -> dict[str, Any]:
    """The drawings of the book: exposure by grade, guarantees by PD, loss by age."""
    book = page.book
    colours = [_colour(number, len(page.grades)) for number in range(len(page.grades))]
    grades = [(row["name"], row["exposure"], money(row["exposure"])) for row in by_grade(page)]
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


def _colour(number: int, size: int) -> str:
    place = (
        round(number * (min(len(_GRADE_COLOURS), max(size, 6)) - 1) / max(size - 1, 1))
        if size > 6
        else number
    )
    return _GRADE_COLOURS[min(place, len(_GRADE_COLOURS) - 1)]


def changed(page: Page) -> dict[str, Any]:
    """What is different from the publication before."""
    now = page.changes
    bridge = list(now.bridge.items())
    cells = now.migration.to_numpy(dtype="int64")
    return {
        "bridge": dict(bridge),
        "picture": Markup(drawing.bridge(bridge, "Expected loss, before to now / 预期损失变动")),
        "up": [{**row, "title": name_of(page, row)} for row in rows_of(now.up)],
        "down": [{**row, "title": name_of(page, row)} for row in rows_of(now.down)],
        "worse": int(np.triu(cells, 1).sum()),
        "better": int(np.tril(cells, -1).sum()),
        "left": rows_of(
            now.left.groupby("why").agg(n=("id", "size"), loss=("expected_loss", "sum")).reset_index()
        ),
        "sources": {
            row["source"]: Words(en=row["title_en"], zh=row["title_zh"]) for row in rows_of(page.health)
        },
        "caught": _caught(now.left[now.left.why != ""], page.before is not None),
        "charged": [
            {**row, "title": name_of(page, row)} for row in rows_of(now.left[now.left.why != ""].head(12))
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
