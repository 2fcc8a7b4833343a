"""Words about one enterprise: `dossier`, `evidence`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of

Id = Annotated[
    str, typer.Argument(metavar="ID", help="An enterprise, or an application or guarantee number.")
]
AsOf = Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")]
Language = Annotated[
    Literal["zh", "en"] | None, typer.Option("--lang", help="en or zh (default: the project's).")
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(dossier)
    app.command()(evidence)


def dossier(
    context: typer.Context,
    name: Id,
    as_of: AsOf,
    language: Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the page: one HTML file.")] = None,
) -> None:
    """One enterprise on one page: who, risk and why, profile, timeline, money, ties, as known on a day. 企业档案"""
    from riskengine.reports.dossier import dossier as gathered

    project = project_of(context)
    found = gathered(project, name, clock.parse_past_day(as_of, "--as-of"))
    spoken = language or project.environment.language
    if out is not None:
        from riskengine.reports.dossier_page import page

        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(page(found, spoken))
        if not as_json:
            typer.echo(f"{found.sections['who']['name']} -> {out}")
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    elif out is None:
        from riskengine.reports.dossier_lines import lines

        typer.echo("\n".join(lines(found, spoken)))


def evidence(
    context: typer.Context,
    name: Id,
    number: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A feature, a source, pd, grade, score, exposure, expected_loss, or a number of the night: pd_used, loss_used, contagion, net, ...",
        ),
    ],
    as_of: AsOf,
    language: Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    most: Annotated[int, typer.Option(help="How many rows of each part to list.", min=1)] = 50,
) -> None:
    """Which source rows is a number made of, as known on a day? For the model's and the night's numbers: which inputs. 数据溯源"""
    from riskengine.reports.dossier_evidence import evidence as found
    from riskengine.reports.dossier_lines import evidence_lines

    project = project_of(context)
    told = found(project, name, number, clock.parse_past_day(as_of, "--as-of"), most)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(evidence_lines(told, language or project.environment.language)))
