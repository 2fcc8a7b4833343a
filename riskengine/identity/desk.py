"""What does a person decide about who is whom: which questions wait, and what became of an answer?

Every act is a judgement of its day, goes to the audit chain, and reaches the facts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy.engine import Engine

from riskengine import clock
from riskengine.errors import Problem, UsageError
from riskengine.identity.anatomy import exact_key
from riskengine.identity.judgements import Judgement, Mention, append, judgements, numbered, standing
from riskengine.identity.merging import merged_facts
from riskengine.identity.register import Register, read_register
from riskengine.identity.resolve import Resolution, look, resolve
from riskengine.identity.rules import read_rules
from riskengine.intake.codes import check_credit_code
from riskengine.intake.contract import read_contracts
from riskengine.intake.personal import names_person, shown
from riskengine.project import Project
from riskengine.store.facts import FactStore
from riskengine.store.ledger import Act, open_ledger, record_act


@dataclass(frozen=True)
class Waiting:
    """The questions that wait for a person, and the names nobody was found for with how many rows each."""

    queued: Sequence[Judgement]
    unresolved: Sequence[tuple[Mention, str, int]]


@dataclass(frozen=True)
class Answered:
    """The judgement that was made and what it did to the facts; `apart`: rows both merged codes have, by source."""

    judgement: Judgement
    rows: int
    resolution: Resolution
    apart: Mapping[str, int]


def waiting(project: Project, as_of: date) -> Waiting:
    """What a person should look at on a day. Names of natural persons are not listed."""
    contracts = read_contracts(project)
    ledger = open_ledger(project.store)
    looked = look(project, contracts, ledger, as_of)
    rows: dict[Mention, int] = {}
    for each in looked.spoken:
        rows[each.mention] = rows.get(each.mention, 0) + each.rows
    queued = [found for found in standing(ledger, as_of).last.values() if found.state == "queued"]
    nobody = [
        (mention, looked.names[mention], rows[mention])
        for mention, finding in sorted(looked.findings.items())
        if finding.state == "unresolved" and not names_person(looked.names[mention])
    ]
    return Waiting(sorted(queued, key=lambda found: found.seq), nobody)


def accept(project: Project, seq: int, code: str, as_of: date, by: str) -> Answered:
    """A person says which enterprise the mention of judgement `seq` is; rows are re-issued as known from `as_of`."""
    ledger = open_ledger(project.store)
    asked = _answerable(ledger, seq, as_of)
    meant = _valid(code, "--code")
    made = replace(
        asked, state="accepted", code=meant, method="manual", confidence=1.0, judged=as_of, by=_named(by), answers=seq,
        evidence=f"accepted by {by}",
    )  # fmt: skip
    made = _kept(project, ledger, made)
    done = resolve(project, as_of)
    return Answered(made, done.rows_filled, done, {})


def reject(project: Project, seq: int, as_of: date, by: str) -> Answered:
    """A person says that the mention of judgement `seq` is none of its candidates, or not the code it was accepted as.

    Rows that got the code by that judgement are re-issued without it, as known from `as_of`.
    """
    ledger = open_ledger(project.store)
    asked = _answerable(ledger, seq, as_of)
    made = replace(
        asked, state="rejected", method="manual", confidence=1.0, judged=as_of, by=_named(by), answers=seq,
        evidence=f"rejected by {by}",
    )  # fmt: skip
    made = _kept(project, ledger, made)
    done = resolve(project, as_of)
    return Answered(made, done.rows_taken_back, done, {})


def merge(project: Project, given_up: str, into: str, as_of: date, by: str) -> Answered:
    """A person says that code `given_up` is enterprise `into`, learnt on `as_of` (absorbed, registered twice, new code)."""
    ledger = open_ledger(project.store)
    old, new = _valid(given_up, "CODE"), _valid(into, "--into")
    stands = standing(ledger, as_of)
    _not_earlier(stands.newest, as_of)
    merges = {code: found.code for code, found in stands.merges.items()}
    if old == new or old in merges or new in merges:
        wanted = "two codes, neither of them given up before"
        raise UsageError(
            "Not a merge",
            [Problem(f"{old} into {new}", wanted, str(merges.get(old, merges.get(new, "one"))))],
        )
    evidence = f"merged by {by}"
    made = Judgement(
        Mention(old), old, "accepted", new, "manual", 1.0, evidence, as_of, by=_named(by), kind="merge"
    )
    made = _kept(project, ledger, made)
    done = resolve(project, as_of)
    contracts = read_contracts(project)
    _, apart = merged_facts(project, contracts, {old: made}, as_of)
    return Answered(made, done.rows_merged, done, apart)


def known_as(project: Project, asked: str, as_of: date) -> dict[str, Any]:
    """Names, codes and judgements of an enterprise (by code or by name) as known on a day."""
    contracts, ledger = read_contracts(project), open_ledger(project.store)
    rules = read_rules(project, contracts)
    register = read_register(FactStore(project.store).snapshot(), rules.register_, contracts, as_of)
    made = judgements(ledger, as_of)
    key = exact_key(asked)
    codes = [asked.upper()] if check_credit_code(asked).valid else _codes(register, made, key)
    found = [_enterprise(register, made, code) for code in codes]
    about = [found for found in made if found.mention.key == key and found.code not in codes]
    return {
        "asked": asked,
        "as_of": as_of.isoformat(),
        "enterprises": found,
        "questions": [told(each) for each in about],
    }


def told(found: Judgement) -> dict[str, Any]:
    """A judgement as plain values; tokens of persons as their masks."""
    row = asdict(found) | {"judged": found.judged.isoformat()}
    row["mention"] = {name: shown(value) for name, value in row["mention"].items() if value}
    return row | {"candidates": [dict(each) for each in found.candidates]}


def _codes(register: Register, made: Sequence[Judgement], key: str) -> list[str]:
    named = {named.code for named in register.of_keys([key]).get(key, [])}
    return sorted(
        named | {found.code for found in made if found.mention.key == key and found.state == "accepted"}
    )


def _enterprise(register: Register, made: Sequence[Judgement], code: str) -> dict[str, Any]:
    named = register.of_codes([code]).get(code, [])
    return {
        "code": code,
        "name": next((each.name for each in named if each.current), ""),
        "former_names": [each.name for each in named if not each.current],
        "numbers": register.numbers_of(code),
        "judgements": [told(found) for found in made if code in (found.code, found.mention.key)],
    }


def _kept(project: Project, ledger: Engine, made: Judgement) -> Judgement:
    """Append a person's judgement and audit it while nobody else writes; killed after this, the next resolve applies it."""
    with FactStore(project.store).locked():
        if standing(ledger, date.max).last.get(made.mention, made).seq not in (made.answers, 0):
            problem = Problem(f"judgement {made.answers}", "the last one of its mention", "another answer")
            raise UsageError("Nothing to answer", [problem])
        (made,) = append(ledger, [made])
        _record(ledger, made)
    return made


