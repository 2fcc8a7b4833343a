"""A small project with one table in four roles, the rows to put in it, and a slow, obvious reading of every verb."""

from __future__ import annotations

import calendar
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa

from riskengine.clock import Span, add_months
from riskengine.intake.contract import SourceContract
from riskengine.profile import expressions as e
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Overlay, Subject, Workbench
from riskengine.profile.keys import Link
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.store.facts import ARROW_TYPES, FACT_FIELDS, FactStore
from riskengine.store.snapshot import Snapshot

COLUMNS = {
    "id": "text", "k1": "text", "k2": "text", "g_key": "text", "money": "money", "whole_number": "integer",
    "number": "number", "rate": "rate", "word": "text", "day": "date", "yes": "flag", "happened": "date", "told": "date",
}  # fmt: skip
SOURCES = {  # name -> (coverage, fed by applicants, role)
    "ledger": ("complete", False, "facts"),
    "patchy": ("partial", False, "facts"),
    "brought": ("complete", True, "facts"),
    "brought_patchy": ("partial", True, "facts"),
    "drawn": ("complete", False, "design"),
    "edges": ("complete", False, "facts"),
    "threads": ("partial", False, "facts"),
}
LINKS = {
    "out": Link(source="edges", start="k1", end="g_key"),
    "back": Link(source="edges", start="g_key", end="k1"),
    "marked": Link(source="edges", start="k1", end="g_key", where={"word": "甲", "yes": True}, window="12m"),
    "some": Link(source="threads", start="k1", end="g_key", where={"word": "甲"}),
    "recent": Link(source="threads", start="g_key", end="k1", window="2m"),
}
KEYS = {"own": ["id"], "one": ["k1"], "pair": ["k1", "k2"], "other": ["g_key"], "all": []}


def write_project(root: Path, features: str) -> Project:
    """Write the project's definitions; `features` is the text of its one feature file."""
    for room in ("configs/sources", "features", "models"):
        (root / room).mkdir(parents=True, exist_ok=True)
    (root / "configs/environment.toml").write_text(
        'name = "small"\ncurrency = "CNY"\n[title]\nen = "Small"\nzh = "小"\n', encoding="utf-8"
    )
    keys = "\n".join(f"{name} = {columns}" for name, columns in KEYS.items())
    links = write_links(LINKS)
    (root / "configs/subjects.toml").write_text(
        f'[keys]\n{keys}\n{links}\n[applicant]\nsource = "brought"\nid = "id"\nenterprise = "k1"\n'
        '[guarantee]\nsource = "ledger"\nid = "id"\nenterprise = "k1"\n',
        encoding="utf-8",
    )
    for name, (coverage, fed, role) in SOURCES.items():
        columns = "\n".join(f'[columns.{column}]\ntype = "{kind}"' for column, kind in COLUMNS.items())
        (root / f"configs/sources/{name}.toml").write_text(
            f'name = "{name}"\nfamily = "market"\npublisher = "p"\nreference = "r"\ncadence = "event"\n'
            f'coverage = "{coverage}"\nrole = "{role}"\nfed_by_applicant = {str(fed).lower()}\nkey = ["id"]\n'
            f'event_date = "happened"\nknown_at = "told"\n[title]\nen = "T"\nzh = "题"\n{columns}\n'
            '[ignored]\nTerm = "rewritten after the outcome"\n',
            encoding="utf-8",
        )
    (root / "features/all.py").write_text(features, encoding="utf-8")
    return Project(root)


