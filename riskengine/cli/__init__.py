"""Which words can an operator type? `riskengine --help` lists them; every command imports what it needs when it runs.

Lesson of the profile: two thirds of `--help` were the parameters of seventy commands and what their rooms imported.
"""

from __future__ import annotations

import gc

gc.disable()  # an officer waits for a review: collecting while modules are imported costs a tenth of it

import contextlib
import inspect
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command_name

from riskengine.cli.telling import choose_format, mark, refusal
from riskengine.errors import RiskEngineError, SetupError

if TYPE_CHECKING:
    app: typer.Typer

_LIGHT = ("review", "replay", "dossier", "evidence")  # commands an officer waits for
ROOMS = {
    "data": ("intake", "profile", "check", "quarantine"),
    "identities": ("identity",),
    "models": ("retrain", "models", "evaluate", "promote", "approve", "rollback", "card"),
    "deciding": ("review", "replay"),
    "watching": ("nightly", "backfill"),
    "backtesting": ("backtest-signals",),
    "dossiers": ("dossier", "evidence"),
    "policies": ("catalogue", "lookup", "policy"),
    "books": ("runs", "audit"),
    "storing": ("store",),
    "synth": ("synth",),
    "outcomes": ("outcomes",),
    "validating": ("validate",),
    "exporting": ("export", "reasons"),
    "clustering": ("profiles", "score", "evaluate-signals"),
    "health": ("health", "shadow"),
    "terms": ("term",),
    "cases": ("signals",),
    "reminding": ("reminders", "outbox"),
}  # the words of each, in the order of `--help`


def options(
    context: typer.Context,
    project: Annotated[
        str | None,
        typer.Option(
            "--project",
            "-p",
            help="Folder with features/ models/ configs/ (default: $RISKENGINE_PROJECT, else here).",
        ),
    ] = None,
    log: Annotated[
        str, typer.Option("--log", help="Log lines as text or json (default: $RISKENGINE_LOG, else text).")
    ] = "",
) -> None:
    """Remember which project the command is for."""
    if log:
        choose_format(log)
    if context.invoked_subcommand not in _LIGHT:
        gc.enable()
    context.obj = project
    _mark(project)


def _mark(project: str | None) -> None:
    """Say on stderr that the data is invented, where it is."""
    from riskengine.project import find

    with contextlib.suppress(RiskEngineError):  # the command itself tells what is wrong with a project
        environment = find(project).environment
        if environment.synthetic and environment.note:
            sys.stderr.write(mark(f"[{environment.note.zh} {environment.note.en}]"))


def app_of(rooms: Iterable[str]) -> typer.Typer:
    """The command line with the words of these rooms."""
    made = typer.Typer(
        name="riskengine",
        help="Credit risk of guaranteed enterprises: intake, profiles, models, reviews and nightly signals. 融资担保风险引擎",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(options)
    for room in rooms:
        import_module(f"{__name__}.{room}").register(made)
    return made


def app_for(words: Sequence[str]) -> typer.Typer:
    """The command line that these words need: the room of the command; all of them where a list or a shell's completion is asked for."""
    word = _command(words)
    for room, said in ROOMS.items():
        if word in said:
            return app_of([room])
    made = app_of(ROOMS)
    return _listed(made) if word == "--help" else made


def _command(words: Sequence[str]) -> str:
    """The first word that is neither an option of the program nor an option's value."""
    left = iter(words)
    for word in left:
        if word in ("--project", "-p", "--log"):
            next(left, "")
        elif not word.startswith("-") or word == "--help":
            return word
    return ""


def _listed(made: typer.Typer) -> typer.Typer:
    """The same where only names and their first lines are shown."""
    for command in made.registered_commands:
        command.name = command.name or get_command_name(getattr(command.callback, "__name__", ""))
        command.help = command.help or inspect.getdoc(command.callback)
        command.callback = _nothing
    for group in made.registered_groups:
        empty = typer.Typer()
        if group.typer_instance:
            empty.info = group.typer_instance.info
        group.typer_instance = empty
    return made


def _nothing() -> None:
    """What a command does that is only listed."""


def __getattr__(name: str) -> Any:
    """`app`: the whole command line, made when it is asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("app", app_of(ROOMS))


def main() -> None:
    """Run the command line. Refusals go to stderr in words, with the exit code their kind has."""
    code: int | str | None = 0
    try:
        app_for(sys.argv[1:])(standalone_mode=True)
    except RiskEngineError as error:
        sys.stderr.write(refusal(error))
        code = error.exit_code
    except BrokenPipeError:
        code = 0
    except OSError as error:
        sys.stderr.write(f"riskengine: the machine refused: {error}\n")
        code = SetupError.exit_code
    except SystemExit as done:
        code = done.code
    if isinstance(code, int) and not gc.isenabled():
        # Everything a light command wrote is closed and synced: taking the interpreter apart would cost a tenth more.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
