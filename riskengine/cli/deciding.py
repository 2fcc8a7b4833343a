"""Words about applicants: `review`, `replay`. Nothing heavy is imported on this path."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.errors import Problem, UsageError

if TYPE_CHECKING:
    from riskengine.project import Project


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(review)
    app.command()(replay)


def review(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")],
    name: Annotated[str | None, typer.Option("--id", help="An application already taken in.")] = None,
    applicants: Annotated[
        Path | None, typer.Option(help="A file with one row per applicant, in the sources' own column names.")
    ] = None,
    serve: Annotated[
        bool,
        typer.Option(
            help='Stay: one JSON question a line on stdin, {"id": ID} or {"rows": [...]}, one answer a line.'
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the result: .csv, .parquet, .jsonl or .json.")
    ] = None,
    language: Annotated[
        Literal["zh", "en"] | None, typer.Option("--lang", help="en or zh (default: the project's).")
    ] = None,
) -> None:
    """Pre-review applicants: PD, grade, decision, rules, reasons, suggested amount. 准入预审"""
    if (name is not None) + (applicants is not None) + serve != 1:
        got = "none" if name is None and applicants is None else "more than one"
        expected = "one of --id ID, --applicants FILE and --serve"
        raise UsageError("Whom to review?", [Problem("review", expected, got)])
    if out is not None:
        from riskengine.decision.delivery import check_format

        check_format(out)
    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of")
    if serve:
        _serve(project, day)
        return
    run = project.pipeline("review").run(project, day, name if name is not None else applicants)
    run.deliver(out=out, as_json=as_json, language=language or project.environment.language)


def _serve(project: Project, day: date) -> None:
    """Answer question after question until stdin ends; nothing is read again that has not changed."""
    import gc
    import json
    import sys

    from riskengine.decision.open_desk import OpenDesk, answers
    from riskengine.intake.personal import redacted

    gc.enable()
    with OpenDesk(project) as desk:
        for answer in answers(desk, sys.stdin, day):
            sys.stdout.write(redacted(json.dumps(answer, ensure_ascii=False, allow_nan=False)) + "\n")
            sys.stdout.flush()


def replay(
    context: typer.Context,
    decision_id: Annotated[str, typer.Argument(help="The id a review printed.")],
    as_json: Annotated[bool, typer.Option("--json", help="The stored record as JSON.")] = False,
) -> None:
    """Rebuild a past decision from what it used and compare the bytes. 决策重现"""
    from riskengine.decision.replay import replay as rebuild
    from riskengine.intake.personal import redacted

    project = project_of(context)
    result = rebuild(project.store, decision_id, project.environment.currency)
    typer.echo(result.text(project.environment.language) if not as_json else redacted(result.record))
