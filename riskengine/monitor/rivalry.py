"""Champion or challenger: whose PDs came nearer to what happened, as far as outcomes have matured?

One observation a guarantee: its first night on which both had spoken, so that nobody's later knowledge counts. Applicants are
profiled again as of their own days, for both bundles. Only days after both had been trained count. Days still to mature are counted, their
early defaults are not looked at (see `validation.sequential`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError
from riskengine.learning.outcomes import LEARNED, shift
from riskengine.learning.samples import what_became
from riskengine.learning.spec import ModelSpec
from riskengine.monitor import publish
from riskengine.monitor.populations import applicants
from riskengine.monitor.shadow import shadow_of
from riskengine.project import Project
from riskengine.registry.pointers import challenger
from riskengine.scoring.bundle import Bundle, champion, read_bundle
from riskengine.store import snapshot
from riskengine.validation.sequential import ALPHA, Look, Matured, looks


@dataclass(frozen=True)
class Forecasts:
    """What both said: `rows` has `id`, `as_of` (datetimes), `champion_pd`, `challenger_pd`; whose PDs, over how many nights."""

    champion: Bundle
    challenger: str
    rows: pd.DataFrame
    nights: int


def rivalry(project: Project, model: str, as_of: date) -> dict[str, Any]:
    """The comparison as known on `as_of`, a JSON value.

    `matured`, `waiting` and `left_out` (indeterminate or excluded) guarantees or applicants, `next_matures`, both Brier scores,
    `gain` with its time-uniform interval, both e-values, `verdict`, `since`. Nobody to compare, or two that answer
    different questions, is a `SetupError`.
    """
    ours = champion(project.store, model)
    if ModelSpec.model_validate(ours.spec).subject == "guarantee":
        found = _of_nights(project, model, as_of)
    else:
        found = _of_applicants(project, ours, as_of)
    spec = ModelSpec.model_validate(found.champion.spec)
    rows = found.rows
    fate = what_became(project, spec, snapshot.read(project.store), rows[["id", "as_of"]], as_of)
    rows = pd.concat([rows, fate], axis=1)
    day = due(spec, rows["as_of"])
    ripe = day <= np.datetime64(as_of, "D")
    taken = ripe & rows["status"].isin(LEARNED).to_numpy() & rows["weight"].notna().to_numpy()
    heaviest = float(np.nanmax(rows["weight"])) if len(rows) else 1.0
    seen = looks(matured(rows[taken], day[taken], heaviest))
    waiting = day[~ripe]
    last = seen[-1] if seen else None
    part = rows[taken]
    return {
        "model": model,
        "as_of": str(as_of),
        "subject": spec.subject,
        "champion": found.champion.hash,
        "challenger": found.challenger,
        "nights": found.nights,
        "first": str(rows["as_of"].min().date()) if len(rows) else None,
        "compared": len(rows),
        "matured": int(taken.sum()),
        "waiting": len(waiting),
        "left_out": int((ripe & ~taken).sum()),
        "next_matures": str(waiting.min()) if len(waiting) else None,
        "defaults": int(part["label"].sum()),
        "weighted": bool(heaviest > 1.0),
        "brier": {name: _brier(part, f"{name}_pd") for name in ("champion", "challenger")},
        "alpha": ALPHA,
        "decides_at": 2 / ALPHA,
        "looks": len(seen),
        **_said(last),
        "verdict": last.decided if last else "not decided yet",
        "since": last.since if last else None,
    }


def due(spec: ModelSpec, as_of: pd.Series) -> npt.NDArray[np.datetime64]:
    """The day on which each row's outcome has to be certain, whichever it is: horizon and lag are over."""
    start = as_of.to_numpy(dtype="M8[D]")
    return shift(shift(start, Span.parse(spec.label.horizon)), Span.parse(spec.label.lag))


def trained_on(*bundles: Bundle) -> pd.Timestamp:
    """The latest day on which one of the bundles was trained: what it says of that day and before, it may have learned."""
    told = [str(bundle.card.get("trained_as_of") or date.min)[:10] for bundle in bundles]
    return pd.Timestamp(max(told)) if max(told) > "1700" else pd.Timestamp.min


def same_question(champion: Bundle, challenger: Bundle) -> None:
    """A `SetupError` unless both foretell the same event: source, horizon and lag of the label are equal.

    Else the outcomes of one would judge the PDs of the other, and who foretells another event well would lose.
    """
    sides = [ModelSpec.model_validate(bundle.spec).label for bundle in (champion, challenger)]
    hint = (
        f"Retrain {champion.model} with the champion's label to compare them as outcomes mature; until then validate each"
        f" by its own outcomes: riskengine validate {champion.model} --version N"
    )
    problems = [
        Problem(f"label.{name} of the challenger", f"the champion's {ours!r}", repr(theirs), hint)
        for name in ("source", "horizon", "lag")
        if (ours := getattr(sides[0], name)) != (theirs := getattr(sides[1], name))
    ]
    if problems:
        raise SetupError("Champion and challenger answer different questions", problems)


