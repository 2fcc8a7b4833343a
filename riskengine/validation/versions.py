"""Which version is validated, on which days, beside which other: one command's defaults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from riskengine.errors import Problem, SetupError, UsageError
from riskengine.learning.ladder import read_ladder
from riskengine.learning.spec import ModelSpec
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.registry import CHALLENGER, CHAMPION, Registry, Version, fetch, find_version, table, versions
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import champion_of, read_bundle
from riskengine.store import snapshot
from riskengine.validation.judged_rows import ARTIFACT, judged_rows
from riskengine.validation.lines import Rules
from riskengine.validation.pack import Evidence, Subject, pack
from riskengine.validation.particulars import particulars


@dataclass(frozen=True)
class Asked:
    """What the operator said; empty parts are chosen: the challenger, the days nothing was learned from, the champion."""

    model: str
    version: int | None = None
    alias: str = ""
    start: date | None = None
    end: date | None = None
    known: date | None = None
    against: int | None = None

    @property
    def chose_days(self) -> bool:
        """Whether the operator chose which rows or which knowledge decide."""
        return any(day is not None for day in (self.start, self.end, self.known))


def validated(project: Project, asked: Asked) -> dict[str, Any]:
    """The validation pack of the version asked for, as a JSON value."""
    registry = Registry(project.store, project.environment.tracking_uri)
    wanted = chosen(registry, asked)
    subject = _subject(registry, wanted)
    other = _other(registry, project.store, asked, wanted)
    spec = ModelSpec.model_validate(subject.bundle.spec)
    known = asked.known or last_known(project, spec)
    stored = table(registry, wanted, ARTIFACT)
    rows = judged_rows(project, subject.bundle, stored, (asked.start, asked.end, known))
    details = partial(particulars, project, spec.subject)
    facts = snapshot.read(project.store).id
    rules = Rules(replicates=min(spec.validation.replicates, 200))
    here = project.environment
    beside = _subject(registry, other) if other else None
    return pack(subject, Evidence(rows, details, facts, here.title, here.note, beside, rules))


def chosen(registry: Registry, asked: Asked) -> Version:
    """The version asked for; else the challenger, the champion, the newest."""
    if asked.version is not None and asked.alias:
        raise UsageError("Two names for one version", [Problem("--version, --alias", "one of them", "both")])
    if asked.version is not None:
        return find_version(registry, asked.model, asked.version)
    known = versions(registry, asked.model)
    if not known:
        return find_version(registry, asked.model, 0)  # says what there is instead
    for alias in [asked.alias] if asked.alias else [CHALLENGER, CHAMPION]:
        named = [one for one in known if alias in one.aliases]
        if named:
            return named[-1]
    if asked.alias:
        got = ", ".join(sorted({alias for one in known for alias in one.aliases})) or "no alias yet"
        raise SetupError(
            f"No {asked.alias} of {asked.model}", [Problem("--alias", "an alias of a version", got)]
        )
    return known[-1]


def last_known(project: Project, spec: ModelSpec) -> date:
    """The last day on which an outcome became known: up to then the outcomes are complete as far as anybody can tell."""
    ladder = read_ladder(Catalogue(project))
    rung = spec.label.source
    source = ladder.rung(rung).source if ladder and rung in ladder.ids else rung
    with Workbench(snapshot.read(project.store)) as bench:
        files = bench.facts(source)
        row = bench.connection.execute(f"SELECT max(known_at) FROM {files}").fetchone() if files else None
    if row is None or row[0] is None:
        raise SetupError(
            "No outcome is known",
            [Problem(f"source {source}", "at least one batch", "none", f"Run riskengine intake {source} FILE")],
        )  # fmt: skip
    day: date = row[0]
    return day


def folder_of(project: Project, told: dict[str, Any], asked: Asked, out: Path | None = None) -> Path:
    """Where a pack is kept: the bundle's own folder, where promotion looks, only if nobody chose the days.

    With a chosen day it is `<from>_<to>_<known>` inside, where promotion does not look, and `out` may not be the
    folder of the whole (`UsageError`): who chooses the days could choose the verdict.
    """
    whole = project.store / "validations" / str(told["bundle"])
    if not asked.chose_days:
        return out or whole
    if out is not None and out.resolve() == whole.resolve():
        problem = Problem("--out", "another folder: promotion reads this one", str(out), "Leave --out out")
        raise UsageError("A pack over chosen days is no evidence for a promotion", [problem])
    period = told["period"]
    days = (asked.start or period["from"], asked.end or period["to"], asked.known or period["known"])
    return out or whole / "_".join(str(day) for day in days)


def write_pack(folder: Path, told: dict[str, Any], page: bytes) -> tuple[Path, Path]:
    """`pack.json` (canonical, so that its hash names its content) and `pack.html`."""
    folder.mkdir(parents=True, exist_ok=True)
    json_path, html_path = folder / "pack.json", folder / "pack.html"
    json_path.write_text(canonical_json(json.loads(json.dumps(told))), encoding="utf-8")
    html_path.write_bytes(page)
    return json_path, html_path


def _subject(registry: Registry, version: Version) -> Subject:
    return Subject(version.version, read_bundle(fetch(registry, version), version.bundle))


def _other(registry: Registry, store: Path, asked: Asked, wanted: Version) -> Version | None:
    """The version named by `--against`, else the champion unless that is the one validated."""
    if asked.against is not None:
        if asked.against == wanted.version:
            raise UsageError(
                "Nothing to compare", [Problem("--against", "another version", str(asked.against))]
            )
        return find_version(registry, asked.model, asked.against)
    try:
        number = int(champion_of(store, asked.model)["version"])
    except SetupError:  # nothing was promoted yet
        return None
    return None if number == wanted.version else find_version(registry, asked.model, number)
