"""What went wrong, where, and what to do next: every error a user can cause is one of these."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, what was expected, what came, what to do next."""

    where: str
    expected: str
    got: str
    next: str = ""

    def __str__(self) -> str:
        """One line for a terminal or a log."""
        line = f"{self.where}: expected {self.expected}, got {self.got}"
        return f"{line}. {self.next}" if self.next else line


class RiskEngineError(Exception):
    """A refusal a user can act on: a title and all problems at once. `exit_code` is the process's."""

    exit_code = 2

    def __init__(self, title: str, problems: Sequence[Problem] = ()) -> None:
        self.title = title
        self.problems = tuple(problems)
        super().__init__("\n".join([title, *(f"  - {problem}" for problem in self.problems)]))


class UsageError(RiskEngineError):
    """The command, a file's structure or a definition is wrong (exit code 2)."""


class StaleError(RiskEngineError):
    """What a night must know is too old (exit code 3). The night is published all the same, and says so."""

    exit_code = 3


class LockedError(RiskEngineError):
    """Another run holds the lock (exit code 5)."""

    exit_code = 5


class SetupError(RiskEngineError):
    """Something the engine stands on is absent: a store, a champion, a library (exit code 6)."""

    exit_code = 6


class IntegrityError(RiskEngineError):
    """Bytes differ from their recorded hash (exit code 7)."""

    exit_code = 7


class QualityGateError(RiskEngineError):
    """A model or a publication did not pass a declared gate (exit code 8)."""

    exit_code = 8


class FindingsError(RiskEngineError):
    """The work is done, and found what `--fail-on` asked to be told of (exit code 10)."""

    exit_code = 10


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming the closest known spelling.

    >>> nearest("aplications", ["applications", "charge_offs"])
    "Did you mean 'applications'?"
    >>> nearest("zzz", ["applications"])
    'Known: applications'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Known: {shown}" if names else "None is defined yet"
