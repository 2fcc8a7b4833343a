"""What may be done with a case now, and what is it afterwards? The table of legal moves, and the second person's rules.

Phases after domain page 5.1: 新信号 → 已认领 → 核查中 → {误报, 观察, 确认风险} → 处置中 → 已化解/已解除/转逾期/转代偿 → 归档.
A red or orange case (now, or at its worst) is never closed by one person: `judge --as "false alarm"` and `resolve` only propose;
`release` by somebody who neither proposed it nor ever owned the case closes it, `refuse` sends it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from riskengine.errors import Problem, QualityGateError, RiskEngineError, UsageError
from riskengine.monitor.signals import SEVERITIES
from riskengine.registry.actors import same_person
from riskengine.schema import Words

NEW, ACKNOWLEDGED, CHECKING, FALSE_ALARM, WATCH = "new", "acknowledged", "checking", "false alarm", "watch"
CONFIRMED, TREATED, RESOLVED = "confirmed", "in treatment", "resolved"
OVERDUE, COMPENSATED, ARCHIVED = "turned overdue", "turned compensated", "archived"
NOT_WAIVED, WAIVED = "no waiver", "waived"  # of a floor's waiver, which is kept like a case
RELEASE = "release"
CLOSED = (FALSE_ALARM, RESOLVED)
TWO_PERSONS = ("orange", "red")

PHASES: dict[str, Words] = {
    NEW: Words(en="new", zh="新信号"),
    ACKNOWLEDGED: Words(en="acknowledged", zh="已认领"),
    CHECKING: Words(en="checking", zh="核查中"),
    FALSE_ALARM: Words(en="false alarm", zh="误报"),
    WATCH: Words(en="watch", zh="观察"),
    CONFIRMED: Words(en="confirmed", zh="确认风险"),
    TREATED: Words(en="in treatment", zh="处置中"),
    RESOLVED: Words(en="resolved", zh="已化解"),
    OVERDUE: Words(en="turned overdue", zh="转逾期"),
    COMPENSATED: Words(en="turned compensated", zh="转代偿"),
    ARCHIVED: Words(en="archived", zh="归档"),
    NOT_WAIVED: Words(en="no waiver", zh="未豁免"),
    WAIVED: Words(en="waived", zh="已豁免"),
}
ACTIONS: dict[str, Words] = {
    "ack": Words(en="acknowledge", zh="认领"),
    "assign": Words(en="assign", zh="指派"),
    "check": Words(en="check", zh="核查"),
    "judge": Words(en="judge", zh="定性"),
    "treat": Words(en="treat", zh="处置"),
    "resolve": Words(en="resolve", zh="化解"),
    "snooze": Words(en="snooze", zh="暂缓"),
    "wake": Words(en="wake", zh="恢复"),
    "release": Words(en="release", zh="复核解除"),
    "refuse": Words(en="refuse the release", zh="复核退回"),
    "waive": Words(en="waive a floor", zh="豁免下限"),
    "unwaive": Words(en="end a waiver", zh="撤销豁免"),
    "note": Words(en="note", zh="备注"),
}
MEASURES: dict[str, Words] = {
    "counter-guarantee": Words(en="further counter-guarantee", zh="追加反担保"),
    "reduce": Words(en="reduce the exposure", zh="压降"),
    "negotiate": Words(en="negotiate", zh="协商"),
    "warn the bank": Words(en="warn the bank", zh="预警银行"),
    "call": Words(en="call the loan early", zh="提前到期"),
    "preserve": Words(en="preservation by court", zh="诉讼保全"),
}
REASONED = ("judge", "resolve", "release", "refuse", "snooze", "waive", "unwaive")
FULFILS: dict[str, tuple[str, ...]] = {
    "ack": ("claim",),
    "check": ("verify",),
    "judge": ("verify", "plan"),
    "treat": ("plan",),
    "resolve": ("plan",),
}
_STAY = ""
MOVES: dict[str, dict[str, tuple[str, ...]]] = {
    NEW: {"ack": (ACKNOWLEDGED,), "assign": (_STAY,)},
    ACKNOWLEDGED: {"check": (CHECKING,), "assign": (_STAY,), "snooze": (_STAY,)},
    CHECKING: {"judge": (FALSE_ALARM, WATCH, CONFIRMED), "assign": (_STAY,), "snooze": (_STAY,)},
    WATCH: {
        "check": (CHECKING,),
        "judge": (FALSE_ALARM, CONFIRMED),
        "assign": (_STAY,),
        "snooze": (_STAY,),
    },
    CONFIRMED: {
        "treat": (TREATED,),
        "resolve": (RESOLVED,),
        "check": (CHECKING,),
        "assign": (_STAY,),
        "snooze": (_STAY,),
    },
    TREATED: {
        "treat": (_STAY,),
        "resolve": (RESOLVED,),
        "check": (CHECKING,),
        "assign": (_STAY,),
        "snooze": (_STAY,),
    },
    OVERDUE: {
        "ack": (_STAY,),
        "treat": (TREATED,),
        "resolve": (RESOLVED,),
        "check": (CHECKING,),
        "assign": (_STAY,),
    },
    COMPENSATED: {"assign": (_STAY,)},
    FALSE_ALARM: {"check": (CHECKING,)},
    RESOLVED: {"check": (CHECKING,)},
    ARCHIVED: {},
    NOT_WAIVED: {"waive": (WAIVED,)},
    WAIVED: {"waive": (WAIVED,), "unwaive": (NOT_WAIVED,)},
}  # `note` is legal everywhere
_ASLEEP = ("wake", "snooze", "assign", "note")
_AWAITING = ("release", "refuse", "note")
_LITTLE = ("note", "wake", "assign")  # what is no work on a case: it permits no further snooze
_SHORTEST = 2  # characters of a reason: 误报 is one, "x" is not


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands: the fold of what people did, and of what the nights made of it.

    `owners`: everybody who ever owned it. `steps`: which step was done when (local ISO minute) counted from which day
    (`since`); `clock`: the day from which what is still to be done is timed, later than `since` after a snooze. `severity`, `worst`, `evidence_hash`, `seen`: the case as the last act saw it, in which day's publication.
    `last`: the last act that was work on it (no note, no waking, no assigning); `moved`: the day of the last act but notes.
    `proposed`, `proposer`: what waits for the second person. `until`: a waiver's last day; `asked_until`: the one proposed; `granted`: who asked, who
    approved, why.
    """

    case: str
    enterprise: str = ""
    phase: str = NEW
    owner: str | None = None
    owners: frozenset[str] = frozenset()
    awaiting: str | None = None
    proposed: str | None = None
    proposer: str | None = None
    why: str = ""
    second: str | None = None
    snoozed_until: date | None = None
    snoozed_on: date | None = None
    since: date | None = None
    clock: date | None = None
    severity: str = ""
    worst: str = ""
    evidence_hash: str = ""
    seen: date | None = None
    turned: str | None = None
    steps: Mapping[str, tuple[str, date | None]] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    floor: str = ""
    until: date | None = None
    asked_until: date | None = None
    granted: tuple[str, ...] = ()
    on: date | None = None
    moved: date | None = None
    last: str = ""
    seq: int = 0
    number: int = 0

    @property
    def two_persons(self) -> bool:
        """Whether a second person must release it: red or orange now or at its worst, and every waiver."""
        return self.severity in TWO_PERSONS or self.worst in TWO_PERSONS or bool(self.floor)

    def done(self, step: str) -> str | None:
        """When a step was done under the clock that runs now (local ISO minute), or None."""
        moment, since = self.steps.get(step, (None, None))
        return moment if since == self.since or (step == "claim" and self.owner is not None) else None


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody asks for: the action and what it needs. `to` is the phase of `judge`; `alone` a project of one person."""

    action: str
    actor: str
    on: date
    why: str = ""
    to: str = ""
    owner: str = ""
    measure: str = ""
    until: date | None = None
    alone: bool = False


def severity_rank(severity: str) -> int:
    """How grave: blue 0 to red 3; what is no severity is -1."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def legal(standing: Standing) -> tuple[str, ...]:
    """The actions that are legal now, in the order of `ACTIONS`."""
    allowed = {*MOVES[standing.phase], "note"}
    if _put_aside(standing):
        allowed -= {"snooze"}
    if standing.awaiting:
        allowed = set(_AWAITING)
    elif standing.snoozed_until is not None:
        allowed = {name for name in (*allowed, "wake") if name in _ASLEEP}
    return tuple(name for name in ACTIONS if name in allowed)


