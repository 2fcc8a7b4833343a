"""How is one decision told on one screen, in English or Chinese, with what to do next? And many, a line each?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.decision.phrases import (
    amount_text,
    gap_titles,
    law_of,
    phrases,
    problem_text,
    some,
    tongue,
    value_text,
)
from riskengine.decision.screen import COLUMNS, Block, fitted, width, wrapped
from riskengine.decision.todo import MOST, lacks, source_text, steps
from riskengine.decision.ways import way_lines
from riskengine.profile.units import unit_word

_HITS = ("knock_outs", "referrals", "caps")


def say(record: Mapping[str, Any], language: str, currency: str = "", id_column: str = "") -> str:
    """One decision as plain text of at most 34 lines of 110 columns; what does not fit is counted, and `--json` has it.

    `id_column` is the key of the application that was answered for: it is said where another name was asked for.
    """
    text, out = phrases(language), record["outputs"]
    currency = unit_word(currency, tongue(language))
    head = (
        f"{text[out['decision']]}   {record['applicant_id'] or '?'}   {text['of']} {record['as_of'] or '?'}"
        f"   [{record['decision_id']}]"
    )
    because = _because(out, language)
    answered = record["inputs"]["keys"].get(id_column)
    which = (
        [] if answered in (None, record["applicant_id"]) else [text["latest"].format(application=answered)]
    )
    blocks = [
        Block("", [head, *which, *(wrapped(f"{text['because']}: {because}", 2) if because else ())], 4),
        Block("", _model(out, language), 5),
        *_policy(out, language),
        *_reasons(out, language),
        _ways(out, language),
        Block("", _amount(out, language, currency), 2, 3),
        _data(out, language),
    ]
    return "\n".join(fitted(blocks, text["more"], _next(out, language, currency)))


def _because(out: Mapping[str, Any], language: str) -> str:
    """What alone leads to this decision; empty for a pass."""
    text, lang, decision = phrases(language), tongue(language), out["decision"]
    parts = [*gap_titles(out, "required", language)] if decision == "insufficient data" else []
    parts = [f"{text['missing']} {some(parts, 4, text['comma'])}"] if parts else []
    if out["model"] is None or decision == "pass":
        return text["list"].join(parts)
    offer, policy, gaps = out["offer"], out["policy"], out["gaps"]
    if decision == "decline" and not offer["offered"]:
        parts.append(f"{offer['title'][lang]} {text['not offered']}")
    if policy["outcome"] == decision:
        unclear = "decline" if decision == "insufficient data" else "refer"
        hit = [
            item["rule"] for kind in _HITS for item in policy[kind] if decision in (item["action"], "refer")
        ]
        open_ = [
            item["rule"]
            for item in policy["not_evaluable"]
            if decision != "decline" and (item["action"] == "decline") == (unclear == "decline")
        ]
        if hit and decision != "insufficient data":
            parts.append(f"{text['policy']} {some(hit, 6, text['comma'])}")
        if open_:
            parts.append(f"{text['not_evaluable']} {some(open_, 6, text['comma'])}")
    if out["model"]["outcome"] == decision:
        parts.append(f"{text['model']} {text['grade']} {out['model']['grade']}")
    elif gaps["outcome"] == decision:
        parts.append(text["hidden"].format(gaps["worst_grade"]))
    if decision == "refer":
        given = out["amount"]
        if given is not None and given["suggested"] is not None and float(given["suggested"]) <= 0:
            binding = [cap["words"][lang] for cap in given["caps"] if cap["cap"] in given["binding"]]
            parts.append(text["nothing left"].format(some(binding, 2, text["comma"])))
        parts += [out["model"]["words"][lang]] if out["model"].get("unsure") else []
        parts += [text["product unknown"]] if offer["rivals"] else []
        late = [item["title"][lang] for item in out["freshness"] if item["source"] in gaps["sources"]]
        parts += [text["late"].format(some(late, 3, text["comma"]))] if late else []
    return text["list"].join(parts)


def _model(out: Mapping[str, Any], language: str) -> list[str]:
    text, model = phrases(language), out["model"]
    if model is None:
        return []
    lines = [
        f"{text['model']}: PD {model['pd']:.2%}, {text['score']} {model['score']}, {text['grade']} {model['grade']}"
        f" -> {text['points to']} {text[model['outcome']]}"
    ]
    if "unsure" in model:
        lines.append(
            f"  {text['interval'].format(model['coverage'])}: {model['low']:.2%} - {model['high']:.2%}"
        )
        if model["unsure"]:
            lines.append(f"  {model['words'][tongue(language)]} -> {text['refer']}")
    gaps = out["gaps"]
    if gaps["features"]:
        shown = some(gap_titles(out, "features", language), 3, text["comma"])
        told = f"  {text['missing']}: {shown}; {text['worst']} {gaps['worst_grade']}"
        # What could be hidden in the gaps decides, so that less data never improves a decision.
        leads = f" -> {text[gaps['outcome']]}" if gaps["outcome"] != model["outcome"] else ""
        lines += wrapped(told + leads, 2)
    return lines


def _policy(out: Mapping[str, Any], language: str) -> list[Block]:
    """The rules that were hit, worst first; those nearly hit; and what the others lack."""
    text, policy = phrases(language), out["policy"]
    if policy is None:
        return []
    head = f"{text['policy']}: -> {text[policy['outcome']]}; {policy['passed']} {text['clear']}"
    if policy["not_applicable"]:
        head += f", {policy['not_applicable']} {text['not applicable']}"
    hits = [_hit(kind, item, language) for kind in _HITS for item in policy[kind]]
    near = [_hit("near_misses", item, language) for item in policy["near_misses"]]
    unclear = []
    for lack in lacks(out, language):
        source = source_text(out, lack, language)
        where = text["from"].format(source=source) if source else ""
        unclear.append(
            f"  {text['not_evaluable']} {some(lack.rules, 6, text['comma'])}:"
            f" {text['missing']} {some(lack.names, 4, text['comma'])}{where}"
        )
    return [
        Block("", [head], 1),
        Block("", hits[:8], 5, 6, max(0, len(hits) - 8)),
        Block("", near[:4], 1, 4, max(0, len(near) - 4)),
        Block("", unclear[:5], 2, 5, max(0, len(unclear) - 5)),
    ]


def _hit(kind: str, item: Mapping[str, Any], language: str) -> str:
    """One rule that was hit in the words of its step (else by its title), with the comparison it turned on and the law."""
    text, lang = phrases(language), tongue(language)
    hit = kind in ("knock_outs", "referrals")
    name = f"  {text[kind]}: {item['rule']} {item['words' if hit else 'title'][lang]}"
    value, limit = value_text(item["value"], text), value_text(item["limit"], text)
    law = law_of(item["reference"], language) if set(item["evidence"]) - {"C", "D"} else ""
    after = f"; {law}" if law else ""
    if item["limit"] is None and item["value"] is None:
        return f"{name} ({law})" if law else name
    if item["action"] == "cap":
        return f"{name} ({text['allows']} {limit}, {text['asked']} {value}{after})"
    told = f"{value}, {text['limit']} {limit}{after})"
    whole = f"{name} ({item['label'][lang]} {told}"
    return whole if width(whole) <= COLUMNS or not hit else f"{name} ({told}"


def _reasons(out: Mapping[str, Any], language: str) -> list[Block]:
    text, lang = phrases(language), tongue(language)
    blocks = []
    for side, title, keep, rank in (("adverse", "raises", 2, 4), ("favourable", "lowers", 0, 1)):
        found = out["reasons"][side][:3]
        lines = [f"  {number}. {item['words'][lang]}" for number, item in enumerate(found, 1)]
        blocks.append(Block(f"{text[title]}:", lines, keep, rank))
    context = out["reasons"].get("context", ())[:2]
    if context:
        told = " | ".join(item["words"][lang] for item in context)
        blocks.append(Block("", [f"{text['context']}: {told}"], 0, 0))
    return blocks


def _ways(out: Mapping[str, Any], language: str) -> Block:
    text, found = phrases(language), way_lines(out.get("way_out"), tongue(language))
    if len(found) < 2:
        lines = [part for line in found for part in wrapped(f"{text['ways']}: {line}", 2)]
        return Block("", lines, 1, 2)
    return Block(f"{text['ways']}:", [f"  {number}. {line}" for number, line in enumerate(found, 1)], 1, 2)


def _amount(out: Mapping[str, Any], language: str, currency: str) -> list[str]:
    text, lang, amount, offer = phrases(language), tongue(language), out["amount"], out["offer"]
    if offer is None:
        return []
    product = f"  {text['product']}: {offer['title'][lang]}"
    if not offer["offered"]:
        product += f" ({text['not offered']})"
    if amount is None:
        return [product.strip()]
    binding = [cap["words"][lang] for cap in amount["caps"] if cap["cap"] in amount["binding"]]
    none = amount["suggested"] is None
    suggested = text["none"] if none else amount_text(amount["suggested"], currency)
    bound = "" if none else f" ({text['binding']}: {text['comma'].join(binding)})"
    line = (
        f"{text['amount']}: {text['requested']} {amount_text(amount['requested'], currency)},"
        f" {text['suggested']} {suggested}{bound};"
        f" {text['loss']} {amount_text(amount['expected_loss'], currency)}"
    )
    return [
        *wrapped(line, 2),
        *wrapped(product + _terms(amount, language, currency), 2),
        *_caps(out, language),
    ]


def _terms(amount: Mapping[str, Any], language: str, currency: str) -> str:
    """The product's class, sharing and price."""
    text = phrases(language)
    shares = [f"{text[party]} {100 * float(share):.4g}%" for party, share in amount["shares"].items()]
    told = f", {text['tier']} {amount['tier']}" if amount["tier"] else ""
    told += f"; {text['comma'].join(shares)}; {text['fee']} {amount_text(amount['fee'], currency)}"
    if amount["fee_months"] is not None:
        assumed = amount["fee_term_assumed"]
        told += f" ({text['a year assumed'] if assumed else text['months'].format(amount['fee_months'])})"
    if float(amount["fund_fee"]):
        told += f"; {text['fund fee'].format(amount_text(amount['fund_fee'], currency))}"
    return told


