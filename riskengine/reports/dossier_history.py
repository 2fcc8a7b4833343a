"""What did the nights published up to a day say of an enterprise: PDs, signals, events, and acts of officers?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.casework.states import ACTIONS, MEASURES, PHASES
from riskengine.intake.personal import redacted
from riskengine.monitor import publish
from riskengine.monitor.signals import SEVERITY_WORDS
from riskengine.reports.dossier_rows import plain
from riskengine.schema import Words
from riskengine.store.database import connect

_SHOWN = ("signal", "severity", "text_en", "text_zh", "about", "id")
_FOUND = ("opened", "raised", "lowered", "renewed")  # events of a case that are the very finding of a signal
_TEXT = {
    "case": Words(en="Case {case}", zh="案件 {case}"),
    "of": Words(en="case {case}", zh="案件 {case}"),
    "until": Words(en="until {until}", zh="至 {until}"),
    "owner": Words(en="owner {owner}", zh="负责人 {owner}"),
    "proposed": Words(en="{phase} proposed, a second person must release it", zh="提出{phase}，须另一人复核"),
    "alone": Words(en="alone: a project of one person", zh="单人项目，本人复核"),
}


def nights(store: Path, as_of: date) -> list[date]:
    """The published days up to a day, in order."""
    return [day for day in publish.days(store) if day <= as_of]


def pd_history(store: Path, days: Sequence[date], enterprise: str) -> dict[str, list[dict[str, Any]]]:
    """Guarantee -> what each night said of it: day, PD, grade, expected loss, worst severity, and the same after floors.

    `raised`: a floor decided that night.
    """
    floors = ("floor", "pd_floor", "pd_used", "grade_used", "floor_waived")
    columns = ("as_of", "id", "pd", "grade", "expected_loss", "severity", *floors, "loss_used")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _read(store, days, "scores.parquet", columns, ("enterprise_id", [enterprise])):
        found.setdefault(str(row["id"]), []).append(
            {
                "as_of": str(row["night"]),
                "pd": row["pd"],
                "grade": row["grade"],
                "expected_loss": _money(row["expected_loss"]),
                "severity": row["severity"],
                **{name: plain(row[name]) for name in floors},
                "loss_used": _money(row["loss_used"]),
                "raised": bool(row["floor"]) and (plain(row["pd_used"]) or 0.0) > (plain(row["pd"]) or 0.0),
            }
        )
    return found


def _money(value: Any) -> str | None:
    return None if plain(value) is None else f"{value:.2f}"


def signals_told(store: Path, days: Sequence[date], enterprise: str) -> list[dict[str, Any]]:
    """Each time a signal of the enterprise was raised, and each time one was gone: lines for the timeline."""
    columns = (*_SHOWN, "raised_on", "state", "first_seen")
    by_night: dict[date, dict[tuple[str, str], dict[str, Any]]] = {day: {} for day in days}
    for row in _read(store, days, "signals.parquet", columns, ("enterprise", [enterprise])):
        by_night[row["night"]][str(row["signal"]), str(row["id"])] = row
    told: dict[str, dict[str, Any]] = {}
    before: dict[tuple[str, str], dict[str, Any]] = {}

    def add(line: dict[str, Any]) -> None:
        """A line once, with all the units that it is about."""
        same = json.dumps([line["on"], line["known"], line["title"], line["text"], line["severity"]])
        told.setdefault(same, {**line, "place": {**line["place"], "units": []}})["place"]["units"].append(
            line["place"].pop("id")
        )

    for day in days:
        for key, row in by_night[day].items():
            was = before.get(key)
            if was is None or was["raised_on"] != row["raised_on"]:
                add(_line(row, row["raised_on"] or day, day, "raised"))
            elif was["severity"] != row["severity"]:
                add(_line(row, day, day, "moved", str(was["severity"])))
        for key, row in before.items():
            if key not in by_night[day]:
                add(_line(row, day, day, "ended"))
        before = by_night[day]
    return list(told.values())


def active_signals(store: Path, days: Sequence[date], enterprise: str) -> list[dict[str, Any]]:
    """The signals of the last night, the gravest first."""
    columns = (*_SHOWN, "state", "raised_on", "first_seen", "feature", "value", "limit")
    rows = _read(store, days[-1:], "signals.parquet", columns, ("enterprise", [enterprise]))
    order = {"red": 0, "orange": 1, "yellow": 2, "blue": 3}
    ranked = sorted(
        rows, key=lambda row: (order.get(str(row["severity"]), 9), str(row["signal"]), str(row["id"]))
    )
    return [{name: plain(value) for name, value in row.items() if name != "night"} for row in ranked]


def events_told(store: Path, days: Sequence[date], enterprise: str) -> list[dict[str, Any]]:
    """What the nights say became of the enterprise's cases (`events.parquet`, where nights have one), in the night's words."""
    titles = {
        row["case"]: Words(en=str(row["title_en"] or ""), zh=str(row["title_zh"] or ""))
        for row in _read(
            store, days, "cases.parquet", ("case", "title_en", "title_zh"), ("enterprise", [enterprise])
        )
    }
    columns = ("on", "case", "signal", "event", "before", "after", "detail_en", "detail_zh")
    return [
        {
            "on": str(row["on"]),
            "known": str(row["night"]),
            "kind": "case",
            "title": _case(str(row["case"]), titles.get(row["case"])),
            "text": {"en": row["detail_en"] or "", "zh": row["detail_zh"] or ""},
            "severity": None,
            "place": {
                "night": str(row["night"]),
                "case": row["case"],
                "signal": row["signal"],
                "event": row["event"],
            },
        }
        for row in _read(store, days, "events.parquet", columns, ("enterprise", [enterprise]))
    ]


def together(signals: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of signals and of cases, one for what is one finding: a signal raised or moved names the case that the same
    night opened, raised, lowered or renewed by it."""
    lines, alone = [{**one} for one in signals], []
    for event in events:
        place = event["place"]
        same = [
            line
            for line in lines
            if line["kind"] == "signal"
            and (line["known"], line["place"]["signal"]) == (event["known"], place["signal"])
        ]
        told = [line for line in same if line["text"]["en"] and line["text"]["en"] in event["text"]["en"]]
        if place["event"] not in _FOUND or not same:
            alone.append(event)
            continue
        one = (told or same)[0]
        if place["case"] not in one["place"].get("cases", ()):
            cases = [*one["place"].get("cases", ()), place["case"]]
            more = {language: _said("of", language, case=place["case"]) for language in ("en", "zh")}
            one["title"] = {"en": f"{one['title']['en']}, {more['en']}", "zh": f"{one['title']['zh']}，{more['zh']}"}  # fmt: skip
            one["place"] = {**one["place"], "cases": cases}
    return [*lines, *alone]


