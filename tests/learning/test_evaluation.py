"""Slices and the monthly back-test against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.learning import metrics
from riskengine.learning.evaluation import back_test, evaluate, in_top


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([1.0, 2.0, 22.7])), max_size=20), st.floats(0.01, 1)
)
def test_in_top_looks_at_what_stands_strictly_above(rows: list[tuple[int, float]], share: float) -> None:
    score = np.array([row[0] for row in rows], dtype=float)
    weight = np.array([row[1] for row in rows], dtype=float)
    got = in_top(score, weight, share)
    for i in range(len(rows)):
        above = weight[score > score[i]].sum()
        if above != pytest.approx(share * weight.sum(), rel=1e-9):
            assert got[i] == (above < share * weight.sum())


def test_slices_are_measured_alone() -> None:
    rng = np.random.default_rng(1)
    label, sector = rng.integers(0, 2, 600), rng.choice(np.array(["farm", "shop", None], dtype=object), 600)
    label[sector == "farm"] = 0
    rows = metrics.sample(
        label, label + rng.normal(0, 1, 600), pd=np.full(600, 0.5), group=np.arange(600) // 2
    )
    table = evaluate(rows, {"sector": sector}, 50).set_index(["slice", "value"])
    assert list(table.index) == [
        ("all", "all"),
        ("sector", "farm"),
        ("sector", "missing"),
        ("sector", "shop"),
    ]
    assert np.isnan(table.loc[("sector", "farm"), "auc"])
    shop = sector == "shop"
    assert table.loc[("sector", "shop"), "auc"] == pytest.approx(metrics.auc(label[shop], rows.score[shop]))
    assert table.loc[("sector", "shop"), "events"] == label[shop].sum()
    assert (table["rows"].iloc[1:].sum(), table["rows"].iloc[0]) == (600, 600)


def test_back_test_by_a_plain_loop() -> None:
    rng = np.random.default_rng(4)
    months = pd.to_datetime(["2004-01-31", "2004-02-29", "2004-03-31"]).as_unit("s")
    event = pd.Series(pd.NaT, index=range(40), dtype="datetime64[s]")
    event[rng.permutation(40)[:12]] = pd.Timestamp("2004-06-15")
    panel = pd.concat(
        [
            pd.DataFrame({"subject": range(40), "as_of": month, "event_date": event, "weight": 1.0})
            for month in months
        ],
        ignore_index=True,
    )
    panel["label"] = panel["event_date"].notna().astype(int)
    score = panel["label"].to_numpy() + rng.normal(0, 0.8, len(panel))
    panel = panel.assign(score=score).sample(frac=1, random_state=1)
    got = back_test(panel, {"model": panel["score"].to_numpy()}).set_index("as_of")
    seen: set[int] = set()
    for month in months:
        rows = panel[panel["as_of"] == month].sort_values("score", ascending=False)
        assert got.loc[month, "auc"] == pytest.approx(
            metrics.auc(rows["label"].to_numpy(), rows["score"].to_numpy())
        )
        top = rows.head(4)
        assert got.loc[month, "capture_10"] == pytest.approx(top["label"].sum() / rows["label"].sum())
        fresh = top[~top["subject"].isin(seen) & top["event_date"].notna()]
        seen |= set(top["subject"])
        assert got.loc[month, "entries_with_event"] == len(fresh)
        if len(fresh):
            days = (pd.Timestamp("2004-06-15") - month).days
            assert got.loc[month, "lead_months"] == pytest.approx(days / 30.436875)
    assert len(seen) > 4
