"""How does each function of a query's expressions read as plain Python: arithmetic, days, cases, casts, lists?"""

from __future__ import annotations

import re

from sqlglot import exp

from riskengine.profile.spelling_terms import (
    DAYS,
    VALUES,
    Kind,
    Speller,
    Unspelled,
    common,
    convert,
    kind_of_sql,
)


def _literal(_: Speller, e: exp.Expr) -> tuple[str, Kind]:
    if e.args.get("is_string"):
        return repr(e.this), "text"
    if re.fullmatch(r"\d+", e.this):
        return e.this, "int"
    if found := re.fullmatch(r"(\d*)\.(\d+)", e.this):
        return str(int((found[1] or "0") + found[2])), ("decimal", len(found[2]))
    return repr(float(e.this)), "double"


def _moved(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    """Sums and differences, of days too."""
    minus = isinstance(e, exp.Sub)
    if isinstance(e.expression, exp.Interval):
        code, kind = s.value(e.this)
        interval = e.expression
        number, unit = int(interval.this.name), interval.args["unit"].name.upper()
        if kind not in DAYS or unit not in ("DAY", "MONTH"):
            raise Unspelled(interval.sql("duckdb"))
        if number == 0:
            return code, "instant"
        number = -number if minus else number
        return (
            s.lifted([code], f"months_on({{0}}, {number})" if unit == "MONTH" else f"{{0}} + days({number})"),
            "instant",
        )
    one, other, kind = s.alike(e.this, e.expression)
    if kind in DAYS and minus and s.value(e.this)[1] == s.value(e.expression)[1] == "date":
        return s.lifted([one, other], "({0} - {1}).days"), "int"
    if kind not in ("int", "double", "null") and kind[0] != "decimal":
        raise Unspelled(f"a sum of {kind}")
    return s.lifted([one, other], "{0} - {1}" if minus else "{0} + {1}"), kind


def _multiplied(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    (one, a), (other, b) = s.value(e.this), s.value(e.expression)
    if "double" in (a, b):
        return s.lifted([convert(one, a, "double"), convert(other, b, "double")], "{0} * {1}"), "double"
    scales = [
        kind[1] if isinstance(kind, tuple) and kind[0] == "decimal" else 0 if kind == "int" else None
        for kind in (a, b)
    ]
    if None in scales:
        raise Unspelled(f"{a} times {b}")
    return s.lifted([one, other], "{0} * {1}"), "int" if a == b == "int" else (
        "decimal",
        sum(scale or 0 for scale in scales),
    )


def _divided(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    cells = [convert(*s.value(side), "double") for side in (e.this, e.expression)]
    return s.lifted(cells, "ratio({0}, {1})"), "double"


def _shifted(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    (one, a), (other, b) = s.value(e.this), s.value(e.expression)
    if a != "int" or b != "int":
        raise Unspelled(f"{a} shifted by {b}")
    return s.lifted([one, other], "{0} << {1}"), "int"


def _bits(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    """BIT_COUNT, which sqlglot reads as any function."""
    if e.name.upper() != "BIT_COUNT" or len(e.expressions) != 1:
        raise Unspelled(f"{e.name}: {e.sql('duckdb')[:80]}")
    code, kind = s.value(e.expressions[0])
    if kind != "int":
        raise Unspelled(f"bits of {kind}")
    return s.lifted([code], "({0}).bit_count()"), "int"


def _remainder(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    one, other, kind = s.alike(e.this, e.expression)
    if kind != "int":
        raise Unspelled(f"remainder of {kind}")
    return s.lifted([one, other], "left_over({0}, {1})"), "int"


def _negative(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.this)
    return s.lifted([code], "-{0}"), kind


def _root(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    return s.lifted([convert(*s.value(e.this), "double")], "root({0})"), "double"


def _logarithm(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    return s.lifted([convert(*s.value(e.this), "double")], "logarithm({0})"), "double"


def _absolute(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.this)
    return s.lifted([code], "abs({0})"), kind


def _cast(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.this)
    to = e.args["to"]
    if to.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        if kind == ("list", "int"):
            return code, kind
        raise Unspelled(e.sql("duckdb")[:60])
    name = to.sql("duckdb")
    wanted = kind_of_sql(name)
    if kind == "null":
        return "None", wanted
    if wanted == "date" and kind == "instant":
        return code, "date"
    if wanted == "int" and kind == "int":
        return code, "int"
    return convert(code, kind, wanted), wanted


def _part(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.expression)
    unit = e.this.name.lower()
    if kind not in DAYS or unit not in ("year", "month", "day"):
        raise Unspelled(e.sql("duckdb")[:60])
    return s.lifted([code], f"{{0}}.{unit}"), "int"


def _apart(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    (end, a), (start, b) = s.value(e.this), s.value(e.expression)
    unit = e.args["unit"].name.upper()
    if a not in DAYS or b not in DAYS or unit not in ("DAY", "MONTH"):
        raise Unspelled(e.sql("duckdb")[:60])
    form = "({0} - {1}).days" if unit == "DAY" else "({0}.year - {1}.year) * 12 + {0}.month - {1}.month"
    return s.lifted([end, start], form), "int"


def _begun(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.this)
    unit = e.args["unit"].name.upper()
    if kind not in DAYS or unit not in ("MONTH", "YEAR"):
        raise Unspelled(e.sql("duckdb")[:60])
    return s.lifted(
        [code], "{0}.replace(day=1)" if unit == "MONTH" else "{0}.replace(month=1, day=1)"
    ), "instant"


def _case(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    branches = e.args["ifs"] if isinstance(e, exp.Case) else [e]
    if e.args.get("this") is not None and isinstance(e, exp.Case):
        raise Unspelled("CASE of a value")
    last = e.args.get("default") if isinstance(e, exp.Case) else e.args.get("false")
    cells = [(s.true(one.this), *s.value(one.args["true"])) for one in branches]
    other, kind = s.value(last) if last is not None else ("None", "null")
    wanted = common([kind, *(of for _, _, of in cells)])
    code = convert(other, kind, wanted)
    for condition, value, of in reversed(cells):
        code = f"({convert(value, of, wanted)} if {condition} else {code})"
    return code, wanted


def _coalesced(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    *codes, kind = s.alike(e.this, *e.expressions)
    code = codes[-1]
    for one in reversed(codes[:-1]):
        asked, (value,) = s.known([one])
        code = f"({value} if {asked[0]} is not None else {code})" if asked else value
    return code, kind


def _nulled(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    one, other, kind = s.alike(e.this, e.expression)
    own = s.value(e.this)[1]
    if kind != own:
        raise Unspelled("NULLIF of other kinds")
    name = s._fresh("x")
    return f"(None if ({name} := {one}) is None or {name} == {other} else {name})", kind


def _extreme(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    *codes, kind = s.alike(e.this, *e.expressions)
    return f"{'largest' if isinstance(e, exp.Greatest) else 'smallest'}({', '.join(codes)})", kind


def _struct(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    cells = [(one.this.name, *s.value(one.expression)) for one in e.expressions]
    return f"({''.join(code + ', ' for _, code, _ in cells)})", (
        "struct",
        tuple((name, kind) for name, _, kind in cells),
    )


def _field(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.this)
    if not isinstance(kind, tuple) or kind[0] != "struct":
        raise Unspelled(e.sql("duckdb")[:60])
    names = [name for name, _ in kind[1]]
    place = names.index(e.expression.name)
    return s.lifted([code], f"{{0}}[{place}]"), kind[1][place][1]


def _list(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    cells = [s.value(one) for one in e.expressions]
    return f"[{', '.join(code for code, _ in cells)}]", ("list", common([kind for _, kind in cells]))


def _sorted(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    code, kind = s.value(e.this)
    return s.lifted([code], "sorted({0})"), kind


def _together(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    *codes, kind = s.alike(e.this, *e.expressions)
    return s.lifted(codes, " + ".join(f"{{{place}}}" for place in range(len(codes)))), kind


def _gap(s: Speller, e: exp.Expr) -> tuple[str, Kind]:
    """The largest difference of neighbours in a sorted list, as `verbs` has it: max of (list, list without its first) pairs."""
    inner = e.this
    sort = (
        inner.find(exp.ArraySort)
        if isinstance(inner, exp.Anonymous) and inner.name.upper() == "LIST_APPLY"
        else None
    )
    if sort is None or sort.this.find(exp.ArraySort):
        raise Unspelled(e.sql("duckdb")[:60])
    spread = inner.expressions[1].this.sql("duckdb").replace("(__ibis_param_pair__)", "p").replace('"', "")
    if spread != "p.f2 - p.f1":
        raise Unspelled(spread)
    code, kind = s.value(sort)
    if kind != ("list", "int"):
        raise Unspelled(f"gaps of {kind}")
    return s.lifted([code], "widest_gap({0})"), "int"


VALUES |= {
    exp.Literal: _literal, exp.Null: lambda _, e: ("None", "null"), exp.Boolean: lambda _, e: (str(bool(e.this)), "bool"),
    exp.Add: _moved, exp.Sub: _moved, exp.Mul: _multiplied, exp.Div: _divided, exp.Mod: _remainder, exp.Neg: _negative,
    exp.Abs: _absolute, exp.Cast: _cast, exp.Extract: _part, exp.DateDiff: _apart, exp.TimestampTrunc: _begun,
    exp.DateTrunc: _begun, exp.Case: _case, exp.If: _case, exp.Coalesce: _coalesced, exp.Nullif: _nulled,
    exp.Greatest: _extreme, exp.Least: _extreme, exp.Struct: _struct, exp.Dot: _field, exp.Array: _list,
    exp.ArraySort: _sorted, exp.ArrayConcat: _together, exp.ArrayMax: _gap,
    exp.Sqrt: _root, exp.Ln: _logarithm,
    exp.BitwiseLeftShift: _shifted,
    exp.Anonymous: _bits,
}  # fmt: skip
