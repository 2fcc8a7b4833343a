"""What does a model say of profiles on a cluster? Each worker scores Arrow batches with the bits of a single review.

The bundle's files travel once to each worker process and are checked there against their hashes. A worker needs Python with
riskengine installed (see docs/spark.md); what comes to the driver is a count.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from riskengine.scoring.arrow_rows import answer_schema, score_batch
from riskengine.scoring.bundle import MANIFEST, Bundle, read_bundle
from riskengine.spark.session import arrow_only

BATCH = 16_384  # profiles in an Arrow batch
IDS = ("subject", "as_of", "id", "enterprise_id")
_HELD: dict[str, Bundle] = {}  # of a worker process


def scored(session: Any, profiles: Any, bundle: Bundle) -> Any:
    """A frame of `IDS` and `scoring.arrow_rows.ANSWERS` for a frame of profiles; refused where a feature is not there."""
    schema = _spark_schema(profiles, bundle)
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH))
    segments = bundle.calibration.get("segments")
    read = [*IDS, *bundle.features, *([str(segments["column"])] if segments else [])]
    asked = profiles.select(*(f"`{name}`" for name in dict.fromkeys(read) if name in profiles.columns))
    with arrow_only():
        return asked.mapInArrow(_scoring(bundle), schema)


def _scoring(bundle: Bundle) -> Callable[[Iterator[Any]], Iterator[Any]]:
    name, files = bundle.hash, files_of(bundle)

    def score(batches: Iterator[Any]) -> Iterator[Any]:
        from riskengine.scoring import native

        native.THREADS = 1  # the cluster gives a task one core
        held = bundle_of(name, files)
        for batch in batches:
            if batch.num_rows:
                yield score_batch(held, batch, IDS)

    return score


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """Every file of a bundle, its manifest among them: what a worker needs to have it."""
    return {**bundle.files, MANIFEST: (bundle.folder / MANIFEST).read_bytes()}


def bundle_of(name: str, files: Mapping[str, bytes]) -> Bundle:
    """The bundle of a hash in this process, checked byte for byte when it is first asked for."""
    if name not in _HELD:
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                (Path(folder) / file).write_bytes(content)
            _HELD[name] = read_bundle(Path(folder), name)
    return _HELD[name]


def _spark_schema(profiles: Any, bundle: Bundle) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    return from_arrow_schema(answer_schema(bundle, to_arrow_schema(profiles.schema), IDS))
