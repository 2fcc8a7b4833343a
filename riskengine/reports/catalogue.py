"""What does this institution decide, watch and remind of? Every definition as one JSON value, in words, as it stands on a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from riskengine.decision.policy import Policy
from riskengine.decision.products import PARTIES, Product, Shares
from riskengine.decision.rules import Level, Rule
from riskengine.monitor.reminders import Reminder, Term
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.watch import Watch
from riskengine.reports.catalogue_words import Labels, Said, shown
from riskengine.schema import in_force

_TESTS: dict[str, Said] = {
    "model": {"en": "The model's grade against the thresholds below", "zh": "模型等级与下列门槛比较"},
    "data": {
        "en": "A source that is read is out of date or was never received",
        "zh": "所用数据源过期或从未获得",
    },
    "size": {"en": "Size class not among those the product is for", "zh": "企业划型不在产品对象内"},
    "eligible": {"en": "Not on a list the product is for", "zh": "不在产品适用名单内"},
    "purpose": {"en": "Purpose not among the product's", "zh": "用途不在产品范围内"},
    "term": {"en": "Term outside the product's limits", "zh": "期限超出产品范围"},
}


def catalogue(watch: Watch, policy: Policy, as_of: date) -> dict[str, Any]:
    """Products, thresholds, rules, formulas, switches, signals by category and reminders, each text in `en` and `zh`."""
    features = watch.catalogue.features
    called = {name: (one.en, one.zh, one.unit) for name, (_, one) in features.items()}
    called |= {one.name: (one.title.en, one.title.zh, "times") for one in watch.shown.peer}
    called |= {
        one.name: (one.title.en, one.title.zh, "share" if one.value == "compensation_cap" else "days")
        for one in watch.shown.of_product
    }
    labels = Labels(called, as_of, watch.project.environment.currency)
    signals = [_signal(one, labels) for one in watch.signals]
    return {
        "institution": watch.project.environment.title.model_dump(),
        "as_of": str(as_of),
        "products": [_product(one, labels) for one in watch.products.products],
        "thresholds": [one.model_dump(mode="json", by_alias=True) for one in policy.decision.thresholds],
        "rules": [_rule(one, policy, watch.products.ids, labels) for one in policy.rules],
        "formulas": [_rule(one, policy, watch.products.ids, labels) for one in policy.formulas],
        "switches": [one.model_dump(mode="json", by_alias=True) for one in policy.switches],
        "signals": _by_category(signals),
        "reminders": [_reminder(one, labels) for one in watch.reminders],
        "counts": {
            "products": len(watch.products.products),
            "rules": len(policy.rules),
            "hard": sum(one.hard for one in policy.rules),
            "signals": len(watch.signals),
            "reminders": len(watch.reminders),
        },
        "deadlines": _deadlines(watch, as_of),
    }


def _product(one: Product, labels: Labels) -> dict[str, Any]:
    kinds: dict[tuple[str, float | None], list[Shares]] = {}
    for item in one.shares:
        kinds.setdefault((item.tier, item.up_to), []).append(item)
    now = [in_force(dated, labels.as_of) for dated in kinds.values()]
    return {
        "id": one.id,
        "title": one.title.model_dump(),
        "offered": one.offered_on(labels.as_of),
        "from": _day(one.start),
        "to": _day(one.end),
        "sizes": list(one.sizes),
        "lists": list(one.lists),
        "purposes": list(one.purposes),
        "amount_least": labels.dated(one.amount_least, labels.currency),
        "amount_cap": labels.dated(one.amount_cap, labels.currency),
        "term": [labels.dated(one.term_least, "months"), labels.dated(one.term_most, "months")],
        "shares": [
            {
                "tier": item.tier,
                "from": str(item.start),
                "in_force": item in now,
                "up_to": item.up_to,
                "parties": {name: shown(getattr(item, name), "share", "en") for name in PARTIES},
                "reference": item.reference,
                "evidence": item.evidence,
            }
            for item in sorted(one.shares, key=lambda item: (item.tier, item.start))
        ],
        "tiers": len({item.tier for item in one.shares}) > 1,
        "fee": [_tier(item, labels) for item in one.fee],
        "fund_fee": [_tier(item, labels) for item in one.fund_fee],
        "compensation_cap": labels.dated(one.compensation_cap, "share"),
        "grace_days": labels.dated(one.grace_days, "days"),
        "reference": one.reference,
        "evidence": one.evidence,
    }


def _tier(item: Any, labels: Labels) -> Said:
    made = {}
    for language in ("en", "zh"):
        size = "" if item.up_to is None else f" ≤ {shown(item.up_to, labels.currency, language)}"
        since = f"{'自' if language == 'zh' else 'from '}{item.start}"
        made[language] = f"{shown(item.value, 'share', language)}{size} ({since}, {item.evidence})"
    return made


def _rule(one: Rule, policy: Policy, products: Sequence[str], labels: Labels) -> dict[str, Any]:
    """A rule as the institution's switches leave it: `products` it is for (none: all), those it is `off_for`, and its steps, of
    which one that a switch takes out of a hard rule is not `on`."""
    day = labels.as_of
    chosen = [item for item in policy.switches if item.rule == one.id and item.holds_on(day)]
    why = {product: policy.why_not(one, day, product) for product in products}
    concerned = [product for product in products if not why[product]]
    off = [product for product in products if why[product] == "switched off"]
    scope = (concerned if len(concerned) < len(products) else []) or list(one.products)
    kept = policy.as_switched(one, day, None).steps
    steps = [_level(level, labels) | {"on": any(level is other for other in kept)} for level in one.steps]
    if one.test != "conditions":
        said = _TESTS[one.test]
        for step in steps:
            step["all"] = [said]
        if one.action or not steps:
            plain = {"action": one.action or one.test, "all": [said], "unless": [], "near": one.near}
            steps.append(plain | {"evidence": "", "products": [], "on": True})
    return {
        "id": one.id,
        "title": one.title.model_dump(),
        "hard": one.hard,
        "on": bool(concerned) or not off,
        "off_for": off if concerned else [],
        "switch": "; ".join(f"{item.reference} ({item.start})" for item in chosen),
        "in_force": one.holds_on(labels.as_of),
        "from": _day(one.start),
        "to": _day(one.end),
        "products": scope,
        "above": labels.dated(one.above, labels.currency) if one.above else None,
        "steps": steps,
        "words": one.words.model_dump(),
        "next": one.next.model_dump() if one.next else None,
        "reference": one.reference,
        "evidence": one.evidence,
    }


def _level(level: Level, labels: Labels) -> dict[str, Any]:
    conditions = [labels.condition(one) for one in level.when]
    return {
        "action": level.action,
        "all": [*conditions, *([labels.cap(level.cap)] if level.cap else [])],
        "unless": [labels.condition(one) for one in level.unless],
        "near": level.near,
        "evidence": level.evidence,
        "products": list(level.products),
    }


def _signal(one: Signal, labels: Labels) -> dict[str, Any]:
    order = {name: place for place, name in enumerate(reversed(SEVERITIES))}
    return {
        "id": one.id,
        "title": one.title.model_dump(),
        "category": one.category.model_dump(),
        "about": one.about,
        "watched": one.watched_on(labels.as_of),
        "from": _day(one.start),
        "to": _day(one.end),
        "bands": [
            {"severity": band.severity, "all": [labels.condition(item) for item in band.when]}
            for band in sorted(one.bands, key=lambda band: order[band.severity])
        ],
        "exit": {"rule": one.exit.rule, "days": one.exit.days, "words": one.exit.words.model_dump()},
        "owner": one.owner.model_dump(),
        "deadline": one.deadline,
        "action": one.action.model_dump(),
        "reference": one.reference,
        "evidence": one.evidence,
    }


def _by_category(signals: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The signals grouped by category, in the order in which the categories first come."""
    groups: dict[str, dict[str, Any]] = {}
    for one in signals:
        groups.setdefault(one["category"]["zh"], {"category": one["category"], "signals": []})[
            "signals"
        ].append(one)
    return list(groups.values())


