"""What does the store show of a model's fields with hindsight: a month later, and after the outcomes had come?

The evidence is computed from at most `AT_MOST` of the training rows, all from one snapshot:

- every feature of the same subjects as it stood one month later (`later` beside `now`);
- the days from each as-of day to the outcome (`lead`), and from the subject's own fact to the as-of day (`age`);
- for each source column that a feature reads through a key of the subject's own: was the subject's latest fact rewritten
  or withdrawn after the outcome (`rewritten`), or did it arrive only after the outcome although its clock says that it was
  known on the as-of day (`arrived late`)? Survivors have no outcome: each is given the lead of a failed row of the same quarter.

Columns read through shared keys (the bank, the industry, the whole book) or through links are not followed: what is
rewritten there is rewritten for the failed and the others alike, and the one-month test sees those features as any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from riskengine.clock import Span
from riskengine.learning.foreknowledge import FieldChange, Hindsight, stratified
from riskengine.learning.metrics import Floats
from riskengine.learning.outcomes import shift
from riskengine.learning.samples import LabelledRows
from riskengine.learning.spec import ModelSpec
from riskengine.profile.again import again
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.expressions import aggregates
from riskengine.profile.keys import SubjectRule
from riskengine.profile.recipe import Recipe
from riskengine.store.ledger import batch_records, open_ledger
from riskengine.store.snapshot import Snapshot

__all__ = ["AT_MOST", "FieldChange", "Hindsight", "hindsight"]
AT_MOST = 20_000
_MONTH = Span(months=1)
_OWN = 0.5  # a key with fewer values than this share of the subjects is shared, not the subject's own


@again
def hindsight(catalogue: Catalogue, snapshot: Snapshot, taken: LabelledRows, known: date) -> Hindsight:
    """The evidence on the rows of a training whose outcomes were known on `known`; deterministic, of bounded cost."""
    spec, recipe = taken.spec, taken.recipe
    rows = _sampled(taken.rows)
    rule = catalogue.subjects.applicant if spec.subject == "applicant" else catalogue.subjects.guarantee
    as_of = rows["as_of"].to_numpy(dtype="M8[D]")
    event = rows["event_date"].to_numpy(dtype="M8[D]")
    lead = np.where(np.isnat(event), np.nan, (event - as_of).astype(np.float64))
    lead[rows["label"].to_numpy() == 0] = np.nan
    names = list(spec.features)
    with Workbench(snapshot) as bench:
        bench.load_facts(recipe)
        later = _a_month_later(bench, recipe, rows)
        age = _ages(bench, rule, rows)
        fields = _fields(bench, catalogue, spec, (rows, lead, known))
    return Hindsight(
        spec.features,
        rows[names].to_numpy(dtype=np.float64, na_value=np.nan),
        later[names].to_numpy(dtype=np.float64, na_value=np.nan),
        rows["label"].to_numpy(dtype=np.int64),
        lead,
        age,
        np.unique(rows["group"].astype(str), return_inverse=True)[1].astype(np.int64),
        int((shift(as_of[:1], Span.parse(spec.label.horizon)) - as_of[:1]).astype(int)[0])
        if len(rows)
        else 0,
        fields,
        {name: _read_by(catalogue, name) for name in names},
    )


def _read_by(catalogue: Catalogue, name: str) -> tuple[str, ...]:
    """The source columns that a feature is computed from, as `source.column`."""
    read = (item for item in aggregates(catalogue.feature(name)) if item.source)
    return tuple(sorted({f"{item.source}.{item.column or 'event_date'}" for item in read}))


def _sampled(rows: pd.DataFrame) -> pd.DataFrame:
    """At most `AT_MOST` rows, failed ones first (to a half), chosen by a seeded shuffle of their canonical order."""
    ripe = rows["mature"].to_numpy(dtype=bool) if "mature" in rows else np.ones(len(rows), dtype=bool)
    kept = rows[ripe].sort_values(["as_of", "id"], kind="stable")
    order = np.random.default_rng(17).permutation(len(kept))
    bad = order[kept["label"].to_numpy()[order] == 1][: AT_MOST // 2]
    good = order[kept["label"].to_numpy()[order] == 0][: AT_MOST - len(bad)]
    return kept.iloc[np.sort(np.concatenate([bad, good]))].reset_index(drop=True)


def _a_month_later(bench: Workbench, recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """The features of the same subjects, each as of one month after its own day, with what was known by then."""
    subjects = pd.DataFrame({"subject": np.arange(len(rows), dtype=np.int64)})
    subjects["as_of"] = shift(rows["as_of"].to_numpy(dtype="M8[D]"), _MONTH).astype("M8[s]")
    for column, _ in recipe.keys:
        subjects[column] = rows[column].to_numpy()
    declared = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in recipe.keys)
    bench.connection.register("asked", subjects)
    bench.connection.execute(
        f"""CREATE OR REPLACE TABLE subjects AS SELECT subject, as_of::DATE AS as_of, false AS fed
        {", " + declared if declared else ""} FROM asked ORDER BY subject"""
    )
    bench.connection.unregister("asked")
    found: pd.DataFrame = bench.frame(recipe).sort_values("subject", ignore_index=True)
    return found


def _ages(bench: Workbench, rule: SubjectRule, rows: pd.DataFrame) -> Floats:
    """Days from the subject's own fact (application, guarantee) to the as-of day."""
    began = bench.connection.execute(
        f'SELECT "{rule.id}"::VARCHAR AS id, min(event_date) AS began FROM {bench.facts(rule.source)} GROUP BY 1'
    ).df()
    day = rows["id"].map(began.set_index("id")["began"]).to_numpy(dtype="M8[D]")
    age = (rows["as_of"].to_numpy(dtype="M8[D]") - day).astype(np.float64)
    age[np.isnat(day)] = np.nan
    return np.asarray(age, dtype=np.float64)


