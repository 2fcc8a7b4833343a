"""What would 50 million enterprises take? Unit costs that were measured, multiplied; every line shows its formula.

    python benchmarks/plan.py            # print the tables
    python benchmarks/plan.py --write    # put them into docs/fifty_million.md, between its marks

Costs and assumptions are in `plan.toml`; what benchmarks measure is read from `RESULTS.md`, which they write. A formula reads
costs by name (`store.index_bytes`) and earlier lines by theirs; a line that rests on a figure that is not measured, however far
back, is marked *.
"""

from __future__ import annotations

import argparse
import ast
import operator
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import RESULTS, ROOT

COSTS = ROOT / "benchmarks" / "plan.toml"
DOC = ROOT / "docs" / "fifty_million.md"
MARKS = ("<!-- benchmarks/plan.py -->", "<!-- end -->")
_DO = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


@dataclass(frozen=True)
class Line:
    """A quantity: its name in formulas, what it is, its unit, how it follows from others."""

    name: str
    words: str
    unit: str
    formula: str


@dataclass(frozen=True)
class Cost:
    """A figure, and whether everything that it rests on was measured."""

    value: float
    measured: bool


PLAN: Mapping[str, tuple[Line, ...]] = {
    "Volume": (
        Line("times", "times the province", "x", "national.enterprises / province.enterprises"),
        Line("facts", "facts, 2.5 years", "million", "province.facts * times / 1e6"),
        Line("day_rows", "rows of a day on which monthly publishers deliver", "million", "province.day_rows * times / 1e6"),
        Line("guarantees", "guarantees in force", "million", "province.guarantees * times / 1e6"),
        Line("index", "index files", "GB", "facts * store.index_bytes / 1e3"),
        Line("data", "data files", "GB", "facts * store.data_bytes / 1e3"),
        Line("buckets", "buckets of 131,072 rows, at least", "files", "facts * 1e6 / 131072"),
        Line("growth", "more facts a year at that pace", "GB", "(index + data) / 2.5"),
    ),
    "A night on which monthly publishers deliver: core-hours": (
        Line("c_intake", "intake of that day", "core-h", "day_rows * seconds.intake / 3600"),
        Line("c_identity", "who is who", "core-h", "national.enterprises / 1e6 * seconds.identity / 3600"),
        Line("c_load", "facts checked and read", "core-h", "facts * seconds.load / 3600"),
        Line("c_register", "150 features of every enterprise", "core-h", "national.enterprises / 1e6 * seconds.profile_150 / 3600"),
        Line("c_profile", "what models and signals read of the guarantees in force", "core-h", "guarantees * seconds.profile_guarantee / 3600"),
        Line("c_score", "ratings of guarantees and enterprises", "core-h", "(guarantees + national.enterprises / 1e6) * seconds.score_150 / 3600"),
        Line("c_reasons", "reasons of those told", "core-h", "guarantees * national.told * seconds.reasons / 3600"),
        Line("c_rest", "signals, reminders, cases, ranking, tables, report", "core-h", "guarantees * seconds.rest / 3600"),
        Line("c_night", "the night", "core-h", "c_intake + c_identity + c_load + c_register + c_profile + c_score + c_reasons + c_rest"),
    ),
    "That night: hours": (
        Line("h_two", "on the two cores it was measured on", "h", "c_night / night.busy"),
        Line("h_one", "on one large machine, if nothing else limits it", "h", "c_night / (national.one_cores * national.efficiency)"),
        Line("h_disk", "there, only to write and read the index that the day rewrites", "h", "index * store.touched / store.files * 2 / national.disk / 3600"),
        Line("h_province", "a store a province: the largest one's machine", "h", "c_night * national.share / (national.node_cores * national.efficiency)"),
        Line("h_as_here", "the same, if no more cores are busy than were here", "h", "c_night * national.share / night.busy"),
        Line("h_spark", "profiles and scores on the Spark cluster, starting counted once", "h", "((c_register + c_profile + c_score) * spark.ratio + spark.start / 3600) / (national.cluster_cores * national.efficiency)"),
        Line("cores", "cores for a night of 4 hours, stores of provinces", "cores", "c_night / 4 / national.efficiency"),
    ),
    "Network, memory, disk": (
        Line("wide", "profiles of a night, 8 bytes a value, before compression", "GB", "(national.enterprises + guarantees * 1e6) * national.features * 8 / 1e9"),
        Line("h_shuffle", "one shuffle of all facts over the provinces' network", "h", "index / (national.network * national.provinces) / 3600"),
        Line("m_intake", "intake's memory on one machine, if it grows with the day", "GB", "memory.intake * times / 1e3"),
        Line("m_province", "the same, the largest province", "GB", "m_intake * national.share"),
        Line("m_night", "the night's memory there, if it grows with the guarantees", "GB", "night.memory * times * national.share / 1e3"),
        Line("disk_province", "the largest province's store with a copy while it is rewritten", "GB", "(2 * index + data) * national.share"),
    ),
    "Training": (
        Line("panel", "guarantees x month-ends", "million rows", "guarantees * national.months"),
        Line("panel_gb", "they, 8 bytes a value", "GB", "panel * national.model_features * 8 / 1e3"),
        Line("binned_gb", "they, as LightGBM keeps them, a byte a value", "GB", "panel * national.model_features / 1e3"),
        Line("per_million", "one fit of a million rows", "core-h", "(seconds.bin + seconds.round * national.rounds) / 3600"),
        Line("c_all", "six fits of all rows, this machine's way", "core-h", "panel * per_million * national.fits"),
        Line("c_dask", "the same by Dask", "core-h", "c_all * dask.ratio"),
        Line("m_dask", "memory of all Dask workers: a share in doubles twice, and binned", "GB", "2 * panel_gb + binned_gb"),
        Line("sampled", "rows with every event kept and one in 16 of the others", "million rows", "panel * (national.event_share + (1 - national.event_share) / national.one_in)"),
        Line("sampled_gb", "they, in doubles twice, and binned", "GB", "sampled * national.model_features * 17 / 1e3"),
        Line("c_sampled", "six fits of them", "core-h", "sampled * per_million * national.fits"),
    ),
}  # fmt: skip


