"""Which inputs is a model's number of one guarantee or application made of, and which terms its exposure and expected loss?"""

from __future__ import annotations

from typing import Any

from riskengine.decision.policy import Policy
from riskengine.decision.products import read_products
from riskengine.errors import Problem, UsageError
from riskengine.profile.compute import Workbench
from riskengine.profile.kept import night_recipe
from riskengine.profile.recipe import reading_all
from riskengine.reports import dossier_floors as floors
from riskengine.reports.dossier import Files, command
from riskengine.reports.dossier_kept import decides
from riskengine.reports.dossier_names import BY_MODEL
from riskengine.reports.dossier_rating import Judge, judge_of, rated, terms_of_night, valued
from riskengine.reports.dossier_rows import Row, plain
from riskengine.reports.dossier_whom import Guarantee, Whom, subject_of
from riskengine.schema import read_definition
from riskengine.scoring.trees import contributions


def of_model(bench: Workbench, files: Files, whom: Whom, number: str) -> dict[str, Any]:
    """A model's number of a guarantee in force: its inputs, each with its contribution to the score in log-odds."""
    application = _meant_application(files, whom) if number in BY_MODEL else None
    if application is not None:
        name = str(application.values[files.catalogue.subjects.applicant.id])
        judge = _judge(
            files, whom, read_definition(Policy, files.project.configs / "policy.toml").decision.model
        )
        return _answer(bench, judge, (name, application), whom, number)[0]
    one = _meant_guarantee(files, whom, number)
    judge = _judge(files, whom, files.rules.model)
    if number in BY_MODEL:
        told, rating = _answer(bench, judge, (one.id, one.row), whom, number)
        return {**told, "floor": _floor(files, whom, one.id, number, (rating, None))}
    products = read_products(files.project.configs / "products.toml")
    wanted = [name for name in products.features if name in files.catalogue.features]
    terms = night_recipe(files.catalogue, wanted) if wanted else None
    recipes = [judge.recipe, *([terms] if terms else [])]
    every = reading_all(recipes)
    subject = subject_of(one.row, every, whom.as_of)
    bench.load_subjects(every, [subject])
    bench.load_facts(every)
    answers = [rows[0] for rows in bench.rows_of(recipes)]
    profile = answers[0]
    rating = rated(judge, profile, subject.keys)
    worth = terms_of_night(products, answers[1] if terms else {}, whom.as_of, rating["pd"])
    value = valued(worth, rating["pd"])
    found = {
        "kind": "terms",
        "guarantee": one.id,
        "title": _TITLES[number],
        "model": _model(judge, whom),
        "value": value[number],
        "floor": _floor(files, whom, one.id, number, (rating, value["expected_loss"])),
    }
    parts = [
        {
            "name": "pd",
            "title": _TITLES["pd"],
            "value": rating["pd"],
            "next": command(one.id, "pd", whom.as_of),
        }
    ]
    used = [] if number == "exposure" else parts
    if worth is not None:
        used += [
            {"name": "loan", "title": {"en": "Loan", "zh": "贷款金额"}, "value": str(worth.exposure.amount), "next": None},
            {"name": "guarantee_share", "title": {"en": "Guaranteed part", "zh": "担保比例"}, "value": str(worth.exposure.guarantee_share), "next": None},
            {"name": "guarantor_share", "title": {"en": "Own share of it", "zh": "其中本机构分担"}, "value": str(worth.exposure.guarantor_share), "next": None},
        ]  # fmt: skip
        if number == "expected_loss":
            used.append({"name": "lgd", "title": {"en": "Loss given default", "zh": "违约损失率"}, "value": value["lgd"], "next": None})  # fmt: skip
    notes = {note.name: note for note in terms.features} if terms else {}
    used += [
        {
            "name": name,
            "title": {"en": notes[name].en, "zh": notes[name].zh},
            "value": plain(answers[1][name]),
            "next": command(one.id, name, whom.as_of),
        }
        for name in wanted
    ]
    product = (
        None
        if worth is None
        else {
            **worth.product.title.model_dump(),
            "id": worth.product.id,
            "reference": worth.product.reference,
        }
    )
    return {**found, "product": product, "inputs": used}


