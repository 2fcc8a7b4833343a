"""What do the first reviews after a night need that is the same for every applicant? Made by the night, so that nobody waits for it.

Definitions compiled and spelled out, where values lie, which files were verified, and of the night's day and the next the figures
that all applicants share. All of it is made by asking the desk about one applicant and telling nobody: a review keeps these
things beside the facts under the hash of what they follow from (`profile.kept`, `profile.programs`, `profile.daily`,
`store.whereabouts`, `store.verified`), so what is deleted there or was not made here the next review makes, to the same bits.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta

import duckdb

from riskengine.decision.applicants import known_applicants
from riskengine.decision.desk import current_desk
from riskengine.decision.review import decide, rule_of
from riskengine.errors import RiskEngineError
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.project import Project
from riskengine.stages import lap
from riskengine.store.verified import Verified
from riskengine.store.whereabouts import Whereabouts

DAYS = 2  # the night's own and the one on which its report is read
log = logging.getLogger("riskengine.morning")


def prepared(project: Project, as_of: date) -> int:
    """Make ready for reviews of the day and the next; returns of how many days.

    Nothing rests on it, so a project without a policy or applicants, or a desk that cannot be opened, stops no night.
    """
    try:
        return _prepared(project, as_of)
    except (RiskEngineError, duckdb.Error, OSError) as error:
        log.info("nothing was made ready for reviews: %s", str(error).partition("\n")[0])
        return 0
    finally:
        lap("reviews")


def _prepared(project: Project, as_of: date) -> int:
    desk, rule = current_desk(project), rule_of(project)
    read = {name for name, _ in desk.every.sources} & desk.snapshot.sources.keys()
    verified = Verified(desk.snapshot)
    verified.check(file for name in sorted(read) for file in desk.snapshot.sources[name].files)
    where = Whereabouts(desk.snapshot, verified)
    for name in sorted(read):
        where.make(name)
    verified.keep()
    with Workbench(desk.snapshot, threads=1, stays=True) as bench:
        name = _latest(bench, rule, as_of)
        for number in range(DAYS if name else 0):
            day = as_of + timedelta(days=number)
            decide(desk, bench, known_applicants(bench, rule, desk.every, [name], day))
    return DAYS if name else 0


def _latest(bench: Workbench, rule: SubjectRule, as_of: date) -> str:
    """The id of the last application known on a day, "" where there is none."""
    files = bench.facts(rule.source)
    if not files:
        return ""
    found = bench.connection.execute(
        f"""SELECT "{rule.id}"::VARCHAR FROM {files} WHERE known_at <= $day AND event_date <= $day AND NOT removed
        AND (superseded_at IS NULL OR superseded_at > $day) ORDER BY fact_rank DESC LIMIT 1""",
        {"day": as_of},
    ).fetchone()
    return str(found[0]) if found else ""
