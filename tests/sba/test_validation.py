"""Does one command validate a real model on real later loans, and does its exit code say how that went?"""

from __future__ import annotations

import json
from pathlib import Path

from sba_world import command

from riskengine.project import Project


def test_one_command_validates_the_champion_on_loans_it_never_saw(late: Project, tmp_path: Path) -> None:
    done = command(late, "validate", "access_pd", "--out", str(tmp_path), "--json", "--fail-on", "fail")
    told = json.loads(done.stdout)
    assert json.loads((tmp_path / "pack.json").read_text(encoding="utf-8")) == told
    assert told["rows_from"] == "later"
    assert told["period"]["from"] > told["learned_to"] == "2002-12-31"
    assert told["rows"] > 20_000
    assert told["weighted"]
    assert told["effective_defaults"] < told["defaults"]
    dimensions = next(one for one in told["sections"] if one["name"] == "segments")["figures"]["dimensions"]
    assert dimensions == ["bank", "industry", "region", "size", "vintage"]
    # The crisis: defaults three times the PDs of a model of 1990 to 2002. A validation that passes this is worth nothing.
    assert told["verdict"] == "fail"
    assert done.returncode == 8
    assert "Traceback" not in done.stderr
    assert (tmp_path / "pack.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_days_it_learned_from_are_refused_in_words(late: Project, tmp_path: Path) -> None:
    done = command(late, "validate", "access_pd", "--from", "2001-01-01", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "2003-01-01 or later" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
