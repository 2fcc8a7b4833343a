"""Which trained bundles exist, which one decides, which is tried beside it, and how does one take over?"""

from riskengine.registry.changes import (
    approve,
    gates_of,
    log_training,
    office,
    propose,
    rollback,
    settled,
)
from riskengine.registry.pointers import CHALLENGER, CHAMPION, challenger, entries
from riskengine.registry.records import Proposal, history, proposed
from riskengine.registry.requirements import refuse
from riskengine.registry.switching import Office, Promotion
from riskengine.registry.tracking import Registry, TrainingRun, Version, fetch, find_version, table, versions
from riskengine.registry.waivers import Waiver, standing, waiver

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "Office",
    "Promotion",
    "Proposal",
    "Registry",
    "TrainingRun",
    "Version",
    "Waiver",
    "approve",
    "challenger",
    "entries",
    "fetch",
    "find_version",
    "gates_of",
    "history",
    "log_training",
    "office",
    "propose",
    "proposed",
    "refuse",
    "rollback",
    "settled",
    "standing",
    "table",
    "versions",
    "waiver",
]
