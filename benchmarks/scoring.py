"""How near is scoring everybody, complete, to LightGBM's own predict? Also: row by row as before, and reasons beside TreeSHAP.

    python benchmarks/scoring.py [--project PROJECT --model inforce_pd --profiles FILE] [--rows 667100] [--runs 5]

Always: a model of 150 features made on the spot (needs no project): trees of 31 leaves, a hazard of 36 months with exits, 16
segments, intervals. With `--project` the champion too, on profiles of that store: those in force on the store's latest day
(or applicants), or a Parquet file of profiles (`--profiles`). Rows are drawn with replacement from those profiles.

ours, complete   `native.score_rows`: PD, points, grade, interval, unsure, lifetime PD of every row
LightGBM         `Booster.predict(raw_score=True)`, the same matrix and threads: raw scores only
row by row       `rating` and `term_of` of each row after native raw scores, which `score_rows` and the night did at 1de8ac2: on a
                 sample, scaled
reasons          `reason_rows.reasons_of` of the 2,000 listed rows, beside `pred_contrib` of everybody (a sample, scaled)

Before anything is measured the sample's ratings and reasons are compared with the plain ones, bit by bit.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from results import TABLE, Seconds, Told, conditions, line, ratio, side_by_side, write_section

from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring import native
from riskengine.scoring.bundle import Bundle, bundle_hash, champion
from riskengine.scoring.reason_rows import reasons_of
from riskengine.scoring.reasons import reasons
from riskengine.scoring.scorecard import rating, term_of
from riskengine.scoring.served import feature_matrix, segment_values
from riskengine.scoring.trees import export_trees

LISTED, SAMPLE, SHAP = 2_000, 2_000, 2_000
Segments = list[str | None] | None


def main() -> None:
    """Measure and write the section."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--project", type=Path)
    asked.add_argument("--model", default="inforce_pd")
    asked.add_argument("--profiles", type=Path)
    asked.add_argument("--rows", type=int, default=667_100)
    asked.add_argument("--runs", type=int, default=5)
    args = asked.parse_args()
    told = measured("made on the spot", *made(args.rows), args.runs)
    command, day = "python benchmarks/scoring.py", "no day"
    if args.project:
        bundle, matrix, segments, day = of_project(args)
        command += f" --project PROJECT --model {args.model}" + (" --profiles FILE" if args.profiles else "")
        told += ["", *measured(f"champion `{bundle.model}`", bundle, matrix, segments, args.runs)]
    size = f"{args.rows:,} rows, {native.THREADS} threads, {args.runs} runs in turn"
    write_section("Scoring", [*conditions(command, day, size), "", *told])


def measured(what: str, bundle: Bundle, matrix: np.ndarray, segments: Segments, runs: int) -> list[str]:
    """The lines of one model, after its bits were checked."""
    booster, part = native._booster(bundle), None if segments is None else segments[:LISTED]
    listed = matrix[:LISTED].copy()
    checked(bundle, listed, part)
    works = [
        lambda: native.score_rows(bundle, matrix, segments),
        lambda: booster.predict(matrix, raw_score=True, num_threads=native.THREADS),
        lambda: scaled(lambda: row_by_row(bundle, matrix[:SAMPLE], segments), len(matrix) / SAMPLE),
        lambda: reasons_of(bundle, listed, native.score_rows(bundle, listed, part), (), part or ()),
        lambda: scaled(
            lambda: booster.predict(matrix[:SHAP], pred_contrib=True, num_threads=native.THREADS),
            len(matrix) / min(SHAP, len(matrix)),
        ),
    ]
    ours, trees, rowwise, named, shap = side_by_side(works, runs)
    leaves = sum(len(tree["leaf"]) for tree in bundle.trees["trees"])
    print(what, "ours / trees", ratio(ours, trees), "of the processor", ratio(ours.cpu, trees.cpu))
    return [
        f"**{what[0].upper() + what[1:]}**: {len(bundle.features)} features, {len(bundle.trees['trees'])} trees of {leaves:,} leaves, method "
        f"`{bundle.calibration['method']}`, {100 * np.isnan(matrix[:20_000]).mean():.0f} % missing.",
        "",
        *TABLE,
        line(f"complete ratings of {len(matrix):,} rows", "LightGBM's predict, raw scores only", ours, trees),
        line("the same, seconds of the processor", "the same", Seconds(ours.cpu), Seconds(trees.cpu)),
        line("complete ratings", f"row by row as at 1de8ac2 ({SAMPLE:,} rows, scaled)", ours, rowwise, 4),
        line(
            f"reasons in full of {LISTED:,} listed rows",
            f"TreeSHAP (`pred_contrib`) of everybody ({SHAP:,} rows, scaled)",
            named,
            shap,
            4,
        ),
    ]


