"""A simulated book of guarantees, so that the night can be tested without a store."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from riskengine.monitor.night import Before, compared

KEYS = {"bank": ("Bank",), "industry": ("sector",), "region": ("State",), "industry_region": ("sector", "State"),
        "enterprise": ("enterprise",), "whole": ()}  # fmt: skip
GRADES = [str(n) for n in range(1, 11)]
EDGES = [0.005, 0.01, 0.02, 0.035, 0.06, 0.10, 0.16, 0.25, 0.40, 1.0]
WORDS = [
    "Northern",
    "Harbor",
    "Maple",
    "Summit",
    "Pioneer",
    "Lakeside",
    "Golden",
    "Union",
    "Cedar",
    "Prairie",
]
TRADES = [
    "Auto Repair",
    "Bakery Inc",
    "Builders LLC",
    "Transport Co",
    "Dental Care",
    "Foods & Catering",
    "Motel",
]


def book(as_of: date, before: Before | None = None, size: int = 5000, seed: int = 7) -> pd.DataFrame:
    """A night's frame of about `size` guarantees; what is random about a guarantee stays the same every month."""
    fixed = np.random.default_rng(seed)
    ids = np.arange(size * 13 // 10)
    disbursed = np.array(
        [date(1997, 1, 5) + timedelta(days=int(d)) for d in np.sort(fixed.integers(0, 3500, len(ids)))]
    )
    banks = np.array(["BANK OF AMERICA NATL ASSOC", "WELLS FARGO BANK NATL ASSOC", "U.S. BANK NATIONAL ASSOCIATION",
                      *[f"FIRST STATE BANK {n}" for n in range(60)]], dtype=object)  # fmt: skip
    weight = 1 / np.arange(1, len(banks) + 1)
    bank = fixed.choice(banks, len(ids), p=weight / weight.sum())
    sector = fixed.choice(np.array(["23", "44", "72", "54", "33", "81", "48", None], dtype=object), len(ids))
    state = fixed.choice(np.array(["CA", "TX", "NY", "FL", "OH", "GA", "MN"], dtype=object), len(ids))
    amount = np.round(np.exp(fixed.normal(11.4, 1.0, len(ids))), -2)
    base = fixed.normal(-3.6, 0.9, len(ids))
    month = np.random.default_rng(as_of.toordinal())
    drift = month.normal(0.05, 0.25, len(ids))
    frame = pd.DataFrame({
        "id": [f"{3000000000 + int(n):010d}" for n in ids], "Bank": bank, "sector": sector, "State": state,
        "disbursed_on": pd.to_datetime(disbursed), "requested_amount": amount,
        "pd": 1 / (1 + np.exp(-(base + drift))),
        "borrower_name": [f"{WORDS[n % 10]} {TRADES[n // 3 % 7]} {n}" for n in ids],
        "new_business": fixed.choice([0.0, 1.0, np.nan], len(ids), p=[0.65, 0.3, 0.05]),
        "franchise": 0.0,
        "employees": fixed.integers(1, 60, len(ids)).astype(float),
        "earlier_charge_offs": fixed.choice([0.0, 1.0], len(ids), p=[0.995, 0.005]),
        "days_since_charge_off": fixed.integers(20, 900, len(ids)).astype(float),
    })  # fmt: skip
    frame["enterprise"] = frame.borrower_name.str.upper() + "|" + frame.State
    frame["enterprise_id"] = frame.enterprise
    gone = month.random(len(ids)) < 0.004
    frame = frame[(frame.disbursed_on <= pd.Timestamp(as_of)) & ~gone].reset_index(drop=True)
    frame["as_of"] = as_of
    days = (pd.Timestamp(as_of) - frame.disbursed_on).dt.days
    frame["months_on_book"] = days / 30.4375
    frame["months_from_peak_age"] = (frame.months_on_book - 42).abs()
    frame["lender"] = frame.Bank
    frame["grade_no"] = (np.searchsorted(EDGES, frame.pd) + 1).astype(float)
    frame["grade"] = [str(int(n)) for n in frame.grade_no]
    frame["score"] = np.round(600 + 20 / np.log(2) * (np.log((1 - frame.pd) / frame.pd) - np.log(30))).astype(
        int
    )
    frame["exposure"] = np.round(frame.requested_amount * 0.75, 2)
    frame["expected_loss"] = np.round(frame.exposure * frame.pd * 0.55, 2)
    for name, column, low, high in [("lender", "Bank", 0.4, 2.6), ("industry", "sector", 0.7, 2.0),
                                    ("region", "State", 0.7, 2.0)]:  # fmt: skip
        draw = {v: np.random.default_rng([as_of.toordinal(), len(str(v)), i]).uniform(low, high)
                for i, v in enumerate(sorted(frame[column].dropna().unique()))}  # fmt: skip
        values = frame[column].map(draw).astype(float)
        frame[f"{name}_momentum"], frame[f"{name}_relative_36m"] = values, values * 0.8
        frame[f"{name}_charge_off_rate_36m"] = values * 0.06
    frame["lender_charge_offs_36m"] = 80.0
    pair = (frame.sector.astype("object").map(hash_of) + frame.State.map(hash_of)) % 17 / 8
    frame["industry_region_relative_36m"] = pair.where(frame.sector.notna())
    for name, value in [("unemployment_change_12m", 0.6), ("industrial_production_change_12m", 0.02),
                        ("credit_spread_change_6m", np.nan), ("fed_funds_change_12m", 2.1),
                        ("housing_permits_change_12m", -0.2), ("whole_momentum", 1.3)]:  # fmt: skip
        frame[name] = value
    return compared(frame, before or Before(), KEYS)


def hash_of(text: object) -> float:
    return float(sum(map(ord, str(text))))


def feeds(as_of: date, stale: str = "") -> pd.DataFrame:
    """Health of a few feeds."""
    rows = []
    for number, (name, family, days, rows_, bad) in enumerate([
        ("applications", "guarantee", 60, 50135, 0), ("borrowers", "government", 60, 50135, 12),
        ("charge_offs", "guarantee", 100, 4205, 6), ("guarantees", "guarantee", 60, 43211, 115),
        ("lender_history", "credit", 100, 190233, 0), ("macro_us", "market", 120, 436, 0)]):  # fmt: skip
        known = as_of - timedelta(days=days + 9 if name == stale else 3 + number)
        on = known + timedelta(days=days)
        rows.append({
            "source": name, "family": family, "title_en": name.replace("_", " ").capitalize(), "title_zh": f"来源{number + 1}",
            "cadence": "monthly", "rows": rows_, "last_event": known - timedelta(days=30), "last_known": known,
            "days_silent": float((as_of - known).days), "stale_on": on, "stale": int(on < as_of),
            "state": "stale" if on < as_of else "fresh", "quarantined": bad,
        })  # fmt: skip
    return pd.DataFrame(rows)
