"""What could the applicant do so that the PD is good enough? The fewest and smallest allowed moves, each re-scored.

Only features that the specification names as actionable move, only the way it allows and no further, and only where a
value is known. A tree model changes its answer at its thresholds and nowhere else, so these are the values that are tried:
first one feature alone, then two, then three together; what reaches is drawn back feature by feature to the smallest move
that still reaches (Wachter, Mittelstadt and Russell, 2018; actionability: Ustun, Spangher and Liu, FAT* 2019). Every way is
scored anew by `pd_of` before it is told.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from riskengine.errors import Problem, UsageError, nearest
from riskengine.profile.units import counted
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.reasons import Language, recipe_labels, tree_users, value_text
from riskengine.scoring.scorecard import grade_of, master_scale, pd_of, scale_pd
from riskengine.scoring.trees import leaf_of, leaf_values

_MOST = 3  # features that move together: more is no advice
_DIGITS = 3
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Case:
    """One row to be helped: values in the bundle's order, its segment, and features that may not move whatever the spec says."""

    row: Sequence[float | None]
    segment: str | None = None
    fixed: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One feature from a value to another; `share`: how much of the way that is allowed."""

    feature: str
    value: float
    to: float
    share: float


@dataclass(frozen=True, slots=True)
class Way:
    """Moves made together, and the PD and grade that re-scoring gives then."""

    moves: tuple[Move, ...]
    pd: float
    grade: str


@dataclass(frozen=True, slots=True)
class WayOut:
    """What would help: at most `limit` ways that reach the target; none: `furthest` is all that moving everything gives."""

    target: str | float
    ways: tuple[Way, ...]
    furthest: Way | None = None


def counterfactuals(bundle: Bundle, case: Case, target: str | float, limit: int = 3) -> WayOut:
    """The fewest, then the smallest moves of actionable features that reach `target`: a grade's name, or a PD.

    A way's moves are minimal: undo one and the target is missed. A grade that is not on the scale is a `UsageError`.
    """
    search = _Search(bundle, case, _limit_of(bundle, target), isinstance(target, str))
    if search.reached({}):
        return WayOut(target, ())
    ways: list[tuple[int, ...]] = []
    found: list[Way] = []
    for size in range(1, min(_MOST, len(search.columns)) + 1):
        for chosen in combinations(search.columns, size):
            if any(set(way) <= set(chosen) for way in ways):
                continue
            far = {column: search.furthest[column] for column in chosen}
            if search.reached(far):
                ways.append(chosen)
                found.append(search.way(search.drawn_back(far)))
        if len(found) >= limit:
            break
    found.sort(key=lambda way: (len(way.moves), sum(move.share for move in way.moves), _names(way)))
    far = {column: search.furthest[column] for column in search.columns}
    return WayOut(target, tuple(found[:limit]), None if found or not far else search.way(far))


def way_text(labels: Mapping[str, Mapping[str, Any]], bundle: Bundle, way: Way, language: Language) -> str:
    """A way in words: what to do, what that changes, and what it gives. `labels`: the features' entries in the recipe."""
    actions = bundle.spec.get("actionable", {})
    parts = []
    for move in way.moves:
        info, words = labels[move.feature], actions[move.feature]["words"]
        before, after = (value_text(info, value, language) for value in (move.value, move.to))
        if language == "zh":
            parts.append(f"{words['zh']}（{info['zh']}由{before}变为{after}）")
        else:
            parts.append(f"{words['en']} ({info['en']} from {before} to {after})")
    if language == "zh":
        return f"{'，并且'.join(parts)}：等级可达{way.grade}（违约概率{way.pd:.2%}）"
    return f"{', and '.join(parts)}: grade {way.grade} (PD {way.pd:.2%})"


def _names(way: Way) -> tuple[str, ...]:
    return tuple(move.feature for move in way.moves)


