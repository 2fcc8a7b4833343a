"""Does the store give away a field that is rewritten, delivered or learned after the outcome, and spare honest corrections?"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskengine.errors import QualityGateError
from riskengine.intake.load import take_in
from riskengine.learning.foreknowledge import Hindsight
from riskengine.learning.hindsight import hindsight
from riskengine.learning.leakage import Audit, Limits, audit
from riskengine.learning.samples import LabelledRows, labelled_rows, model_spec, training_period
from riskengine.learning.splitting import folds
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.store import snapshot

TRAINED = date(2023, 6, 30)
SIZE = 1500
TITLE = 'title = { en = "t", zh = "t" }'
TEXT, NUMBER, DAY = 'type = "text"\nrequired = true', 'type = "number"', 'type = "date"\nrequired = true'
COLUMNS = {
    "deals": {"deal": TEXT, "firm": TEXT, "start": DAY, "amount": NUMBER},
    "calls": {"deal": TEXT, "day": DAY},
    "notes": {"deal": TEXT, "start": DAY, "written": DAY, "score": NUMBER, "status": 'type = "text"'},
}
CLOCKS = {"deals": ("start", "start"), "calls": ("day", "day"), "notes": ("start", "written")}
FEATURES = '''"""What do we know? 所知"""
from riskengine.profile import code, latest

amount = latest("deals.amount", by="deal").named("Amount", "金额", unit="CNY")
score = latest("notes.score", by="deal").named("Score", "评分")
troubled = code(latest("notes.status", by="deal"), {"bad": 1, "good": 0}).named("Troubled", "异常")
'''
MODEL = f"""name = "pd"
{TITLE}
subject = "applicant"
features = ["amount", "score", "troubled"]
[label]
source = "calls"
horizon = "12m"
[population]
from = 2020-01-01
"""
ENVIRONMENT = f'name = "tiny"\ncurrency = "CNY"\nlanguage = "en"\nstore = "var"\ninbox = "inbox"\n{TITLE}\n'
SUBJECTS = """[keys]
deal = ["deal"]
[applicant]
source = "deals"
id = "deal"
enterprise = "firm"
[guarantee]
source = "deals"
id = "deal"
enterprise = "firm"
"""


def institution(root: Path) -> Project:
    for room in ("configs/sources", "features", "models"):
        (root / room).mkdir(parents=True)
    (root / "configs" / "environment.toml").write_text(ENVIRONMENT)
    (root / "configs" / "subjects.toml").write_text(SUBJECTS)
    for source, columns in COLUMNS.items():
        event, known = CLOCKS[source]
        head = f'name = "{source}"\nfamily = "guarantee"\npublisher = "p"\nreference = "r"\ncadence = "event"\ncoverage = "complete"\n'
        head += f'key = ["deal"]\nevent_date = "{event}"\nknown_at = "{known}"\n[title]\nen = "t"\nzh = "t"\n'
        parts = [f"[columns.{name}]\n{kind}\n" for name, kind in columns.items()]
        (root / "configs" / "sources" / f"{source}.toml").write_text(head + "".join(parts))
    (root / "features" / "known.py").write_text(FEATURES)
    (root / "models" / "pd.toml").write_text(MODEL)
    return Project(root)


class Deals:
    """Guarantees of two years, some of them called; what is noted of them, delivered once a quarter."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        start = np.datetime64("2020-01-01") + np.sort(self.rng.integers(0, 730, SIZE))
        self.risk = self.rng.normal(size=SIZE)
        self.called = self.risk + self.rng.logistic(size=SIZE) > 2.2
        self.event = start + self.rng.integers(20, 365, SIZE)
        self.deals = pd.DataFrame({"deal": [f"d{n:05d}" for n in range(SIZE)], "start": start})
        self.deals["firm"], self.deals["amount"] = self.deals["deal"], self.rng.lognormal(12, 1, SIZE).round()
        self.notes = self.deals[["deal", "start"]].assign(
            written=start, score=(self.risk + self.rng.normal(0, 1, SIZE)).round(3)
        )
        self.notes["status"] = np.where(self.rng.random(SIZE) < 0.1, "bad", "good")
        self.changes: list[pd.DataFrame] = []
        self.late = np.zeros(SIZE, dtype=bool)

    def change(self, chosen: np.ndarray, written: np.ndarray, **values: object) -> None:
        self.changes.append(self.notes.assign(written=written, **values)[chosen])

    def feed_deals(self, project: Project) -> None:
        put(project, "deals", self.deals, self.deals["start"])
        calls = self.deals[["deal"]].assign(day=self.event)[self.called]
        put(project, "calls", calls, calls["day"])

    def feed_notes(self, project: Project) -> None:
        arrived = self.notes["written"].mask(self.late, self.event + np.timedelta64(200, "D"))
        whole = pd.concat([self.notes, *self.changes])
        put(project, "notes", whole, pd.concat([arrived, *(one["written"] for one in self.changes)]))


