"""The night: take in what arrived, score what is in force, evaluate signals, plan reminders, rank, publish."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.identity.resolve import resolve
from riskengine.intake.deliveries import take_arrived
from riskengine.monitor import publish, shadow
from riskengine.monitor.frames import read_before
from riskengine.monitor.watch import night_inputs, read_watch
from riskengine.monitor.work import work
from riskengine.project import Project
from riskengine.reports.nightly_files import night_files, summary
from riskengine.reports.receipts import delivery_line
from riskengine.scoring.bundle import champion
from riskengine.store import snapshot
from riskengine.store.ledger import open_ledger, recorded_run

MODEL = "inforce_pd"
log = logging.getLogger("riskengine.nightly")


@dataclass(frozen=True)
class Done:
    """What the night did: `published`, `no change`, `replaced` or `repaired`, and where to read it."""

    outcome: publish.Outcome

    @property
    def manifest(self) -> dict[str, Any]:
        """The publication's manifest."""
        return dict(self.outcome.publication.manifest)

    def summary(self) -> str:
        """A few lines for a terminal."""
        return summary(self.outcome)


def run(project: Project, as_of: date) -> Done:
    """Publish the night of `as_of`; a second run with the same inputs changes nothing."""
    ledger = open_ledger(project.store)
    with publish.lock(project.store), recorded_run(ledger, "nightly", as_of) as record:
        take_arrived(project, as_of, lambda one, _: log.info(delivery_line(one)))
        log.info("identity: %s", resolve(project, as_of))
        watch, bundle = read_watch(project), champion(project.store, MODEL)
        facts, earlier = snapshot.read(project.store), publish.before(project.store, as_of)
        inputs, rival = shadow.tried(project, MODEL, night_inputs(watch, facts, bundle.hash, earlier, as_of))
        done = publish.unchanged(project.store, as_of, inputs)
        if done is None:
            before = read_before(earlier)
            night = work(watch, bundle, facts, before, as_of)
            files, rest = night_files(watch, bundle, night, before, inputs)
            beside = shadow.shadowed(watch, (bundle, rival), facts, night, (earlier, before))
            done = publish.publish(project.store, as_of, inputs, *beside.added(files, rest))
        record["status"] = done.status
        return Done(done)
