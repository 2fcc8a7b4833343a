"""How do the answers of a review leave the house: one row for each applicant, in order, in the asked format?"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from riskengine.decision.words import reason_line
from riskengine.errors import Problem, UsageError, nearest

COLUMNS = ("applicant_id", "as_of", "pd", "score", "grade", "decision", "reasons", "decision_id")
FORMATS = (".csv", ".json", ".jsonl", ".parquet")


def answer_rows(records: Sequence[Mapping[str, Any]], language: str) -> list[dict[str, Any]]:
    """One flat row a record with the columns `COLUMNS`; ids and dates are text, absent answers None."""
    found = []
    for record in records:
        model = record["outputs"]["model"] or {}
        found.append(
            {
                "applicant_id": record["applicant_id"],
                "as_of": record["as_of"],
                "pd": model.get("pd"),
                "score": model.get("score"),
                "grade": model.get("grade"),
                "decision": record["outputs"]["decision"],
                "reasons": reason_line(record, language),
                "decision_id": record["decision_id"],
            }
        )
    return found


def check_format(path: Path) -> None:
    """Refuse an `--out` whose ending names no format, before any work is done."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            "Cannot write that format",
            [Problem(str(path), " or ".join(FORMATS), repr(path.suffix), nearest(path.suffix, FORMATS))],
        )
    if not path.parent.is_dir():
        raise UsageError("Cannot write there", [Problem(str(path.parent), "a folder", "none")])


def write_answers(path: Path, records: Sequence[Mapping[str, Any]], language: str) -> None:
    """Write the answers by the file's ending, at once: CSV (UTF-8 with BOM), Parquet, or JSON; whole records are what `--json` prints."""
    check_format(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        content = _csv(answer_rows(records, language))
    elif suffix == ".parquet":
        content = _parquet(answer_rows(records, language))
    else:
        rows = answer_rows(records, language)
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows]
        joined = "\n".join(lines) + "\n" if suffix == ".jsonl" else "[" + ",\n".join(lines) + "]\n"
        content = joined.encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_bytes(content)
    temporary.replace(path)


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: inert(value) for name, value in row.items()} for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def inert(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, made plain text by an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"pd": pa.float64(), "score": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink, write_page_checksum=True)
    return sink.getvalue()
