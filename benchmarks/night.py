"""How long does a whole night take, stage by stage, beside bare reading of everything that its profiles read?

    python benchmarks/night.py --project FOLDER --as-of DAY [--runs N]

The project stays as it is: each night runs in a process of its own on a copy whose facts and index are hard links, which nothing
edits in place, by the pipeline that the engine ships. The other side reads every column of every source of the night's recipes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from results import ROOT, TABLE, Told, alone, conditions, line, report, side_by_side, write_section

MODEL = "inforce_pd"
LINKED = ("facts", "index")
_STAGES = ("| stage | rows | seconds | peak memory, MB |", "| --- | --- | --- | --- |")


def main(folder: Path, day: date, runs: int) -> None:
    """Measure, print, and write the section."""
    nights: list[Told] = []
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="night-") as scratch:
        place = Path(scratch) / "copy"

        def ours() -> Told:
            nights.append(_alone("ours", place, day))
            return nights[-1]

        works = (ours, lambda: _alone("theirs", folder, day))
        mine, theirs = side_by_side(works, runs, {0: lambda: copied(folder, place)}, warm=0)
    last = nights[-1].said
    stages: list[dict[str, float]] = json.loads(str(last["stages"]))
    lines = [
        *conditions("python benchmarks/night.py --project FOLDER --as-of DAY", str(day), str(last["size"])),
        "",
        *_STAGES,
        *(_row(one) for one in stages),
        f"| together (with starting the process {mine.middle:.1f} s) | | {sum(one['seconds'] for one in stages):.1f} |"
        f" {max(one['peak_mb'] for one in stages):,.0f} |",
        "",
        *TABLE,
        line("the whole night", "reading every column of its sources, nothing else", mine, theirs, 1),
        line("the same, seconds of the processor", "the same", mine.cpu, theirs.cpu, 1),
    ]
    print("\n".join(lines))
    write_section("The whole night", lines)


def copied(folder: Path, place: Path) -> None:
    """The project again, its facts as hard links, without pipelines of its own and without the day's publication."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place, symlinks=True, ignore=lambda path, _: _left_out(Path(path), folder))
    for name in LINKED:
        shutil.copytree(folder / "store" / name, place / "store" / name, copy_function=os.link)


def _left_out(path: Path, folder: Path) -> list[str]:
    return {folder: ["pipelines", "truth"], folder / "store": list(LINKED)}.get(path, [])


def ours(place: Path, day: date) -> None:
    """The night as `riskengine nightly` runs it; a day that is published is computed again."""
    from riskengine.monitor.publish import MEASURED
    from riskengine.project import find
    from riskengine.stages import most_mb

    project = find(str(place))
    (project.store / "publications" / str(day)).unlink(missing_ok=True)
    begun = time.perf_counter()
    done = project.pipeline("nightly").run(project, day)
    counts = done.manifest["counts"]
    names = ("guarantees", "signals", "cases", "lines", "reminders")
    size = ", ".join(f"{counts[name]:,} {name}" for name in names)
    report(begun, stages=json.dumps(done.manifest[MEASURED]), size=size, peak=most_mb())


def theirs(folder: Path, day: date) -> None:
    """Read what the night's recipes read: every column of every file, batch by batch, and nothing else."""
    import pyarrow.parquet as pq

    from riskengine.backtest.tonight import tonight
    from riskengine.profile.recipe import Recipe
    from riskengine.project import find

    it = tonight(find(str(folder)), MODEL, day)
    recipes = (Recipe.from_json(it.bundle.recipe), it.rules.watch.recipe)
    sources = sorted({name for recipe in recipes for name, _ in recipe.sources} & set(it.facts.sources))
    begun, rows = time.perf_counter(), 0
    for source in sources:
        for path in it.facts.paths(source):
            rows += sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches())
    report(begun, rows=rows, sources=len(sources))


def _row(one: dict[str, float]) -> str:
    rows = "" if one["rows"] is None else f"{one['rows']:,}"
    return f"| {one['stage']} | {rows} | {one['seconds']:.1f} | {one['peak_mb']:,.0f} |"


def _alone(side: str, place: Path, day: date) -> Told:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, "--project", str(place), "--as-of", str(day), "--side", side]
    return alone(command, {"PYTHONPATH": path})


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--project", type=Path, required=True)
    asked.add_argument("--as-of", type=date.fromisoformat, required=True)
    asked.add_argument("--runs", type=int, default=1)
    asked.add_argument("--side", choices=("ours", "theirs"))
    said = asked.parse_args()
    if said.side:
        {"ours": ours, "theirs": theirs}[said.side](said.project.resolve(), said.as_of)
    else:
        main(said.project.resolve(), said.as_of, said.runs)
