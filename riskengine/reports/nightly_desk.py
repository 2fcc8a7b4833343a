"""What do officers act on tonight? Lines with their signals in words, what waits for somebody, clusters, what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from riskengine.casework.budget import ACT, COSTS_MORE, GROUP, INHIBITED, NO_CASE, NO_LINE, OVERFLOW
from riskengine.casework.seen import WOKE
from riskengine.casework.shown import QUIET
from riskengine.casework.states import FALSE_ALARM, PHASES, RELEASE, RESOLVED, WATCH
from riskengine.intake.personal import shown
from riskengine.monitor.signal_rows import WITHDRAWN
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE, SOURCE
from riskengine.reports import drawing
from riskengine.reports.nightly_rows import label_of, missing, name_of, records, rows_of, title_of
from riskengine.reports.wording import percent
from riskengine.schema import Words

if TYPE_CHECKING:
    from riskengine.reports.nightly_page import Page

MORE, OVERFLOWING, SHOWN, OTHERS = (
    12,
    50,
    12,
    3,
)  # rows of a table, of the overflow, of clusters, further cases named
FATES: dict[str, Words] = {
    ACT: Words(en="to be acted on", zh="列入处置"),
    OVERFLOW: Words(en="overflow: worth a visit, no place left", zh="超出处置能力（顺延）"),
    COSTS_MORE: Words(en="a visit costs more than it saves", zh="处置成本高于可避免损失"),
    INHIBITED: Words(en="behind a red of the same matter", zh="被同一事项红色信号抑制"),
    GROUP: Words(en="about a group or a feed", zh="组别或数据源"),
    NO_LINE: Words(en="on no line", zh="未列入任何清单"),
    NO_CASE: Words(en="in no case", zh="未归入案件"),
    **{f"quiet: {name}": words for name, words in QUIET.items()},
    **{f"quiet: {name}": PHASES[name] for name in (FALSE_ALARM, WATCH, RESOLVED)},
}
NO_ACTION = Words(en="look at it", zh="人工查看")


def acting(page: Page) -> list[dict[str, Any]]:
    """The lines to name first, each with everything the page says of it."""
    rows = _lines(page, page.done.act)
    own_book = _of(page.book, "enterprise_id", rows, "enterprise")
    weighty = own_book.assign(_loss=_loss(own_book)).sort_values("_loss", ascending=False, kind="stable")
    by_id = {str(row["id"]): row for row in rows_of(weighty)}
    around = _around(page)
    for row in rows:
        own = by_id.get(str(row["guarantee"]), {})
        history = [float(one) for one in own.get("pd_history", ())]
        words = " → ".join(percent(one) for one in history)
        row["spark"] = Markup(drawing.sparkline(history, f"PD / 违约概率: {words}"))
        row["where"] = [
            one.label(str(own[page.keys[one.key][0]]))
            for one in page.shown.dimension
            if len(page.keys[one.key]) == 1 and not missing(own.get(page.keys[one.key][0]))
        ]
        row["around"] = around(own)
        row["lifetime"] = own.get("pd_lifetime")
        row["reasons"] = page.reasons.get(str(row["guarantee"]), {"en": [], "zh": []})
    return rows


def share_told(page: Page) -> dict[str, Any]:
    """How much of the expected loss (after floors) the lines to name first cover: of all lines, of red and orange, of the book."""
    act, lines = page.done.act, page.done.lines
    grave = lines[lines.severity.isin(("orange", "red"))]
    mine = act[act.severity.isin(("orange", "red"))]
    return {
        "of_lines": _share(act.loss_used.sum(), lines.loss_used.sum()),
        "of_grave": _share(mine.loss_used.sum(), grave.loss_used.sum()),
        "of_book": _share(act.loss_used.sum(), _loss(page.book).sum()),
        "grave": len(grave),
        "lines": len(lines),
        "red_below": int((lines.severity == "red").sum() - (act.severity == "red").sum()),
        "net": float(act.net.sum()),
        "act": int((lines.place == ACT).sum()),
    }


def desk_of(page: Page) -> list[dict[str, Any]]:
    """What waits for somebody: breached or overdue, a second person's release, woken, escalated, withdrawn; each as
    (key, title, number, rows), the rows of largest loss first."""
    done = page.done
    lines, cases, events = done.lines, done.cases, done.events
    woke = set(events.case[(events.event == WOKE) & (events.on == page.as_of)]) if len(events) else set()
    late = lines[lines.overdue.eq(True)]
    cases = cases.assign(enterprise=cases.enterprise.where(cases.enterprise.notna(), cases.unit))
    found = [
        ("overdue", Words(en="Past a deadline", zh="逾时未办"), _lines(page, _dearest(late, MORE)), len(late)),
        ("release", Words(en="Awaiting release by a second person", zh="待第二人复核解除"),
         *_some(page, cases[cases.awaiting == RELEASE])),
        ("woke", Words(en="Woken from snooze tonight", zh="今晚暂缓到期恢复"), *_some(page, cases[cases.case.isin(woke)])),
    ]  # fmt: skip
    up = lines[lines.escalated.notna()]
    moved = up[up.moved_on == page.as_of] if page.before else up
    found.append(
        ("escalated", Words(en="Escalated by several cases together", zh="多案叠加升级"),
         _lines(page, _dearest(moved if len(moved) else up, MORE)), len(up))
    )  # fmt: skip
    return [
        {"key": key, "title": title, "rows": rows, "number": number} for key, title, rows, number in found
    ]


def aside(page: Page) -> dict[str, Any]:
    """Clusters; lines of groups and feeds; signals withdrawn by their publisher; the overflow."""
    done = page.done
    signals = page.evaluation.signals
    ended = page.evaluation.ended
    back = signals[signals.state == WITHDRAWN]
    over = ended[ended.why == WITHDRAWN] if "why" in ended else ended.head(0)
    gone = [*_taken_back(page, back), *_taken_back(page, over)]
    rest = done.lines[(done.lines.place == OVERFLOW) & ~done.lines.enterprise.isin(done.act.enterprise)]
    more = done.lines[(done.lines.place == ACT) & ~done.lines.enterprise.isin(done.act.enterprise)]
    follows = pd.concat([more, rest]).head(OVERFLOWING)
    return {
        "clusters": records(done.clusters.head(SHOWN)),
        "clusters_number": len(done.clusters),
        "overall": [_group(page, row) for row in records(done.overall.head(2 * SHOWN))],
        "overall_number": len(done.overall),
        "withdrawn": gone[:MORE],
        "withdrawn_number": len(gone),
        "next": _lines(page, follows),
        "next_act": len(more),
        "overflow": int((done.lines.place == OVERFLOW).sum()),
    }


def suppressed(page: Page) -> list[dict[str, Any]]:
    """What became of every line, case and signal: by fate, the sums being all there are."""
    counts = page.done.counts
    name = counts.fate.where(counts.reason == "", "quiet: " + counts.reason.astype("object"))
    table = counts.assign(name=name).groupby(["name", "unit"]).number.sum()
    order = [*FATES, *sorted(set(name) - set(FATES))]
    found = []
    for one in order:
        numbers = {unit: int(table.get((one, unit), 0)) for unit in ("signal", "case", "line")}
        if any(numbers.values()):
            words = FATES.get(one, Words(en=one, zh=one))
            found.append({"name": one, "words": words, **numbers})
    return found


def _lines(page: Page, lines: pd.DataFrame) -> list[dict[str, Any]]:
    """Lines with the words of the case that leads, the other cases, desk and days."""
    rows = records(lines)
    cases: dict[str, list[dict[str, Any]]] = {}
    for one in records(_of(page.done.cases, "unit", rows, "enterprise")):
        cases.setdefault(str(one["unit"]), []).append(one)
    return [_line(page, row, cases.get(str(row["enterprise"]), [])) for row in rows]


def _line(page: Page, row: dict[str, Any], own: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    loud = [one for one in own if not one["quiet"]]
    lead: Mapping[str, Any] = next((one for one in loud if one["case"] == row["lead_case"]), {})
    others = [one for one in loud if one["case"] != row["lead_case"]]
    others.sort(key=lambda one: (-SEVERITIES.index(one["severity"]), str(one["case"])))
    definition = page.signals.get(str(row["lead"]))
    floored = not missing(row.get("floor")) and row["pd_used"] is not None and row["pd_used"] != row["pd"]
    return {
        **row,
        "title": row["name"] or row["enterprise"],
        "text": Words(en=lead.get("text_en") or str(row["lead"]), zh=lead.get("text_zh") or str(row["lead"])),
        "fact": lead.get("fact", ""),
        "others": others[:OTHERS],
        "more": max(len(others) - OTHERS, 0),
        "action": definition.action if definition else NO_ACTION,
        "by": definition.owner if definition else None,
        "who": shown(row["owner"] or row.get("officer") or ""),
        "house": _house(page, row.get("institution")),
        "days": (row["maturity"] - page.as_of).days if row["maturity"] else None,
        "rule": page.escalations.get(str(row["escalated"])) if row["escalated"] else None,
        "held_by": page.floors.get(str(row["floor"])) if floored else None,
        "grade": _grade(page, row) if floored else row["grade"],
        "breached": sorted({step for one in loud for step in str(one["breached"] or "").split(",") if step}),
    }


def _grade(page: Page, row: Mapping[str, Any]) -> str:
    """The worst grade after floors of the enterprise's guarantees."""
    own = page.book[page.book.enterprise_id == row["enterprise"]]
    order = {name: place for place, (name, _) in enumerate(page.grades)}
    return max(map(str, own.grade_used), key=lambda name: order.get(name, -1), default=str(row["grade"]))


