"""Where does `data/` come from? Splits the public SBA sample and FRED-MD into the files their publishers would send.

    python examples/sba_7a/build_data.py ../shared/data

reads `sba_7a_national/loans_casecontrol.parquet` and `macro_us_fred_md/fred_md_2026_02.parquet` below the given folder
and rewrites `examples/sba_7a/data/<source>/<arrival date>.parquet`. Column names and values stay the publisher's own.
A file holds what became known up to its arrival date and after the one before; statistics (`lender_history`,
`sector_history`) are counted from the same loans, month by month, as an agency would publish them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).parent / "data"
ARRIVALS = pd.to_datetime(["2005-12-31", "2006-01-31", "2006-02-28", "2006-03-31", "2014-12-31"])

# Population counts over sample counts of the full 63,645-row draw (see README): what one sampled loan stands for.
WEIGHTS = {"CHGOFF": 157_558 / 31_080, "PIF": 739_609 / 32_565}

BORROWERS = [
    "LoanNr_ChkDgt",
    "Name",
    "City",
    "State",
    "Zip",
    "NAICS",
    "ApprovalDate",
    "NoEmp",
    "NewExist",
    "FranchiseCode",
    "UrbanRural",
]
APPLICATIONS = [
    "LoanNr_ChkDgt",
    "Name",
    "State",
    "Bank",
    "BankState",
    "NAICS",
    "ApprovalDate",
    "GrAppv",
    "SBA_Appv",
    "CreateJob",
    "RetainedJob",
]
FACILITIES = ["LoanNr_ChkDgt", "Name", "State", "Bank", "ApprovalDate", "RevLineCr", "LowDoc", "GrAppv"]
GUARANTEES = [
    "LoanNr_ChkDgt",
    "Name",
    "State",
    "Bank",
    "NAICS",
    "ApprovalDate",
    "DisbursementDate",
    "GrAppv",
    "SBA_Appv",
]
CHARGE_OFFS = [
    "LoanNr_ChkDgt",
    "Name",
    "State",
    "Bank",
    "NAICS",
    "ApprovalDate",
    "ChgOffDate",
    "ChgOffPrinGr",
    "SBA_Appv",
    "GrAppv",
    "MIS_Status",
]
MACRO = [
    "UNRATE",
    "INDPRO",
    "PAYEMS",
    "CLAIMSx",
    "HOUST",
    "PERMIT",
    "FEDFUNDS",
    "GS10",
    "TB3MS",
    "BAA",
    "AAA",
    "UMCSENTx",
    "BUSLOANS",
    "OILPRICEx",
    "CPIAUCSL",
]


def main(shared: Path) -> None:
    """Rewrite the data folder."""
    loans = pd.read_parquet(shared / "sba_7a_national" / "loans_casecontrol.parquet").sort_values(
        "LoanNr_ChkDgt"
    )
    write("borrowers", loans[BORROWERS], loans["ApprovalDate"])
    write("applications", loans[APPLICATIONS], loans["ApprovalDate"])
    write("facilities", loans[FACILITIES], loans["ApprovalDate"])
    write("guarantees", loans[GUARANTEES], loans["DisbursementDate"])
    ended = loans[loans["ChgOffDate"].notna() | (loans["MIS_Status"] == "CHGOFF")]
    write("charge_offs", ended[CHARGE_OFFS], ended["ChgOffDate"])
    sampling = loans[["LoanNr_ChkDgt", "ApprovalDate", "MIS_Status"]]
    write("sampling", sampling.assign(weight=sampling["MIS_Status"].map(WEIGHTS)), loans["ApprovalDate"])
    sector = loans.assign(sector=loans["NAICS"].astype(str).str.zfill(2).str[:2].where(loans["NAICS"] > 0))
    for name, keys in (("lender_history", ["Bank"]), ("sector_history", ["sector", "State"])):
        history = monthly_history(sector, keys)
        write(
            name, history, (pd.to_datetime(history["month"]) + pd.Timedelta(days=30)).dt.strftime("%Y-%m-%d")
        )
    applicants(loans).to_csv(DATA.parent / "applicants_2006.csv", index=False)
    macro = macro_table(pd.read_parquet(shared / "macro_us_fred_md" / "fred_md_2026_02.parquet"))
    write("macro_us", macro, (pd.to_datetime(macro["month"]) + pd.Timedelta(days=45)).dt.strftime("%Y-%m-%d"))


def applicants(loans: pd.DataFrame) -> pd.DataFrame:
    """Eight applications of early January 2006, evenly spaced by loan number, with what was known on the day.

    Until the 13th nothing becomes known that the files of 2005 do not hold: reviews do not depend on what came later.
    """
    month = loans[loans["ApprovalDate"].between("2006-01-03", "2006-01-13") & loans["NAICS"].gt(0)]
    known = [*BORROWERS, *(name for name in [*APPLICATIONS, *FACILITIES] if name not in BORROWERS)]
    return month.iloc[:: len(month) // 8].head(8)[list(dict.fromkeys(known))]


def monthly_history(loans: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Approvals and charge-offs a month and key, with each charge-off in the month it happened."""
    approved = pd.to_datetime(loans["ApprovalDate"])
    ended = pd.to_datetime(loans["ChgOffDate"]).where(loans["MIS_Status"] == "CHGOFF")
    age = (ended.dt.year - approved.dt.year) * 12 + ended.dt.month - approved.dt.month
    early = ended <= approved + pd.DateOffset(months=36)
    entries = pd.concat(
        [
            loans[keys].assign(
                month=month_end(approved),
                approvals=1,
                approved_amount=loans["GrAppv"],
                revolving_approvals=(loans["RevLineCr"] == "Y").astype(int),
            ),
            loans[keys].assign(
                month=month_end(ended),
                charge_offs=1,
                charged_off_amount=loans["ChgOffPrinGr"],
                early_charge_offs=early.astype(int),
                charge_off_months=age,
            )[ended.notna()],
        ]
    )
    counts = ["approvals", "revolving_approvals", "charge_offs", "early_charge_offs", "charge_off_months"]
    measures = ["approved_amount", "charged_off_amount", *counts]
    table = entries.dropna(subset=keys).groupby([*keys, "month"])[measures].sum().reset_index()
    return table.astype(dict.fromkeys(counts, "int64")).sort_values(["month", *keys])


def macro_table(raw: pd.DataFrame) -> pd.DataFrame:
    """The chosen FRED-MD series from 1968 to 2014, one row a month, without the row of transformation codes."""
    table = raw.iloc[1:].copy()
    table["month"] = month_end(pd.to_datetime(table["sasdate"], format="%m/%d/%Y"))
    table = table[table["month"].between("1968-01-31", "2014-12-31")]
    return table[["month", *MACRO]].astype(dict.fromkeys(MACRO, float)).reset_index(drop=True)


def month_end(days: pd.Series) -> pd.Series:
    """The last day of each day's month, as ISO text."""
    return (days + pd.offsets.MonthEnd(0)).dt.strftime("%Y-%m-%d")


def write(source: str, table: pd.DataFrame, known: pd.Series) -> None:
    """One file an arrival date; rows that never become known come with the last."""
    folder = DATA / source
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.parquet"):
        old.unlink()
    days = pd.to_datetime(known).fillna(ARRIVALS[-1]).clip(upper=ARRIVALS[-1])
    arrival = ARRIVALS[ARRIVALS.searchsorted(days)]
    for day in ARRIVALS:
        part = table[arrival == day]
        if len(part):
            pq.write_table(
                pa.Table.from_pandas(part, preserve_index=False),
                folder / f"{day.date()}.parquet",
                compression="zstd",
                compression_level=19,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
