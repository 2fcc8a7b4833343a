"""Words about what has to be done by when and how it reaches people: `reminders`, `outbox`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.errors import Problem, SetupError

if TYPE_CHECKING:
    from riskengine.monitor.deadlines import Deadlines
    from riskengine.project import Project

Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]
AsOf = Annotated[str, typer.Option(help="The day whose last night counts (default: today).")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="As listed: reminder|subject|due date.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="As listed: reminder|subject|due date.")]
On = Annotated[str, typer.Option(help="The day it counts from (default: today).")]
reminders = typer.Typer(help="What has to be done by when. 保后提醒", no_args_is_help=True)
outbox = typer.Typer(help="Digests on their way out: webhook and mail. 发件箱", no_args_is_help=True)
SAID = {
    "ack": ("acknowledged", "已签收"),
    "done": ("done", "已办结"),
    "reopen": ("open again", "已重开"),
}


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(reminders, name="reminders")
    app.add_typer(outbox, name="outbox")


@reminders.command("list")
def list_reminders(
    context: typer.Context,
    as_of: AsOf = "",
    officer: Annotated[str, typer.Option(help="Only those of this officer or desk.")] = "",
    money: Annotated[
        bool, typer.Option("--money", help="Only what loses money when missed. 错过即损失")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 50,
    as_json: AsJson = False,
    language: Language = "",
) -> None:
    """The reminders of the last night with what was said since, in their order: open ones first.

    What loses money when missed stays on the list as done, by whom and why, until the next night. 提醒清单
    """
    from riskengine.casework.reminder_desk import of_officer, published, with_acts
    from riskengine.intake.personal import shown
    from riskengine.monitor.acknowledged import acknowledged
    from riskengine.monitor.reminders import LEVELS, LOSES
    from riskengine.store.ledger import open_ledger

    project = project_of(context)
    day = _deadlines(project).past_day(as_of)
    night, rows = published(project, day)
    rows = with_acts(rows, acknowledged(open_ledger(project.store), day))
    rows = rows.assign(officer=rows.officer.map(shown))
    if officer:
        rows, near = of_officer(rows, officer)
        if near and not as_json:
            typer.echo(f"No reminder of officer {officer!r} 无此客户经理的提醒. {near}")
    if money:
        rows = rows[rows.loses.fillna("") != ""]
    rows = rows.sort_values(["done", "acknowledged"], kind="stable")
    found, rows = len(rows), rows.head(limit) if limit else rows
    if as_json:
        typer.echo(json.dumps([_plain(row) for row in rows.to_dict("records")], indent=2, ensure_ascii=False))
        return
    lang = language or project.environment.language
    zh = lang == "zh"
    typer.echo(f"{night}: {found:,} {'条提醒' if zh else 'reminder(s)'}")
    for row in rows.to_dict("records"):
        told = [str(row["due"]), _left(int(row["days_left"]), zh)]
        if row["loses"]:
            told.append(f"[{LOSES[row['loses']].say(lang)} {row['at_stake']:,.0f}]")
        if row["level"]:
            told.append(f"↑{LEVELS[int(row['level'])].say(lang)}")
        if row["done"]:
            told.append(
                f"({SAID['done'][zh]} {row['acknowledged_by']} {row['acknowledged_on']}: {row['why']})"
            )
        elif row["acknowledged_by"]:
            again = "" if row["acknowledged"] else ("，又到新节点" if zh else ", a further step since")
            told.append(
                f"({'签收' if zh else 'ack'} {row['acknowledged_by']} {row['acknowledged_on']}{again})"
            )
        typer.echo(
            "  ".join([*told, str(row["key"]), str(row[f"text_{lang}"]), str(row["officer"] or "")]).rstrip()
        )
    if found > len(rows):
        more = f"{found - len(rows):,}"
        typer.echo(f"另有 {more} 条（--limit 0 显示全部）" if zh else f"{more} more (--limit 0 shows all)")
    for key in rows[~rows.done]["key"].head(1):
        typer.echo(f"{'签收' if zh else 'next'}: riskengine reminders ack {shlex.quote(str(key))}")


@reminders.command()
def ack(
    context: typer.Context,
    keys: Keys,
    why: Annotated[str, typer.Option(help="A note; kept for good.")] = "",
    on: On = "",
    as_json: AsJson = False,
    language: Language = "",
) -> None:
    """Say that you have seen reminders: not repeated until their next lead or escalation. 签收"""
    _say(project_of(context), ("ack", keys, why, on), as_json, language)


@reminders.command()
def done(
    context: typer.Context,
    key: Key,
    why: Annotated[str, typer.Option(help="What shows it: document, date, number. 办结依据")],
    on: On = "",
    as_json: AsJson = False,
    language: Language = "",
) -> None:
    """Say that a thing is done where no feed tells, and by what it shows. 办结"""
    _say(project_of(context), ("done", [key], why, on), as_json, language)


@reminders.command()
def reopen(
    context: typer.Context,
    key: Key,
    why: Annotated[str, typer.Option(help="Why it is not done after all. 重开原因")],
    on: On = "",
    as_json: AsJson = False,
    language: Language = "",
) -> None:
    """Take back that a thing is done: the next night asks again. 重开"""
    _say(project_of(context), ("reopen", [key], why, on), as_json, language)


@reminders.command()
def history(context: typer.Context, key: Key, as_json: AsJson = False) -> None:
    """What was published and said of a reminder and of those it replaced. 提醒沿革"""
    from riskengine.casework.reminder_desk import history as told_of
    from riskengine.store.ledger import open_ledger

    project = project_of(context)
    rows = [_plain(row) for row in told_of(project, open_ledger(project.store), key)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        said = [f"{name} {row[name]}" for name in ("by", "why", "status", "lead", "level", "replaces", "replaced_by")
                if row.get(name) not in (None, "", 0)]  # fmt: skip
        typer.echo("  ".join([row["day"], row["key"], row["what"], *said]))


@outbox.command("list")
def list_outbox(
    context: typer.Context,
    state: Annotated[
        Literal["", "queued", "sent", "failed", "superseded"], typer.Option(help="Only in this state.")
    ] = "",
    as_json: AsJson = False,
    language: Language = "",
) -> None:
    """Messages with their state, attempts and last error. 发件清单"""
    from riskengine.casework.outbox import listed
    from riskengine.store.ledger import open_ledger

    project = project_of(context)
    rows = [_plain(row) for row in listed(open_ledger(project.store), state)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        error = f"  {row['last_error']}" if row["last_error"] else ""
        typer.echo(f"{row['state']:<10}  {row['key']}  {row['attempts']}x{error}")
    zh = (language or project.environment.language) == "zh"
    made = _counted(len(rows), zh) if rows else _none(project, zh)
    typer.echo(made)


@outbox.command()
def send(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would leave.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what failed and still waits.")] = False,
    as_json: AsJson = False,
    language: Language = "",
) -> None:
    """Deliver what is queued by the ways that configs/outputs.toml switches on; at least once. 发送"""
    from riskengine.casework import outbox as box
    from riskengine.casework.channels import deliverers, read_channels
    from riskengine.store.ledger import open_ledger

    project = project_of(context)
    channels = read_channels(project.configs)
    ledger = open_ledger(project.store)
    keys = box.open_messages(ledger, clock.now(), channels.kinds, again)
    zh = (language or project.environment.language) == "zh"
    if dry_run or not keys:
        if as_json:
            typer.echo(json.dumps({"on": channels.kinds, "keys": keys}))
            return
        would = f"待发送 {len(keys):,} 条" if zh else f"{len(keys):,} would leave"
        typer.echo("\n".join([*keys, would if keys else _none(project, zh, "待发送" if zh else "to send")]))
        return
    ways = deliverers(channels)
    ended = [box.send(ledger, key, ways[key.partition("|")[0]], clock.now) for key in keys]
    sent = [one.key for one in ended if one and not one.error]
    failed = [one for one in ended if one and one.error]
    if as_json:
        typer.echo(
            json.dumps({"sent": sent, "failed": {one.key: one.error for one in failed}}, ensure_ascii=False)
        )
    else:
        counts = (
            f"已发送 {len(sent):,} 条，失败 {len(failed):,} 条"
            if zh
            else f"{len(sent):,} sent, {len(failed):,} failed"
        )
        typer.echo("\n".join([*(f"{'已发送' if zh else 'sent'}  {key}" for key in sent), counts]))
    if failed:
        hint = "It stays in the outbox and is tried again by the next send"
        raise SetupError(
            "Not everything was delivered", [Problem(one.key, "accepted", one.error, hint) for one in failed]
        )


def _counted(count: int, zh: bool) -> str:
    return f"{count:,} 条消息" if zh else f"{count:,} message{'' if count == 1 else 's'}"


def _none(project: Project, zh: bool, what: str = "") -> str:
    """That there is no message (`what`: to send), and which ways are on."""
    from riskengine.casework.channels import FILE, read_channels

    kinds = read_channels(project.configs).kinds
    if zh:
        ways = f"已开启：{'、'.join(kinds)}" if kinds else "webhook 与邮件均未开启"
        return f"没有{what}消息；{ways}（configs/{FILE}）"
    ways = f"on: {', '.join(kinds)}" if kinds else "webhook and mail are off"
    return f"no messages{' ' + what if what else ''}; {ways} (configs/{FILE})"


def _say(project: Project, said: tuple[Any, list[str], str, str], as_json: bool, language: str) -> None:
    from riskengine.casework.reminder_desk import Saying, counted_day, say
    from riskengine.registry.actors import actor
    from riskengine.store.ledger import open_ledger

    act, keys, why, on = said
    day = counted_day(project, clock.parse_day(on, "--on") if on else None, _deadlines(project).today())
    who = actor(project.environment.declared_actors)
    new = say(project, open_ledger(project.store), Saying(act, keys, why, who, clock.now(), day))
    if as_json:
        told = [
            {"key": one.key, "act": one.act, "by": one.by, "on": str(one.on), "step": one.step} for one in new
        ]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    zh = (language or project.environment.language) == "zh"
    for one in new:
        typer.echo(f"{one.key}  {SAID[act][zh]}  {one.by}  {one.on}")
    if len(new) < len(set(keys)):
        typer.echo(
            f"{len(set(keys)) - len(new)} {'条此前已登记' if zh else 'already said'}",
        )


def _deadlines(project: Project) -> Deadlines:
    from riskengine.monitor.deadlines import read_deadlines

    return read_deadlines(project.configs / "deadlines.toml")


def _left(days: int, zh: bool) -> str:
    if days < 0:
        return f"逾期{-days}天" if zh else f"{-days} d overdue"
    if days == 0:
        return "今日到期" if zh else "due today"
    return f"还有{days}天" if zh else f"in {days} d"


def _plain(row: Any) -> dict[str, Any]:
    """A row as JSON values."""
    return {
        str(name): None
        if value is None or value != value  # noqa: PLR0124  NaN and NaT
        else value.item()
        if hasattr(value, "item")
        else value
        if isinstance(value, (int, float, str, bool))
        else str(value)
        for name, value in row.items()
    }
