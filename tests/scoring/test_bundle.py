"""A bundle is read only if every byte is the promoted one; a champion is found or its absence explained."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from riskengine.errors import IntegrityError, SetupError, UsageError
from riskengine.scoring.bundle import PARTS, bundle_hash, champion, read_bundle, write_bundle

FILES = {name: (json.dumps({"name": "access_pd", "part": name})).encode() for name in PARTS}


def test_what_is_written_is_read_and_named_by_content(tmp_path: Path) -> None:
    name = write_bundle(tmp_path / "a", FILES)
    assert (
        name == write_bundle(tmp_path / "b", dict(reversed(FILES.items()))) == bundle_hash(FILES, "access_pd")
    )
    assert read_bundle(tmp_path / "a", name).files == FILES
    assert read_bundle(tmp_path / "a").model == "access_pd"
    assert write_bundle(tmp_path / "c", FILES | {"card.json": b"{}"}) != name


def test_every_mutation_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "good"
    name = write_bundle(folder, FILES)
    dice = random.Random(4)
    for number in range(200):
        bad = tmp_path / f"bad{number}"
        shutil.copytree(folder, bad)
        path = bad / dice.choice([*PARTS, "manifest.json"])
        content = bytearray(path.read_bytes())
        kind = dice.choice(["flip", "cut", "grow", "delete", "add"])
        if kind == "flip":
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
            path.write_bytes(content)
        elif kind == "cut":
            path.write_bytes(content[: dice.randrange(len(content))])
        elif kind == "grow":
            path.write_bytes(content + b" ")
        elif kind == "delete":
            path.unlink()
        else:
            (bad / "extra.txt").write_bytes(b"x")
            path = bad / "extra.txt"
        with pytest.raises(IntegrityError, match=path.name):
            read_bundle(bad, name)


def test_a_manifest_that_fits_the_damage_is_refused_by_the_expected_hash(tmp_path: Path) -> None:
    forged = FILES | {"calibration.json": b'{"a": 0}'}
    write_bundle(tmp_path / "forged", forged)
    name = bundle_hash(FILES, "access_pd")
    with pytest.raises(
        IntegrityError, match=f"expected SHA-256 {name}, got {bundle_hash(forged, 'access_pd')}"
    ):
        read_bundle(tmp_path / "forged", name)


def test_parts_that_are_absent_or_unknown(tmp_path: Path) -> None:
    given = {name: content for name, content in FILES.items() if name != "trees.json"} | {"tree.json": b""}
    with pytest.raises(UsageError, match=r"the part trees.json.*\n.*Did you mean 'trees.json'"):
        write_bundle(tmp_path / "x", given)


def test_champion(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Run riskengine retrain access_pd"):
        champion(tmp_path, "access_pd")
    name = bundle_hash(FILES, "access_pd")
    entries = {"access_pd": {"bundle": name, "version": 3}, "inforce_pd": {"bundle": name, "version": 1}}
    (tmp_path / "champions.json").write_text(json.dumps(entries))
    with pytest.raises(SetupError, match="riskengine promote access_pd 3"):
        champion(tmp_path, "access_pd")
    write_bundle(tmp_path / "bundles" / name, FILES)
    assert champion(tmp_path, "access_pd").hash == name
    with pytest.raises(IntegrityError, match="another model"):
        champion(tmp_path, "inforce_pd")
    with pytest.raises(SetupError, match="Did you mean 'access_pd'"):
        champion(tmp_path, "acess_pd")
