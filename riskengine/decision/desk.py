"""On what does a decision rest? Facts, model, rules and products, each named by a hash and found again by it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import tomli

from riskengine.clock import Span
from riskengine.decision.policy import Policy
from riskengine.decision.products import Products
from riskengine.decision.sizes import Sizes
from riskengine.decision.told import titles
from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.profile.daily import Daily
from riskengine.profile.kept import kept_recipe, recorded_recipe
from riskengine.profile.keys import Subjects
from riskengine.profile.programs import Program, kept_program
from riskengine.profile.recipe import FeatureNote, Recipe, reading_all
from riskengine.project import Project
from riskengine.schema import D, file_sha256, fingerprint, parse, read_definition
from riskengine.scoring.bundle import Bundle, champion, champion_of, read_bundle
from riskengine.store import snapshot as snapshots
from riskengine.store.snapshot import Snapshot, replace_text


@dataclass(frozen=True)
class Desk:
    """Everything a decision uses besides the applicant; `basis` names each part by its hash."""

    snapshot: Snapshot
    bundle: Bundle
    rules: Recipe | None  # the features that only policy and products read; None where the model has them all
    policy: Policy
    products: Products
    basis: dict[str, str]
    sizes: Sizes | None = None  # where the project has a size table
    narrow: tuple[
        str, ...
    ] = ()  # key columns with few facts each: enterprise, application; none: DuckDB runs the recipes

    @cached_property
    def model(self) -> Recipe:
        """The recipe of the model's features, as it was when the model was trained."""
        return Recipe.from_json(self.bundle.recipe)

    @cached_property
    def titles(self) -> dict[str, dict[str, Any]]:
        """What people call each feature and source that a decision may lack."""
        return titles(self.recipes)

    @cached_property
    def notes(self) -> dict[str, FeatureNote]:
        """What a person needs to know of each feature."""
        return {note.name: note for recipe in self.recipes for note in recipe.features}

    def resting_on(self, sources: frozenset[str]) -> frozenset[str]:
        """The features that rest on any of these sources: asked twice of each of ten thousand applicants, worked out once."""
        if sources not in self._resting:
            self._resting[sources] = frozenset(
                note.name
                for recipe in self.recipes
                for note in recipe.features
                if not sources.isdisjoint(note.sources)
            )
        return self._resting[sources]

    @cached_property
    def _resting(self) -> dict[frozenset[str], frozenset[str]]:
        return {}

    def size_class(self, row: Mapping[str, Any], day: date) -> str | None:
        """The size class of an enterprise by a profile row and the table of a day; None where it cannot be said."""
        return None if self.sizes is None else self.sizes.class_of(row, day)

    @cached_property
    def horizon(self) -> Decimal | None:
        """The months that the model's PD looks ahead; None where the model does not say."""
        said = (self.bundle.spec.get("label") or {}).get("horizon")
        if not said:
            return None
        span = Span.parse(said)
        return Decimal(span.months) + Decimal(span.days) * 12 / 365

    @cached_property
    def program(self) -> Program | None:
        """The recipes spelled out for one applicant; None where DuckDB runs them (a past decision's desk always)."""
        hashes = (self.basis["model_recipe"], self.basis["rules_recipe"])
        return kept_program(self.snapshot.root, self.recipes, hashes, self.narrow) if self.narrow else None

    @cached_property
    def daily(self) -> Daily | None:
        """What every applicant of a day needs, kept; None for a past decision's desk."""
        return Daily(self.snapshot) if self.narrow else None

    @cached_property
    def every(self) -> Recipe:
        """A recipe that reads all that any of `recipes` reads."""
        return reading_all(self.recipes)

    @property
    def recipes(self) -> list[Recipe]:
        """What is run for each applicant."""
        return [self.model, *([self.rules] if self.rules else [])]


def current_desk(project: Project) -> Desk:
    """The desk of the current snapshot, the champion and today's configuration; its texts are kept for replay."""
    return desk_with(project, None)


def desk_with(project: Project, bundle: Bundle | None, policy_file: Path | None = None) -> Desk:
    """The desk if `bundle` decided by its model (None: the champion does), and by another policy where a file is given."""
    store = project.store
    policy, policy_hash = _kept(Policy, store, policy_file or project.configs / "policy.toml")
    products, products_hash = _kept(Products, store, (project.configs / "products.toml"))
    pin = "" if policy_file else _pinned(store, policy.decision.model, policy_hash)
    if pin:
        policy, policy_hash = _parsed(Policy, _text(store, pin), pin), pin
    sizes, sizes_hash = _kept_sizes(project)
    if unknown := policy.unknown_products(products.ids):
        raise UsageError("The policy names products that do not exist", unknown)
    bundle = bundle or champion(store, policy.decision.model)
    model_features = {item["name"] for item in bundle.recipe["features"]}
    named = {*policy.features, *products.features, *(sizes.features if sizes else ())}
    names = sorted(named - model_features)
    rules = kept_recipe(project, names) if names else None
    snapshot = snapshots.read(store)
    return Desk(
        snapshot,
        bundle,
        rules,
        policy,
        products,
        _basis(snapshot, bundle, rules, (policy_hash, products_hash, sizes_hash)),
        sizes,
        _narrow(project),
    )


