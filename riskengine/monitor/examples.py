"""Do the signals fire where the committee's examples say? `configs/examples.toml`, watched without any data store.

An example tells a situation once: its values are what the written rules read before the decision (`decision.examples`) and,
with what is told under `watched`, what the signals about a guarantee read after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from riskengine.decision.examples import MISSING, Example, Examples
from riskengine.errors import Problem, nearest
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.vocabulary import GUARANTEE

_OWN = {
    "exposure": 0.0,
    "expected_loss": 0.0,
}  # what a guarantee has besides; no signal is judged by it unless it is told


@dataclass(frozen=True, slots=True)
class Fired:
    """A signal that fires in an example: its id, severity and words."""

    signal: str
    severity: str
    words: str

    @property
    def name(self) -> str:
        """As examples name it: `J01 orange`."""
        return f"{self.signal} {self.severity}"


def signal_problems(examples: Examples, signals: Sequence[Signal]) -> list[Problem]:
    """What the examples name that no signal reads, signals they do not know, and features of which the sound one tells nothing."""
    compared = _compared(signals)
    told = {**examples.healthy, **examples.watched}
    found = [
        Problem("examples.toml: watched", "a value of every feature the signals compare", f"no {name!r}")
        for name in compared
        if name not in told
    ]
    found += [
        Problem("examples.toml: watched", "a value told once", f"{name!r} under healthy too")
        for name in examples.watched
        if name in examples.healthy
    ]
    places = [("watched", examples.watched), *((one.title.en, one.watched) for one in examples.examples)]
    found += [
        Problem(f"examples.toml: {place}", "a feature that a signal compares", repr(name), nearest(name, compared))
        for place, names in places
        for name in names
        if name not in compared
    ]  # fmt: skip
    severities = {one.id: {band.severity for band in one.bands} for one in signals if one.about == GUARANTEE}
    for one in examples.examples:
        for name in one.expect.signals:
            id_, _, severity = name.partition(" ")
            if id_ not in severities:
                hint = nearest(id_, severities)
                wanted = "a signal about a guarantee and its severity"
                found.append(Problem(f"examples.toml: {one.title.en}", wanted, repr(name), hint))
            elif severity not in severities[id_]:
                known = " or ".join(level for level in SEVERITIES if level in severities[id_])
                found.append(Problem(f"examples.toml: {one.title.en}", f"{id_} {known}", repr(name)))
    return found


def fired(examples: Examples, signals: Sequence[Signal]) -> list[list[Fired]]:
    """For each example the signals that fire on its day, in the order of the definitions."""
    watched = [one for one in signals if one.about == GUARANTEE]
    days: dict[date, list[int]] = {}
    for place, one in enumerate(examples.examples):
        days.setdefault(one.as_of, []).append(place)
    found: list[list[Fired]] = [[] for _ in examples.examples]
    order = {one.id: number for number, one in enumerate(watched)}
    for day, places in days.items():
        frame = _frame([_row(examples, examples.examples[place]) for place in places], places, watched)
        for line in evaluate(watched, frame, Night(day)).signals.to_dict("records"):
            found[int(line["id"])].append(Fired(line["signal"], line["severity"], line["text_en"]))
    return [sorted(one, key=lambda item: order[item.signal]) for one in found]


def signal_differences(example: Example, got: Sequence[Fired]) -> list[str]:
    """One readable line where other signals fire than the example says, and the words of those it does not; none where all is as expected."""
    wanted, names = example.expect.signals, [one.name for one in got]
    if sorted(wanted) == sorted(names):
        return []
    said = f"signals: expected {_list(sorted(wanted))}, got {_list(sorted(names))}"
    return [said, *(f"  {one.name}: {one.words}" for one in got if one.name not in wanted)]


def _compared(signals: Sequence[Signal]) -> list[str]:
    """Every feature that a signal about a guarantee compares, once, in order."""
    every = [c.feature for one in signals if one.about == GUARANTEE for band in one.bands for c in band.when]
    return list(dict.fromkeys(every))


def _row(examples: Examples, example: Example) -> dict[str, Any]:
    told: Mapping[str, Any] = {
        **examples.healthy, **examples.watched, **example.changed, **example.watched,
    }  # fmt: skip
    return {name: None if value == MISSING else value for name, value in told.items()}


def _frame(
    rows: Sequence[Mapping[str, Any]], places: Sequence[int], signals: Sequence[Signal]
) -> pd.DataFrame:
    """The examples as rows of a night: every feature the signals read, numbers as floats, unknown ones missing."""
    texts = {
        condition.feature
        for one in signals
        for band in one.bands
        for condition in band.when
        if condition.op in ("in", "not in") or isinstance(condition.value, str)
    }
    names = dict.fromkeys([*(name for one in signals for name in one.inputs), *_OWN])
    columns = {
        name: pd.Series([row.get(name, _OWN.get(name)) for row in rows], dtype="object" if name in texts else "float64")
        for name in names
    }  # fmt: skip
    return pd.DataFrame({**columns, "id": [str(place) for place in places], "enterprise_id": ""})


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
