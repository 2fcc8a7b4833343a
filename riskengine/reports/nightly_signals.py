"""What fired, what was watched and did not, and what has to be done? Signals and reminders of the nightly page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from riskengine.casework.digests import DESK
from riskengine.intake.personal import shown
from riskengine.monitor.evaluate import KEPT
from riskengine.monitor.evidence import clause
from riskengine.monitor.reminders import LOSES
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE, SOURCE
from riskengine.reports.nightly_rows import label_of, missing, rows_of, title_of
from riskengine.schema import Words

if TYPE_CHECKING:
    from riskengine.reports.nightly_page import Page

MONEY, OTHERS = 20, 12  # rows: what loses money, what does not
TONIGHT = ("new", "raised")  # what a reminder asks for tonight; one that goes on has been asked for
GONE = {  # why a reminder of the publication before is no longer shown (`plan.ENDED`)
    "done": Words(en="done", zh="已办结"),
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
        "title": title_of(page, row["signal"]),
        "definition": page.signals.get(row["signal"]),
        "rests_on": clause(
            None if missing(row["evidence"]) else row["evidence"], (row["id"], row["enterprise"])
        ),
        "quiet": row["state"] in KEPT and missing(row.get("band")),
    }


def counts(page: Page) -> list[dict[str, Any]]:
    """Each definition with how many it fired on, is new, ended and so on."""
    ended = page.evaluation.ended.groupby("signal").size()
    signals = page.evaluation.signals
    fresh = signals.signal[signals.state == "new"].value_counts()
    return [
        {
            **row,
            "definition": page.signals[row["signal"]],
            "new": int(fresh.get(row["signal"], 0)),
            "ended": int(ended.get(row["signal"], 0)),
        }
        for row in rows_of(page.evaluation.counts)
    ]


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
        told = [
            row.get(name, 0)
            for name in (*SEVERITIES, "new", "ended", "held", "easing", "clearing", "to_confirm")
        ]
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
    """What loses money when it is missed, apart and first, in the order of the plan; of the rest what is new tonight or raised
    again; counts by kind. Nothing that somebody has acknowledged at this very step is listed, only counted."""
    everything, ended = page.plan.reminders, page.plan.ended
    money = everything.loses.fillna("").ne("")
    said = everything.acknowledged.eq(True)
    fresh = everything.state.isin(TONIGHT)
    tonight = everything[fresh].groupby("reminder").size()
    why = ended.why.astype("str").str.replace(r"^done \(.*$", "done", regex=True)
    open_money = everything[money & ~said]
    return {
        "counts": [
            {
                **row,
                "definition": page.reminders[row["reminder"]],
                "tonight": int(tonight.get(row["reminder"], 0)),
            }
            for row in rows_of(page.plan.counts)
        ],
        "money": _told(page, open_money.head(MONEY)),
        "money_number": len(open_money),
        "money_late": int((open_money.status == "overdue").sum()),
        "at_stake": float(open_money.at_stake.sum()),
        "others": _told(page, _first_of_each(everything[~money & ~said & fresh])),
        "others_number": int((~money & ~said & fresh).sum()),
        "acknowledged": int(said.sum()),
        "tonight": int(fresh.sum()),
        "total": len(everything),
        "gone": [{"why": GONE[one], "n": int((why == one).sum())} for one in GONE if (why == one).any()],
    }


def _first_of_each(rows: pd.DataFrame) -> pd.DataFrame:
    """A few of every kind, the dearest first, in the order of the plan."""
    chosen = [
        part.head(3)
        for _, part in rows.sort_values("expected_loss", ascending=False, kind="stable").groupby("reminder")
    ]
    return pd.concat(chosen).sort_index().head(OTHERS) if chosen else rows


def _told(page: Page, rows: pd.DataFrame) -> list[dict[str, Any]]:
    names = page.book.set_index(page.book.id.astype("str"))
    column = page.shown.name
    return [
        {
            **row,
            "definition": page.reminders[row["reminder"]],
            "title": names[column].get(row["id"], "")
            if column and row["about"] == GUARANTEE
            else page.called.get((row["about"], str(row["id"])), ""),
            "label": label_of(page, row["about"], row["id"]),
            **_desk(str(row["officer"] or "")),
            "loss_of": LOSES.get(row["loses"] or ""),
        }
        for row in rows_of(rows)
    ]


def _desk(officer: str) -> dict[str, Any]:
    """Who a reminder is for: a person, or the desk of an institution (`digests.named`); of a desk without one the role."""
    role, _, institution = officer.partition(":")
    at_desk = role == DESK and institution
    return {"at_desk": institution if at_desk else "", "who": "" if role == DESK else shown(officer)}
