"""A database that fails from within is asked once more, and only once."""

from __future__ import annotations

import duckdb
import pytest

from riskengine.profile.again import once_more


def failing(times: int, error: type[Exception]) -> list[int]:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error("INTERNAL Error: dictionary changed identity\nStack Trace")
        return len(calls)

    calls_made = once_more(work)
    assert calls_made == len(calls)
    return calls


def test_an_internal_error_is_tried_once_more(caplog: pytest.LogCaptureFixture) -> None:
    assert len(failing(1, duckdb.InternalException)) == 2
    assert "changed identity" in caplog.text
    with pytest.raises(duckdb.InternalException):
        failing(2, duckdb.InternalException)


def test_any_other_error_is_raised_at_once() -> None:
    with pytest.raises(duckdb.BinderException):
        failing(1, duckdb.BinderException)
