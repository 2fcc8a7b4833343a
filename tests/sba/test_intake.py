"""Is every row of the public sample accounted for, and are the refused ones those that the data's own notes name?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from sba_world import EXAMPLE, NIGHTS, SOURCES, TRAINED, branch, feed

from riskengine.intake.load import take_in
from riskengine.project import Project
from riskengine.store import snapshot
from riskengine.store.ledger import batch_records, open_ledger, refused


def test_every_row_is_accepted_or_refused_and_none_is_lost(late: Project) -> None:
    published = {
        (file.parent.name, file.name): pq.read_metadata(file).num_rows
        for file in (EXAMPLE / "data").glob("*/*.parquet")
    }
    records = batch_records(open_ledger(late.store))
    assert {(record.source, record.file): record.rows_in for record in records} == published
    kept = snapshot.read(late.store).sources
    for source in SOURCES:
        mine = [record for record in records if record.source == source]
        assert all(one.rows_in == one.accepted + one.quarantined + one.duplicates for one in mine)
        assert sum(file.rows for file in kept[source].files) == sum(record.accepted for record in mine)
    refusals = refused(open_ledger(late.store), "")
    rows = Counter((one["source"], one["file"]) for one in {(r["source"], r["file"], r["row"]): r for r in refusals}.values())  # fmt: skip
    assert rows == {(one.source, one.file): one.quarantined for one in records if one.quarantined}


def test_the_refused_rows_are_the_documented_ones(late: Project) -> None:
    total: Counter[tuple[str, str, str]] = Counter()
    for one in refused(open_ledger(late.store), ""):
        total[one["source"], one["rule"], one["column"]] += 1
    assert total == {
        ("charge_offs", "values", "MIS_Status"): 184,  # repaid in full, yet with a charge-off date
        ("charge_offs", "required", "ChgOffDate"): 4,  # charged off on an unknown day
        ("guarantees", "disbursed_after_approval", ""): 21,  # a rule about the row, not about one column
        ("guarantees", "required", "DisbursementDate"): 94,
    }
    assert {one["value"] for one in refused(open_ledger(late.store), "charge_offs")} <= {"PIF", None, ""}


def test_loading_twice_changes_nothing(late: Project, tmp_path: Path) -> None:
    project = branch(late, tmp_path / "again")
    before = snapshot.read(project.store).id
    receipts = feed(project, [str(TRAINED), *map(str, NIGHTS), "2014-12-31"])
    assert {receipt.snapshot_after for receipt in receipts} == {before}
    assert sum(receipt.accepted for receipt in receipts) == 0
    assert all(receipt.batch is None for receipt in receipts)
    # The same rows in another format are the same facts.
    original = pq.read_table(EXAMPLE / "data" / "charge_offs" / "2006-01-31.parquet")
    other = tmp_path / "again.csv"
    original.to_pandas().to_csv(other, index=False)
    [receipt] = take_in(project, "charge_offs", [other], NIGHTS[0])
    assert (receipt.accepted, receipt.duplicates, receipt.snapshot_after) == (0, original.num_rows, before)
