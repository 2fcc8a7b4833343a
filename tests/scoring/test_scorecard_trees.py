"""A scorecard written as trees: the plain scorer, the native one and the card's own tables agree to the bit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import GRADES, NAMES, bundle_files, rows

from riskengine.schema import canonical_json
from riskengine.scoring import native, single, trees
from riskengine.scoring.bundle import Bundle, read_bundle, write_bundle
from riskengine.scoring.scorecard_trees import Table, model_text, points_table


def tables(seed: int) -> list[Table]:
    rng = np.random.default_rng(seed)
    made = []
    for column in rng.permutation(len(NAMES))[: rng.integers(1, len(NAMES) + 1)].tolist():
        size = int(rng.integers(0, 8))
        edges = sorted({float(edge) for edge in rng.choice([0.0, 0.5, *rng.normal(0, 30, 8)], size)})
        leaf = rng.normal(size=len(edges) + 2)
        mass = rng.dirichlet(np.ones(len(edges) + 2)) * (rng.random(len(edges) + 2) > 0.2)
        made.append(Table(column, tuple(edges), tuple(leaf.tolist()), tuple(mass.tolist())))
    return made


def obvious(start: float, card: list[Table], row: list[float]) -> float:
    """What the tables say, read one bin after the other."""
    total = 0.0 + start
    for table in card:
        value = row[table.column]
        if math.isnan(value):
            total += table.leaf[-1]
            continue
        value = 0.0 if abs(value) <= trees.ZERO else value
        place = next((k for k, edge in enumerate(table.edges) if value <= edge), len(table.edges))
        total += table.leaf[place]
    return total


def hard(card: list[Table], size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = rows(size, seed)
    for table in card:
        edges = np.array(table.edges or (0.0,))
        special = [*edges, *np.nextafter(edges, np.inf), *np.nextafter(edges, -np.inf)]
        special += [0.0, -0.0, 1e-36, -1e-36, np.inf, -np.inf, 1e300, np.nan]
        chosen = rng.random(size) < 0.6
        matrix[chosen, table.column] = rng.choice(special, int(chosen.sum()))
    return matrix


def bundle(folder: Path, card: list[Table], start: float) -> Bundle:
    files, _ = bundle_files()
    text = model_text(NAMES, start, card)
    files |= {"model.txt": text.encode(), "trees.json": canonical_json(trees.export_trees(text)).encode()}
    files["calibration.json"] = canonical_json({"method": "logistic", "a": 1.0, "b": 0.0}).encode()
    write_bundle(folder, files)
    return read_bundle(folder)


@pytest.mark.parametrize("seed", range(6))
def test_three_scorers_agree_to_the_bit_and_contributions_add_up(seed: int, tmp_path: Path) -> None:
    card, start = tables(seed), -1.25 + seed / 7
    made = bundle(tmp_path / "bundle", card, start)
    matrix = hard(card, 4000, seed)
    listed = matrix.tolist()
    expected = np.array([obvious(start, card, row) for row in listed])
    assert native.raw_scores(made, matrix).tobytes() == expected.tobytes()
    assert np.array([trees.raw_score(made.trees, row) for row in listed]).tobytes() == expected.tobytes()
    added = native.contribution_rows(made, matrix)
    assert np.abs(trees.bias(made.trees) + added.sum(axis=1) - expected).max() < 1e-9
    assert added[0].tolist() == trees.contributions(made.trees, listed[0])
    several = native.score_rows(made, matrix[:50])
    alone = [single.score_one(made, dict(zip(NAMES, row, strict=True))) for row in listed[:50]]
    assert [rating.pd for rating in alone] == several.pd.tolist()


def test_what_a_feature_adds_is_its_leaf_less_the_mean_leaf(tmp_path: Path) -> None:
    card = [Table(1, (3.0, 8.0), (-1.0, 0.5, 2.0, 0.25), (0.5, 0.3, 0.1, 0.1))]
    made = bundle(tmp_path / "bundle", card, 0.75)
    mean = -0.5 + 0.15 + 0.2 + 0.025
    for value, leaf in ((3.0, -1.0), (8.0, 0.5), (8.1, 2.0), (math.nan, 0.25)):
        row = [0.0, value, 0.0, 0.0, 0.0]
        assert trees.contributions(made.trees, row) == pytest.approx([0, leaf - mean, 0, 0, 0], abs=1e-12)
    assert trees.bias(made.trees) == pytest.approx(0.75 + mean)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 2), st.floats(-1, 1))
def test_points_sum_to_the_score_of_the_calibrated_odds(seed: int, slope: float, start: float) -> None:
    card = tables(seed)
    shown = [{"feature": t.column, "bins": [{"odds": leaf} for leaf in t.leaf]} for t in card]
    points = points_table(shown, start, (slope, 0.1), GRADES["points"])
    rng = np.random.default_rng(seed)
    chosen = [int(rng.integers(len(t.leaf))) for t in card]
    odds = slope * (start + sum(t.leaf[k] for t, k in zip(card, chosen, strict=True))) + 0.1
    score = 600 + 20 / math.log(2) * (-odds - math.log(30))
    total = sum(table["bins"][k]["points"] for table, k in zip(points, chosen, strict=True))
    assert total == pytest.approx(score, abs=1e-9)
