"""What does each officer get to read today: one digest a person and day, no longer than can be done, nothing dropped?

Order of a digest: (1) deadlines that lose money when missed, in the order of `monitor.plan`; (2) the lines to act on, by
rank; (3) the other reminders, those with a new step tonight first. As many as there are places are its items; what does not
fit follows as overflow, after it the lines that the budget did not place, each with its own number. An acknowledged
reminder is not repeated before its next lead or escalation (`acknowledged`); it is counted. Its key is `officer|day`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.signals import SEVERITY_WORDS
from riskengine.monitor.vocabulary import GUARANTEE

COLUMNS = (
    "officer", "day", "digest", "place", "part", "overflow", "kind", "item", "reminder", "about", "id", "enterprise", "name",
    "due", "days_left", "status", "severity", "loses", "at_stake", "level", "text_en", "text_zh",
)  # fmt: skip
_OF_LINE = ("officer", "institution", "place", "rank", "enterprise", "name", "severity", "cases", "lead_case", "lead", "lead_en",
            "lead_zh", "due", "overdue", "loss_used", "expected_loss")  # fmt: skip
HEADS = ("digest", "officer", "day", "capacity", "shown", "overflow", "acknowledged")
MONEY, ACT, OTHER, NOT_PLACED = "money", "act", "other", "not placed"
PARTS = (MONEY, ACT, OTHER, NOT_PLACED)
DESK, SUPERVISOR, HEAD = "desk", "supervisor", "head"
USUAL = 20  # items a digest where no capacity is declared: what one person reads; own choice [D]


@dataclass(frozen=True)
class Digests:
    """`items`: COLUMNS, by officer and place; `heads`: one mapping a digest (HEADS), by officer, counts of its items."""

    items: pd.DataFrame
    heads: tuple[Mapping[str, Any], ...]


def assigned(
    reminders: pd.DataFrame, lines: pd.DataFrame, desk: pd.DataFrame, book: pd.DataFrame
) -> pd.DataFrame:
    """The reminders with `officer`: of the line of its enterprise, else of the guarantee (`officers.desks`, by guarantee
    id), else of another guarantee of the enterprise, else the institution's desk (`desk:<institution>`, or `desk`)."""
    of_guarantee = _known(zip(desk.index.astype("str"), desk.officer, strict=True))
    place = _known(zip(desk.index.astype("str"), desk.institution, strict=True))
    owner = dict(zip(book.id.astype("str"), book.enterprise_id.astype("str"), strict=True))
    of_enterprise = _known((owner[name], who) for name, who in sorted(of_guarantee.items()) if name in owner)
    of_enterprise |= _known(zip(lines.enterprise.astype("str"), lines.officer, strict=True))
    seat = _known((owner[name], unit) for name, unit in sorted(place.items()) if name in owner)
    institutions = set(place.values())
    found = []
    for about, key, owner_ in zip(reminders.about, reminders["id"], reminders.enterprise, strict=True):
        name, enterprise = str(key), str(owner_) if _there(owner_) else ""
        who = of_enterprise.get(enterprise, "") if enterprise else ""
        if not who and about == GUARANTEE:
            who = of_guarantee.get(name, "")
        unit = place.get(name) or seat.get(enterprise) or (name if name in institutions else "")
        found.append(who or named(DESK, unit))
    return reminders.assign(officer=pd.Series(found, index=reminders.index, dtype="object"))


def named(role: str, institution: str) -> str:
    """The recipient that stands for a role at an institution: `desk:<institution>`, or the role alone.

    >>> named("desk", "JN"), named("head", "")
    ('desk:JN', 'head')
    """
    return f"{role}:{institution}" if institution else role


def digests(
    lines: pd.DataFrame,
    reminders: pd.DataFrame,
    desk: pd.DataFrame,
    capacity: Mapping[tuple[str, str], float],
    as_of: date,
) -> Digests:
    """One digest for each officer who has a line or a reminder; `reminders` are assigned and in the order of `plan`.

    `desk` and `capacity` are those of `casework.officers`: (institution, officer) -> items, (institution, "") for anyone
    else there, ("", "") for all; where neither is declared USUAL. A reminder that was escalated is in the digest of the
    supervisor (level 1), then of the head (level 2) of the institution as well. A line is told in the words of its lead
    case (`told_by`) and with its loss after floors (`loss_used`), as it is ranked, where the lines have them.
    """
    seats = _known(zip(desk.officer, desk.institution, strict=True))
    seats |= _known(zip(lines.officer, lines.institution, strict=True))
    told = _reminders(reminders, seats)
    quiet = _sizes(told[told.acknowledged])
    parts = [told[~told.acknowledged], *([_lines(lines)] if len(lines) else [])]
    items = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    items = items.sort_values(["officer", "_first", "_then", "_last"], kind="stable", ignore_index=True)
    items["place"] = items.groupby("officer").cumcount() + 1
    placed = _sizes(items[items.part != NOT_PLACED])
    whole = _sizes(items)
    fits: dict[str, int] = {}
    heads = []
    for who in sorted(whole.keys() | quiet.keys()):
        most = _places(who, seats, capacity)
        fits[who] = min(most, placed.get(who, 0))
        whose = {
            "officer": who,
            "day": as_of,
            "digest": f"{who}|{as_of}",
            "capacity": most,
            "shown": fits[who],
        }
        left = whole.get(who, 0) - fits[who]
        heads.append({**whose, "overflow": left, "acknowledged": quiet.get(who, 0)})
    items["overflow"] = items.place > items.officer.map(fits).astype("float64")
    items["digest"] = items.officer.astype("object") + f"|{as_of}"
    items["day"] = pd.Series([as_of] * len(items), dtype="object")
    return Digests(items.reindex(columns=list(COLUMNS)), tuple(heads))


