"""How fast are we beside the alternative? Each pair is measured side by side in one run.

    make demo && make bench

uses the store that the demo has left in `examples/sba_7a/var`.
"""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path

from results import ROOT, TABLE, Seconds, conditions, line, process, side_by_side, write_section

SBA = ROOT / "examples" / "sba_7a"
RUNS = 15


def main() -> None:
    """Measure every pair and write the table."""
    rows = [line(ours, other, mine, theirs) for ours, other, mine, theirs in (cold_review(), book_profile())]
    write_section(
        "SBA: one applicant, and the book",
        [*conditions("make demo && make bench", "2006-03-31", "the book of the SBA demo"), "", *TABLE, *rows],
    )
    print("\n".join((*TABLE, *rows)))


def cold_review() -> tuple[str, str, Seconds, Seconds]:
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
    mine, theirs = side_by_side([lambda: process(review), lambda: process(point)], RUNS)
    return "`review --id`, cold process", "`import duckdb` and one point query, cold", mine, theirs


def book_profile() -> tuple[str, str, Seconds, Seconds]:
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
            [
                lambda: bench.frame(recipe),
                lambda: [bench.connection.execute(scan).fetchall() for scan in scans],
            ],
            RUNS,
        )
    return (
        f"{len(recipe.names)} features of {count:,} guarantees",
        "scanning the columns they read",
        mine,
        theirs,
    )


if __name__ == "__main__":
    main()
