"""Who would have been alerted if the night's whole casework had run: floors, cases, lines and budget, as nobody ever acted?

The composition is `casework.night.handled`, the one of the nightly pipeline, with no act of any officer: nobody worked on the
alerts of the past. So a case that no one answers stays, escalates and is listed again; `lists` gives every rule the same rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from riskengine.backtest.replay import alerts_of_lines
from riskengine.casework.cases import Past
from riskengine.casework.night import Acts, Handled, Yesterday, going_on, handled
from riskengine.casework.rulebook import Rulebook
from riskengine.monitor.night import Before
from riskengine.monitor.work import Work
from riskengine.scoring.bundle import Bundle


@dataclass
class Cased:
    """Casework night by night: it remembers the cases of the night before, so nights must come in order, each once."""

    rules: Rulebook
    model: Callable[[date], Bundle]
    past: Yesterday = field(default_factory=Yesterday)
    made: Handled | None = None

    def alerted(self, night: Work) -> pd.DataFrame:
        """The night's lines as alerts of their guarantees (`replay.ALERT`)."""
        self.made = handled(self.rules, self.model(night.as_of), night, self.past, Acts())
        return alerts_of_lines(self.made.lines, night.book)

    def becomes(self, night: Work) -> Before:
        """What the next night reads: the book with floors and the signals with their cases, as a publication would hold them."""
        made = self.made
        if made is None:
            raise ValueError("a night is alerted before the next one begins")
        cases = Past(made.signals, made.cases, made.ended, made.book)
        self.past = Yesterday(cases, night.as_of, made.track)
        return going_on(Before(night.as_of, made.book, made.signals, model=night.model), cases, Acts())