def connect_late(project: Project, sources: Mapping[str, str]) -> None:
    """Let contracts cover what happens from a day on only."""
    for name, day in sources.items():
        path = project.configs / f"sources/{name}.toml"
        path.write_text(f"covers_from = {day}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def write_links(links: Mapping[str, Link]) -> str:
    """Links as they stand in `configs/subjects.toml`."""
    blocks = []
    for name, link in links.items():
        if link.any:
            blocks.append(f"[links.{name}]\nany = {json.dumps(link.any)}")
            continue
        tables = "\n".join(
            f"{word} = {{ {', '.join(f'{column} = {json.dumps(value)}' for column, value in table.items())} }}"
            for word, table in (("where", link.where), ("least", link.least), ("above", link.above))
        )
        blocks.append(
            f"[links.{name}]\nsource = '{link.source}'\nfrom = '{link.start}'\nto = '{link.end}'\n{tables}\n"
            f"window = '{link.window}'\nlargest = {link.largest}\nby = '{link.by}'"
        )
    return "\n".join(blocks)


@dataclass(frozen=True)
class Row:
    """One fact as the store holds it."""

    event: date
    known: date
    values: Mapping[str, Any]
    batch: int = 1
    row: int = 1
    removed: bool = False

    @property
    def order(self) -> tuple[date, date, int, int]:
        """Law 1's order."""
        return (self.event, self.known, self.batch, self.row)

    def get(self, column: str) -> Any:
        """A column's value."""
        clocks = {
            "happened": self.event,
            "event_date": self.event,
            "told": self.known,
            "known_at": self.known,
        }
        return clocks.get(column, self.values.get(column))


def store_rows(root: Path, rows: Mapping[str, Sequence[Row]]) -> Snapshot:
    """Put rows into a real fact store, batch by batch, and publish."""
    store = FactStore(root)
    for source, facts in rows.items():
        for batch in sorted({fact.batch for fact in facts}):
            store.append(source, _table([fact for fact in facts if fact.batch == batch]), batch)
    return store.publish({source: ["id"] for source in rows})


def _table(facts: Sequence[Row]) -> pa.Table:
    fixed = {
        "event_date": [fact.event for fact in facts],
        "known_at": [fact.known for fact in facts],
        "batch": [fact.batch for fact in facts],
        "row": [fact.row for fact in facts],
        "removed": [fact.removed for fact in facts],
        "fact_hash": [f"{fact.batch}-{fact.row}" for fact in facts],
    }
    arrays = {
        name: pa.array([fact.get(name) for fact in facts], ARROW_TYPES[kind])
        for name, kind in COLUMNS.items()
    }
    arrays |= {name: pa.array(fixed[name], kind) for name, kind in FACT_FIELDS}
    return pa.table(arrays)


def compute(
    snapshot: Snapshot, recipe: Recipe, subjects: Sequence[Subject], overlay: Overlay | None = None
) -> list[dict[str, Any]]:
    """The engine's values, one dict a subject."""
    with Workbench(snapshot) as bench:
        bench.load_subjects(recipe, subjects)
        bench.load_facts(recipe, overlay)
        return bench.rows(recipe)


# --- the oracle ---------------------------------------------------------------------------------------------------------


def months_before(day: date, months: int) -> date:
    """The same day `months` earlier, stepping month by month; the month's last day where there is none."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@cache  # asked of few days, a hundred thousand times
def ended_months_before(month_end: date, months: int) -> date:
    """The month end so many months before one, day by day."""
    day = month_end
    while months:
        day -= timedelta(days=1)
        months -= (day + timedelta(days=1)).day == 1
    return day


def current(rows: Iterable[Row], as_of: date, key: str = "id") -> list[Row]:
    """What is known on a day: of each key the last of the visible rows, unless it withdraws the key or lies ahead."""
    last: dict[Any, Row] = {}
    for row in rows:
        if row.known <= as_of:
            known = last.get(row.get(key))
            if known is None or row.order > known.order:
                last[row.get(key)] = row
    return sorted(
        (row for row in last.values() if not row.removed and row.event <= as_of), key=lambda row: row.order
    )


@dataclass
class Oracle:
    """Reads expressions over rows for one subject, one row at a time."""

    rows: Mapping[str, Sequence[Row]]
    sources: Mapping[str, SourceContract]
    keys: Mapping[str, Sequence[str]]
    subject: Subject
    own: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=lambda: LINKS)

    def value(self, x: e.Expression) -> Any:
        """The value of any expression."""
        if isinstance(x, e.Feature):
            return self.value(x.of)
        if isinstance(x, e.Constant):
            return x.value
        if isinstance(x, e.Aggregate):
            return self.aggregate(x)
        parts = [self.value(part) for part in x.inputs()]
        if isinstance(x, e.Arithmetic):
            return _arithmetic(x.operator, parts[0], parts[1])
        if isinstance(x, e.Code):
            if parts[0] is None:
                return None
            for text, number in x.table:
                if parts[0] == text:
                    return float(number)
            return x.other
        assert isinstance(x, e.Function)
        return self.function(x.name, parts)

    def function(self, name: str, parts: list[Any]) -> Any:
        """A named function."""
        first = parts[0]
        if name == "is_missing":
            return 1.0 if first is None else 0.0
        if name == "first_known":
            return next((part for part in parts if part is not None), None)
        if name == "spread":
            known = [float(part) for part in parts if part is not None]
            return (max(known) - min(known)) / abs(known[0]) if len(known) > 1 and known[0] else None
        if first is None:
            return None
        if name == "years_since":
            return self.subject.as_of.year - first
        if name == "elapsed_days":
            return (self.subject.as_of - first).days
        if name == "absolute":
            return abs(first)
        if name == "log1p":
            return None if first < 0 else math.log(1 + first)
        if name in ("greater", "smaller"):
            if parts[1] is None:
                return None
            return max(first, parts[1]) if name == "greater" else min(first, parts[1])
        return max(first, parts[1]) if name == "at_least" else min(first, parts[1])

    def linked(self, x: e.Aggregate) -> set[Any] | None:
        """The keys the subject leads to; None where that is unknown."""
        ways = self.links[x.through[0]].any
        if ways:
            found = [self.linked(replace(x, through=way)) for way in ways]
            known = [keys for keys in found if keys is not None]
            return set().union(*known) if known else None
        (column,) = self.keys[x.by]
        itself = self.subject.keys.get(column)
        if itself is None:
            return None
        reached, as_of = {itself}, self.subject.as_of
        for number, name in enumerate(x.through, 1):
            link = self.links[name]
            edges = [
                row
                for row in current(self.rows.get(link.source, ()), as_of)
                if row.get(link.start) in reached
                and (not link.window or row.event > months_before(as_of, Span.parse(link.window).months))
            ]
            reached = {
                row.get(link.end)
                for row in edges
                if row.get(link.end) is not None
                and all(row.get(column) == value for column, value in link.where.items())
                and all(
                    row.get(column) is not None and row.get(column) >= bound
                    for column, bound in link.least.items()
                )
                and all(
                    row.get(column) is not None and row.get(column) > bound
                    for column, bound in link.above.items()
                )
            }
            if link.by:
                reached = self.largest(link, edges, reached)
            if number == len(x.through):
                reached -= {itself}
            if not reached:
                return set() if edges or self.sources[link.source].coverage == "complete" else None
        return reached

    def ways(self, x: e.Aggregate) -> list[Link]:
        """Every link that an aggregate follows."""
        every = [name for way in self.links[x.through[0]].any for name in way] or x.through
        return [self.links[name] for name in every]

    def link_covered(self, link: Link, day: date) -> bool:
        """Whether a link's source covers all days on which an edge may lie."""
        since = self.sources[link.source].covers_from
        return since is None or bool(
            link.window and months_before(day, Span.parse(link.window).months) + timedelta(days=1) >= since
        )

    def covered(self, x: e.Aggregate) -> bool:
        """Whether a source covers the whole window: neither lies all of it before, nor does it reach back to the day before."""
        since = self.sources[x.source].covers_from
        if since is None or (x.window is None and x.months is None):
            return True
        return self.near(x) >= since and not self.inside(x, since - timedelta(days=1))

    def largest(self, link: Link, edges: Sequence[Row], reached: set[Any]) -> set[Any]:
        """Of each start the keys with the largest totals."""
        kept: set[Any] = set()
        for start in {row.get(link.start) for row in edges}:
            totals: dict[Any, Fraction | None] = {}
            for row in edges:
                end, size = row.get(link.end), row.get(link.by)
                ok = end in reached and all(row.get(column) == value for column, value in link.where.items())
                if row.get(link.start) == start and ok:
                    known = totals.setdefault(end, None)
                    totals[end] = known if size is None else (known or Fraction(0)) + _exact(size)
            order = sorted(totals, key=lambda end: (totals[end] is None, -(totals[end] or Fraction(0)), end))
            kept |= set(order[: link.largest])
        return kept

    def cycle(self, x: e.Aggregate) -> int | None:
        """How many steps the shortest cycle of one link through the subject has, as known so long ago."""
        (column,) = self.keys[x.by]
        itself = self.subject.keys.get(column)
        if itself is None:
            return None
        then = months_before(self.subject.as_of, x.ago.months) - timedelta(days=x.ago.days)
        graph = nx.DiGraph()
        graph.add_node(itself)
        link = self.links[x.through[0]]
        for row in current(self.rows.get(link.source, ()), then):
            recent = not link.window or row.event > months_before(then, Span.parse(link.window).months)
            ends = (row.get(link.start), row.get(link.end))
            if recent and None not in ends and all(row.get(c) == value for c, value in link.where.items()):
                graph.add_edge(*ends)
        lengths = [len(c) for c in nx.simple_cycles(graph) if itself in c and len(c) <= (x.most or 0)]
        complete = self.sources[link.source].coverage == "complete" and self.link_covered(link, then)
        return min(lengths) if lengths else 0 if complete else None

    def facts(self, source: str) -> list[Row]:
        """The current facts of a source: an applicant's own rows stand in for stored ones of the same key."""
        stored = current(self.rows.get(source, ()), self.subject.as_of)
        own = [row for row in self.own.get(source, ()) if row.known <= self.subject.as_of]
        if self.subject.fed and self.sources[source].fed_by_applicant:
            stored = [row for row in stored if row.get("id") != self.subject.keys.get("id")]
        return sorted([*stored, *own], key=lambda row: row.order)

    def aggregate(self, x: e.Aggregate) -> Any:
        """One verb."""
        if x.verb == "cycle":
            return self.cycle(x)
        of_single_facts = "days_since" in x.verb or x.verb in (
            "latest", "first", "months_since_last", "smallest", "largest", "linked",
        )  # fmt: skip
        if not of_single_facts and not self.covered(x):
            return None
        if x.through:
            reached = self.linked(x)
            if reached == set() and not all(
                self.link_covered(link, self.subject.as_of) for link in self.ways(x)
            ):
                reached = None
            if not reached or x.verb == "linked":
                counting = x.verb in ("count", "months_with", "distinct", "total", "streak", "linked")
                return None if reached is None or not counting else len(reached)
            stored = current(self.rows.get(x.source, ()), self.subject.as_of)
            joined = [row for row in stored if row.get(self.keys[x.by][0]) in reached]
        else:
            wanted = [self.subject.keys.get(column) for column in self.keys[x.by]]
            if any(value is None for value in wanted):
                return None
            joined = [row for row in self.facts(x.source) if [row.get(c) for c in self.keys[x.by]] == wanted]
        window = [row for row in joined if self.inside(x, row.event)]
        found = [row for row in window if all(self.meets(rule, row, joined, x) for rule in x.where)]
        known = [row.get(x.column) for row in found if row.get(x.column) is not None] if x.column else []
        if x.verb in ("count", "months_with", "distinct", "total", "streak"):
            late = self.sources[x.source].covers_from and x.window is None and x.months is None
            if not window and (late or self.sources[x.source].coverage == "partial"):
                return None
            if x.verb == "count":
                return len(found)
            if x.verb == "streak":
                return len(list(takewhile(lambda row: row in found, reversed(window))))
            if x.verb == "months_with":
                return len({(row.event.year, row.event.month) for row in found})
            if x.verb == "distinct":
                return len(set(known))
            return 0 if not found else float(sum(map(_exact, known))) if known else None
        if x.verb in ("latest", "first"):
            return found[-1 if x.verb == "latest" else 0].get(x.column or "") if found else None
        if x.verb == "days_since":
            return (self.subject.as_of - max(row.event for row in found)).days if found else None
        if x.verb == "days_since_first":
            return (self.subject.as_of - min(row.event for row in found)).days if found else None
        if x.verb == "months_since_last":
            return self.whole_months(max(row.event for row in found)) if found else None
        if x.verb == "longest_gap":
            near = self.near(x)
            days = [*(row.event for row in found), near]
            gaps = [(later - earlier).days for earlier, later in pairwise(days)]
            return max(gaps) if found else None
        if x.verb == "largest_total":
            totals: dict[Any, Fraction] = {}
            for row in found:
                value, part = row.get(x.column or ""), row.get(x.per or "")
                if value is not None and part is not None:
                    totals[part] = totals.get(part, Fraction(0)) + _exact(value)
            return float(max(totals.values())) if totals else None
        if not known:
            return None
        if x.verb == "smallest":
            return min(known)
        if x.verb == "largest":
            return max(known)
        if x.verb == "mean":
            return float(sum(map(_exact, known)) / len(known))
        points = [
            (row.event.year * 12 + row.event.month, _exact(row.get(x.column)))
            for row in found
            if row.get(x.column or "") is not None
        ]
        return _slope(points) if x.verb == "trend" else _deviation([y for _, y in points])

    def whole_months(self, event: date) -> int:
        """How many times a month can be added to a day before the as-of date is passed."""
        months = 0
        while add_months(event, months + 1) <= self.subject.as_of:
            months += 1
        return months

    def meets(self, rule: e.Filter, row: Row, joined: Sequence[Row], x: e.Aggregate) -> bool:
        """One condition on one row, among all rows of the subject."""
        value, as_of = row.get(rule.column), self.subject.as_of
        if rule.operator == "latest":
            alike = [
                r
                for r in joined
                if [r.get(c) for c in self.keys[x.by]] == [row.get(c) for c in self.keys[x.by]]
            ]
            values = [r.get(rule.column) for r in alike if r.get(rule.column) is not None]
            return value is not None and value == max(values)
        if rule.operator in ("known", "unknown"):
            return (value is None) == (rule.operator == "unknown")
        if value is None:
            return rule.operator == "unknown_or_not_before_as_of"
        if rule.operator in ("not_before_as_of", "unknown_or_not_before_as_of"):
            return bool(value >= as_of)
        if rule.operator == "not_after_as_of":
            return bool(value <= as_of)
        if rule.operator in ("before_as_of", "after_as_of"):
            return bool(value < as_of if rule.operator == "before_as_of" else value > as_of)
        return _meets(rule, value)

    def near(self, x: e.Aggregate) -> date:
        """The last day inside: months are stepped first, then days; then back to a month end where months are meant."""
        day = months_before(self.subject.as_of, x.ago.months) - timedelta(days=x.ago.days)
        if x.months is None:
            return day
        while (day + timedelta(days=1)).day != 1:
            day -= timedelta(days=1)
        return ended_months_before(day, x.earlier)

    def inside(self, x: e.Aggregate, event: date) -> bool:
        """Half-open: after the window's far end, up to and with its near end."""
        near = self.near(x)
        if event > near:
            return False
        if x.months is not None:
            return event > ended_months_before(near, x.months)
        if x.window is None:
            return True
        total = Span(x.window.months + x.ago.months, x.window.days + x.ago.days)
        return event > months_before(self.subject.as_of, total.months) - timedelta(days=total.days)


def _exact(value: Any) -> Fraction:
    return Fraction(value) if isinstance(value, Decimal | int) else Fraction(repr(value))


def _slope(points: list[tuple[int, Fraction]]) -> float | None:
    if len({x for x, _ in points}) < 2:
        return None
    mx = Fraction(sum(x for x, _ in points), len(points))
    my = sum((y for _, y in points), Fraction(0)) / len(points)
    return float(sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points))


