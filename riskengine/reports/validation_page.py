"""How does a supervisor read a validation? One self-contained HTML page, in English and Chinese, made from the pack's JSON only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from riskengine.reports import validation_drawing as drawing
from riskengine.reports.pages import rendered
from riskengine.reports.validation_words import DIMENSIONS, MEANS, RULES, TESTS, chinese

VERDICTS = {
    "pass": {"en": "pass", "zh": "通过"},
    "fail": {"en": "fail", "zh": "不通过"},
    "undecidable": {"en": "undecidable", "zh": "无法判定"},
    "information": {"en": "information", "zh": "仅供参考"},
}


def render(pack: Mapping[str, Any], language: str = "en") -> bytes:
    """The page as UTF-8 HTML, opening in `language`; it can be switched, and holds the JSON it was made from.

    Every number is shown as `<data value="..." data-at="sections.0.lines.3.value">`: its exact value and its place in
    the JSON.
    """
    return rendered(
        "validation.html.j2",
        pack=pack,
        language=language,
        verdicts=VERDICTS,
        num=_number,
        scope=_scope,
        chinese=chinese,
        rule_words=RULES,
        pictures=[_pictures(pack, section) for section in pack["sections"]],
        headline=_headline(pack),
        failed=_failed(pack),
        embedded=Markup(json.dumps(pack, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")),
    )


def figure(value: float | int | None) -> str:
    """A number for people: whole ones with separators, others in four digits, never with an exponent.

    >>> figure(12345), figure(0.7812345), figure(0.0000123456), figure(1.5), figure(None), figure(-23.456)
    ('12,345', '0.7812', '0.00001235', '1.500', '–', '-23.46')
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if float(value).is_integer():
        return f"{int(value):,}"
    digits = max(0, 3 - _order(abs(value)))
    return f"{value:,.{digits if digits < 4 or abs(value) < 0.1 else 4}f}"


def _order(value: float) -> int:
    return int(f"{value:e}".split("e")[1])


def _headline(pack: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """The lines that decide, each with its section and its place in the JSON."""
    return [
        (section, f"sections.{number}.lines.{place}", line)
        for number, section in enumerate(pack["sections"])
        for place, line in enumerate(section["lines"])
        if line["deciding"]
    ]


def _failed(pack: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The details that failed, one entry a test: on how many of how many, and on which."""
    found: list[dict[str, Any]] = []
    for number, section in enumerate(pack["sections"]):
        for test in dict.fromkeys(line["test"] for line in section["lines"]):
            asked = [
                (place, line)
                for place, line in enumerate(section["lines"])
                if line["test"] == test and not line["deciding"]
            ]
            bad = [
                (f"sections.{number}.lines.{place}", line)
                for place, line in asked
                if line["verdict"] == "fail" and not line["deciding"]
            ]
            if bad:
                found.append(
                    {
                        "section": section,
                        "title": TESTS.get(test, bad[0][1]["title"]),
                        "asked": len(asked),
                        "bad": bad,
                    }
                )
    return found


def _number(value: float | int | None, place: str, style: str = "") -> Markup:
    """A number with its exact value and its place in the JSON."""
    if value is None:
        return Markup('<span class="none">–</span>')
    shown = format(value, style) if style else figure(value)
    return Markup('<data value="{}" data-at="{}">{}</data>').format(repr(value), place, shown)


def _scope(scope: str, features: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What a test was done on, in words: `region:CA` is the region CA, a feature has its label."""
    parts = [_one(part, features) for part in _apart(scope)]
    return {lang: " · ".join(part[lang] for part in parts) for lang in ("en", "zh")}


def _apart(scope: str) -> list[str]:
    """A scope within a scope: `sample:x/all`, `out_of_time/naive`; a segment's own name may hold any character."""
    first, mark, rest = scope.partition("/")
    nested = mark and (first.startswith("sample:") or ":" not in first)
    return [first, rest] if nested else [scope]


def _one(part: str, features: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    name, mark, value = part.partition(":")
    if name == "feature" and value in features:
        return dict(features[value])
    words = DIMENSIONS.get(name, {"en": name.replace("_", " "), "zh": name})
    if not mark:
        return words
    inner = MEANS.get(value, {"en": value, "zh": value})
    return {lang: f"{words[lang]} {inner[lang]}" for lang in ("en", "zh")}


def _pictures(pack: Mapping[str, Any], section: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The section's pictures, each with a caption in both languages; drawn from the JSON's numbers."""
    name, figures, lines = section["name"], section["figures"], section["lines"]
    found: list[tuple[str, dict[str, str]]] = []
    if name == "discrimination":
        curves = {_both(means): points for means, points in figures["roc"].items()}
        found = [
            (drawing.separation(curves, 0, "ROC"), {"en": "ROC: defaults above the limit by survivors above it", "zh": "ROC：高于阈值的违约占比与正常占比"}),
            (drawing.separation(curves, 2, "CAP"), {"en": "CAP: defaults caught by share of all looked at", "zh": "CAP：按风险排序的样本占比与捕获的违约占比"}),
        ]  # fmt: skip
    elif name == "grades" and figures["grades"]:
        words = {
            "en": "By grade: mean PD (bar) and observed default rate with 95 % interval (dot), log scale",
            "zh": "分等级：平均违约概率（横线）与实际违约率及95%区间（圆点），对数坐标",
        }
        found = [(drawing.calibration(figures["grades"], words["en"]), words)]
    elif name == "segments":
        rows = [
            (_both(line["scope"].partition(":")[0]), line["scope"].partition(":")[2], line)
            for line in lines
            if line["test"] == "segment_auc"
        ]
        rows.sort(key=lambda row: (row[0], row[1]))
        words = {
            "en": "AUC by segment with interval; dashed: all rows. Segments with too few defaults are left out",
            "zh": "各分组 AUC 及区间；虚线为全样本。违约数不足的分组未列出",
        }
        found = [(drawing.forest(rows, _overall(pack), words["en"]), words)] if rows else []
    elif name == "stability":
        bars = [
            (line["scope"].partition(":")[2] or f"PSI {line['scope']}",
             line["value"], line["threshold"], line["verdict"])
            for line in lines if line["test"] in ("psi", "csi") and line["value"] is not None
        ]  # fmt: skip
        words = {
            "en": "Stability index (dot, log scale); the tick is the quantile that chance alone gives at these sizes",
            "zh": "稳定性指数（圆点，对数坐标）；竖线为同样样本量下纯随机波动的分位数",
        }
        found = [(drawing.against_chance(bars, words["en"]), words)] if bars else []
    elif name == "vintages" and figures.get("vintages"):
        words = {
            "en": "By vintage: mean PD (bar) and observed rate (dot). Grey: the horizon is not over, defaults to date",
            "zh": "分批次：平均违约概率（横线）与实际违约率（圆点）。灰底：观察期未满，为截至目前的违约",
        }
        found = [(drawing.by_vintage(figures["vintages"], words["en"]), words)]
    return [{"svg": Markup(svg), **words} for svg, words in found]


def _both(name: str) -> str:
    """A name inside a picture, which serves both languages."""
    words = DIMENSIONS.get(name, {"en": name, "zh": ""})
    return f"{words['en']} {words['zh']}".strip()


def _overall(pack: Mapping[str, Any]) -> float | None:
    lines = next(section["lines"] for section in pack["sections"] if section["name"] == "discrimination")
    return next((line["value"] for line in lines if line["test"] == "auc" and line["scope"] == "all"), None)
