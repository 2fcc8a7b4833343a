"""What does the product of a guarantee allow on the day? `[[of_product]]` of `configs/nightly.toml`: names of the night read
from `products.toml`, so that signals, reminders and decisions rest on one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from riskengine.decision.products import Products, product_for
from riskengine.errors import UsageError
from riskengine.schema import Definition, Words, in_force, parse, read_toml

if TYPE_CHECKING:
    import pandas as pd


class OfProduct(Definition):
    """A name of the night: a number of the guarantee's product in force on the day, or a feature's share of it.

    With `feature` it is that feature over the number; `features` names another one for some products by id. `by` is the key
    of `subjects.toml` within which it does not differ. Unknown where no number is in force.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Words
    value: Literal["compensation_cap", "grace_days"]
    by: str
    feature: str = ""
    features: dict[str, str] = Field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """Every feature it reads."""
        return [name for name in (self.feature, *self.features.values()) if name]


def read_of_product(path: Path) -> list[OfProduct]:
    """The `[[of_product]]` blocks that can be read; what is wrong with the others `shown.read_shown` says."""
    try:
        blocks = read_toml(path).get("of_product", []) if path.exists() else []
    except UsageError:  # said by read_shown, with whatever else is wrong
        return []
    made = [parse(OfProduct, block, path.name)[0] for block in blocks] if isinstance(blocks, list) else []
    return [one for one in made if one is not None]


def with_products(
    frame: pd.DataFrame, wanted: Iterable[OfProduct], products: Products, as_of: date
) -> pd.DataFrame:
    """The night's frame with every such name; `frame` has what the products' conditions read."""
    asked = tuple(wanted)
    if not asked:
        return frame
    names = sorted({condition.feature for product in products.products for condition in product.when})
    rows = frame[names].astype("object").where(frame[names].notna(), None).to_numpy().tolist()
    known: dict[tuple[Any, ...], str] = {}
    for row in map(tuple, rows):
        if row not in known:
            known[row] = product_for(products, dict(zip(names, row, strict=True)), as_of).id
    product = frame.id.astype("object").copy()
    product[:] = [known[tuple(row)] for row in rows]
    made: Mapping[str, Any] = {one.name: _told(frame, one, products, (product, as_of)) for one in asked}
    return frame.assign(**made)


def _told(frame: pd.DataFrame, one: OfProduct, products: Products, of: tuple[Any, date]) -> Any:
    product, as_of = of
    dated = {item.id: in_force(getattr(item, one.value), as_of) for item in products.products}
    number = product.map({name: item.value for name, item in dated.items() if item}).astype("float64")
    if not one.inputs:
        return number
    part = frame[one.feature or one.inputs[0]].astype("float64")
    for name, feature in one.features.items():
        part = part.mask(product == name, frame[feature].astype("float64"))
    return (part / number).where(number > 0)
