"""Profile: what is known of an enterprise as of a date?

The words that definitions in `features/` are written with.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from riskengine.profile.expressions import Expression, Feature, field
    from riskengine.profile.functions import (
        absolute,
        at_least,
        at_most,
        code,
        elapsed_days,
        first_known,
        greater,
        is_missing,
        log1p,
        ratio,
        smaller,
        spread,
        years_since,
    )
    from riskengine.profile.verbs import (
        change,
        change_months,
        count,
        days_since,
        days_since_first,
        distinct,
        first,
        largest,
        largest_total,
        latest,
        linked,
        longest_gap,
        mean,
        momentum,
        months_since_last,
        months_with,
        share,
        shortest_cycle,
        shrunk_rate,
        smallest,
        streak,
        total,
        trend,
        volatility,
        year_on_year,
    )

__all__ = [
    "Expression",
    "Feature",
    "absolute",
    "at_least",
    "at_most",
    "change",
    "change_months",
    "code",
    "count",
    "days_since",
    "days_since_first",
    "distinct",
    "elapsed_days",
    "field",
    "first",
    "first_known",
    "greater",
    "is_missing",
    "largest",
    "largest_total",
    "latest",
    "linked",
    "log1p",
    "longest_gap",
    "mean",
    "momentum",
    "months_since_last",
    "months_with",
    "ratio",
    "share",
    "shortest_cycle",
    "shrunk_rate",
    "smaller",
    "smallest",
    "spread",
    "streak",
    "total",
    "trend",
    "volatility",
    "year_on_year",
    "years_since",
]

_ROOMS = ("expressions", "functions", "verbs")


def __getattr__(name: str) -> Any:
    """A word, imported when a definition asks for it: who runs compiled recipes (a review) needs none."""
    if name in __all__:
        for room in _ROOMS:
            found = getattr(import_module(f"{__name__}.{room}"), name, None)
            if found is not None:
                return globals().setdefault(name, found)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
