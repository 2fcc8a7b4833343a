"""How long does a one-click list check (一键查) take: kept, computed, and beside the same application on the `review` path?

    python benchmarks/one_click.py --project PROJECT --as-of 2026-06-27 [--codes 10000] [--runs 7] [--called WORDS]
    python benchmarks/one_click.py [--enterprises 200]        # makes a small SYNTHETIC province itself first (minutes)

Nothing is written into the given project: the benchmark works on a copy beside it whose facts are links, with kept answers and
records of its own. Each pair is measured in turn in one run; ratios are pair by pair.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from results import TABLE, Seconds, conditions, line, side_by_side, write_section

from riskengine.decision.lookup import Lookup
from riskengine.decision.lookup_rules import read_lookup
from riskengine.decision.review import review
from riskengine.profile.compute import Workbench
from riskengine.project import Project, default_root
from riskengine.store import snapshot

SINGLE = "one code"
WANTED = {SINGLE: 0.1, "codes": 20.0}  # seconds, issues 5 and 7


def main() -> None:
    """Measure and print the table."""
    asked = _asked()
    beside = asked.project.resolve().parent if asked.project else None
    with tempfile.TemporaryDirectory(dir=beside, prefix="one-click-") as folder:
        source = asked.project or _province(Path(folder) / "province", asked.enterprises, asked.as_of)
        project = copied(Project(source.resolve()), Path(folder) / "copy")
        with closing(Lookup(project, asked.as_of)) as desk:
            print(f"{project.root.name}: store of {source}, as of {asked.as_of}", flush=True)
            codes = _codes(project, asked.as_of, asked.codes)
            told = [*single(project, desk, codes[0], asked), *many(desk, codes, asked)]
            size = f"{len(codes):,} codes"
            command = conditions("python benchmarks/one_click.py --project PROJECT", str(asked.as_of), size)
            rows = [one for one in told if one.startswith("|")]
            judged = [f"- {one}" for one in told if not one.startswith("|")]
            write_section(
                titled("One-click list check", asked.called), [*command, "", *TABLE, *rows, "", *judged]
            )
            print("\n".join((*rows, *judged)), flush=True)


def single(project: Project, desk: Lookup, code: str, asked: argparse.Namespace) -> Iterator[str]:
    """One code in a process that is warm: kept, computed, and the review of the same application."""
    row = _application(project, desk, code)
    kept, computed, reviewed = side_by_side(
        [
            lambda: desk.answers([code]),
            lambda: desk.answers([code]),
            lambda: review(project, asked.as_of, rows=[row]),
        ],
        asked.runs,
        before={0: lambda: desk.answers([code]), 1: lambda: _forget(desk)},
    )
    yield line("one code, kept, warm", "the same, computed", kept, computed, 4)
    yield line("one code, computed, warm", "`review` of the same application", computed, reviewed, 4)
    yield _met("one code, kept, warm", kept, WANTED[SINGLE])
    yield _met("one code, computed, warm", computed, WANTED[SINGLE])


def many(desk: Lookup, codes: Sequence[str], asked: argparse.Namespace) -> Iterator[str]:
    """Many codes in one question: kept and computed."""
    runs = max(2, asked.runs // 3)
    kept, computed = side_by_side(
        [lambda: desk.answers(codes), lambda: desk.answers(codes)],
        runs,
        before={0: lambda: desk.answers(codes), 1: lambda: _forget(desk)},
    )
    yield line(f"{len(codes):,} codes, kept", "the same, computed", kept, computed, 4)
    yield _met(f"{len(codes):,} codes, kept", kept, WANTED["codes"])
    yield _met(f"{len(codes):,} codes, computed", computed, WANTED["codes"])


def _forget(desk: Lookup) -> None:
    """Nothing is kept of any code."""
    with desk._kept:
        desk._kept.execute("DELETE FROM answers")


def _application(project: Project, desk: Lookup, code: str) -> dict[str, str]:
    """The row of an application that a lookup of this code decides."""
    said, answer = read_lookup(project), desk.answers([code])[0]
    if answer["state"] != "found":
        raise SystemExit(f"{code}: {answer['state']} on this day")
    given = {**answer["request"], said.request.product: answer["product"]}
    row = {said.request.id: f"LOOKUP-{code}", said.entry.enterprise: code, **given}
    return {name: str(value) for name, value in row.items()}


def _codes(project: Project, as_of: date, number: int) -> list[str]:
    """Codes of the register as known on the day: members of a list first, then the others."""
    said = read_lookup(project)
    with Workbench(snapshot.read(project.store)) as bench:
        rows = bench.connection.execute(
            f"""SELECT DISTINCT r."{said.entry.enterprise}" AS code, l.code IS NULL AS other
            FROM {bench.facts(said.entry.source)} r LEFT JOIN
            (SELECT DISTINCT "{said.lists.enterprise}" AS code FROM {bench.facts(said.lists.source)} WHERE known_at <= $day) l
            ON l.code = r."{said.entry.enterprise}" WHERE r.known_at <= $day AND NOT r.removed
            ORDER BY other, code LIMIT {number}""",
            {"day": as_of},
        ).fetchall()
    return [row[0] for row in rows]


def _met(what: str, seconds: Seconds, wanted: float) -> str:
    middle = statistics.median(seconds)
    told = f"{middle * 1000:,.1f} ms" if wanted < 1 else f"{middle:,.1f} s"
    return f"{what}: median {told}, worst {max(seconds):.3f} s, processor {statistics.median(seconds.cpu):.3f} s; wanted < {wanted:g} s: {'met' if middle < wanted else 'NOT MET'}"


def titled(title: str, called: str) -> str:
    """The title of a section of RESULTS.md, with the store's size where somebody said it."""
    return f"{title}: {called}" if called else title


