"""Which are the newest rows behind each signal's value, and what is told of them?

Lesson of the profile: at a province's size most of it was reading a source's files once for each of its features, and sorting all
that enters a value twice to tell three rows of it. The features of one source are asked together, over a table of the rows that
any of the subjects can meet, and the newest are kept while counting; its texts are let go before the next source.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.intake.contract import SourceContract
from riskengine.intake.personal import shown
from riskengine.monitor.evaluate import units
from riskengine.monitor.watch import Watch
from riskengine.profile.compute import Workbench
from riskengine.profile.entering import columns_of, read_by
from riskengine.profile.expressions import Aggregate, aggregates
from riskengine.profile.kept import kept_entering
from riskengine.store.ledger import batch_records, open_ledger

LISTED = 3
_NOT_PLAIN = r'[#"\\\x00-\x1f]'  # what JSON writes otherwise; every token of a person has a #
_DERIVED_NAMES = ("name_key", "name_region_key")
_CLOCKS = ("event_date", "known_at", "superseded_at", "removed", "fact_rank", "for_subject")
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Met:
    """The newest rows behind the signals of one feature. `places` are the signals that rest on any, `at` which run of lines is
    theirs: lines `begins[at]` to `begins[at + 1]`, each of `source` (a number in `sources`) and `rank`; `of`: how many in all."""

    places: Any
    at: Ints
    begins: Ints
    of: Ints
    source: Ints
    rank: Ints
    sources: tuple[str, ...]

    def texts(self, told: Mapping[str, tuple[Ints, pa.Array]]) -> pa.Array:
        """The text of each place; `told`: source -> (its ranks in order, what is told of the row of each)."""
        place = np.empty(len(self.rank), dtype="int64")
        before = 0
        for number, source in enumerate(self.sources):
            mine = self.source == number
            ranks, texts = told[source]
            place[mine] = np.searchsorted(ranks, self.rank[mine]) + before
            before += len(texts)
        lines = pa.concat_arrays([told[source][1] for source in self.sources]).take(pa.array(place))
        runs = pc.binary_join(
            pa.LargeListArray.from_arrays(self.begins, lines), pa.scalar(",", pa.large_string())
        )
        of = pa.array(self.of).cast(pa.large_string())
        return _joined(['{"rows":[', runs, '],"of":', of, "}"]).take(pa.array(self.at))


def evidence_of(
    bench: Workbench, watch: Watch, frame: pd.DataFrame, signals: pd.DataFrame
) -> Iterator[tuple[Any, pa.Array]]:
    """(Labels of signals, the evidence of each), for all signals that rest on rows; source by source.

    `signals` are of features that are computed from facts; `frame` has `subject` and all that names a unit.
    """
    files = {
        record.batch: Path(record.file).name for record in batch_records(open_ledger(watch.project.store))
    }
    for met in _met(bench, watch, frame, signals):
        told_of = _rows_of(bench, watch, met, files)
        for one in met:
            yield one.places, one.texts(told_of)


def key_columns(contract: SourceContract) -> list[str]:
    """The columns of a source's key that may be shown: no personal data, nothing made from names."""
    personal = set(contract.personal)
    if contract.identity:
        personal |= {contract.identity.name, contract.identity.person}
    for name, rule in contract.derived.items():
        if rule.take in _DERIVED_NAMES or personal & set(rule.columns):
            personal.add(name)
    return [name for name in contract.key if name not in personal]


@dataclass(frozen=True)
class _Feature:
    """A feature with signals, its query, the source it names first, those it reads, and of each the keys it is read by.

    `keys` is empty where some are read by links or without a key: any row may be met then.
    """

    rows: pd.DataFrame
    sql: str
    first: str
    sources: tuple[str, ...]
    keys: frozenset[tuple[str, tuple[str, ...]]]
    read: tuple[Aggregate, ...]


def _features(watch: Watch, signals: pd.DataFrame) -> list[_Feature]:
    """Those with any query, source by source."""
    catalogue = watch.catalogue
    queries = kept_entering(catalogue, map(str, signals.feature), "explained")
    found = []
    for feature, rows in signals.groupby("feature", sort=True):
        name = str(feature)
        if not queries[name]:
            continue
        first = next(one.source for one in aggregates(catalogue.feature(name)) if one.source)
        read = read_by(catalogue, name, own=True)
        keys = {(one.source, catalogue.subjects.keys[one.by]) for one in read}
        if any(one.through for one in read) or not all(columns for _, columns in keys):
            keys = set()
        sources = tuple(sorted({one.source for one in read}))
        found.append(_Feature(rows, queries[name], first, sources, frozenset(keys), tuple(read)))
    return sorted(found, key=lambda one: one.sources)


