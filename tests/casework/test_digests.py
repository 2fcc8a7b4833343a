"""One digest per officer and day: money first, bounded, nothing dropped, escalated ones also above, acknowledged ones counted."""

from __future__ import annotations

from datetime import date

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.digests import USUAL, Digests, assigned, digests, told_by

DAY = date(2025, 6, 3)
DESK = pd.DataFrame(
    {"institution": ["JN", "JN", "QD", ""], "officer": ["li", "wang", "", ""]}, index=["G1", "G2", "G3", "G4"]
)
BOOK = pd.DataFrame({"id": ["G1", "G2", "G3", "G4", "G5"], "enterprise_id": ["E1", "E2", "E3", "E4", "E1"]})
NO_LINES = pd.DataFrame({name: [] for name in (
    "enterprise", "officer", "institution", "place", "rank", "lead_case", "severity", "name", "lead", "cases", "expected_loss",
    "due", "overdue")})  # fmt: skip


def reminder(key: str, **more: object) -> dict[str, object]:
    return {"key": key, "reminder": "N01", "about": "guarantee", "id": "G1", "enterprise": "E1", "officer": "li", "due": DAY,
            "days_left": 0, "status": "due", "loses": "", "at_stake": 0.0, "level": 0, "state": "continuing",
            "acknowledged": False, "text_en": "do", "text_zh": "办", **more}  # fmt: skip


def line(enterprise: str, rank: int, **more: object) -> dict[str, object]:
    return {"enterprise": enterprise, "officer": "li", "institution": "JN", "place": "act", "rank": rank, "lead_case": f"C{rank}",
            "severity": "red", "name": "甲公司", "lead": "R01", "cases": 1, "expected_loss": 1e4, "due": DAY, "overdue": False,
            **more}  # fmt: skip


def read(made: Digests, who: str) -> list[tuple[str, bool]]:
    mine = made.items[made.items.officer == who]
    return [(row["item"], row["overflow"]) for row in mine.to_dict("records")]


def test_money_then_lines_to_act_on_then_the_rest_and_what_does_not_fit_follows() -> None:
    rows = pd.DataFrame([reminder("money", loses="limitation"), reminder("old"), reminder("fresh", state="new"),
                         reminder("seen", loses="limitation", acknowledged=True)])  # fmt: skip
    lines = pd.DataFrame([line("E2", 2), line("E1", 1), line("E3", 3, place="overflow"), line("E4", 4, place="costs more than it saves")])  # fmt: skip
    made = digests(lines, rows, DESK, {("JN", "li"): 4.0}, DAY)
    assert read(made, "li") == [("money", False), ("C1", False), ("C2", False), ("fresh", False),
                                ("old", True), ("C3", True), ("C4", True)]  # fmt: skip
    assert made.heads == ({"officer": "li", "day": DAY, "digest": f"li|{DAY}", "capacity": 4, "shown": 4, "overflow": 3, "acknowledged": 1},)  # fmt: skip
    spare = digests(lines, rows, DESK, {}, DAY)
    assert spare.heads[0]["capacity"] == USUAL
    assert [overflow for _, overflow in read(spare, "li")] == [False] * 5 + [True] * 2, (
        "what the budget did not place stays overflow, however many places are left"
    )
    assert {row["place"] for row in made.items.to_dict("records")} == set(range(1, 8))


def test_a_line_of_which_little_is_known_has_a_desk_and_no_nan() -> None:
    bare = line(
        "E1", 1, officer=None, institution=None, name=None, expected_loss=float("nan"), overdue=None, due=None
    )
    lines = pd.DataFrame([bare, line("E2", 2, officer="", overdue=True)])
    made = digests(lines, pd.DataFrame([], columns=list(reminder(""))), DESK, {}, DAY)
    assert made.items[["officer", "text_en", "status"]].to_numpy().tolist() == [
        ["desk", "Red: E1: R01; 1 case(s), expected loss 0", ""],
        ["desk:JN", "Red: 甲公司: R01; 1 case(s), expected loss 10,000", "overdue"]]  # fmt: skip
    empty = digests(NO_LINES, pd.DataFrame([], columns=list(reminder(""))), DESK, {}, DAY)
    assert (len(empty.items), empty.heads) == (0, ())