def told_by(lines: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """The lines with `lead_en` and `lead_zh`: what the lead signal of their lead case says, else its title."""
    of = cases.drop_duplicates("case").set_index("case")
    made = {}
    for one in ("en", "zh"):
        words = of[f"text_{one}"].astype("object")
        words = words.where(words.notna() & words.ne(""), of[f"title_{one}"])
        made[f"lead_{one}"] = lines.lead_case.map(words).astype("object")
    return lines.assign(**made)


def _reminders(reminders: pd.DataFrame, seats: Mapping[str, str]) -> pd.DataFrame:
    """A row for each reminder and each of its readers, with the place it asks for (`_first`, `_then`, `_last`)."""
    loses = reminders.loses.fillna("") != ""
    fresh = reminders.state.isin(("new", "raised"))
    made = reminders.assign(
        part=pd.Series(np.where(loses, MONEY, OTHER), index=reminders.index, dtype="object"),
        kind="reminder",
        item=reminders["key"],
        name="",
        severity="",
        acknowledged=reminders.acknowledged.astype("bool"),
        _first=np.where(loses, 0, 2),
        _then=np.where(loses | fresh, 0, 1),
        _last=np.arange(len(reminders)),
    )
    unit = {
        who: who.partition(":")[2] if who.startswith(f"{DESK}:") else seats.get(who, "")
        for who in made.officer.unique()
    }
    found = [made]
    for level, role in enumerate((SUPERVISOR, HEAD), 1):
        up = made[made.level >= level]
        found.append(
            up.assign(
                officer=pd.Series(
                    [named(role, unit[who]) for who in up.officer], index=up.index, dtype="object"
                )
            )
        )
    return pd.concat([part for part in found if len(part)] or [made], ignore_index=True)


def _lines(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines as rows of digests: column by column, a province has 147,000 of them."""
    known = {name: _plain(lines[name]) for name in _OF_LINE if name in lines}
    size = len(lines)

    def of(*names: str) -> list[Any]:
        """The first of these columns that says anything, row by row."""
        told = [known[name] for name in names if name in known]
        return [
            next((value for value in row if value not in (None, "")), None) for row in zip(*told, strict=True)
        ]

    acts = [place == "act" for place in known["place"]]
    late = [one is True or one == 1 for one in known["overdue"]]
    loss = [float(one or 0.0) for one in of("loss_used", "expected_loss")]
    names = [str(one) for one in of("name", "enterprise")]
    colour = [SEVERITY_WORDS[str(one)] for one in known["severity"]]
    en, zh = (of(f"lead_{language}", "lead") for language in ("en", "zh"))
    columns: dict[str, list[Any]] = {
        "officer": [
            str(who) if who else named(DESK, str(unit or ""))
            for who, unit in zip(known["officer"], known["institution"], strict=True)
        ],
        "part": [ACT if one else NOT_PLACED for one in acts],
        "kind": ["line"] * size,
        "item": known["lead_case"],
        "reminder": [""] * size,
        "about": ["enterprise"] * size,
        "id": known["enterprise"],
        "enterprise": known["enterprise"],
        "name": names,
        "due": known["due"],
        "days_left": [None] * size,
        "status": ["overdue" if one else "" for one in late],
        "severity": known["severity"],
        "loses": [""] * size,
        "text_en": [
            f"{severity.en.capitalize()}: {name}: {lead or ''}; {cases} case(s), expected loss {amount:,.0f}"
            for severity, name, lead, cases, amount in zip(
                colour, names, en, known["cases"], loss, strict=True
            )
        ],
        "text_zh": [
            f"{severity.zh}色：{name}：{lead or ''}；{cases}个案件，预期损失{amount:,.0f}元"
            for severity, name, lead, cases, amount in zip(
                colour, names, zh, known["cases"], loss, strict=True
            )
        ],
    }
    made = pd.DataFrame({name: pd.Series(told, dtype="object") for name, told in columns.items()})
    first = [1 if one else 3 for one in acts]
    return made.assign(_first=first, _then=0, _last=known["rank"], at_stake=loss, level=0)


def _plain(column: pd.Series) -> list[Any]:
    """A column as Python values, None where nothing is known."""
    values: list[Any] = column.astype("object").where(column.notna(), None).tolist()
    return values


def _places(who: str, seats: Mapping[str, str], capacity: Mapping[tuple[str, str], float]) -> int:
    unit = seats.get(who, who.partition(":")[2])
    for key in ((unit, who), ("", who), (unit, ""), ("", "")):
        if key in capacity:
            return int(capacity[key])
    return USUAL


def _sizes(rows: pd.DataFrame) -> dict[str, int]:
    return {str(who): int(n) for who, n in rows.groupby("officer").size().items()}


def _known(pairs: Any) -> dict[str, str]:
    """The pairs whose both sides are known, as texts; of several the last counts."""
    return {str(a): str(b) for a, b in pairs if _there(a) and _there(b)}


def _there(value: Any) -> bool:
    """Whether something is said; `pd.isna` takes longer for a value than all else that is done with it."""
    return value is not None and value is not pd.NA and value == value and value != ""  # noqa: PLR0124 - NaN
