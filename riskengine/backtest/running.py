"""How does a back-test run from a project and a range of days to one result that can be kept, compared and told?"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from riskengine.backtest.composed import Cased
from riskengine.backtest.gate import enterprise_name
from riskengine.backtest.lists import by_alerts, by_chance, by_exposure, by_rule
from riskengine.backtest.measures import FIGURES, SUMS, Judged, Tally, judged, tally
from riskengine.backtest.merits import merits, rounded
from riskengine.backtest.replay import (
    Alerted,
    Becomes,
    Replay,
    alerted_by,
    becomes,
    lighter,
    model_days,
    nights_of,
)
from riskengine.backtest.resampling import draws, estimates, interval
from riskengine.backtest.settings import Settings, read_settings
from riskengine.backtest.track import Flags, Ints, Track, newest, outcomes_of, track
from riskengine.backtest.undated import asked_of_the_past
from riskengine.backtest.walking import Walk, chosen
from riskengine.casework.rulebook import read_rulebook
from riskengine.learning.metrics import Estimate
from riskengine.learning.samples import model_spec
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.watch import Watch, read_watch
from riskengine.project import Project
from riskengine.schema import Words, file_sha256, fingerprint
from riskengine.scoring.bundle import Bundle
from riskengine.store import snapshot

log = logging.getLogger("riskengine.backtest")
FORMAT = 1
MODEL = "inforce_pd"
RULED = ("cases.toml", "budget.toml", "floors.toml", "grades.toml", "contagion.toml")
KEPT_SUMS = ("events", "found", "listings", "hits", "false", "months")
COMPARED = ("capture", "capture_amount", "precision", "false_alarms")
TITLES = {
    "system": Words(en="signals and model", zh="信号与模型"),
    "random": Words(en="drawn at random", zh="随机抽取"),
    "exposure": Words(en="largest exposure", zh="敞口最大"),
}


@dataclass(frozen=True)
class Asked:
    """What is asked: the range, the catalogue of which day, which model, how many places (None: those of the budget by
    casework, else of the settings), and whether alerts are the lines of casework or the ranking alone."""

    start: date
    end: date
    rules_day: date
    every: str = "1m"
    model: str | None = None
    places: int | None = None
    casework: bool = True
    name: str = MODEL


@dataclass(frozen=True)
class Composition:
    """How a night's work becomes an order of alerts: the composition of cases and budget fits in here.

    `needs`: features it reads beyond those of signals and pages. `capacity`: it gives `place` "act" by its own capacity.
    """

    alerted: Alerted
    becomes: Becomes = becomes
    needs: Sequence[str] = ()
    capacity: bool = False


def run(project: Project, asked: Asked) -> dict[str, Any]:
    """The result (a JSON value): `gate.checked` describes its parts. Writes nothing but models into the store's `backtests/`."""
    rules = read_rulebook(project) if asked.casework else None
    watch, facts = rules.watch if rules else read_watch(project), snapshot.read(project.store)
    settings = read_settings(project.configs, watch.vocabulary)
    settings = settings if asked.places is None else settings.model_copy(update={"places": asked.places})
    days = nights_of(asked.start, asked.end, asked.every)
    trainings = model_days(days[0], days[-1], settings.retrain_every)
    mode, model = chosen(watch, facts, asked.name, asked.model, trainings)
    how = Composition(alerted_by(settings.severity))
    if rules:
        cased = Cased(asked_of_the_past(rules, asked.rules_day), model)
        how = Composition(cased.alerted, cased.becomes, watch.recipe.names, capacity=True)
    naive = list(dict.fromkeys(name for one in settings.naive for name in one.features))
    light = lighter(watch, asked.rules_day, [*naive, *how.needs])
    spec = model_spec(watch.catalogue, asked.name)
    outcomes = outcomes_of(
        watch.catalogue, facts, spec, newest(facts, asked.rules_day), settings.amount
    )  # before the nights: what cannot be judged need not be replayed
    replay = Replay(light, facts, model, how.alerted, how.becomes, naive)
    own = how.capacity and asked.places is None
    known = track(replay.run(days), outcomes, None if own else settings.places)
    log.info("measuring %d rows of %d nights", len(known.night), len(days))
    events = judged(known, settings, (days[-1] - days[-2]).days)
    result = measured(known, events, settings, light.signals)
    newest_model: Bundle = model(days[-1])
    return {
        "format": FORMAT,
        "project": project.environment.name,
        "range": {"from": str(days[0]), "to": str(days[-1]), "every": asked.every, "nights": len(days)},
        "rules_day": str(asked.rules_day),
        "outcomes": {
            "known": str(outcomes.known),
            "followed": str(outcomes.followed),
            "weighted": bool(outcomes.weights),
            "judged": len(events.day),
            "unwatched": events.unwatched,
            "early": events.early,
            "hash": fingerprint(
                sorted(zip(known.ids[events.guarantee].tolist(), events.day.tolist(), strict=True))
            ),
        },
        "definitions": {
            "catalogue": catalogue_hash(watch),
            "settings": settings.fingerprint,
            "places": None if own else settings.places,
            "rest": settings.rest,
            "severity": settings.severity,
            "composition": "casework" if asked.casework else "ranking",
        },
        "model": {
            "mode": mode,
            "name": asked.name,
            "spec": spec_hash(newest_model),
            "bundles": _bundles(model, days[-1]),
        },
        **result,
    }


