"""Where do the facts of a store live: in its folder, or in a bucket of which the folder holds what was read?

A store whose folder has a file `PLACE` (`s3://bucket/prefix`, written from `[store] facts` of the environment) has its
facts there. Everything reads local files all the same; this brings them, and costs a look at the folder where there is no
`PLACE`. `store.remote` does the work; it is imported only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from riskengine.errors import Problem, SetupError

if TYPE_CHECKING:
    from riskengine.store.remote import Bucket
    from riskengine.store.snapshot import FactFile


def of(root: Path) -> str:
    """The address of the bucket, empty where the facts live in the folder."""
    said = root / "PLACE"
    return said.read_text(encoding="utf-8").strip() if said.exists() else ""


def refresh(root: Path, name: str | None = None) -> None:
    """Bring the named snapshot where it is not here, or what is current now: the list of its files, not the files."""
    if (root / "PLACE").exists() and not (name and (root / "snapshots" / f"{name}.json").exists()):
        _bucket(root).refresh(name)


def bring(root: Path, files: Iterable[FactFile]) -> None:
    """Bring index files that are not here; one with other bytes than its hash says is an `IntegrityError`."""
    if (root / "PLACE").exists():
        lacking = [file for file in files if not (root / file.path).exists()]
        if lacking:
            _bucket(root).bring(lacking)


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the bucket for writing, its tables brought here; `LockedError` where another machine holds it."""
    if not (root / "PLACE").exists():
        yield
        return
    with _bucket(root).writing():
        yield


def publish(root: Path, name: str) -> None:
    """Bring a snapshot, written here and not current yet, into the bucket and make it current there.

    `LockedError` where another machine has written meanwhile: then nothing of it counts, there or here.
    """
    if (root / "PLACE").exists():
        _bucket(root).publish(name)


def _bucket(root: Path) -> Bucket:
    try:
        from riskengine.store.remote import bucket_of
    except ModuleNotFoundError as error:
        told = Problem(
            of(root), "the library obstore", f"no module {error.name}", "pip install 'riskengine[s3]'"
        )
        raise SetupError("Facts in a bucket need a library", [told]) from None
    return bucket_of(root)