def put(project: Project, source: str, rows: pd.DataFrame, arrived: pd.Series) -> None:
    """Deliver rows at the end of the half-year in which each arrives."""
    ends = pd.to_datetime(arrived).map(
        lambda day: date(day.year, 6, 30) if day.month < 7 else date(day.year, 12, 31)
    )
    folder = project.root / "inbox" / source
    folder.mkdir(parents=True)
    for one in sorted(ends.unique()):
        file = folder / f"{one}.parquet"
        rows[(ends == one).to_numpy()].to_parquet(file, index=False)
        take_in(project, source, [file], one)


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = institution(tmp_path_factory.mktemp("tiny") / "p")
    Deals().feed_deals(project)
    return project.root


@pytest.fixture
def project(fed: Path, tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(fed, tmp_path / "p")))


def evidence(project: Project) -> tuple[LabelledRows, Hindsight]:
    catalogue, facts = Catalogue(project), snapshot.read(project.store)
    spec = model_spec(catalogue, "pd")
    taken = labelled_rows(project, spec, facts, training_period(spec, TRAINED))
    return taken, hindsight(catalogue, facts, taken, TRAINED)


def audited(project: Project) -> Audit:
    taken, seen = evidence(project)
    frame = taken.frame()
    return audit(frame.rows(), taken.spec.features, folds(taken.spec, frame.group), Limits(0.85), seen)


def test_honest_records_pass_and_the_evidence_is_what_is_in_the_store(project: Project) -> None:
    deals = Deals()
    corrected = deals.rng.random(SIZE) < 0.2  # for failed and others alike, months after they were written
    deals.change(corrected, deals.event + np.timedelta64(60, "D"), score=deals.notes["score"] + 0.5)
    deals.feed_notes(project)
    found = audited(project)
    taken, seen = evidence(project)
    assert found.hindsight_rows == len(seen.label) == len(taken.rows) > 1400
    by_id = taken.rows.sort_values(["as_of", "id"], ignore_index=True)
    assert np.array_equal(np.isfinite(seen.lead), by_id["label"].to_numpy() == 1)
    late = (by_id["event_date"] - by_id["as_of"]).dt.days.to_numpy()
    assert np.array_equal(seen.lead[seen.label == 1], late[seen.label == 1])
    assert (seen.age == 0).all()
    assert seen.horizon in (365, 366)
    assert np.array_equal(seen.now, seen.later), "nobody wrote anything new within a month"
    field = next(one for one in seen.fields if one.column == "score")
    assert field.kind == "rewritten"
    assert field.features == ("score",)
    assert field.bad[0] == int((corrected & (by_id["label"] == 1)).sum())
    assert abs(field.z) < 3
    again = evidence(project)[1]
    assert again.now.tobytes() == seen.now.tobytes()
    assert again.fields == seen.fields


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_field_rewritten_after_the_outcome_is_named(project: Project, share: float) -> None:
    deals = Deals()
    deals.change(
        deals.called & (deals.rng.random(SIZE) < share), deals.event + np.timedelta64(45, "D"), status="bad"
    )
    deals.feed_notes(project)
    with pytest.raises(
        QualityGateError, match=r"troubled \(notes\.status\): expected a field not rewritten after"
    ) as error:
        audited(project)
    assert [problem.where for problem in error.value.problems] == ["troubled (notes.status)"]


def test_facts_that_arrive_after_the_outcome_with_an_old_date_are_named(project: Project) -> None:
    deals = Deals()
    deals.late = deals.called & (deals.rng.random(SIZE) < 0.5)
    deals.feed_notes(project)
    with pytest.raises(
        QualityGateError, match=r"score \(notes\.known_at\): expected a field not delivered after"
    ):
        audited(project)


def test_what_is_learned_in_the_next_month_is_named(project: Project) -> None:
    deals = Deals()
    written = deals.notes["written"].to_numpy() + np.timedelta64(20, "D")
    deals.change(np.ones(SIZE, dtype=bool), written, score=deals.notes["score"] + 2 * deals.called)
    deals.feed_notes(project)
    with pytest.raises(QualityGateError, match=r"- score: expected at most 0\.05 more AUC one month later"):
        audited(project)
