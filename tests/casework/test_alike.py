"""Cases that stand alike are looked at once: the same standings and events as looking at every case by itself."""

from datetime import date
from random import Random
from typing import Any

import pandas as pd
import pytest
from desk_world import CHINA, DEADLINES

from riskengine.casework import standing
from riskengine.casework.standing import Tonight, stood
from riskengine.monitor.deadlines import Deadlines

NIGHTS = (date(2026, 6, 28), date(2026, 6, 29), date(2026, 6, 30))


def cases_of(night: int, dice: Random) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for number in range(60):
        severity = dice.choice(["blue", "yellow", "orange", "red"])
        rows.append(
            {
                "case": f"C{number}",
                "enterprise": f"E{number % 20}" if number % 7 else "",
                "severity": severity,
                "worst": dice.choice([severity, "red"]),
                "fact": dice.choice(["new", "raised", "renewed", "continuing"]),
                "raised_on": NIGHTS[dice.randrange(night + 1)],
                "evidence_hash": dice.choice(["a", "b", None]),
                "signals": dice.randrange(1, 3),
                "turned": dice.choice([None, None, "overdue", "compensated"]),
                "quiet": dice.choice(["", "", "inhibited", "cool-down"]),
                "deadlines": dice.choice(["", "3wd"]),
            }
        )
    return pd.DataFrame(rows)


def nights(calendar: Any, deadlines: Deadlines, seed: int) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    dice, found = Random(seed), []
    before: pd.DataFrame | None = None
    for number, day in enumerate(NIGHTS):
        earlier = NIGHTS[number - 1] if number else None
        merged = {"C7": "C8", "C9": "C8"} if number == 1 else {}
        made = stood(cases_of(number, dice), {}, Tonight(day, deadlines, calendar, before, earlier, merged))
        before = made[0]
        found.append(made)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_one_look_for_all_alike_is_a_look_at_each(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    together = nights(CHINA, DEADLINES, seed)
    looked = 0
    real = standing._stood

    class Never(dict[Any, Any]):
        """A memory that keeps nothing."""

        def get(self, key: Any, default: Any = None) -> Any:
            return default

    def counting(*args: Any) -> Any:
        nonlocal looked
        looked += 1
        return real(*args)

    monkeypatch.setattr(standing, "_stood", counting)
    monkeypatch.setattr(standing, "_Alike", Never)
    alone = nights(CHINA, DEADLINES, seed)
    assert looked == 60 * len(NIGHTS)
    for (cases, events), (same, also) in zip(together, alone, strict=True):
        pd.testing.assert_frame_equal(cases, same)
        pd.testing.assert_frame_equal(events, also)
