"""A database that fails from within is asked again, on one thread, and not for ever."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from riskengine.profile.again import MORE, again
from riskengine.profile.compute import Workbench
from riskengine.store.snapshot import Snapshot


def failing(times: int, error: type[Exception]) -> list[int]:
    """The threads of the workbench at each call of a work that fails so often."""
    calls: list[int] = []

    @again
    def work() -> str:
        with Workbench(Snapshot("none", Path("none"), {})) as bench:
            (threads,) = bench.connection.execute("SELECT current_setting('threads')").fetchone() or (0,)
        calls.append(int(threads))
        if len(calls) <= times:
            raise error("INTERNAL Error: dictionary changed identity\nStack Trace")
        return "done"

    assert work() == "done"
    return calls


def test_an_internal_error_is_tried_again_on_one_thread(caplog: pytest.LogCaptureFixture) -> None:
    usual = failing(0, duckdb.InternalException)
    assert failing(1, duckdb.InternalException) == [*usual, 1]
    assert "changed identity" in caplog.text
    assert failing(MORE, duckdb.InternalException) == [*usual, *[1] * MORE]
    assert failing(0, duckdb.InternalException) == usual, "afterwards all is as it was"
    with pytest.raises(duckdb.InternalException):
        failing(MORE + 1, duckdb.InternalException)


def test_any_other_error_is_raised_at_once() -> None:
    with pytest.raises(duckdb.BinderException):
        failing(1, duckdb.BinderException)
