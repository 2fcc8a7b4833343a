"""Pooled, local, or pooled with shrunk local shifts: which PDs are truest for sixty institutions of unequal size?

Three ways to a PD from the same raw scores: one calibration for all (*pooled*); each institution's own level on it, as its own
defaults say, from 10 defaults on (*local*); the pooled calibration with shifts shrunk towards the whole (*shrunk*,
`learning.segments`). Fitted on the earlier half of a book, measured on the later: log loss and Brier, with paired
95 % intervals over books (simulated) or borrowers (a table of scored rows).

    python benchmarks/institutions.py            simulated books: institutions that differ by 0, 0.2, 0.4, 0.8 (log-odds)
    python benchmarks/institutions.py ROWS.parquet    columns label, raw, weight, as_of, segment, group
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from riskengine.learning.calibration import OutOfFold, choose_calibration, fit_method, log_odds_of
from riskengine.learning.metrics import Floats
from riskengine.learning.spec_blocks import Calibration
from riskengine.scoring.calibration import bounded, calibrated, segment_text, shift_of, shifted

INSTITUTIONS, CASES, BOOKS = 60, 30_000, 40
OWN_FROM = 10  # defaults from which an institution is calibrated by itself
WAYS = ("pooled", "local", "shrunk")


@dataclass(frozen=True)
class Book:
    """Rows to fit on, and later rows to be measured on."""

    taught: OutOfFold
    tested: OutOfFold


def simulated(spread: float, seed: int, cases: int = CASES) -> Book:
    """Two periods of a book: 60 institutions with sizes like 1/rank, each with a shift drawn from N(0, spread²)."""
    rng = np.random.default_rng(seed)
    size = 1 / np.arange(1, INSTITUTIONS + 1)
    own = rng.normal(0, spread, INSTITUTIONS) if spread else np.zeros(INSTITUTIONS)
    halves = []
    for day in ("2024-06-30", "2025-06-30"):
        segment = rng.choice(INSTITUTIONS, cases, p=size / size.sum())
        raw = rng.normal(-4.0, 1.0, cases)
        pd = 1 / (1 + np.exp(-(raw + own[segment])))
        label = (rng.random(cases) < pd).astype(np.int64)
        names = np.array([f"institution {number}" for number in segment], dtype=object)
        halves.append(OutOfFold(label, raw, np.ones(cases), np.full(cases, day, dtype="M8[D]"), names))
    return Book(*halves)


def pds(book: Book) -> dict[str, Floats]:
    """The tested rows' PDs by each way."""
    taught, tested = book.taught, book.tested
    assert taught.segment is not None
    assert tested.segment is not None
    how = choose_calibration(taught, Calibration(method="logistic", segment="institution"))
    pooled = np.array([calibrated(how, raw) for raw in tested.raw.tolist()])
    inner = log_odds_of(np.array([calibrated(how, raw) for raw in taught.raw.tolist()]))
    own: dict[str | None, float] = {}
    places = np.array([segment_text(name) for name in taught.segment], dtype=object)
    for name in sorted({name for name in places if name is not None}):
        rows = places == name
        if taught.label[rows].sum() >= OWN_FROM:
            part = OutOfFold(taught.label[rows], inner[rows], taught.weight[rows], taught.as_of[rows])
            own[name] = float(fit_method("intercept", part)["b"])
    names = [segment_text(name) for name in tested.segment]
    return {
        "pooled": pooled,
        "local": np.array(
            [bounded(shifted(pd, own.get(n, 0.0))) for pd, n in zip(pooled.tolist(), names, strict=True)]
        ),
        "shrunk": np.array(
            [shifted(pd, shift_of(how, n)) for pd, n in zip(pooled.tolist(), names, strict=True)]
        ),
    }


def losses(book: Book) -> dict[str, tuple[Floats, Floats]]:
    """By way: the log loss and the squared error of each tested row."""
    label = book.tested.label
    return {
        way: (-np.where(label == 1, np.log(pd), np.log1p(-pd)), (pd - label) ** 2)
        for way, pd in pds(book).items()
    }


def over_books(spread: float, books: int = BOOKS) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean over books of (pooled - shrunk), (local - shrunk) in log loss and Brier, and its standard error, times 10,000."""
    gaps: dict[tuple[str, str], list[float]] = {}
    for seed in range(books):
        found = losses(simulated(spread, seed))
        for way in WAYS[:2]:
            for number, figure in enumerate(("log loss", "brier")):
                gap = float((found[way][number] - found["shrunk"][number]).mean()) * 1e4
                gaps.setdefault((way, figure), []).append(gap)
    return {key: (float(np.mean(v)), float(np.std(v, ddof=1) / np.sqrt(len(v)))) for key, v in gaps.items()}


def over_rows(book: Book) -> dict[tuple[str, str], tuple[float, float]]:
    """The same on one book, the standard error over its borrowers."""
    found, weight = losses(book), book.tested.weight
    made = {}
    for way in WAYS[:2]:
        for number, figure in enumerate(("log loss", "brier")):
            gap = found[way][number] - found["shrunk"][number]
            mean = float((weight * gap).sum() / weight.sum())
            parts = np.bincount(book.tested.cases, weight * (gap - mean))
            made[way, figure] = mean * 1e4, float(np.sqrt((parts * parts).sum())) / float(weight.sum()) * 1e4
    return made


def _halves(path: Path) -> Book:
    import pandas as pd

    rows = pd.read_parquet(path).sort_values(["as_of", "group"], kind="stable")
    day = rows["as_of"].to_numpy(dtype="M8[D]")
    middle = np.sort(day)[len(day) // 2]
    parts = []
    for chosen in (rows[day < middle], rows[day >= middle]):
        group = np.unique(chosen["group"].astype(str), return_inverse=True)[1].astype(np.int64)
        parts.append(
            OutOfFold(
                chosen["label"].to_numpy(dtype=np.int64), chosen["raw"].to_numpy(float),
                chosen["weight"].to_numpy(float), chosen["as_of"].to_numpy(dtype="M8[D]"),
                chosen["segment"].to_numpy(dtype=object), group,
            )
        )  # fmt: skip
    return Book(*parts)


def main(arguments: list[str]) -> None:
    """Print the table."""
    print("x 10,000; above zero: shrunk is better than the other way; 95 % interval")
    print("| institutions differ by | pooled, log loss | local, log loss | pooled, Brier | local, Brier |")
    print("|---|---|---|---|---|")
    rows = (
        [("in the table", over_rows(_halves(Path(arguments[0]))))]
        if arguments
        else [(f"{spread:g}", over_books(spread)) for spread in (0.0, 0.2, 0.4, 0.8)]
    )
    for name, found in rows:
        cells = [found[way, figure] for figure in ("log loss", "brier") for way in WAYS[:2]]
        shown = [f"{mean:.2f} [{mean - 1.96 * se:.2f}, {mean + 1.96 * se:.2f}]" for mean, se in cells]
        print(f"| {name} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
