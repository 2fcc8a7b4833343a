"""Words about what officers do with cases: `signals list`, `show`, `ack`, ... `history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.errors import Problem, UsageError

if TYPE_CHECKING:
    from riskengine.casework.acts import CaseAct
    from riskengine.casework.desk import Desk

Ids = Annotated[list[str], typer.Argument(metavar="CASE...", help="Ids of cases, or prefixes only one has.")]
Id = Annotated[str, typer.Argument(metavar="CASE", help="Id of the case, or a prefix only one has.")]
Why = Annotated[str, typer.Option(help="The reason, in words; it is kept. 理由")]
On = Annotated[
    str,
    typer.Option(
        help="Counts from this day (YYYY-MM-DD[THH:MM]); only where backdated_acts, by default the latest night's."
    ),
]
Until = Annotated[str, typer.Option(help="Until which day, YYYY-MM-DD. 到期日")]
IfSeq = Annotated[int | None, typer.Option(help="Refuse if the case's last act is not this one.")]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="As known on this day (default: today; the latest night's where backdated_acts)."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(
        help="Cases: what to do tonight, by whom, done when. 风险信号处置", no_args_is_help=True
    )
    room.command("list")(list_)
    for command in (show, ack, assign, check, judge, treat, resolve, release, refuse, snooze, wake, note, waive, unwaive, waivers, history):  # fmt: skip
        room.command()(command)
    app.add_typer(room, name="signals")


def list_(
    context: typer.Context,
    as_of: AsOf = "",
    officer: Annotated[str, typer.Option(help="Only lines of this officer. 客户经理")] = "",
    owner: Annotated[str, typer.Option(help="Only cases this person owns. 负责人")] = "",
    institution: Annotated[str, typer.Option(help="Only lines of this institution. 机构")] = "",
    severity: Annotated[Literal["", "red", "orange", "yellow", "blue"], typer.Option(help="Only these.")] = "",
    phase: Annotated[str, typer.Option(help="Only this phase: new 新信号, checking 核查中, ... ")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Only those put aside, with the reason. 已静默")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Quiet ones too.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 50,
    as_json: AsJson = False,
    language: Language = "",
) -> None:  # fmt: skip
    """List the cases of the latest night with what has been done since, the most urgent first. 待处置清单"""
    from riskengine.casework.shown import Wanted, listed
    from riskengine.casework.shown_lines import listed_lines
    from riskengine.casework.states import PHASES, phase_key

    key = phase_key(phase) if phase else ""
    if key is None:
        known = ", ".join(f"{name} {words.zh}" for name, words in PHASES.items())
        raise UsageError("No such phase 无此状态", [Problem("--phase", known, phase)])
    desk, tongue = _desk(context, language)
    wanted = Wanted(
        officer, owner, institution, severity, key, "all" if everything else "quiet" if quiet else ""
    )
    day, whose = desk.looking(as_of)
    told = listed(desk, day, wanted, limit) | {"as_of_is": whose}
    _print(told) if as_json else typer.echo("\n".join(listed_lines(told, tongue)))


def show(context: typer.Context, case: Id, as_of: AsOf = "", as_json: AsJson = False, language: Language = "") -> None:  # fmt: skip
    """Show a case: its signals in words, evidence, dues, history, what may be done next. 案件详情"""
    from riskengine.casework.shown import details, waiver_details
    from riskengine.casework.shown_lines import detail_lines, waiver_lines

    desk, tongue = _desk(context, language)
    day, whose = desk.looking(as_of)
    tell, lines = (waiver_details, waiver_lines) if _is_waiver(case) else (details, detail_lines)
    told = tell(desk, case, day) | {"as_of_is": whose}
    _print(told) if as_json else typer.echo("\n".join(lines(told, tongue)))


def ack(
    context: typer.Context, cases: Ids, on: On = "", if_seq: IfSeq = None, as_json: AsJson = False
) -> None:
    """Claim cases: one is their owner from now on. 认领"""
    _do(context, cases, {"action": "ack"}, (on, if_seq, as_json))


def assign(context: typer.Context, cases: Ids, to: Annotated[str, typer.Option(help="The new owner. 负责人")], why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """Give cases to somebody. 指派"""
    _do(context, cases, {"action": "assign", "owner": to, "why": why}, (on, if_seq, as_json))


def check(context: typer.Context, cases: Ids, why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """Begin to check cases; what was closed is opened again. 核查"""
    _do(context, cases, {"action": "check", "why": why}, (on, if_seq, as_json))


def judge(context: typer.Context, cases: Ids, to: Annotated[str, typer.Option("--as", help="false alarm 误报, watch 观察, confirmed 确认风险.")], why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """Say what cases are; a red or orange false alarm needs a second person. 定性"""
    _do(context, cases, {"action": "judge", "to": to, "why": why}, (on, if_seq, as_json))


def treat(context: typer.Context, cases: Ids, measure: Annotated[str, typer.Option(help="追加反担保, 压降, 协商, 预警银行, 提前到期, 诉讼保全 (or counter-guarantee, reduce, negotiate, warn the bank, call, preserve).")], why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """Say what is done about confirmed cases. 处置"""
    _do(context, cases, {"action": "treat", "measure": measure, "why": why}, (on, if_seq, as_json))


def resolve(context: typer.Context, cases: Ids, why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """Say that the risk is gone; red or orange needs a second person. 化解"""
    _do(context, cases, {"action": "resolve", "why": why}, (on, if_seq, as_json))


def release(context: typer.Context, cases: Ids, why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """As a second person, agree to what was proposed of cases or waivers (W...). 复核解除"""
    _do(context, cases, {"action": "release", "why": why}, (on, if_seq, as_json))


def refuse(context: typer.Context, cases: Ids, why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """As a second person, send back what was proposed. 复核退回"""
    _do(context, cases, {"action": "refuse", "why": why}, (on, if_seq, as_json))


def snooze(context: typer.Context, cases: Ids, until: Until, why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """Put cases aside until a day; they wake earlier when the severity rises or a new event comes. 暂缓"""
    last = clock.parse_day(until, "--until")
    _do(context, cases, {"action": "snooze", "until": last, "why": why}, (on, if_seq, as_json))


def wake(context: typer.Context, cases: Ids, why: Why = "", on: On = "", if_seq: IfSeq = None, as_json: AsJson = False) -> None:  # fmt: skip
    """End a snooze. 恢复"""
    _do(context, cases, {"action": "wake", "why": why}, (on, if_seq, as_json))


def note(context: typer.Context, cases: Ids, why: Why, on: On = "", as_json: AsJson = False) -> None:
    """Write something down about cases. 备注"""
    _do(context, cases, {"action": "note", "why": why}, (on, None, as_json))


def waive(
    context: typer.Context,
    enterprise: Annotated[str, typer.Argument(help="Unified social credit code.")],
    floor: Annotated[str, typer.Option(help="A floor of configs/floors.toml. 下限")],
    until: Until,
    why: Why = "",
    on: On = "",
    as_json: AsJson = False,
) -> None:
    """Ask that a rule floor does not count for an enterprise until a day; a second person releases it. 豁免下限"""
    from riskengine.casework.states import Move

    desk, _ = _desk(context, "")
    asked = Move("waive", "", clock.today(), why, until=clock.parse_day(until, "--until"))
    _tell(desk, [desk.waive(enterprise, floor, asked, on)], as_json)


def unwaive(context: typer.Context, waivers: Annotated[list[str], typer.Argument(metavar="WAIVER...", help="Ids W... of signals waivers.")], why: Why = "", on: On = "", as_json: AsJson = False) -> None:  # fmt: skip
    """End waivers: the floor counts again. 撤销豁免"""
    _do(context, waivers, {"action": "unwaive", "why": why}, (on, None, as_json))


def waivers(context: typer.Context, as_of: AsOf = "", as_json: AsJson = False) -> None:
    """List waivers of floors: in force, waiting for a second person, expired. 豁免清单"""
    from dataclasses import asdict

    from riskengine.casework.waivers import waivers as read

    desk, _ = _desk(context, "")
    day = _day(desk, as_of)
    found = [asdict(one) | {"in_force": one.in_force(day)} for one in read(desk.ledger, day)]
    if as_json:
        _print(found)
        return
    for one in found:
        state = "awaiting 待复核" if one["state"] == "awaiting" else "in force 生效" if one["in_force"] else "expired 到期"  # fmt: skip
        second = f" / {one['approved_by']}" if one["approved_by"] else ""
        typer.echo(f"{one['id']} {one['enterprise']} {one['floor']} {one['until']} {state} {one['by']}{second}: {one['why']}")  # fmt: skip
    typer.echo(f"{len(found)} waiver{'' if len(found) == 1 else 's'} 例外 {len(found)} 项", err=True)


def history(context: typer.Context, case: Id, as_of: AsOf = "", as_json: AsJson = False, language: Language = "") -> None:  # fmt: skip
    """List what people and nights did with a case, in order. 处置历史"""
    from riskengine.casework.shown_lines import history_lines

    desk, tongue = _desk(context, language)
    day = _day(desk, as_of)
    if _is_waiver(case):
        told = desk.waiver_acts(desk.waiver(case, day), day)
    else:
        told = desk.history(desk.find(case, day), day)
    _print(told) if as_json else typer.echo("\n".join(history_lines(told, tongue)))


def _do(
    context: typer.Context, cases: list[str], asked: dict[str, Any], said: tuple[str, int | None, bool]
) -> None:
    from riskengine.casework.states import Move

    desk, _ = _desk(context, "")
    on, if_seq, as_json = said
    if if_seq is not None and len(cases) > 1:
        raise UsageError("One case at a time", [Problem("--if-seq", "one case", f"{len(cases)} cases")])
    _tell(desk, desk.do(cases, Move(actor="", on=clock.today(), **asked), on, if_seq), as_json)


def _tell(desk: Desk, done: list[CaseAct], as_json: bool) -> None:
    if as_json:
        _print([one.to_json() for one in done])
        return
    from riskengine.casework.shown_lines import act_line

    for one in done:
        typer.echo(act_line(one, desk.project.environment.language))


def _desk(context: typer.Context, language: str) -> tuple[Desk, str]:
    from riskengine.casework.desk import Desk

    project = project_of(context)
    return Desk(project), language or project.environment.language


def _day(desk: Desk, as_of: str) -> Any:
    """The day whose knowledge counts: what was asked for, else `Desk.looking`."""
    return desk.looking(as_of)[0]


def _is_waiver(wanted: str) -> bool:
    return wanted.strip().upper().startswith("W")


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
