"""What is known of a model, in one document that a validator and a supervisor can read? Generated, never written by hand.

Everything comes from the verified bundle (specification, card of the run, calibration, recipe), the inventory of
`models/<name>.toml`, the validation's verdict and the ledger. A section names the guidance that asks for it:
SR 26-2 (17 April 2026, in place of SR 11-7), EBA/GL/2017/16, ECB Instructions for reporting validation results (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskengine.registry.requirements import REQUIRED, Gate
from riskengine.reports.model_card import calibrated, flat, in_order, on, statements, titled
from riskengine.reports.model_findings import NOTHING, Section, audit, calibrations, compact, count, tuning
from riskengine.scoring.bundle import Bundle

_SR, _EBA, _ECB = "SR 26-2", "EBA/GL/2017/16", "ECB Instructions 2019"
_TITLES = {
    "auc": {"en": "AUC", "zh": "AUC"}, "ks": {"en": "KS", "zh": "KS"}, "brier": {"en": "Brier score", "zh": "Brier 得分"},
    "calibration_error": {"en": "Calibration error", "zh": "校准误差"}, "calibration_slope": {"en": "Calibration slope", "zh": "校准斜率"},
    "capture_10": {"en": "Caught in the riskiest 10 %", "zh": "前10%捕获率"},
}  # fmt: skip
_FIGURES = ("auc", "ks", "brier", "calibration_error", "calibration_slope", "capture_10")
_SHOWN_ELSEWHERE = {
    *("model", "title", "trained_as_of", "snapshot", "rows", "events", "counts", "borrowers", "first_as_of", "last_as_of"),
    *("weighted_base_rate", "cut", "development_rows", "ripe_rows", "mature_at_cut_rows", "embargo", "trials", "leakage", "importance", "libraries"),
    *("monotone_steps_checked", "calibration", "reasons", "tuning", "scorecard"),
}  # fmt: skip
STATES = {"pass": "通过", "fail": "未通过", "open": "未定", "waived": "例外"}
_COUNTS = {
    "good": "正常", "bad": "违约", "immature": "未成熟", "indeterminate": "不定", "excluded": "剔除", "competing": "先以其他方式终结",
}  # fmt: skip

STAGES = {"champion": "现任", "challenger": "挑战者"}  # of a version, in Chinese


@dataclass(frozen=True)
class Described:
    """What a document is made from: the bundle, its place in the registry, its inventory, gates, and acts of the ledger."""

    bundle: Bundle
    version: int
    aliases: Sequence[str]
    inventory: Mapping[str, Any]
    gates: Sequence[Gate]
    acts: Sequence[Mapping[str, Any]] = ()


def sections(made: Described, language: str) -> list[Section]:
    """The document's sections in a language, in reading order."""

    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    card, spec = made.bundle.card, made.bundle.spec
    named = {field.place: field.title.say(language) for field in REQUIRED}
    inventory = [
        (named[field.place], _text(made.inventory.get(field.place.split(".")[1]), language))
        for field in REQUIRED
        if field.place.startswith("inventory")
    ]
    stages = [say(alias, STAGES.get(alias, alias)) for alias in made.aliases]
    identity = [
        (say("Model", "模型"), f"{made.bundle.model}: {_text(spec.get('title'), language)}"),
        (say("Version, bundle", "版本与包"), f"{made.version}, {made.bundle.hash}"),
        (say("Stage", "状态"), say(", ", "、").join(stages) or say("registered", "已登记")),
    ]
    return [
        Section(say("Identity and responsibility", "身份与职责"), _SR, (), (*identity, *inventory)),
        Section(say("Data", "数据"), _EBA, (), _data(card, spec, language)),
        Section(
            say("Method and calibration", "方法与校准"), f"{_SR}; {_EBA}", (), _method(made.bundle, language)
        ),
        _features(made.bundle, language),
        *(_trial(trial, language) for trial in card.get("trials") or ()),
        *calibrations(card, language),
        *tuning(card, language),
        Section(say("Leakage audit, reasons", "泄漏审计与理由稳定性"), "D", (), audit(card, language)),
        _gates(made.gates, language),
        _history(made.acts, language),
        Section(say("Monitoring", "监测"), _SR, (), _monitoring(made, language)),
        Section(say("Further figures of the run", "训练的其他记录"), "", (), _rest(card, language)),
    ]


