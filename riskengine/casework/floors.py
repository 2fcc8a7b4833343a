"""Below which PD may no model go, whatever it says, and who has waived that for a while? `configs/floors.toml`.

A floor is a rule of the institution, not an estimate: where a signal says that an enterprise is unable to pay or no longer
there, its PD counts at least as the floor says, in ranking, budget and lines. The model's own PD stays as it is beside it.
Bankruptcy and the like are default events or signs of unlikeliness to pay in Basel's definition (CRE36.69, 36.71).

A waiver removes the floor for one enterprise until its last day, never the signal; the day after it speaks up itself
(`WAIVER-EXPIRED`) as long as the floor still holds and nobody has renewed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, expm1, log1p
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, UsageError, nearest
from riskengine.monitor.ranking import known_loss
from riskengine.monitor.signal_rows import COLUMNS, WITHDRAWN
from riskengine.monitor.signals import SEVERITIES, Band, Exit, Severity, Signal, text_problems
from riskengine.monitor.vocabulary import GUARANTEE
from riskengine.schema import Definition, Words, read_definition
from riskengine.scoring.scorecard import Grades, grade_of

EXPIRED = "WAIVER-EXPIRED"
ADDED = ("pd_floor", "floor", "floor_waived", "pd_used", "grade_used", "loss_used")
_UNTIL_RENEWED = Words(
    en="The waiver is renewed, or the floor's signal is gone", zh="豁免已续期，或下限所依据的信号已解除"
)
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}


class Waived(Protocol):
    """What a waiver says; `state` "waived" is one in force, approved by a second person."""

    @property
    def enterprise(self) -> str:
        """Whose floor is waived."""

    @property
    def floor(self) -> str:
        """The id of the floor."""

    @property
    def until(self) -> date:
        """Its last day."""

    @property
    def state(self) -> str:
        """ "waived" once it is in force."""


class Floor(Definition):
    """At least this grade or yearly PD where one of `signals` is as severe as `least`; both days included."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    title: Words
    signals: tuple[str, ...] = Field(min_length=1)
    least: Severity = "red"
    grade: str = ""
    pd: float | None = Field(default=None, gt=0, lt=1)  # a year, as the master scale is
    start: date = Field(alias="from")
    end: date | None = Field(default=None, alias="to")
    reference: str
    evidence: str = "D"

    @model_validator(mode="after")
    def _one_floor(self) -> Floor:
        if bool(self.grade) == (self.pd is not None):
            raise ValueError("one of grade and pd")
        return self

    def holds_on(self, as_of: date) -> bool:
        """Whether it is in force on a day."""
        return self.start <= as_of and (self.end is None or as_of <= self.end)


class Expired(Definition):
    """How a waiver that has run out speaks: a built-in signal, of which only the words and the severity are told."""

    title: Words
    category: Words
    text: Words  # {floors}, {until}
    action: Words
    owner: Words
    severity: Severity = "yellow"
    reference: str
    evidence: str = "D"


class Floors(Definition):
    """`configs/floors.toml`; without floors no waiver can run out."""

    expired: Expired | None = None
    floors: tuple[Floor, ...] = Field(default=(), alias="floor")

    @model_validator(mode="after")
    def _words(self) -> Floors:
        if self.floors and self.expired is None:
            raise ValueError("[expired], how a waiver of a floor that has run out speaks")
        return self


@dataclass(frozen=True)
class FloorRules:
    """The floors, the master scale they are told in, and the waivers of officers up to the night's day.

    `to_scale`: the bundle's exponent from the model's horizon to a year (`scoring.scorecard.scale_pd`).
    """

    floors: Floors
    grades: Grades
    waivers: Sequence[Waived] = ()
    to_scale: float = 1.0

    def pd_of(self, floor: Floor) -> float:
        """A floor over the model's horizon: of a grade the smallest PD of six digits that is in it.

        `1 - (1 - yearly PD) ** (1 / to_scale)`, the inverse of `scale_pd`, rounded up.
        """
        if floor.pd is not None:
            return self._over_horizon(floor.pd)
        names = [grade.name for grade in self.grades.grades]
        place = names.index(floor.grade)
        step, low = 1e-6, self.grades.grades[place - 1].pd_up_to if place else 0.0
        found = max(round(self._over_horizon(low) - 2 * step, 6), step)
        while self.grade_at(found) != floor.grade and found < 1 - step:
            found = round(found + step, 6)
        return found

    def grade_at(self, pd: float) -> str:
        """The grade of a PD over the model's horizon."""
        yearly = pd if self.to_scale == 1 else -expm1(self.to_scale * log1p(-min(pd, 1 - 1e-12)))
        return grade_of(self.grades, min(yearly, 1.0)).name

    def in_force(self, as_of: date) -> list[Floor]:
        """The floors in force on a day, the highest first, then by id."""
        mine = [floor for floor in self.floors.floors if floor.holds_on(as_of)]
        return sorted(mine, key=lambda floor: (-self.pd_of(floor), floor.id))

    def waived(self, as_of: date) -> set[tuple[str, str]]:
        """(enterprise, floor) of each waiver in force on a day."""
        return {
            (one.enterprise, one.floor)
            for one in self.waivers
            if one.state == "waived" and as_of <= one.until
        }

    def _over_horizon(self, yearly: float) -> float:
        exact = yearly if self.to_scale == 1 else -expm1(log1p(-yearly) / self.to_scale)
        return float(ceil(round(exact * 1e6, 3)) / 1e6)


