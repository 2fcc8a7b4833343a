"""Is an expression's value a number, a text, a date or a flag, and do its parts fit together?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from riskengine.errors import Problem
from riskengine.intake.contract import SourceContract
from riskengine.profile.expressions import (
    Aggregate,
    Arithmetic,
    Code,
    Constant,
    Expression,
    Feature,
    Filter,
    Function,
)

_NUMBERS = ("number", "flag")  # a flag counts as 0 or 1


def value_kind(expression: Expression, sources: Mapping[str, SourceContract]) -> str:
    """`number`, `text`, `date` or `flag`: what an expression's value is."""
    if isinstance(expression, Feature):
        return value_kind(expression.of, sources)
    if isinstance(expression, Aggregate) and expression.verb in ("latest", "first", "smallest", "largest"):
        return column_kind(sources[expression.source], expression.column or "")
    if isinstance(expression, Constant):
        return constant_kind(expression.value)
    return "number"


def kind_problems(
    place: str, expression: Expression, sources: Mapping[str, SourceContract]
) -> Iterator[Problem]:
    """Every place where a value of one kind is put where another is needed; all columns named must exist."""
    for part in expression.inputs():
        yield from kind_problems(place, part, sources)
    kinds = [value_kind(part, sources) for part in expression.inputs()]
    if isinstance(expression, Aggregate) and expression.source:
        for rule in expression.where:
            yield from _filter_problems(place, rule, sources[expression.source])
    elif isinstance(expression, Arithmetic) and expression.operator in (">", ">=", "<", "<=", "=="):
        yield from _comparison_problems(place, expression.operator, kinds)
    else:
        wanted, what = _wanted(expression)
        yield from (
            Problem(place, f"a {wanted[0]} for {what}", f"a {kind}") for kind in kinds if kind not in wanted
        )


def _wanted(expression: Expression) -> tuple[tuple[str, ...], str]:
    """The kinds an expression's inputs may have, and what to call it."""
    if isinstance(expression, Arithmetic):
        return _NUMBERS, repr(expression.operator)
    if isinstance(expression, Code):
        return ("text",), "code"
    if isinstance(expression, Function) and expression.name == "elapsed_days":
        return ("date",), expression.name
    if isinstance(expression, Function) and expression.name == "years_since":
        return ("number",), expression.name
    if isinstance(expression, Function) and expression.name != "is_missing":
        return _NUMBERS, expression.name
    return ("number", "text", "date", "flag"), "a label"


def _comparison_problems(place: str, operator: str, kinds: list[str]) -> Iterator[Problem]:
    if kinds[0] != kinds[1]:
        yield Problem(place, f"one kind on both sides of {operator!r}", " and ".join(kinds))
    elif kinds[0] in ("text", "flag") and operator != "==":
        yield Problem(place, f"numbers or dates around {operator!r}", f"a {kinds[0]}")


def _filter_problems(place: str, rule: Filter, source: SourceContract) -> Iterator[Problem]:
    kind = column_kind(source, rule.column)
    if rule.of_as_of and kind != "date":
        yield Problem(place, f"a date for {rule.operator}", f"{source.name}.{rule.column} is a {kind}")
    if rule.operator == "latest" and kind not in ("date", "number"):
        yield Problem(place, "a date or a number for latest", f"{source.name}.{rule.column} is a {kind}")
    if rule.moving or rule.operator in ("known", "unknown"):
        return
    for value in rule.value if isinstance(rule.value, tuple) else (rule.value,):
        fits = _is_day(value) if kind == "date" else constant_kind(value) == kind
        if not fits:
            wanted = "a day written 'YYYY-MM-DD'" if kind == "date" else f"a {kind}"
            yield Problem(place, f"{wanted} to compare {source.name}.{rule.column} with", repr(value))


def column_kind(source: SourceContract, column: str) -> str:
    """`number`, `text`, `date` or `flag`: what a column's values are."""
    kind = source.column_type(column) or ""
    return kind if kind in ("text", "date", "flag") else "number"


def constant_kind(value: object) -> str:
    """`number`, `text` or `flag`: what a value written in a definition is."""
    if isinstance(value, bool):
        return "flag"
    return "text" if isinstance(value, str) else "number"


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False
