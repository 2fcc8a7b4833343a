"""What does a publisher's file hold, cell by cell, and is it whole?

Text formats give text columns (a code `1.0` stays `1.0`), Parquet its own types. Row numbers count data rows from 1; the
header is not one. Everything that is wrong with a file is listed at once.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from riskengine.errors import Problem, UsageError
from riskengine.intake.cells import cell_text
from riskengine.schema import file_sha256

_SHOWN = 20
FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "json", ".ndjson": "json",
    ".json": "json", ".xlsx": "xlsx",
}  # fmt: skip


@dataclass(frozen=True)
class PublishedFile:
    """One file as it came: its name, hash and cells. Row `n` of `cells` (from 0) is the file's data row `n + 1`."""

    path: Path
    sha256: str
    cells: pa.Table


def read_file(path: Path) -> PublishedFile:
    """Read a CSV, JSON-lines, XLSX or Parquet file by its ending; `UsageError` lists everything that is wrong."""
    kind = FORMATS.get(path.suffix.lower())
    if kind is None or not path.is_file():
        wanted = "a file" if kind else "a file ending in " + ", ".join(sorted(FORMATS))
        got = repr(path.suffix) if path.is_file() else "no such file"
        raise UsageError("Cannot read a file", [Problem(str(path), wanted, got)])
    read = {"csv": _read_csv, "parquet": _read_parquet, "json": _read_json, "xlsx": _read_xlsx}[kind]
    cells, problems = read(path)
    if problems:
        more = len(problems) - _SHOWN
        rest = [Problem(str(path), "a whole file", f"{more} more problems like these")] if more > 0 else []
        raise UsageError("A file is not whole", problems[:_SHOWN] + rest)
    return PublishedFile(path, file_sha256(path), cells)


