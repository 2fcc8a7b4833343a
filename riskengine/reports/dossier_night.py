"""How was a number made that only the night makes: from which of the night's values, and where does each of those come from?

Answered from the latest publication up to the day: its scores, lines and signals. Each input that is a number itself names
the command that tells what it was made of, as of that night.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from riskengine.casework.evidence_words import evidence_lines
from riskengine.decision.products import read_products
from riskengine.errors import Problem, UsageError
from riskengine.monitor.peers import read_peers
from riskengine.monitor.product_terms import OfProduct, read_of_product
from riskengine.monitor.vocabulary import CONTAGION, GUARANTEE
from riskengine.profile.compute import Workbench
from riskengine.reports.dossier import Files
from riskengine.reports.dossier_avoidable import avoided, visit
from riskengine.reports.dossier_history import troubled
from riskengine.reports.dossier_kept import (
    Night,
    askable,
    chosen,
    dynamics,
    entry,
    features_of,
    given,
    in_words,
    members_of,
    night_of,
    own_entries,
    own_entry,
    rows_of,
    sum_decided,
)
from riskengine.reports.dossier_names import (
    BY_TERMS,
    LIMITS,
    MONEY,
    NUMBER,
    OF_ENTERPRISE,
    OF_LINE,
    SHARE,
    TEXT,
    Made,
    names_of_night,
    titles_of_keys,
)
from riskengine.reports.dossier_rating import terms_of_night
from riskengine.reports.dossier_rows import plain
from riskengine.reports.dossier_whom import Whom, meant
from riskengine.schema import Words, in_force, read_toml
from riskengine.store.database import connect

_ORDER = ("blue", "yellow", "orange", "red")


def of_night(bench: Workbench, files: Files, whom: Whom, number: str) -> dict[str, Any]:
    """A number of the night: value, how it was made, inputs. `UsageError` where no night, or not this one, knows it."""
    night = night_of(bench, files, whom, number)
    if _of_enterprise(night.whom, number):
        return _of_line(night, number)
    row = chosen(night, number)
    made = names_of_night(files.catalogue)[number]
    value, inputs, more = _parts(night, row, number)
    return _answer(night, made, (str(row["id"]), value), inputs, more)


def of_enterprise(whom: Whom, number: str) -> bool:
    """Whether a money number is asked of an enterprise with several guarantees: then it is the sum of the night's."""
    return number in BY_TERMS and _of_enterprise(whom, number)


def _of_enterprise(whom: Whom, number: str) -> bool:
    whole = number in OF_ENTERPRISE and whom.asked == whom.enterprise and len(whom.in_force) > 1
    return whole or number in OF_LINE


def _parts(
    night: Night, row: Mapping[str, Any], number: str
) -> tuple[Any, list[dict[str, Any]], dict[str, Any]]:
    """Value, inputs and what else is told of a number of one guarantee."""
    catalogue, path = night.files.catalogue, night.files.project.configs / "nightly.toml"
    value = plain(given(row.get(number)))
    if number in CONTAGION:
        return value, *_paths(night, value)
    if number.endswith("_share") and number.removesuffix("_share") in catalogue.subjects.keys:
        return value, *_group(night, row, number.removesuffix("_share"))
    for peer in read_peers(path):
        if peer.name == number:
            return _to_peers(night, row, number, (peer.feature, peer.by))
    for one in read_of_product(path):
        if one.name == number:
            return _of_product(night, row, one)
    if number not in row:
        hint = f"riskengine nightly --as-of {night.on} makes it again with what is known now"
        raise UsageError("The night did not keep it", [Problem(f"evidence {night.whom.asked} {number}", f"{number} in the scores of {night.on}", "none", hint)])  # fmt: skip
    inputs, more = _OF[number](night, row) if number in _OF else ([], {})
    return value, inputs, more


