"""By which definitions is a synthetic province run? A copy of a project's, whose every output says that it is invented."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from riskengine.project import Project

ROOMS = ("features", "models", "configs", "pipelines")
NOTE = {
    "en": "SYNTHETIC data: no enterprise, person or guarantee here exists",
    "zh": "合成数据：企业、个人与担保均为虚构",
}


def write_definitions(project: Project, folder: Path) -> None:
    """Make `folder` a project: a copy of the project's definitions, with its own store and a note on every output.

    Edit the copy to try something; the project itself stays as it is.
    """
    for room in ROOMS:
        if (project.root / room).is_dir():
            shutil.copytree(
                project.root / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
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


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
