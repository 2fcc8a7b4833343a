"""Is the synthetic world made of valid codes and honest causes?"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from riskengine.intake.codes import check_credit_code, check_resident_number
from riskengine.province import assumptions
from riskengine.province.course import live
from riskengine.province.network import connect
from riskengine.province.register import settle
from riskengine.province.state import Ask, Course, Network, Persons, Register

World = tuple[Ask, Register, Persons, Network, Course]


@pytest.fixture(scope="module")
def world() -> World:
    ask = Ask(4_000, date(2023, 7, 1), date(2026, 6, 30), 11)
    register, persons = settle(ask)
    network = connect(ask, register)
    return ask, register, persons, network, live(ask, register, network)[0]


def test_codes_are_valid_and_nobodys(world: World) -> None:
    _, register, persons, _, _ = world
    assert all(
        check_credit_code(code).valid and not check_credit_code(code).warnings for code in register.uscc
    )
    assert len(set(register.uscc)) == len(register.uscc)
    assert all(check_resident_number(number).valid for number in persons.resident_id)
    assert all(
        number.startswith("379901") for number in persons.resident_id
    )  # a division that does not exist
    assert len(set(register.name)) > 0.99 * len(register.name)
    old = register.established < np.datetime64("2015-10-01")
    assert all((len(number) == 15) == was for number, was in zip(register.registration_no, old, strict=True))


def test_the_register_has_the_seeds_proportions(world: World) -> None:
    _, register, persons, network, _ = world
    assert ((register.size < 2) | register.agricultural).mean() > 0.985
    assert 0.015 < register.technology.mean() < 0.035
    assert len({code[:4] for code in register.region6}) == 16
    assert 0.7 < len(persons.name) / len(register.name) < 0.95
    bought = np.sort(np.bincount(network.sales.target))[::-1]
    assert bought[:40].sum() > 5 * 40 * bought.mean()  # heavy tailed
    share = np.bincount(network.sales.source, network.sales.weight, len(register.name))
    assert share.max() <= 1
    assert (register.region6[network.guarantees.source] == register.region6[network.guarantees.target]).all()
    assert not (network.guarantees.source == network.guarantees.target).any()


def test_a_failing_customer_pulls_its_sellers_down() -> None:
    ask = Ask(12_000, date(2023, 7, 1), date(2025, 6, 30), 4)
    register, _ = settle(ask)
    network = connect(ask, register)
    before, _ = live(ask, register, network)
    n, t = ask.enterprises, 6
    forced = np.where(np.random.default_rng(5).random(n) < 0.15, t, -1).astype(np.int32)
    after, _ = live(ask, register, network, forced)
    struck = (after.distress == t) & ((before.distress < 0) | (before.distress > t))
    hurt = np.bincount(network.sales.source, network.sales.weight * struck[network.sales.target], n)
    sellers = (forced < 0) & (hurt > 0.3)
    assert sellers.sum() > 500

    def share(course: Course) -> float:
        return float(((course.distress > t) & (course.distress <= t + 12))[sellers].mean())

    assert share(after) > 1.2 * share(before)
    assert (before.health - after.health)[sellers, t + 2].mean() > 0.2
    assert np.array_equal(after.sales[:, :t], before.sales[:, :t])  # nothing before its cause


def test_a_failure_travels_one_edge_a_month(world: World) -> None:
    ask, register, _, network, before = world
    forced = np.full(ask.enterprises, -1, np.int32)
    forced[np.random.default_rng(1).choice(ask.enterprises, 300, replace=False)] = 6
    after, _ = live(ask, register, network, forced)
    reached = forced >= 0
    for month in (7, 8):
        wider = reached.copy()
        for one in (network.sales, network.guarantees):
            wider[one.source[reached[one.target]]] = True
        reached = wider
        assert (~reached).sum() > 300
        assert not np.array_equal(after.health[:, month], before.health[:, month])
        assert np.array_equal(after.health[~reached, : month + 1], before.health[~reached, : month + 1])


def test_a_failing_debtor_pulls_its_guarantor_down(world: World) -> None:
    ask, register, _, network, before = world
    forced = np.full(ask.enterprises, -1, np.int32)
    forced[network.guarantees.target[::3]] = 6
    after, _ = live(ask, register, network, forced)
    guarantors = np.setdiff1d(network.guarantees.source[::3], np.flatnonzero(forced >= 0))
    assert len(guarantors) > 30
    assert (before.health - after.health)[guarantors, 8].mean() > 0.25


def test_health_foretells_distress_but_not_all_of_it(world: World) -> None:
    _, _, _, _, course = world
    areas = []
    for t in (4, 12, 20):
        still = (course.distress < 0) | (course.distress > t)
        falls = (course.distress > t) & (course.distress <= t + 12)
        areas.append(roc_auc_score(falls[still], -course.health[still, t]))
    assert 0.70 < np.mean(areas) < 0.92
    fallen = np.flatnonzero(course.distress >= 3)
    seen = course.health[fallen, course.distress[fallen] - 3]
    assert 0.05 < (seen > 0).mean() < 0.5  # some come out of the blue
    sick = course.health.min(axis=1) < -2
    assert (course.distress[sick] < 0).mean() > 0.4  # and many sick ones never fail


def test_sales_fall_at_the_spring_festival(world: World) -> None:
    _, register, _, _, course = world
    place = course.months.index(date(2024, 2, 1))
    trading = ~register.agricultural & (course.sales[:, place - 3 : place + 3].min(axis=1) > 0)
    assert course.sales[trading, place].mean() < 0.75 * course.sales[trading, place + 2].mean()


def test_every_assumption_says_where_it_is_from() -> None:
    told = [value for value in vars(assumptions).values() if isinstance(value, assumptions.Assumed)]
    assert len(told) > 30
    assert all(one.reference and one.evidence in ("A", "B", "C", "K", "D", "seed") for one in told)
