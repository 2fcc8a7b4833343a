"""How fast is a generic tool on the same definitions? featuretools (BSD-3) beside ours, at sizes it can bear.

    python -m venv FOLDER && FOLDER/bin/pip install "featuretools==1.31.0" "setuptools<80" "pandas==2.2.3" "numpy>=2,<2.3" pyarrow      # not into riskengine's own environment
    python benchmarks/generic.py --project PROJECT --as-of 2026-06-27 --python FOLDER/bin/python [--sizes 2000 6671 66710]

Of `profile_features.txt` the definitions that featuretools can express: one count, total, mean, largest or distinct within a window
that ends on the day (its `training_window`), under any filters (given to it as columns made before, not counted). It cannot
express whole calendar months, windows that end earlier, ratios of two windows in one run, the last value by rank, months with a
fact, slopes of money without rounding.

Its semantics differ: it has one clock (the event's day; `cutoff_time`), so that what was not yet known on the day and what was
superseded has to be taken out before, by us, for this one day (not counted: its input is ready in Parquet); it tells zero of a
count and unknown of a sum wherever there is nothing, complete source or not. Values are compared where ours are known (1e-9).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from results import TABLE, Told, alone, conditions, line, report, side_by_side, write_section

HERE = Path(__file__).parent
VERBS = {"count": "Count", "total": "Sum", "mean": "Mean", "largest": "Max", "distinct": "NumUnique"}


def main() -> None:
    """Compare, measure, tell."""
    asked = _asked()
    if asked.way:
        begun = time.perf_counter()
        said = {"theirs": theirs, "ours": ours}[asked.way](asked)
        report(begun, **said)
        return
    if not _there(asked.python):
        print("featuretools is not there: skipped. To measure it:\n" + (__doc__ or "").split("\n\n")[1])
        return
    lines = []
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        for size in asked.sizes:
            folder = Path(scratch) / str(size)
            many, facts = prepare(asked, folder, size)
            mine, others = side_by_side(
                [
                    partial(_run, asked, "ours", folder),
                    partial(_run, asked, "theirs", folder, asked.python),
                ],
                asked.rounds,
            )
            equal = _compare(folder)
            lines.append(
                line(
                    f"{many} features of {size:,} enterprises ({facts:,} facts)",
                    "featuretools 1.31.0",
                    mine,
                    others,
                )
            )
            lines[-1] += f" {mine.peak:,.0f} | {others.peak:,.0f} | {equal:,} |"
    head = conditions(
        f"python benchmarks/generic.py --project PROJECT --sizes {' '.join(map(str, asked.sizes))} --rounds {asked.rounds}",
        str(asked.as_of),
        "SYNTHETIC province, the first enterprises by hash",
    )
    table = [TABLE[0] + " ours, MB | its, MB | values equal |", TABLE[1] + " --- | --- | --- |", *lines]
    notes = ["", *(f"{text}" for text in (__doc__ or "").split("\n\n")[2:])]
    print("\n".join([*head, "", *table]))
    if not asked.quiet:
        write_section("Profiles beside a generic tool", [*head, "", *table, *notes])


def prepare(asked: argparse.Namespace, folder: Path, size: int) -> tuple[int, int]:
    """A small project of `size` enterprises, and featuretools' input: visible facts, with filters as columns."""
    import duckdb
    from profiles import names
    from sized import sized

    from riskengine.profile.catalogue import Catalogue
    from riskengine.project import Project
    from riskengine.store import snapshot

    project = Project(asked.project.resolve())
    catalogue = Catalogue(project)
    wanted = {name: item for name in names() if (item := _expressible(catalogue.feature(name).of))}
    sources = sorted({item.source for item in wanted.values()})
    with duckdb.connect() as connection:
        register = f"read_parquet({snapshot.read(project.store).paths('mkt_reg')!r})"
        ((everybody,),) = connection.execute(f"SELECT count(DISTINCT uscc) FROM {register}").fetchall()
    small = sized(
        project, folder / "project", [*sources, "mkt_reg"], size / everybody if size < everybody else 1
    )
    held, told, facts = snapshot.read(small.store), [], 0
    seen = f"known_at <= DATE '{asked.as_of}' AND event_date <= DATE '{asked.as_of}' AND NOT removed AND (superseded_at IS NULL OR superseded_at > DATE '{asked.as_of}')"
    with duckdb.connect() as connection:
        query = f"SELECT DISTINCT uscc FROM read_parquet({held.paths('mkt_reg')!r}) WHERE {seen}"
        connection.execute(f"COPY ({query}) TO '{folder}/enterprises.parquet' (FORMAT parquet)")
        for source in sources:
            columns, kinds = {}, catalogue.sources[source]
            for name, item in wanted.items():
                if item.source != source:
                    continue
                if item.column:
                    kind = kinds.column_type(item.column)
                    columns[item.column] = (
                        item.column if kind in ("text", "date") else f"{item.column}::DOUBLE"
                    )
                if item.where:
                    columns[f"where_{name}"] = " AND ".join(
                        _condition(rule, asked.as_of) for rule in item.where
                    )
                assert item.window
                told.append(
                    {"name": name, "source": source, "verb": VERBS[item.verb], "column": item.column,
                     "where": f"where_{name}" if item.where else None, "months": item.window.months, "days": item.window.days}
                )  # fmt: skip
            listed = ", ".join(
                f'coalesce({sql}, false) AS "{name}"' if name.startswith("where_") else f'{sql} AS "{name}"'
                for name, sql in columns.items()
            )
            query = f"SELECT row_number() OVER () AS fact, uscc, event_date::TIMESTAMP AS event_date{', ' if listed else ''}{listed} FROM read_parquet({held.paths(source)!r}) WHERE {seen}"
            connection.execute(f"COPY ({query}) TO '{folder}/{source}.parquet' (FORMAT parquet)")
            ((rows,),) = connection.execute(f"SELECT count(*) FROM '{folder}/{source}.parquet'").fetchall()
            facts += rows
    (folder / "definitions.json").write_text(json.dumps(told), encoding="utf-8")
    return len(wanted), facts


