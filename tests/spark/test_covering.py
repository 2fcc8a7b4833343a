"""Does a source that was connected late say the same on Spark as on DuckDB, before and after its windows are covered?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from both_engines import ROOT, compared, world_of

from riskengine.profile.catalogue import Catalogue
from riskengine.store import snapshot

NAMES = ["months_invoiced_12m", "invoiced_3m", "invoice_reports_12m", "days_since_invoice", "customers_known"]


def test_a_source_connected_late_is_the_same(spark: Any, tmp_path: Path) -> None:
    """Asked on 30 June 2023, 29 February 2024 (three months are covered) and 31 December 2024 (twelve are)."""
    project = world_of(tmp_path / "world", ["inv_monthly", "inv_counterparty", "mkt_reg"])
    (project.root / "configs").unlink()
    shutil.copytree(ROOT / "configs", project.root / "configs")
    for name in ("inv_monthly", "inv_counterparty"):
        path = project.configs / f"sources/{name}.toml"
        path.write_text(f"covers_from = 2023-11-01\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    held = snapshot.read(project.store)
    rows, different = compared(spark, Catalogue(project), held, NAMES, tmp_path / "working")
    assert different == []
    third = len(rows) // 3
    known = [
        {name for row in rows[begin : begin + third] for name in NAMES if row[name] is not None}
        for begin in (0, third, 2 * third)
    ]
    of_months = {"months_invoiced_12m", "invoice_reports_12m"}
    assert known == [{"days_since_invoice"}, set(NAMES) - of_months, set(NAMES)]
