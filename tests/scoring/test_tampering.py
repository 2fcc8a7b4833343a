"""Two hundred ways to change a bundle, its pointer or MLflow's copy: all refused in words, before native code runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from simulated import NAMES, bundle_files, calibrated_as, scorecard_files, with_part

from riskengine.errors import IntegrityError, RiskEngineError
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import (
    MANIFEST,
    PARTS,
    Bundle,
    bundle_hash,
    champion,
    read_bundle,
    strict_json,
    write_bundle,
)
from riskengine.scoring.native import score_rows
from riskengine.scoring.served import _load_pyfunc

GOOD = bundle_files()[0]
OTHER = bundle_files(seed=8)[0]
CARD = scorecard_files()[0]
NAME = bundle_hash(GOOD, "access_pd")
Change = Callable[[Path, random.Random], None]


@pytest.fixture(autouse=True)
def no_native_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def booster(*_: object, **__: object) -> None:
        pytest.fail("native code was reached")

    monkeypatch.setattr(lightgbm, "Booster", booster)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A store with a champion."""
    write_bundle(tmp_path / "bundles" / NAME, GOOD)
    (tmp_path / "champions.json").write_text(json.dumps({"access_pd": {"bundle": NAME, "version": 1}}))
    return tmp_path


def rewritten(part: str, change: Callable[[bytes], bytes]) -> Change:
    def apply(folder: Path, dice: random.Random) -> None:
        path = folder / part
        before = path.read_bytes()
        after = change(before)
        path.write_bytes(after if after != before else before + "１".encode())

    return apply


def flipped(part: str) -> Change:
    def apply(folder: Path, dice: random.Random) -> None:
        content = bytearray((folder / part).read_bytes())
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        (folder / part).write_bytes(content)

    return apply


def cut(part: str) -> Change:
    def apply(folder: Path, dice: random.Random) -> None:
        content = (folder / part).read_bytes()
        (folder / part).write_bytes(content[: dice.randrange(len(content))])

    return apply


def linked(part: str) -> Change:
    """The same bytes, but by a link: what it points to may change after it was verified."""

    def apply(folder: Path, dice: random.Random) -> None:
        kept = folder.parent.parent / f"kept-{part}"
        (folder / part).rename(kept)
        (folder / part).symlink_to(kept)

    return apply


def renamed(part: str, to: str) -> Change:
    return lambda folder, dice: (folder / part).rename(folder / to) and None


def added(name: str, content: bytes = b"x") -> Change:
    return lambda folder, dice: (folder / name).write_bytes(content) and None


def taken(part: str, files: dict[str, bytes]) -> Change:
    return lambda folder, dice: (folder / part).write_bytes(files[part]) and None


def resigned(change: Change) -> Change:
    """The change, and a manifest that fits it."""

    def apply(folder: Path, dice: random.Random) -> None:
        change(folder, dice)
        manifest = json.loads((folder / MANIFEST).read_bytes())
        manifest["files"] = {part: sha256((folder / part).read_bytes()).hexdigest() for part in PARTS}
        (folder / MANIFEST).write_bytes(canonical_json(manifest).encode())

    return apply


def manifest(**changes: Any) -> Change:
    return rewritten(MANIFEST, lambda raw: canonical_json({**json.loads(raw), **changes}).encode())


def directory(part: str) -> Change:
    def apply(folder: Path, dice: random.Random) -> None:
        (folder / part).unlink()
        (folder / part).mkdir()

    return apply


def swallowed(part: str) -> Change:
    def apply(folder: Path, dice: random.Random) -> None:
        (folder / part).unlink()
        os.mkfifo(folder / part)

    return apply


HUGE = "9" * 5000
EVERY = (*PARTS, MANIFEST)
TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "windows line ends": lambda raw: raw.replace(b"\n", b"\r\n") if b"\n" in raw else raw + b"\r\n",
    "byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "a space more": lambda raw: raw + b" ",
    "a zero byte": lambda raw: raw + b"\0",
    "UTF-16": lambda raw: raw.decode().encode("utf-16"),
    "full-width digits": lambda raw: raw.replace(b"1", "１".encode()),
    "a look-alike letter": lambda raw: raw.replace(b"e", "е".encode(), 1),
    "said twice": lambda raw: raw + raw,
    "emptied": lambda raw: b"",
}
JSONS: dict[str, Callable[[bytes], bytes]] = {
    "a key twice": lambda raw: raw[:1] + b'"method":"none","method":"none",' + raw[1:],
    "not a number": lambda raw: raw[:1] + b'"x":NaN,' + raw[1:],
    "endless": lambda raw: raw[:1] + b'"x":-Infinity,' + raw[1:],
    "a number beyond every number": lambda raw: raw[:1] + b'"x":1e999,' + raw[1:],
    "and below": lambda raw: raw[:1] + b'"x":[-1.5E+400],' + raw[1:],
    "a huge number": lambda raw: raw[:1] + f'"x":{HUGE},'.encode() + raw[1:],
    "nested without end": lambda raw: b"[" * 100_000,
}