def _met(bench: Workbench, watch: Watch, frame: pd.DataFrame, signals: pd.DataFrame) -> Iterator[list[Met]]:
    """The newest rows behind each signal, all features together that read the same source first."""
    bench.load_facts(watch.recipe)
    subjects = {
        about: units(frame, about, watch.catalogue.subjects.keys, None, ["subject"]).set_index("unit").subject
        for about in sorted(set(signals.about))
    }
    features = _features(watch, signals)
    keys = sorted({key for one in features for key in one.keys})
    last = {source: number for number, one in enumerate(features) for source, _ in one.keys}
    near: set[str] = set()
    for _, together in itertools.groupby(enumerate(features), key=lambda one: one[1].sources[0]):
        found = []
        for number, one in together:
            for source in sorted({source for source, _ in one.keys} - near):
                read = [item for other in features if other.keys for item in other.read]
                wanted = columns_of(watch.catalogue, source, read)
                _make_near(bench, source, wanted, [columns for name, columns in keys if name == source])
                near.add(source)
            found.append(_met_by(bench, one, subjects))
            for source in [name for name in near if last[name] == number]:
                bench.connection.execute(f"DROP TABLE near_{source}")
                near.remove(source)
        yield found


def _make_near(bench: Workbench, source: str, wanted: Sequence[str], keys: Sequence[Sequence[str]]) -> None:
    """The table `near_<source>` of the rows that any subject meets by these keys, with the wanted columns.

    Both clocks and `removed` are those of every query: of what they leave out no query sees anything.
    """
    conditions = [
        f"({names}) IN (SELECT {names} FROM subjects)"
        for names in (", ".join(f'"{name}"' for name in columns) for columns in keys)
    ]
    chosen = ", ".join([*(f'"{name}"' for name in wanted), *_CLOCKS])
    bench.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE near_{source} AS SELECT {chosen} FROM facts_{source}
        WHERE NOT removed AND known_at <= (SELECT max(as_of) FROM subjects) AND event_date <= (SELECT max(as_of) FROM subjects)
        AND (superseded_at IS NULL OR superseded_at > (SELECT min(as_of) FROM subjects)) AND ({" OR ".join(conditions)})"""
    )


def _met_by(bench: Workbench, feature: _Feature, subjects: Mapping[str, Any]) -> Met:
    """The newest rows behind the signals of one feature."""
    rows = feature.rows
    places = np.zeros(len(rows), dtype="int64")
    for about in sorted(set(rows.about)):
        mine = (rows.about == about).to_numpy()
        places[mine] = subjects[about].loc[rows["id"][mine]].to_numpy(dtype="int64")
    asked = pa.table({"subject": np.unique(places)})
    bench.connection.register("asked_subjects", asked)
    bench.connection.execute(
        "CREATE OR REPLACE TEMP TABLE explained AS SELECT * FROM subjects WHERE subject IN (SELECT subject FROM asked_subjects)"
    )
    bench.connection.unregister("asked_subjects")
    sql = feature.sql
    for name, _ in feature.keys:
        sql = sql.replace(f'"facts_{name}"', f'"near_{name}"')
    whose, of, counts, source, rank = (
        _newest(bench, sql) if len(feature.sources) == 1 else _newest_of_several(bench, sql, feature)
    )
    at = np.searchsorted(whose, places)
    there = np.isin(places, whose)
    begins = np.concatenate([[0], np.cumsum(counts)]).astype("int64")
    return Met(rows.index[there], at[there], begins, of, source, rank, feature.sources)


def _newest(bench: Workbench, sql: str) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Of each subject (whose, how many rows in all, how many are told, the source and rank of each of these, newest first).

    Of one source: ranks are in order of event, known, batch and row.
    """
    made = bench.connection.sql(
        f"SELECT subject, count(*) AS n, max(fact_rank, {LISTED}) AS ranks FROM ({sql}) GROUP BY subject ORDER BY subject"
    ).to_arrow_table()
    whose, of = (made.column(name).to_numpy() for name in ("subject", "n"))
    ranks = made.column("ranks").combine_chunks()
    rank = ranks.flatten().to_numpy()
    counts = ranks.value_lengths().to_numpy()
    return whose, of, counts, np.zeros(len(rank), dtype="int64"), rank


