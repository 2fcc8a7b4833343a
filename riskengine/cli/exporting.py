"""Words about taking a model elsewhere and looking into its reasons: `export`, `reasons`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.errors import Problem, UsageError, nearest

if TYPE_CHECKING:
    from riskengine.project import Project
    from riskengine.scoring.bundle import Bundle

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model: models/<name>.toml.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(export)
    app.command()(reasons)


def export(
    context: typer.Context,
    model: ModelName,
    to: Annotated[Path, typer.Option("--to", help="The SQL file to write.")],
    version: Annotated[int, typer.Option(help="A registered version; without it the champion.")] = 0,
    alias: Annotated[str, typer.Option(help="An alias, e.g. challenger; without it the champion.")] = "",
    dialect: Annotated[str, typer.Option(help="duckdb or ansi.")] = "duckdb",
) -> None:
    """Write a bundle as one SQL SELECT: trees, calibration, grades. 导出为SQL"""
    from riskengine.scoring.sql import bundle_sql
    from riskengine.store.snapshot import replace_text

    bundle = _bundle(project_of(context), model, version, alias)
    replace_text(to, bundle_sql(bundle, dialect))
    typer.echo(
        f"{model} bundle {bundle.hash[:12]} -> {to} (reads table profiles: id, {len(bundle.features)} features)"
    )


def reasons(
    context: typer.Context,
    model: ModelName,
    as_of: Annotated[str, typer.Option(help="The day of the book, or up to which applications are known.")],
    version: Annotated[int, typer.Option(help="A registered version; without it the champion.")] = 0,
    alias: Annotated[str, typer.Option(help="An alias, e.g. challenger; without it the champion.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Check the reasons of every row: sums, and whether the top reason's peers' median improves the PD. 核验理由"""
    from dataclasses import asdict

    from riskengine.decision.reason_check import book_of, checked_reasons

    project = project_of(context)
    bundle = _bundle(project, model, version, alias)
    found = checked_reasons(bundle, book_of(project, bundle, clock.parse_past_day(as_of, "--as-of")))
    if as_json:
        typer.echo(json.dumps({**asdict(found), "share": found.share}))
        return
    share = "nobody has one" if found.share is None else f"{found.share:.2%} of {found.told:,}"
    typer.echo(f"{model} bundle {bundle.hash[:12]}: {found.rows:,} rows as of {as_of}")
    typer.echo(
        f"  the top adverse reason at the peers' median improves the PD: {share}; flat: {found.flat:,}"
    )
    typer.echo(f"  above the expected score without an adverse reason: {found.unexplained:,}")
    typer.echo(
        f"  greatest |bias + contributions - score|: {found.gap:.1e}; missing values cited: {found.missing_cited}"
    )


def _bundle(project: Project, model: str, version: int, alias: str) -> Bundle:
    """The bundle an operator means: a version, an alias, else the champion; both at once is a `UsageError`."""
    from riskengine.scoring.bundle import champion, read_bundle

    if version and alias:
        raise UsageError("Which one?", [Problem("export", "--version or --alias", "both")])
    if not version and alias in ("", "champion"):
        return champion(project.store, model)
    from riskengine.registry import Registry, fetch, find_version, versions

    registry = Registry(project.store, project.environment.tracking_uri)
    if alias:
        named = {name: found.version for found in versions(registry, model) for name in found.aliases}
        if alias not in named:
            hint = nearest(alias, named)
            raise UsageError(
                f"No such alias of {model}",
                [Problem("--alias", ", ".join(sorted(named)) or "a model", alias, hint)],
            )
        version = named[alias]
    found = find_version(registry, model, version)
    return read_bundle(fetch(registry, found), found.bundle)
