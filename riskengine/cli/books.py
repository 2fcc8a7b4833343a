"""Words about what was done: `runs`, `audit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from riskengine.project import find
from riskengine.schema import Words

Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]
_ENDED = {
    "version": Words(en="version", zh="版本"),
    "failed": Words(en="failed", zh="失败"),
    "running": Words(en="running or killed", zh="运行中或已中断"),
}
_BEGAN = Words(en="began", zh="开始于")
_SECONDS = Words(en="{:.0f} s", zh="{:.0f} 秒")
_NOT_FINISHED = Words(en="not finished", zh="未结束")
_EARLIER = Words(en="an earlier attempt", zh="此前一次")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(runs)
    app.command()(audit)


def runs(context: typer.Context, language: Language = "") -> None:
    """List trainings and nights with how they ended, and under each the attempts before it. 运行记录"""
    from riskengine.store import ledger

    project = find(context.obj)
    tongue = language or project.environment.language
    for run in ledger.runs(ledger.open_ledger(project.store)):
        typer.echo(f"{run['run']}: {_ended(run, tongue)}")
        for before in run["earlier"]:
            typer.echo(f"    {_EARLIER.say(tongue)}: {_ended(before, tongue)}")


def _ended(run: Mapping[str, Any], tongue: str) -> str:
    from riskengine.reports.nightly_files import STATUS

    known = STATUS | _ENDED
    name, _, number = (run["status"], "", "") if run["status"] in known else run["status"].partition(" ")
    status = f"{known[name].say(tongue) if name in known else name} {number}".strip()
    done = run["finished"]
    lasted = (
        _SECONDS.say(tongue).format((done - run["started"]).total_seconds())
        if done
        else _NOT_FINISHED.say(tongue)
    )
    return f"{status}, {_BEGAN.say(tongue)} {run['started']:%Y-%m-%d %H:%M}, {lasted}"


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
