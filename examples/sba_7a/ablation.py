"""How good are the two models really? Every figure of docs/sba_models.md, from the project's own store.

    python examples/sba_7a/ablation.py [--known 2014-12-31]

needs a store that has taken in everything up to 2014 (`make demo` does that), prints the tables and writes them between
the markers of docs/sba_models.md. About four minutes on two cores. `$RISKENGINE_STORE` names another store.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from build_data import monthly_history

from riskengine.errors import RiskEngineError
from riskengine.learning import benchmarks, fitting
from riskengine.learning.calibration import fit_calibration
from riskengine.learning.evaluation import back_test, in_top
from riskengine.learning.fitting import Rows
from riskengine.learning.metrics import Estimate, Sample, auc, capture, measured
from riskengine.learning.samples import Period, labelled_rows, model_spec, training_period
from riskengine.learning.spec import ModelSpec
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.schema import file_sha256
from riskengine.store import snapshot
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "sba_models.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
REPLICATES = 100
SHOWN = {"auc": "AUC", "ks": "KS", "calibration_error": "calibration error", "brier": "Brier"}
FROZEN = date(2004, 9, 30)  # protocol D: the lenders' and sectors' history knows no approval after this day

# What an analyst without this engine would take: the application's columns as they are, texts as codes.
RAW = (
    "requested_amount",
    "guaranteed_amount",
    "employees",
    "jobs_created",
    "jobs_retained",
    "new_business",
    "franchise",
)
RAW += ("urban", "revolving", "low_doc", "lender_out_of_state", "lender", "state", "sector")
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
Score = Callable[[pd.DataFrame], tuple[np.ndarray, np.ndarray]]  # rows -> (order, PD)


@dataclass(frozen=True)
class Bench:
    """Where rows come from."""

    project: Project
    facts: Snapshot
    known: date

    def spec(self, name: str, *more: str) -> ModelSpec:
        """A model's spec, with more features to be loaded beside its own."""
        spec = model_spec(Catalogue(self.project), name)
        return spec.model_copy(update={"features": tuple(dict.fromkeys([*spec.features, *more]))})

    def rows(self, spec: ModelSpec, period: Period, facts: Snapshot | None = None) -> pd.DataFrame:
        """Labelled rows, with `final`: whether the loan was ever charged off, and `principal`: how much."""
        rows = labelled_rows(self.project, spec, facts or self.facts, period).rows
        ended = table(self.facts, "charge_offs")
        principal = ended.groupby("LoanNr_ChkDgt")["ChgOffPrinGr"].max().astype(float)
        return rows.assign(
            final=rows["id"].isin(principal.index).astype(int),
            principal=rows["id"].map(principal).fillna(0.0),
        )