def _deviation(values: list[Fraction]) -> float | None:
    if len(values) < 2:
        return None
    centre = sum(values, Fraction(0)) / len(values)
    return math.sqrt(sum(((value - centre) ** 2 for value in values), Fraction(0)) / (len(values) - 1))


def _meets(rule: e.Filter, value: Any) -> bool:
    against: Any = rule.value
    if isinstance(value, date):
        against = date.fromisoformat(str(against))
    return {
        "==": lambda: value == against, "!=": lambda: value != against, "<": lambda: value < against,
        "<=": lambda: value <= against, ">": lambda: value > against, ">=": lambda: value >= against,
        "in": lambda: value in against,
    }[rule.operator]()  # fmt: skip


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, Decimal | bool):
        left = float(left)
    if isinstance(right, Decimal | bool):
        right = float(right)
    if operator == "/":
        return left / right if right else None
    if operator in "+-*":
        return {"+": left + right, "-": left - right, "*": left * right}[operator]
    truth = {
        ">": lambda: left > right, ">=": lambda: left >= right, "<": lambda: left < right, "<=": lambda: left <= right,
        "==": lambda: left == right,
    }[operator]()  # fmt: skip
    return 1.0 if truth else 0.0


def same(got: Any, wanted: Any, size: float = 1.0) -> bool:
    """Equal, numbers to within rounding of values as large as `size`."""
    if got is None or wanted is None or isinstance(wanted, str | date | bool):
        return bool(got == wanted)
    return math.isclose(float(got), float(wanted), rel_tol=1e-9, abs_tol=1e-9 * size)


def catalogue_of(project: Project) -> Catalogue:
    """All definitions of a project."""
    return Catalogue(project)
