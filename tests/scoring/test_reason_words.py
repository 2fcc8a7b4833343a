"""Every feature of both projects can be told as a reason in both languages, whatever its value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.scoring.reasons import Reason, reason_text, unknown_text

ROOT = Path(__file__).parents[2]
PROJECTS = {"province": ROOT, "sba": ROOT / "examples" / "sba_7a"}
VALUES = (0.0, 1.0, 2.0, -3.5, 0.123, 1e-7, 99.95, 1234.5, 1e7, -1e12, float("inf"), float("-inf"))
_CHINESE, _LATIN = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[A-Za-z]{2,}")
_NUMBER = re.compile(r"[nN]one|nan|inf|\de[+-]?\d")


@pytest.mark.parametrize("project", PROJECTS)
def test_every_feature_has_words_in_both_languages(project: str) -> None:
    catalogue = Catalogue(Project(PROJECTS[project]))
    features = [
        {"name": name, "en": one.en, "zh": one.zh, "unit": one.unit}
        for name, (_, one) in catalogue.features.items()
    ]
    assert len(features) > 100
    wrong = []
    for info in features:
        for value in VALUES:
            reason = Reason(info["name"], 0.1, value, 1.0, value > 0, -0.1)
            zh, en = reason_text(info, reason, "zh"), reason_text(info, reason, "en")
            if _LATIN.search(zh) or not zh.startswith(info["zh"]) or "同类企业中位数" not in zh:
                wrong.append(zh)
            if _CHINESE.search(en) or not en.startswith(info["en"]) or "peers' median" not in en:
                wrong.append(en)
            if _NUMBER.search(zh.removeprefix(info["zh"])) or _NUMBER.search(en.removeprefix(info["en"])):
                wrong.append(f"{zh} {en}")
        if info["zh"] not in unknown_text(info, "zh") or info["en"] not in unknown_text(info, "en"):
            wrong.append(info["name"])
    assert wrong == []
