"""What does this institution watch? `configs/signals.toml`: signals compare, features compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, UsageError
from riskengine.monitor.vocabulary import GUARANTEE, SOURCE, Vocabulary
from riskengine.schema import Definition, Words, parse, read_toml

Severity = Literal["blue", "yellow", "orange", "red"]
SEVERITIES: tuple[str, ...] = ("blue", "yellow", "orange", "red")
UNKNOWN = {"en": "unknown", "zh": "未知"}
B = TypeVar("B", bound=Definition)


class Band(Definition):
    """A severity and the conditions that must all hold for it."""

    severity: Severity
    when: tuple[Condition, ...] = Field(min_length=1)


class Signal(Definition):
    """One thing to watch. The highest band that holds wins; its first condition gives `{value}` and `{limit}`.

    `about` is `guarantee` or a key of `subjects.toml`: one line then speaks of a whole lender, sector or of the book,
    instead of the same line under each of its guarantees.
    """

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    title: Words
    category: Words
    about: str = GUARANTEE
    bands: tuple[Band, ...] = Field(min_length=1)
    text: Words
    exit: Words
    action: Words
    owner: Words
    deadline_days: int = Field(gt=0)
    shows: tuple[str, ...] = ()  # further features to be read beside it, usable in `text`
    reference: str
    evidence: str = "D"

    @model_validator(mode="after")
    def _one_band_each(self) -> Signal:
        names = [band.severity for band in self.bands]
        if len(set(names)) < len(names):
            raise ValueError(f"one band for each severity, not {names}")
        return self

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
    """A value inside a text: formats as itself, or as "unknown" where it is missing."""

    def __init__(self, value: Any, language: str = "en") -> None:
        self.value = value
        self.language = language

    def __format__(self, spec: str) -> str:
        value = self.value
        if value is None or value != value:  # noqa: PLR0124 - NaN
            return UNKNOWN[self.language]
        if isinstance(value, date):
            return value.isoformat()[:10]
        return format(value, spec) if spec or isinstance(value, str) else format(value, "g")


def read_signals(path: Path, known: Vocabulary) -> tuple[Signal, ...]:
    """The signals of a project; every mistake of the file is listed in one `UsageError`."""
    made, problems = read_blocks(Signal, path, "signal")
    for signal in made:
        where = f"{path.name}: {signal.id}"
        if signal.about == SOURCE:
            problems.append(Problem(f"{where}: about", "guarantee or a key", repr(SOURCE), "Use a reminder"))
            continue
        found = known.problems(where, signal.about, signal.inputs)
        problems += found or _mismatches(where, signal, known.kinds(signal.about))
        problems += text_problems(where, signal.text, [*signal.inputs, "value", "limit"])
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return made


def read_blocks(kind: type[B], path: Path, table: str) -> tuple[tuple[B, ...], list[Problem]]:
    """The `[[table]]` blocks of a file that can be read, and the problems of the others and of repeated ids."""
    content = read_toml(path)
    problems = [
        Problem(f"{path.name}: {key}", f"only [[{table}]] blocks", repr(key))
        for key in sorted(content)
        if key != table
    ]
    made: list[B] = []
    seen: set[str] = set()
    for number, block in enumerate(content.get(table, []), 1):
        name = str(block.get("id", f"{table} {number}"))
        one, found = parse(kind, block, f"{path.name}: {name}")
        problems += found
        if name in seen:
            problems.append(Problem(f"{path.name}: {name}", "an id used once", "a second block with it"))
        seen.add(name)
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
        if limit is not None and isinstance(limit, str) != (kind == "text"):
            problems.append(
                Problem(f"{where}: {condition.feature}", f"a limit that is a {kind}", repr(limit))
            )
        if kind == "date" and condition.op not in ("known", "missing"):
            problems.append(
                Problem(f"{where}: {condition.feature}", "known or missing of a date", condition.op)
            )
    return problems


def _mismatches(where: str, signal: Signal, kinds: Mapping[str, str]) -> list[Problem]:
    return condition_problems(where, (c for band in signal.bands for c in band.when), kinds)
