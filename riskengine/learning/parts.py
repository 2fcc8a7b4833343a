"""How do the rows that a model learns from become Parquet parts that workers can share, none of them ever whole in memory?

A part is a share of the borrowers by hash (`sampling.Share`): all rows of a borrower lie in one, and every part has rows of
every day. Parts that are runs of days make another model: each worker chooses bins from its own rows, and who sees every other
month bins what tells months apart (an interest rate) too coarsely. On the SBA book that moved the AUC by 0.02. Columns: the features
(double, null is missing), `label` (0/1; of a hazard: failed in the last month seen), `weight`, `group`, `as_of`, and of a
hazard `offset`, the log of the exposure under the baseline of *all* parts: tallies of the parts are added up, and each part
is written again with its offset.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskengine.errors import Problem, UsageError
from riskengine.learning import hazard, making
from riskengine.learning.frames import TrainingContext, checked
from riskengine.learning.making import Taught
from riskengine.learning.metrics import Floats
from riskengine.learning.samples import followed_period, labelled_rows
from riskengine.learning.sampling import Share
from riskengine.learning.spec import ModelSpec
from riskengine.project import Project
from riskengine.store.snapshot import Snapshot, bucket_of


@dataclass(frozen=True)
class Written:
    """The folder, its parts, rows and events."""

    folder: Path
    parts: int
    rows: int
    events: int


@dataclass
class _Sums:
    """What of all parts a part must know."""

    rows: int = 0
    events: int = 0
    weight: float = 0.0
    ended: Floats | None = None
    failed: Floats | None = None


def write_parts(
    project: Project, spec: ModelSpec, facts: Snapshot, trained: date, out: tuple[Path, int]
) -> Written:
    """Everything that a training on the day `trained` learns from, read from the store part by part (`out`: folder, how many).

    What the spec says of sampling counts. The folder is new, or a `UsageError`; parts without rows are not written.
    """
    folder, parts = out
    if folder.exists():
        told = Problem(str(folder), "a folder that is not there yet", "one that is", "Name another")
        raise UsageError("No parts can be written", [told])
    work = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    period, sums = followed_period(spec, trained), _Sums()
    for number in range(parts):
        taken = labelled_rows(project, spec, facts, replace(period, share=Share(number, parts)))
        if taken.rows.empty:
            continue
        context = TrainingContext(trained, facts.id, {}, {})
        frame = checked(spec, taken.frame(), context)
        taught = Taught(frame.rows(), frame, frame.months)
        write_part(spec, taught if spec.hazard else taught.where(frame.judged), (work, number), sums)
    if not sums.rows:
        told = Problem(f"{spec.name} as of {trained}", "rows with a mature label", "none")
        raise UsageError("No parts can be written", [told])
    return _finished(spec, work, folder, sums)


def write_taught(spec: ModelSpec, taught: Taught, folder: Path, parts: int) -> Written:
    """The same of rows that are in memory, all of which are taken."""
    folder.mkdir(parents=True)
    names, place = np.unique(taught.frame.group.astype(str), return_inverse=True)
    share = np.array([bucket_of(name, parts) for name in names.tolist()], dtype=np.int64)[place]
    sums = _Sums()
    for number in range(parts):
        if (share == number).any():
            write_part(spec, taught.where(share == number), (folder, number), sums)
    return _finished(spec, folder, folder, sums)


def write_part(spec: ModelSpec, taught: Taught, out: tuple[Path, int], sums: _Sums) -> None:
    """One part without its offset; `sums` grow by it."""
    folder, number = out
    rows, label = making.weighted(spec, taught.rows), taught.rows.label
    group, as_of = taught.frame.group, taught.frame.as_of
    columns = {}
    if spec.hazard:
        assert taught.seen is not None
        whole = hazard.panel(spec, rows, taught.seen)
        used = whole.last > 0  # seen in any month at all is seen in the first
        seen = hazard.in_horizon(spec, whole)
        rows, label, group, as_of = seen.rows, seen.failed.astype(np.int64), group[used], as_of[used]
        found = hazard.tallies(seen, rows.weight, len(spec.hazard.bands) + 1)
        sums.ended = found[0] if sums.ended is None else sums.ended + found[0]
        sums.failed = found[1] if sums.failed is None else sums.failed + found[1]
        columns = {"band": pa.array(seen.band, pa.int16()), "last": pa.array(seen.last, pa.int16())}
    if not len(label):
        return
    sums.rows += len(label)
    sums.events += int(label.sum())
    sums.weight += float(rows.weight.sum())
    features = {
        name: pa.array(rows.matrix[:, place], pa.float64(), from_pandas=True)
        for place, name in enumerate(spec.features)
    }
    given = {
        "label": pa.array(label, pa.int8()),
        "weight": pa.array(rows.weight, pa.float64()),
        "group": pa.array(group.astype(str), pa.string()),
        "as_of": pa.array(as_of.astype("M8[D]"), pa.date32()),
    }
    pq.write_table(pa.table(features | given | columns), folder / f"part-{number:05d}.parquet")


def _finished(spec: ModelSpec, work: Path, folder: Path, sums: _Sums) -> Written:
    paths = sorted(work.glob("part-*.parquet"))
    if spec.hazard:
        assert sums.ended is not None
        assert sums.failed is not None
        mean = sums.weight / sums.rows
        exposure = hazard.exposure(hazard.baseline(sums.ended / mean, sums.failed / mean))
        for path in paths:
            table = pq.read_table(path)
            offset = np.log(exposure[table["band"].to_numpy(), table["last"].to_numpy()])
            pq.write_table(table.append_column("offset", pa.array(offset, pa.float64())), path)
    if work != folder:
        work.rename(folder)
    return Written(folder, len(paths), sums.rows, sums.events)
