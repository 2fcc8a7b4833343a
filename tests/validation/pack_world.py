"""A small world with a true model: rows, a bundle of LightGBM trees over them, and groups to cut them by."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from riskengine.learning.samples import Period
from riskengine.schema import Words, canonical_json
from riskengine.scoring.bundle import Bundle, read_bundle, write_bundle
from riskengine.scoring.trees import export_trees
from riskengine.validation.judged_rows import Judged, rescored
from riskengine.validation.lines import Rules
from riskengine.validation.pack import Evidence

GRADES = Path(__file__).parents[2] / "configs" / "grades.toml"
FEATURES = ("overdue", "sales", "size")
QUICK = Rules(replicates=40)


def people(n: int = 1500, seed: int = 5, start: str = "2021-01-01") -> pd.DataFrame:
    """Applicants over two years whose true log-odds are linear in two of three features."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=n) for name in FEATURES}
    odds = -2.0 + 0.9 * values["overdue"] - 0.6 * values["sales"]
    label = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    days = pd.to_datetime(start) + pd.to_timedelta(np.sort(rng.integers(0, 730, n)), unit="D")
    names = [f"{seed}-{number:05d}" for number in range(n)]
    event = pd.Series(days + pd.Timedelta(days=90)).where(label == 1)
    frame = {"id": names, "as_of": days, **values, "label": label, "mature": True}
    return pd.DataFrame(frame | {"event_date": event, "weight": 1.0, "group": names, "odds": odds})


def bundle(folder: Path, learned: pd.DataFrame, shift: float = 0.0, **card: Any) -> Bundle:
    """Trees fitted to the true log-odds of some rows; `shift` moves every PD's log-odds."""
    text = lightgbm.train(
        {"objective": "regression", "verbosity": -1, "num_leaves": 15, "min_data_in_leaf": 10, "seed": 1, "num_threads": 1,
         "deterministic": True, "force_row_wise": True, "monotone_constraints": [1, -1, 0]},
        lightgbm.Dataset(learned[list(FEATURES)].to_numpy(), learned["odds"].to_numpy(), feature_name=list(FEATURES)),
        60,
    ).model_to_string()  # fmt: skip
    notes = [
        {"name": name, "family": "guarantee", "kind": "number", "en": f"The {name}", "zh": f"指标{name}", "unit": "", "direction": 0,
         "reference": "", "sources": ["loans"]}
        for name in FEATURES
    ]  # fmt: skip
    estimate = {"value": 0.75, "low": 0.70, "high": 0.80}
    trial = {"name": "out_of_time", "rows": 900, "events": 120, "figures": {"model": {"auc": estimate}}}
    spec = {
        "name": "loan_pd",
        "title": {"en": "Default <within> 12 months", "zh": "12个月违约概率"},
        "subject": "applicant",
        "label": {"source": "defaults", "horizon": "12m"},
        "population": {"from": "2015-01-01"},
        "features": list(FEATURES),
        "monotone": {"up": ["overdue"], "down": ["sales"]},
    }
    parts: dict[str, Any] = {
        "spec.json": spec,
        "card.json": {
            "title": spec["title"], "trained_as_of": "2020-12-31", "last_as_of": "2019-12-31", "rows": 4000, "events": 500,
            "trials": [{**trial, "better": {"scorecard": {"value": 0.02, "low": 0.01, "high": 0.03}, "naive": {"value": 0.001, "low": -0.03, "high": 0.03}}}],
            "leakage": {"alone": {"overdue": 0.7, "sales": 0.65, "size": 0.5}, "canary": 0.51, "canary_limit": 0.03, "pure": {"size": 0.02}, "without": {}, "far": {}, "later": {"sales": 0.01}, "day": {"overdue": 0.02},
                "fields": [{"source": "loans", "column": "known_at", "kind": "arrived late", "features": ["sales"], "bad": [3, 500], "good": [20, 3500], "gap": 0.0003, "z": 0.1}],
                "hindsight_rows": 4000},
            "reasons": {"top": 3, "retrainings": 2, "overlap": {"value": 0.61, "low": 0.59, "high": 0.63}},
        } | card,
        "grades.json": tomllib.loads(GRADES.read_text(encoding="utf-8")),
        "calibration.json": {"method": "logistic", "a": 1.0, "b": shift},
        "peers.json": {},
        "recipe.json": {"sql": "", "features": notes, "sources": [], "keys": [], "lineage": False},
        "trees.json": export_trees(text),
    }  # fmt: skip
    files = {name: canonical_json(part).encode() for name, part in parts.items()} | {
        "model.txt": text.encode()
    }
    return read_bundle(folder, write_bundle(folder, files))


def evidence(made: Bundle, rows: pd.DataFrame, **more: Any) -> Evidence:
    """The rows judged by the bundle, with a young tail, development rows and two dimensions."""
    scored = rescored(made, rows)
    before = rescored(made, people(1500, seed=9, start="2018-01-01"))
    tail = rescored(made, people(200, seed=11, start="2023-01-01").assign(mature=False))
    assert scored is not None
    assert before is not None
    assert tail is not None
    judged = Judged("later", Period(date(2021, 1, 1), date(2022, 12, 31), date(2025, 1, 15)), date(2025, 1, 15), scored, before, tail=tail)  # fmt: skip
    title = Words(en="A <b>house</b> & more", zh="某担保机构")
    return Evidence(judged, _details, "f00d", title, **{"rules": QUICK, **more})


def _details(ids: pd.Series) -> pd.DataFrame:
    place = ids.str[-5:].astype(int)
    regions = np.array(["North", "</script><i>South", "East/West: 1"], dtype=object)
    return pd.DataFrame({"region": regions[place % 3], "money": 1000.0 * (1 + place % 40)})
