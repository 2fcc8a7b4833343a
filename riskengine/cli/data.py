"""Words about data: `intake`, `profile`, `check`, `quarantine`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling

if TYPE_CHECKING:
    from riskengine.project import Project


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(intake)
    app.command()(profile)
    app.command()(check)
    app.command()(quarantine)


def intake(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of the source: configs/sources/<name>.toml.")] = "",
    files: Annotated[
        list[Path] | None, typer.Argument(help="CSV, Parquet, JSON lines or XLSX as the publisher sent them.")
    ] = None,
    received: Annotated[str | None, typer.Option(help="Day of arrival, YYYY-MM-DD (default: today).")] = None,
    inbox: Annotated[
        bool, typer.Option("--arrived", help="Everything in the inbox that has arrived, of all sources.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option(help="With --arrived: the day by which (default: today).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The receipts as JSON.")] = False,
) -> None:
    """Take files in: check the contract, clean, append accepted rows, quarantine the rest, print a receipt. 数据接入

    A file whose structure is wrong stops it; with --arrived such a file is held and the others are taken in.
    """
    _one_way(inbox, (source, files, received), as_of)
    if inbox:
        _take_in_arrived(
            project_of(context), clock.parse_past_day(as_of, "--as-of") if as_of else clock.today(), as_json
        )
        return
    from riskengine.intake.load import take_in
    from riskengine.reports.receipts import receipt_json, receipt_lines

    project = project_of(context)
    day = clock.parse_past_day(received, "--received") if received else clock.today()
    with telling(f"taking in {source}"):
        receipts = take_in(project, source, files or [], day)
    if as_json:
        typer.echo(json.dumps([receipt_json(receipt) for receipt in receipts], ensure_ascii=False, indent=2))
    else:
        for receipt in receipts:
            typer.echo("\n".join(receipt_lines(receipt)))


def _one_way(inbox: bool, named: tuple[str, list[Path] | None, str | None], as_of: str | None) -> None:
    """Refuse a command that mixes the two ways of naming files, or names none."""
    from riskengine.errors import Problem, UsageError

    source, files, received = named
    problems = []
    if inbox and (source or files):
        problems.append(
            Problem("intake --arrived", "no source and no files", source, "It takes in all that arrived")
        )
    if inbox and received:
        problems.append(
            Problem("--received", "--as-of with --arrived", "--received", "Files are named for their day")
        )
    if not inbox and not (source and files):
        problems.append(
            Problem(
                "intake", "SOURCE FILES, or --arrived", source or "neither", "See riskengine intake --help"
            )
        )
    if not inbox and as_of:
        problems.append(
            Problem("--as-of", "--arrived with it", "no --arrived", "A single file has --received")
        )
    if problems:
        raise UsageError("Which files?", problems)


def _take_in_arrived(project: Project, day: date, as_json: bool) -> None:
    from riskengine.intake.deliveries import Delivery, counted, take_arrived
    from riskengine.reports.receipts import delivery_json, delivery_line, held_line, rows_line

    def say(one: Delivery) -> None:
        if not as_json:
            typer.echo(delivery_line(one))

    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"taking in what arrived by {day} 数据接入", total=1.0)

            def moved(one: Delivery, part: float) -> None:
                bar.update(task, completed=part)

            done = take_arrived(project, day, moved)
        for one in done:
            say(one)
    else:
        done = take_arrived(project, day, lambda one, _: say(one))
    held = [file for one in done for file in one.held]
    receipts = [receipt for one in done for receipt in one.receipts]
    total = counted(receipts)
    if as_json:
        told = {"as_of": str(day), "sources": [delivery_json(one) for one in done], "total": asdict(total)}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        files = len(receipts) + len(held)
        typer.echo(
            f"total  {files} files of {len(done)} sources: {rows_line(total)}"
            if done
            else f"Nothing new had arrived by {day}"
        )
    for file in held:
        typer.echo(held_line(file), err=as_json)
    if held and not receipts:
        sys.stderr.write("riskengine: everything that arrived is held\n")
        raise typer.Exit(2)


def profile(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="ID", help="An enterprise, or an application or guarantee number.")
    ],
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    language: Annotated[
        Literal["zh", "en"] | None, typer.Option("--lang", help="en or zh (default: the project's).")
    ] = None,
) -> None:
    """Show one enterprise: every feature with value, label, source, event date and known date. 企业画像"""
    from riskengine.profile.card import profile_card
    from riskengine.reports.profile_card import print_card

    project = project_of(context)
    card = profile_card(project, name, clock.parse_past_day(as_of, "--as-of"))
    if as_json:
        typer.echo(json.dumps(card.to_json(), ensure_ascii=False, indent=2, default=str))
    else:
        print_card(card, language or project.environment.language)


def check(context: typer.Context) -> None:
    """Validate all definitions of the project together; list every problem at once. 检查定义"""
    from riskengine.reports.checking import check_project

    project = project_of(context)
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
    """List held files, then refused rows with file, row, column, rule and value. 隔离区"""
    from riskengine.errors import Problem, UsageError, nearest
    from riskengine.intake.contract import read_contracts
    from riskengine.reports.receipts import held_json, held_line
    from riskengine.store.ledger import held_files, open_ledger, refused

    project = project_of(context)
    known = read_contracts(project)
    if source and source not in known:
        raise UsageError(
            "No such source", [Problem("source", "a known source", repr(source), nearest(source, known))]
        )
    ledger = open_ledger(project.store)
    held = held_files(ledger, source)
    for file in held:
        typer.echo(json.dumps({"held": held_json(file)}, ensure_ascii=False) if as_json else held_line(file))
    found: list[dict[str, Any]] = refused(ledger, source)
    for entry in found[:most]:
        if as_json:
            typer.echo(json.dumps(entry, ensure_ascii=False, default=str))
        else:
            typer.echo(
                f"{entry['source']}: {entry['file']} row {entry['row']}, {entry['column'] or 'the whole row'}: {entry['rule']}, got {entry['value'] or entry['raw']!r}"
            )
    files = f"{len(held)} files held, " if held else ""
    typer.echo(f"{files}{len(found)} refusals" + (f", {most} shown" if len(found) > most else ""), err=True)
