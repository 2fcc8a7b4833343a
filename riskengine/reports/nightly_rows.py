"""How are the rows of a night read and called on its page?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from riskengine.monitor.evaluate import SEPARATOR
from riskengine.monitor.vocabulary import SOURCE
from riskengine.schema import Words

if TYPE_CHECKING:
    from riskengine.reports.nightly_page import Page


def name_of(page: Page, row: Mapping[str, Any]) -> str:
    """What a guarantee is called: the feature `shown.name`, else its id."""
    name = row.get(page.shown.name) if page.shown.name else None
    return str(row["id"]) if name is None or missing(name) else str(name)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dicts with text keys."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The same, missing values as None."""
    return [{str(k): None if missing(v) else v for k, v in row.items()} for row in frame.to_dict("records")]


def missing(value: Any) -> bool:
    """Whether a value is unknown."""
    return value is None or bool(pd.isna(value))


def title_of(page: Page, signal: str) -> Words:
    """What a signal is called; a red that waits for a person may have lost its definition."""
    definition = page.signals.get(signal)
    return definition.title if definition else Words(en=signal, zh=signal)


def label_of(page: Page, about: str, name: str) -> Words:
    """What a group is called: the names of its key's values, where the dimensions give them."""
    if about == SOURCE:
        feeds = page.health.set_index("source")
        known = name in feeds.index
        return Words(en=feeds.title_en[name], zh=feeds.title_zh[name]) if known else Words(en=name, zh=name)
    columns = page.keys.get(about, ())
    if not columns:
        return Words(en="the whole book", zh="整体") if about in page.keys else Words(en=name, zh=name)
    by_column = {page.keys[one.key][0]: one for one in page.shown.dimension if len(page.keys[one.key]) == 1}
    values = name.split(SEPARATOR) if len(columns) > 1 else [name]
    parts = [
        by_column[column].label(value) if column in by_column else Words(en=value, zh=value)
        for column, value in zip(columns, values, strict=False)
    ]
    return Words(en=SEPARATOR.join(one.en for one in parts), zh=SEPARATOR.join(one.zh for one in parts))