def _data(card: Mapping[str, Any], spec: Mapping[str, Any], language: str) -> tuple[tuple[str, str], ...]:
    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    label = spec.get("label") or {}
    rows = [
        (say("Definition of default", "违约定义"), _label(label, language)),
        (
            say("Trained as of; snapshot", "训练日；快照"),
            f"{card.get('trained_as_of')}; {card.get('snapshot')}",
        ),
        (say("Period of as-of days", "样本期间"), f"{card.get('first_as_of')} … {card.get('last_as_of')}"),
        (
            say("Mature rows, borrowers, defaults", "成熟样本、主体、违约"),
            f"{count(card.get('rows'))}, {count(card.get('borrowers'))}, {count(card.get('events'))}",
        ),
        (say("Weighted base rate", "加权违约率"), _text(card.get("weighted_base_rate"), language)),
    ]
    counts = card.get("counts") or {}
    rows += [
        (say(f"Rows: {name}", f"行数：{_COUNTS.get(name, name)}"), count(value))
        for name, value in sorted(counts.items())
    ]
    for name, zh in (("indeterminate", "不定"), ("excluded", "剔除"), ("competing", "竞争事件")):
        rows.append(
            (say(name.capitalize(), zh), ", ".join(label.get(name) or ()) or say("none declared", "未声明"))
        )
    return tuple(rows)


def _label(label: Mapping[str, Any], language: str) -> str:
    title = _text(label.get("title"), language) if label.get("title") else str(label.get("source"))
    horizon, lag = label.get("horizon"), label.get("lag")
    if language == "zh":
        return f"{title}：{horizon}内发生；标签在到期后{lag}方成熟"
    return f"{title}: within {horizon}; a label is mature {lag} after that"


def _method(bundle: Bundle, language: str) -> tuple[tuple[str, str], ...]:
    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    spec, card, how = bundle.spec, bundle.card, bundle.calibration
    trees = spec.get("lightgbm") or {}
    validation = spec.get("validation") or {}
    kind = (
        say("discrete-time hazard, LightGBM", "离散时间风险（LightGBM）")
        if spec.get("hazard")
        else "LightGBM"
    )
    grades = bundle.grades.get("grades") or ()
    return (
        (say("Method", "方法"), kind),
        (say("Parameters", "参数"), ", ".join(f"{name} {value}" for name, value in sorted(trees.items()))),
        (
            say("Tests", "检验设计"),
            ", ".join(f"{name} {value}" for name, value in sorted(validation.items())),
        ),
        (
            say(
                "Rows for development; taught to the test model, of them mature at the cut",
                "开发样本；检验模型所学，其中切点时已成熟",
            ),
            f"{count(card.get('development_rows'))}; {count(card.get('ripe_rows'))}, {count(card.get('mature_at_cut_rows'))} ({card.get('cut')})",
        ),
        (say("Directions checked", "单调性检查步数"), count(card.get("monotone_steps_checked"))),
        (say("Calibration", "校准"), str(how.get("method"))),
        (
            say("Why this calibration", "校准选择依据"),
            calibrated(card, language) if card.get("calibration") else NOTHING[language],
        ),
        (say("Master scale", "主标尺"), ", ".join(f"{one['name']} ≤ {one['pd_up_to']}" for one in grades)),
        (say("Libraries", "软件库"), compact(card.get("libraries"))),
    )


def _features(bundle: Bundle, language: str) -> Section:
    zh = language == "zh"
    notes = bundle.recipe.get("features") or ()
    titles = {note["name"]: note.get(language, "") for note in notes} if isinstance(notes, list) else {}
    monotone = bundle.spec.get("monotone") or {}
    gain = bundle.card.get("importance") or {}
    up, down = set(monotone.get("up") or ()), set(monotone.get("down") or ())

    def direction(name: str) -> str:
        if name in up:
            return "↑ 风险上升" if zh else "↑ raises"
        return ("↓ 风险下降" if zh else "↓ lowers") if name in down else ("不限" if zh else "free")

    rows = [
        (name, str(titles.get(name, "")), direction(name), f"{gain[name]:.1%}" if name in gain else "-")
        for name in sorted(bundle.features, key=lambda name: (-gain.get(name, 0.0), name))
    ]
    header = (
        ("变量", "名称", "方向", "增益占比") if zh else ("Feature", "Title", "Direction", "Share of gain")
    )
    return Section("输入变量" if zh else "Inputs", f"{_SR}; {_EBA}", header, tuple(rows))


