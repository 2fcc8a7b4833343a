"""Is a change of catalogue or model worse than what was accepted, by more than chance explains?

Two results on the same nights, places and outcomes are compared enterprise by enterprise: both figures are computed on the same
draws of enterprises (paired cluster bootstrap, see `resampling`), and the change is worse where the difference is beyond the
declared tolerance and its one-sided interval at `tolerance.confidence` does not reach zero. Not worse is no proof of as good:
the interval says how much could be hidden.

What is accepted is what the audit chain says last: the file is written beside its place, then the act, then it is moved there.
A kill before the act leaves the old one accepted, a kill after it the new one (`accepted` reads what the act names); a file that
no act names is not accepted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from riskengine import clock
from riskengine.backtest.resampling import draws, ratio
from riskengine.backtest.settings import Settings, Tolerance
from riskengine.backtest.walking import FOLDER
from riskengine.errors import IntegrityError, Problem, QualityGateError, SetupError, UsageError
from riskengine.project import Project
from riskengine.registry.actors import actor
from riskengine.schema import canonical_json, fingerprint
from riskengine.scoring.bundle import Bundle, strict_json
from riskengine.store.ledger import AUDIT, Act, open_ledger, reading, record_act
from riskengine.store.snapshot import replace_text

ACCEPTED = "accepted.json"
ACTION = "accept back-test"
PARTS = (
    "format", "project", "range", "rules_day", "outcomes", "definitions", "model", "book", "rules", "signals", "tallies",
)  # fmt: skip
MEASURES = {  # measure -> above, below, times, whether more is better
    "capture": ("found", "events", 1.0, True),
    "precision": ("hits", "listings", 1.0, True),
    "false_alarms": ("false", "months", 1000.0, False),
}
_REPAIR = "Write it again with riskengine backtest-signals --out FILE"


@dataclass(frozen=True)
class Compared:
    """One measure before and now; `low` and `high` hold the difference (now less before) at 95 %."""

    measure: str
    before: float | None
    now: float | None
    low: float | None
    high: float | None
    tolerance: float
    worse: bool

    @property
    def difference(self) -> float | None:
        """Now less before."""
        return None if self.before is None or self.now is None else self.now - self.before

    def __str__(self) -> str:
        """`capture: 0.412, before 0.455 (-0.043 [-0.060, -0.027], tolerated 0.010): worse`."""
        if self.difference is None or self.low is None or self.high is None:
            return f"{self.measure}: undecidable"
        return (
            f"{self.measure}: {self.now:.4f}, before {self.before:.4f} ({self.difference:+.4f} "
            f"[{self.low:+.4f}, {self.high:+.4f}], tolerated {self.tolerance:g}): {'worse' if self.worse else 'not worse'}"
        )


def enterprise_name(firm: str) -> str:
    """What an enterprise is called in a result file: the first 16 digits of a hash, for its id is nobody else's business."""
    return hashlib.sha256(firm.encode()).hexdigest()[:16]


def compare(now: Mapping[str, Any], before: Mapping[str, Any], settings: Settings) -> list[Compared]:
    """Each of MEASURES; results on other nights, places, windows or outcomes are a `UsageError` naming what differs."""
    problems = [
        Problem(where, f"as in the accepted result: {old}", str(new), "Make a result of the old catalogue on this range first")
        for where, new, old in _must_agree(now, before)
        if new != old
    ]  # fmt: skip
    if problems:
        raise UsageError("The two results cannot be compared", problems)
    names = sorted({*now["tallies"]["enterprises"], *before["tallies"]["enterprises"]})
    tables = [_table(one["tallies"], names) for one in (now, before)]
    drawn = np.array(
        [[_figures(times @ table) for table in tables] for times in draws(len(names), settings.replicates, settings.seed)]
    )  # fmt: skip
    whole = [_figures(np.ones(len(names)) @ table) for table in tables]
    return [
        _compared(measure, (whole[1][place], whole[0][place]), drawn[:, 0, place] - drawn[:, 1, place], settings.tolerance)
        for place, measure in enumerate(MEASURES)
    ]  # fmt: skip


