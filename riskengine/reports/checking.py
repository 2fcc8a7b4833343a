"""Are all definitions of a project sound together, and do rules and signals lead where its examples say? One list of every problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from riskengine.backtest.settings import read_settings
from riskengine.casework import rulebook
from riskengine.casework.channels import read_channels
from riskengine.decision.examples import Example, answer, differences, read_examples
from riskengine.decision.lookup_rules import problems as lookup_problems
from riskengine.decision.lookup_rules import read_lookup
from riskengine.decision.policy import Policy, read_policy
from riskengine.decision.products import Products, read_products
from riskengine.errors import Problem, RiskEngineError
from riskengine.identity.rules import read_rules
from riskengine.intake.cleaning import ask
from riskengine.intake.contract import SourceContract
from riskengine.learning.ladder import read_ladder
from riskengine.learning.samples import model_spec
from riskengine.monitor.examples import fired, signal_differences, signal_problems
from riskengine.monitor.signals import Signal, read_signals
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.conflicts import read_conflicts
from riskengine.project import Project
from riskengine.reports.dossier_rules import problems as dossier_problems
from riskengine.reports.dossier_rules import read_rules as read_dossier
from riskengine.reports.export_files import outputs_on
from riskengine.scoring.scorecard import read_grades
from riskengine.store.facts import ARROW_TYPES


def check_project(project: Project) -> tuple[dict[str, int], list[Problem]]:
    """How many definitions of each kind there are, and everything that is wrong with any of them."""
    problems: list[Problem] = []

    def tried(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except RiskEngineError as error:
            problems.extend(error.problems or [Problem(project.root.name, "a sound definition", error.title)])
            return None

    tried(lambda: project.environment)
    catalogue = Catalogue(project)
    sources, features = tried(lambda: catalogue.sources), tried(lambda: catalogue.features)
    if sources is None or features is None or tried(lambda: catalogue.subjects) is None:
        return {}, problems
    problems += catalogue.problems()
    for contract in sources.values():
        tried(partial(ask, contract, _nothing(contract)))
    if any(contract.identity for contract in sources.values()):
        tried(lambda: read_rules(project, sources))
    ladder = tried(lambda: read_ladder(catalogue))
    names = [path.stem for path in project.definition_files("models", ".toml")]
    models = [tried(partial(model_spec, catalogue, name)) for name in names]
    conflicts = tried(lambda: read_conflicts(catalogue))
    grades = tried(lambda: read_grades(project.configs / "grades.toml"))
    products = tried(lambda: read_products(project.configs / "products.toml"))
    policy = tried(lambda: read_policy(project.configs / "policy.toml"))
    if policy is not None and grades is not None:
        ids = products.ids if products else None
        problems += policy.problems(sorted(features), [grade.name for grade in grades.grades], ids)
    examples = 0
    if policy is not None and products is not None and grades is not None:
        names = [grade.name for grade in grades.grades]
        examples, wrong = tried(lambda: examples_judged(project, policy, products, names)) or (0, [])
        problems += wrong
        if (project.configs / "lookup.toml").exists():
            ids = [rule.id for rule in policy.rules]
            looked = tried(lambda: read_lookup(project))
            problems += lookup_problems(looked, sources, ids, products.ids) if looked else []
    problems += _night_problems(project)
    tried(lambda: outputs_on(project.environment))
    tried(lambda: read_channels(project.configs))
    tried(lambda: read_settings(project.configs, vocabulary(catalogue)))
    dossier = tried(lambda: read_dossier(project.configs / "dossier.toml"))
    problems += dossier_problems(dossier, sources, catalogue.subjects) if dossier else []
    if examples and not problems:
        signals = read_signals(project.configs / "signals.toml", vocabulary(catalogue))
        problems += signals_judged(project, policy, products, signals)
    counts = {
        "sources": len(sources),
        "features": len(features),
        "models": len([model for model in models if model is not None]),
        "products": len(products.products) if products else 0,
        "rules": len(policy.rules) if policy else 0,
    }
    if ladder:
        counts["outcomes"] = len(ladder.rungs)
    if conflicts:
        counts["conflict items"] = len(conflicts)
    if examples:
        counts["examples"] = examples
    return counts | _night_counts(project, problems), _once(problems)


def examples_judged(
    project: Project, policy: Policy, products: Products, grades: Sequence[str]
) -> tuple[int, list[Problem]]:
    """How many examples the committee has written (`configs/examples.toml`), and those of which the rules say something else."""
    path = project.configs / "examples.toml"
    if not path.exists():
        return 0, []
    found = read_examples(path, policy, products)
    judged = [(one, differences(one, answer(found, one, policy, products, grades))) for one in found.examples]
    return len(judged), _unlike(judged)


def signals_judged(
    project: Project, policy: Policy, products: Products, signals: Sequence[Signal]
) -> list[Problem]:
    """The examples in which other signals fire than they say; none where they tell nothing of what signals read (`watched`)."""
    examples = read_examples(project.configs / "examples.toml", policy, products)
    if not examples.watched:
        return []
    if problems := signal_problems(examples, signals):
        return problems
    found = zip(examples.examples, fired(examples, signals), strict=True)
    return _unlike((one, signal_differences(one, got)) for one, got in found)


def _unlike(judged: Iterable[tuple[Example, list[str]]]) -> list[Problem]:
    return [
        Problem(
            f"examples.toml: {one.title.en}",
            "what the example says",
            "; ".join(line.strip() for line in lines),
            "Correct the rule or, if the committee decides so, the example",
        )
        for one, lines in judged
        if lines
    ]


def _nothing(contract: SourceContract) -> pa.Table:
    """No rows of a source, typed: what its assertions must be able to read."""
    names = [*contract.columns, *contract.derived, "event_date", "known_at"]
    kinds = {name: ARROW_TYPES[contract.column_type(name) or "text"] for name in names}
    return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})


def _night_problems(project: Project) -> list[Problem]:
    try:
        return rulebook.problems(project)
    except RiskEngineError as error:
        return list(error.problems)


def _night_counts(project: Project, problems: list[Problem]) -> dict[str, int]:
    if problems:
        return {}
    found = rulebook.read_rulebook(project).watch
    return {"signals": len(found.signals), "reminders": len(found.reminders)}


def _once(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
