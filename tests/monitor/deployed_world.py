"""A tiny institution with a deployed model: 1,500 guarantees in its store, nights published by hand, a future one may choose."""

from __future__ import annotations

import io
import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "decision"))

from institution import FILES, MODEL_FEATURES, promote

from riskengine.intake.load import take_in
from riskengine.monitor import publish
from riskengine.monitor.frames import parquet_bytes
from riskengine.monitor.shadow import COLUMNS, FILE
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle, champion, read_bundle, write_bundle
from riskengine.scoring.native import score_rows

SIZE = 1500
FIRST, NOW = date(2005, 9, 30), date(2006, 3, 31)
SPEC = {
    "name": "access_pd", "title": {"en": "Loss within 3 months", "zh": "3个月内代偿"}, "subject": "guarantee",
    "label": {"source": "losses", "horizon": "3m"}, "population": {"from": "2005-06-30", "every": "1m"},
    "features": list(MODEL_FEATURES),
}  # fmt: skip
CARD = {
    "model": "access_pd", "trained_as_of": "2005-08-31", "first_as_of": "2005-06-30", "last_as_of": "2005-08-31",
    "importance": {"amount": 0.5, "staff": 0.4, "losses": 0.1, "staff_missing": 0.0},
}  # fmt: skip


def deployed(root: Path, **how: float) -> Project:
    """Guarantees that all began in June 2005; losses follow the champion's own PDs unless `concept` says how far they leave them
    (0: as the PDs say; 1: the PDs are dealt out to other guarantees). `tilt`: log-odds added to the challenger's PDs."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "models").mkdir()
    project = Project(root)
    rng = np.random.default_rng(11)
    rows = pd.DataFrame({
        "no": [f"G{n:05d}" for n in range(SIZE)], "day": "2005-06-15", "firm": [f"F{n:05d}" for n in range(SIZE)],
        "trade": "31", "amount": np.round(rng.uniform(50, 3000, SIZE), 2), "staff": rng.integers(0, 99, SIZE),
    })  # fmt: skip
    _take(project, "asked", rows)
    promote(project)
    ours = _crowned(project, "champions", 0.6, -1.2)
    _crowned(project, "challengers", 0.6, -1.2 + how.get("tilt", 0.3))
    pd_ = rated(ours, rows).pd
    chance = rng.permutation(pd_) if how.get("concept") else pd_
    lost = rows[rng.random(SIZE) < chance]
    losses = lost[["no", "firm"]].assign(day="2005-11-15", lost="5.00")
    _take(project, "losses", losses[["no", "day", "firm", "lost"]])
    return project


def rated(bundle: Bundle, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as a bundle rates them; nobody has lost before."""
    frame = rows.assign(
        amount=rows["amount"].astype("float64"), staff=rows["staff"].astype("float64"), losses=0.0,
        staff_missing=rows["staff"].isna().astype("float64"), id=rows["no"], enterprise_id=rows["firm"],
    )  # fmt: skip
    made = score_rows(bundle, frame[list(MODEL_FEATURES)].to_numpy(dtype=np.float64))
    return frame.assign(
        pd=made.pd, grade=made.grade, grade_no=[float("ABC".index(name) + 1) for name in made.grade]
    )


def published(
    project: Project, day: date, shifted: float = 0.0, gone: float = 0.0, **entry: object
) -> pd.DataFrame:
    """Publish a night of this book: amounts times `1 + shifted`, a share `gone` of the staff numbers missing."""
    rng = np.random.default_rng(5)
    text = (project.root / "data" / "asked" / "asked.csv").read_text(encoding="utf-8")
    rows = pd.read_csv(io.StringIO(text))
    rows["amount"] = rows["amount"] * (1 + shifted)
    rows["staff"] = rows["staff"].astype("float64").where(rng.random(SIZE) >= gone)
    ours = champion(project.store, "access_pd")
    frame = rated(ours, rows)
    frame["exposure"] = frame["amount"].round(2)
    frame["expected_loss"] = (frame["amount"] * frame["pd"] * 0.5).round(2)
    frame["severity"] = pd.Series(np.where(frame["pd"] > 0.25, "red", None), dtype="object")
    rival = json.loads((project.store / "challengers.json").read_text())["access_pd"]["bundle"]
    other = rated(read_bundle(project.store / "bundles" / rival, rival), rows)
    both = pd.DataFrame({
        "id": frame["id"], "champion_pd": frame["pd"], "champion_grade": frame["grade"], "challenger_pd": other["pd"],
        "challenger_grade": other["grade"], "champion_severity": frame["severity"], "challenger_severity": frame["severity"],
        "champion_bundle": ours.hash, "challenger_bundle": rival,
    }, columns=list(COLUMNS))  # fmt: skip
    scores = frame[
        [
            "id",
            "enterprise_id",
            *MODEL_FEATURES,
            "pd",
            "grade",
            "grade_no",
            "severity",
            "exposure",
            "expected_loss",
        ]
    ]
    files = {"scores.parquet": parquet_bytes(scores, {}), FILE: parquet_bytes(both, {})}
    facts = {
        "health": [{"source": "losses", "stale": 0}],
        "shadow": {"champion": ours.hash, "challenger": rival},
        **entry,
    }
    publish.publish(project.store, day, {"bundle": ours.hash, "as_of": str(day)}, files, facts)
    return frame


def _take(project: Project, source: str, rows: pd.DataFrame) -> None:
    path = project.root / "data" / source / f"{source}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, index=False)
    take_in(project, source, [path], date(2006, 3, 31))


def _crowned(project: Project, alias: str, a: float, b: float) -> Bundle:
    """The institution's trees under this calibration, with the card and spec of a deployed model."""
    files = dict(champion(project.store, "access_pd").files)
    files |= {
        "spec.json": canonical_json(SPEC).encode(), "card.json": canonical_json(CARD).encode(),
        "calibration.json": canonical_json({"method": "logistic", "a": a, "b": b}).encode(),
    }  # fmt: skip
    draft = project.store / "bundles" / "draft"
    name = write_bundle(draft, files)
    draft.rename(draft.with_name(name))
    (project.store / f"{alias}.json").write_text(
        json.dumps({"access_pd": {"bundle": name, "version": 2}}), encoding="utf-8"
    )
    return read_bundle(project.store / "bundles" / name, name)
