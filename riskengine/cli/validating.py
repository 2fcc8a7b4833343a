"""Words about validation: `validate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling
from riskengine.errors import Problem, QualityGateError

_STATES = ("fail", "undecidable", "pass")
_NOT_KEPT = {
    "en": "The days were chosen: this pack does not count for a promotion, which reads the one made without --from, --to, --known",
    "zh": "日期由人选定：本次验证不作为上线依据；上线只看不带 --from、--to、--known 的验证",
}


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(validate)


def validate(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model: models/<name>.toml.")],
    version: Annotated[int | None, typer.Option(help="A registered version (default: challenger, else champion).")] = None,
    alias: Annotated[Literal["", "champion", "challenger"], typer.Option(help="The version of this alias.")] = "",
    start: Annotated[str, typer.Option("--from", help="First as-of day (default: the first that nothing was learned from).")] = "",
    end: Annotated[str, typer.Option("--to", help="Last as-of day (default: the last mature one).")] = "",
    known: Annotated[str, typer.Option(help="Outcomes as known on this day (default: the last one known).")] = "",
    against: Annotated[int | None, typer.Option(help="Compare with this version (default: the champion).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of pack.json and pack.html (default: in the store, by bundle).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The pack as JSON.")] = False,
    lang: Annotated[Literal["", "zh", "en"], typer.Option(help="Language in which the page opens.")] = "",
    fail_on: Annotated[Literal["never", "fail", "undecidable"], typer.Option(help="Exit with code 8 on this verdict or a worse one.")] = "never",
) -> None:  # fmt: skip
    """Validate a version: every test with interval, power and verdict, as one page and as JSON. 模型验证"""
    from riskengine.reports.validation_page import render
    from riskengine.validation.versions import Asked, folder_of, validated, write_pack

    project = project_of(context)
    days = [clock.parse_past_day(text, name) if text else None for name, text in (("--from", start), ("--to", end), ("--known", known))]  # fmt: skip
    asked = Asked(model, version, alias, days[0], days[1], days[2], against)
    with telling(f"validating {model}"):
        told = validated(project, asked)
        language = lang or project.environment.language
        written = write_pack(folder_of(project, told, asked, out), told, render(told, language))
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(told, language)))
        for path in written:
            typer.echo(str(path))
    if asked.chose_days:
        typer.echo(_NOT_KEPT[language], err=as_json)
    bad = {"never": (), "fail": ("fail",), "undecidable": ("fail", "undecidable")}[fail_on]
    if told["verdict"] in bad:
        counts = told["deciding"]
        got = f"of the lines that decide {counts['fail']} failed, {counts['undecidable']} undecidable"
        raise QualityGateError(
            f"{model} version {told['version']} is not validated", [Problem("verdict", "pass", got)]
        )


def _lines(told: Mapping[str, Any], language: str) -> list[str]:
    """The verdict, each section's with the lines that decide it, and how many details failed."""
    from riskengine.reports.validation_page import VERDICTS, figure
    from riskengine.reports.validation_words import DIMENSIONS, chinese

    zh = language == "zh"
    deciding, details = told["deciding"], told["details"]

    def say(counts: Mapping[str, int]) -> str:
        shown = [(VERDICTS[state][language], counts[state]) for state in _STATES]
        return (
            "，".join(f"{n} {word}" for word, n in shown)
            if zh
            else ", ".join(f"{n} {word}" for word, n in shown)
        )

    lines = [
        f"{told['model']} {'版本' if zh else 'version'} {told['version']}: {VERDICTS[told['verdict']][language].upper()}",
        f"{'决定性检验' if zh else 'lines that decide'}: {say(deciding)}; {'明细' if zh else 'details'}: {say(details)}",
        _judged_on(told, zh),
    ]
    for section in told["sections"]:
        bad = sum(line["verdict"] == "fail" and not line["deciding"] for line in section["lines"])
        few = f"  ({bad} {'项明细未通过' if zh else 'details failed'})" if bad else ""
        lines.append(f"  {VERDICTS[section['verdict']][language]:<12} {section['title'][language]}{few}")
        for line in section["lines"]:
            if line["deciding"]:
                on = (
                    ""
                    if line["scope"] in ("all", "pd")
                    else f", {DIMENSIONS.get(line['scope'], {}).get(language, line['scope'])}"
                )
                limit = chinese(line["limit"]) if zh else line["limit"]
                lines.append(
                    f"    {VERDICTS[line['verdict']][language]:<12} {line['title'][language]}{on}: {figure(line['value'])} ({limit})"
                )
    return lines


def _judged_on(told: Mapping[str, Any], zh: bool) -> str:
    period, later = told["period"], told["rows_from"] == "later"
    if zh:
        origin = "后续样本" if later else "训练留存的检验样本"
        return f"{told['rows']:,} 行，违约 {told['defaults']:,}，{period['from']} 至 {period['to']}，结果截至 {period['known']}（{origin}）"
    origin = "later rows" if later else "rows kept by the training"
    return f"{told['rows']:,} rows, {told['defaults']:,} defaults, {period['from']} to {period['to']}, as known on {period['known']} ({origin})"
