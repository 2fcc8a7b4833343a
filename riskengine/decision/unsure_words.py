"""Why is a PD not sure enough for a machine to decide, in words of both languages?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.scoring.scorecard import Rating


def unsure_words(table: Mapping[str, Any], rated: Rating, missing: float) -> dict[str, str]:
    """Why a PD is not sure enough for a machine, in both languages; empty texts where it is.

    `table` are the limits in the bundle's `interval`, `missing` the share of the model's features without a value.
    """
    if rated.unsure == "thin":
        limit = table["most_missing"]
        return {
            "en": f"Thin file: {missing:.0%} of what the model reads is missing (a person decides above {limit:.0%})",
            "zh": f"资料单薄：模型所用信息缺失{missing:.0%}（超过{limit:.0%}转人工）",
        }
    if rated.unsure:
        limit = table["widest"]
        return {
            "en": f"Unsure PD: too few cases like this, its upper limit is more than {limit:g} times the lower",
            "zh": f"违约概率不确定：同类样本过少，区间上限超过下限的{limit:g}倍",
        }
    return {"en": "", "zh": ""}


def gap_words(unsure: str) -> dict[str, str]:
    """That only what is missing may make a PD unsure, in both languages; empty texts where it may not."""
    if not unsure:
        return {"en": "", "zh": ""}
    return {
        "en": "The PD is sure enough as it stands, but not whatever the missing values are",
        "zh": "现有违约概率尚属确定，但缺失信息可能使其不确定",
    }
