"""Does a profile of 2005-12-31 know anything that was not known on 2005-12-31?"""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sba_world import EXAMPLE, NIGHTS, SOURCES, TRAINED, branch, differing, feed, profiles, raw_loans

from riskengine.project import Project

LATER = date(2008, 12, 31)


@pytest.fixture(scope="module")
def as_late(late: Project) -> pd.DataFrame:
    return profiles(late, TRAINED)


def test_later_files_change_nothing(trained: Project, late: Project, as_late: pd.DataFrame) -> None:
    seen = profiles(trained, TRAINED)
    assert len(seen) > 25_000
    assert seen.shape[1] > 63, "at least sixty features"
    assert differing(seen, as_late) == []
    assert differing(profiles(trained, TRAINED, "applicant"), profiles(late, TRAINED, "applicant")) == []


def test_a_quarter_later_the_files_do_count(trained: Project, late: Project) -> None:
    before, after = profiles(trained, NIGHTS[2]), profiles(late, NIGHTS[2])
    both = sorted(set(before["id"]) & set(after["id"]))
    before, after = (one.set_index("id").loc[both].drop(columns="subject") for one in (before, after))
    assert len(differing(before, after)) > 20


@pytest.fixture(scope="module")
def build_data() -> ModuleType:
    """The script that made `data/`, writing quickly instead of small."""
    spec = importlib.util.spec_from_file_location("sba_build_data", EXAMPLE / "build_data.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.pq = SimpleNamespace(write_table=lambda table, path, **_: pq.write_table(table, path))
    return module


def rebuilt(build_data: ModuleType, loans: pd.DataFrame, folder: Path) -> Path:
    """`data/` made again from these loans by the very script that made it."""
    (folder / "sba_7a_national").mkdir(parents=True)
    (folder / "macro_us_fred_md").mkdir()
    loans.to_parquet(folder / "sba_7a_national" / "loans_casecontrol.parquet")
    macro = pd.concat(pd.read_parquet(file) for file in sorted((EXAMPLE / "data/macro_us").glob("*.parquet")))
    macro["sasdate"] = pd.to_datetime(macro["month"]).dt.strftime("%m/1/%Y")
    raw = pd.concat([macro.head(1), macro])  # the first row holds the transformation codes
    raw.to_parquet(folder / "macro_us_fred_md" / "fred_md_2026_02.parquet")
    build_data.DATA = folder / "data"
    build_data.main(folder)
    return folder / "data"


def flipped(loans: pd.DataFrame) -> pd.DataFrame:
    """A third of the loans whose end was not known on 2005-12-31 end otherwise: good ones bad, bad ones good."""
    loans = loans.copy()
    open_then = loans["ChgOffDate"].isna() | (loans["ChgOffDate"] > str(TRAINED))
    chosen = open_then & (pd.util.hash_array(loans["LoanNr_ChkDgt"].to_numpy()) % 3 == 0)
    good, bad = chosen & (loans["MIS_Status"] == "PIF"), chosen & (loans["MIS_Status"] == "CHGOFF")
    days = pd.Series(pd.date_range("2006-01-01", "2008-06-30", freq="D").strftime("%Y-%m-%d"))
    loans.loc[bad, ["MIS_Status", "ChgOffDate", "ChgOffPrinGr"]] = ["PIF", None, np.nan]
    loans.loc[good, "MIS_Status"] = "CHGOFF"
    loans.loc[good, "ChgOffDate"] = days.iloc[np.arange(good.sum()) % len(days)].to_numpy()
    loans.loc[good, "ChgOffPrinGr"] = loans.loc[good, "GrAppv"] / 2
    assert good.sum() > 5000
    assert bad.sum() > 3000
    return loans


def test_profiles_are_unmoved_by_the_outcome(
    trained: Project, late: Project, as_late: pd.DataFrame, build_data: ModuleType, tmp_path: Path
) -> None:
    loans = raw_loans()
    made = rebuilt(build_data, loans, tmp_path / "same")
    for file in sorted((EXAMPLE / "data").glob("*/*.parquet")):  # the way there and back loses nothing
        again = pd.read_parquet(made / file.relative_to(EXAMPLE / "data"))
        pd.testing.assert_frame_equal(again, pd.read_parquet(file), obj=str(file), check_exact=True)
    other = rebuilt(build_data, flipped(loans), tmp_path / "flipped")
    days = sorted({file.stem for file in other.glob("*/*.parquet")})
    for source in set(SOURCES) - {
        "sampling"
    }:  # what was sent by 2005-12-31 is what it was; only weights know the end
        sent = (folder / source / f"{TRAINED}.parquet" for folder in (made, other))
        pd.testing.assert_frame_equal(*map(pd.read_parquet, sent), check_exact=True)
    project = branch(trained, tmp_path / "other")
    environment = project.configs / "environment.toml"
    text = environment.read_text(encoding="utf-8").replace(str(EXAMPLE / "data"), str(other))
    environment.write_text(text, encoding="utf-8")
    feed(project, days[1:])
    feed(project, days[:1], "sampling")
    assert differing(profiles(project, TRAINED), as_late) == []
    assert differing(profiles(project, TRAINED, "applicant"), profiles(late, TRAINED, "applicant")) == []
    moved = differing(profiles(project, LATER), profiles(late, LATER))
    assert moved == ["rows"], "by 2008 the flipped outcomes are known"
