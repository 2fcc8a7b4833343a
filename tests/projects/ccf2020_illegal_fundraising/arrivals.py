"""Which files would have been sent of the enterprises of Wuhu (CCF 2020), and when did the findings arrive?

Columns and cells are the contest's own. The findings carry no date: they are *declared* to arrive on 2020-12-31, after the last
dated row of the data (2020-09-11); the rest was observed on 2020-09-30. This is a static test, not a test in time.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chinese_sets import Delivery, everybody

OBSERVED = date(2020, 9, 30)
FOUND = date(2020, 12, 31)
TRAINED = date(2021, 9, 30)
MODEL = "fundraising"
ID = "id"
TOGETHER = False
ROSTERS = ("entprise_info", "entprise_evaluate")

REGISTRY = (
    "id", "oplocdistrict", "industryphy", "industryco", "enttype", "enttypeitem", "opto", "state", "orgid", "jobid",
    "adbusign", "townsign", "regtype", "empnum", "compform", "opform", "venind", "enttypeminu", "oploc", "regcap",
    "reccap", "enttypegb", "opfrom_year", "opfrom_month", "parnum", "exenum", "protype", "forreccap", "forregcap",
    "congro", "change_info_count",
)  # fmt: skip
REPORTS = (
    "id", "ANCHEYEAR", "STATE", "FUNDAM", "MEMNUM", "FARNUM", "ANNNEWMEMNUM", "ANNREDMEMNUM", "EMPNUM", "EMPNUMSIGN",
    "BUSSTNAME", "COLGRANUM", "RETSOLNUM", "DISPERNUM", "UNENUM", "COLEMPLNUM", "RETEMPLNUM", "DISEMPLNUM",
    "UNEEMPLNUM", "WEBSITSIGN", "FORINVESTSIGN", "STOCKTRANSIGN", "PUBSTATE",
)  # fmt: skip
TAXES = (
    "id", "START_DATE", "END_DATE", "TAX_CATEGORIES", "TAX_ITEMS", "TAXATION_BASIS", "TAX_RATE", "DEDUCTION",
    "TAX_AMOUNT",
)  # fmt: skip

# table -> (source, columns)
SIDES = {
    "base_info_partial": ("registry", REGISTRY),
    "annual_report_info": ("annual_reports", REPORTS),
    "tax_info": ("taxes", TAXES),
    "news_info": ("news", ("id", "positive_negtive", "public_date")),
    "other_info": ("records", ("id", "legal_judgment_num", "brand_num", "patent_num")),
}


def write(delivery: Delivery) -> None:
    """One file a source; with labels, the roster is the labelled enterprises and the findings arrive."""
    people = ROSTERS[:1] if delivery.labelled else (*ROSTERS, *SIDES)
    delivery.send("enterprises", everybody(delivery, people, ID), OBSERVED)
    for table, (source, columns) in SIDES.items():
        delivery.send(source, delivery.table(table, columns), OBSERVED)
    if delivery.labelled:
        delivery.send("findings", delivery.table("entprise_info", ("id", "label")), FOUND)


def listed(delivery: Delivery) -> list[str]:
    """Whom a delivery without labels is about: everybody in any of its tables."""
    return everybody(delivery, (*ROSTERS, *SIDES), ID)[ID].tolist()
