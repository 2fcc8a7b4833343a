"""Does the hash of what features mean change with what they mean, and with nothing else?"""

from __future__ import annotations

from pathlib import Path

import pytest
from small_world import catalogue_of, write_project

from riskengine.profile import meaning as meanings
from riskengine.profile.meaning import meaning
from riskengine.profile.plan import compile_recipe

FEATURES = """
from riskengine.profile import count, field, total
sums = total("ledger.money", by="one", window="12m", where=field("word").equals("甲")).named("sums", "合计")
linked = count("patchy", by="one", window="6m", through="out").named("linked", "关联")
"""
CONTRACT = "configs/sources/ledger.toml"


def hashed(root: Path, features: str = FEATURES, changed: tuple[str, str, str] | None = None) -> str:
    project = write_project(root, features)
    if changed:
        path = root / changed[0]
        text = path.read_text(encoding="utf-8")
        assert changed[1] in text
        path.write_text(text.replace(changed[1], changed[2]), encoding="utf-8")
    return meaning(catalogue_of(project), ["sums", "linked"])


def test_it_changes_with_the_meaning_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = hashed(tmp_path / "plain")
    assert plain == hashed(tmp_path / "again")
    assert plain == hashed(tmp_path / "labels", FEATURES.replace('"合计"', '"总额", unit="元", direction=1'))
    assert plain == hashed(
        tmp_path / "more", FEATURES + 'other = count("drawn", by="one").named("o", "其他")\n'
    )
    apart = (tmp_path / "apart").resolve()
    others = [
        hashed(apart / "window", FEATURES.replace("12m", "13m")),
        hashed(apart / "filter", FEATURES.replace("甲", "乙")),
        hashed(apart / "verb", FEATURES.replace('count("patchy"', 'count("ledger"')),
        hashed(apart / "way", FEATURES.replace('"out"', '"back"')),
        hashed(apart / "contract", changed=(CONTRACT, '"complete"', '"partial"')),
        hashed(apart / "link", changed=("configs/subjects.toml", "to = 'g_key'", "to = 'k2'")),
    ]
    assert len({plain, *others}) == 1 + len(others)
    monkeypatch.setattr(meanings, "ENGINE", 0)
    assert hashed(tmp_path / "engine") not in (plain, *others)


def test_the_hash_says_what_the_query_says(tmp_path: Path) -> None:
    """Where the hash is the same the query is: of today's engine, which a bundle's own query is not."""
    one, other = (catalogue_of(write_project(tmp_path / name, FEATURES)) for name in ("one", "other"))
    queries = [compile_recipe(catalogue, ["sums", "linked"]).values for catalogue in (one, other)]
    assert queries[0] == queries[1]
    assert meaning(one, ["sums"]) != meaning(one, ["linked"])
