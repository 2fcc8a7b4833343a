"""How many have reached each end after so many months, when ends compete and many have not been followed to any?

The cumulative incidence of a cause by Aalen and Johansen (1978), on whole months: `F_k(t) = sum over s <= t of S(s-1) d_ks / Y_s`,
`S(t)` the product of `1 - d_s / Y_s`. Every month the causes and what survives share one whole, so incidences never fall
and sum to at most one. The variance is the sum of squared influences of single cases (infinitesimal jackknife): without
weights Greenwood's formula where there is one cause, the delta method of Aalen's where there are several; with sampling
weights it is the robust one. Cases are taken as independent: several guarantees of one enterprise are not, which makes the
intervals too narrow by little where most enterprises have few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.learning.outcomes import Months, Question, person_months

Floats = npt.NDArray[np.float64]
_Z = 1.959963984540054  # 95 %
COLUMNS = ("month", "cause", "at_risk", "reached", "incidence", "error", "low", "high")


def spells(
    subjects: pd.DataFrame, rungs: pd.DataFrame, causes: Sequence[str], question: Question
) -> pd.DataFrame:
    """`month`, `cause` of each row of `subjects` (`subject`, `as_of`), in order: its first end after `as_of`, or `""` and
    the last month that was followed. Of causes on one day the earlier in `causes` counts.

    `rungs` has `subject`, `rung`, `event_date`, `known_at`; what was known later than the question's day is left out.
    """
    place = {cause: number for number, cause in enumerate(causes)}
    ends = rungs[rungs["rung"].isin(place)]
    ends = ends.assign(place=ends["rung"].map(place)).sort_values(["event_date", "place"], kind="stable")
    ends = ends[ends["known_at"].to_numpy(dtype="M8[D]") <= np.datetime64(question.trained_as_of, "D")]
    rows = pd.DataFrame({"subject": subjects["subject"].to_numpy(), "row": np.arange(len(subjects))})
    pairs = rows.merge(ends[["subject", "rung", "event_date"]], on="subject", how="inner")
    begun = subjects["as_of"].to_numpy(dtype="M8[D]")[pairs["row"].to_numpy()]
    later = pairs[pairs["event_date"].to_numpy(dtype="M8[D]") > begun]
    first = later.sort_values("event_date", kind="stable").drop_duplicates("row")
    seen = person_months(subjects, ends, ends.iloc[:0], question)
    cause = np.full(len(subjects), "", dtype=object)
    cause[first["row"].to_numpy()] = first["rung"].to_numpy()
    ended = seen["event_lead"].to_numpy() > 0
    month = np.where(ended, seen["event_lead"], seen["followed"])
    return pd.DataFrame({"month": month, "cause": np.where(ended, cause, "")}, index=subjects.index)


def cumulative_incidence(
    month: npt.ArrayLike, cause: npt.ArrayLike, causes: Sequence[str], weight: npt.ArrayLike | None = None
) -> pd.DataFrame:
    """By month 1, 2, ... and cause: `at_risk`, `reached` (cases so far, unweighted), `incidence` with `error` and 95 % interval.

    `month` is the month in which the case ended, with its `cause`, or with `""` the last month it was followed: at risk in
    month t iff `month >= t`. Intervals are on the log(-log) scale; where nobody or everybody reached the cause, exact ones
    for as many equally weighted cases as these weights are worth.
    """
    ended = np.asarray(month, dtype=np.int64)
    mass = np.ones(len(ended)) if weight is None else np.asarray(weight, dtype=np.float64)
    names = np.asarray(cause, dtype=object)
    code = np.full(len(ended), len(causes), dtype=np.int64)
    for number, name in enumerate(causes):
        code[names == name] = number
    last, kinds = int(ended.max(initial=0)), len(causes) + 1
    cells = [_cells(ended, code, part, (last + 1, kinds)) for part in (mass, mass**2, np.ones(len(ended)))]
    incidence, error = _aalen_johansen(cells[0], cells[1])
    cases = np.cumsum(cells[2][1:, :-1], axis=0)
    at_risk = np.cumsum(cells[2][::-1].sum(axis=1))[::-1][1:]
    worth = float(mass.sum() ** 2 / (mass**2).sum()) if len(mass) else 0.0
    parts = []
    for number, name in enumerate(causes):
        low, high = interval(incidence[:, number], error[:, number], worth)
        high = np.minimum(high, 1.0)  # a last bit above one where everything is reached
        columns = (np.arange(1, last + 1), name, at_risk.astype(np.int64), cases[:, number].astype(np.int64),
                   incidence[:, number], error[:, number], low, high)  # fmt: skip
        parts.append(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    return pd.concat(parts, ignore_index=True).sort_values(["month"], kind="stable").reset_index(drop=True)


def interval(value: Floats, error: Floats, worth: float) -> tuple[Floats, Floats]:
    """The 95 % interval of proportions with these standard errors; `worth` equally weighted cases where they are 0 or 1."""
    inside = (value > 0) & (value < 1 - 1e-12) & (error > 0)
    safe = np.where(inside, value, 0.5)
    spread = np.where(inside, _Z * error / (safe * np.abs(np.log(safe))), 0.0)
    ends = [np.where(inside, safe ** np.exp(sign * spread), value) for sign in (1, -1)]
    none = 0.025 ** (1 / worth) if worth > 0 else 0.0
    ends[0] = np.where(value >= 1 - 1e-12, none, ends[0])
    ends[1] = np.where(value <= 0, 1 - none, ends[1])
    return ends[0], ends[1]


def _cells(ended: Months, code: Months, mass: Floats, shape: tuple[int, int]) -> Floats:
    """Mass by month (rows, from 0) and cause (columns, the last one: not ended)."""
    table = np.zeros(shape)
    np.add.at(table, (ended, code), mass)
    return table


def _aalen_johansen(mass: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Incidences and their standard errors, months x causes, from the weights and squared weights of the cells."""
    last, kinds = mass.shape[0] - 1, mass.shape[1] - 1
    at_risk = np.cumsum(mass.sum(axis=1)[::-1])[::-1]
    cell_month = np.repeat(np.arange(last + 1), kinds + 1)
    cell_cause = np.tile(np.arange(kinds + 1), last + 1)
    weights = squares.reshape(-1)
    surviving, slope = 1.0, np.zeros(len(weights))  # S(t-1) and its derivative by one more case in each cell
    value, slopes = np.zeros(kinds), np.zeros((kinds, len(weights)))
    values, errors = np.zeros((last, kinds)), np.zeros((last, kinds))
    for month in range(1, last + 1):
        hazard = mass[month, :kinds] / at_risk[month]
        here = cell_month >= month
        moved: list[Any] = []
        for cause in range(kinds):
            came = (cell_month == month) & (cell_cause == cause)
            moved.append((came - hazard[cause] * here) / at_risk[month])
            slopes[cause] += slope * hazard[cause] + surviving * moved[cause]
        slope = slope * (1 - hazard.sum()) - surviving * sum(moved)
        value = value + surviving * hazard
        surviving *= max(1 - float(hazard.sum()), 0.0)
        values[month - 1] = value
        errors[month - 1] = np.sqrt((weights * slopes**2).sum(axis=1))
    return values, errors
