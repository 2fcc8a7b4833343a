"""Which parts does a model's specification have? One frozen definition for each block of `models/<name>.toml`."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from riskengine.schema import Definition, Words


class Label(Definition):
    """The outcome: an event of `source` within `horizon` after the as-of date."""

    source: str
    horizon: str = "36m"
    lag: str = "0d"  # how long after the event it may become known; a label matures only then
    title: Words | None = None
    # Rungs of the project's ladder of outcomes (configs/outcomes.toml):
    indeterminate: tuple[str, ...] = ()  # reached within the horizon without the event: neither good nor bad
    excluded: tuple[str, ...] = ()  # reached by the as-of day: the question is not asked
    competing: tuple[str, ...] = ()  # ends the risk before the event can come: early release, extension


class Population(Definition):
    """Which subjects at which dates: from when on, in which steps, and of whom an outcome can be seen at all."""

    start: date = Field(alias="from")
    every: str = ""
    granted: str = (
        ""  # a source whose fact on the same id says that the risk was taken: who was declined cannot fail
    )
    one_in: int = Field(default=1, ge=1)  # thin the panel: each guarantee at every so-manieth date, in turn
    # Thin the borrowers (`learning.sampling`): one in so many, drawn by hash; powers of two are whole buckets of the store.
    one_subject_in: int = Field(default=1, ge=1, le=65536)
    keep_events: bool = False  # of them, keep every borrower with a known event; the others weigh more

    @model_serializer(mode="wrap")
    def _told(self, told: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A population that is not thinned is told as before there was a way to: its bundles keep their bytes."""
        found: dict[str, Any] = told(self)
        if self.one_subject_in == 1:
            del found["one_subject_in"], found["keep_events"]
        return found


class SampleWeight(Definition):
    """The column of a source that says how many cases of the population a row stands for."""

    source: str
    column: str
    in_fit: bool = True  # weights always count in calibration and reports; here, also in the trees' fit


class Monotone(Definition):
    """Features that may only raise (`up`) or only lower (`down`) the PD, all else equal."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


class Trees(Definition):
    """LightGBM's parameters; what is not here is LightGBM's default."""

    rounds: int = Field(default=300, ge=1, le=5000)
    num_leaves: int = Field(default=15, ge=2, le=255)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    min_data_in_leaf: int = Field(default=50, ge=1)
    min_sum_hessian_in_leaf: float = Field(default=1e-3, ge=0)
    lambda_l1: float = Field(default=0.0, ge=0)
    lambda_l2: float = Field(default=1.0, ge=0)
    feature_fraction: float = Field(default=1.0, gt=0, le=1)
    bagging_fraction: float = Field(default=1.0, gt=0, le=1)
    bagging_freq: int = Field(default=0, ge=0)
    max_depth: int = -1
    max_bin: int = Field(default=255, ge=2)
    path_smooth: float = Field(default=0.0, ge=0)
    seed: int = 20051231


class Validation(Definition):
    """How the model is tested: on the last `out_of_time`, on a share of held-out borrowers, in grouped folds.

    `embargo` is the gap before the out-of-time rows from which no label may come: empty means the horizon, i.e.
    only labels that were mature when the out-of-time period began.
    """

    out_of_time: str = "24m"
    embargo: str = ""
    holdout_share: float = Field(default=0.15, gt=0, lt=0.5)
    folds: int = Field(default=5, ge=2, le=20)
    replicates: int = Field(default=200, ge=50)


class Calibration(Definition):
    """How raw scores become PDs: one method, or `auto`: the best out of time. `segment`: a subject column whose values
    (member institutions) get a shift of their own, shrunk towards the whole."""

    method: Literal["auto", "none", "logistic", "isotonic", "beta", "intercept"] = "auto"
    segment: str = ""


class Gates(Definition):
    """When a candidate is refused."""

    auc_at_least: float = Field(default=0.6, ge=0.5, le=1)
    auc_at_most: float = Field(default=0.95, gt=0.5, le=1)
    single_feature_auc_at_most: float = Field(default=0.85, gt=0.5, le=1)
    events_at_least: int = Field(default=30, ge=1)
    explained: dict[str, str] = Field(default_factory=dict)  # feature -> why so strong a feature is no leak


class Baseline(Definition):
    """The features of the scorecard that is reported beside the model, or is it; empty: the model's own."""

    features: tuple[str, ...] = ()


class Naive(Definition):
    """A rule anyone could use: the mean rank of some features, each turned so that higher is riskier.

    Write `-name` for a feature of which less is riskier.
    """

    features: tuple[str, ...] = ()

    def directions(self) -> list[tuple[str, float]]:
        """Each feature with +1 (more is riskier) or -1."""
        return [(name.lstrip("-"), -1.0 if name.startswith("-") else 1.0) for name in self.features]


class Rule(Definition):
    """A simple alarm, e.g. any overdue: it cries where the feature is above the limit."""

    name: str
    feature: str
    above: float = 0.0
    title: Words


class Hazard(Definition):
    """The discrete-time hazard: how far it looks, and by which features time passes.

    `age` is the feature of months on book, whose `bands` (upper limits, months) each have a term structure of their own;
    `remaining` that of days to maturity, by which exits are told; empty where exits are never published.
    """

    lifetime: str = "36m"
    age: str = "months_on_book"
    bands: tuple[int, ...] = (6, 12, 24)
    remaining: str = ""


class Uncertainty(Definition):
    """When is a PD not sure enough for a machine? Then a person decides."""

    coverage: float = Field(default=0.9, gt=0.5, lt=1)
    widest: float = Field(default=4.0, gt=1)  # odds of the upper limit over odds of the lower one
    most_missing: float = Field(default=0.6, gt=0, le=1)  # share of the model's features without a value


class Range(Definition):
    """From where to where a parameter is searched; `log`: by orders of magnitude."""

    low: float
    high: float
    log: bool = False


class Tuning(Definition):
    """Optuna's budget: so many trials and at most so many seconds; no trials: LightGBM's parameters are taken as given."""

    trials: int = Field(default=0, ge=0, le=500)
    seconds: float | None = None  # a limit in time makes two runs differ: empty unless somebody waits
    search: dict[str, Range] = Field(default_factory=dict)


class Action(Definition):
    """What an applicant can do about a feature: which way it can move, how far, and what that means in practice."""

    direction: Literal["up", "down", "both"] = "both"
    lowest: float | None = None
    highest: float | None = None
    not_below: str = ""  # the feature whose value bounds it from below: what the enterprise has already
    words: Words


class Inventory(Definition):
    """The fields of the model inventory that no run can know (SR 26-2; EBA/GL/2017/16): who answers for what, until when."""

    owner: str = ""
    developer: str = ""
    validator: str = ""
    tier: Literal["", "high", "medium", "low"] = ""
    use: Words | None = None  # what it is for, and what not
    assumptions: Words | None = None
    limitations: Words | None = None
    review_by: date | None = None  # the next validation
