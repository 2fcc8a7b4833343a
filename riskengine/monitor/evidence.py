"""On which rows does a signal rest? The newest source rows behind its deciding value, so that an officer can look them up.

A value that a model or the night itself made (a PD, a share) has no rows of its own; contagion has paths instead.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from riskengine.intake.contract import SourceContract
from riskengine.intake.personal import shown
from riskengine.monitor.evaluate import EASING, RENEWED, TO_CONFIRM, units
from riskengine.monitor.vocabulary import CONTAGION, SOURCE
from riskengine.monitor.watch import Watch
from riskengine.profile.compute import Workbench
from riskengine.profile.expressions import aggregates
from riskengine.profile.kept import kept_entering
from riskengine.schema import Words
from riskengine.store.ledger import batch_records, open_ledger

LISTED = 3
FRESH = ("new", "continuing", RENEWED, EASING)  # anything else keeps the evidence it had
_DERIVED_NAMES = ("name_key", "name_region_key")

_Line = tuple[str, date, date, int, int]  # source, event, known, rank in its source, how many in all


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
    eased = (signals.state == TO_CONFIRM) & signals.band.notna()  # still true, at a lower band
    fresh = signals[signals.state.isin(FRESH) | eased]
    fresh = fresh.assign(
        feature=fresh.feature.replace(dict(watch.vocabulary.peers))
    )  # its own rows, not the peers'
    found: dict[Any, str] = {}
    for index, enterprise in fresh[fresh.feature.isin(CONTAGION)].enterprise.items():
        if paths.get(enterprise):
            told = [{**one, "keys": [_plain(key) for key in one["keys"]]} for one in paths[enterprise]]
            found[index] = _text({"paths": told[:LISTED]})
    computed = fresh[fresh.feature.isin(watch.catalogue.features.keys()) & (fresh.about != SOURCE)]
    met = _met(bench, watch, frame, computed)
    sources = _rows_of(bench, watch, {line[:1] + line[3:4] for lines in met.values() for line in lines})
    for index, lines in met.items():
        rows = [
            {**sources[source, rank], "event_date": str(event), "known_at": str(known)}
            for source, event, known, rank, _ in lines
        ]
        found[index] = _text({"rows": rows, "of": lines[0][4]})
    column = signals.evidence.astype("object").copy()
    for index, text in found.items():
        column[index] = text
    return signals.assign(evidence=column)


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


def key_columns(contract: SourceContract) -> list[str]:
    """The columns of a source's key that may be shown: no personal data, nothing made from names."""
    personal = set(contract.personal)
    if contract.identity:
        personal |= {contract.identity.name, contract.identity.person}
    for name, rule in contract.derived.items():
        if rule.take in _DERIVED_NAMES or personal & set(rule.columns):
            personal.add(name)
    return [name for name in contract.key if name not in personal]


def _met(
    bench: Workbench, watch: Watch, frame: pd.DataFrame, signals: pd.DataFrame
) -> dict[Any, list[_Line]]:
    """The newest rows behind each signal, by the signal's place: one query for each feature, over all it is active on."""
    bench.load_facts(watch.recipe)
    subjects = {
        about: units(frame, about, watch.catalogue.subjects.keys).set_index("unit").subject
        for about in sorted(set(signals.about))
    }
    queries = kept_entering(watch.catalogue, map(str, signals.feature), "explained")
    found: dict[Any, list[_Line]] = {}
    for feature, rows in signals.groupby("feature", sort=True):
        sql = queries[str(feature)]
        if not sql:
            continue
        places = {
            index: int(subjects[about][name])
            for index, about, name in zip(rows.index, rows.about, rows["id"], strict=True)
        }
        bench.connection.execute(
            "CREATE OR REPLACE TEMP TABLE explained AS SELECT * FROM subjects WHERE subject IN (SELECT unnest(?::BIGINT[]))",
            [sorted(set(places.values()))],
        )
        lines: dict[int, list[_Line]] = {}
        first = next(one.source for one in aggregates(watch.catalogue.feature(str(feature))) if one.source)
        for subject, *line in bench.connection.execute(_newest(sql, first)).fetchall():
            lines.setdefault(subject, []).append(tuple(line))
        found |= {index: lines[subject] for index, subject in places.items() if subject in lines}
    return found


def _newest(sql: str, first: str) -> str:
    """The newest rows of each subject, those of the source that the feature names first before others, and how many in all."""
    return f"""SELECT subject, source, event_date, known_at, fact_rank, n FROM (SELECT *, count(*) OVER (PARTITION BY subject) AS n,
        row_number() OVER (PARTITION BY subject ORDER BY source <> '{first}', event_date DESC, known_at DESC, source, fact_rank DESC) AS place
        FROM ({sql})) WHERE place <= {LISTED} ORDER BY subject, place"""


def _rows_of(
    bench: Workbench, watch: Watch, wanted: Iterable[tuple[Any, ...]]
) -> dict[tuple[str, int], dict[str, Any]]:
    """What is told of each (source, rank): titles, key columns, batch, file, row."""
    ranks: dict[str, list[int]] = {}
    for source, rank in sorted(wanted):
        ranks.setdefault(source, []).append(rank)
    files = {
        record.batch: Path(record.file).name for record in batch_records(open_ledger(watch.project.store))
    }
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for source, asked in ranks.items():
        contract, scanned = watch.catalogue.sources[source], bench.facts(source)
        stored = {row[0] for row in bench.connection.execute(f"DESCRIBE SELECT * FROM {scanned}").fetchall()}
        columns = [name for name in key_columns(contract) if name in stored]
        chosen = "".join(f', "{name}"' for name in columns)
        rows = bench.connection.execute(
            f'SELECT fact_rank, batch, "row"{chosen} FROM {scanned} WHERE fact_rank IN (SELECT unnest(?::BIGINT[]))',
            [asked],
        ).fetchall()
        for rank, batch, row, *values in rows:
            found[source, rank] = {
                "source": source,
                "en": contract.title.en,
                "zh": contract.title.zh,
                "keys": {name: _plain(value) for name, value in zip(columns, values, strict=True)},
                "batch": batch,
                "file": files.get(batch, ""),
                "row": row,
            }
    return found


def _plain(value: Any) -> Any:
    told = shown(value)
    return told if told is None or isinstance(told, (int, str)) else str(told)


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
