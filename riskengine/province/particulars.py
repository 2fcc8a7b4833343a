"""Which particulars of an enterprise are registered in which month, and what would an honest balance sheet say?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskengine.province import rates
from riskengine.province.draws import Array
from riskengine.province.view import Bools, Rows, View, joined, money, words

_ROADS = ("解放路", "人民路", "建设路", "工业大道", "科技街", "迎宾路", "黄河路", "泰山路")
_SCOPES = ("加工、销售", "批发、零售", "研发、技术服务", "制造、安装", "种植、养殖", "货物运输、仓储")


class Particulars:
    """The registered particulars of a chunk month by month, as far as they change."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.changed: dict[str, Bools] = {
            item: view.uniform(f"registry/{item}") < view.chance(hazard)
            for item, hazard in rates.CHANGES.items()
        }

    def latest(self, item: str) -> NDArray[np.int64]:
        """Month of the last change of the item up to each month, -1 before any, [n, m]."""
        marks = np.where(self.changed[item], self.view.months, -1)
        return np.maximum.accumulate(marks, axis=1)

    def day(self, rows: Rows) -> Array:
        """The day of each row's month on which all changes of the enterprise are recorded."""
        drawn = self.view.dice.uniform("registry/day", rows.who, rows.month)
        return self.view.first[rows.month] + (drawn * 28).astype(np.int64)

    @cached_property
    def factor(self) -> Array:
        """Registered capital of each month against the first, [n, m]."""
        view = self.view
        cut = view.uniform("registry/cut") < rates.CAPITAL_CUT.value * np.exp(np.clip(-view.health, -1, 2))
        drawn = view.uniform("registry/factor")
        step = np.where(cut, 0.3 + 0.5 * drawn, 1.2 + 1.8 * drawn)
        return np.cumprod(np.where(self.changed["注册资本"], step, 1.0), axis=1)

    @cached_property
    def _heads(self) -> NDArray[np.int64]:
        return self.latest("法定代表人")

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        return self.latest("住所")

    @cached_property
    def _scopes(self) -> NDArray[np.int64]:
        return self.latest("经营范围")

    def head(self, rows: Rows, back: int = 0) -> NDArray[np.int64]:
        """Person number of the legal representative in each row's month, or `back` months before."""
        last = _before(self._heads, rows, back)
        return self.stranger("registry/successor", rows, last, self.view.province.register.controller)

    def stranger(self, purpose: str, rows: Rows, last: Array, usual: Array) -> NDArray[np.int64]:
        """A person who came in month `last`, the usual one where that is below 0."""
        drawn = self.view.dice.uniform(purpose, rows.who, last)
        people = len(self.view.province.persons.name)
        return np.where(last < 0, rows.own(usual), (drawn * people).astype(np.int64))

    def address(self, rows: Rows, back: int = 0) -> pa.Array:
        """The registered address in each row's month, or `back` months before."""
        last = _before(self._places, rows, back)
        number = (self.view.dice.uniform("registry/number", rows.who, last) * 400).astype(np.int64) + 1
        road = (self.view.dice.uniform("registry/road", rows.who, last) * len(_ROADS)).astype(np.int64)
        return joined(rows.city(), words(_ROADS, road), number, "号")

    def scope(self, rows: Rows, back: int = 0) -> pa.Array:
        """The scope of business in each row's month, or `back` months before."""
        last = _before(self._scopes, rows, back)
        drawn = self.view.dice.uniform("registry/scope", rows.who, last)
        return words(_SCOPES, (drawn * len(_SCOPES)).astype(np.int64))

    def capital(self, rows: Rows, back: int = 0) -> NDArray[np.float64]:
        """Registered capital in each row's month, or `back` months before, yuan."""
        start = rows.own(self.view.province.register.capital)
        return np.round(start * _before(self.factor, rows, back, 1.0), -3)


def _before(values: Array, rows: Rows, back: int, first: float = -1) -> Array:
    month = rows.month - back
    return np.where(month < 0, first, values[rows.at, np.maximum(month, 0)]).astype(values.dtype)


@dataclass(frozen=True)
class Statement:
    """A balance sheet and a year's profit, one value a row, yuan."""

    assets: NDArray[np.float64]
    liabilities: NDArray[np.float64]
    current_assets: NDArray[np.float64]
    current_liabilities: NDArray[np.float64]
    receivables: NDArray[np.float64]
    inventory: NDArray[np.float64]
    margin: NDArray[np.float64]  # net profit over sales


def statement(rows: Rows) -> Statement:
    """What each row's enterprise owns and owes at the end of its month; worse health, more debt and less profit."""
    view, who = rows.view, rows.who
    health = np.clip(rows.of(view.health), -3.0, 3.0).astype(np.float64)
    ill = rows.of(view.ill) >= 0
    scale = rows.of(view.typical) * 12 * np.exp(0.45 * view.dice.normal("statement/scale", who))
    assets = scale * 0.8 * np.exp(0.08 * health + 0.05 * rows.normal("statement/assets"))
    ratio = 0.48 + 0.16 * view.dice.normal("statement/ratio", who) - 0.07 * health + 0.12 * ill
    ratio = np.clip(ratio + 0.03 * rows.normal("statement/noise"), 0.04, 1.35)
    current = np.clip(0.62 + 0.12 * view.dice.normal("statement/current", who), 0.2, 0.95)
    receivable = np.clip(0.30 - 0.04 * health + 0.06 * rows.normal("statement/receivable"), 0.03, 0.7)
    return Statement(
        assets=money(assets),
        liabilities=money(assets * ratio),
        current_assets=money(assets * current),
        current_liabilities=money(assets * ratio * 0.85),
        receivables=money(assets * current * receivable),
        inventory=money(assets * current * 0.25),
        margin=0.045 + 0.030 * health + 0.035 * rows.normal("statement/margin") - 0.08 * ill,
    )
