"""Which batches does a data file hold, by its name or, where it holds many, by its footer?

`batch-<number>-<hash>.parquet` holds one batch; `batch-<first>-<last>-<hash>.parquet` holds many and lists them in its
footer: between the first and the last there are batches of other sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from riskengine.errors import IntegrityError, Problem

_LISTED = b"riskengine.batches"


def batches_in(path: Path) -> frozenset[int]:
    """The numbers of the batches whose facts are in a data file; one whose footer cannot be read is an `IntegrityError`."""
    parts = path.stem.split("-")
    if len(parts) == 3:
        return frozenset([int(parts[1])])
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        listed = (pq.read_metadata(path).metadata or {})[_LISTED].decode()
        return frozenset(int(number) for number in listed.split(","))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        hint = "Restore the store from a backup"
        problem = Problem(path.name, "a footer that lists its batches", str(error)[:120] or "none", hint)
        raise IntegrityError("A data file is damaged", [problem]) from None


def listing(batches: Iterable[int]) -> dict[bytes, bytes]:
    """What the footer of a file of many batches says."""
    return {_LISTED: ",".join(str(number) for number in sorted(batches)).encode()}


def file_name(batches: Iterable[int], digest: str) -> str:
    """The name of a data file by its batches and the SHA-256 of its bytes.

    >>> file_name([7], "0123456789abcdef0000")
    'batch-00000007-0123456789abcdef.parquet'
    >>> file_name([9, 7], "0123456789abcdef0000")
    'batch-00000007-00000009-0123456789abcdef.parquet'
    """
    ends = sorted({min(batches := list(batches)), max(batches)})
    return "-".join(["batch", *(f"{end:08d}" for end in ends), f"{digest[:16]}.parquet"])
