"""What is true in the synthetic province, month by month, before any publisher looks at it?

Enterprises are numbered 0..n-1 and months 0..m-1; persons and banks are numbered too. Money is yuan, rates are fractions.
No pipeline reads any of this: publishers see it through their lags, gaps and errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.object_]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Days = NDArray[np.datetime64]  # datetime64[D]; NaT: never
TRUTH = "enterprise"  # a publisher's column: which enterprise a row is truly about, -1 where none; never sent


def as_days(values: NDArray[Any]) -> Days:
    """Day numbers or days of any unit as days."""
    return values.astype("datetime64[D]")


@dataclass(frozen=True)
class Ask:
    """Which province is wanted: how many enterprises, from the first day of which month to the last day of which, which seed.

    What monthly publishers sent before `connected` never came: their exchange began that day. None: from the start.
    """

    enterprises: int
    start: date
    end: date
    seed: int
    connected: date | None = None


@dataclass(frozen=True)
class Register:
    """The enterprises themselves; every array has one value for each of n enterprises."""

    uscc: Texts
    name: Texts
    former_name: Texts  # "" where never renamed
    renamed: Days
    registration_no: Texts  # the 15-digit number used before 2015, "" for younger ones
    region6: Texts  # GB/T 2260
    industry: Texts  # GB/T 4754, four digits
    established: Days
    closed: Days  # deregistered or revoked
    size: Ints  # 0 micro, 1 small, 2 medium
    agricultural: NDArray[np.bool_]
    technology: NDArray[np.bool_]  # holds a technology qualification
    capital: NDArray[np.float64]  # registered, yuan
    controller: Ints  # person number: actual controller and, unless changed, legal representative
    monthly_sales: NDArray[np.float64]  # a typical month, yuan
    staff: Ints  # a typical head count
    prudence: Floats  # 0..1: how faithfully it files, insures and reports


@dataclass(frozen=True)
class Persons:
    """Owners, controllers and legal representatives; invented names and resident numbers of no living person."""

    name: Texts
    resident_id: Texts


@dataclass(frozen=True)
class Edges:
    """Directed links between enterprises, one value for each edge; `weight` is a share or an amount in yuan."""

    source: Ints
    target: Ints
    weight: NDArray[np.float64]
    since: Days


@dataclass(frozen=True)
class Network:
    """Who depends on whom."""

    sales: Edges  # seller -> buyer, share of the seller's sales
    guarantees: Edges  # guarantor -> debtor, amount guaranteed, yuan
    holdings: Edges  # owner enterprise -> held enterprise, share held


@dataclass(frozen=True)
class Course:
    """How things went; arrays are [n, m]. `health` is about standard normal across enterprises; lower is worse."""

    months: tuple[date, ...]  # first days
    health: Floats
    sales: Floats  # yuan of the month, season and Spring Festival included; 0 once closed or not yet founded
    staff: Ints
    distress: NDArray[np.int16]  # [n] month in which payments begin to fail, -1: never


@dataclass(frozen=True)
class Book:
    """The guarantees applied for and given; arrays have one value for each application."""

    enterprise: Ints
    applied: Days
    approved: NDArray[np.bool_]
    start: Days  # NaT where not approved
    end: Days
    amount: NDArray[np.float64]  # loan principal, yuan
    rate: Floats  # of the loan, a year
    fee: Floats  # of the guarantee, a year
    product: Texts  # STD, TECH, BATCH, PRIV, AGRI
    bank: Ints
    institution: Ints
    overdue: Days
    cured: Days  # paid again, before anybody paid for it; NaT where overdue: compensated, in dispute, or not yet ended
    compensated: Days
    claim: NDArray[np.float64]  # compensated principal, yuan; 0 where none
    recovered: NDArray[np.float64]
    released: Days


@dataclass(frozen=True)
class Province:
    """Everything that is true."""

    ask: Ask
    register: Register
    persons: Persons
    network: Network
    course: Course
    book: Book
    banks: Texts
    institutions: Texts  # 60, the first of them provincial
