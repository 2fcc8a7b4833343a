"""How do facts live in a bucket (S3 and what speaks like it), so that a reader never sees half and two writers never mix?

In the bucket: `facts/` (each source a Delta table that any engine can read), `index/`, `snapshots/`, `CURRENT`, `WRITER`.
All but the last two and Delta's `_last_checkpoint` are written once and never changed. What protects two writers:

- `WRITER` is a lease, taken by a conditional put. It keeps a second machine from beginning; after a crash the same machine
  takes it back at once, another one when it has run out (`LEASE`).
- It could run out while its holder still works: therefore it is renewed (`If-Match`) before anything is committed. Who lost
  it gets `LockedError`, nothing of its work counts, and its files are taken in anew from what the winner left.
- Should it be lost even after that, the Delta log decides: version n of a table is put with `If-None-Match: *`, so that one
  writer gets it; and `CURRENT` is put with `If-Match` on what the writer began from.
- The ledger (`state.db`) is one machine's. A machine whose ledger does not know the bucket's batches may read, not write.

Readers get files named and checked by SHA-256, so what was read once is kept.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from riskengine import clock
from riskengine.errors import IntegrityError, LockedError, Problem, SetupError, UsageError
from riskengine.schema import canonical_json, file_sha256
from riskengine.store import ledger, place, snapshot
from riskengine.store.snapshot import FactFile, replace_text

LEASE = timedelta(
    hours=2
)  # longer than taking in a province's month; a crash of another machine costs so long
_OPEN: dict[Path, Bucket] = {}
_RETRY: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}  # an officer waits
_CLIENT: Any = {"timeout": "15m", "connect_timeout": "10s"}  # a file of a large source takes its time


@dataclass
class Bucket:
    """A store's bucket; `tags` are the versions (ETags) of the objects that lie here unchanged."""

    root: Path
    address: str
    objects: Any
    tags: dict[str, str] = field(default_factory=dict)
    lease: str = ""  # the version of our own WRITER, while we hold it
    began: str = ""  # the version of CURRENT that we write on; empty: there is none

    def refresh(self, name: str | None = None) -> None:
        """Bring the list of files of the named snapshot, or make current here what is current there."""
        if self.lease:  # nobody else writes
            return
        if name is None:
            content, _ = self._get("CURRENT")
            if content is None:
                return
            name = content.decode().strip()
        if not (self.root / "snapshots" / f"{name}.json").exists():
            self._snapshot(name)
        here = self.root / "CURRENT"
        if not here.exists() or here.read_text(encoding="utf-8").strip() != name:
            replace_text(here, name)

    def bring(self, files: Iterable[FactFile]) -> None:
        """Bring these index files and check them."""
        for file in files:
            self._fetch(file.path, file.sha256)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lease, with CURRENT and the Delta tables as the bucket has them."""
        self.lease = self._take_lease()
        try:
            content, self.began = self._get("CURRENT")
            if content is not None:
                lease, self.lease = self.lease, ""
                self.refresh()
                self.lease = lease
            self._bring_tables()
            self._check_ledger()
            yield
        finally:
            lease, self.lease = self.lease, ""
            self._give_back(lease)

    def publish(self, name: str) -> None:
        """Bring everything new of a snapshot into the bucket, in the order in which nothing names what is not there."""
        made = snapshot.read(self.root, name)
        index = [file.path for facts in made.sources.values() for file in facts.files]
        data = [
            path for path in self._local("facts") if path.endswith(".parquet") and "/_delta_log/" not in path
        ]
        for path in (*data, *index, f"snapshots/{name}.json"):
            if path not in self.tags:
                self.tags[path] = self._put(path)
        self.lease = self._switch("WRITER", self._lease_text(), self.lease)
        for path in self._local("facts"):
            if "/_delta_log/" in path and path not in self.tags and not path.endswith("_last_checkpoint"):
                self.tags[path] = self._claim(path)
        for path in self._local("facts"):
            if path.endswith("_last_checkpoint"):
                self.tags[path] = self._put(path)
        self._keep_tags()
        self.began = self._switch("CURRENT", name.encode(), self.began)

    def _snapshot(self, name: str) -> None:
        path = f"snapshots/{name}.json"
        content, _ = self._get(path)
        if content is None:
            problem = Problem(
                f"{self.address}/{path}", "a snapshot", "no object", "Run riskengine intake first"
            )
            raise SetupError("No such snapshot", [problem])
        (self.root / "snapshots").mkdir(parents=True, exist_ok=True)
        replace_text(self.root / path, content.decode())
        if snapshot.snapshot_id(snapshot.read(self.root, name).sources) != name:
            (self.root / path).unlink()
            problem = Problem(f"{self.address}/{path}", f"the content of {name}", "other content")
            raise IntegrityError("A snapshot is damaged", [problem])

    def _take_lease(self) -> str:
        said = self._lease_text()
        content, tag = self._get("WRITER")
        if content is not None and not _free(content, json.loads(said), clock.now()):
            problem = Problem(
                f"{self.address}/WRITER", "no other writer", content.decode()[:200], "Try again later"
            )
            raise LockedError("The store is being written", [problem])
        return self._switch("WRITER", said, tag)

    def _lease_text(self) -> bytes:
        """Who holds the bucket for writing, and until when."""
        mine = {"host": socket.gethostname(), "store": str(self.root.resolve()), "until": clock.now() + LEASE}
        return canonical_json(mine).encode()

    def _give_back(self, lease: str) -> None:
        """Mark the lease as free, where it is still ours."""
        try:
            self._switch("WRITER", b"{}", lease)
        except LockedError:
            return  # it ran out and somebody has it: theirs stays

    def _bring_tables(self) -> None:
        """Make the tables here what they are there; a commit that never came there is undone, its file taken in anew."""
        from riskengine.store.facts import FactStore

        there = {
            str(entry["path"]): str(entry["e_tag"] or "")
            for entries in self._call(lambda: list(obstore.list(self.objects, "facts")))
            for entry in entries
        }
        self.tags = self._kept_tags()
        for path in self._local("facts"):
            if path not in there and "/_delta_log/" in path:
                (self.root / path).unlink()
        for path, tag in sorted(there.items()):
            if "/_delta_log/" in path and (self.tags.get(path) != tag or not (self.root / path).exists()):
                self._fetch(path, "")
                self.tags[path] = tag
        facts = FactStore(self.root)
        for source in sorted({path.split("/")[1] for path in there}):  # not what a compaction replaced
            for path in (Path(one).relative_to(self.root).as_posix() for one in facts.data_files(source)):
                if not (self.root / path).exists():
                    self._fetch(path, Path(path).stem.rpartition("-")[2])
                self.tags[path] = there.get(path, "")
        self.tags = {
            path: tag for path, tag in self.tags.items() if path in there or not path.startswith("facts/")
        }
        self._keep_tags()

    def _check_ledger(self) -> None:
        from riskengine.store.facts import FactStore

        book, facts = ledger.open_ledger(self.root), FactStore(self.root)
        known = {
            (record.source, record.batch)
            for state in ("complete", "pending")
            for record in ledger.batch_records(book, state)
        }
        there = {path.split("/")[1] for path in self._local("facts")}
        unknown = sorted({(source, batch) for source in there for batch in facts.batches(source)} - known)
        if unknown:
            got = f"{len(unknown)} others, e.g. {unknown[0][1]} of {unknown[0][0]}"
            hint = "Write from the machine whose ledger knows them, or bring its state.db here; reading needs neither"
            problem = Problem(str(self.root / "state.db"), f"the batches of {self.address}", got, hint)
            raise UsageError("Another machine's ledger belongs to these facts", [problem])

    def _local(self, room: str) -> list[str]:
        """The files of a room by path, half-written ones left out."""
        found = (
            path for path in (self.root / room).rglob("*") if path.is_file() and not path.name.startswith(".")
        )
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def _kept_tags(self) -> dict[str, str]:
        path = self.root / "SYNCED"
        kept: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return dict(kept.get("tags", {})) if kept.get("address") == self.address else {}

    def _keep_tags(self) -> None:
        replace_text(self.root / "SYNCED", canonical_json({"address": self.address, "tags": self.tags}))

    def _fetch(self, path: str, digest: str) -> None:
        """Bring an object; where `digest` (the beginning of a SHA-256) is given, its bytes must have it."""
        content, _ = self._get(path)
        if content is None:
            problem = Problem(
                f"{self.address}/{path}", "an object", "none", "Restore the bucket from a backup"
            )
            raise IntegrityError("The store is damaged", [problem])
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        got = file_sha256(temporary)
        if not got.startswith(digest):
            temporary.unlink()
            problem = Problem(
                f"{self.address}/{path}", f"SHA-256 {digest}", got, "Restore the bucket from a backup"
            )
            raise IntegrityError("The store is damaged", [problem])
        temporary.replace(target)

    def _get(self, path: str) -> tuple[bytes | None, str]:
        """An object's bytes and version; None where there is none."""
        try:
            found = self._call(lambda: obstore.get(self.objects, path))
        except FileNotFoundError:
            return None, ""
        return self._call(lambda: bytes(found.bytes())), str(found.meta["e_tag"] or "")

    def _put(self, path: str) -> str:
        """Write an object that is named by its content: a second time changes nothing."""
        content = (self.root / path).read_bytes()
        return str(
            self._call(lambda: obstore.put(self.objects, path, content, use_multipart=False))["e_tag"] or ""
        )

    def _claim(self, path: str) -> str:
        """Write a commit of a Delta table, where nobody has written that version."""
        content = (self.root / path).read_bytes()
        try:
            made = self._call(
                lambda: obstore.put(self.objects, path, content, mode="create", use_multipart=False)
            )
            return str(made["e_tag"] or "")
        except AlreadyExistsError:
            there, tag = self._get(path)
        if there == content:  # ours, from before we were killed
            return tag
        raise self._overtaken(path)

    def _switch(self, path: str, content: bytes, tag: str) -> str:
        """Replace an object of this version (empty: where there is none) and return the new one's."""
        mode: Any = {"e_tag": tag} if tag else "create"
        try:
            made = self._call(
                lambda: obstore.put(self.objects, path, content, mode=mode, use_multipart=False)
            )
        except (AlreadyExistsError, PreconditionError):
            raise self._overtaken(path) from None
        return str(made["e_tag"] or "")

    def _overtaken(self, path: str) -> LockedError:
        hint = "Nothing of this intake counts; run it again"
        problem = Problem(f"{self.address}/{path}", "what this writer began from", "another machine's", hint)
        return LockedError("Another machine has written the store", [problem])

    def _call(self, ask: Any) -> Any:
        """Ask the bucket; one that cannot be reached or refuses is a `SetupError`."""
        try:
            return ask()
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            raise
        except (BaseError, OSError) as error:
            hint = "See AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; docs/store.md"
            problem = Problem(self.address, "a bucket that answers", str(error).splitlines()[0][:200], hint)
            raise SetupError("The facts cannot be reached", [problem]) from None


