"""Who did what with which case, when and counting from which day? Rows that are only ever added.

An act is read, judged and written in one `begin immediate` transaction: of two officers who acknowledge at once, one is told
that the other did. The same transaction puts the hash of the row into the audit chain, so that a row edited, removed or put in
by hand is found (`verify`, which `riskengine audit` runs).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskengine import clock
from riskengine.casework.seen import Seen, dues, joined, met, resumed
from riskengine.casework.states import FULFILS, NOT_WAIVED, Move, Standing, applied, move
from riskengine.clock import Span
from riskengine.errors import IntegrityError, Problem, RiskEngineError, UsageError
from riskengine.monitor.deadlines import Deadlines
from riskengine.registry.actors import Actor
from riskengine.schema import canonical_json
from riskengine.schema import fingerprint as hashed
from riskengine.store.ledger import AUDIT, CASE_ACTS, Act, append_act, reading
from riskengine.working_days import Calendar, WorkSpan

LONGEST_WAIVER = Span(months=12)  # as the longest exception for a model (registry/waivers.py) [D]
SUBJECT = "case "


@dataclass(frozen=True, slots=True)
class CaseAct:
    """One row of `case_acts`. `detail` keeps the reason and the like, `moment` (local), `seen` and `from`: the standing before."""

    seq: int
    case: str
    number: int
    enterprise: str
    at: str
    on: date
    actor: str
    action: str
    phase_before: str
    phase_after: str
    owner: str | None
    severity: str
    evidence_hash: str
    due: str | None
    breached: bool
    detail: Mapping[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """As the table has it."""
        fields = {name: getattr(self, name) for name in CaseAct.__dataclass_fields__}
        return fields | {"detail": canonical_json(self.detail)}

    def to_json(self) -> dict[str, Any]:
        """For a reader: without what only the fold needs."""
        fields = {name: getattr(self, name) for name in CaseAct.__dataclass_fields__}
        shown = {name: value for name, value in self.detail.items() if name not in ("from", "worst")}
        return fields | {"on": self.on.isoformat(), "detail": shown}


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one case: the case as published (None: a waiver, then `case`, `enterprise` and `floor` name it).

    `move.actor` is not read: who acts comes with `Rules`. `moment` is local time. `if_seq` refuses if acts came since.
    """

    move: Move
    moment: datetime
    seen: Seen | None = None
    case: str = ""
    enterprise: str = ""
    floor: str = ""
    if_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Who acts, and by which deadlines and days of work."""

    actor: Actor
    deadlines: Deadlines
    calendar: Calendar
    alone: bool = False  # environment.single_operator


def case_acts(ledger: Engine, as_of: date | None = None, cases: Sequence[str] = ()) -> list[CaseAct]:
    """The acts that count by a day (all of them where None), of some cases or of all, in the order written."""
    with reading(ledger) as connection:
        return _read(connection, as_of, cases)


def fingerprint(ledger: Engine, as_of: date) -> str:
    """The hash of all acts that count by a day; empty where there are none. An input of the night."""
    found = case_acts(ledger, as_of)
    return hashed([one.row() for one in found]) if found else ""


def folded(acts: Iterable[CaseAct]) -> dict[str, Standing]:
    """Where each case stands by its acts, which come in the order written."""
    found: dict[str, Standing] = {}
    for one in acts:
        found[one.case] = _after(found.get(one.case), one)
    return found


def perform(ledger: Engine, asks: Sequence[Ask], rules: Rules) -> list[CaseAct]:
    """Do all that is asked or nothing; every refusal is told at once."""
    try:
        return _performed(ledger, asks, rules)
    except sa.exc.IntegrityError:  # a database whose transactions do not wait for one another: the key does
        hint = "Look again: riskengine signals show"
        problem = Problem("case_acts", "nobody else writing", "an act written at the same moment", hint)
        raise UsageError("Somebody else was faster 已被他人先行操作", [problem]) from None


def _performed(ledger: Engine, asks: Sequence[Ask], rules: Rules) -> list[CaseAct]:
    written: list[CaseAct] = []
    refusals: list[RiskEngineError] = []
    with ledger.begin() as connection:
        seq = connection.execute(sa.select(sa.func.coalesce(sa.func.max(CASE_ACTS.c.seq), 0))).scalar_one()
        for asked in asks:
            try:
                act = _judged(connection, asked, rules, int(seq) + len(written) + 1)
            except RiskEngineError as error:
                refusals.append(error)
                continue
            written.append(act)
            connection.execute(sa.insert(CASE_ACTS), act.row())
            append_act(connection, _audited(act, rules.actor))
        if refusals:
            problems = [problem for error in refusals for problem in error.problems]
            raise type(refusals[0])(refusals[0].title, problems)  # the transaction is rolled back
    return written


def verify(ledger: Engine) -> int:
    """Check each act against the audit chain, both ways; `IntegrityError` lists what was edited, removed or put in.

    The chain itself is `store.ledger.verify_audit`'s to check. Returns how many acts there are.
    """
    with reading(ledger) as connection:
        rows = {one.seq: one for one in _read(connection)}
        query = sa.select(AUDIT.c.subject, AUDIT.c.detail).where(AUDIT.c.subject.startswith(SUBJECT))
        details = [json.loads(row.detail) for row in connection.execute(query)]
    chained: dict[int, list[str]] = {}  # twice the same number: the first was removed
    for one in details:
        chained.setdefault(int(one["seq"]), []).append(str(one["row"]))
    problems = []
    for seq in sorted({*rows, *chained}):
        got = hashed(rows[seq].row()) if seq in rows else "no row"
        if [got] != chained.get(seq):
            hint = "Restore state.db from a copy: the chain says what was done"
            problems.append(
                Problem(
                    f"case_acts {seq}", f"the row of hash {', '.join(chained.get(seq, ['none']))}", got, hint
                )
            )
    if problems:
        raise IntegrityError("Acts about cases were changed by hand 案件操作记录被改动", problems)
    return len(rows)


def standing_now(standing: Standing | None, asked: Ask) -> Standing:
    """Where the case of a request stands before it."""
    if asked.seen is None:
        return standing or Standing(asked.case, asked.enterprise, NOT_WAIVED, floor=asked.floor)
    now, _ = met(resumed(standing, asked.seen), asked.seen)
    return replace(now, severity=asked.seen.severity, worst=asked.seen.worst)


def _judged(connection: Connection, asked: Ask, rules: Rules, seq: int) -> CaseAct:
    case = asked.seen.case if asked.seen else asked.case
    absorbed = asked.seen.absorbed if asked.seen else ()
    earlier = joined(folded(_read(connection, None, (case, *absorbed))), case, absorbed)
    before = standing_now(earlier, asked)
    wanted = replace(asked.move, actor=rules.actor.name, on=asked.moment.date(), alone=rules.alone)
    _check_times(before, wanted, asked, rules)
    after, detail = move(before, wanted)
    kept = {
        "moment": asked.moment.isoformat(timespec="minutes"),
        "seen": str(asked.seen.as_of) if asked.seen else "",
        "worst": before.worst,
        "floor": before.floor,
        "account": rules.actor.account if rules.actor.account != wanted.actor else "",
        "from": _from(before),
    }
    due, breached = _fulfilled(before, asked, rules)
    return CaseAct(
        seq,
        case,
        before.number + 1,
        before.enterprise,
        clock.now().isoformat(timespec="seconds"),
        wanted.on,
        wanted.actor,
        wanted.action,
        before.phase,
        after.phase,
        after.owner,
        before.severity,
        asked.seen.evidence_hash if asked.seen else "",
        due,
        breached,
        {**detail, **{name: value for name, value in kept.items() if value}},
    )


def _check_times(before: Standing, wanted: Move, asked: Ask, rules: Rules) -> None:
    problems = []
    if asked.if_seq is not None and asked.if_seq != before.seq:
        hint = f"Look again: riskengine signals show {before.case}"
        problems.append(Problem(f"{before.case} --if-seq", str(asked.if_seq), str(before.seq), hint))
    if before.on is not None and wanted.on < before.on:
        expected = f"{before.on} or later: an act of that day is there already 不得早于上一操作"
        problems.append(Problem(f"{before.case} --on", expected, str(wanted.on)))
    if wanted.until is not None:
        if wanted.action == "waive":
            last = LONGEST_WAIVER.after(wanted.on)
        else:
            text = getattr(rules.deadlines.snooze, before.severity or "blue")
            last = WorkSpan.parse(text).after(wanted.on, rules.calendar)
        if wanted.until > last:
            expected = f"{last} at the latest 最迟 (deadlines.toml)"
            problems.append(Problem(f"{before.case} {wanted.action} --until", expected, str(wanted.until)))
    if problems:
        raise UsageError("Not so 日期或顺序不符", problems)


def _fulfilled(before: Standing, asked: Ask, rules: Rules) -> tuple[str | None, bool]:
    """By when the step was due that the act fulfils (the first of them), and whether it comes late."""
    if asked.seen is None:
        return None, False
    steps = FULFILS.get(asked.move.action, ())
    open_ = [
        one
        for one in dues(before, asked.seen, rules.deadlines, rules.calendar)
        if one.step in steps and one.done is None and one.due is not None
    ]
    limits = [one.due for one in open_ if one.due is not None]
    return (
        (min(limits).isoformat(timespec="minutes"), any(asked.moment > limit for limit in limits))
        if limits
        else (None, False)
    )


def _from(standing: Standing) -> dict[str, Any]:
    """What the nights may have changed since the last act: the fold takes it from here."""
    kept = {
        "owner": standing.owner,
        "awaiting": standing.awaiting,
        "proposed": standing.proposed,
        "proposer": standing.proposer,
        "since": standing.since and standing.since.isoformat(),
        "clock": standing.clock and standing.clock.isoformat(),
        "snoozed_until": standing.snoozed_until and standing.snoozed_until.isoformat(),
        "turned": standing.turned,
    }
    return {name: value for name, value in kept.items() if value}


def _after(standing: Standing | None, act: CaseAct) -> Standing:
    base = standing or Standing(act.case)
    told = act.detail.get("from", {})
    days = {
        name: date.fromisoformat(told[name]) if name in told else None
        for name in ("since", "clock", "snoozed_until")
    }
    begun = replace(
        base,
        enterprise=act.enterprise,
        phase=act.phase_before,
        **{name: told.get(name) for name in ("owner", "awaiting", "proposed", "proposer", "turned")},
        **days,  # type: ignore[arg-type]
        floor=str(act.detail.get("floor", "")),
    )
    detail = {**act.detail, "actor": act.actor, "on": act.on}
    seen = act.detail.get("seen")
    return replace(
        applied(begun, act.action, act.phase_after, detail),
        severity=act.severity,
        worst=str(act.detail.get("worst", "")),
        evidence_hash=act.evidence_hash,
        seen=date.fromisoformat(seen) if seen else None,
        seq=act.seq,
        number=act.number,
    )


def _audited(act: CaseAct, actor: Actor) -> Act:
    detail = {
        "seq": act.seq,
        "on": act.on.isoformat(),
        "before": act.phase_before,
        "after": act.phase_after,
        "row": hashed(act.row()),
    }
    at = datetime.fromisoformat(act.at)
    return Act(at, actor.name, act.action, SUBJECT + act.case, detail)


def _read(connection: Connection, as_of: date | None = None, cases: Sequence[str] = ()) -> list[CaseAct]:
    query = sa.select(CASE_ACTS).order_by(CASE_ACTS.c.seq)
    if as_of is not None:
        query = query.where(CASE_ACTS.c.on <= as_of)
    if cases:
        query = query.where(CASE_ACTS.c.case.in_(list(cases)))
    rows = connection.execute(query).mappings()
    return [CaseAct(**{**row, "detail": json.loads(row["detail"])}) for row in rows]
