"""How does the in-force model do month by month, beside a naive rule, and in money?"""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
import pandas as pd
from trials import Bench, as_rows, held_out, matrix_of, to_pd, trees

from riskengine.learning import benchmarks, fitting
from riskengine.learning.evaluation import back_test, in_top
from riskengine.learning.metrics import Estimate, auc, capture
from riskengine.learning.samples import Period, followed_period


def in_force(bench: Bench) -> list[str]:
    """The monthly back-test of the in-force model, 2006-01 to 2007-12."""
    spec = bench.spec("inforce_pd")
    wide = bench.spec("inforce_pd", "guaranteed_amount")
    every = wide.model_copy(update={"population": wide.population.model_copy(update={"one_in": 1})})
    taught = bench.rows(wide, followed_period(wide, date(2005, 12, 31)))
    panel = bench.rows(every, Period(date(2006, 1, 31), date(2007, 12, 31), bench.known))
    mature = taught[taught["mature"]]
    rows = as_rows(spec, mature)
    rule = benchmarks.naive_rule(spec, rows)
    if rule is None:
        raise SystemExit("models/inforce_pd.toml declares no naive rule")
    model = trees(spec, taught)(panel)[1]
    naive = to_pd(rule(matrix_of(spec, panel)))
    lines = ["### In-force model: charge-off within the next 12 months", ""]
    lines += [
        f"Trained as of 2005-12-31 on {len(mature):,} mature loan-months with {mature.loc[mature['label'] == 1, 'id'].nunique():,} charged-off loans; "
        f"tested on every guarantee in force on 24 month-ends, 2006-01 to 2007-12: {len(panel):,} loan-months, "
        f"{panel.loc[panel['label'] == 1, 'id'].nunique():,} charged-off loans. Mean of the 24 months; the naive rule is loan age and lender rate.",
        "",
    ]
    lines += ["| | AUC | charge-offs in the riskiest 5 % | in the riskiest 10 % |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {' | '.join(str(e) for e in _monthly(panel, score))} |"
        for name, score in (("LightGBM (inforce_pd)", model), ("naive rule", naive))
    ]
    held = held_out(spec, taught)
    fresh = panel[held_out(spec, panel)]
    unseen = trees(spec, taught[~held])(fresh)[1]
    lines += [
        f"| LightGBM, borrowers not in training ({fresh.loc[fresh['label'] == 1, 'id'].nunique()} charged off) | {' | '.join(str(e) for e in _monthly(fresh, unseen))} |",
        "",
    ]
    lines += _months_table(panel, {"model": model, "naive": naive})
    lines += _lead_table(panel, {"LightGBM (inforce_pd)": model, "naive rule": naive})
    return lines + _money_table(panel, {"LightGBM (inforce_pd)": model, "naive rule": naive})


def _monthly(panel: pd.DataFrame, score: np.ndarray) -> list[Estimate]:
    """AUC and captures, each the mean of the months, with intervals over 100 draws of borrowers."""
    group = np.unique(panel["group"].astype(str), return_inverse=True)[1]
    months = [np.flatnonzero((panel["as_of"] == day).to_numpy()) for day in sorted(panel["as_of"].unique())]
    months = [rows[np.argsort(score[rows], kind="stable")] for rows in months]
    label, weight = panel["label"].to_numpy(), panel["weight"].to_numpy()

    def mean(times: np.ndarray | None) -> list[float]:
        found = []
        for rows in months:
            used = rows if times is None else rows[times[group[rows]] > 0]
            held = weight[used] if times is None else weight[used] * times[group[used]]
            parts = (label[used], score[used], held)
            found.append([auc(*parts), capture(*parts, 0.05), capture(*parts, 0.10)])
        return [float(value) for value in np.mean(np.array(found, dtype=float), axis=0)]

    rng = np.random.default_rng(7)
    count = int(group.max()) + 1
    draws = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(100)]
    drawn = np.array(fitting.side_by_side([partial(mean, draw) for draw in draws]))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return [Estimate(v, float(a), float(b)) for v, a, b in zip(mean(None), low, high, strict=True)]


def _months_table(panel: pd.DataFrame, scores: dict[str, np.ndarray]) -> list[str]:
    shown = panel[["as_of", "label", "weight", "event_date"]].assign(subject=panel["id"])
    found = back_test(shown, scores).set_index(["means", "as_of"])
    lines = [
        "| month-end | in force | AUC | naive AUC | riskiest 5 % | riskiest 10 % | naive 10 % | expected | observed |",
        "|---" * 9 + "|",
    ]
    for day, rows in panel.assign(pd=scores["model"]).groupby("as_of"):
        one, two = found.loc[("model", day)], found.loc[("naive", day)]
        expected, observed = (np.average(rows[name], weights=rows["weight"]) for name in ("pd", "label"))
        lines.append(
            f"| {day.date()} | {len(rows):,} | {one['auc']:.3f} | {two['auc']:.3f} | {one['capture_5']:.1%} | {one['capture_10']:.1%} | "
            f"{two['capture_10']:.1%} | {expected:.2%} | {observed:.2%} |"
        )
    return [*lines, ""]


def _lead_table(panel: pd.DataFrame, scores: dict[str, np.ndarray]) -> list[str]:
    """How long before its charge-off a loan first stood in the riskiest 10 %."""
    bad = panel[panel["label"] == 1]
    event = bad.groupby("id")["event_date"].min()
    lines = [
        f"Of the {len(event):,} loans charged off from 2006-02 to 2008-12, ever in the riskiest 10 % (observed from 2006-01 on only):",
        "",
    ]
    lines += [
        "| | flagged before | six months before or earlier | median lead of the flagged |",
        "|---|---|---|---|",
    ]
    for name, score in scores.items():
        risky = np.zeros(len(panel), dtype=bool)
        for rows in panel.reset_index(drop=True).groupby("as_of").indices.values():
            risky[rows] = in_top(score[rows], panel["weight"].to_numpy()[rows], 0.10)
        first = panel[risky].groupby("id")["as_of"].min().reindex(event.index)
        lead = (event - first).dt.days / 30.4375
        lines.append(
            f"| {name} | {lead.notna().mean():.1%} | {(lead >= 6).mean():.1%} | {lead.median():.1f} months |"
        )
    return [*lines, ""]


def _money_table(panel: pd.DataFrame, scores: dict[str, np.ndarray]) -> list[str]:
    """Share of the charged-off principal in the riskiest 10 % of guarantees, by PD and by PD times guaranteed amount."""
    lines = [
        "Share of the principal charged off within 12 months that the first 10 % of guarantees hold (mean of the months):",
        "",
    ]
    lines += ["| order | charge-offs | principal |", "|---|---|---|"]
    weight, label = panel["weight"].to_numpy(), panel["label"].to_numpy()
    money = weight * label * panel["principal"].to_numpy()
    amount = panel["guaranteed_amount"].to_numpy()
    orders = {
        f"{name}: {way}": score * by
        for name, score in scores.items()
        for way, by in (("PD", 1.0), ("PD x guaranteed amount", amount))
    }
    orders["guaranteed amount alone"] = amount
    for name, score in orders.items():
        parts = []
        for rows in panel.reset_index(drop=True).groupby("as_of").indices.values():
            top = in_top(score[rows], weight[rows], 0.10)
            parts.append(
                [
                    (weight * label)[rows][top].sum() / (weight * label)[rows].sum(),
                    money[rows][top].sum() / money[rows].sum(),
                ]
            )
        count, value = np.mean(parts, axis=0)
        lines.append(f"| {name} | {count:.1%} | {value:.1%} |")
    return [*lines, ""]
