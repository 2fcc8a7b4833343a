"""What does a training lose by seeing only a sample of the borrowers, and what is it by LightGBM's Dask learner on two workers?

    python benchmarks/training.py [--project PROJECT] [--model inforce_pd] [--as-of 2005-12-31] [--rounds 2]

PROJECT is the SBA demo's (`make demo` leaves it). The rows of the test "out of time" of a training on that day are split as
`learning.training` splits them. The trees and their calibration (in all six fits and the out-of-fold scores) are made

- from all borrowers who may teach, on this machine: what `riskengine retrain` does;
- from 1/2, 1/4, 1/8, 1/16 of them by hash (`[population] one_subject_in`), and so with every borrower with an event kept;
- from all borrowers with another seed: what chance alone does to the figures;
- from all of them, in eight Parquet parts, by two Dask workers on loopback, a process of one thread each (`learning.distributed`);

in turn, round after round, and each is tested on the same later rows. Intervals: draws of borrowers; gaps on the same draws.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
from results import ROOT, Seconds, conditions, ratio, side_by_side, write_section

from riskengine.learning import distributed, fitting
from riskengine.learning.frames import checked
from riskengine.learning.making import Made, Taught, log_odds, made, make
from riskengine.learning.metrics import (
    Estimate,
    Floats,
    Sample,
    auc,
    auc_difference,
    drawn_intervals,
    log_loss,
)
from riskengine.learning.parts import write_taught
from riskengine.learning.samples import followed_period, labelled_rows, model_spec
from riskengine.learning.sampling import drawn
from riskengine.learning.spec import ModelSpec
from riskengine.learning.splitting import split
from riskengine.learning.training import TrainingContext, ripe
from riskengine.profile.catalogue import Catalogue
from riskengine.project import find
from riskengine.store import snapshot

SHARES = (2, 4, 8, 16)
KEPT = (4, 16)
PARTS, WORKERS = 8, 2


@dataclass
class Way:
    """One way to train: its words, its work, and what came of it."""

    words: str
    work: Callable[[], Made]
    rows: int
    events: int
    made: list[Made] = field(default_factory=list)

    def __call__(self) -> None:
        """Train once more."""
        self.made.append(self.work())


@dataclass(frozen=True)
class World:
    """The model's spec, the rows that teach, and those that test."""

    spec: ModelSpec
    taught: Taught
    tested: Taught


def world(root: Path, model: str, day: date) -> World:
    """The rows of the test out of time."""
    project = find(root)
    spec, facts = model_spec(Catalogue(project), model), snapshot.read(project.store)
    taken = labelled_rows(project, spec, facts, followed_period(spec, day))
    context = TrainingContext(day, facts.id, {}, {})
    frame = checked(spec, taken.frame(), context)
    parts = split(spec, frame, context)
    whole = Taught(frame.rows(), frame, frame.months)
    return World(spec, ripe(spec, frame, parts), whole.where(parts.out_of_time))


def sampled(taught: Taught, one_in: int, *, kept: bool) -> Taught:
    """The rows of the borrowers that are drawn, weighted as `samples` weighs them."""
    sure = None
    if kept:
        event = taught.rows.label == 1 if taught.seen is None else taught.seen.event > 0
        sure = np.isin(taught.frame.group, np.unique(taught.frame.group[event]))
    stands = drawn(taught.frame.group, one_in, sure)
    chosen = taught.where(stands > 0)
    weight = chosen.rows.weight * stands[stands > 0]
    rows = fitting.Rows(chosen.rows.matrix, chosen.rows.label, weight, chosen.rows.group)
    return Taught(rows, chosen.frame, chosen.seen)


def ways(here: World, client: object, folder: Path) -> list[Way]:
    """All of them, in the order of the table."""

    def events(taught: Taught) -> int:
        event = taught.rows.label == 1 if taught.seen is None else taught.seen.event > 0
        return len(np.unique(taught.frame.subject[event]))

    def one(words: str, taught: Taught) -> Way:
        return Way(words, lambda: make(here.spec, taught), len(taught.rows.label), events(taught))

    found = [one("all, this machine", here.taught)]
    seed = here.spec.lightgbm.model_copy(update={"seed": here.spec.lightgbm.seed + 1})
    other = here.spec.model_copy(
        update={"lightgbm": seed}
    )  # what chance alone does; its folds are others too
    found.append(replace(found[0], words="all, another seed", work=lambda: make(other, here.taught), made=[]))
    found += [one(f"1/{n} of borrowers", sampled(here.taught, n, kept=False)) for n in SHARES]
    found += [one(f"1/{n} of borrowers, all with events", sampled(here.taught, n, kept=True)) for n in KEPT]
    write_taught(here.spec, here.taught, folder, PARTS)

    def by_dask() -> Made:
        return made(here.spec, here.taught, distributed.fit_folds(here.spec, folder, client))

    whole = found[0]
    return [*found, Way(f"all, Dask with {WORKERS} workers", by_dask, whole.rows, whole.events)]