def _caps(out: Mapping[str, Any], language: str) -> list[str]:
    """Every cap by its title with its amount, the least first, on three lines at most; nothing where the request alone is one."""
    text, lang, amount = phrases(language), tongue(language), out["amount"]
    titles = {item["rule"]: item["title"][lang] for item in out["policy"]["not_evaluable"]}
    titles["expected_loss"] = text["budget"]
    found = sorted(amount["caps"], key=lambda cap: float(cap["amount"]))
    parts = [f"{cap['words'][lang]} {amount_text(cap['amount'], '')}" for cap in found]
    parts += [f"{titles.get(name, name)} {text['unknown cap']}" for name in amount["unknown_caps"]]
    return wrapped(f"  {text['all caps']}: {text['list'].join(parts)}", 3) if len(parts) > 2 else []


def _data(out: Mapping[str, Any], language: str) -> Block:
    text = phrases(language)
    parts = [
        f"{item['title'][tongue(language)]} {text[item['state']]} ({text['known']} {item['last_known'] or text['none']})"
        for item in out["freshness"]
        if item["state"] in ("stale", "none known")
    ]
    fresh = sum(item["state"] in ("fresh", "not due") for item in out["freshness"])
    lines = [f"{text['data']}: {fresh} {text['fresh']}{''.join('; ' + part for part in parts[:4])}"]
    if len(parts) > 4:
        lines[0] += f" +{len(parts) - 4}"
    lines = wrapped(lines[0], 2)
    lines += [f"  {text['problem']}: {problem_text(item)}" for item in out["data_problems"][:4]]
    if required := gap_titles(out, "required", language):
        lines.insert(1, f"  {text['missing']}: {some(required, 8, text['comma'])}")
    return Block("", lines, 2, 3, max(0, len(out["data_problems"]) - 4))


