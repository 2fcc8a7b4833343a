"""How likely is it that a name which the register does not hold exactly means one of its enterprises, and which?

Fellegi and Sunter (1969) by splink on DuckDB, one thread: pairs that share a core, a body or a body less one character are compared
part by part (`anatomy`); each outcome adds log2(m/u), rarer bodies and places add more. m and u are declared in
configs/identity.toml. Three outcomes are never enough for the machine, whatever the weight: a *shorter* name, a *sibling* (same
core, another known trade, number or direction) and a *branch* of the named enterprise; a person must say.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from riskengine.identity.anatomy import NameParts, known_trade, name_parts
from riskengine.identity.judgements import Mention
from riskengine.identity.register import Register
from riskengine.identity.rules import LEVELS, RulesOfDay, Weights
from riskengine.intake.nouns import PLACE
from riskengine.store.database import connect

_TELLING = re.compile("[0-9一二三四五六七八九十两甲乙丙丁东西南北中上下左右大小新老]")
_MOST = 5  # candidates kept as evidence
_HOLES = 16  # of so many of a body's characters one may be lacking
_SLIP = "list_has_any(holes_l, holes_r) and telling_l = telling_r and not (core_l = core_r and known_l and known_r)"
_LEVEL_SQL = {
    "body": (
        "body_l = body_r and body_l is not null",
        "core_l = core_r and telling_l = telling_r and length(body_l) >= 3 and length(body_r) >= 3"
        " and (starts_with(body_l, body_r) or starts_with(body_r, body_l))",
        f"{_SLIP} and (least(length(core_l), length(core_r)) >= 3 or (length(body_l) >= 4 and starts_with(core_l, core_r)"
        " and (core_l = core_r or length(body_l) = length(body_r))))",
        f"{_SLIP} and least(length(body_l), length(body_r)) >= 4",
        "core_l = core_r or list_has_any(holes_l, holes_r)",
    ),
    "place": (
        "city_l = city_r",
        "contains(place_l, city_r) or contains(place_r, city_l)",
        "place_l = '' or place_r = ''",
    ),
    "form": ("ending_l = ending_r", "form_l = form_r"),
    "branch": ("branch_l = branch_r",),
    "region": ("left(region_l, 4) = left(region_r, 4)", "left(region_l, 2) = left(region_r, 2)"),
    "person": ("person_l = person_r",),
}
_NULL_SQL = {
    "body": "body_l is null or body_r is null",
    "place": "place_l = '' and place_r = ''",
    "form": "form_l = '' or form_r = ''",
    "branch": "branch_l is null or branch_r is null",
    "region": "region_l is null or region_r is null",
    "person": "person_l is null or person_r is null",
}
_RARITY = {"body": "body", "place": "city"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One enterprise a mention may mean: probability, match weight in bits, and the outcome of each comparison."""

    code: str
    name: str
    probability: float
    weight: float
    outcomes: Mapping[str, str]

    @property
    def for_the_machine(self) -> bool:
        """Whether nothing but the probability keeps the machine from accepting it."""
        return self.outcomes["branch"] == "same" and self.outcomes["body"] in ("same", "slip", "slip_long")

    def evidence(self) -> str:
        """The outcomes as one sentence: `body slip_long, place same, ...`."""
        return ", ".join(
            f"{name} {outcome}" for name, outcome in self.outcomes.items() if outcome != "unknown"
        )


def match_names(
    mentions: Mapping[Mention, str], register: Register, rules: RulesOfDay
) -> dict[Mention, list[Candidate]]:
    """The likeliest enterprises of each mention (its name as written), the likeliest first, at most five.

    A mention's candidates do not depend on which others are asked with it. Same inputs give the same answer.
    """
    asked = sorted(mentions)
    left = [
        (str(place), name_parts(mentions[mention]), mention.region, mention.person)
        for place, mention in enumerate(asked)
    ]
    left_table = _table(left)
    near = _near(register.connection, left_table)
    if not near:
        return {mention: [] for mention in asked}
    right = _table(
        [(str(place), parts, region, person) for place, (_, _, region, person, parts) in enumerate(near)]
    )
    rarities = {
        column: register.connection.sql(sql).to_arrow_table()
        for column, sql in _rarity_sql(register.count).items()
    }
    with connect(config={"threads": 1}) as connection:
        found_rate = min(0.5, rules.found / register.count)
        pairs = _scored(connection, (left_table, right), rarities, (rules.weights, found_rate))
    found: dict[Mention, dict[str, Candidate]] = {mention: {} for mention in asked}
    for pair in pairs:
        mention, (code, name, *_) = asked[int(pair["unique_id_l"])], near[int(pair["unique_id_r"])]
        outcomes = {part: _outcome(part, pair[f"gamma_{part}"]) for part in LEVELS}
        candidate = Candidate(code, name, pair["match_probability"], pair["match_weight"], outcomes)
        held = found[mention].get(code)
        if held is None or _likelier(candidate) < _likelier(held):
            found[mention][code] = candidate
    return {mention: sorted(codes.values(), key=_likelier)[:_MOST] for mention, codes in found.items()}


def _likelier(candidate: Candidate) -> tuple[float, str, str]:
    return -candidate.weight, candidate.code, candidate.name


def _outcome(name: str, gamma: int) -> str:
    return "unknown" if gamma < 0 else LEVELS[name][len(LEVELS[name]) - 1 - gamma]


