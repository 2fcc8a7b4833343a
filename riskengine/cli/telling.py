"""How does a long command say what it is doing? A moving line where a person watches, log lines where nobody does."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Line(logging.Handler):
    """Shows the latest log message in a moving status line."""

    def __init__(self, status: Any) -> None:
        super().__init__(logging.INFO)
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        """Replace the line's text."""
        self._status.update(record.getMessage())


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Tell of a long work on stderr while it lasts; the engine's rooms only write to the log `riskengine`."""
    log = logging.getLogger("riskengine")
    log.setLevel(logging.INFO)
    log.propagate = False
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(what) as status:
            yield from _handled(log, _Line(status))
        return
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    yield from _handled(log, lines)


def _handled(log: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