def _fields(
    bench: Workbench, catalogue: Catalogue, spec: ModelSpec, seen: tuple[pd.DataFrame, Floats, date]
) -> tuple[FieldChange, ...]:
    """What happened after the outcomes to each column that a feature reads through a key of the subject's own."""
    rows, lead, known = seen
    watched = _watched(catalogue, rows, lead)
    if watched["label"].nunique() < 2:
        return ()
    bench.connection.register("asked", watched)
    bench.connection.execute(
        "CREATE OR REPLACE TABLE watched AS SELECT * REPLACE (as_of::DATE AS as_of, cutoff::DATE AS cutoff) FROM asked"
    )
    bench.connection.unregister("asked")
    arrivals = pd.DataFrame(
        [(record.batch, record.received) for record in batch_records(open_ledger(catalogue.project.store))],
        columns=["batch", "received"],
    ).astype({"batch": "int64", "received": "datetime64[s]"})
    bench.connection.register("asked", arrivals)
    bench.connection.execute(
        "CREATE OR REPLACE TABLE arrivals AS SELECT batch, received::DATE AS received FROM asked"
    )
    bench.connection.unregister("asked")
    found: list[FieldChange] = []
    for (source, by), columns in sorted(_columns_read(catalogue, spec).items()):
        keys = catalogue.subjects.keys[by]
        owned = watched[list(keys)].drop_duplicates() if keys else watched[:0]
        if bench.facts(source) and len(owned) >= _OWN * len(watched):
            marks = _marks(bench, catalogue, (source, by, sorted(columns)), known)
            found += _judged(marks, watched, source, columns)
    return tuple(found)


def _watched(catalogue: Catalogue, rows: pd.DataFrame, lead: Floats) -> pd.DataFrame:
    """One row a subject: as-of day, key columns, label, quarter, and the day of its outcome or of one dealt to it."""
    keys = sorted({column for key in catalogue.subjects.keys.values() for column in key} & set(rows.columns))
    made = rows[["id", "as_of", "label", *keys]].assign(lead=lead)
    made = made.loc[:, ~made.columns.duplicated()]
    order = np.random.default_rng(23).permutation(len(made))
    made = (
        made.iloc[order]
        .sort_values("label", ascending=False, kind="stable")
        .drop_duplicates("id")
        .sort_index()
    )
    made["quarter"] = pd.factorize(made["as_of"].dt.to_period("Q"))[0]
    dealt = made["lead"].to_numpy(copy=True)
    rng = np.random.default_rng(29)
    for quarter in np.unique(made["quarter"]):
        here = (made["quarter"] == quarter).to_numpy()
        leads = dealt[here & (made["label"] == 1).to_numpy()]
        others = here & (made["label"] == 0).to_numpy()
        dealt[others] = rng.choice(leads, int(others.sum())) if len(leads) else np.nan
    made["cutoff"] = made["as_of"] + pd.to_timedelta(dealt, unit="D")
    made = made[np.isfinite(dealt)].reset_index(drop=True)
    numbered: pd.DataFrame = made.assign(place=np.arange(len(made), dtype=np.int64))
    return numbered


