"""Which risk have enterprises that nobody here has seen? Train on one folder of tables, score the enterprises of another.

    python tests/projects/score.py PROJECT --train-data FOLDER --new-data FOLDER --out FILE.csv

PROJECT is one of ccf2017_enterprise_exit, ccf2020_illegal_fundraising, cumcm2020c_sme_invoices. Both folders hold the
tables of `../shared/data/PROJECT` (Parquet or CSV), the new one without labels (labels that are there are not read); any of them
may be missing. Everybody in any of the new tables is scored. Writes `id,pd,score,grade`, in order of id.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chinese_sets import (
    HERE,
    SHARED,
    Delivery,
    arrivals,
    bundled,
    candidate,
    copied,
    delivered,
    learned_rows,
    scored,
)

from riskengine.errors import Problem, RiskEngineError, UsageError

PROJECTS = tuple(sorted(path.parent.name for path in HERE.glob("*/arrivals.py")))


def main(words: Sequence[str] | None = None) -> int:
    """Train, take in, score, write; 0 done, else the engine's exit code with the reason on stderr."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("project", choices=PROJECTS)
    parser.add_argument("--train-data", type=Path, help="labelled tables (default: ../shared/data/PROJECT)")
    parser.add_argument("--new-data", type=Path, required=True, help="the same tables for new enterprises")
    parser.add_argument("--out", type=Path, required=True, help="the CSV to write")
    asked = parser.parse_args(words)
    try:
        score(asked.project, asked.train_data or SHARED / asked.project, asked.new_data, asked.out)
    except RiskEngineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def score(name: str, train_data: Path, new_data: Path, out: Path) -> None:
    """Train on the tables of `train_data`, score every enterprise of `new_data`, write the CSV `out`."""
    missing = [folder for folder in (train_data, new_data) if not folder.is_dir()]
    if missing:
        raise UsageError("No tables", [Problem(str(folder), "a folder", "none") for folder in missing])
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        project = copied(name, work / "known")
        delivered(name, project, Delivery(train_data, project.inbox))
        made = candidate(name, project, learned_rows(name, project))
        bundle = bundled(made, work / "bundle")
        area = made.trials[-1].figures["model"]["auc"]
        print(f"trained on {made.rows:,} enterprises, {made.events:,} positive; held-out AUC {area}")
        # Facts may tie new enterprises to known ones (who invests in whom); where they cannot, equal ids are no tie.
        new = project if arrivals(name).TOGETHER else copied(name, work / "new")
        before = set(scored(name, project, bundle)["id"]) if arrivals(name).TOGETHER else set()
        receipts = delivered(name, new, Delivery(new_data, new.inbox, labelled=False))
        for receipt in receipts:
            print(
                f"{receipt.source}: {receipt.rows_in:,} rows in = {receipt.accepted:,} accepted"
                f" + {receipt.quarantined:,} quarantined + {receipt.duplicates:,} duplicates"
            )
        if not any(receipt.source == "enterprises" for receipt in receipts):
            raise UsageError("Nobody to score", [Problem(str(new_data), "tables with ids", "none")])
        found = scored(name, new, bundle)
        asked = arrivals(name).listed(Delivery(new_data, new.inbox, labelled=False))
        found = found[found["id"].isin(asked)]
        known = len(before & set(found["id"]))
        if known:
            print(f"{known:,} of them were in the training data", file=sys.stderr)
    out.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(out, index=False)
    print(f"{len(found):,} enterprises scored: {out}")


if __name__ == "__main__":
    sys.exit(main())
