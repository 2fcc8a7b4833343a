"""What does the model say, in SQL alone? One SELECT with the trees, the calibration and the master scale in it.

It reads a table (or view) of profiles: `id`, one numeric column a feature, and where the calibration has segments their
column as text. Missing is NULL. It gives `id, raw, pd, score, grade`; the raw score is added in the order of the trees, so that it
is the scorers' to the bit where the engine computes in IEEE doubles, and the PD is theirs within 1e-9. Constants are
written with all their digits and an exponent, or an engine would take them for decimals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from riskengine.errors import Problem, UsageError, nearest
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import METHODS, PD_FLOOR
from riskengine.scoring.scorecard import master_scale
from riskengine.scoring.term_structure import DAYS_A_MONTH
from riskengine.scoring.trees import ZERO

Dialect = Literal["duckdb", "ansi"]
DIALECTS = ("duckdb", "ansi")
TABLE = "profiles"
_TREES_A_STEP = 50  # so that no expression nests deeper than an engine reads
_DEFAULT_LEFT, _MISSING_IS_ZERO, _MISSING_IS_NAN = 2, 1, 2


def bundle_sql(bundle: Bundle, dialect: str = "duckdb", table: str = TABLE) -> str:
    """The SELECT of a verified bundle in `duckdb` or `ansi` (SQL:2016 with LEAST and GREATEST; the table must hold no NaN).

    An unknown dialect, or a calibration that SQL cannot say, is a `UsageError`.
    """
    if dialect not in DIALECTS:
        raise UsageError(
            "Unknown dialect",
            [Problem("dialect", " or ".join(DIALECTS), repr(dialect), nearest(dialect, DIALECTS))],
        )
    steps = [("given", _given(bundle, dialect, table))]
    trees = bundle.trees["trees"]
    sums = "0e0"
    for start in range(0, max(len(trees), 1), _TREES_A_STEP):
        terms = [sums, *(_tree(tree) for tree in trees[start : start + _TREES_A_STEP])]
        name = f"trees_{start // _TREES_A_STEP + 1}"
        columns = [column for column in _columns(bundle) if start == 0 or column != "raw"]
        select = ", ".join(columns) + ",\n    " + "\n    + ".join(terms) + " AS raw"
        steps.append((name, f"SELECT {select}\n  FROM {steps[-1][0]}"))
        sums = "raw"
    for name, made in _after(bundle):
        steps.append((name, f"SELECT *,\n    {made}\n  FROM {steps[-1][0]}"))
    body = ",\n".join(f"{name} AS (\n  {text}\n)" for name, text in steps)
    head = f"-- {bundle.model}, bundle {bundle.hash}: id, raw, pd, score, grade of each row of {table}. Missing is NULL."
    return f"{head}\nWITH {body}\nSELECT id, raw, pd, score, grade FROM {steps[-1][0]}\n"


def quoted(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def _given(bundle: Bundle, dialect: str, table: str) -> str:
    """The table's columns as doubles: what is as small as nothing is zero, and a NaN (DuckDB knows them) is missing."""
    columns = ["id"]
    for number, name in enumerate(bundle.features):
        value = f"CAST({quoted(name)} AS DOUBLE PRECISION)"
        absent = f"WHEN isnan({value}) THEN NULL " if dialect == "duckdb" else ""
        zero = f"WHEN {value} BETWEEN {_number(-ZERO)} AND {_number(ZERO)} THEN 0e0 "
        columns.append(f"CASE {absent}{zero}ELSE {value} END AS f{number}")
    if segments := bundle.calibration.get("segments"):
        columns.append(f"CAST({quoted(str(segments['column']))} AS VARCHAR(1000)) AS segment")
    return "SELECT " + ",\n    ".join(columns) + f"\n  FROM {table}"


def _columns(bundle: Bundle) -> list[str]:
    """What is carried from step to step."""
    names = ["id", *(f"f{number}" for number in range(len(bundle.features)))]
    return [*names, "segment"] if bundle.calibration.get("segments") else names


