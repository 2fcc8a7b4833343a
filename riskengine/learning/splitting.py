"""Which rows teach, which test, and is there enough of either?

*Out of time*: rows after `cut`, the last mature day less `out_of_time`. *Held out*: the borrowers of a seeded hash.
*Development*: the other borrowers' rows up to the cut. *Ripe*: those of them whose labels were mature at the cut, lag of
reports included, i.e. what a training on that day would have had; a declared `embargo` may shorten the horizon and lets labels in that
came later (the card counts those that were mature).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.clock import Span
from riskengine.errors import Problem, QualityGateError
from riskengine.learning import fitting
from riskengine.learning.fitting import Flags
from riskengine.learning.frames import TrainingContext, TrainingFrame
from riskengine.learning.metrics import Numbers
from riskengine.learning.outcomes import Days, shift
from riskengine.learning.spec import ModelSpec


@dataclass(frozen=True)
class Split:
    """Flags by row (mature rows only), and the day that parts past and future."""

    cut: np.datetime64
    development: Flags
    ripe: Flags
    held_out: Flags
    out_of_time: Flags


def split(spec: ModelSpec, frame: TrainingFrame, context: TrainingContext) -> Split:
    """The rows' parts; a cross-section (no `out_of_time`) can only be tested on held-out borrowers."""
    held, judged = held_out(spec, frame.group), frame.judged
    if not spec.validation.out_of_time:
        nobody = np.zeros(len(held), dtype=bool)
        last_day = frame.as_of.max() if len(held) else np.datetime64(context.trained_as_of, "D")
        return Split(last_day, judged & ~held, judged & ~held, judged & held, nobody)
    last = Span.parse(spec.label.horizon).before(Span.parse(spec.label.lag).before(context.trained_as_of))
    cut = np.datetime64(Span.parse(spec.validation.out_of_time).before(last), "D")
    as_of: Days = frame.as_of
    early, known = judged & (as_of <= cut), mature_on(spec, as_of, cut)
    if spec.validation.embargo:
        known = shift(as_of, Span.parse(spec.validation.embargo)) <= cut
    return Split(cut, early & ~held, judged & known & ~held, early & held, judged & (as_of > cut))


def mature_on(spec: ModelSpec, as_of: Days, day: np.datetime64) -> Flags:
    """The rows whose labels, with the lag of reports, could be known on a day."""
    known: Flags = shift(shift(as_of, Span.parse(spec.label.horizon)), Span.parse(spec.label.lag)) <= day
    return known


def held_out(spec: ModelSpec, group: npt.NDArray[Any]) -> Flags:
    """The rows of borrowers that no test model may learn from."""
    bucket = fitting.buckets(list(group), 10_000, spec.lightgbm.seed)
    chosen: Flags = bucket < round(spec.validation.holdout_share * 10_000)
    return chosen


def folds(spec: ModelSpec, group: Sequence[Any] | npt.NDArray[Any]) -> Numbers:
    """The fold of each row: all rows of a borrower in the same one."""
    return fitting.buckets(list(group), spec.validation.folds, spec.lightgbm.seed + 1)


def enough(spec: ModelSpec, label: Numbers, parts: Split) -> None:
    """Refuse where a part has too few defaults or survivors to say anything."""
    problems = []
    sets = {
        "development": parts.development,
        "mature at the cut": parts.ripe,
        "held out": parts.held_out,
        "out of time": parts.out_of_time,
    }
    if not spec.validation.out_of_time:
        del sets["out of time"]
    for name, chosen in sets.items():
        events, total = int(label[chosen].sum()), int(chosen.sum())
        if events < spec.gates.events_at_least or total - events < spec.gates.events_at_least:
            got = f"{events} defaults in {total} rows"
            least = spec.gates.events_at_least
            problems.append(Problem(f"{name} rows", f"at least {least} defaults and survivors", got))
    if problems:
        raise QualityGateError(f"Not enough defaults to say anything of {spec.name}", problems)