def main(words: Sequence[str] | None = None) -> int:
    """Compute, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--known", type=date.fromisoformat, default=date(2014, 12, 31), help="Outcomes as known on this day."
    )
    known = parser.parse_args(words).known
    project = Project(HERE)
    bench = Bench(project, snapshot.read(project.store), known)
    lines = [
        f"Made by `python examples/sba_7a/ablation.py --known {known}` from snapshot `{bench.facts.id}`.",
        "",
    ]
    try:
        for part in (access, in_force):
            for line in part(bench):
                print(line, flush=True)
                lines.append(line)
    except RiskEngineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(
        f"{before}{BEGIN}\n" + "\n".join(lines).rstrip() + f"\n{END}" + rest.split(END)[1], encoding="utf-8"
    )
    return 0


# Access


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
    held_one, held_two = _held_out(spec, taught), _held_out(spec, second)
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
            "LightGBM (access_pd)": _trees(spec, train),
            "logistic scorecard, same rows": _scorecard(spec, train),
            "naive LightGBM, raw columns": _naive(spec, train, dated=False),
            "naive LightGBM, raw columns and approval date": _naive(spec, train, dated=True),
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


def _means_table(makers: dict[str, Score], test: pd.DataFrame) -> list[str]:
    lines = [
        f"| | {' | '.join(SHOWN.values())} | unweighted AUC | AUC of the final status |",
        "|---" * (len(SHOWN) + 3) + "|",
    ]
    samples = [_sample(test, score) for score in makers.values()]
    found = fitting.side_by_side([partial(measured, sample, REPLICATES) for sample in samples])
    for means, sample, figures in zip(makers, samples, found, strict=True):
        plain = auc(sample.label, sample.score)
        final = auc(test["final"].to_numpy(), sample.score)
        cells = [_told(figures[name]) for name in SHOWN]
        lines.append(f"| {means} | {' | '.join(cells)} | {plain:.3f} | {final:.3f} |")
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
        samples = [_sample(part, score) for score in makers.values()]
        found = fitting.side_by_side([partial(_area, sample) for sample in samples])
        observed = np.average(part["label"], weights=part["weight"])
        expected = np.average(samples[0].pd, weights=part["weight"])
        cells = [
            f"{len(part):,}",
            f"{int(part['label'].sum()):,}",
            f"{observed:.2%}",
            f"{expected:.2%}",
            *map(_told, found),
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
        kept = _narrowed(spec, [name for name in spec.features if name not in names])
        scored = fitting.side_by_side([partial(_rank, kept, train, test) for train, test in tests.values()])
        areas = [_weighted(test, score) for (_, test), score in zip(tests.values(), scored, strict=True)]
        areas += [
            _weighted(tests["A"][1][year == n], scored[0][(year == n).to_numpy()]) for n in (2006, 2007)
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


# In force


def in_force(bench: Bench) -> list[str]:
    """The monthly back-test of the in-force model, 2006-01 to 2007-12."""
    spec = bench.spec("inforce_pd")
    wide = bench.spec("inforce_pd", "guaranteed_amount")
    every = wide.model_copy(update={"population": wide.population.model_copy(update={"one_in": 1})})
    taught = bench.rows(wide, training_period(wide, date(2005, 12, 31)))
    panel = bench.rows(every, Period(date(2006, 1, 31), date(2007, 12, 31), bench.known))
    rows = _rows(spec, taught)
    rule = benchmarks.naive_rule(spec, rows)
    if rule is None:
        raise SystemExit("models/inforce_pd.toml declares no naive rule")
    model = _trees(spec, taught)(panel)[1]
    naive = _pd(rule(_matrix(spec, panel)))
    lines = ["### In-force model: charge-off within the next 12 months", ""]
    lines += [
        f"Trained as of 2005-12-31 on {len(taught):,} loan-months with {taught.loc[taught['label'] == 1, 'id'].nunique():,} charged-off loans; "
        f"tested on every guarantee in force on 24 month-ends, 2006-01 to 2007-12: {len(panel):,} loan-months, "
        f"{panel.loc[panel['label'] == 1, 'id'].nunique():,} charged-off loans. Mean of the 24 months; the naive rule is loan age and lender rate.",
        "",
    ]
    lines += ["| | AUC | charge-offs in the riskiest 5 % | in the riskiest 10 % |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {' | '.join(_told(e) for e in _monthly(panel, score))} |"
        for name, score in (("LightGBM (inforce_pd)", model), ("naive rule", naive))
    ]
    held = _held_out(spec, taught)
    fresh = panel[_held_out(spec, panel)]
    unseen = _trees(spec, taught[~held])(fresh)[1]
    lines += [
        f"| LightGBM, borrowers not in training ({fresh.loc[fresh['label'] == 1, 'id'].nunique()} charged off) | {' | '.join(_told(e) for e in _monthly(fresh, unseen))} |",
        "",
    ]
    lines += _months_table(panel, {"model": model, "naive": naive})
    lines += _lead_table(panel, {"LightGBM (inforce_pd)": model, "naive rule": naive})
    return lines + _money_table(panel, {"LightGBM (inforce_pd)": model, "naive rule": naive})


def _monthly(panel: pd.DataFrame, score: np.ndarray) -> list[Estimate]:
    """AUC and captures, each the mean of the months, with intervals over 50 draws of borrowers."""
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
    draws = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(50)]
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


# Pieces


def table(facts: Snapshot, source: str) -> pd.DataFrame:
    """The current rows of a source."""
    with Workbench(facts) as bench:
        query = f"SELECT * FROM {bench.facts(source)} WHERE superseded_at IS NULL AND NOT removed"
        found: pd.DataFrame = bench.connection.execute(query).df()
    return found


def _trees(spec: ModelSpec, train: pd.DataFrame) -> Score:
    """The engine's fit: trees on all rows, calibrated on scores out of borrowers' folds."""
    rows = _rows(spec, train)
    fold = fitting.buckets(list(train["group"]), spec.validation.folds, spec.lightgbm.seed + 1)
    line = fit_calibration(rows.label, fitting.out_of_fold(partial(_fit, spec), rows, fold), rows.weight)
    odds = _fit(spec, rows)

    def score(test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        raw = odds(_matrix(spec, test))
        return raw, _pd(raw * line["a"] + line["b"])

    return score


def _scorecard(spec: ModelSpec, train: pd.DataFrame) -> Score:
    card = benchmarks.scorecard(_rows(spec, train), spec.features, spec.baseline.features)

    def score(test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        odds = card(_matrix(spec, test))
        return odds, _pd(odds)

    return score


def _naive(spec: ModelSpec, train: pd.DataFrame, *, dated: bool) -> Score:
    """LightGBM's usual settings on the columns as they are, without histories, directions or calibration."""
    texts = {
        name: {v: n for n, v in enumerate(sorted(train[name].dropna().unique()))}
        for name in RAW
        if train[name].dtype.kind not in "fi"
    }

    def matrix(rows: pd.DataFrame) -> np.ndarray:
        made = [rows[name].map(texts[name]) if name in texts else rows[name] for name in RAW]
        if dated:
            made.append(pd.Series(rows["as_of"].to_numpy(dtype="M8[D]").astype(float), index=rows.index))
        return np.column_stack([column.to_numpy(dtype=float, na_value=np.nan) for column in made])

    settings = spec.lightgbm.model_copy(
        update={"num_leaves": 31, "learning_rate": 0.05, "feature_fraction": 1.0}
    )
    params = fitting.parameters(spec.model_copy(update={"lightgbm": settings}))
    params = {name: value for name, value in params.items() if not name.startswith("monotone")}
    rows = _rows(spec, train)
    booster = fitting.fit(params, 300, replace(rows, matrix=matrix(train)))

    def score(test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        raw = fitting.predict(booster, matrix(test))
        return raw, _pd(raw)

    return score


def _fit(spec: ModelSpec, rows: Rows) -> Callable[[np.ndarray], np.ndarray]:
    booster = fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, rows, spec.features)
    return partial(fitting.predict, booster)