def costs(path: Path = COSTS, results: Path = RESULTS) -> dict[str, Cost]:
    """The unit costs by `block.name`, in the file's order; what cannot be read or is not known ends the run in words."""
    found: dict[str, Cost] = {}
    text = results.read_text(encoding="utf-8")
    for name, entry in _entries(path):
        if "read" in entry:
            found[name] = Cost(_read(text, *entry["read"]), True)
        elif isinstance(entry["value"], str):
            found[name] = _made(entry["value"], found)
        else:
            found[name] = Cost(float(entry["value"]), entry.get("measured", True))
    return found


def _entries(path: Path) -> list[tuple[str, dict[str, Any]]]:
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    return [(f"{block}.{name}", entry) for block, entries in read.items() for name, entry in entries.items()]


def _read(text: str, section: str, words: str) -> float:
    """The number at # in a section of RESULTS.md; `...` stands for anything within a line and a cell."""
    body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    pattern = (
        re.escape(words).replace(re.escape("..."), r"[^|\n]*?").replace(re.escape("#"), r"(\d[\d,]*\.?\d*)")
    )
    found = re.search(pattern, body)
    if found is None:
        raise SystemExit(f"RESULTS.md, section {section!r}: no {words!r}. Mend benchmarks/plan.toml")
    return float(found[1].rstrip(",").replace(",", ""))


def worked(known: Mapping[str, Cost]) -> dict[str, Cost]:
    """Every line's figure, and the costs."""
    found = dict(known)
    for line in (line for lines in PLAN.values() for line in lines):
        found[line.name] = _made(line.formula, found)
    return found


def _made(formula: str, found: Mapping[str, Cost]) -> Cost:
    return Cost(*_value(ast.parse(formula, mode="eval").body, found))


def _value(node: ast.expr, found: Mapping[str, Cost]) -> tuple[float, bool]:
    """A formula's value: numbers, names, + - * / and nothing else; and whether all its names were measured."""
    if isinstance(node, ast.BinOp):
        (left, first), (right, second) = _value(node.left, found), _value(node.right, found)
        return _DO[type(node.op)](left, right), first and second
    if isinstance(node, ast.Constant):
        return float(node.value), True
    name = ast.unparse(node)
    if name not in found:
        raise SystemExit(f"A formula of the plan reads {name!r}, which stands nowhere before it")
    return found[name].value, found[name].measured


def tables() -> list[str]:
    """The unit costs, and then the plan, as Markdown."""
    known = costs()
    found = worked(known)
    lines = ["### What it is made from", "", "| | value | what | from |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {_figure(known[name])} | {entry['of']} | {_origin(entry)} |"
        for name, entry in _entries(COSTS)
    ]
    for title, rows in PLAN.items():
        lines += ["", f"### {title}", "", "| | | unit | formula |", "| --- | --- | --- | --- |"]
        for line in rows:
            name = f"`{line.name}` {line.words}"
            lines.append(f"| {name} | {_figure(found[line.name])} | {line.unit} | `{line.formula}` |")
    return lines


def _origin(entry: Mapping[str, Any]) -> str:
    if "read" in entry:
        return f"RESULTS.md: {entry['read'][0]}"
    return f"`{entry['value']}`" if isinstance(entry["value"], str) else str(entry["from"])


def _figure(cost: Cost) -> str:
    """Three digits, or whole; a star where it rests on something that was not measured."""
    value = cost.value
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text if cost.measured else f"{text} *"


def main() -> None:
    """Print the tables, or put them into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    text = "\n".join(tables())
    if not parser.parse_args().write:
        print(text)
        return
    before, _, rest = DOC.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    DOC.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
