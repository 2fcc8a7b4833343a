"""By which groups is a book cut when a model is validated: bank, industry, region, institution, size?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.project import Project
from riskengine.store import snapshot

Strings = npt.NDArray[Any]
SIZE, MONEY = "size", "money"
MOST = 25
_SUBJECTS = 3  # fewer than this many to a value on average: not a group
MISSING, OTHERS = "(missing)", "(others)"


def particulars(project: Project, subject: str, ids: pd.Series) -> pd.DataFrame:
    """For each id, in order: one column for each dimension of the project, and `money` (NaN: unknown).

    Dimensions are the keys of `configs/subjects.toml` that lead from a subject to a group: one column, found in the
    subject's own source, and neither its id nor its enterprise. `money` is that source's first column of money.
    """
    catalogue = Catalogue(project)
    rule = catalogue.subjects.applicant if subject == "applicant" else catalogue.subjects.guarantee
    contract = catalogue.sources[rule.source]
    chosen = {
        key: columns[0]
        for key, columns in sorted(catalogue.subjects.keys.items())
        if len(columns) == 1 and contract.column_type(columns[0]) is not None and _is_group(rule, columns[0])
    }
    amounts = [name for name in contract.columns if contract.column_type(name) == "money"]
    if amounts:
        chosen[MONEY] = amounts[0]
    found = _first_known(project, rule, chosen)
    return found.reindex(ids.astype("str").to_numpy()).reset_index(drop=True)


def cuts(details: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Strings]:
    """The dimensions of a validation: those of `details`, size in quarters of the amounts, and the year (vintage).

    Beyond the 25 values with the most defaults the rest stand together as `(others)`.
    """
    made = {}
    subjects = rows["id"].nunique()
    for name in sorted(details.columns):
        if (
            name != MONEY and details[name].nunique() * _SUBJECTS <= subjects
        ):  # else it names a subject, not a group
            values = details[name].astype("object").where(details[name].notna(), MISSING).astype("str")
            made[str(name)] = _largest(values.to_numpy(dtype=object), rows["label"].to_numpy())
    if MONEY in details.columns:
        made[SIZE] = _quarters(details[MONEY].to_numpy(dtype=np.float64))
    made["vintage"] = pd.DatetimeIndex(rows["as_of"]).year.astype("str").to_numpy(dtype=object)
    return {name: values for name, values in sorted(made.items()) if len(set(values)) > 1}


def _is_group(rule: SubjectRule, column: str) -> bool:
    return column not in (rule.id, rule.enterprise)


def _first_known(project: Project, rule: SubjectRule, chosen: Mapping[str, str]) -> pd.DataFrame:
    listed = "".join(
        f', "{column}"{"::DOUBLE" if name == MONEY else "::VARCHAR"} AS "{name}"'
        for name, column in chosen.items()
    )
    with Workbench(snapshot.read(project.store)) as bench:
        table: pd.DataFrame = bench.connection.execute(
            f"""SELECT "{rule.id}"::VARCHAR AS id{listed} FROM {bench.facts(rule.source)} WHERE NOT removed
            QUALIFY row_number() OVER (PARTITION BY "{rule.id}" ORDER BY known_at, batch, "row") = 1"""
        ).df()
    return table.set_index("id")


def _largest(values: Strings, label: npt.NDArray[np.int64]) -> Strings:
    counted = pd.DataFrame({"value": values, "label": label}).groupby("value")["label"].agg(["sum", "size"])
    order = counted.sort_values(["sum", "size"], ascending=False, kind="stable")
    kept = set(order.index[:MOST])
    return np.array([value if value in kept else OTHERS for value in values], dtype=object)


def _quarters(money: npt.NDArray[np.float64]) -> Strings:
    """Each amount's quarter of all amounts, named by its limits; equal amounts stand together."""
    known = money[~np.isnan(money)]
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75], method="higher")) if len(known) else np.zeros(0)
    edges = edges[edges < known.max()] if len(known) else edges
    names = [f"{number + 1}: ≤ {edge:,.0f}" for number, edge in enumerate(edges)]
    names.append(f"{len(edges) + 1}: > {edges[-1]:,.0f}" if len(edges) else "1")
    place = np.searchsorted(edges, np.nan_to_num(money), side="left")
    found = np.array(names, dtype=object)[place]
    found[np.isnan(money)] = MISSING
    return found
