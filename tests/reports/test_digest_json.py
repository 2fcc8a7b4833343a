"""`digest.json` written column by column, against the library's own writing of the same objects."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.digests import COLUMNS, Digests
from riskengine.reports import export_digests as export

AS_OF = date(2026, 6, 30)
TEXTS = st.one_of(st.none(), st.text(max_size=6), st.sampled_from(['"', "\\", "%s", "中\n"]))


def slowly(digests: Digests) -> bytes:
    """Object by object, as it was."""
    found: dict[str, dict[str, Any]] = {
        head["officer"]: {**export._values(head), "items": [], "overflow_items": []} for head in digests.heads
    }
    for row in digests.items.to_dict("records"):
        told = {name: value for name, value in row.items() if name not in export._SAME and name != "overflow"}
        if row["overflow"]:
            told = {name: told[name] for name in export.BRIEF}
        found[row["officer"]]["overflow_items" if row["overflow"] else "items"].append(export._values(told))
    content: Mapping[str, Any] = {"as_of": str(AS_OF), "digests": list(found.values())}
    return f"{json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)}\n".encode()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["李", "desk:JN", 'a"b']), st.booleans(), TEXTS, TEXTS), max_size=8)
)
def test_the_bytes_are_the_library_s(rows: list[tuple[str, bool, Any, Any]]) -> None:
    made = [
        {
            **dict.fromkeys(COLUMNS),
            "officer": who,
            "day": AS_OF,
            "overflow": over,
            "place": number,
            "text_en": text,
            "item": other,
            "due": AS_OF if over else None,
            "days_left": number if number % 2 else None,
            "at_stake": number / 3 if number % 3 else np.nan,
            "level": 1,
        }
        for number, (who, over, text, other) in enumerate(rows)
    ]
    items = pd.DataFrame(made, columns=list(COLUMNS)).astype({"overflow": "bool"})
    heads = tuple(
        {"officer": who, "day": AS_OF, "capacity": 20, "shown": 1}
        for who in sorted({row[0] for row in rows} | {"nobody"})
    )
    for digests in (Digests(items, heads), Digests(items.head(0), ())):
        assert export.digest_json(digests, AS_OF) == slowly(digests)
