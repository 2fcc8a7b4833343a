"""How does the champion do on subjects of another period, each profiled as of its own day and judged by what came of it?"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from riskengine.errors import Problem, UsageError
from riskengine.learning.evaluation import Outcome, back_test, evaluate, scored_sample
from riskengine.learning.samples import LabelledRows, Period, labelled_rows
from riskengine.learning.spec import ModelSpec
from riskengine.project import Project
from riskengine.scoring.bundle import Bundle, champion
from riskengine.store import snapshot

_MANY = 200_000  # rows from which the bootstrap of borrowers makes do with fewer replicates


def evaluate_champion(project: Project, model: str, days: tuple[date, date, date]) -> dict[str, Any]:
    """Figures of the champion on as-of days from `days[0]` to `days[1]`, outcomes as known on `days[2]`.

    A JSON value: `model`, `bundle`, `period`, `rows`, `events`, `table` (all rows and each year, with 95 % intervals by a
    bootstrap of borrowers) and, for guarantees in force, `months` (the monthly back-test beside the naive rule).
    """
    if days[0] > days[1] or days[1] > days[2]:
        got = f"{days[0]}, {days[1]}, {days[2]}"
        raise UsageError("Not a period", [Problem("--from, --to, --known", "three days in order", got)])
    bundle = champion(project.store, model)
    spec = ModelSpec.model_validate(bundle.spec)
    # Every guarantee at every date: the panel is thinned for training only.
    spec = spec.model_copy(update={"population": spec.population.model_copy(update={"one_in": 1})})
    taken = labelled_rows(project, spec, snapshot.read(project.store), Period(*days))
    return evaluated(bundle, taken, days)


def evaluated(bundle: Bundle, taken: LabelledRows, days: tuple[date, date, date]) -> dict[str, Any]:
    """The figures of a bundle on labelled rows."""
    rows = taken.rows
    outcome = Outcome(rows["label"].to_numpy(), rows["weight"].to_numpy(), rows["group"].to_numpy())
    sample = scored_sample(bundle, rows, outcome)
    years = pd.DatetimeIndex(rows["as_of"]).year.astype(str).to_numpy()
    table = evaluate(sample, {"year": years}, replicates=200 if len(rows) < _MANY else 60)
    result: dict[str, Any] = {
        "model": taken.spec.name,
        "bundle": bundle.hash,
        "learned_to": bundle.card["last_as_of"],
        "period": {"from": str(days[0]), "to": str(days[1]), "known": str(days[2])},
        "rows": len(rows),
        "events": int(rows["label"].sum()),
        "table": _records(table),
    }
    if taken.spec.subject == "guarantee":
        panel = rows[["as_of", "label", "weight", "event_date"]].assign(subject=rows["id"])
        scores = {"model": sample.pd}
        naive = [name for name, _ in taken.spec.naive.directions()]
        if naive:
            scores["naive"] = _mean_rank(rows, taken.spec)
        result["months"] = _records(back_test(panel, scores))
    return result


def _mean_rank(rows: pd.DataFrame, spec: ModelSpec) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The naive rule: the mean of the features' ranks within the month, each turned so that higher is riskier."""
    ranks = [
        (rows[name] * sign).groupby(rows["as_of"]).rank(pct=True).fillna(0.5)
        for name, sign in spec.naive.directions()
    ]
    return np.asarray(sum(ranks) / len(ranks), dtype=np.float64)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values: dates as text, unknown as None."""
    return [
        {str(key): _plain(value) for key, value in record.items()}
        for record in table.to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value
