"""Are the rules of both projects sound, and is every mistake of a file told at once?"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from riskengine.casework.case_rules import Known, identifying_columns, read_case_rules
from riskengine.errors import UsageError
from riskengine.intake.contract import read_contracts
from riskengine.project import Project
from riskengine.schema import Words

ROOT = Path(__file__).parents[2]
KNOWN = Known(
    ["J01", "J02", "T01"], {"overdue_days": "number", "ends": "date"}, ["compensation"], ["case_no"]
)
WRONG = """
overdue = "overdue_day"
maturity = "overdue_days"
compensated = ["compensations"]
[[root]]
id = "court"
title = { en = "Court", zh = "法院" }
signals = ["J01", "J03"]
same = ["uscc"]
[[root]]
id = "court"
title = { en = "Court", zh = "法院" }
signals = ["J01"]
[[inhibit]]
from = 2026-01-01
red = ["T02"]
silences = ["J01"]
reference = "r"
[[escalate]]
id = "up"
title = { en = "Up", zh = "升" }
from = 2026-01-01
severity = "orange"
to = "yellow"
reference = "r"
"""


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cases.toml"
    path.write_text(WRONG, encoding="utf-8")
    with pytest.raises(UsageError) as told:
        read_case_rules(path, KNOWN)
    text = "\n".join(map(str, told.value.problems))
    for part in (
        "overdue: expected a feature, got 'overdue_day'. Did you mean 'overdue_days'?", "maturity: expected a date",
        "compensated: expected a source", "root court: expected a signal, got 'J03'. Did you mean 'J0",
        "root court: same: expected a key column that tells events apart, got 'uscc'", "expected an id used once",
        "expected a signal of no other root, got J01, which is in court", "inhibit 1: red: expected a root, or a signal without one, got 'T02'",
        "inhibit 1: silences", "escalate up: to: expected something worse than orange",
    ):  # fmt: skip
        assert part in text, text


def test_without_the_file_each_signal_is_its_own_root(tmp_path: Path) -> None:
    told = read_case_rules(tmp_path / "cases.toml", KNOWN)
    assert (told.roots, told.escalations(date(2026, 6, 1)), told.cluster(date(2026, 6, 1))) == ({}, (), None)
    assert told.title("J01").en == "J01"


@pytest.mark.parametrize("folder", [ROOT, ROOT / "examples" / "sba_7a"])
def test_the_rules_of_both_projects_are_sound(folder: Path) -> None:
    files = [*folder.glob("configs/signals/*.toml"), *folder.glob("configs/signals.toml")]
    titles = {
        one["id"]: Words(**one["title"])
        for file in files
        for one in tomllib.loads(file.read_text(encoding="utf-8"))["signal"]
    }
    subjects = tomllib.loads((folder / "configs" / "subjects.toml").read_text(encoding="utf-8"))["guarantee"]
    known = Known(
        titles,
        {"overdue_days": "number", "guarantee_end": "date"},
        subjects["ends_with"],
        identifying_columns(
            read_contracts(Project(folder)).values(), {subjects["id"], subjects["enterprise"]}
        ),
    )
    rules = read_case_rules(folder / "configs" / "cases.toml", known, titles)
    assert len(rules.roots) > 5
    assert rules.escalations(date(2026, 6, 1))
    assert not {"uscc", "guar_id", "ym", "report_dt"} & set(known.identifiers)


def test_a_version_switched_off_ends_a_rule(tmp_path: Path) -> None:
    block = '[[escalate]]\nid = "up"\ntitle = {{ en = "Up", zh = "升" }}\nfrom = {}\nseverity = "yellow"\nto = "orange"\nreference = "r"\n'
    path = tmp_path / "cases.toml"
    path.write_text(
        block.format("2026-01-01") + block.format("2026-03-01") + "on = false\n", encoding="utf-8"
    )
    rules = read_case_rules(path, KNOWN)
    assert [len(rules.escalations(date(2026, month, 1))) for month in (2, 3)] == [1, 0]
    assert rules.escalations(date(2025, 1, 1)) == ()
