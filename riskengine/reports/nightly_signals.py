"""What fired, what was watched and did not, and what has to be done? Signals and reminders of the nightly page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from riskengine.monitor.evaluate import KEPT
from riskengine.monitor.evidence import clause
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE, SOURCE
from riskengine.reports.nightly_rows import label_of, missing, rows_of
from riskengine.schema import Words

if TYPE_CHECKING:
    from riskengine.reports.nightly_page import Page

LINES = 30
TONIGHT = ("new", "raised")  # what a reminder asks for tonight; one that goes on has been asked for
GONE = {  # why a reminder of the publication before is no longer shown (`plan.ENDED`)
    "done": Words(en="reported done", zh="已有办结记录"),
    "replaced": Words(en="another date now", zh="日期已改"),
    "left": Words(en="left the book", zh="已不在保"),
    "over": Words(en="past their look-back", zh="回看期满"),
    "not planned": Words(en="no longer planned", zh="已停用"),
}


def spoken(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    """A signal with its label, definition and evidence in words."""
    label = label_of(page, row["about"], row["id"])
    return {
        **row,
        "label": label,
        "title": page.signals[row["signal"]].title,
        "definition": page.signals[row["signal"]],
        "rests_on": clause(
            None if missing(row["evidence"]) else row["evidence"], (row["id"], row["enterprise"])
        ),
        "quiet": row["state"] in KEPT,
    }


def groups(page: Page) -> list[dict[str, Any]]:
    """The signals about groups, the worst first."""
    rows = page.evaluation.signals
    rank = rows.severity.map({name: -number for number, name in enumerate(SEVERITIES)})
    rows = rows.assign(_rank=rank).sort_values(
        ["_rank", "expected_loss"], ascending=[True, False], kind="stable"
    )
    return [spoken(page, row) for row in rows_of(rows[~rows.about.isin((GUARANTEE, SOURCE))])]


def counts(page: Page) -> list[dict[str, Any]]:
    """Each definition with how many it fired on, is new, ended and so on."""
    ended = page.evaluation.ended.groupby("signal").size()
    fresh = page.evaluation.signals[page.evaluation.signals.state == "new"].groupby("signal").size()
    return [
        {
            **row,
            "definition": page.signals[row["signal"]],
            "new": int(fresh.get(row["signal"], 0)),
            "ended": int(ended.get(row["signal"], 0)),
        }
        for row in rows_of(page.evaluation.counts)
    ]


def own(page: Page, name: str) -> list[dict[str, Any]]:
    """The signals about one guarantee, the worst first; of one severity those that are still true come first."""
    rows = page.evaluation.signals
    mine = [spoken(page, row) for row in rows_of(rows[(rows.about == GUARANTEE) & (rows.id == name)])]
    return sorted(mine, key=lambda row: (-SEVERITIES.index(row["severity"]), row["quiet"]))


def of_feeds(page: Page) -> list[dict[str, Any]]:
    """The signals about feeds."""
    rows = page.evaluation.signals
    return [spoken(page, row) for row in rows_of(rows[rows.about == SOURCE])]


def categories(page: Page) -> list[dict[str, Any]]:
    """The definitions by category: those with anything to show as rows, the others named by what they were."""
    found: dict[str, dict[str, Any]] = {}
    for row in counts(page):
        words = row["definition"].category
        empty: dict[str, Any] = {
            "title": words,
            "fired": [],
            "clear": [],
            "blind": [],
            "unwatched": [],
            "watched": 0,
        }
        one = found.setdefault(words.en, empty)
        told = [row[name] for name in (*SEVERITIES, "new", "ended", "held", "clearing", "to_confirm")]
        one["watched"] += row["watched"]
        place = (
            "unwatched"
            if not row["watched"]
            else "fired"
            if any(told)
            else "blind"
            if row["not_evaluable"]
            else "clear"
        )
        one[place].append(row)
    return list(found.values())


def reminders(page: Page) -> dict[str, Any]:
    """Counts by kind, and of what is new tonight or raised again the first by loss of each kind; the rest only counted."""
    everything, ended = page.plan.reminders, page.plan.ended
    rows = everything[everything.state.isin(TONIGHT)]
    tonight = rows.groupby("reminder").size()
    names = page.book.set_index(page.book.id.astype("str"))
    column = page.shown.name
    # first what concerns a whole feed or group (few), then by loss
    order = rows.sort_values(["about", "expected_loss"], ascending=[False, False], kind="stable")
    chosen = [part.head(4) for _, part in order.groupby("reminder", sort=True)]
    listed = pd.concat(chosen or [rows]).sort_values(["due", "reminder", "id"], kind="stable").head(LINES)
    return {
        "counts": [
            {
                **row,
                "definition": page.reminders[row["reminder"]],
                "tonight": int(tonight.get(row["reminder"], 0)),
            }
            for row in rows_of(page.plan.counts)
        ],
        "rows": [
            {
                **row,
                "definition": page.reminders[row["reminder"]],
                "title": names[column].get(row["id"], "") if column and row["about"] == GUARANTEE else "",
                "label": label_of(page, row["about"], row["id"]),
            }
            for row in rows_of(listed)
        ],
        "tonight": len(rows),
        "total": len(everything),
        "gone": [
            {"why": GONE[why], "n": int((ended.why == why).sum())} for why in GONE if (ended.why == why).any()
        ],
    }
