"""What did each signal find that nothing else found, what did it cost, and which ones could be retired?

Of each signal, over the replayed nights: *alerts*, how often it began on a guarantee (a night with it after one without, or the
first in the book); *enterprises* it fired on; *caught*, judged compensations with it on a night within the horizon before;
*unique*, those of them that no other signal about a guarantee or its enterprise caught; *lift*, the share compensated within the
horizon among guarantee-nights with it over the share among all (right-censored nights and compensations not yet known left out);
*nearest*, the signal whose firings overlap most (Jaccard: shared guarantee-nights over those of either) and *inside*, the part of its
own firings that the nearest has too. A signal about a group is counted at each guarantee of the group, and is nobody's rival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from riskengine.backtest.lists import later
from riskengine.backtest.measures import Judged, in_window
from riskengine.backtest.resampling import estimates, ratio
from riskengine.backtest.settings import Retire, Settings
from riskengine.backtest.track import Flags, Floats, Track
from riskengine.clock import Span
from riskengine.learning.metrics import Estimate
from riskengine.monitor.signals import Signal
from riskengine.monitor.vocabulary import GUARANTEE
from riskengine.schema import Words

OFFICIAL = "A"
_OWN = (GUARANTEE, "enterprise")


@dataclass(frozen=True)
class Merit:
    """What one signal did; `retire` says why it is proposed for retirement ("" not proposed), `note` why it was not judged."""

    signal: str
    title: Words
    about: str
    alerts: int
    enterprises: int
    expected: float
    caught: int
    unique: int
    lift: Estimate
    nearest: str
    jaccard: float
    inside: float
    cost: float
    retire: Words | None = None
    note: Words | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON value; numbers to six digits."""
        told = asdict(self) | {
            "title": self.title.model_dump(),
            "retire": self.retire.model_dump() if self.retire else None,
            "note": self.note.model_dump() if self.note else None,
        }
        return {name: round(part, 6) if isinstance(part, float) else part for name, part in told.items()} | {
            "lift": rounded(self.lift)
        }


def rounded(one: Estimate) -> dict[str, float | None]:
    """An estimate with six digits."""
    return {
        name: None if part is None else round(part, 6)
        for name, part in (("value", one.value), ("low", one.low), ("high", one.high))
    }


def merits(track: Track, events: Judged, settings: Settings, signals: Sequence[Signal]) -> list[Merit]:
    """One for each signal of the catalogue, in its order; signals about feeds or the whole book fire on no guarantee."""
    fires = _fires(track, len(signals))
    told, hit = _judgeable(track, settings)
    own = np.array([signal.about in _OWN for signal in signals], dtype=bool)
    caught, unique = _caught(track, events, settings, fires, own)
    alerts, firms = _alerts(track, fires)
    lifts = _lifts(track, settings, fires, (told, hit))
    share = float(hit[told].mean()) if told.any() else 0.0
    near, reached = _nearest(fires, own), _reached(track, fires, told)
    made = []
    for place, signal in enumerate(signals):
        other, jaccard, inside = near[place]
        began = int(alerts[place])
        one = Merit(
            signal.id, signal.title, signal.about, began, int(firms[place]), share * float(reached[place]),
            int(caught[place]), int(unique[place]), lifts[place], signals[other].id if other >= 0 else "",
            jaccard, inside, settings.visit_cost * began if own[place] else 0.0,
        )  # fmt: skip
        made.append(_proposed(one, settings.retire, signal.evidence, len(events.day)))
    return made


def _fires(track: Track, size: int) -> Any:
    """Rows x signals, 1 where it was true."""
    ones = np.ones(len(track.fired))
    made = sparse.csc_matrix(
        (ones, (track.fired[:, 0], track.fired[:, 1])), shape=(len(track.night), size), dtype=np.float64
    )
    made.data[:] = 1.0  # a pair named twice is one firing
    return made


def _judgeable(track: Track, settings: Settings) -> tuple[Flags, Flags]:
    """Of each row: its horizon is over and the guarantee not yet compensated; and compensated within the horizon."""
    span = Span.parse(settings.horizon)
    ends = np.array([later(int(day), span) for day in track.nights], dtype=np.int64)[track.night]
    days, when = track.event[track.guarantee], track.nights[track.night]
    told = (ends <= track.followed) & (days > when)
    hit: Flags = told & (days <= ends)
    return told, hit


def _caught(
    track: Track, events: Judged, settings: Settings, fires: Any, own: Flags
) -> tuple[Floats, Floats]:
    """By signal: judged compensations it fired before, and those that no other own signal fired before."""
    place = np.full(len(track.ids), -1, dtype=np.int64)
    place[events.guarantee] = np.arange(len(events.guarantee))
    rows = np.flatnonzero(in_window(track, track.event[track.guarantee], Span.parse(settings.horizon)))
    rows = rows[place[track.guarantee[rows]] >= 0]
    picked = sparse.csr_matrix(
        (np.ones(len(rows)), (place[track.guarantee[rows]], rows)),
        shape=(len(events.guarantee), len(track.night)),
    )
    seen = (picked @ fires).toarray() > 0
    alone = seen[:, own].sum(axis=1) == 1
    unique = (seen & alone[:, None]).sum(axis=0) * own
    return seen.sum(axis=0).astype(np.float64), unique.astype(np.float64)


