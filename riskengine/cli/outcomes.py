"""What has become of the guarantees? The command that prints the ladder of outcomes."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import typer

from riskengine import clock
from riskengine.cli.telling import telling
from riskengine.errors import Problem, UsageError
from riskengine.project import Project, find


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(outcomes)


def _last_told(project: Project) -> date:
    """The last day on which an outcome of any model became known."""
    from riskengine.learning.samples import model_spec
    from riskengine.profile.catalogue import Catalogue
    from riskengine.validation.versions import last_known

    catalogue = Catalogue(project)
    names = [path.stem for path in project.definition_files("models", ".toml")]
    return max((last_known(project, model_spec(catalogue, name)) for name in names), default=clock.today())


def outcomes(
    context: typer.Context,
    as_of: Annotated[
        str,
        typer.Option(
            help="As known on this day (default: the last day an outcome became known; silence after it proves nothing)."
        ),
    ] = "",
    months: Annotated[str, typer.Option(help="Months since the guarantee began.")] = "12,24,36",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print what became of all guarantees: rungs reached, cumulative incidence by cause, label statuses. 担保项目的结局"""
    from riskengine.learning.endings import endings

    project = find(context.obj)
    day = clock.parse_past_day(as_of, "--as-of") if as_of else _last_told(project)
    chosen = _months(months)
    with telling("following every guarantee"):
        found = endings(project, day, chosen)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(found)))


def _months(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= 600 for part in parts):
        raise UsageError(
            "Not months", [Problem("--months", "numbers from 1 to 600 such as 12,24,36", repr(text))]
        )
    return tuple(sorted({int(part) for part in parts}))


def _lines(found: dict[str, Any]) -> list[str]:
    from riskengine.learning.endings import STATUS_WORDS

    titles = {rung["id"]: f"{rung['title']['en']} {rung['title']['zh']}" for rung in found["rungs"]}
    shares = "weighted shares 加权占比" if found["weighted"] else "shares 占比"
    lines = [f"{found['guarantees']:,} guarantees known on {found['as_of']}; {shares} 在册担保项目", ""]
    for rung in found["rungs"]:
        kind = "exit 退出" if rung["kind"] == "exit" else "step 进展"
        span = f", {rung['first']} to {rung['last']}" if rung["first"] else ""
        share = "" if rung["share"] is None else f" ({rung['share']:.2%})"
        lines.append(f"{titles[rung['id']]} [{kind}]: {rung['reached']:,}{share}{span}")
    lines += [
        "",
        f"Cumulative incidence by cause, 95 % interval, ends known to {found['followed_to']} 各结局累计发生率",
    ]
    for line in found["incidence"]:
        ends = f"{line['low']:.2%} to {line['high']:.2%}"
        lines.append(
            f"{line['month']} months 个月, {titles[line['cause']]}: {line['incidence']:.2%} ({ends}),"
            f" {line['reached']:,} so far, {line['at_risk']:,} at risk in that month"
        )
    if not found["incidence"]:
        lines.append("Nobody was followed so long yet 尚无足够观察期")
    for model, counts in found["models"].items():
        said = ", ".join(
            f"{STATUS_WORDS[name].en} {STATUS_WORDS[name].zh} {n:,}" for name, n in counts.items()
        )
        lines += ["", f"{model}, rows to {found['as_of']} 样本: {said}"]
    return lines
