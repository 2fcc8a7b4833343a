"""Facts in a bucket: one machine writes, another reads only what it needs, and two writers never mix."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import sleep
from typing import Any
from zlib import crc32

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "decision"))

from institution import AS_OF, FILES, load, made_project

from riskengine.clock import now
from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.errors import IntegrityError, LockedError, SetupError, UsageError
from riskengine.profile.card import profile_card
from riskengine.project import Project
from riskengine.store import remote, snapshot
from riskengine.store.compaction import compact
from riskengine.store.facts import FactStore

pytest.importorskip("moto", reason="the extra `dev` has the test server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that speaks S3, with conditional puts."""
    port = _free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], **quiet) as server:  # type: ignore[call-overload]
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/moto-api/", timeout=1).close()
                break
            except OSError:
                sleep(0.1)
        yield address
        server.terminate()
        server.wait()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    said = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "_OPEN", {})
    name = f"facts-{crc32(request.node.name.encode())}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")).close()
    return f"s3://{name}/institution"


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Any:
    """As in a process that has just begun."""
    return lambda: monkeypatch.setattr(remote, "_OPEN", {})


def placed(root: Path, bucket: str) -> Project:
    """An institution without facts whose facts shall live in the bucket."""
    files = {name: text for name, text in FILES.items() if name != "configs/environment.toml"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "models").mkdir(exist_ok=True)
    text = FILES["configs/environment.toml"].replace('store = "var"\n', "")
    text += f'\n[store]\npath = "var"\nfacts = "{bucket}"\n'
    (root / "configs" / "environment.toml").write_text(text, encoding="utf-8")
    return Project(root)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made_project(tmp_path_factory.mktemp("plain") / "institution")


ASKED = "no,day,firm,trade,amount,staff\n1,2006-02-01,ANT,31,100,95\n3,2006-03-05,CAT,31,1900,2\n"


def with_model(project: Project, plain: Project) -> Project:
    """The model of the institution with a folder of its own."""
    for name in ("bundles", "champions.json"):
        source = plain.store / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, project.store / name)
    return project


def every_file(plain: Project, project: Project) -> None:
    """Take in what the plain institution took in."""
    for source in ("asked", "losses"):
        for path in sorted((plain.root / "data" / source).iterdir()):
            load(project, source, path.read_text(encoding="utf-8"))


def test_intake_profile_review_and_replay_over_a_bucket(
    bucket: str, plain: Project, tmp_path: Path, anew: Any
) -> None:
    """One machine takes in, another with an empty folder profiles, reviews and replays: as where all is one folder."""
    writer = placed(tmp_path / "writer", bucket)
    every_file(plain, writer)
    assert snapshot.read(writer.store).id == snapshot.read(plain.store).id
    anew()
    reader = with_model(placed(tmp_path / "reader", bucket), plain)
    assert not (reader.store / "CURRENT").exists()
    assert profile_card(reader, "3", AS_OF).to_json() == profile_card(plain, "3", AS_OF).to_json()
    done, wanted = review(reader, AS_OF, ids=["3"]), review(plain, AS_OF, ids=["3"])
    assert [one["outputs"] for one in done.records] == [one["outputs"] for one in wanted.records]
    assert done.basis["snapshot"] == wanted.basis["snapshot"]
    assert not (reader.store / "facts").exists(), "who only reads brings index files"
    load(writer, "losses", "no,day,firm,lost\n99,2006-03-30,ANT,7\n")
    assert review(reader, AS_OF, ids=["3"]).basis["snapshot"] == snapshot.read(writer.store).id, (
        "the news came"
    )
    replay(reader.store, f"{done.run}-1")
    anew()
    fresh = with_model(placed(tmp_path / "fresh", bucket), plain)
    shutil.copytree(reader.store / "decisions", fresh.store / "decisions")
    for room in ("policies", "recipes"):
        shutil.copytree(reader.store / room, fresh.store / room, dirs_exist_ok=True)
    replay(fresh.store, f"{done.run}-1")  # an old snapshot that this machine never had
    assert snapshot.read(fresh.store).id != done.basis["snapshot"]