def bucket_of(root: Path) -> Bucket:
    """The bucket of a store, opened once a process."""
    key, address = root.resolve(), place.of(root)
    found = _OPEN.get(key)
    if found is None or found.address != address:
        found = _OPEN[key] = Bucket(root, address, _opened(address))
    return found


def _opened(address: str) -> Any:
    """The bucket's client, from the address and the usual AWS_* variables."""
    if not address.startswith("s3://") or not address.removeprefix("s3://").strip("/"):
        problem = Problem("[store] facts", "s3://bucket/prefix", repr(address))
        raise UsageError("No place for facts", [problem])
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    client: Any = {**_CLIENT, "allow_http": plain}
    try:
        return S3Store.from_url(address, client_options=client, retry_config=_RETRY)
    except (BaseError, ValueError, OSError) as error:
        problem = Problem("[store] facts", "a bucket", str(error).splitlines()[0][:200])
        raise SetupError("The facts cannot be reached", [problem]) from None


def _free(content: bytes, mine: Mapping[str, Any], now: datetime) -> bool:
    """Whether a lease is nobody's, ours from before a crash (this machine's own lock is held), or has run out."""
    try:
        said = json.loads(content)
        if not said or (said["host"], said["store"]) == (mine["host"], mine["store"]):
            return True
        return datetime.fromisoformat(said["until"]) < now
    except (ValueError, KeyError, TypeError):
        return False
