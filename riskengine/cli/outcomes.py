"""What has become of the guarantees? The command that prints the ladder of outcomes."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling
from riskengine.errors import Problem, UsageError

if TYPE_CHECKING:
    from riskengine.project import Project


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
    language: Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")] = "",
) -> None:  # fmt: skip
    """Print what became of all guarantees: rungs reached, cumulative incidence by cause, label statuses. 担保项目的结局"""
    from riskengine.learning.endings import endings

    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of") if as_of else _last_told(project)
    chosen = _months(months)
    with telling("following every guarantee"):
        found = endings(project, day, chosen)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(found, language or project.environment.language)))


def _months(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= 600 for part in parts):
        raise UsageError(
            "Not months", [Problem("--months", "numbers from 1 to 600 such as 12,24,36", repr(text))]
        )
    return tuple(sorted({int(part) for part in parts}))


def _lines(found: dict[str, Any], tongue: str) -> list[str]:
    from riskengine.cli.texts import OUTCOMES
    from riskengine.learning.endings import STATUS_WORDS

    def say(word: str, **told: Any) -> str:
        return OUTCOMES[word].say(tongue).format(**told)

    titles = {rung["id"]: rung["title"][tongue] for rung in found["rungs"]}
    shares = say("weighted" if found["weighted"] else "shares")
    lines = [say("known", n=f"{found['guarantees']:,}", day=found["as_of"], shares=shares), ""]
    for rung in found["rungs"]:
        span = say("span", first=rung["first"], last=rung["last"]) if rung["first"] else ""
        share = "" if rung["share"] is None else f" ({rung['share']:.2%})"
        kind = say("exit" if rung["kind"] == "exit" else "step")
        lines.append(f"{titles[rung['id']]} [{kind}]: {rung['reached']:,}{share}{span}")
    lines += ["", say("incidence", day=found["followed_to"])]
    for line in found["incidence"]:
        ends = say("ends", low=f"{line['low']:.2%}", high=f"{line['high']:.2%}")
        counts = say("risk", reached=f"{line['reached']:,}", at_risk=f"{line['at_risk']:,}")
        month = say("months", n=line["month"])
        lines.append(f"{month}, {titles[line['cause']]}: {line['incidence']:.2%} ({ends}), {counts}")
    if not found["incidence"]:
        lines.append(say("nobody"))
    for model, counts in found["models"].items():
        said = ", ".join(f"{STATUS_WORDS[name].say(tongue)} {n:,}" for name, n in counts.items())
        lines += ["", f"{model}, {say('rows', day=found['as_of'])}: {said}"]
    return lines
