"""How does a recipe's query read as plain Python? The same SQL, spelled out once, for who waits for a single profile.

DuckDB plans every query anew (also a prepared one that reads a table): 90 steps over a few rows each cost 250 ms to plan and
60 ms to run. Spelled out as loops over tuples they run in a few milliseconds. Only what is known to the bit is spelled: exact
sums (decimals are whole numbers of their last digit), dates, comparisons with unknown values; anything else is `Unspelled`
and DuckDB runs the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from riskengine.profile.recipe import Recipe
from riskengine.profile.spelling_terms import CLOCK_TYPES, Kind, Scope, Speller, Unspelled, kind_of_sql, spell_name

_JOINED = {"": "inner", "INNER": "inner", "LEFT": "left", "CROSS": "inner"}


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
    count: int = 0

    def fresh(self, prefix: str = "r") -> str:
        """A variable's name that nothing else has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def say(self, indent: int, text: str) -> None:
        """One line more."""
        self.lines.append("    " * indent + text)


def spell(recipe: Recipe, narrow: Sequence[str]) -> str:
    """The source of a Python function `profile(subjects, facts, shared)` that gives `rows` of a recipe; or `Unspelled`.

    `narrow`: subject columns of which few facts are known each (an enterprise, an application). Steps that are joined by none
    of them (an industry, the whole book) are not spelled: `shared(step name, its SQL)` gives their rows.
    """
    keys = tuple((name, kind_of_sql(kind)) for name, kind in recipe.keys)
    facts = {
        name: (*((column, kind_of_sql(kind)) for column, kind in note.columns), *CLOCK_TYPES)
        for name, note in recipe.sources
    }
    made = Spelled(facts, frozenset(narrow))
    made.tables["subjects"] = Table("subjects", (("subject", "int"), ("as_of", "date"), ("fed", "bool"), *keys))
    for name, sql in steps_of(recipe):
        _step(made, name, sql)
    last = made.tables["values"]
    wanted = [*recipe.names]
    if [name for name, _ in last.columns] != ["subject", *wanted]:
        raise Unspelled("other columns than the features")
    for name, kind in last.columns:
        if kind not in ("double", "text", "date", "bool", "int"):
            raise Unspelled(f"{name} is {kind}")
    body = "\n".join(f"    {line}" for line in made.lines)
    return f"def profile(subjects, facts, shared):\n{body}\n    return {last.variable}\n"


def steps_of(recipe: Recipe) -> list[tuple[str, str]]:
    """Every named query of a recipe in order; the last is called `values`."""
    tree = sqlglot.parse_one(recipe.sql, dialect="duckdb")
    found = [(part.alias, part.this.sql("duckdb")) for part in tree.args["with_"].expressions] if tree.args.get("with_") else []
    tree.set("with_", None)
    return [*found, ("values", tree.sql("duckdb"))]


def _step(made: Spelled, name: str, sql: str) -> None:
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    mark = len(made.lines), made.count
    wide: list[bool] = []
    table = _query(made, tree, {}, wide)
    if wide:
        del made.lines[mark[0] :]
        made.say(0, f"{(variable := made.fresh())} = shared({name!r})")
        table = Table(variable, table.columns)
    made.tables[name] = table


def _query(made: Spelled, tree: exp.Expression, only: Mapping[str, str], wide: list[bool]) -> Table:
    """A query's rows; `only`: columns of which other values than those of a set are not asked for."""
    if isinstance(tree, exp.Subquery):
        return _query(made, tree.this, only, wide)
    if isinstance(tree, exp.Union):
        if tree.args.get("distinct"):
            raise Unspelled("UNION DISTINCT")
        one, other = _query(made, tree.left, only, wide), _query(made, tree.right, only, wide)
        columns, both = [], []
        for (name, a), (_, b) in zip(one.columns, other.columns, strict=True):
            columns.append((name, b if a == "null" else a))
            both.append(a == b or "null" in (a, b))
        if not all(both):
            raise Unspelled("a union of other types")
        made.say(0, f"{(variable := made.fresh())} = {one.variable} + {other.variable}")
        return Table(variable, tuple(columns))
    if not isinstance(tree, exp.Select):
        raise Unspelled(type(tree).__name__)
    return _select(made, tree, only, wide)


