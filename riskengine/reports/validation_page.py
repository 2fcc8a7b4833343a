"""How does a supervisor read a validation? One self-contained HTML page, in English and Chinese, made from the pack's JSON only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from riskengine.reports import validation_drawing as drawing
from riskengine.reports.validation_words import DIMENSIONS, MEANS, chinese

VERDICTS = {
    "pass": {"en": "pass", "zh": "通过"},
    "fail": {"en": "fail", "zh": "不通过"},
    "undecidable": {"en": "undecidable", "zh": "无法判定"},
    "information": {"en": "information", "zh": "仅供参考"},
}
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def render(pack: Mapping[str, Any], language: str = "en") -> bytes:
    """The page as UTF-8 HTML, opening in `language`; it can be switched, and holds the JSON it was made from.

    Every number is shown as `<data value="..." data-at="sections.0.lines.3.value">`: its exact value and its place in
    the JSON.
    """
    loader = jinja2.Environment(
        loader=jinja2.PackageLoader("riskengine.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return (
        loader.get_template("validation.html.j2")
        .render(
            pack=pack,
            language=language,
            verdicts=VERDICTS,
            num=_number,
            scope=_scope,
            chinese=chinese,
            pictures=[_pictures(pack, section) for section in pack["sections"]],
            failed=[
                (section, line)
                for section in pack["sections"]
                for line in section["lines"]
                if line["verdict"] == "fail"
            ],
            embedded=Markup(json.dumps(pack, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")),
        )
        .encode()
    )


def figure(value: float | int | None) -> str:
    """A number for people: counts with separators, others in four digits, never with an exponent.

    >>> figure(12345), figure(0.7812345), figure(0.0000123456), figure(1.5), figure(None), figure(-23.456)
    ('12,345', '0.7812', '0.00001235', '1.500', '–', '-23.46')
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    digits = max(0, 3 - _order(abs(value)))
    return f"{value:,.{digits if digits < 4 or abs(value) < 0.1 else 4}f}"


def _order(value: float) -> int:
    return int(f"{value:e}".split("e")[1])


def _number(value: float | int | None, place: str) -> Markup:
    """A number with its exact value and its place in the JSON."""
    if value is None:
        return Markup('<span class="none">–</span>')
    shown = figure(value)
    return Markup('<data value="{}" data-at="{}">{}</data>').format(repr(value), place, shown)


def _scope(scope: str) -> dict[str, str]:
    """What a test was done on, in words: `region:CA` is the region CA."""
    parts = [_one(part) for part in scope.split("/")]
    return {lang: " · ".join(part[lang] for part in parts) for lang in ("en", "zh")}


def _one(part: str) -> dict[str, str]:
    name, mark, value = part.partition(":")
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
        curves = figures["roc"]
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
        rows = [(*_dimension(line["scope"]), line) for line in lines if line["test"] == "segment_auc"]
        rows.sort(key=lambda row: (row[0], row[1]))
        words = {
            "en": "AUC by segment with interval; dashed: all rows. Segments without a dot have too few defaults",
            "zh": "各分组 AUC 及区间；虚线为全样本。无圆点的分组违约数不足",
        }
        found = [(drawing.forest(rows, _overall(pack), words["en"]), words)] if rows else []
    elif name == "stability":
        bars = [
            (_one(line["scope"])["en"].removeprefix("feature ") if line["test"] == "csi" else f"{line['test'].upper()} {line['scope']}",
             line["value"], _chance(line), line["verdict"])
            for line in lines if line["test"] in ("psi", "csi") and line["value"] is not None
        ]  # fmt: skip
        words = {
            "en": "Stability index; the tick is the 95 % quantile that chance alone gives at these sizes",
            "zh": "稳定性指数；竖线为同样样本量下纯随机波动的95%分位数",
        }
        found = [(drawing.against_chance(bars, words["en"]), words)] if bars else []
    elif name == "vintages" and figures.get("vintages"):
        words = {
            "en": "By vintage: mean PD (bar) and observed rate (dot). Grey: the horizon is not over, defaults to date",
            "zh": "分批次：平均违约概率（横线）与实际违约率（圆点）。灰底：观察期未满，为截至目前的违约",
        }
        found = [(drawing.by_vintage(figures["vintages"], words["en"]), words)]
    return [{"svg": Markup(svg), **words} for svg, words in found]


def _dimension(scope: str) -> tuple[str, str]:
    name, _, value = scope.partition(":")
    return name, value


def _overall(pack: Mapping[str, Any]) -> float | None:
    lines = next(section["lines"] for section in pack["sections"] if section["name"] == "discrimination")
    return next((line["value"] for line in lines if line["test"] == "auc" and line["scope"] == "all"), None)


def _chance(line: Mapping[str, Any]) -> float | None:
    """The null's quantile, the first number of the line's limit."""
    numbers: Sequence[str] = _NUMBERS.findall(line["limit"])
    return float(numbers[0]) if numbers else None
