"""On whose desk is a guarantee?

Where the contract names its officer, that officer's; elsewhere the officers whom `budget.toml` names for the institution
share its enterprises by weighted rendezvous hashing: each enterprise goes to the officer with the highest `-capacity / ln u`,
`u` a hash of officer and enterprise. Where an officer leaves, only that officer's enterprises move; a new one takes
only what becomes theirs; and shares are in proportion to capacity (Thaler, Ravishankar, "Using name-based mappings to
increase hit rates", IEEE/ACM Transactions on Networking 6 (1998); weights: Schindelhauer, Schomaker, SPAA 2005).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b
from math import log

import pandas as pd

from riskengine.casework.budget_terms import Budget, of_institution

_BITS = 52  # as many as leave every fraction below one exact


def desks(book: pd.DataFrame, budget: Budget, as_of: date) -> pd.DataFrame:
    """`institution` and `officer` of each guarantee of the book, by its id; "" where none is known or named.

    An officer whom the contract names as personal data is shown as the store has it (`intake.personal`: mask#hash, two
    persons of one mask stay two), unless an entry of the budget says which account that is (`published`).
    """
    name = pd.Series("", index=book.index, dtype="object")
    institution = _text(book[budget.reads.institution]) if budget.reads.institution else name
    officer = _text(book[budget.reads.officer]) if budget.reads.officer else name
    working = budget.working(as_of)
    accounts = {one.published: one.name for one in budget.officers if one.published}
    away = {one.name for one in budget.officers} - {one.name for one in working}
    officer = officer.map(lambda published: accounts.get(published, published))
    officer = officer.where(~officer.isin(away), "")
    places = _capacities(budget, as_of)
    teams: dict[str, list[tuple[str, float]]] = {}
    for one in working:
        own = places.get(one.institution, places.get("", 1.0)) if one.capacity is None else one.capacity
        teams.setdefault(one.institution, []).append((one.name, float(own)))
    if teams:
        open_ = officer == ""
        for unit, rows in book[open_].groupby(institution[open_], sort=True):
            names = spread(rows.enterprise_id.astype("str").tolist(), teams.get(str(unit), teams.get("", [])))
            officer = officer.mask(
                open_ & (institution == unit), pd.Series(names, index=rows.index, dtype="object")
            )
    return pd.DataFrame(
        {"id": book.id.astype("str"), "institution": institution, "officer": officer}
    ).set_index("id")


def spread(enterprises: Sequence[str], officers: Sequence[tuple[str, float]]) -> list[str]:
    """The officer of each enterprise among `officers` (name, weight); "" where nobody has any weight.

    >>> spread(["a", "b", "c"], [("Li", 1.0)])
    ['Li', 'Li', 'Li']
    """
    there = sorted((name, weight) for name, weight in officers if weight > 0)
    if not there:
        return [""] * len(enterprises)
    found = {one: max(there, key=lambda of: (_score(one, *of), of[0]))[0] for one in sorted(set(enterprises))}
    return [found[one] for one in enterprises]


def capacity(budget: Budget, as_of: date) -> Mapping[tuple[str, str], float]:
    """The lines a night of each officer named, by (institution, officer); under (institution, "") those of anyone else there.

    ("", "") is the default of every institution that is not named; where that is missing nobody is limited.
    """
    places = _capacities(budget, as_of)
    made = {(unit, ""): value for unit, value in places.items()}
    for one in budget.working(as_of):
        own = places.get(one.institution, places.get("")) if one.capacity is None else float(one.capacity)
        if own is not None:
            made[one.institution, one.name] = own
    return made


def _capacities(budget: Budget, as_of: date) -> Mapping[str, float]:
    return of_institution(budget.officer_places, as_of)


def _score(enterprise: str, officer: str, weight: float) -> float:
    hashed = blake2b(f"{officer}\x1f{enterprise}".encode(), digest_size=8).digest()
    fraction = ((int.from_bytes(hashed, "big") >> (64 - _BITS)) + 0.5) / 2.0**_BITS
    return -weight / log(fraction)


def _text(column: pd.Series) -> pd.Series:
    return column.astype("object").where(column.notna(), "").astype("str").astype("object")
