"""Does every verb and function, compiled to DuckDB, say the same as a slow reading row by row?"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from random_world import worlds
from small_world import COLUMNS, Oracle, Row, catalogue_of, compute, same, store_rows, write_project

from riskengine.profile import expressions
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Overlay
from riskengine.profile.expressions import aggregates
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe

SPANS = [
    'window="1m"',
    'window="12m"',
    'window="30d"',
    'window="2m", ago="1m"',
    'window="1y", ago="30d"',
    'ago="1m"',
    "",
    "months=1",
    'months=12, ago="30d"',
    'months=2, ago="1m", earlier=1',
]
PLACES = [("ledger", "one"), ("patchy", "pair"), ("brought", "one"), ("brought_patchy", "own"), ("ledger", "all"),
          ("ledger", "other"), ("patchy", "one")]  # fmt: skip
WHERE = ["", 'where=field("word").equals("甲")', 'where=[field("word").differs("甲"), field("whole_number") > 0]',
         'where=field("word").within("甲", "乙")', 'where=field("yes").equals(True)', 'where=field("money") <= 100',
         'where=field("k1").equals("x")', 'where=field("day").equals("2024-02-29")', 'where=field("number") >= 0.25',
         'where=field("rate") < 0.5', 'where=field("day").is_known()', 'where=field("money").is_unknown()',
         'where=field("day").before_as_of()', 'where=field("day").not_before_as_of()', 'where=field("day").after_as_of()',
         'where=field("day").is_latest()', 'where=[field("event_date").is_latest(), field("number") >= 0.25]',
         'where=[field("day").not_after_as_of(), field("money") > 0]', 'where=field("day").unknown_or_not_before_as_of()']  # fmt: skip
LINKED = [("ledger", "one", "out"), ("patchy", "one", ("some", "back")), ("brought", "one", "some"),
          ("patchy", "one", ("out", "recent")), ("ledger", "one", ("marked", "recent", "some"))]  # fmt: skip
WITHOUT_COLUMN = (
    "count",
    "days_since",
    "days_since_first",
    "months_since_last",
    "longest_gap",
    "months_with",
    "streak",
)
NUMBERS = ["money", "whole_number", "number", "rate"]
FUNCTIONS = """
a = latest("ledger.money", by="one")
b = total("ledger.whole_number", by="one", window="12m")
w = latest("ledger.word", by="one")
d = latest("ledger.day", by="one")
f = latest("ledger.yes", by="one")
e1 = (a + b).named("", "")
e2 = (a - b * 2 + 1).named("", "")
e3 = ratio(a, b).named("", "")
e4 = (1 / (2 - a)).named("", "")
e5 = (a > b).named("", "")
e6 = (a >= 100).named("", "")
e7 = (a < 100).named("", "")
e8 = (a <= b).named("", "")
e9 = w.equals("甲").named("", "")
e10 = a.equals(b).named("", "")
e11 = log1p(a).named("", "")
e12 = absolute(a).named("", "")
e13 = at_least(a, 1.5).named("", "")
e14 = at_most(a, 1.5).named("", "")
e15 = first_known(a, b, 7).named("", "")
e16 = is_missing(w).named("", "")
e17 = elapsed_days(d).named("", "")
e18 = code(w, {"甲": 1, "乙": 2.5}).named("", "")
e19 = code(w, {"甲": 1}, other=-1).named("", "")
e20 = share("ledger.money", by="one", where=field("word").equals("甲")).named("", "")
e21 = share("patchy", by="one", window="12m", where=field("word").equals("甲")).named("", "")
e22 = change("ledger.number", by="one", over="1m").named("", "")
e23 = shrunk_rate(count("ledger", by="one"), count("ledger", by="all"), towards=ratio(a, b), strength=20).named("", "")
e24 = momentum("ledger.money", by="one", recent="1m", before="3m").named("", "")
e25 = momentum("ledger.money", by="one", recent="30d", before="90d").named("", "")
e26 = f.equals(latest("patchy.yes", by="pair")).named("", "")
e27 = (d <= latest("patchy.day", by="pair")).named("", "")
e28 = (f + 1).named("", "")
e29 = elapsed_days(latest("brought.event_date", by="own")).named("", "")
e30 = w.named("", "")
e31 = (2 * a - 3 / b).named("", "")
e32 = latest("ledger.k1", by="one").named("", "")
e33 = change("ledger.money", by="one", over="1m", ago="30d").named("", "")
e34 = spread(a, b, latest("patchy.number", by="one")).named("", "")
e35 = smaller(a, b).named("", "")
e36 = greater(a, b + 1).named("", "")
e37 = greater(a, 50).named("", "")
e38 = year_on_year("ledger.whole_number", by="one", window="2m").named("", "")
e39 = year_on_year("patchy.money", by="one", window="12m", floor=100, where=field("word").differs("丙")).named("", "")
e40 = change("ledger.money", by="one", over="1m", through="out").named("", "")
e41 = momentum("ledger.whole_number", by="one", recent="1m", before="12m", through=("some", "back")).named("", "")
e42 = share("ledger", by="one", through="out", where=field("word").equals("甲")).named("", "")
e43 = year_on_year("ledger.whole_number", by="one", months=2).named("", "")
e44 = year_on_year("patchy.money", by="one", months=12, ago="30d", where=field("word").differs("丙")).named("", "")
e45 = year_on_year("ledger.money", by="one", months=3, ago="1m", through="out").named("", "")
e46 = change_months("ledger.whole_number", by="one", over=12).named("", "")
e47 = change_months("patchy.number", by="one", over=1, ago="30d", through=("out", "recent")).named("", "")
e48 = share("ledger", by="one", months=12, where=field("word").equals("甲")).named("", "")
n1 = linked("out", by="one").named("", "")
n2 = linked("some", by="one").named("", "")
n3 = linked(("out", "back"), by="one").named("", "")
n4 = linked(("out", "recent"), by="one").named("", "")
n5 = linked(("marked", "recent", "some"), by="one").named("", "")
e49 = years_since(b).named("", "")
e50 = streak("ledger", by="one", where=field("word").equals("甲")).named("", "")
e51 = streak("patchy", by="one", window="12m", where=field("word").differs("乙")).named("", "")
e52 = streak("brought", by="one", where=field("yes").equals(True)).named("", "")
e53 = largest_total("ledger.money", per="word", by="one").named("", "")
e54 = largest_total("ledger.money", per="k2", by="one", window="12m", where=field("yes").equals(True)).named("", "")
e55 = largest_total("patchy.number", per="g_key", by="one", months=2, through="out").named("", "")
e56 = largest_total("brought.whole_number", per="word", by="own", where=field("day").is_latest()).named("", "")
y1 = shortest_cycle("out", by="one").named("", "")
y2 = shortest_cycle("some", by="one", most=3, ago="30d").named("", "")
n6 = ratio(distinct("ledger.k1", by="one", through="out"), linked("out", by="one")).named("", "")
"""


def _features() -> str:
    """Every verb over every place, with spans, filters and columns in rotation so that each meets each other soon."""
    spans, wheres, numbers, anything = map(itertools.cycle, (SPANS, WHERE, NUMBERS, list(COLUMNS)))
    lines = ["from riskengine.profile import *", FUNCTIONS]
    for verb in [
        verb for verb in get_args(expressions.Verb) if verb not in ("linked", "cycle", "largest_total")
    ]:
        for source, by, *through in [place for place in PLACES for _ in range(3)] + LINKED:
            if verb in WITHOUT_COLUMN:
                what = source
            elif verb in ("total", "mean", "trend", "volatility"):
                what = f"{source}.{next(numbers)}"
            else:
                what = f"{source}.{next(anything)}"
            span = next(spans)
            if verb in ("trend", "volatility") and "window" not in span and "months" not in span:
                span = 'window="2y"'
            chain = f"through={through[0]!r}" if through else ""
            where = next(wheres) or (verb == "streak" and next(wheres)) or ""
            parts = ", ".join(part for part in (repr(what), f'by="{by}"', span, where, chain) if part)
            lines.append(f'v{len(lines)} = {verb}({parts}).named("", "")')
    return "\n".join(lines)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(write_project(tmp_path_factory.mktemp("oracle"), _features()))


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_every_verb_is_what_it_says(catalogue: Catalogue, recipe: Recipe, world: Any) -> None:
    _compared(catalogue, recipe, world)


@pytest.mark.long
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_every_verb_is_what_it_says_on_many_worlds(catalogue: Catalogue, recipe: Recipe, world: Any) -> None:
    _compared(catalogue, recipe, world)


def _compared(catalogue: Catalogue, recipe: Recipe, world: Any) -> None:
    """Every feature of every subject of a world against the slow reading."""
    rows, subjects, brought = world
    overlay: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, source, row in brought:
        values = {
            **row.values,
            "event_date": row.event,
            "known_at": row.known,
            "happened": row.event,
            "told": row.known,
        }
        overlay.setdefault(source, []).append((number, values))
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {source: facts for source, facts in rows.items() if facts})
        got = compute(snapshot, recipe, subjects, Overlay(overlay))
    for number, (subject, values) in enumerate(zip(subjects, got, strict=True)):
        own: dict[str, list[Row]] = {}
        for owner, source, row in brought:
            if owner == number:
                own.setdefault(source, []).append(row)
        oracle = Oracle(rows, catalogue.sources, catalogue.subjects.keys, subject, own)
        for name in recipe.names:
            feature = catalogue.feature(name)
            wanted = oracle.value(feature)
            verbs = {aggregate.verb for aggregate in aggregates(feature)}
            size = 1e9 if verbs & {"trend"} else 1e3 if "volatility" in verbs else 1.0
            assert same(values[name], wanted, size), (name, feature.of, subject, values[name], wanted)


def test_the_comparison_meets_every_verb_and_operator(catalogue: Catalogue) -> None:
    """What is compared above is everything there is to compare."""
    verbs, operators, functions, filters = set(), set(), set(), set()
    waiting: list[Any] = [feature for _, feature in catalogue.features.values()]
    while waiting:
        part = waiting.pop()
        waiting += part.inputs()
        if isinstance(part, expressions.Aggregate):
            verbs.add(part.verb)
            filters |= {rule.operator for rule in part.where}
        if isinstance(part, expressions.Arithmetic):
            operators.add(part.operator)
        if isinstance(part, expressions.Function):
            functions.add(part.name)
    every = {
        kind: set(get_args(get_type_hints(kind)[slot]))
        for kind, slot in (
            (expressions.Arithmetic, "operator"),
            (expressions.Function, "name"),
            (expressions.Filter, "operator"),
        )
    }
    assert verbs == set(get_args(expressions.Verb))
    assert operators == every[expressions.Arithmetic]
    assert functions == every[expressions.Function]
    assert filters == every[expressions.Filter]