def copied(project: Project, folder: Path) -> Project:
    """A project with its own store for what is written; definitions and facts are links, those of the index hard ones."""
    folder.mkdir(parents=True)
    for name in ("configs", "features", "models", "pipelines"):
        (folder / name).symlink_to(project.root / name)
    made = Project(folder)
    made.store.mkdir(parents=True, exist_ok=True)
    for path in project.store.iterdir():
        if path.name in ("policies", "recipes"):
            shutil.copytree(path, made.store / path.name)
        elif path.name == "index":  # what reviews keep beside its files must not land in the project
            kept = shutil.ignore_patterns("holds-*", "verified.json")
            shutil.copytree(path, made.store / path.name, ignore=kept, copy_function=os.link)
        elif path.name not in ("decisions", "shared") and not path.name.startswith("lookup.sqlite"):
            (made.store / path.name).symlink_to(path)
    return made


def _province(folder: Path, enterprises: int, as_of: date) -> Path:
    """A small SYNTHETIC province with a champion, made by the commands an operator types."""
    command = [sys.executable, "-m", "riskengine"]
    end = as_of + timedelta(days=3)
    _run([*command, "--project", str(default_root()), "synth", "--enterprises", str(enterprises), "--from", "2019-07-01",
          "--to", str(end), "--seed", "7", "--out", str(folder)])  # fmt: skip
    own = [*command, "--project", str(folder)]
    _run([*own, "intake", "--arrived", "--as-of", str(as_of)])
    _run([*own, "identity", "resolve", "--as-of", str(as_of)])
    _run([*own, "retrain", "access_pd", "--as-of", str(as_of)])
    _run([*own, "promote", "access_pd", "1", "--why", "benchmark on invented data"])
    return folder


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[3:])}\n{done.stdout}{done.stderr}")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, help="a project whose store has facts and a champion")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 27))
    parser.add_argument("--codes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--called", default="", help="what the section calls this store")
    parser.add_argument("--enterprises", type=int, default=200, help="size of the province it makes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
