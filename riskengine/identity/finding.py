"""Which enterprise does each mention mean, by the register and by what was judged before, and how surely?

1. what a person has judged stands; 2. an older number by the crosswalk; 3. the exact name, former names included; 4. the same parts
in another order; 5. the likeliest name (`matching`), from `accept` on and clearly ahead; from `review` on a person is asked;
below, nobody is found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from riskengine.identity.anatomy import name_parts
from riskengine.identity.judgements import MACHINE, Judgement, Mention, Standing
from riskengine.identity.register import Named, Register
from riskengine.identity.rules import RulesOfDay
from riskengine.intake.nouns import is_person
from riskengine.intake.personal import names_person

_SURE = {
    "registration_no": 0.99,
    "organisation_code": 0.99,
    "taxpayer_no": 0.99,
    "exact_name": 0.99,
    "former_name": 0.97,
    "same_parts": 0.97,
}
_COMMON = (
    0.8  # what a common name is worth on its own: never enough for the machine (guarantee_domain.md 3.6)
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the machine makes of one mention: accepted, queued, or unresolved (no candidates)."""

    state: str
    code: str = ""
    method: str = ""
    confidence: float = 0.0
    evidence: str = ""
    candidates: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class _Asked:
    """What the register says of the mentions that are asked: by exact key, older number, the parts of the name, and the
    code of an older number."""

    by_key: Mapping[str, list[Named]]
    older: Mapping[str, tuple[str, str]]
    by_parts: Mapping[tuple[str, ...], list[Named]]
    of_code: Mapping[str, list[Named]]
    spelt: Mapping[str, tuple[str, str]]  # place and legal form of names that the register spells so

    def named(self, mention: Mention, refused: Collection[str]) -> list[Named]:
        """Who has exactly this name and was not refused."""
        return [each for each in self.by_key.get(mention.key, ()) if each.code not in refused]

    def is_common(self, name: str) -> bool:
        """A name without a place and without a company's form, as thousands of shops have."""
        if name not in self.spelt:
            parts = name_parts(name)
            return not parts.place and parts.form in ("", "shop", "factory")
        place, form = self.spelt[name]
        return not place and form in ("", "shop", "factory")


def find(
    names: Mapping[Mention, str], register: Register, rules: RulesOfDay, stands: Standing
) -> dict[Mention, Finding]:
    """What the machine makes of each mention (its name as written)."""
    found: dict[Mention, Finding] = {}
    open_ = {mention: name for mention, name in names.items() if not is_person(name)}
    asked = _asked(
        open_, register, stands
    )  # names of persons from before they were hidden go into no judgement
    for mention, name in open_.items():
        finding = _by_person(stands.last.get(mention)) or _by_rule(mention, name, asked, stands)
        if finding:
            found[mention] = finding
    left = {
        mention: name
        for mention, name in names.items()
        if mention not in found and mention.key and not names_person(name)
    }
    if left:
        found |= _by_likelihood(left, register, rules, stands)
    return {mention: found.get(mention, Finding("unresolved")) for mention in names}


def _asked(names: Mapping[Mention, str], register: Register, stands: Standing) -> _Asked:
    older = register.older({mention.number for mention in names if mention.number})
    of_code = register.of_codes({code for code, _ in older.values() if code})
    spelt = register.spelt(set(names.values()))
    asked = _Asked(
        register.of_keys({mention.key for mention in names if mention.key}), older, {}, of_code, spelt
    )
    unnamed = {
        _parts_key(name)
        for mention, name in names.items()
        if mention.key and not asked.named(mention, stands.refused.get(mention, ()))
    }
    return replace(asked, by_parts=register.of_parts(unnamed))


def _by_person(last: Judgement | None) -> Finding | None:
    if last and last.by != MACHINE and last.state == "accepted":
        return Finding("accepted", last.code, "standing", 1.0, f"judgement {last.seq}")
    return None