def _expressible(expression: Any) -> Any:
    from riskengine.clock import Span
    from riskengine.profile.expressions import Aggregate

    if not isinstance(expression, Aggregate) or expression.verb not in VERBS or expression.window is None:
        return None
    fixed = expression.ago == Span() and all(rule.operator != "latest" for rule in expression.where)
    return expression if fixed and expression.source != "mkt_reg" else None


def _condition(rule: Any, day: date) -> str:
    value = (
        {True: "true", False: "false"}.get(rule.value) if isinstance(rule.value, bool) else repr(rule.value)
    )
    simple = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
    if rule.operator in simple:
        return f"{rule.column} {simple[rule.operator]} {value}"
    listed = ", ".join(map(repr, rule.value)) if isinstance(rule.value, tuple) else ""
    return {
        "in": f"{rule.column} IN ({listed})",
        "known": f"{rule.column} IS NOT NULL",
        "unknown": f"{rule.column} IS NULL",
        "not_before_as_of": f"{rule.column} >= DATE '{day}'",
        "unknown_or_not_before_as_of": f"({rule.column} IS NULL OR {rule.column} >= DATE '{day}')",
    }[rule.operator]


def theirs(asked: argparse.Namespace) -> dict[str, object]:
    """featuretools: one entity set, one `calculate_feature_matrix` a window. Runs in its own environment."""
    import warnings

    warnings.simplefilter("ignore")
    import featuretools as ft
    import pandas as pd

    begun = time.perf_counter()
    told = json.loads((asked.data / "definitions.json").read_text(encoding="utf-8"))
    es = ft.EntitySet("province")
    register = pd.read_parquet(asked.data / "enterprises.parquet")
    es = es.add_dataframe(dataframe_name="enterprises", dataframe=register, index="uscc")
    for source in sorted({one["source"] for one in told}):
        frame = pd.read_parquet(asked.data / f"{source}.parquet")
        frame = frame[frame["uscc"].isin(register["uscc"])]
        kinds = {
            one["column"]: "Categorical"
            for one in told
            if one["source"] == source and one["verb"] == "NumUnique"
        }
        kinds |= {name: "Double" for name in frame.select_dtypes("number").columns if name != "fact"}
        es = es.add_dataframe(
            dataframe_name=source, dataframe=frame, index="fact", time_index="event_date", logical_types=kinds
        )
        es = es.add_relationship("enterprises", "uscc", source, "uscc")
    made, day = [], pd.Timestamp(asked.as_of)
    for window in sorted({(one["months"], one["days"]) for one in told}):
        features, labels = [], []
        for one in told:
            if (one["months"], one["days"]) == window:
                base = ft.Feature(es[one["source"]].ww[one["column"] or "fact"])
                where = {"where": ft.Feature(es[one["source"]].ww[one["where"]])} if one["where"] else {}
                primitive = getattr(ft.primitives, one["verb"])
                features.append(
                    ft.Feature(
                        base, parent_dataframe_name="enterprises", primitive=primitive, **where
                    ).rename(one["name"])
                )
                labels.append(one["name"])
        months, days = window
        span = ft.Timedelta(months or days, "mo" if months else "d")
        matrix = ft.calculate_feature_matrix(
            features, es, cutoff_time=day, training_window=span, verbose=False
        )
        made.append(matrix[labels])
    pd.concat(made, axis=1).astype("float64").rename_axis("uscc").reset_index().to_parquet(
        asked.data / "theirs.parquet"
    )
    return {"work": time.perf_counter() - begun}


