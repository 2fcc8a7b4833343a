"""Which PD, grade and expected loss count for a guarantee: the model's, or those of a rule floor that the last night held it to?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from riskengine.portfolio.exposure import rounded
from riskengine.reports.dossier_history import nights, pd_history
from riskengine.schema import Words, read_toml


def titles(configs: Path) -> dict[str, dict[str, Any]]:
    """Floor -> its block of `floors.toml` with a `title` in both languages; none without the file."""
    path = configs / "floors.toml"
    blocks = read_toml(path).get("floor", []) if path.exists() else []
    found = {}
    for one in blocks:
        name = str(one.get("id"))
        title = one.get("title") or {}
        words = Words(en=str(title.get("en", name)), zh=str(title.get("zh", name)))
        found[name] = {**one, "title": words.model_dump()}
    return found


def last_said(store: Path, as_of: date, enterprise: str) -> dict[str, Mapping[str, Any]]:
    """Guarantee -> what the last night up to a day said of it (a row of `pd_history`)."""
    days = nights(store, as_of)[-1:]
    return {unit: rows[-1] for unit, rows in pd_history(store, days, enterprise).items()}


def used(
    model: Mapping[str, Any],
    expected_loss: str | None,
    last: Mapping[str, Any] | None,
    floors: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What counts: `pd_used`, `grade_used`, `loss_used` (exact text), `raised` (the floor decides), its id, title, night.

    `model`: what the model says (`pd`, `grade`); `last`: what the last night said, with the floor that held then. The loss is
    the night's own where the model says what it said that night, else the model's times PD used over PD.

    >>> night = {"as_of": "2006-04-30", "floor": "F", "pd": 0.01, "pd_floor": 0.06, "pd_used": 0.06, "grade_used": "6"}
    >>> found = used({"pd": 0.01, "grade": "1"}, "10.00", night, {})
    >>> found["pd_used"], found["grade_used"], found["loss_used"], found["title"]["zh"]
    (0.06, '6', '60.00', 'F')
    >>> used({"pd": 0.2, "grade": "9"}, "200.00", night, {})["raised"]
    False
    """
    pd, floor = model["pd"], last.get("pd_floor") if last else None
    if last is None or not last.get("floor") or floor is None or pd is None or not floor > pd:
        return {
            "pd_used": pd, "grade_used": model["grade"], "loss_used": expected_loss,
            "raised": False, "floor": None, "title": None, "night": None,
        }  # fmt: skip
    name = str(last["floor"])
    block = floors.get(name, {})
    held = last.get("grade_used") if last.get("pd_used") == floor else block.get("grade")
    loss = _loss(pd, floor, expected_loss, last)
    return {
        "pd_used": floor,
        "grade_used": held or model["grade"],
        "loss_used": loss,
        "raised": True,
        "floor": name,
        "title": block.get("title") or {"en": name, "zh": name},
        "night": last["as_of"],
    }


def _loss(pd: float, floor: float, expected_loss: str | None, last: Mapping[str, Any]) -> str | None:
    same = expected_loss == last.get("expected_loss") and last.get("pd_used") == floor
    if same and last.get("loss_used") is not None and abs(last["pd"] - pd) < 1e-9:
        return str(last["loss_used"])
    if expected_loss is None or not pd > 0:
        return None
    return str(rounded(Decimal(expected_loss) * Decimal(floor) / Decimal(pd)))


def raised_of(scores: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of a night's scores whose PD a floor raised."""
    return [
        row
        for row in scores
        if row.get("floor") and row.get("pd_used") is not None and row["pd_used"] > (row["pd"] or 0.0)
    ]
