"""A run is logged, registered, promoted and served; MLflow's answer is the scorer's."""

from __future__ import annotations

import sys
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import NAMES
from simulated import bundle_files as bare_files

sys.path.insert(0, str(Path(__file__).parents[1] / "registry"))

from one_operator import promoted

from riskengine import registry
from riskengine.errors import IntegrityError, SetupError, UsageError
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import bundle_hash, champion
from riskengine.scoring.native import score_rows
from riskengine.scoring.served import ServedBundle

CARD = {
    "model": "access_pd", "trained_as_of": "2005-12-31", "snapshot": "abc", "rows": 4000, "events": 900,
    "first_as_of": "1990-01-01", "last_as_of": "2002-12-31", "leakage": {"alone": {"amount": 0.6}},
    "trials": [{"name": "out_of_time", "figures": {"model": {"auc": {"value": 0.8, "low": 0.75, "high": 0.85}}}}],
}  # fmt: skip
SPEC = {
    "name": "access_pd", "title": {"en": "Default", "zh": "违约"}, "label": {"source": "losses"}, "features": list(NAMES),
    "inventory": {
        "owner": "Risk", "developer": "Data", "validator": "Audit", "tier": "low", "review_by": "2027-01-01",
        **{name: {"en": "A test", "zh": "测试"} for name in ("use", "assumptions", "limitations")},
    },
}  # fmt: skip


def bundle_files(seed: int) -> tuple[dict[str, bytes], np.ndarray]:
    files, matrix = bare_files(seed=seed)
    return files | {
        "spec.json": canonical_json(SPEC).encode(),
        "card.json": canonical_json(CARD).encode(),
    }, matrix


def run(files: dict[str, bytes]) -> registry.TrainingRun:
    return registry.TrainingRun(
        model="access_pd",
        as_of=date(2005, 12, 31),
        snapshot="abc",
        recipe="def",
        params={"rounds": 60},
        metrics={"out_of_time_auc": (0.8, 0.75, 0.85), "held_out_auc": (None, None, None)},
        figures={"roc.png": b"png"},
        files=files,
    )


def test_from_training_to_serving(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = registry.Registry(tmp_path)
    with pytest.raises(SetupError, match="Run riskengine retrain access_pd"):
        promoted(place, "access_pd", 1)
    (first_files, matrix), (second_files, _) = bundle_files(seed=1), bundle_files(seed=5)
    first = registry.log_training(place, run(first_files))
    second = registry.log_training(place, run(second_files))
    assert (first.version, second.version, second.aliases) == (1, 2, ("challenger",))
    with pytest.raises(UsageError, match="one of 1, 2, got 9"):
        promoted(place, "access_pd", 9)

    done = promoted(place, "access_pd", 1)
    assert (done.old_version, done.new_version) == (None, 1)
    assert champion(tmp_path, "access_pd").hash == bundle_hash(first_files, "access_pd") == done.new_bundle
    done = promoted(place, "access_pd", 2)
    assert (done.old_version, done.old_bundle, done.new_version) == (1, first.bundle, 2)
    assert [v.aliases for v in registry.versions(place, "access_pd")] == [(), ("challenger", "champion")]
    assert promoted(place, "access_pd", 1).new_bundle == first.bundle  # and back again
    assert capsys.readouterr().out == ""

    frame = pd.DataFrame(matrix[:200], columns=list(NAMES))
    answer = served(place, frame[list(NAMES)[::-1]])
    expected = score_rows(champion(tmp_path, "access_pd"), np.ascontiguousarray(matrix[:200]))
    assert answer["pd"].to_numpy().tobytes() == expected.pd.tobytes()
    assert list(answer["grade"]) == list(expected.grade)
    assert list(answer["score"]) == list(expected.score)

    stored = tmp_path / "mlartifacts" / first.run_id / "artifacts" / "model" / "data" / "bundle" / "model.txt"
    stored.write_text(stored.read_text().replace("leaf_value=-", "leaf_value=", 1))
    with pytest.raises(IntegrityError, match=r"model\.txt: expected SHA-256"):
        served(place, frame)


def served(place: registry.Registry, frame: pd.DataFrame) -> pd.DataFrame:
    import mlflow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own deprecations
        mlflow.set_tracking_uri(place.uri)
        return mlflow.pyfunc.load_model("models:/access_pd@champion").predict(frame)


def test_a_served_model_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    from simulated import made_bundle

    model = ServedBundle(made_bundle(tmp_path / "b").bundle)
    frame = pd.DataFrame({"amount": ["many"], "age": [1], "share": [None], "flags": [True], "count": [1]})
    with pytest.raises(UsageError, match=r"flag: expected a column.*\n.*flags.*Did you mean 'flag'"):
        model.predict(frame)
    with pytest.raises(UsageError, match="amount: expected numbers or nulls"):
        model.predict(frame.rename(columns={"flags": "flag"}))
    answer = model.predict(frame.rename(columns={"flags": "flag"}).assign(amount=[None]))
    assert 0 < answer["pd"].iloc[0] < 1
