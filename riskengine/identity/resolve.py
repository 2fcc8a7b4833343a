"""Whom do rows without a credit code speak of, as known on a day?

1. what a person has judged stands; 2. an older number by the crosswalk; 3. the exact name, former names included; 4. the same parts
in another order; 5. the likeliest name (`matching`), from `accept` on and clearly ahead; from `review` on a person is asked;
below, nobody is found. A row whose earlier version had a code, under the same name, keeps it without being judged anew.
Before all that, late rows of publishers and what a person took back are settled, also where the answer itself was killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy.engine import Engine

from riskengine.identity import reissue as facts
from riskengine.identity.anatomy import name_parts
from riskengine.identity.crosswalk import crosswalked
from riskengine.identity.judgements import MACHINE, Judgement, Mention, Standing, append, standing
from riskengine.identity.merging import merged_facts
from riskengine.identity.register import Named, Register, read_register
from riskengine.identity.reissue import Filling, Spoken
from riskengine.identity.renaming import renamed
from riskengine.identity.rules import RulesOfDay, read_rules, rules_of
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.intake.load import recover
from riskengine.intake.nouns import is_person
from riskengine.intake.personal import names_person
from riskengine.project import Project
from riskengine.store.facts import FactStore
from riskengine.store.ledger import open_ledger

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


@dataclass(frozen=True)
class Resolution:
    """What a resolve did and found. Mentions are ways of speaking of an enterprise, rows are facts."""

    as_of: date
    rows_open: int  # visible rows without a credit code before
    rows_filled: int  # re-issued with one, carried ones included
    rows_carried: int
    rows_merged: int
    rows_taken_back: int  # re-issued without the code that a person took back
    rows_crosswalked: int  # re-issued with the credit code of another enterprise they name by an older number
    judged: dict[str, int]  # new judgements by state
    methods: dict[str, int]  # of the accepted mentions, standing ones included
    queued: int  # mentions that wait for a person
    unresolved: int  # mentions for which nobody was found
    persons: int  # mentions that look like natural persons: nobody looks for them
    snapshot: str

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"as_of": self.as_of.isoformat()}


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
class Looked:
    """Open rows, what was found for each mention, the judgements that stand, and each mention's name as written."""

    spoken: Sequence[Spoken]
    findings: Mapping[Mention, Finding]
    stands: Standing
    names: Mapping[Mention, str]


def resolve(project: Project, as_of: date) -> Resolution:
    """Judge every mention without a credit code as known on a day and re-issue its rows; a second time changes nothing.

    On a day before the newest judgement only what was judged by that day is applied: nothing learnt later is told earlier.
    """
    contracts = read_contracts(project)
    store, ledger = FactStore(project.store), open_ledger(project.store)
    with store.locked():
        recover(store, ledger, contracts)
        back = _settled(store, ledger, contracts, as_of)
        looked = look(project, contracts, ledger, as_of)
        made = append(ledger, [] if looked.stands.newest > as_of else _news(looked, as_of))
        stands = standing(ledger, as_of)
        fillings = _fillings(looked, stands, as_of)
        tables = {
            source: facts.filled(store, contracts[source], told, facts.own_batches(ledger, source), as_of)
            for source, told in sorted(fillings.items())
        }
        facts.reissue(store, ledger, contracts, tables, as_of)
        others = crosswalked(project, contracts, ledger, as_of)
        crossed, merged = facts.reissue(store, ledger, contracts, others, as_of), 0
        for _ in [*stands.merges, None]:  # a code may be given up for one that is given up in turn
            tables, _ = merged_facts(project, contracts, stands.merges, as_of)
            moved = facts.reissue(store, ledger, contracts, tables, as_of)
            merged += moved
            if not moved:
                break
        own = {
            name: facts.own_batches(ledger, name) for name in sorted(contracts) if contracts[name].identity
        }
        twice = {name: renamed(store, contracts[name], batches, as_of) for name, batches in own.items()}
        facts.reissue(store, ledger, contracts, twice, as_of)
        after = store.snapshot().id
    return _resolution(looked, made, fillings, (back, merged, crossed), (as_of, after))


