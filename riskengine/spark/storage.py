"""How does the driver read and write small texts where the cluster keeps its files? Through Hadoop's file systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from riskengine.errors import Problem, UsageError


def address(place: str | Path) -> str:
    """A place as workers see it: what has a scheme stays (`hdfs://`, `s3a://`), a path becomes `file:///...`."""
    text = str(place)
    return text.rstrip("/") if "://" in text or text.startswith("file:") else Path(text).resolve().as_uri()


def read_json(session: Any, place: str) -> dict[str, Any]:
    """A small JSON object; one that is not there is a `UsageError`."""
    system, path = _found(session, place)
    if not system.exists(path):
        problem = Problem(place, "a file", "none", "Was it written by riskengine profiles --out?")
        raise UsageError("There is nothing to read", [problem])
    lines = session.read.text(place, wholetext=True).collect()
    found: dict[str, Any] = json.loads(lines[0][0])
    return found


def write_json(session: Any, place: str, content: Any) -> None:
    """Write a small JSON object in one go, in place of one that was there."""
    system, path = _found(session, place)
    stream = system.create(path, True)
    try:
        stream.write(
            bytearray((json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode())
        )
    finally:
        stream.close()


def remove(session: Any, place: str) -> None:
    """Remove a folder with all that is in it; nothing where there is none."""
    system, path = _found(session, place)
    system.delete(path, True)


def is_there(session: Any, place: str) -> bool:
    """Whether a file or folder is there."""
    system, path = _found(session, place)
    return bool(system.exists(path))


def _found(session: Any, place: str) -> tuple[Any, Any]:
    path = session._jvm.org.apache.hadoop.fs.Path(place)
    return path.getFileSystem(session._jsc.hadoopConfiguration()), path
