"""Does the contagion score say what walking every path says, and does it never leave its bounds?"""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.portfolio.contagion import EDGES, Weights, contagion, read_weights

KEYS = list("abcde")
Edge = tuple[str, str, str, float, float]


def _weights(**more: Any) -> Weights:
    return Weights(start=date(2026, 1, 1), reference="test", **more)


def _frame(edges: list[Edge]) -> pd.DataFrame:
    kinds = dict(zip(EDGES, ("object", "object", "object", "float64", "float64"), strict=True))
    return pd.DataFrame(edges, columns=list(EDGES)).astype(kinds)


def _score(edges: list[Edge], badness: dict[str, float], weights: Weights) -> dict[str, dict[str, Any]]:
    made = contagion(_frame(edges), badness, weights, KEYS)
    assert list(made.enterprise) == KEYS
    return {row["enterprise"]: row for row in made.to_dict("records")}  # type: ignore[misc]


def _slow(
    edges: list[Edge], badness: dict[str, float], weights: Weights, v: str
) -> tuple[float, float, list[float]]:
    """Every way from every bad enterprise to v, written down and weighed one by one."""
    reach: dict[str, float] = {}
    for length in range(1, weights.depth + 1):
        for walk in permutations(KEYS, length + 1):  # nobody twice
            if walk[-1] != v or badness.get(walk[0], 0) <= 0:
                continue
            weight = weights.decay ** (length - 1)
            for one, other in pairwise(walk):
                weight *= max([e[3] for e in edges if e[:2] == (one, other)], default=0.0)
            reach[walk[0]] = max(reach.get(walk[0], 0.0), weight)
    parts = [w * badness[u] for u, w in reach.items() if w > 0]
    loss = sum(e[4] * weights.lgd * badness.get(e[0], 0.0) for e in edges if e[1] == v and e[0] != v)
    return 1 - math.prod(1 - part for part in parts), loss, sorted(parts, reverse=True)[:3]


SHARE = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.9, 1.0])
TIES = st.lists(
    st.tuples(
        st.sampled_from(KEYS), st.sampled_from(KEYS), st.sampled_from(["control", "guarantees_given", "trade"]),
        SHARE, st.sampled_from([0.0, 100.0, 2500.5]),
    ), max_size=16,
)  # fmt: skip
BAD = st.dictionaries(st.sampled_from(KEYS), SHARE)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(TIES, BAD, st.integers(1, 3), SHARE)
def test_the_score_is_what_every_path_says(
    ties: list[Edge], bad: dict[str, float], depth: int, decay: float
) -> None:
    weights = _weights(depth=depth, decay=decay)
    got = _score(ties, bad, weights)
    for v in KEYS:
        score, loss, parts = _slow(ties, bad, weights, v)
        row = got[v]
        assert row["contagion"] == pytest.approx(score, abs=1e-12)
        assert 0.0 <= row["contagion"] <= 1.0
        assert row["contagion_loss"] == pytest.approx(loss)
        assert [path["contribution"] for path in row["contagion_paths"]] == pytest.approx(parts)
        for path in row["contagion_paths"]:
            keys, kinds = path["keys"], path["kinds"]
            assert keys[-1] == v
            assert bad[keys[0]] > 0
            assert len(kinds) == len(keys) - 1 == len(set(keys)) - 1
            steps = zip(keys, keys[1:], kinds, strict=False)
            assert all(any(edge[:3] == step for edge in ties) for step in steps)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(TIES, BAD, st.randoms(use_true_random=False), st.sampled_from(KEYS))
def test_order_says_nothing_and_more_trouble_is_never_less(
    ties: list[Edge], bad: dict[str, float], random: Any, worse: str
) -> None:
    weights = _weights()
    got = _score(ties, bad, weights)
    shuffled = list(ties)
    random.shuffle(shuffled)
    assert _score(shuffled, dict(reversed(bad.items())), weights) == got, "to the last bit"
    risen = _score(ties, {**bad, worse: 1.0}, weights)
    tied = _score([*ties, (worse, "a", "control", 0.6, 0.0)], bad, weights)
    for v in KEYS:
        for more in (risen, tied):
            assert more[v]["contagion"] >= got[v]["contagion"] - 1e-12
            assert more[v]["contagion_loss"] >= got[v]["contagion_loss"] - 1e-9
    assert risen[worse]["contagion"] == got[worse]["contagion"], "its own trouble is not contagion"


def test_by_hand() -> None:
    ties: list[Edge] = [
        ("a", "b", "guarantees_given", 0.5, 1_000_000.0),
        ("a", "b", "shared_person", 0.2, 0.0),
        ("b", "c", "control", 0.6, 0.0),
        ("b", "a", "guaranteed_by", 0.3, 0.0),
    ]
    got = _score(ties, {"a": 1.0, "b": 0.7}, _weights())
    assert got["b"]["contagion"] == pytest.approx(0.5), "the heavier of two ties, not both"
    assert got["b"]["contagion_loss"] == pytest.approx(600_000)
    assert got["c"]["contagion"] == pytest.approx(1 - (1 - 0.6 * 0.7) * (1 - 0.5 * 0.6 * 0.5))
    assert [path["keys"] for path in got["c"]["contagion_paths"]] == [["b", "c"], ["a", "b", "c"]]
    assert got["a"]["contagion"] == pytest.approx(0.3 * 0.7)
    assert (got["e"]["contagion"], got["e"]["contagion_loss"], got["e"]["contagion_paths"]) == (0.0, 0.0, [])


def test_nobody_bad_and_no_tie_are_zero() -> None:
    edge: Edge = ("a", "b", "control", 0.6, 0.0)
    for ties, bad in (([edge], {}), ([], {"a": 1.0}), ([edge], {"a": 0.0})):
        assert all(row["contagion"] == 0.0 for row in _score(ties, bad, _weights()).values())


def test_the_weights_are_dated_and_checked(tmp_path: Path) -> None:
    default = Path(__file__).parents[2] / "configs/contagion.toml"
    (stated,) = read_weights(default)
    assert stated.evidence == "D"
    assert stated.model_dump(exclude={"start", "reference", "evidence"}) == _weights().model_dump(
        exclude={"start", "reference", "evidence"}
    ), "the file says the defaults in full"
    assert read_weights(tmp_path / "contagion.toml") == ()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[weights]]\nfrom = 2026-01-01\nreference = "r"\ncontrol = 1.5\n', encoding="utf-8")
    with pytest.raises(UsageError, match="control"):
        read_weights(wrong)
    wrong.write_text('[[weights]]\nfrom = 2026-01-01\nreference = "r"\nyellow = 0.9\n', encoding="utf-8")
    with pytest.raises(UsageError, match="must not rise"):
        read_weights(wrong)