def _settled(store: FactStore, ledger: Engine, contracts: Mapping[str, SourceContract], as_of: date) -> int:
    """Tell again what late rows of publishers say, and give back what a person took back; how many rows of the latter."""
    stands = standing(ledger, as_of)
    own = {name: facts.own_batches(ledger, name) for name in sorted(contracts)}
    own = {name: batches for name, batches in own.items() if batches}
    late = {name: facts.overtaken(store, contracts[name], batches, as_of) for name, batches in own.items()}
    if facts.reissue(store, ledger, contracts, late, as_of):
        own = {name: facts.own_batches(ledger, name) for name in own}
    if not stands.taken_back:
        return 0
    back = {
        name: facts.taken_back(store, contracts[name], stands, batches, as_of)
        for name, batches in own.items()
    }
    return facts.reissue(store, ledger, contracts, back, as_of)


def look(project: Project, contracts: Mapping[str, SourceContract], ledger: Engine, as_of: date) -> Looked:
    """What is open on a day and what the machine makes of it; writes nothing."""
    store = FactStore(project.store)
    spoken = [
        each
        for name in sorted(contracts)
        if contracts[name].identity
        for each in facts.without_code(store, contracts[name], facts.own_batches(ledger, name), as_of)
    ]
    stands = standing(ledger, as_of)
    names: dict[Mention, str] = {}
    for each in spoken:
        if not each.carried:
            names.setdefault(each.mention, each.raw[1] or "")
    if not names:
        return Looked(spoken, {}, stands, names)
    rules = read_rules(project, contracts)
    register = read_register(store.snapshot(), rules.register_, contracts, as_of)
    return Looked(spoken, find(names, register, rules_of(rules, as_of), stands), stands, names)


def find(
    names: Mapping[Mention, str], register: Register, rules: RulesOfDay, stands: Standing
) -> dict[Mention, Finding]:
    """What the machine makes of each mention (its name as written)."""
    found: dict[Mention, Finding] = {}
    parts = _by_parts(register.names)
    for mention, name in names.items():
        if is_person(name):  # taken in before names of persons were hidden: it goes into no judgement
            continue
        finding = _by_person(stands.last.get(mention)) or _by_rule(mention, name, register, parts, stands)
        if finding:
            found[mention] = finding
    left = {
        mention: name
        for mention, name in names.items()
        if mention not in found and mention.key and not names_person(name)
    }
    if left:
        found |= _by_likelihood(left, register.names, rules, stands)
    return {mention: found.get(mention, Finding("unresolved")) for mention in names}


def _by_person(last: Judgement | None) -> Finding | None:
    if last and last.by != MACHINE and last.state == "accepted":
        return Finding("accepted", last.code, "standing", 1.0, f"judgement {last.seq}")
    return None


def _by_rule(
    mention: Mention,
    name: str,
    register: Register,
    parts: Mapping[tuple[str, ...], list[Named]],
    stands: Standing,
) -> Finding | None:
    """By older number, exact name or the same parts; None where none of them says anything."""
    refused = stands.refused.get(mention, frozenset())
    named = (
        [each for each in register.by_key.get(mention.key, []) if each.code not in refused]
        if mention.key
        else []
    )
    code, rule = register.older(mention.number) if mention.number else ("", "")
    if code and code not in refused:
        others = {each.code for each in named} - {code}
        if others and code not in {each.code for each in named}:
            told = [*register.of_code(code)[:1], *named]
            return _asked(told, "number_and_name_differ", f"{rule} says {code}, the name says another")
        return Finding("accepted", code, rule, _SURE[rule], f"{rule} {mention.number}")
    if named and refused:
        return _asked(named, "exact_name", "a person has refused others of this name")
    if named:
        return _of_named(mention, name, named, "exact_name")
    alike = (
        [each for each in parts.get(_parts_key(name), []) if each.code not in refused] if mention.key else []
    )
    return _of_named(mention, name, alike, "same_parts") if alike else None


