"""What would help reaches the grade when it is scored anew, moves only what may move, and nothing smaller would do."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import ACTIONS, CALIBRATIONS, NAMES, Made, calibrated_as, held, with_part
from test_trees import plain_rows

from riskengine.decision.ways import way_lines, way_out
from riskengine.errors import UsageError
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.counterfactuals import Case, Way, counterfactuals
from riskengine.scoring.scorecard import pd_of, scale_pd
from riskengine.scoring.trees import raw_score

SEGMENT = "12"
GRID = np.linspace(-2, 2, 400).tolist()  # without an exact zero: where zero is missing, that is no move


def rescored(bundle: Bundle, row: list[float | None], moves: dict[str, float]) -> float:
    changed = [moves.get(name, value) for name, value in zip(NAMES, row, strict=True)]
    return pd_of(bundle, raw_score(bundle.trees, changed), changed, SEGMENT)


def moves_of(way: Way) -> dict[str, float]:
    return {move.feature: move.to for move in way.moves}


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_every_way_is_what_rescoring_says(made: Made, kind: str) -> None:
    bundle = held(calibrated_as(made.files, kind))
    reached = helpless = 0
    for row in plain_rows(made.matrix[:60]):
        if scale_pd(bundle, rescored(bundle, row, {})) <= 0.2:
            assert counterfactuals(bundle, Case(row, SEGMENT), "B").ways == ()
            continue
        found = counterfactuals(bundle, Case(row, SEGMENT), "B")
        assert [len(way.moves) for way in found.ways] == sorted(len(way.moves) for way in found.ways)
        for way in [*found.ways, *([found.furthest] if found.furthest else [])]:
            assert rescored(bundle, row, moves_of(way)) == way.pd
            for move in way.moves:
                action, before = ACTIONS[move.feature], row[NAMES.index(move.feature)]
                assert before is not None
                assert before == move.value != move.to
                assert action["direction"] == "both" or move.to < before
                assert action["lowest"] is None or move.to >= action["lowest"]
                assert action["highest"] is None or move.to <= action["highest"]
        for way in found.ways:
            assert scale_pd(bundle, way.pd) <= 0.2
            for undone in way.moves:  # every move is needed
                rest = {name: to for name, to in moves_of(way).items() if name != undone.feature}
                assert scale_pd(bundle, rescored(bundle, row, rest)) > 0.2
        reached += bool(found.ways)
        helpless += not found.ways
    assert reached + helpless > 3


def test_one_move_is_the_smallest_that_reaches(made: Made) -> None:
    """Against every value on a fine grid: none that is nearer reaches, up to the digits that are told."""
    seen = 0
    for row in plain_rows(made.matrix[:80]):
        share = row[2]
        if share is None or rescored(made.bundle, row, {}) <= 0.25:
            continue
        others = frozenset(NAMES) - {"share"}
        found = counterfactuals(made.bundle, Case(row, SEGMENT, others), 0.25)
        grid = [value for value in GRID if rescored(made.bundle, row, {"share": value}) <= 0.25]
        assert bool(found.ways) or not grid
        if found.ways and grid:
            nearest = min(abs(value - share) for value in grid)
            assert abs(found.ways[0].moves[0].to - share) <= nearest + 0.03
            seen += 1
    assert seen > 5


def test_what_is_missing_or_fixed_never_moves(made: Made) -> None:
    for row in plain_rows(made.matrix[:100]):
        found = counterfactuals(made.bundle, Case(row, None, {"count"}), 0.0001)
        moved = {move.feature for way in [*found.ways, found.furthest] if way for move in way.moves}
        gone = {name for name, value in zip(NAMES, row, strict=True) if value is None}
        assert not moved & ({"count", "age", "flag"} | gone)
    nobody = counterfactuals(made.bundle, Case([None] * 5), 0.0001)
    assert (nobody.ways, nobody.furthest) == ((), None)


def test_a_feature_never_falls_below_the_one_it_contains(made: Made) -> None:
    actions = {"share": {**ACTIONS["share"], "direction": "down", "lowest": None, "not_below": "flag"}}
    bundle = held(with_part(made.files, "spec.json", actionable=actions))
    found = counterfactuals(bundle, Case([5e4, 3.0, 1.8, 1.0, 0.0]), 0.0001)
    assert found.furthest is not None
    assert found.furthest.moves[0].to >= 1.0


def test_the_words_say_what_to_do_and_that_nothing_helps(made: Made) -> None:
    row = [9e4, 1.0, 1.5, 0.0, 6.0]
    found = way_out(made.bundle, Case(row), "B")
    assert found is not None
    (first, *_) = way_lines(found, "zh")
    assert "等级可达" in first
    assert "由" in first
    none = way_out(made.bundle, Case(row, None, set(NAMES)), "A")
    assert none is not None
    assert way_lines(none, "en") == [
        "Nothing that the applicant can change reaches grade A: what could be done is not known or leaves no room"
        f" ({'; '.join(ACTIONS[name]['words']['en'] for name in sorted(ACTIONS))})"
    ]
    assert way_lines(none, "zh") == [
        "申请人可改变的各项均不足以达到等级A：可行的措施尚属未知或已无改善余地"
        f"（{'、'.join(ACTIONS[name]['words']['zh'] for name in sorted(ACTIONS))}）"
    ]
    short = way_out(made.bundle, Case(row, None, {"share"}), "A")
    assert short is not None
    assert short["furthest"] is not None or short["ways"]
    assert way_out(held(with_part(made.files, "spec.json", actionable={})), Case(row), "A") is None
    assert way_out(made.bundle, Case(row), None) is None
    with pytest.raises(UsageError, match="No such grade"):
        counterfactuals(made.bundle, Case(row), "Z")
