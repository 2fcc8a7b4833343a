"""Is a command found by its room alone, and does `--help` list all of them without what they need to run?"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from riskengine.cli import ROOMS, app, app_for

RUN = CliRunner()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_the_words_that_are_told_of_it(room: str) -> None:
    made = typer.Typer()
    import_module(f"riskengine.cli.{room}").register(made)
    group = typer.main.get_group(made)
    assert sorted(group.commands) == sorted(ROOMS[room])


def test_the_list_is_that_of_the_whole_command_line() -> None:
    whole = RUN.invoke(app, ["--help"])
    assert whole.exit_code == 0
    assert "signals" in whole.output
    assert RUN.invoke(app_for(["--help"]), ["--help"]).output == whole.output
    assert RUN.invoke(app_for(["-p", "review", "--help"]), ["-p", "review", "--help"]).output == whole.output


@pytest.mark.parametrize(
    "words", [["review"], ["--project", "signals", "review"], ["--log=json", "review"], ["-p", "x", "--log", "json", "review", "--help"]]
)  # fmt: skip
def test_options_before_a_command_are_passed_over(words: list[str]) -> None:
    group = typer.main.get_group(app_for(words))
    assert sorted(group.commands) == ["replay", "review"]


def test_a_word_that_is_none_is_answered_with_the_nearest() -> None:
    said = RUN.invoke(app_for(["revew"]), ["revew"])
    assert said.exit_code == 2
    assert "Did you mean 'review'" in said.output


def test_help_needs_no_definitions_and_no_database() -> None:
    code = """import sys
from riskengine.cli import app_for
app_for(["--help"])(["--help"], standalone_mode=False)
print(*(name for name in ("pydantic", "duckdb", "numpy") if name in sys.modules), "none")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "none", done.stderr


def test_a_command_imports_no_other_room() -> None:
    code = """import sys
from riskengine.cli import app_for
app_for(["review"])
print(*sorted(name for name in sys.modules if name.startswith("riskengine.cli.")))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["riskengine.cli.deciding", "riskengine.cli.here", "riskengine.cli.telling"]
