"""How fast are we beside the alternative? Each pair is measured side by side in one run; ratios go to RESULTS.md.

    make demo && make bench

uses the store that the demo has left in `examples/sba_7a/var`.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
SBA = ROOT / "examples" / "sba_7a"
RUNS = 15


def main() -> None:
    """Measure every pair and write the table."""
    pairs = [cold_review(), book_profile()]
    lines = [
        "# Benchmarks",
        "",
        "`make demo && make bench` on this machine; medians, and the ratio pair by pair.",
        "",
    ]
    lines += [
        "| ours | the alternative | ours, s | alternative, s | ratio (min - max) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for ours, other, mine, theirs in pairs:
        ratios = sorted(a / b for a, b in zip(mine, theirs, strict=True))
        lines.append(
            f"| {ours} | {other} | {statistics.median(mine):.3f} | {statistics.median(theirs):.3f} "
            f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} - {ratios[-1]:.2f}) |"
        )
    path = ROOT / "benchmarks" / "RESULTS.md"
    _, mark, further = path.read_text(encoding="utf-8").partition("\n## ")  # what other scripts measured
    text = "\n".join(lines) + "\n" + mark + further
    path.write_text(text, encoding="utf-8")
    print(text)


def cold_review() -> tuple[str, str, list[float], list[float]]:
    """One applicant in a cold process, beside `import duckdb` and one point query."""
    with (SBA / "applicants_2006.csv").open(encoding="utf-8") as rows:
        loan = next(csv.DictReader(rows))["LoanNr_ChkDgt"]
    index = max(
        (SBA / "var" / "index" / "applications").glob("*.parquet"), key=lambda path: path.stat().st_size
    )
    query = f"""SELECT * FROM '{index}' WHERE "LoanNr_ChkDgt" = '{loan}'"""
    point = [sys.executable, "-c", f"import duckdb; duckdb.connect().execute({query!r}).fetchall()"]
    review = [str(Path(sys.executable).parent / "riskengine"), "--project", str(SBA), "review"]
    review += ["--as-of", "2006-03-31", "--id", loan]
    mine, theirs = side_by_side(lambda: process(review), lambda: process(point))
    return "`review --id`, cold process", "`import duckdb` and one point query, cold", mine, theirs


def book_profile() -> tuple[str, str, list[float], list[float]]:
    """All features of the guarantees in force, beside merely reading the columns they need."""
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.compute import Workbench
    from riskengine.profile.plan import compile_recipe
    from riskengine.profile.subjects import load_in_force
    from riskengine.project import Project
    from riskengine.store import snapshot

    project = Project(SBA)
    catalogue = Catalogue(project)
    recipe = compile_recipe(catalogue, catalogue.features)
    with Workbench(snapshot.read(project.store)) as bench:
        bench.load_facts(recipe)
        count = load_in_force(bench, catalogue.subjects.guarantee, recipe, [date(2006, 3, 31)])
        scans = [
            "SELECT "
            + ", ".join(f'max("{column}")' for column, _ in note.columns)
            + f" FROM {bench.facts(name)}"
            for name, note in recipe.sources
        ]
        mine, theirs = side_by_side(
            lambda: timed(lambda: bench.frame(recipe)),
            lambda: timed(lambda: [bench.connection.execute(scan).fetchall() for scan in scans]),
        )
    return (
        f"{len(recipe.names)} features of {count:,} guarantees",
        "scanning the columns they read",
        mine,
        theirs,
    )


def side_by_side(ours: Callable[[], float], other: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn, after one warm-up each."""
    ours(), other()
    pairs = [(ours(), other()) for _ in range(RUNS)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def process(command: Sequence[str]) -> float:
    """Seconds of a whole process."""
    return timed(lambda: subprocess.run(command, capture_output=True, check=True))


def timed(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