_READ = {"kind", "expressions", "from_", "joins", "where", "group", "order", "distinct", "hint", "with_", "operation_modifiers"}


def _select(made: Spelled, tree: exp.Select, only: Mapping[str, str], wide: list[bool]) -> Table:
    if strange := [name for name, value in tree.args.items() if value and name not in _READ]:
        raise Unspelled(f"SELECT with {strange}")
    inner = _passed_on(tree, only)
    scope, rows = _from(made, tree, inner, wide)
    where = tree.args.get("where")
    items = _items(tree, scope)
    group = tree.args.get("group")
    summed = any(item.find(exp.AggFunc) for _, item in items if not isinstance(item, int)) or group
    variable = made.fresh()
    speller = Speller(scope, made.fresh)
    windows = _windows(made, tree, scope, rows)
    speller.windows = windows
    if summed:
        kinds = _grouped(made, (rows, variable), items, speller, (where, group))
    else:
        loop = Speller(scope, made.fresh, windows)
        kept = loop.true(where.this) if where else ""
        cells = [loop.column(item) if isinstance(item, int) else loop.value(item) for _, item in items]
        kinds = [kind for _, kind in cells]
        made.say(0, f"{variable} = []")
        made.say(0, f"for r in {rows}:")
        for line in loop.loads():
            made.say(1, line)
        if kept:
            made.say(1, f"if not ({kept}): continue")
        made.say(1, f"{variable}.append(({''.join(code + ', ' for code, _ in cells)}))")
    if tree.args.get("distinct"):
        made.say(0, f"{variable} = list(dict.fromkeys({variable}))")
    if tree.args.get("order"):
        ordered = tree.args["order"].expressions
        if len(ordered) != 1 or ordered[0].args.get("desc") or ordered[0].this.name != items[0][0]:
            raise Unspelled("another order than that of the first column")
        made.say(0, f"{variable}.sort(key=first)")
    return Table(variable, tuple((name, kind) for (name, _), kind in zip(items, kinds, strict=True)))


def _items(tree: exp.Select, scope: Scope) -> list[tuple[str, exp.Expression | int]]:
    """The selected columns: name, and expression or the place of a column that a star stands for."""
    found: list[tuple[str, exp.Expression | int]] = []
    for item in tree.expressions:
        if isinstance(item, exp.Star):
            found += [(name, place) for place, (_, name, _) in enumerate(scope.columns)]
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            chosen = [(name, place) for place, (table, name, _) in enumerate(scope.columns) if table == item.table]
            found += chosen
        else:
            found.append((item.alias_or_name, item.this if isinstance(item, exp.Alias) else item))
    return found