def test_any_engine_reads_the_tables_in_the_bucket(bucket: str, tmp_path: Path) -> None:
    from deltalake import DeltaTable

    writer = placed(tmp_path / "writer", bucket)
    load(writer, "asked", ASKED)
    load(writer, "asked", ASKED.replace("3,2006", "4,2006"))
    said = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"], "AWS_ALLOW_HTTP": "true"}
    where = f"{bucket}/facts/asked"
    assert sorted(DeltaTable(where, storage_options=said).to_pyarrow_table().column("no").to_pylist()) == [
        "1",
        "3",
        "4",
    ]
    store = FactStore(writer.store)
    with store.locked():
        assert compact(store, "asked", now()).files_after == 1
        before = store.snapshot().id
        assert store.publish({}).id == before
    table = DeltaTable(where, storage_options=said)
    assert len(table.file_uris()) == 1
    assert table.to_pyarrow_table().num_rows == 3


def test_a_second_writer_is_kept_out_while_one_writes(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (placed(tmp_path / name, bucket) for name in ("one", "other"))
    load(one, "asked", ASKED)
    with FactStore(one.store).locked(), pytest.raises(LockedError, match="WRITER"):
        load(other, "asked", ASKED)
    with pytest.raises(UsageError, match=r"state\.db"):
        load(other, "losses", "no,day,firm,lost\n90,2005-06-01,CAT,10\n")
    assert snapshot.read(other.store).id == snapshot.read(one.store).id, "it may read"
    # a crash leaves the lease: the same machine goes on at once
    monkeypatch.setattr(remote.Bucket, "_give_back", lambda self, lease: None)
    load(one, "losses", "no,day,firm,lost\n90,2005-06-01,CAT,10\n")
    load(one, "losses", "no,day,firm,lost\n91,2005-06-01,CAT,11\n")
    with pytest.raises(LockedError, match="WRITER"):
        load(other, "asked", ASKED)


@pytest.mark.parametrize("moment", ["publish", "_claim"])
def test_of_two_writers_one_wins_whole(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The lease ran out while its holder still worked: its renewal decides, or after that the log of the table."""
    one = placed(tmp_path / "one", bucket)
    load(one, "asked", ASKED)
    load(one, "losses", "no,day,firm,lost\n90,2005-06-01,CAT,10\n")
    other = Project(Path(shutil.copytree(one.root, tmp_path / "other")))  # with its ledger
    real, began = getattr(remote.Bucket, moment), []

    def overtaken(self: remote.Bucket, name: str) -> Any:
        if self.root == one.store and not began:
            began.append(name)
            with monkeypatch.context() as patch:
                patch.setattr(remote, "_free", lambda *_: True)  # it has run out
                load(other, "losses", "no,day,firm,lost\n91,2005-06-01,BEE,11\n")
        return real(self, name)

    monkeypatch.setattr(remote.Bucket, moment, overtaken)
    before = snapshot.read(one.store).id
    with pytest.raises(LockedError, match="WRITER" if moment == "publish" else "_delta_log"):
        load(one, "losses", "no,day,firm,lost\n92,2005-06-01,ANT,12\n")
    won = snapshot.read(other.store).id
    assert won != before
    assert snapshot.read(one.store).id == won, "nothing of the loser's counts, and it sees the winner's"
    load(
        other, "losses", "no,day,firm,lost\n92,2005-06-01,ANT,12\n"
    )  # what the loser had, taken in after all
    assert sum(file.rows for file in snapshot.read(one.store).sources["losses"].files) == 3
    FactStore(other.store).verify()


def test_current_is_switched_from_what_the_writer_began_with(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = placed(tmp_path / "one", bucket)
    load(one, "losses", "no,day,firm,lost\n90,2005-06-01,CAT,10\n")
    before, real = snapshot.read(one.store).id, remote.Bucket._switch

    def overtaken(self: remote.Bucket, path: str, content: bytes, tag: str) -> str:
        if path == "CURRENT":
            remote.obstore.put(self.objects, path, before.encode() + b"\n")  # the same, but another's
        return real(self, path, content, tag)

    with monkeypatch.context() as patch:
        patch.setattr(remote.Bucket, "_switch", overtaken)
        with pytest.raises(LockedError, match="CURRENT"):
            load(one, "losses", "no,day,firm,lost\n91,2005-06-01,CAT,11\n")
    assert snapshot.read(one.store).id == before
    load(one, "losses", "no,day,firm,lost\n92,2005-06-01,CAT,12\n")
    assert sum(file.rows for file in snapshot.read(one.store).sources["losses"].files) == 3, (
        "finished, not lost"
    )


def test_what_is_damaged_or_away_is_said(
    bucket: str, plain: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: Any
) -> None:
    writer = placed(tmp_path / "writer", bucket)
    every_file(plain, writer)
    anew()
    path = snapshot.read(writer.store).sources["losses"].files[0].path
    client = remote.bucket_of(writer.store).objects
    remote.obstore.put(client, path, b"other bytes")
    reader = with_model(placed(tmp_path / "reader", bucket), plain)
    with pytest.raises(IntegrityError, match=path):
        review(reader, AS_OF, ids=["3"])
    assert not (reader.store / path).exists(), "other bytes do not come in"
    anew()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{_free_port()}")
    monkeypatch.setattr(remote, "_RETRY", {"max_retries": 0})
    with pytest.raises(SetupError, match="AWS_ENDPOINT_URL"):
        review(with_model(placed(tmp_path / "third", bucket), plain), AS_OF, ids=["3"])


def test_a_place_is_not_changed_by_a_line(bucket: str, tmp_path: Path) -> None:
    project = placed(tmp_path / "one", bucket)
    assert project.store == tmp_path / "one" / "var"
    moved = placed(tmp_path / "one", bucket + "2")
    with pytest.raises(UsageError, match="PLACE"):
        _ = moved.store
    with pytest.raises(UsageError, match="s3://bucket/prefix"):
        remote._opened("/mnt/facts")


def test_a_killed_publication_is_finished_or_taken_in_anew(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before anything came into the bucket, after the table's commit, and just before CURRENT."""
    project = placed(tmp_path / "one", bucket)
    load(project, "losses", "no,day,firm,lost\n90,2005-06-01,CAT,10\n")

    class Killed(BaseException):
        pass

    for number, step in enumerate(("_put", "_claim", "_keep_tags", "_switch")):
        real = getattr(remote.Bucket, step)

        def killed(self: remote.Bucket, *given: Any, real: Any = real, step: str = step) -> Any:
            if step == "_switch" and given[0] != "CURRENT":
                return real(self, *given)
            raise Killed

        before = snapshot.read(project.store).id
        text = f"no,day,firm,lost\n{100 + number},2005-06-01,CAT,{number + 1}\n"
        with monkeypatch.context() as patch:
            publish = remote.Bucket.publish

            def until(
                self: remote.Bucket, name: str, publish: Any = publish, step: str = step, killed: Any = killed
            ) -> None:
                setattr(remote.Bucket, step, killed)
                publish(self, name)

            patch.setattr(remote.Bucket, "publish", until)
            patch.setattr(remote.Bucket, step, real)
            with pytest.raises(Killed):
                load(project, "losses", text)
        monkeypatch.setattr(remote.Bucket, step, real)
        assert snapshot.read(project.store).id == before
        load(project, "losses", text)
        assert sum(file.rows for file in snapshot.read(project.store).sources["losses"].files) == number + 2
        FactStore(project.store).verify()
    assert date.min < AS_OF
