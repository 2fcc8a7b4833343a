"""Are enterprises that training never saw scored from their tables alone, whatever of these is missing?

A fifth of the enterprises, by a hash of the id, is kept from training and handed in without labels, as a stranger's would be.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import score as command
from chinese_sets import HERE, SHARED, arrivals, in_part, interval, told

from riskengine.learning.metrics import Estimate

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside the checkout")
LABELS = {
    "ccf2017_enterprise_exit": ("train", ["TARGET", "ENDDATE"]),
    "ccf2020_illegal_fundraising": ("entprise_info", ["label"]),
    "cumcm2020c_sme_invoices": ("credit_enterprise", ["信誉评级", "是否违约"]),
}
HELD = "held out"


def divided(name: str, folder: Path, one_in: int = 1) -> pd.Series:
    """Write `folder/known` and `folder/new` (no labels) for one enterprise in `one_in`; the labels of the new ones by id."""
    table, labels = LABELS[name]
    column = arrivals(name).ID
    truth = pd.read_parquet(SHARED / name / f"{table}.parquet")
    truth = truth[in_part(truth[column], one_in)]
    held = set(truth.loc[in_part(truth[column], 5, HELD), column])
    known = set(truth[column]) - held
    for part in ("known", "new"):
        (folder / part).mkdir(parents=True)
    for path in sorted((SHARED / name).glob("*.parquet")):
        rows = pd.read_parquet(path)
        if column not in rows or path.stem in (
            "evaluation_public",
            "entprise_evaluate",
            "nocredit_enterprise",
        ):
            continue
        rows[rows[column].isin(known)].to_parquet(folder / "known" / path.name, index=False)
        # Side tables also tell of enterprises that nobody asked about: neither known nor on the new roster.
        others = in_part(rows[column], 20, "others") & ~rows[column].isin(known)
        new = rows[rows[column].isin(held) if path.stem == table else rows[column].isin(held) | others]
        new = new.drop(columns=labels, errors="ignore")
        if len(new):
            new.to_parquet(folder / "new" / path.name, index=False)
    outcome = truth.set_index(column)[labels[0] if name != "cumcm2020c_sme_invoices" else labels[1]]
    return outcome.isin(["1", "是"]).astype(int)[sorted(held)]


def run(name: str, folder: Path) -> pd.DataFrame:
    """The command on both folders; its table by id."""
    out = folder / "scores.csv"
    words = [
        name,
        "--train-data",
        str(folder / "known"),
        "--new-data",
        str(folder / "new"),
        "--out",
        str(out),
    ]
    assert command.main(words) == 0
    found = pd.read_csv(out, dtype={"id": str})
    assert list(found.columns) == ["id", "pd", "score", "grade"]
    assert found["id"].is_unique
    assert found["pd"].between(0, 1).all()
    return found.set_index("id")


def judged(name: str, found: pd.DataFrame, truth: pd.Series, among: np.ndarray | None = None) -> Estimate:
    assert set(truth.index) <= set(found.index), "everybody of the new roster is scored"
    label, scores = truth.to_numpy(), found.loc[truth.index, "pd"].to_numpy()
    kept = np.ones(len(label), dtype=bool) if among is None else among
    what = f"{name}, never seen{'' if among is None else ', at least one event'}"
    return told(what, interval(label[kept], scores[kept]), label[kept])


def busy(ids: pd.Index) -> np.ndarray:
    """Which enterprises of CCF 2017 have an event of their own."""
    names = ("lawsuit", "breakfaith", "project", "qualification", "invest")
    tables = [pd.read_parquet(SHARED / "ccf2017_enterprise_exit" / f"{name}.parquet") for name in names]
    return np.asarray(ids.isin(set().union(*(set(table["EID"]) for table in tables))))


def test_unseen_enterprises_of_wuhu(tmp_path: Path) -> None:
    name = "ccf2020_illegal_fundraising"
    truth = divided(name, tmp_path)
    print()
    found = run(name, tmp_path)
    figure = judged(name, found, truth)
    assert figure.low > 0.95
    assert abs(found.loc[truth.index, "pd"].mean() - truth.mean()) < 0.02, "the level holds, too"


def test_unseen_enterprises_of_2015(tmp_path: Path) -> None:
    name = "ccf2017_enterprise_exit"
    truth = divided(name, tmp_path, one_in=5)
    print()
    found = run(name, tmp_path)
    assert judged(name, found, truth).low > 0.50
    assert judged(name, found, truth, busy(truth.index)).value > 0.52


@pytest.mark.long
def test_unseen_enterprises_of_2015_all(tmp_path: Path) -> None:
    name = "ccf2017_enterprise_exit"
    truth = divided(name, tmp_path)
    print()
    found = run(name, tmp_path)
    assert judged(name, found, truth).low > 0.51
    assert judged(name, found, truth, busy(truth.index)).low > 0.60


@pytest.mark.long
def test_unseen_small_enterprises(tmp_path: Path) -> None:
    name = "cumcm2020c_sme_invoices"
    truth = divided(name, tmp_path)
    print()
    figure = judged(name, run(name, tmp_path), truth)
    assert figure.value is not None
    assert figure.value > 0.5, "a handful of defaults: the interval says how little that is"


def test_a_bare_list_of_strangers_is_scored_and_an_empty_folder_refused(tmp_path: Path) -> None:
    """A roster without any side table, as CSV in GB18030, with an id nobody knows; through the shell, as documented."""
    name = "cumcm2020c_sme_invoices"
    known, new = tmp_path / "known", tmp_path / "new"
    for folder in (known, new):
        folder.mkdir()
    for table in ("credit_enterprise", "credit_output_invoice"):
        (known / f"{table}.parquet").symlink_to(SHARED / name / f"{table}.parquet")
    strangers = pd.DataFrame({"企业代号": ["E900", "E901"], "企业名称": ["甲", "乙"]})
    strangers.to_csv(new / "nocredit_enterprise.csv", index=False, encoding="gb18030")
    out = tmp_path / "out" / "scores.csv"
    shell = [sys.executable, str(HERE / "score.py"), name, "--train-data", str(known), "--new-data"]
    done = subprocess.run([*shell, str(new), "--out", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(out)
    assert found["id"].tolist() == ["E900", "E901"]
    assert found["pd"].between(0, 1).all()
    missing = [*shell, str(tmp_path / "nowhere"), "--out", str(out)]
    refused = subprocess.run(missing, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "nowhere" in refused.stderr