def test_a_line_says_what_its_lead_case_says_and_its_loss_after_floors() -> None:
    cases = pd.DataFrame([["C1", "Overdue", "逾期", "Overdue for 76 days", "逾期76天"], ["C2", "Sued", "被诉", None, ""]],
                         columns=["case", "title_en", "title_zh", "text_en", "text_zh"])  # fmt: skip
    lines = pd.DataFrame([line("E1", 1, loss_used=3e4, cases=2), line("E2", 2, loss_used=float("nan")), line("E3", 3, lead_case=None)])  # fmt: skip
    items = digests(told_by(lines, cases), pd.DataFrame([], columns=list(reminder(""))), DESK, {}, DAY).items
    assert items[["text_en", "text_zh", "at_stake"]].to_numpy().tolist() == [
        ["Red: 甲公司: Overdue for 76 days; 2 case(s), expected loss 30,000", "红色：甲公司：逾期76天；2个案件，预期损失30,000元", 3e4],
        ["Red: 甲公司: Sued; 1 case(s), expected loss 10,000", "红色：甲公司：被诉；1个案件，预期损失10,000元", 1e4],
        ["Red: 甲公司: R01; 1 case(s), expected loss 10,000", "红色：甲公司：R01；1个案件，预期损失10,000元", 1e4]]  # fmt: skip


def test_an_escalated_reminder_is_read_above_as_well() -> None:
    rows = pd.DataFrame([reminder("one", level=1, loses="limitation"), reminder("two", level=2),
                         reminder("desk", level=1, officer="desk:QD"), reminder("nowhere", level=1, officer="desk")])  # fmt: skip
    made = digests(NO_LINES, rows, DESK, {("", ""): 9.0}, DAY)
    assert {who: [item for item, _ in read(made, who)] for who in sorted(set(made.items.officer))} == {
        "li": ["one", "two"], "supervisor:JN": ["one", "two"], "head:JN": ["two"], "desk:QD": ["desk"],
        "supervisor:QD": ["desk"], "desk": ["nowhere"], "supervisor": ["nowhere"]}  # fmt: skip


def test_reminders_find_their_officer() -> None:
    lines = pd.DataFrame([line("E2", 1, officer="zhao")])
    rows = pd.DataFrame([
        reminder("", id="G1", enterprise="E1"), reminder("", id="G2", enterprise="E2"), reminder("", id="G3", enterprise="E3"),
        reminder("", about="claim", id="G9", enterprise="E1"), reminder("", about="claim", id="G8", enterprise="E9"),
        reminder("", about="institution", id="QD", enterprise=""), reminder("", about="source", id="macro", enterprise=""),
        reminder("", id="G4", enterprise="E4")])  # fmt: skip
    found = assigned(rows, lines, DESK, BOOK).officer.tolist()
    assert found == ["li", "zhao", "desk:QD", "li", "desk", "desk:QD", "desk", "desk"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["li", "wang", "desk:QD"]),
            st.booleans(),
            st.booleans(),
            st.sampled_from([0, 1, 2]),
        ),
        max_size=30,
    ),
    st.integers(0, 12),
    st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_nothing_is_dropped_and_no_more_is_shown_than_fits(
    rows: list[tuple[str, bool, bool, int]], places: int, lines: int
) -> None:
    made_of = [reminder(str(n), officer=who, loses="limitation" if money else "", acknowledged=seen, level=level)
               for n, (who, money, seen, level) in enumerate(rows)]  # fmt: skip
    frame = pd.DataFrame(made_of, columns=list(reminder("")))
    work = pd.DataFrame([line(f"E{n}", n) for n in range(lines)], columns=list(line("E", 1)))
    made = digests(work, frame, DESK, {("", ""): float(places)}, DAY)
    for who in ("li", "wang", "desk:QD"):
        wanted = [str(n) for n, row in enumerate(rows) if row[0] == who and not row[2]]
        wanted += [f"C{n}" for n in range(lines)] if who == "li" else []
        got = read(made, who)
        assert sorted(item for item, _ in got) == sorted(wanted)
        assert sum(not overflow for _, overflow in got) == min(places, len(wanted))
        assert [overflow for _, overflow in got] == sorted(overflow for _, overflow in got)
        parts = (
            made.items.loc[made.items.officer == who, "part"].map({"money": 0, "act": 1, "other": 2}).tolist()
        )
        assert parts == sorted(parts)
    for head in made.heads:
        mine = made.items[made.items.officer == head["officer"]]
        assert head["shown"] + head["overflow"] == len(mine)
    assert len({head["digest"] for head in made.heads}) == len(made.heads)
