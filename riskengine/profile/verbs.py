"""Which words aggregate facts? Each verb makes one value of the facts that share a subject's key, or its linked keys.

Every verb takes the same selection: `by` (a declared key), `window` or `months`, `ago` (spans such as "12m", "30d"), `where`
(filters, all of which must hold) and `through` (links of `configs/subjects.toml`, followed first to last): then the facts
are those of the linked keys, each linked key once, the subject itself left out, links as they are known on the as-of date
whatever `ago` says.

Monthly series lie on month ends, and a window such as "3m" holds three of them on some days and four on others. For
those say `months=3` instead of a window: with E the last month end by `as_of - ago`, the facts of the last three whole
calendar months up to E, on any day exactly three. `ago` is then how long a month surely needs to be known ("30d"), and
`earlier=12` moves E by twelve calendar months, to the same months a year before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Required, TypedDict, Unpack

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError, nearest
from riskengine.profile.expressions import Aggregate, Expression, Number, Verb, Where
from riskengine.profile.functions import first_known, months_in, ratio

_WITHOUT_COLUMN = (
    "count",
    "days_since",
    "days_since_first",
    "months_since_last",
    "longest_gap",
    "months_with",
    "streak",
)
_NOTHING = Span()
_LONGEST_CYCLE = 10


class Selection(TypedDict, total=False):
    """Which facts a verb reads: `by` is required."""

    by: Required[str]
    window: str | None
    ago: str | None
    months: int | None
    earlier: int
    where: Where
    through: str | tuple[str, ...]


def count(source: str, **chosen: Unpack[Selection]) -> Expression:
    """How many facts; zero where a complete source has none."""
    return _aggregate("count", source, chosen)


def months_with(source: str, **chosen: Unpack[Selection]) -> Expression:
    """In how many distinct calendar months there is a fact."""
    return _aggregate("months_with", source, chosen)


def total(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The exact sum of a column (decimal for money); zero where a complete source has no row."""
    return _aggregate("total", what, chosen)


def largest_total(what: str, *, per: str, **chosen: Unpack[Selection]) -> Expression:
    """The largest of the exact totals of a column for each value of the column `per`; null where no such total is known.

    `largest_total("inv_counterparty.amt", per="cp_uscc", by="enterprise", months=6)`: sales to the largest customer of
    six months. Facts whose `per` is unknown belong to nobody and are left out.
    """
    made = _aggregate("largest_total", what, chosen)
    if not isinstance(per, str) or not per:
        raise _misspelt(f"largest_total({what!r})", "per = the column whose values are totalled", repr(per))
    return replace(made, per=per)


