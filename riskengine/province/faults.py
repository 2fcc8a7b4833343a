"""Which of a publisher's rows come twice, late, restated, without a code or plainly wrong?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskengine.clock import Span
from riskengine.intake.codes import credit_code_check_mark
from riskengine.intake.contract import SourceContract
from riskengine.province import assumptions
from riskengine.province.state import TRUTH, Register

_WIDE = {ord(mark): ord(mark) + 0xFEE0 for mark in "0123456789()"}
_NO_CODE = (None, None, "", "/", "无")
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fault:
    """What was planted in which rows of a source; the rows are told by their keys."""

    source: str
    kind: str
    enterprise: NDArray[np.int32]
    key: list[str]


@dataclass
class _Planting:
    contract: SourceContract
    table: pa.Table
    register: Register
    rng: np.random.Generator
    planted: list[Fault]

    def note(self, kind: str, rows: Rows) -> None:
        if not len(rows):
            return
        part = self.table.take(pa.array(rows))
        keys = [part.column(name).to_pylist() for name in self.contract.key if name in part.column_names]
        told = [
            "|".join("" if value is None else str(value) for value in row) for row in zip(*keys, strict=True)
        ]
        self.planted.append(
            Fault(self.contract.name, kind, part.column(TRUTH).to_numpy().astype(np.int32), told)
        )

    def some(self, rate: float) -> Rows:
        """Row numbers, each with probability `rate`."""
        count = self.rng.binomial(self.table.num_rows, rate) if rate > 0 else 0
        return (
            np.sort(self.rng.choice(self.table.num_rows, count, replace=False))
            if count
            else np.empty(0, np.int64)
        )

    def put(self, name: str, rows: Rows, values: list[object]) -> None:
        """Overwrite cells of one column."""
        place = self.table.column_names.index(name)
        column = self.table.column(name).combine_chunks()
        mask = np.zeros(len(column), bool)
        mask[rows] = True
        new = pc.replace_with_mask(column, pa.array(mask), pa.array(values, column.type))
        self.table = self.table.set_column(place, name, new)


def plant(
    contract: SourceContract, table: pa.Table, register: Register, rng: np.random.Generator
) -> tuple[pa.Table, list[Fault]]:
    """The table with faults at the rates of `assumptions.faults(source)`, and what was planted where."""
    work = _Planting(contract, table.combine_chunks(), register, rng, [])
    if table.num_rows:
        rates = assumptions.faults(contract.name)
        _late(work, rates["late"])
        _restated(work, rates["restated"])
        _codes(work, rates)
        _names(work, rates["odd_name"])
        _missing(work, rates["missing"])
        _amounts(work, rates)
        _future(work, rates["future"])
        _out_of_order(work, rates["out_of_order"])
        _duplicates(work, rates["duplicate"])
    return work.table, work.planted


def _stamp(contract: SourceContract, table: pa.Table) -> str:
    """The publisher's own stamp that says when a row became known; empty where the clock is the event's own."""
    name = contract.known_clock.column
    told = name in table.column_names and name != contract.event_clock.column and name not in contract.key
    return name if told and not contract.known_clock.month_end else ""


def _late(work: _Planting, rate: float) -> None:
    stamp = _stamp(work.contract, work.table)
    if not stamp:
        return
    lag = work.contract.lag
    usual = Span.parse((lag.late or lag.usual) if lag else "30d")
    rows = work.some(rate)
    extra = work.rng.integers(1, 60, len(rows)) + 30 * usual.months + usual.days
    _shift(work, rows, extra, ("arrives", stamp))
    work.note("late", rows)


def _shift(work: _Planting, rows: Rows, days: NDArray[np.int64], names: tuple[str, ...]) -> None:
    for name in names:
        old = work.table.column(name).to_numpy().astype("datetime64[D]")[rows]
        work.put(name, rows, list((old + days).astype(object)))


def _restated(work: _Planting, rate: float) -> None:
    """The publisher corrects itself later: the same key, another amount, a later stamp."""
    stamp = _stamp(work.contract, work.table)
    amounts = [
        name
        for name, column in work.contract.columns.items()
        if column.type == "money" and name in work.table.column_names
    ][:1]
    rows = work.some(rate) if stamp and amounts else np.empty(0, np.int64)
    if not len(rows):
        return
    work.note("restated", rows)
    before = work.table.num_rows
    work.table = pa.concat_tables([work.table, work.table.take(pa.array(rows))]).combine_chunks()
    new = np.arange(before, before + len(rows))
    _shift(work, new, work.rng.integers(20, 60, len(new)), ("arrives", stamp))
    for name in amounts:
        column = work.table.column(name)
        old = np.nan_to_num(column.take(pa.array(new)).to_numpy().astype(float))
        worth = np.round(old * work.rng.uniform(0.85, 1.1, len(new)), 2)
        whole = pa.types.is_integer(column.type)
        work.put(name, new, [int(value) if whole else float(value) for value in worth])


def _codes(work: _Planting, rates: dict[str, float]) -> None:
    contract = work.contract
    if contract.identity and contract.identity.code in work.table.column_names:
        name = contract.identity.code
        if contract.columns[name].required:
            return _broken(work, name, rates["broken_code"])
        if name in contract.key:  # without its code the row would be no fact at all
            return _rewritten(work, name, "legacy_code", rates["legacy_code"])
        rows = work.some(rates["name_only"])
        work.put(name, rows, [_NO_CODE[pick] for pick in work.rng.integers(0, len(_NO_CODE), len(rows))])
        work.note("name_only", rows)
        _rewritten(work, name, "masked", rates["masked_code"])
        _rewritten(work, name, "legacy_code", rates["legacy_code"])
        return None
    for name, column in contract.columns.items():
        if column.format in ("uscc", "enterprise_code") and name in work.table.column_names:
            return _broken(work, name, rates["broken_code"])
    return None


def _rewritten(work: _Planting, name: str, kind: str, rate: float) -> None:
    """A code with its middle hidden, or the organisation code or registration number from before 2015."""
    rows = work.some(rate)
    codes = work.table.column(name).take(pa.array(rows)).to_pylist()
    owners = work.table.column(TRUTH).to_numpy()[rows]
    whole = [place for place, code in enumerate(codes) if code and len(code) == 18]
    rows, owners = rows[whole], owners[whole]
    new: list[object] = []
    for place, owner in zip(whole, owners.tolist(), strict=True):
        code = codes[place]
        old = str(work.register.registration_no[owner]) if owner >= 0 else ""
        hidden = f"{code[:4]}**********{code[-4:]}"
        new.append(hidden if kind == "masked" else (old or code[8:17]))
    work.put(name, rows, new)
    work.note(kind, rows)


def _broken(work: _Planting, name: str, rate: float) -> None:
    rows = work.some(rate)
    codes = work.table.column(name).take(pa.array(rows)).to_pylist()
    whole = [place for place, code in enumerate(codes) if code and len(code) == 18]
    wrong = [
        codes[place][:17] + ("A" if credit_code_check_mark(codes[place][:17]) != "A" else "B")
        for place in whole
    ]
    work.note("broken_code", rows[whole])
    work.put(name, rows[whole], list(wrong))


def _names(work: _Planting, rate: float) -> None:
    """Full-width digits and brackets, blanks, 有限责任公司 for 有限公司."""
    identity = work.contract.identity
    name = identity.name if identity else "name"
    if name not in work.table.column_names or work.contract.columns[name].personal:
        return
    rows = work.some(rate)
    names = work.table.column(name).take(pa.array(rows)).to_pylist()
    new: list[object] = []
    for text, pick in zip(names, work.rng.integers(0, 3, len(rows)).tolist(), strict=True):
        odd = text and (text.translate(_WIDE), f" {text} ", text.replace("有限公司", "有限责任公司"))[pick]
        new.append(odd)
    work.put(name, rows, new)
    work.note("odd_name", rows)


def _missing(work: _Planting, rate: float) -> None:
    contract = work.contract
    kept = {*contract.key, contract.event_clock.column, contract.known_clock.column, "arrives", TRUTH}
    kept |= {contract.identity.code, contract.identity.name} if contract.identity else set()
    for name in [name for name in contract.columns if name in work.table.column_names and name not in kept]:
        column = contract.columns[name]
        if column.required or name in contract.removed_when:
            continue
        rows = work.some(rate)
        work.put(name, rows, [None] * len(rows))
        work.note("missing_cell", rows)


def _amounts(work: _Planting, rates: dict[str, float]) -> None:
    """One amount with the wrong sign, which intake refuses where the contract says so, or 10,000 times too large."""
    names = [
        name
        for name, column in work.contract.columns.items()
        if column.type == "money" and name in work.table.column_names
    ]
    for name in names[:1]:
        for kind, factor in (("negative_amount", -1), ("wrong_unit", 10_000)):
            rows = work.some(rates[kind])
            column = work.table.column(name)
            old = column.take(pa.array(rows)).to_pylist()
            some = [place for place, value in enumerate(old) if value]
            work.note(kind, rows[some])
            work.put(name, rows[some], [old[place] * factor for place in some])


def _future(work: _Planting, rate: float) -> None:
    name = work.contract.event_clock.column
    if name not in work.table.column_names or not _stamp(work.contract, work.table):
        return
    rows = work.some(rate)
    work.note("future_date", rows)
    _shift(work, rows, np.full(len(rows), 3650), (name,))


def _out_of_order(work: _Planting, rate: float) -> None:
    """A day put before the one it must follow."""
    pair = assumptions.OUT_OF_ORDER.get(work.contract.name)
    rows = work.some(rate) if pair else np.empty(0, np.int64)
    if pair and len(rows):
        base = work.table.column(pair[1]).to_numpy().astype("datetime64[D]")[rows]
        work.put(pair[0], rows, list((base - 5).astype(object)))
        work.note("out_of_order", rows)


def _duplicates(work: _Planting, rate: float) -> None:
    rows = work.some(rate)
    work.note("duplicate", rows)
    if len(rows):
        work.table = pa.concat_tables([work.table, work.table.take(pa.array(rows))]).combine_chunks()