def _passed_on(tree: exp.Select, only: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Where an output column is plainly a column of what is read, the same holds there."""
    found: dict[tuple[str, str], str] = {}
    for item in tree.expressions:
        if isinstance(item, exp.Star):
            found |= {("", name): values for name, values in only.items()}
            continue
        column = item.this if isinstance(item, exp.Alias) else item
        if isinstance(column, exp.Column) and item.alias_or_name in only and not isinstance(column.this, exp.Star):
            found[column.table, column.name] = only[item.alias_or_name]
    return found if not tree.find(exp.Window) else {}


def _from(made: Spelled, tree: exp.Select, only: Mapping[tuple[str, str], str], wide: list[bool]) -> tuple[Scope, str]:
    source = tree.args.get("from_")
    if source is None:
        raise Unspelled("no FROM")
    scope, rows = _source(made, source.this, only, wide)
    for join in tree.args.get("joins") or ():
        scope, rows = _joined(made, (scope, rows), join, only, wide)
    return scope, rows


def _source(
    made: Spelled, tree: exp.Expression, only: Mapping[tuple[str, str], str], wide: list[bool]
) -> tuple[Scope, str]:
    called = tree.alias_or_name
    mine = {name: values for (table, name), values in only.items() if table in ("", called)}
    if isinstance(tree, exp.Table):
        name = tree.name
        if name in made.tables:
            table = made.tables[name]
        elif name.startswith("facts_") and name[6:] in made.facts:
            table = _facts(made, name[6:], mine, wide)
        else:
            raise Unspelled(f"table {name}")
    else:
        table = _query(made, tree, mine, wide)
    return Scope(tuple((called, name, kind) for name, kind in table.columns)), table.variable


def _facts(made: Spelled, source: str, only: Mapping[str, str], wide: list[bool]) -> Table:
    columns = made.facts[source]
    chosen = [name for name in only if name in dict(columns) and dict(columns)[name] in ("text", "int")]
    variable = made.fresh()
    if not chosen or not any(only[name] in made_narrow(made) for name in chosen):
        wide.append(True)
        return Table(variable, columns)
    narrow = [name for name in chosen if only[name] in made_narrow(made)]
    name = next((one for one in narrow if one in made.narrow), narrow[0])
    made.say(0, f"{variable} = facts({source!r}, {name!r}, {only[name]})")
    return Table(variable, columns)


def made_narrow(made: Spelled) -> set[str]:
    """The variables that hold sets of narrow values."""
    return made.__dict__.setdefault("narrow_sets", set())


def _joined(
    made: Spelled, left: tuple[Scope, str], join: exp.Join, only: Mapping[tuple[str, str], str], wide: list[bool]
) -> tuple[Scope, str]:
    kind = _JOINED.get((join.side or join.kind or "").upper())
    if kind is None or join.args.get("using"):
        raise Unspelled(f"join {join.sql('duckdb')[:40]}")
    scope, rows = left
    called = join.this.alias_or_name
    conditions = list(join.args["on"].flatten() if isinstance(join.args.get("on"), exp.And) else [join.args["on"]]) if join.args.get("on") else []
    conditions = _flat(conditions)
    pairs: list[tuple[exp.Column, exp.Column]] = []
    rest: list[exp.Expression] = []
    for one in conditions:
        sides = _sides(one, scope, called)
        if sides:
            pairs.append(sides)
        else:
            rest.append(one)
    asked: dict[tuple[str, str], str] = {}
    speller = Speller(scope, made.fresh)
    for mine, theirs in pairs:
        place = scope.place(mine)
        values = made.fresh("s")
        made.say(0, f"{values} = {{r[{place}] for r in {rows}}}")
        made.say(0, f"{values}.discard(None)")
        if scope.columns[place][1] in {*made.narrow, "origin", "key", "target", "start", "subject"}:
            made_narrow(made).add(values)
        asked[called, theirs.name] = values
    other, theirs_rows = _source(made, join.this, asked, wide)
    both = Scope((*scope.columns, *other.columns))
    width = len(scope.columns)
    index, variable = made.fresh("i"), made.fresh()
    keys = [(scope.place(a), other.place(b)) for a, b in pairs]
    for a, b in keys:
        if scope.columns[a][2] != other.columns[b][2]:
            raise Unspelled("a join of other types")
    made.say(0, f"{index} = {{}}")
    made.say(0, f"for q in {theirs_rows}:")
    key = "".join(f"q[{b}], " for _, b in keys)
    made.say(1, f"{index}.setdefault(({key}), []).append(q)")
    made.say(0, f"{variable} = []")
    made.say(0, f"for p in {rows}:")
    mine = "".join(f"p[{a}], " for a, _ in keys)
    nothing = " or ".join(f"p[{a}] is None" for a, _ in keys) or "False"
    made.say(1, f"found = () if {nothing} else {index}.get(({mine}), ())")
    loop = Speller(both, made.fresh)
    kept = " and ".join(f"({loop.true(one)})" for one in rest)
    made.say(1, "met = False") if kind == "left" else None
    made.say(1, "for q in found:")
    made.say(2, "r = p + q")
    if kept:
        for line in loop.loads():
            made.say(2, line)
        made.say(2, f"if not ({kept}): continue")
    made.say(2, f"{variable}.append(r)")
    if kind == "left":
        made.say(2, "met = True")
        made.say(1, f"if not met: {variable}.append(p + (None,) * {len(other.columns)})")
    del speller, width
    return both, variable


def _flat(conditions: Sequence[exp.Expression]) -> list[exp.Expression]:
    found: list[exp.Expression] = []
    for one in conditions:
        bare = one.unnest() if isinstance(one, exp.Paren) else one
        found += _flat([bare.left, bare.right]) if isinstance(bare, exp.And) else [bare]
    return found


def _sides(one: exp.Expression, scope: Scope, called: str) -> tuple[exp.Column, exp.Column] | None:
    """Both columns of an equality of what was there and what is joined."""
    if not isinstance(one, exp.EQ) or not isinstance(one.left, exp.Column) or not isinstance(one.right, exp.Column):
        return None
    tables = scope.tables
    for mine, theirs in ((one.left, one.right), (one.right, one.left)):
        if mine.table in tables and theirs.table == called:
            return mine, theirs
    return None


def _windows(made: Spelled, tree: exp.Select, scope: Scope, rows: str) -> dict[str, tuple[str, Kind]]:
    """Maxima over partitions, computed before the loop: SQL of the window -> (code, type)."""
    found: dict[str, tuple[str, Kind]] = {}
    for window in tree.find_all(exp.Window):
        if window.find_ancestor(exp.Select) is not tree or window.sql("duckdb") in found:
            continue
        if not isinstance(window.this, exp.Max) or window.args.get("order"):
            raise Unspelled("a window other than max by partition")
        loop = Speller(scope, made.fresh)
        cell, kind = loop.value(window.this.this)
        parts = "".join(loop.value(one)[0] + ", " for one in window.args.get("partition_by") or ())
        values = made.fresh("w")
        made.say(0, f"{values} = {{}}")
        made.say(0, f"for r in {rows}:")
        for line in loop.loads():
            made.say(1, line)
        made.say(1, f"k, x = ({parts}), {cell}")
        made.say(1, f"if x is not None and ({values}.get(k) is None or x > {values}[k]): {values}[k] = x")
        found[window.sql("duckdb")] = (f"{values}.get(({parts}))", kind)
    return found


def _grouped(
    made: Spelled,
    variables: tuple[str, str],
    items: Sequence[tuple[str, exp.Expression | int]],
    speller: Speller,
    parts: tuple[exp.Expression | None, exp.Expression | None],
) -> list[Kind]:
    """One pass over rows into groups, then one row a group."""
    (rows, variable), (where, group) = variables, parts
    loop = Speller(speller.scope, made.fresh, speller.windows)
    keys: list[tuple[str, exp.Expression]] = []
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
    known = {sql: (f"k[{place}]", kind) for place, ((sql, _), (_, kind)) in enumerate(zip(keys, cells, strict=True))}
    last = Speller(speller.scope, made.fresh, known | tally.results)
    told = [last.value(item) for _, item in items if not isinstance(item, int)]
    if last.used:
        raise Unspelled("a column neither grouped nor summed")
    made.say(0, f"{variable} = []")
    made.say(0, "for k, g in groups.items():")
    made.say(1, f"{variable}.append(({''.join(code + ', ' for code, _ in told)}))")
    return [kind for _, kind in told]


Shared = Callable[[str], list[tuple[object, ...]]]
spell_name = spell_name
