"""Trees by Dask against trees by one machine, and the borrowers that are drawn against the rule of the store's buckets."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import lightgbm
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import SetupError, UsageError
from riskengine.learning import distributed, fitting, hazard
from riskengine.learning.distributed import Chosen
from riskengine.learning.frames import PersonMonths, TrainingFrame
from riskengine.learning.making import Taught
from riskengine.learning.metrics import auc
from riskengine.learning.parts import write_taught
from riskengine.learning.sampling import Share, drawn, kept_borrowers, thin
from riskengine.learning.spec import ModelSpec
from riskengine.learning.spec_blocks import Population
from riskengine.store.snapshot import bucket_of

absent = importlib.util.find_spec("distributed") is None
needs_dask = pytest.mark.skipif(absent, reason="dask is not installed: pip install 'riskengine[dask]'")
TREES = {"rounds": 12, "min_data_in_leaf": 30, "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.7}  # fmt: skip
GIVEN: dict[str, Any] = {
    "name": "inforce_pd", "title": {"en": "In force", "zh": "在保"}, "subject": "guarantee",
    "label": {"source": "compensation", "horizon": "12m"}, "population": {"from": "2000-01-31"},
    "features": ["risk", "age", "noise"], "monotone": {"up": ["risk"]}, "lightgbm": TREES,
}  # fmt: skip
BINARY = ModelSpec.model_validate(GIVEN)
HAZARD = ModelSpec.model_validate({**GIVEN, "hazard": {"lifetime": "12m", "age": "age", "bands": [6, 12]}})
OF_ONE_MACHINE = re.compile(r"^\[(machines|local_listen_port|time_out|num_threads): .*\]\n", re.MULTILINE)


def taught(size: int = 3000) -> Taught:
    """Borrowers with some rows each, numbers missing, weights; risk raises the chance of an event."""
    rng = np.random.default_rng(3)
    matrix = np.column_stack([rng.normal(size=size), rng.integers(0, 30, size), rng.normal(size=size)])
    event = np.where(matrix[:, 0] + rng.logistic(size=size) > 2, rng.integers(1, 13, size), 0)
    matrix[rng.random((size, 3)) < 0.05] = np.nan
    group = np.array([f"b{number % 500}" for number in range(size)])
    weight = np.ones(size)
    features = pd.DataFrame(matrix, columns=["risk", "age", "noise"])
    days = np.full(size, np.datetime64("2020-01-31"))
    seen = PersonMonths(event, np.zeros(size, dtype=np.int64), np.full(size, 12))
    frame = TrainingFrame(features, (event > 0).astype(int), weight, group, days, group, months=seen)
    return Taught(frame.rows(), frame, seen)


def weighed(rows: Taught) -> Taught:
    weight = np.random.default_rng(4).uniform(0.5, 3, len(rows.rows.label))
    return replace(rows, rows=replace(rows.rows, weight=weight))


def on_one_machine(spec: ModelSpec, rows: Taught) -> str:
    if spec.hazard:
        assert rows.seen is not None
        booster = hazard.fit_index(spec, hazard.panel(spec, rows.rows, rows.seen))
    else:
        booster = fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, rows.rows, spec.features)
    return OF_ONE_MACHINE.sub("", booster.model_to_string())


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """One worker in this process: LightGBM's learner then needs no network."""
    from dask.distributed import LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as local,
        distributed.cluster(local.scheduler_address) as made,
    ):
        yield made


@needs_dask
@pytest.mark.parametrize("spec", [BINARY, HAZARD], ids=["binary", "hazard"])
def test_one_worker_fits_what_one_machine_fits_to_the_byte(
    client: Any, tmp_path: Path, spec: ModelSpec
) -> None:
    rows = taught() if spec.hazard else weighed(taught())
    written = write_taught(spec, rows, tmp_path / "parts", 1)
    assert (written.rows, written.events) == (3000, int(rows.rows.label.sum()))
    assert distributed.fit_parts(spec, tmp_path / "parts", client) == on_one_machine(spec, rows)


@needs_dask
def test_a_fold_is_left_out_on_the_workers(client: Any, tmp_path: Path) -> None:
    rows = weighed(taught())
    write_taught(BINARY, rows, tmp_path / "parts", 1)
    fold = fitting.buckets(list(rows.frame.group), 5, BINARY.lightgbm.seed + 1)
    text = distributed.fit_parts(BINARY, tmp_path / "parts", client, Chosen(5, 2))
    assert text == on_one_machine(BINARY, rows.where(fold != 2))