def _tree(tree: Mapping[str, Any], node: int | None = None) -> str:
    """A tree as nested CASE: a NULL question is no, as SQL has it, so only a missing value that goes left is asked for."""
    if node is None:
        node = 0 if tree["feature"] else -1
    if node < 0:
        return _number(tree["leaf"][~node])
    question = _question(f"f{tree['feature'][node]}", tree["threshold"][node], tree["decision"][node])
    left, right = _tree(tree, tree["left"][node]), _tree(tree, tree["right"][node])
    return f"CASE WHEN {question} THEN {left} ELSE {right} END"


def _question(column: str, limit: float | None, kind: int) -> str:
    """Does a value go left? `trees.leaf_of` in SQL."""
    missing, left = kind >> 2 & 3, bool(kind & _DEFAULT_LEFT)
    below = f"{column} IS NOT NULL" if limit is None else f"{column} <= {_number(limit)}"
    if missing == _MISSING_IS_NAN:
        return f"({column} IS NULL OR {below})" if left else below
    if missing == _MISSING_IS_ZERO:
        return (
            f"({column} IS NULL OR {column} = 0e0 OR {below})" if left else f"({column} <> 0e0 AND {below})"
        )
    return f"({column} IS NULL OR {below})" if limit is None or limit >= 0 else below


def _after(bundle: Bundle) -> list[tuple[str, str]]:
    """The steps from the raw score to PD, points and grade."""
    how = bundle.calibration
    if how["method"] == "hazard":
        steps = [("hazards", _hazards(how)), ("calibrated", f"{_bounded(_incidence(how))} AS pooled")]
    elif how["method"] in METHODS:
        steps = [("calibrated", f"{_bounded(_method(how))} AS pooled")]
    else:
        raise UsageError(
            "This calibration cannot be said in SQL",
            [Problem("calibration.json: method", ", ".join((*METHODS, "hazard")), repr(how["method"]))],
        )
    steps.append(("shifted", f"{_shifted(how)} AS pd"))
    exponent = float(how.get("to_scale", 1.0))
    scaled = "pd" if exponent == 1.0 else _bounded(f"(1e0 - POWER(1e0 - pd, {_number(exponent)}))")
    steps.append(("on_scale", f"{scaled} AS scaled"))
    steps.append(("graded", f"{_points(bundle)} AS score,\n    {_grade(bundle)} AS grade"))
    return steps


def _method(how: Mapping[str, Any]) -> str:
    method = how["method"]
    if method == "isotonic":
        return _isotonic(how["scores"], how["pds"])
    if method == "beta":
        tail = "LN(1e0 + EXP(-ABS(raw)))"
        odds = (
            f"({_number(how['a'])} * (LEAST(raw, 0e0) - {tail}) + {_number(how['b'])} * (GREATEST(raw, 0e0) + {tail})"
            f" + {_number(how['c'])})"
        )
    elif method == "logistic":
        odds = f"({_number(how['a'])} * raw + {_number(how['b'])})"
    else:
        odds = "raw" if method == "none" else f"(raw + {_number(how['b'])})"
    return _sigmoid(odds)


def _isotonic(scores: Sequence[float], pds: Sequence[float]) -> str:
    whens = [f"WHEN raw < {_number(scores[0])} THEN {_number(pds[0])}"]
    for place in range(1, len(scores)):
        low, high = pds[place - 1], pds[place]
        part = f"((raw - {_number(scores[place - 1])}) / {_number(scores[place] - scores[place - 1])})"
        value = f"LEAST({_number(low)} + {_number(high - low)} * {part}, {_number(high)})"
        whens.append(f"WHEN raw < {_number(scores[place])} THEN {value if high != low else _number(low)}")
    return f"CASE {' '.join(whens)} ELSE {_number(pds[-1])} END"


