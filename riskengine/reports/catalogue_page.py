"""How does a committee read what the institution decides, watches and reminds of? One self-contained HTML page in zh and en."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from riskengine.monitor.signals import SEVERITY_WORDS
from riskengine.reports.pages import rendered

EVIDENCE = {
    "A": {"en": "official text", "zh": "官方文本"},
    "B": {"en": "secondary public page", "zh": "二手公开资料"},
    "C": {"en": "practice seen in public code", "zh": "公开代码中的实务做法"},
    "K": {"en": "unverified knowledge", "zh": "未核实的知识"},
    "D": {"en": "own choice", "zh": "自定默认"},
}
ACTIONS = {
    "decline": {"en": "decline", "zh": "否决"},
    "refer": {"en": "refer", "zh": "转人工"},
    "cap": {"en": "cap", "zh": "限额"},
    "model": {"en": "by grade", "zh": "按等级"},
    "data": {"en": "missing data", "zh": "资料不足"},
}
ABOUTS = {
    "source": {"en": "per source", "zh": "按数据源"},
    "claim": {"en": "per compensated guarantee", "zh": "按代偿项目"},
    "institution": {"en": "per institution", "zh": "按机构"},
    "application": {"en": "per application", "zh": "按申请"},
    "enterprise": {"en": "per enterprise", "zh": "按企业"},
    "member": {"en": "per member institution", "zh": "按成员机构"},
    "bank": {"en": "per bank", "zh": "按银行"},
    "product": {"en": "per product", "zh": "按产品"},
    "industry_region": {"en": "per industry and region", "zh": "按行业和地区"},
    "whole": {"en": "whole book", "zh": "全部业务"},
}


def render(told: Mapping[str, Any], language: str = "en") -> bytes:
    """The catalogue's JSON value (`catalogue.catalogue`) as UTF-8 HTML, opening in `language`; the reader can switch."""
    return rendered(
        "catalogue.html.j2",
        told=told,
        language=language,
        evidence=EVIDENCE,
        actions=ACTIONS,
        severities=SEVERITY_WORDS,
        abouts=ABOUTS,
        domain_page="domain page" in json.dumps(told, default=str).lower(),
    )
