"""Words about models: `retrain`, `promote`, `models`, `evaluate`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from riskengine import clock
from riskengine.cli.telling import telling
from riskengine.project import find

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model: models/<name>.toml.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(retrain)
    app.command()(promote)
    app.command("models")(list_models)
    app.command()(evaluate)


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

    project = find(context.obj)
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
    typer.echo(f"Next: riskengine promote {model} {done.version}")


def promote(
    context: typer.Context,
    model: ModelName,
    version: Annotated[int, typer.Argument(help="The registered version.")],
) -> None:
    """Make a registered version the champion that reviews and nights use. 上线"""
    from riskengine.registry import Registry
    from riskengine.registry import promote as promote_version

    project = find(context.obj)
    from getpass import getuser

    from riskengine.store.ledger import Act, open_ledger, record_act

    actor = getuser()
    change = promote_version(Registry(project.store, project.environment.tracking_uri), model, version)
    moved = {"from": change.old_bundle, "to": change.new_bundle, "version": version}
    record_act(open_ledger(project.store), Act(clock.now(), actor, "promote", model, moved))
    before = f"version {change.old_version}" if change.old_version else "none"
    typer.echo(
        f"{model}: champion is version {change.new_version} (bundle {change.new_bundle[:12]}), before: {before}"
    )


def list_models(
    context: typer.Context, model: Annotated[str, typer.Argument(help="A model; empty: all.")] = ""
) -> None:
    """List registered versions with their aliases and bundles. 模型清单"""
    from riskengine.registry import Registry, versions

    project = find(context.obj)
    registry = Registry(project.store, project.environment.tracking_uri)
    names = [model] if model else [path.stem for path in project.definition_files("models", ".toml")]
    for name in names:
        found = versions(registry, name)
        if not found:
            typer.echo(f"{name}: no version yet (riskengine retrain {name} --as-of DATE)", err=True)
        for version in found:
            aliases = ", ".join(version.aliases) or "-"
            typer.echo(
                f"{name} {version.version}: {aliases}, trained as of {version.as_of}, bundle {version.bundle[:12]}"
            )


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

    project = find(context.obj)
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
