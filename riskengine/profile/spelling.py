"""How does a recipe's query read as plain Python? The same SQL, spelled out once, for who waits for a single profile.

DuckDB plans every query anew (also a prepared one that reads a table): 90 steps over a few rows each cost 250 ms to plan and
60 ms to run. Spelled out as loops over tuples they run in a few milliseconds. Only what is known to the bit is spelled: exact
sums (decimals are whole numbers of their last digit), dates, comparisons with unknown values; anything else is `Unspelled`
and DuckDB runs the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlglot
from sqlglot import exp

from riskengine.profile import spelling_functions
from riskengine.profile.recipe import Recipe, reading_all
from riskengine.profile.spelling_tables import Spelled, Table, grouped, windows
from riskengine.profile.spelling_terms import CLOCK_TYPES, Scope, Speller, Unspelled, kind_of_sql

__all__ = ["spell", "spelling_functions"]  # importing the functions makes them known
_JOINED = {"": "inner", "INNER": "inner", "LEFT": "left", "CROSS": "inner"}


def spell(recipes: Sequence[Recipe], narrow: Sequence[str]) -> str:
    """The source of one Python function a recipe, `profile0(subjects, facts, shared)` and so on; or `Unspelled`.

    Subjects are tuples (number, as of, fed, keys by name), in order of number. `facts(source, column, values)` gives rows of
    what any of the recipes reads of a source, then `CLOCK_TYPES`. `narrow`: subject columns of which few facts are known each
    (an enterprise, an application). Steps that are joined by none of them (an industry, the whole book) are not spelled:
    `shared(step, key columns)` gives their rows. The functions give a tuple a subject: its number, then the features.
    """
    every = reading_all(recipes)
    keys = tuple((name, kind_of_sql(kind)) for name, kind in every.keys)
    facts = {
        name: (*((column, kind_of_sql(kind)) for column, kind in note.columns), *CLOCK_TYPES)
        for name, note in every.sources
    }
    subjects = Table("subjects", (("subject", "int"), ("as_of", "date"), ("fed", "bool"), *keys))
    found = []
    for number, recipe in enumerate(recipes):
        made = Spelled(facts, frozenset(narrow), {"subjects": subjects})
        _recipe(made, recipe)
        last = made.tables["values"]
        if [name for name, _ in last.columns] != ["subject", *recipe.names]:
            raise Unspelled("other columns than the features")
        for name, kind in last.columns:
            if kind not in ("double", "text", "date", "bool", "int"):
                raise Unspelled(f"{name} is {kind}")
        body = "\n".join(f"    {line}" for line in made.lines)
        found.append(f"shared{number} = {made.shared!r}")
        found.append(f"def profile{number}(subjects, facts, shared):\n{body}\n    return {last.variable}\n")
    return "\n".join(found)


def _recipe(made: Spelled, recipe: Recipe) -> None:
    """All its queries in order; the last table is `values`."""
    for step in recipe.steps:
        _step(made, step.name, sqlglot.parse_one(step.sql, dialect="duckdb"))
    sides = []
    for number, block in enumerate(recipe.blocks):
        for step in block.steps:
            _step(made, step.name, sqlglot.parse_one(step.sql, dialect="duckdb"))
        _step(made, f"w{number}", sqlglot.parse_one(block.sql, dialect="duckdb"))
        sides.append(made.tables[f"w{number}"])
        made.say(0, f"{sides[-1].variable}.sort(key=first)")
    if sides:
        subjects = made.tables["subjects"]
        columns = (*subjects.columns, *(column for side in sides for column in side.columns[1:]))
        made.say(
            0,
            f"{(variable := made.fresh())} = side_by_side(subjects, {', '.join(side.variable for side in sides)})",
        )
        made.tables["wide"] = Table(variable, columns)
    tree = sqlglot.parse_one(recipe.values, dialect="duckdb")
    parts = tree.args.get("with_")
    tree.set("with_", None)
    for part in parts.expressions if parts else ():
        _step(made, part.alias, part.this)
    _step(made, "values", tree)


def _step(made: Spelled, name: str, tree: exp.Expr) -> None:
    mark = len(made.lines), made.count
    wide: list[bool] = []
    table = _query(made, tree, {}, wide)
    if wide:
        del made.lines[mark[0] :]
        if {one.name for one in tree.find_all(exp.Table)} & (made.tables.keys() - {"subjects"}):
            raise Unspelled(f"{name} reads a whole source and a step before it")
        scales = [
            kind[1] if isinstance(kind, tuple) and kind[0] == "decimal" else None for _, kind in table.columns
        ]
        made.shared[name] = (tree.sql("duckdb"), scales)
        keys = {column for column, _ in made.tables["subjects"].columns}
        by = tuple(column for column, _ in table.columns if column in keys)
        made.say(0, f"{(variable := made.fresh())} = shared({name!r}, {by!r})")
        table = Table(variable, table.columns)
    made.tables[name] = table


def _query(made: Spelled, tree: exp.Expr, only: Mapping[str, str], wide: list[bool]) -> Table:
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
    for part in tree.args["with_"].expressions if tree.args.get("with_") else ():
        made.tables[part.alias] = _query(made, part.this, {}, wide)
    return _select(made, tree, only, wide)


_READ = {
    "kind",
    "expressions",
    "from_",
    "joins",
    "where",
    "group",
    "order",
    "distinct",
    "hint",
    "with_",
    "operation_modifiers",
}


def _select(made: Spelled, tree: exp.Select, only: Mapping[str, str], wide: list[bool]) -> Table:
    if strange := [name for name, value in tree.args.items() if value and name not in _READ]:
        raise Unspelled(f"SELECT with {strange}")
    inner = _passed_on(tree, only)
    scope, rows = _from(made, tree, inner, wide)
    where = tree.args.get("where")
    items = _items(tree, scope)
    group = tree.args.get("group")
    summed = group or any(_sums(item) for _, item in items if not isinstance(item, int))
    variable = made.fresh()
    speller = Speller(scope, made.fresh)
    known = windows(made, tree, scope, rows)
    speller.windows = known
    if summed:
        kinds = grouped(made, (rows, variable), items, speller, (where, group))
    else:
        loop = Speller(scope, made.fresh, known)
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


def _sums(item: exp.Expr) -> bool:
    """Whether an expression sums over rows, other than in a window."""
    return any(not one.find_ancestor(exp.Window) for one in item.find_all(exp.AggFunc))


def _items(tree: exp.Select, scope: Scope) -> list[tuple[str, exp.Expr | int]]:
    """The selected columns: name, and expression or the place of a column that a star stands for."""
    found: list[tuple[str, exp.Expr | int]] = []
    for item in tree.expressions:
        if isinstance(item, exp.Star):
            found += [(name, place) for place, (_, name, _) in enumerate(scope.columns)]
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            chosen = [
                (name, place) for place, (table, name, _) in enumerate(scope.columns) if table == item.table
            ]
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
        if (
            isinstance(column, exp.Column)
            and item.alias_or_name in only
            and not isinstance(column.this, exp.Star)
        ):
            found[column.table, column.name] = only[item.alias_or_name]
    return found if not tree.find(exp.Window) else {}


def _from(
    made: Spelled, tree: exp.Select, only: Mapping[tuple[str, str], str], wide: list[bool]
) -> tuple[Scope, str]:
    source = tree.args.get("from_")
    if source is None:
        raise Unspelled("no FROM")
    scope, rows = _source(made, source.this, only, wide)
    for join in tree.args.get("joins") or ():
        scope, rows = _joined(made, (scope, rows), join, only, wide)
    return scope, rows


def _source(
    made: Spelled, tree: exp.Expr, only: Mapping[tuple[str, str], str], wide: list[bool]
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
    if not chosen or not any(only[name] in made.narrow_sets for name in chosen):
        wide.append(True)
        return Table(variable, columns)
    narrow = [name for name in chosen if only[name] in made.narrow_sets]
    name = next((one for one in narrow if one in made.narrow), narrow[0])
    made.say(0, f"{variable} = facts({source!r}, {name!r}, {only[name]})")
    return Table(variable, columns)


def _joined(
    made: Spelled,
    left: tuple[Scope, str],
    join: exp.Join,
    only: Mapping[tuple[str, str], str],
    wide: list[bool],
) -> tuple[Scope, str]:
    kind = _JOINED.get((join.side or join.kind or "").upper())
    if kind is None or join.args.get("using"):
        raise Unspelled(f"join {join.sql('duckdb')[:40]}")
    scope, rows = left
    called = join.this.alias_or_name
    conditions = (
        list(join.args["on"].flatten() if isinstance(join.args.get("on"), exp.And) else [join.args["on"]])
        if join.args.get("on")
        else []
    )
    conditions = _flat(conditions)
    pairs: list[tuple[exp.Column, exp.Column]] = []
    rest: list[exp.Expr] = []
    for one in conditions:
        sides = _sides(one, scope, called)
        if sides:
            pairs.append(sides)
        else:
            rest.append(one)
    asked: dict[tuple[str, str], str] = {}
    for left_side, right_side in pairs:
        place = scope.place(left_side)
        values = made.fresh("s")
        made.say(0, f"{values} = {{r[{place}] for r in {rows}}}")
        made.say(0, f"{values}.discard(None)")
        if scope.columns[place][1] in {*made.narrow, "origin", "key", "target", "start", "subject"}:
            made.narrow_sets.add(values)
        asked[called, right_side.name] = values
    other, theirs_rows = _source(made, join.this, asked, wide)
    both = Scope((*scope.columns, *other.columns))
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
    return both, variable


def _flat(conditions: Sequence[exp.Expr]) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for one in conditions:
        bare = one.unnest() if isinstance(one, exp.Paren) else one
        found += _flat([bare.left, bare.right]) if isinstance(bare, exp.And) else [bare]
    return found


def _sides(one: exp.Expr, scope: Scope, called: str) -> tuple[exp.Column, exp.Column] | None:
    """Both columns of an equality of what was there and what is joined."""
    if (
        not isinstance(one, exp.EQ)
        or not isinstance(one.left, exp.Column)
        or not isinstance(one.right, exp.Column)
    ):
        return None
    tables = scope.tables
    for mine, theirs in ((one.left, one.right), (one.right, one.left)):
        if mine.table in tables and theirs.table == called:
            return mine, theirs
    return None
