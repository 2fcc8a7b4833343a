"""Where is the program that recipes were spelled out to? Kept in the store under all that it was spelled from.

Spelling takes seconds, reading the compiled program back milliseconds (compiling its text costs 0.14 s, a quarter of a
review); no heavy import is needed for that. A program is code, and a store may be written by others: each user has files of
its own, and a file is run only if it belongs to that user, nobody else may write it, and it was kept under this very name.
Another's file is written anew; where the store cannot be written, DuckDB runs the recipes.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from riskengine.profile.recipe import Recipe
from riskengine.profile.spelled import WORDS
from riskengine.schema import file_sha256, fingerprint

_SPELLERS = ("spelled.py", "spelling.py", "spelling_functions.py", "spelling_tables.py", "spelling_terms.py")
Rows = list[tuple[Any, ...]]
Profiler = Callable[[Rows, Callable[..., Rows], Callable[..., Rows]], Rows]


@dataclass(frozen=True, slots=True)
class Program:
    """Recipes as Python: a function for each, and the name under which it is kept."""

    name: str
    profiles: tuple[Profiler, ...]
    shared: tuple[
        dict[str, tuple[str, list[int | None]]], ...
    ]  # of each, SQL and decimals' scales of shared steps


def kept_program(
    store: Path, recipes: Sequence[Recipe], hashes: Sequence[str], narrow: Sequence[str]
) -> Program | None:
    """The program of recipes (with their `hashes`), spelled where it is not kept; None where DuckDB has to run them."""
    name = fingerprint([list(hashes), list(narrow), _speller()])
    path = store / "recipes" / f"program-{name}-{os.geteuid()}"
    code = _read(path)
    if code is None:
        if path.exists() and not os.access(store, os.W_OK):
            return None
        code = _spelled(recipes, narrow)
        _write(path, code)
    if not code:
        return None
    made = dict(WORDS)
    exec(marshal.loads(code), made)
    places = range(len(recipes))
    return Program(
        name, tuple(made[f"profile{n}"] for n in places), tuple(made[f"shared{n}"] for n in places)
    )


def _spelled(recipes: Sequence[Recipe], narrow: Sequence[str]) -> bytes:
    """The compiled program; empty where something cannot be spelled."""
    from riskengine.profile.spelling import spell
    from riskengine.profile.spelling_terms import Unspelled

    try:
        source = spell(recipes, narrow)
    except Unspelled:
        return b""
    return marshal.dumps(compile(source, "<recipe>", "exec"))


@cache
def _speller() -> list[str]:
    here = Path(__file__).parent
    return [str(sys.implementation.cache_tag), *(file_sha256(here / name) for name in _SPELLERS)]


def _read(path: Path) -> bytes | None:
    """What is kept, if it is whole, under its own name, and the work of nobody but this user."""
    try:
        with path.open("rb") as stream:
            told = os.fstat(stream.fileno())
            if told.st_uid != os.geteuid() or told.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            content = stream.read()
    except (FileNotFoundError, PermissionError):
        return None
    return content[32:] if _digest(path, content[32:]) == content[:32] else None


def _digest(path: Path, code: bytes) -> bytes:
    return sha256(path.name.encode() + b"\0" + code).digest()


def _write(path: Path, code: bytes) -> None:
    """Keep it in a store that may be written."""
    store = path.parent.parent
    if not (store.is_dir() and os.access(store, os.W_OK)):
        return
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(_digest(path, code) + code)
    temporary.replace(path)
