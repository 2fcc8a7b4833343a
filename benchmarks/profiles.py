"""How fast are profiles of the whole register: 150 windowed features of every enterprise, written to Parquet?

    python benchmarks/profiles.py --project PROJECT --as-of 2026-06-27 [--rounds 3]
    python benchmarks/profiles.py --project PROJECT --as-of 2026-06-27 --check      # only: are all values equal?

PROJECT has facts and definitions (with the population `register`); the features are those named in `profile_features.txt`: key the
enterprise, no links, windows, 29 sources, 11 verbs. Four ways, each in a process of its own, in turn, round after round:

ours      `riskengine.profile.batch.write_profiles` of the population `register`
SQL       `profiles_by_hand.sql` in DuckDB: what somebody who knows these features and DuckDB writes for exactly them.
          Its aggregates' first draft was printed from the definitions (nobody types 199 of them without a slip); the shape is by hand:
          one pass a source, conditions told once as booleans, window edges constant, months counted in a bit mask,
          projects and reports folded before they are counted, one table a source, one join at the end
pandas    `profiles_in_pandas.py`: categorical keys, vectorised groupby, no apply
scan      nothing but reading the columns that the features need

The first round does not count. Before anything is measured, every value of the three is compared.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from results import TABLE, Told, alone, conditions, line, ratio, report, side_by_side, write_section

from riskengine.project import Project
from riskengine.store import snapshot

HERE = Path(__file__).parent
SQL = HERE / "profiles_by_hand.sql"
MEMORY = "4GB"  # DuckDB's own limit, for every way that uses it
WANTED = {"SQL": 1.10, "pandas": 0.5, "memory": 2048.0}  # issue 7


def names() -> list[str]:
    """The 150 features."""
    return (HERE / "profile_features.txt").read_text(encoding="utf-8").split()


def ours(project: Project, day: date, out: Path) -> None:
    """The engine's own path."""
    from riskengine.profile.batch import Wanted, write_profiles
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.kept import night_recipe

    catalogue = Catalogue(project)
    recipe = night_recipe(catalogue, names())
    write_profiles(snapshot.read(project.store), catalogue.subjects, Wanted("register", (day,), recipe), out)


def by_hand(project: Project, day: date, out: Path) -> None:
    """The SQL of `profiles_by_hand.sql`, statement by statement."""
    import duckdb

    held, text = snapshot.read(project.store), SQL.read_text(encoding="utf-8")
    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY}) as connection:
        connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = true")
        connection.execute(f"CREATE MACRO as_of() AS DATE '{day}'")
        for source in sorted(held.sources):
            connection.execute(f"CREATE VIEW {source} AS SELECT * FROM read_parquet({held.paths(source)!r})")
        for statement in re.split(r";\n", text):
            if "FROM enterprises r" in statement:
                statement = f"COPY ({statement.strip().rstrip(';')}) TO '{out}' (FORMAT parquet)"
            begun = time.perf_counter()
            if re.sub(r"--[^\n]*", "", statement).strip():
                connection.execute(statement)
            _step(re.search(r"TABLE (\w+)", statement), begun)


def scan(project: Project, day: date, out: Path) -> None:
    """Reading the columns that the features need, and nothing else: the least that anybody has to do."""
    import duckdb

    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.kept import night_recipe

    recipe, held = night_recipe(Catalogue(project), names()), snapshot.read(project.store)
    clocks = ("event_date", "known_at", "superseded_at", "removed")
    begun = time.perf_counter()
    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY}) as connection:
        for source, note in recipe.sources:
            columns = ", ".join(f'max("{name}")' for name in (*dict(note.columns), *clocks))
            connection.execute(f"SELECT {columns} FROM read_parquet({held.paths(source)!r})").fetchall()
    print(f"scan alone {time.perf_counter() - begun:.3f}", file=sys.stderr)


def in_pandas(project: Project, day: date, out: Path) -> None:
    """The pandas version."""
    from profiles_in_pandas import write_profiles

    from riskengine.profile.catalogue import Catalogue

    held = snapshot.read(project.store)
    write_profiles(
        Catalogue(project), {source: held.paths(source) for source in held.sources}, day, names(), out
    )


WAYS = {"ours": ours, "SQL": by_hand, "pandas": in_pandas, "scan": scan}


def main() -> None:
    """Compare, measure, tell."""
    asked = _asked()
    if asked.way:
        begun = time.perf_counter()
        WAYS[asked.way](Project(asked.project.resolve()), asked.as_of, asked.out)
        report(begun)
        return
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        lines = [] if asked.quick else compared(asked, Path(folder))
        print("\n".join(lines), flush=True)
        if not asked.check:
            lines = [*lines, *measured(asked, Path(folder))]
            print("\n".join(lines))
            if not asked.quiet:
                write_section("Profiles of the register", lines)


