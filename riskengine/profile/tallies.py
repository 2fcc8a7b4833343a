"""Which aggregates does a step take over the facts of a key, and for which days does a fact count in each?

Read from the step's SQL. A fact counts from a day on (it is known; it is old enough for a window's near edge) until another
(it is superseded; it is too old for the far edge), whatever else it must be is the same on every day. So a panel meets each
fact twice an aggregate, when it comes and when it goes, where nights one by one meet it every day. What is not read that way
(a window function, a gap, a streak) stays with DuckDB, day by day: `Step` of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp

from riskengine.profile.evaluating import Words
from riskengine.profile.recipe import Met, Step
from riskengine.profile.spelling_terms import Unspelled

_MONTH = '(EXTRACT(YEAR FROM "t0"."event_date") * 12) + EXTRACT(MONTH FROM "t0"."event_date")'
_BIT = f'1 << ((({_MONTH}) - "t0"."month_no") + 60)'
_APART = (
    f'CAST(({_MONTH}) - "t0"."month_no" AS INT)'  # months from the day's to the fact's, which a trend is over
)
_TIMES = f"CAST({_APART} AS DECIMAL(9, 0)) * "
_SINCE = 24_000  # months are summed from the year 2000 on, so that sums stay small
_MONTHS = f"(({_MONTH}) - {_SINCE})"
_EDGE = re.compile(r"b\d+")
_MET = "facts_met"
_LATER: dict[type[exp.Expr], str] = {exp.LT: "before", exp.LTE: "until", exp.GT: "after", exp.GTE: "from"}


@dataclass(frozen=True, slots=True)
class Limit:
    """A comparison of a fact's day with the as-of date or an edge of a window: `column` is before, until, after or from it.

    Where an `endless` one is unknown the fact counts for good.
    """

    column: str
    how: str
    edge: str  # "as_of", "b0", ...
    endless: bool = False

    @property
    def name(self) -> str:
        """The column of days that is compared."""
        return f"{self.column} or never" if self.endless else self.column

    @property
    def ends(self) -> bool:
        """Whether the fact goes, rather than comes, as days pass."""
        return self.how in ("after", "from")


@dataclass(frozen=True, slots=True)
class Tally:
    """One aggregate: the facts within `limits` for which `rule` (SQL) holds, and of these `value` (SQL)."""

    verb: str  # count, sum, squares (summed, of money), max, min, latest, first, distinct
    limits: frozenset[Limit]
    rule: str
    value: str


@dataclass(frozen=True)
class Running:
    """A step, read: its members over columns `a0`, `a1`, ... which are the tallies, and the step of what is not read (or None)."""

    name: str
    met: Met
    members: dict[str, exp.Expr]
    tallies: dict[Tally, str] = field(default_factory=dict)
    left: Step | None = None
    left_members: tuple[str, ...] = ()


def read_step(step: Step, words: Words) -> Running:
    """What is read of a step whose facts stand in its SQL in one place (`met.read`); `Unspelled` where that is not so."""
    met = step.met
    if met is None or not met.read[1] or len(met.columns) != 1 or met.linked or met.own:
        raise Unspelled(f"{step.name} does not read facts by one key")
    begin, end = met.read
    tree = sqlglot.parse_one(f"{step.sql[:begin]}{_MET}{step.sql[end:]}", dialect="duckdb")
    (key, day, *items) = tree.expressions
    if (key.alias_or_name, day.alias_or_name) != (met.columns[0], "as_of"):
        raise Unspelled(f"{step.name} has other columns first")
    source = tree.args["from_"].this
    members: dict[str, exp.Expr] = {}
    tallies: dict[Tally, str] = {}
    left: list[exp.Expr] = []
    for item in items:
        known = dict(tallies)
        try:
            if not isinstance(source, exp.Table) or source.name != _MET:
                raise Unspelled("facts are not read as they are")
            members[item.alias] = words.read(_read(item.this, known))
            tallies = known
        except Unspelled:
            left.append(item)
    rest = _rest(step, tree, [key, day, *left]) if left else None
    return Running(step.name, met, members, tallies, rest, tuple(item.alias for item in left))


def _rest(step: Step, tree: exp.Expr, items: Sequence[exp.Expr]) -> Step:
    """The step with these columns only."""
    assert step.met is not None
    begin, end = step.met.read
    tree.set("expressions", list(items))
    before, after = _sql(tree).split(_MET)
    return Step(
        step.name,
        f"{before}{step.sql[begin:end]}{after}",
        replace(step.met, read=(len(before), len(before) + end - begin)),
    )


def _read(e: exp.Expr, known: dict[Tally, str]) -> exp.Expr:
    """An expression with a column for every aggregate in it."""

    def column(tally: Tally) -> exp.Expr:
        return exp.column(known.setdefault(tally, f"a{len(known)}"))

    def told(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Dot):
            return column(_latest(node))
        if isinstance(node, exp.Anonymous):
            return column(_months(node))
        if isinstance(node, exp.Count | exp.Sum) and _APART in _sql(node):
            return _apart(node, column)
        if isinstance(node, exp.Count | exp.Sum | exp.Max | exp.Min):
            return column(_tally(node))
        if isinstance(node, exp.AggFunc | exp.Filter | exp.Window):
            raise Unspelled(_sql(node)[:80])
        return node

    return e.transform(told)


def _tally(node: exp.Expr) -> Tally:
    verb = type(node).__name__.lower()
    inner = node.this
    if isinstance(inner, exp.Distinct):
        verb = "distinct" if verb == "count" and len(inner.expressions) == 1 else ""
        inner = inner.expressions[0]
    conditions, value = _cased(inner)
    if isinstance(value, exp.Mul):
        once = _sql(value.expression)
        if verb == "sum" and _sql(value.this) == f"CAST({once} AS DECIMAL(38, 2))":
            return _made("squares", conditions, value.expression)
    if not verb or value.find(exp.Mul):  # a product may need more than 64 bits
        raise Unspelled(_sql(node)[:80])
    if verb == "count" and _sql(value) == '"t0"."event_date"':
        return _made("count", conditions, None)
    return _made(verb, conditions, value)


def _months(node: exp.Anonymous) -> Tally:
    """BIT_COUNT of the bits of months: how many different months."""
    inner = node.expressions[0] if len(node.expressions) == 1 else None
    if node.name.upper() != "BIT_COUNT" or not isinstance(inner, exp.BitwiseOrAgg):
        raise Unspelled(_sql(node)[:80])
    conditions, value = _cased(inner.this)
    if _sql(value) != _BIT:
        raise Unspelled(_sql(value)[:80])
    return _made("distinct", conditions, sqlglot.parse_one(_MONTH, dialect="duckdb"))


def _apart(node: exp.Expr, column: Callable[[Tally], exp.Expr]) -> exp.Expr:
    """Sums over the months between the day's and the facts', from sums over the facts' own months, which do not move."""
    conditions, inner = _cased(node.this)
    told = _sql(inner)
    here = f'("month_no" - {_SINCE})'

    def total(sql: str) -> str:
        return column(_made("sum", conditions, sqlglot.parse_one(sql, dialect="duckdb"))).sql("duckdb")

    number = column(_made("count", conditions, None)).sql("duckdb")
    if isinstance(node, exp.Count) and told == _APART:
        return sqlglot.parse_one(number, dialect="duckdb")
    if isinstance(node, exp.Count):
        raise Unspelled(told[:80])
    if told == _APART:
        sql = f"{total(_MONTHS)} - {here} * {number}"
    elif told == f"{_APART} * {_APART}":
        sql = f"{total(f'{_MONTHS} * {_MONTHS}')} - {here} * (2 * {total(_MONTHS)} - {here} * {number})"
    elif told.startswith(_TIMES):
        value = told.removeprefix(_TIMES)
        sql = f"{total(f'CAST({_MONTHS} AS DECIMAL(9, 0)) * {value}')} - {here} * {total(value)}"
    else:
        raise Unspelled(told[:80])
    return sqlglot.parse_one(f"({sql})", dialect="duckdb")


