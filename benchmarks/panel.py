"""What does a training panel cost beside as many separate nights: the same subjects on many month-ends, all at once or one by one?

    python benchmarks/panel.py --project examples/sba_7a --of guarantee --last 2006-03-31 --months 24
    python benchmarks/panel.py --project PROJECT --of register --last 2026-05-31 --months 24 --listed [--separate 3]

Ours writes all days with one call of `riskengine.profile.batch.write_profiles`; the alternative is the same call for one day,
day after day, each in a process of its own. With `--separate N` only N of the days, evenly chosen, are run one by one, and their
seconds multiplied: said in the section. Values of those days are compared bit for bit first. `--listed`: the features of
`profile_features.txt` instead of the project's whole catalogue.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from profiles import MEMORY, names
from results import TABLE, Seconds, Told, alone, conditions, line, ratio, report, side_by_side, write_section

from riskengine.project import Project
from riskengine.store import snapshot


def main() -> None:
    """Compare, measure, tell."""
    asked = _asked()
    if asked.days:
        begun = time.perf_counter()
        rows = _write(asked)
        report(begun, rows=rows)
        return
    days = month_ends(asked.last, asked.months)
    alone_days = (
        days if not asked.separate else days[:: max(1, len(days) // asked.separate)][: asked.separate]
    )
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        folder = Path(scratch)
        said = {"panel": _run(asked, days, folder / "panel").said}
        said["nights"] = {"rows": sum(_rows(_run(asked, [day], folder / str(day))) for day in alone_days)}
        _compare(folder, alone_days)
        panel, *nights = side_by_side(
            [
                lambda: _run(asked, days, folder / "panel"),
                *(lambda day=day: _run(asked, [day], folder / str(day)) for day in alone_days),  # type: ignore[misc]
            ],
            asked.rounds,
            warm=0,
        )
    lines = _lines(asked, (days, alone_days), (panel, nights), said)
    print("\n".join(lines))
    if not asked.quiet:
        write_section(f"Panel: {asked.title or asked.of}", lines)


def _lines(
    asked: argparse.Namespace,
    days: tuple[Sequence[date], Sequence[date]],
    found: tuple[Seconds, Sequence[Seconds]],
    said: dict[str, dict[str, object]],
) -> list[str]:
    every, chosen = days
    panel, nights = found
    times = len(every) / len(chosen)
    together = Seconds([sum(night[turn] for night in nights) * times for turn in range(len(panel))])
    together.cpu = [sum(night.cpu[turn] for night in nights) * times for turn in range(len(panel))]
    rows = int(str(said["panel"]["rows"]))
    what = f"{len(every)} nights, one by one" + (
        f" ({len(chosen)} of them run, seconds times {times:g})" if times > 1 else ""
    )
    middle = statistics.median(a / b for a, b in zip(panel, together, strict=True))
    return [
        *conditions(
            f"python benchmarks/panel.py --project PROJECT --of {asked.of} --last {asked.last} --months {asked.months}"
            + (" --listed" if asked.listed else "") + (f" --separate {asked.separate}" if asked.separate else ""),
            f"{len(every)} month-ends to {every[-1]}",
            f"{rows:,} rows (subject, day)",
        ),
        f"Values of the days that were run alone are equal bit for bit ({said['nights']['rows']:,} rows).",
        "",
        *TABLE,
        line(f"{len(every)} month-ends at once", what, panel, together),
        "",
        f"A row of the panel takes {panel.middle / rows * 1e6:.1f} microseconds. Processor seconds: {ratio(panel.cpu, together.cpu)} of those of the nights.",
        f"Peak memory: at once {panel.peak:,.0f} MB, a night {max(night.peak for night in nights):,.0f} MB.",
        f"At most a third is wanted: {middle:.2f}: {'met' if middle <= 1 / 3 else 'NOT MET'}.",
    ]  # fmt: skip


def month_ends(last: date, months: int) -> list[date]:
    """So many month-ends up to `last`, which is one."""
    found = [last]
    while len(found) < months:
        found.append(found[-1].replace(day=1) - timedelta(days=1))
    return found[::-1]


def _write(asked: argparse.Namespace) -> int:
    from riskengine.profile.batch import Wanted, write_profiles
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.kept import night_recipe

    project = Project(asked.project.resolve())
    catalogue = Catalogue(project)
    recipe = night_recipe(catalogue, names() if asked.listed else list(catalogue.features))
    wanted = Wanted(asked.of, tuple(asked.days), recipe)
    return write_profiles(snapshot.read(project.store), catalogue.subjects, wanted, asked.out).rows


def _run(asked: argparse.Namespace, days: Sequence[date], out: Path) -> Told:
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable,
        __file__,
        "--project",
        str(asked.project),
        "--of",
        asked.of,
        "--last",
        str(asked.last),
    ]
    listed = ["--listed"] if asked.listed else []
    return alone([*command, *listed, "--out", str(out), "--days", *map(str, days)])


def _rows(told: Told) -> int:
    return int(str(told.said["rows"]))


def _compare(folder: Path, days: Sequence[date]) -> None:
    import duckdb

    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY}) as connection:
        for day in days:
            panel = f"(SELECT * EXCLUDE subject FROM '{folder}/panel/profiles/*.parquet' WHERE as_of = DATE '{day}')"
            night = f"(SELECT * EXCLUDE subject FROM '{folder}/{day}/profiles/*.parquet')"
            ((wrong,),) = connection.execute(
                f"SELECT count(*) FROM ((FROM {panel} EXCEPT ALL FROM {night}) UNION ALL (FROM {night} EXCEPT ALL FROM {panel}))"
            ).fetchall()
            if wrong:
                raise SystemExit(f"{day}: {wrong} rows of the panel differ from the night's")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--of", default="guarantee", help="guarantee, or a population of subjects.toml")
    parser.add_argument("--last", type=date.fromisoformat, required=True, help="the last month-end")
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument(
        "--separate", type=int, default=0, help="how many of the days are run one by one (0: all)"
    )
    parser.add_argument("--listed", action="store_true", help="the features of profile_features.txt only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--title", default="", help="of the section")
    parser.add_argument("--quiet", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--days", nargs="+", type=date.fromisoformat, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