def compared(asked: argparse.Namespace, folder: Path) -> list[str]:
    """Every value of ours beside SQL's (bit for bit) and pandas' (1e-9); stops where any differs."""
    import duckdb

    files = {}
    for way in asked.ways:
        if way != "scan":
            _run(asked, way, folder / way)
            files[way] = _read(folder / way)
    said = []
    for way, file in files.items():
        if way == "ours":
            continue
        wanted = []
        for name in names():
            a, b = f'a."{name}"', f'b."{name}"'
            differs = f"{a} IS DISTINCT FROM {b}"
            if way == "pandas":
                differs = f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN {differs} ELSE abs({a} - {b}) > {_close(name)} * greatest(1, abs({a})) END"
            wanted.append(f"count(*) FILTER ({differs})")
        query = f"SELECT count(*), {', '.join(wanted)} FROM {files['ours']} a FULL JOIN {file} b ON a.enterprise_id = b.uscc"
        with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY}) as connection:
            ((rows, *many),) = connection.execute(query).fetchall()
        wrong = [f"{name}: {number}" for name, number in zip(names(), many, strict=True) if number]
        if wrong:
            raise SystemExit(f"{way} and ours differ: {', '.join(wrong)}")
        how = "to 1e-9 (volatilities to 1e-5)" if way == "pandas" else "bit for bit"
        said.append(f"Every one of {rows:,} x {len(names())} values equals that of {way} {how}.")
    return said


def _close(name: str) -> float:
    """How near pandas has to be: its two passes keep digits of a small spread of large values that one pass of exact sums loses."""
    return 1e-5 if name in ("sales_volatility_12m", "invoiced_variation_12m") else 1e-9


def measured(asked: argparse.Namespace, folder: Path) -> list[str]:
    """The table and what it says of what was wanted."""
    found = dict(
        zip(
            asked.ways,
            side_by_side(
                [lambda way=way: _run(asked, way, folder / f"{way}_timed") for way in asked.ways],  # type: ignore[misc]
                asked.rounds,
            ),
            strict=True,
        )
    )
    mine = found["ours"]
    count, facts, sources = _size(Project(asked.project.resolve()))
    said = [
        *conditions(
            f"python benchmarks/profiles.py --project PROJECT --rounds {asked.rounds}",
            str(asked.as_of),
            f"{len(names())} windowed features of {count:,} enterprises of a SYNTHETIC province, {facts:,} facts of {sources} sources",
        ),
        "",
        *TABLE,
        *(
            line("profiles of the register, whole process", _what(way), mine, found[way])
            for way in asked.ways
            if way != "ours"
        ),
        "",
        "Processor seconds (others use the machine, too): "
        + ", ".join(f"{way} {statistics.median(seconds.cpu):.1f}" for way, seconds in found.items())
        + "; ours over "
        + ", ".join(
            f"{way} {ratio(mine.cpu, seconds.cpu)}" for way, seconds in found.items() if way != "ours"
        )
        + ".",
        "Peak memory: " + ", ".join(f"{way} {seconds.peak:,.0f} MB" for way, seconds in found.items()) + ".",
    ]
    for way, limit in WANTED.items():
        if way in found:
            middle = statistics.median(a / b for a, b in zip(mine, found[way], strict=True))
            said.append(f"Beside {way}: {middle:.2f}, wanted at most {limit:g}: {_met(middle <= limit)}.")
    said.append(f"Memory: {mine.peak:,.0f} MB, wanted under 2 GB: {_met(mine.peak < WANTED['memory'])}.")
    return said


def _met(yes: bool) -> str:
    return "met" if yes else "NOT MET"


def _what(way: str) -> str:
    return {"SQL": "DuckDB SQL by hand", "pandas": "pandas", "scan": "reading the columns"}[way]


def _run(asked: argparse.Namespace, way: str, out: Path) -> Told:
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, __file__, "--project", str(asked.project), "--as-of", str(asked.as_of)]
    return alone([*command, "--way", way, "--out", str(out)])


def _read(out: Path) -> str:
    return f"read_parquet('{out}/profiles/*.parquet')" if out.is_dir() else f"read_parquet('{out}')"


def _step(found: re.Match[str] | None, begun: float) -> None:
    """What a statement took, to stderr: for whoever tunes it."""
    if time.perf_counter() - begun > 0.05:
        name = found.group(1) if found else "the join, written"
        print(f"{name:30} {time.perf_counter() - begun:.3f}", file=sys.stderr)


def _size(project: Project) -> tuple[int, int, int]:
    """How many enterprises, facts of the sources that are read, and such sources."""
    import duckdb

    from riskengine.profile.catalogue import Catalogue

    catalogue, held = Catalogue(project), snapshot.read(project.store)
    sources = {source for name in names() for source in catalogue.rests_on(catalogue.feature(name))}
    facts = sum(
        file.rows for source in sources if source in held.sources for file in held.sources[source].files
    )
    query = f"SELECT count(DISTINCT uscc) FROM read_parquet({held.paths('mkt_reg')!r})"
    return int(duckdb.connect().execute(query).fetchall()[0][0]), facts, len(sources)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, required=True, help="a project whose store has the facts")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 27))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--check", action="store_true", help="compare the values and stop")
    parser.add_argument("--quick", action="store_true", help="measure without comparing first")
    parser.add_argument("--quiet", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--scratch", type=Path, help="where profiles are written; default: the system's")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
