"""Words about time: `term`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of

if TYPE_CHECKING:
    from riskengine.monitor.terms import GuaranteeTerm


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(term)


def term(
    context: typer.Context,
    guarantee: Annotated[str, typer.Argument(metavar="GUARANTEE", help="Number of a guarantee in force.")],
    as_of: Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")],
    model: Annotated[str, typer.Option(help="A model of guarantees with a [hazard].")] = "inforce_pd",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    language: Annotated[
        Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")
    ] = "",
) -> None:
    """Month by month, the PD of one guarantee in force, and the share that leaves before. 违约期限结构"""
    from riskengine.monitor.terms import guarantee_term

    project = project_of(context)
    found = guarantee_term(project, model, guarantee, clock.parse_past_day(as_of, "--as-of"))
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(term_lines(found, language or project.environment.language)))


def term_lines(found: GuaranteeTerm, language: str) -> list[str]:
    """The term structure as text, one line a month."""
    zh, one = language == "zh", found.term
    head = f"{found.id}  {found.as_of}  {found.model} ({found.bundle[:12]})"
    life = len(one.pds)
    whole = (
        f"{one.horizon} 个月违约概率 {one.pd:.2%}，存续期违约概率 {one.lifetime_pd:.2%}（{life} 个月）"
        if zh
        else f"PD over {one.horizon} months {one.pd:.2%}, lifetime PD {one.lifetime_pd:.2%} ({life} months)"
    )
    heads = ("月", "当月违约率", "累计违约概率", "累计退出") if zh else ("month", "hazard", "PD", "exit")
    lines = [head, whole, "  ".join(_right(word, 12) for word in heads)]
    for month, (hazard, pd, gone) in enumerate(zip(one.hazards, one.pds, one.exits, strict=True), 1):
        lines.append(
            "  ".join(part.rjust(12) for part in (str(month), f"{hazard:.3%}", f"{pd:.2%}", f"{gone:.2%}"))
        )
    return lines


def _right(word: str, width: int) -> str:
    """A word moved to the right of a column; a Chinese character is two wide."""
    return " " * (width - sum(2 if ord(letter) > 255 else 1 for letter in word)) + word