def changes() -> dict[str, Change]:
    """More than two hundred, by what they do."""
    made: dict[str, Change] = {}
    for part in EVERY:
        made |= {f"flip {number} in {part}": flipped(part) for number in range(4)}
        made |= {f"cut {part} {number}": cut(part) for number in range(2)}
        made |= {
            f"link {part}": linked(part),
            f"folder {part}": directory(part),
            f"pipe {part}": swallowed(part),
        }
        made |= {f"{kind} in {part}": rewritten(part, change) for kind, change in TEXTS.items()}
        made[f"rename {part}"] = renamed(part, part.upper())
    for part in PARTS:
        made[f"signed flip in {part}"] = resigned(flipped(part))
        if part.endswith(".json"):
            made |= {f"{kind} in {part}": rewritten(part, change) for kind, change in JSONS.items()}
    for part in ("model.txt", "trees.json", "peers.json"):
        made[f"{part} of another bundle"] = taken(part, OTHER)
    for part in ("model.txt", "trees.json"):
        made[f"{part} of a scorecard"] = taken(part, CARD)
        made[f"signed {part} of a scorecard"] = resigned(taken(part, CARD))
    for name in ("extra.txt", ".hidden", "model.txt ", "model\u200b.txt", "mоdel.txt", "manifest.json.bak"):
        made[f"added {name!r}"] = added(name)
    for key, value in {
        "format": [2, True, 1.0, "1", None],
        "model": ["inforce_pd", None, ["access_pd"], ""],
    }.items():
        made |= {f"manifest {key} {other!r}": manifest(**{key: other}) for other in value}
    made["manifest with a key more"] = manifest(note="x")
    made["manifest without files"] = manifest(files={})
    made["manifest of one file less"] = manifest(files=dict.fromkeys(PARTS[1:], "0" * 64))
    return made


CHANGES = changes()
CALLED = [name for name in CHANGES if not name.startswith("signed")]


def test_there_are_enough_ways() -> None:
    assert len(CHANGES) >= 200
    assert sum(name.startswith("signed") for name in CHANGES) >= 10


def scored(bundle: Bundle) -> None:
    """What a night does."""
    score_rows(bundle, np.zeros((2, len(NAMES))))


def test_every_change_of_the_champion_is_refused_before_native_code(good: Path) -> None:
    refused = {}
    for number, (name, change) in enumerate(CHANGES.items()):
        folder = good / "bundles" / NAME
        kept = good / "kept"
        shutil.copytree(folder, kept)
        change(folder, random.Random(number))
        with pytest.raises(IntegrityError) as caught:
            scored(champion(good, "access_pd"))
        refused[name] = str(caught.value)
        shutil.rmtree(folder)
        kept.rename(folder)
    assert len(refused) == len(CHANGES)
    assert all("expected" in said and "Traceback" not in said for said in refused.values())
    with pytest.raises(pytest.fail.Exception, match="native code was reached"):  # the guard itself works
        scored(champion(good, "access_pd"))


def test_without_a_known_hash_the_manifest_still_guards_every_byte(good: Path) -> None:
    """As a stand-alone folder: whoever does not rewrite the manifest is found out."""
    for number, name in enumerate(CALLED):
        if name.startswith("manifest model"):
            continue
        folder = good / f"alone{number}" / "bundle"
        shutil.copytree(good / "bundles" / NAME, folder)
        CHANGES[name](folder, random.Random(number))
        with pytest.raises(IntegrityError):
            scored(_load_pyfunc(str(folder)).bundle)
        shutil.rmtree(folder)


@pytest.mark.parametrize("part", ["model.txt", "trees.json"])
@pytest.mark.parametrize("source", [OTHER, CARD], ids=["another bundle", "a scorecard"])
def test_swapped_parts_with_a_new_manifest_contradict_each_other(
    tmp_path: Path, part: str, source: dict[str, bytes]
) -> None:
    write_bundle(tmp_path / "b", GOOD | {part: source[part]})
    with pytest.raises(IntegrityError, match="contradicts itself"):
        scored(read_bundle(tmp_path / "b"))


