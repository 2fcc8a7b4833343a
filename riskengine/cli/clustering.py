"""Words about many at once: `profiles`, `score`, `evaluate-signals`, on this machine or on a cluster that is already there."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling
from riskengine.errors import Problem, UsageError

Engine = Literal["duckdb", "spark"]
Out = Annotated[
    str, typer.Option("--out", help="A folder that is not there yet; on a cluster hdfs:// or s3a:// too.")
]
On = Annotated[Engine, typer.Option("--engine", help="duckdb: this machine; spark: a cluster.")]
Master = Annotated[
    str, typer.Option("--master", help="Spark master; default $SPARK_MASTER, or spark-submit's own.")
]
Written = Annotated[str, typer.Option("--profiles", help="A folder written by riskengine profiles.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(profiles)
    app.command()(score)
    app.command(name="evaluate-signals")(evaluate_signals)  # `signals` is the group about cases


def profiles(
    context: typer.Context,
    out: Out,
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")] = "",
    of: Annotated[str, typer.Option(help="guarantee (in force), or a population of subjects.toml.")] = "guarantee",
    panel_from: Annotated[str, typer.Option(help="A panel: every month-end from this day ...")] = "",
    panel_to: Annotated[str, typer.Option(help="... to this one.")] = "",
    engine: On = "duckdb",
    master: Master = "",
    facts_at: Annotated[
        str, typer.Option(help="Where workers see the store's folder, if elsewhere: hdfs://..., s3a://...")
    ] = "",
    carry: Annotated[
        str, typer.Option(help="A folder where an earlier night left its results: only what a fact can have changed is computed, "
                               "and tonight's are left there. The same values.")
    ] = "",
) -> None:  # fmt: skip
    """Write every feature of many subjects, on one day or a panel of month-ends, as Parquet. 批量画像"""
    from riskengine.profile.batch import Carry, Wanted, write_profiles
    from riskengine.profile.catalogue import Catalogue
    from riskengine.profile.kept import night_recipe
    from riskengine.store import snapshot

    project = project_of(context)
    if bool(as_of) == bool(panel_from and panel_to) or bool(panel_from) != bool(panel_to):
        problem = Problem("days", "--as-of, or --panel-from and --panel-to", "neither or a mixture")
        raise UsageError("Which days?", [problem])
    if as_of:
        days: tuple[date, ...] = (clock.parse_past_day(as_of, "--as-of"),)
    else:
        last = clock.parse_past_day(panel_to, "--panel-to")
        days = tuple(clock.month_ends(clock.parse_day(panel_from, "--panel-from"), last))
        if not days:
            period = f"{panel_from} to {panel_to}"
            problem = Problem(
                "--panel-from, --panel-to", "at least one month-end", period, "Choose a longer period"
            )
            raise UsageError("Which days?", [problem])
    catalogue = Catalogue(project)
    kept = Carry(Path(carry), {name: one.key for name, one in catalogue.sources.items()}) if carry else None
    if kept and engine == "spark":
        problem = Problem("--carry", "--engine duckdb", "--engine spark", "Leave one of them out")
        raise UsageError("A cluster carries nothing over", [problem])
    wanted = Wanted(of, days, night_recipe(catalogue, list(catalogue.features)), kept)
    held = snapshot.read(project.store)
    with telling(f"profiles of {of}"):
        if engine == "spark":
            from riskengine.spark import written
            from riskengine.spark.session import on_cluster

            with on_cluster(master) as session:
                rows = written.write_profiles(session, catalogue, held, wanted, (out, facts_at))
        else:
            rows = write_profiles(held, catalogue.subjects, wanted, Path(out)).rows
    typer.echo(f"{rows} rows x {len(wanted.recipe.features)} features: {out}")


def score(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="Whose champion: inforce_pd, access_pd, ...")],
    profiles: Written,
    out: Out,
    engine: On = "duckdb",
    master: Master = "",
) -> None:
    """Score written profiles with a champion: PD, points, grade and interval of each, as Parquet. 批量评分"""
    from riskengine.profile.catalogue import Catalogue
    from riskengine.scoring.bundle import champion

    project = project_of(context)
    bundle = champion(project.store, model)
    with telling(f"scores by {model}"):
        if engine == "spark":
            from riskengine.spark import written
            from riskengine.spark.session import on_cluster

            with on_cluster(master) as session:
                rows = written.write_scores(session, Catalogue(project), bundle, profiles, out)
        else:
            from riskengine.scoring.arrow_rows import score_file

            files = sorted((Path(profiles) / "profiles").glob("*.parquet"))
            if not files or Path(out).exists():
                problem = Problem(
                    f"{profiles}, {out}", "a folder of profiles, and one not there yet", "otherwise"
                )
                raise UsageError("Nothing can be scored", [problem])
            (Path(out) / "scores").mkdir(parents=True)
            ids = ("subject", "as_of", "id", "enterprise_id")
            rows = sum(score_file(bundle, file, Path(out) / "scores" / file.name, ids) for file in files)
            told = json.loads((Path(profiles) / "profiles.json").read_text(encoding="utf-8"))
            told |= {"engine": "duckdb", "model": model, "bundle": bundle.hash, "rows": rows}
            (Path(out) / "scores.json").write_text(
                json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8"
            )
    typer.echo(f"{rows} rows by {model} ({bundle.hash[:12]}): {out}")


def evaluate_signals(
    context: typer.Context,
    profiles: Written,
    scores: Annotated[str, typer.Option(help="A folder written by riskengine score.")],
    out: Out,
    master: Master = "",
) -> None:
    """Evaluate, on a cluster, the signals that a guarantee's own row decides; says which are left to the night. 集群信号"""
    from riskengine.monitor.watch import read_watch
    from riskengine.spark import written
    from riskengine.spark.session import on_cluster

    watch = read_watch(project_of(context))
    with telling("signals"), on_cluster(master) as session:
        found, left = written.write_signals(session, watch, (profiles, scores), out)
    typer.echo(
        f"raised: {', '.join(f'{name} {count}' for name, count in sorted(found.items())) or 'none'}: {out}"
    )
    typer.echo(f"left to the night: {len(left)} signals (see {out}/signals.json)")
