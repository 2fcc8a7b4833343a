"""`signals show` prints the expected loss that the night counts, after rule floors, as the dossier does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "casework"))

from desk_world import FRIDAY, RED, case, night, project

from riskengine.casework.desk import Desk
from riskengine.casework.shown import details
from riskengine.casework.shown_lines import detail_lines


@pytest.mark.parametrize(("own", "loss_used", "said"), [
    (30.0, 520.0, "expected loss 520 after a rule floor (model 30)"),
    (31.0, None, "expected loss 31"),
])  # fmt: skip
def test_a_case_shows_its_loss_after_floors(tmp_path: Path, own: float, loss_used: Any, said: str) -> None:
    made = project(tmp_path)
    night(made, FRIDAY, [case(RED, "red", guarantees=2, expected_loss=own)])
    scores = made.store / "publications" / str(FRIDAY) / "scores.parquet"
    rows = "('G1', 'E-C1', 10.0::DECIMAL(18, 2), 500.0), ('G2', 'E-C1', 20.0, 20.0), ('G3', 'E-C2', 7.0, 7.0)"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM (VALUES {rows}) t(id, enterprise_id, expected_loss, loss_used)) TO '{scores}'"
        )
    told = details(Desk(made), RED, FRIDAY)
    assert told["loss_used"] == loss_used
    money = next(line for line in detail_lines(told, "en") if "exposure" in line)
    assert money.endswith(said)
    assert ("规则下限后" in "\n".join(detail_lines(told, "zh"))) == (loss_used is not None)
