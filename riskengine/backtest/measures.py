"""Did the list find the compensations, how long before, and how often did it cry wolf?

Throughout: `h` is `Settings.horizon` (12 months); a night knows only its own day, so a listing on night t counts for a compensation
dated after t. All figures are ratios of sums over enterprises, or quantiles of lead times, with clustered bootstrap intervals.

- *Judged compensations*: first compensations of guarantees that were in the replayed book on a night within h before, dated later
  than h after the first night (else the look-back is cut short) and not later than one step after the last, by `followed`.
- *Capture*: share of them whose enterprise was listed on a night within h before, with that guarantee in force; `capture_amount`
  is the same of the amount paid.
- *Lead time*: days from the first such listing to the compensation, of those found: at most h. `alert_lead` is of the alerts
  without any budget: days from the beginning of the unbroken run of nights with an alert that still stood on the last night
  before; not cut at h, but at the first night replayed. `standing` is the share with such a run.
- *Found late*: share of judged compensations found, but less than `Settings.late` days before. `missed`: not found at all.
- *Precision*: share of listings (an enterprise on a night) followed by a compensation of one of its guarantees in force within h.
  Listings whose h is not over by `followed` are not judged (right-censored), nor those of enterprises whose guarantee was already
  compensated that night without the night knowing.
- *False alarms*: judged listings without one, per 1,000 guarantees in force and month (guarantee-months of the same nights).
- *Flapping*: share of the ends of an alert (a night in force without it, after one with it) after which it came again within
  `Settings.flap` days; ends followed for less are not counted. *Repeats*: share of what the first places would be without any rest
  that were in them the night before too.

Weights (design samples) count a guarantee as often as it stands for in the population; a listing weighs the mean of its guarantees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.backtest.lists import earlier, later, listed
from riskengine.backtest.resampling import quantiles, ratio
from riskengine.backtest.settings import Settings
from riskengine.backtest.track import NEVER, Flags, Floats, Ints, Track
from riskengine.clock import Span

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
MONTH = 30.4375  # days
SUMS = (
    "events", "found", "late", "amount", "amount_found", "listings", "hits", "false", "months", "ends", "flaps",
    "raw", "repeats", "standing",
)  # fmt: skip
FIGURES = (
    "capture", "capture_amount", "precision", "false_alarms", "late", "missed", "flapping", "repeats", "standing",
    *(f"lead_{round(100 * one)}" for one in QUANTILES), *(f"alert_lead_{round(100 * one)}" for one in QUANTILES),
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """The compensations that a range is judged by: guarantee codes, days, weights; `unwatched` were in no replayed book."""

    guarantee: Ints
    day: Ints
    weight: Floats
    unwatched: int
    early: int  # within the horizon of the first night: not judged


@dataclass(frozen=True)
class Tally:
    """What one rule did, by enterprise: `sums` (enterprises x SUMS) and lead times as (enterprise, days, weight) rows in order
    of days. `nights`: the listings of each night; `found`: of each judged compensation."""

    sums: Floats
    leads: Floats
    alert_leads: Floats
    found: Flags
    places: int

    def figures(self, times: Floats) -> Floats:
        """FIGURES under a weighting of enterprises; NaN where there is nothing to divide by."""
        total = dict(zip(SUMS, times @ self.sums, strict=True))
        pairs = [
            ("found", "events", 1.0), ("amount_found", "amount", 1.0), ("hits", "listings", 1.0),
            ("false", "months", 1000.0), ("late", "events", 1.0), ("missed", "events", 1.0), ("flaps", "ends", 1.0),
            ("repeats", "raw", 1.0), ("standing", "events", 1.0),
        ]  # fmt: skip
        total["missed"] = total["events"] - total["found"]
        above = np.array([total[name] * size for name, _, size in pairs])
        below = np.array([total[name] for _, name, _ in pairs])
        parts = [ratio(above, below)]
        for rows in (self.leads, self.alert_leads):
            weights = rows[:, 2] * times[rows[:, 0].astype(np.int64)]
            parts.append(quantiles(rows[:, 1], weights, QUANTILES))
        return np.concatenate(parts)


def judged(track: Track, settings: Settings, step: int) -> Judged:
    """The compensations of the range (`step`: days until a night after the last would have been)."""
    span = Span.parse(settings.horizon)
    start, end = later(int(track.nights[0]), span), min(int(track.nights[-1]) + step, track.followed)
    inside = (track.event > track.nights[0]) & (track.event <= end)
    early = inside & (track.event <= start)
    chosen = np.flatnonzero(inside & ~early)
    seen = np.zeros(len(track.ids), dtype=bool)
    days = track.event[track.guarantee]
    watched = in_window(track, days, span)
    seen[track.guarantee[watched]] = True
    kept = chosen[seen[chosen]]
    return Judged(kept, track.event[kept], track.weight[kept], int((~seen[chosen]).sum()), int(early.sum()))


def in_window(track: Track, days: Ints, span: Span) -> Flags:
    """Of each row whether its night lies within a span before its guarantee's compensation."""
    when = track.nights[track.night]
    firsts = {int(day): earlier(int(day), span) for day in np.unique(days[days < NEVER])}
    first = np.array([firsts.get(int(day), NEVER) for day in track.event], dtype=np.int64)[track.guarantee]
    made: Flags = (when < days) & (when >= first)
    return made


