"""How do rows in Python variables become groups and windows: one pass each, the lines of which are written here?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from riskengine.profile.spelling_terms import Kind, Scope, Speller, Unspelled


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in a Python variable: a list of tuples with these columns."""

    variable: str
    columns: tuple[tuple[str, Kind], ...]


@dataclass
class Spelled:
    """The lines of a program while it is written."""

    facts: Mapping[str, tuple[tuple[str, Kind], ...]]
    narrow: frozenset[str]
    tables: dict[str, Table] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    shared: dict[str, tuple[str, list[int | None]]] = field(
        default_factory=dict
    )  # of the steps that are not spelled, SQL and the scales of decimals among its columns
    narrow_sets: set[str] = field(default_factory=set)  # variables that hold sets of narrow values
    count: int = 0

    def fresh(self, prefix: str = "r") -> str:
        """A variable's name that nothing else has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def say(self, indent: int, text: str) -> None:
        """One line more."""
        self.lines.append("    " * indent + text)


def windows(made: Spelled, tree: exp.Select, scope: Scope, rows: str) -> dict[str, tuple[str, Kind]]:
    """Maxima and sums over partitions, computed before the loop: SQL of the window -> (code, type)."""
    found: dict[str, tuple[str, Kind]] = {}
    for window in tree.find_all(exp.Window):
        sql = window.sql("duckdb")
        if window.find_ancestor(exp.Select) is not tree or sql in found:
            continue
        whole = re.sub(r"\s+ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "", sql)
        function = window.this.this if isinstance(window.this, exp.Filter) else window.this
        if (
            not isinstance(function, exp.Max | exp.Sum)
            or window.args.get("order")
            or " ROWS " in whole
            or " RANGE " in whole
        ):
            raise Unspelled(f"window {sql[-80:]}")
        loop = Speller(scope, made.fresh)
        cell, kind = loop.value(function.this)
        if kind != "null" and isinstance(function, exp.Sum) and kind != "int" and kind[0] != "decimal":
            raise Unspelled(f"a window's sum of {kind}")
        kept = loop.true(window.this.expression.this) if isinstance(window.this, exp.Filter) else ""
        parts = "".join(loop.value(one)[0] + ", " for one in window.args.get("partition_by") or ())
        values = made.fresh("w")
        made.say(0, f"{values} = {{}}")
        made.say(0, f"for r in {rows}:")
        for line in loop.loads():
            made.say(1, line)
        if kept:
            made.say(1, f"if not ({kept}): continue")
        made.say(1, f"k, x = ({parts}), {cell}")
        if isinstance(function, exp.Max):
            made.say(1, f"if x is not None and ({values}.get(k) is None or x > {values}[k]): {values}[k] = x")
        else:
            made.say(1, f"if x is not None: {values}[k] = {values}.get(k, 0) + x")
        key = "".join(
            f"r[{scope.place(one)}], "
            for one in window.args.get("partition_by") or ()
            if isinstance(one, exp.Column)
        )
        if len(window.args.get("partition_by") or ()) != key.count(","):
            raise Unspelled("a partition by other than columns")
        found[sql] = (f"{values}.get(({key}))", kind)
    return found


def grouped(
    made: Spelled,
    variables: tuple[str, str],
    items: Sequence[tuple[str, exp.Expr | int]],
    speller: Speller,
    parts: tuple[exp.Expr | None, exp.Expr | None],
) -> list[Kind]:
    """One pass over rows into groups, then one row a group."""
    (rows, variable), (where, group) = variables, parts
    loop = Speller(speller.scope, made.fresh, speller.windows)
    keys: list[tuple[str, exp.Expr]] = []
    for one in group.expressions if group else ():
        item = items[int(one.name) - 1][1] if isinstance(one, exp.Literal) else one
        if isinstance(item, int):
            raise Unspelled("a group by star")
        keys.append((item.sql("duckdb"), item))
    cells = [loop.value(item) for _, item in keys]
    kept = loop.true(where.this) if where else ""
    tally = loop.tally([item for _, item in items if not isinstance(item, int)])
    made.say(0, "groups = {}")
    made.say(0, f"for r in {rows}:")
    body = tally.body()
    for line in loop.loads():
        made.say(1, line)
    if kept:
        made.say(1, f"if not ({kept}): continue")
    made.say(1, f"k = ({''.join(code + ', ' for code, _ in cells)})")
    made.say(1, "g = groups.get(k)")
    made.say(1, f"if g is None: g = groups[k] = [{', '.join(tally.initial)}]")
    for line in body:
        made.say(1, line)
    if not keys:
        made.say(0, f"if not groups: groups[()] = [{', '.join(tally.initial)}]")
    known = {
        sql: (f"k[{place}]", kind)
        for place, ((sql, _), (_, kind)) in enumerate(zip(keys, cells, strict=True))
    }
    last = Speller(speller.scope, made.fresh, known | tally.results)
    told = [last.value(item) for _, item in items if not isinstance(item, int)]
    if last.used:
        raise Unspelled("a column neither grouped nor summed")
    made.say(0, f"{variable} = []")
    made.say(0, "for k, g in groups.items():")
    made.say(1, f"{variable}.append(({''.join(code + ', ' for code, _ in told)}))")
    return [kind for _, kind in told]
