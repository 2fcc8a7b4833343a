"""Which signals of guarantees does a cluster raise, and which does it leave to the night?

Evaluated is every signal about a guarantee whose names are all said by the guarantee's own row: features, PD, grade, exposure
and expected loss. The night's own `evaluate` reads batches of rows on the workers, as on a first night: nothing is remembered
of a publication before, so states are "new" and no due dates are told. Signals that compare with the publication before, with
peers, with the product's limits, with groups' shares, with neighbours, or that speak of feeds or of whole groups are named as
left out, with why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskengine.decision.products import Products
from riskengine.monitor.signal_rows import COLUMNS
from riskengine.monitor.signals import Signal
from riskengine.monitor.vocabulary import CONTAGION, GUARANTEE, SOURCE, Vocabulary
from riskengine.spark.session import arrow_only

RATED = ("pd", "score", "grade", "grade_no")
VALUED = ("exposure", "expected_loss")
TOLD = (
    "as_of", "id", "enterprise", "signal", "severity", "feature", "value", "limit", "exposure", "expected_loss",
    "text_en", "text_zh",
)  # fmt: skip
_KINDS = {"float64": "double", "object": "string"}


@dataclass(frozen=True)
class Split:
    """The signals that a cluster evaluates, and why each other one is left out (by id)."""

    taken: tuple[Signal, ...]
    left: Mapping[str, str]


def split(signals: Sequence[Signal], known: Vocabulary, columns: Sequence[str]) -> Split:
    """Which signals can be evaluated row by row over profiles with these columns."""
    said = {*columns, *RATED, *VALUED}
    taken, left = [], {}
    for signal in signals:
        missing = [name for name in signal.inputs if name not in said]
        if signal.about == SOURCE:
            left[signal.id] = "about a feed"
        elif signal.about != GUARANTEE:
            left[signal.id] = f"about a whole {signal.about}"
        elif missing:
            left[signal.id] = "; ".join(f"{name}: {_why(name, known)}" for name in missing)
        else:
            taken.append(signal)
    return Split(tuple(taken), left)


def _why(name: str, known: Vocabulary) -> str:
    if name in CONTAGION:
        return "from neighbours"
    if name in known.peers:
        return "against peers or the product"
    if name in known.shares():
        return "a share of the whole book"
    if name in known.features:
        return "not among these profiles"
    return (
        "from the publication before"
        if "before" in name or name in ("pd_jump", "grade_notches")
        else "of the night"
    )


def raised(profiles: Any, scores: Any, signals: Sequence[Signal], products: Products) -> Any:
    """A frame of `TOLD`: every signal that is active on the profile's day, one row each.

    `scores` are those of `spark.scoring.scored`; both frames are joined by day and id.
    """
    row = ["as_of", "id"]  # `subject` counts the rows of a file
    both = profiles.join(scores.select(*row, *RATED), row)
    wanted = {
        "as_of",
        "id",
        "enterprise_id",
        *RATED,
        *products.features,
        *(n for s in signals for n in s.inputs),
    }
    read = [name for name in both.columns if name in wanted]
    kinds = {"as_of": "date"}
    schema = ", ".join(f"`{name}` {kinds.get(name) or _KINDS[COLUMNS[name]]}" for name in TOLD)
    asked = both.select(*(f"`{name}`" for name in read))
    with arrow_only():
        return asked.mapInArrow(_evaluating(tuple(signals), products), schema)


def _evaluating(signals: Sequence[Signal], products: Products) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def tell(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        from riskengine.monitor.evaluate import Night, evaluate
        from riskengine.monitor.night import valued

        for batch in batches:
            frame = batch.to_pandas(date_as_object=False)
            for day, rows in frame.groupby("as_of", sort=True):
                as_of = day.date()
                rows = valued(rows.reset_index(drop=True), products, as_of)
                found = evaluate(signals, rows, Night(as_of)).signals
                if len(found):
                    made = found.assign(as_of=as_of)[list(TOLD)]
                    yield from pa.Table.from_pandas(made, preserve_index=False, schema=_arrow()).to_batches()

    return tell


def _arrow() -> Any:
    import pyarrow as pa

    kinds = {"as_of": pa.date32()}
    of = {"float64": pa.float64(), "object": pa.string()}
    return pa.schema([(name, kinds.get(name) or of[COLUMNS[name]]) for name in TOLD])
