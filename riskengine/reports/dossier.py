"""What is known of one enterprise on a day, on one page: who, which risk and why, profile, timeline, money, ties?

Everything is as known on the day: facts by both clocks, publications of that day and before, acts that count by it. Each
number is named so that `riskengine evidence ID NAME --as-of D` lists the source rows that it was made of.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from riskengine.decision.products import read_products
from riskengine.errors import UsageError
from riskengine.profile.card import recipes_by_file
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.conflicts import ledger, read_conflicts
from riskengine.profile.kept import kept_recipe
from riskengine.profile.recipe import Recipe, reading_all
from riskengine.project import Project
from riskengine.reports import dossier_floors as floors
from riskengine.reports import dossier_history as history
from riskengine.reports.dossier_facts import particulars, relations, terms_told, timeline
from riskengine.reports.dossier_names import BY_MODEL, BY_TERMS, names_of_night
from riskengine.reports.dossier_rating import (
    Judge,
    decisions,
    judge_of,
    open_and_decided,
    rated,
    terms_of_night,
    valued,
)
from riskengine.reports.dossier_rows import plain
from riskengine.reports.dossier_rules import DossierRules, problems, read_rules
from riskengine.reports.dossier_whom import Whom, meant, subject_of
from riskengine.store import snapshot


@dataclass(frozen=True)
class Dossier:
    """Everything the page tells, as JSON values by section."""

    id: str
    as_of: date
    sections: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {"id": self.id, "as_of": str(self.as_of), **self.sections}


@dataclass(frozen=True)
class Files:
    """The definitions that a dossier and its evidence read."""

    project: Project
    catalogue: Catalogue
    rules: DossierRules
    recipes: Sequence[Recipe]

    @property
    def every(self) -> Recipe:
        """One recipe that reads what all of them read."""
        return reading_all(self.recipes)


def read_files(project: Project) -> Files:
    """The definitions, checked; the recipes are compiled once for each state of them."""
    catalogue, rules = Catalogue(project), read_rules(project.configs / "dossier.toml")
    if wrong := problems(rules, catalogue.sources, catalogue.subjects):
        raise UsageError("dossier.toml does not fit the other definitions", wrong)
    return Files(project, catalogue, rules, recipes_by_file(catalogue))


def command(name: str, number: str, as_of: date) -> str:
    """The command that lists what a number was made of.

    >>> command("DB1", "pd", date(2026, 6, 30)), command("ACME LLC", "pd", date(2026, 6, 30))[:29]
    ('riskengine evidence DB1 pd --as-of 2026-06-30', "riskengine evidence 'ACME LLC")
    """
    return f"riskengine evidence {shlex.quote(name)} {number} --as-of {as_of}"


def dossier(project: Project, name: str, as_of: date) -> Dossier:
    """The dossier of an enterprise code, guarantee number or application number; unknown names are a `UsageError`."""
    files = read_files(project)
    facts = snapshot.read(project.store)
    with Workbench(facts, threads=1) as bench:
        whom = meant(bench, project, files.catalogue.subjects, name, as_of)
        rows = _profiles(bench, files, whom)
        chosen = open_and_decided(
            whom, files.catalogue.subjects.applicant, files.rules.terms.application, files.rules.reviewed
        )
        judged = decisions(project, bench, whom, files.catalogue.subjects.applicant, chosen)
        for hit in (
            hit for one in judged for hit in one["hits"]
        ):  # of the desk's own answers there are no rows
            hit["evidence"] = hit["feature"] if hit["feature"] in files.catalogue.features else None
        days = history.nights(project.store, as_of)
        guarantees = _guarantees(bench, files, whom, rows)
        _remembered(project, guarantees, history.pd_history(project.store, days, whom.enterprise), days[-1:])
        more = [
            *history.together(
                history.signals_told(project.store, days, whom.enterprise),
                history.events_told(project.store, days, whom.enterprise),
            ),
            *history.acts_told(project.store, whom.enterprise, as_of),
        ]
        ties = relations(bench, files.catalogue, files.rules, whom)
        told = particulars(bench, files.catalogue, files.rules, whom)
        lines = timeline(bench, files.catalogue, files.rules, whom, more)
    _alarmed(project, days, ties)
    environment = project.environment
    sections = {
        "enterprise": whom.enterprise,
        "snapshot": facts.id,
        "institution": environment.title.model_dump(),
        "currency": environment.currency,
        "warning": environment.note.model_dump() if environment.note else None,
        "synthetic": environment.synthetic,
        "who": _who(files, whom, told, rows[0]),
        "particulars": told,
        "guarantees": guarantees,
        "totals": _totals(guarantees),
        "applications": judged,
        "applications_of": len(whom.applications),
        "signals": _signals(files, whom, history.active_signals(project.store, days, whom.enterprise)),
        "nights": {"count": len(days), "last": str(days[-1]) if days else None},
        "profile": _profile(files, rows[0]),
        "conflicts": _conflicts(files, rows[0], as_of),
        "timeline": lines,
        "relations": ties,
        "evidence": {
            "profile": command(_profile_name(whom), "NAME", as_of),
            "example": command(_profile_name(whom), _example(files, rows[0]), as_of),
        },
    }
    return Dossier(name, as_of, sections)


def _profile_name(whom: Whom) -> str:
    """The name whose profile is told: what was asked, unless it was a code that was given up."""
    return whom.enterprise if whom.asked in dict(whom.given_up) else whom.asked


def _profiles(bench: Workbench, files: Files, whom: Whom) -> list[dict[str, Any]]:
    """The features of the enterprise (subject 0, by the keys that `profile` uses) and of each guarantee in force."""
    every = files.every
    subjects = [
        profile_subject(files, whom, every),
        *(subject_of(one.row, every, whom.as_of) for one in whom.in_force),
    ]
    bench.load_subjects(every, subjects)
    bench.load_facts(every)
    rows: list[dict[str, Any]] = [{} for _ in subjects]
    for answers in bench.rows_of(files.recipes):
        for row, answer in zip(rows, answers, strict=True):
            row.update(answer)
    return rows


def profile_subject(files: Files, whom: Whom, recipe: Recipe) -> Subject:
    """The subject that `riskengine profile` shows: the application or guarantee of that number, else the latest application."""
    subjects = files.catalogue.subjects
    own = [row for row in whom.applications if str(row.values[subjects.applicant.id]) == whom.asked]
    own += [one.row for one in whom.guarantees if one.id == whom.asked]
    newest = sorted(whom.applications, key=lambda row: -row.rank)[:1]
    newest += sorted((one.row for one in whom.guarantees), key=lambda row: -row.rank)[:1]
    return subject_of((own or newest)[0], recipe, whom.as_of)


def _guarantees(
    bench: Workbench, files: Files, whom: Whom, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    judge = judge_of(files.project, files.rules.model, whom.as_of)
    products = read_products(files.project.configs / "products.toml")
    ratings: list[dict[str, Any] | None] = [None] * len(whom.in_force)
    if judge is not None and whom.in_force:
        subjects = [subject_of(one.row, judge.recipe, whom.as_of) for one in whom.in_force]
        profiles = rows[1:] if _unchanged(files, judge) else _own_rows(bench, judge, subjects)
        later = judge.later(whom.as_of)
        ratings = [
            {**rated(judge, row, subject.keys), "later": later}
            for row, subject in zip(profiles, subjects, strict=True)
        ]
    found = []
    by_id = {one.id: (rating, row) for one, rating, row in zip(whom.in_force, ratings, rows[1:], strict=True)}
    for one in whom.guarantees:
        rating, row = by_id.get(one.id, (None, None))
        pd = None if rating is None else rating["pd"]
        terms = None if row is None else terms_of_night(products, row, whom.as_of, pd)
        found.append(
            {
                "id": one.id,
                "contract": terms_told(bench, files.catalogue, files.rules, one, whom.as_of),
                "rating": rating,
                "value": valued(terms, pd) if row is not None else None,
                "evidence": command(one.id, "NAME", whom.as_of),
            }
        )
    return found


def _unchanged(files: Files, judge: Judge) -> bool:
    """Whether the definitions of today compile to the very recipe that the model was trained with."""
    names = judge.recipe.names
    if not set(names) <= files.catalogue.features.keys():
        return False
    return kept_recipe(files.project, names).fingerprint == judge.recipe.fingerprint


def _own_rows(bench: Workbench, judge: Judge, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    bench.load_subjects(judge.recipe, subjects)
    bench.load_facts(judge.recipe)
    return bench.rows(judge.recipe)


def _remembered(
    project: Project,
    guarantees: Sequence[dict[str, Any]],
    past: Mapping[str, list[dict[str, Any]]],
    last: Sequence[date],
) -> None:
    """Write beside each guarantee what the nights said of it, the floor of the last of them, and what counts after it."""
    blocks = floors.titles(project.configs)
    for one in guarantees:
        told = one["history"] = past.get(one["id"], [])
        for row in told:
            row["title"] = blocks.get(row["floor"], {}).get("title") if row["floor"] else None
        now = told[-1] if told and last and told[-1]["as_of"] == str(last[0]) else None
        name = now and (now["floor"] or now["floor_waived"])
        one["floor"] = {"id": name, "title": blocks.get(name, {}).get("title")} if name else None
        rating, loss = one["rating"], (one["value"] or {}).get("expected_loss")
        one["used"] = None if rating is None else floors.used(rating, loss, now, blocks)


def _alarmed(project: Project, days: Sequence[date], ties: Sequence[Mapping[str, Any]]) -> None:
    """Write beside each tie the worst signal that the last night had of the other end."""
    codes = sorted({tie["code"] for one in ties for tie in one["ties"] if not tie["person"]})
    worst = history.troubled(project.store, days, codes)
    for one in ties:
        for tie in one["ties"]:
            tie["severity"] = worst.get(tie["code"])


def _signals(files: Files, whom: Whom, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The signals, once each with all the units it is active on, with the name by which `evidence` knows its deciding
    value (None: what the signal is about has no number) and the command that resolves it."""
    catalogue = files.catalogue
    known = {*catalogue.features, *BY_MODEL, *BY_TERMS, *names_of_night(catalogue)}
    units = {one.id for one in whom.guarantees}
    units |= {str(row.values[catalogue.subjects.applicant.id]) for row in whom.applications}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("signal", "severity", "text_en", "raised_on", "state"))
        name = row["feature"] if row["feature"] in known else None
        unit = str(row["id"]) if str(row["id"]) in units else whom.enterprise
        resolve = command(unit, name, whom.as_of) if name else None
        one = found.setdefault(key, {**row, "units": [], "evidence": name, "command": resolve})
        one["units"].append(row["id"])
    return list(found.values())