def mean(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The mean of a column's known values."""
    return _aggregate("mean", what, chosen)


def smallest(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The least known value of a column."""
    return _aggregate("smallest", what, chosen)


def largest(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The greatest known value of a column."""
    return _aggregate("largest", what, chosen)


def distinct(what: str, **chosen: Unpack[Selection]) -> Expression:
    """How many different known values a column takes.

    `distinct("court_exec.uscc", by="enterprise", through="customer")`: customers with a visible enforcement case.
    """
    return _aggregate("distinct", what, chosen)


def latest(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The column's value in the last fact (law 1's order); null if that fact has none."""
    return _aggregate("latest", what, chosen)


def first(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The column's value in the earliest fact (law 1's order)."""
    return _aggregate("first", what, chosen)


def days_since(source: str, **chosen: Unpack[Selection]) -> Expression:
    """Days from the last fact's event to the as-of date; null where there is none."""
    return _aggregate("days_since", source, chosen)


def days_since_first(source: str, **chosen: Unpack[Selection]) -> Expression:
    """Days from the first fact's event to the as-of date; null where there is none."""
    return _aggregate("days_since_first", source, chosen)


def months_since_last(source: str, **chosen: Unpack[Selection]) -> Expression:
    """Whole months from the last fact's event to the as-of date; null where there is none.

    31 January to 28 February is a month (the last day stands for the day that is not there), to 27 February none.
    """
    return _aggregate("months_since_last", source, chosen)


def longest_gap(source: str, **chosen: Unpack[Selection]) -> Expression:
    """The most days between consecutive events inside the window, the last gap running to the window's end.

    The window ends on `as_of - ago`. What lies before the first event in the window is no gap; null without a fact.
    """
    return _aggregate("longest_gap", source, chosen)


def streak(source: str, **chosen: Unpack[Selection]) -> Expression:
    """How many of the latest facts in a row meet `where`: zero where the last one does not, or a complete source has none.

    `streak("tax_filing", by="enterprise", where=field("is_zero").equals(True))`: consecutive zero returns. Facts are
    counted, not months: a month without a return neither counts nor breaks the row.
    """
    if not chosen.get("where"):
        raise _misspelt(f"streak({source!r})", "where = what the facts in a row have in common", "none")
    return _aggregate("streak", source, chosen)


def trend(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The least-squares slope of a column over the facts' event months, per month; null with fewer than two months.

    Needs a window or months.
    """
    return _aggregate("trend", what, chosen)


def volatility(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The sample standard deviation of a column; null with fewer than two values. Needs a window or months."""
    return _aggregate("volatility", what, chosen)


def linked(through: str | tuple[str, ...], *, by: str) -> Expression:
    """How many distinct keys the subject is linked to: `linked("customer", by="enterprise")`, a chain allowed.

    Zero where a complete link source has no edge; null where a partial one has none at all.
    """
    chain = _chain(through)
    if not chain:
        raise _misspelt("linked()", "at least one link", repr(through))
    return Aggregate("linked", "", None, by, through=chain)


def shortest_cycle(through: str, *, by: str, most: int = 6, ago: str | None = None) -> Expression:
    """In how few steps a link leads back to the subject: 2 where two guarantee each other; 0 where `most` steps do not.

    `shortest_cycle("guaranteed", by="enterprise", most=6)`. Zero is said only where the link's source is complete; a
    partial one that shows no cycle leaves it null. With `ago` it is what a question asked on that earlier day would
    have been answered, from what was known then: now, and not 30 days ago, is a new cycle. One declared link, no union.
    Guarantee circles of at most six: domain page 6.2.
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _LONGEST_CYCLE:
        raise _misspelt("shortest_cycle()", f"most = a whole number of 1 to {_LONGEST_CYCLE}", repr(most))
    if not isinstance(through, str) or not through:
        raise _misspelt("shortest_cycle()", "one link", repr(through))
    return Aggregate("cycle", "", None, by, None, Span.parse(ago or "0d"), through=(through,), most=most)


def share(what: str, **chosen: Unpack[Selection]) -> Expression:
    """The part of a total (`source.column`) or of a count (`source`) that meets `where`."""
    if not chosen.get("where"):
        raise _misspelt(f"share({what!r})", "where = the filters of the part", "none")
    verb: Verb = "total" if "." in what else "count"
    whole: Selection = {**chosen, "where": ()}
    return ratio(_aggregate(verb, what, chosen), _aggregate(verb, what, whole))


def change(
    what: str, *, by: str, over: str, ago: str | None = None, through: str | tuple[str, ...] = ()
) -> Expression:
    """The latest value less the latest value as its event stood `over` earlier (both as known now).

    The latest month known and the latest of a year ago need not be the same month of the year: on 30 June the return of
    May is the last, a year before it is that of June. For monthly series see `change_months`.
    """
    now = _aggregate("latest", what, {"by": by, "ago": ago, "through": through})
    shifted = _sum(Span.parse(over), now.ago)
    return now - Aggregate("latest", now.source, now.column, by, None, shifted, (), now.through)


def change_months(
    what: str, *, by: str, over: int, ago: str | None = None, through: str | tuple[str, ...] = ()
) -> Expression:
    """The value in the last whole calendar month ended by `as_of - ago` less that `over` months before it.

    Month for month whatever the day: `change_months("si_monthly.insured_cnt", by="enterprise", over=12, ago="45d")`.
    Null where either month has no fact, so `ago` is how long a month surely needs to be known.
    """
    if _not_whole(over, 1):
        raise _misspelt(f"change_months({what!r})", "over = a whole number of months, 1 or more", repr(over))
    now = _aggregate("latest", what, {"by": by, "months": 1, "ago": ago, "through": through})
    return now - replace(now, earlier=over)


def momentum(
    what: str, *, by: str, recent: str, before: str, through: str | tuple[str, ...] = ()
) -> Expression:
    """The total of the `recent` window over the total of the equally counted window `before` it, per month."""
    now = _aggregate("total", what, {"by": by, "window": recent, "through": through})
    then = _aggregate("total", what, {"by": by, "window": before, "ago": recent, "through": through})
    return ratio(now, then) * (months_in(Span.parse(before)) / months_in(Span.parse(recent)))


def year_on_year(what: str, *, floor: Number = 0, **chosen: Unpack[Selection]) -> Expression:
    """The total of the window over the total of the same window a year before, less 1.

    With `months` instead of a window: over the same calendar months a year before, on any day.

    Null where the total of a year before is below `floor` or zero: a rate on a small base says nothing.

    The Spring Festival moves between January and February, so a window that holds only one of the two compares a month
    with the holiday to one without it. Use "12m", or filter a derived `month` column ("01" to "12") so that both months
    are in or both are out: `where=field("month").within("03", "04", "05")`.
    """
    now = _aggregate("total", what, chosen)
    if now.window is None and now.months is None:
        raise _misspelt(f"year_on_year({what!r})", "a window or months", "none")
    if now.months is None:
        then = replace(now, ago=_sum(now.ago, Span(12)))
    else:
        then = replace(now, earlier=now.earlier + 12)
    return ratio(now, then / (then >= floor)) - 1


def shrunk_rate(hits: Expression, trials: Expression, *, towards: Expression, strength: float) -> Expression:
    """`(hits + strength * towards) / (trials + strength)`: a rate pulled to the whole's where trials are few.

    The posterior mean of a binomial rate under a beta prior of mean `towards` and size `strength`.
    """
    return (first_known(hits, 0) + towards * strength) / (first_known(trials, 0) + strength)


def _aggregate(verb: Verb, what: str, chosen: Selection) -> Aggregate:
    place = f"{verb}({what!r})"
    known = list(Selection.__annotations__)
    problems = [
        Problem(place, "a part of the selection", repr(name), nearest(name, known))
        for name in chosen
        if name not in known
    ]
    if "by" not in chosen:
        problems.append(Problem(place, "by = the key that joins the facts", "none"))
    source, _, column = what.partition(".")
    if (verb not in _WITHOUT_COLUMN) != bool(column):
        wanted = "'source' alone" if verb in _WITHOUT_COLUMN else "'source.column'"
        problems.append(Problem(place, wanted, repr(what)))
    window, ago = chosen.get("window"), chosen.get("ago")
    if window and Span.parse(window) == _NOTHING:
        problems.append(Problem(place, "a window longer than nothing", repr(window)))
    months, earlier = chosen.get("months"), chosen.get("earlier", 0)
    if not window and months is None and verb in ("trend", "volatility"):
        problems.append(Problem(place, "a window or months", "none"))
    problems += _month_problems(place, window, months, earlier)
    if problems:
        raise UsageError("A feature is misspelt", problems)
    where = chosen.get("where", ())
    return Aggregate(
        verb,
        source,
        column or None,
        chosen["by"],
        Span.parse(window) if window else None,
        Span.parse(ago or "0d"),
        tuple(where) if isinstance(where, tuple | list) else (where,),
        _chain(chosen.get("through", ())),
        months,
        earlier,
    )


def _month_problems(place: str, window: str | None, months: int | None, earlier: int) -> list[Problem]:
    found = []
    if window and months is not None:
        both = f"window={window!r} and months={months!r}"
        found.append(Problem(place, "a window or months, not both", both))
    if months is not None and _not_whole(months, 1):
        found.append(Problem(place, "months = a whole number, 1 or more", repr(months)))
    if _not_whole(earlier, 0):
        found.append(Problem(place, "earlier = a whole number of months, 0 or more", repr(earlier)))
    elif earlier and months is None:
        moved = "For a window use ago"
        found.append(Problem(place, "earlier together with months", f"earlier={earlier} alone", moved))
    return found


def _not_whole(number: object, least: int) -> bool:
    return isinstance(number, bool) or not isinstance(number, int) or number < least


def _chain(through: str | tuple[str, ...]) -> tuple[str, ...]:
    return (through,) if isinstance(through, str) else tuple(through)


def _sum(one: Span, other: Span) -> Span:
    return Span(one.months + other.months, one.days + other.days)


def _misspelt(place: str, expected: str, got: str) -> UsageError:
    return UsageError("A feature is misspelt", [Problem(place, expected, got)])
