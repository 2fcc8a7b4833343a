"""How does an expression of a query read as plain Python, with values that may be unknown (None)?

A condition is spelled twice over: when it is true and when it is false, so that "unknown" is neither (SQL's three values).
Decimals are whole numbers of their last digit, timestamps at midnight are dates, structs are tuples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

Kind = Any  # "bool", "int", "double", "text", "date", "instant", "null", ("decimal", scale), ("struct", fields), ("list", kind)
CLOCK_TYPES: tuple[tuple[str, Kind], ...] = (
    ("event_date", "date"), ("known_at", "date"), ("superseded_at", "date"), ("removed", "bool"), ("fact_rank", "int"),
    ("for_subject", "int"),
)  # fmt: skip
_WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT", "INT128", "UTINYINT", "USMALLINT", "UINT", "UBIGINT")
_PLAIN = {
    "VARCHAR": "text",
    "TEXT": "text",
    "DOUBLE": "double",
    "DATE": "date",
    "BOOLEAN": "bool",
    "TIMESTAMP": "instant",
}
_ATOM = re.compile(r"[\w.]+(\[\d+\])?")
_COMPARED = {exp.EQ: ("==", "!="), exp.NEQ: ("!=", "=="), exp.LT: ("<", ">="), exp.LTE: ("<=", ">"), exp.GT: (">", "<="), exp.GTE: (">=", "<")}  # fmt: skip
DAYS = ("date", "instant")


VALUES: dict[type[exp.Expr], Callable[[Speller, Any], tuple[str, Kind]]] = {}
"""How each kind of expression is spelled: `spelling_functions` fills it."""


class Unspelled(Exception):
    """Something that is not spelled out: DuckDB runs the recipe."""


def kind_of_sql(name: str) -> Kind:
    """The kind of a DuckDB type's name."""
    if found := re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", name):
        return ("decimal", int(found[2]))
    if name in _WHOLE:
        return "int"
    if name not in _PLAIN:
        raise Unspelled(f"type {name}")
    return _PLAIN[name]


@dataclass(frozen=True)
class Scope:
    """What an expression may name: (table, column, kind) by place in the row `r`."""

    columns: tuple[tuple[str, str, Kind], ...]

    @property
    def tables(self) -> set[str]:
        """The tables' names."""
        return {table for table, _, _ in self.columns}

    def place(self, column: exp.Column) -> int:
        """Where a column stands."""
        found = [
            place
            for place, (table, name, _) in enumerate(self.columns)
            if name == column.name and column.table in ("", table)
        ]
        if len(found) != 1:
            raise Unspelled(f"column {column.sql('duckdb')} is {len(found)} columns")
        return found[0]


@dataclass
class Tally:
    """The sums of a pass: how each begins, what a row adds to it, and the SQL whose value it is."""

    initial: list[str] = field(default_factory=list)
    adding: dict[str, list[str]] = field(default_factory=dict)  # condition -> lines
    results: dict[str, tuple[str, Kind]] = field(default_factory=dict)

    def body(self) -> list[str]:
        """The lines that a row runs."""
        found = []
        for condition, lines in self.adding.items():
            found += [f"if {condition}:", *(f"    {line}" for line in lines)] if condition else lines
        return found


