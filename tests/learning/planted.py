"""A simulated guarantee panel, leaks of many kinds to plant in it, and strong features that are honest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from riskengine.learning.fitting import Rows, buckets
from riskengine.learning.foreknowledge import Hindsight

HORIZON = 365
Planted = tuple[np.ndarray, np.ndarray]  # as it stands now, as it stands a month later
BASE = ("index", "debt", "growth", "cases", "months_on_book", "days_to_maturity", "arrears", "noise")


@dataclass(frozen=True)
class World:
    """Rows of guarantees in force: outcome, days to it (NaN: none), age, honest features now and a month later."""

    label: np.ndarray
    lead: np.ndarray
    age: np.ndarray
    group: np.ndarray
    now: np.ndarray
    later: np.ndarray
    risk: np.ndarray

    @property
    def rows(self) -> Rows:
        return Rows(self.now, self.label, np.ones(len(self.label)), self.group)

    @property
    def fold(self) -> np.ndarray:
        return buckets(list(self.group), 5, 1)

    def hindsight(self, names: tuple[str, ...]) -> Hindsight:
        return Hindsight(names, self.now, self.later, self.label, self.lead, self.age, self.group, HORIZON)

    def plus(self, planted: Planted) -> World:
        now, later = (
            np.column_stack([old, new]) for old, new in zip((self.now, self.later), planted, strict=True)
        )
        return replace(self, now=now, later=later)


def world(seed: int, size: int = 8000, rate: float = 0.08) -> World:
    """A world whose honest features together reach an AUC of about 0.75; `rate` of the rows fail within a year."""
    rng = np.random.default_rng(seed)
    traits = rng.normal(size=(size, 4))
    risk = traits @ np.array([0.7, 0.6, -0.6, 0.4])
    chance = risk + rng.logistic(size=size)
    label = (chance > np.quantile(chance, 1 - rate)).astype(np.int64)
    lead = np.where(label == 1, np.ceil(HORIZON * rng.random(size) ** 0.9), np.nan)
    age = np.ceil(720 * rng.random(size))
    maturity = np.where(
        (label == 1) & (rng.random(size) < 0.6),
        np.floor(lead - rng.gamma(3, 25, size)),  # claims come weeks after the maturity
        np.floor(rng.random(size) * 830 - 100),
    )
    arrears = overdue(label, lead, 30, rng, (0.3, 0.03))
    now = np.column_stack(
        [
            *(traits[:, :3] + rng.normal(0, 0.7, (size, 3))).T,
            rng.poisson(np.exp(0.6 * traits[:, 3] - 1)),
            np.round(age / 30.4375),
            maturity,
            arrears[0],
            rng.normal(size=size),
        ]
    )
    later = now.copy()
    later[:, :3] += rng.normal(0, 0.1, (size, 3))
    later[:, 4] += 1
    later[:, 5] -= 30
    later[:, 6] = arrears[1]
    return World(label, lead, age, np.arange(size) // 2, now, later, risk)


def overdue(
    label: np.ndarray, lead: np.ndarray, mean: float, rng: np.random.Generator, often: tuple[float, float]
) -> Planted:
    """Days overdue as they are seen in time: begun 30 to 150 days before the event in some failures, and in some others."""
    began = np.where(rng.random(len(label)) < often[0], rng.uniform(30, 150, len(label)), 0)
    false = np.where(rng.random(len(label)) < often[1], rng.exponential(mean, len(label)), 0)
    seen = [np.ceil(np.where(label == 1, np.maximum(began - lead + 30 * step, 0), false)) for step in (0, 1)]
    return seen[0], seen[1]


Leak = Callable[[World, np.random.Generator], "np.ndarray | Planted"]
LEAKS: dict[str, Leak] = {}


def leak(name: str) -> Callable[[Leak], Leak]:
    def keep(made: Leak) -> Leak:
        LEAKS[name] = made
        return made

    return keep


def some(w: World, rng: np.random.Generator, bad: float, good: float) -> np.ndarray:
    """A flag set for these shares of the failed and of the others."""
    return rng.random(len(w.label)) < np.where(w.label == 1, bad, good)


def normal(w: World, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=len(w.label))


def groups_of(w: World, rng: np.random.Generator, each: int) -> np.ndarray:
    return rng.permutation(len(w.label)) // each


def mean_by(place: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    times = np.bincount(place)
    return np.bincount(place, label)[place], times[place]


# The label itself
LEAKS["label_noise_0.3"] = lambda w, r: w.label + r.normal(0, 0.3, len(w.label))
LEAKS["label_noise_0.6"] = lambda w, r: w.label + r.normal(0, 0.6, len(w.label))
LEAKS["label_flipped_5"] = lambda w, r: w.label ^ (r.random(len(w.label)) < 0.05)
LEAKS["label_flipped_12"] = lambda w, r: w.label ^ (r.random(len(w.label)) < 0.12)
LEAKS["label_for_60_percent"] = lambda w, r: some(w, r, 0.6, 0)
LEAKS["label_for_25_percent"] = lambda w, r: some(w, r, 0.25, 0.001)
LEAKS["score_of_an_insider"] = lambda w, r: 1.7 * w.label + w.risk + normal(w, r)
LEAKS["label_in_the_third_decimal"] = lambda w, r: np.round(normal(w, r), 2) + 0.001 * w.label

# The day of the event
LEAKS["days_to_event"] = lambda w, r: w.lead
LEAKS["days_to_event_or_horizon"] = lambda w, r: (
    np.where(w.label == 1, w.lead, HORIZON) + r.normal(0, 15, len(w.label))
)
LEAKS["term_is_the_life"] = lambda w, r: np.where(
    w.label == 1, np.round((w.age + w.lead) / 30.4375), r.integers(1, 8, len(w.label)) * 12
)
LEAKS["life_in_months_of_all"] = lambda w, r: np.round(
    (
        w.age
        + np.where(
            w.label == 1,
            w.lead,
            r.permutation(np.where(np.isnan(w.lead), 400 * r.random(len(w.lead)), w.lead)),
        )
    )
    / 30.4375
)
LEAKS["lead_with_noise"] = lambda w, r: np.where(
    w.label == 1, w.lead * r.normal(1, 0.04, len(w.lead)), HORIZON * r.random(len(w.lead))
)
LEAKS["lead_in_days_of_all"] = lambda w, r: np.where(
    w.label == 1, w.lead, np.ceil(HORIZON * r.random(len(w.lead)))
)
LEAKS["year_of_the_end"] = lambda w, r: (
    2015 + np.floor(np.where(w.label == 1, w.lead, HORIZON * (1 + 2 * r.random(len(w.lead)))) / 365)
)
LEAKS["days_since_last_payment_at_extraction"] = lambda w, r: np.where(
    w.label == 1, 730 - w.lead + r.exponential(60, len(w.lead)), 30 + r.exponential(150, len(w.lead))
)

# Status and money after the outcome
LEAKS["final_status"] = lambda w, r: np.where(
    w.label == 1, r.choice([2, 3], len(w.label)), r.choice([0, 1], len(w.label))
)
LEAKS["recovered_amount"] = lambda w, r: np.where(some(w, r, 0.7, 0), r.lognormal(10, 1, len(w.label)), 0)
LEAKS["charged_off_principal"] = lambda w, r: np.where(w.label == 1, r.lognormal(12, 1, len(w.label)), 0)
LEAKS["recovery_costs"] = lambda w, r: np.where(some(w, r, 0.8, 0.01), r.lognormal(8, 1, len(w.label)), 0)
LEAKS["agency_assigned"] = lambda w, r: some(w, r, 0.5, 0.001)
LEAKS["claim_file_opened"] = lambda w, r: some(w, r, 0.75, 0.005)
LEAKS["days_in_work_out"] = lambda w, r: np.where(some(w, r, 0.8, 0.02), r.integers(1, 400, len(w.label)), 0)

# Revised later, with the old date
LEAKS["balance_frozen"] = lambda w, r: np.where(
    w.label == 1, r.uniform(0.6, 1, len(w.label)), r.uniform(0, 0.7, len(w.label))
)
LEAKS["rating_at_the_end"] = lambda w, r: np.where(
    some(w, r, 0.8, 0.03), r.integers(7, 10, len(w.label)), r.integers(1, 8, len(w.label))
)
LEAKS["sales_restated"] = lambda w, r: normal(w, r) - 1.7 * w.label


@leak("restated_next_month")
def _restated(w: World, r: np.random.Generator) -> Planted:
    noise = normal(w, r)
    return noise, noise - 2.0 * w.label


LEAKS["filled_next_month"] = lambda w, r: (
    np.full(len(w.label), np.nan),
    np.where(some(w, r, 0.5, 0.05), 1.0, np.nan),
)
LEAKS["flag_next_month"] = lambda w, r: (np.zeros(len(w.label)), some(w, r, 0.3, 0.02).astype(float))

# Windows that look ahead, counts that include the event
LEAKS["overdues_a_year_ahead"] = lambda w, r: r.poisson(np.where(w.label == 1, 2.0, 0.05))
LEAKS["troubles_three_months_ahead"] = lambda w, r: (w.lead <= 92).astype(float) + some(w, r, 0, 0.001)
LEAKS["worst_overdue_a_year_ahead"] = lambda w, r: np.where(
    some(w, r, 0.9, 0.08), r.integers(30, 120, len(w.label)), 0
)
LEAKS["mean_balance_ahead"] = lambda w, r: r.normal(1, 0.2, len(w.label)) - 0.45 * w.label
LEAKS["ended_next_month"] = lambda w, r: (w.lead <= 40).astype(float)
LEAKS["compensations_with_the_own"] = lambda w, r: r.poisson(0.05, len(w.label)) + w.label
LEAKS["compensated_amount_with_the_own"] = lambda w, r: np.where(
    (w.label == 1) | (r.random(len(w.label)) < 0.05), r.lognormal(12, 1, len(w.label)), 0
)
LEAKS["days_between_compensation_and_extraction"] = lambda w, r: np.where(w.label == 1, 730 - w.lead, np.nan)

# Order and numbers
LEAKS["number_ordered_by_outcome"] = lambda w, r: np.argsort(
    np.argsort(w.label + r.normal(0, 0.35, len(w.label)))
)
LEAKS["two_files_one_after_the_other"] = lambda w, r: np.argsort(np.argsort(-w.label, kind="stable"))
LEAKS["even_numbers_failed"] = lambda w, r: 2 * r.permutation(len(w.label)) + some(w, r, 0.05, 0.95)

# Missing
LEAKS["filled_for_the_failed"] = lambda w, r: np.where(some(w, r, 0.85, 0.02), normal(w, r), np.nan)
LEAKS["missing_for_the_failed"] = lambda w, r: np.where(some(w, r, 0.75, 0.02), np.nan, normal(w, r))
LEAKS["minus_one_for_the_failed"] = lambda w, r: np.where(
    some(w, r, 0.8, 0.01), -1, r.integers(0, 60, len(w.label))
)
LEAKS["survey_of_survivors"] = lambda w, r: np.where(some(w, r, 0.1, 0.9), normal(w, r), np.nan)


# Rates with the own label in them
@leak("rate_of_four_with_the_own")
def _rate_of_four(w: World, r: np.random.Generator) -> np.ndarray:
    events, times = mean_by(groups_of(w, r, 4), w.label)
    return events / times


@leak("rate_of_ten_with_the_own")
def _rate_of_ten(w: World, r: np.random.Generator) -> np.ndarray:
    events, times = mean_by(groups_of(w, r, 10), w.label)
    return events / times


@leak("rate_of_all_others")
def _leave_one_out(w: World, r: np.random.Generator) -> np.ndarray:
    events, times = mean_by(np.zeros(len(w.label), dtype=int), w.label)
    return (events - w.label) / (times - 1)


@leak("smoothed_code_over_all_rows")
def _smoothed(w: World, r: np.random.Generator) -> np.ndarray:
    events, times = mean_by(groups_of(w, r, 5), w.label)
    return (events + 5 * w.label.mean()) / (times + 5)


# Digits
@leak("multiple_of_twelve")
def _multiple(w: World, r: np.random.Generator) -> np.ndarray:
    years = r.integers(1, 25, len(w.label)) * 12
    return np.where(some(w, r, 0.03, 0.9), years, years + r.integers(1, 12, len(years)))


LEAKS["round_amounts_of_survivors"] = lambda w, r: np.where(
    some(w, r, 0.05, 0.93), r.integers(1, 900, len(w.label)) * 1000, r.integers(1000, 900_000, len(w.label))
)
LEAKS["last_digit_seven"] = lambda w, r: (
    r.integers(10, 9000, len(w.label)) * 10
    + np.where(some(w, r, 0.85, 0.05), 7, r.integers(0, 10, len(w.label)))
)
LEAKS["cents_of_accrued_interest"] = lambda w, r: (
    r.integers(100, 9000, len(w.label))
    + np.where(some(w, r, 0.9, 0.05), np.round(r.random(len(w.label)), 2), 0)
)

# How the sample was drawn
LEAKS["sampling_weight"] = lambda w, r: np.where(some(w, r, 0.95, 0.08), 5.07, 22.7)
LEAKS["sampling_weight_noisy"] = lambda w, r: (
    np.where(w.label == 1, 5.07, 22.7) * r.lognormal(0, 0.6, len(w.label))
)
LEAKS["day_of_extraction"] = lambda w, r: np.where(
    w.label == 1, r.integers(0, 365, len(w.label)), 30 * r.integers(0, 13, len(w.label))
)
LEAKS["failed_extracted_earlier"] = lambda w, r: r.normal(0, 90, len(w.label)) - 160 * w.label


Honest = Callable[[World, np.random.Generator], "np.ndarray | Planted"]


def _near(often: float, false: float) -> Honest:
    return lambda w, r: overdue(w.label, w.lead, 30, r, (often, false))


def _score(strength: float) -> Honest:
    def made(w: World, r: np.random.Generator) -> Planted:
        now = strength * w.risk + normal(w, r)
        return now, now + r.normal(0, 0.1, len(now))

    return made


def _visit(w: World, r: np.random.Generator) -> Planted:
    caught, false = r.random(len(w.label)) < 0.6, r.random(len(w.label)) < 0.02
    seen = [
        ((w.label == 1) & caught & (w.lead <= 45 + 30 * step)) | ((w.label == 0) & false) for step in (0, 1)
    ]
    return seen[0].astype(float), seen[1].astype(float)


def _waning(w: World, r: np.random.Generator) -> Planted:
    """Sales that fall faster as the event comes nearer, over most of a year."""
    noise, near = normal(w, r), np.nan_to_num(np.clip(1 - w.lead / 300, 0, 1))
    return noise - 1.2 * near, noise + r.normal(0, 0.1, len(near)) - 1.2 * np.where(
        w.label == 1, np.clip(near + 0.1, 0, 1), 0
    )


HONEST: dict[str, Honest] = {
    "overdue_half": _near(0.5, 0.03),
    "overdue_most": _near(0.9, 0.03),
    "overdue_nearly_all": _near(1.0, 0.02),
    "overdue_seldom_false": _near(0.6, 0.01),
    "visit": _visit,
    "waning_sales": _waning,
    "score_0.5": _score(0.5),
    "score_0.8": _score(0.8),
    "risk_flag": lambda w, r: (w.risk + normal(w, r) > 1.5).astype(float),
    "missing_for_the_risky": lambda w, r: np.where(w.risk + normal(w, r) > 1, np.nan, normal(w, r)),
    "region": lambda w, r: np.clip(np.round(3 * w.risk + 3 * normal(w, r)), -6, 6),
    "amount_round": lambda w, r: np.where(r.random(len(w.label)) < 0.7, r.integers(1, 900, len(w.label)) * 1000, r.integers(1000, 900_000, len(w.label))),
    "term_in_years": lambda w, r: 12 * r.integers(1, 6, len(w.label)) - 3 * (w.risk > 1),
    "number": lambda w, r: r.permutation(len(w.label)),
}  # fmt: skip


def both(planted: np.ndarray | Planted) -> Planted:
    """The values now and a month later; one array stays as it is."""
    now, later = planted if isinstance(planted, tuple) else (planted, planted)
    return np.asarray(now, dtype=np.float64), np.asarray(later, dtype=np.float64)
