"""What if the database fails from within? Then the same work is done once more: it reads only, so it may be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import duckdb

T = TypeVar("T")
log = logging.getLogger("riskengine.profile")


def once_more(work: Callable[[], T]) -> T:
    """The result of `work`, which opens its own workbench and writes nothing; after DuckDB's internal error, of a second try.

    DuckDB 2.0.0 was seen to end a query over several files with `INTERNAL Error: dict-surviving cache: global dictionary
    column 4 changed identity`; the same command run again on the same store gave its result. A second failure is raised.
    """
    try:
        return work()
    except duckdb.InternalException as error:
        log.warning("the database failed from within, trying once more: %s", str(error).splitlines()[0])
        return work()
