"""How much may be lent by a formula: product, turnover, leverage, working capital, units, net assets?

Exact decimals; a quotient is rounded down in its 28th digit, so that no amount ever passes its limit. The formulas are
those of domain page 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

from riskengine.decision.asked import Asked, number
from riskengine.decision.rules import FORMULAS, AmountCap
from riskengine.portfolio.exposure import ZERO, exact
from riskengine.schema import DatedValue, in_force

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a formula allows: a loan of at most `amount` (0 or more; None: no limit, or unknown for want of `missing`).

    `in_force` is false before the first of its dated numbers.
    """

    amount: Decimal | None = None
    missing: tuple[str, ...] = ()
    in_force: bool = True
    reference: str = ""


def allowed(cap: AmountCap, asked: Asked, row: Mapping[str, Any], day: date) -> Allowed:
    """The largest loan that a formula allows on a day, given what is asked and the profile row."""
    limit = asked.terms.amount_cap if cap.formula == "product" else in_force(cap.limits, day)
    if limit is None and cap.formula != "working_capital":
        return Allowed(in_force=False)
    reference = "" if limit is None else limit.reference
    _, further = FORMULAS[cap.formula]
    values: dict[str, Decimal] = dict.fromkeys(further, ZERO)
    missing = []
    for name, feature in cap.inputs.items():
        value = number(row.get(feature))
        if value is None or (name == "turns" and value <= 0):  # no stock ever turns zero times a year
            missing.append(feature)
        else:
            values[name] = value
    if missing:
        return Allowed(missing=tuple(dict.fromkeys(missing)), reference=reference)
    with localcontext() as context:
        context.rounding = ROUND_FLOOR
        if cap.formula == "net_assets":
            found = _net_assets(cap, asked, values, (_value(limit), day))
        else:
            found = _PLAIN[cap.formula](_value(limit), values)
    return Allowed(found if found is None or found > 0 else ZERO, reference=reference)


def _value(limit: DatedValue | None) -> Decimal:
    return ZERO if limit is None else exact(limit.value)


def _working_capital(_: Decimal, v: Mapping[str, Decimal]) -> Decimal:
    need = v["sales"] * (ONE - v["margin"]) * (ONE + v["growth"]) / v["turns"]
    return need - v["own"] - v["existing"] - v["others"]


_PLAIN: Mapping[str, Callable[[Decimal, Mapping[str, Decimal]], Decimal]] = {
    "product": lambda k, v: k - v["outstanding"],
    "total": lambda k, v: k - v["existing"],
    "turnover": lambda k, v: k * v["sales"] - v["others"],
    "leverage": lambda k, v: (k * v["assets"] - v["liabilities"]) / (ONE - k),
    "working_capital": _working_capital,
    "units": lambda k, v: k * v["cost"] - v["existing"],
}


def _net_assets(
    cap: AmountCap, asked: Asked, values: Mapping[str, Decimal], limit: tuple[Decimal, date]
) -> Decimal | None:
    """The loan after which the exposure is just the limit; None where a loan adds nothing to it.

    While the account after it is at most `weight_up_to` the account counts by `weight`; a larger loan makes all of the
    account count in full, what was lent before included.
    """
    share, day = limit
    room = share * (values["net_assets"] - values["equity_in_guarantors"]) - values["existing"]
    part = _part(cap, asked)
    if part <= 0:
        return None
    weight, up_to = in_force(cap.weight, day), in_force(cap.weight_up_to, day)
    if weight is None or up_to is None:
        return room / part
    light, account = exact(weight.value), values["account"]
    small = exact(up_to.value) - account  # the largest loan that leaves the account a small one
    grown = (ONE - light) * part * account if small >= 0 else ZERO
    full = (room - grown) / part
    if full > small or light <= 0:
        return max(full, small)
    return min(room / (light * part), small)


def _part(cap: AmountCap, asked: Asked) -> Decimal:
    """How much of each unit of the loan counts; all of it where the sharing is unknown."""
    counted = {"loan": ONE, "guaranteed": asked.share, "own_retained": asked.retained}[cap.basis]
    return ONE if counted is None else counted
