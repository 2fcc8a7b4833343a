"""How long does a whole night take, stage by stage, and the night after it, beside bare reading of everything that its profiles read?

    python benchmarks/night.py --project FOLDER --as-of DAY [--runs N]

The project stays as it is: each night runs in a process of its own on a copy whose facts and index are hard links, which nothing
edits in place, by the pipeline that the engine ships; the night after it reads what the first has published. The other side reads
every column of every source of the night's recipes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from results import ROOT, TABLE, Seconds, Told, alone, conditions, line, report, side_by_side, write_section

MODEL = "inforce_pd"
LINKED = ("facts", "index")
TITLES = ("The whole night", "The night after it")
_STAGES = ("| stage | rows | seconds | peak memory, MB |", "| --- | --- | --- | --- |")


def main(folder: Path, day: date, runs: int) -> None:
    """Measure, print, and write the sections."""
    days = (day, day + timedelta(days=1))
    nights: dict[date, Told] = {}
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="night-") as scratch:
        place = Path(scratch) / "copy"

        def ours(on: date) -> Told:
            nights[on] = _alone("ours", place, on)
            return nights[on]

        works = (lambda: ours(days[0]), lambda: ours(days[1]), lambda: _alone("theirs", folder, day))
        *mine, theirs = side_by_side(works, runs, {0: lambda: copied(folder, place)}, warm=0)
    for title, on, seconds in zip(TITLES, days, mine, strict=True):
        lines = _told(nights[on], on, (seconds, theirs))
        print("\n".join(lines))
        write_section(title, lines)


def _told(night: Told, day: date, seconds: tuple[Seconds, Seconds]) -> list[str]:
    """The lines of a section: the stages of the night's last run, and all of its runs beside the bare reading."""
    mine, theirs = seconds
    stages: list[dict[str, float]] = json.loads(str(night.said["stages"]))
    command = "python benchmarks/night.py --project FOLDER --as-of DAY"
    return [
        *conditions(command, str(day), str(night.said["size"])),
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