def measured(known: Track, events: Judged, settings: Settings, signals: Sequence[Signal]) -> dict[str, Any]:
    """`book`, `rules` (figures with intervals, and what the system has more than each), `signals`, `tallies`."""
    rules = _rules(known, settings)
    tallies = {name: tally(known, events, settings, order, alerts) for name, (order, alerts) in rules.items()}
    found = {
        name: estimates(one.figures, len(known.firms), settings.replicates, settings.seed)
        for name, one in tallies.items()
    }
    titles = TITLES | {one.name: one.title for one in settings.naive}
    less = _differences(known, tallies, settings)
    told = {
        name: {
            "title": titles[name].model_dump(),
            "listings": one.places,
            "compensations_found": int(one.found.sum()),
            "figures": {
                figure: rounded(value)
                for figure, value in zip(FIGURES, found[name], strict=True)
                if name == "system" or not figure.startswith(("alert_", "flapping", "standing"))
            },
            "system_less_this": less.get(name, {}),
        }
        for name, one in tallies.items()
    }
    return {
        "book": _book(known, alerts_of(known, settings)),
        "rules": told,
        "signals": [one.to_json() for one in merits(known, events, settings, signals)],
        "tallies": _kept(known, tallies["system"]),
    }


def alerts_of(known: Track, settings: Settings) -> Flags:
    """The rows with an alert of the declared severity; milder lines may still fill places that are left."""
    warned: Flags = (known.rank > 0) & (known.severity >= SEVERITIES.index(settings.severity))
    return warned


def _rules(known: Track, settings: Settings) -> dict[str, tuple[list[Ints], Flags]]:
    every = np.ones(len(known.night), dtype=bool)
    made: dict[str, tuple[list[Ints], Flags]] = {"system": (by_alerts(known), alerts_of(known, settings))}
    for number, rule in enumerate(settings.naive):
        made[rule.name] = (by_rule(known, rule, settings.seed + number), every)
    made["exposure"] = (by_exposure(known), every)
    made["random"] = (by_chance(known, settings.seed), every)
    return made


def _differences(
    known: Track, tallies: Mapping[str, Tally], settings: Settings
) -> dict[str, dict[str, dict[str, float | None]]]:
    """What the system has more than each other rule, over the same draws of enterprises."""
    places = [FIGURES.index(name) for name in COMPARED]
    size, others = len(known.firms), [name for name in tallies if name != "system"]

    def gaps(times: Any) -> Any:
        mine = tallies["system"].figures(times)[places]
        return np.concatenate([mine - tallies[name].figures(times)[places] for name in others])

    whole = gaps(np.ones(size))
    drawn = np.array([gaps(times) for times in draws(size, settings.replicates, settings.seed)])
    made: dict[str, dict[str, dict[str, float | None]]] = {}
    for number, (value, column) in enumerate(zip(whole.tolist(), drawn.T, strict=True)):
        name, figure = others[number // len(places)], COMPARED[number % len(places)]
        gap: Estimate = interval(None if np.isnan(value) else value, column)
        made.setdefault(name, {})[figure] = rounded(gap)
    return made


def _book(known: Track, alerts: Flags) -> dict[str, Any]:
    nights = len(known.nights)
    each = np.bincount(known.night[alerts], minlength=nights)
    book = np.bincount(known.night, minlength=nights)
    return {
        "rows": len(known.night),
        "guarantees": len(known.ids),
        "enterprises": len(known.firms),
        "first": int(book[0]),
        "last": int(book[-1]),
        "alerts_a_night": float(np.median(each)),
    }


def _kept(known: Track, one: Tally) -> dict[str, Any]:
    """What the gate draws again: sums by enterprise, under hashed names, in their order."""
    names = [enterprise_name(firm) for firm in known.firms.tolist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    sums = {name: one.sums[:, SUMS.index(name)] for name in KEPT_SUMS}
    return {
        "enterprises": [names[place] for place in order],
        **{
            name: [_short(value) for value in values[np.array(order, dtype=int)].tolist()]
            for name, values in sums.items()
        },
    }


def _short(value: float) -> float | int:
    """Four digits after the point; whole numbers as such."""
    kept = round(value, 4)
    return int(kept) if kept == int(kept) else kept


def catalogue_hash(watch: Watch) -> str:
    """The hash of all that decides who is alerted, models apart: signals, cases, budget, floors, grades, contagion."""
    configs = watch.project.configs
    files = {name: file_sha256(configs / name) for name in RULED if (configs / name).exists()}
    return fingerprint(
        {"files": files, "signals": [one.model_dump(mode="json", by_alias=True) for one in watch.signals]}
    )


def spec_hash(bundle: Bundle) -> str:
    """The hash of the definition that a bundle was trained by: a walk-forward and a champion of one definition share it."""
    return fingerprint(bundle.spec)


def _bundles(model: Any, last: date) -> list[list[Any]]:
    if isinstance(model, Walk):
        return [
            [str(day), one.hash, one.card["rows"], one.card["events"]]
            for day, one in sorted(model.made.items())
        ]
    one = model(last)
    return [[str(one.card.get("trained_as_of")), one.hash, one.card.get("rows"), one.card.get("events")]]
