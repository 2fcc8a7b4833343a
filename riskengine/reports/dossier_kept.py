"""What did the latest night up to a day keep of an enterprise, and how is a value of it told?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.monitor.dynamics import Dynamics
from riskengine.profile.compute import Workbench
from riskengine.profile.kept import night_recipe
from riskengine.reports.dossier import Files, command
from riskengine.reports.dossier_floors import raised_of, titles
from riskengine.reports.dossier_history import nights
from riskengine.reports.dossier_names import BY_MODEL, BY_TERMS, MONEY, SHARE, TEXT, names_of_night
from riskengine.reports.dossier_rows import plain
from riskengine.reports.dossier_whom import Whom, meant, subject_of
from riskengine.schema import Words, parse, read_toml
from riskengine.store.database import connect

_TITLES = {
    "pd": ("PD of the night", "当夜违约概率", SHARE),
    "grade": ("Grade of the night", "当夜等级", TEXT),
    "expected_loss": ("Expected loss", "预期损失", MONEY),
    "exposure": ("Own exposure", "本机构敞口", MONEY),
}


AFTER = {
    "pd": "pd_used",
    "grade": "grade_used",
    "expected_loss": "loss_used",
}  # what counts, after rule floors


@dataclass(frozen=True)
class Night:
    """What is known of somebody on a night: who as of that night, its rows, and the row that is asked about."""

    bench: Workbench
    files: Files
    whom: Whom
    scores: tuple[Mapping[str, Any], ...]  # of the enterprise's guarantees
    before: date | None

    @property
    def on(self) -> date:
        """The night's day."""
        return self.whom.as_of

    @property
    def folder(self) -> Path:
        """Its publication."""
        return self.files.project.store / "publications" / str(self.on)

    def signals(self) -> list[dict[str, Any]]:
        """The enterprise's signals of the night."""
        return rows_of(self.folder / "signals.parquet", "enterprise", self.whom.enterprise)

    def next(self, unit: str, number: str, on: date | None = None) -> str:
        """The command that resolves an input."""
        return command(unit, number, on or self.on)


def night_of(bench: Workbench, files: Files, whom: Whom, number: str) -> Night:
    """The latest night up to the day; `UsageError` where there is none, or where it did not look at the enterprise."""
    project = files.project
    days = nights(project.store, whom.as_of)
    where = f"evidence {whom.asked} {number} --as-of {whom.as_of}"
    if not days:
        hint = f"riskengine nightly --as-of {whom.as_of}"
        raise UsageError("Only a night makes this number", [Problem(where, "a published night up to the day", "none", hint)])  # fmt: skip
    last = days[-1]
    then = whom if last == whom.as_of else meant(bench, project, files.catalogue.subjects, whom.asked, last)
    earlier = nights(project.store, last - timedelta(days=1))
    found = rows_of(
        project.store / "publications" / str(last) / "scores.parquet", "enterprise_id", then.enterprise
    )
    if not found:
        hint = "riskengine dossier lists what is known of it without a night"
        raise UsageError("The night did not look at it", [Problem(where, f"a guarantee in force in the night of {last}", "none", hint)])  # fmt: skip
    ordered = sorted(found, key=lambda row: str(row["id"]))
    return Night(bench, files, then, tuple(ordered), earlier[-1] if earlier else None)


def chosen(night: Night, number: str) -> Mapping[str, Any]:
    """The guarantee meant: the one asked for, or the only one."""
    column, asked = night.files.rules.terms.application, night.whom.asked
    names = {asked} | {
        one.id for one in night.whom.guarantees if column and str(one.row.values.get(column)) == asked
    }
    rows = [row for row in night.scores if str(row["id"]) in names] or list(night.scores)
    if len(rows) == 1:
        return rows[0]
    hint = "Name one of " + ", ".join(str(row["id"]) for row in rows)
    raise UsageError(
        "Whose number is meant?",
        [
            Problem(
                f"evidence {asked} {number}", "one guarantee", f"{len(rows)} guarantees in the night", hint
            )
        ],
    )


