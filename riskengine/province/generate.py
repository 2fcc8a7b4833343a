"""How does a whole province come about and reach its folder?"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from riskengine.clock import month_end
from riskengine.errors import Problem, UsageError
from riskengine.intake.contract import SourceContract
from riskengine.province import aftercare, assumptions, credit, guarantee, institutions, names, truth
from riskengine.province.book import underwrite
from riskengine.province.course import live, months_of
from riskengine.province.government import government
from riskengine.province.market import market
from riskengine.province.network import connect
from riskengine.province.register import settle, stream
from riskengine.province.state import Ask, Province
from riskengine.province.writing import Posting, delivery_days

CHUNK = 10_000  # enterprises published at a time: bounds the memory, and is part of what a seed means
_MARK = ".synthetic"
Publisher = Callable[[Province, slice, np.random.Generator], Iterator[tuple[str, pa.Table]]]
PUBLISHERS: dict[str, Publisher] = {
    "institutions": institutions.publish,
    "government": government,
    "market": market,
    "guarantee": guarantee.publish,
    "aftercare": aftercare.publish,
    "credit": credit.publish,
}


@dataclass(frozen=True)
class Made:
    """What was written: rows by source, planted faults by kind, guarantees and compensations."""

    folder: Path
    rows: dict[str, int]
    faults: dict[str, int]
    guarantees: int
    compensations: int


def build(ask: Ask) -> Province:
    """Everything that is true; the same ask gives the same province."""
    register, persons = settle(ask)
    network = connect(ask, register)
    course, closed = live(ask, register, network)
    register = replace(register, closed=closed)
    book = underwrite(ask, register, course)
    return Province(ask, register, persons, network, course, book, names.banks(), names.institutions()[0])


def synthesise(
    ask: Ask,
    contracts: dict[str, SourceContract],
    folder: Path,
    told: Callable[[float], None] = lambda done: None,
    replace_store: bool = False,
) -> Made:
    """Write `folder/inbox`, `folder/truth` and `folder/README.md`; the folder appears when everything is written.

    `told` hears which share is done. Raises `UsageError` where the ask makes no sense or the folder is somebody else's.
    """
    _sensible(ask, folder, replace_store)
    work = folder.with_name(folder.name + ".partial")
    shutil.rmtree(work, ignore_errors=True)
    province = build(ask)
    truth.write(province, work / "truth")
    days = delivery_days(ask.start, ask.end)
    posting = Posting(work / "inbox", contracts, days, province.register, ask.connected)
    faults = truth.FaultBook(work / "truth" / "faults.parquet")
    planted: Counter[str] = Counter()
    for begin in range(0, ask.enterprises, CHUNK):
        rows = slice(begin, min(begin + CHUNK, ask.enterprises))
        for name, publisher in PUBLISHERS.items():
            for source, table in publisher(province, rows, stream(ask.seed, "publish", name, begin)):
                posting.post(source, table, stream(ask.seed, "post", source, begin))
        for fault in posting.faults:
            planted[fault.kind] += len(fault.key)
        faults.note(posting.faults)
        told(rows.stop / ask.enterprises)
    posting.close()
    faults.close()
    book = province.book
    made = Made(
        folder, dict(sorted(posting.rows.items())), dict(sorted(planted.items())), int(book.approved.sum()),
        int((~np.isnat(book.compensated)).sum()),
    )  # fmt: skip
    (work / "README.md").write_text(_readme(ask, made), encoding="utf-8")
    (work / _MARK).write_text("made by riskengine synth\n", encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    work.rename(folder)
    return made


def _sensible(ask: Ask, folder: Path, replace_store: bool) -> None:
    problems = []
    if (folder / "store").exists() and not replace_store:
        lost = "its facts, decisions, models and audit chain would be lost"
        hint = "Name another with --out, or say --replace"
        problems.append(Problem(str(folder), "a province that is not in use", lost, hint))
    for option, day in (("--from", ask.start), ("--to", ask.end)):
        if not 2019 <= day.year <= 2031:
            problems.append(Problem(option, "a day in 2019 to 2031 (known Spring Festivals)", str(day)))
    if ask.enterprises > 5_000_000:
        problems.append(Problem("--enterprises", "5,000,000 or fewer", str(ask.enterprises)))
    if ask.enterprises < 200:
        problems.append(Problem("--enterprises", "200 or more", str(ask.enterprises)))
    if ask.seed < 0:
        problems.append(Problem("--seed", "a number that is not negative", str(ask.seed)))
    if ask.connected and not ask.start <= ask.connected <= ask.end:
        problems.append(Problem("--connected", f"a day in {ask.start} to {ask.end}", str(ask.connected)))
    if ask.start.day != 1:
        problems.append(Problem("--from", "the first day of a month", str(ask.start)))
    if ask.end != month_end(ask.end):
        problems.append(Problem("--to", "the last day of a month", str(ask.end)))
    elif len(months_of(ask.start, ask.end)) < 6 or ask.end < ask.start:
        problems.append(Problem("--to", "at least six months after --from", str(ask.end)))
    if folder.exists() and not (folder / _MARK).exists() and (not folder.is_dir() or any(folder.iterdir())):
        problems.append(
            Problem(
                str(folder),
                "an empty folder or one made by synth",
                "something else",
                "Name another with --out",
            )
        )
    if problems:
        raise UsageError("No province can be made", problems)


def _readme(ask: Ask, made: Made) -> str:
    sources = "\n".join(f"| {name} | {count:,} |" for name, count in made.rows.items())
    faults = "\n".join(f"| {name} | {count:,} |" for name, count in made.faults.items())
    opening = f"{assumptions.OPENING.value:.0%}"
    return f"""# SYNTHETIC PROVINCE 合成省份

**Everything in this folder is invented.** No enterprise, person, court case or guarantee here exists; names and codes that look real
are coincidence. Use it to exercise the engine, never to judge anybody or to claim accuracy on real data.

**本目录全部为合成数据。** 企业、个人、案件与担保均为虚构，如有雷同纯属巧合；仅供演示与测试，不得用于任何真实判断，也不代表真实数据上的效果。

| | |
|---|---|
| enterprises 企业 | {ask.enterprises:,} |
| months 期间 | {ask.start} – {ask.end} |
| monthly publishers connected 月度数据接入 | {ask.connected or ask.start} |
| seed 随机种子 | {ask.seed} |
| guarantees 担保 | {made.guarantees:,} |
| compensations 代偿 | {made.compensations:,} |

- `configs/ features/ models/ pipelines/`: a copy of the definitions, so that this folder is a project: `riskengine --project FOLDER …`. 机构定义副本
- `applicants.csv`: applications of the last days, to be reviewed the day before they arrive. 待审申请
- `inbox/<source>/<day>.*`: files as publishers would send them: the first {opening} of the period at once, then month by month, daily at the end. 各来源文件
- `truth/`: what nobody could know; no pipeline reads it. 真值，任何流程不得读取
- Rates and where they are from: `riskengine/province/assumptions.py`, `riskengine/province/rates.py`. 假设及依据

| source 来源 | rows 行数 |
|---|---:|
{sources}

| planted fault 植入的错误 | rows 行数 |
|---|---:|
{faults}
"""