def tally(track: Track, events: Judged, settings: Settings, orders: list[Ints], alerts: Flags) -> Tally:
    """What a rule did: `orders` says whom it would list, `alerts` on which rows it warned at all (for runs and flapping)."""
    chosen = listed(track, orders, settings)
    sums = {name: np.zeros(len(track.firms)) for name in SUMS}
    found, leads = _found(track, events, settings, chosen, sums)
    _listings(track, settings, chosen, sums)
    _flapping(track, settings, alerts, sums)
    _repeats(track, listed(track, orders, settings, rest=False), sums)
    runs = _runs(track, events, alerts, sums)
    return Tally(
        np.column_stack([sums[name] for name in SUMS]),
        leads, runs, found, len(np.unique(_firm_nights(track, chosen))),
    )  # fmt: skip


def _found(
    track: Track, events: Judged, settings: Settings, chosen: Flags, sums: dict[str, Floats]
) -> tuple[Flags, Floats]:
    days = track.event[track.guarantee]
    rows = np.flatnonzero(chosen & in_window(track, days, Span.parse(settings.horizon)))
    first = np.full(len(track.ids), NEVER, dtype=np.int64)
    np.minimum.at(first, track.guarantee[rows], track.nights[track.night[rows]])
    firm = firm_of(track)[events.guarantee]
    found = first[events.guarantee] < NEVER
    lead = np.where(found, events.day - np.where(found, first[events.guarantee], 0), 0)
    paid = events.weight * track.paid[events.guarantee]
    for name, values in (
        ("events", events.weight), ("found", events.weight * found), ("amount", paid), ("amount_found", paid * found),
        ("late", events.weight * (found & (lead < settings.late))),
    ):  # fmt: skip
        np.add.at(sums[name], firm, values)
    return found, _ordered(firm[found], lead[found], events.weight[found])


def _listings(track: Track, settings: Settings, chosen: Flags, sums: dict[str, Floats]) -> None:
    """Hits and false alarms of listings (enterprise and night), and guarantee-months of the nights that can be judged."""
    span = Span.parse(settings.horizon)
    ends = np.array([later(int(day), span) for day in track.nights], dtype=np.int64)
    over = (ends <= track.followed)[track.night]
    days, when = track.event[track.guarantee], track.nights[track.night]
    weight = track.weight[track.guarantee]
    steps = np.diff(np.r_[track.nights, track.nights[-1] + _step(track)]) / MONTH
    np.add.at(sums["months"], track.enterprise[over], (weight * steps[track.night])[over])
    rows = np.flatnonzero(chosen & over)
    key, place = np.unique(_firm_nights(track, rows), return_inverse=True)
    hit, already = np.zeros(len(key), dtype=bool), np.zeros(len(key), dtype=bool)
    mass, count = np.zeros(len(key)), np.zeros(len(key))
    np.logical_or.at(hit, place, (days[rows] > when[rows]) & (days[rows] <= ends[track.night[rows]]))
    np.logical_or.at(already, place, days[rows] <= when[rows])
    np.add.at(mass, place, weight[rows])
    np.add.at(count, place, 1.0)
    firm, mass = key // len(track.nights), mass / np.maximum(count, 1.0)
    told = hit | ~already
    for name, flags in (("listings", told), ("hits", hit), ("false", told & ~hit)):
        np.add.at(sums[name], firm[flags], mass[flags])


