"""Which runs were logged and which versions registered from them? The only importer of mlflow, and only when it is needed."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskengine.errors import Problem, SetupError, UsageError, nearest
from riskengine.registry.pointers import keep_bundle
from riskengine.scoring.bundle import read_bundle, write_bundle

if TYPE_CHECKING:
    from mlflow import MlflowClient

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
    tables: Mapping[str, bytes] = field(default_factory=dict)  # rows that later work needs: validation
    trials: Sequence[tuple[Mapping[str, Any], Mapping[str, float]]] = ()  # of the search: parameters, numbers


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


def log_run(registry: Registry, run: TrainingRun) -> Version:
    """Log a run with its bundle, register it as the next version and keep the bundle under `<store>/bundles/<hash>`."""
    with _connected(registry) as client, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        name = write_bundle(folder / "bundle", run.files)
        experiment = _experiment(registry, client, run.model)
        started = client.create_run(experiment, run_name=f"{run.model} {run.as_of.isoformat()}")
        run_id = started.info.run_id
        _log_numbers(client, run_id, run)
        for number, (params, numbers) in enumerate(run.trials):
            _log_trial(client, (experiment, run_id), f"trial {number}", (params, numbers))
        for room, parts in (("figures", run.figures), ("tables", run.tables)):
            for part, content in sorted(parts.items()):
                path = folder / part
                path.write_bytes(content)
                client.log_artifact(run_id, str(path), room)
        _mlflow().pyfunc.save_model(
            folder / "model",
            loader_module="riskengine.scoring.served",
            data_path=str(folder / "bundle"),
            pip_requirements=list(_REQUIREMENTS),
            metadata={"bundle": name, "snapshot": run.snapshot, "recipe": run.recipe},
        )
        client.log_artifacts(run_id, str(folder / "model"), "model")
        with contextlib.suppress(_mlflow().exceptions.MlflowException):  # it exists already
            client.create_registered_model(run.model)
        made = client.create_model_version(
            run.model,
            source=f"{started.info.artifact_uri}/model",
            run_id=run_id,
            tags={"bundle": name, "as_of": run.as_of.isoformat(), "snapshot": run.snapshot},
            await_creation_for=None,
        )
        client.set_terminated(run_id)
        found = _version(client.get_model_version(run.model, made.version))
    keep_bundle(registry.store, run.files, name)
    return found


def find_version(registry: Registry, model: str, version: int) -> Version:
    """One registered version; an unknown one is a `UsageError` that names those there are, none at all a `SetupError`."""
    with _connected(registry) as client:
        return _find(client, model, version)


def fetch(registry: Registry, wanted: Version) -> Path:
    """The version's verified bundle under `<store>/bundles/<hash>`, downloaded where it is not there yet."""
    target = registry.store / "bundles" / wanted.bundle
    if target.is_dir():
        read_bundle(target, wanted.bundle)
        return target
    with _connected(registry) as client, tempfile.TemporaryDirectory() as temporary:
        fetched = Path(client.download_artifacts(wanted.run_id, "model/data/bundle", temporary))
        return keep_bundle(registry.store, read_bundle(fetched, wanted.bundle).files, wanted.bundle)


def table(registry: Registry, wanted: Version, name: str) -> bytes | None:
    """A table that the version's training left behind (`TrainingRun.tables`); None where it left none of this name."""
    with _connected(registry) as client, tempfile.TemporaryDirectory() as temporary:
        if f"tables/{name}" not in {found.path for found in client.list_artifacts(wanted.run_id, "tables")}:
            return None
        return Path(client.download_artifacts(wanted.run_id, f"tables/{name}", temporary)).read_bytes()


def set_alias(registry: Registry, model: str, alias: str, version: int) -> None:
    """Let MLflow's alias name this version: what `models:/<model>@<alias>` serves."""
    with _connected(registry) as client:
        client.set_registered_model_alias(model, alias, str(version))


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


def _log_trial(
    client: Any,
    parent: tuple[str, str],
    name: str,
    done: tuple[Mapping[str, Any], Mapping[str, float]],
) -> None:
    """One trial of a search as a run nested in the training's."""
    from mlflow.entities import Metric, Param

    experiment, run_id = parent
    child = client.create_run(experiment, run_name=name, tags={"mlflow.parentRunId": run_id})
    params, numbers = done
    client.log_batch(
        child.info.run_id,
        metrics=[Metric(key, float(number), 0, 0) for key, number in sorted(numbers.items())],
        params=[Param(key, str(value)) for key, value in sorted(params.items())],
    )
    client.set_terminated(child.info.run_id)


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
    library = _mlflow()  # before its loggers are quieted: it sets their levels when it is imported
    quiet = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in quiet]
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's use of sqlalchemy and of its own deprecated parts
        for logger in quiet:
            logger.setLevel(logging.ERROR)
        try:
            yield library.MlflowClient(tracking_uri=registry.uri, registry_uri=registry.uri)
        finally:
            for logger, level in zip(quiet, levels, strict=True):
                logger.setLevel(level)


def _mlflow() -> Any:
    """The library, imported when first needed: a night that only reads pointers does not wait for it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before mlflow: nothing leaves this machine
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():  # mlflow warns about its own type hints while it is imported
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.exceptions
        import mlflow.pyfunc
    return mlflow