def own_entry(night: Night, row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A value of the guarantee's own row of scores as an input."""
    made = names_of_night(night.files.catalogue).get(name)
    en, zh, kind = (made.title.en, made.title.zh, made.kind) if made else _TITLES[name]
    return entry(name, (en, zh), (row.get(name), kind), night.next(str(row["id"]), name))


def decides(number: str, unit: str, found: Mapping[str, Any], asked_on: date) -> dict[str, Any] | None:
    """The floor that decides instead of a model's number: title, night, the value that counts, the command that tells of it.

    None where no floor decides, or for a number that no floor changes (the score).
    """
    if number not in AFTER or not found["raised"]:
        return None
    name = AFTER[number]
    return {
        "id": found["floor"],
        "title": found["title"],
        "night": found["night"],
        "name": name,
        "value": found[name],
        "kind": _TITLES[number][2],
        "next": command(unit, name, asked_on),
    }


def sum_decided(night: Night) -> dict[str, Any] | None:
    """The floors that decide instead of the sum of the model's losses; None where no guarantee is raised by one."""
    raised = raised_of(night.scores)
    if not raised:
        return None
    names = sorted({str(row["floor"]) for row in raised})
    blocks = titles(night.files.project.configs)
    words = [blocks.get(name, {}).get("title") or {"en": name, "zh": name} for name in names]
    losses = [given(row.get("loss_used")) for row in night.scores]
    whole = sum(Decimal(str(one)) for one in losses if one is not None)
    found = {
        "raised": True,
        "floor": ", ".join(names),
        "title": {"en": "; ".join(one["en"] for one in words), "zh": "；".join(one["zh"] for one in words)},
        "night": str(night.on),
        "loss_used": f"{whole:.2f}",
    }
    return decides("expected_loss", night.whom.asked, found, night.on)


def members_of(night: Night, row: Mapping[str, Any], key: str) -> tuple[str, int]:
    """The group of a key that a guarantee is in, and how many enterprises the night had in it."""
    columns = [name for name in night.files.catalogue.subjects.keys.get(key, ()) if name in row]
    if not columns:
        return "", 0
    condition = " AND ".join(f'"{name}" = ?' for name in columns)
    with connect() as connection:
        found = connection.execute(
            f"SELECT count(DISTINCT coalesce(enterprise_id, id)) FROM read_parquet(?) WHERE {condition}",
            [str(night.folder / "scores.parquet"), *[row[name] for name in columns]],
        ).fetchone()
    return " ".join(str(plain(row[one])) for one in columns), int(found[0]) if found else 0


def features_of(night: Night, row: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    """Features of a guarantee as known on the night's day."""
    one = next((one for one in night.whom.guarantees if one.id == str(row["id"])), None)
    if one is None or not names:
        return {}
    recipe = night_recipe(night.files.catalogue, list(names))
    night.bench.load_subjects(recipe, [subject_of(one.row, recipe, night.on)])
    night.bench.load_facts(recipe)
    return {name: plain(night.bench.rows(recipe)[0][name]) for name in names}


def dynamics(night: Night) -> Dynamics:
    """How the night reads a PD."""
    path = night.files.project.configs / "nightly.toml"
    block = read_toml(path).get("dynamics", {}) if path.exists() else {}
    return parse(Dynamics, block, path.name)[0] or Dynamics()


def askable(night: Night) -> set[str]:
    """Every number that `evidence` answers of an enterprise."""
    catalogue = night.files.catalogue
    return {*catalogue.features, *BY_MODEL, *BY_TERMS, *names_of_night(catalogue)}


def rows_of(path: Path, column: str, value: str) -> list[dict[str, Any]]:
    """The rows of a published frame with a value; none of a frame that the night does not have."""
    if not path.exists():
        return []
    with connect() as connection:
        result = connection.execute(
            f'SELECT * FROM read_parquet(?) WHERE "{column}" = ? ORDER BY ALL', [str(path), value]
        )
        names = [one[0] for one in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def given(value: Any) -> Any:
    """A published value; NaN is unknown."""
    return None if isinstance(value, float) and math.isnan(value) else value


def in_words(en: str, zh: str) -> dict[str, str]:
    """A text in both languages as a JSON value."""
    return Words(en=en, zh=zh).model_dump()


def entry(
    name: str, title: tuple[str, str], seen: tuple[Any, str], then: str | None, reference: str | None = None
) -> dict[str, Any]:
    """An input: its name, title (en, zh), value with its kind, the command that resolves it, where a definition says it."""
    value, kind = seen
    told = given(value)
    shown = f"{told:.2f}" if kind == MONEY and isinstance(told, float | Decimal) else plain(told)
    return {
        "name": name,
        "title": in_words(*title),
        "value": shown,
        "kind": kind,
        "reference": reference,
        "next": then,
    }


def own_entries(night: Night, row: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    """Values of the guarantee's own row as inputs; without names its PD."""
    return [own_entry(night, row, name) for name in names or ("pd",)]
