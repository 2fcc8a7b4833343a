"""How long does each stage of a long work take, over how many rows, and with how much memory? Never part of a result.

Stages follow each other: one begins where the one before ended (`lap`), so their seconds add up to the whole work. The memory
of a stage (`peak_mb`, 2**20 bytes) is the most that the process was resident while the stage ran: Linux' `VmHWM`, set back at
each stage through `/proc/self/clear_refs`. Where the system has no such thing it is the most so far (`ru_maxrss`), and only a
rise from one stage to the next says something of the stage. Setting it back also makes `VmHWM` and `ru_maxrss` of the process
say less from outside: `most_mb` keeps the most of all stages.

What a stage has let go of is given back to the system where it ends (`given_back`): allocators keep it for the next one, whose
own they seldom serve, so that the stages of a night would stand beside each other in memory.
"""

from __future__ import annotations

import ctypes
import logging
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path

log = logging.getLogger("riskengine.stages")
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_MB = 1024  # of the system's kilobytes


@dataclass(frozen=True)
class Stage:
    """A stage that is over: its name, the rows it made (None: not counted), seconds by the clock, most memory meanwhile."""

    stage: str
    rows: int | None
    seconds: float
    peak_mb: float


@dataclass
class _Work:
    """A work that is running: the stages that are over, and when the present one began."""

    stages: dict[str, Stage] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)


_RUNNING: ContextVar[_Work | None] = ContextVar("stages", default=None)
_most = [0.0]  # of this process before the last setting back, megabytes


@contextmanager
def measured() -> Iterator[None]:
    """Measure the stages of what runs inside; outside of it `lap` does nothing."""
    _set_back()
    token = _RUNNING.set(_Work())
    try:
        yield
    finally:
        _RUNNING.reset(token)


def lap(stage: str, rows: int | None = None) -> None:
    """The stage that ends here, told to the log; it began where the one before ended. One that is done again counts once more."""
    work = _RUNNING.get()
    if work is None:
        return
    now, peak = time.perf_counter(), _peak_mb()
    _tell(stage, rows, now - work.begun, peak)
    given_back()
    was = work.stages.get(stage, Stage(stage, None, 0.0, 0.0))
    seconds = round(was.seconds + now - work.begun, 3)
    work.stages[stage] = Stage(stage, rows, seconds, max(was.peak_mb, peak))
    _set_back()
    work.begun = now


def laps() -> list[dict[str, object]]:
    """The stages of the running work that are over, in order: stage, rows, seconds, peak_mb."""
    work = _RUNNING.get()
    return [asdict(one) for one in work.stages.values()] if work else []


@contextmanager
def stage(name: str) -> Iterator[dict[str, int]]:
    """A stage on its own, for pipelines that are no `measured` work: told to the log; the body may set `["rows"]`.

    A stage that fails is not told: its error is.
    """
    begun = time.perf_counter()
    found: dict[str, int] = {}
    yield found
    _tell(name, found.get("rows"), time.perf_counter() - begun, None)


def given_back() -> None:
    """Give memory that nothing uses back to the system: the C library's, where it is glibc, and Arrow's, where it is loaded."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def most_mb() -> float:
    """The most memory that this process was ever resident with, in megabytes, whatever has been set back."""
    return max(_most[0], _peak_mb())


def _tell(name: str, rows: int | None, seconds: float, peak: float | None) -> None:
    found: Mapping[str, object] = {
        **({} if rows is None else {"rows": rows}),
        **({} if peak is None else {"peak_mb": peak}),
    }
    said = f"{name}: {seconds:.1f} s" + (f", {rows:,} rows" if rows is not None else "")
    said += f", {peak:,.0f} MB" if peak is not None else ""
    log.info(said, extra={"stage": name, "seconds": round(seconds, 3), **found})


def _peak_mb() -> float:
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / _MB, 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (_MB * _MB if sys.platform == "darwin" else _MB), 1)


def _set_back() -> None:
    """From here on the most is counted anew, where the system allows it."""
    _most[0] = max(_most[0], _peak_mb())
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return
