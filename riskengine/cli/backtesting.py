"""Words about the past: `backtest-signals`, which replays the nights and says what the alerts were worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling

if TYPE_CHECKING:
    from riskengine.project import Project


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command(name="backtest-signals")(backtest_signals)


def backtest_signals(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="First day.")],
    end: Annotated[str, typer.Option("--to", help="Last day.")],
    every: Annotated[str, typer.Option(help="A night every so often: 1m (month-ends), 3m, 7d.")] = "1m",
    budget: Annotated[
        int | None, typer.Option(min=1, help="Enterprises that can be looked into each night.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="walk-forward or champion. Default: the champion where it is older than --from."),
    ] = None,
    ranking: Annotated[
        bool, typer.Option("--ranking", help="Alerts in the order of the ranking, without cases and budget.")
    ] = False,
    rules_day: Annotated[str | None, typer.Option(help="The catalogue of which day (default today).")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Compare with this result file; worse: exit code 8.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Compare with the accepted result; worse: exit code 8.")
    ] = False,
    accept: Annotated[str, typer.Option(metavar="REASON", help="Make this result the accepted one.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the result, for --against later.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The tables as Markdown.")] = False,
    language: Annotated[str | None, typer.Option("--lang", help="zh or en.")] = None,
) -> None:
    """Replay past nights and measure lead time, capture, precision and false alarms of the alerts. 预警回测"""
    from riskengine.backtest import gate as gates
    from riskengine.backtest.running import Asked, run
    from riskengine.backtest.telling import markdown as as_markdown
    from riskengine.backtest.telling import plain
    from riskengine.schema import canonical_json

    project = project_of(context)
    tongue, wanted = language_of(language, project), checked_model(model)
    days = clock.parse_day(start, "--from"), clock.parse_past_day(end, "--to")
    day = clock.parse_day(rules_day, "--rules-day") if rules_day else clock.today()
    old = None  # refused before the nights, not after them
    if against or gate:
        old = gates.read_result(against) if against else gates.accepted_result(project)
    with telling(f"back-test {start} to {end}"):
        result = run(project, Asked(*days, day, every, wanted, budget, not ranking))
    if out is not None:
        gates.write_result(out, result)
    sealed = gates.sealed(result)
    if as_json:
        typer.echo(canonical_json(sealed))
    else:
        typer.echo(as_markdown(result, tongue) if markdown else plain(result, tongue))
    if old is not None:
        _judged(project, result, old, as_json)
    if accept:
        typer.echo(f"accepted 已认可: {gates.accept(project, result, accept)}", err=True)


def _judged(project: Project, result: dict[str, Any], old: dict[str, Any], quiet: bool) -> None:
    from riskengine.backtest import gate as gates
    from riskengine.backtest.settings import read_settings
    from riskengine.monitor.vocabulary import vocabulary
    from riskengine.profile.catalogue import Catalogue

    settings = read_settings(project.configs, vocabulary(Catalogue(project)))
    for one in gates.check(result, old, settings):
        typer.echo(str(one), err=quiet)


def checked_model(model: str | None) -> str | None:
    """The model asked for, or a refusal."""
    from riskengine.errors import Problem, UsageError, nearest

    known = ("walk-forward", "champion")
    if model is not None and model not in known:
        raise UsageError(
            "No such choice", [Problem("--model", " or ".join(known), repr(model), nearest(model, known))]
        )
    return model


def language_of(asked: str | None, project: Project) -> str:
    """`--lang`, else the project's language; any other is a refusal."""
    from riskengine.errors import Problem, UsageError

    if asked is not None and asked not in ("zh", "en"):
        raise UsageError("No such language", [Problem("--lang", "zh or en", repr(asked))])
    return asked or project.environment.language
