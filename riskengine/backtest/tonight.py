"""What does a night start from? Definitions, model, acts, facts, the publication before, and the inputs that name all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.backtest.gate import accepted_for
from riskengine.backtest.running import catalogue_hash
from riskengine.casework.night import Acts, acts_by
from riskengine.casework.rulebook import Rulebook, read_rulebook
from riskengine.errors import Problem, QualityGateError
from riskengine.monitor import publish, shadow
from riskengine.monitor.watch import night_inputs
from riskengine.project import Project
from riskengine.scoring.bundle import Bundle, champion
from riskengine.store import snapshot
from riskengine.store.ledger import open_ledger
from riskengine.store.snapshot import Snapshot


@dataclass(frozen=True)
class Tonight:
    """A night before anything is computed. `inputs` are everything its bytes depend on, by name; `rival` the challenger."""

    as_of: date
    rules: Rulebook
    bundle: Bundle
    acts: Acts
    facts: Snapshot
    earlier: publish.Publication | None
    inputs: Mapping[str, Any]
    rival: shadow.Rival


def tonight(project: Project, model: str, as_of: date) -> Tonight:
    """Read it all; what is missing or damaged is refused.

    Where `environment.toml` says `backtest_required`, so is a catalogue or model behind which no accepted back-test stands
    (`QualityGateError`): a change that is worse does not ship.
    """
    rules, bundle = read_rulebook(project), champion(project.store, model)
    acts, facts = acts_by(open_ledger(project.store), as_of), snapshot.read(project.store)
    earlier = publish.before(project.store, as_of)
    tested = accepted_for(project, catalogue_hash(rules.watch), bundle)
    if project.environment.backtest_required and not tested:
        problem = Problem(
            "environment.toml: backtest_required",
            "an accepted back-test of this catalogue and model",
            "none",
            "Run riskengine backtest-signals --from D --to D --gate, then --accept REASON; or take the change back",
        )
        raise QualityGateError("Nothing stands behind this catalogue and model", [problem])
    inputs = night_inputs(rules.watch, facts, bundle.hash, earlier, as_of)
    named, rival = shadow.tried(project, model, {**inputs, "acts": acts.hash, "backtested": tested})
    return Tonight(as_of, rules, bundle, acts, facts, earlier, named, rival)
