"""What do social security, housing fund and job sites show of an enterprise's staff?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import rates
from riskengine.province.view import Column, View, money, sheet

_BASE = 4_400.0  # yuan of contribution base a head and month, the lowest; [D]
_SOCIAL = 0.26  # of the base, employer and employee without medical; [D]


def labour(view: View) -> Iterator[tuple[str, pa.Table]]:
    """si_monthly and hf_monthly of a chunk."""
    yield "si_monthly", _social(view)
    yield "hf_monthly", _fund(view)


def _social(view: View) -> pa.Table:
    """Insured persons follow the staff as far as the enterprise insures it; cuts are seen a month late, or two."""
    lag = 1 + (view.trait("staff/lag") < 0.3).astype(np.int64)
    before = np.maximum(view.months[None, :] - lag[:, None], 0)
    followed = np.take_along_axis(view.staff, before, axis=1)
    insured = np.rint(followed * (0.45 + 0.55 * view.prudence)[:, None]).astype(np.int64)
    insured = np.maximum(insured, (view.staff > 0).astype(np.int64))
    behind = view.spells("staff/behind", rates.SOCIAL_ARREARS, 7)
    drop = np.where(behind > 3, 0.75, 1.0)
    insured = np.rint(insured * drop).astype(np.int64)
    rows = view.cells(view.alive)
    count, owed = rows.of(insured), rows.of(behind)
    prior = np.where(rows.month > 0, insured[rows.at, np.maximum(rows.month - 1, 0)], count)
    base = count * _BASE * (1 + 0.6 * view.dice.uniform("staff/base", rows.who))
    payable = money(base * _SOCIAL)
    part = np.where(owed > 0, 0.5 * rows.uniform("staff/part") * (owed < 2), 1.0)
    turnover = (rows.uniform("staff/turnover") * 0.04 * count).astype(np.int64)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "ym": view.first[rows.month],
        "insured_cnt": count,
        "payable": payable,
        "paid": money(payable * part),
        "arrears_months": owed,
        "base_amt": money(base),
        "added_cnt": np.maximum(count - prior, 0) + turnover,
        "stopped_cnt": np.maximum(prior - count, 0) + turnover,
    }
    late = 15 * (rows.uniform("staff/late") < 0.05)
    return sheet(rows, columns, {}, rows.day + 45 + np.asarray(late, dtype=np.int64))


def _fund(view: View) -> pa.Table:
    covered = view.trait("fund/covered") < rates.FUND_COVERED.value * (0.5 + view.prudence)
    stopped = view.spells("fund/stopped", rates.FUND_STOPPED, 8)
    rows = view.cells(view.alive & covered[:, None])
    count = np.maximum(np.rint(rows.of(view.staff) * (0.25 + 0.5 * view.prudence[rows.at])), 1).astype(
        np.int64
    )
    lasted = rows.of(stopped)
    amount = money(count * _BASE * 0.16 * (1 + 0.6 * view.dice.uniform("staff/base", rows.who)))
    published = rows.day + np.maximum(
        view.dice.delay("fund/told", rates.SOCIAL_LAG, rows.who, rows.month), 20
    )
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "ym": view.first[rows.month],
        "cnt": np.where(lasted > 0, 0, count),
        "amt": np.where(lasted > 0, 0.0, amount),
        "is_stopped": lasted > 0,
        "stopped_months": lasted,
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)


def jobs(view: View) -> pa.Table:
    """The table jobs: some enterprises only, and of these only months with anything posted, at quarter's end or so."""
    listed = view.trait("jobs/listed") < rates.JOBS_COVERED.value
    wants = 0.32 * np.exp(np.clip(0.45 * view.health, -2, 1.2)) * np.where(view.ill >= 0, 0.3, 1.0)
    rows = view.cells(view.alive & listed[:, None] & (view.uniform("jobs/posted") < wants))
    staff = rows.of(view.staff)
    posts = 1 + (staff * 0.08 * rows.uniform("jobs/posts")).astype(np.int64)
    seen = rows.day + np.maximum(view.dice.delay("jobs/seen", rates.JOBS_LAG, rows.who, rows.month), 1)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "ym": view.first[rows.month],
        "snapshot_dt": seen,
        "posts": posts,
        "new_posts": np.rint(posts * rows.uniform("jobs/new")).astype(np.int64),
        "headcount": posts + (posts * 2 * rows.uniform("jobs/heads")).astype(np.int64),
        "salary_median": np.round(5_200 * np.exp(0.25 * view.dice.normal("jobs/pay", rows.who)), -2),
        "site_cnt": 1 + rows.pick("jobs/sites", (5, 3, 2)),
        "region6": rows.region(),
    }
    return sheet(rows, columns, {}, seen)