def _reminder(one: Reminder, labels: Labels) -> dict[str, Any]:
    intervals = ", ".join(f"{grade} {every}".strip() for grade, every in one.intervals.items())
    due = [_due(term, labels) for term in one.due_terms] if not one.start else [_same(str(one.start))]
    if intervals:
        due.append({"en": f"again every {intervals}", "zh": f"之后每 {intervals}"})
    return {
        "id": one.id,
        "title": one.title.model_dump(),
        "about": one.about,
        "from": _day(one.since),
        "to": _day(one.until),
        "due": due,
        "when": [labels.condition(item) for item in one.when],
        "stop": [labels.condition(item) for item in one.stop],
        "leads": ", ".join([*(str(lead) for lead in one.leads), *(f"+{days}" for days in one.after)]),
        "owner": one.owner.model_dump(),
        "action": one.action.model_dump(),
        "reference": one.reference,
        "evidence": one.evidence,
    }


def _due(term: Term, labels: Labels) -> Said:
    """The date a term hangs on, what is added, and where it holds."""
    said = {}
    for place, lang, else_, where in ((0, "en", " else ", " if "), (1, "zh", "，否则", "，当")):
        text = else_.join(labels.named(name)[place] for name in term.bases)
        text += (
            f" {'−' if term.plus.startswith('-') else '+'} {term.plus.removeprefix('-')}"
            if term.plus != "0d"
            else ""
        )
        text += "".join(f" + {labels.named(name)[place]}" for name in (term.months, term.days) if name)
        conditions = " ∧ ".join(labels.condition(item)[lang] for item in term.when)
        said[lang] = text + (where + conditions if conditions else "")
    return said


def _deadlines(watch: Watch, as_of: date) -> list[dict[str, Any]]:
    """What each severity is given by configs/deadlines.toml, in words."""
    found = []
    for severity in reversed(SEVERITIES):
        steps = watch.deadlines.steps(severity, as_of)  # type: ignore[arg-type]
        if steps is None:
            continue
        words = {}
        for lang, names in (("en", ("claim", "verify", "plan")), ("zh", ("认领", "核实", "方案"))):
            parts = zip(names, (steps.claim, steps.verify, steps.plan), strict=True)
            words[lang] = ", ".join(
                f"{name} {step.within or (step.words.say(lang) if step.words else '–')}"
                for name, step in parts
            )
        found.append({"severity": severity, "words": words})
    return found


def _same(text: str) -> Said:
    return {"en": text, "zh": text}


def _day(day: date | None) -> str | None:
    return None if day is None else str(day)
