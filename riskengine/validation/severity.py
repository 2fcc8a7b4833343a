"""Which lines of a validation decide, and what is the model's verdict?

A validation asks some two hundred questions. If the worst answer decided, every real model would fail, and the verdict would
say nothing: at a level of 5 % two hundred sound details give ten alarms. So each section names beforehand the few lines
that decide. They are asked once of the whole, or hold their level over the whole family that they speak for (Holm, S.
Holm 1979; one chi-square over all grades); every other line is a detail: shown, said to have failed where it did, and
left to the reader. That outcomes analysis is weighed by materiality, not counted, is SR 26-2's; which lines decide is
this house's choice [D], declared here before anybody looks:

- discrimination: AUC not below the specification's gate; not below the AUC at development beyond chance (ECB 2019, 2.5);
- calibration: observed over expected defaults, within the declared tolerance (Jeffreys interval, ECB 2019, 2.5);
- grades: all grades together (Hosmer and Lemeshow 1980), worse grades default more;
- segments: whether segments differ in AUC or in observed over expected, by dimension, Holm over dimensions. Not by
  vintage: years share an economy, and the next line judges them so;
- vintages: no vintage beyond what one bad year explains (one-factor model, Holm over vintages);
- stability: PSI of the published PD (ECB 2019: stability of ratings and of the population);
- monotonicity: all declared directions; leakage: the whole audit;
- benchmarks: no simpler means significantly better. Not to be better is a finding, not a failure.

Swap set and reasons inform; they have no line that decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Overall = Literal["pass", "fail", "undecidable"]
STATES = ("fail", "undecidable", "pass", "information")
DECIDING: Mapping[str, frozenset[str]] = {
    "discrimination": frozenset({"auc_gate", "auc_development"}),
    "calibration": frozenset({"calibration_large"}),
    "grades": frozenset({"hosmer_lemeshow", "grade_order"}),
    "segments": frozenset({"heterogeneity_auc", "heterogeneity_ratio"}),
    "stability": frozenset({"psi"}),
    "monotonicity": frozenset({"directions"}),
    "vintages": frozenset({"vintages_together"}),
    "swap": frozenset(),
    "benchmarks": frozenset({"rivals"}),
    "leakage": frozenset({"leakage_audit"}),
    "reasons": frozenset(),
}
MATTERS = frozenset({"auc_gate", "auc_development", "calibration_large"})  # without these nobody can say pass
NEEDED = frozenset({"auc_gate", "calibration_large"})  # and these must have been asked


def decides(section: str, test: str, scope: str) -> bool:
    """Whether a line decides: a deciding test of its section, asked of the whole (or of a dimension that is not time).

    >>> decides("stability", "psi", "pd"), decides("stability", "psi", "grade"), decides("discrimination", "auc_gate", "sample:x")
    (True, False, False)
    """
    if test not in DECIDING[section]:
        return False
    if section == "segments":
        return scope != "vintage"
    return scope == ("pd" if test == "psi" else "all")


def of_section(name: str, lines: Iterable[Mapping[str, Any]]) -> str:
    """A section's verdict: the worst of its deciding lines; `information` where none of its tests ever decides."""
    said = {line["verdict"] for line in lines if line["deciding"]}
    worst = next((state for state in STATES if state in said), None)
    return worst or ("undecidable" if DECIDING[name] else "information")


def overall(lines: Iterable[Mapping[str, Any]]) -> Overall:
    """The model's verdict: a deciding line that failed fails it; AUC or calibration that nobody can judge leave it open.

    `lines` are told lines with `deciding`, `test` and `verdict`. Other deciding lines that are undecidable do not block:
    they are shown, and to be asked again when there are more outcomes.

    >>> one = {"test": "auc_gate", "deciding": True, "verdict": "pass"}
    >>> two = {"test": "calibration_large", "deciding": True, "verdict": "pass"}
    >>> overall([one, two]), overall([one]), overall([one, two, {"test": "segment_auc", "deciding": False, "verdict": "fail"}])
    ('pass', 'undecidable', 'pass')
    """
    told = [line for line in lines if line["deciding"]]
    if any(line["verdict"] == "fail" for line in told):
        return "fail"
    open_ = any(line["verdict"] != "pass" for line in told if line["test"] in MATTERS)
    return "undecidable" if open_ or not {line["test"] for line in told} >= NEEDED else "pass"


def decided(lines: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many deciding lines of each state; none of them is ever mere information."""
    found = counts(line for line in lines if line["deciding"])
    return {name: number for name, number in found.items() if name != "information"}


def counts(lines: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many lines of each state."""
    told = [line["verdict"] for line in lines]
    return {name: told.count(name) for name in ("pass", "fail", "undecidable", "information")}
