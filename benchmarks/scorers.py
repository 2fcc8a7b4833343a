"""How fast do the three scorers answer beside one another: native, the exported SQL, and plain Python? Same rows, same bits.

    python benchmarks/scorers.py PROJECT MODEL [ROWS]

uses the champion of a project and rows drawn from between its trees' thresholds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from riskengine.project import Project
from riskengine.scoring.bundle import Bundle, champion
from riskengine.scoring.native import raw_scores, score_rows
from riskengine.scoring.single import score_one
from riskengine.scoring.sql import bundle_sql

RUNS = 5


def main() -> None:
    """Print the table."""
    bundle = champion(Project(Path(sys.argv[1])).store, sys.argv[2])
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
    matrix = drawn(bundle, size)
    frame = pd.DataFrame(matrix, columns=list(bundle.features))
    frame.insert(0, "id", np.arange(size))
    text = bundle_sql(bundle)
    profiles = [
        {name: None if np.isnan(value) else value for name, value in zip(bundle.features, row, strict=True)}
        for row in matrix[: size // 10].tolist()
    ]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE profiles AS SELECT * FROM frame")
        ways: dict[str, Callable[[], object]] = {
            "native (LightGBM), raw scores": lambda: raw_scores(bundle, matrix),
            "native, rated": lambda: score_rows(bundle, matrix),
            "SQL (DuckDB), rated": lambda: connection.execute(text).fetchnumpy(),
            "plain Python, rated (a tenth of the rows)": lambda: [score_one(bundle, one) for one in profiles],
        }
        for way in ways.values():
            way()
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, way in ways.items():
                begun = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - begun)
        answer = connection.execute(text + "ORDER BY id").fetchnumpy()
    expected = score_rows(bundle, matrix)
    gap = float(np.abs(answer["pd"] - expected.pd).max())
    print(
        f"{bundle.model} {bundle.hash[:12]}: {len(bundle.trees['trees'])} trees, {size:,} rows, |PD - PD| <= {gap:.1e}"
    )
    base = statistics.median(seconds["native, rated"])
    for name, found in seconds.items():
        rows = size // 10 if "tenth" in name else size
        each = statistics.median(found) / rows * 1e6
        print(f"  {name:45} {each:9.2f} us a row   {each / (base / size * 1e6):7.2f} x native, rated")


def drawn(bundle: Bundle, size: int) -> np.ndarray:
    """Rows of thresholds, their neighbours, zeros, and one value in ten missing."""
    dice = np.random.default_rng(1)
    columns = []
    for number in range(len(bundle.features)):
        limits = [
            limit
            for tree in bundle.trees["trees"]
            for feature, limit in zip(tree["feature"], tree["threshold"], strict=True)
            if feature == number and limit is not None
        ]
        columns.append(dice.choice(np.array([*limits, *np.nextafter(limits, np.inf), 0.0, 1e9, -1e9]), size))
    matrix = np.column_stack(columns)
    matrix[dice.random(matrix.shape) < 0.1] = np.nan
    return matrix


if __name__ == "__main__":
    main()
