"""How long does an officer wait for one applicant: in a process of its own, and at a desk that stays open?

    python benchmarks/one_applicant.py --project PROJECT --as-of 2026-06-27 [--runs 15] [--called WORDS]

Beside it: `import duckdb` and one point query in a process of its own, and `--help`. Works on a copy beside the project whose facts are
links. What a store in use has (kept programs, the day's common figures, files verified once) is made by reviews before, and the
first of these, which has nothing, is told apart. Every applicant that is measured is a new one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from one_click import copied, titled
from results import TABLE, Seconds, conditions, line, process, side_by_side, write_section

from riskengine.decision.open_desk import OpenDesk
from riskengine.decision.review import rule_of
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.project import Project
from riskengine.store import snapshot

WANTED = {"cold": 0.5, "times": 3.0, "warm": 0.05, "help": 0.25}
BEFORE = 60  # reviews that are not measured


def main() -> None:
    """Measure, print and write the section."""
    asked = _asked()
    source = Project(asked.project.resolve())
    with tempfile.TemporaryDirectory(dir=source.root.parent, prefix="one-applicant-") as folder:
        lines = list(_measured(copied(source, Path(folder) / "copy"), asked))
    facts = snapshot.read(source.store).sources.values()
    size = f"{sum(file.rows for one in facts for file in one.files):,} facts"
    told = conditions("python benchmarks/one_applicant.py --project PROJECT", str(asked.as_of), size)
    write_section(titled("One applicant", asked.called), [*told, "", *TABLE, *lines])
    print("\n".join((*TABLE, *lines)))


def _measured(project: Project, asked: argparse.Namespace) -> Iterator[str]:
    rule, snap = rule_of(project), snapshot.read(project.store)
    with Workbench(snap) as bench:
        names = iter(_names(bench, rule, asked))
        first = next(names)
        held = f"""SELECT * FROM read_parquet(?) WHERE "{rule.id}" = ? LIMIT 1"""
        path = next(
            path
            for path in snap.paths(rule.source)
            if bench.connection.execute(held, [path, first]).fetchall()
        )
    query = f"""SELECT * FROM '{path}' WHERE "{rule.id}" = '{first}'"""
    point = [sys.executable, "-c", f"import duckdb; duckdb.connect().execute({query!r}).fetchall()"]
    command = [sys.executable, "-m", "riskengine", "--project", str(project.root)]

    def cold(name: str) -> float:
        return process([*command, "review", "--as-of", str(asked.as_of), "--id", name, "--json"])

    begun = cold(first)
    with OpenDesk(project) as desk:
        for _ in range(BEFORE):
            desk.review(asked.as_of, ids=[next(names)])
        warm, again = side_by_side(
            [lambda: desk.review(asked.as_of, ids=[next(names)]), lambda: process(point)], asked.runs
        )
    ours, bare, words = side_by_side(
        [lambda: cold(next(names)), lambda: process(point), lambda: process([*command, "--help"])], asked.runs
    )
    yield line("one applicant, cold process", "`import duckdb` and one point query, cold", ours, bare)
    yield line("the same, seconds of the processor", "the same", ours.cpu, bare.cpu)
    yield line("one applicant, at a desk that stays open", "the same", warm, again, 4)
    yield line("`--help`", "the same", words, bare)
    yield from ("", _judged("cold", ours, max(WANTED["cold"], WANTED["times"] * bare.middle)))
    yield _judged("warm", warm, WANTED["warm"])
    yield _judged("`--help`", words, WANTED["help"])
    yield f"- the first review of a store that was not asked that day (files verified, the day's figures; recipes and programs where it has none): {begun:.1f} s"


def _names(bench: Workbench, rule: SubjectRule, asked: argparse.Namespace) -> list[str]:
    """Applications of the last 90 days, known on the day, in an order that says nothing of them."""
    rows = bench.connection.execute(
        f"""SELECT DISTINCT "{rule.id}" FROM {bench.facts(rule.source)} WHERE known_at <= $day AND event_date <= $day
        AND NOT removed AND (superseded_at IS NULL OR superseded_at > $day) AND event_date > $day - 90
        ORDER BY md5("{rule.id}") LIMIT {2 * asked.runs + BEFORE + 8}""",
        {"day": asked.as_of},
    ).fetchall()
    return [row[0] for row in rows]


def _judged(what: str, seconds: Seconds, wanted: float) -> str:
    cpu = sorted(seconds.cpu)[len(seconds.cpu) // 2] if seconds.cpu else 0.0
    met = "met" if seconds.middle < wanted else "NOT MET"
    return f"- {what}: median {seconds.middle:.3f} s, worst {max(seconds):.3f} s, processor {cpu:.3f} s; wanted < {wanted:.3f} s: {met}"


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--project", type=Path, required=True, help="a project whose store has facts and a champion"
    )
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 27))
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--called", default="", help="what the section calls this store")
    return parser.parse_args()


if __name__ == "__main__":
    main()
