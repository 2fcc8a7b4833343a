"""What does a text with blanks read for each of many rows, in every language?

Lesson of the profile: a province's night says half a million signals and a quarter of a million reminders in two languages,
and filling in each by itself took longer than deciding them. Few of them differ once the values are written out, so each
column's distinct values are written once, each distinct text is put together once, and rows that read alike share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.monitor.signals import Shown
from riskengine.schema import Words

LANGUAGES = ("en", "zh")
Texts = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int64]


def texts(words: Words, columns: Mapping[str, Any], size: int) -> dict[str, Texts]:
    """The text of each of `size` rows by language, as `Signal.say` of the row's own values (arrays or series by name)."""
    known: dict[str, tuple[Codes, list[Any]]] = {}
    return {
        language: _filled(words.say(language), language, (columns, known), size) for language in LANGUAGES
    }


def shared(values: Any) -> tuple[Codes, list[Any]]:
    """(The place of each row's value, the distinct values as plain Python values); what reads differently is kept apart.

    >>> shared(np.array([0.5, -0.0, 0.0, 0.5]))[1]
    [0.5, -0.0, 0.0]
    """
    if isinstance(values, pd.Series) and not isinstance(values.dtype, np.dtype):
        # texts of pandas' own kinds, of which equal ones read alike; an unknown one is whatever the kind calls it
        codes, distinct = pd.factorize(values, use_na_sentinel=False)
        return codes.astype("int64"), distinct.tolist()
    plain = np.asarray(values)
    if plain.dtype == "float64":  # by bits: 0 and -0 are equal and read differently
        codes, bits = pd.factorize(plain.view("int64"))
        return codes.astype("int64"), np.asarray(bits).view("float64").tolist()
    if plain.dtype.kind == "M":
        codes, bits = pd.factorize(plain.view("int64"))
        return codes.astype("int64"), pd.Series(np.asarray(bits).view(plain.dtype)).tolist()
    if plain.dtype.kind in "iub" or pd.api.types.infer_dtype(plain, skipna=True) in ("string", "date"):
        codes, found = pd.factorize(plain)
        codes = np.where(codes < 0, len(found), codes).astype("int64")  # what is missing reads as unknown
        return codes, [*found.tolist(), None]
    # each by itself: 1 and Decimal("1.00") are equal
    return np.arange(len(plain), dtype="int64"), values.tolist()


def _filled(
    text: str,
    language: str,
    told: tuple[Mapping[str, Any], dict[str, tuple[Codes, list[Any]]]],
    size: int,
) -> Texts:
    columns, known = told
    parts = list(Formatter().parse(text))
    named = [name for _, name, _, _ in parts if name is not None]
    plain = all(name in columns for name in named) and not any(
        conversion or "{" in (spec or "") for _, _, spec, conversion in parts
    )
    if not plain or not size:
        return _one_by_one(text, language, columns, size)
    at: Codes = np.zeros(size, dtype="int64")
    written: list[tuple[Codes, list[str]]] = []
    for _, name, spec, _ in parts:
        if name is None:
            continue
        if name not in known:
            known[name] = shared(columns[name])
        places, values = known[name]
        places, said = _alike(places, [format(Shown(value, language), spec or "") for value in values])
        written.append((places, said))
        at = pd.factorize(at * max(len(said), 1) + places)[0].astype("int64")
    first = np.zeros(int(at.max()) + 1, dtype="int64")
    first[at[::-1]] = np.arange(size - 1, -1, -1)
    chosen = iter(written)
    pieces: list[list[str]] = []
    for literal, name, _, _ in parts:
        if literal:
            pieces.append([literal] * len(first))
        if name is not None:
            places, said = next(chosen)
            pieces.append([said[place] for place in places[first].tolist()])
    distinct = np.empty(len(first), dtype="object")
    distinct[:] = list(map("".join, zip(*pieces, strict=True))) if pieces else [""] * len(first)
    made: Texts = distinct[at]
    return made


def _alike(places: Codes, said: list[str]) -> tuple[Codes, list[str]]:
    """The same where values that read alike have one place."""
    once = {word: number for number, word in enumerate(dict.fromkeys(said))}
    return np.array([once[word] for word in said], dtype="int64")[places], list(once)


def _one_by_one(text: str, language: str, columns: Mapping[str, Any], size: int) -> Texts:
    """For a text that asks more of a value than a format."""
    made = np.empty(size, dtype="object")
    values = {name: column.tolist() for name, column in columns.items()} if size else {}
    for row in range(size):
        made[row] = text.format_map({name: Shown(told[row], language) for name, told in values.items()})
    return made
