"""Which calibration would have come true: the five methods, and levels from the long run or from the newest months?

    python examples/sba_7a/ablation_calibration.py --known 2014-12-31

The in-force model as a yes-or-no within 12 months, learned as of 2005-12-31, tested on month-ends of 2006 and 2007.
"""

from __future__ import annotations

import argparse
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from trials import Bench, as_rows

from riskengine.learning import fitting
from riskengine.learning.calibration import (
    OutOfFold,
    calibrated_rows,
    choose_calibration,
    fit_method,
    long_run_rate,
    newest_rate,
)
from riskengine.learning.metrics import Sample, figures
from riskengine.learning.samples import Period, training_period
from riskengine.learning.spec import ModelSpec
from riskengine.learning.spec_blocks import Calibration
from riskengine.learning.uncertainty import interval_table, level_missed
from riskengine.project import Project
from riskengine.scoring.calibration import METHODS
from riskengine.scoring.uncertainty import reach, spanned
from riskengine.store import snapshot


def compared(bench: Bench) -> list[str]:
    """The table, and how often the interval held the observed rate of a twentieth of the rows."""
    spec = bench.spec("inforce_pd").model_copy(update={"hazard": None})
    taught = bench.rows(spec, training_period(spec, date(2005, 12, 31)))
    tested = bench.rows(spec, Period(date(2006, 1, 31), date(2007, 12, 31), bench.known))
    rows, test = as_rows(spec, taught), as_rows(spec, tested)
    fold = fitting.buckets(list(taught["group"]), spec.validation.folds, spec.lightgbm.seed + 1)
    learned = _out_of_fold(taught, fitting.out_of_fold(partial(_fitted, spec), rows, fold))
    new = _out_of_fold(tested, _fitted(spec, rows)(test.matrix))
    chosen = choose_calibration(learned, Calibration())
    ways: dict[str, dict[str, Any]] = {name: fit_method(name, learned) for name in METHODS}
    ways["intercept, long-run level"] = fit_method("intercept", learned, long_run_rate(learned))
    ways["intercept, level of the newest 12 months"] = fit_method(
        "intercept", learned, newest_rate(learned, 12)
    )
    lines = [
        f"Chosen: **{chosen['method']}** ({chosen['choice']['why']}).", "",
        "| calibration | mean PD | observed | log loss | Brier | calibration error |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, way in ways.items():
        pd_ = calibrated_rows(way, new.raw)
        found = figures(Sample(new.label, pd_, pd_, new.weight, new.cases))
        mean, seen = (np.average(part, weights=new.weight) for part in (pd_, new.label))
        lines.append(
            f"| {name} | {mean:.2%} | {seen:.2%} | {found['log_loss']:.5f} | {found['brier']:.5f} |"
            f" {found['calibration_error']:.4f} |"
        )
    known = calibrated_rows(chosen, learned.raw)
    table, ahead = interval_table(learned, known, spec.uncertainty), calibrated_rows(chosen, new.raw)
    missed = np.exp(level_missed(new.label, ahead, new.weight))
    lines += [
        "",
        f"Twentieths of the rows whose observed rate lies in the mean interval ({table['coverage']:.0%}): "
        f"{_held(table, known, learned)} of 20 in time (borrowers not seen), {_held(table, ahead, new)} of 20 in 2006 and "
        f"2007, when the odds were {missed:.2f} times those foretold.",
    ]
    return lines


def _fitted(spec: ModelSpec, rows: fitting.Rows) -> Any:
    return partial(
        fitting.predict, fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, rows, spec.features)
    )


def _out_of_fold(rows: pd.DataFrame, raw: np.ndarray) -> OutOfFold:
    group = np.unique(rows["group"].astype(str), return_inverse=True)[1].astype(np.int64)
    label, weight = rows["label"].to_numpy(dtype=np.int64), rows["weight"].to_numpy(dtype=float)
    return OutOfFold(label, raw, weight, rows["as_of"].to_numpy(dtype="M8[D]"), None, group)


def _held(table: dict[str, Any], pd_: np.ndarray, rows: OutOfFold) -> int:
    low, high = np.array([spanned(table, reach(table, one), one) for one in pd_.tolist()]).T
    place = np.clip(np.searchsorted(np.quantile(pd_, np.linspace(0, 1, 21)), pd_, "right") - 1, 0, 19)
    held = 0
    for number in range(20):
        inside = place == number
        below, seen, above = (
            np.average(part[inside], weights=rows.weight[inside]) for part in (low, rows.label, high)
        )
        held += bool(below <= seen <= above)
    return held


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--known", type=date.fromisoformat, default=date(2014, 12, 31))
    project = Project(Path(__file__).parent)
    print("\n".join(compared(Bench(project, snapshot.read(project.store), asked.parse_args().known))))


if __name__ == "__main__":
    main()