@needs_dask
def test_what_cannot_be_trained_on_is_told_at_once(client: Any, tmp_path: Path, monkeypatch: Any) -> None:
    with pytest.raises(UsageError, match="a Parquet part for each of 1 workers"):
        distributed.fit_parts(BINARY, tmp_path, client)
    write_taught(BINARY, taught(100), tmp_path / "parts", 1)
    path = tmp_path / "parts" / "part-00000.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["risk", "weight"]), path)
    with pytest.raises(UsageError, match=r"columns risk, weight"):
        distributed.fit_parts(BINARY, tmp_path / "parts", client)
    monkeypatch.setattr(distributed, "PATIENCE", 0.2)
    with pytest.raises(SetupError, match="No Dask scheduler answers"), distributed.cluster("tcp://127.0.0.1:9"):  # fmt: skip
        pass


@needs_dask
@pytest.mark.long
def test_two_workers_give_the_same_trees_again_and_keep_directions(tmp_path: Path) -> None:
    from dask.distributed import LocalCluster

    rows = weighed(taught(6000))
    write_taught(HAZARD, rows, tmp_path / "parts", 5)
    texts = []
    for _ in range(2):
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as local,
            distributed.cluster(local.scheduler_address) as pair,
        ):  # fmt: skip
            texts += [distributed.fit_parts(HAZARD, tmp_path / "parts", pair) for _ in range(2)]
    assert len(set(texts)) == 1
    booster = lightgbm.Booster(model_str=texts[0])
    assert fitting.verify_directions(booster, HAZARD, rows.rows.matrix) > 0
    alone = lightgbm.Booster(model_str=on_one_machine(HAZARD, rows))
    ours, theirs = (
        auc(rows.rows.label, fitting.predict(one, rows.rows.matrix), rows.rows.weight)
        for one in (booster, alone)
    )
    assert ours is not None
    assert theirs is not None
    assert abs(ours - theirs) < 0.01


def test_parts_hold_whole_borrowers_and_the_exposure_of_all(tmp_path: Path) -> None:
    rows = taught()
    write_taught(HAZARD, rows, tmp_path / "one", 1)
    write_taught(HAZARD, rows, tmp_path / "four", 4)
    pieces = [pq.read_table(path).to_pandas() for path in sorted((tmp_path / "four").glob("*.parquet"))]
    assert len(pieces) == 4
    for number, piece in enumerate(pieces):
        assert {bucket_of(name, 4) for name in piece["group"]} == {number}
    whole = pq.read_table(tmp_path / "one").to_pandas()
    columns = list(whole.columns)
    ordered = [frame.sort_values(columns, ignore_index=True) for frame in (pd.concat(pieces), whole)]
    pd.testing.assert_frame_equal(*ordered)


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(st.text("abcé中0 ", max_size=4), min_size=1, max_size=30),
    one_in=st.sampled_from([1, 2, 3, 8]),
    keep=st.booleans(),
    shares=st.sampled_from([1, 2, 5]),
)
def test_who_is_drawn_in_sql_is_who_is_drawn_in_python(
    names: list[str], one_in: int, keep: bool, shares: int
) -> None:
    population = Population.model_validate(
        {"from": "2000-01-31", "one_subject_in": one_in, "keep_events": keep}
    )
    ids = [f"g{number}" for number in range(len(names))]
    events = pd.DataFrame({"subject": ids[::5]}, dtype="str")
    left: list[str] = []
    for number in range(shares):
        with duckdb.connect() as connection:
            bench: Any = SimpleNamespace(connection=connection)
            connection.execute("CREATE TABLE subjects (id VARCHAR, borrower VARCHAR)")
            connection.executemany("INSERT INTO subjects VALUES (?, ?)", list(zip(ids, names, strict=True)))
            kept = kept_borrowers(bench, "borrower", events)
            assert kept == set(names[::5])
            thin(bench, "borrower", population, Share(number, shares))
            left += [row[0] for row in connection.execute("SELECT id FROM subjects").fetchall()]
    sure = np.isin(names, names[::5]) if keep else None
    stands = drawn(np.array(names), one_in, sure)
    assert sorted(left) == sorted(np.array(ids)[stands > 0].tolist())
    assert set(stands[stands > 0]) <= {1.0, float(one_in)}


def test_a_population_that_is_not_thinned_is_told_as_before() -> None:
    plain = Population.model_validate({"from": "2000-01-31"})
    assert list(plain.model_dump(by_alias=True)) == ["from", "every", "granted", "one_in"]
    thinned = Population.model_validate({"from": "2000-01-31", "one_subject_in": 4, "keep_events": True})
    assert Population.model_validate(thinned.model_dump(by_alias=True)) == thinned
