"""How far is a long review? One line on stderr, rewritten in place, only where a person watches and waits."""

from __future__ import annotations

import sys
import time

_PATIENCE = 1.0  # seconds without a word
_PAUSE = 0.2  # seconds between two words
_WIDTH = 24


class Progress:
    """Shows a step and how much of it is done, after a second and on a terminal only; never part of any result."""

    def __init__(self, *, shown: bool | None = None) -> None:
        self.shown = sys.stderr.isatty() if shown is None else shown
        self._begun = self._last = time.perf_counter()
        self._written = False

    def say(self, what: str) -> None:
        """A step begins."""
        self._write(f"review: {what} ...", 0.0)

    def step(self, done: int, total: int) -> None:
        """`done` of `total` applicants are decided."""
        if self.shown and total:
            filled = _WIDTH * done // total
            self._write(f"review: [{'#' * filled}{'.' * (_WIDTH - filled)}] {done:,}/{total:,}", _PAUSE)

    def clear(self) -> None:
        """Leave nothing on the screen."""
        if self._written:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._written = False

    def _write(self, text: str, pause: float) -> None:
        now = time.perf_counter()
        if self.shown and now - self._begun > _PATIENCE and now - self._last >= pause:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._last, self._written = now, True
