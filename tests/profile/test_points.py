"""Do facts read from many sources at once come out as those read one by one, and as they were written?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskengine.profile import points
from riskengine.profile.compute import Workbench
from riskengine.profile.points import Asked, read_in_lanes, read_points
from riskengine.schema import file_sha256
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts

KINDS = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "DATE": pa.date32(), "BOOLEAN": pa.bool_(),
         "DECIMAL(18,2)": pa.decimal128(18, 2)}  # fmt: skip
CLOCKS = {
    "event_date": date(2026, 1, 1),
    "known_at": date(2026, 1, 2),
    "superseded_at": None,
    "removed": False,
}
COLUMNS = {
    "court": (("case", "VARCHAR"), ("uscc", "VARCHAR"), ("sum", "DECIMAL(18,2)")),
    "invoice": (("amount", "DOUBLE"), ("month", "DATE"), ("red", "BOOLEAN"), ("uscc", "VARCHAR"), ("number", "BIGINT")),
    "tax": (("paid", "DECIMAL(18,2)"), ("uscc", "VARCHAR")),
}  # fmt: skip
ROWS: Mapping[str, list[dict[str, Any]]] = {
    "court": [{"case": "a", "uscc": "U1", "sum": Decimal("0.10")}, {"case": None, "uscc": "U2", "sum": None}],
    "invoice": [
        {"amount": -0.0, "month": date(2026, 5, 1), "red": None, "uscc": "U1", "number": 1 << 62},
        {"amount": None, "month": None, "red": True, "uscc": "U1", "number": None},
    ],
    "tax": [{"paid": Decimal("-7.05"), "uscc": "U1"}],
}  # fmt: skip


def stored(root: Path, columns: Mapping[str, tuple[tuple[str, str], ...]]) -> Snapshot:
    """Each source in one file with these columns."""
    sources = {}
    for source, kinds in columns.items():
        schema = pa.schema([*((name, KINDS.get(kind, pa.int32())) for name, kind in kinds), ("event_date", pa.date32()),
                            ("known_at", pa.date32()), ("superseded_at", pa.date32()), ("removed", pa.bool_()),
                            ("fact_rank", pa.int64())])  # fmt: skip
        rows = [{**row, **CLOCKS, "fact_rank": 1 << 60} for row in ROWS[source]]
        path = root / "index" / source / "0.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        file = FactFile(str(path.relative_to(root)), file_sha256(path), len(rows))
        sources[source] = SourceFacts(1, (file,), "uscc")
    return Snapshot("s", root, sources)


def wanted(source: str, values: tuple[str, ...], lacking: str = "") -> list[tuple[Any, ...]]:
    return [
        (*(_cell(None if name == lacking else row[name]) for name, _ in COLUMNS[source]), *CLOCKS.values(), 1 << 60, None)
        for row in ROWS[source] if row["uscc"] in values
    ]  # fmt: skip


def _cell(value: Any) -> Any:
    return int(value * 100) if isinstance(value, Decimal) else value


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each reading, whether it was one query."""
    told: list[bool] = []
    slow = points._together
    monkeypatch.setattr(
        points, "_together", lambda *given: told.append((it := slow(*given)) is not None) or it
    )
    return told


def asked(values: tuple[str, ...]) -> list[Asked]:
    return [Asked(source, columns, "uscc", values) for source, columns in COLUMNS.items()]


@pytest.mark.parametrize("values", [("U1",), ("U2", "U1"), ("nobody",)])
def test_rows_are_those_that_were_written(
    tmp_path: Path, together: list[bool], values: tuple[str, ...]
) -> None:
    with Workbench(stored(tmp_path, COLUMNS), threads=1) as bench:
        for read in (read_in_lanes(bench, asked(values)), read_points(bench, bench.points, asked(values))):
            assert [repr(rows) for rows in read] == [repr(wanted(source, values)) for source in COLUMNS]
        unknown = Asked("nothing taken in", (("uscc", "VARCHAR"),), "uscc", values)
        assert read_points(bench, bench.points, [unknown]) == [[]]
    assert together == [True, True, True]


def test_a_file_without_a_column_or_of_another_type_is_read_by_itself(
    tmp_path: Path, together: list[bool]
) -> None:
    older = {**COLUMNS, "tax": COLUMNS["tax"][1:]}
    with Workbench(stored(tmp_path / "older", older), threads=1) as bench:
        read = read_points(bench, bench.points, asked(("U1",)))
    assert read == [wanted("court", ("U1",)), wanted("invoice", ("U1",)), wanted("tax", ("U1",), "paid")]
    with Workbench(stored(tmp_path / "other", COLUMNS), threads=1) as bench:
        promised = Asked("court", (("case", "BIGINT"), ("uscc", "VARCHAR")), "uscc", ("U1",))
        assert [row[:2] for row in read_points(bench, bench.points, [promised])[0]] == [("a", "U1")]
    assert together == [False, False]
