"""Is everything there that a model needs before it may decide: who answers for it, what is known of it, what the tests say?

Each required field says which guidance asks for it. SR 26-2 (Board of Governors, OCC, FDIC, 17 April 2026; it replaced SR
11-7 and SR 21-8): inventory, documentation, independent validation, limits of use, monitoring. EBA/GL/2017/16 (20 November
2017): definition of default, data, model and calibration documentation, review of estimates. ECB, Instructions for
reporting the validation results of internal models (February 2019): the validation's statistics. The documents are cited
as a whole; paragraph numbers are not given because they were not checked [K].
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import tomli

from riskengine import clock
from riskengine.errors import IntegrityError, Problem, QualityGateError
from riskengine.registry.actors import same_person
from riskengine.registry.waivers import Waiver
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle, strict_json

_SR, _EBA, _ECB = "SR 26-2", "EBA/GL/2017/16", "ECB Instructions 2019"


@dataclass(frozen=True, slots=True)
class Field:
    """One required field: where it stands (`inventory.owner`, `card.rows`), what it is called, which guidance asks for it."""

    place: str
    title: Words
    source: str


def _field(place: str, en: str, zh: str, source: str) -> Field:
    return Field(place, Words(en=en, zh=zh), source)


REQUIRED = (
    _field("inventory.use", "Purpose and use", "用途与使用范围", _SR),
    _field("inventory.owner", "Owner", "模型所有者", _SR),
    _field("inventory.developer", "Developer", "开发方", _SR),
    _field("inventory.validator", "Validator", "验证方", _SR),
    _field("inventory.tier", "Materiality tier", "重要性分级", _SR),
    _field("inventory.assumptions", "Assumptions", "假设", f"{_SR}; {_EBA}"),
    _field("inventory.limitations", "Limitations", "局限", f"{_SR}; {_EBA}"),
    _field("inventory.review_by", "Next review", "下次审查日", f"{_SR}; {_EBA}"),
    _field("spec.title", "Title", "名称", _SR),
    _field("spec.label", "Definition of default", "违约定义", _EBA),
    _field("spec.features", "Inputs", "输入变量", f"{_SR}; {_EBA}"),
    _field("card.trained_as_of", "Day of training", "训练日", _EBA),
    _field("card.snapshot", "Data snapshot", "数据快照", _EBA),
    _field("card.rows", "Rows", "样本数", _EBA),
    _field("card.events", "Defaults", "违约数", _EBA),
    _field("card.first_as_of", "First as-of day", "样本起始日", _EBA),
    _field("card.last_as_of", "Last as-of day", "样本截止日", _EBA),
    _field("card.trials", "Tests with intervals and benchmarks", "检验结果（区间与基准）", f"{_SR}; {_ECB}"),
    _field("card.leakage", "Leakage audit", "泄漏审计", "D (this house)"),
)

State = Literal["pass", "fail", "open", "waived"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate before a promotion: `pass`, `fail` (blocks) or `open` (cannot be said; does not block) or `waived`
    (failed; a documented exception lets it pass), and why."""

    name: str
    title: Words
    state: State
    said: str
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a plan keeps."""
        return {
            "gate": self.name,
            "state": self.state,
            "said": self.said,
            "problems": [str(p) for p in self.problems],
        }


def inventory_of(bundle: Bundle, definition: Path | None = None) -> dict[str, Any]:
    """The inventory's fields: today's of `models/<name>.toml`, else those the bundle was trained with.

    Who answers for a model changes without a training, so the file's word is the later one.
    """
    trained = {name: value for name, value in (bundle.spec.get("inventory") or {}).items() if _filled(value)}
    if definition is None or not definition.exists():
        return trained
    try:
        today = tomli.loads(definition.read_text(encoding="utf-8")).get("inventory", {})
    except (tomli.TOMLDecodeError, UnicodeDecodeError):
        today = {}  # `check` and `retrain` say what is wrong with the file
    said = {name: value.isoformat() if isinstance(value, date) else value for name, value in today.items()}
    return trained | {name: value for name, value in said.items() if _filled(value)}


def empty_fields(bundle: Bundle, inventory: Mapping[str, Any]) -> list[Field]:
    """The required fields without a value, in order."""
    rooms: dict[str, Mapping[str, Any]] = {"inventory": inventory, "spec": bundle.spec, "card": bundle.card}
    found = []
    for field in REQUIRED:
        room, name = field.place.split(".", 1)
        if not _filled(rooms[room].get(name)):
            found.append(field)
    return found


def gates(
    store: Path, bundle: Bundle, inventory: Mapping[str, Any], waiver: Waiver | None = None
) -> list[Gate]:
    """Every gate before a promotion: completeness, independence, discrimination, the validation's verdict.

    `waiver`: the documented exception for a verdict of fail; it lifts nothing else.
    """
    return [
        _complete(bundle, inventory),
        _independent(bundle, inventory),
        _tested(bundle),
        _validated(store, bundle, waiver),
    ]


def refuse(model: str, found: Sequence[Gate]) -> None:
    """Raise a `QualityGateError` with every problem of every gate that failed; nothing if none did."""
    problems = [problem for gate in found if gate.state == "fail" for problem in gate.problems]
    if problems:
        raise QualityGateError(f"{model} may not be promoted 不得上线", problems)


def verdict(store: Path, bundle: str) -> dict[str, str] | None:
    """The verdict of the bundle's validation pack and the hash of its bytes; None where it was not validated.

    Only the pack over all honest days lies there. One that names another bundle has no verdict: `of another bundle`.
    """
    path = store / "validations" / bundle / "pack.json"
    if not path.is_file():
        return None
    raw = path.read_bytes()
    try:
        told = strict_json(raw, path)
        said = (
            str(told.get("verdict") or "unreadable") if told.get("bundle") == bundle else "of another bundle"
        )
    except IntegrityError:
        said = "unreadable"
    return {"verdict": said, "sha256": hashlib.sha256(raw).hexdigest()}


def _complete(bundle: Bundle, inventory: Mapping[str, Any]) -> Gate:
    empty = empty_fields(bundle, inventory)
    problems = tuple(
        Problem(
            field.place,
            f"{field.title.en} / {field.title.zh}",
            "nothing 空",
            f"Fill [inventory] in models/{bundle.model}.toml"
            if field.place.startswith("inventory")
            else "Retrain",
        )
        for field in empty
    )
    words = Words(en="Required fields", zh="必填字段")
    said = f"{len(REQUIRED) - len(empty)}/{len(REQUIRED)}"
    return Gate("inventory", words, "fail" if empty else "pass", said, problems)


def _independent(bundle: Bundle, inventory: Mapping[str, Any]) -> Gate:
    words = Words(en="Validator is not the developer", zh="验证方独立于开发方")
    who, by = str(inventory.get("developer", "")), str(inventory.get("validator", ""))
    problems = []
    if who and same_person(who, by):
        problems.append(
            Problem("inventory.validator 验证方", f"another than the developer {who!r}", repr(by))
        )
    due, trained = str(inventory.get("review_by", "")), str(bundle.card.get("trained_as_of", ""))
    if due and due <= trained:
        problems.append(
            Problem("inventory.review_by 下次审查日", f"a day after the training of {trained}", due)
        )
    return Gate("independence", words, "fail" if problems else "pass", f"{who} / {by}", tuple(problems))


def _tested(bundle: Bundle) -> Gate:
    """The limits of the specification, held against the tests of the card once more."""
    words = Words(en="Discrimination within the declared limits", zh="区分能力在声明范围内")
    limits = bundle.spec.get("gates") or {}
    low, high = float(limits.get("auc_at_least", 0.6)), float(limits.get("auc_at_most", 0.95))
    problems, said = [], []
    for trial in bundle.card.get("trials") or ():
        figures = (trial.get("figures") or {}).get("model") or {}
        auc = (figures.get("auc") or {}).get("value")
        if auc is None:
            said.append(f"{trial.get('name')}: -")
            continue
        said.append(f"{trial.get('name')}: {auc:.3f}")
        if not low <= auc <= high:
            problems.append(Problem(f"{trial.get('name')} AUC", f"between {low} and {high}", f"{auc:.3f}"))
    state: State = "fail" if problems else "pass" if any(char.isdigit() for char in "".join(said)) else "open"
    return Gate("tests", words, state, ", ".join(said) or "-", tuple(problems))


def _validated(store: Path, bundle: Bundle, waiver: Waiver | None) -> Gate:
    words = Words(en="Verdict of the validation pack", zh="验证结论")
    found = verdict(store, bundle.hash)
    if found is None:
        return Gate("validation", words, "open", "not validated yet 尚未验证")
    said = found["verdict"]
    if said == "pass":
        return Gate("validation", words, "pass", said)
    if said == "undecidable":
        return Gate("validation", words, "open", said)
    if said == "fail" and waiver is not None:
        told = f"fail, despite: {waiver.despite} (until {waiver.until})"
        if not waiver.expired(clock.today()):
            return Gate("validation", words, "waived", told)
        late = Problem(
            "validation 验证", "an exception that still holds", f"expired on {waiver.until} 例外已到期"
        )
        return Gate("validation", words, "fail", f"{told} EXPIRED 已到期", (late,))
    hint = (
        "Read the pack; retrain, or document an exception: promote --despite TEXT (the control) --until DATE"
        if said == "fail"
        else "Run riskengine validate again"
    )
    problem = Problem("validation 验证", "verdict pass", said, hint)
    return Gate("validation", words, "fail", said, (problem,))


def _filled(value: Any) -> bool:
    if value is None or value in ("", (), [], {}):
        return False
    if isinstance(value, Mapping) and set(value) <= {"en", "zh"}:
        return all(str(value.get(language, "")).strip() for language in ("en", "zh"))
    return not isinstance(value, str) or bool(value.strip())
