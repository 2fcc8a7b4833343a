"""Words about what was done: `runs`, `audit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from riskengine.cli.here import project_of

Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(runs)
    app.command()(audit)


def runs(context: typer.Context, language: Language = "") -> None:
    """List trainings and nights with how they ended, and under each the attempts before it. 运行记录"""
    from riskengine.cli.texts import EARLIER
    from riskengine.store import ledger

    project = project_of(context)
    tongue = language or project.environment.language
    for run in ledger.runs(ledger.open_ledger(project.store)):
        typer.echo(f"{run['run']}: {_ended(run, tongue)}")
        for before in run["earlier"]:
            typer.echo(f"    {EARLIER.say(tongue)}: {_ended(before, tongue)}")


def _ended(run: Mapping[str, Any], tongue: str) -> str:
    from riskengine.cli.texts import BEGAN, ENDED, NOT_FINISHED, SECONDS
    from riskengine.reports.nightly_files import STATUS

    known = STATUS | ENDED
    name, _, number = (run["status"], "", "") if run["status"] in known else run["status"].partition(" ")
    status = f"{known[name].say(tongue) if name in known else name} {number}".strip()
    done = run["finished"]
    lasted = (
        SECONDS.say(tongue).format((done - run["started"]).total_seconds())
        if done
        else NOT_FINISHED.say(tongue)
    )
    return f"{status}, {BEGAN.say(tongue)} {run['started']:%Y-%m-%d %H:%M}, {lasted}"


def audit(context: typer.Context) -> None:
    """Verify the hash chain of promotions and of acts about cases and reminders, and list it: who, when, what, from, to. 审计"""
    from riskengine.casework.acts import verify
    from riskengine.monitor.acknowledged import verify as verify_reminders
    from riskengine.store import ledger

    book = ledger.open_ledger(project_of(context).store)
    count = ledger.verify_audit(book)
    verify(book)
    verify_reminders(book)
    for act in ledger.acts(book):
        typer.echo(f"{act['at'][:16]} {act['actor']}: {act['action']} {act['subject']} {act['detail']}")
    typer.echo(f"{count} acts, the chain is whole", err=True)
