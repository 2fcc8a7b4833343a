"""How long does each stage of a long work take, and over how many rows? Told to the log, never part of a result."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("riskengine.stages")


@contextmanager
def stage(name: str) -> Iterator[dict[str, int]]:
    """Log a stage when it is done, with its seconds; the body may set `["rows"]`.

    A stage that fails is not told: its error is.
    """
    begun = time.perf_counter()
    found: dict[str, int] = {}
    yield found
    seconds = round(time.perf_counter() - begun, 3)
    rows = found.get("rows")
    said = f"{name}: {seconds:.1f} s" + (f", {rows:,} rows" if rows is not None else "")
    log.info(said, extra={"stage": name, "seconds": seconds, **found})