def _limit_of(bundle: Bundle, target: str | float) -> float:
    if not isinstance(target, str):
        return target
    limits = {grade.name: grade.pd_up_to for grade in master_scale(bundle).grades}
    if target not in limits:
        raise UsageError(
            "No such grade", [Problem(bundle.model, "a grade of the scale", target, nearest(target, limits))]
        )
    return limits[target]


class _Search:
    """One row's leaves, and what they become when actionable features stand elsewhere."""

    def __init__(self, bundle: Bundle, case: Case, limit: float, on_scale: bool) -> None:
        self.bundle, self.case, self.limit, self.on_scale = bundle, case, limit, on_scale
        self.leaves = leaf_values(bundle.trees, case.row)
        self.users = tree_users(bundle)
        self.values: dict[int, list[float]] = {}  # by column: where it can go, the smallest move first
        self.furthest: dict[int, float] = {}
        for column, action in _actions(bundle):
            if bundle.features[column] not in case.fixed and (
                values := _reachable(bundle, case, column, action)
            ):
                self.values[column] = values
                self.furthest[column] = values[-1] if self._ordered(column) else self._best(column, values)
        self.columns = tuple(sorted(self.values))

    def pd(self, to: Mapping[int, float]) -> float:
        """The PD with these columns at other values, by the one function that makes PDs."""
        row = list(self.case.row)
        for column, value in to.items():
            row[column] = value
        changed = self.leaves.copy()
        trees = self.bundle.trees["trees"]
        for number in {number for column in to for number in self.users.get(column, ())}:
            changed[number] = trees[number]["leaf"][leaf_of(trees[number], row)]
        raw = 0.0
        for leaf in changed:
            raw += leaf
        return pd_of(self.bundle, raw, row, self.case.segment)

    def reached(self, to: Mapping[int, float]) -> bool:
        """Whether the target is reached."""
        pd = self.pd(to)
        return (scale_pd(self.bundle, pd) if self.on_scale else pd) <= self.limit

    def drawn_back(self, far: Mapping[int, float]) -> dict[int, float]:
        """The same columns, each in turn at the smallest move with which the others still reach."""
        kept = dict(far)
        for column in sorted(far, key=lambda one: (-self._share(one, far[one]), one)):
            values, others = self.values[column], dict(kept)
            if self._ordered(column):
                place = bisect_left(values, True, key=lambda to: self.reached({**others, column: to}))
                kept[column] = values[min(place, len(values) - 1)]
            else:
                kept[column] = next(
                    to for to in values if to == others[column] or self.reached({**others, column: to})
                )
        return kept if self.reached(kept) else dict(far)

    def _ordered(self, column: int) -> bool:
        """Whether the further it moves the lower the PD is: the specification says so, and training has verified it."""
        return self.bundle.features[column] in _one_way(self.bundle)

    def way(self, to: Mapping[int, float]) -> Way:
        """The moves with the PD and grade that they give."""
        pd = self.pd(to)
        moves = []
        for column, value in sorted(to.items()):
            before = self.case.row[column]
            assert before is not None
            moves.append(Move(self.bundle.features[column], before, value, self._share(column, value)))
        grade = grade_of(master_scale(self.bundle), scale_pd(self.bundle, pd)).name
        return Way(tuple(moves), pd, grade)

    def _share(self, column: int, value: float) -> float:
        before = self.case.row[column]
        assert before is not None
        side = [to for to in self.values[column] if (to > before) == (value > before)]
        whole = max(abs(to - before) for to in side)
        return abs(value - before) / whole

    def _best(self, column: int, values: Sequence[float]) -> float:
        """The value with the lowest PD, the smallest move among equals."""
        return min(values, key=lambda value: self.pd({column: value}))


def _actions(bundle: Bundle) -> list[tuple[int, Mapping[str, Any]]]:
    actions = bundle.spec.get("actionable") or {}
    return [
        (bundle.features.index(name), actions[name]) for name in sorted(actions) if name in bundle.features
    ]