def _latest(node: exp.Dot) -> Tally:
    """The value of the fact that comes first in the order of ranks."""
    inner, conditions = node.this.unnest(), []
    if isinstance(inner, exp.Filter):
        conditions, inner = _flat(inner.expression.this), inner.this
    if not isinstance(inner, exp.First) or not isinstance(inner.this, exp.Order):
        raise Unspelled(_sql(node)[:80])
    order, struct = inner.this.expressions, inner.this.this
    ranked = len(order) == 1 and _sql(order[0].this) == '"t0"."fact_rank"'
    if not ranked or not isinstance(struct, exp.Struct) or len(struct.expressions) != 1:
        raise Unspelled(_sql(node)[:80])
    verb = "latest" if order[0].args.get("desc") else "first"
    return _made(verb, conditions, struct.expressions[0].expression)


def _cased(e: exp.Expr) -> tuple[list[exp.Expr], exp.Expr]:
    """The conditions and the value of `CASE WHEN conditions THEN value END`, or no condition."""
    if not isinstance(e, exp.Case):
        return [], e
    last = e.args.get("default")
    if e.this is not None or len(e.args["ifs"]) != 1 or not (last is None or isinstance(last, exp.Null)):
        raise Unspelled(_sql(e)[:80])
    (only,) = e.args["ifs"]
    return _flat(only.this), only.args["true"]