def _alerts(track: Track, fires: Any) -> tuple[Floats, Floats]:
    """By signal: how often it began on a guarantee, and on how many enterprises it fired."""
    size = fires.shape[1]
    alerts, firms = np.zeros(size), np.zeros(size)
    for place in range(size):
        rows = np.sort(fires.indices[fires.indptr[place] : fires.indptr[place + 1]])
        goes_on = np.zeros(len(rows), dtype=bool)
        goes_on[1:] = (np.diff(rows) == 1) & (track.guarantee[rows[1:]] == track.guarantee[rows[:-1]])
        alerts[place] = len(rows) - int(goes_on.sum())
        firms[place] = len(np.unique(track.enterprise[rows]))
    return alerts, firms


def _reached(track: Track, fires: Any, told: Flags) -> Floats:
    """By signal: on how many guarantees it fired in judgeable rows (a guarantee counts once, however many nights)."""
    made = np.zeros(fires.shape[1])
    for place in range(fires.shape[1]):
        rows = fires.indices[fires.indptr[place] : fires.indptr[place + 1]]
        made[place] = len(np.unique(track.guarantee[rows[told[rows]]]))
    return made


def _lifts(track: Track, settings: Settings, fires: Any, rows: tuple[Flags, Flags]) -> list[Estimate]:
    told, hit = rows
    size, firms = fires.shape[1], len(track.firms)
    weight = track.weight[track.guarantee]
    by_firm = sparse.csr_matrix(
        (np.ones(len(track.night)), (track.enterprise, np.arange(len(track.night)))),
        shape=(firms, len(track.night)),
    )
    fired = np.asarray((by_firm @ fires.multiply((weight * told)[:, None]).tocsc()).todense())
    hits = np.asarray((by_firm @ fires.multiply((weight * hit)[:, None]).tocsc()).todense())
    every = (
        np.bincount(track.enterprise, weight * told, firms),
        np.bincount(track.enterprise, weight * hit, firms),
    )
    table = np.column_stack([fired, hits, *every])

    def figures(times: Floats) -> Floats:
        total = times @ table
        base = ratio(total[-1:], total[-2:-1])
        return ratio(ratio(total[size : 2 * size], total[:size]), np.repeat(base, size))

    return estimates(figures, firms, settings.replicates, settings.seed)


def _nearest(fires: Any, own: Flags) -> list[tuple[int, float, float]]:
    """By signal: the rival with the largest Jaccard overlap (-1: none), that overlap, and the part of its firings inside it."""
    both = np.asarray((fires.T @ fires).todense())
    sizes = np.diag(both)
    made = []
    for place in range(len(sizes)):
        union = sizes + sizes[place] - both[place]
        overlap = ratio(both[place], union)
        overlap = np.where(own & (np.arange(len(sizes)) != place), np.nan_to_num(overlap), -1.0)
        best = int(np.argmax(overlap)) if len(overlap) else -1
        if best < 0 or overlap[best] <= 0 or not own[place]:
            made.append((-1, 0.0, 0.0))
        else:
            made.append((best, float(overlap[best]), float(both[place, best] / sizes[place])))
    return made


def _proposed(one: Merit, rules: Retire, evidence: str, judged_in_all: int) -> Merit:
    """The merit with what is proposed of its signal, or why nothing is."""
    if not one.enterprises and one.about not in _OWN:
        en = f"about {one.about}: never fired, or on no guarantee of its own"
        return replace(one, note=Words(en=en, zh=f"对象为 {one.about}：未触发，或不对应具体担保"))
    if not one.enterprises:
        return replace(one, note=Words(en="never fired on a guarantee", zh="未在任何担保上触发"))
    if not judged_in_all:
        en = "not judged: the range has no compensation that can be judged"
        return replace(one, note=Words(en=en, zh="未评价：区间内没有可评价的代偿"))
    useful = one.lift.low is not None and one.lift.low > rules.lift
    rare = one.enterprises < rules.least_enterprises or one.expected < rules.least_expected
    if rare and useful:  # too rare to be proposed, and good enough not to need an excuse
        return one
    if rare:
        few = f"{one.enterprises} / {one.expected:.1f}"
        en = f"too rare to judge (enterprises / compensations expected by chance: {few})"
        return replace(one, note=Words(en=en, zh=f"触发太少，无法评价（企业数 / 随机预期代偿数：{few}）"))
    reason = _reason(one, rules, judged_in_all)
    if reason is not None and evidence == OFFICIAL:
        en = f"kept, an official text asks for it; else: {reason.en}"
        return replace(one, note=Words(en=en, zh=f"有官方依据，保留；否则：{reason.zh}"))
    return replace(one, retire=reason)


def _reason(one: Merit, rules: Retire, judged_in_all: int) -> Words | None:
    if one.lift.high is not None and one.lift.high <= rules.lift:
        return Words(
            en=f"no better than the book: lift {one.lift.value:.2f}, at most {one.lift.high:.2f}",
            zh=f"不优于全部在保：提升度 {one.lift.value:.2f}，上限 {one.lift.high:.2f}",
        )
    alone = one.unique == 0 and judged_in_all >= rules.least_judged
    if one.nearest and one.inside >= rules.overlap and alone:
        return Words(
            en=f"{one.inside:.0%} of its firings are {one.nearest}'s too, and it caught nothing alone",
            zh=f"{one.inside:.0%} 的触发与 {one.nearest} 重合，且无独有命中",
        )
    return None
