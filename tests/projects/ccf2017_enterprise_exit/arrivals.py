"""Which files would the publishers of CCF 2017 have sent by 2015-08-31, and which exits after it?

Columns and cells are the contest's own, but for months (see `chinese_sets.months`). Exits come as one file after the horizon.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chinese_sets import Delivery, everybody, months

OBSERVED = date(2015, 8, 31)
TRAINED = date(2017, 8, 31)
MODEL = "exit_24m"
ID = "EID"
TOGETHER = True  # ids are the contest's own for all enterprises, and investments tie new ones to known ones
ROSTERS = ("train", "evaluation_public")

# table -> (source, columns, which of them are months)
SIDES = {
    "lawsuit": ("lawsuits", ("EID", "TYPECODE", "LAWDATE", "LAWAMOUNT"), ("LAWDATE",)),
    "breakfaith": ("dishonest", ("EID", "TYPECODE", "FBDATE", "SXENDDATE"), ("FBDATE", "SXENDDATE")),
    "project": ("tenders", ("EID", "TYPECODE", "DJDATE", "IFHOME"), ("DJDATE",)),
    "qualification": (
        "qualifications",
        ("EID", "ADDTYPE", "BEGINDATE", "EXPIRYDATE"),
        ("BEGINDATE", "EXPIRYDATE"),
    ),
    "invest": ("investments", ("EID", "BTEID", "IFHOME", "BTBL", "BTYEAR", "BTENDYEAR"), ()),
}


def write(delivery: Delivery) -> None:
    """One file a source; with labels, only the labelled enterprises are on the roster and their exits are sent."""
    people = ROSTERS[:1] if delivery.labelled else (*ROSTERS, *SIDES)
    delivery.send("enterprises", everybody(delivery, people, ID), OBSERVED)
    for table, (source, columns, dated) in SIDES.items():
        found = delivery.table(table, columns)
        if found is not None:
            delivery.send(source, found.assign(**{name: months(found[name]) for name in dated}), OBSERVED)
    if delivery.labelled:
        train = delivery.table("train", ("EID", "TARGET", "ENDDATE"))
        if train is not None:
            exits = train[train["TARGET"].astype(str) == "1"]
            delivery.send("exits", exits.assign(ENDDATE=months(exits["ENDDATE"])), TRAINED)


def listed(delivery: Delivery) -> list[str]:
    """Whom a delivery without labels is about: everybody in any of its tables."""
    return everybody(delivery, (*ROSTERS, *SIDES), ID)[ID].tolist()
