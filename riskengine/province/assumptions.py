"""Which numbers make the synthetic province what it is, and where is each from?

`evidence` is a tag of `guarantee_domain.md`: A official, B secondary, C practice, seed the two press articles, K unverified,
D this house's choice. Money is yuan; rates are fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["csv", "parquet", "json", "xlsx"]


@dataclass(frozen=True)
class Assumed:
    """One number with where it is from."""

    value: float
    reference: str
    evidence: str


# --- who lives here
TECHNOLOGY = Assumed(
    15_800 / 667_100, "15,800 technology entities of 667,100 served (Shandong, Jan-Aug 2025)", "seed"
)
SMALL_OR_FARMING = Assumed(0.992, "more than 99 % small and agricultural (Anhui 2024)", "seed")
AGRICULTURAL = Assumed(0.12, "share of farms and cooperatives among those served", "D")
MICRO = Assumed(0.70, "share of micro enterprises", "D")
OWN_CONTROLLER = Assumed(0.86, "enterprises that are their controller's first; the others share one", "D")
RENAMED = Assumed(0.06, "renamed once within ten years", "D")
SIBLING = Assumed(0.02, "enterprises whose name differs from another's in one word", "D")

# --- how they depend on each other
SALES_EDGES = Assumed(3.0, "known buyers of one seller, mean", "D")
CIRCLE = Assumed(0.10, "share of enterprises in a mutual guarantee circle", "D")
HOLDINGS = Assumed(0.04, "share of enterprises held by another enterprise", "D")

# --- how health moves, a month
MEMORY = Assumed(0.94, "AR(1) of latent health: half of a shock is gone after 11 months", "D")
INDUSTRY = Assumed(0.04, "share of the variance of shocks from the industry's cycle", "D")
REGION = Assumed(0.04, "share from the region", "D")
CONTROLLER = Assumed(0.25, "share from the controller, common to all his enterprises", "D")
QUALITY = Assumed(0.35, "share of the variance of health that never changes", "D")
CUSTOMER_HIT = Assumed(1.1, "health lost when customers for all sales fail, in standard deviations", "D")
PARTNER_HIT = Assumed(1.2, "health lost when a debtor fails whose guarantee equals half a year's sales", "D")
CONTAGION_DECAY = Assumed(0.82, "of a failure's effect left after a month", "D")

# --- how payments begin to fail, a month
STEEPNESS = Assumed(1.9, "log odds of distress for one standard deviation of smoothed health", "D")
HAZARD = Assumed(-7.4, "log odds of distress at mean health; calibrated to the compensation rate", "D")
OUT_OF_THE_BLUE = Assumed(0.0005, "a month, whatever the health: death, fire, fraud (objective causes)", "D")
AFTERMATH = Assumed(1.2, "health lost by the distress itself", "D")
CLOSING = Assumed(0.0008, "closure a month while nothing is wrong", "D")
CLOSING_DISTRESSED = Assumed(0.03, "closure a month after distress", "D")

# --- what is guaranteed
IN_FORCE = Assumed(
    150_000 / 667_100, "150,000 guarantees in force for 667,100 entities served (reference load)", "D"
)
FEE = Assumed(0.0062, "average new guarantee fee 0.62 %", "seed")
LOAN_RATE = Assumed(0.0447, "average new loan rate 4.47 %", "seed")
BATCH_MEAN = Assumed(3_217_000, "57.906 bn to 18,000 entities", "seed")
TECH_MEAN = Assumed(4_430_000, "70.004 bn to 15,800 entities", "seed")
STD_MEAN = Assumed(
    950_000, "Anhui: 131.874 bn to 126,700 entities, about 1.04 m, less the larger products", "seed"
)
AGRI_MEAN = Assumed(600_000, "100,000 to 3,000,000: range of the agricultural plans", "C")
PRIV_MEAN = Assumed(3_500_000, "below the cap of 20 m", "D")
RENEWAL = Assumed(0.80, "guarantees that are applied for again when they end", "D")
DECLINED = Assumed(0.12, "applications declined", "D")
EXTENDED = Assumed(0.02, "guarantees extended (展期) rather than repaid in time", "D")
FROM_OVERDUE = Assumed(0.62, "overdue loans that end in compensation", "D")
DISPUTED = Assumed(0.01, "overdue loans in dispute for a year or more, then released by judgment", "D")
GRACE_LOW = Assumed(60, "days of grace, batch product", "K")
GRACE_HIGH = Assumed(90, "days of grace, agricultural system", "C")
COMPENSATION_LOW = Assumed(0.008, "compensated / released, a year: Shandong", "B")
COMPENSATION_HIGH = Assumed(0.021, "compensated / released, a year: whole industry", "B")
RECOVERED = Assumed(0.30, "of a compensation within 24 months, mean", "D")

# --- how it is told
OPENING = Assumed(2 / 3, "of the period is history and comes at once; the rest month by month", "D")


@dataclass(frozen=True)
class Manner:
    """How a publisher writes: file form, encoding (csv) and the spelling of dates."""

    form: Form = "csv"
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    dates: str = "{:%Y-%m-%d}"


_SLASHED, _HAN, _PACKED = "{0:%Y}/{0.month}/{0.day}", "{0:%Y}年{0.month}月{0.day}日", "{:%Y%m%d}"
_GB = Manner("csv", "gb18030")
MANNERS: dict[str, Manner] = {
    "mkt_reg": Manner("csv", "gb18030", _SLASHED),
    "mkt_change": Manner("csv", "gb18030", _SLASHED),
    "mkt_annual": _GB,
    "mkt_abnormal": Manner("csv", "gb18030", _HAN),
    "mkt_equity": _GB,
    "mkt_people": _GB,
    "tax_reg": Manner("csv", "gb18030", _PACKED),
    "tax_rating": _GB,
    "tax_filing": Manner("csv", "gb18030", _PACKED),
    "tax_paid": Manner("csv", "gb18030", _PACKED),
    "tax_violation": Manner("csv", "gb18030", _HAN),
    "inv_monthly": Manner("parquet"),
    "inv_counterparty": Manner("parquet"),
    "si_monthly": Manner("parquet"),
    "utility": Manner("parquet"),
    "hf_monthly": Manner("csv", "utf-8-sig"),
    "court_exec": Manner("csv", "gb18030", _HAN),
    "court_dishonest": Manner("csv", "gb18030", _HAN),
    "court_limit": Manner("csv", "gb18030", _HAN),
    "court_final": Manner("csv", "gb18030", _HAN),
    "court_case": Manner("csv", "gb18030", _HAN),
    "court_freeze": Manner("csv", "gb18030", _HAN),
    "adm_penalty": Manner("csv", "utf-8-sig", _SLASHED),
    "env_safety": Manner("csv", "utf-8-sig", _SLASHED),
    "realty": Manner("csv", "utf-8-sig"),
    "customs": Manner("csv", "utf-8-sig", _PACKED),
    "gov_fund": Manner("csv", "utf-8-sig", _SLASHED),
    "sentiment": Manner("json"),
    "jobs": Manner("json"),
    "bidding": Manner("csv", "utf-8-sig", _SLASHED),
    "price_index": Manner("xlsx", dates=_SLASHED),
    "institution": Manner("xlsx"),
    "product": Manner("xlsx"),
    "bank_feedback": Manner("parquet"),
}


def manner(source: str) -> Manner:
    """How the source's publisher writes; plain UTF-8 CSV where nothing else is said."""
    return MANNERS.get(source, Manner())