def move(standing: Standing, asked: Move) -> tuple[Standing, dict[str, Any]]:
    """The standing after a move and what the act's detail must keep; an illegal one is refused with what is legal."""
    where = f"{standing.case} {asked.action}"
    if asked.action not in ACTIONS:
        raise UsageError("No such action", [Problem(where, ", ".join(ACTIONS), asked.action)])
    if asked.action not in legal(standing):
        refused = _illegal(standing, asked)
        raise UsageError(refused.title, [*refused.problems, *_missing(standing, asked, where)])
    problems = _missing(standing, asked, where)
    if problems:
        raise UsageError("Something is missing 缺少必要内容", problems)
    if asked.action == "ack" and standing.owner and not same_person(standing.owner, asked.actor):
        hint = f"riskengine signals assign {standing.case} --to {asked.actor}"
        raise UsageError(
            "It is another person's 已指派他人", [Problem(where, f"{standing.owner}", asked.actor, hint)]
        )
    if asked.action in ("release", "refuse"):
        _check_second(standing, asked, where)
    target = _target(standing, asked)
    proposes = (
        target in (*CLOSED, WAIVED) and standing.two_persons and asked.action in ("judge", "resolve", "waive")
    )
    detail: dict[str, Any] = {
        "why": asked.why.strip(),
        "owner": asked.owner.strip(),
        "measure": measure_key(asked.measure) or "",
        "until": asked.until.isoformat() if asked.until else "",
        "proposed": target if proposes else "",
        "alone": asked.alone and asked.action == "release" and not _another(standing, asked.actor),
    }
    detail = {name: value for name, value in detail.items() if value}
    after = standing.phase if proposes else target
    return applied(standing, asked.action, after, {"actor": asked.actor, "on": asked.on, **detail}), detail


