"""Words about data: `intake`, `profile`, `check`, `quarantine`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from riskengine import clock
from riskengine.cli.telling import telling
from riskengine.project import find


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(intake)
    app.command()(profile)
    app.command()(check)
    app.command()(quarantine)


def intake(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of the source: configs/sources/<name>.toml.")],
    files: Annotated[
        list[Path], typer.Argument(help="CSV, Parquet, JSON lines or XLSX as the publisher sent them.")
    ],
    received: Annotated[str | None, typer.Option(help="Day of arrival, YYYY-MM-DD (default: today).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The receipts as JSON.")] = False,
) -> None:
    """Take files in: check the contract, clean, append accepted rows, quarantine the rest, print a receipt. 数据接入"""
    from riskengine.intake.load import take_in
    from riskengine.reports.receipts import receipt_json, receipt_lines

    project = find(context.obj)
    day = clock.parse_day(received, "--received") if received else clock.today()
    with telling(f"taking in {source}"):
        receipts = take_in(project, source, files, day)
    if as_json:
        typer.echo(json.dumps([receipt_json(receipt) for receipt in receipts], ensure_ascii=False, indent=2))
    else:
        for receipt in receipts:
            typer.echo("\n".join(receipt_lines(receipt)))


def profile(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="ID", help="An enterprise, or an application or guarantee number.")
    ],
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    language: Annotated[str | None, typer.Option("--lang", help="en or zh (default: the project's).")] = None,
) -> None:
    """Show one enterprise: every feature with value, label, source, event date and known date. 企业画像"""
    from riskengine.profile.card import profile_card
    from riskengine.reports.profile_card import print_card

    project = find(context.obj)
    card = profile_card(project, name, clock.parse_day(as_of, "--as-of"))
    if as_json:
        typer.echo(json.dumps(card.to_json(), ensure_ascii=False, indent=2, default=str))
    else:
        print_card(card, language or project.environment.language)


def check(context: typer.Context) -> None:
    """Validate all definitions of the project together; list every problem at once. 检查定义"""
    from riskengine.reports.checking import check_project

    project = find(context.obj)
    counts, problems = check_project(project)
    for problem in problems:
        sys.stderr.write(f"  - {problem}\n")
    if problems:
        sys.stderr.write(f"riskengine: {len(problems)} problems in project {project.environment.name}\n")
        raise typer.Exit(2)
    listed = ", ".join(f"{number} {what}" for what, number in counts.items())
    typer.echo(f"{project.environment.name}: {listed}: all sound")


def quarantine(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of the source; empty: all.")] = "",
    most: Annotated[int, typer.Option(help="How many to show.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON lines, with the whole refused row.")
    ] = False,
) -> None:
    """List refused rows with file, row, column, rule and value. 隔离区"""
    from riskengine.errors import Problem, UsageError, nearest
    from riskengine.intake.contract import read_contracts
    from riskengine.store.ledger import open_ledger, refused

    project = find(context.obj)
    known = read_contracts(project)
    if source and source not in known:
        raise UsageError(
            "No such source", [Problem("source", "a known source", repr(source), nearest(source, known))]
        )
    found: list[dict[str, Any]] = refused(open_ledger(project.store), source)
    for entry in found[:most]:
        if as_json:
            typer.echo(json.dumps(entry, ensure_ascii=False, default=str))
        else:
            typer.echo(
                f"{entry['source']}: {entry['file']} row {entry['row']}, {entry['column'] or 'the whole row'}: {entry['rule']}, got {entry['value'] or entry['raw']!r}"
            )
    typer.echo(f"{len(found)} refusals" + (f", {most} shown" if len(found) > most else ""), err=True)