def _read_csv(path: Path) -> tuple[pa.Table, list[Problem]]:
    text, problems = _utf8(path)
    if problems:
        return _nothing(), problems
    text = text.lstrip(b"\r\n")
    first = text.split(b"\n", 1)[0].decode("utf-8")
    delimiter = max(",;\t", key=first.count)
    header = next(
        csv.reader(io.StringIO(text[: 1 << 20].decode("utf-8", "ignore"), newline=""), delimiter=delimiter),
        [],
    )
    names, problems = _header(path, list(header))
    if problems:
        return _nothing(), problems
    problems = _open_quotes(path, text, delimiter)
    if problems:
        return _nothing(), problems
    ragged: list[Problem] = []

    def note(row: Any) -> str:
        where = f"{path} row {row.number - 1}" if row.number else str(path)
        ragged.append(Problem(where, f"{row.expected_columns} columns", f"{row.actual_columns}"))
        return "skip"

    slots = [f"f{place}" for place in range(len(names))]
    try:
        table = pacsv.read_csv(
            io.BytesIO(text),
            read_options=pacsv.ReadOptions(
                use_threads=False,
                block_size=max(1 << 24, min(len(text), 1 << 30)),
                autogenerate_column_names=True,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(slots, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        return _nothing(), [Problem(str(path), "a readable CSV", str(error)[:160])]
    return table.slice(1).rename_columns(names), ragged


def _open_quotes(path: Path, text: bytes, delimiter: str) -> list[Problem]:
    """A quote that never closes swallows the rows after it: Arrow would read them as one cell, this refuses."""
    if b'"' not in text:
        return []
    rows = csv.reader(
        io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline=""), delimiter=delimiter, strict=True
    )
    try:
        for _ in rows:
            pass
    except csv.Error as error:
        return [Problem(str(path), "quotes that close", f"{error}, at line {rows.line_num}")]
    return []


def _utf8(path: Path) -> tuple[bytes, list[Problem]]:
    """The file's text as UTF-8 bytes without a mark, from UTF-8 or GB18030, strictly."""
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return b"", [Problem(str(path), "UTF-8 or GB18030", "UTF-16", "Save it as UTF-8")]
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        return b"", [Problem(str(path), "a header", "an empty file")]
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        try:
            return raw.decode("gb18030").encode("utf-8"), []
        except UnicodeDecodeError as other:
            got = (
                f"bytes that are neither (UTF-8 breaks at byte {error.start}, GB18030 at byte {other.start})"
            )
            return b"", [Problem(str(path), "UTF-8 or GB18030", got, "Save it as UTF-8")]
    return raw, []


def _header(path: Path, cells: list[object]) -> tuple[list[str], list[Problem]]:
    names = [cell_text(cell) or "" for cell in cells]
    if len(names) > 1 and not names[0] and all(names[1:]):
        names[0] = (
            "unnamed"  # the row index that pandas writes: a contract refuses it, an applicants' file ignores it
        )
    problems = [
        Problem(f"{path} header, column {place}", "a column name", "nothing")
        for place, name in enumerate(names, 1)
        if not name
    ]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    for (
        name
    ) in twice:  # without a header the first row's cells stand here: only what is surely a name is shown
        columns = ", ".join(str(place) for place, other in enumerate(names, 1) if other == name)
        said = repr(name) if name.isascii() and name.isidentifier() else f"what stands in columns {columns}"
        problems.append(Problem(f"{path} header", "each column once", f"{said} more than once"))
    if not names:
        problems.append(Problem(str(path), "a header", "no columns"))
    return names, problems


def _read_json(path: Path) -> tuple[pa.Table, list[Problem]]:
    text, problems = _utf8(path)
    columns: dict[str, list[str | None]] = {}
    count = 0
    for number, line in enumerate(text.decode("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        row, faults = _json_row(f"{path} line {number}", line)
        problems += faults
        for name in row:
            if (
                name not in columns
            ):  # a list for every row, mostly thrown away, took time with the square of the rows
                columns[name] = [None] * count
        for name, cells in columns.items():
            cells.append(row.get(name))
        count += 1
    if not problems and not columns:
        problems = [Problem(str(path), "one JSON object a line", "no columns")]
    if problems:
        return _nothing(), problems
    _, problems = _header(path, list(columns))
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}), problems


def _json_row(where: str, line: str) -> tuple[dict[str, str | None], list[Problem]]:
    """One line's cells as text; numbers keep their spelling."""
    problems: list[Problem] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in items]
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(Problem(where, "each column once", f"{name!r} more than once"))
        return dict(items)

    try:
        row = json.loads(line, object_pairs_hook=pairs, parse_float=str, parse_int=str, parse_constant=str)
        line.encode("utf-8")
    except ValueError as error:
        return {}, [Problem(where, "one JSON object", str(error)[:120])]
    if not isinstance(row, dict):
        return {}, [Problem(where, "one JSON object", type(row).__name__)]
    cells: dict[str, str | None] = {}
    for name, value in row.items():
        if isinstance(value, dict | list):
            problems.append(Problem(f"{where}, {name}", "a single value", "a nested one"))
        text = value if isinstance(value, str) else cell_text(value)
        if text is not None and not _encodable(text):
            problems.append(Problem(f"{where}, {name}", "valid Unicode", "half a surrogate pair"))
        cells[name] = text
    return cells, problems


def _encodable(text: str) -> bool:
    return not any("\ud800" <= mark <= "\udfff" for mark in text)


def _read_xlsx(path: Path) -> tuple[pa.Table, list[Problem]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        return _nothing(), [Problem(str(path), "an XLSX workbook", str(error)[:120])]
    try:
        sheets = {sheet.title: _sheet_rows(sheet) for sheet in book.worksheets}
    finally:
        book.close()
    filled = {title: rows for title, rows in sheets.items() if rows}
    if len(filled) > 1:
        titles = ", ".join(repr(title) for title in filled)
        hint = "Save the sheet that is meant as a file of its own"
        return _nothing(), [Problem(str(path), "one sheet with cells", f"{len(filled)}: {titles}", hint)]
    rows = next(iter(filled.values()), [])
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    if not rows:
        return _nothing(), [Problem(str(path), "a header", "an empty sheet")]
    head = rows[0]
    while head and head[-1] is None:
        head = head[:-1]
    names, problems = _header(path, list(head))
    width = len(names)
    for number, row in enumerate(rows[1:], 1):
        if any(cell is not None for cell in row[width:]):
            problems.append(Problem(f"{path} row {number}", f"{width} columns", f"{len(row)}"))
    if problems:
        return _nothing(), problems
    cells = [
        [_sheet_text(row[place]) if place < len(row) else None for row in rows[1:]] for place in range(width)
    ]
    return pa.table([pa.array(column, pa.string()) for column in cells], names=names), []


def _sheet_rows(sheet: Any) -> list[list[Any]]:
    """The rows of a worksheet, none where every cell is empty."""
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    return rows if any(cell is not None for row in rows for cell in row) else []


def _sheet_text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else cell_text(cell)


def _read_parquet(path: Path) -> tuple[pa.Table, list[Problem]]:
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError) as error:
        return _nothing(), [Problem(str(path), "a readable Parquet file", str(error)[:160])]
    names, problems = _header(path, list(table.column_names))
    problems += [
        Problem(f"{path}: {field.name}", "a single value a cell", str(field.type))
        for field in table.schema
        if pa.types.is_nested(field.type)
    ]
    if problems:
        return _nothing(), problems
    return pa.table([_plain(column) for column in table.columns], names=names), []


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionary columns as their values, small floats by their shortest text, timestamps in microseconds."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_timestamp(kind):
        return pc.cast(column, pa.timestamp("us", kind.tz), safe=False)
    return column


def _nothing() -> pa.Table:
    return pa.table({})
