"""On which rows does a signal of a case rest, in words of Chinese and English?"""

from __future__ import annotations

import json
from typing import Any

from riskengine.intake.personal import shown as masked
from riskengine.schema import Words

_ROWS = 3  # told on a terminal; `riskengine evidence` tells all
_TEXT = {
    "row": Words(en="{file} row {row}", zh="{file} 第{row}行"),
    "rows": Words(en="and {more} more row(s)", zh="另有{more}行"),
    "path": Words(en="by {kinds}, weight {weight:.2f}: {keys}", zh="经{kinds}传染，权重{weight:.2f}：{keys}"),
}
_TIES = {
    "control": Words(en="control", zh="控股"),
    "same_controller": Words(en="the same controller", zh="同一实控人"),
    "shared_person": Words(en="people in common", zh="共同人员"),
    "guarantees_given": Words(en="guarantees given", zh="对外担保"),
    "guaranteed_by": Words(en="guaranteed by", zh="被担保"),
    "counterparty": Words(en="trade", zh="上下游"),
}


def _say(key: str, language: str) -> str:
    return _TEXT[key].say(language)


def evidence_lines(text: Any, language: str) -> list[str]:
    """A signal's evidence in words: the source, its keys, the day, file and row; of contagion the ways it came.

    >>> evidence_lines('{"paths":[{"contribution":0.5,"keys":["A","B"],"kinds":["control"]}]}', "en")
    ['by control, weight 0.50: A > B']
    """
    try:
        told = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return [str(text)]
    if not isinstance(told, dict):
        return [str(text)] if told else []
    lines = []
    rows = told.get("rows", [])
    for row in rows[:_ROWS]:
        keys = " ".join(str(masked(value)) for value in row.get("keys", {}).values())
        place = _say("row", language).format(file=row.get("file", ""), row=row.get("row", ""))
        lines.append(f"{row.get(language) or row['source']} {keys} {row.get('event_date') or ''} ({place})")
    for one in told.get("paths", ())[:_ROWS]:
        kinds = ", ".join(_TIES[kind].say(language) if kind in _TIES else kind for kind in one["kinds"])
        keys = " > ".join(str(masked(key)) for key in one["keys"])
        values = {"kinds": kinds, "weight": one["contribution"], "keys": keys}
        lines.append(_say("path", language).format(**values))
    more = int(told.get("of", len(rows))) - min(len(rows), _ROWS)
    return lines + ([_say("rows", language).format(more=more)] if more > 0 else [])
