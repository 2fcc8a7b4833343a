"""Values against the median of peers: as a slow reading says, and every mistake of a definition is told."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.monitor.night import needed_features
from riskengine.monitor.peers import Peer, read_peers, with_peers
from riskengine.monitor.shown import read_shown
from riskengine.monitor.vocabulary import GUARANTEE, Vocabulary, vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
KEYS = {"enterprise": ("uscc",), "industry": ("industry",), "spot": ("industry", "region"), "whole": ()}
WORDS = {"en": "x over its median", "zh": "x 与中位数之比"}
KNOWN = Vocabulary(
    KEYS, {"x": "number", "word": "text"}, {"x": frozenset({"uscc"})}, {"x": ("tax",)}, ("claim",)
)


def peer(by: str = "industry", least: int = 2, **more: object) -> Peer:
    return Peer.model_validate(
        {"name": "x_to_peers", "title": WORDS, "feature": "x", "by": by, "least": least} | more
    )


def slow(rows: list[dict[str, object]], columns: tuple[str, ...], least: int) -> list[float | None]:
    """Row by row: the median over the enterprises of the row's group, each once."""
    told = []
    for row in rows:
        group = [row[name] for name in columns]
        values = {
            one["enterprise_id"]: one["x"]
            for one in rows
            if None not in group and [one[name] for name in columns] == group and one["x"] is not None
        }
        usual = statistics.median(values.values()) if len(values) >= least else 0
        told.append(row["x"] / usual if row["x"] is not None and usual > 0 else None)  # type: ignore[operator]
    return told


ENTERPRISE = st.tuples(
    st.sampled_from([None, "51", "52"]),
    st.sampled_from([None, "3701", "3702"]),
    st.one_of(st.none(), st.integers(-4, 40).map(float)),
    st.integers(1, 3),
)


@given(
    st.lists(ENTERPRISE, max_size=12), st.sampled_from(["industry", "spot"]), st.integers(2, 4), st.randoms()
)
@settings(max_examples=120, deadline=None)
def test_the_ratio_is_that_of_a_slow_reading(drawn: list, by: str, least: int, order: object) -> None:  # type: ignore[type-arg]
    rows = [
        {
            "id": f"{place}-{number}",
            "enterprise_id": f"E{place}",
            "industry": industry,
            "region": region,
            "x": x,
        }
        for place, (industry, region, x, guarantees) in enumerate(drawn)
        for number in range(guarantees)
    ]
    order.shuffle(rows)  # type: ignore[attr-defined]
    columns = ["id", "enterprise_id", "industry", "region", "x"]
    frame = pd.DataFrame(rows, columns=columns).astype({"x": "float64"})
    got = with_peers(frame, [peer(by, least)], KEYS)
    assert list(got.columns) == [*columns, "x_to_peers"]
    expected = [np.nan if one is None else one for one in slow(rows, KEYS[by], least)]
    np.testing.assert_allclose(got.x_to_peers.to_numpy(dtype="float64"), expected, rtol=1e-12)


def test_the_name_rests_on_what_its_feature_rests_on() -> None:
    known = KNOWN.with_peers([peer(), peer(by="whole", name="of_no_group"), peer(name="pd")])
    assert known.peers == {"x_to_peers": "x"}
    assert known.resting_on(["tax"]) == {"x", "x_to_peers"}
    assert "x_to_peers" in known.kinds(GUARANTEE)
    for about in (
        "enterprise",
        "industry",
        "claim",
    ):  # it differs with the industry, and claims have no peers
        assert "x_to_peers" not in known.kinds(about)
    assert needed_features(known, ["x_to_peers", "x", "pd"]) == ["x"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("feature = 'y'", "a value of one guarantee"),
        ("feature = 'word'", "a feature that is a number"),
        ("by = 'sector'", "a key"),
        ("by = 'whole'", "a key that forms groups"),
        ("by = 'claim'", "a key that forms groups"),
        ("name = 'pd'", "a name not used yet"),
        ("name = 'x'", "a name not used yet"),
        ("least = 1", "greater than or equal to 2"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said(tmp_path: Path, wrong: str, said: str) -> None:
    lines = {"name": "'z'", "title": "{ en = 'z', zh = 'z' }", "feature": "'x'", "by": "'industry'"}
    name, _, value = wrong.partition(" = ")
    path = tmp_path / "nightly.toml"
    path.write_text(
        "[[peer]]\n" + "\n".join(f"{k} = {v}" for k, v in (lines | {name: value}).items()), "utf-8"
    )
    with pytest.raises(UsageError, match=r"nightly\.toml") as raised:
        read_shown(path, KNOWN.with_peers(read_peers(path)))
    assert said in str([str(one) for one in raised.value.problems])


def test_the_default_project_has_the_vat_burden_of_peers() -> None:
    known = vocabulary(Catalogue(Project(ROOT)))
    assert known.peers["tax_burden_to_peers"] == "tax_burden_domestic_12m"
    assert known.resting_on(["tax_paid"]) >= {"tax_burden_to_peers"}