def check(now: Mapping[str, Any], before: Mapping[str, Any], settings: Settings) -> list[Compared]:
    """The comparison, or a `QualityGateError` with the figures of whatever is worse (exit code 8)."""
    found = compare(now, before, settings)
    if all(one.low is None for one in found):
        raise QualityGateError(
            "Nothing could be judged: a gate that sees nothing lets nothing pass 无可评价样本",
            [
                Problem(
                    f"back-test {now['range']['from']} to {now['range']['to']}",
                    "listings or compensations that can be judged",
                    "none in either result",
                    "Take a longer range, more than 12 months before the last day known",
                )
            ],
        )
    worse = [one for one in found if one.worse]
    if worse:
        raise QualityGateError(
            "The alerts have become worse than the accepted ones 预警质量劣于已认可版本",
            [
                Problem(
                    f"back-test {now['range']['from']} to {now['range']['to']}: {one.measure}",
                    f"no worse than {one.before:.4f} beyond {one.tolerance:g}",
                    f"{one.now:.4f}, a difference of {one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}]",
                    "Change the catalogue or the model, or let a person accept it with --accept REASON",
                )
                for one in worse
            ],
        )
    return found


def sealed(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result with `hash`, its fingerprint: what a result file holds."""
    rest = {name: result[name] for name in PARTS}
    return rest | {"hash": fingerprint(json.loads(canonical_json(rest)))}


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result as canonical JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, canonical_json(sealed(result)) + "\n")


def read_result(path: Path) -> dict[str, Any]:
    """A result as it was written; other bytes than those are an `IntegrityError`, no file a `SetupError`."""
    if not path.is_file():
        hint = "Make one with riskengine backtest-signals --out FILE, or accept one with --accept REASON"
        raise SetupError(
            "There is no result to compare with", [Problem(str(path), "a result", "no file", hint)]
        )
    content = strict_json(path.read_bytes(), path, _REPAIR)
    said = content.pop("hash", None)
    if set(content) != set(PARTS) or fingerprint(content) != said:
        raise IntegrityError(
            "A back-test's result is damaged", [Problem(str(path), f"content of hash {said}", "other", _REPAIR)]
        )  # fmt: skip
    return content


def accepted_path(project: Project) -> Path:
    """Where the accepted result lies: in its place, or still beside it where a kill came between the act and the move."""
    path, coming = _places(project)
    return coming if coming.exists() and _named(open_ledger(project.store)) == _hash(coming) else path


def accept(project: Project, result: Mapping[str, Any], reason: str) -> str:
    """Make a result the accepted one and say so in the audit chain; returns the chain's new head."""
    if not reason.strip():
        raise UsageError("Accepting needs a reason", [Problem("--accept", "why it is accepted", "nothing")])
    path, coming = _places(project)
    if accepted_path(project) == coming:
        coming.replace(path)
    before = read_result(path) if path.exists() else None
    told = sealed(result)
    write_result(coming, result)
    by = actor(project.environment.declared_actors)
    detail = {
        "reason": reason.strip(),
        "by": by.to_json(),
        "result": told["hash"],
        "before": sealed(before)["hash"] if before else None,
        "catalogue": told["definitions"]["catalogue"],
        "model": told["model"]["spec"],
    }
    subject = f"{told['range']['from']} to {told['range']['to']}"
    head = record_act(open_ledger(project.store), Act(clock.now(), by.name, ACTION, subject, detail))
    coming.replace(path)
    return head


def accepted(project: Project) -> dict[str, Any] | None:
    """The result that the last act of accepting names; None where there is none, or no file of it.

    A damaged file is an `IntegrityError`. Nothing is written.
    """
    path = accepted_path(project)
    if not path.exists():
        return None
    told = read_result(path)
    return told if _hash(path) == _named(open_ledger(project.store)) else None


def accepted_result(project: Project) -> dict[str, Any]:
    """The accepted result; a `SetupError` where no act of accepting names one."""
    found = accepted(project)
    if found is None:
        hint = "Accept one with riskengine backtest-signals ... --accept REASON"
        raise SetupError(
            "There is no accepted result",
            [Problem(str(accepted_path(project)), "a result that an act names", "none", hint)],
        )
    return found


def accepted_for(project: Project, catalogue: str, bundle: Bundle) -> bool:
    """Whether this catalogue with a model of this definition (or this very bundle) is what was back-tested and accepted.

    A walk-forward judges a definition, not the champion that was trained by it last; so a retraining needs no new back-test and a
    changed `models/<name>.toml` does. A damaged file is an `IntegrityError`.
    """
    told = accepted(project)
    if told is None:
        return False
    model = told["model"]
    same = model["spec"] == fingerprint(bundle.spec) or bundle.hash in [one[1] for one in model["bundles"]]
    return bool(same and told["definitions"]["catalogue"] == catalogue)


def _places(project: Project) -> tuple[Path, Path]:
    """Where the accepted result lies, and where it lies until its act is written."""
    folder = project.store / FOLDER
    return folder / ACCEPTED, folder / f".{ACCEPTED}.coming"


def _hash(path: Path) -> str:
    """The hash that a result file says it has."""
    return str(strict_json(path.read_bytes(), path, _REPAIR).get("hash"))


def _named(book: Engine) -> str:
    """The hash of the result that was accepted last; empty where none was."""
    query = sa.select(AUDIT.c.detail).where(AUDIT.c.action == ACTION).order_by(AUDIT.c.seq.desc()).limit(1)
    with reading(book) as connection:
        detail = connection.execute(query).scalar()
    return str(json.loads(detail)["result"]) if detail else ""


def _must_agree(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    def said(one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "project": one["project"],
            "range": one["range"],
            "settings": one["definitions"]["settings"],
            "places": one["definitions"]["places"],
            "composition": one["definitions"]["composition"],
            "model mode": one["model"]["mode"],
            "compensations": one["outcomes"]["hash"],
        }

    new, old = said(now), said(before)
    return [(where, new[where], old[where]) for where in new]


def _table(tallies: Mapping[str, Any], names: list[str]) -> Any:
    place = {name: number for number, name in enumerate(names)}
    rows = np.array([place[name] for name in tallies["enterprises"]], dtype=np.int64)
    columns = list(dict.fromkeys(name for above, below, _, _ in MEASURES.values() for name in (above, below)))
    made = np.zeros((len(names), len(columns)))
    for number, column in enumerate(columns):
        made[rows, number] = tallies[column]
    return made


def _figures(total: Any) -> Any:
    columns = list(dict.fromkeys(name for above, below, _, _ in MEASURES.values() for name in (above, below)))
    at = {name: number for number, name in enumerate(columns)}
    above = np.array([times * total[at[one]] for one, _, times, _ in MEASURES.values()])
    below = np.array([total[at[one]] for _, one, _, _ in MEASURES.values()])
    return ratio(above, below)


def _compared(measure: str, figures: tuple[float, float], gaps: Any, limits: Tolerance) -> Compared:
    before, now = figures
    tolerance, better = float(getattr(limits, measure)), MEASURES[measure][3]
    known = gaps[np.isfinite(gaps)]
    if np.isnan(before) or np.isnan(now) or len(known) < len(gaps) / 2:
        said = [None if np.isnan(value) else float(value) for value in (before, now)]
        return Compared(measure, said[0], said[1], None, None, tolerance, False)
    sign = 1.0 if better else -1.0
    loss = sign * (before - now)
    surely = float(np.quantile(sign * known, limits.confidence)) < 0
    low, high = np.quantile(known, [0.025, 0.975])
    return Compared(
        measure, float(before), float(now), float(low), float(high), tolerance, loss > tolerance and surely
    )