def _columns_read(catalogue: Catalogue, spec: ModelSpec) -> dict[tuple[str, str], dict[str, set[str]]]:
    """(source, key) -> column -> the features that read it there, links left out."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in spec.features:
        for item in aggregates(catalogue.feature(name)):
            if item.verb == "linked" or item.through:
                continue
            source = catalogue.sources[item.source]
            own = {item.column, *(rule.column for rule in item.where)} - {None, *source.key}
            if item.column is None or item.verb.startswith(("days_since", "months_")):
                own |= {"event_date"}
            for column in own:
                found[item.source, item.by][str(column)].add(name)
    return found


def _marks(
    bench: Workbench, catalogue: Catalogue, read: tuple[str, str, Sequence[str]], known: date
) -> pd.DataFrame:
    """For each watched row with a fact: `place`, `late`, and by column whether its latest fact's value changed after the cut-off.

    The latest fact of the as-of day is taken as it was known at the cut-off and compared with what is known of the same
    key on the day of training: other values, or withdrawn.
    """
    source, by, columns = read
    files, key = bench.facts(source), catalogue.sources[source].key
    stored = {row[0] for row in bench.connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
    asked = [column for column in columns if column in stored]
    joined = " AND ".join(f'w."{column}" = f."{column}"' for column in catalogue.subjects.keys[by])
    same = " AND ".join(f'l."{column}" IS NOT DISTINCT FROM u."{column}"' for column in key)
    compared = "".join(
        f', l."{column}" IS NULL AND u."{column}" IS NOT NULL OR l."{column}" IS DISTINCT FROM u."{column}" AS "c_{column}"'
        for column in asked
    )
    wanted = ", ".join(f'f."{column}"' for column in dict.fromkeys([*key, *asked]) if column != "event_date")
    found: pd.DataFrame = bench.connection.execute(
        f"""WITH u AS (
            SELECT w.place, w.as_of, w.cutoff, {wanted}, f.event_date, f.known_at, f.batch
            FROM watched w JOIN {files} f ON {joined}
            WHERE f.known_at <= w.cutoff AND f.event_date <= w.as_of AND NOT f.removed
                AND (f.superseded_at IS NULL OR f.superseded_at > w.cutoff)
            QUALIFY row_number() OVER (PARTITION BY w.place ORDER BY f.event_date DESC, f.fact_rank DESC) = 1),
        l AS (SELECT * FROM {files}
            WHERE known_at <= $known AND (superseded_at IS NULL OR superseded_at > $known) AND NOT removed)
        SELECT u.place, coalesce(a.received > u.cutoff AND u.known_at <= u.as_of, false) AS late{compared}
        FROM u LEFT JOIN l ON {same} LEFT JOIN arrivals a ON a.batch = u.batch ORDER BY u.place""",
        {"known": known},
    ).df()
    return found


def _judged(
    marks: pd.DataFrame, watched: pd.DataFrame, source: str, columns: Mapping[str, Iterable[str]]
) -> list[FieldChange]:
    """The test of each column, and of the arrival of the source's facts."""
    here = watched.iloc[marks["place"].to_numpy()]
    label, quarter = here["label"].to_numpy(), here["quarter"].to_numpy()
    found = []

    def judge(column: str, kind: str, features: Iterable[str]) -> None:
        flag = marks["late" if kind == "arrived late" else f"c_{column}"].fillna(False).to_numpy(dtype=bool)
        if not flag.any():
            return
        gap, z = stratified(flag, label, quarter)
        bad = (int(flag[label == 1].sum()), int((label == 1).sum()))
        good = (int(flag[label == 0].sum()), int((label == 0).sum()))
        found.append(
            FieldChange(source, column, kind, tuple(sorted(features)), bad, good, round(gap, 6), round(z, 4))
        )

    for column in sorted(columns):
        if f"c_{column}" in marks:
            judge(column, "rewritten", columns[column])
    judge("known_at", "arrived late", {name for names in columns.values() for name in names})
    return found