def read_floors(path: Path, signals: Iterable[Signal], grades: Grades) -> Floors:
    """The floors of a project (without the file none); every unknown signal, grade or word is in one `UsageError`."""
    floors = read_definition(Floors, path) if path.exists() else Floors()
    known = {signal.id: signal for signal in signals}
    names = [grade.name for grade in grades.grades]
    words = floors.expired
    problems = text_problems(f"{path.name}: expired", words.text, ["floors", "until"]) if words else []
    ids = [floor.id for floor in floors.floors]
    for floor in floors.floors:
        where = f"{path.name}: {floor.id}"
        if ids.count(floor.id) > 1:
            problems.append(Problem(where, "an id used once", f"{ids.count(floor.id)} floors of it"))
        if floor.grade and floor.grade not in names:
            problems.append(
                Problem(
                    f"{where}: grade",
                    "a grade of grades.toml",
                    repr(floor.grade),
                    nearest(floor.grade, names),
                )
            )
        for name in floor.signals:
            if name not in known:
                problems.append(
                    Problem(f"{where}: signals", "a known signal", repr(name), nearest(name, known))
                )
            elif max(rank for rank, _ in known[name].ranked) < _NUMBER[floor.least]:
                worst = SEVERITIES[max(rank for rank, _ in known[name].ranked)]
                problems.append(
                    Problem(f"{where}: {name}", f"a signal that can be {floor.least}", f"at most {worst}")
                )
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return floors


def definition(expired: Expired) -> Signal:
    """The built-in signal as pages, deadlines and the catalogue read definitions; it is not evaluated like the others."""
    condition = Condition(feature="waiver_days_over", op=">", value=0)
    return Signal.model_validate(
        {
            **expired.model_dump(exclude={"severity"}),
            "id": EXPIRED,
            "bands": [Band(severity=expired.severity, when=(condition,))],
            "exit": Exit(words=_UNTIL_RENEWED),
        }
    )


def floored(book: pd.DataFrame, signals: pd.DataFrame, rules: FloorRules, as_of: date) -> pd.DataFrame:
    """The book (`id, enterprise_id, pd, grade, expected_loss`) with ADDED; `signals` as of `monitor.evaluate`.

    `pd_floor` (NaN) and `floor` (None): the highest floor that is not waived; `floor_waived`: the highest that is;
    `pd_used` = max(pd, pd_floor); `grade_used` its grade; `loss_used` = expected_loss * pd_used / pd to the cent, since
    expected loss is linear in PD (off by no more than half a cent * pd_used / pd; NaN where the loss is unknown).
    """
    nothing = np.full(len(book), None, dtype="object")
    made = pd.DataFrame(
        {"pd_floor": np.nan, "floor": nothing, "floor_waived": nothing.copy()}, index=book.index
    )
    made = made.astype({"pd_floor": "float64", "floor": "object", "floor_waived": "object"})
    waived = rules.waived(as_of)
    enterprise = book.enterprise_id.astype("str")
    for floor, hit in _hits(book, signals, rules, as_of):
        free = enterprise.isin({name for name, what in waived if what == floor.id})
        now = hit & ~free & made.floor.isna()
        lifted = hit & free & made.floor_waived.isna()
        made.loc[now, "floor"], made.loc[now, "pd_floor"] = floor.id, rules.pd_of(floor)
        made.loc[lifted, "floor_waived"] = floor.id
    own = book.pd.astype("float64")
    made["pd_used"] = own.where(~(made.pd_floor > own), made.pd_floor)
    raised = made.pd_used > own
    loss = book.expected_loss.astype("float64")
    more = (loss * (made.pd_used / own.where(own > 0))).round(2)
    made["loss_used"] = loss.where(~raised, more)
    grade = book.grade.astype("object")
    higher = made.pd_used[raised]
    at = {value: rules.grade_at(value) for value in higher.unique().tolist()}
    made["grade_used"] = grade.mask(raised, made.pd_used.map(at).astype("object"))
    return book.drop(columns=[name for name in ADDED if name in book.columns]).join(made[list(ADDED)])


