"""Words about models: `retrain`, `models`, `evaluate`; those about their changes are in `cli.changing`."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli import changing
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model: models/<name>.toml.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(retrain)
    app.command("models")(list_models)
    app.command()(evaluate)
    changing.register(app)


def retrain(
    context: typer.Context,
    model: ModelName,
    as_of: Annotated[
        str, typer.Option(help="The day of training: only what was known and mature then counts.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The model card as JSON.")] = False,
) -> None:
    """Train, test, calibrate; log to MLflow and register as challenger. 重新训练"""
    from riskengine.reports.model_card import card_lines

    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of")
    with telling(f"training {model} as of {day}"):
        done = project.pipeline("retrain").run(project, model, day)
    if as_json:
        typer.echo(
            json.dumps(
                {"version": done.version, "bundle": done.bundle, "card": done.card},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    for line in card_lines(done.card):
        typer.echo(line)
    typer.echo(f"{model} version {done.version} is registered as challenger (bundle {done.bundle[:12]})")
    typer.echo(f"Next: riskengine promote {model} {done.version} --plan, then --why TEXT")


def list_models(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model; empty: all.")] = "",
    inventory: Annotated[bool, typer.Option("--inventory", help="Who answers for what, until when.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The inventory as JSON.")] = False,
    language: Annotated[
        Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")
    ] = "",
) -> None:
    """List registered versions: stage, bundle, who promoted them when; or the inventory. 模型清单与台账"""
    from riskengine.registry import history, office, settled, versions
    from riskengine.reports.model_inventory import inventory as model_inventory
    from riskengine.reports.model_inventory import inventory_lines, version_line

    project = project_of(context)
    here = office(project)
    names = [model] if model else [path.stem for path in project.definition_files("models", ".toml")]
    if inventory or as_json:
        found = [one for one in model_inventory(project, clock.today()) if one["model"] in names]
        shown = json.dumps(found, indent=2, ensure_ascii=False)
        tongue = language or project.environment.language
        typer.echo(shown if as_json else "\n".join(inventory_lines(found, tongue)))
        return
    for name in names:
        listed = versions(here.registry, name)
        if not listed:
            typer.echo(f"{name}: no version yet (riskengine retrain {name} --as-of DATE)", err=True)
            continue
        done = settled(here, name)
        if done != "nothing":
            typer.echo(f"{name}: a change that was killed has been {done}", err=True)
        acts = history(project.store, name)
        for version in listed:
            typer.echo(version_line(project, version, acts))


def evaluate(
    context: typer.Context,
    model: ModelName,
    start: Annotated[str, typer.Option("--from", help="First as-of day.")],
    end: Annotated[str, typer.Option("--to", help="Last as-of day.")],
    known: Annotated[str, typer.Option(help="Outcomes as known on this day; immature ones are left out.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Test the champion on subjects of another period, each profiled as of its own day. 模型检验"""
    from riskengine.learning.later import evaluate_champion
    from riskengine.reports.model_card import evaluation_lines

    project = project_of(context)
    days = (
        clock.parse_day(start, "--from"),
        clock.parse_past_day(end, "--to"),
        clock.parse_past_day(known, "--known"),
    )
    with telling(f"testing the champion of {model}"):
        result = evaluate_champion(project, model, days)
    if as_json:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join(evaluation_lines(result)))
