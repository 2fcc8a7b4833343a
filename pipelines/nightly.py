"""The night: take in what arrived, score what is in force, evaluate signals, make them cases and lines, plan, rank, publish."""

from __future__ import annotations

import logging
from datetime import date

from riskengine.backtest.tonight import tonight
from riskengine.casework.night import handled_after, read_going, read_yesterday, with_floors
from riskengine.casework.outbox import enqueue
from riskengine.clock import now
from riskengine.identity.resolve import resolve
from riskengine.intake.deliveries import take_arrived
from riskengine.monitor import ahead as looking
from riskengine.monitor import morning, publish, shadow
from riskengine.monitor.work import work
from riskengine.project import Project
from riskengine.reports.nightly_files import night_files
from riskengine.reports.nightly_tables import to_send
from riskengine.reports.receipts import delivery_line, identity_line
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
        log.info(identity_line(found), extra={"identity": found.to_json()})
        lap("identity", found.rows_open)
        morning.prepared(project, as_of)  # the facts are as they stay, nothing of the night is in memory yet
        it = tonight(project, MODEL, as_of)
        if (done := publish.unchanged(project.store, as_of, it.inputs)) is None:
            before = read_going(it.earlier, it.acts, [it.rules.watch.shown.name])
            night = work(it.rules.watch, it.bundle, it.facts, before, as_of)
            before = before if it.rival.name else before.lean()  # a challenger is compared with its frames
            past = read_yesterday(it.earlier, it.rules.cases.file.overdue)
            floors = with_floors(it.rules, it.bundle, night, past, it.acts)
            night = night if it.rival.name else floors[0]  # a challenger sees the book without floors
            made = handled_after(it.rules, it.bundle, floors, past, it.acts)
            del past, floors  # of a province as large as what is written now
            files, rest = night_files(it.rules, it.bundle, (night, made), before, it.inputs)
            who, old = (it.bundle, it.rival), (it.earlier, before)
            files, rest = shadow.shadowed(it.rules.watch, who, it.facts, night, old).added(files, rest)
            done = publish.publish(project.store, as_of, it.inputs, files, rest)
        enqueue(ledger, to_send(it.rules.watch, done.publication), now(), publish.days(project.store)[-1])
        record["status"] = done.status
    return done


def ahead(project: Project, as_of: date) -> looking.Ahead:
    """What the night of `as_of` would do; nothing is done."""
    it = tonight(project, MODEL, as_of)
    return looking.ahead(it.rules.watch, it.bundle, it.earlier, it.inputs, as_of)