def matured(rows: pd.DataFrame, day: npt.NDArray[np.datetime64], heaviest: float) -> Matured:
    """The rows in order of their day, then of their id: nothing of the order tells an outcome."""
    order = np.lexsort((rows["id"].astype("str").to_numpy(dtype="U"), day))
    rows = rows.iloc[order]
    return Matured(
        day[order],
        rows["champion_pd"].to_numpy(dtype=np.float64),
        rows["challenger_pd"].to_numpy(dtype=np.float64),
        rows["label"].to_numpy(dtype=np.int64),
        rows["weight"].to_numpy(dtype=np.float64),
        heaviest,
    )


def _of_nights(project: Project, model: str, as_of: date) -> Forecasts:
    """The first shadowed night of each guarantee, of the pair of bundles that the latest shadow compares."""
    days = [day for day in publish.days(project.store) if day <= as_of]
    nights = [(day, made) for day in days if (made := publish.find(project.store, day)) is not None]
    told = [(day, night, dict(night.manifest.get("shadow") or {})) for day, night in nights]
    told = [one for one in told if one[2] and "refused" not in one[2]]
    if not told:
        got = f"{len(days)} nights up to {as_of}, none with a challenger"
        hint = f"riskengine retrain {model} names one; every night then asks it too"
        raise SetupError(
            "Nobody to compare the champion with",
            [Problem(model, "a published night with a challenger", got, hint)],
        )
    pair = (told[-1][2]["champion"], told[-1][2]["challenger"])
    parts: list[pd.DataFrame] = []
    seen: set[str] = set()
    count = 0
    sides = [read_bundle(project.store / "bundles" / name, name) for name in pair]
    same_question(*sides)
    learned = trained_on(*sides)
    for day, night, names in told:
        if (names["champion"], names["challenger"]) != pair or pd.Timestamp(day) <= learned:
            continue
        rows = shadow_of(night)
        assert rows is not None
        count += 1
        fresh = rows[~rows["id"].isin(seen) & rows["champion_pd"].notna() & rows["challenger_pd"].notna()]
        seen.update(fresh["id"])
        if len(fresh):
            parts.append(fresh[["id", "champion_pd", "challenger_pd"]].assign(as_of=pd.Timestamp(day)))
    none = pd.DataFrame({"id": [], "champion_pd": [], "challenger_pd": [], "as_of": pd.DatetimeIndex([])})
    rows = pd.concat(parts, ignore_index=True) if parts else none
    return Forecasts(sides[0], pair[1], rows, count)


def _of_applicants(project: Project, ours: Bundle, as_of: date) -> Forecasts:
    """Everybody who applied since both bundles were trained, each profiled as of the own day and rated by both."""
    rival = challenger(project.store, ours.model)
    if rival is None:
        hint = f"riskengine retrain {ours.model} names one"
        raise SetupError(
            "Nobody to compare the champion with", [Problem(ours.model, "a challenger", "none", hint)]
        )
    same_question(ours, rival)
    trained = trained_on(ours, rival).date()
    start = trained + timedelta(days=1)
    sides = [_rated(project, bundle, start, as_of) for bundle in (ours, rival)]
    both = sides[0].merge(sides[1], on=["id", "as_of"], suffixes=("_one", "_two"), validate="one_to_one")
    rows = both.rename(columns={"pd_one": "champion_pd", "pd_two": "challenger_pd"})
    return Forecasts(ours, rival.hash, rows, 0)


def _rated(project: Project, bundle: Bundle, start: date, end: date) -> pd.DataFrame:
    """`id`, `as_of`, `pd` of who applied from `start` to `end`, by the bundle's own recipe; none where nobody did."""
    rows = applicants(project, bundle, start, end, None)
    days = pd.to_datetime(rows["as_of"])
    return pd.DataFrame({"id": rows["id"].astype("str"), "as_of": days, "pd": rows["pd"]})


def _brier(rows: pd.DataFrame, name: str) -> float | None:
    if not len(rows):
        return None
    gap = (rows[name] - rows["label"]).to_numpy(dtype=np.float64) ** 2
    return float(np.average(gap, weights=rows["weight"].to_numpy(dtype=np.float64)))


def _said(last: Look | None) -> dict[str, Any]:
    names = ("gain", "low", "high", "challenger_e", "champion_e")
    if last is None:
        return dict.fromkeys(names)
    values = (last.gain, last.low, last.high, last.challenger, last.champion)
    return dict(zip(names, values, strict=True))
