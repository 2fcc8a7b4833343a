"""What does one night say of the planted enterprises, and one review of their applications? One project, built once a session."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from planted_days import AS_OF, the_day
from planted_enterprise import Enterprise
from planting import Case, deliver, planted, read_cases

from riskengine.decision.policy import read_policy
from riskengine.decision.review import review
from riskengine.identity.resolve import resolve
from riskengine.intake.contract import read_contracts
from riskengine.intake.deliveries import take_arrived
from riskengine.learning.samples import model_spec
from riskengine.monitor.evaluate import SEPARATOR, Night
from riskengine.monitor.night import Before
from riskengine.monitor.plan import Reach, plan
from riskengine.monitor.signals import Signal
from riskengine.monitor.watch import Watch, read_watch
from riskengine.monitor.work import work
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.province.generate import synthesise
from riskengine.province.state import Ask
from riskengine.schema import canonical_json, read_toml
from riskengine.scoring.bundle import champion, write_bundle
from riskengine.scoring.trees import export_trees
from riskengine.store import snapshot
from riskengine.store.ledger import batch_records, open_ledger

ROOT = Path(__file__).parents[2]
PROVINCE = Ask(enterprises=200, start=date(2026, 1, 1), end=AS_OF, seed=5)
ANSWERS = "answers.pickle"
RISK = "late_returns_12m"  # what the small models fear: a case makes a bad grade with late returns
MODEL = """
name = "{name}"
subject = "{subject}"
group = "uscc"
peers = "industry"
features = ["{risk}", "months_since_established"]
[title]
en = "Small model for planted cases"
zh = "测试用小模型"
[label]
source = "compensation"
horizon = "12m"
lag = "60d"
[population]
from = 2020-12-31
every = "1m"
[monotone]
up = ["{risk}"]
"""


def build(folder: Path) -> None:
    """The default project, a small province and all clones in one night and one review; the answers stay in the folder."""
    project = institution(folder)
    contracts = read_contracts(project)
    synthesise(PROVINCE, contracts, folder / "province")
    shutil.copytree(folder / "province" / "inbox", project.inbox)
    cases = read_cases()
    clones = planted(cases, contracts)
    silence(cases, project.inbox)
    deliver(clones.values(), contracts, project.inbox, hushed(cases))
    subjects = {key: clone.subject for key, clone in clones.items()}
    del clones  # half a million rows that every sweep for garbage would go through
    take_arrived(project, AS_OF)
    _all_accepted(project)
    resolve(project, AS_OF)
    for name, subject in (("access_pd", "applicant"), ("inforce_pd", "guarantee")):
        crown(project, name, subject)
    watch = read_watch(project)
    night = work(watch, champion(project.store, "inforce_pd"), snapshot.read(project.store), Before(), AS_OF)
    ids = [one.new_app_id for one in subjects.values()]
    reviewed = {
        record["applicant_id"]: record["outputs"] for record in review(project, AS_OF, ids=ids).records
    }
    looked_at = Looked(watch, night.book, night.evaluation.signals, night.health)
    said = Answers(
        subjects,
        watch.signals,
        [reminder.id for reminder in watch.reminders],
        [rule.id for rule in read_policy(project.configs / "policy.toml").rules],
        night.evaluation.signals.to_dict("records"),
        {
            AS_OF: night.plan.reminders.to_dict("records"),
            **other_days(cases, subjects, looked_at),
        },
        _values(night.book, {one.guar_id for one in subjects.values()}),
        reviewed,
    )
    (folder / ANSWERS).write_bytes(pickle.dumps(said))


@dataclass(frozen=True)
class Answers:
    """What the night and the review said of the subjects, by (key, "fires" or "silent"); written once, read by every worker."""

    subjects: Mapping[tuple[str, str], Enterprise]
    watched: Sequence[Signal]
    reminded: Sequence[str]
    ruled: Sequence[str]
    found: Sequence[Mapping[str, Any]]
    due: Mapping[date, Sequence[Mapping[str, Any]]]  # the plan of the night, and of other days for some cases
    known: Mapping[str, Mapping[str, Any]]
    reviewed: Mapping[str, Mapping[str, Any]]

    def signals(self, one: Enterprise, unit: str = "") -> dict[str, Mapping[str, Any]]:
        """The signals of a subject's guarantee and of the groups it is in, by id; of another `unit` where one is named."""
        own = {one.uscc, one.bank, one.institution, one.product, one.industry, one.region, one.region6, one.app_id}  # fmt: skip
        mine = {}
        for line in self.found:
            inside = line["about"] != "guarantee" and set(str(line["id"]).split(SEPARATOR)) <= own
            if line["id"] == unit if unit else (line["id"] == one.guar_id or inside):
                mine[line["signal"]] = line
        return mine

    def reminders(self, one: Enterprise, on: date = AS_OF) -> list[Mapping[str, Any]]:
        """The reminders about a subject's guarantee, claim, enterprise or institution on a day."""
        own = {one.guar_id, one.uscc, one.institution, one.app_id, one.new_app_id}
        return [line for line in self.due[on] if own & {line["id"], line.get("enterprise")}]

    def review(self, one: Enterprise) -> Mapping[str, Any]:
        """What the review said of a subject's new application."""
        return self.reviewed[one.new_app_id]

    def rule(self, one: Enterprise, rule: str) -> Mapping[str, Any]:
        """What one rule said of it; nothing where the policy has no such rule."""
        return next((line for line in self.review(one)["policy"]["findings"] if line["rule"] == rule), {})

    def values(self, one: Enterprise) -> Mapping[str, Any]:
        """Every feature that the night knew of a subject's guarantee; nothing where it is not in force."""
        return self.known.get(one.guar_id, {})

    def signal(self, name: str) -> Signal | None:
        """The definition of a signal."""
        return next((one for one in self.watched if one.id == name), None)


