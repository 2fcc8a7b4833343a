"""Does a past decision come out the same, byte for byte, from what was recorded?

Only the store is read: the record, the snapshot, the bundle, the rules and the recipes it names. Today's
configuration, champion and facts play no part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskengine import __version__
from riskengine.decision.applicants import Applicant
from riskengine.decision.desk import recorded
from riskengine.decision.records import read_record
from riskengine.decision.review import decide, record
from riskengine.decision.words import say
from riskengine.errors import IntegrityError, Problem, SetupError
from riskengine.profile.compute import Workbench
from riskengine.schema import canonical_json


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision rebuilt: the record's line, equal to the stored one to the byte, and its content."""

    record: str
    content: dict[str, Any]
    currency: str = ""

    def text(self, language: str) -> str:
        """The decision on one screen, and that it came out the same."""
        same = "重现结果与记录逐字节一致" if language == "zh" else "identical to the recorded bytes"
        return f"{say(self.content, language, self.currency)}\n[{same}]"


def replay(store: Path, decision_id: str, currency: str = "") -> Replayed:
    """The record rebuilt to the same bytes; any difference is an `IntegrityError` naming the first field."""
    line, told = read_record(store, decision_id)
    missing = [key for key in ("basis", "inputs", "outputs") if not isinstance(told.get(key), dict)]
    if missing:
        raise IntegrityError("A record is damaged", [Problem(decision_id, ", ".join(missing), "nothing")])
    desk = recorded(store, told["basis"])
    if desk.basis["engine"] != told["basis"].get("engine"):
        got = f"engine {desk.basis['engine']}, version {__version__}"
        hint = "Replay it with the engine that decided"
        wanted = f"engine {told['basis'].get('engine', 'of an earlier format')}"
        raise SetupError("Another engine decided this", [Problem(decision_id, wanted, got, hint)])
    with Workbench(desk.snapshot) as bench:
        output = decide(desk, bench, [Applicant.from_json(told["inputs"])])[0]
    rebuilt = record(decision_id, desk.basis, told["inputs"], output)
    if canonical_json(rebuilt) != line:
        place, before, now = first_difference(told, json.loads(canonical_json(rebuilt)), "")
        raise IntegrityError(
            f"Decision {decision_id} does not come out the same",
            [Problem(place, f"the recorded {before}", now, "The record or the store was changed")],
        )
    return Replayed(line, rebuilt, currency)


def first_difference(recorded_value: Any, rebuilt: Any, place: str) -> tuple[str, str, str]:
    """The first place, in order of keys, in which two JSON values differ, and what each has there.

    >>> first_difference({"a": [1, 2]}, {"a": [1, 3]}, "")
    ('a.1', '2', '3')
    """
    if isinstance(recorded_value, dict) and isinstance(rebuilt, dict):
        for key in sorted(recorded_value.keys() | rebuilt.keys()):
            if recorded_value.get(key, ...) != rebuilt.get(key, ...):
                inside = f"{place}.{key}".lstrip(".")
                return first_difference(
                    recorded_value.get(key, "nothing"), rebuilt.get(key, "nothing"), inside
                )
    if isinstance(recorded_value, list) and isinstance(rebuilt, list) and len(recorded_value) == len(rebuilt):
        for number, (before, now) in enumerate(zip(recorded_value, rebuilt, strict=True)):
            if before != now:
                return first_difference(before, now, f"{place}.{number}")
    return place or "the text of the line", canonical_json(recorded_value), canonical_json(rebuilt)
