"""How long does a day's files take, beside reading the same files and appending them as Parquet without any check?

    python benchmarks/intake.py FOLDER DAY [RUNS]

FOLDER: a project whose store was taken in to the day before DAY. It stays as it is: every run works on a copy whose facts and
index are hard links, which nothing edits in place.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from results import TABLE, Seconds, Told, alone, conditions, line, report, side_by_side, write_section

MANY = 1_000_000  # rows of a day on which monthly publishers deliver


def main(folder: Path, day: date, runs: int) -> None:
    """Measure, and write the section."""
    told: list[Told] = []
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="intake-") as scratch:
        place = Path(scratch) / "copy"

        def ours() -> Told:
            told.append(_alone("ours", place, day))
            return told[-1]

        pair = side_by_side(
            [ours, lambda: _alone("theirs", place, day)],
            runs,
            before={0: lambda: copied(folder, place)},
            warm=0,
        )
    section = lines(folder, day, told, pair)
    many = int(str(told[-1].said["rows"])) >= MANY
    write_section("Intake of a month's reports" if many else "Intake of a day's files", section)
    print("\n".join(section))


def lines(folder: Path, day: date, told: list[Told], pair: list[Seconds]) -> list[str]:
    """The section."""
    said = told[-1].said
    ours, theirs = "intake: checked, deduplicated, indexed, ledger", "read, append Parquet, no check"
    size = f"{said['files']} files, {said['rows']:,} rows into {said['stored']:,} facts of {said['sources']} sources"
    cpu = " ".join(f"{each:.0f}" for each in pair[0].cpu), " ".join(f"{each:.0f}" for each in pair[1].cpu)
    return [
        *conditions(f"python benchmarks/intake.py FOLDER {day} {len(told)}", str(day), size),
        f"Index files written: {said['written']} of {said['of']}, {said['written_mb']} of {said['of_mb']} MB.",
        f"Peak memory {pair[0].peak:,.0f} MB against {pair[1].peak:,.0f} MB; processor seconds {cpu[0]} against {cpu[1]}.",
        "",
        *TABLE,
        line(ours, theirs, pair[0], pair[1], 1),
    ]


def _alone(which: str, place: Path, day: date) -> Told:
    return alone([sys.executable, __file__, f"--{which}", str(place), str(day)])


def copied(folder: Path, place: Path) -> None:
    """A copy of a project with hard links to what no run edits."""
    shutil.rmtree(place, ignore_errors=True)
    from riskengine.project import find

    project = find(str(folder))
    store = project.store.relative_to(folder)
    linked = {folder / store / "facts", folder / store / "index", project.inbox}
    ignored = {"publications", "mlartifacts", "mlflow.db", "decisions", "bundles"}

    def left_out(here: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(here) / name in linked or name in ignored}

    shutil.copytree(folder, place, ignore=left_out)
    for room in linked:
        shutil.copytree(
            room, place / room.relative_to(folder), copy_function=lambda a, b: Path(b).hardlink_to(a)
        )


def ours(place: Path, day: date) -> None:
    """Take the day in."""
    from riskengine.intake.deliveries import take_arrived
    from riskengine.project import find
    from riskengine.store import snapshot

    project = find(str(place))
    before = snapshot.read(project.store)
    begun = time.perf_counter()
    done = take_arrived(project, day)
    after = snapshot.read(project.store)
    old = {file.path for facts in before.sources.values() for file in facts.files}
    files = [file for facts in after.sources.values() for file in facts.files]
    new = [file for file in files if file.path not in old]
    report(
        begun,
        files=sum(one.files for one in done),
        sources=len(done),
        rows=sum(one.counted().rows_in for one in done),
        stored=sum(file.rows for file in files),
        written=len(new),
        of=len(files),
        written_mb=sum((project.store / file.path).stat().st_size for file in new) // 10**6,
        of_mb=sum((project.store / file.path).stat().st_size for file in files) // 10**6,
    )


def theirs(place: Path, day: date) -> None:
    """Read the same files and append them: what it costs to have the bytes in Parquet, and nothing else."""
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet as pq

    from riskengine.project import find

    read = {".csv": pyarrow.csv.read_csv, ".jsonl": pyarrow.json.read_json, ".parquet": pq.read_table}
    begun = time.perf_counter()
    for path in sorted(find(str(place)).inbox.glob(f"*/{day}*")):
        room = place / "appended" / path.parent.name
        room.mkdir(parents=True, exist_ok=True)
        pq.write_table(read[path.suffix](path), room / f"{path.stem}.parquet", compression="zstd")
    report(begun)


if __name__ == "__main__":
    if sys.argv[1] in ("--ours", "--theirs"):
        {"--ours": ours, "--theirs": theirs}[sys.argv[1]](Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
    else:
        main(Path(sys.argv[1]).resolve(), date.fromisoformat(sys.argv[2]), int((sys.argv[3:] or ["3"])[0]))
