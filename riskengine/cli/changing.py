"""Words about changes of model: `promote`, `approve`, `rollback`, `card`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling
from riskengine.errors import Problem, UsageError

if TYPE_CHECKING:
    from riskengine.registry import Promotion

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model: models/<name>.toml.")]
Why = Annotated[str, typer.Option(help="The reason, in words; the ledger keeps it. 理由")]
Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(promote)
    app.command()(approve)
    app.command()(rollback)
    app.command()(card)


def promote(
    context: typer.Context,
    model: ModelName,
    version: Annotated[int, typer.Argument(help="The registered version.")],
    why: Why = "",
    plan: Annotated[bool, typer.Option("--plan", help="Only show gates, swap set, expected loss.")] = False,
    as_of: Annotated[str, typer.Option(help="The plan's day; empty: the latest night or training.")] = "",
    months: Annotated[int, typer.Option(min=1, help="Access: applicants of so many months.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="The plan as JSON.")] = False,
    despite: Annotated[
        str, typer.Option(help="Validation failed: what controls the use all the same. 例外措施")
    ] = "",
    until: Annotated[str, typer.Option(help="The exception's last day (required with --despite).")] = "",
    language: Language = "",
) -> None:
    """Propose that a version becomes the champion; another person approves. 提议上线（须另一人复核）"""
    from riskengine.monitor.promotion import Look, keep
    from riskengine.monitor.promotion import plan as planned
    from riskengine.registry import approve as approve_version
    from riskengine.registry import find_version, office, propose
    from riskengine.registry.waivers import waiver
    from riskengine.reports.promotion_plan import plan_lines

    last = clock.parse_day(until, "--until") if until else None
    excepted = waiver(despite, last, clock.today())
    project = project_of(context)
    here = replace(office(project), waiver=excepted)
    find_version(here.registry, model, version)
    if not plan and len(why.strip()) < 3:
        problem = Problem(
            "--why", "a reason in words 理由", repr(why), "The ledger keeps it; --plan changes nothing"
        )
        raise UsageError("A change needs a reason", [problem])
    day = clock.parse_past_day(as_of, "--as-of") if as_of else None
    with telling(f"plan of {model} {version}"):
        made = planned(project, model, version, Look(day, months, excepted), strict=not plan)
    if as_json:
        typer.echo(json.dumps({"plan": made.hash, **made.content}, indent=2, ensure_ascii=False))
    else:
        tongue = language or project.environment.language
        lines = plan_lines(made.content, made.hash, tongue)
        typer.echo("\n".join(lines if plan else lines[:-2]))
    if plan:
        return
    keep(project, made)
    asked = propose(here, model, version, why, made.hash)
    if project.environment.single_operator:
        done = approve_version(here, model, version, "single operator")
        if excepted:
            typer.echo(_excepted(excepted.to_json()), err=True)
        typer.echo(f"single_operator: {asked.maker} proposed and approved; the ledger says so", err=True)
        _tell(done, err=as_json)
        return
    typer.echo(f"Proposed by {asked.maker}; nothing has changed yet.", err=as_json)
    if excepted:
        typer.echo(_excepted(excepted.to_json()), err=as_json)
    typer.echo(f"Next, another person: riskengine approve {model} {version} --why TEXT", err=as_json)


def approve(
    context: typer.Context,
    model: ModelName,
    version: Annotated[int, typer.Argument(help="The proposed version.")],
    why: Why,
) -> None:
    """Approve what another person proposed, and switch the champion. 复核并上线"""
    from riskengine.registry import approve as approve_version
    from riskengine.registry import office, proposed

    project = project_of(context)
    asked = proposed(project.store, model)
    if asked and asked.state.version == version and asked.waiver:
        typer.echo(_excepted(asked.waiver.to_json()))
    _tell(approve_version(office(project), model, version, why))


def rollback(
    context: typer.Context,
    model: ModelName,
    why: Why,
    to: Annotated[
        int | None, typer.Option(help="A version that decided before; empty: the one before.")
    ] = None,
    keep_policy: Annotated[bool, typer.Option("--keep-policy", help="Leave configs/policy.toml.")] = False,
) -> None:
    """Return to the champion before, whole: model, recipes, calibration, grades, policy. 一键回退"""
    from riskengine.registry import office
    from riskengine.registry import rollback as roll_back

    done = roll_back(office(project_of(context)), model, why, to, policy=not keep_policy)
    _tell(done)
    if done.policy == "restored":
        typer.echo(
            "configs/policy.toml has its text of then again; the one it replaced is kept in the store's policies/"
        )
        typer.echo(
            "Look at it (git diff): rules that the law has changed since must be set again 请核对政策文件"
        )
    elif done.policy == "pinned":
        typer.echo(
            "configs/policy.toml could not be written: the text of then decides until it has it", err=True
        )


def card(
    context: typer.Context,
    model: ModelName,
    version: Annotated[int | None, typer.Option(help="Empty: the champion, else the newest.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file .html or .md; empty: the terminal.")] = None,
    language: Language = "",
) -> None:
    """Generate the model card from the run, the inventory and the ledger. 模型卡"""
    from riskengine.reports.model_document_forms import markdown, page
    from riskengine.reports.model_inventory import describe
    from riskengine.store.snapshot import replace_text

    if out is not None and out.suffix not in (".html", ".md"):
        raise UsageError("Unknown format", [Problem("--out", "a file .html or .md", str(out))])
    project = project_of(context)
    tongue = language or project.environment.language
    made = describe(project, model, version)
    text = page(made, tongue) if out is not None and out.suffix == ".html" else markdown(made, tongue)
    if out is None:
        typer.echo(text)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_text(out, text)
    typer.echo(f"{model} {made.version} -> {out}")


def _excepted(said: Mapping[str, str]) -> str:
    return f"Validation FAILED; exception until {said['until']}, control: {said['despite']} 验证未通过，按例外上线"


def _tell(done: Promotion, err: bool = False) -> None:
    before = f"version {done.old_version}" if done.old_version else "none"
    typer.echo(
        f"{done.model}: champion is version {done.new_version} (bundle {done.new_bundle[:12]}), before: {before}"
        f" (ledger {done.act[:12]})",
        err=err,
    )
