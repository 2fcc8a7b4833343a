"""What was decided, from exactly what? Written once, named by its content, never changed.

A run's file begins with one line of all it rested on; then comes one canonical JSON line a decision, without what the
first line says. The run's name is the hash of its inputs and of all it rested on, so the same review has the same ids;
writing it again must give the same bytes.
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


def write_run(store: Path, run: str, basis: dict[str, str], records: Sequence[dict[str, Any]]) -> Path:
    """Write a run's records durably and at once; a run already written must have the same bytes."""
    path = store / "decisions" / f"{run}.jsonl"
    first = canonical_json({"run": run, "basis": basis})
    lines = [canonical_json({k: v for k, v in record.items() if k != "basis"}) for record in records]
    text = "".join(line + "\n" for line in [first, *lines]).encode()
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
    """A decision's record as canonical JSON, and its content; an unknown id is a `UsageError`."""
    match = _ID.match(decision_id)
    if not match:
        raise UsageError(
            "Not a decision id",
            [Problem("decision id", "sixteen hexadecimal digits, '-', a number", repr(decision_id))],
        )
    path = store / "decisions" / f"{match[1]}.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    number = int(match[2])
    if number >= len(lines):
        got = f"{len(lines) - 1} decisions of that run" if lines else "no such run"
        raise UsageError("No such decision", [Problem(str(path), f"decision {decision_id}", got)])
    first, own = _object(path, lines, 0), _object(path, lines, number)
    if canonical_json(own) != lines[number]:
        raise IntegrityError(
            "A record is damaged",
            [Problem(f"{path} line {number + 1}", "canonical JSON", "the same content written otherwise")],
        )
    content = own | {"basis": first.get("basis")}
    return canonical_json(content), content


def _object(path: Path, lines: Sequence[str], number: int) -> dict[str, Any]:
    """Line `number` (from 0) as a JSON object."""
    where = f"{path} line {number + 1}"
    try:
        made = json.loads(lines[number])
    except ValueError as error:
        raise IntegrityError("A record is damaged", [Problem(where, "one JSON object", str(error))]) from None
    if not isinstance(made, dict):
        raise IntegrityError("A record is damaged", [Problem(where, "one JSON object", type(made).__name__)])
    return made
