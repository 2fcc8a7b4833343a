"""How fast are we beside the alternative? Each pair is measured side by side in one run.

make demo && make bench                          # the store that the demo has left in `examples/sba_7a/var`
python benchmarks/run.py PROJECT                 # another copy of that demo
"""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path

from results import ROOT, TABLE, Seconds, conditions, line, process, side_by_side, write_section

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.plan import compile_recipe
from riskengine.profile.subjects import load_in_force
from riskengine.project import Project
from riskengine.store import snapshot

SBA = ROOT / "examples" / "sba_7a"
RUNS = 15
Pair = tuple[str, str, Seconds, Seconds]


def main(project: Project) -> None:
    """Measure every pair and write the table."""
    pairs = (cold_review(project), book_profile(project))
    rows = [line(ours, other, mine, theirs) for ours, other, mine, theirs in pairs]
    used = [
        line(f"{ours}, seconds of the processor", "the same", mine.cpu, theirs.cpu)
        for ours, _, mine, theirs in pairs
    ]
    write_section(
        "SBA: one applicant, and the book",
        [
            *conditions("make demo && make bench", "2006-03-31", "the book of the SBA demo"),
            "",
            *TABLE,
            *rows,
            *used,
        ],
    )
    print("\n".join((*TABLE, *rows, *used)))


def cold_review(project: Project) -> Pair:
    """One applicant in a cold process, beside `import duckdb` and one point query."""
    with (SBA / "applicants_2006.csv").open(encoding="utf-8") as rows:
        loan = next(csv.DictReader(rows))["LoanNr_ChkDgt"]
    index = snapshot.read(project.store).paths("applications", [loan])[0]
    query = f"""SELECT * FROM '{index}' WHERE "LoanNr_ChkDgt" = '{loan}'"""
    point = [sys.executable, "-c", f"import duckdb; duckdb.connect().execute({query!r}).fetchall()"]
    review = [str(Path(sys.executable).parent / "riskengine"), "--project", str(project.root), "review"]
    review += ["--as-of", "2006-03-31", "--id", loan]
    mine, theirs = side_by_side([lambda: process(review), lambda: process(point)], RUNS)
    return "`review --id`, cold process", "`import duckdb` and one point query, cold", mine, theirs


def book_profile(project: Project) -> Pair:
    """All features of the guarantees in force, beside merely reading the columns they need."""
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
    main(Project(Path(sys.argv[1]).resolve() if sys.argv[1:] else SBA))
