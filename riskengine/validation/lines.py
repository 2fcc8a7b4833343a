"""What does one test of a validation say: its figure, how sure it is, what it could have seen, and the verdict?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from riskengine.schema import Words

Verdict = Literal["pass", "fail", "undecidable", "information"]
POWER_ENOUGH = (
    0.8  # a test that would miss the declared departure more often than one time in five cannot pass a model
)


@dataclass(frozen=True)
class Line:
    """One line of a validation.

    `test` names the test ("auc"), `scope` what it was done on ("all", "grade:3", "region:3701", "vintage:2005Q1"). `value` lies
    between `low` and `high` (95 % unless the note says otherwise; None: not to be had). `n` and `defaults` are rows as
    counted, unweighted. `limit` says what was expected, `power` is the chance (0 to 1) that this test at 5 %, after its
    multiplicity control, rejects if the departure described by `effect` were true. `reference` is the test's source.
    `threshold`: where chance alone ends, as a number on the scale of `value`, for tests that have such a place.
    """

    test: str
    scope: str
    title: Words
    value: float | None
    low: float | None
    high: float | None
    n: int
    defaults: int
    limit: str
    power: float | None
    effect: str
    verdict: Verdict
    reference: str
    note: Words | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Rules:
    """What is declared before anybody looks: levels, departures that matter, and the draws of the bootstrap.

    `alpha`: level of every family of tests. `pd_ratio`: the PDs are this many times too low. `auc_drop`: loss of AUC that
    matters. `slope`: calibration slope that matters (and its inverse). `shift`: move of a feature, in standard deviations;
    `moved`: of the score (half a deviation is the usual limit of 0.25 for a PSI). `near`: observed over expected between
    its inverse and it is as good as one. `apart`: AUCs of segments that differ by this much (root mean square) are as
    good as equal. `correlation`: asset correlation of the one-factor model. `fewest`: defaults, and survivors, below
    which a segment is not judged.
    """

    alpha: float = 0.05
    pd_ratio: float = 1.5
    auc_drop: float = 0.05
    slope: float = 0.8
    shift: float = 0.2
    moved: float = 0.5
    near: float = 1.1
    apart: float = 0.02
    correlation: float = 0.12
    fewest: int = 10
    replicates: int = 200
    seed: int = 7


def verdict(rejected: bool | None, power: float | None, inside: bool = False) -> Verdict:
    """Pass, fail or undecidable.

    `inside`: the whole interval lies within the tolerance that the line declares: pass, even where a departure can be
    told from none (it is known to be small). Otherwise a rejection fails; no rejection passes only with a power of at
    least 0.8; all else, and a test that could not be done (`rejected` None), is undecidable.

    >>> verdict(True, 0.9), verdict(False, 0.9), verdict(False, 0.3), verdict(True, 1.0, inside=True)
    ('fail', 'pass', 'undecidable', 'pass')
    """
    if rejected is None:
        return "undecidable"
    if inside:
        return "pass"
    if rejected:
        return "fail"
    return "pass" if power is not None and power >= POWER_ENOUGH else "undecidable"


def scoped(lines: Iterable[Line], scope: str) -> list[Line]:
    """The same lines for a part of the whole: scope "all" becomes `scope`, any other "x" becomes "`scope`/x"."""
    return [replace(line, scope=scope if line.scope == "all" else f"{scope}/{line.scope}") for line in lines]
