"""How does a long command say what it is doing? A moving line where a person watches, log lines where nobody does.

`--log json` (or `$RISKENGINE_LOG=json`) makes each log line one JSON object for a collector: at, level, log, message, and
what the line says besides (stage, rows, seconds, ...).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from riskengine import clock
from riskengine.errors import Problem, RiskEngineError, UsageError

FORMATS = ("text", "json")
VARIABLE = "RISKENGINE_LOG"
_PLAIN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class _Line(logging.Handler):
    """Shows the latest log message in a moving status line."""

    def __init__(self, status: Any) -> None:
        super().__init__(logging.INFO)
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        """Replace the line's text."""
        self._status.update(record.getMessage())


class _Json(logging.Formatter):
    """One JSON object a line; what a log call gives as `extra` becomes fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON text, its time in UTC."""
        line = {
            "at": clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "log": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def choose_format(name: str) -> None:
    """Set how log lines look for this process; an unknown name is a `UsageError`."""
    if name not in FORMATS:
        raise UsageError(
            "No such form of log lines", [Problem(f"--log or ${VARIABLE}", " or ".join(FORMATS), repr(name))]
        )
    os.environ[VARIABLE] = name


def in_json() -> bool:
    """Whether stderr is for a collector, not for a person."""
    return os.environ.get(VARIABLE) == "json"


def mark(text: str) -> str:
    """What stderr says of the data before anything else."""
    if not in_json():
        return f"{text}\n"
    line = {
        "at": clock.now().isoformat(timespec="milliseconds"),
        "level": "warning",
        "log": "riskengine",
        "message": text,
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def refusal(error: RiskEngineError) -> str:
    """What stderr says of a refusal: words for a person, one JSON object for a collector."""
    if not in_json():
        return f"riskengine: {error}\n"
    line = {
        "at": clock.now().isoformat(timespec="milliseconds"),
        "level": "error",
        "log": "riskengine",
        "message": error.title,
        "problems": [str(problem) for problem in error.problems],
        "exit_code": error.exit_code,
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Tell of a long work on stderr while it lasts; the engine's rooms only write to the log `riskengine`."""
    form = os.environ.get(VARIABLE, "text")
    choose_format(form)
    log = logging.getLogger("riskengine")
    log.setLevel(logging.INFO)
    log.propagate = False
    if sys.stderr.isatty() and form == "text":
        from rich.console import Console

        with Console(stderr=True).status(what) as status:
            yield from _handled(log, _Line(status))
        return
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        _Json() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    yield from _handled(log, lines)


def _handled(log: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
