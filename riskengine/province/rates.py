"""How late, how often and how wrong are the publishers of the province? Values only, each with where it comes from.

Tags as in the domain page: [A] official, [B] secondary, [K] unverified knowledge, [D] a choice of our own.
"""

from __future__ import annotations

from dataclasses import dataclass

_LAGS = "domain page 3.2/3.3, median (p90) in days [K]"
_OURS = "synthetic province, a choice of our own [D]"


@dataclass(frozen=True)
class Delay:
    """Days from event to publication: half arrive within `usual`, nine in ten within `late`."""

    usual: float
    late: float
    reference: str = _LAGS


@dataclass(frozen=True)
class Hazard:
    """An event's chance in a month: on average, its slope in health (log scale), and while payments fail."""

    base: float
    slope: float
    ill: float
    reference: str = _OURS


@dataclass(frozen=True)
class Share:
    """A share or level and where it comes from."""

    value: float
    reference: str = _OURS


STALE_NAME = Share(
    0.6, "a change of name breaks the join (domain 3.2, 3.6); share of rows within two years of it [D]"
)

# Registry
REGISTER_LAG = Delay(1, 5)
CHANGE_LAG = Delay(1, 7)
ABNORMAL_LAG = Delay(1, 3)
CHANGES = {
    "法定代表人": Hazard(0.0035, 0.45, 0.012),
    "股东": Hazard(0.0030, 0.45, 0.011),
    "住所": Hazard(0.0050, 0.25, 0.012),
    "经营范围": Hazard(0.0070, 0.05, 0.008),
    "注册资本": Hazard(0.0020, 0.10, 0.004),
}
CAPITAL_CUT = Share(0.12)  # of capital changes are reductions; more for low health
ANNUAL_HIDDEN = Share(0.45, "many hide values (domain 3.2); share [D]")
ANNUAL_MISSED = Hazard(0.035, 0.70, 0.18)  # a year, not a month
ANNUAL_REVISED = Share(0.04, "revised after filing (domain 3.2); share [D]")
ANNUAL_OVERSTATED = Share(0.35)  # of sales, times the want of prudence
MISSING_FROM_ADDRESS = Hazard(0.0006, 0.90, 0.020)
RATING_HEALTH = Share(3.5)  # points for one standard deviation of health
CURED = Share(0.55)
REVOKED = Share(0.15)  # of closures are 吊销, the others 注销

# Tax, invoices
FILED_LATE = Hazard(0.028, 0.80, 0.22)
FILING_RESTATED = Share(0.012, "re-filed corrections (domain 3.2); share [D]")
UNDERDECLARED = Share(0.30)  # of true sales, times the want of prudence
SMALL_SCALE = Share(0.45)  # of micro enterprises file quarterly
TAX_RATE = Share(0.028, "VAT burden; an alert of its own below 1.5 % (domain T10) [C]")
TAX_PAID_LAG = Delay(5, 9)
ARREARS = Hazard(0.011, 1.00, 0.18)
NOT_NORMAL = Hazard(0.0004, 0.90, 0.012)
TAX_REG_LAG = Delay(2, 5)
VIOLATION = Hazard(0.00025, 0.50, 0.0025)
VIOLATION_LAG = Delay(90, 200)
INVOICE_LAG = Delay(2, 3)
INVOICE_CAUGHT = Share(0.96)  # of true sales that are invoiced
INVOICE_RED = Share(0.012)

# Staff
SOCIAL_LAG = Delay(38, 45, "1-2 months (domain 3.2) [K]")
SOCIAL_ARREARS = Hazard(0.013, 1.00, 0.22)
FUND_COVERED = Share(0.38, "coverage partial (domain 3.2); share [D]")
FUND_STOPPED = Hazard(0.007, 0.90, 0.12)
JOBS_COVERED = Share(0.22)
JOBS_LAG = Delay(4, 10)

# Courts
CASES = {
    "金融借款合同纠纷": Hazard(0.0012, 1.10, 0.075),
    "民间借贷纠纷": Hazard(0.0012, 1.00, 0.050),
    "买卖合同纠纷": Hazard(0.0050, 0.80, 0.060),
    "劳动争议": Hazard(0.0028, 0.75, 0.045),
    "票据纠纷": Hazard(0.0004, 0.90, 0.012),
    "plaintiff": Hazard(
        0.0050, 0.05, 0.004, "plaintiff and defendant must be separated (domain 3.2); rates [D]"
    ),
}
TO_HEARING = Delay(75, 160, _OURS)
TO_ENFORCEMENT = Delay(130, 280, _OURS)
TO_FULFILMENT = Delay(100, 320, _OURS)
TO_END = Delay(150, 220, _OURS)
TO_DISHONEST = Delay(45, 110, _OURS)
TO_LIMIT = Delay(20, 60, _OURS)
CASE_LAG = Delay(7, 20)
JUDGEMENT_LAG = Delay(55, 90)
JUDGEMENT_SEEN = Share(0.55, "coverage of documents dropped since 2021 (domain 3.2) [K]; share [D]")
ENFORCED = Share(0.42)
EXEC_LAG = Delay(5, 30, "filing 3-10 d (30) (domain 3.2) [K]")
LIST_LAG = Delay(8, 15)
FINAL_LAG = Delay(18, 30)
FREEZE_LAG = Delay(4, 10)
DISHONEST = Share(0.22)
LIMITED = Share(0.55)
FULFILLED = Share(0.55)
FULFILLED_ILL = Share(0.12)
ENDED = Share(0.60)  # of enforcements not fulfilled end without result (终本)
FROZEN = Share(0.10)
BROKEN = Hazard(0.00003, 0.7, 0.004)  # bankruptcy petitions

# Offices
PENALTY = Hazard(0.0045, 0.35, 0.010)
PENALTY_LAG = Delay(12, 30, "7 working days-30 d (domain 3.2) [K]")
PENALTY_REPAIRED = Share(0.25, "repaired and withdrawn (domain 3.2); share [D]")
SAFETY = Hazard(0.0012, 0.35, 0.003)
SAFETY_LAG = Delay(12, 30)
MORTGAGED = Hazard(0.0025, 0.10, 0.004)
SEIZED = Hazard(0.0003, 1.00, 0.020)
EXPORTERS = Share(0.10)
CUSTOMS_LAG = Delay(30, 40)
METERED = Share(0.50)
POWER_LAG = Delay(8, 30)
POWER_ARREARS = Hazard(0.010, 0.90, 0.13)
PATENTS = Share(0.020)  # applications in a month of a technology enterprise
PATENT_LAG = Delay(540, 560, "an invention is published about 18 months after (domain 3.2) [K]")
OTHER_IP_LAG = Delay(90, 180)
LIST_BATCH_LAG = Delay(45, 90)
FUND_LAG = Delay(30, 60)
FUNDED = Share(0.006)
AGRI_LAG = Delay(30, 60)

# Market
PRESSED = Hazard(0.006, 0.60, 0.060)
PRESS_LAG = Delay(0, 1)
PRAISED = Share(0.010)
LINKED_WRONG = Share(0.12, "entity linking errors dominate (domain 3.3); share [D]")
BIDS = Share(0.05)
BID_LAG = Delay(3, 7)
PLEDGED = Hazard(0.0060, 0.55, 0.018)
EQUITY_PLEDGED = Hazard(0.0012, 0.60, 0.008)
SAME_DAY = Delay(0, 2)
NOTE_LAG = Delay(12, 30)
NOTE_LATE = Hazard(0.0014, 1.00, 0.080)
