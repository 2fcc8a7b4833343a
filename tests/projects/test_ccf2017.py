"""Enterprises that close within two years (CCF BDCI 2017): do dated events tell, and only those known by the day?"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chinese_sets import (
    SHARED,
    Delivery,
    candidate,
    copied,
    delivered,
    in_part,
    interval,
    learned_rows,
    out_of_fold,
    told,
)

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.store import snapshot

NAME = "ccf2017_enterprise_exit"
TABLES = SHARED / NAME
NAIVE, NAIVE_WITH_EVENTS = 0.54, 0.65  # naive gradient boosting, ../shared/data/README.md section 3
pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="the shared data is not beside the checkout")
EVENTS = ["investments", "lawsuits", "dishonest_entries", "tenders", "licences"]


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, frozenset[str]]:
    """One enterprise in six, everything of it taken in."""
    project = copied(NAME, tmp_path_factory.mktemp("ccf2017") / "p")
    ids = pd.read_parquet(TABLES / "train.parquet", columns=["EID"])["EID"]
    chosen = frozenset(ids[in_part(ids, 6)])
    receipts = delivered(NAME, project, Delivery(TABLES, project.inbox, chosen))
    for source, table in (("lawsuits", "lawsuit"), ("tenders", "project"), ("investments", "invest")):
        rows = pd.read_parquet(TABLES / f"{table}.parquet")
        rows = rows[rows["EID"].isin(chosen)]
        [receipt] = [receipt for receipt in receipts if receipt.source == source]
        assert receipt.rows_in == len(rows)
        assert receipt.accepted == len(rows.drop_duplicates()), (
            "exact duplicates, and nothing else, are dropped"
        )
        assert receipt.quarantined == 0
    return project, chosen


def test_a_profile_of_an_earlier_day_sees_that_day_only(some: tuple[Project, frozenset[str]]) -> None:
    """Against a plain count over the published rows, as of the end of August 2014."""
    project, chosen = some
    day = date(2014, 8, 31)
    lawsuits = pd.read_parquet(TABLES / "lawsuit.parquet").drop_duplicates()
    lawsuits = lawsuits[lawsuits["EID"].isin(chosen)]
    month = lawsuits["LAWDATE"].str.replace("年", "").str.replace("月", "").astype(int)
    asked = sorted(lawsuits["EID"].unique())
    last_year = (
        lawsuits[(month <= 201408) & (month > 201308)].groupby("EID").size().reindex(asked, fill_value=0)
    )
    before = lawsuits[month <= 201408]
    amount = before["LAWAMOUNT"].astype(float).groupby(before["EID"]).sum().reindex(asked, fill_value=0)
    catalogue = Catalogue(project)
    recipe = compile_recipe(catalogue, ["lawsuits", "lawsuits_12m", "lawsuit_amount", "investments"])
    with Workbench(snapshot.read(project.store)) as bench:
        bench.load_facts(recipe)
        bench.load_subjects(recipe, [Subject(day, {"EID": name, "investee": name}) for name in asked])
        found = bench.frame(recipe)
    assert found["lawsuits_12m"].tolist() == last_year.tolist()
    assert 0 < last_year.sum() < len(lawsuits)
    assert (found["lawsuit_amount"].rpow(2.718281828459045) - 1).to_numpy() == pytest.approx(
        amount.to_numpy()
    )
    assert not found["investments"].any(), "investments are known since the extract arrived, in August 2015"


def test_events_rank_exits_among_one_in_six(some: tuple[Project, frozenset[str]]) -> None:
    taken = learned_rows(NAME, some[0])
    assert len(taken.rows) == len(some[1])
    scores = out_of_fold(taken)
    busy = (taken.rows[EVENTS].sum(axis=1) > 0).to_numpy()
    print()
    everyone = told("ccf2017, 1 in 6, all", interval(scores.label, scores.score), scores.label)
    known = told(
        "ccf2017, 1 in 6, at least one event",
        interval(scores.label[busy], scores.score[busy]),
        scores.label[busy],
    )
    assert everyone.low > 0.5
    assert known.low > 0.55
    assert known.high < 0.80


@pytest.mark.long
def test_all_enterprises_beat_the_naive_model_where_there_are_events(tmp_path: Path) -> None:
    project = copied(NAME, tmp_path / "p")
    delivered(NAME, project, Delivery(TABLES, project.inbox))
    taken = learned_rows(NAME, project)
    assert len(taken.rows) == 174_738
    assert int(taken.rows["label"].sum()) == 23_729
    assert (taken.rows["as_of"].astype(str).str[:10] == "2015-08-31").all()
    scores = out_of_fold(taken)
    busy = (taken.rows[EVENTS].sum(axis=1) > 0).to_numpy()
    print()
    everyone = told(f"ccf2017, all (naive {NAIVE})", interval(scores.label, scores.score), scores.label)
    known = told(
        f"ccf2017, at least one event (naive {NAIVE_WITH_EVENTS})",
        interval(scores.label[busy], scores.score[busy], 500),
        scores.label[busy],
    )
    assert everyone.low > 0.52
    assert everyone.high < 0.60
    assert known.low > NAIVE_WITH_EVENTS
    assert known.high < 0.75
    made = candidate(NAME, project, taken)
    print(f"ccf2017, the engine's own held-out test: AUC {made.trials[-1].figures['model']['auc']}")