def _judge(files: Files, whom: Whom, model: str) -> Judge:
    judge = judge_of(files.project, model, whom.as_of)
    if judge is None:
        hint = f"No champion of {model}: register one, or name another in dossier.toml"
        raise UsageError(
            "No model answers", [Problem(f"evidence {whom.asked}", "a model in force", "none", hint)]
        )
    return judge


def _model(judge: Judge, whom: Whom) -> dict[str, Any]:
    later = judge.later(whom.as_of)
    return {"name": judge.bundle.model, "bundle": judge.bundle.hash, "later": later}


def _answer(
    bench: Workbench, judge: Judge, whose: tuple[str, Row], whom: Whom, number: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the model says of one subject, and its inputs, the strongest contribution first; and its whole rating.

    Contributions are log-odds of the raw score against its expected value.
    """
    name, row = whose
    subject = subject_of(row, judge.recipe, whom.as_of)
    bench.load_subjects(judge.recipe, [subject])
    bench.load_facts(judge.recipe)
    profile = bench.rows(judge.recipe)[0]
    bundle, rating = judge.bundle, rated(judge, profile, subject.keys)
    values = [None if profile[one] is None else float(profile[one]) for one in bundle.features]
    notes = {item["name"]: item for item in bundle.recipe["features"]}
    inputs = [
        {
            "name": one,
            "title": {"en": notes[one]["en"], "zh": notes[one]["zh"]},
            "unit": notes[one].get("unit", ""),
            "value": value,
            "contribution": part,
            "next": command(name, one, whom.as_of),
        }
        for one, value, part in zip(bundle.features, values, contributions(bundle.trees, values), strict=True)
    ]
    told = {
        "kind": "model",
        "of": name,
        "title": _TITLES[number],
        "model": _model(judge, whom),
        "value": rating[number],
        "interval": [rating["low"], rating["high"]],
        "inputs": sorted(inputs, key=lambda item: (-abs(item["contribution"]), item["name"])),
    }
    return told, rating


def _floor(
    files: Files, whom: Whom, unit: str, number: str, model: tuple[dict[str, Any], str | None]
) -> dict[str, Any] | None:
    """The rule floor of the last night that decides instead of this number of a guarantee; None where none does."""
    rating, loss = model
    last = floors.last_said(files.project.store, whom.as_of, whom.enterprise).get(unit)
    found = floors.used(rating, loss, last, floors.titles(files.project.configs))
    return decides(number, unit, found, whom.as_of)


def _meant_application(files: Files, whom: Whom) -> Row | None:
    """The application of the number asked for, where no guarantee in force has that very number."""
    if any(one.id == whom.asked for one in whom.guarantees):
        return None
    column = files.catalogue.subjects.applicant.id
    return next((row for row in whom.applications if str(row.values[column]) == whom.asked), None)


def _meant_guarantee(files: Files, whom: Whom, number: str) -> Guarantee:
    column = files.rules.terms.application
    exact = [one for one in whom.guarantees if one.id == whom.asked]
    exact = exact or [
        one for one in whom.guarantees if column and str(one.row.values.get(column)) == whom.asked
    ]
    chosen = [one for one in exact or whom.guarantees if one.in_force]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(one.id for one in chosen)
    got = f"{len(chosen)} guarantees in force" if chosen else "no guarantee in force"
    hint = f"Name one of {names}" if chosen else "Models answer for guarantees in force and for applications"
    raise UsageError(
        "Whose number is meant?",
        [Problem(f"evidence {whom.asked} {number}", "one guarantee in force", got, hint)],
    )


_TITLES = {
    "pd": {"en": "Probability of default", "zh": "违约概率"},
    "grade": {"en": "Grade", "zh": "等级"},
    "score": {"en": "Score", "zh": "评分"},
    "pd_lifetime": {"en": "Probability of default over the lifetime", "zh": "存续期违约概率"},
    "exposure": {"en": "Own exposure", "zh": "本机构敞口"},
    "expected_loss": {"en": "Expected loss", "zh": "预期损失"},
}