def _narrow(project: Project) -> tuple[str, ...]:
    """The columns that name an enterprise and an application, by `configs/subjects.toml`."""
    rule = read_definition(Subjects, project.configs / "subjects.toml").applicant
    return rule.enterprise, rule.id


def recorded(store: Path, basis: dict[str, str]) -> Desk:
    """The desk that a record names, from the store alone; a part that is gone or changed is an `IntegrityError`."""
    bundle = read_bundle(store / "bundles" / basis["bundle"], basis["bundle"])
    snapshot = snapshots.read(store, basis["snapshot"])
    if snapshots.snapshot_id(snapshot.sources) != basis["snapshot"]:
        raise _changed(store / "snapshots" / f"{basis['snapshot']}.json", basis["snapshot"])
    rules = recorded_recipe(store, basis["rules_recipe"]) if basis["rules_recipe"] else None
    policy = _parsed(Policy, _text(store, basis["policy"]), basis["policy"])
    products = _parsed(Products, _text(store, basis["products"]), basis["products"])
    name = basis.get("sizes", "")
    sizes = _parsed(Sizes, _text(store, name), name) if name else None
    found = _basis(snapshot, bundle, rules, (basis["policy"], basis["products"], name))
    return Desk(snapshot, bundle, rules, policy, products, found, sizes)


def _basis(
    snapshot: Snapshot, bundle: Bundle, rules: Recipe | None, texts: tuple[str, str, str]
) -> dict[str, str]:
    return {
        "engine": _engine(),
        "snapshot": snapshot.id,
        "model": bundle.model,
        "bundle": bundle.hash,
        "model_recipe": fingerprint(bundle.recipe),
        "rules_recipe": rules.fingerprint if rules else "",
        "policy": texts[0],
        "products": texts[1],
        "sizes": texts[2],
        "grades": fingerprint(bundle.grades),
    }


def _pinned(store: Path, model: str, instead_of: str) -> str:
    """The policy that a rollback has put in the file's place and could not write into the file yet; else empty."""
    pin = (champion_of(store, model).get("pending") or {}).get("policy") or {}
    return str(pin["hash"]) if pin.get("instead_of") == instead_of else ""


@cache
def _engine() -> str:
    """The hash of the code that decides: another engine's review is another run, never a false alarm."""
    rooms = [
        Path(__file__).parent,
        Path(__file__).parents[1] / "scoring",
        Path(__file__).parents[1] / "portfolio",
    ]
    return fingerprint(
        {f"{path.parent.name}/{path.name}": file_sha256(path) for room in rooms for path in room.glob("*.py")}
    )[:16]


def _kept(kind: type[D], store: Path, path: Path) -> tuple[D, str]:
    """A definition, its text kept under its hash."""
    if not path.exists():
        raise UsageError("A definition is missing", [Problem(str(path), "a TOML file", "no file")])
    text = path.read_bytes()
    name = hashlib.sha256(text).hexdigest()
    made = _parsed(kind, text, str(path))
    kept = store / "policies" / f"{name}.toml"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        replace_text(kept, text.decode("utf-8"))
    return made, name


def _kept_sizes(project: Project) -> tuple[Sizes | None, str]:
    """The size table and its hash; none where the project has no such file."""
    path = project.configs / "sizes.toml"
    return _kept(Sizes, project.store, path) if path.exists() else (None, "")


def _parsed(kind: type[D], text: bytes, where: str) -> D:
    try:
        content = tomli.loads(text.decode("utf-8"))
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("Not TOML", [Problem(where, "valid TOML in UTF-8", str(error))]) from None
    made, problems = parse(kind, content, where)
    if made is None:
        raise UsageError("Not a valid definition", problems)
    return made


def _text(store: Path, name: str) -> bytes:
    path = store / "policies" / f"{name}.toml"
    text = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(text).hexdigest() != name:
        raise _changed(path, name)
    return text


def _changed(path: Path, name: str) -> IntegrityError:
    got = "other content" if path.exists() else "no file"
    return IntegrityError(
        "What a decision rested on is damaged",
        [Problem(str(path), f"content of hash {name}", got, "Restore it")],
    )
