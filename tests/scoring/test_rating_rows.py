"""Ratings by columns are those of the plain lines, one by one and to the bit, whatever is calibrated, shifted, missing or far out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import CALIBRATIONS, bundle_files, calibrated_as, held, rows, with_part
from test_calibration import INTERVAL

from riskengine.errors import UsageError
from riskengine.scoring import elementary, native, rating_rows
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.rating_rows import Coded, coded, ratings
from riskengine.scoring.scorecard import pd_of, rating, term_of

FILES = bundle_files()[0]
SEGMENTS = {
    "column": "bank", "shifts": {"12": 0.4, "O'Hara 行": -0.3, "up": 9.0, "down": -9.0, "flat": 0.0},
    "deviations": {"12": 0.2, "up": 0.0}, "spread": 0.3,
}  # fmt: skip
NAMED = ("12", "O'Hara 行", "up", "down", "flat", "never seen", None)
SIZE = 700


def made(kind: str, **changes: object) -> Bundle:
    files = with_part(
        calibrated_as(FILES, kind), "calibration.json", interval=INTERVAL, segments=SEGMENTS, **changes
    )
    return held(files)


def asked(seed: int) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """Raw scores, rows and segments, many of them extreme."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(0, 3, SIZE)
    raw[:60] = rng.choice([0.0, -0.0, 40.0, -40.0, 800.0, -800.0, -2.5, 2.0, 0.6], 60)
    matrix = rows(SIZE, seed)
    matrix[:, 0] = rng.choice([np.nan, -5.0, 0.0, 30.4, 30.436875, 61.0, 152.2, 900.0, np.inf], SIZE)
    matrix[:90, 1] = rng.choice([np.nan, 6.0, 12.0, 12.5, 24.0, -np.inf, np.inf], 90)
    return raw, matrix, [NAMED[place] for place in rng.integers(0, len(NAMED), SIZE)]


def told(bundle: Bundle, raw: float, row: list[float], segment: str | None) -> tuple[object, ...]:
    one, term = rating(bundle, raw, row, segment), term_of(bundle, raw, row, segment)
    return one.raw, one.pd, one.score, one.grade, one.low, one.high, one.unsure, term and term.lifetime_pd


@pytest.mark.parametrize("kind", CALIBRATIONS)
@pytest.mark.parametrize("seed", [1, 2])
def test_columns_are_the_plain_lines_to_the_bit(kind: str, seed: int) -> None:
    bundle = made(kind)
    raw, matrix, segments = asked(seed)
    found = ratings(bundle, raw, matrix, coded(segments, SIZE))
    known = [
        None if math.isnan(value) else value for value in found.lifetime.tolist()
    ]  # NaN where there are no months
    together = zip(
        found.raw, found.pd, found.score, found.grade, found.low, found.high, found.unsure, known, strict=True
    )
    alone = [told(bundle, *one) for one in zip(raw.tolist(), matrix.tolist(), segments, strict=True)]
    assert list(together) == alone
    names = [grade["name"] for grade in bundle.grades["grades"]]
    assert [names[number - 1] for number in found.grade_no] == found.grade.tolist()
    pds = rating_rows.pds(bundle, raw, matrix, coded(segments, SIZE)).tolist()
    plain = zip(raw.tolist(), matrix.tolist(), segments, strict=True)
    assert pds == [pd_of(bundle, *one) for one in plain]


def test_a_curve_that_stands_still_never_falls_under_a_shift() -> None:
    """Months that add last bits only: shifted, some lie above the last month's, and the lifetime PD is the highest."""
    dice = np.random.default_rng(1)
    before = dice.uniform(1e-4, 0.9, 100_000)
    last = np.nextafter(before, 1.0)
    shift = dice.choice([-0.3, 0.0, 0.4], len(last))
    alone = np.maximum(*(rating_rows.shifted(each, shift) for each in (before, last)))
    assert (alone > rating_rows.shifted(last, shift)).sum() > 20, "else nothing is tested"
    curve = [before * 0.5, before, last]
    assert rating_rows.lifetime_pds(curve, shift).tobytes() == alone.tobytes()


@pytest.mark.parametrize("kind", ["hazard", "beta with segments"])
def test_blocks_and_threads_change_no_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = made(kind)
    _, matrix, segments = asked(4)
    whole = native.score_rows(bundle, matrix, segments)
    monkeypatch.setattr(native, "BLOCK", 37)
    for threads in (1, 3):
        monkeypatch.setattr(native, "THREADS", threads)
        parts = native.score_rows(bundle, matrix, segments)
        for name in ("raw", "pd", "score", "low", "high", "grade_no", "lifetime"):
            assert getattr(parts, name).tobytes() == getattr(whole, name).tobytes()
        assert parts.grade.tolist() == whole.grade.tolist()
        assert parts.unsure.tolist() == whole.unsure.tolist()
    for n in (0, 5, 400):
        one = native.score_rows(bundle, matrix[n : n + 1], segments[n : n + 1])
        assert (one.pd[0], one.low[0], one.score[0]) == (whole.pd[n], whole.low[n], whole.score[n])


def test_nobody_and_an_unknown_method() -> None:
    empty = native.score_rows(made("hazard"), np.zeros((0, 5)), [])
    assert [len(empty.pd), len(empty.grade), len(empty.lifetime)] == [0, 0, 0]
    with pytest.raises(UsageError, match="Unknown calibration"):
        native.score_rows(made("logistic", method="platt"), np.zeros((1, 5)))


def test_segments_are_coded_whole() -> None:
    found = coded(["b", None, "a", "b"], 4)
    assert (found.codes.tolist(), found.names) == ([0, -1, 1, 0], ("b", "a"))
    assert found[1:3].of_each(lambda name: {"a": 2.0, None: 7.0}.get(name, 0.0)).tolist() == [7.0, 2.0]
    assert coded(found, 4) is found
    assert Coded(np.array([-1]), ()).of_each(lambda name: 3.0).tolist() == [3.0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-700, 700), min_size=1, max_size=50))
def test_elementary_functions_are_those_of_math(values: list[float]) -> None:
    array = np.array(values)
    chances = np.exp2(-np.abs(array) / 20)
    for ours, plain, domain in (
        (elementary.exp, math.exp, array),
        (elementary.expm1, math.expm1, array),
        (elementary.log, math.log, chances),
        (elementary.log1p, math.log1p, -chances[chances < 1]),
    ):
        assert ours(domain).tolist() == [plain(value) for value in domain.tolist()]


def test_a_kernel_that_is_off_by_one_bit_is_not_taken() -> None:
    probe = np.linspace(-3.0, 3.0, 100)
    exact = elementary.one_by_one(math.exp)
    assert elementary.same_bits(exact, math.exp, probe)
    assert not elementary.same_bits(lambda some: np.nextafter(exact(some), np.inf), math.exp, probe)

    class Wrong:
        def __call__(self, values: object) -> object:
            return self

        def to_numpy(self) -> np.ndarray:
            return np.zeros(100)

    assert elementary._chosen(Wrong(), math.exp, probe)(probe).tolist() == exact(probe).tolist()
