"""How is a comparison measured and told? In turn, pair by pair, each script in its own section of RESULTS.md.

    pairs = side_by_side([ours, other], runs=5)                     # works called in turn, after one warm-up each
    works = [lambda: alone([sys.executable, __file__, "one", "ours"]), ...]   # a process each: seconds and peak memory
    write_section("Profiles", [*conditions("python benchmarks/profiles.py", "2026-06-27", "667,100 enterprises"), *lines])

A work that returns `Told` says its own seconds (those that count); any other is timed from outside.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
HEAD = "# Benchmarks\n\nEach section is written by the command it names; seconds are medians, ratios are pair by pair."
TABLE = (
    "| ours | the alternative | ours, s | alternative, s | ratio (min - max) |",
    "| --- | --- | --- | --- | --- |",
)


class Seconds(list[float]):
    """Seconds by the clock of run after run; `cpu` those of the processor, which others on the machine change less."""

    def __init__(self, values: Sequence[float] = ()) -> None:
        super().__init__(values)
        self.cpu: list[float] = []
        self.peaks: list[float] = []  # megabytes, of works that tell them

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self)

    @property
    def peak(self) -> float:
        """The most memory of any run, megabytes; 0 where none was told."""
        return max(self.peaks, default=0.0)


@dataclass(frozen=True)
class Told:
    """What a work says of itself: seconds by the clock, of the processor, most resident memory, and anything else."""

    seconds: float
    cpu: float = 0.0
    peak: float = 0.0
    said: Mapping[str, object] = field(default_factory=dict)


def processor() -> float:
    """Seconds of the processor so far, of this process and those it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def side_by_side(
    works: Sequence[Callable[[], object]],
    runs: int = 5,
    before: Mapping[int, Callable[[], object]] | None = None,
    *,
    warm: int = 1,
) -> list[Seconds]:
    """Seconds of each work, in turn, after `warm` rounds that do not count; what `before` a work makes it ready neither."""
    found = [Seconds() for _ in works]
    for turn in range(runs + warm):
        for place, work in enumerate(works):
            if before and place in before:
                before[place]()
            begun, used = time.perf_counter(), processor()
            said = work()
            told = said if isinstance(said, Told) else Told(time.perf_counter() - begun, processor() - used)
            if turn >= warm:
                found[place].append(told.seconds)
                found[place].cpu.append(told.cpu)
                if told.peak:
                    found[place].peaks.append(told.peak)
    return found


def ratio(mine: Sequence[float], theirs: Sequence[float], digits: int = 2) -> str:
    """`median (min - max)` of mine over theirs, pair by pair."""
    ratios = sorted(a / b for a, b in zip(mine, theirs, strict=True))
    return f"{statistics.median(ratios):.{digits}f} ({ratios[0]:.{digits}f} - {ratios[-1]:.{digits}f})"


def line(ours: str, other: str, mine: Sequence[float], theirs: Sequence[float], digits: int = 3) -> str:
    """A row of `TABLE`."""
    middles = f"{statistics.median(mine):.{digits}f} | {statistics.median(theirs):.{digits}f}"
    return f"| {ours} | {other} | {middles} | {ratio(mine, theirs, 4 if digits > 3 else 2)} |"


def alone(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Told:
    """A command in a process of its own, whose last line is what `report` printed there."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return Told(said.pop("seconds"), said.pop("cpu"), said.pop("peak"), said)


def report(begun: float, **said: object) -> None:
    """Tell `alone` what this process and those it started took since `begun` (a `time.perf_counter()`), and their peak resident memory."""
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() + theirs.ru_utime + theirs.ru_stime
    print(json.dumps({"seconds": time.perf_counter() - begun, "cpu": cpu, "peak": peak_memory(), **said}))


def peak_memory() -> float:
    """Most resident memory of this process so far (`VmHWM`: what its parent held does not count), megabytes.

    Where it has started processes, the largest of them is counted once for each processor.
    """
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    for text in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if text.startswith("VmHWM:"):
            return int(text.split()[1]) / 1024 + theirs * (os.cpu_count() or 1)
    raise SystemExit("No VmHWM in /proc/self/status: run this on Linux")


def process(command: Sequence[str]) -> float:
    """Seconds of a whole process."""
    begun = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begun


def conditions(command: str, as_of: str, size: str) -> list[str]:
    """The lines that open a section: the command, the machine, the code, the day that is looked at, the data, the load."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h of %cs"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    adding, sorting = yardstick()
    return [
        f"`{command}`, as of {as_of}; {size}.",
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, Python {sys.version.split()[0]}, code at {commit or 'no commit'}"
        f" and what is changed on it; load average at the end {load:.1f};"
        f" ten million additions took Python {adding:.2f} s, ten million numbers were sorted in {sorting:.2f} s.",
    ]


def yardstick() -> tuple[float, float]:
    """Seconds of two works that never change: seconds of sections from machines or days of other speed are compared by them."""
    import numpy as np

    begun = time.perf_counter()
    total = 0
    for number in range(10_000_000):
        total += number
    added = time.perf_counter()
    numbers = np.random.default_rng(1).random(10_000_000)
    made = time.perf_counter()
    numbers.sort()
    return added - begun, time.perf_counter() - made


def write_section(title: str, lines: Sequence[str], path: Path = RESULTS) -> None:
    """Put `lines` into the section `## title`, at its place or at the end; every other section stays as it is.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "RESULTS.md"
    >>> write_section("One", ["1"], file); write_section("Two", ["2"], file); write_section("One", ["3"], file)
    >>> file.read_text().partition("## ")[2]
    'One\\n\\n3\\n\\n## Two\\n\\n2\\n'
    """
    path.touch()
    with path.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        head, *parts = ("\n" + file.read()).split("\n## ")
        sections = {name.strip(): body.strip() for name, _, body in (part.partition("\n") for part in parts)}
        sections[title] = "\n".join(lines).strip()
        text = (head.strip() or HEAD) + "".join(f"\n\n## {name}\n\n{body}" for name, body in sections.items())
        file.seek(0)
        file.write(text + "\n")
        file.truncate()
