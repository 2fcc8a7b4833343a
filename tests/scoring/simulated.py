"""A small real bundle: simulated applicants, LightGBM trees with missing values, zeros and infinities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np

from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle, read_bundle, write_bundle
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
        "recipe.json": canonical_json({"sql": "", "sources": [], "features": info}).encode(),
        "peers.json": canonical_json(
            {"all": {"n": 4000, "median": medians}, "groups": {"retail": {"n": 900, "median": medians}}}
        ).encode(),
        "spec.json": canonical_json({"name": "access_pd"}).encode(),
        "card.json": canonical_json({"model": "access_pd"}).encode(),
    }
    return files, matrix


def made_bundle(folder: Path, zero_as_missing: bool = False) -> Made:
    files, matrix = bundle_files(zero_as_missing)
    return Made(read_bundle(folder, write_bundle(folder, files)), files, matrix)