def _record(ledger: Engine, made: Judgement) -> None:
    detail = {
        "judgement": made.seq,
        "code": made.code,
        "as_of": made.judged.isoformat(),
        "answers": made.answers,
    }
    record_act(
        ledger,
        Act(
            clock.now(),
            made.by,
            f"identity {made.kind} {made.state}",
            made.name or made.mention.number,
            detail,
        ),
    )


def _answerable(ledger: Engine, seq: int, as_of: date) -> Judgement:
    asked = numbered(ledger, seq)
    last = standing(ledger, date.max).last.get(asked.mention)
    if asked.kind != "name" or last is None or last.seq != seq or asked.state == "rejected":
        got = "a merge" if asked.kind != "name" else f"answered by {last.seq}" if last else "nothing"
        raise UsageError(
            "Nothing to answer", [Problem(f"judgement {seq}", "the last one of its mention", got)]
        )
    _not_earlier(asked.judged, as_of)
    return asked


def _not_earlier(judged: date, as_of: date) -> None:
    if as_of > (today := clock.today()):
        hint = "Until that day nothing else could be judged"
        raise UsageError("Too late", [Problem("--as-of", f"{today} or earlier", str(as_of), hint)])
    if as_of < judged:
        hint = "What is learnt later is not told earlier"
        raise UsageError("Too early", [Problem("--as-of", f"{judged} or later", str(as_of), hint)])


def _valid(code: str, where: str) -> str:
    found = check_credit_code(code)
    if not found.valid:
        raise UsageError(
            "Not a unified social credit code",
            [Problem(where, "a valid code", repr(code), "; ".join(found.invalid))],
        )
    return found.code


def _named(by: str) -> str:
    name = by.strip()
    if not name or name == "machine":
        raise UsageError("Nobody answers", [Problem("--by", "the name of a person", repr(by))])
    return name
