"""Words about what was done: `runs`, `audit`."""

from __future__ import annotations

import typer

from riskengine.project import find


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(runs)
    app.command()(audit)


def runs(context: typer.Context) -> None:
    """List trainings and nights with how they ended. 运行记录"""
    from riskengine.store import ledger

    for run in ledger.runs(ledger.open_ledger(find(context.obj).store)):
        lasted = (
            f"{(run['finished'] - run['started']).total_seconds():.0f} s"
            if run["finished"]
            else "not finished"
        )
        typer.echo(f"{run['run']}: {run['status']}, began {run['started']:%Y-%m-%d %H:%M}, {lasted}")


def audit(context: typer.Context) -> None:
    """Verify the hash chain of promotions and of acts about cases and reminders, and list it: who, when, what, from, to. 审计"""
    from riskengine.casework.acts import verify
    from riskengine.monitor.acknowledged import verify as verify_reminders
    from riskengine.store import ledger

    book = ledger.open_ledger(find(context.obj).store)
    count = ledger.verify_audit(book)
    verify(book)
    verify_reminders(book)
    for act in ledger.acts(book):
        typer.echo(f"{act['at'][:16]} {act['actor']}: {act['action']} {act['subject']} {act['detail']}")
    typer.echo(f"{count} acts, the chain is whole", err=True)