def _flapping(track: Track, settings: Settings, alerts: Flags, sums: dict[str, Floats]) -> None:
    when = track.nights[track.night]
    same = np.r_[False, track.guarantee[1:] == track.guarantee[:-1]]
    ended = np.flatnonzero(same & ~alerts & np.r_[False, alerts[:-1]])
    ended = ended[when[ended] + settings.flap <= track.nights[-1]]
    place = np.where(alerts, np.arange(len(alerts)), len(alerts))
    upcoming = np.minimum.accumulate(place[::-1])[::-1] if len(place) else place
    after = upcoming[ended]
    known = after < len(alerts)
    back = np.minimum(after, len(alerts) - 1)
    again = known & (track.guarantee[back] == track.guarantee[ended])
    again &= when[back] - when[ended] <= settings.flap
    np.add.at(sums["ends"], track.enterprise[ended], 1.0)
    np.add.at(sums["flaps"], track.enterprise[ended], again.astype(np.float64))


def _repeats(track: Track, raw: Flags, sums: dict[str, Floats]) -> None:
    key = np.unique(_firm_nights(track, raw))
    key = key[key % len(track.nights) > 0]
    before = np.isin(key - 1, np.unique(_firm_nights(track, raw)))
    np.add.at(sums["raw"], key // len(track.nights), 1.0)
    np.add.at(sums["repeats"], key // len(track.nights), before.astype(np.float64))


def _runs(track: Track, events: Judged, alerts: Flags, sums: dict[str, Floats]) -> Floats:
    """The run of alerted nights up to the last night before each compensation: its length in days."""
    when, size = track.nights[track.night], len(alerts)
    new = np.r_[True, track.guarantee[1:] != track.guarantee[:-1]] if size else np.zeros(0, dtype=bool)
    starts = alerts & (new | ~np.r_[False, alerts[:-1]]) if size else alerts
    begun = np.maximum.accumulate(np.where(starts, np.arange(size), -1)) if size else np.zeros(0, dtype=int)
    before = np.flatnonzero(when < track.event[track.guarantee])
    last = np.full(len(track.ids), -1, dtype=np.int64)
    last[track.guarantee[before]] = before  # rows are in order of night
    row = last[events.guarantee]
    standing = (row >= 0) & alerts[np.maximum(row, 0)]
    firm = firm_of(track)[events.guarantee]
    np.add.at(sums["standing"], firm, events.weight * standing)
    lead = events.day[standing] - when[begun[row[standing]]]
    return _ordered(firm[standing], lead, events.weight[standing])


def firm_of(track: Track) -> Ints:
    """The enterprise code of each guarantee code: that of its last night."""
    made = np.zeros(len(track.ids), dtype=np.int64)
    made[track.guarantee] = track.enterprise
    return made


def _firm_nights(track: Track, rows: npt.NDArray[Any]) -> Ints:
    """One number for each enterprise and night of some rows (flags or places)."""
    made: Ints = track.enterprise[rows] * len(track.nights) + track.night[rows]
    return made


def _step(track: Track) -> int:
    return int(track.nights[-1] - track.nights[-2]) if len(track.nights) > 1 else 30


def _ordered(firm: Ints, days: Any, weight: Floats) -> Floats:
    rows = np.column_stack([firm, days, weight]).astype(np.float64)
    return rows[np.lexsort((rows[:, 0], rows[:, 1]))]