def answers(folder: Path) -> Answers:
    """Read what `build` left."""
    said = pickle.loads((folder / ANSWERS).read_bytes())
    assert isinstance(said, Answers)
    return said


@dataclass(frozen=True)
class Looked:
    """What the night's plan was made from."""

    watch: Watch
    book: pd.DataFrame
    signals: pd.DataFrame
    health: pd.DataFrame


def other_days(
    cases: Iterable[Case], subjects: Mapping[tuple[str, str], Enterprise], looked: Looked
) -> dict[date, list[dict[str, Any]]]:
    """What reminders say of clones on other days (a case's `on`), with what the night knew: by day."""
    wanted: dict[date, set[tuple[str, str]]] = {}
    for case in cases:
        for which, day in case.told.get("on", {}).items():
            wanted.setdefault(the_day(day), set()).add((case.id, subjects[case.key, which].guar_id))
    found = {}
    for day, asked in wanted.items():
        chosen = tuple(one for one in looked.watch.reminders if one.id in {name for name, _ in asked})
        book = looked.book[looked.book.id.isin({guarantee for _, guarantee in asked})]
        night = Night(day, looked.watch.catalogue.subjects.keys)
        reach = Reach(looked.watch.calendar, {}, looked.signals)
        found[day] = plan(chosen, book, looked.health, night, reach).reminders.to_dict("records")
    return found


def hushed(cases: Iterable[Case]) -> dict[str, date]:
    """The sources of which nothing arrives after a day, as cases about whole sources ask for."""
    return {source: the_day(day) for case in cases for source, day in case.told.get("hush", {}).items()}


def silence(cases: Iterable[Case], inbox: Path) -> None:
    """Take away the province's deliveries after the last day of hushed sources."""
    for source, last in hushed(cases).items():
        for path in sorted((inbox / source).glob("*")):
            if date.fromisoformat(path.name[:10]) > last:
                path.unlink()


def _values(book: pd.DataFrame, ids: set[str]) -> dict[str, dict[str, Any]]:
    """All that the night knew of each planted guarantee; what is unknown is None."""
    mine = book[book.id.isin(ids)]
    whole = mine.astype("object").where(mine.notna(), None)
    return {row["id"]: row for row in whole.to_dict("records")}


CAP = 'compensation_cap = [{ from = 2017-10-01, value = 0.04, reference = "for the planted cases only" }]'


def institution(folder: Path) -> Project:
    """A copy of the default project's definitions with nothing in it."""
    for room in ("configs", "features", "models", "pipelines"):
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, subject in (("access_pd", "applicant"), ("inforce_pd", "guarantee")):
        text = MODEL.format(name=name, subject=subject, risk=RISK)
        (folder / "models" / f"{name}.toml").write_text(text, encoding="utf-8")
    products = folder / "configs" / "products.toml"
    text = products.read_text(encoding="utf-8")
    for name in ("AH-TECH", "AH-4321", "SD-FMD"):  # for G04: products that no other row of the province is of
        text = text.replace(f'id = "{name}"\n', f'id = "{name}"\n{CAP}\n')
    products.write_text(text, encoding="utf-8")
    return Project(folder)


def crown(project: Project, model: str, subject: str) -> None:
    """Make a model of few trees the champion: PD 1 % without late returns, above 60 % with six."""
    import lightgbm
    import numpy as np

    catalogue = Catalogue(project)
    spec = model_spec(catalogue, model)
    rng = np.random.default_rng(20260630)
    matrix = np.column_stack([rng.integers(0, 12, 4000), rng.uniform(6, 200, 4000)]).astype(float)
    label = (rng.random(4000) < 1 / (1 + np.exp(4.6 - 1.1 * matrix[:, 0]))).astype(int)
    data = lightgbm.Dataset(matrix, label, feature_name=list(spec.features), params={"verbosity": -1})
    settings = {"objective": "binary", "num_leaves": 7, "learning_rate": 0.3, "num_threads": 1, "deterministic": True,
                "force_row_wise": True, "monotone_constraints": spec.constraints, "verbosity": -1, "seed": 1}  # fmt: skip
    text = str(lightgbm.train(settings, data, 30).model_to_string())
    parts: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": {"method": "logistic", "a": 1.0, "b": 0.0},
        "grades.json": read_toml(project.configs / "grades.toml"),
        "recipe.json": compile_recipe(catalogue, spec.features).to_json(),
        "peers.json": {
            "column": spec.peers,
            "all": {"n": 4000, "median": dict(zip(spec.features, (0.0, 100.0), strict=True))},
            "groups": {},
        },
        "spec.json": spec.model_dump(mode="json", by_alias=True),
        "card.json": {"model": model, "note": "trained on simulated rows, for tests only"},
    }
    files = {name: canonical_json(part).encode() for name, part in parts.items()}
    draft = project.store / "bundles" / "draft"
    name = write_bundle(draft, files | {"model.txt": text.encode()})
    draft.rename(draft.with_name(name))
    path = project.store / "champions.json"
    champions = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(champions | {model: {"bundle": name, "version": 1}}), encoding="utf-8")


def _all_accepted(project: Project) -> None:
    bad = [
        f"{record.source}: {record.quarantined} refused {record.quarantine_by_rule}, {record.duplicates} twice"
        for record in batch_records(open_ledger(project.store))
        if "_planted" in record.file and (record.quarantined or record.duplicates)
    ]
    assert not bad, "planted rows that break their contract:\n" + "\n".join(bad)
