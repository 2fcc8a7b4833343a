"""How do profiles, scores and signals come to lie in the cluster's storage? Written by the workers, described in one JSON file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from riskengine.errors import Problem, UsageError, nearest
from riskengine.monitor.watch import Watch
from riskengine.profile.batch import GUARANTEE, Wanted
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.plan import compile_recipe
from riskengine.profile.populations import load_population
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_in_force
from riskengine.scoring.bundle import Bundle
from riskengine.spark.cluster import Cluster
from riskengine.spark.profiles import profiled, same_definitions, spark_recipe
from riskengine.spark.scoring import scored
from riskengine.spark.signals import raised, split
from riskengine.spark.storage import address, is_there, read_json, remove, write_json
from riskengine.spark.subjects import Register
from riskengine.store.snapshot import Snapshot

PROFILES, SCORES = "profiles.json", "scores.json"


@contextmanager
def new_folder(session: Any, out: str) -> Iterator[str]:
    """The address of a folder that is not there yet; what a failure leaves of it is removed."""
    place = address(out)
    if is_there(session, place):
        problem = Problem(out, "a folder that is not there yet", "one that is", "Name another")
        raise UsageError("Nothing can be written", [problem])
    try:
        yield place
    except BaseException:
        remove(session, place)
        raise


def write_profiles(
    session: Any, catalogue: Catalogue, snapshot: Snapshot, wanted: Wanted, where: tuple[str, str]
) -> int:
    """Write `profiles/part-*.parquet` and `profiles.json` into a folder of the cluster's storage; returns how many rows.

    `where` is (the folder, where workers see the store or ""). `wanted.recipe` is DuckDB's, which names what was computed;
    the cluster runs the same definitions in its own words. Columns are those of `profile.batch.write_profiles`.
    """
    out, facts_at = where
    known = (GUARANTEE, *catalogue.subjects.populations)
    if wanted.of not in known:
        problem = Problem("--of", f"one of {', '.join(known)}", repr(wanted.of), nearest(wanted.of, known))
        raise UsageError("No profiles can be written", [problem])
    recipe = spark_recipe(catalogue, wanted.recipe.names)
    with new_folder(session, out) as folder:
        cluster = Cluster(session, snapshot, f"{folder}/_working", facts_at)
        load_subjects(cluster, catalogue, wanted, recipe)
        with_keys(cluster, recipe).write.parquet(f"{folder}/profiles")
        rows = int(session.read.parquet(f"{folder}/profiles").count())
        told = {
            "engine": "spark",
            "snapshot": snapshot.id,
            "recipe": wanted.recipe.fingerprint,
            "of": wanted.of,
            "days": [str(day) for day in wanted.days],
            "rows": rows,
            "features": wanted.recipe.names,
        }
        write_json(session, f"{folder}/{PROFILES}", told)
        remove(session, cluster.working)
    return rows


def load_subjects(cluster: Cluster, catalogue: Catalogue, wanted: Wanted, recipe: Recipe) -> int:
    """Make the view `subjects`: the guarantees in force or a population, on each of the days; returns how many rows."""
    bench: Any = Register(cluster)
    if wanted.of == GUARANTEE:
        return load_in_force(bench, catalogue.subjects.guarantee, recipe, wanted.days)
    return load_population(bench, catalogue.subjects.populations[wanted.of], recipe, wanted.days)


def with_keys(cluster: Cluster, recipe: Recipe) -> Any:
    """`subject`, `as_of`, `id`, `enterprise_id`, the key columns, and every feature that is not one of them."""
    values = profiled(cluster, recipe)
    own = list(dict.fromkeys(["subject", "as_of", "id", "enterprise_id", *(name for name, _ in recipe.keys)]))
    subjects = cluster.session.table("subjects").select(*(f"`{name}`" for name in own))
    fresh = ["subject", *(name for name in recipe.names if name not in own)]
    return subjects.join(values.select(*(f"`{name}`" for name in fresh)), "subject", "left")


def written_profiles(session: Any, folder: str) -> tuple[Any, dict[str, Any]]:
    """The frame of profiles in a folder, and what was said of them."""
    place = address(folder)
    told = read_json(session, f"{place}/{PROFILES}")
    return session.read.parquet(f"{place}/profiles"), told


def write_scores(session: Any, catalogue: Catalogue, bundle: Bundle, profiles: str, out: str) -> int:
    """Write `scores/part-*.parquet` and `scores.json` of profiles; returns how many rows.

    Refused where a definition was changed since the model was trained or since the profiles were written.
    """
    frame, told = written_profiles(session, profiles)
    frozen = Recipe.from_json(bundle.recipe)
    same_definitions(catalogue, frozen, str(bundle.card.get("definitions", "")))
    names = told.get("features") or [name for name in frame.columns if name in catalogue.features]
    if told["recipe"] != compile_recipe(catalogue, names).fingerprint:
        got = f"those of recipe {told['recipe'][:12]}"
        problem = Problem(profiles, "profiles of today's definitions", got, "Run riskengine profiles again")
        raise UsageError(
            "A definition was changed since the profiles were written 画像生成后口径已变更", [problem]
        )
    with new_folder(session, out) as folder:
        scored(session, frame, bundle).write.parquet(f"{folder}/scores")
        rows = int(session.read.parquet(f"{folder}/scores").count())
        said = {
            "engine": "spark", "model": bundle.model, "bundle": bundle.hash, "snapshot": told["snapshot"],
            "recipe": told["recipe"], "of": told["of"], "days": told["days"], "rows": rows,
        }  # fmt: skip
        write_json(session, f"{folder}/{SCORES}", said)
    return rows


def write_signals(
    session: Any, watch: Watch, places: tuple[str, str], out: str
) -> tuple[dict[str, int], dict[str, str]]:
    """Write `signals/part-*.parquet` and `signals.json` of (profiles, scores); returns how many of each severity were raised,
    and why each signal that was not evaluated was left out."""
    frame, told = written_profiles(session, places[0])
    place = address(places[1])
    said = read_json(session, f"{place}/{SCORES}")
    if (said["recipe"], said["snapshot"], said["days"], said["of"]) != (
        told["recipe"], told["snapshot"], told["days"], told["of"],
    ):  # fmt: skip
        problem = Problem(places[1], f"scores of {places[0]}", "scores of other profiles", "Score them")
        raise UsageError("Scores and profiles do not belong together", [problem])
    absent = [name for name in watch.products.features if name not in frame.columns]
    if absent or told["of"] != GUARANTEE:
        got = f"without {', '.join(absent)}" if absent else f"profiles of {told['of']}"
        problem = Problem(places[0], "profiles of guarantees with what products read", got, "Write them anew")
        raise UsageError("Signals are told of guarantees", [problem])
    parts = split(watch.signals, watch.vocabulary, frame.columns)
    with new_folder(session, out) as folder:
        rows = raised(frame, session.read.parquet(f"{place}/scores"), parts.taken, watch.products)
        rows.write.parquet(f"{folder}/signals")
        counts = session.read.parquet(f"{folder}/signals").groupBy("severity").count().collect()
        found = {row.severity: row["count"] for row in counts}
        told_of = {
            "engine": "spark", "snapshot": told["snapshot"], "bundle": said["bundle"], "days": told["days"],
            "raised": found, "evaluated": [signal.id for signal in parts.taken], "left_out": dict(parts.left),
        }  # fmt: skip
        write_json(session, f"{folder}/signals.json", told_of)
    return found, dict(parts.left)
