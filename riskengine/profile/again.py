"""What if the database fails from within? Then the same work is done again on one thread: it reads only, so it may be."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import duckdb

P = ParamSpec("P")
T = TypeVar("T")
MORE = 2  # further tries
THREADS: ContextVar[int] = ContextVar(
    "threads", default=0
)  # of a workbench that is not told how many; 0: the machine's
log = logging.getLogger("riskengine.profile")


@contextmanager
def one_thread() -> Iterator[None]:
    """Workbenches opened inside work on one thread."""
    token = THREADS.set(1)
    try:
        yield
    finally:
        THREADS.reset(token)


def again(work: Callable[P, T]) -> Callable[P, T]:
    """A function that opens its own workbench and writes nothing, done again after DuckDB's internal error.

    DuckDB 2.0.0 now and then ends a query over several files with `INTERNAL Error: dict-surviving cache: global dictionary
    column 4 changed identity`; the same query on the same facts gives its result at another time. The last failure is raised.
    """

    @functools.wraps(work)
    def tried(*args: P.args, **named: P.kwargs) -> T:
        try:
            return work(*args, **named)
        except duckdb.InternalException as error:
            log.warning("the database failed from within, trying again: %s", str(error).splitlines()[0])
        with one_thread():
            for _ in range(MORE - 1):
                try:
                    return work(*args, **named)
                except duckdb.InternalException as error:
                    log.warning("the database failed from within again: %s", str(error).splitlines()[0])
            return work(*args, **named)

    return tried
