"""To whom is each enterprise tied as known on a day, and how does the trouble of those reach it?

Ties (domain page 6.3): guarantees given and received (counter-guarantees of ours, liabilities for others in credit reports:
of one pair the larger amount), control of more than half, one controller, key persons in common, customers and suppliers by
their share in thirteen months of invoices. Every tie is read from facts visible on the day: known by it, not superseded or
removed by then, not ahead of it. Trouble of an enterprise: `failed` where a guarantee of ours for it is overdue and not
cured, or was compensated; else the severity of its worst signal of tonight's first pass that is true: one clearing or to be
confirmed is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskengine.clock import Span
from riskengine.monitor.evaluate import waiting
from riskengine.monitor.signals import SEVERITIES
from riskengine.portfolio.contagion import EDGES, Weights, contagion, read_weights
from riskengine.profile.compute import Workbench
from riskengine.schema import in_force

if TYPE_CHECKING:
    from riskengine.monitor.watch import Watch

COLUMNS = ("enterprise", "contagion", "contagion_loss", "contagion_paths")
WINDOW = "13m"

# Each tie as SQL over `{visible facts}`: source (who is in trouble), target (whom it reaches), weight, amount.
_GIVEN = """SELECT debtor AS source, guarantor AS target, max(much) AS amount FROM ({parts}) GROUP BY ALL"""
_GIVEN_OF = {
    "counter_guar": """SELECT uscc AS debtor, guarantor_code AS guarantor, sum(amount)::DOUBLE AS much
        FROM {facts} WHERE guarantor_code IS NOT NULL AND status IN ('有效', '处置中') GROUP BY ALL""",
    "pboc_guar": """SELECT debtor_code AS debtor, uscc AS guarantor, sum(balance)::DOUBLE AS much
        FROM (SELECT * FROM {facts} QUALIFY report_dt = max(report_dt) OVER (PARTITION BY uscc))
        WHERE debtor_code IS NOT NULL AND balance > 0 GROUP BY ALL""",
}
_NET_ASSETS = {  # the first that knows: statements filed with the tax office, then the annual report
    "tax_filing": """SELECT uscc, arg_max(fs_assets - fs_liabilities, fact_rank) AS net FROM {facts}
        WHERE fs_assets IS NOT NULL AND fs_liabilities IS NOT NULL GROUP BY uscc""",
    "mkt_annual": """SELECT uscc, arg_max(coalesce(equity, assets - liabilities), fact_rank) AS net FROM {facts}
        WHERE coalesce(equity, assets - liabilities) IS NOT NULL GROUP BY uscc""",
}
_HOLDING = """SELECT uscc, coalesce(holder_code, holder_id) AS holder, holder_code IS NOT NULL AS firm, ratio
    FROM {facts} WHERE coalesce(holder_code, holder_id) IS NOT NULL"""
_PERSONS = {
    "mkt_people": "SELECT person_id AS person, uscc FROM {facts} WHERE person_id IS NOT NULL",
    "mkt_equity": "SELECT holder_id AS person, uscc FROM {facts} WHERE holder_id IS NOT NULL AND ratio >= 0.25",
}
_TRADE = """SELECT cp_uscc AS source, uscc AS target, max(share) AS share FROM (
    SELECT uscc, cp_uscc, sum(amt)::DOUBLE / sum(sum(amt)) OVER (PARTITION BY uscc, dir)::DOUBLE AS share
    FROM {facts} WHERE event_date > DATE '{since}' GROUP BY uscc, cp_uscc, dir HAVING sum(amt) > 0)
    GROUP BY ALL HAVING max(share) >= {least}"""
_FAILED = {
    "overdue": "SELECT uscc FROM {facts} WHERE cured_dt IS NULL OR cured_dt > DATE '{day}'",
    "compensation": "SELECT uscc FROM {facts}",
}
_READ = {  # of each source the columns above; one that older batches did not have is unknown
    "compensation": {"uscc": "VARCHAR"},
    "counter_guar": {"uscc": "VARCHAR", "guarantor_code": "VARCHAR", "amount": "DECIMAL(18,2)", "status": "VARCHAR"},
    "inv_counterparty": {"uscc": "VARCHAR", "cp_uscc": "VARCHAR", "dir": "VARCHAR", "amt": "DECIMAL(18,2)"},
    "mkt_annual": {"uscc": "VARCHAR", "equity": "DOUBLE", "assets": "DOUBLE", "liabilities": "DOUBLE"},
    "mkt_equity": {"uscc": "VARCHAR", "holder_code": "VARCHAR", "holder_id": "VARCHAR", "ratio": "DOUBLE"},
    "mkt_people": {"uscc": "VARCHAR", "person_id": "VARCHAR"},
    "overdue": {"uscc": "VARCHAR", "cured_dt": "DATE"},
    "pboc_guar": {"uscc": "VARCHAR", "debtor_code": "VARCHAR", "balance": "DECIMAL(18,2)", "report_dt": "DATE"},
    "tax_filing": {"uscc": "VARCHAR", "fs_assets": "DOUBLE", "fs_liabilities": "DOUBLE"},
}  # fmt: skip
_OF_TIES = ("counter_guar", "inv_counterparty", "mkt_equity", "mkt_people", "pboc_guar")


@dataclass(frozen=True)
class Neighbourhood:
    """The ties known on a day (`contagion.EDGES`), and the weights by which trouble passes along them; None where the project
    has no `configs/contagion.toml` in force or no source of ties was ever received: nothing is known then."""

    edges: pd.DataFrame
    weights: Weights | None = None


def neighbourhood(bench: Workbench, watch: Watch, as_of: date) -> Neighbourhood:
    """The ties of a night, read once."""
    weights = in_force(read_weights(watch.project.configs / "contagion.toml"), as_of)
    if weights is None or not any(map(bench.facts, _OF_TIES)):
        return Neighbourhood(pd.DataFrame({name: pd.Series([], dtype="object") for name in EDGES}))
    return Neighbourhood(edges_of(bench, weights, as_of), weights)


def contagion_scores(
    bench: Workbench, around: Neighbourhood, frame: pd.DataFrame, signals: pd.DataFrame, as_of: date
) -> pd.DataFrame:
    """One row for each enterprise of the night's frame, in order: `enterprise, contagion, contagion_loss, contagion_paths`.

    `signals` are those of the first pass (columns `enterprise`, `severity`). NaN where no weights are in force.
    """
    known = sorted(set(frame.enterprise_id.dropna()))
    if around.weights is None:
        made = pd.DataFrame({"enterprise": pd.Series(known, dtype="object")})
        made = made.assign(contagion=np.nan, contagion_loss=np.nan)
        return made.assign(contagion_paths=pd.Series([list[Any]() for _ in known], dtype="object"))
    badness = badness_of(bench, signals, around.weights, as_of)
    return contagion(around.edges, badness, around.weights, known)


def edges_of(bench: Workbench, weights: Weights, as_of: date) -> pd.DataFrame:
    """Every tie known on a day, with the columns of `contagion.EDGES`; a source that never came brings none."""
    edges = [
        *_guarantees(bench, weights, as_of),
        *_holdings(bench, weights, as_of),
        _grouped(_persons(bench, as_of), "shared_person", weights.shared_person, weights),
    ]
    since = Span.parse(WINDOW).before(as_of)
    trade = _ask(bench, "inv_counterparty", _TRADE, as_of, since=since, least=weights.least_share)
    edges.append(trade.assign(kind="counterparty", weight=trade.share * weights.counterparty))
    filled = [edge for edge in edges if len(edge)]
    if not filled:
        return pd.DataFrame({name: pd.Series([], dtype="object") for name in EDGES})
    every = pd.concat([edge.reindex(columns=list(EDGES)) for edge in filled], ignore_index=True)
    every["amount"] = every.amount.astype("float64").fillna(0.0)
    return every[every.source != every.target].sort_values(list(EDGES)).reset_index(drop=True)


def badness_of(bench: Workbench, signals: pd.DataFrame, weights: Weights, as_of: date) -> dict[str, float]:
    """p(u): how bad each enterprise in trouble is, 0 to 1; who is in none is left out."""
    chosen = ~waiting(signals) if "state" in signals else slice(None)
    true = signals.loc[chosen, ["enterprise", "severity"]]
    found = {
        str(key): level
        for severity in SEVERITIES  # from the mildest, so that the worst is written last
        if (level := getattr(weights, severity)) > 0
        for key in true.enterprise[true.severity == severity].dropna()
        if key
    }
    for source, sql in _FAILED.items():
        found |= dict.fromkeys(_ask(bench, source, sql, as_of, day=as_of).uscc.dropna(), weights.failed)
    return found


def _guarantees(bench: Workbench, weights: Weights, as_of: date) -> list[pd.DataFrame]:
    parts = [
        f"({text.format(facts=facts)})"
        for source, text in _GIVEN_OF.items()
        if (facts := _visible(bench, source, as_of))
    ]
    if not parts:
        return []
    given = _frame(bench, _GIVEN.format(parts=" UNION ALL ".join(f"SELECT * FROM {part}" for part in parts)))
    net = pd.Series([], index=pd.Index([], dtype="object"), dtype="float64")
    for source, sql in _NET_ASSETS.items():
        told = _ask(bench, source, sql, as_of)
        if len(told):
            net = pd.concat([net, told.set_index("uscc").net.astype("float64")])
    net = net[~net.index.duplicated()]  # the first that knows
    owned = given.target.map(net).astype("float64")
    share = (
        (given.amount / owned).clip(upper=1.0).where(owned > 0, 1.0)
    )  # nothing of its own: all of it is too much
    weight = share.where(owned.notna() & given.amount.notna(), weights.guarantees_given_unknown)
    back = given.rename(columns={"source": "target", "target": "source"}).drop(columns="amount")
    return [
        given.assign(kind="guarantees_given", weight=weight),
        back.assign(kind="guaranteed_by", weight=weights.guaranteed_by),
    ]


def _holdings(bench: Workbench, weights: Weights, as_of: date) -> list[pd.DataFrame]:
    """Parent and subsidiary both ways, and all that one person (half or more) or parent (more than half) controls."""
    held = _ask(bench, "mkt_equity", _HOLDING, as_of)
    if not len(held):
        return []
    over = held[held.firm & (held.ratio > 0.5)]
    down = pd.DataFrame(
        {"source": over.holder, "target": over.uscc, "kind": "control", "weight": weights.control}
    )
    up = down.rename(columns={"source": "target", "target": "source"})
    one = pd.concat([over, held[~held.firm & (held.ratio >= 0.5)]])
    members = pd.DataFrame({"person": one.holder, "uscc": one.uscc})
    return [down, up, _grouped(members, "same_controller", weights.same_controller, weights)]


def _persons(bench: Workbench, as_of: date) -> pd.DataFrame:
    found = [_ask(bench, source, sql, as_of) for source, sql in _PERSONS.items()]
    filled = [part for part in found if len(part)]
    return pd.concat(filled) if filled else pd.DataFrame({"person": [], "uscc": []}, dtype="object")


def _grouped(members: pd.DataFrame, kind: str, weight: float, weights: Weights) -> pd.DataFrame:
    """A tie both ways between any two enterprises behind which the same person or parent stands."""
    single = members.drop_duplicates()
    size = single.groupby("person").uscc.transform("size")
    tied = single[(size > 1) & (size <= weights.largest_group)]
    pairs = tied.merge(tied, on="person", suffixes=("_one", "_other"))
    pairs = pairs[pairs.uscc_one != pairs.uscc_other][["uscc_one", "uscc_other"]].drop_duplicates()
    return pairs.set_axis(["source", "target"], axis=1).assign(kind=kind, weight=weight)


def _visible(bench: Workbench, source: str, as_of: date) -> str:
    files = bench.facts(source)
    if not files:
        return ""
    stored = {row[0] for row in bench.connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
    columns = [
        f"{name}::{kind} AS {name}" if name in stored else f"NULL::{kind} AS {name}"
        for name, kind in _READ[source].items()
    ]
    day = f"DATE '{as_of}'"
    return (
        f"(SELECT {', '.join(columns)}, event_date, fact_rank FROM {files} WHERE known_at <= {day} AND event_date <= {day} "
        f"AND NOT removed AND (superseded_at IS NULL OR superseded_at > {day}))"
    )


def _ask(bench: Workbench, source: str, sql: str, as_of: date, **told: Any) -> pd.DataFrame:
    """The answer, in no order; no rows and every column asked for where the source never came."""
    facts = _visible(bench, source, as_of)
    if not facts:
        named = ("source", "target", "share", "uscc", "net", "holder", "firm", "ratio", "person")
        return pd.DataFrame({name: pd.Series([], dtype="object") for name in named})
    return _frame(bench, sql.format(facts=facts, **told))


def _frame(bench: Workbench, sql: str) -> pd.DataFrame:
    made: pd.DataFrame = bench.connection.execute(sql).df()
    return made
