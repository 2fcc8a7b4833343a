"""How do a model's card and a later test of it read in a terminal?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = ("auc", "ks", "brier", "calibration_error", "calibration_slope", "capture_10")
_NAMES = {"model": "LightGBM", "scorecard": "logistic scorecard", "naive": "naive rule"}


def card_lines(card: Mapping[str, Any]) -> list[str]:
    """What went in, and each test with its figures and 95 % intervals beside the benchmarks."""
    lines = [
        f"{card['model']}: {card['title']['en']} / {card['title']['zh']}",
        f"trained as of {card['trained_as_of']} on {card['rows']:,} mature rows of {card['borrowers']:,} borrowers,"
        f" {card['events']:,} defaults ({card['first_as_of']} to {card['last_as_of']});"
        f" weighted base rate {card['weighted_base_rate']:.4f}",
    ]
    if card.get("counts"):
        lines.append(
            "rows: " + ", ".join(f"{name} {count:,}" for name, count in sorted(card["counts"].items()))
        )
    for trial in card["trials"]:
        lines.append("")
        lines.append(
            f"{trial['name'].replace('_', ' ')}: {trial['rows']:,} rows, {trial['events']:,} defaults, {trial['start']} to {trial['end']}"
        )
        lines.append("  " + " " * 19 + "".join(f"{name:>24}" for name in _SHOWN))
        for means, figures in trial["figures"].items():
            lines.append(
                f"  {_NAMES.get(means, means):<19}"
                + "".join(f"{_shown(figures.get(name)):>24}" for name in _SHOWN)
            )
        for means, difference in trial["better"].items():
            lines.append(
                f"  AUC above the {_NAMES.get(means, means)}: {_shown(difference)}{_verdict(difference)}"
            )
    leak = card["leakage"]
    lines += ["", f"leakage audit: {len(leak.get('alone', {}))} features alone, labels shuffled: no alarm"]
    return lines


def evaluation_lines(result: Mapping[str, Any]) -> list[str]:
    """The table of a later test; for guarantees in force also the monthly back-test."""
    period = result["period"]
    lines = [
        f"{result['model']} (bundle {result['bundle'][:12]}) on {period['from']} to {period['to']},"
        f" outcomes as known on {period['known']}: {result['rows']:,} rows, {result['events']:,} defaults",
        *_in_sample(result),
        f"{'':<12}{'rows':>9}{'defaults':>10}" + "".join(f"{name:>24}" for name in _SHOWN),
    ]
    for line in result["table"]:
        figures = [
            {"value": line[name], "low": line[f"{name}_low"], "high": line[f"{name}_high"]} for name in _SHOWN
        ]
        lines.append(
            f"{line['value']:<12}{line['rows']:>9,}{line['events']:>10,}"
            + "".join(f"{_shown(f):>24}" for f in figures)
        )
    if "months" in result:
        lines += [
            "",
            f"{'month-end':<12}{'means':<8}{'rows':>9}{'events':>8}{'AUC':>8}{'top 5 %':>9}{'top 10 %':>9}{'lead, months':>14}",
        ]
        for month in result["months"]:
            cells = [month[name] for name in ("auc", "capture_5", "capture_10")]
            shown = "".join(
                f"{'-' if cell is None else f'{cell:.3f}':>{width}}"
                for cell, width in zip(cells, (8, 9, 9), strict=True)
            )
            lead = "-" if month["lead_months"] is None else f"{month['lead_months']:.1f}"
            lines.append(
                f"{month['as_of']:<12}{month['means']:<8}{month['rows']:>9,}{month['events']:>8,}{shown}{lead:>14}"
            )
    return lines


def _in_sample(result: Mapping[str, Any]) -> list[str]:
    """A warning where the period reaches back into the days of the training rows.

    >>> _in_sample({"learned_to": "2002-12-31", "period": {"from": "2003-01-01"}})
    []
    >>> _in_sample({"learned_to": "2007-09-28", "period": {"from": "2006-01-01"}})[0][:15]
    'NOT OUT OF TIME'
    """
    last = result["learned_to"]
    if last < result["period"]["from"]:
        return []
    return [f"NOT OUT OF TIME: the champion learned from subjects up to {last}, perhaps from these very ones"]


def _shown(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None or estimate["value"] is None:
        return "not enough defaults"
    if estimate["low"] is None or estimate["high"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def _verdict(difference: Mapping[str, Any]) -> str:
    if difference["low"] is None:
        return ""
    return "" if difference["low"] > 0 else " (not significant)" if difference["high"] > 0 else " (worse)"
