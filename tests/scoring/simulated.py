"""Small real bundles: simulated applicants, LightGBM trees and a scorecard, with missing values, zeros and infinities."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle, bundle_hash, read_bundle, write_bundle
from riskengine.scoring.scorecard_trees import Table, model_text
from riskengine.scoring.trees import export_trees

NAMES = ("amount", "age", "share", "flag", "count")
GRADES = {
    "points": {"base_score": 600, "base_odds": 30, "pdo": 20, "lowest": 300, "highest": 900},
    "grades": [
        {"name": "A", "pd_up_to": 0.05, "label": {"en": "low", "zh": "低"}},
        {"name": "B", "pd_up_to": 0.2, "label": {"en": "middle", "zh": "中"}},
        {"name": "C", "pd_up_to": 1.0, "label": {"en": "high", "zh": "高"}},
    ],
}


ACTIONS = {
    "amount": {
        "direction": "down",
        "lowest": 10_000,
        "highest": None,
        "words": {"en": "Ask for less", "zh": "缩减申请金额"},
    },
    "count": {"direction": "down", "lowest": 0, "highest": None, "words": {"en": "Settle", "zh": "清偿"}},
    "share": {
        "direction": "both",
        "lowest": -2,
        "highest": 2,
        "words": {"en": "Change the share", "zh": "调整占比"},
    },
}
CALIBRATIONS: dict[str, dict[str, Any]] = {
    "logistic": {"method": "logistic", "a": 0.9, "b": -0.1},
    "none": {"method": "none"},
    "intercept on the scale": {"method": "intercept", "b": -0.7, "to_scale": 0.41},
    "beta with segments": {
        "method": "beta", "a": 0.8, "b": 1.3, "c": -0.2,
        "segments": {"column": "bank", "shifts": {"12": 0.4, "O'Hara 行": -0.3, "flat": 0.0}, "deviations": {}, "spread": 0.3},
    },
    "isotonic": {"method": "isotonic", "scores": [-2.5, -1.0, -0.2, 0.6, 2.0], "pds": [0.01, 0.08, 0.08, 0.35, 0.8]},
    "hazard": {
        "method": "hazard", "horizon": 12, "lifetime": 24, "age": 1, "remaining": 0, "bands": [6, 12, 24],
        "baseline": [[-4 - 0.3 * band + 0.04 * month for month in range(24)] for band in range(4)],
        "slope": [0.9 - 0.01 * month for month in range(24)],
        "exits": [[0.01 * left + 0.001 * month for month in range(24)] for left in range(6)],
    },
    "hazard without exits": {
        "method": "hazard", "horizon": 6, "age": 1, "remaining": None, "bands": [],
        "baseline": [[-3.0] * 6], "slope": [1.1] * 6, "exits": [],
    },
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    bundle: Bundle
    files: dict[str, bytes]
    matrix: np.ndarray


def rows(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack(
        [
            np.round(rng.lognormal(11, 1, size)),
            rng.integers(0, 40, size).astype(float),
            rng.normal(0, 1, size),
            rng.integers(0, 2, size).astype(float),
            rng.poisson(2, size).astype(float),
        ]
    )
    matrix[rng.random(matrix.shape) < 0.15] = np.nan
    return matrix


def bundle_files(zero_as_missing: bool = False, seed: int = 1) -> tuple[dict[str, bytes], np.ndarray]:
    matrix = rows(4000, seed)
    rng = np.random.default_rng(seed + 1)
    signal = (
        np.nan_to_num(matrix[:, 2]) - 0.05 * np.nan_to_num(matrix[:, 1], nan=-10.0) + np.isnan(matrix[:, 0])
    )
    label = (signal + rng.logistic(size=len(matrix)) > 0.5).astype(int)
    train = lightgbm.Dataset(
        matrix,
        label,
        feature_name=list(NAMES),
        params={"zero_as_missing": zero_as_missing, "verbosity": -1},
    )
    booster = lightgbm.train(
        {
            "objective": "binary",
            "num_leaves": 15,
            "verbosity": -1,
            "num_threads": 1,
            "zero_as_missing": zero_as_missing,
            "seed": seed,
            "learning_rate": 0.1,
        },
        train,
        60,
    )
    text = booster.model_to_string()
    info = {
        "amount": {"en": "Requested amount", "zh": "申请金额", "unit": "USD", "kind": "money"},
        "age": {"en": "Firm age", "zh": "企业年龄", "unit": "years"},
        "share": {"en": "Share", "zh": "占比", "unit": "share"},
        "flag": {"en": "Flag", "zh": "标志", "unit": "flag"},
        "count": {"en": "Count", "zh": "次数", "unit": ""},
    }
    medians = {name: float(np.nanmedian(matrix[:, i])) for i, name in enumerate(NAMES)}
    files = {
        "model.txt": text.encode(),
        "trees.json": canonical_json(export_trees(text)).encode(),
        "calibration.json": canonical_json({"method": "logistic", "a": 0.9, "b": -0.1}).encode(),
        "grades.json": canonical_json(GRADES).encode(),
        "recipe.json": canonical_json(
            {"sql": "", "sources": [], "features": [{"name": name, **info[name]} for name in NAMES]}
        ).encode(),
        "peers.json": canonical_json(
            {"all": {"n": 4000, "median": medians}, "groups": {"retail": {"n": 900, "median": medians}}}
        ).encode(),
        "spec.json": canonical_json({"name": "access_pd", "actionable": ACTIONS}).encode(),
        "card.json": canonical_json({"model": "access_pd"}).encode(),
    }
    return files, matrix


def scorecard_files() -> tuple[dict[str, bytes], np.ndarray]:
    """The same institution with a scorecard: tables on four features, a feature without a table, an empty bin."""
    files, matrix = bundle_files()
    tables = (
        Table(0, (5e4, 1e5, 2e5), (-0.5, 0.1, 0.2, 0.6, 0.9), (0.2, 0.3, 0.2, 0.15, 0.15)),
        Table(1, (0.0, 10.0), (0.7, 0.1, -0.4, 0.3), (0.1, 0.3, 0.5, 0.1)),
        Table(2, (-0.5, 0.5), (-0.6, 0.1, 0.8, 0.0), (0.3, 0.4, 0.3, 0.0)),
        Table(4, (1.0,), (-0.2, 0.3, 0.1), (0.5, 0.4, 0.1)),
    )
    text = model_text(NAMES, -0.9, tables)
    trees = canonical_json(export_trees(text))
    return files | {"model.txt": text.encode(), "trees.json": trees.encode()}, matrix


def with_part(files: dict[str, bytes], name: str, **changes: Any) -> dict[str, bytes]:
    """The same files with other values in one JSON part."""
    return files | {name: canonical_json({**json.loads(files[name]), **changes}).encode()}


def calibrated_as(files: dict[str, bytes], kind: str) -> dict[str, bytes]:
    """The same files with another calibration."""
    return files | {"calibration.json": canonical_json(CALIBRATIONS[kind]).encode()}


def held(files: dict[str, bytes]) -> Bundle:
    """A bundle in memory."""
    return Bundle(Path(), bundle_hash(files, "access_pd"), "access_pd", files)


KINDS = {
    "nan_missing": lambda: bundle_files(False),
    "zero_missing": lambda: bundle_files(True),
    "scorecard": scorecard_files,
}


def made_bundle(folder: Path, kind: str = "nan_missing") -> Made:
    files, matrix = KINDS[kind]()
    return Made(read_bundle(folder, write_bundle(folder, files)), files, matrix)
