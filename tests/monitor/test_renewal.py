"""A second case is a new alert; the same one in another report, or an old one seen again, is none."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd

from riskengine.intake.contract import read_contract
from riskengine.monitor.renewal import renewed

SOURCES = Path(__file__).parents[2] / "configs" / "sources"
CONTRACTS = {
    name: read_contract(SOURCES / f"{name}.toml")
    for name in ("court_exec", "bank_feedback", "overdue", "pboc_ent_acct")
}
FIRST, NIGHT = date(2026, 6, 1), date(2026, 6, 8)


def evidence(source: str, *rows: tuple[dict[str, str], str]) -> str:
    return json.dumps(
        {
            "rows": [{"source": source, "keys": keys, "known_at": known} for keys, known in rows],
            "of": len(rows),
        }
    )


def lines(text: str | None, state: str = "continuing") -> pd.DataFrame:
    return pd.DataFrame({"signal": ["J01"], "about": ["guarantee"], "id": ["G1"], "state": [state], "raised_on": [FIRST],
                         "evidence": [text], "evidence_key": [None]})  # fmt: skip


def told(before: str | None, now: str | None, state: str = "continuing") -> tuple[str, date, str | None]:
    row = renewed(lines(now, state), lines(before), CONTRACTS, FIRST, NIGHT).iloc[0]
    return row.state, row.raised_on, row.evidence_key


ONE, TWO = ({"case_no": "1"}, "2026-05-20"), ({"case_no": "2"}, "2026-06-05")


def test_a_second_case_raises_the_signal_again() -> None:
    first = evidence("court_exec", ONE)
    assert told(first, evidence("court_exec", TWO, ONE)) == ("renewed", NIGHT, "court_exec|2")
    assert told(first, first) == ("continuing", FIRST, "court_exec|1")
    assert told(first, evidence("court_exec", ONE, TWO))[0] == "renewed", "published late, and older"
    assert told(first, evidence("court_exec", TWO, ONE), "held")[0] == "held"
    assert told(None, first)[:2] == ("continuing", FIRST), "nothing to compare with"
    corrected = evidence("court_exec", ({"case_no": "1"}, "2026-06-05"))
    assert told(first, corrected)[0] == "continuing", "delivered again with a correction"
    older = evidence("court_exec", ({"case_no": "0"}, "2026-05-01"))
    assert told(first, older)[0] == "continuing", "the newest was withdrawn and an older one is seen"
    assert renewed(lines(first), None, CONTRACTS, None, NIGHT).evidence_key.tolist() == ["court_exec|1"]


def test_the_same_state_in_the_next_report_is_no_second_case() -> None:
    for source, keys in (
        ("bank_feedback", {"guar_id": "G1"}),
        ("pboc_ent_acct", {"uscc": "U", "acct_no": "7"}),
    ):
        before = evidence(source, ({**keys, "report_dt": "2026-04-30"}, "2026-05-01"))
        now = evidence(source, ({**keys, "report_dt": "2026-05-31"}, "2026-06-02"))
        assert told(before, now)[:2] == ("continuing", FIRST)
    before = evidence("overdue", ({"guar_id": "G1", "ovd_dt": "2026-04-30"}, "2026-05-01"))
    now = evidence("overdue", ({"guar_id": "G1", "ovd_dt": "2026-06-04"}, "2026-06-05"))
    assert told(before, now)[0] == "renewed", "a second overdue of the same loan"


def test_a_second_case_behind_what_is_easing_begins_its_days_anew() -> None:
    eased = lines(evidence("court_exec", TWO, ONE), "easing")
    eased = eased.assign(clear_days=40, clear_since=date(2026, 4, 29), clear_on=NIGHT)
    row = renewed(eased, lines(evidence("court_exec", ONE)), CONTRACTS, FIRST, NIGHT).iloc[0]
    assert (row.state, row.raised_on) == ("renewed", NIGHT)
    assert (row.clear_days, row.clear_since, row.clear_on) == (0, NIGHT, NIGHT)
