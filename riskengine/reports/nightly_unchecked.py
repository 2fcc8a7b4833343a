"""What could not be checked tonight, and why? Signals that could not be told, silent feeds, what stands behind the night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskengine.casework.rulebook import Rulebook
from riskengine.monitor.health import stale_sources
from riskengine.monitor.work import Work
from riskengine.reports.nightly_rows import rows_of
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle


@dataclass(frozen=True)
class Unchecked:
    """`rows`: one a definition that could not be told everywhere (signal, title, not_evaluable, looked_at, nowhere, feeds),
    the largest part first; `watched`: how many definitions were asked; `doubts`: what to know of catalogue and model."""

    rows: Sequence[Mapping[str, Any]] = ()
    watched: int = 0
    doubts: Sequence[Words] = ()

    @property
    def nowhere(self) -> int:
        """How many definitions could be told of nobody at all."""
        return sum(row["nowhere"] for row in self.rows)


def unchecked(rules: Rulebook, bundle: Bundle, night: Work, inputs: Mapping[str, Any]) -> Unchecked:
    """What the night could not see; a feed is named where a silent or held one is what a signal rests on."""
    counts = night.evaluation.counts
    if not len(counts):
        return Unchecked(doubts=_doubts(bundle, night, inputs))
    feeds = {row["source"]: Words(en=row["title_en"], zh=row["title_zh"]) for row in rows_of(night.health)}
    resting = {name: set(rules.watch.vocabulary.resting_on({name})) for name in stale_sources(night.health)}
    found = []
    for row in rows_of(counts[counts.not_evaluable > 0]):
        one = rules.signals[row["signal"]]
        why = [feeds[name] for name, features in resting.items() if features & set(one.inputs)]
        part = row["not_evaluable"] / row["looked_at"] if row["looked_at"] else 1.0
        found.append(
            {
                "signal": row["signal"],
                "title": one.title,
                "not_evaluable": int(row["not_evaluable"]),
                "looked_at": int(row["looked_at"]),
                "nowhere": bool(part >= 1),
                "part": part,
                "feeds": why,
            }
        )
    found.sort(key=lambda row: (-row["part"], -row["not_evaluable"], row["signal"]))
    watched = int((counts.watched > 0).sum()) if "watched" in counts else len(counts)
    return Unchecked(found, watched, _doubts(bundle, night, inputs))


def _doubts(bundle: Bundle, night: Work, inputs: Mapping[str, Any]) -> list[Words]:
    found = []
    if not inputs.get("backtested"):
        found.append(
            Words(
                en="No accepted back-test stands behind this catalogue and model (riskengine backtest-signals).",
                zh="现行信号目录与模型没有已采纳的回测（riskengine backtest-signals）。",
            )
        )
    trained = str(bundle.card.get("trained_as_of", ""))
    if trained > str(night.as_of):
        found.append(
            Words(
                en=f"The model was trained as of {trained}, after this night: it may know how these ended.",
                zh=f"模型训练数据截至 {trained}，晚于本日：可能已知部分项目的结果。",
            )
        )
    unknown = int(night.book.exposure.isna().sum())
    if unknown:
        found.append(
            Words(
                en=f"{unknown:,} guarantees without known terms: their exposure and loss are in no total.",
                zh=f"{unknown:,} 笔担保条件不明：其敞口与预期损失未计入合计。",
            )
        )
    return found
