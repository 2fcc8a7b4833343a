"""The night: take in what arrived, score what is in force, evaluate signals, make them cases and lines, plan, rank, publish."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

from riskengine.backtest.tonight import tonight
from riskengine.casework.night import handled, read_past
from riskengine.casework.outbox import enqueue
from riskengine.clock import now
from riskengine.identity.resolve import resolve
from riskengine.intake.deliveries import take_arrived
from riskengine.monitor import ahead as looking
from riskengine.monitor import publish, shadow
from riskengine.monitor.work import work
from riskengine.project import Project
from riskengine.reports.nightly_files import night_files
from riskengine.reports.nightly_tables import to_send
from riskengine.reports.receipts import delivery_line
from riskengine.stages import lap, measured
from riskengine.store.ledger import open_ledger, recorded_run

MODEL = "inforce_pd"
log = logging.getLogger("riskengine.nightly")


def run(project: Project, as_of: date) -> publish.Outcome:
    """Publish the night of `as_of`; a second run with the same inputs changes nothing."""
    ledger = open_ledger(project.store)
    with publish.lock(project.store), recorded_run(ledger, "nightly", as_of) as record, measured():
        taken = take_arrived(project, as_of, lambda one, _: log.info(delivery_line(one)))
        lap("intake", sum(one.accepted for batch in taken for one in batch.receipts))
        found = resolve(project, as_of)
        told = f"{found.rows_filled:,} of {found.rows_open:,} rows without a code filled"
        log.info("identity: %s, %s wait", told, found.queued, extra={"identity": found.to_json()})
        lap("identity", found.rows_open)
        it = tonight(project, MODEL, as_of)
        done = publish.unchanged(project.store, as_of, it.inputs)
        if done is None:
            before, past = read_past(it.earlier, it.acts, it.rules.cases.file.overdue)
            night = work(it.rules.watch, it.bundle, it.facts, before, as_of)
            if not it.rival.name:  # only a challenger is compared with the frames of the night before
                before = replace(before, scores=None, signals=None, reminders=None)
            made = handled(it.rules, it.bundle, night, past, it.acts)
            files, rest = night_files(it.rules, it.bundle, (night, made), before, it.inputs)
            who, old = (it.bundle, it.rival), (it.earlier, before)
            files, rest = shadow.shadowed(it.rules.watch, who, it.facts, night, old).added(files, rest)
            lap("shadow", rest["rows"].get(shadow.FILE))
            done = publish.publish(project.store, as_of, it.inputs, files, rest)
        enqueue(ledger, to_send(it.rules.watch, done.publication), now(), publish.days(project.store)[-1])
        record["status"] = done.status
    return done


def ahead(project: Project, as_of: date) -> looking.Ahead:
    """What the night of `as_of` would do; nothing is done."""
    it = tonight(project, MODEL, as_of)
    return looking.ahead(it.rules.watch, it.bundle, it.earlier, it.inputs, as_of)
