"""How does what happened reach the inbox: which file, which day, which spelling?

A publisher is a function `(province, rows: slice, rng) -> Iterator[tuple[str, pa.Table]]`: the source's name and a table with

- the contract's columns (any subset; what is left out is not sent), typed: text as string, dates as date32, money and
  numbers as float64 or int64 *in the contract's own unit, yuan* (`post` divides by the column's `scale`), flags as bool;
- `arrives` (date32): the day the publisher sends the row, never before what the contract's `known_at` says;
- `enterprise` (`state.TRUTH`, int32): which enterprise the row is truly about, -1 where none; it goes to the truth, never to the inbox.

Rows that arrive after the last day are dropped here: publishers need not filter. Faults (duplicates, restatements,
name-only rows, broken codes, missing cells, absurd amounts, late rows) are planted here, not by publishers, at the rates of
`assumptions.FAULTS`. A removal (a fulfilled case) is no fault: the publisher yields it as a later row. Tables of the whole
province (institutions, products, price indices) are yielded once, for the slice that starts at 0. Texts should carry no ASCII
comma or quotation mark (，and “ are fine): files with them are written more slowly.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from riskengine.clock import month_end, month_ends
from riskengine.errors import IntegrityError, Problem
from riskengine.intake.contract import SourceContract
from riskengine.province import assumptions
from riskengine.province.assumptions import Manner
from riskengine.province.faults import Fault, plant
from riskengine.province.state import TRUTH, Register

_ENDING = {"csv": ".csv", "parquet": ".parquet", "json": ".jsonl", "xlsx": ".xlsx"}
_STAMP = (2000, 1, 1, 0, 0, 0)  # of every file inside a workbook: the same rows, the same bytes
_SPOKEN = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")


def may_connect_late(contract: SourceContract) -> bool:
    """Whether a publisher's exchange can begin after the period's start: those that send month by month."""
    return contract.cadence == "monthly"


def delivery_days(start: date, end: date) -> tuple[date, ...]:
    """The opening delivery (two thirds of the way), then month-ends, then each of the last three days.

    >>> [day.isoformat() for day in delivery_days(date(2025, 1, 1), date(2025, 6, 30))]
    ['2025-04-30', '2025-05-31', '2025-06-28', '2025-06-29', '2025-06-30']
    """
    ends = month_ends(start, month_end(end))
    first = max(0, round(len(ends) * assumptions.OPENING.value) - 1)
    last = [end - timedelta(days=back) for back in (2, 1, 0)]
    return (*[day for day in ends[first:] if day < last[0]], *last)


@dataclass
class Posting:
    """An inbox being filled; deliveries of one source and day are one file, to which chunks of enterprises append."""

    inbox: Path
    contracts: dict[str, SourceContract]
    days: tuple[date, ...]
    register: Register
    connected: date | None = None  # what monthly publishers sent before it never came
    rows: Counter[str] = field(default_factory=Counter)  # written, by source
    faults: list[Fault] = field(default_factory=list)
    _parquet: dict[Path, pq.ParquetWriter] = field(default_factory=dict)
    _sheets: dict[Path, list[pa.Table]] = field(default_factory=dict)

    def post(self, source: str, table: pa.Table, rng: np.random.Generator) -> None:
        """Plant faults in a publisher's rows and append them to the files of their deliveries.

        Raises `IntegrityError` where the table does not have the contract's columns: the province is at fault.
        """
        contract = self.contracts[source]
        _agrees(contract, table)
        table = self._since_connected(contract, self._until_the_end(table))
        table, faults = plant(contract, table, self.register, rng)
        table = self._until_the_end(table)
        if not table.num_rows:
            return
        self.faults += faults
        self.rows[source] += table.num_rows
        manner = assumptions.manner(source)
        arrives = table.column("arrives").to_numpy().astype("datetime64[D]")
        days = np.array(self.days, "datetime64[D]")
        place = np.searchsorted(days, arrives, side="left")
        order = np.argsort(place, kind="stable")
        counts = np.bincount(place, minlength=len(days))
        told = [name for name in contract.columns if name in table.column_names]
        spoken = _spoken(contract, manner, table.select(told)).take(pa.array(order))
        begin = 0
        for day, count in zip(self.days, counts.tolist(), strict=True):
            if count:
                path = self.inbox / source / f"{day}{_ENDING[manner.form]}"
                self._append(path, spoken.slice(begin, count), manner)
            begin += count

    def close(self) -> None:
        """Finish the files that are written as a whole."""
        for writer in self._parquet.values():
            writer.close()
        for path, tables in self._sheets.items():
            _write_sheet(path, pa.concat_tables(tables))
        self._parquet.clear()
        self._sheets.clear()

    def _until_the_end(self, table: pa.Table) -> pa.Table:
        return table.filter(pc.less_equal(table.column("arrives"), pa.scalar(self.days[-1], pa.date32())))

    def _since_connected(self, contract: SourceContract, table: pa.Table) -> pa.Table:
        if self.connected is None or not may_connect_late(contract):
            return table
        return table.filter(pc.greater_equal(table.column("arrives"), pa.scalar(self.connected, pa.date32())))

    def _append(self, path: Path, table: pa.Table, manner: Manner) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if manner.form == "parquet":
            if path not in self._parquet:
                self._parquet[path] = pq.ParquetWriter(path, table.schema, write_page_checksum=True)
            self._parquet[path].write_table(table)
        elif manner.form == "xlsx":
            self._sheets.setdefault(path, []).append(table)
        elif manner.form == "json":
            with path.open("ab") as file:
                for row in table.to_pylist():
                    text = json.dumps(
                        {k: v for k, v in row.items() if v is not None}, ensure_ascii=False, default=str
                    )
                    file.write(text.encode() + b"\n")
        else:
            begun = path.exists()
            with path.open("ab") as file:
                file.write(_csv_bytes(table, not begun, manner.encoding))


def _agrees(contract: SourceContract, table: pa.Table) -> None:
    names = set(table.column_names)
    clocks = {contract.event_clock.column, contract.known_clock.column} - {""}
    needed = {name for name, column in contract.columns.items() if column.required} | {*contract.key} | clocks
    needed = {name for name in needed if name in contract.columns} | {"arrives", TRUTH}
    alien = names - set(contract.columns) - {"arrives", TRUTH}
    problems = [
        Problem(f"{contract.name}.{name}", "a column from its publisher", "none")
        for name in sorted(needed - names)
    ]
    problems += [
        Problem(f"{contract.name}.{name}", "a column of the contract", "another") for name in sorted(alien)
    ]
    if problems:
        raise IntegrityError("A publisher of the synthetic province does not keep its contract", problems)


def _spoken(contract: SourceContract, manner: Manner, table: pa.Table) -> pa.Table:
    """The table as the publisher spells it: units, dates."""
    for place, name in enumerate(table.column_names):
        values = table.column(name)
        scale = contract.columns[name].scale
        if scale != 1 and (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            values = pc.round(pc.divide(values.cast(pa.float64()), scale), 6)
        elif pa.types.is_floating(values.type) and contract.columns[name].type == "money":
            values = pc.round(values, 2)
        elif pa.types.is_date(values.type) and manner.form != "parquet":
            values = _dates(values, manner.dates)
        elif pa.types.is_boolean(values.type) and manner.form == "csv":
            values = pc.if_else(values, "是", "否")
        table = table.set_column(place, name, values)
    return table


def _dates(values: pa.ChunkedArray, spelling: str) -> pa.Array:
    coded = values.combine_chunks().dictionary_encode()
    texts = [None if day is None else spelling.format(day) for day in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(coded.indices)


def _csv_bytes(table: pa.Table, header: bool, encoding: str) -> bytes:
    buffer = io.BytesIO()
    for style in ("none", "needed"):
        try:
            pacsv.write_csv(table, buffer, pacsv.WriteOptions(include_header=False, quoting_style=style))
            break
        except pa.ArrowInvalid:  # a text holds a comma or a quotation mark
            buffer = io.BytesIO()
    text = buffer.getvalue()
    if header:
        text = (",".join(table.column_names) + "\n").encode() + text
    if encoding == "utf-8-sig":
        return (b"\xef\xbb\xbf" if header else b"") + text
    return text if encoding == "utf-8" else text.decode().encode(encoding)


def _write_sheet(path: Path, table: pa.Table) -> None:
    """A workbook; its own time stamps are fixed so that the same rows give the same bytes."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name in sorted(made.namelist()):
            body = made.read(name)
            if name == "docProps/core.xml":
                body = _SPOKEN.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", body)
            out.writestr(zipfile.ZipInfo(name, _STAMP), body)
