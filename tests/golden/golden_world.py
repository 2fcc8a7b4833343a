"""The hand-written world of `tests/world` with a champion: what its nights publish, written as text a person can compare."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskengine.learning.samples import model_spec
from riskengine.learning.spec import ModelSpec
from riskengine.monitor.publish import MANIFEST, named
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.schema import canonical_json, read_toml
from riskengine.scoring.bundle import write_bundle
from riskengine.scoring.trees import export_trees

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
WORLD = ROOT / "tests" / "world" / "data"
MODEL = HERE / "model.txt"
ROWS = 4000
PERSONAL_KEY = "a key for golden nights, of no use elsewhere"
READ = tuple(
    f"{name}.parquet"
    for name in (
        "scores",
        "signals",
        "reminders",
        "cases",
        "lines",
        "overall",
        "clusters",
        "events",
        "counts",
    )
)


def institution(folder: Path, signals: Iterable[str] = ()) -> Project:
    """The default project with a small model of its own, the world's files in its inbox, nothing taken in yet.

    With `signals` only these files of `configs/signals/`: where it is about nights as such, a part of the catalogue will do.
    """
    for room in ("configs", "features", "models"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    kept = set(signals)
    for path in sorted(
        (folder / "configs" / "signals").glob("*.toml")
    ):  # watched from 2026 on; this world is older
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^from = 2026-01-01$", "from = 2020-01-01", text), encoding="utf-8")
        (folder / "configs" / "signals.toml").unlink(missing_ok=True)
        if kept and path.stem not in kept:
            path.unlink()
    if kept:
        _about_these_signals(folder / "configs")
    shutil.copy(HERE / "inforce_pd.toml", folder / "models")
    shutil.copytree(WORLD, folder / "data")
    project = Project(folder)
    _crown(project, "inforce_pd")
    return project


def _about_these_signals(configs: Path) -> None:
    """Leave out of `cases.toml` and `floors.toml` the rules about signals that are not there."""
    files = (configs / "signals").glob("*.toml")
    known = {one["id"] for path in files for one in read_toml(path)["signal"]}
    for path in (configs / "cases.toml", configs / "floors.toml"):
        head, *blocks = re.split(r"(?m)^(?=\[\[)", path.read_text(encoding="utf-8"))
        kept = [head]
        for block in blocks:
            lists = re.findall(r"(?m)^(signals|red|silences) = (\[.*?\])", block)
            left = {key: [one for one in json.loads(text) if one in known] for key, text in lists}
            if all(left.values()):
                for key, text in lists:
                    block = block.replace(f"{key} = {text}", f"{key} = {json.dumps(left[key])}")
                known |= set(re.findall(r'^\[\[root\]\]\s+id = "([^"]+)"', block))
                kept.append(block)
        path.write_text("".join(kept), encoding="utf-8")


def _crown(project: Project, model: str) -> None:
    catalogue = Catalogue(project)
    spec = model_spec(catalogue, model)
    text = MODEL.read_text(encoding="utf-8")
    medians = dict.fromkeys(spec.features, 0.0)
    parts: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": {"method": "logistic", "a": 1.0, "b": 0.0},
        "grades.json": read_toml(project.configs / "grades.toml"),
        "recipe.json": compile_recipe(catalogue, spec.features).to_json(),
        "peers.json": {"column": spec.peers, "all": {"n": ROWS, "median": medians}, "groups": {}},
        "spec.json": spec.model_dump(mode="json", by_alias=True),
        "card.json": {"model": model, "note": "trained on simulated rows, for tests only"},
    }
    files = {name: canonical_json(part).encode() for name, part in parts.items()}
    draft = project.store / "bundles" / "draft"
    name = write_bundle(draft, files | {"model.txt": text.encode()})
    draft.rename(draft.with_name(name))
    entry = {model: {"bundle": name, "version": 1}}
    (project.store / "champions.json").write_text(json.dumps(entry), encoding="utf-8")


def simulated_model(spec: ModelSpec) -> str:
    """A few small trees on simulated rows of the model's features; the committed `model.txt` was made with this."""
    import lightgbm
    import numpy as np

    rng = np.random.default_rng(20240630)
    matrix = np.round(rng.exponential(1.0, (ROWS, len(spec.features))), 3)
    scale = {"days_to_maturity": 200, "guaranteed_amount": 600_000, "overdue_days": 20, "worst_overdue_12m": 30,
             "enforcement_amount": 100_000, "sales_trend_12m": -4000, "sales_change_12m": -40_000, "price_change_6m": 3}  # fmt: skip
    matrix *= np.array([scale.get(name, 1) for name in spec.features])
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    risk = np.nan_to_num(matrix) @ np.array(
        [{1: 1.0, -1: -0.5, 0: 0.0}[sign] / abs(scale.get(name, 1)) for name, sign in zip(spec.features, spec.constraints, strict=True)]
    )  # fmt: skip
    label = (risk - 12 + rng.logistic(size=ROWS) > 0).astype(int)
    data = lightgbm.Dataset(matrix, label, feature_name=list(spec.features), params={"verbosity": -1})
    settings = {"objective": "binary", "num_leaves": 7, "learning_rate": 0.2, "num_threads": 1, "deterministic": True,
                "force_row_wise": True, "monotone_constraints": spec.constraints, "verbosity": -1, "seed": 1}  # fmt: skip
    return str(lightgbm.train(settings, data, 20).model_to_string())


def night(project: Project, as_of: date) -> str:
    """Run the night and return what it says of itself."""
    return str(project.pipeline("nightly").run(project, as_of).status)


def publication(project: Project, as_of: date) -> dict[str, bytes]:
    """The published files by name; the manifest without `measured`, which no two nights have alike."""
    folder = project.store / "publications" / str(as_of)
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return {**found, MANIFEST: named(found[MANIFEST])}


def readable(files: dict[str, bytes]) -> dict[str, str]:
    """The publication as text: tables as CSV (floats to twelve digits), the page without its style and with its hashes masked."""
    manifest = json.loads(files["manifest.json"])
    texts = {name.replace(".parquet", ".csv"): _table(data) for name, data in files.items() if name in READ}
    page = re.sub(r"(?s)(<(style|script)\b[^>]*>).*?(</\2>)", r"\1\3", files["report.html"].decode("utf-8"))
    names = {**manifest["inputs"], "inputs": manifest["inputs_hash"]}
    for length in (64, 16, 12):  # hashes depend on the versions of the libraries that wrote the bytes
        for name, value in sorted(names.items()):
            if isinstance(value, str) and len(value) >= max(length, 12) and name != "as_of":
                page = page.replace(value[:length], f"[{name}]")
    counts = {key: manifest[key] for key in ("counts", "exposure", "expected_loss", "health", "signals", "reminders")}  # fmt: skip
    return {
        **texts,
        "report.html": page,
        "manifest.json": json.dumps(counts, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
    }


def _table(data: bytes) -> str:
    table = pq.read_table(io.BytesIO(data))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([_cell(value) for value in row.values()] for row in table.to_pylist())
    return stream.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return format(value, ".12g")
    if isinstance(value, Iterable) and not isinstance(value, str):
        return " ".join(_cell(part) for part in value)
    return "" if value is None else str(value)
