"""Every band of every signal of the default project: at its limits it holds, one step inside it does not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskengine.decision.conditions import Condition
from riskengine.monitor.comparing import compare_all
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.signals import SEVERITIES, Band, Signal, read_signals
from riskengine.monitor.vocabulary import GUARANTEE, vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue(Project(ROOT))
SIGNALS = read_signals(ROOT / "configs" / "signals.toml", vocabulary(CATALOGUE))


def day_of(one: Signal) -> date:
    """A day on which it is watched and its latest limits are in force."""
    begun = [
        item.start
        for band in one.bands
        for condition in band.when
        for item in (*condition.limits, *condition.lists)
    ]
    latest = max([one.start or date(2026, 1, 1), *begun])
    return min(latest, one.end) if one.end else latest


def at(condition: Condition, day: date, inside: bool) -> Any:
    """The value at the limit that still meets a condition, or the nearest one that does not."""
    if condition.op in ("known", "missing"):
        return None if (condition.op == "missing") != inside else 1.0
    limit = condition.limit(day)
    if condition.op in ("in", "not in"):
        listed = str(limit[0]).rstrip("*")  # type: ignore[index]
        return (
            listed if (condition.op == "in") != inside else listed + "?" * 9 if not listed else "?" + listed
        )
    if condition.op in ("==", "!="):
        other = f"{limit}?" if isinstance(limit, str) else np.nextafter(float(limit), np.inf)  # type: ignore[arg-type]
        return limit if (condition.op == "==") != inside else other
    edge, up = float(limit), condition.op in (">", ">=")  # type: ignore[arg-type]
    beyond, short = (np.nextafter(edge, np.inf if up == far else -np.inf) for far in (True, False))
    if condition.op in (">", "<"):
        return edge if inside else beyond
    return short if inside else edge


def row(band: Band, day: date, place: int, inside: bool) -> dict[str, Any]:
    """All of a band's features at the limit, the one of `place` at its own limit or one step inside."""
    values = {condition.feature: at(condition, day, False) for condition in band.when}
    return values | {band.when[place].feature: at(band.when[place], day, inside)}


@pytest.mark.parametrize("one", SIGNALS, ids=[one.id for one in SIGNALS])
def test_at_the_limit_it_holds_and_one_step_inside_it_does_not(one: Signal) -> None:
    day = day_of(one)
    assert one.watched_on(day)
    alone = one.model_copy(update={"about": GUARANTEE})
    for band in one.bands:
        places = range(len(band.when))
        frame = pd.DataFrame([row(band, day, place, inside) for inside in (False, True) for place in places])
        frame = frame.assign(**{name: None for name in one.inputs if name not in frame})
        holds, fails = compare_all(band.when, frame, day)
        size = len(band.when)
        assert holds[:size].all(), (band.severity, frame.head(size).to_dict("records"))
        assert fails[size:].all(), (band.severity, frame.tail(size).to_dict("records"))
        whole = frame.assign(id=range(2 * size), enterprise_id="E", expected_loss=0.0, exposure=0.0, **frame)
        found = evaluate([alone], whole, Night(day)).signals.set_index("id").severity
        for place in places:  # at its limit a higher band may hold too; the words are made without an error
            assert SEVERITIES.index(found[str(place)]) >= SEVERITIES.index(band.severity)
