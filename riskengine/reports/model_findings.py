"""What did the run find out about a model beyond its tests: leaks, calibrations, parameters, reasons, as tables of a document?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from riskengine.reports.model_card import reasoned

_SR, _EBA, _ECB = "SR 26-2", "EBA/GL/2017/16", "ECB Instructions 2019"
NOTHING = {"en": "not measured in this run", "zh": "本次训练未测"}


@dataclass(frozen=True)
class Section:
    """A heading with the guidance behind it, and a table: a header (empty: two columns of name and value) and rows of text."""

    title: str
    source: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def calibrations(card: Mapping[str, Any], language: str) -> list[Section]:
    """Each calibration that was tried, on rows that none was fitted on."""
    zh = language == "zh"
    table = (card.get("calibration") or {}).get("table") or ()
    rows = tuple(
        (
            str(one["method"]),
            f"{one['log_loss']:.5f}",
            f"{one['above_best']:.5f} [{one['interval'][0]:.5f}, {one['interval'][1]:.5f}]",
            f"{one['brier']:.5f}",
        )
        for one in table
    )
    if not rows:
        return []
    header = (
        ("方法", "对数损失", "高于最优", "Brier") if zh else ("Method", "Log loss", "Above the best", "Brier")
    )
    return [Section("校准方法比较" if zh else "Calibrations compared", f"{_EBA}; {_ECB}", header, rows)]


def tuning(card: Mapping[str, Any], language: str) -> list[Section]:
    """Each setting that was tried within the declared budget."""
    zh = language == "zh"
    rows = tuple(
        (
            str(number),
            compact(one.get("params")),
            *(f"{float(one.get(name) or 0):.5f}" for name in ("loss", "gain", "gain_error")),
        )
        for number, one in enumerate(card.get("tuning") or (), 1)
    )
    if not rows:
        return []
    header = ("#", "Parameters", "Log loss", "Gain", "Standard error")
    header = ("序号", "参数", "对数损失", "改善", "标准误") if zh else header
    return [Section("参数搜索" if zh else "Search for parameters", _SR, header, rows)]


_CHECKS = {
    "without": ("All other features without the suspect (AUC)", "去除可疑特征后其余特征的 AUC"),
    "far": ("Suspects far from the outcome (AUC alone, others)", "距结果尚远时可疑特征与其余特征的 AUC"),
    "pure": (
        "Share of failed rows in a value that only they have, largest",
        "几乎只见于违约的取值占比（最大）",
    ),
    "later": ("Gain of AUC one month later, largest", "晚一个月观察的 AUC 增益（最大）"),
    "day": ("Failed rows whose value agrees with their day, largest", "取值与违约日吻合的占比（最大）"),
    "explained": ("Explained by hand", "人工说明"),
}


def audit(card: Mapping[str, Any], language: str) -> tuple[tuple[str, str], ...]:
    """Every detector of the leakage audit with what it found, and the overlap of reasons under retraining."""
    zh = language == "zh"
    leak = card.get("leakage") or {}
    alone = sorted((leak.get("alone") or {}).items(), key=lambda pair: -abs(float(pair[1] or 0.5) - 0.5))
    strongest = ", ".join(f"{name} {float(value):.3f}" for name, value in alone[:3] if value is not None)
    rows = [
        (
            "单变量AUC最强三项" if zh else "Three strongest features alone (AUC)",
            strongest or NOTHING[language],
        )
    ]
    for name, titles in _CHECKS.items():
        found = leak.get(name) or {}
        most = sorted(found, key=lambda key: (-_size(found[key]), key))[: None if name == "explained" else 3]
        told = ("; " if name == "explained" else ", ").join(f"{key} {compact(found[key])}" for key in most)
        rows.append((titles[zh], told or ("无" if zh else "none")))
    if "canary" in leak:
        limit = float(leak.get("canary_limit") or 0)
        rows.append(
            (
                "标签打乱后的 AUC" if zh else "AUC of shuffled labels",
                f"{float(leak['canary']):.3f} ({'限值' if zh else 'limit'} 0.5 ± {limit:.3f})",
            )
        )
    if "copies" in leak:
        rows.append(
            (
                "特征与其他折完全相同的行，结果的额外一致性"
                if zh
                else "Rows whose features stand in another fold, agreement of outcomes beyond these",
                f"{float(leak['copies']):.1%}, {float(leak['copies_agreement']):.2f}",
            )
        )
    fields = sorted(leak.get("fields") or (), key=lambda one: -float(one["gap"]))
    shown = ", ".join(
        f"{one['source']}.{one['column']} {one['kind']} {one['gap']:+.2%} (z {one['z']:.1f})"
        for one in fields[:3]
    )
    title = (
        "结果发生后被改写或补录的字段（最大三项）"
        if zh
        else "Fields rewritten or delivered after the outcome, three largest"
    )
    seen = int(leak.get("hindsight_rows") or 0)
    rows.append((f"{title}, {len(fields)}", shown or ("无" if zh else "none")))
    rows.append(
        (
            "回看样本行数" if zh else "Rows with hindsight from the store",
            count(seen) if seen else NOTHING[language],
        )
    )
    reasons = (
        reasoned(card["reasons"], language) if isinstance(card.get("reasons"), Mapping) else NOTHING[language]
    )
    rows.append(("重训后理由重合度" if zh else "Overlap of reasons under retraining", reasons))
    return tuple(rows)


def _size(value: Any) -> float:
    """How large a finding is: a number, or the first of several."""
    one = value[0] if isinstance(value, list | tuple) and value else value
    return float(one) if isinstance(one, int | float) else 0.0


def count(value: Any) -> str:
    """A count with separators; a dash where there is none."""
    return f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)


def compact(value: Any) -> str:
    """Any JSON value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {compact(part)}" for name, part in sorted(value.items())) or "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