class Speller:
    """Spells expressions over the row `r` of a scope; columns are read once into variables (`loads`)."""

    def __init__(
        self, scope: Scope, fresh: Callable[[str], str], known: Mapping[str, tuple[str, Kind]] | None = None
    ) -> None:
        self.scope, self._fresh = scope, fresh
        self.windows = dict(known or {})
        self.used: dict[int, str] = {}

    def loads(self) -> list[str]:
        """The lines that read the columns in use."""
        return [f"{name} = r[{place}]" for place, name in sorted(self.used.items())]

    def column(self, place: int) -> tuple[str, Kind]:
        """A column of the row."""
        name = self.used.setdefault(place, f"v{place}")
        return name, self.scope.columns[place][2]

    def value(self, e: exp.Expr) -> tuple[str, Kind]:
        """An expression's value: code and kind."""
        if self.windows and (found := self.windows.get(e.sql("duckdb"))):
            return found
        if isinstance(e, exp.Paren):
            return self.value(e.this)
        if isinstance(e, exp.Column):
            return self.column(self.scope.place(e))
        if isinstance(e, (exp.And, exp.Or, exp.Not, exp.Is, exp.In, *_COMPARED)):
            return f"(True if {self.true(e)} else False if {self.false(e)} else None)", "bool"
        spelled = VALUES.get(type(e))
        if spelled is None:
            raise Unspelled(f"{type(e).__name__}: {e.sql('duckdb')[:80]}")
        return spelled(self, e)

    def true(self, e: exp.Expr) -> str:
        """A condition's code: whether it is true."""
        return self._decided(e, True)

    def false(self, e: exp.Expr) -> str:
        """Whether it is false (unknown is neither)."""
        return self._decided(e, False)

    def _decided(self, e: exp.Expr, yes: bool) -> str:
        while isinstance(e, exp.Paren):
            e = e.this
        if isinstance(e, exp.Not):
            return self._decided(e.this, not yes)
        if isinstance(e, exp.And | exp.Or):
            word = "and" if isinstance(e, exp.And) == yes else "or"
            return f"({self._decided(e.left, yes)} {word} {self._decided(e.right, yes)})"
        if isinstance(e, exp.Boolean):
            return str(bool(e.this) == yes)
        if isinstance(e, exp.Is):
            if not isinstance(e.expression, exp.Null):
                raise Unspelled(e.sql("duckdb")[:80])
            return f"({self.value(e.this)[0]} {'is' if yes else 'is not'} None)"
        if isinstance(e, exp.In):
            return self._among(e, yes)
        if isinstance(e, exp.Binary) and type(e) in _COMPARED:
            one, other, kind = self.alike(e.left, e.right)
            if kind == "null":
                return "False"
            if isinstance(kind, tuple) and kind[0] != "decimal":
                raise Unspelled("comparing structs")
            known, (a, b) = self.known([one, other])
            return (
                "("
                + "".join(f"{item} is not None and " for item in known)
                + f"{a} {_COMPARED[type(e)][0 if yes else 1]} {b})"
            )
        code, kind = self.value(e)
        if kind not in ("bool", "null"):
            raise Unspelled(f"a condition of {kind}")
        return f"({code} is {yes})"

    def _among(self, e: exp.In, yes: bool) -> str:
        if (
            e.args.get("query")
            or not e.expressions
            or not all(isinstance(one, exp.Literal) for one in e.expressions)
        ):
            raise Unspelled("IN other than a list of words or numbers")
        code, kind = self.value(e.this)
        cells = [convert(*self.value(one), kind) for one in e.expressions]
        known, (a,) = self.known([code])
        return (
            "("
            + "".join(f"{item} is not None and " for item in known)
            + f"{a} {'in' if yes else 'not in'} ({', '.join(cells)},))"
        )

    def known(self, codes: Sequence[str]) -> tuple[list[str], list[str]]:
        """What must not be None, and the values after that: what is long is put into a variable on the way."""
        asked, values = [], []
        for code in codes:
            if constant(code):
                values.append(code)
            elif _ATOM.fullmatch(code):
                asked.append(code)
                values.append(code)
            else:
                name = self._fresh("x")
                asked.append(f"({name} := {code})")
                values.append(name)
        return asked, values

    def lifted(self, codes: Sequence[str], form: str) -> str:
        """`form` over values where all are known, else None."""
        asked, values = self.known(codes)
        made = form.format(*values)
        return (
            f"(None if {' or '.join(f'{item} is None' for item in asked)} else {made})"
            if asked
            else f"({made})"
        )

    def alike(self, *items: exp.Expr) -> tuple[Any, ...]:
        """The codes of several expressions in their common kind, and the kind."""
        cells = [self.value(item) for item in items]
        kind = common([kind for _, kind in cells])
        return *(convert(code, of, kind) for code, of in cells), kind

    def tally(self, items: Sequence[exp.Expr]) -> Tally:
        """Every aggregate in these expressions, each once."""
        made = Tally()
        for item in items:
            for found in item.find_all(exp.AggFunc, exp.Filter):
                whole = found.parent if isinstance(found.parent, exp.Filter) else found
                if found.find_ancestor(exp.Window) or (sql := whole.sql("duckdb")) in made.results:
                    continue
                if isinstance(found, exp.Filter):
                    continue
                condition = self.true(whole.expression.this) if isinstance(whole, exp.Filter) else ""
                made.results[sql] = self._aggregate(made, found, condition)
        return made

    def _aggregate(self, made: Tally, e: exp.Expr, condition: str) -> tuple[str, Kind]:
        place = len(made.initial)
        lines = made.adding.setdefault(condition, [])
        at = f"g[{place}]"
        inner = e.this
        if isinstance(e, exp.Count) and isinstance(inner, exp.Star):
            made.initial.append("0")
            lines.append(f"{at} += 1")
            return at, "int"
        if isinstance(e, exp.Count) and isinstance(inner, exp.Distinct):
            (only,) = inner.expressions
            made.initial.append("set()")
            lines.append(f"{at}.add({self.value(only)[0]})")
            return f"(len({at}) - (None in {at}))", "int"
        if isinstance(inner, exp.Distinct):
            raise Unspelled(f"{type(e).__name__} of distinct values")
        if isinstance(e, exp.First):
            return self._first(made, inner, lines)
        code, kind = self.value(inner)
        asked, (value,) = self.known([code])
        if_known = "".join(f"if {item} is not None: " for item in asked)
        if isinstance(e, exp.Count):
            made.initial.append("0")
            lines.append(f"{if_known}{at} += 1")
            return at, "int"
        if isinstance(e, exp.Sum) and (kind == "int" or kind[0] == "decimal"):
            made.initial.append("None")
            lines.append(f"{if_known}{at} = {value} if {at} is None else {at} + {value}")
            return at, kind
        if (isinstance(e, exp.Max | exp.Min) and not isinstance(kind, tuple | list)) or (
            isinstance(e, exp.Max | exp.Min) and kind[0] == "decimal"
        ):
            made.initial.append("None")
            sign = ">" if isinstance(e, exp.Max) else "<"
            if if_known:
                if_known = if_known[:-2] + f" and ({at} is None or {value} {sign} {at}): "
            else:
                if_known = f"if {at} is None or {value} {sign} {at}: "
            lines.append(f"{if_known}{at} = {value}")
            return at, kind
        if isinstance(e, exp.BitwiseOrAgg) and kind == "int":
            made.initial.append("None")
            lines.append(f"{if_known}{at} = {value} if {at} is None else {at} | {value}")
            return at, kind
        if isinstance(e, exp.LogicalAnd | exp.LogicalOr) and kind == "bool":
            made.initial.append("None")
            word = "and" if isinstance(e, exp.LogicalAnd) else "or"
            lines.append(f"{if_known}{at} = {value} if {at} is None else {at} {word} {value}")
            return at, kind
        if isinstance(e, exp.ArrayAgg):
            made.initial.append("None")
            lines.append(f"if {at} is None: {at} = []")
            lines.append(f"{at}.append({code})")
            return at, ("list", kind)
        raise Unspelled(f"{type(e).__name__} of {kind}")

    def _first(self, made: Tally, inner: exp.Expr, lines: list[str]) -> tuple[str, Kind]:
        """The value where what it is ordered by is first (the latest fact: rank, descending)."""
        if not isinstance(inner, exp.Order) or len(inner.expressions) != 1:
            raise Unspelled("FIRST without one order")
        (ordered,) = inner.expressions
        code, kind = self.value(inner.this)
        rank, _ = self.value(ordered.this)
        at = f"g[{len(made.initial)}]"
        made.initial.append("None")
        asked, (place,) = self.known([rank])
        if_known = "".join(f"{item} is not None and " for item in asked)
        sign = ">" if ordered.args.get("desc") else "<"
        lines.append(f"if {if_known}({at} is None or {place} {sign} {at}[0]): {at} = ({place}, {code})")
        return f"(None if {at} is None else {at}[1])", kind


