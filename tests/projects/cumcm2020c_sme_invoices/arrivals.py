"""Which files would the tax authority and the bank have sent by 2020-02-29 (CUMCM 2020 C), and when did defaults arrive?

Columns and cells are the contest's own. The default flag carries no date: it is *declared* to arrive on 2020-12-31.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from chinese_sets import Delivery, everybody

OBSERVED = date(2020, 2, 29)
FOUND = date(2020, 12, 31)
TRAINED = date(2021, 3, 1)
MODEL = "sme_default"
ID = "企业代号"
TOGETHER = False  # E1, E2, ... are numbers of one contest: another delivery's E1 is another enterprise
ROSTERS = ("credit_enterprise", "nocredit_enterprise")

_INVOICE = ("金额", "税额", "价税合计", "发票状态")
# source -> (tables, columns)
SIDES = {
    "sales": (
        ("credit_output_invoice", "nocredit_output_invoice"),
        ("企业代号", "发票号码", "开票日期", "购方单位代号", *_INVOICE),
    ),
    "purchases": (
        ("credit_input_invoice", "nocredit_input_invoice"),
        ("企业代号", "发票号码", "开票日期", "销方单位代号", *_INVOICE),
    ),
}
TABLES = tuple(table for tables, _ in SIDES.values() for table in tables)


def write(delivery: Delivery) -> None:
    """One file a source. With labels, only enterprises whose outcome is known are sent; without, all there are."""
    kept = slice(0, 1) if delivery.labelled else slice(None)
    people = ROSTERS[:1] if delivery.labelled else (*ROSTERS, *TABLES)
    delivery.send("enterprises", everybody(delivery, people, ID), OBSERVED)
    for source, (tables, columns) in SIDES.items():
        found = [delivery.table(table, columns) for table in tables[kept]]
        there = [table for table in found if table is not None]
        delivery.send(source, pd.concat(there, ignore_index=True) if there else None, OBSERVED)
    if delivery.labelled:
        delivery.send("defaults", delivery.table("credit_enterprise", (ID, "是否违约")), FOUND)


def listed(delivery: Delivery) -> list[str]:
    """Whom a delivery without labels is about: everybody in any of its tables."""
    return everybody(delivery, (*ROSTERS, *TABLES), ID)[ID].tolist()
