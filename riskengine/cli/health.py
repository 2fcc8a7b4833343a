"""Words about models that are at work: `health`, `shadow`."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling

ALARMED = 10  # exit code
AsOf = Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD (default: today).")]
Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(health)
    app.command()(shadow)


def health(
    context: typer.Context,
    as_of: AsOf = "",
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    fail_on: Annotated[
        Literal["never", "warn", "alarm"],
        typer.Option(help="Exit with code 10 at this level or a worse one."),
    ] = "never",
    language: Language = "",
) -> None:
    """Is each champion still what was promoted: drift, performance, decisions, and do they agree? 模型运行监测"""
    from riskengine.monitor.after_deployment import health as seen
    from riskengine.monitor.agreement import LEVELS
    from riskengine.reports.health_lines import health_lines

    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of") if as_of else clock.today()
    with telling(f"health on {day}"):
        told = seen(project, day)
    tongue = language or project.environment.language
    shown = (
        json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(health_lines(told, tongue))
    )
    typer.echo(shown)
    if fail_on != "never" and LEVELS.index(told["level"]) >= LEVELS.index(fail_on):
        raise typer.Exit(ALARMED)


def shadow(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model: models/<name>.toml.")],
    as_of: AsOf = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    language: Language = "",
) -> None:
    """Champion or challenger: whose PDs came nearer to what happened? Valid at any time of looking. 影子对比"""
    from riskengine.monitor.rivalry import rivalry
    from riskengine.reports.health_lines import rivalry_lines

    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of") if as_of else clock.today()
    with telling(f"champion and challenger of {model}"):
        told = rivalry(project, model, day)
    tongue = language or project.environment.language
    typer.echo(
        json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(rivalry_lines(told, tongue))
    )