def told(here: World, done: list[Way], seconds: list[Seconds]) -> list[str]:
    """The table."""
    test = here.tested.rows
    codes = np.unique(test.group, return_inverse=True)[1].astype(np.int64)
    samples = []
    for way in done:
        pd = way.made[-1].pd(test.matrix, here.tested.frame.segment)
        samples.append(Sample(test.label, log_odds(pd), pd, test.weight, codes))
    times = here.spec.validation.replicates
    first = samples[0]
    lines = [
        "| trained on | rows | loans with events | AUC | less than all | log-loss x 1000 | more than all | seconds | over all (min - max) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for way, sample, took in zip(done, samples, seconds, strict=True):
        gap = "" if sample is first else _told(auc_difference(first, sample, times), 4)
        losses = drawn_intervals(_losses(sample, first), sample, times, 7)
        more = "" if sample is first else _told(losses["gap"], 3)
        area = drawn_intervals(_area(sample), sample, times, 7)["auc"]
        lines.append(
            f"| {way.words} | {way.rows:,} | {way.events:,} | {_told(area, 4)} | {gap} | {_told(losses['loss'], 3)} | {more} "
            f"| {statistics.median(took):.1f} | {ratio(took, seconds[0])} |"
        )
    return lines


def _area(sample: Sample) -> Callable[[Floats], dict[str, float | None]]:
    return lambda weight: {"auc": auc(sample.label, sample.score, weight)}


def _losses(sample: Sample, first: Sample) -> Callable[[Floats], dict[str, float | None]]:
    def of(weight: Floats) -> dict[str, float | None]:
        mine = 1000 * log_loss(sample.label, sample.pd, weight)
        return {"loss": mine, "gap": mine - 1000 * log_loss(first.label, first.pd, weight)}

    return of


def _told(estimate: Estimate, digits: int) -> str:
    low, high = estimate.low, estimate.high
    value = "-" if estimate.value is None else f"{estimate.value:.{digits}f}"
    return value if low is None or high is None else f"{value} ({low:.{digits}f} to {high:.{digits}f})"


def equal(first: Made, second: Made) -> bool:
    """Whether two trainings gave the same trees, to the byte."""
    return bool(first.booster.model_to_string() == second.booster.model_to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT / "examples" / "sba_7a")
    parser.add_argument("--model", default="inforce_pd")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2005, 12, 31))
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    begun = perf_counter()
    here = world(asked.project, asked.model, asked.as_of)
    print(f"rows of {asked.model}: {perf_counter() - begun:.1f} s", file=sys.stderr)
    from dask.distributed import LocalCluster

    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as local,
        distributed.cluster(local.scheduler_address) as client,
    ):  # fmt: skip
        done = ways(here, client, Path(folder) / "parts")
        seconds = side_by_side(done, asked.rounds, warm=0)
    same = {way.words: all(equal(way.made[0], one) for one in way.made) for way in done}
    if not all(same.values()):
        raise SystemExit(f"The same training gave other trees: {same}")
    tested = here.tested.frame.as_of
    late = int(here.tested.rows.label.sum())
    lines = [
        *conditions(
            f"python benchmarks/training.py --model {asked.model} --rounds {asked.rounds}",
            str(asked.as_of),
            f"the SBA demo's {asked.model}, {asked.rounds} rounds in turn",
        ),
        f"Tested on the same {len(tested):,} later loan-months, {tested.min()} to {tested.max()}, {late:,} of them with the event. "
        "Six fits and the calibration each; intervals of 95 % by draws of borrowers, gaps on the same draws. "
        "Every way gave the same trees to the byte in each round.",
        "",
        *told(here, done, seconds),
        "",
        "A fit on this machine is two at a time on one thread each; Dask's are one at a time on both workers, parts read anew for each. "
        "That is what it costs where one machine would do; it is for rows that do not fit one. SynapseML (LightGBM on Spark) needs its "
        "jars from Maven, which this machine cannot reach: not measured.",
    ]
    write_section("Training", lines)


if __name__ == "__main__":
    main()
