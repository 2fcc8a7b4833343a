"""Do folders written by a cluster hold what folders written by one machine hold, and is what cannot be said refused in words?"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from both_engines import ROOT
from simulated import NAMES, made_bundle, rows

from riskengine.decision.products import read_products
from riskengine.errors import IntegrityError, SetupError, UsageError
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.night import valued
from riskengine.monitor.signals import read_signals
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.batch import Wanted, write_profiles
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.meaning import meaning
from riskengine.profile.plan import compile_recipe
from riskengine.scoring.arrow_rows import score_batch
from riskengine.spark import written
from riskengine.spark.cluster import Cluster
from riskengine.spark.profiles import same_definitions
from riskengine.spark.scoring import IDS, scored
from riskengine.spark.session import on_cluster
from riskengine.spark.signals import TOLD, raised, split
from riskengine.store import snapshot
from riskengine.store.snapshot import Snapshot

DAYS = (date(2023, 12, 31), date(2024, 9, 30), date(2024, 10, 31), date(2024, 11, 30), date(2024, 12, 31))
NIGHTS = (date(2026, 6, 29), date(2026, 6, 30))


def few(catalogue: Catalogue) -> list[str]:
    """Features of contracts alone."""
    features = catalogue.features
    return [name for name, (_, one) in features.items() if catalogue.rests_on(one) == ("contract",)][:6]


@pytest.mark.parametrize("of", ["guarantee", "member"])
def test_a_folder_of_profiles_is_the_same(spark: Any, catalogue: Catalogue, of: str, tmp_path: Path) -> None:
    held = snapshot.read(catalogue.project.store)
    wanted = Wanted(of, DAYS, compile_recipe(catalogue, few(catalogue)))
    here = write_profiles(held, catalogue.subjects, wanted, tmp_path / "here")
    there = written.write_profiles(spark, catalogue, held, wanted, (str(tmp_path / "there"), ""))
    assert there == here.rows > 0
    assert _table(tmp_path / "there") == _table(tmp_path / "here")
    told = [json.loads((tmp_path / name / "profiles.json").read_text("utf-8")) for name in ("here", "there")]
    assert {name: told[1][name] for name in told[0]} == told[0] | {"engine": "spark"}
    assert {path.name for path in (tmp_path / "there").iterdir() if path.suffix != ".crc"} == {
        "profiles",
        "profiles.json",
    }
    with pytest.raises(UsageError, match="not there yet"):
        written.write_profiles(spark, catalogue, held, wanted, (str(tmp_path / "there"), ""))
    with pytest.raises(UsageError, match="one of guarantee"):
        written.write_profiles(
            spark, catalogue, held, replace(wanted, of="nobody"), (str(tmp_path / "x"), "")
        )


@pytest.mark.parametrize("of", ["register", "member"])
def test_of_nothing_taken_in_there_are_no_profiles(
    spark: Any, catalogue: Catalogue, of: str, tmp_path: Path
) -> None:
    wanted = Wanted(of, DAYS, compile_recipe(catalogue, few(catalogue)))
    out = str(tmp_path / "out")
    assert written.write_profiles(spark, catalogue, Snapshot("none", tmp_path, {}), wanted, (out, "")) == 0


def _table(folder: Path) -> tuple[list[Any], list[Any]]:
    files = str(folder / "profiles" / "*.parquet")
    found = duckdb.sql(f"SELECT * FROM read_parquet('{files}') ORDER BY subject")
    return list(zip(found.columns, map(str, found.types), strict=True)), found.fetchall()


def test_scores_are_those_of_a_batch(spark: Any, tmp_path: Path) -> None:
    bundle = made_bundle(tmp_path / "bundle").bundle
    matrix = rows(500, 3)
    columns = {name: pa.array(matrix[:, place], from_pandas=True) for place, name in enumerate(NAMES)}
    ids = {"subject": pa.array(range(500)), "as_of": pa.array([DAYS[0]] * 500)}
    ids |= {name: pa.array([f"{name}{number}" for number in range(500)]) for name in IDS[2:]}
    given = pa.table({**ids, **columns})
    pq.write_table(given, tmp_path / "profiles.parquet")
    frame = scored(spark, spark.read.parquet(str(tmp_path / "profiles.parquet")), bundle)
    wanted = score_batch(bundle, given.combine_chunks().to_batches()[0], IDS)
    assert [row.asDict() for row in frame.orderBy("subject").collect()] == wanted.to_pylist()
    with pytest.raises(UsageError, match="do not fit"):
        scored(spark, spark.read.parquet(str(tmp_path / "profiles.parquet")).drop(NAMES[0]), bundle)


def test_signals_are_the_nights_or_named(spark: Any, catalogue: Catalogue, tmp_path: Path) -> None:
    known = vocabulary(catalogue)
    signals = read_signals(ROOT / "configs/signals.toml", known)
    products = read_products(ROOT / "configs/products.toml")
    parts = split(signals, known, list(known.features))
    assert len(parts.taken) + len(parts.left) == len(signals)
    assert len(parts.taken) > len(signals) // 2
    assert all(parts.left.values())
    numbers = {
        name for one in parts.taken for name in one.inputs if known.kinds("guarantee")[name] == "number"
    }
    numbers -= {"pd", "score", "grade_no", "exposure", "expected_loss"}
    of_night = {"pd", "score", "grade", "grade_no", "exposure", "expected_loss"}
    others = {*products.features, *(name for one in parts.taken for name in one.inputs)} - numbers - of_night
    size = 40
    cut = 25  # a second file begins here, and its `subject` counts from 0 again
    row = {
        "subject": pa.array([number % cut for number in range(size)]),
        "as_of": pa.array([NIGHTS[number * 2 // size] for number in range(size)]),
        "id": pa.array([f"G{number * 2 % size:03d}" for number in range(size)]),  # each on both nights
    }
    table = {
        **row,
        "enterprise_id": pa.array([f"E{number % 7}" for number in range(size)]),
        **{name: pa.array([None if number % 5 == 4 else float(number * 3 % 29) for number in range(size)]) for name in sorted(numbers)},
        **{name: pa.nulls(size, pa.string()) for name in sorted(others - {"as_of"})},
    }  # fmt: skip
    rated = {
        **row,
        "pd": pa.array([number / size for number in range(size)]),
        "score": pa.array([600 - number for number in range(size)]),
        "grade": pa.array(["5"] * size),
        "grade_no": pa.array([5] * size),
    }
    for name, columns in (("profiles", table), ("scores", rated)):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table(columns)[:cut], tmp_path / name / "0.parquet")
        pq.write_table(pa.table(columns)[cut:], tmp_path / name / "1.parquet")
    profiles, scores = (spark.read.parquet(str(tmp_path / name)) for name in ("profiles", "scores"))
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "30")  # two batches; one has both days
    got = raised(profiles.coalesce(1), scores.coalesce(1), parts.taken, products).collect()
    whole = pa.table(table | rated).to_pandas(date_as_object=False)
    wanted = []
    for day, rows_ in whole.groupby("as_of"):
        frame = valued(rows_.reset_index(drop=True), products, day.date())
        found = evaluate(parts.taken, frame, Night(day.date())).signals
        wanted += found.assign(as_of=day.date())[list(TOLD)].to_dict("records")
    assert len(got) == len(wanted) > size
    assert sorted(map(_line, (row.asDict() for row in got))) == sorted(map(_line, wanted))


def _line(row: dict[str, Any]) -> str:
    return str({name: None if value is None or value != value else value for name, value in row.items()})  # noqa: PLR0124


def test_a_changed_definition_is_refused(catalogue: Catalogue) -> None:
    frozen = compile_recipe(catalogue, few(catalogue))
    same_definitions(catalogue, frozen)
    reworded = replace(frozen, values=frozen.values.replace("1", "2", 1) + " ")
    same_definitions(catalogue, reworded, meaning(catalogue, few(catalogue)))  # in an older engine's words
    same_definitions(catalogue, frozen, "of other definitions, whose query is the same")
    for told in ("", "of other definitions"):
        with pytest.raises(UsageError, match="changed since training"):
            same_definitions(catalogue, reworded, told)
    gone = replace(frozen.features[0], name="no_such_feature")
    with pytest.raises(UsageError, match="no_such_feature"):
        same_definitions(catalogue, replace(frozen, features=(gone, *frozen.features[1:])))


def test_changed_bytes_are_refused(spark: Any, catalogue: Catalogue, tmp_path: Path) -> None:
    held = snapshot.read(catalogue.project.store)
    facts = held.sources["contract"]
    wrong = replace(facts, files=(replace(facts.files[0], sha256="0" * 64), *facts.files[1:]))
    cluster = Cluster(spark, replace(held, sources={**held.sources, "contract": wrong}), str(tmp_path))
    cluster.verify(["application"])
    with pytest.raises(IntegrityError, match="damaged"):
        cluster.verify(["contract"])


def test_without_a_cluster_or_its_library_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(SetupError, match=r"riskengine\[spark\]"), on_cluster("local[2]"):
        pass
