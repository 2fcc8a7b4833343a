"""Words about what is decided, watched and reminded of: `catalogue`, `policy simulate`, `lookup`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling
from riskengine.errors import Problem, UsageError

Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]
policy = typer.Typer(help="Admission rules before they take effect. 准入政策", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(catalogue)
    app.command()(lookup)
    app.add_typer(policy, name="policy")


def catalogue(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="The day whose numbers are shown (default: today).")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The page's file (default: catalogue.html in the store).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON instead.")] = False,
    language: Language = "",
) -> None:
    """Products, rules, signals and reminders as one readable page. 规则与信号目录"""
    from riskengine.cli.texts import CATALOGUE
    from riskengine.decision.policy import read_policy
    from riskengine.monitor.watch import read_watch
    from riskengine.reports.catalogue import catalogue as told_of
    from riskengine.reports.catalogue_page import render

    if out is not None and not out.parent.is_dir():
        raise UsageError("Cannot write there", [Problem(str(out.parent), "a folder", "none")])
    project = project_of(context)
    day = clock.parse_day(as_of, "--as-of") if as_of else clock.today()
    told = told_of(read_watch(project), read_policy(project.configs / "policy.toml"), day)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
        return
    path = out or project.store / "catalogue.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render(told, language or project.environment.language))
    typer.echo(
        CATALOGUE.say(language or project.environment.language).format_map(told["counts"]) + f" -> {path}"
    )


@policy.command()
def simulate(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="The last day of the applications; its rules are 'before'.")],
    on: Annotated[str, typer.Option(help="The day whose rules are tried (default: the next change in the file).")] = "",
    file: Annotated[Path | None, typer.Option("--policy", help="Another policy.toml to try instead of the project's.")] = None,
    months: Annotated[int, typer.Option(min=1, help="How many months of applications.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    language: Language = "",
) -> None:  # fmt: skip
    """Show what a change of the rules would have done to the last months' decisions. 政策试算"""
    from riskengine.decision.simulate import Change
    from riskengine.decision.simulate import simulate as simulated
    from riskengine.reports.simulation import lines

    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of")
    change = Change(clock.parse_day(on, "--on") if on else None, file)
    with telling("simulating"):
        told = simulated(project, day, change, months)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo("\n".join(lines(told, language or project.environment.language)))


def lookup(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts.")],
    codes: Annotated[list[str] | None, typer.Argument(metavar="CODE...", help="Unified social credit codes.")] = None,
    file: Annotated[Path | None, typer.Option("--codes", help="A file with a code a line, or a table with a column of codes.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the answers: .csv, .jsonl or .json.")] = None,
    product: Annotated[str, typer.Option(help="The product looked at (default: by configs/lookup.toml).")] = "",
    amount: Annotated[float | None, typer.Option(min=1, help="The loan looked at.")] = None,
    institution: Annotated[str, typer.Option(help="The guarantor: then its own limits are looked at too.")] = "",
    refresh: Annotated[bool, typer.Option("--refresh", help="Keep the answers of all list members first.")] = False,
    everybody: Annotated[bool, typer.Option("--everybody", help="With --refresh: of the whole register.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    language: Language = "",
) -> None:  # fmt: skip
    """One-click list check: lists, tier, cap, pre-review and reasons of enterprises by code. 一键查"""
    from contextlib import closing

    from riskengine.cli.texts import ENTERPRISES, MEMBERS
    from riskengine.decision.lookup import Lookup
    from riskengine.decision.lookup_rules import request_of
    from riskengine.reports.looked_up import check_format, codes_in, deliver

    if not codes and file is None and not refresh:
        raise UsageError("Whom to look up?", [Problem("lookup", "codes, --codes FILE or --refresh", "none")])
    if out is not None:
        check_format(out)
    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of")
    asked = [*(codes or ()), *(codes_in(file) if file else ())]
    with closing(Lookup(project, day, request_of(project, product, amount, institution))) as desk:
        if refresh:
            with telling("list members"):
                done = desk.refresh(everybody)
            whom = ENTERPRISES if everybody else MEMBERS
            typer.echo(f"{done:,} {whom.say(language or project.environment.language)} -> {day}", err=True)
        answers = desk.answers(asked)
    if answers:
        deliver(answers, out=out, as_json=as_json, language=language or project.environment.language)