def ours(asked: argparse.Namespace) -> dict[str, object]:
    """The engine's own path on the same enterprises and definitions."""
    from riskengine.profile.batch import Wanted, write_profiles
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.kept import night_recipe
    from riskengine.project import Project
    from riskengine.store import snapshot

    told = json.loads((asked.data / "definitions.json").read_text(encoding="utf-8"))
    project, out = Project(asked.data / "project"), asked.data / "ours"
    shutil.rmtree(out, ignore_errors=True)
    catalogue = Catalogue(project)
    recipe = night_recipe(catalogue, [one["name"] for one in told])
    write_profiles(
        snapshot.read(project.store), catalogue.subjects, Wanted("register", (asked.as_of,), recipe), out
    )
    return {}


def _compare(folder: Path) -> int:
    import duckdb

    told = json.loads((folder / "definitions.json").read_text(encoding="utf-8"))
    equal, wrong = 0, []
    with duckdb.connect() as connection:
        for one in told:
            a, b = f'a."{one["name"]}"', f'coalesce(b."{one["name"]}", 0)'
            query = f"""SELECT count(*) FILTER (abs({a} - {b}) <= 1e-9 * greatest(1, abs({a}))), count({a})
                FROM '{folder}/ours/profiles/*.parquet' a JOIN '{folder}/theirs.parquet' b ON a.enterprise_id = b.uscc"""
            ((same, known),) = connection.execute(query).fetchall()
            equal += same
            wrong += [f"{one['name']}: {known - same} of {known}"] if same != known else []
    if wrong:
        raise SystemExit(f"featuretools and ours differ: {', '.join(wrong)}")
    return equal


def _run(asked: argparse.Namespace, way: str, folder: Path, python: str = sys.executable) -> Told:
    command = [python, __file__, "--way", way, "--data", str(folder), "--as-of", str(asked.as_of)]
    return alone(command)


def _there(python: str) -> bool:
    if not python:
        return False
    try:
        done = subprocess.run([python, "-c", "import featuretools"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, help="a project whose store has the facts")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 27))
    parser.add_argument("--python", default="", help="the interpreter of an environment with featuretools")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 6_671, 66_710])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--quiet", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--way", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
