"""What do the government's publishers send of a chunk of enterprises?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province.annual import annual
from riskengine.province.courts import courts
from riskengine.province.draws import Dice
from riskengine.province.invoices import invoices
from riskengine.province.labour import labour
from riskengine.province.merits import merits
from riskengine.province.offices import offices
from riskengine.province.particulars import Particulars
from riskengine.province.registry import registry
from riskengine.province.state import Province
from riskengine.province.taxation import taxation
from riskengine.province.view import View, gathered


def government(province: Province, rows: slice, rng: np.random.Generator) -> Iterator[tuple[str, pa.Table]]:
    """The 29 government sources of the enterprises `rows`, each once: its contract's columns in yuan, `arrives`, `enterprise`.

    What arrives by a day depends on the province's state up to that day only. The same generator state gives the same numbers
    however the enterprises are cut into chunks.
    """
    view = View(province, slice(*rows.indices(len(province.register.uscc))), Dice(int(rng.integers(2**62))))
    stated = Particulars(view)
    for publisher in (registry, annual, taxation, courts, offices):
        yield from gathered(publisher(view, stated))
    for plain in (invoices, labour, merits):
        yield from gathered(plain(view))
