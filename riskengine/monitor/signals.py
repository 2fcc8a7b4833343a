"""What does this institution watch? `configs/signals.toml`: signals compare, features compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator

from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, UsageError
from riskengine.monitor.vocabulary import GUARANTEE, Vocabulary
from riskengine.schema import Definition, Words, parse, read_toml
from riskengine.working_days import WorkSpan

Severity = Literal["blue", "yellow", "orange", "red"]
SEVERITIES: tuple[str, ...] = ("blue", "yellow", "orange", "red")
SEVERITY_WORDS = {  # as pages, digests and commands call them; within a Chinese sentence with 色 behind
    "red": Words(en="red", zh="红"),
    "orange": Words(en="orange", zh="橙"),
    "yellow": Words(en="yellow", zh="黄"),
    "blue": Words(en="blue", zh="蓝"),
}
UNKNOWN = {"en": "unknown", "zh": "未知"}
B = TypeVar("B", bound=Definition)


class Band(Definition):
    """A severity and the conditions that must all hold for it."""

    severity: Severity
    when: tuple[Condition, ...] = Field(min_length=1)


class Exit(Definition):
    """When a signal that is no longer true ends, and in words.

    `rule = "clear"`: after `days` in which it was definitely not there (0: at once); if it comes back, they begin anew.
    `rule = "person"`: never by itself; a person confirms it.
    """

    rule: Literal["clear", "person"] = "clear"
    days: int = Field(default=0, ge=0)
    words: Words


class Signal(Definition):
    """One thing to watch. The highest band that holds wins; its first condition gives `{value}` and `{limit}`.

    Several bands of one severity are alternatives. `about` is `guarantee`, `source`, or a key of `subjects.toml`: one line
    then speaks of a whole lender, sector or of the book, instead of the same line under each of its guarantees.
    `deadline` is how long after it is first seen it must be dealt with (`3wd` working days, `10d` days; none: what
    `deadlines.toml` says of its severity).
    """

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    title: Words
    category: Words
    about: str = GUARANTEE
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")  # the last day on which it is watched
    bands: tuple[Band, ...] = Field(min_length=1)
    text: Words
    exit: Exit
    action: Words
    owner: Words
    deadline: str = ""
    shows: tuple[str, ...] = ()  # further features to be read beside it, usable in `text`
    record: bool = False  # where it does not fire, the reason is kept (`quiet`)
    reference: str
    evidence: str = "D"

    @field_validator("deadline")
    @classmethod
    def _readable_span(cls, text: str) -> str:
        if text:
            WorkSpan.parse(text)
        return text

    def watched_on(self, as_of: date) -> bool:
        """Whether it is watched on a day (both ends included)."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every feature it compares or shows, once, in order."""
        compared = [condition.feature for band in self.bands for condition in band.when]
        return tuple(dict.fromkeys([*compared, *self.shows]))

    @property
    def ranked(self) -> list[tuple[int, Band]]:
        """(severity as a number, band), the highest first."""
        return sorted(
            ((SEVERITIES.index(band.severity), band) for band in self.bands), reverse=True, key=_rank
        )

    def say(self, language: str, values: Mapping[str, Any]) -> str:
        """The text with its values filled in; an unknown value is called so."""
        shown = {name: Shown(value, language) for name, value in values.items()}
        return self.text.say(language).format_map(shown)


def _rank(item: tuple[int, Band]) -> int:
    return item[0]


class Shown:
    """A value inside a text: formats as itself, or as "unknown" where it is missing; what rounds to nought has no minus.

    >>> f"{Shown(-0.004):.0%} {Shown(-0.4):.0%} {Shown(-0.004):+.0%} {Shown(None)}"
    '0% -40% +0% unknown'
    """

    def __init__(self, value: Any, language: str = "en") -> None:
        self.value = value
        self.language = language

    def __format__(self, spec: str) -> str:
        value = self.value
        if value is None or value != value:  # noqa: PLR0124 - NaN
            return UNKNOWN[self.language]
        if isinstance(value, date):
            return value.isoformat()[:10]
        if isinstance(value, str):
            return format(value, spec)
        text = format(value, spec or "g")
        nought = isinstance(value, float) and value <= 0 and "0" in text and not set(text) & set("123456789")
        return format(0.0, spec or "g") if nought else text


def read_signals(path: Path, known: Vocabulary) -> tuple[Signal, ...]:
    """The signals of a project; every mistake of the file is listed in one `UsageError`."""
    made, problems = read_blocks(Signal, path, "signal")
    for signal in made:
        where = f"{path.name}: {signal.id}"
        if signal.about in known.populations:
            problems.append(Problem(f"{where}: about", "guarantee, source or a key", repr(signal.about)))
            continue
        found = known.problems(where, signal.about, signal.inputs)
        problems += found or _mismatches(where, signal, known.kinds(signal.about))
        problems += text_problems(where, signal.text, [*signal.inputs, "value", "limit"])
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return made


def read_blocks(kind: type[B], path: Path, table: str) -> tuple[tuple[B, ...], list[Problem]]:
    """The `[[table]]` blocks of a file, or of every file in the folder of its name, that can be read; and the problems.

    `signals.toml` is one file; a large catalogue is a folder `signals/` of files, read in order of name.
    """
    folder = path.with_suffix("")
    files = sorted(folder.glob("*.toml")) if folder.is_dir() and not path.exists() else [path]
    made: list[B] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for file in files:
        content = read_toml(file)
        problems += [
            Problem(f"{file.name}: {key}", f"only [[{table}]] blocks", repr(key))
            for key in sorted(content)
            if key != table
        ]
        for number, block in enumerate(content.get(table, []), 1):
            name = str(block.get("id", f"{table} {number}"))
            one, found = parse(kind, block, f"{file.name}: {name}")
            problems += found
            if name in seen:
                problems.append(
                    Problem(f"{file.name}: {name}", "an id used once", f"a block with it in {seen[name]} too")
                )
            seen.setdefault(name, file.name)
            if one is not None:
                made.append(one)
    return tuple(made), problems


def text_problems(where: str, text: Words, names: Iterable[str]) -> list[Problem]:
    """What cannot be filled in in a text: unknown names or formats."""
    sample = {name: Shown(1.0) for name in names}
    problems = []
    for language in ("en", "zh"):
        try:
            text.say(language).format_map(sample)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            problems.append(
                Problem(
                    f"{where}: text.{language}",
                    "{value}, {limit} or a feature it names",
                    f"{type(error).__name__} {error}",
                    f"Known: {', '.join(sorted(sample))}",
                )
            )
    return problems


def condition_problems(
    where: str, conditions: Iterable[Condition], kinds: Mapping[str, str]
) -> list[Problem]:
    """Conditions that compare a text with a number or the other way round."""
    problems = []
    for condition in conditions:
        limit = condition.limits[0].value if condition.limits else condition.value
        kind = kinds[condition.feature]
        listed = condition.op in ("in", "not in")
        if (limit is not None or listed) and (listed or isinstance(limit, str)) != (kind == "text"):
            got = f"op {condition.op!r}, which compares texts" if listed else repr(limit)
            problems.append(Problem(f"{where}: {condition.feature}", f"a limit that is a {kind}", got))
        if kind == "date" and condition.op not in ("known", "missing"):
            problems.append(
                Problem(f"{where}: {condition.feature}", "known or missing of a date", condition.op)
            )
    return problems


def _mismatches(where: str, signal: Signal, kinds: Mapping[str, str]) -> list[Problem]:
    return condition_problems(where, (c for band in signal.bands for c in band.when), kinds)