def _flat(e: exp.Expr) -> list[exp.Expr]:
    bare = e.unnest()
    return [*_flat(bare.left), *_flat(bare.right)] if isinstance(bare, exp.And) else [bare]


def _made(verb: str, conditions: Sequence[exp.Expr], value: exp.Expr | None) -> Tally:
    limits, rules = set(), []
    for one in conditions:
        limit = _limit(one)
        if limit:
            limits.add(limit)
        else:
            rules.append(_of_the_fact(one))
    rules += [
        f'"t0"."{one.column}" IS NOT NULL'
        for one in limits
        if not (one.endless or one.column == "event_date")
    ]
    # one text for one rule, whatever the order it is told in: aggregates that share it share their facts
    rule = " AND ".join(sorted(f"({rule})" for rule in rules))
    return Tally(verb, frozenset(limits), rule, _of_the_fact(value) if value is not None else "")


def _limit(e: exp.Expr) -> Limit | None:
    if isinstance(e, exp.Or) and isinstance(none := e.left.unnest(), exp.Is):
        limit = _limit(e.right.unnest())
        unknown = isinstance(none.expression, exp.Null) and limit and none.this.name == limit.column
        return replace(limit, endless=True) if limit and limit.ends and unknown else None
    how = _LATER.get(type(e))
    if how is None or not isinstance(e, exp.Binary):
        return None
    one, other = e.left, e.right
    if not isinstance(one, exp.Column) or not isinstance(other, exp.Column) or not _moves(other.name):
        return None
    return Limit(one.name, how, other.name)


def _of_the_fact(e: exp.Expr) -> str:
    """SQL that is the same on every day."""
    moving = [one.name for one in e.find_all(exp.Column) if _moves(one.name) or one.name == "month_no"]
    if moving or e.find(exp.AggFunc, exp.Window, exp.Subquery):
        raise Unspelled(_sql(e)[:80])
    return _sql(e)


def _sql(e: exp.Expr) -> str:
    """Its SQL, without the copy that takes most of the time."""
    return e.sql("duckdb", copy=False)


def _moves(name: str) -> bool:
    return name == "as_of" or _EDGE.fullmatch(name) is not None
