"""Who was judged to be whom, on which day, by whom and on what evidence?

One table beside the ledger, appended only: a later judgement of the same mention stands in the place of the earlier one from
its day on. `seq` is the number a person answers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from riskengine.errors import Problem, UsageError

_META = sa.MetaData()
MACHINE = "machine"
State = Literal["accepted", "queued", "rejected"]

JUDGEMENTS = sa.Table(
    "judgements",
    _META,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("candidates", sa.JSON, nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),
    sa.Column("judged", sa.Date, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("answers", sa.Integer),
)


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """How rows speak of an enterprise: the exact key of its name, an older number, its region, its representative's token."""

    key: str
    number: str = ""
    region: str = ""
    person: str = ""


@dataclass(frozen=True)
class Judgement:
    """One judgement of a mention (`kind` name) or of two codes (`kind` merge: `key` is the code given up)."""

    mention: Mention
    name: str
    state: State
    code: str
    method: str
    confidence: float
    evidence: str
    judged: date
    candidates: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[str, ...] = ()
    by: str = MACHINE
    kind: Literal["name", "merge"] = "name"
    answers: int | None = None
    seq: int = 0


@dataclass(frozen=True)
class Standing:
    """What stands on a day: the last judgement of each mention, the codes it was refused, the merges.

    `taken_back`: codes that a mention was accepted as until a person said otherwise, and the day of that.
    """

    last: Mapping[Mention, Judgement]
    refused: Mapping[Mention, frozenset[str]]
    merges: Mapping[str, Judgement] = field(default_factory=dict)
    newest: date = date.min  # of any judgement, also of later ones
    taken_back: Mapping[Mention, tuple[frozenset[str], date]] = field(default_factory=dict)

    def after(self, made: Sequence[Judgement]) -> Standing:
        """With judgements of the machine that were made just now of mentions that no person has judged otherwise."""
        return replace(self, last={**self.last, **{found.mention: found for found in made}})


_PLAIN = [each.name for each in fields(Judgement) if each.name not in ("mention", "candidates", "sources")]
_AT_ONCE = 10_000  # values in one question to the database


def judgements(ledger: Engine, until: date | None = None) -> list[Judgement]:
    """All judgements made by a day (or all), in order."""
    query = sa.select(JUDGEMENTS).order_by(JUDGEMENTS.c.seq)
    if until:
        query = query.where(JUDGEMENTS.c.judged <= until)
    _META.create_all(ledger)
    with ledger.connect().execution_options(reading=True) as connection:
        return [_read(dict(row)) for row in connection.execute(query).mappings()]


def judgements_of(ledger: Engine, mentions: Iterable[Mention]) -> list[Judgement]:
    """Those that a `Standing` of these mentions follows from: of their keys, and of every key that a person ever judged."""
    _META.create_all(ledger)
    column, found = JUDGEMENTS.c, {}
    asked = set(mentions)
    by_persons = sa.select(column.key, column.number).where(column.by != MACHINE)
    wheres = [sa.tuple_(column.key, column.number).in_(by_persons)]
    for name, values in (
        ("key", sorted({each.key for each in asked if each.key})),
        ("number", sorted({each.number for each in asked if not each.key})),
    ):
        for start in range(0, len(values), _AT_ONCE):
            some = getattr(column, name).in_(values[start : start + _AT_ONCE])
            wheres.append(some if name == "key" else some & (column.key == ""))
    with ledger.connect().execution_options(reading=True) as connection:
        if connection.execute(sa.select(column.seq).limit(1)).first() is None:
            return []
        for where in wheres:
            for row in connection.execute(sa.select(JUDGEMENTS).where(where)).mappings():
                found[row["seq"]] = row
        return [_read(dict(found[seq])) for seq in sorted(found)]


def standing(ledger: Engine, as_of: date, mentions: Iterable[Mention] | None = None) -> Standing:
    """What stands on a day; of these mentions, and of what persons judged, where `mentions` is given."""
    if mentions is None:
        return stood(judgements(ledger), as_of)
    told = judgements_of(ledger, mentions)
    with ledger.connect().execution_options(reading=True) as connection:
        newest = connection.execute(sa.select(sa.func.max(JUDGEMENTS.c.judged))).scalar_one()
    return stood(told, as_of, newest)


def stood(every: Sequence[Judgement], as_of: date, newest: date | None = None) -> Standing:
    """What follows from judgements for a day; `newest`: the day of the newest there is, where `every` is not all."""
    last: dict[Mention, Judgement] = {}
    refused: dict[Mention, set[str]] = {}
    merges: dict[str, Judgement] = {}
    taken: dict[Mention, tuple[frozenset[str], date]] = {}
    for found in sorted(every, key=lambda found: (found.judged, found.seq)):
        if found.judged > as_of:
            continue
        if found.kind == "merge":
            merges[found.mention.key] = found
            continue
        before, none = last.get(found.mention), (frozenset[str](), date.min)
        if before and before.state == "accepted" and found.by != MACHINE:  # rejected, or another one meant
            taken[found.mention] = (taken.get(found.mention, none)[0] | {before.code}, found.judged)
        if found.state == "accepted" and found.mention in taken:
            codes, since = taken[found.mention]
            taken[found.mention] = (codes - {found.code}, since)
        last[found.mention] = found
        if found.state == "rejected":
            refused.setdefault(found.mention, set()).update(
                [found.code] if found.code else [str(each["code"]) for each in found.candidates]
            )
        elif found.state == "accepted":
            refused.get(found.mention, set()).discard(found.code)
    return Standing(
        last,
        {mention: frozenset(codes) for mention, codes in refused.items()},
        {code: found for code, found in merges.items() if found.state == "accepted"},
        newest or max((found.judged for found in every), default=date.min),
        {mention: told for mention, told in taken.items() if told[0]},
    )


def append(ledger: Engine, made: Sequence[Judgement]) -> list[Judgement]:
    """Append judgements in one transaction and return them with their numbers."""
    _META.create_all(ledger)
    if not made:
        return []
    with ledger.begin() as connection:
        first = int(
            connection.execute(sa.select(sa.func.coalesce(sa.func.max(JUDGEMENTS.c.seq), 0))).scalar_one()
        )
        numbered = [replace(found, seq=first + place) for place, found in enumerate(made, 1)]
        connection.execute(sa.insert(JUDGEMENTS), [_row(found) for found in numbered])
    return numbered


def numbered(ledger: Engine, seq: int) -> Judgement:
    """The judgement of a number, or a `UsageError`."""
    every = judgements(ledger)
    found = [judgement for judgement in every if judgement.seq == seq]
    if not found:
        hint = "riskengine identity queue lists what waits"
        raise UsageError("No such judgement", [Problem("ID", f"a number up to {len(every)}", str(seq), hint)])
    return found[0]


def _row(found: Judgement) -> dict[str, Any]:
    row = {
        field: getattr(found, field) for field in _PLAIN
    }  # `asdict` copies: 10 s of a province's first night
    row |= {name: getattr(found.mention, name) for name in ("key", "number", "region", "person")}
    return row | {"candidates": [dict(each) for each in found.candidates], "sources": list(found.sources)}


def _read(row: dict[str, Any]) -> Judgement:
    mention = Mention(*(row.pop(name) for name in ("key", "number", "region", "person")))
    lists: dict[str, Any] = {"candidates": tuple(row.pop("candidates")), "sources": tuple(row.pop("sources"))}
    return Judgement(mention=mention, **lists, **row)