def acts_told(store: Path, enterprise: str, as_of: date) -> list[dict[str, Any]]:
    """What officers did about the enterprise's cases that counts by a day (the ledger's `case_acts`, where it has them)."""
    path = store / "state.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
        ledger.row_factory = sqlite3.Row
        if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'case_acts'").fetchone():
            return []
        rows = ledger.execute(
            """SELECT "case", "at", "on", actor, action, phase_before, phase_after, detail FROM case_acts
            WHERE enterprise = ? AND "on" <= ? ORDER BY seq""",
            [enterprise, str(as_of)],
        ).fetchall()
    return [_act(dict(row)) for row in rows]


def troubled(store: Path, days: Sequence[date], codes: Sequence[str]) -> dict[str, str]:
    """Enterprise -> its worst severity on the last night; who has no signal is left out."""
    order = ("red", "orange", "yellow", "blue")
    found: dict[str, str] = {}
    for row in _read(store, days[-1:], "signals.parquet", ("enterprise", "severity"), ("enterprise", codes)):
        now, one = str(row["severity"]), str(row["enterprise"])
        if now in order and (one not in found or order.index(now) < order.index(found[one])):
            found[one] = now
    return found


def _read(
    store: Path, days: Sequence[date], name: str, columns: Sequence[str], among: tuple[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Rows of a published frame with `night`, in order of the nights; columns that a night did not have are None."""
    paths = {str(path): day for day in days if (path := store / "publications" / str(day) / name).exists()}
    column, wanted = among
    if not paths or not wanted:
        return []
    with connect() as connection:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        files = f"read_parquet([{listed}], union_by_name = true, filename = 'night_file')"
        there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
        chosen = [f'"{one}"' if one in there else f'NULL AS "{one}"' for one in columns]
        if column not in there:
            return []
        result = connection.execute(
            f'SELECT night_file, {", ".join(chosen)} FROM {files} WHERE "{column}" IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL',
            [list(wanted)],
        )
        names = [one[0] for one in result.description or ()][1:]
        return [
            {"night": paths[str(path)], **dict(zip(names, row, strict=True))}
            for path, *row in result.fetchall()
        ]


def _line(row: Mapping[str, Any], on: date, night: date, what: str, before: str = "") -> dict[str, Any]:
    words = {
        "raised": ("Signal", "信号"),
        "moved": ("Signal moved", "信号升降"),
        "ended": ("Signal ended", "信号解除"),
    }
    en, zh = words[what]
    moved = (before, str(row["severity"])) if before else ()
    tail = {
        language: f" ({' → '.join(_word(SEVERITY_WORDS, one, language) for one in moved)})" if moved else ""
        for language in ("en", "zh")
    }
    return {
        "on": str(on),
        "known": str(night),
        "kind": "signal" if what != "ended" else "ended",
        "title": {
            "en": f"{en} {row['signal']}{tail['en']}",
            "zh": f"{zh} {row['signal']}{tail['zh']}",
        },
        "text": {"en": row["text_en"] or "", "zh": row["text_zh"] or ""},
        "severity": None if what == "ended" else row["severity"],
        "place": {"night": str(night), "signal": row["signal"], "id": row["id"]},
    }


def _act(row: Mapping[str, Any]) -> dict[str, Any]:
    """An act as a line: who moved which case from where to where, and what was written down."""
    try:
        detail = json.loads(row["detail"])
    except ValueError:
        detail = {}
    detail = detail if isinstance(detail, dict) else {}
    case, actor = str(row["case"]), redacted(str(row["actor"]))
    done = {language: _word(ACTIONS, row["action"], language) for language in ("en", "zh")}
    title = _case(case)
    return {
        "on": str(row["on"]),
        "known": str(row["at"])[:10],
        "kind": "act",
        "title": {
            "en": f"{title['en']}: {done['en']}, by {actor}",
            "zh": f"{title['zh']}：{actor}{done['zh']}",
        },
        "text": {language: redacted(_noted(row, detail, language)) for language in ("en", "zh")},
        "severity": None,
        "place": {"case": case},
    }


def _noted(row: Mapping[str, Any], detail: Mapping[str, Any], language: str) -> str:
    """Where the case went, and what the officer gave and wrote, as `riskengine signals show` says it."""
    before, after = (_word(PHASES, row[name], language) for name in ("phase_before", "phase_after"))
    parts = [after if before == after else f"{before} → {after}"]
    if detail.get("owner"):
        parts.append(_said("owner", language, owner=detail["owner"]))
    if detail.get("until"):
        parts.append(_said("until", language, until=detail["until"]))
    if detail.get("measure"):
        parts.append(_word(MEASURES, detail["measure"], language))
    if detail.get("why"):
        parts.append(str(detail["why"]))
    if detail.get("proposed"):
        parts.append(_said("proposed", language, phase=_word(PHASES, detail["proposed"], language)))
    if detail.get("alone"):
        parts.append(_said("alone", language))
    return ("；" if language == "zh" else "; ").join(parts)


def _case(case: str, title: Words | None = None) -> dict[str, str]:
    found = {}
    for language in ("en", "zh"):
        more = title.say(language) if title else ""
        found[language] = _said("case", language, case=case) + (f" {more}" if more else "")
    return found


def _word(words: Mapping[str, Words], key: Any, language: str) -> str:
    return words[key].say(language) if key in words else str(key)


def _said(key: str, language: str, **values: Any) -> str:
    return _TEXT[key].say(language).format(**values)
