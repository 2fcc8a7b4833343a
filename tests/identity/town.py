"""A town of a few enterprises whose courts know them by name only: a project, its files, its rows."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from riskengine.intake.codes import credit_code_check_mark, organisation_check_mark
from riskengine.intake.load import Receipt, take_in
from riskengine.project import Project
from riskengine.store import snapshot

ROOT = Path(__file__).parents[2]
SUBJECTS = """
[keys]
enterprise = ["uscc"]

[applicant]
source = "mkt_reg"
id = "uscc"
enterprise = "uscc"

[guarantee]
source = "mkt_reg"
id = "uscc"
enterprise = "uscc"
"""
FEATURES = 'from riskengine.profile import count\n\ncases = count("court_exec", by="enterprise").named("Cases", "被执行案件数")\n'


def code(number: int, region: str = "370102") -> str:
    """A valid unified social credit code."""
    body = f"MA{number:06d}"
    front = f"91{region}{body}{organisation_check_mark(body)}"
    return front + credit_code_check_mark(front)


def build(root: Path, *sources: str) -> Project:
    """A project with the default contracts of `sources`, the default rules of identity and one feature."""
    for room in ("features", "models", "configs/sources"):
        (root / room).mkdir(parents=True)
    (root / "configs" / "environment.toml").write_text(
        'name = "town"\ntitle = { en = "Town", zh = "城" }\ncurrency = "CNY"\n', encoding="utf-8"
    )
    (root / "configs" / "subjects.toml").write_text(SUBJECTS, encoding="utf-8")
    (root / "features" / "courts.py").write_text(FEATURES, encoding="utf-8")
    shutil.copy(ROOT / "configs" / "identity.toml", root / "configs" / "identity.toml")
    for name in ("mkt_reg", "mkt_change", "court_exec", *sources):
        shutil.copy(
            ROOT / "configs" / "sources" / f"{name}.toml", root / "configs" / "sources" / f"{name}.toml"
        )
    return Project(root)


def deliver(project: Project, source: str, day: str, *rows: dict[str, Any]) -> Receipt:
    """One file of a source with these rows; every row must be accepted or be a duplicate."""
    path = project.root / f"{source}-{day}-{len(list(project.root.glob('*.csv')))}.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
    (receipt,) = take_in(project, source, [path], date.fromisoformat(day))
    assert not receipt.quarantined, receipt.quarantine_by_rule
    return receipt


def enrol(project: Project, day: str, *firms: dict[str, Any]) -> None:
    """Register enterprises: `uscc`, `name` and more columns."""
    deliver(project, "mkt_reg", day, *({"record_dt": day, "status": "存续", **firm} for firm in firms))


def case(number: int, name: str, **more: Any) -> dict[str, Any]:
    """An enforcement case, filed and seen in May 2024, without a code."""
    told = {
        "case_no": f"（2024）鲁0102执{number}号",
        "name": name,
        "file_dt": "2024-05-10",
        "snapshot_dt": "2024-05-20",
    }
    return {**told, "status": "执行中", "uscc": "", "exec_target": 1000, **more}


def seen(project: Project, source: str, day: str, columns: str) -> list[tuple[Any, ...]]:
    """What stands in a source on a day."""
    paths = snapshot.read(project.store).paths(source)
    query = f"""select {columns} from read_parquet($paths) where known_at <= $day::date
        and (superseded_at is null or superseded_at > $day::date) and not removed order by all"""
    with duckdb.connect() as connection:
        return connection.execute(query, {"paths": paths, "day": day}).fetchall()
