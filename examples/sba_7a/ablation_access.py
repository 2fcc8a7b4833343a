"""How does the access model do on later years and other borrowers, beside simpler means, and what does each family add?"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from build_data import monthly_history
from trials import (
    RAW,
    REPLICATES,
    Bench,
    Score,
    as_sample,
    held_out,
    narrowed,
    ranked,
    raw_trees,
    scorecard,
    table,
    trees,
    weighted_auc,
)

from riskengine.learning import fitting
from riskengine.learning.metrics import Estimate, Sample, auc, auc_difference, measured
from riskengine.learning.samples import Period, training_period
from riskengine.learning.spec import ModelSpec
from riskengine.schema import file_sha256
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts

SHOWN = {"auc": "AUC", "ks": "KS", "calibration_error": "calibration error", "brier": "Brier"}
FROZEN = date(2004, 9, 30)  # protocol D: the lenders' and sectors' history knows no approval after this day

FAMILIES = {
    "application": ("requested_amount", "guarantee_share", "revolving", "lender_out_of_state"),
    "borrower register": ("employees", "new_business", "franchise", "rural"),
    "lender history": (
        "lender_early_relative_36m",
        "lender_early_share_60m",
        "lender_charge_off_age_60m",
        "lender_loss_relative_60m",
        "lender_mean_amount_relative",
    ),
    "sector history": ("industry_early_relative_36m",),
    "macro": ("housing_starts_change_12m",),
    "programme": ("whole_revolving_share_120m", "whole_mean_amount_120m"),
}


def access(bench: Bench) -> list[str]:
    """Protocols A to D and the ablation of the access model."""
    spec = bench.spec("access_pd")
    wide = bench.spec("access_pd", *RAW)
    first = training_period(wide, date(2005, 12, 31))
    taught = bench.rows(wide, first)
    later = bench.rows(wide, Period(date(2003, 1, 1), date(2007, 12, 31), bench.known))
    second = bench.rows(wide, training_period(wide, date(2010, 12, 31)))
    with tempfile.TemporaryDirectory() as folder:
        frozen = bench.rows(
            wide, Period(first.start, date(2007, 12, 31), bench.known), _frozen(bench, Path(folder))
        )
    held_one, held_two = held_out(spec, taught), held_out(spec, second)
    day = pd.to_datetime(frozen["as_of"])
    tests = {
        "A": (taught, later),
        "B": (taught[~held_one], taught[held_one]),
        "C": (second[~held_two], second[held_two]),
        "D": (
            frozen[day <= pd.Timestamp(FROZEN)],
            frozen[day > pd.Timestamp(FROZEN) + pd.DateOffset(months=12)],
        ),
    }
    said = {
        "A": "trained as of 2005-12-31 on mature labels (approvals 1990 to 2002), tested on approvals 2003 to 2007",
        "B": "the same training rows, 15 % of borrowers held out",
        "C": "trained as of 2010-12-31 (approvals 1990 to 2007), 15 % of borrowers held out, all years",
        "D": f"histories frozen: no approval after {FROZEN} in them; trained to that day, tested on approvals from a year later",
    }
    lines = ["### Access model: charge-off within 36 months of approval", ""]
    lines += ["Weighted to the programme; brackets are 95 % intervals by a bootstrap of borrowers.", ""]
    for name, (train, test) in tests.items():
        makers: dict[str, Score] = {
            "LightGBM (access_pd)": trees(spec, train),
            "scorecard, same rows": scorecard(spec, train),
            "naive LightGBM, raw columns": raw_trees(spec, train, dated=False),
            "naive LightGBM, raw columns and approval date": raw_trees(spec, train, dated=True),
        }
        size = f"{len(test):,} loans, {int(test['label'].sum()):,} charged off within 36 months"
        lines += [
            f"**{name}**: {said[name]}. {len(train):,} rows with {int(train['label'].sum()):,} charge-offs to learn from; tested on {size}.",
            "",
        ]
        lines += _means_table(makers, test)
        if name == "A":
            lines += _years_table(makers, test)
    return lines + _ablation(spec, tests)


def _area(sample: Sample) -> Estimate:
    return measured(sample, REPLICATES)["auc"]


def _means_table(makers: dict[str, Score], test: pd.DataFrame) -> list[str]:
    lines = [
        f"| | {' | '.join(SHOWN.values())} | the model's AUC less this | unweighted AUC | AUC of the final status |",
        "|---" * (len(SHOWN) + 4) + "|",
    ]
    samples = [as_sample(test, score) for score in makers.values()]
    found = fitting.side_by_side([partial(measured, sample, REPLICATES) for sample in samples])
    others = fitting.side_by_side([partial(auc_difference, samples[0], o, REPLICATES) for o in samples[1:]])
    for means, sample, figures, less in zip(makers, samples, found, ["", *others], strict=True):
        plain = auc(sample.label, sample.score)
        final = auc(test["final"].to_numpy(), sample.score)
        cells = [str(figures[name]) for name in SHOWN]
        lines.append(f"| {means} | {' | '.join(cells)} | {less} | {plain:.3f} | {final:.3f} |")
    return [*lines, ""]


def _years_table(makers: dict[str, Score], test: pd.DataFrame) -> list[str]:
    year = pd.to_datetime(test["as_of"]).dt.year
    lines = [
        "By year of approval:",
        "",
        "| year | loans | charged off | observed rate | mean PD | "
        + " | ".join(f"AUC {means}" for means in makers)
        + " |",
    ]
    lines.append("|---" * (5 + len(makers)) + "|")
    for number in sorted(year.unique()):
        part = test[year == number]
        samples = [as_sample(part, score) for score in makers.values()]
        found = fitting.side_by_side([partial(_area, sample) for sample in samples])
        observed = np.average(part["label"], weights=part["weight"])
        expected = np.average(samples[0].pd, weights=part["weight"])
        cells = [
            f"{len(part):,}",
            f"{int(part['label'].sum()):,}",
            f"{observed:.2%}",
            f"{expected:.2%}",
            *map(str, found),
        ]
        lines.append(f"| {number} | {' | '.join(cells)} |")
    return [*lines, ""]


def _ablation(spec: ModelSpec, tests: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> list[str]:
    lines = [
        "### What each family adds",
        "",
        "AUC (weighted, 36 months) of the model without a family; in parentheses the change.",
        "",
    ]
    lines += [
        "| without | " + " | ".join(tests) + " | A, 2006 only | A, 2007 only |",
        "|---" * (len(tests) + 3) + "|",
    ]
    year = pd.to_datetime(tests["A"][1]["as_of"]).dt.year
    whole: list[float] = []
    for family, names in {"(nothing)": (), **FAMILIES}.items():
        kept = narrowed(spec, [name for name in spec.features if name not in names])
        scored = fitting.side_by_side([partial(ranked, kept, train, test) for train, test in tests.values()])
        areas = [weighted_auc(test, score) for (_, test), score in zip(tests.values(), scored, strict=True)]
        areas += [
            weighted_auc(tests["A"][1][year == n], scored[0][(year == n).to_numpy()]) for n in (2006, 2007)
        ]
        whole = whole or areas
        change = [f" ({one - all_:+.3f})" if names else "" for one, all_ in zip(areas, whole, strict=True)]
        lines.append(
            f"| {family} | " + " | ".join(f"{a:.3f}{c}" for a, c in zip(areas, change, strict=True)) + " |"
        )
    return [*lines, ""]


def _frozen(bench: Bench, folder: Path) -> Snapshot:
    """The facts, but with histories counted from loans approved by `FROZEN` only: what a store sees whose loans end there."""
    loans = table(bench.facts, "applications").merge(
        table(bench.facts, "facilities")[["LoanNr_ChkDgt", "RevLineCr"]], on="LoanNr_ChkDgt"
    )
    ended = table(bench.facts, "charge_offs")[["LoanNr_ChkDgt", "ChgOffDate", "ChgOffPrinGr", "MIS_Status"]]
    loans = loans[pd.to_datetime(loans["ApprovalDate"]) <= pd.Timestamp(FROZEN)].merge(
        ended, on="LoanNr_ChkDgt", how="left"
    )
    loans = loans.assign(**{name: loans[name].astype(float) for name in ("GrAppv", "ChgOffPrinGr")})
    sources = dict(bench.facts.sources)
    for source, keys in {"lender_history": ["Bank"], "sector_history": ["sector", "State"]}.items():
        made = monthly_history(loans, keys)
        month = pd.to_datetime(made["month"])
        made = made.assign(month=month, event_date=month, known_at=month + pd.Timedelta(days=30))
        made = made.assign(
            superseded_at=pd.Series(pd.NaT, index=made.index), removed=False, fact_rank=np.arange(len(made))
        )
        path = folder / f"{source}.parquet"
        made.to_parquet(path, index=False)
        sources[source] = SourceFacts(0, (FactFile(str(path), file_sha256(path), len(made)),))
    return replace(bench.facts, sources=sources)
