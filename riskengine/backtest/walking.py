"""Which model would have been in force on a past day? One trained on what was known and mature then, with today's definition.

No model is judged on nights from before its training: a champion younger than the first night gives way to a walk-forward. The
recipe, parameters and directions are today's `models/<name>.toml`, chosen by people who have seen later years; that remains.
Left out of a training here: audit, held-out tests, gates and benchmarks, which decide about promotion and change no PD.
"""

from __future__ import annotations

import logging
import shutil
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from riskengine.errors import Problem, UsageError
from riskengine.learning.frames import TrainingContext, checked, peers
from riskengine.learning.making import Taught, interval, make, part_of, to_scale
from riskengine.learning.samples import followed_period, labelled_rows, model_spec
from riskengine.learning.spec import ModelSpec
from riskengine.learning.tuning import tuned
from riskengine.monitor.watch import Watch
from riskengine.profile.plan import compile_recipe
from riskengine.schema import canonical_json, fingerprint, read_toml
from riskengine.scoring.bundle import Bundle, champion, read_bundle, write_bundle
from riskengine.scoring.trees import export_trees
from riskengine.store.known import known_facts
from riskengine.store.snapshot import Snapshot

log = logging.getLogger("riskengine.backtest")
FOLDER = "backtests"
WALK, CHAMPION = "walk-forward", "champion"


@dataclass(frozen=True)
class Walk:
    """The models of a range: which day's training is in force on a night. Trained when first asked for, kept by hash."""

    watch: Watch
    snapshot: Snapshot
    name: str
    days: Sequence[date]
    made: dict[date, Bundle] = field(default_factory=dict)

    def __call__(self, night: date) -> Bundle:
        """The newest of the models trained by a night (its own day included)."""
        place = bisect_right(self.days, night)
        if not place:
            raise UsageError(
                "No model then", [Problem(str(night), f"a night from {self.days[0]} on", str(night))]
            )
        day = self.days[place - 1]
        if day not in self.made:
            self.made[day] = trained_as_of(self.watch, self.snapshot, self.name, day)
        return self.made[day]


def honest(bundle: Bundle, first: date) -> bool:
    """Whether a model was trained by the first night: it has then seen nothing of what it is judged on."""
    trained = str(bundle.card.get("trained_as_of", ""))
    return bool(trained) and trained <= str(first)


def chosen(
    watch: Watch, snapshot: Snapshot, name: str, asked: str | None, days: Sequence[date]
) -> tuple[str, Callable[[date], Bundle]]:
    """What judges the nights: the champion where it may, else (or where asked) a walk-forward trained on `days`.

    A champion asked for that was trained after the first night is a `UsageError`.
    """
    if asked == WALK:
        return WALK, Walk(watch, snapshot, name, days)
    best = champion(watch.project.store, name)
    if honest(best, days[0]):
        return CHAMPION, lambda _: best
    if asked == CHAMPION:
        raise UsageError(
            "The champion has seen these nights",
            [
                Problem(
                    "--model champion",
                    f"nights from {best.card.get('trained_as_of')} on, its day of training",
                    f"a first night on {days[0]}",
                    f"Take --model {WALK}: each year's nights are scored by a model of its start",
                )
            ],
        )
    return WALK, Walk(watch, snapshot, name, days)


def trained_as_of(watch: Watch, snapshot: Snapshot, name: str, day: date) -> Bundle:
    """The bundle of a model trained on what was known on `day`; read back where these very facts were trained on before.

    A day too early (no mature row, or no event among them) is a `UsageError` saying so.
    """
    catalogue = watch.catalogue
    spec = model_spec(catalogue, name)
    grades = read_toml(watch.project.configs / "grades.toml")
    recipe = compile_recipe(catalogue, spec.features).to_json()
    facts = known_facts(snapshot, day)
    key = fingerprint([spec.model_dump(mode="json", by_alias=True), grades, recipe, facts, str(day)])
    folder = watch.project.store / FOLDER / "models" / key
    if folder.is_dir():
        return read_bundle(folder)
    period = followed_period(spec, day)
    if period.end < period.start:
        raise _too_early(name, day, f"no row: the panel begins {period.start} and nothing is mature yet")
    taken = labelled_rows(watch.project, spec, snapshot, period)
    context = TrainingContext(day, snapshot.id, taken.recipe.to_json(), grades, taken.counts)
    frame = checked(spec, taken.frame(), context)
    events = int(frame.label[frame.judged].sum())
    if not 0 < events < int(frame.judged.sum()):
        raise _too_early(name, day, f"{events} events among {int(frame.judged.sum())} mature rows")
    log.info("%s as of %s: %d rows, %d events", name, day, int(frame.judged.sum()), events)
    everybody = Taught(frame.rows(), frame, frame.months)
    everybody = everybody if spec.hazard else everybody.where(frame.judged)
    spec, _ = tuned(spec, everybody)
    return _kept(folder, _files(spec, everybody, context))


def _files(spec: ModelSpec, taught: Taught, context: TrainingContext) -> dict[str, bytes]:
    """The parts of a bundle, as `learning.training.train` writes them, with a card that says what was not done."""
    made = make(spec, taught)
    judged = part_of(taught.frame, taught.frame.judged)
    text = made.booster.model_to_string()
    card = {
        "model": spec.name,
        "title": spec.title.model_dump(),
        "trained_as_of": context.trained_as_of.isoformat(),
        "rows": len(judged.label),
        "events": int(judged.label.sum()),
        "counts": dict(sorted(context.counts.items())),
        "borrowers": len(np.unique(judged.group)),
        "first_as_of": str(judged.as_of.min()),
        "last_as_of": str(judged.as_of.max()),
        "weighted_base_rate": float(np.average(judged.label, weights=judged.weight)),
        "note": "trained for a back-test only: no audit, no held-out test, no gate; never to be promoted",
    }
    parts: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": made.calibration
        | {"to_scale": to_scale(spec), "interval": interval(spec, made, 0.0)},
        "grades.json": dict(context.grades),
        "recipe.json": dict(context.recipe),
        "peers.json": peers(spec, judged),
        "spec.json": spec.model_dump(mode="json", by_alias=True),
        "card.json": card,
    }
    return {name: canonical_json(part).encode() for name, part in parts.items()} | {
        "model.txt": text.encode()
    }


def _kept(folder: Path, files: dict[str, bytes]) -> Bundle:
    """Written beside and moved to its name at once: a killed training leaves nothing that looks whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(prefix=".draft-", dir=folder.parent))
    write_bundle(draft, files)
    if folder.exists():
        shutil.rmtree(draft)
    else:
        draft.rename(folder)
    return read_bundle(folder)


def _too_early(name: str, day: date, got: str) -> UsageError:
    return UsageError(
        f"{name} could not have been trained then",
        [
            Problem(
                f"--from {day}", "mature outcomes known by then", got, "Begin later, or use --model champion"
            )
        ],
    )