def _trial(trial: Mapping[str, Any], language: str) -> Section:
    zh = language == "zh"
    figures = trial.get("figures") or {}
    rows = [
        (
            titled(trial, means, language),
            *(
                "-"
                if name == "calibration_slope" and flat(figures[means] or {})
                else _estimate((figures[means] or {}).get(name))
                for name in _FIGURES
            ),
        )
        for means in in_order(figures)
    ]
    empty = [""] * (len(_FIGURES) - 1)
    said = (trial.get("against") or {}).get(language)
    rows += [("总评" if zh else "In a word", said, *empty)] if said else []
    rows += [("比较" if zh else "Against", text, *empty) for text in statements(trial, language)]
    name = on(trial, language)
    size = (
        f"{count(trial.get('rows'))}, {count(trial.get('events'))}; {trial.get('start')} … {trial.get('end')}"
    )
    title = (
        f"表现：{name}（样本、违约；期间：{size}）"
        if zh
        else f"Performance, {name} (rows, defaults; period: {size})"
    )
    return Section(
        title, _ECB, ("方法" if zh else "Means", *(_TITLES[name][language] for name in _FIGURES)), tuple(rows)
    )


def _gates(found: Sequence[Gate], language: str) -> Section:
    zh = language == "zh"
    rows = [
        (
            gate.title.say(language),
            STATES[gate.state] if zh else gate.state,
            "; ".join([gate.said, *(str(problem) for problem in gate.problems)]),
        )
        for gate in found
    ]
    return Section("上线门槛" if zh else "Gates", f"{_SR}; {_ECB}", ("", "", ""), tuple(rows))


def _history(acts: Sequence[Mapping[str, Any]], language: str) -> Section:
    zh = language == "zh"
    header = (
        ("时间", "操作人", "操作", "由", "至", "理由") if zh else ("When", "Who", "Act", "From", "To", "Why")
    )
    rows = []
    for act in acts:
        detail = act["detail"]
        was, now = detail.get("from"), detail.get("to")
        rows.append(
            (
                act["at"][:19],
                act["actor"],
                act["action"],
                _state(was),
                _state(now),
                str(detail.get("why", "")),
            )
        )
    return Section("变更记录（审计链）" if zh else "Changes (audit chain)", _SR, header, tuple(rows))


def _state(state: Mapping[str, Any] | None) -> str:
    return f"{state['version']} ({str(state['bundle'])[:12]})" if state else "-"


def _monitoring(made: Described, language: str) -> tuple[tuple[str, str], ...]:
    zh = language == "zh"
    due = _text(made.inventory.get("review_by"), language)
    what = (
        "riskengine health：数据漂移、无标签估计与成熟标签表现、决策影响；挑战者每夜影子评分"
        if zh
        else "riskengine health: data drift, label-free and maturing-label performance, decision impact; a challenger shadow-scores nightly"
    )
    return (("监测方式" if zh else "How", what), ("下次审查日" if zh else "Next review", due))


def _rest(card: Mapping[str, Any], language: str) -> tuple[tuple[str, str], ...]:
    rows = tuple(
        (name, compact(value)) for name, value in sorted(card.items()) if name not in _SHOWN_ELSEWHERE
    )
    return rows or (("-", NOTHING[language]),)


def _estimate(found: Mapping[str, Any] | None) -> str:
    if not found or found.get("value") is None:
        return "-"
    if found.get("low") is None or found.get("high") is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _text(value: Any, language: str) -> str:
    if value is None or value == "":
        return "缺" if language == "zh" else "MISSING"
    if isinstance(value, Mapping):
        return str(value.get(language) or value.get("en") or "")
    return f"{value:.6g}" if isinstance(value, float) else str(value)