def _of_named(mention: Mention, name: str, named: Sequence[Named], method: str) -> Finding:
    """One enterprise of that name, or one of several by representative or region; otherwise a person is asked."""
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
        if not what and _is_common(name) and not supported:
            break
        how = method if chosen.current or method == "same_parts" else "former_name"
        evidence = f"{how} {chosen.name}" + (f", told apart by {what}" if what else "")
        return Finding("accepted", only[0], how, _SURE[how], evidence, _told(named) if len(codes) > 1 else ())
    reason = (
        f"{len(codes)} enterprises of this name"
        if len(codes) > 1
        else "a name without place and company form is common"
    )
    return _asked(named, method, reason)


def _asked(named: Sequence[Named], method: str, reason: str) -> Finding:
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


def _is_common(name: str) -> bool:
    """A name without a place and without a company's form, as thousands of shops have."""
    parts = name_parts(name)
    return not parts.place and parts.form in ("", "shop", "factory")


def _parts_key(name: str) -> tuple[str, ...]:
    parts = name_parts(name)
    return (parts.place, parts.body, parts.ending, parts.branch)


def _by_parts(named: Sequence[Named]) -> dict[tuple[str, ...], list[Named]]:
    found: dict[tuple[str, ...], list[Named]] = {}
    for each in named:
        key = _parts_key(each.name)
        if key[0] and len(key[1]) >= 3 and key[2]:
            found.setdefault(key, []).append(each)
    return found


def _by_likelihood(
    names: Mapping[Mention, str], named: Sequence[Named], rules: RulesOfDay, stands: Standing
) -> dict[Mention, Finding]:
    from riskengine.identity.matching import match_names

    found: dict[Mention, Finding] = {}
    for mention, every in match_names(names, named, rules).items():
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


def _news(looked: Looked, as_of: date) -> list[Judgement]:
    """The judgements that differ from what stands."""
    made = []
    sources: dict[Mention, set[str]] = {}
    for each in looked.spoken:
        sources.setdefault(each.mention, set()).add(each.source)
    for mention, finding in sorted(looked.findings.items()):
        last = looked.stands.last.get(mention)
        stands = last and (last.state, last.code) == (finding.state, finding.code)
        if finding.state == "unresolved" or finding.method == "standing" or stands:
            continue
        told = Judgement(
            mention,
            looked.names[mention],
            "accepted" if finding.state == "accepted" else "queued",
            finding.code,
            finding.method,
            finding.confidence,
            finding.evidence,
            as_of,
            finding.candidates,
            tuple(sorted(sources[mention])),
        )
        made.append(told)
    return made


def _fillings(looked: Looked, stands: Standing, as_of: date) -> dict[str, list[Filling]]:
    fillings: dict[str, list[Filling]] = {}
    for each in looked.spoken:
        last = stands.last.get(each.mention)
        if each.carried:
            code, since = each.carried, date.min
        elif last and last.state == "accepted":
            finding = looked.findings[each.mention]
            if (
                finding.state == "accepted" and finding.code != last.code
            ):  # only on a day before the newest judgement
                continue
            code, since = last.code, last.judged
        else:
            continue
        fillings.setdefault(each.source, []).append(Filling(each, code, since))
    return fillings


def _resolution(
    looked: Looked,
    made: Sequence[Judgement],
    fillings: Mapping[str, Sequence[Filling]],
    rows: tuple[int, int, int],
    when: tuple[date, str],
) -> Resolution:
    states = Counter(finding.state for finding in looked.findings.values())
    persons = sum(
        finding.state == "unresolved" and names_person(looked.names[mention])
        for mention, finding in looked.findings.items()
    )
    methods = Counter(finding.method for finding in looked.findings.values() if finding.state == "accepted")
    return Resolution(
        as_of=when[0],
        rows_open=sum(each.rows for each in looked.spoken),
        rows_filled=sum(filling.spoken.rows for told in fillings.values() for filling in told),
        rows_carried=sum(each.rows for each in looked.spoken if each.carried),
        rows_merged=rows[1],
        rows_taken_back=rows[0],
        rows_crosswalked=rows[2],
        judged=dict(sorted(Counter(each.state for each in made).items())),
        methods=dict(sorted(methods.items())),
        queued=states["queued"],
        unresolved=states["unresolved"] - persons,
        persons=persons,
        snapshot=when[1],
    )
