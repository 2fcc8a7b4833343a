"""Words about guarantees in force: `nightly`, `backfill`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from riskengine import clock
from riskengine.cli.telling import telling
from riskengine.project import find


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(nightly)
    app.command()(backfill)


def nightly(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")],
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as JSON.")] = False,
) -> None:
    """Take in what arrived, score every guarantee in force, publish signals, reminders and the report. 夜间批处理"""
    project = find(context.obj)
    day = clock.parse_past_day(as_of, "--as-of")
    with telling(f"night of {day}"):
        done = project.pipeline("nightly").run(project, day)
    typer.echo(json.dumps(done.manifest, indent=2, ensure_ascii=False) if as_json else done.summary())


def backfill(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="First day.")],
    end: Annotated[str, typer.Option("--to", help="Last day.")],
) -> None:
    """Run the night for every month-end between two days. 补跑"""
    project = find(context.obj)
    days = clock.parse_day(start, "--from"), clock.parse_past_day(end, "--to")
    with telling(f"nights {start} to {end}"):
        for done in project.pipeline("backfill").run(project, *days):
            typer.echo(done.summary())