def scaled(work: Any, times: float) -> Told:
    """A work on a sample, told as if it were on everybody."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return Told((time.perf_counter() - begun) * times, (time.process_time() - used) * times)


def row_by_row(bundle: Bundle, matrix: np.ndarray, segments: Segments) -> list[Any]:
    """Rating and term structure of each row alone: what 1de8ac2 did after the native raw scores."""
    raws = native.raw_scores(bundle, matrix).tolist()
    named = [None] * len(matrix) if segments is None else segments[: len(matrix)]
    rows = list(zip(raws, matrix.tolist(), named, strict=True))
    return [(rating(bundle, *row), term_of(bundle, *row)) for row in rows]


def checked(bundle: Bundle, matrix: np.ndarray, segments: Segments) -> None:
    """Stop where a bit differs from the plain path."""
    found = native.score_rows(bundle, matrix, segments)
    for n, (one, term) in enumerate(row_by_row(bundle, matrix, segments)):
        mine = (found.pd[n], found.score[n], found.grade[n], found.unsure[n])
        limits = one.low is None or (found.low[n], found.high[n]) == (one.low, one.high)
        lifetime = term is None or term.lifetime_pd == found.lifetime[n]
        assert mine == (one.pd, one.score, one.grade, one.unsure), n
        assert limits, n
        assert lifetime, n
    few = reasons_of(
        bundle,
        matrix[:50],
        native.score_rows(bundle, matrix[:50], segments and segments[:50]),
        (),
        (segments and segments[:50]) or (),
    )
    for n, each in enumerate(few):
        row = [None if np.isnan(value) else float(value) for value in matrix[n]]
        assert each == reasons(bundle, row, None, segments[n] if segments else None), n


def of_project(args: argparse.Namespace) -> tuple[Bundle, np.ndarray, Segments, str]:
    """A project's champion, and profiles of its store drawn to the size asked for."""
    bundle = champion(Project(args.project).store, args.model)
    if args.profiles:
        frame, day = pd.read_parquet(args.profiles), "the file's days"
    else:
        frame, day = stored(Project(args.project), bundle)
    places = np.random.default_rng(1).integers(0, len(frame), args.rows)
    segments = segment_values(bundle, frame)
    drawn = None if segments is None else [segments[place] for place in places.tolist()]
    return bundle, feature_matrix(bundle, frame)[places], drawn, day


def stored(project: Project, bundle: Bundle) -> tuple[pd.DataFrame, str]:
    """Profiles of the guarantees in force (or of all applicants) on the last day on which the store learned anything."""
    from riskengine.monitor.night import profiled, subject_rows
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.compute import Workbench
    from riskengine.profile.recipe import Recipe
    from riskengine.profile.subjects import load_applicants, load_in_force
    from riskengine.store import snapshot

    recipe, subjects = Recipe.from_json(bundle.recipe), Catalogue(project).subjects
    with Workbench(snapshot.read(project.store)) as bench:
        rule = subjects.applicant if bundle.spec["subject"] == "applicant" else subjects.guarantee
        files = bench.facts(rule.source)
        (day,) = bench.connection.execute(f"SELECT max(known_at) FROM {files}").fetchone() or (None,)
        if bundle.spec["subject"] == "applicant":
            load_applicants(bench, rule, recipe, known=day)
        else:
            load_in_force(bench, rule, recipe, [day])
        return profiled(bench, subject_rows(bench), recipe), str(day)


