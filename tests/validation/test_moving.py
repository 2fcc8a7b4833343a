"""Monotonicity through scoring, and stability of columns of every kind."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle, read_bundle, write_bundle
from riskengine.scoring.scorecard import rating
from riskengine.scoring.trees import export_trees, raw_score
from riskengine.validation.monotonicity import monotonicity
from riskengine.validation.stability import Population, stability

sys.path.insert(0, str(Path(__file__).parents[1] / "scoring"))

from simulated import NAMES, bundle_files


def made(folder: Path, constraints: list[int] | None) -> tuple[Bundle, np.ndarray]:
    """A bundle that declares `share` up and `age` down; with constraints the model keeps them."""
    files, matrix = bundle_files()
    if constraints:
        rng = np.random.default_rng(3)
        label = (
            np.nan_to_num(matrix[:, 2]) - 0.05 * np.nan_to_num(matrix[:, 1]) + rng.logistic(size=len(matrix))
            > 0.5
        ).astype(int)
        params = {
            "objective": "binary",
            "num_leaves": 7,
            "verbosity": -1,
            "num_threads": 1,
            "monotone_constraints": constraints,
        }
        text = lightgbm.train(
            params, lightgbm.Dataset(matrix, label, feature_name=list(NAMES)), 20
        ).model_to_string()
        files |= {"model.txt": text.encode(), "trees.json": canonical_json(export_trees(text)).encode()}
    files["spec.json"] = canonical_json(
        {"name": "access_pd", "monotone": {"up": ["share"], "down": ["age"]}}
    ).encode()
    return read_bundle(folder, write_bundle(folder, files)), matrix


def test_a_model_that_keeps_its_directions_passes(tmp_path: Path) -> None:
    bundle, matrix = made(tmp_path / "b", [0, -1, 1, 0, 0])
    lines = {line.scope: line for line in monotonicity(bundle, matrix)}
    assert {lines["feature:share"].verdict, lines["feature:age"].verdict} == {"pass"}
    assert {line.verdict for scope, line in lines.items() if line.test == "direction"} == {"information"}
    assert lines["all"].verdict == "pass"
    assert len(lines) == len(NAMES) + 1


def test_a_model_without_constraints_fails_by_as_many_steps_as_one_by_one(tmp_path: Path) -> None:
    bundle, matrix = made(tmp_path / "b", None)
    line = next(line for line in monotonicity(bundle, matrix[:40]) if line.scope == "feature:share")
    values = np.unique(matrix[:40, 2][np.isfinite(matrix[:40, 2])])
    grid = values[np.unique(np.linspace(0, len(values) - 1, 16).astype(int))]
    wrong = 0
    for row in matrix[:40].tolist():
        pds = []
        for value in grid.tolist():
            moved = [*row[:2], value, *row[3:]]
            pds.append(rating(bundle, raw_score(bundle.trees, moved), moved).pd)
        wrong += sum(later < earlier - 1e-12 for earlier, later in pairwise(pds))
    assert wrong > 0
    assert (line.value, line.verdict) == (wrong, "fail")


def test_stability_of_every_kind_of_column() -> None:
    rng = np.random.default_rng(5)
    size = 3000
    old = {
        "score": rng.normal(size=size),
        "kept": rng.poisson(1.0, size).astype(float),
        "gone": rng.normal(size=size),
        "trade": rng.choice(["a", "b", "c"], size).astype(object),
        "still": np.ones(size),
        "only_old": np.ones(size),
    }
    new = {
        "score": rng.normal(0.7, 1, size),
        "kept": rng.poisson(1.0, size).astype(float),
        "gone": np.where(rng.random(size) < 0.3, np.nan, rng.normal(size=size)),
        "trade": rng.choice(["a", "b", "d"], size).astype(object),
        "still": np.ones(size),
    }
    ones, codes = np.ones(size), np.arange(size)
    lines = {
        line.scope: line for line in stability(Population(old, ones, codes), Population(new, ones, codes))
    }
    verdicts = {scope: line.verdict for scope, line in lines.items()}
    assert verdicts == {
        "all": "fail",
        "feature:kept": "pass",
        "feature:gone": "fail",
        "feature:trade": "fail",
        "feature:still": "undecidable",
    }
    moved = lines["all"]
    assert moved.value == pytest.approx(
        0.49, abs=0.1
    )  # a normal that moves by d standard deviations has a PSI of d squared
    assert moved.low < moved.value < moved.high  # type: ignore[operator]
    assert 0 < (moved.threshold or 0) < moved.value  # type: ignore[operator]
    for shift, verdict in ((0.1, "pass"), (0.4, "undecidable")):  # it moved, and by less than matters
        after = Population({"score": rng.normal(shift, 1, size)}, ones, codes)
        assert stability(Population({"score": old["score"]}, ones, codes), after)[0].verdict == verdict
    few = {name: values[:30] for name, values in new.items()}
    judged = stability(Population(old, ones, codes), Population(few, ones[:30], codes[:30]))
    assert {line.verdict for line in judged} == {"undecidable"}


def test_stability_of_one_borrower_with_many_rows_is_undecidable() -> None:
    rng = np.random.default_rng(6)
    sides = [
        Population({"score": rng.normal(mean, 1, 900)}, np.ones(900), np.repeat(np.arange(9), 100))
        for mean in (0, 3)
    ]
    assert stability(*sides)[0].verdict == "undecidable"