def _some(page: Page, cases: pd.DataFrame) -> tuple[list[dict[str, Any]], int]:
    """Cases as rows of a table, the dearest first, and how many there are."""
    rows = records(_dearest(cases, MORE))
    names = _names(page, rows)
    for row in rows:
        row["title"] = names.get(str(row["unit"]), str(row["unit"]))
        row["text"] = Words(en=row["text_en"] or row["title_en"], zh=row["text_zh"] or row["title_zh"])
        row["who"], row["house"] = shown(row["owner"] or ""), None
        row["rule"] = None
        row["breached"] = [step for step in str(row["breached"] or "").split(",") if step]
        row["due"] = next(
            (str(row[one])[:10] for one in ("claim_due", "verify_due", "plan_due") if row[one]), None
        )
        row["overdue"] = row["due"] is not None and row["due"] < str(page.as_of)
    return rows, len(cases)


def _taken_back(page: Page, signals: pd.DataFrame) -> list[dict[str, Any]]:
    rows = records(signals.head(MORE * 3))
    enterprises = _names(page, [{"unit": row["enterprise"]} for row in rows])
    return [
        {
            **row,
            "title": enterprises.get(str(row["enterprise"]), str(row["enterprise"] or row["id"])),
            "signal_title": page.signals[row["signal"]].title if row["signal"] in page.signals else None,
            "text": Words(en=row.get("text_en") or "", zh=row.get("text_zh") or ""),
        }
        for row in rows
    ]


