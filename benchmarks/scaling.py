"""How do profiles grow with the province: a tenth, all, three times the enterprises?

    python benchmarks/scaling.py --project PROJECT --as-of 2026-06-27 [--times 0.1 1 3] [--rounds 3]

The features and the engine's path of `profiles.py`, each run in a process of its own, the sizes in turn. Stores of other sizes
are made in a temporary folder first (`sized.py`) and thrown away. The exponent is the slope of log seconds over log enterprises:
1 is linear, below 1 better.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from math import log
from pathlib import Path

from profiles import names
from results import Seconds, Told, alone, conditions, ratio, side_by_side, write_section
from sized import sized

from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project

PROFILES = Path(__file__).with_name("profiles.py")


def main() -> None:
    """Make the stores, measure, tell."""
    asked = _asked()
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        folder = Path(scratch)
        project = Project(asked.project.resolve())
        catalogue = Catalogue(project)
        sources = sorted(
            {s for name in names() for s in catalogue.rests_on(catalogue.feature(name))} | {"mkt_reg"}
        )
        stores = {times: sized(project, folder / f"x{times:g}", sources, times).root for times in asked.times}
        found = dict(
            zip(
                asked.times,
                side_by_side(
                    [lambda root=root: _run(root, asked.as_of, folder / "out") for root in stores.values()],  # type: ignore[misc]
                    asked.rounds,
                ),
                strict=True,
            )
        )
        rows = {times: _rows(root, asked.as_of, folder / "out") for times, root in stores.items()}
    lines = told(found, rows, asked)
    print("\n".join(lines))
    if not asked.quiet:
        write_section("Profiles: scaling", lines)


def told(found: dict[float, Seconds], rows: dict[float, int], asked: argparse.Namespace) -> list[str]:
    """The table and the exponents."""
    base = min(found, key=lambda times: abs(times - 1))
    lines = [
        *conditions(
            f"python benchmarks/scaling.py --project PROJECT --times {' '.join(f'{t:g}' for t in asked.times)} --rounds {asked.rounds}",
            str(asked.as_of),
            f"{len(names())} windowed features, SYNTHETIC province thinned and replicated",
        ),
        "",
        "| size | enterprises | seconds | processor seconds | peak memory, MB | seconds over those of 1x (min - max) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for times, seconds in found.items():
        cpu = sorted(seconds.cpu)[len(seconds.cpu) // 2]
        lines.append(
            f"| {times:g}x | {rows[times]:,} | {seconds.middle:.2f} | {cpu:.2f} | {seconds.peak:,.0f} | {ratio(seconds, found[base])} |"
        )
    sizes = [float(rows[times]) for times in found]
    slope = _slope(sizes, [seconds.middle for seconds in found.values()])
    cpus = _slope(sizes, [sorted(seconds.cpu)[len(seconds.cpu) // 2] for seconds in found.values()])
    met = "met" if slope <= 1.05 else "NOT MET"
    return [
        *lines,
        "",
        f"Exponent {slope:.2f} by the clock, {cpus:.2f} of the processor; wanted 1 or less: {met}.",
    ]


def _slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    x, y = [log(size) for size in sizes], [log(second) for second in seconds]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def _run(root: Path, day: date, out: Path) -> Told:
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, str(PROFILES), "--project", str(root), "--as-of", str(day)]
    return alone([*command, "--way", "ours", "--out", str(out)])


def _rows(root: Path, day: date, out: Path) -> int:
    import json

    _run(root, day, out)
    return int(json.loads((out / "profiles.json").read_text(encoding="utf-8"))["rows"])


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, required=True, help="a project whose store has the facts")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 27))
    parser.add_argument("--times", type=float, nargs="+", default=[0.1, 1, 3])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="where stores are made; default: the system's")
    parser.add_argument("--quiet", action="store_true", help="leave RESULTS.md alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
