"""Kept queries: the same text as compiled anew, not compiled twice, never served when anything they were made from changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from riskengine.profile import entering as compiling
from riskengine.profile import plan
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.kept import kept_entering, kept_recipe, night_recipe
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
NAMES = ["open_enforcements", "days_without_invoice"]


class Compiled(AssertionError):
    """It was compiled though it need not be."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("RISKENGINE_STORE", raising=False)
    for room in ("configs", "features"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(tmp_path)


def test_kept_is_what_would_be_compiled_and_only_while_nothing_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalogue(project)
    anew = compile_recipe(catalogue, NAMES)
    queries = {name: compiling.entering(catalogue, name, "s", own=True) for name in NAMES}
    assert night_recipe(catalogue, NAMES) == anew
    assert not project.store.exists(), "who only reads definitions leaves nothing behind"
    project.store.mkdir()
    for _ in range(2):  # the second time from the store
        assert night_recipe(catalogue, NAMES) == kept_recipe(project, NAMES) == anew
        assert kept_entering(catalogue, NAMES, "s") == queries

    def compiled(*_: object, **__: object) -> None:
        raise Compiled

    with monkeypatch.context() as patch:
        patch.setattr(plan, "compile_recipe", compiled)
        patch.setattr(compiling, "entering", compiled)
        assert night_recipe(catalogue, NAMES) == kept_recipe(project, NAMES) == anew
        assert kept_entering(catalogue, NAMES[:1], "s") == {NAMES[0]: queries[NAMES[0]]}
        for more in (
            lambda: kept_entering(catalogue, NAMES, "other"),
            lambda: night_recipe(catalogue, NAMES[:1]),
        ):
            with pytest.raises(Compiled):
                more()
        with (project.root / "configs" / "sources" / "court_exec.toml").open("a", encoding="utf-8") as file:
            file.write("# another day\n")
        for again in (lambda: kept_entering(catalogue, NAMES, "s"), lambda: kept_recipe(project, NAMES)):
            with pytest.raises(Compiled):
                again()


def test_what_is_damaged_is_compiled_again(project: Project) -> None:
    project.store.mkdir()
    catalogue = Catalogue(project)
    recipe, queries = night_recipe(catalogue, NAMES), kept_entering(catalogue, NAMES, "s")
    kept = project.store / "recipes"
    (file,) = kept.glob("entering-*.json")
    told = json.loads(file.read_bytes())
    told["queries"][NAMES[0]] = "SELECT 1"
    for text in (json.dumps(told), "{", "[]"):
        file.write_text(text, encoding="utf-8")
        assert kept_entering(catalogue, NAMES, "s") == queries
    (kept / f"{recipe.fingerprint}.json").write_text("{}", encoding="utf-8")
    assert night_recipe(catalogue, NAMES) == recipe


def test_the_whole_feed_is_nobodys_own_evidence(project: Project) -> None:
    catalogue = Catalogue(project)
    every, own = (compiling.entering(catalogue, "days_without_invoice", own=one) for one in (False, True))
    assert own in every
    assert every.count("UNION") == own.count("UNION") + 1
