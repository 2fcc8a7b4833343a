"""What was decided, from exactly what? Written once, named by its content, never changed.

A run's file holds one canonical JSON line a decision. The run's name is the hash of its inputs and of all it rested on, so
the same review has the same ids; writing it again must give the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.schema import canonical_json, fingerprint

_ID = re.compile(r"^([0-9a-f]{16})-([1-9][0-9]*)$")


def run_name(basis: dict[str, str], inputs: Sequence[dict[str, Any]]) -> str:
    """The name of a review: the hash of what it rests on and of every applicant, in order."""
    return fingerprint({"basis": basis, "inputs": inputs})[:16]


def write_run(store: Path, run: str, lines: Sequence[dict[str, Any]]) -> Path:
    """Write a run's records durably and at once; a run already written must have the same bytes."""
    path = store / "decisions" / f"{run}.jsonl"
    text = "".join(canonical_json(line) + "\n" for line in lines).encode()
    if path.exists():
        if path.read_bytes() != text:
            raise IntegrityError(
                "A review does not give what it gave before",
                [Problem(str(path), "the recorded bytes", "other bytes", "Run riskengine replay on its ids")],
            )
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{run}.{os.getpid()}.new")
    with temporary.open("wb") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path


def read_record(store: Path, decision_id: str) -> tuple[str, dict[str, Any]]:
    """The recorded line of a decision and its content; an unknown id is a `UsageError`."""
    match = _ID.match(decision_id)
    if not match:
        raise UsageError(
            "Not a decision id",
            [Problem("decision id", "sixteen hexadecimal digits, '-', a number", repr(decision_id))],
        )
    path = store / "decisions" / f"{match[1]}.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    number = int(match[2])
    if number > len(lines):
        got = f"{len(lines)} decisions of that run" if lines else "no such run"
        raise UsageError("No such decision", [Problem(str(path), f"decision {decision_id}", got)])
    try:
        return lines[number - 1], json.loads(lines[number - 1])
    except ValueError as error:
        raise IntegrityError(
            "A record is damaged", [Problem(f"{path} line {number}", "one JSON object", str(error))]
        ) from None
