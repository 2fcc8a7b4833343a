"""How does a PD stand to its trigger, to its peers, and over the months ahead? `[dynamics]` of `configs/nightly.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import Field

from riskengine.schema import DatedValue, Definition, in_force

if TYPE_CHECKING:
    import pandas as pd

    from riskengine.scoring.bundle import Bundle

DAYS_A_MONTH = 30.436875


ADDED = ("pd_trigger", "pd_to_peers", "pd_inversion")


class Dynamics(Definition):
    """How the night reads a PD.

    `trigger`: the house's trigger level of the PD, dated; `triggers`: that of single products, by the value of the key
    `product`. `by` is the key whose groups are peers, `least` the fewest enterprises of a group of which anything is said,
    `weight` (the pseudo-count) how many enterprises of the whole book each group is mixed with. `near`: how many months of
    the horizon are its near part.
    """

    trigger: tuple[DatedValue, ...] = ()
    product: str = "product"
    triggers: dict[str, tuple[DatedValue, ...]] = Field(default_factory=dict)
    by: str = "industry"
    least: int = Field(default=20, ge=2)
    weight: float = Field(default=50.0, ge=0)
    near: int = Field(default=6, ge=1)


def with_dynamics(
    frame: pd.DataFrame, bundle: Bundle, keys: Mapping[str, tuple[str, ...]], settings: Dynamics, as_of: date
) -> pd.DataFrame:
    """The rated frame with `pd_trigger`, `pd_to_peers` and `pd_inversion`; NaN where one cannot be said.

    `pd_trigger`: the PD over its product's trigger level, else the house's, in force on `as_of`.
    """
    import pandas as pd

    house = in_force(settings.trigger, as_of)
    level = pd.Series(house.value if house else float("nan"), index=frame.index, dtype="float64")
    columns = keys.get(settings.product, ())
    if len(columns) == 1 and settings.triggers:
        dated = {name: in_force(values, as_of) for name, values in settings.triggers.items()}
        own = {name: one.value for name, one in dated.items() if one is not None}
        level = frame[columns[0]].map(own).astype("float64").fillna(level)
    return frame.assign(
        pd_trigger=frame.pd.astype("float64") / level,
        pd_to_peers=_to_peers(frame, keys.get(settings.by, ()), settings),
        pd_inversion=_inversion(frame, bundle, settings.near),
    )


def _to_peers(frame: pd.DataFrame, columns: tuple[str, ...], settings: Dynamics) -> Any:
    """Odds of the PD over the odds of the group's usual PD, in which each enterprise counts once.

    The group's mean log-odds m of n enterprises is shrunk to the book's mean M with pseudo-count k: (n m + k M) / (n + k),
    so that a small group is told by the book and a large one by itself. This is the credibility estimate Z m + (1 - Z) M,
    Z = n / (n + k) (Bühlmann, Experience rating and credibility, ASTIN Bulletin 4, 1967), the empirical-Bayes mean of a
    normal with normal prior (Efron and Morris, JASA 68, 1973). Unknown where the group has fewer than `least` enterprises.
    """
    import numpy as np
    import pandas as pd

    if not columns:
        return np.full(len(frame), np.nan)
    chance = frame.pd.to_numpy(dtype="float64", na_value=np.nan)
    odds = pd.Series(np.log(chance) - np.log1p(-chance), index=frame.index)
    owner = frame.enterprise_id.where(frame.enterprise_id.notna(), frame.id).astype("str")
    known = pd.DataFrame({"odds": odds, "owner": owner, **{name: frame[name] for name in columns}})
    known = known[np.isfinite(odds)]
    whole = known.groupby("owner").odds.mean().mean()
    inside = known.dropna(subset=list(columns)).groupby([*columns, "owner"]).odds.mean()
    groups = inside.groupby(level=list(columns)).agg(["mean", "size"])
    shrunk = (groups["size"] * groups["mean"] + settings.weight * whole) / (groups["size"] + settings.weight)
    usual = shrunk[groups["size"] >= settings.least].rename("_usual")
    joined = frame[list(columns)].join(usual, on=list(columns))["_usual"].astype("float64")
    return np.exp(odds.to_numpy() - joined.to_numpy())


def _inversion(frame: pd.DataFrame, bundle: Bundle, near: int) -> Any:
    """The yearly PD of the near months of the horizon over that of the later ones; unknown without a hazard.

    Above one the danger is near: the term structure is inverted. Both parts are yearly rates of those still there at their
    start, 1 - prod(1 - h) ** (12 / months), from the monthly hazards of `scoring.term_structure`, without the segment's
    shift, which moves both alike. Months after the guarantee's maturity do not count; unknown where no later one is left.
    """
    import numpy as np

    from riskengine.scoring.native import raw_scores
    from riskengine.scoring.served import feature_matrix

    how = bundle.calibration
    if how["method"] != "hazard" or int(how["horizon"]) <= near or not len(frame):
        return np.full(len(frame), np.nan)
    months, matrix = int(how["horizon"]), feature_matrix(bundle, frame)
    raw = raw_scores(bundle, matrix)
    age = matrix[:, how["age"]]
    band = np.where(np.isnan(age), len(how["bands"]) // 2, np.searchsorted(how["bands"], age, side="left"))
    baseline = np.array(how["baseline"], dtype=np.float64)[band, :months]
    steep = np.minimum(baseline + raw[:, None] * np.array(how["slope"][:months], dtype=np.float64), 3.0)
    survived = -np.exp(steep)  # the log of surviving each month
    left = np.full(len(frame), float(months))
    if how["exits"] and how["remaining"] is not None:
        days = matrix[:, how["remaining"]]
        left = np.where(np.isnan(days), left, np.clip(np.floor(days / DAYS_A_MONTH), 0, months))
    later = left - near
    there = np.arange(months)[None, :] < left[:, None]
    first = -np.expm1(survived[:, :near].sum(axis=1) * 12.0 / near)
    with np.errstate(divide="ignore", invalid="ignore"):
        second = -np.expm1((survived * there)[:, near:].sum(axis=1) * 12.0 / later)
        return np.where(later >= 1, first / second, np.nan)
