"""Which words can an operator type? `riskengine --help` lists them; every command imports what it needs when it runs."""

from __future__ import annotations

import gc

gc.disable()  # an officer waits for a review: collecting while modules are imported costs a tenth of it

import contextlib
import os
import sys
from typing import Annotated

import typer

from riskengine.cli import (
    backtesting,
    books,
    cases,
    clustering,
    data,
    deciding,
    dossiers,
    exporting,
    health,
    identities,
    models,
    outcomes,
    policies,
    reminding,
    storing,
    synth,
    terms,
    validating,
    watching,
)
from riskengine.cli.telling import choose_format, mark, refusal
from riskengine.errors import RiskEngineError, SetupError
from riskengine.project import find

_LIGHT = ("review", "replay", "dossier", "evidence")  # commands an officer waits for

app = typer.Typer(
    name="riskengine",
    help="Credit risk of guaranteed enterprises: intake, profiles, models, reviews and nightly signals. 融资担保风险引擎",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
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
    with contextlib.suppress(RiskEngineError):  # the command itself tells what is wrong with a project
        environment = find(project).environment
        if environment.synthetic and environment.note:
            sys.stderr.write(mark(f"[{environment.note.zh} {environment.note.en}]"))


for room in (
    data,
    identities,
    models,
    deciding,
    watching,
    backtesting,
    dossiers,
    policies,
    books,
    storing,
    synth,
    outcomes,
    validating,
    exporting,
    clustering,
    health,
    terms,
    cases,
    reminding,
):
    room.register(app)


def main() -> None:
    """Run the command line. Refusals go to stderr in words, with the exit code their kind has."""
    code: int | str | None = 0
    try:
        app(standalone_mode=True)
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
