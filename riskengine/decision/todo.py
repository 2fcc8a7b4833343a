"""What must an officer do next about a decision, the most important first, and which data would decide it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from riskengine.decision.phrases import amount_text, gap_titles, phrases, problem_text, some, tongue

MOST = 4


@dataclass
class Lack:
    """Data that is missing from one place, and the rules that cannot be evaluated without it."""

    sources: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    declines: bool = False

    @property
    def order(self) -> tuple[bool, int]:
        """What could decline comes first, then what decides the most rules."""
        return not self.declines, -len(self.rules)


def lacks(out: Mapping[str, Any], language: str) -> list[Lack]:
    """What the rules that cannot be evaluated lack, by where it comes from, the most important first."""
    found: dict[tuple[str, ...], Lack] = {}
    for item in (out["policy"] or {}).get("not_evaluable", ()):
        for missing in item["missing"]:
            key = tuple(missing["sources"]) or (missing["feature"],)
            lack = found.setdefault(key, Lack(tuple(missing["sources"])))
            lack.declines = lack.declines or item["action"] == "decline"
            for names, name in ((lack.names, missing[tongue(language)]), (lack.rules, item["rule"])):
                if name not in names:
                    names.append(name)
    return sorted(found.values(), key=lambda lack: lack.order)


def source_text(out: Mapping[str, Any], lack: Lack, language: str) -> str:
    """From which sources something comes, and that one of them is silent or stale; empty where it is the application's own."""
    text = phrases(language)
    state = {item["source"]: item for item in out["freshness"]}
    parts = []
    for name in lack.sources[:2]:
        if name not in state:
            continue
        item = state[name]
        late = f" {text[item['state']]}" if item["state"] in ("stale", "none known") else ""
        parts.append(item["title"][tongue(language)] + late)
    return text["comma"].join(parts)


def steps(out: Mapping[str, Any], language: str, currency: str) -> list[str]:
    """At most four things to do, the most important first; the last may be what is usual for such a decision."""
    text = phrases(language)
    found: list[tuple[int, str]] = []
    problems = [problem_text(item) for item in out["data_problems"]]
    if problems:
        found.append((0, text["correct"].format(what=some(problems, 3, text["list"]))))
    required = gap_titles(out, "required", language)
    if required and (out["model"] is not None or not problems):
        found.append((1, text["get required"].format(what=some(required, 6, text["comma"]))))
    if out["model"] is not None:
        found += _of_rules(out, language)
        if out["decision"] != "decline":  # no data that could come would change it
            found += _of_data(out, language)
        found += _of_model(out, language)
        found += _of_amount(out, language, currency)
    found.sort(key=lambda step: step[0])
    told = list(dict.fromkeys(words for _, words in found))
    if len(told) < MOST:
        told.append(text["do " + out["decision"]])
    return told[:MOST]


def _of_rules(out: Mapping[str, Any], language: str) -> list[tuple[int, str]]:
    """What the rules that were hit ask for."""
    text, lang, offer = phrases(language), tongue(language), out["offer"]
    found = []
    if not offer["offered"]:
        found.append((2, text["other product"].format(product=offer["title"][lang])))
    if offer["rivals"]:
        names = [item[lang] for item in offer["missing"]]
        found.append((4, text["which product"].format(what=some(names, 3, text["comma"]))))
    for kind, rank in (("knock_outs", 2), ("referrals", 4), ("caps", 6)):
        for item in out["policy"][kind]:
            if item["next"]:
                found.append((rank, f"{item['rule']}: {item['next'][lang]}"))
            elif kind == "referrals":
                found.append((rank, text["check"].format(what=f"{item['rule']} {item['words'][lang]}")))
    return found


def _of_data(out: Mapping[str, Any], language: str) -> list[tuple[int, str]]:
    """Which data would decide something."""
    text = phrases(language)
    found, lacking = [], lacks(out, language)
    for lack in lacking:
        source = source_text(out, lack, language)
        told = text["get"].format(
            what=some(lack.names, 3, text["comma"]),
            source=text["from"].format(source=source) if source else "",
            rules=some(lack.rules, 6, text["comma"]),
        )
        found.append((3 if lack.declines else 5, told))
    named = {name for lack in lacking for name in lack.sources}
    late = [
        item["title"][tongue(language)]
        for item in out["freshness"]
        if item["source"] in out["gaps"]["sources"] and item["source"] not in named
    ]
    if late:
        found.append((8, text["renew"].format(what=some(late, 4, text["comma"]))))
    return found


def _of_model(out: Mapping[str, Any], language: str) -> list[tuple[int, str]]:
    """What the model's answer lacks: the values that could change it most come first."""
    text, gaps = phrases(language), out["gaps"]
    found = []
    refused = out["decision"] == "decline"
    if gaps["features"] and gaps["outcome"] != out["model"]["outcome"] and not refused:
        weight = {item["feature"]: abs(item["contribution"]) for item in out["reasons"].get("missing", ())}
        told = dict(zip(gaps["features"], gap_titles(out, "features", language), strict=True))
        names = [told[name] for name in sorted(told, key=lambda name: (-weight.get(name, 0.0), name))]
        words = text["get model"].format(what=some(names, 4, text["comma"]), grade=gaps["worst_grade"])
        found.append((3 if gaps["outcome"] == "insufficient data" else 5, words))
    if out["model"].get("unsure") and not refused:
        found.append((7, text["judge"].format(what=out["model"]["words"][tongue(language)])))
    if refused and out["model"]["outcome"] == "decline":
        ways = (out.get("way_out") or {}).get("ways", ())
        if ways:
            found.append((3, text["tell"].format(what=ways[0]["words"][tongue(language)])))
    return found


def _of_amount(out: Mapping[str, Any], language: str, currency: str) -> list[tuple[int, str]]:
    """That less can be guaranteed than is asked, where a person may still guarantee it."""
    text, amount = phrases(language), out["amount"]
    if (
        amount is None
        or amount["suggested"] is None
        or float(amount["suggested"]) >= float(amount["requested"])
    ):
        return []
    binding = [cap["words"][tongue(language)] for cap in amount["caps"] if cap["cap"] in amount["binding"]]
    told = amount_text(amount["suggested"], currency)
    return [(5, text["reduce"].format(amount=told, what=some(binding, 3, text["comma"])))]