# --- what goes wrong, a row. The domain page names the faults of each table but no rates: all rates are [D].
_CLEAN = {
    "duplicate": 0.001, "restated": 0.0, "late": 0.0, "name_only": 0.0, "masked_code": 0.0, "legacy_code": 0.0,
    "broken_code": 0.0003, "odd_name": 0.005, "missing": 0.001, "negative_amount": 0.0001, "wrong_unit": 0.0,
    "future": 0.0, "out_of_order": 0.0,
}  # fmt: skip
_NONE = dict.fromkeys(_CLEAN, 0.0)
_FEED = {**_CLEAN, "duplicate": 0.003, "late": 0.01, "restated": 0.005, "broken_code": 0.001, "missing": 0.004,
         "negative_amount": 0.0005, "wrong_unit": 0.0002, "future": 0.0005, "odd_name": 0.01}  # fmt: skip
_NAMED = {**_FEED, "name_only": 0.10, "masked_code": 0.02, "legacy_code": 0.02, "odd_name": 0.04}
_COURT = {**_NAMED, "name_only": 0.25, "duplicate": 0.01, "masked_code": 0.05}
_OWN = {**_CLEAN, "broken_code": 0.0, "duplicate": 0.0005, "negative_amount": 0.0}
FAULTS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("court_exec", "court_dishonest", "court_limit", "court_final", "court_case", "court_freeze"), _COURT),
    **dict.fromkeys(("tax_violation", "env_safety", "gov_fund", "tech_list", "customs", "supply_chain", "bidding"), _NAMED),
    "adm_penalty": {**_NAMED, "duplicate": 0.05},  # published twice: 信用中国 and 公示系统
    "sentiment": {**_NAMED, "name_only": 0.30},
    **dict.fromkeys(("institution", "product", "price_index"), _NONE),
    **dict.fromkeys(("application", "contract", "disbursement", "release", "overdue", "compensation", "fee", "counter_guar",
                     "post_check", "risk_task", "reguar_filing", "reguar_comp"), _OWN),
    "recovery": {**_OWN, "out_of_order": 0.01},
}  # fmt: skip


OUT_OF_ORDER = {
    "recovery": ("recover_dt", "comp_pay_dt")
}  # booked before what it follows: domain page 3.4 [C]


def faults(source: str) -> dict[str, float]:
    """The rate of each kind of fault among the rows of a source."""
    return FAULTS.get(source, _FEED)
