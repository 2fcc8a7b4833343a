"""Which trained bundles exist, which one decides, and how does one take over? The only importer of mlflow."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.errors import Problem, SetupError, UsageError, nearest
from riskengine.scoring.bundle import read_bundle, write_bundle
from riskengine.store.snapshot import replace_text

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before mlflow: nothing leaves this machine
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

with warnings.catch_warnings():  # mlflow warns about its own type hints while it is imported
    warnings.simplefilter("ignore")
    import mlflow
    import mlflow.pyfunc
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

CHALLENGER, CHAMPION = "challenger", "champion"
_LOCK = threading.Lock()
_REQUIREMENTS = ("riskengine", "lightgbm", "numpy", "pandas", "pydantic")


@dataclass(frozen=True)
class Registry:
    """Where runs and versions are kept: a store folder and a tracking URI (empty: sqlite inside the store)."""

    store: Path
    tracking_uri: str = ""

    @property
    def uri(self) -> str:
        """The tracking and registry URI."""
        return self.tracking_uri or f"sqlite:///{(self.store / 'mlflow.db').resolve()}"

    @property
    def artifacts(self) -> Path:
        """The folder of artifacts of the sqlite default."""
        return (self.store / "mlartifacts").resolve()

    def model_uri(self, model: str, alias: str = CHAMPION) -> str:
        """The name by which `mlflow.pyfunc.load_model` and `mlflow models serve` find the bundle."""
        return f"models:/{model}@{alias}"


@dataclass(frozen=True)
class TrainingRun:
    """All that a training leaves behind: what went in, what came out, the numbers and the pictures.

    `metrics` maps a name to (value, low, high) of a 95 % interval; None where there were not enough defaults to say.
    """

    model: str
    as_of: date
    snapshot: str
    recipe: str
    params: Mapping[str, Any]
    metrics: Mapping[str, tuple[float | None, float | None, float | None]]
    figures: Mapping[str, bytes]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Version:
    """One registered bundle."""

    model: str
    version: int
    bundle: str
    run_id: str
    as_of: str
    snapshot: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Promotion:
    """A change of champion: from which version and bundle (None: there was none) to which."""

    model: str
    old_version: int | None
    old_bundle: str | None
    new_version: int
    new_bundle: str


def log_training(registry: Registry, run: TrainingRun) -> Version:
    """Log a run with its bundle and register it as the next version, alias `challenger`."""
    with _connected(registry) as client, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        name = write_bundle(folder / "bundle", run.files)
        experiment = _experiment(registry, client, run.model)
        started = client.create_run(experiment, run_name=f"{run.model} {run.as_of.isoformat()}")
        run_id = started.info.run_id
        _log_numbers(client, run_id, run)
        for figure, content in sorted(run.figures.items()):
            path = folder / figure
            path.write_bytes(content)
            client.log_artifact(run_id, str(path), "figures")
        mlflow.pyfunc.save_model(
            folder / "model",
            loader_module="riskengine.scoring.served",
            data_path=str(folder / "bundle"),
            pip_requirements=list(_REQUIREMENTS),
            metadata={"bundle": name, "snapshot": run.snapshot, "recipe": run.recipe},
        )
        client.log_artifacts(run_id, str(folder / "model"), "model")
        with contextlib.suppress(MlflowException):  # it exists already
            client.create_registered_model(run.model)
        made = client.create_model_version(
            run.model,
            source=f"{started.info.artifact_uri}/model",
            run_id=run_id,
            tags={"bundle": name, "as_of": run.as_of.isoformat(), "snapshot": run.snapshot},
            await_creation_for=None,
        )
        client.set_registered_model_alias(run.model, CHALLENGER, made.version)
        client.set_terminated(run_id)
        return _version(client.get_model_version(run.model, made.version))


def promote(registry: Registry, model: str, version: int) -> Promotion:
    """Make a version the champion: export its verified bundle to `<store>/bundles/<hash>`, then switch the pointer."""
    with _connected(registry) as client:
        wanted = _find(client, model, version)
        champions = registry.store / "champions.json"
        entries = json.loads(champions.read_text(encoding="utf-8")) if champions.exists() else {}
        old = entries.get(model)
        _export(registry, client, wanted)
        entries[model] = {"bundle": wanted.bundle, "version": version}
        replace_text(champions, json.dumps(entries, indent=1, sort_keys=True) + "\n")
        client.set_registered_model_alias(model, CHAMPION, str(version))
    return Promotion(
        model, old["version"] if old else None, old["bundle"] if old else None, version, wanted.bundle
    )


def versions(registry: Registry, model: str) -> list[Version]:
    """Every registered version of a model, oldest first; empty where there is none."""
    with _connected(registry) as client:
        return _versions(client, model)


def _versions(client: MlflowClient, model: str) -> list[Version]:
    quoted = model.replace("'", "")
    found = client.search_model_versions(f"name='{quoted}'", max_results=10_000)
    return sorted(
        (_version(client.get_model_version(model, v.version)) for v in found), key=lambda v: v.version
    )


def _find(client: MlflowClient, model: str, version: int) -> Version:
    known = _versions(client, model)
    for candidate in known:
        if candidate.version == version:
            return candidate
    if known:
        raise UsageError(
            f"No such version of {model}",
            [
                Problem(
                    f"{model} {version}", f"one of {', '.join(str(v.version) for v in known)}", str(version)
                )
            ],
        )
    names = [found.name for found in client.search_registered_models()]
    raise SetupError(
        f"No version of {model} is registered",
        [
            Problem(
                model,
                "a trained model",
                "none",
                nearest(model, names) if names else f"Run riskengine retrain {model} --as-of DATE",
            )
        ],
    )


def _export(registry: Registry, client: MlflowClient, wanted: Version) -> None:
    target = registry.store / "bundles" / wanted.bundle
    if target.is_dir():
        read_bundle(target, wanted.bundle)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
        fetched = Path(client.download_artifacts(wanted.run_id, "model/data/bundle", temporary))
        read_bundle(fetched, wanted.bundle)
        staged = Path(temporary) / "staged"
        shutil.copytree(fetched, staged)
        staged.replace(target)


def _log_numbers(client: MlflowClient, run_id: str, run: TrainingRun) -> None:
    from mlflow.entities import Metric, Param, RunTag

    numbers: dict[str, float] = {}
    for name, (value, low, high) in sorted(run.metrics.items()):
        for key, number in ((name, value), (f"{name}_low", low), (f"{name}_high", high)):
            if number is not None:
                numbers[key] = float(number)
    given = {
        **run.params,
        "as_of": run.as_of.isoformat(),
        "snapshot": run.snapshot,
        "recipe": run.recipe,
    }
    client.log_batch(
        run_id,
        metrics=[Metric(key, number, 0, 0) for key, number in numbers.items()],
        params=[Param(key, str(value)[:6000]) for key, value in sorted(given.items())],
        tags=[RunTag("snapshot", run.snapshot), RunTag("recipe", run.recipe)],
    )


def _experiment(registry: Registry, client: MlflowClient, model: str) -> str:
    found = client.get_experiment_by_name(model)
    if found is not None:
        return str(found.experiment_id)
    location = None if registry.tracking_uri else registry.artifacts.as_uri()
    return str(client.create_experiment(model, artifact_location=location))


def _version(found: Any) -> Version:
    return Version(
        found.name,
        int(found.version),
        found.tags.get("bundle", ""),
        found.run_id,
        found.tags.get("as_of", ""),
        found.tags.get("snapshot", ""),
        tuple(sorted(found.aliases)),
    )


@contextlib.contextmanager
def _connected(registry: Registry) -> Iterator[MlflowClient]:
    """A client of the registry's URI; mlflow's own loggers and warnings stay quiet."""
    registry.store.mkdir(parents=True, exist_ok=True)
    quiet = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in quiet]
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's use of sqlalchemy and of its own deprecated parts
        for logger in quiet:
            logger.setLevel(logging.ERROR)
        try:
            yield MlflowClient(tracking_uri=registry.uri, registry_uri=registry.uri)
        finally:
            for logger, level in zip(quiet, levels, strict=True):
                logger.setLevel(level)