def _reachable(bundle: Bundle, case: Case, column: int, action: Mapping[str, Any]) -> list[float]:
    """Where a feature can go: one value for each answer of the trees, in reach and the allowed way, nearest first.

    A value is what is told: of a counted thing a whole number, else three digits where the trees cannot tell the difference.
    """
    value = case.row[column]
    if value is None or not math.isfinite(value):
        return []
    limits = _thresholds(bundle).get(column, [])
    lowest, highest = _bounds(bundle, case, action)
    whole = counted(str(recipe_labels(bundle)[bundle.features[column]].get("unit") or ""))
    found = set()
    if action["direction"] in ("down", "both"):
        for place in range(bisect_left(limits, value) - 1, -1, -1):
            below = limits[place - 1] if place else -math.inf
            to = _told(limits[place], max(below, lowest), whole, down=True)
            found.add(max(to, lowest))
    if action["direction"] in ("up", "both"):
        for place in range(bisect_left(limits, value), len(limits)):
            above = limits[place + 1] if place + 1 < len(limits) else math.inf
            to = _told(math.nextafter(limits[place], math.inf), min(above, highest), whole, down=False)
            found.add(min(to, highest))
    name = bundle.features[column]
    ways = {"up": (1,), "down": (-1,), "both": (1, -1)}[action["direction"]]
    helpful = _one_way(bundle).get(name)
    label, now = recipe_labels(bundle)[name], value_text(recipe_labels(bundle)[name], value, "en")
    kept = [
        to
        for to in found
        if math.isfinite(to)
        and (side := (to > value) - (to < value)) in ways
        and helpful in (None, side)
        and value_text(label, to, "en") != now  # a move that cannot be told is none
    ]
    return sorted(kept, key=lambda to: (abs(to - value), to))


def _bounds(bundle: Bundle, case: Case, action: Mapping[str, Any]) -> tuple[float, float]:
    """How far down and up: the action's own limits, and the value of the feature below which it cannot fall (`not_below`)."""
    lowest = -math.inf if action.get("lowest") is None else float(action["lowest"])
    highest = math.inf if action.get("highest") is None else float(action["highest"])
    other = action.get("not_below") or ""
    if other in bundle.features:
        least = case.row[bundle.features.index(other)]
        if least is not None and not math.isnan(least):
            lowest = max(lowest, least)
    return lowest, highest


def _told(edge: float, beyond: float, whole: bool, *, down: bool) -> float:
    """A number that people say, on the same side of every threshold as `edge`; it may go towards `beyond`, not past it."""
    if whole:
        return float(math.floor(edge)) if down else float(math.ceil(edge))
    if abs(edge) < _NOTHING:  # LightGBM's edge between nothing and something
        return 0.0 if down else min(beyond, 1.0)
    scale = 10.0 ** (math.floor(math.log10(abs(edge))) - _DIGITS + 1)
    rounded = (math.floor if down else math.ceil)(edge / scale) * scale
    short = float(f"{rounded:.{_DIGITS + 2}g}")
    fits = (beyond < short <= edge) if down else (edge <= short <= beyond)
    return short if fits else edge


def _thresholds(bundle: Bundle) -> dict[int, list[float]]:
    """By feature: every value at which some tree changes its answer, ascending."""
    if "thresholds" not in bundle.scoring_parts:
        found: dict[int, set[float]] = {}
        for tree in bundle.trees["trees"]:
            for feature, limit in zip(tree["feature"], tree["threshold"], strict=True):
                if limit is not None:
                    found.setdefault(feature, set()).add(limit)
        bundle.scoring_parts["thresholds"] = {feature: sorted(limits) for feature, limits in found.items()}
    made: dict[int, list[float]] = bundle.scoring_parts["thresholds"]
    return made


def _one_way(bundle: Bundle) -> dict[str, int]:
    """Features of which only less (-1) or only more (1) can lower the PD."""
    declared = bundle.spec.get("monotone") or {}
    return dict.fromkeys(declared.get("up", ()), -1) | dict.fromkeys(declared.get("down", ()), 1)
