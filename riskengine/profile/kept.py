"""What has been compiled before? Queries kept in the store under the hash of all that they were compiled from.

Compiling takes seconds and reading them back milliseconds. `recipes/definitions-<key>` names a recipe kept by its own hash;
`recipes/entering-<key>.json` holds the queries for the facts behind features. The key covers the definitions and the
engine's own code, so what is kept is never what would be compiled otherwise; nothing that is published depends on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskengine.errors import IntegrityError, Problem
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.schema import canonical_json, file_sha256, fingerprint
from riskengine.store.snapshot import replace_text

if TYPE_CHECKING:
    from riskengine.profile.catalogue import Catalogue

_ENGINE = Path(__file__).parents[1]
_COMPILERS = ("ibis-framework", "sqlglot")


def kept_recipe(project: Project, names: Sequence[str]) -> Recipe:
    """The compiled recipe of features; compiled (slowly) once for each state of the definitions. A damaged one is an `IntegrityError`."""
    pointer = project.store / "recipes" / f"definitions-{fingerprint([list(names), _files(project)])}"
    if pointer.exists():
        return recorded_recipe(project.store, pointer.read_text(encoding="utf-8"))
    from riskengine.profile.catalogue import Catalogue

    return _compiled(Catalogue(project), names, pointer)


def night_recipe(catalogue: Catalogue, names: Sequence[str], *, lineage: bool = False) -> Recipe:
    """The same for what is compiled by the hundred: kept for this version of the compilers, compiled again if damaged."""
    project = catalogue.project
    wanted = [list(names), "lineage"] if lineage else list(names)
    pointer = project.store / "recipes" / f"definitions-{_key(project, wanted)}"
    if pointer.exists():
        name = pointer.read_text(encoding="utf-8")
        content = _content(project.store / "recipes" / f"{name}.json")
        if content is not None and fingerprint(content) == name:
            return Recipe.from_json(content)
    return _compiled(catalogue, names, pointer, lineage=lineage)


def kept_entering(catalogue: Catalogue, names: Iterable[str], subjects: str) -> dict[str, str]:
    """`entering` of each feature, compiled where it is not kept; feature -> SQL, empty where no facts are behind it."""
    path = catalogue.project.store / "recipes" / f"entering-{_key(catalogue.project, subjects)}.json"
    content = _content(path) or {}
    known: dict[str, str] = content.get("queries", {})
    if fingerprint(known) != content.get("hash"):
        known = {}
    wanted = sorted(set(names))
    fresh = [name for name in wanted if name not in known]
    if fresh:
        from riskengine.profile.entering import entering

        known = known | {name: entering(catalogue, name, subjects, own=True) for name in fresh}
        _write(path, canonical_json({"queries": known, "hash": fingerprint(known)}))
    return {name: known[name] for name in wanted}


def recorded_recipe(store: Path, name: str) -> Recipe:
    """The recipe of a hash; gone or changed it is an `IntegrityError`."""
    path = store / "recipes" / f"{name}.json"
    content = json.loads(path.read_bytes()) if path.exists() else None
    if content is None or fingerprint(content) != name:
        got = "other content" if path.exists() else "no file"
        problem = Problem(str(path), f"content of hash {name}", got, "Restore it")
        raise IntegrityError("What a decision rested on is damaged", [problem])
    return Recipe.from_json(content)


def _compiled(catalogue: Catalogue, names: Sequence[str], pointer: Path, *, lineage: bool = False) -> Recipe:
    from riskengine.profile.plan import compile_recipe

    recipe = compile_recipe(catalogue, names, lineage=lineage)
    _write(pointer.with_name(f"{recipe.fingerprint}.json"), canonical_json(recipe.to_json()))
    _write(pointer, recipe.fingerprint)
    return recipe


def _write(path: Path, text: str) -> None:
    """Keep a text in a store that is there and may be written; who only reads one goes without."""
    store = path.parent.parent
    if store.is_dir() and os.access(store, os.W_OK):
        path.parent.mkdir(exist_ok=True)
        replace_text(path, text)


def _content(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # gone or damaged: compiled again
        return None
    return found if isinstance(found, dict) else None


def _key(project: Project, what: Any) -> str:
    from importlib.metadata import version

    return fingerprint([what, _files(project), [version(name) for name in _COMPILERS]])


def _files(project: Project) -> list[list[str]]:
    """Every file that a query is compiled from, with its hash: features, contracts, keys and the engine's compiler."""
    files = [
        *sorted((project.root / "features").glob("*.py")),
        *project.definition_files("configs/sources", ".toml"),
        project.configs / "subjects.toml",
        *sorted((_ENGINE / "profile").glob("*.py")),
        *(_ENGINE / name for name in ("intake/contract.py", "schema.py", "clock.py")),
    ]
    return [[f"{path.parent.name}/{path.name}", file_sha256(path)] for path in files if path.exists()]
