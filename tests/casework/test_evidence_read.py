"""Is a text of evidence read by its parts exactly what reading all of it says, whatever stands in it?"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework import connected
from riskengine.casework.connected import Evidence

NASTY = st.sampled_from(
    [
        '},{"source":',
        '}],"of":3}',
        ',"keys":',
        ',"event_date":"2026-01-01"',
        '"',
        "\\",
        "（2026）鲁 执",
        "",
        " ",
    ]
) | st.text(max_size=6)
NAMES = st.sampled_from(["case_no", "keys", "event_date", "source", "d"])
VALUES = NASTY | st.none() | st.integers(-9, 9) | st.booleans()
ROWS = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["court_case", "pboc", 'odd"\\source']),
        "en": NASTY,
        "zh": NASTY,
        "keys": st.dictionaries(NAMES, VALUES, max_size=3),
        "batch": st.integers(1, 9),
        "file": NASTY,
        "row": st.integers(1, 9),
        "event_date": st.sampled_from(["2026-06-02", "2025-12-31", "", None]),
        "known_at": st.just("2026-06-03"),
    }
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, max_size=3), st.booleans(), st.sampled_from(["", "  "]))
def test_by_its_parts_and_as_a_whole(rows: list[dict[str, Any]], compact: bool, tail: str) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    text = json.dumps({"rows": rows, "of": len(rows)}, ensure_ascii=False, separators=separators) + tail
    reader = Evidence(["case_no", "keys"], {})
    assert reader.read(text) == reader._parse(text)


def test_what_the_night_writes_is_not_read_as_a_whole() -> None:
    row = '{"source":"court","en":"Case","zh":"案","keys":{"no":"1"},"batch":1,"file":"f","row":2,"event_date":"2026-06-02","known_at":"2026-06-03"}'
    assert connected._parts(f'{{"rows":[{row},{row}],"of":7}}') == [("court", {"no": "1"}, "2026-06-02")] * 2
    assert connected._parts('{"paths":[{"contribution":0.5,"keys":["A"],"kinds":["control"]}]}') is None


def test_a_row_whose_names_stand_in_another_order_is_not_lost() -> None:
    row = '{"source":"court","keys":{},"event_date":"2026-06-02","known_at":"2026-06-03"}'
    turned = '{"keys":{},"event_date":"2026-06-02","source":"court","known_at":"2026-06-03"}'
    assert len(Evidence([], {}).read(f'{{"rows":[{row},{turned}],"of":2}}').hashes) == 2