def _near(connection: Any, left: pa.Table) -> list[tuple[str, str, str, str, NameParts]]:
    """Whom the blocking rules below let a mention meet at all: code, name, region, person and parts, in order.

    Only they are compared, as all would be: a province's register, of which a night's open names meet few, took 25 s to compare.
    """
    places = connection.execute("SELECT DISTINCT place FROM named").fetchall()
    cities = {place: _city(place) for (place,) in places}
    known = {"place": pa.array(cities, pa.string()), "city": pa.array(cities.values(), pa.string())}
    connection.register("left_names", left)
    connection.register("cities", pa.table(known))
    query = f"""WITH bodies AS (SELECT DISTINCT body FROM named WHERE length(body) BETWEEN
            (SELECT min(length(body)) - 1 FROM left_names) AND (SELECT max(length(body)) + 1 FROM left_names)),
        holed AS (SELECT body, body AS hole FROM bodies UNION ALL SELECT body, left(body, gap - 1) || substr(body, gap + 1) AS hole
            FROM (SELECT body, unnest(range(1, least(length(body), {_HOLES}) + 1)) AS gap FROM bodies WHERE length(body) >= 3)),
        met AS (SELECT DISTINCT body FROM holed SEMI JOIN (SELECT unnest(holes) AS hole FROM left_names) USING (hole) WHERE hole <> '')
        SELECT code, name, region, person, key, place, core, trade, form, branch, ending FROM named
        WHERE body IN (FROM met) OR (core, place) IN (SELECT core, cities.place FROM left_names JOIN cities USING (city))
        ORDER BY code, name, key"""
    return [(*row[:4], NameParts(*row[4:])) for row in connection.execute(query).fetchall()]


def _city(place: str) -> str | None:
    found = PLACE.findall(place)
    return found[-1] if found else None


def _scored(
    connection: Any,
    tables: tuple[pa.Table, pa.Table],
    rarities: Mapping[str, pa.Table],
    how: tuple[Weights, float],
) -> list[dict[str, Any]]:
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink.comparison_library import CustomComparison

    logging.getLogger("splink").setLevel(logging.ERROR)
    weights, found_rate = how
    comparisons = [
        CustomComparison(output_column_name=name, comparison_levels=_levels(name, getattr(weights, name)))
        for name in LEVELS
    ]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[
            block_on("core", "city"),
            block_on("holes", arrays_to_explode=["holes"]),
        ],
        probability_two_random_records_match=found_rate,
        retain_matching_columns=True,
        retain_intermediate_calculation_columns=True,
        linker_uid="identity",
    )
    database = DuckDBAPI(connection=connection)
    sides = [
        database.register(table, table_name=name)
        for name, table in zip(("a_mention", "b_register"), tables, strict=True)
    ]
    linker = Linker(sides, settings, log_level=logging.ERROR)
    for column, rarity in rarities.items():
        lookup = database.register(rarity, table_name=f"rarity_{column}")
        linker.table_management.register_term_frequency_lookup(lookup, column)
    scored = linker.inference.predict(threshold_match_probability=0.001, warning_mode="never")
    return list(scored.as_pyarrow_table().to_pylist())


def _rarity_sql(count: int) -> dict[str, str]:
    """How often a body or a city meets another by chance: of a body the share of its core times the share of its trade.

    The share of the body itself would say "once in the register" of every body that is there once, however odd.
    """
    of_core, of_trade = f"cores.often / {count}", f"trades.often / {count}"
    return {
        "body": f"""WITH cores AS (SELECT core, count(*) AS often FROM named GROUP BY core),
            trades AS (SELECT trade, count(*) AS often FROM named GROUP BY trade)
            SELECT DISTINCT body, {of_core} * {of_trade} AS tf_body FROM named JOIN cores USING (core) JOIN trades USING (trade)
            WHERE body IN (SELECT body FROM left_names)""",
        "city": f"SELECT city, count(*) / {count} AS tf_city FROM named JOIN cities USING (place) WHERE city IS NOT NULL GROUP BY city",
    }


def _levels(name: str, odds: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"sql_condition": _NULL_SQL[name], "label_for_charts": "unknown", "is_null_level": True}
    ]
    for place, (level, (m, u)) in enumerate(odds.items()):
        conditions = _LEVEL_SQL[name]
        sql = conditions[place] if place < len(conditions) else "ELSE"
        entry = {"sql_condition": sql, "label_for_charts": level, "m_probability": m, "u_probability": u}
        if level == "same" and name in _RARITY:
            entry |= {
                "tf_adjustment_column": _RARITY[name],
                "tf_adjustment_weight": 1.0,
                "disable_tf_exact_match_detection": True,
            }
        told.append(entry)
    return told


def _table(rows: Sequence[tuple[str, NameParts, str, str]]) -> pa.Table:
    """The columns that are compared; what a name does not have is null or empty."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "unique_id",
            "body",
            "core",
            "trade",
            "place",
            "city",
            "form",
            "ending",
            "branch",
            "region",
            "person",
            "telling",
            "holes",
        )
    }
    known = []
    for number, parts, region, person in rows:
        body = parts.body
        holes = (
            {body, *(body[:at] + body[at + 1 :] for at in range(min(len(body), _HOLES)))}
            if len(body) >= 3
            else {body}
        )
        values = (
            number, body or None, parts.core or None, parts.trade, parts.place, _city(parts.place), parts.form, parts.ending, parts.branch,
            region or None, person or None, "".join(_TELLING.findall(body)), sorted(holes - {""}),
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
        known.append(known_trade(parts.trade))
    arrays = {
        name: pa.array(values, pa.list_(pa.string()) if name == "holes" else pa.string())
        for name, values in columns.items()
    }
    return pa.table(arrays | {"known": pa.array(known, pa.bool_())})
