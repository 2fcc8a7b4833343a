"""On which rows does a signal rest? The newest source rows behind its deciding value, so that an officer can look them up.

A value that a model or the night itself made (a PD, a share) has no rows of its own; contagion has paths instead.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from riskengine.monitor.evaluate import EASING, RENEWED, TO_CONFIRM
from riskengine.monitor.evidence_rows import LISTED, evidence_of, key_columns, plain, text_of
from riskengine.monitor.long_texts import chosen, in_arrow, series
from riskengine.monitor.vocabulary import CONTAGION, SOURCE
from riskengine.monitor.watch import Watch
from riskengine.profile.compute import Workbench
from riskengine.schema import Words
from riskengine.stages import given_back

__all__ = ["FRESH", "clause", "key_columns", "with_evidence"]
FRESH = ("new", "continuing", RENEWED, EASING)  # anything else keeps the evidence it had


def with_evidence(
    bench: Workbench,
    watch: Watch,
    frame: pd.DataFrame,
    signals: pd.DataFrame,
    paths: Mapping[str, Sequence[Mapping[str, Any]]],
) -> pd.DataFrame:
    """The active signals with `evidence`: JSON text, or None where there is nothing to point at.

    `{"rows": [{source, en, zh, keys, event_date, known_at, batch, file, row}], "of": n}` for a feature's facts, and
    `{"paths": [{contribution, keys, kinds}]}` for contagion; `paths` maps an enterprise to its own. `frame` has `subject`.
    """
    parts, where = _told(bench, watch, frame, signals, paths)
    given_back()  # what was needed on the way is more than what comes now
    told = signals.assign(evidence=series(chosen(parts, where), signals.index))
    given_back()
    return told


def _told(
    bench: Workbench,
    watch: Watch,
    frame: pd.DataFrame,
    signals: pd.DataFrame,
    paths: Mapping[str, Sequence[Mapping[str, Any]]],
) -> tuple[list[pa.Array], Any]:
    """Texts, part below part, and of each signal which of them is its evidence; -1: none."""
    eased = (signals.state == TO_CONFIRM) & signals.band.notna()  # still true, at a lower band
    fresh = signals.loc[signals.state.isin(FRESH) | eased, ["about", "id", "enterprise", "feature"]]
    fresh = fresh.assign(
        feature=fresh.feature.replace(dict(watch.vocabulary.peers))
    )  # its own rows, not the peers'
    found: dict[Any, str] = {}
    for index, enterprise in fresh[fresh.feature.isin(CONTAGION)].enterprise.items():
        if paths.get(enterprise):
            told = [{**one, "keys": [plain(key) for key in one["keys"]]} for one in paths[enterprise]]
            found[index] = text_of({"paths": told[:LISTED]})
    computed = fresh[fresh.feature.isin(watch.catalogue.features.keys()) & (fresh.about != SOURCE)]
    place = pd.Series(np.arange(len(signals)), index=signals.index)
    before = in_arrow(signals.evidence)
    parts = [*before.chunks, pa.array(list(found.values()), pa.large_string())]
    where = np.where(signals.evidence.isna(), -1, np.arange(len(signals)))  # of each signal, in the parts
    where[place.loc[list(found)].to_numpy()] = len(signals) + np.arange(len(found))
    size = len(signals) + len(found)
    for places, texts in evidence_of(bench, watch, frame, computed):
        where[place[places].to_numpy()] = size + np.arange(len(texts))
        parts.append(texts)
        size += len(texts)
    return parts, where


def clause(evidence: str | None, own: Collection[str] = ()) -> Words | None:
    """The first row (or path) in a few words, and how many there are; `own`, the guarantee and enterprise, is left out.

    >>> row = '{"en": "Enforcement", "zh": "被执行人", "keys": {"case_no": "(2026)1"}, "event_date": "2026-06-02"}'
    >>> clause('{"rows": [' + row + '], "of": 2}').zh
    '被执行人 (2026)1 2026-06-02，共 2 条'
    """
    if not evidence:
        return None
    told = json.loads(evidence)
    if "paths" in told:
        best = told["paths"][0]
        way = " → ".join(map(str, best["keys"]))
        part = f"{float(best['contribution']):.2f}"
        return Words(en=f"path {way} ({part})", zh=f"路径 {way}（{part}）")
    row, number = told["rows"][0], told["of"]
    keys = [value for value in row["keys"].values() if value not in (None, "", *own, row["event_date"])]
    en, zh = (" ".join([row[language], *map(str, keys), row["event_date"]]) for language in ("en", "zh"))
    return Words(
        en=en + (f", {number:,} rows in all" if number > 1 else ""),
        zh=zh + (f"，共 {number:,} 条" if number > 1 else ""),
    )
