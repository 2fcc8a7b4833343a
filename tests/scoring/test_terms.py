"""The months of a hazard reach people: the same PD at the horizon, the laws under any shift, the night, the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import NAMES, bundle_files, calibrated_as, held, rows, with_part
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "monitor"))

from riskengine.cli import app
from riskengine.errors import UsageError
from riskengine.monitor.night import rated
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import champion, write_bundle
from riskengine.scoring.scorecard import pd_of, term_of
from riskengine.scoring.term_structure import incidences

FILES = bundle_files()[0]
HAZARD = calibrated_as(FILES, "hazard")
SEGMENTS = {
    "column": "bank", "shifts": {"up": 6.0, "down": -5.0, "little": 0.3}, "deviations": {}, "spread": 0.3,
}  # fmt: skip
SHIFTED = held(with_part(HAZARD, "calibration.json", segments=SEGMENTS))


@settings(max_examples=150, deadline=None)
@given(
    st.floats(-30, 30),
    st.one_of(st.none(), st.floats(-5, 60)),
    st.one_of(st.none(), st.floats(-99, 999)),
    st.sampled_from(["up", "down", "little", "other", None]),
)
def test_the_curve_keeps_its_laws_under_a_shift_and_is_the_pd_at_its_horizon(
    raw: float, age: float | None, left: float | None, segment: str | None
) -> None:
    row = [left, age, None, None, None]
    term = term_of(SHIFTED, raw, row, segment)
    assert term is not None
    assert len(term.pds) == len(term.exits) == len(term.hazards) == 24
    assert term.pd == term.pds[11] == pd_of(SHIFTED, raw, row, segment)
    assert list(term.pds) == sorted(term.pds)
    assert list(term.exits) == sorted(term.exits)
    assert all(0 <= one + other <= 1 for one, other in zip(term.pds, term.exits, strict=True))
    assert all(0 <= one <= 1 for one in term.hazards)
    plain = incidences(SHIFTED.calibration, raw, row)
    if segment in ("other", None) and plain[0][0] > 1e-6 and plain[0][-1] < 1 - 1e-6:
        assert term.pds == tuple(plain[0])
        assert term.exits == pytest.approx(plain[1], abs=1e-12)
    if segment == "up" and plain[0][-1] < 0.9:
        assert all(one > other for one, other in zip(term.pds, plain[0], strict=True))


def test_a_bundle_that_is_no_hazard_has_no_months_and_publishes_none() -> None:
    bundle = held(FILES)
    assert term_of(bundle, 0.3, [None] * 5) is None
    frame = pd.DataFrame(rows(20, 3), columns=list(NAMES)).assign(bank=["up", None] * 10)
    assert "pd_lifetime" not in rated(frame, bundle)
    night = rated(frame, SHIFTED)
    assert (night.pd_lifetime >= night.pd).all()
    assert (night.pd_lifetime > night.pd).any()


def test_the_command_tells_the_months_of_a_guarantee_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployed_world import NOW, deployed

    from riskengine.monitor.terms import guarantee_term

    project = deployed(tmp_path)
    with pytest.raises(UsageError, match=r"access_pd: calibration: expected a hazard, got 'logistic'"):
        guarantee_term(project, "access_pd", "G00001", NOW)
    ours = champion(project.store, "access_pd")
    term = json.loads(HAZARD["calibration.json"]) | {"horizon": 3}
    draft = project.store / "bundles" / "draft"
    name = write_bundle(draft, dict(ours.files) | {"calibration.json": canonical_json(term).encode()})
    draft.rename(draft.with_name(name))
    (project.store / "champions.json").write_text(
        json.dumps({"access_pd": {"bundle": name, "version": 3}}), encoding="utf-8"
    )
    command = ["--project", str(tmp_path), "term", "G00001", "--as-of", str(NOW), "--model", "access_pd"]
    done = CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    found = guarantee_term(project, "access_pd", "G00001", NOW)
    assert told == json.loads(json.dumps(found.to_json()))
    assert told["pd"] == told["months"][2]["pd"] < told["pd_lifetime"] == told["months"][-1]["pd"]
    assert [one["month"] for one in told["months"]] == list(range(1, 25))
    lines = CliRunner().invoke(app, [*command, "--lang", "zh"], catch_exceptions=False).stdout.splitlines()
    assert "存续期违约概率" in lines[1]
    assert len(lines) == 3 + 24
    with pytest.raises(UsageError, match="guarantee: expected one in force on 2006-03-31, got 'G99999'"):
        guarantee_term(project, "access_pd", "G99999", NOW)
