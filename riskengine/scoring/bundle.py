"""Is this trained bundle, byte for byte, the one that was promoted? Nothing is parsed before that is certain."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from riskengine.errors import IntegrityError, Problem, SetupError, UsageError, nearest
from riskengine.schema import canonical_json

FORMAT = 1
MANIFEST = "manifest.json"
PARTS = (
    "calibration.json",
    "card.json",
    "grades.json",
    "model.txt",
    "peers.json",
    "recipe.json",
    "spec.json",
    "trees.json",
)
_HASH = re.compile(r"[0-9a-f]{64}")
_RESTORE = "Remove the folder and fetch it again with riskengine promote MODEL VERSION --plan"


@dataclass(frozen=True)
class Bundle:
    """A model with all it needs to score: every byte was compared with its hash; parts are parsed when first asked for.

    `hash` is the SHA-256 of the manifest's canonical JSON, so it names every file's content and nothing else.
    """

    folder: Path
    hash: str
    model: str
    files: Mapping[str, bytes]

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The compiled profile recipe: sql, sources and what each feature is called and means."""
        return self._json("recipe.json")

    @cached_property
    def trees(self) -> dict[str, Any]:
        """The compact plain trees that `scoring.trees` scores."""
        return self._json("trees.json")

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The model's inputs, in the order in which the trees number them."""
        return tuple(self.trees["features"])

    @cached_property
    def calibration(self) -> dict[str, Any]:
        """How a raw score becomes a PD."""
        return self._json("calibration.json")

    @cached_property
    def grades(self) -> dict[str, Any]:
        """The master scale that was in force when the bundle was made."""
        return self._json("grades.json")

    @cached_property
    def peers(self) -> dict[str, Any]:
        """Medians of each feature over all training rows and over each peer group."""
        return self._json("peers.json")

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The model's specification as it was trained."""
        return self._json("spec.json")

    @cached_property
    def card(self) -> dict[str, Any]:
        """What is known about the model: data, tests with intervals, benchmarks, audit."""
        return self._json("card.json")

    @cached_property
    def model_text(self) -> str:
        """LightGBM's native text, from the verified bytes (never read from disk a second time)."""
        return self.files["model.txt"].decode("utf-8")

    @cached_property
    def scoring_parts(self) -> dict[Any, Any]:
        """A place for what scorers derive from the parts once: scales, parsed boosters, tree indexes."""
        return {}

    def _json(self, name: str) -> dict[str, Any]:
        return strict_json(self.files[name], self.folder / name)


def strict_json(raw: bytes | str, path: Path, repair: str = _RESTORE) -> dict[str, Any]:
    """The JSON object in a file that decides something: one reading only, so no key twice, no NaN, no infinity (nor 1e999).

    Anything else is an `IntegrityError` naming the file, and `repair`: what to do about it.
    """
    try:
        content = json.loads(
            raw, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite_number
        )
    except (ValueError, RecursionError) as error:
        raise _not_json(path, str(error), repair) from None
    if not isinstance(content, dict):
        raise _not_json(path, type(content).__name__, repair)
    return content


def bundle_hash(files: Mapping[str, bytes], model: str) -> str:
    """The hash that names these files as a bundle of `model`."""
    return hashlib.sha256(_manifest_text(files, model).encode()).hexdigest()


def write_bundle(folder: Path, files: Mapping[str, bytes]) -> str:
    """Write the parts and their manifest into `folder` (made, must be empty) and return the bundle's hash.

    The model's name is taken from `spec.json`. Absent or unknown parts are a `UsageError`.
    """
    problems = [Problem(str(folder), f"the part {name}", "nothing") for name in PARTS if name not in files]
    problems += [
        Problem(str(folder), "a known part", repr(name), nearest(name, PARTS))
        for name in sorted(files)
        if name not in PARTS
    ]
    if folder.exists() and any(folder.iterdir()):
        problems.append(Problem(str(folder), "an empty folder", "files in it"))
    if problems:
        raise UsageError("Not a bundle", problems)
    model = str(json.loads(files["spec.json"])["name"])
    text = _manifest_text(files, model)
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(files):
        (folder / name).write_bytes(files[name])
    (folder / MANIFEST).write_bytes(text.encode())
    return hashlib.sha256(text.encode()).hexdigest()


