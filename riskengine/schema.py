"""How is a definition written in TOML read strictly, with every mistake reported at once?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from riskengine.errors import Problem, UsageError, nearest


class Definition(BaseModel):
    """A frozen block of configuration; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class Words(Definition):
    """A text for people, in English and Chinese."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        """The text in `language` (`en` or `zh`)."""
        return self.zh if language == "zh" else self.en


class Dated(Definition):
    """Something in force from a day on, with where it comes from and how well that is attested.

    Evidence: A official text, B secondary public page, C practice seen in public code, K unverified knowledge, D own choice.
    """

    start: date = Field(alias="from")
    reference: str
    evidence: str = "D"


class DatedValue(Dated):
    """A number in force from a day on."""

    value: float


V = TypeVar("V", bound=Dated)


def in_force(values: Sequence[V], as_of: date) -> V | None:
    """The latest value whose day has come by `as_of`, or None before the first."""
    found = None
    for value in values:
        if value.start <= as_of and (found is None or value.start > found.start):
            found = value
    return found


D = TypeVar("D", bound=Definition)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; an unreadable one is a `UsageError` naming file and line."""
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("A definition is missing", [Problem(str(path), "a TOML file", "no file")]) from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("Not TOML", [Problem(str(path), "valid TOML in UTF-8", str(error))]) from None


def parse(kind: type[D], content: Mapping[str, Any], where: str) -> tuple[D | None, list[Problem]]:
    """Build a definition, or list every problem in it with its place inside `where`."""
    try:
        return kind.model_validate(content), []
    except ValidationError as error:
        return None, [_problem(kind, detail, where) for detail in error.errors()]


def read_definition(kind: type[D], path: Path) -> D:
    """Build a definition from a TOML file, or raise a `UsageError` with every problem."""
    made, problems = parse(kind, read_toml(path), str(path))
    if made is None:
        raise UsageError(f"{path.name} is not a valid definition", problems)
    return made


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str
).encode  # made once: a night says hundreds of thousands of values


def canonical_json(value: Any) -> str:
    """The one text of a JSON value: sorted keys, no spaces, UTF-8, no NaN.

    >>> canonical_json({"b": 1, "a": [1.5, None]})
    '{"a":[1.5,null],"b":1}'
    """
    return _CANONICAL(value)


def fingerprint(value: Any) -> str:
    """The SHA-256 of a JSON value's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _problem(kind: type[BaseModel], detail: Any, where: str) -> Problem:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        key = str(detail["loc"][-1])
        known = kind.model_fields if len(detail["loc"]) == 1 else ()
        return Problem(
            f"{where}: {place}",
            "a known key",
            repr(key),
            nearest(key, known) if known else "Remove it or correct its spelling",
        )
    got = "nothing" if detail["type"] == "missing" else repr(detail.get("input"))
    return Problem(f"{where}: {place}", detail["msg"], got[:120])