def _who(
    files: Files, whom: Whom, told: Sequence[Mapping[str, Any]], row: Mapping[str, Any]
) -> dict[str, Any]:
    said = [item for one in told for item in one["said"]]
    names = [item["value"] for item in said if item["column"].lower() in ("name", "borrower_name")]
    shown = next(
        (plain(row[name]) for name in ("enterprise_name", "borrower_name") if row.get(name) is not None), None
    )
    officers = [plain(one.row.values.get(files.rules.terms.officer)) for one in whom.in_force]
    return {
        "name": next(iter(names), None) or shown or whom.enterprise,
        "code": whom.enterprise,
        "given_up": [{"code": code, "since": str(day)} for code, day in whom.given_up],
        "officers": sorted({str(one) for one in officers if one}),
    }


def _totals(guarantees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums over guarantees in force, exact; how many have no known terms."""
    live = [one for one in guarantees if one["contract"]["in_force"]]
    values = [one["value"] for one in live if one["value"] and one["value"]["exposure"] is not None]
    parties = list(dict.fromkeys(party for one in values for party in one["parts"]))

    def total(numbers: Sequence[str | None]) -> str | None:
        known = [Decimal(one) for one in numbers if one is not None]
        return str(sum(known, Decimal(0))) if known else None

    return {
        "in_force": len(live),
        "ended": len(guarantees) - len(live),
        "unvalued": len(live) - len(values),
        "amount": total([_number(one["contract"].get("amount")) for one in live]),
        "exposure": total([one["exposure"] for one in values]),
        "expected_loss": total([one["expected_loss"] for one in values]),
        "loss_used": total([one["used"]["loss_used"] for one in live if one["used"]]),
        "raised": sum(one["used"]["raised"] for one in live if one["used"]),
        "parts": {party: total([one["parts"].get(party) for one in values]) for party in parties},
    }


def _number(value: Any) -> str | None:
    return None if value is None else str(value)


def _profile(files: Files, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The features of each family: those with something to say, those that are nought, those that are not known."""
    found = []
    headings = files.catalogue.headings
    for recipe in files.recipes:
        for family in dict.fromkeys(note.family for note in recipe.features):
            lines = [
                {
                    "name": note.name,
                    "en": note.en,
                    "zh": note.zh,
                    "unit": note.unit,
                    "kind": note.kind,
                    "direction": note.direction,
                    "context": note.context,
                    "sources": list(note.sources),
                    "value": plain(row[note.name]),
                    "event_date": _day(row[f"{note.name}__event"]),
                    "known_at": _day(row[f"{note.name}__known"]),
                }
                for note in recipe.features
                if note.family == family
            ]
            found.append({"family": family, **headings[family].model_dump(), "lines": lines})
    return found


def _conflicts(files: Files, row: Mapping[str, Any], as_of: date) -> list[dict[str, Any]]:
    entries = ledger(read_conflicts(files.catalogue), dict(row), as_of)
    told = [entry.to_json() for entry in entries if entry.verdict == "conflict"]
    found: list[dict[str, Any]] = json.loads(json.dumps(told, default=str))
    return found


def _example(files: Files, row: Mapping[str, Any]) -> str:
    """A feature that has a value, for the hint."""
    names = [name for recipe in files.recipes for name in recipe.names]
    return next(
        (name for name in names if isinstance(row[name], float) and row[name]), names[0] if names else "NAME"
    )


def _day(value: Any) -> str | None:
    return None if value is None else str(value)