def constant(code: str) -> bool:
    """Whether a code is a constant other than None."""
    return bool(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?|'[^'\\]*'|True|False", code))


def common(kinds: Sequence[Kind]) -> Kind:
    """The kind that values of these kinds are compared and chosen in."""
    found = {kind for kind in kinds if kind != "null"}
    if len(found) <= 1:
        return found.pop() if found else "null"
    if found <= set(DAYS):
        return "instant"
    if "double" in found and all(kind in ("double", "int") or kind[0] == "decimal" for kind in found):
        return "double"
    if found == {"text", "date"}:
        return "date"  # a constant day
    scales = [kind[1] if isinstance(kind, tuple) and kind[0] == "decimal" else 0 for kind in found]
    if all(kind == "int" or kind[0] == "decimal" for kind in found):
        return ("decimal", max(scales))
    raise Unspelled(f"values of {found}")


def convert(code: str, of: Kind, to: Kind) -> str:
    """A value in another kind, as DuckDB casts it."""
    if of == to or "null" in (of, to) or (of in DAYS and to in DAYS):
        return code
    scale = of[1] if isinstance(of, tuple) and of[0] == "decimal" else 0 if of == "int" else None
    if to == "double":
        if of == "int":
            return _called("real", code)
        if of == "bool":
            return _called("float_of", code)
        if scale is not None:
            number = re.fullmatch(r"-?\d+", code)
            return repr(int(code) / 10**scale) if number else _called("real", code, str(scale))
    if isinstance(to, tuple) and to[0] == "decimal":
        if scale is not None and to[1] >= scale:
            if re.fullmatch(r"-?\d+", code):
                return str(int(code) * 10 ** (to[1] - scale))
            return code if to[1] == scale else _called("scaled", code, str(10 ** (to[1] - scale)))
        if of == "double":
            return _called("fixed", code, f"1e{to[1]}")
    if of == "text" and to == "date" and code.startswith("'"):
        return f"day({code})"
    if to == "int" and of == "bool":
        return _called("whole_of", code)
    raise Unspelled(f"{of} as {to}")


def _called(name: str, *arguments: str) -> str:
    return f"{name}({', '.join(arguments)})"


def spell_name(text: str) -> str:
    """A text as a Python constant."""
    return repr(text)