def _hazards(how: Mapping[str, Any]) -> str:
    """h1, h2, …: each month's hazard, and l1, l2, …: each month's chance of leaving."""
    horizon, bands, age = int(how["horizon"]), how["bands"], f"f{how['age']}"
    columns = []
    for month in range(horizon):
        starts = [line[month] for line in how["baseline"]]
        whens = [f"WHEN {age} IS NULL THEN {_number(starts[len(bands) // 2])}"]
        whens += [
            f"WHEN {age} <= {_number(limit)} THEN {_number(starts[place])}"
            for place, limit in enumerate(bands)
        ]
        start = f"CASE {' '.join(whens)} ELSE {_number(starts[len(bands)])} END"
        odds = f"LEAST({start} + {_number(how['slope'][month])} * raw, 3e0)"
        columns.append(f"1e0 - EXP(-EXP({odds})) AS h{month + 1}")
    if how["exits"]:
        left = f"f{how['remaining']}"
        months = (
            f"FLOOR(LEAST(GREATEST({left} / {_number(DAYS_A_MONTH)}, 0e0), {_number(len(how['exits']) - 1)}))"
        )
        for month in range(horizon):
            whens = [
                f"WHEN {_number(place)} THEN {_number(line[month])}"
                for place, line in enumerate(how["exits"])
            ]
            leaving = f"CASE {months} {' '.join(whens)} END"
            columns.append(f"CASE WHEN {left} IS NULL THEN 0e0 ELSE {leaving} END AS l{month + 1}")
    return ",\n    ".join(columns)


def _incidence(how: Mapping[str, Any]) -> str:
    """h1 + (1 - h1)(1 - l1) (h2 + (1 - h2)(1 - l2) (h3 + …)): default before leaving."""
    found = ""
    for month in range(int(how["horizon"]), 0, -1):
        stays = f"(1e0 - h{month})" + (f" * (1e0 - l{month})" if how["exits"] else "")
        found = f"(h{month} + {stays} * {found})" if found else f"h{month}"
    return f"LEAST({found}, 1e0)"


def _shifted(how: Mapping[str, Any]) -> str:
    shifts = {
        name: shift for name, shift in ((how.get("segments") or {}).get("shifts") or {}).items() if shift
    }
    if not shifts:
        return "pooled"
    whens = " ".join(f"WHEN {_text(name)} THEN {_number(shift)}" for name, shift in sorted(shifts.items()))
    moved = _bounded(_sigmoid(f"(LN(pooled) - LN(1e0 - pooled) + (CASE segment {whens} END))"))
    names = ", ".join(_text(name) for name in sorted(shifts))
    return f"CASE WHEN segment IN ({names}) THEN {moved} ELSE pooled END"


def _points(bundle: Bundle) -> str:
    scale = master_scale(bundle).points
    factor = _number(scale.pdo / math.log(2.0))
    good = f"(LN((1e0 - scaled) / scaled) - {_number(math.log(scale.base_odds))})"
    points = f"ROUND({_number(scale.base_score)} + {factor} * {good})"
    return f"CAST(LEAST(GREATEST({points}, {scale.lowest}), {scale.highest}) AS INTEGER)"


def _grade(bundle: Bundle) -> str:
    *better, last = master_scale(bundle).grades
    whens = " ".join(f"WHEN scaled <= {_number(grade.pd_up_to)} THEN {_text(grade.name)}" for grade in better)
    return f"CASE {whens} ELSE {_text(last.name)} END"


def _sigmoid(odds: str) -> str:
    positive = f"1e0 / (1e0 + EXP(-LEAST({odds}, 700e0)))"
    growth = f"EXP(GREATEST({odds}, -700e0))"
    return f"CASE WHEN {odds} >= 0e0 THEN {positive} ELSE {growth} / (1e0 + {growth}) END"


def _bounded(pd: str) -> str:
    return f"LEAST(GREATEST({pd}, {_number(PD_FLOOR)}), 1e0 - {_number(PD_FLOOR)})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(value: float) -> str:
    """A double with all its digits, as SQL writes approximate numbers; below zero in brackets."""
    if not math.isfinite(value):
        raise UsageError("A number cannot be said in SQL", [Problem("bundle", "a finite number", str(value))])
    text = repr(float(value))
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if value < 0 else text