def read_bundle(folder: Path, expected: str | None = None) -> Bundle:
    """Read a bundle after comparing every byte with its hash; any difference is an `IntegrityError` naming the file.

    With `expected`, the manifest itself must have that hash; a file the manifest does not list is refused too.
    """
    manifest_path = folder / MANIFEST
    if manifest_path.is_symlink() or not manifest_path.is_file():
        raise IntegrityError(
            "A bundle is damaged", [Problem(str(manifest_path), "a manifest", "no file", _RESTORE)]
        )
    raw = manifest_path.read_bytes()
    got = hashlib.sha256(raw).hexdigest()
    if expected is not None and got != expected:
        raise IntegrityError(
            "A bundle is not the expected one",
            [Problem(str(manifest_path), f"SHA-256 {expected}", got, _RESTORE)],
        )
    model, listed = _parse_manifest(raw, manifest_path)
    content, problems = _verified_files(folder, listed)
    if problems:
        raise IntegrityError(f"The bundle of {model} is damaged", problems)
    return Bundle(folder, got, model, MappingProxyType(content))


def champion_of(store: Path, model: str) -> dict[str, Any]:
    """The entry of `champions.json` for `model`: `{"bundle": hash, "version": n}`; none is a `SetupError`."""
    path = store / "champions.json"
    entries = strict_json(path.read_bytes(), path) if path.exists() else {}
    if model not in entries:
        raise SetupError(
            f"No champion of {model}",
            [
                Problem(
                    str(path),
                    f"a champion of {model!r}",
                    f"champions of {', '.join(sorted(entries))} only" if entries else "none promoted yet",
                    (f"{nearest(model, entries)} Else run " if entries else "Run ")
                    + f"riskengine retrain {model} --as-of DATE, then riskengine promote {model} VERSION",
                )
            ],
        )
    return checked_entry(path, model, entries[model], "Restore the file from a backup")


def checked_entry(path: Path, model: str, entry: Any, repair: str) -> dict[str, Any]:
    """What a pointer file says of a model if it is `{"bundle": hash, "version": n}`, whatever else it says; else an `IntegrityError`."""
    whole = isinstance(entry, dict) and isinstance(entry.get("bundle"), str)
    if not (whole and _HASH.fullmatch(entry["bundle"]) and type(entry.get("version")) is int):
        problem = Problem(f"{path}: {model}", "a bundle's hash and a version", json.dumps(entry)[:80], repair)
        raise IntegrityError(f"The pointer to the {path.stem.removesuffix('s')} is damaged", [problem])
    return dict(entry)


def champion(store: Path, model: str) -> Bundle:
    """The verified bundle that decides today: named by `champions.json`, kept under `bundles/<hash>/`."""
    entry = champion_of(store, model)
    folder = store / "bundles" / str(entry["bundle"])
    if not folder.is_dir():
        raise SetupError(
            f"The champion of {model} is not on this machine",
            [
                Problem(
                    str(folder),
                    "the promoted bundle",
                    "no folder",
                    f"Run riskengine promote {model} {entry['version']} --plan: it fetches the bundle and changes nothing",
                )
            ],
        )
    bundle = read_bundle(folder, str(entry["bundle"]))
    if bundle.model != model:
        raise IntegrityError(
            "A champion is of another model", [Problem(str(folder), repr(model), repr(bundle.model))]
        )
    return bundle


def _manifest_text(files: Mapping[str, bytes], model: str) -> str:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return canonical_json({"format": FORMAT, "model": model, "files": hashes})


def _parse_manifest(raw: bytes, path: Path) -> tuple[str, dict[str, str]]:
    try:
        manifest = json.loads(raw)
        canonical = canonical_json(manifest).encode() == raw
        keys = set(manifest) == {"format", "model", "files"}
        whole = canonical and keys and type(manifest["format"]) is int and manifest["format"] == FORMAT
        whole = whole and isinstance(manifest["model"], str) and set(manifest["files"]) == set(PARTS)
        whole = whole and all(_HASH.fullmatch(sha) for sha in manifest["files"].values())
    except (ValueError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise IntegrityError(
            "A bundle is damaged",
            [Problem(str(path), f"a canonical manifest of format {FORMAT}", "something else", _RESTORE)],
        )
    return manifest["model"], dict(manifest["files"])


def _verified_files(folder: Path, listed: Mapping[str, str]) -> tuple[dict[str, bytes], list[Problem]]:
    content: dict[str, bytes] = {}
    problems = []
    for name, sha in sorted(listed.items()):
        path = folder / name
        own = path.is_file() and not path.is_symlink()  # a link may point elsewhere tomorrow
        content[name] = path.read_bytes() if own else b""
        got = hashlib.sha256(content[name]).hexdigest() if own else "no file of its own"
        if got != sha:
            problems.append(Problem(str(path), f"SHA-256 {sha}", got, _RESTORE))
    present = {path.name for path in folder.iterdir()}
    problems += [
        Problem(str(folder / name), "only files of the manifest", "an unlisted file", "Remove it")
        for name in sorted(present - set(listed) - {MANIFEST})
    ]
    return content, problems


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key twice")
    return made


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite_number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _not_json(path: Path, got: str, repair: str) -> IntegrityError:
    return IntegrityError("A file is damaged", [Problem(str(path), "one JSON object", got, repair)])
