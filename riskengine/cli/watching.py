"""Words about guarantees in force: `nightly`, `backfill`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import in_json, telling
from riskengine.errors import FindingsError, Problem, StaleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from riskengine.project import Project

Worst = Literal["", "red", "orange", "yellow", "blue"]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(nightly)
    app.command()(backfill)


def nightly(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")],
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as JSON.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what the night would do. 只预览")] = False,
    fail_on: Annotated[
        Worst, typer.Option("--fail-on", help="Exit with 10 where something of this severity, or worse, came up tonight.")
    ] = "",
) -> None:  # fmt: skip
    """Take in what arrived, score every guarantee in force, publish signals, reminders and the report. 夜间批处理"""
    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of")
    if plan:
        from riskengine.reports.night_ahead import ahead_lines

        told = project.pipeline("nightly").ahead(project, day)
        lines = "\n".join(ahead_lines(told, project.environment.language))
        typer.echo(json.dumps(told.to_json(), indent=2, ensure_ascii=False) if as_json else lines)
        return
    from riskengine.reports.nightly_files import stage_lines, summary

    with telling(f"night of {day}"):
        done = project.pipeline("nightly").run(project, day)
    if done.status != "no change" and not in_json():
        typer.echo(stage_lines(done.manifest, project.environment.language), err=True)
    lines = summary(done, project.environment.language)
    typer.echo(json.dumps(done.manifest, indent=2, ensure_ascii=False) if as_json else lines)
    check(project, done.manifest, fail_on)


def backfill(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="First day.")],
    end: Annotated[str, typer.Option("--to", help="Last day.")],
) -> None:
    """Run the night for every month-end between two days. 补跑"""
    from riskengine.reports.nightly_files import summary

    project = project_of(context)
    days = clock.parse_day(start, "--from"), clock.parse_past_day(end, "--to")
    with telling(f"nights {start} to {end}"):
        for done in project.pipeline("backfill").run(project, *days):
            typer.echo(summary(done, project.environment.language))


def check(project: Project, manifest: Mapping[str, Any], fail_on: str) -> None:
    """Refuse with exit code 3 where a feed that the environment requires was silent too long, with 10 where something of
    the severity asked for came up tonight. The night is published either way."""
    required = project.environment.required
    stale = [feed for feed in manifest["health"] if feed["source"] in required and feed["stale"]]
    if stale:
        problems = [
            Problem(
                f"source {feed['source']}",
                "news within its stale_after",
                f"a held file, the last news {feed['last_known']}" if feed["held"] else f"the last {feed['last_known'] or 'never'}",
                "Ask the publisher; nothing that rests on it was cleared tonight",
            )
            for feed in stale
        ]  # fmt: skip
        raise StaleError(
            f"The night of {manifest['as_of']} is published, but data it requires is too old", problems
        )
    fresh = manifest["fresh"]
    asked = [name for name in ("red", "orange", "yellow", "blue") if fresh.get(name)]
    order = ("red", "orange", "yellow", "blue")
    found = [name for name in asked if fail_on and order.index(name) <= order.index(fail_on)]
    if found:
        said = ", ".join(f"{fresh[name]} {name}" for name in found)
        raise FindingsError(
            f"The night of {manifest['as_of']} has findings",
            [
                Problem(
                    "--fail-on",
                    f"nothing new of {fail_on} or worse",
                    said,
                    "Open the report, or riskengine signals list",
                )
            ],
        )
