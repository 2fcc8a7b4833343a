"""By which definitions is a synthetic province run, and who is about to apply?

The folder becomes a project of its own: a copy of a project's definitions, whose every output says that it is invented.
"""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from riskengine.intake.contract import read_contract
from riskengine.intake.readers import read_file
from riskengine.project import Project
from riskengine.province.writing import may_connect_late

ROOMS = ("features", "models", "configs", "pipelines")
SOON = 20  # applicants at most in applicants.csv
NOTE = {
    "en": "SYNTHETIC data: no enterprise, person or guarantee here exists",
    "zh": "合成数据：企业、个人与担保均为虚构",
}


def write_definitions(project: Project, folder: Path, connected: date | None = None) -> None:
    """Make `folder` a project: a copy of the project's definitions, with its own store and a note on every output.

    Edit the copy to try something; the project itself stays as it is. The copied contracts of monthly publishers say that they
    cover what happens from `connected` on.
    """
    for room in ROOMS:
        if (project.root / room).is_dir():
            shutil.copytree(
                project.root / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
    if connected:
        for path in Project(folder).definition_files("configs/sources", ".toml"):
            _cover_from(connected, path)
    environment = project.environment
    title = {
        "en": f"{environment.title.en} (SYNTHETIC)",
        "zh": f"{environment.title.zh}（合成数据）",
    }
    lines = [
        "# A copy of the definitions for invented data; see README.md. 合成数据",
        f"name = {_text(f'{environment.name}_synthetic')}",
        f"currency = {_text(environment.currency)}",
        f"language = {_text(environment.language)}",
        "synthetic = true",
        "single_operator = true   # invented data, one person: promotes and approves alone, which the ledger says",
        "backdated_acts = true   # invented history: an act may count from a past day",
        'store = "store"',
        'inbox = "inbox"',
        "",
        "[title]",
        *[f"{language} = {_text(words)}" for language, words in title.items()],
        "",
        "[note]",
        *[f"{language} = {_text(words)}" for language, words in NOTE.items()],
    ]
    (folder / "configs" / "environment.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cover_from(day: date, path: Path) -> None:
    """Let a monthly publisher's contract cover what happens from a day on, if it does not begin later of itself."""
    contract = read_contract(path)
    if not may_connect_late(contract) or (contract.covers_from and contract.covers_from >= day):
        return
    text = re.sub(r"(?m)^covers_from\b.*\n", "", path.read_text(encoding="utf-8"), count=1)
    said = f"covers_from = {day}  # connected that day 接入日"
    path.write_text(re.sub(r"(?m)^coverage\b.*$", rf"\g<0>\n{said}", text, count=1), encoding="utf-8")


def write_applicants(folder: Path, deliveries: int = 3) -> int:
    """Copy the applications of the last deliveries to `applicants.csv`, as if they were on an officer's desk the day before.

    Returns how many; the columns are those of the publisher's file.
    """
    files = sorted((folder / "inbox" / "application").glob("*"))[-deliveries:]
    tables = [read_file(path).cells for path in files]
    rows = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
    rows = rows.slice(max(0, rows.num_rows - SOON))
    with (folder / "applicants.csv").open("wb") as stream:
        stream.write(b"\xef\xbb\xbf")
        pacsv.write_csv(rows, stream)
    return int(rows.num_rows)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