def applied(standing: Standing, action: str, phase: str, told: Mapping[str, Any]) -> Standing:
    """The standing after an act that is known to be legal; `told`: its detail, `actor`, `on` and, where known, `moment`."""
    actor, on = str(told["actor"]), told["on"]
    until = date.fromisoformat(told["until"]) if told.get("until") else None
    changes: dict[str, Any] = {"phase": phase, "on": on}
    if action != "note":
        changes |= {"why": told.get("why", ""), "moved": on}
    if action not in _LITTLE:
        changes["last"] = action
    owner = actor if action == "ack" else told.get("owner") if action == "assign" else None
    if owner:
        changes |= {"owner": owner, "owners": standing.owners | {owner}}
    if action == "snooze":
        changes |= {"snoozed_until": until, "snoozed_on": on}
    if action == "wake":
        changes |= {"snoozed_until": None, "snoozed_on": None}
        changes |= {} if standing.two_persons else {"clock": on}
    if told.get("proposed"):
        changes |= {
            "awaiting": RELEASE,
            "proposed": told["proposed"],
            "proposer": actor,
            "asked_until": until,
        }
    if action == "release":
        changes |= {"awaiting": None, "second": actor, "until": standing.asked_until}
        if standing.floor:
            changes["granted"] = (standing.proposer or "", actor, standing.why)
    if action == "refuse":
        changes |= {"awaiting": None, "proposed": None}
    if action == "check":
        changes |= {"proposed": None, "second": None}
    if action in ("judge", "resolve") and not told.get("proposed"):
        changes |= {"proposed": None, "second": None}
    if told.get("measure"):
        changes["measures"] = (*standing.measures, told["measure"])
    made = replace(standing, **changes)
    moment = str(told.get("moment", ""))
    fresh = {step: (moment, made.since) for step in FULFILS.get(action, ()) if standing.done(step) is None}
    return replace(made, steps={**standing.steps, **fresh}) if fresh and moment else made


def measure_key(text: str) -> str | None:
    """A measure by its key or its words in either language; None if it is none.

    >>> measure_key("追加反担保"), measure_key("call"), measure_key("hope")
    ('counter-guarantee', 'call', None)
    """
    said = text.strip().casefold()
    for key, words in MEASURES.items():
        if said in (key, words.en, words.zh):
            return key
    return None


