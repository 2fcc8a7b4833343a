"""Are the projects on public Chinese data sound as definitions, and free of the data itself?"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chinese_sets import HERE, arrivals, months, reads_months

from riskengine.intake.cells import cell_parser
from riskengine.intake.contract import Column
from riskengine.learning.samples import model_spec
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import aggregates
from riskengine.project import Project
from riskengine.scoring.scorecard import read_grades

NAMES = ("ccf2017_enterprise_exit", "ccf2020_illegal_fundraising", "cumcm2020c_sme_invoices")


@pytest.mark.parametrize("name", NAMES)
def test_definitions_are_sound_and_said_in_both_languages(name: str) -> None:
    project = Project(HERE / name)
    catalogue = Catalogue(project)
    assert catalogue.problems() == []
    specs = [model_spec(catalogue, path.stem) for path in project.definition_files("models", ".toml")]
    assert arrivals(name).MODEL in {spec.name for spec in specs}
    assert read_grades(project.configs / "grades.toml").grades
    note = project.environment.note
    assert note is not None
    assert "not shipped" in note.en
    assert "不随附" in note.zh
    for _, feature in catalogue.features.values():
        assert re.search("[\u4e00-\u9fff]", feature.zh), feature.en
        assert not re.search("[\u4e00-\u9fff]", feature.en)


@pytest.mark.parametrize("name", NAMES)
def test_no_model_reads_the_id_and_no_source_takes_the_rating_in(name: str) -> None:
    catalogue = Catalogue(Project(HERE / name))
    spec = model_spec(catalogue, arrivals(name).MODEL)
    ids = {arrivals(name).ID, "investee", "BTEID"}
    for feature in spec.features:
        assert not ids & {part.column for part in aggregates(catalogue.feature(feature))}
        assert not {"findings", "exits", "defaults"} & {
            part.source for part in aggregates(catalogue.feature(feature))
        }
    for contract in catalogue.sources.values():
        assert "信誉评级" not in contract.columns


def test_there_is_no_data_in_the_projects() -> None:
    found = {path.suffix for name in NAMES for path in (HERE / name).rglob("*") if path.is_file()}
    assert found <= {".toml", ".py", ".pyc"}


def test_a_month_is_never_known_before_it_is_over() -> None:
    cells = pd.Series(["2015年08月", "2015年8月", "2013-02", "201509", "2015-08-17", None, "14小时前"])
    read = cell_parser(Column(type="date"), "CNY")
    made = [read(cell)[0] for cell in months(cells)]
    assert [None if day is None else str(day)[:7] for day in made[:5]] == [
        *("2015-08", "2015-08", "2013-02", "2015-09", "2015-08")
    ]
    if not reads_months():
        assert [str(day) for day in made[:4]] == ["2015-08-31", "2015-08-31", "2013-02-28", "2015-09-30"]
    assert read(months(cells)[6]) == (None, "type"), "a scraped time says nothing: intake refuses the row"
