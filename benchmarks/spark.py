"""What does Spark on one machine cost beside DuckDB: the same profiles of the same store, written by each, in turn?

    python benchmarks/spark.py --project PROJECT --day 2026-06-30 --listed [--of register] [--rounds 3]

Each run is a process of its own: DuckDB by `riskengine.profile.batch.write_profiles`, Spark by `riskengine.spark.written` on
`local[2]` with the engine's own settings, the start of its session counted (and told apart). Values are then compared: numbers
to 1e-12 relative, everything else exactly. `--listed`: the features of `profile_features.txt` instead of the whole catalogue.
Not for speed is Spark here: the ratio says from which size of machine or store it could be.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from profiles import names
from results import TABLE, Told, alone, conditions, line, report, side_by_side, write_section

from riskengine.project import Project
from riskengine.store import snapshot

MASTER = "local[2]"
NEAR = 1e-12
ENGINES = ("duckdb", "spark")


def main() -> None:
    """Compare, measure, tell."""
    asked = _asked()
    if asked.engine:
        _write(asked)
        return
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        folders = {engine: Path(scratch) / engine for engine in ENGINES}
        told: dict[str, Told] = {}

        def run(engine: str) -> Told:
            told[engine] = _run(asked, engine, folders[engine])
            return told[engine]

        works = [lambda: run("duckdb"), lambda: run("spark")]
        ours, other = side_by_side(works, asked.rounds, warm=0)
        compared = _compare(folders["duckdb"], folders["spark"])
    spark = told["spark"].said
    rows, features, facts = (int(str(told["duckdb"].said[name])) for name in ("rows", "features", "facts"))
    lines = [
        *conditions(
            f"python benchmarks/spark.py --project PROJECT --of {asked.of} --day {asked.day}"
            + (" --listed" if asked.listed else "")
            + (f" --rounds {asked.rounds}" if asked.rounds != 3 else ""),
            str(asked.day),
            f"{facts:,} facts, {rows:,} rows x {features} features",
        ),
        compared,
        "",
        *TABLE,
        line("DuckDB, two threads", f"Spark {MASTER}, from the start of its session", ours, other),
        "",
        f"To begin a Spark session took {spark['began']} s of it. Peak memory: DuckDB {ours.peak:,.0f} MB; Spark's JVM"
        f" {float(str(spark['jvm'])):,.0f} MB (its heap is as large as it is allowed to be).",
    ]
    print("\n".join(lines))
    if not asked.quiet:
        write_section("Spark", lines)


def _run(asked: argparse.Namespace, engine: str, out: Path) -> Told:
    shutil.rmtree(out, ignore_errors=True)
    words = ["--project", str(asked.project), "--of", asked.of, "--day", str(asked.day)]
    listed = ["--listed"] if asked.listed else []
    return alone([sys.executable, __file__, *words, *listed, "--engine", engine, "--out", str(out)])


def _write(asked: argparse.Namespace) -> None:
    from riskengine.profile.batch import Wanted, write_profiles
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.kept import night_recipe

    project = Project(asked.project.resolve())
    catalogue, held = Catalogue(project), snapshot.read(project.store)
    chosen = names() if asked.listed else list(catalogue.features)
    wanted = Wanted(asked.of, (asked.day,), night_recipe(catalogue, chosen))
    facts = sum(file.rows for source in held.sources.values() for file in source.files)
    said: dict[str, object] = {"facts": facts, "features": len(chosen)}
    begun = time.perf_counter()
    if asked.engine == "duckdb":
        rows = write_profiles(held, catalogue.subjects, wanted, asked.out).rows
    else:
        from riskengine.spark.session import on_cluster
        from riskengine.spark.written import write_profiles as write_on_cluster

        with on_cluster(MASTER) as session:
            said["began"] = round(time.perf_counter() - begun, 1)
            rows = write_on_cluster(session, catalogue, held, wanted, (str(asked.out), ""))
            said["jvm"] = _peak(int(session._jvm.java.lang.ProcessHandle.current().pid()))
    report(begun, rows=rows, **said)


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
    parser.add_argument("--of", default="guarantee", help="guarantee, or a population of subjects.toml")
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--listed", action="store_true", help="the features of profile_features.txt only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quiet", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
