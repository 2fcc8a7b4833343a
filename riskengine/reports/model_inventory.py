"""Which models has the institution, who answers for each, at which stage is it, and when must it be looked at again?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from riskengine import clock
from riskengine.errors import RiskEngineError
from riskengine.project import Project
from riskengine.registry import (
    challenger,
    entries,
    fetch,
    find_version,
    gates_of,
    history,
    office,
    proposed,
    versions,
)
from riskengine.registry.requirements import REQUIRED, Gate, inventory_of, verdict
from riskengine.registry.tracking import Version
from riskengine.registry.waivers import standing, waiver_of
from riskengine.reports.model_document import STAGES, STATES, Described
from riskengine.scoring.bundle import read_bundle

SWITCHED = ("promote", "rollback")


def describe(project: Project, model: str, version: int | None = None) -> Described:
    """What is known of a version (None: the champion, else the newest); an unknown one is an error that names those there are."""
    here = office(project)
    known = versions(here.registry, model)
    said = entries(project.store).get(model)
    chosen = (
        version
        if version is not None
        else int(said["version"])
        if said
        else known[-1].version
        if known
        else 0
    )
    wanted = find_version(here.registry, model, chosen)
    bundle = read_bundle(fetch(here.registry, wanted), wanted.bundle)
    inventory = inventory_of(bundle, here.definition(model))
    acts = history(project.store, model)
    found = gates_of(replace(here, waiver=waiver_of(acts, bundle.hash)), bundle)
    return Described(bundle, wanted.version, wanted.aliases, inventory, found, acts)


def version_line(project: Project, found: Version, acts: Sequence[Mapping[str, Any]]) -> str:
    """One registered version on a line: stage, aliases, training day, bundle, who promoted it when."""
    made = f"{found.model} {found.version}: {stage(project, found, acts)}, trained as of {found.as_of}, bundle {found.bundle[:12]}"
    switches = [
        act for act in acts if act["action"] in SWITCHED and act["detail"]["to"]["version"] == found.version
    ]
    told = standing(acts, found.bundle, clock.today())
    if told:
        word = (
            "EXCEPTION EXPIRED on 例外已到期"
            if told["expired"]
            else "validation failed, exception until 例外有效期至"
        )
        made += f", {word} {told['until']}: {told['despite']}"
    if not switches:
        return made
    last = switches[-1]
    word = "promoted" if last["action"] == "promote" else "restored"
    return f"{made}, {word} {last['at'][:16]} by {last['actor']}"


def stage(project: Project, found: Version, acts: Sequence[Mapping[str, Any]]) -> str:
    """champion, challenger, proposed, former champion or registered; several where several hold."""
    said = entries(project.store).get(found.model)
    tried = challenger(project.store, found.model)
    asked = proposed(project.store, found.model)
    stages = []
    if said and said["version"] == found.version:
        stages.append("champion")
    if tried and tried.hash == found.bundle and "challenger" in found.aliases:
        stages.append("challenger")
    if asked and asked.state.version == found.version:
        stages.append(f"proposed by {asked.maker}")
    decided = {act["detail"]["to"]["version"] for act in acts if act["action"] in SWITCHED}
    if found.version in decided and "champion" not in stages:
        stages.append("former champion")
    return ", ".join(stages) or "registered"


def inventory(project: Project, today: date) -> list[dict[str, Any]]:
    """One JSON value a model of the project: the inventory's fields, champion, challenger, verdict, gates, review overdue.

    A model without a version shows what its file says; one whose bundle cannot be read says why in `problem`.
    """
    return [_entry(project, path.stem, today) for path in project.definition_files("models", ".toml")]


def inventory_lines(found: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    """The inventory for a terminal."""
    zh = language == "zh"
    titles = {
        field.place.split(".")[1]: field.title.say(language)
        for field in REQUIRED
        if field.place.startswith("inventory")
    }
    lines: list[str] = []
    for one in found:
        lines.append(f"{one['model']}: {_said(one['title'], language)}")
        if one["problem"]:
            lines.append(f"  ! {one['problem']}")
        for name, title in titles.items():
            lines.append(f"  {title}: {_said(one['inventory'].get(name), language)}")
        late = ("（已逾期）" if zh else " (OVERDUE)") if one["review_overdue"] else ""
        if late:
            lines.append(f"  {titles['review_by']}{late}")
        for alias, word in STAGES.items():
            said = one[alias]
            shown = "-" if not said else f"{said['version']} ({said['bundle'][:12]})"
            if said and said.get("by"):
                shown += f", {said['at'][:16]}, {said['by']}"
            lines.append(f"  {word if zh else alias}: {shown}")
        if one["exception"]:
            lines.append(f"  {_exception(one['exception'], zh)}")
        verdict_said = (
            one["validation"]["verdict"] if one["validation"] else ("尚未验证" if zh else "not validated yet")
        )
        lines.append(f"  {'验证结论' if zh else 'validation'}: {verdict_said}")
        for gate in one["gates"]:
            lines.append(f"  {STATES[gate['state']] if zh else gate['state']}: {gate['gate']} {gate['said']}")
        lines.append("")
    return lines


def _exception(said: Mapping[str, Any], zh: bool) -> str:
    """The exception that the champion stands on; an expired one cannot be overlooked."""
    if zh:
        state = "例外已到期" if said["expired"] else "验证未通过，例外有效期至"
        return f"! {state} {said['until']}：{said['despite']}"
    state = "EXCEPTION EXPIRED on" if said["expired"] else "validation failed, exception until"
    return f"! {state} {said['until']}: {said['despite']}"


def _entry(project: Project, model: str, today: date) -> dict[str, Any]:
    here = office(project)
    said, tried = entries(project.store).get(model), challenger(project.store, model)
    acts = [act for act in history(project.store, model) if act["action"] in SWITCHED]
    fields: dict[str, Any] = {}
    title, gates, problem = None, list[Gate](), ""
    try:
        made = describe(project, model)
        fields, title, gates = dict(made.inventory), made.bundle.spec.get("title"), list(made.gates)
    except RiskEngineError as error:
        problem = str(error.problems[0]) if error.problems else error.title
        fields, title = _of_file(project, model)
    due = str(fields.get("review_by") or "")
    last = acts[-1] if acts else None
    challenging = next((v for v in versions(here.registry, model) if tried and v.bundle == tried.hash), None)
    return {
        "model": model,
        "title": title,
        "inventory": fields,
        "review_overdue": bool(due) and due < today.isoformat(),
        "champion": {
            "version": said["version"],
            "bundle": said["bundle"],
            "at": last["at"] if last else "",
            "by": last["actor"] if last else "",
        }
        if said
        else None,
        "challenger": {"version": challenging.version, "bundle": challenging.bundle} if challenging else None,
        "validation": verdict(project.store, said["bundle"]) if said else None,
        "exception": standing(acts, said["bundle"], today) if said else None,
        "gates": [gate.to_json() for gate in gates],
        "problem": problem,
    }


def _of_file(project: Project, model: str) -> tuple[dict[str, Any], Any]:
    """The inventory and title of a model that has no readable version."""
    from riskengine.schema import read_toml

    content = read_toml(project.root / "models" / f"{model}.toml")
    fields = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in (content.get("inventory") or {}).items()
    }
    return fields, content.get("title")


def _said(value: Any, language: str) -> str:
    if isinstance(value, Mapping):
        return str(value.get(language, ""))
    return str(value) if value else ("缺" if language == "zh" else "MISSING")
