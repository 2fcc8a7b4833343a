"""How does a digest leave as JSON, and as the message that a webhook or a mail carries?

An officer who is a personal token is called by its short form (`casework.outside`) in all of them, also in `[mail.to]`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from riskengine.casework.channels import Channels
from riskengine.casework.digests import Digests
from riskengine.casework.outbox import Message
from riskengine.casework.outside import outside
from riskengine.errors import Problem, UsageError
from riskengine.monitor.frames import read_frame
from riskengine.monitor.publish import Publication
from riskengine.monitor.reminders import LOSES
from riskengine.reports.export_calendar import Diary, reminders_ics

_AT_ONCE = 20_000  # items written at a time
TAIL = 20  # of what does not fit a mail names so many; the rest is counted there and named in digest.json
BRIEF = (
    "place",
    "part",
    "kind",
    "item",
    "due",
    "loses",
    "at_stake",
    "severity",
)  # what is listed of overflow
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_SAME = ("officer", "day", "digest")  # said once, in a digest's head


def digest_json(digests: Digests, as_of: date) -> bytes:
    """`digest.json`: one object a digest with its counts, `items` and `overflow_items`; amounts as text to the cent.

    What is overflow is only named (BRIEF): the texts are in the night's reminders and lines.
    """
    over = digests.items.overflow.astype("bool")
    names = [str(name) for name in digests.items.columns if name not in _SAME and name != "overflow"]
    listed = {
        "items": _listed(digests.items[~over], names),
        "overflow_items": _listed(digests.items[over], list(BRIEF)),
    }
    told = [f'{{\n "as_of": {_encoded(str(as_of))},\n "digests": ['.encode()]
    for number, head in enumerate(digests.heads):
        parts = {name: _encoded(value).encode() for name, value in _values(head).items()}
        for name, of in listed.items():
            rows = of.pop(head["officer"], None)
            parts[name] = b"[\n    " + b",\n    ".join(rows) + b"\n   ]" if rows else b"[]"
        one = b",\n".join(b'   "%b": %b' % (name.encode(), parts[name]) for name in sorted(parts))
        told += [b",\n  " if number else b"\n  ", b"{\n", one, b"\n  }"]
    told.append(b"\n ]\n}\n" if digests.heads else b"]\n}\n")
    return b"".join(told)


def _listed(items: pd.DataFrame, names: Sequence[str]) -> dict[str, list[bytes]]:
    """Officer -> the items as `json.dumps(..., indent=1, sort_keys=True)` writes them at their place in `digest.json`.

    Column by column: with an indent the library writes every value in Python, half a million items for a minute. A piece at a
    time, and each item as bytes: a text with Chinese in it takes two for each character.
    """
    ordered = sorted(names)
    form = "{\n" + ",\n".join(f'     "{name}": %s' for name in ordered) + "\n    }"
    found: dict[str, list[bytes]] = {}
    for begin in range(0, len(items), _AT_ONCE):
        part = items.iloc[begin : begin + _AT_ONCE]
        columns = [_column(name, part[name]) for name in ordered]
        for officer, row in zip(part.officer.tolist(), zip(*columns, strict=True), strict=True):
            found.setdefault(officer, []).append((form % row).encode())
    return found


def _column(name: str, column: pd.Series) -> list[str]:
    """The values of a column as JSON texts."""
    known: dict[Any, str] = {}
    texts = []
    for value in column.astype("object").tolist():
        key = (value.__class__, value)  # 1 is True is 1.0
        text = known.get(key)
        if text is None:
            text = known[key] = _encoded(_value(name, value))
        texts.append(text)
    return texts


def messages(publication: Publication, channels: Channels, diary: Diary) -> list[Message]:
    """What is to be queued after publishing: each officer's digest by each way that is on; none where nothing is in it.

    Made from the published files alone, so that a night killed before it queued anything is made up for by the next run,
    with the same keys. Without `digest.json` there is nothing to send: a `UsageError`.
    """
    if not channels.kinds:
        return []
    path = publication.folder / "digest.json"
    if not path.exists():
        hint = "In environment.toml: [outputs] json = true"
        raise UsageError("There is no digest to send", [Problem(str(path), "a file", "none", hint)])
    reminders = read_frame(publication, "reminders.parquet")
    made = []
    for one in json.loads(path.read_text(encoding="utf-8"))["digests"]:
        who, day = one["officer"], date.fromisoformat(one["day"])
        if not one["items"] and not one["overflow_items"]:
            continue
        for kind in channels.kinds:
            if not channels.wants(kind, who):
                continue
            payload: dict[str, Any] = {"digest": one}
            if kind == "mail":
                keys = [item["item"] for item in one["items"] if item["kind"] == "reminder"]
                chosen = reminders[reminders["key"].map(outside).isin(keys)]
                ics = reminders_ics(chosen, chosen.head(0), diary, day) if len(chosen) else b""
                payload = {**_letter(one, diary), "calendar": b64encode(ics).decode()}
            made.append(Message(kind, who, day, payload))
    return made


def _letter(one: Mapping[str, Any], diary: Diary) -> dict[str, Any]:
    """Subject and text, Chinese first, then English."""
    name = diary.environment.title
    counts = (len(one["items"]), len(one["overflow_items"]), one["acknowledged"])
    zh = [
        f"{one['day']} {one['officer']}：{counts[0]}项，另有{counts[1]}项超出容量，{counts[2]}项已签收不再重复。",
        *_lines(one["items"], "zh"),
        *_tail(one["overflow_items"], "zh"),
    ]
    en = [
        f"{one['day']} {one['officer']}: {counts[0]} item(s); {counts[1]} beyond capacity; {counts[2]} acknowledged and not repeated.",
        *_lines(one["items"], "en"),
        *_tail(one["overflow_items"], "en"),
    ]
    subject = f"{one['day']} {name.say(diary.language)}: {counts[0]}+{counts[1]}"
    return {"subject": subject, "text": "\n".join([*zh, "", *en, ""])}


def _lines(items: Iterable[Mapping[str, Any]], language: str) -> list[str]:
    told = []
    for item in items:
        loses = f"[{LOSES[item['loses']].say(language)}] " if item["loses"] else ""
        due = f"{item['due']} " if item["due"] else ""
        text = item.get(f"text_{language}", "")  # what is beyond capacity is only named
        told.append(f"{item['place']}. {due}{loses}{text} ({item['item']})")
    return told


def _tail(items: list[Mapping[str, Any]], language: str) -> list[str]:
    if not items:
        return []
    heading = {"zh": "超出容量：", "en": "Beyond capacity:"}[language]
    left = len(items) - TAIL
    more = {"zh": f"……另有{left}项，见digest.json", "en": f"... and {left} more, in digest.json"}[language]
    return [heading, *_lines(items[:TAIL], language), *([more] if left > 0 else [])]


def _values(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _value(str(name), value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if name == "at_stake":
        return f"{value:.2f}"
    if isinstance(value, date):
        return str(value)
    if isinstance(value, str):
        return outside(value)
    return int(value) if name in ("days_left", "level", "place") else value
