"""Whom do rows without a credit code speak of, as known on a day?

What is found for a mention: `finding`. A row whose earlier version had a code, under the same name, keeps it without being judged anew.
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
from riskengine.identity.crosswalk import crosswalked
from riskengine.identity.finding import Finding, find
from riskengine.identity.judgements import Judgement, Mention, Standing, append, standing
from riskengine.identity.merging import merged_facts
from riskengine.identity.register import read_register
from riskengine.identity.reissue import Filling, Spoken
from riskengine.identity.renaming import renamed
from riskengine.identity.rules import read_rules, rules_of
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.intake.load import recover
from riskengine.intake.personal import names_person
from riskengine.project import Project
from riskengine.store.facts import FactStore
from riskengine.store.ledger import open_ledger


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


@dataclass(frozen=True)
class Looked:
    """Open rows, what was found for each mention, the judgements of them that stand, and each mention's name as written."""

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
        stands = looked.stands.after(made)
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
    stands = standing(ledger, as_of, [])
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
    stands = standing(ledger, as_of, {each.mention for each in spoken})
    names: dict[Mention, str] = {}
    for each in spoken:
        if not each.carried:
            names.setdefault(each.mention, each.raw[1] or "")
    if not names:
        return Looked(spoken, {}, stands, names)
    rules = read_rules(project, contracts)
    register = read_register(store.snapshot(), rules.register_, contracts, as_of)
    return Looked(spoken, find(names, register, rules_of(rules, as_of), stands), stands, names)


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
