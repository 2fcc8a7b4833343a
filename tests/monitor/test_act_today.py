"""Whom to act on: the largest losses among the flagged, with a quarter of the places for the worst severity."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from riskengine.monitor.ranking import act_today

SEVERITY = st.sampled_from(["blue", "yellow", "orange", "red", None])


@given(st.lists(SEVERITY, min_size=1, max_size=40))
def test_the_list_is_a_plain_loop(severities: list[str | None]) -> None:
    losses = [float(len(severities) - place) for place in range(len(severities))]
    book = pd.DataFrame(
        {"id": range(len(severities)), "severity": severities, "expected_loss": losses}
    ).astype({"severity": object})
    listed = act_today(book, size=8, floor="orange").rows["id"].tolist()
    red = [place for place, found in enumerate(severities) if found == "red"]
    flagged = [place for place, found in enumerate(severities) if found in ("orange", "red")]
    kept = red[:2]
    chosen = sorted([*kept, *[place for place in flagged if place not in kept][: 8 - len(kept)]])
    assert listed[: len(chosen)] == chosen
    assert len(listed) == min(8, len(severities))
    assert len(set(listed)) == len(listed)