def phase_key(text: str) -> str | None:
    """A phase by its key or its Chinese word; None if it is none.

    >>> phase_key("误报"), phase_key("False-Alarm"), phase_key("gone")
    ('false alarm', 'false alarm', None)
    """
    said = text.strip().casefold().replace("-", " ").replace("_", " ")
    for key, words in PHASES.items():
        if said in (key, words.zh):
            return key
    return None


def _put_aside(standing: Standing) -> bool:
    """Whether it is a red or orange that was put aside and nothing has been done about it since."""
    return standing.last == "snooze" and standing.two_persons


def _another(standing: Standing, actor: str) -> bool:
    """Whether somebody is a second person: neither the proposer nor an owner, present or earlier."""
    involved = {*standing.owners, standing.proposer or "", standing.owner or ""} - {""}
    return not any(same_person(actor, one) for one in involved)


def _check_second(standing: Standing, asked: Move, where: str) -> None:
    if _another(standing, asked.actor) or asked.alone or asked.action == "refuse":
        return
    involved = ", ".join(sorted({*standing.owners, standing.proposer or ""} - {""}))
    expected = f"a second person, none of {involved} 须由提议人和历任负责人以外的人复核"
    hint = "Another person releases it, under an account of their own (declared_actors and $RISKENGINE_ACTOR where people share one)"
    raise QualityGateError(
        "A second person must release it 须另一人复核解除", [Problem(where, expected, asked.actor, hint)]
    )


def _target(standing: Standing, asked: Move) -> str:
    if asked.action == "judge":
        return phase_key(asked.to) or ""
    if asked.action == "release":
        return standing.proposed or standing.phase
    ways = MOVES[standing.phase].get(asked.action, (_STAY,))
    return ways[0] or standing.phase


def _missing(standing: Standing, asked: Move, where: str) -> list[Problem]:
    problems = []
    if asked.action in REASONED and len(asked.why.strip()) < _SHORTEST:
        problems.append(Problem(f"{where} --why", "a reason in words 理由", repr(asked.why)))
    if asked.action == "judge":
        ways = MOVES[standing.phase].get("judge") or MOVES[CHECKING]["judge"]
        if phase_key(asked.to) not in ways:
            problems.append(Problem(f"{where} --as", _both(ways, PHASES), repr(asked.to)))
    if asked.action == "assign" and not asked.owner.strip():
        problems.append(Problem(f"{where} --to", "a person's name 负责人", "nothing"))
    if asked.action == "treat" and measure_key(asked.measure) is None:
        problems.append(Problem(f"{where} --measure", _both(tuple(MEASURES), MEASURES), repr(asked.measure)))
    if asked.action in ("snooze", "waive") and (asked.until is None or asked.until <= asked.on):
        got = "nothing" if asked.until is None else str(asked.until)
        problems.append(Problem(f"{where} --until", f"a day after {asked.on} 到期日", got))
    return problems


def _illegal(standing: Standing, asked: Move) -> RiskEngineError:
    phase = PHASES[standing.phase]
    state = f"{phase.en} {phase.zh}"
    if standing.owner:
        state += f", owner 负责人 {standing.owner}"
    if standing.awaiting:
        state += f", a second person must release it 待复核 ({standing.proposer}: {standing.proposed})"
    elif standing.snoozed_until:
        state += f", snoozed until 暂缓至 {standing.snoozed_until}"
    allowed = _both(legal(standing), ACTIONS)
    problem = Problem(standing.case, f"one of: {allowed}", f"{asked.action} while {state}")
    if asked.action == "snooze" and _put_aside(standing):
        work = tuple(name for name in MOVES[standing.phase] if name not in (*_LITTLE, "snooze"))
        first = f"riskengine signals wake {standing.case}, " if standing.snoozed_until else ""
        expected = f"an act about it first: {_both(work, ACTIONS)} 须先处置"
        problem = Problem(
            standing.case,
            expected,
            f"snooze after snooze while {state}",
            f"{first}riskengine signals {work[0]} {standing.case}" if work else "",
        )
        return UsageError(
            "A red or orange is not put aside twice in a row, by whomever 红橙案件不得连续暂缓", [problem]
        )
    return UsageError("Not legal from here 当前状态不允许此操作", [problem])


def _both(names: tuple[str, ...], words: Mapping[str, Words]) -> str:
    return ", ".join(f"{name} {words[name].zh}" for name in names)