def _group(page: Page, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "label": label_of(page, str(row["about"]), str(row["unit"])),
        "text": Words(en=row["text_en"] or "", zh=row["text_zh"] or ""),
        "kind": next(
            (one.title for one in page.shown.dimension if one.key == row["about"]),
            Words(en="feed", zh="数据源") if row["about"] == SOURCE else None,
        ),
    }


def _around(page: Page) -> Any:
    """A function from a guarantee's row to the graver signals of the groups it is in."""
    rows = page.evaluation.signals
    keys = {key: columns for key, columns in page.keys.items() if key not in (GUARANTEE, SOURCE)}
    mild = rows.about.isin(keys) & rows.severity.isin(("orange", "red"))
    known: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in rows_of(rows[mild & ~rows.inhibited.eq(True)] if "inhibited" in rows else rows[mild]):
        known.setdefault((str(one["about"]), str(one["id"])), []).append(one)

    def of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = []
        for key, columns in keys.items():
            parts = [row.get(column) for column in columns]
            if columns and not any(map(missing, parts)):
                found += known.get((key, " · ".join(map(str, parts))), [])
        return [{**one, "title": title_of(page, one["signal"])} for one in found]

    return of


def _names(page: Page, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Enterprise or guarantee -> its name, of those in the rows."""
    wanted = {str(row["unit"]) for row in rows}
    book = page.book
    own = book[book.enterprise_id.astype("str").isin(wanted) | book.id.astype("str").isin(wanted)]
    found: dict[str, str] = {}
    for row in rows_of(own):
        found.setdefault(str(row["enterprise_id"]), name_of(page, row))
        found.setdefault(str(row["id"]), name_of(page, row))
    return found


def _house(page: Page, institution: Any) -> Words | None:
    if not institution:
        return None
    for one in page.shown.dimension:
        if one.key == "institution":
            return one.label(str(institution))
    return Words(en=str(institution), zh=str(institution))


def _of(frame: pd.DataFrame, column: str, rows: Iterable[Mapping[str, Any]], key: str) -> pd.DataFrame:
    wanted = {str(row[key]) for row in rows}
    mine = frame[column].astype("str").isin(wanted)
    if column == "enterprise_id":  # a guarantee whose enterprise is not known is a line of its own
        mine |= frame.id.astype("str").isin(wanted)
    return frame[mine]


def _dearest(frame: pd.DataFrame, size: int) -> pd.DataFrame:
    """The first rows by severity, then expected loss."""
    level = frame.severity.map({name: -number for number, name in enumerate(SEVERITIES)})
    ordered = frame.assign(_level=level).sort_values(
        ["_level", "expected_loss"], ascending=[True, False], kind="stable"
    )
    return ordered.head(size).drop(columns="_level")


def _loss(book: pd.DataFrame) -> pd.Series:
    return book["loss_used" if "loss_used" in book else "expected_loss"].astype("float64")


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole and not np.isnan(float(whole)) else 0.0