def test_a_forged_text_with_a_new_manifest_never_reaches_native_code(tmp_path: Path) -> None:
    dice = random.Random(11)
    for number in range(60):
        text = bytearray(GOOD["model.txt"])
        for _ in range(3):
            text[dice.randrange(200, len(text) - 2000)] = dice.choice(b"0123456789-.= \neinf")
        if GOOD["model.txt"].split(b"\nfeature_importances")[0] in bytes(text):
            continue
        write_bundle(tmp_path / str(number), GOOD | {"model.txt": bytes(text)})
        bundle = read_bundle(tmp_path / str(number))
        try:
            scored(bundle)
        except IntegrityError:
            continue
        except (
            pytest.fail.Exception
        ):  # only what no scorer reads was changed: gains, counts, names of parameters
            from riskengine.scoring.trees import export_trees

            assert export_trees(bundle.model_text) == bundle.trees


def test_a_pointer_that_was_changed_is_refused(good: Path) -> None:
    path = good / "champions.json"
    entry = {"bundle": NAME, "version": 1}
    wrong = [
        "", "{", "[]", "null", "\ufeff{}", '{"access_pd":{}}', '{"access_pd":null}', '{"access_pd":"' + NAME + '"}',
        json.dumps({"access_pd": {**entry, "version": "1"}}), json.dumps({"access_pd": {**entry, "version": True}}),
        json.dumps({"access_pd": {**entry, "bundle": "../" + NAME}}), json.dumps({"access_pd": {**entry, "bundle": NAME[:-1]}}),
        json.dumps({"access_pd": {**entry, "bundle": NAME.upper()}}), json.dumps({"access_pd": {**entry, "bundle": NAME + "\n"}}),
        '{"access_pd":{"bundle":"' + "0" * 64 + '","bundle":"' + NAME + '","version":1}}',
        '{"access_pd":{"bundle":"' + NAME + '","version":NaN}}', '{"access_pd":{"bundle":"' + NAME + '","version":' + HUGE + "}}",
        json.dumps({"access_pd": {**entry, "bundle": "0" * 64}}), json.dumps({"access_pd": {**entry, "bundle": ["x"]}}),
        "[" * 100_000, json.dumps({"acess_pd": entry}),
    ]  # fmt: skip
    for text in wrong:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RiskEngineError, match="expected"):
            scored(champion(good, "access_pd"))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RiskEngineError):
        champion(good, "access_pd")


def test_only_finite_numbers_are_numbers(tmp_path: Path) -> None:
    for text in ("1e999", "-1e999", "[0, 1.5E+400]", "NaN", "Infinity", "-Infinity"):
        with pytest.raises(IntegrityError, match="is no number"):
            strict_json('{"a":' + text + "}", tmp_path / "part.json")
    told = strict_json('{"a":0.1,"b":-1.7976931348623157e308,"c":1e-999}', tmp_path / "part.json")
    assert told == {"a": 0.1, "b": -1.7976931348623157e308, "c": 0.0}


def test_what_mlflow_keeps_is_verified_when_it_is_loaded(tmp_path: Path) -> None:
    """MLflow's copy, with the manifest rewritten to fit: its own description of the model names the hash."""
    import mlflow

    model = tmp_path / "model"
    write_bundle(tmp_path / "bundle", GOOD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own deprecations
        mlflow.pyfunc.save_model(
            model,
            loader_module="riskengine.scoring.served",
            data_path=str(tmp_path / "bundle"),
            pip_requirements=["riskengine"],
            metadata={"bundle": NAME},
        )
    forged = with_part(calibrated_as(GOOD, "none"), "card.json", note="forged")
    kept, described = model / "data" / "bundle", (model / "MLmodel").read_text()
    shutil.rmtree(kept)
    write_bundle(kept, forged)
    with pytest.raises(IntegrityError, match="not the expected one"):
        loaded(model)
    line = f"  bundle: {NAME}\n"
    assert line in described
    for text in (
        described.replace(NAME, NAME[:-1]),
        described.replace(line, ""),
        described.replace(line, line * 2),
    ):
        (model / "MLmodel").write_text(text)
        with pytest.raises(IntegrityError, match="the hash of its bundle once"):
            loaded(model)
    (model / "MLmodel").write_text(described)
    for link in sorted(kept.iterdir()):
        link.unlink()
    with pytest.raises(IntegrityError, match="a manifest"):
        loaded(model)


def loaded(model: Path) -> None:
    import mlflow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own deprecations
        mlflow.pyfunc.load_model(str(model))
