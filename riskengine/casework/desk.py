"""What does an officer find on the desk: the cases as last published, and what has been done with them since?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from riskengine import clock
from riskengine.casework.acts import Ask, CaseAct, Rules, case_acts, folded, perform
from riskengine.casework.seen import (
    HUSHED,
    Due,
    Seen,
    archived_on,
    dues,
    joined,
    late,
    met,
    parts,
    quiet,
    resumed,
    seen_of,
)
from riskengine.casework.states import ARCHIVED, COMPENSATED, Move, Standing, legal
from riskengine.casework.waivers import waiver_id
from riskengine.errors import Problem, SetupError, UsageError, nearest
from riskengine.monitor import publish
from riskengine.monitor.deadlines import Deadlines, read_deadlines
from riskengine.project import Project
from riskengine.registry.actors import actor
from riskengine.schema import read_toml
from riskengine.store.ledger import open_ledger
from riskengine.working_days import Calendar, WorkHours, read_calendar

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

CASES, LINES, EVENTS, SIGNALS = "cases.parquet", "lines.parquet", "events.parquet", "signals.parquet"
SCORES = "scores.parquet"


@dataclass(frozen=True)
class OnDesk:
    """A case now: as published, where it stands with the acts since, why it is quiet (or nothing), its steps, its row."""

    seen: Seen
    standing: Standing
    quiet: str
    steps: tuple[Due, ...]
    row: dict[str, Any]

    @property
    def breached(self) -> tuple[str, ...]:
        """The steps that are or were late."""
        return late(list(self.steps), self.standing, self.seen)

    @property
    def due(self) -> datetime | None:
        """The earliest of what is still to be done."""
        return min((one.due for one in self.steps if one.due and not one.done), default=None)


@dataclass(frozen=True)
class Desk:
    """The store of a project with its deadlines and days of work."""

    project: Project

    @cached_property
    def ledger(self) -> Engine:
        """The ledger in which acts are written."""
        return open_ledger(self.project.store)

    @cached_property
    def deadlines(self) -> Deadlines:
        """`configs/deadlines.toml`."""
        return read_deadlines(self.project.configs / "deadlines.toml")

    @cached_property
    def calendar(self) -> Calendar:
        """The days of work."""
        return read_calendar(self.project.environment.calendar)

    @property
    def rules(self) -> Rules:
        """Who acts here, by which rules."""
        environment = self.project.environment
        person = actor(environment.declared_actors)
        return Rules(person, self.deadlines, self.calendar, environment.single_operator)

    def moment(self, on: str) -> datetime:
        """The local time from which an act counts: now, or what `--on` says (a day: the end of its hours of work).

        A day before today only where `backdated_acts = true` (there it is the day of looking if nothing is said); never a
        day to come.
        """
        now = self.deadlines.local(clock.now())
        if not on:
            day, _ = self.looking()
            return now if day == now.date() else WorkHours.parse(self.deadlines.hours).closing(day)
        day = clock.parse_day(on[:10], "--on")
        moment = WorkHours.parse(self.deadlines.hours).closing(day)
        if len(on) > 10:
            try:
                moment = datetime.combine(day, time.fromisoformat(on[11:]))
            except ValueError:
                raise UsageError(
                    "Not a time", [Problem("--on", "YYYY-MM-DD or YYYY-MM-DDTHH:MM", on)]
                ) from None
        if day > now.date():
            raise UsageError(
                "That day has not come 日期未到", [Problem("--on", f"{now.date()} or earlier", on)]
            )
        if day < now.date() and not self.project.environment.backdated_acts:
            hint = "backdated_acts = true in configs/environment.toml, for sample projects with history only"
            problem = Problem(
                "--on", f"{now.date()}: an act counts from the day it is done 不得倒签", on, hint
            )
            raise UsageError("An act cannot be backdated 操作不得倒签", [problem])
        return now if day == now.date() and len(on) == 10 else moment

    def looking(self, as_of: str = "") -> tuple[date, str]:
        """The day whose knowledge counts and, where nobody named it and it is not today, whose day it is: "night" or "act".

        Unsaid it is today, but in a sample with history (`backdated_acts = true`), whose last night is long ago, it is the day
        of the latest night, or of the latest act if that is later: else all were late, and no act was seen.
        """
        today = self.deadlines.past_day(as_of)
        if as_of or not self.project.environment.backdated_acts:
            return today, ""
        nights = self.nights(today)
        if not nights:
            return today, ""
        acted = max((one.on for one in case_acts(self.ledger, today)), default=nights[-1])
        day = max(nights[-1], acted)
        return day, "" if day == today else "act" if day > nights[-1] else "night"

    def nights(self, as_of: date) -> list[date]:
        """The days up to one whose publication has cases."""
        folder = self.project.store / "publications"
        found = publish.days(self.project.store)
        return [day for day in found if day <= as_of and (folder / str(day) / CASES).exists()]

    def cases(self, as_of: date) -> tuple[date, list[OnDesk]]:
        """The latest publication up to a day, and its cases with the acts that count by that day laid over."""
        night = self._latest(as_of)
        found = folded(case_acts(self.ledger, as_of))
        now = self._now(as_of)
        return night, [self._placed(row, night, found, now) for row in self.rows(night, CASES)]

    def names(self, night: date, enterprises: Sequence[str]) -> dict[str, str]:
        """The names of enterprises as the night knows them (`nightly.toml`, `[shown] name`); those without are left out."""
        path = self.project.configs / "nightly.toml"
        column = str(read_toml(path).get("name", "")) if path.exists() else ""
        try:
            found = self.rows(night, SCORES, ("enterprise_id", sorted(set(enterprises))))
        except SetupError:
            return {}
        return {str(row["enterprise_id"]): str(row[column]) for row in found if row.get(column)}

    def rows(
        self, night: date, name: str, where: tuple[str, Sequence[str]] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a published file as mappings (money as floats), all or those whose column has one of some values.

        A file that a publication lacks is a `SetupError`. It is read without frames: an officer waits for it.
        """
        import pyarrow.parquet as pq

        path = self.project.store / "publications" / str(night) / name
        if not path.exists():
            hint = f"riskengine nightly --as-of {night}"
            raise SetupError("The night has no such file", [Problem(str(night), name, "none", hint)])
        if where and where[0] not in pq.read_schema(path).names:
            return []
        filters = [(where[0], "in", list(where[1]))] if where else None
        found = pq.read_table(path, filters=filters, page_checksum_verification=True).to_pylist()
        return [
            {column: float(value) if isinstance(value, Decimal) else value for column, value in row.items()}
            for row in found
        ]

    def find(self, wanted: str, as_of: date) -> OnDesk:
        """The case of an id or of a prefix that only one has, in the latest publication up to a day in which it appears."""
        nights = self.nights(as_of)
        if not nights:
            self._latest(as_of)
        prefix = wanted.strip().upper()
        for night in reversed(nights):
            ids = [case for case in self._ids(night) if case.upper().startswith(prefix)]
            ids = [case for case in ids if case.upper() == prefix] or ids
            if len(ids) > 1:
                expected = "a prefix that only one case has 唯一前缀"
                raise UsageError(
                    "Which case? 案件编号不唯一", [Problem(wanted, expected, ", ".join(ids[:5]))]
                )
            if ids:
                (row,) = self.rows(night, CASES, ("case", ids[:1]))
                return self._gone(ids[0], row, night, as_of)
        expected = f"a case published by {as_of} 已发布的案件"
        hint = "riskengine signals list shows the ids 编号见 riskengine signals list"
        problem = Problem(wanted, expected, "none", hint)
        raise UsageError("No such case 无此案件", [problem])

    def waiver(self, wanted: str, as_of: date) -> Standing:
        """The standing of a waiver by its id or a prefix that only one has."""
        prefix = wanted.strip().upper()
        known = [one for one in folded(case_acts(self.ledger, as_of)).values() if one.floor]
        found = [one for one in known if one.case.startswith(prefix)]
        if len(found) != 1:
            names = ", ".join(sorted(one.case for one in found)[:5]) or "none"
            hint = (
                f"riskengine signals waivers --as-of {as_of} shows the ids 编号见 riskengine signals waivers"
            )
            raise UsageError(
                "Which waiver? 豁免编号不明", [Problem(wanted, f"one waiver as of {as_of}", names, hint)]
            )
        return found[0]

    def waiver_acts(self, standing: Standing, as_of: date) -> list[dict[str, Any]]:
        """What people did with a waiver up to a day, in the order written."""
        return [{"kind": "act", **one.to_json()} for one in case_acts(self.ledger, as_of, [standing.case])]

    def do(
        self, wanted: Sequence[str], asked: Move, on: str = "", if_seq: int | None = None
    ) -> list[CaseAct]:
        """Do one thing with several cases (or waivers, `W…`), all or none; every refusal is told at once."""
        moment = self.moment(on)
        asks: list[Ask] = []
        errors: list[UsageError] = []
        for one in dict.fromkeys(wanted):
            try:
                asks.append(self._asked(one, asked, moment, if_seq))
            except UsageError as error:
                errors.append(error)
        if errors:
            raise UsageError(errors[0].title, [one for error in errors for one in error.problems])
        return perform(self.ledger, asks, self.rules)

    def waive(self, enterprise: str, floor: str, asked: Move, on: str = "") -> CaseAct:
        """Ask for a floor to be waived for an enterprise (or end it: `asked.action`); a second person releases it."""
        path = self.project.configs / "floors.toml"
        known = [str(one.get("id")) for one in read_toml(path).get("floor", [])] if path.exists() else []
        if floor not in known:
            raise UsageError(
                "No such floor 无此下限",
                [Problem("--floor", "a floor of floors.toml", floor, nearest(floor, known))],
            )
        moment = self.moment(on)
        night = self._latest(moment.date())
        names = self._enterprises(night)
        if enterprise not in names:
            expected = f"an enterprise of the night of {night} 该夜批中的企业"
            alike = [one for one in names if one[:6] == enterprise[:6] or one[-6:] == enterprise[-6:]]
            near = nearest(enterprise, alike)
            hint = near if near.startswith("Did") else "riskengine signals list --all --json names them"
            problem = Problem("ENTERPRISE", expected, repr(enterprise), hint)
            raise UsageError("No such enterprise 无此企业", [problem])
        ask = Ask(asked, moment, None, waiver_id(enterprise, floor), enterprise, floor)
        return perform(self.ledger, [ask], self.rules)[0]

    def history(self, shown: OnDesk, as_of: date) -> list[dict[str, Any]]:
        """What people and nights did with a case up to a day, in order: acts, and rows of the nights' events."""
        names = {shown.seen.case, *shown.seen.absorbed}
        told: list[tuple[date, int, int, dict[str, Any]]] = [
            (one.on, 0, one.seq, {"kind": "act", **one.to_json()})
            for one in case_acts(self.ledger, as_of, sorted(names))
        ]
        seen_by = {one[2]: one[3]["detail"].get("seen", "") for one in told}
        for night in self.nights(as_of):
            try:
                happened = self.rows(night, EVENTS, ("case", sorted(names)))
            except SetupError:
                continue  # a publication before there were events
            for number, row in enumerate(happened):
                told.append((night, 1, number, {"kind": "event", **row, "on": str(row["on"])}))
        # An act of a day after its night was published looked at that publication: it comes after the night's events.
        return [
            row
            for _, row in sorted(
                (
                    ((day, 2 if not kind and seen_by.get(number) == str(day) else kind, number), row)
                    for day, kind, number, row in told
                ),
                key=lambda one: one[0],
            )
        ]

    def legal(self, shown: OnDesk) -> tuple[str, ...]:
        """What one may do next."""
        return legal(shown.standing)

    def _ids(self, night: date) -> list[str]:
        import pyarrow.parquet as pq

        path = self.project.store / "publications" / str(night) / CASES
        return sorted(pq.read_table(path, columns=["case"]).column("case").to_pylist())

    def _enterprises(self, night: date) -> set[str]:
        """Every enterprise with a guarantee or a line that night."""
        import pyarrow.parquet as pq

        found: set[str] = set()
        for name, column in ((SCORES, "enterprise_id"), (LINES, "enterprise")):
            path = self.project.store / "publications" / str(night) / name
            if path.exists() and column in pq.read_schema(path).names:
                found.update(pq.read_table(path, columns=[column]).column(column).to_pylist())
        return {one for one in found if one}

    def _asked(self, wanted: str, asked: Move, moment: datetime, if_seq: int | None) -> Ask:
        if wanted.upper().startswith("W"):
            known = self.waiver(wanted, moment.date())
            return Ask(asked, moment, None, known.case, known.enterprise, known.floor, if_seq)
        return Ask(asked, moment, self.find(wanted, moment.date()).seen, if_seq=if_seq)

    def _acts_of(self, case: str, row: dict[str, Any], as_of: date) -> dict[str, Standing]:
        absorbed = parts(row.get("absorbed"))
        return folded(case_acts(self.ledger, as_of, [case, *absorbed]))

    def _gone(self, case: str, row: dict[str, Any], night: date, as_of: date) -> OnDesk:
        """A case as a night had it, and, where the next night has it no more, why: merged, compensated, ended, archived."""
        later = [day for day in self.nights(as_of) if day > night]
        happened: dict[str, Any] = {}
        if later:
            try:
                found = self.rows(later[0], EVENTS, ("case", [case]))
                happened = {str(one["event"]): one["after"] for one in found}
            except SetupError:
                happened = {}  # a publication before there were events
        if happened.get("merged"):
            return self.find(str(happened["merged"]), as_of)
        if "turned compensated" in happened:
            row = row | {
                "turned": "compensated",
                "phase": COMPENSATED,
                "awaiting": None,
                "snoozed_until": None,
            }
        acts = self._acts_of(case, row, as_of)
        if not later:
            return self._placed(row, night, acts, self._now(as_of))
        old = archived_on(later[0], acts.get(case), self.deadlines.archive_after) <= later[-1]
        if old:  # as the night said when it became so: nothing but a note is legal
            stood = joined(acts, case, parts(row.get("absorbed")))
            over = {"phase": ARCHIVED, "awaiting": None, "snoozed_until": None}
            row = row | over | {"acted": stood.seq if stood else 0}
        return replace(self._placed(row, night, acts, None), quiet=ARCHIVED if old else "ended")

    def _now(self, as_of: date) -> datetime:
        """The local moment up to which it is seen what is late: now, or the end of a day that is over."""
        return min(self.deadlines.local(clock.now()), datetime.combine(as_of, time(23, 59)))

    def _placed(
        self, row: dict[str, Any], night: date, found: dict[str, Standing], now: datetime | None
    ) -> OnDesk:
        seen = seen_of(row, night)
        stands, _ = met(resumed(joined(found, seen.case, seen.absorbed), seen, seen.case), seen)
        stands = replace(stands, severity=seen.severity, worst=seen.worst)
        steps = tuple(dues(stands, seen, self.deadlines, self.calendar, now))
        return OnDesk(seen, stands, quiet(stands, seen) or _said(row), steps, row)

    def _latest(self, as_of: date) -> date:
        nights = self.nights(as_of)
        if not nights:
            hint = f"riskengine nightly --as-of {as_of}"
            problem = Problem(
                str(self.project.store / "publications"), f"a night up to {as_of} with cases", "none", hint
            )
            raise SetupError("No night has been published 尚无夜批结果", [problem])
        return nights[-1]


def _said(row: dict[str, Any]) -> str:
    """What the case's own rules made quiet (cool-down, clearing), which no act changes."""
    words = str(row.get("quiet") or "")
    return words if words in HUSHED else ""