def _earlier(night: Night, row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the publication before said, by the model that it was scored by."""
    day = night.before
    title = (f"In the publication of {day}", f"{day}发布") if day else ("No publication before", "此前无发布")
    there = day is not None and given(row.get(f"{name}_before")) is not None
    nxt = night.next(str(row["id"]), name, day) if there else None
    return entry(f"{name}_before", title, (row.get(f"{name}_before"), SHARE if name == "pd" else TEXT), nxt)


def _jump(name: str, number: str) -> Any:
    def jumped(night: Night, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        lost = given(row.get(number)) is None and given(row.get(f"{name}_before")) is not None
        note = {"note": in_words("Another model scored the publication before: not compared", "两次模型不同，不作比较")} if lost else {}  # fmt: skip
        return [own_entry(night, row, name), _earlier(night, row, name)], note

    return jumped


def _before(name: str) -> Any:
    return lambda night, row: ([_earlier(night, row, name)], {})


def _trigger(night: Night, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    pd, ratio = given(row["pd"]), given(row["pd_trigger"])
    level = pd / ratio if pd is not None and ratio else None
    settings = dynamics(night)
    house = in_force(settings.trigger, night.on)
    same = level is not None and house is not None and math.isclose(level, house.value, rel_tol=1e-6)
    source = house.reference if same and house else "nightly.toml [dynamics]"
    return [
        *own_entries(night, row),
        entry("trigger", ("Trigger level", "触发水平"), (level, SHARE), None, source),
    ], {}


def _peers_of_pd(night: Night, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    pd, ratio, settings = given(row["pd"]), given(row["pd_to_peers"]), dynamics(night)
    usual = None if pd is None or not ratio else pd / (1 - pd) / ratio
    name, size = members_of(night, row, settings.by)
    by = _called(night, settings.by)
    title = (f"Usual PD of {by.en} {name}, {size} enterprises", f"{by.zh} {name}共{size}户的通常违约概率")
    peers = entry("peers", title, (None if usual is None else usual / (1 + usual), SHARE), None)
    return [*own_entries(night, row), peers], {}


def _course(night: Night, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    near = dynamics(night).near
    title = ("Near months", "近期月数")
    return [
        *own_entries(night, row),
        entry("near", title, (near, NUMBER), None, "nightly.toml [dynamics]"),
    ], {}


def _floor(night: Night, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The floor, and the signals of it that hold."""
    path, name = night.files.project.configs / "floors.toml", row.get("floor")
    blocks = read_toml(path).get("floor", []) if path.exists() else []
    floor = next((one for one in blocks if one.get("id") == name), None)
    if floor is None:
        waived = row.get("floor_waived")
        note = ("No floor holds", "无规则下限") if not waived else (f"{waived} is waived", f"{waived}已豁免")
        return [], {"note": in_words(*note)}
    title = floor.get("title", {})
    level = f"{floor.get('grade') or floor.get('pd')}"
    told = [
        entry(
            str(name),
            (title.get("en", name), title.get("zh", name)),
            (level, TEXT),
            None,
            floor.get("reference"),
        )
    ]
    known = askable(night)
    least = _ORDER.index(floor.get("least", "red"))
    for one in night.signals():
        own = one["about"] != GUARANTEE or str(one["id"]) == str(row["id"])
        grave = one["severity"] in _ORDER and _ORDER.index(one["severity"]) >= least
        if one["signal"] in floor.get("signals", ()) and own and grave and one["state"] != "withdrawn":
            feature = one.get("feature")
            nxt = night.next(str(row["id"]), feature) if feature in known else None
            words = (f"Signal {one['text_en']}", f"信号：{one['text_zh']}")
            told.append(entry(one["signal"], words, (one["value"], NUMBER), nxt))
    return told, {}


def _used(*names: str) -> Any:
    return lambda night, row: (own_entries(night, row, *names), {})


_OF = {
    "pd_before": _before("pd"),
    "grade_before": _before("grade"),
    "pd_jump": _jump("pd", "pd_jump"),
    "grade_notches": _jump("grade", "grade_notches"),
    "grade_no": _used("grade"),
    "pd_trigger": _trigger,
    "pd_to_peers": _peers_of_pd,
    "pd_inversion": _course,
    "pd_floor": _floor,
    "pd_used": _used("pd", "pd_floor"),
    "grade_used": _used("pd_used"),
    "loss_used": _used("expected_loss", "pd", "pd_used"),
}


def _paths(night: Night, value: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The ways contagion came, from the evidence of the night's signal of it; each start with its own dossier."""
    text = next((one["evidence"] for one in night.signals() if one.get("feature") in CONTAGION and one.get("evidence")), None)  # fmt: skip
    if text is None:
        note = ("Nothing was passed on", "无传导") if not value else ("The night keeps the ways of active signals only, and none is active", "日报只保存有效信号的传导路径，目前无此信号")  # fmt: skip
        return [], {"note": in_words(*note)}
    told = parse_paths(text)
    worst = troubled(night.files.project.store, [night.on], [path[0] for path, _ in told])
    inputs = []
    for path, contribution in told:
        start = path[0]
        try:
            meant(night.bench, night.files.project, night.files.catalogue.subjects, start, night.on)
            nxt: str | None = f"riskengine dossier {start} --as-of {night.on}"
        except UsageError:  # a neighbour that asked for nothing itself
            nxt = None
        severity = worst.get(start)
        said = (f"Passed on by {start}", f"由{start}传导")
        if severity:
            zh = {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}[severity]
            said = (f"{said[0]}, worst signal {severity}", f"{said[1]}，最高信号{zh}")
        inputs.append(entry(start, said, (contribution, NUMBER), nxt))
    return inputs, {"paths": {language: evidence_lines(text, language) for language in ("en", "zh")}}


def parse_paths(text: str) -> list[tuple[list[str], float]]:
    """The ways in a signal's evidence: the codes on each, from the one in trouble on, and what it passes on.

    >>> parse_paths('{"paths":[{"contribution":0.5,"keys":["A","B"],"kinds":["control"]}]}')
    [(['A', 'B'], 0.5)]
    """
    return [
        ([str(key) for key in one["keys"]], float(one["contribution"]))
        for one in json.loads(text).get("paths", ())
    ]


def _group(night: Night, row: Mapping[str, Any], key: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The group's and the book's expected loss."""
    columns = [name for name in night.files.catalogue.subjects.keys[key] if name in row]
    condition = " AND ".join(f'"{name}" = ?' for name in columns) or "false"
    with connect() as connection:
        found = connection.execute(
            f"""SELECT sum(expected_loss) FILTER ({condition}), count(*) FILTER ({condition}), sum(expected_loss), count(*)
            FROM read_parquet(?)""",
            [*[row[name] for name in columns] * 2, str(night.folder / "scores.parquet")],
        ).fetchone()
    part, members, whole, every = found or (None, 0, None, 0)
    name, by = " ".join(str(plain(row[one])) for one in columns), _called(night, key)
    return [
        entry("group", (f"Expected loss of {by.en} {name}, {members} guarantees", f"{by.zh} {name}共{members}笔的预期损失"), (part, MONEY), None),
        entry("book", (f"Expected loss of the book, {every} guarantees", f"全部在保{every}笔的预期损失"), (whole, MONEY), None),
        own_entry(night, row, "expected_loss"),
    ], {}  # fmt: skip


def _to_peers(
    night: Night, row: Mapping[str, Any], number: str, of: tuple[str, str]
) -> tuple[Any, list[dict[str, Any]], dict[str, Any]]:
    """A value against its peers: the night keeps the ratio (of active signals), the feature has rows of its own."""
    feature, by = of
    kept = [one["value"] for one in night.signals() if one.get("feature") == number and str(one["id"]) in (str(row["id"]), night.whom.enterprise)]  # fmt: skip
    ratio = given(row.get(number)) if number in row else given(kept[0]) if kept else None
    own = features_of(night, row, [feature]).get(feature)
    title = night.files.catalogue.feature(feature)
    name, size = members_of(night, row, by)
    usual = None if own is None or not ratio else float(own) / ratio
    key = _called(night, by)
    said = (f"Median of {key.en} {name}, {size} enterprises", f"{key.zh} {name}共{size}户的中位数")
    inputs = [
        entry(feature, (title.en, title.zh), (own, NUMBER), night.next(str(row["id"]), feature)),
        entry("median", said, (usual, NUMBER), None),
    ]
    note = {} if ratio is not None else {"note": in_words("The night keeps it for active signals only, and none is active", "日报只保存有效信号的该数值，目前无此信号")}  # fmt: skip
    return plain(ratio), inputs, note


def _of_product(
    night: Night, row: Mapping[str, Any], one: OfProduct
) -> tuple[Any, list[dict[str, Any]], dict[str, Any]]:
    """What the guarantee's product allows, and a feature's part of it: by the definitions in force on the night's day."""
    products, catalogue = read_products(night.files.project.configs / "products.toml"), night.files.catalogue
    asked = [name for name in (*products.features, *one.inputs) if name in catalogue.features]
    answers = features_of(night, row, list(dict.fromkeys(asked)))
    terms = terms_of_night(products, answers, night.on, None)
    dated = None if terms is None else in_force(getattr(terms.product, one.value), night.on)
    limit = None if dated is None else float(dated.value)
    product, what = terms.product if terms else None, LIMITS[one.value]
    title = (
        (f"{what.en} of {product.title.en}", f"{product.title.zh}的{what.zh}")
        if product
        else (what.en, what.zh)
    )
    inputs = [entry(one.value, title, (limit, NUMBER), None, dated.reference if dated else None)]
    if not one.inputs:
        return limit, inputs, {}
    feature = one.features.get(product.id if product else "", one.feature)
    words, value = catalogue.feature(feature), answers.get(feature)
    inputs.insert(
        0, entry(feature, (words.en, words.zh), (value, NUMBER), night.next(str(row["id"]), feature))
    )
    return (float(value) / limit if value is not None and limit else None), inputs, {}


def _of_line(night: Night, number: str) -> dict[str, Any]:
    """A number of the enterprise's line, or the sum or the highest of its guarantees."""
    whom = night.whom
    if number == "guarantees" or number in OF_ENTERPRISE:
        made = {**OF_LINE, **OF_ENTERPRISE}[number]
        name = "exposure" if number == "guarantees" else number
        known = [value for row in night.scores if (value := given(row.get(name))) is not None]
        whole = len(night.scores) if number == "guarantees" else max(known, default=None) if number == "pd_used" else sum(known)  # fmt: skip
        inputs = [
            entry(name, (str(row["id"]), str(row["id"])), (row.get(name), made.kind if made.kind != NUMBER else MONEY), night.next(str(row["id"]), name))
            for row in night.scores
        ]  # fmt: skip
        more = {"floor": sum_decided(night)} if number == "expected_loss" else {}
        return _answer(night, made, (whom.enterprise, plain(whole)), inputs, more)
    units = [whom.enterprise, *(str(row["id"]) for row in night.scores)]
    lines = [line for unit in units for line in rows_of(night.folder / "lines.parquet", "enterprise", unit)]
    if not lines:
        hint = "A line is an enterprise with a case that is not quiet: riskengine signals list"
        raise UsageError("It has no line in the night", [Problem(f"evidence {whom.asked} {number}", f"a line in the night of {night.on}", "none", hint)])  # fmt: skip
    line, project = lines[0], night.files.project
    if number == "net":
        inputs = [entry(name, (OF_LINE[name].title.en, OF_LINE[name].title.zh), (line[name], MONEY), night.next(whom.asked, name)) for name in ("avoidable", "cost")]  # fmt: skip
    elif number == "cost":
        paid = visit(project, line.get("institution") or "", night.on)
        inputs = (
            [entry("budget.toml", ("One visit", "单次走访"), (paid[0], MONEY), None, paid[1])] if paid else []
        )
    else:
        inputs = []
        for row in night.scores:
            unit = str(row["id"])
            inputs.append({**own_entry(night, row, "loss_used"), "of": unit})
            for part in avoided(project, night.on, partial(features_of, night, row)):
                title = night.files.catalogue.feature(part.feature) if part.feature else None
                words = (
                    (title.en, title.zh)
                    if title
                    else ("Part that acting now still avoids", "现在处置可避免的比例")
                )
                nxt = night.next(unit, part.feature) if part.feature else None
                inputs.append({**entry(part.name, words, (part.value, SHARE if not title else NUMBER), nxt, part.reference), "of": unit})  # fmt: skip
    return _answer(night, OF_LINE[number], (whom.enterprise, plain(line.get(number))), inputs, {})


def _called(night: Night, key: str) -> Words:
    return titles_of_keys(night.files.catalogue).get(key, Words(en=key, zh=key))


def _answer(
    night: Night,
    made: Made,
    found: tuple[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    unit, value = found
    if made.kind == MONEY and value is not None:
        value = f"{Decimal(str(value)):.2f}"
    return {
        "kind": "night",
        "of": unit,
        "night": str(night.on),
        "title": made.title.model_dump(),
        "how": made.how.model_dump(),
        "value_kind": made.kind,
        "value": value,
        "note": None
        if value is not None
        else in_words(
            "The night could not say it: something it is made of is unknown", "当夜无法得出：所需数据未知"
        ),
        "paths": None,
        "inputs": list(inputs),
        **more,
    }