def made(size: int, features: int = 150) -> tuple[Bundle, np.ndarray, Segments]:
    """A model of invented profiles: counts, amounts, shares and flags, a tenth missing; 20,000 to learn from."""
    dice = np.random.default_rng(7)
    kinds = [
        lambda: dice.poisson(0.7, 20_000).astype(float),
        lambda: np.round(dice.lognormal(11, 1.5, 20_000)),
        lambda: dice.beta(2, 5, 20_000),
        lambda: (dice.random(20_000) < 0.1).astype(float),
        lambda: dice.integers(0, 400, 20_000).astype(float),
    ]
    rows = np.column_stack([kinds[place % 5]() for place in range(features)])
    ranks = rows.argsort(axis=0).argsort(axis=0) / len(rows) - 0.5
    weight = dice.normal(0, 1, features) * (dice.random(features) < 0.4)
    rows[dice.random(rows.shape) < 0.1] = np.nan
    label = (ranks @ weight + dice.logistic(size=len(rows)) > 3.0).astype(int)
    names = [f"feature_{place:03}" for place in range(features)]
    how = {
        "objective": "binary",
        "num_leaves": 31,
        "learning_rate": 0.05,
        "verbosity": -1,
        "num_threads": native.THREADS,
        "seed": 7,
    }
    booster = lightgbm.train(how, lightgbm.Dataset(rows, label, feature_name=names), 150)
    bundle = bundle_of(booster, names, rows)
    places = dice.integers(0, len(rows), size)
    return bundle, rows[places], [f"city {place % 17}" for place in places.tolist()]


def bundle_of(booster: lightgbm.Booster, names: list[str], rows: np.ndarray) -> Bundle:
    """The trees with everything that the province's model in force has: months, exits, segments, intervals, grades, medians."""
    months = range(36)
    hazard = {
        "method": "hazard", "horizon": 12, "age": 4, "remaining": 9, "bands": [3, 6, 9, 12, 24], "to_scale": 1.0,
        "baseline": [[-5.5 - 0.1 * band + 0.02 * month for month in months] for band in range(6)],
        "slope": [0.9 - 0.005 * month for month in months],
        "exits": [[min(0.01 + 0.02 * max(month - left + 3, 0), 0.9) for month in months] for left in range(61)],
        "segments": {
            "column": "city", "shifts": {f"city {n}": (n - 8) / 20 for n in range(16)},
            "deviations": {f"city {n}": 0.1 + n / 100 for n in range(16)}, "spread": 0.3,
        },
        "interval": {
            "scores": [-8.0, -6.0, -4.0, -2.0, 0.0], "low": [-1.2, -0.8, -0.3, -0.2, -0.1], "high": [0.9, 0.6, 0.3, 0.2, 0.1],
            "coverage": 0.9, "z": 1.6448536269514722, "drift": 0.25, "widest": 4.0, "most_missing": 0.5,
        },
    }  # fmt: skip
    limits = [0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 1.0]
    grades = [
        {"name": f"{n}", "pd_up_to": limit, "label": {"en": f"grade {n}", "zh": f"{n}级"}}
        for n, limit in enumerate(limits, 1)
    ]
    points = {"base_score": 600, "base_odds": 30, "pdo": 20, "lowest": 300, "highest": 900}
    medians = dict(zip(names, np.nanmedian(rows, axis=0).tolist(), strict=True))
    text = booster.model_to_string()
    parts: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": hazard,
        "grades.json": {"points": points, "grades": grades},
        "peers.json": {"all": {"n": len(rows), "median": medians}, "groups": {}},
        "spec.json": {"name": "made", "subject": "guarantee"},
    }
    files = {name: canonical_json(part).encode() for name, part in parts.items()} | {
        "model.txt": text.encode()
    }
    return Bundle(Path(), bundle_hash(files, "made"), "made", files)


if __name__ == "__main__":
    main()