def _next(out: Mapping[str, Any], language: str, currency: str) -> Block:
    """What to do, on at most four lines."""
    text, todo = phrases(language), steps(out, language, currency)
    if len(todo) == 1:
        return Block("", wrapped(f"{text['next']}: {todo[0]}", MOST))
    lines: list[str] = []
    for number, step in enumerate(todo, 1):
        left = MOST - len(lines) - (len(todo) - number)
        lines += wrapped(f"  {number}. {step}", max(1, left))
    return Block(f"{text['next']}:", lines)


def next_lines(out: Mapping[str, Any], language: str, currency: str = "") -> list[str]:
    """What to do next about a decision (a record's outputs): at most four texts, the most important first."""
    return steps(out, language, unit_word(currency, tongue(language)))


def reason_line(record: Mapping[str, Any], language: str) -> str:
    """Why, on one line: what is wrong with the row, the rules that count, then the model's adverse reasons."""
    text, lang = phrases(language), tongue(language)
    out = record["outputs"]
    parts = [problem_text(item) for item in out["data_problems"]]
    if out["offer"] and not out["offer"]["offered"]:
        parts.append(f"{out['offer']['title'][lang]} {text['not offered']}")
    for kind in (*_HITS, "not_evaluable"):
        found = out["policy"][kind] if out["policy"] else []
        parts += [f"{text[kind]}: {item['title'][lang]}" for item in found]
    if out["gaps"]["features"] and out["gaps"]["outcome"] != (out["model"] or {}).get("outcome"):
        parts.append(f"{text['missing']}: {', '.join(gap_titles(out, 'features', language))}")
    if (out["model"] or {}).get("unsure"):
        parts.append(out["model"]["words"][lang])
    parts += [reason["words"][lang] for reason in out["reasons"]["adverse"]]
    return " | ".join(parts)


def table(records: Sequence[Mapping[str, Any]], language: str) -> str:
    """Many decisions as one aligned line each."""
    text = phrases(language)
    lines = []
    for record in records:
        model = record["outputs"]["model"]
        rated = (
            f"{model['pd']:8.2%} {model['score']:5d} {model['grade']:>4}"
            if model
            else f"{'-':>8} {'-':>5} {'-':>4}"
        )
        lines.append(
            f"{record['applicant_id'] or '?':<14} {record['as_of'] or '?':<10} {rated}"
            f"  {text[record['outputs']['decision']]:<20} {record['decision_id']}"
        )
    return "\n".join(lines)


def summary(records: Sequence[Mapping[str, Any]], language: str) -> str:
    """How many of each decision, and of how many the model was not sure (whatever was decided)."""
    text = phrases(language)
    found = [record["outputs"]["decision"] for record in records]
    kinds = ("pass", "refer", "decline", "insufficient data")
    counted = ", ".join(f"{text[kind]} {found.count(kind)}" for kind in kinds)
    unsure = sum(bool((record["outputs"]["model"] or {}).get("unsure")) for record in records)
    return f"{counted}; {text['unsure']} {unsure}" if unsure else counted