def expired_signals(
    book: pd.DataFrame,
    signals: pd.DataFrame,
    rules: FloorRules,
    as_of: date,
    previous: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """A row of `monitor.evaluate.COLUMNS` for each enterprise with a waiver that ran out while its floor still holds.

    It is said of the enterprise's guarantee of the largest loss. `previous`: the signals of the publication before, by
    which it is new or continuing.
    """
    waived = rules.waived(as_of)
    over: dict[str, dict[str, date]] = {}
    for one in rules.waivers:
        if one.state == "waived" and one.until < as_of and (one.enterprise, one.floor) not in waived:
            mine = over.setdefault(one.enterprise, {})
            mine[one.floor] = max(one.until, mine.get(one.floor, one.until))
    told = book[book.enterprise_id.astype("str").isin(over)]
    told = told.assign(_loss=known_loss(book), _key=told.id.astype("str"))
    told = told.sort_values(["_loss", "_key"], ascending=[False, True], kind="stable")
    hits = _hits(told, signals, rules, as_of) if len(told) else []
    rows = []
    for enterprise in sorted(over):
        own = told[told.enterprise_id.astype("str") == enterprise]
        holding = [floor for floor, hit in hits if hit[own.index].any() and floor.id in over[enterprise]]
        if holding and rules.floors.expired:
            until = max(over[enterprise][floor.id] for floor in holding)
            rows.append(_said(own.iloc[0].to_dict(), holding, until, rules.floors.expired))
    made = pd.DataFrame(rows, columns=list(COLUMNS), dtype="object")
    earlier = previous[previous.signal == EXPIRED] if previous is not None else made.head(0)
    by_name = earlier.drop_duplicates("enterprise").set_index("enterprise")
    again = made.enterprise.isin(by_name.index)
    made["state"] = pd.Series("new", index=made.index, dtype="object").mask(again, "continuing")
    made["severity_before"] = made.enterprise.map(by_name.severity).astype("object").where(again, None)
    for name in ("first_seen", "raised_on"):
        made[name] = made.enterprise.map(by_name[name]).astype("object").where(again, as_of)
    return made.astype(dict(COLUMNS))


def _hits(
    book: pd.DataFrame, signals: pd.DataFrame, rules: FloorRules, as_of: date
) -> list[tuple[Floor, pd.Series]]:
    """Each floor in force, the highest first, and of which guarantees a signal of it is true or waits to be confirmed.

    A signal of a guarantee counts for it; one of a group that is one enterprise, for all of its guarantees.
    """
    read = ["about", "id", "enterprise", "signal", "severity"]
    told = signals.loc[signals.state.ne(WITHDRAWN), read]
    level = told.severity.map(_NUMBER)
    key, enterprise = book.id.astype("str"), book.enterprise_id.astype("str")
    found = []
    for floor in rules.in_force(as_of):
        mine = told[told.signal.isin(floor.signals) & (level >= _NUMBER[floor.least])]
        own = mine.about == GUARANTEE
        units = {str(name) for name in mine.enterprise[~own] if name}
        found.append((floor, key.isin(set(mine.id[own])) | enterprise.isin(units)))
    return found


def _said(row: Mapping[Any, Any], floors: Sequence[Floor], until: date, words: Expired) -> dict[str, Any]:
    plain = {"bool": False, "int64": 0, "float64": float("nan")}
    texts = {
        f"text_{language}": words.text.say(language).format(
            floors=", ".join(floor.title.say(language) for floor in floors), until=until.isoformat()
        )
        for language in ("en", "zh")
    }
    return {
        **{name: plain.get(kind) for name, kind in COLUMNS.items()},
        "about": GUARANTEE,
        "id": str(row["id"]),
        "enterprise": str(row["enterprise_id"]),
        "signal": EXPIRED,
        "severity": words.severity,
        "worst": words.severity,
        "guarantees": 1,
        "exposure": row.get("exposure", float("nan")),
        "expected_loss": row.get("expected_loss", float("nan")),
        "evidence_key": " ".join(f"{floor.id} {until.isoformat()}" for floor in floors),
        **texts,
    }
