"""What was true behind the synthetic files: health, distress, guarantees, planted faults? No pipeline reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskengine.province.faults import Fault
from riskengine.province.state import Province

_README = """# SYNTHETIC — ground truth. 合成数据的真值

Everything here is invented. 全部内容均为虚构，不对应任何真实企业或个人。
No pipeline may read this folder: it holds what nobody could know. 任何流程不得读取本目录。

- enterprises.parquet: one row an enterprise; `distress`: first day of the month in which payments began to fail. 企业
- course.parquet: one row an enterprise and month; latent `health`, true sales and staff. 逐月潜在健康度
- deals.parquet: one row an application with its fate; `cured`: overdue, then paid again by itself. Overdue without `cured` and
  `compensated`: not ended yet, or (about 1 in 100) in dispute until a judgment releases it. 申请与担保的结局（cured 为逾期后自行化解日）
- faults.parquet: what was planted in which row (source, kind, key) and which enterprise it truly is. 植入的错误
- sales.parquet, guarantees.parquet, holdings.parquet: who depends on whom. 关系
"""
_FAULT = pa.schema(
    [("source", pa.string()), ("kind", pa.string()), ("enterprise", pa.int32()), ("key", pa.string())]
)
_CHUNK = 50_000


def write(province: Province, folder: Path) -> None:
    """Write everything true but the faults, which come as they are planted (`FaultBook`)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(_README, encoding="utf-8")
    register, course = province.register, province.course
    months = np.array(course.months, "datetime64[D]")
    began = np.where(course.distress >= 0, months[np.maximum(course.distress, 0)], np.datetime64("NaT"))
    fields: dict[str, Any] = {name: getattr(register, name) for name in register.__dataclass_fields__}
    _save(
        folder / "enterprises.parquet",
        {"enterprise": np.arange(len(register.uscc), dtype=np.int32), **fields, "distress": began},
    )
    book = province.book
    _save(folder / "deals.parquet", {name: getattr(book, name) for name in book.__dataclass_fields__})
    for name in ("sales", "guarantees", "holdings"):
        edges = getattr(province.network, name)
        _save(
            folder / f"{name}.parquet", {field: getattr(edges, field) for field in edges.__dataclass_fields__}
        )
    schema = pa.schema(
        [
            ("enterprise", pa.int32()),
            ("month", pa.date32()),
            ("health", pa.float32()),
            ("sales", pa.float32()),
            ("staff", pa.int32()),
        ]
    )
    with pq.ParquetWriter(folder / "course.parquet", schema) as writer:
        for begin in range(0, len(register.uscc), _CHUNK):
            rows = slice(begin, begin + _CHUNK)
            count = len(course.health[rows])
            numbers = np.repeat(np.arange(begin, begin + count, dtype=np.int32), len(months))
            columns = [
                numbers,
                np.tile(months, count),
                *(getattr(course, name)[rows].ravel() for name in ("health", "sales", "staff")),
            ]
            writer.write_table(
                pa.table(
                    [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
                    schema=schema,
                )
            )


class FaultBook:
    """`faults.parquet`, filled while files are written."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, _FAULT)

    def note(self, faults: list[Fault]) -> None:
        """Write and forget what was planted."""
        if not faults:
            return
        counts = [len(fault.key) for fault in faults]
        columns = [
            pa.array(np.repeat([fault.source for fault in faults], counts), pa.string()),
            pa.array(np.repeat([fault.kind for fault in faults], counts), pa.string()),
            pa.array(np.concatenate([fault.enterprise for fault in faults]), pa.int32()),
            pa.array([key for fault in faults for key in fault.key], pa.string()),
        ]
        self._writer.write_table(pa.table(columns, schema=_FAULT))
        faults.clear()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


def _save(path: Path, columns: dict[str, Any]) -> None:
    made = {name: pa.array(values, from_pandas=values.dtype.kind == "M") for name, values in columns.items()}
    pq.write_table(pa.table(made), path)
