"""What does Spark on one machine cost beside DuckDB: before the first row, and for each row more?

    python benchmarks/spark.py --project PROJECT --as-of 2026-06-27 [--times 0.0625 4] [--rounds 2]

The 150 features of `profile_features.txt` for the register of PROJECT, thinned to a small store and replicated to a larger one (`sized.py`),
written by each engine in turn, each run in a process of its own: DuckDB by `riskengine.profile.batch.write_profiles`, Spark by
`riskengine.spark.written` on `local[2]` with the engine's own settings, its session begun in the run. At each size all values are
compared: numbers to 1e-12 relative, everything else exactly. A line through both sizes says what is spent before the first row
(session, plans, tasks) and what a row more takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from profiles import names
from results import Seconds, Told, alone, conditions, ratio, report, side_by_side, write_section
from sized import sized

from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.store import snapshot

MASTER = "local[2]"
NEAR = 1e-12
ENGINES = ("duckdb", "spark")


def main() -> None:
    """Make the stores, measure and compare, tell."""
    asked = _asked()
    if asked.engine:
        _write(asked)
        return
    if asked.times[0] >= asked.times[1]:
        raise SystemExit("--times: two sizes, the smaller first")
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        folder, project = Path(scratch), Project(asked.project.resolve())
        catalogue = Catalogue(project)
        sources = {s for name in names() for s in catalogue.rests_on(catalogue.feature(name))} | {"mkt_reg"}
        runs = {}
        for times in asked.times:
            store = sized(project, folder / f"x{times:g}", sorted(sources), times)
            runs[times] = _measured(store, asked, folder / f"out{times:g}")
    lines = _lines(asked, runs)
    print("\n".join(lines))
    if not asked.quiet:
        write_section("Spark", lines)


def _measured(
    store: Project, asked: argparse.Namespace, out: Path
) -> tuple[list[Seconds], dict[str, Told], str]:
    """Seconds of each engine on one store, what its last run said, and how many of its values are equal."""
    told: dict[str, Told] = {}

    def run(engine: str) -> Told:
        place = out / f"{engine}{len(list(out.glob('*')))}"
        words = [
            "--project",
            str(store.root),
            "--as-of",
            str(asked.as_of),
            "--engine",
            engine,
            "--out",
            str(place),
        ]
        told[engine] = alone([sys.executable, __file__, *words])
        return told[engine]

    out.mkdir()
    found = side_by_side([lambda: run("duckdb"), lambda: run("spark")], asked.rounds, warm=0)
    return found, told, _compare(*(Path(str(told[engine].said["out"])) for engine in ENGINES))


def _lines(
    asked: argparse.Namespace, runs: dict[float, tuple[list[Seconds], dict[str, Told], str]]
) -> list[str]:
    words = f"--times {' '.join(f'{times:g}' for times in asked.times)} --rounds {asked.rounds}"
    rows = [int(str(told["duckdb"].said["rows"])) for _, told, _ in runs.values()]
    lines = [
        *conditions(
            f"python benchmarks/spark.py --project PROJECT --as-of {asked.as_of} {words}",
            str(asked.as_of),
            f"150 features of the register of a SYNTHETIC province, thinned and replicated; Spark on {MASTER}",
        ),
        *(f"{count:,} enterprises: {compared}" for count, (_, _, compared) in zip(rows, runs.values(), strict=True)),
        "",
        "| enterprises | facts | DuckDB, s | Spark, s | ratio (min - max) | of the processor: DuckDB, s | Spark, s | ratio (min - max) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    middles: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for count, (found, told, _) in zip(rows, runs.values(), strict=True):
        ours, other = found
        clock = f"{ours.middle:.2f} | {other.middle:.2f} | {ratio(other, ours, 1)}"
        used = [statistics.median(one.cpu) for one in found]
        for engine, value in zip(ENGINES, used, strict=True):
            middles[engine].append(value)
        facts = int(str(told["duckdb"].said["facts"]))
        lines.append(f"| {count:,} | {facts:,} | {clock} | {used[0]:.2f} | {used[1]:.2f} | {ratio(other.cpu, ours.cpu, 1)} |")  # fmt: skip
    (first, each), (mine, mine_each) = (_line(rows, middles[engine]) for engine in ("spark", "duckdb"))
    last = runs[asked.times[1]][1]["spark"].said
    peaks = [max(found[0].peak for found, _, _ in runs.values()), float(str(last["jvm"]))]
    return [
        *lines,
        "",
        f"Spark: before the first row {first:.1f} s of the processor (by the clock its session began within {last['began']} s),"
        f" then {each * 1000:.2f} ms a row.",
        f"DuckDB: {mine:.1f} s, then {mine_each * 1000:.2f} ms a row. On Spark a row more takes {each / mine_each:.1f} times as much.",
        f"Peak memory: DuckDB {peaks[0]:,.0f} MB; Spark's JVM {peaks[1]:,.0f} MB (its heap is as large as it is allowed to be).",
    ]


def _line(rows: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """(seconds before the first row, seconds of each) of the line through two sizes."""
    each = (seconds[1] - seconds[0]) / (rows[1] - rows[0])
    return seconds[0] - each * rows[0], each


def _write(asked: argparse.Namespace) -> None:
    from riskengine.profile.batch import Wanted, write_profiles
    from riskengine.profile.kept import night_recipe

    project = Project(asked.project.resolve())
    catalogue, held = Catalogue(project), snapshot.read(project.store)
    wanted = Wanted("register", (asked.as_of,), night_recipe(catalogue, names()))
    facts = sum(file.rows for source in held.sources.values() for file in source.files)
    said: dict[str, object] = {"facts": facts, "out": str(asked.out)}
    begun, used = time.perf_counter(), time.process_time()
    if asked.engine == "duckdb":
        rows = write_profiles(held, catalogue.subjects, wanted, asked.out).rows
    else:
        from riskengine.spark.session import on_cluster
        from riskengine.spark.written import write_profiles as write_on_cluster

        with on_cluster(MASTER) as session:
            said["began"] = round(time.perf_counter() - begun, 1)
            rows = write_on_cluster(session, catalogue, held, wanted, (str(asked.out), ""))
            machine = int(session._jvm.java.lang.ProcessHandle.current().pid())
            said["jvm"], used = _peak(machine), used - _processor(machine)
    report(begun, rows=rows, **said, cpu=time.process_time() - used)


def _processor(process: int) -> float:
    """Seconds of the processor that another process, with all its threads, has used so far."""
    words = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: int) -> float:
    """Most resident memory of a process so far, megabytes."""
    for text in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if text.startswith("VmHWM:"):
            return int(text.split()[1]) / 1024
    raise SystemExit("No VmHWM: run this on Linux")


def _compare(one: Path, other: Path) -> str:
    """Say in a line how many values are equal; another value anywhere ends the run."""
    import duckdb

    with duckdb.connect() as connection:
        mine, theirs = (f"read_parquet('{folder}/profiles/*.parquet')" for folder in (one, other))
        kinds = [row[:2] for row in connection.execute(f"DESCRIBE SELECT * FROM {mine}").fetchall()]
        counted = []
        for name, kind in kinds:
            a, b = f'a."{name}"', f'b."{name}"'
            near = f" AND NOT coalesce(abs({a} - {b}) <= {NEAR} * greatest(abs({a}), abs({b})), false)"
            wrong = f"{a} IS DISTINCT FROM {b}"
            counted.append(f"count(*) FILTER ({wrong}), count(*) FILTER ({wrong}{near if kind == 'DOUBLE' else ''})")  # fmt: skip
        keys = "a.id IS NOT DISTINCT FROM b.id AND a.as_of = b.as_of"
        rows, *found = connection.execute(
            f"SELECT count(*), {', '.join(counted)} FROM {mine} a FULL JOIN {theirs} b ON {keys}"
        ).fetchall()[0]
    far = [name for (name, _), wrong in zip(kinds, found[1::2], strict=True) if wrong and name != "subject"]
    if far:
        raise SystemExit(f"Spark's values are others than DuckDB's: {', '.join(far)}")
    unlike = sum(found[2::2])  # of the first column, the subjects' numbers, nothing is asked
    return f"Of {rows * (len(kinds) - 1):,} values {unlike:,} differ, none by more than {NEAR:g} of itself; the others are equal."


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--times", type=float, nargs=2, default=[0.0625, 4])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quiet", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