def _rank(spec: ModelSpec, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    return _fit(spec, _rows(spec, train))(_matrix(spec, test))


def _narrowed(spec: ModelSpec, features: Sequence[str]) -> ModelSpec:
    ways = {way: tuple(n for n in getattr(spec.monotone, way) if n in features) for way in ("up", "down")}
    return spec.model_copy(
        update={"features": tuple(features), "monotone": spec.monotone.model_copy(update=ways)}
    )


def _rows(spec: ModelSpec, rows: pd.DataFrame) -> Rows:
    group = np.unique(rows["group"].astype(str), return_inverse=True)[1].astype(np.int64)
    return Rows(_matrix(spec, rows), rows["label"].to_numpy(), rows["weight"].to_numpy(dtype=float), group)


def _matrix(spec: ModelSpec, rows: pd.DataFrame) -> np.ndarray:
    return np.ascontiguousarray(rows[list(spec.features)].to_numpy(dtype=float, na_value=np.nan))


def _held_out(spec: ModelSpec, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(fitting.buckets(list(rows["group"]), 10_000, spec.lightgbm.seed) < 1_500)


def _sample(rows: pd.DataFrame, score: Score) -> Sample:
    order, pd_ = score(rows)
    group = np.unique(rows["group"].astype(str), return_inverse=True)[1].astype(np.int64)
    return Sample(rows["label"].to_numpy(), order, pd_, rows["weight"].to_numpy(dtype=float), group)


def _area(sample: Sample) -> Estimate:
    return measured(sample, REPLICATES)["auc"]


def _weighted(rows: pd.DataFrame, score: np.ndarray) -> float:
    return float(auc(rows["label"].to_numpy(), score, rows["weight"].to_numpy(dtype=float)) or np.nan)


def _pd(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -700, 700))))


def _told(found: Estimate) -> str:
    return str(found)


if __name__ == "__main__":
    sys.exit(main())
