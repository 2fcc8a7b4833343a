"""The bytes of frames, column by column, against writing every value as text in Python."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.monitor import frames

DAY, TEXT = pa.date32(), pa.string()
MONEY = pa.decimal128(18, 2)


def slowly(column: pd.Series, kind: pa.DataType) -> pa.Array:
    """Value by value, as it was."""
    if kind == MONEY:
        told = [None if pd.isna(value) else f"{value:.2f}" for value in column]
        return pa.array(told, TEXT).cast(MONEY)
    if kind == DAY:
        days = pd.to_datetime(column)
        return pa.array([None if pd.isna(day) else day.date() for day in days], kind)
    return pa.array([None if pd.isna(value) else str(value) for value in column], kind)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.floats(-1e12, 1e12),
            st.integers(-(10**9), 10**9).map(lambda one: one / 1000),
            st.integers(-(10**13), 10**13).map(lambda one: one / 100),
        )
    )
)
def test_amounts_are_rounded_as_texts_are(amounts: list[float | None]) -> None:
    column = pd.Series(amounts, dtype="float64")
    found = frames._array(column, MONEY)
    found.validate(full=True)
    assert found.equals(slowly(column, MONEY))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.005, 2.675, -0.0, None], MONEY),
        ([date(2020, 1, 1), None, date(1969, 1, 2), pd.NaT], DAY),
        ([pd.Timestamp("2020-01-02 12:00"), date(2020, 1, 3)], DAY),
        (["2020-01-01", None], DAY),
        ([float("nan"), date(2020, 1, 1)], DAY),
        ([], DAY),
        ([None, None], DAY),
        (["a", None, float("nan"), "中", pd.NA], TEXT),
        (["a", 1, None, 1.5, True, date(2020, 1, 1)], TEXT),
        ([], TEXT),
    ],
)
def test_columns_of_every_kind_are_as_they_were(values: list[Any], kind: pa.DataType) -> None:
    column = pd.Series(values, dtype="float64" if kind == MONEY else "object")
    found = frames._array(column, kind)
    assert found.type == kind
    assert found.equals(slowly(column, kind))


def test_columns_that_pandas_types_are_as_they_were() -> None:
    for column, kind in (
        (pd.Series([1, 2]), TEXT),
        (pd.Series([np.nan, 1.5]), TEXT),
        (pd.Series(["x", None]), TEXT),
        (pd.Series([True, False]), TEXT),
        (pd.Series([pd.Timestamp("2020-01-02"), None]), DAY),
        (pd.Series([1, 2]), MONEY),
        (pd.Series([1.5, None], dtype="object"), MONEY),
    ):
        assert frames._array(column, kind).equals(slowly(column, kind))


def test_what_is_read_back_is_the_same_values_whatever_repeats() -> None:
    values = ["a", None, "a", "中", "b", None, "a"]
    days = [date(2020, 1, 1), None, date(2020, 1, 1), None, None, date(1969, 5, 1), None]
    for told, kind in ((values, TEXT), (days, DAY), ([True, None, False], pa.bool_()), ([], TEXT)):
        column = pa.chunked_array([pa.array(told[:2], kind), pa.array(told[2:], kind)])
        assert list(frames._objects(column)) == told