def _newest_of_several(bench: Workbench, sql: str, feature: _Feature) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """The same of several sources: the rows of the one that the feature names first come before others."""
    lines = bench.connection.execute(
        f"""SELECT subject, source, fact_rank, n FROM (SELECT *, count(*) OVER (PARTITION BY subject) AS n,
        row_number() OVER (PARTITION BY subject ORDER BY source <> '{feature.first}', event_date DESC, known_at DESC, source, fact_rank DESC)
        AS place FROM ({sql})) WHERE place <= {LISTED} ORDER BY subject, place"""
    ).fetchnumpy()
    subject, rank, of = (np.asarray(lines[name]) for name in ("subject", "fact_rank", "n"))
    number = {name: place for place, name in enumerate(feature.sources)}
    source = np.array([number[name] for name in lines["source"]], dtype="int64")
    whose, first, counts = np.unique(subject, return_index=True, return_counts=True)
    return whose, of[first], counts, source, rank


def _rows_of(
    bench: Workbench, watch: Watch, met: Iterable[Met], files: Mapping[int, str]
) -> dict[str, tuple[Ints, pa.Array]]:
    """What is told of each row met: source -> (ranks in order, JSON of titles, key columns, batch, file, row and both clocks)."""
    wanted: dict[str, list[Ints]] = {}
    for one in met:
        for number, source in enumerate(one.sources):
            wanted.setdefault(source, []).append(one.rank[one.source == number])
    found = {}
    for source, asked in sorted(wanted.items()):
        contract, scanned = watch.catalogue.sources[source], bench.facts(source)
        ranks_asked = np.unique(np.concatenate(asked))
        if not len(ranks_asked):
            found[source] = ranks_asked, pa.array([], pa.large_string())
            continue
        stored = {row[0] for row in bench.connection.execute(f"DESCRIBE SELECT * FROM {scanned}").fetchall()}
        columns = [name for name in key_columns(contract) if name in stored]
        chosen = "".join(f', "{name}"' for name in columns)
        bench.connection.register("asked_rows", pa.table({"fact_rank": ranks_asked}))
        rows = bench.connection.sql(
            f"""SELECT fact_rank, batch, "row", event_date, known_at{chosen} FROM {scanned}
            WHERE fact_rank IN (SELECT fact_rank FROM asked_rows) ORDER BY fact_rank"""
        ).to_arrow_table()
        bench.connection.unregister("asked_rows")
        ranks, batch, number, *days = rows.columns[:5]
        parts: list[Any] = [
            f'{{"source":{text_of(source)},"en":{text_of(contract.title.en)},"zh":{text_of(contract.title.zh)},"keys":{{'
        ]
        for comma, name, column in zip(["", *"," * len(columns)], columns, rows.columns[5:], strict=False):
            parts += [f"{comma}{text_of(name)}:", _written(column, _told)]
        parts += ['},"batch":', _written(batch, text_of)]
        parts += [',"file":', _written(batch, lambda one: text_of(files.get(one, "")))]
        parts += [',"row":', _written(number, text_of)]
        for name, day in zip(("event_date", "known_at"), days, strict=True):
            parts += [f',"{name}":"', _written(day, str), '"']
        found[source] = ranks.to_numpy(), _joined([*parts, "}"])
    return found


def _written(column: pa.ChunkedArray, say: Callable[[Any], str]) -> pa.Array:
    """What is said of each value of a column: as it stands where nothing has to be undone, else each different one once."""
    as_json = say in (text_of, _told) and not column.null_count
    if as_json and pa.types.is_integer(column.type):
        return column.combine_chunks().cast(pa.large_string())
    if as_json and pa.types.is_string(column.type):
        texts = column.combine_chunks().cast(pa.large_string())
        if not pc.any(pc.match_substring_regex(texts, _NOT_PLAIN)).as_py():
            return _joined(['"', texts, '"'])
    if pa.types.is_floating(column.type):  # -0 and 0 are equal and read differently
        return pa.array([say(value) for value in column.to_pylist()], pa.large_string())
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return pa.array([say(value) for value in coded.dictionary.to_pylist()], pa.large_string()).take(
        coded.indices
    )


def _joined(parts: Sequence[Any]) -> pa.Array:
    """Texts and columns of texts, side by side."""
    return pc.binary_join_element_wise(
        *(pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts),
        pa.scalar("", pa.large_string()),
    )


def _told(value: Any) -> str:
    return text_of(plain(value))


def plain(value: Any) -> Any:
    """A value as JSON says it: masked where it is personal, a day or an amount as text."""
    told = shown(value)
    return told if told is None or isinstance(told, (int, str)) else str(told)


def text_of(value: Any) -> str:
    """A value as JSON text."""
    return _JSON(value)
