"""A spec is read strictly, with every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskengine.errors import UsageError
from riskengine.learning.spec import read_spec

GOOD = """
name = "access_pd"
title = { en = "Access PD", zh = "准入违约概率" }
subject = "applicant"
features = ["amount", "age", "lender_rate"]
group = "name_key"
[label]
source = "charge_offs"
horizon = "36m"
[population]
from = 1990-01-01
[monotone]
up = ["lender_rate"]
[lightgbm]
rounds = 50
[naive]
features = ["lender_rate", "-age"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "access_pd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_spec(tmp_path: Path) -> None:
    spec = read_spec(written(tmp_path, GOOD), frozenset(["amount", "age", "lender_rate"]))
    assert spec.constraints == [0, 0, 1]
    assert spec.naive.directions() == [("lender_rate", 1.0), ("age", -1.0)]
    assert spec.lightgbm.rounds == 50


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rounds = 50", "num_leafs = 7", r"lightgbm.num_leafs: .*Did you mean 'num_leaves'"),
        ('group = "name_key"', 'groups = "name_key"', r"groups: .*Did you mean 'group'"),
        ('up = ["lender_rate"]', 'up = ["lender_rates"]', r"monotone.up: .*Did you mean 'lender_rate'"),
        ('up = ["lender_rate"]', 'up = ["age"]\ndown = ["age"]', r"'age' both up and down"),
        ('"amount", "age"', '"age", "age", "amonut"', r"'age' twice(.|\n)*Did you mean 'amount'"),
        ('horizon = "36m"', 'horizon = "three years"', r"label.horizon is a length such as 36m"),
        ('name = "access_pd"', 'name = "other"', r"expected 'access_pd', got 'other'"),
        ("rounds = 50", "rounds = 0", r"lightgbm.rounds: .*greater than or equal to 1"),
        ('"-age"', '"-ages"', r"naive.features: .*Did you mean 'age'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=said):
        read_spec(written(tmp_path, GOOD.replace(old, new)), frozenset(["amount", "age", "lender_rate"]))
