"""How long does an officer wait for one applicant: in a process of its own, and at a desk that stays open?

    python benchmarks/one_applicant.py --project PROJECT --as-of 2026-06-27 [--runs 9]

Beside it: `import duckdb` and one point query in a process of its own, and `--help`. Works on a copy whose facts are links.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from itertools import cycle
from pathlib import Path

from one_click import copied
from results import TABLE, Seconds, conditions, line, process, side_by_side, write_section

from riskengine.decision.open_desk import OpenDesk
from riskengine.decision.review import rule_of
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.store import snapshot

WANTED = {"cold": 0.5, "times": 3.0, "warm": 0.05, "help": 0.25}


def main() -> None:
    """Measure, print and write the section."""
    asked = _asked()
    with tempfile.TemporaryDirectory() as folder:
        project = copied(Project(asked.project.resolve()), Path(folder) / "copy")
        lines = list(_measured(project, asked))
    size = f"{sum(file.rows for facts in snapshot.read(asked_store(asked)).sources.values() for file in facts.files):,} facts"
    told = conditions("python benchmarks/one_applicant.py --project PROJECT", str(asked.as_of), size)
    write_section("One applicant", [*told, "", *TABLE, *lines])
    print("\n".join((*TABLE, *lines)))


def asked_store(asked: argparse.Namespace) -> Path:
    """The store of the project that was named."""
    return Project(asked.project.resolve()).store


def _measured(project: Project, asked: argparse.Namespace) -> Iterator[str]:
    rule = rule_of(project)
    snap = snapshot.read(project.store)
    with Workbench(snap) as bench:
        names = [
            row[0]
            for row in bench.connection.execute(
                f"""SELECT DISTINCT "{rule.id}" FROM {bench.facts(rule.source)} WHERE known_at <= $day AND event_date <= $day
                AND NOT removed AND (superseded_at IS NULL OR superseded_at > $day) AND event_date > $day - 90
                ORDER BY md5("{rule.id}") LIMIT {4 * asked.runs + 8}""",
                {"day": asked.as_of},
            ).fetchall()
        ]
    path = snap.paths(rule.source)[0]
    point = [sys.executable, "-c",
             f"import duckdb; duckdb.connect().execute({f'SELECT * FROM {path!r} WHERE {rule.id} = {names[0]!r}'!r}).fetchall()"]  # fmt: skip
    command = [sys.executable, "-m", "riskengine", "--project", str(project.root)]
    turn = cycle(names)

    def cold() -> None:
        process([*command, "review", "--as-of", str(asked.as_of), "--id", next(turn), "--json"])

    ours, bare, words = side_by_side(
        [cold, lambda: process(point), lambda: process([*command, "--help"])], asked.runs
    )
    yield line("one applicant, cold process", "`import duckdb` and one point query, cold", ours, bare)
    yield line("`--help`", "the same", words, bare)
    with OpenDesk(project) as desk:
        for name in names[:8]:
            desk.review(asked.as_of, ids=[name])
        warm, again = side_by_side(
            [lambda: desk.review(asked.as_of, ids=[next(turn)]), lambda: process(point)], asked.runs
        )
        yield line("one applicant, at a desk that stays open", "the same", warm, again, 4)
    yield from ("", _judged("cold", ours, max(WANTED["cold"], WANTED["times"] * bare.middle)))
    yield _judged("warm", warm, WANTED["warm"])
    yield _judged("`--help`", words, WANTED["help"])


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
    parser.add_argument("--runs", type=int, default=9)
    return parser.parse_args()


if __name__ == "__main__":
    main()
