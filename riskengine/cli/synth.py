"""The word that makes a synthetic province: `synth`."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from riskengine import clock
from riskengine.cli.here import project_of


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command()(synth)


def synth(
    context: typer.Context,
    enterprises: Annotated[int, typer.Option(help="How many enterprises.")] = 20_000,
    start: Annotated[
        str, typer.Option("--from", help="First day of the first month, YYYY-MM-DD.")
    ] = "2023-07-01",
    end: Annotated[str, typer.Option("--to", help="Last day of the last month, YYYY-MM-DD.")] = "2026-06-30",
    connected: Annotated[
        str,
        typer.Option(
            help="Monthly publishers are connected from this day on, YYYY-MM-DD: before it nothing of theirs came."
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to become a project with inbox/ and, apart, truth/ (default: STORE/province)."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up a province that is in use, its store and all.")
    ] = False,
) -> None:
    """Make a SYNTHETIC province: files as publishers would send them, and the truth apart. 生成合成省份数据"""
    from riskengine.intake.contract import read_contracts
    from riskengine.province.definitions import write_applicants, write_definitions
    from riskengine.province.generate import synthesise
    from riskengine.province.state import Ask

    project = project_of(context)
    folder = out if out is not None else project.store / "province"
    since = clock.parse_day(connected, "--connected") if connected else None
    ask = Ask(enterprises, clock.parse_day(start, "--from"), clock.parse_day(end, "--to"), seed, since)
    contracts = read_contracts(project)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("SYNTHETIC province 合成省份", total=1.0)
            made = synthesise(ask, contracts, folder, lambda done: bar.update(task, completed=done), replace)
    else:
        made = synthesise(
            ask,
            contracts,
            folder,
            lambda done: typer.echo(f"synthetic province: {done:.0%} published", err=True),
            replace,
        )
    write_definitions(project, folder, since)
    applicants = write_applicants(folder)
    total = sum(made.rows.values())
    typer.echo(
        f"SYNTHETIC 合成数据: {enterprises:,} enterprises, {made.guarantees:,} guarantees, {made.compensations:,} compensations,"
        f" {total:,} rows of {len(made.rows)} sources in {made.folder}; {applicants} applicants of the last days in applicants.csv"
    )
    typer.echo(f"Next: riskengine --project {made.folder} intake --arrived --as-of {_eve(ask.end)}")


def _eve(end: date) -> date:
    """The day before the last daily deliveries."""
    return end - timedelta(days=3)
