"""How are a model's trees fitted where its rows do not fit one machine? By LightGBM's own Dask learner, over Parquet parts.

1. Each worker reads its share of the parts (in order of their names, in turn) and keeps it; LightGBM's workers tell each other
   histograms, not rows. The client sees counts, sums and the finished trees.
2. The parameters are those of `fitting`, the offset and the weights columns of the parts (`learning.parts` writes them).
3. A share's place, not its worker, decides its rank: the same parts, number of workers and threads a worker give the same
   trees to the byte. One worker gives those of `fitting.fit`. Two give others, of the same model: LightGBM lets each worker
   choose the bins of some features from its own share, and adds sums in another order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from riskengine.errors import Problem, SetupError, UsageError
from riskengine.learning import fitting, hazard
from riskengine.learning.metrics import Floats
from riskengine.learning.spec import ModelSpec

LABEL, WEIGHT, OFFSET, GROUP = "label", "weight", "offset", "group"  # a part's columns beside the features
PATIENCE = 20.0  # seconds that a scheduler has to answer
# lightgbm.sklearn's names for what fitting.parameters says: under others its own defaults would stand beside them
_RENAMED = {
    "min_data_in_leaf": "min_child_samples",
    "min_sum_hessian_in_leaf": "min_child_weight",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "seed": "random_state",
}
_OF_THE_NETWORK = re.compile(r"^\[(machines|local_listen_port|time_out|num_threads): .*\]\n", re.MULTILINE)
_MACHINES = re.compile(r"^\[num_machines: (\d+)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Chosen:
    """Which rows of the parts teach: all, or those of every fold of borrowers but one."""

    folds: int = 0
    but: int = -1

    def of(self, group: npt.NDArray[Any], seed: int) -> fitting.Flags:
        """Flags of the rows; the fold of a borrower is a hash of its own (`splitting.folds`), the same on every worker."""
        if not self.folds:
            return np.ones(len(group), dtype=bool)
        flags: fitting.Flags = fitting.buckets(list(group), self.folds, seed) != self.but
        return flags


@contextmanager
def cluster(scheduler: str) -> Iterator[Any]:
    """A client of the scheduler at an address such as `tcp://host:8786`; `SetupError` without Dask or without an answer."""
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise SetupError(
            "Dask is not installed",
            [Problem("dask", "dask and distributed", "none", "pip install 'riskengine[dask]'")],
        ) from error
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise SetupError(
            "No Dask scheduler answers",
            [Problem("--scheduler", "an address such as tcp://host:8786", f"{scheduler!r}", "Start dask scheduler and workers")],
        ) from error  # fmt: skip
    with client:
        yield client


def fit_parts(spec: ModelSpec, folder: Path, client: Any, chosen: Chosen | None = None) -> str:
    """The text of the booster that the workers of `client` fit on `folder/*.parquet`, without what only the network knows.

    Parts have every feature (numbers, null is missing), `label` (0/1), `weight`, `group`, and `offset` for a hazard. The
    folder must lie where every worker sees it under this name. `UsageError` where a part misses a column or a worker would get
    no row; `SetupError` where a worker is lost on the way.
    """
    paths, workers = _parts(spec, folder, client)
    shares = [paths[number :: len(workers)] for number in range(len(workers))]
    with _losses():
        blocks = [
            client.submit(_share, spec, share, chosen or Chosen(), workers=[worker], pure=False)
            for worker, share in zip(workers, shares, strict=True)
        ]
        told = client.gather([client.submit(_told, block, pure=False) for block in blocks])
        _enough(told, shares)
        text = _fitted(spec, client, list(zip(workers, blocks, strict=True)), told)
    found = _MACHINES.search(text)
    if found is None or int(found[1]) != len(workers):
        got = "none" if found is None else found[1]
        raise SetupError(
            "Not every worker took part",
            [Problem("workers in the model", str(len(workers)), got, "Train again")],
        )
    return text


def fit_folds(spec: ModelSpec, folder: Path, client: Any) -> list[Any]:
    """The boosters that `making.made` asks for: one of all rows, then for each fold that of the others."""
    count = spec.validation.folds
    every = [Chosen(), *(Chosen(count, number) for number in range(count))]
    return [lightgbm.Booster(model_str=fit_parts(spec, folder, client, one)) for one in every]


def _parts(spec: ModelSpec, folder: Path, client: Any) -> tuple[list[Path], list[str]]:
    """The parts in order of their names, and the addresses of the workers in order of theirs."""
    paths = sorted(folder.glob("*.parquet"))
    known = client.scheduler_info(n_workers=-1)["workers"]
    workers = sorted(known, key=lambda address: (str(known[address]["name"]), address))
    wanted = [*spec.features, LABEL, WEIGHT, GROUP, *([OFFSET] if spec.hazard else [])]
    problems = []
    if spec.kind != "trees":
        problems.append(Problem(spec.name, "trees", spec.kind, "A scorecard is fitted on one machine"))
    if not workers:
        problems.append(Problem("workers", "one or more", "none", "Start dask worker"))
    if len(paths) < max(len(workers), 1):
        problems.append(
            Problem(str(folder), f"a Parquet part for each of {len(workers)} workers", f"{len(paths)}")
        )
    for path in paths:
        missing = sorted(set(wanted) - set(pq.read_schema(path).names))
        if missing:
            problems.append(Problem(str(path), f"columns {', '.join(missing)}", "none"))
    if problems:
        raise UsageError("These parts cannot be trained on", problems)
    return paths, workers


def _share(spec: ModelSpec, paths: Sequence[Path], chosen: Chosen) -> dict[str, Any]:
    """On a worker: its rows as arrays."""
    columns = [*spec.features, LABEL, WEIGHT, GROUP, *([OFFSET] if spec.hazard else [])]
    pieces = [pq.read_table(path, columns=columns).to_pandas() for path in paths]
    groups = np.concatenate([piece[GROUP].to_numpy(dtype=str) for piece in pieces])
    keep = chosen.of(groups, spec.lightgbm.seed + 1)
    width = len(spec.features)
    matrix = np.empty((len(keep), width), dtype=np.float64)
    start = 0
    for piece in pieces:  # one copy of the features beside the one that is read
        matrix[start : start + len(piece)] = piece[list(spec.features)].to_numpy(np.float64, na_value=np.nan)
        start += len(piece)
    given = {
        name: np.concatenate([piece[name].to_numpy(dtype=np.float64) for piece in pieces])[keep]
        for name in (LABEL, WEIGHT, *([OFFSET] if spec.hazard else []))
    }
    return {"data": np.ascontiguousarray(matrix[keep])} | given


def _told(share: Mapping[str, Any]) -> dict[str, float]:
    return {"rows": len(share[LABEL]), "weight": float(share[WEIGHT].sum())}


def _piece(share: Mapping[str, Any], name: str, by: float = 1.0) -> Floats:
    """One array of a share; weights over the mean of all shares."""
    found: Floats = share[name] / by if by != 1.0 else share[name]
    return found


def _enough(told: Sequence[Mapping[str, float]], shares: Sequence[Sequence[Path]]) -> None:
    problems = [
        Problem(f"{share[0].name} and every {len(shares)}th after", "rows", "none", "Use fewer workers")
        for share, one in zip(shares, told, strict=True)
        if not one["rows"]
    ]
    if problems:
        raise UsageError("A worker would have no rows", problems)


def _fitted(
    spec: ModelSpec, client: Any, blocks: Sequence[tuple[str, Any]], told: Sequence[Mapping[str, float]]
) -> str:
    import dask.array as da
    from dask import delayed
    from lightgbm.dask import DaskLGBMRegressor

    rows = [int(one["rows"]) for one in told]
    mean = sum(one["weight"] for one in told) / sum(rows)

    def array(name: str, by: float = 1.0) -> Any:
        pieces = [
            client.submit(_piece, block, name, by, workers=[worker], pure=False) for worker, block in blocks
        ]
        tail = (len(spec.features),) if name == "data" else ()
        return da.concatenate([
            da.from_delayed(delayed(piece), (size, *tail), dtype=np.float64)
            for piece, size in zip(pieces, rows, strict=True)
        ])  # fmt: skip

    params = hazard.index_parameters(spec) if spec.hazard else fitting.parameters(spec)
    params |= {"n_estimators": spec.lightgbm.rounds, "tree_learner": "data"}
    del params["num_threads"]  # a worker's own
    params = {_RENAMED.get(name, name): value for name, value in params.items()}
    # The regressor for both: a classifier would number the classes that each worker happens to see.
    model = DaskLGBMRegressor(client=_Placed(client, [worker for worker, _ in blocks]), **params)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Parameter n_jobs will be ignored"
        )  # lightgbm warns of its own default
        model.fit(
            array("data"),
            array(LABEL),
            sample_weight=array(WEIGHT, mean),
            init_score=array(OFFSET) if spec.hazard else None,
            feature_name=list(spec.features),
        )
    return _OF_THE_NETWORK.sub("", model.booster_.model_to_string())


class _Placed:
    """A client that leaves each share on its own worker, and tells who has what in the order in which it is asked.

    Left to itself the scheduler now and then brings the shares of two workers to one, and LightGBM then trains on one machine; its
    ranks follow that answer, which otherwise comes in the order of a set of random names: two runs, two models.
    """

    def __init__(self, client: Any, workers: Sequence[str]) -> None:
        self._client, self._workers = client, workers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def compute(self, shares: Sequence[Any]) -> list[Any]:
        return [
            self._client.compute(share, workers=[worker], allow_other_workers=False)
            for share, worker in zip(shares, self._workers, strict=True)
        ]

    def who_has(self, futures: Sequence[Any]) -> dict[str, tuple[str, ...]]:
        found = self._client.who_has(futures)
        return {future.key: found[future.key] for future in futures}


@contextmanager
def _losses() -> Iterator[None]:
    """A worker that is lost is told in words."""
    from distributed import KilledWorker
    from lightgbm.basic import LightGBMError

    try:
        yield
    except (KilledWorker, LightGBMError, OSError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SetupError(
            "The workers did not finish",
            [Problem("training", "every worker to the end", said, "Look at the workers' logs, train again")],
        ) from error