def _by_rule(mention: Mention, name: str, asked: _Asked, stands: Standing) -> Finding | None:
    """By older number, exact name or the same parts; None where none of them says anything."""
    refused = stands.refused.get(mention, frozenset())
    named = asked.named(mention, refused)
    code, rule = asked.older.get(mention.number, ("", ""))
    if code and code not in refused:
        others = {each.code for each in named} - {code}
        if others and code not in {each.code for each in named}:
            told = [*asked.of_code.get(code, [])[:1], *named]
            return _queued(told, "number_and_name_differ", f"{rule} says {code}, the name says another")
        return Finding("accepted", code, rule, _SURE[rule], f"{rule} {mention.number}")
    if named and refused:
        return _queued(named, "exact_name", "a person has refused others of this name")
    if named:
        return _of_named((mention, asked.is_common(name)), named, "exact_name")
    if not mention.key:
        return None
    alike = [each for each in asked.by_parts.get(_parts_key(name), ()) if each.code not in refused]
    return _of_named((mention, asked.is_common(name)), alike, "same_parts") if alike else None


def _of_named(who: tuple[Mention, bool], named: Sequence[Named], method: str) -> Finding:
    """One enterprise of that name, or one of several by representative or region; otherwise a person is asked.

    `who`: the mention, and whether its name is a common one.
    """
    mention, is_common = who
    codes = sorted({each.code for each in named})
    for narrowed, what in (
        (named, ""),
        (_same(named, mention, "person"), "legal_rep"),
        (_same(named, mention, "region"), "region"),
    ):
        only = sorted({each.code for each in narrowed})
        if len(only) != 1:
            continue
        chosen = next(each for each in narrowed if each.code == only[0])
        supported = bool(_same([chosen], mention, "person") or _same([chosen], mention, "region"))
        if not what and is_common and not supported:
            break
        how = method if chosen.current or method == "same_parts" else "former_name"
        evidence = f"{how} {chosen.name}" + (f", told apart by {what}" if what else "")
        return Finding("accepted", only[0], how, _SURE[how], evidence, _told(named) if len(codes) > 1 else ())
    reason = (
        f"{len(codes)} enterprises of this name"
        if len(codes) > 1
        else "a name without place and company form is common"
    )
    return _queued(named, method, reason)


def _queued(named: Sequence[Named], method: str, reason: str) -> Finding:
    codes = {each.code for each in named}
    return Finding("queued", "", method, round(_COMMON / len(codes), 4), reason, _told(named))


def _told(named: Sequence[Named]) -> tuple[Mapping[str, Any], ...]:
    once = {each.code: each for each in reversed(named)}
    return tuple(
        {"code": code, "name": once[code].name, "region": once[code].region} for code in sorted(once)[:10]
    )


def _same(named: Sequence[Named], mention: Mention, what: str) -> list[Named]:
    told = getattr(mention, what)
    size = 4 if what == "region" else None
    return [each for each in named if told and getattr(each, what)[:size] == told[:size]]


def _parts_key(name: str) -> tuple[str, str, str, str]:
    parts = name_parts(name)
    return (parts.place, parts.body, parts.ending, parts.branch)


def _by_likelihood(
    names: Mapping[Mention, str], register: Register, rules: RulesOfDay, stands: Standing
) -> dict[Mention, Finding]:
    from riskengine.identity.matching import match_names

    found: dict[Mention, Finding] = {}
    for mention, every in match_names(names, register, rules).items():
        refused = stands.refused.get(mention, frozenset())
        candidates = [each for each in every if each.code not in refused and each.probability >= rules.review]
        if not candidates:
            continue
        first = candidates[0]
        others = sum(each.probability for each in every if each.code not in (first.code, *refused))
        told = tuple(
            {
                "code": each.code,
                "name": each.name,
                "probability": round(each.probability, 4),
                "evidence": each.evidence(),
            }
            for each in candidates
        )
        sure = (
            first.for_the_machine
            and first.probability >= rules.accept
            and first.probability >= rules.lead * others
        )
        found[mention] = Finding(
            "accepted" if sure else "queued", first.code if sure else "", "likeliest_name",
            round(first.probability, 4), f"{first.name}: {first.evidence()}", told,
        )  # fmt: skip
    return found
