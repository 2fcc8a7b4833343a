"""What a change would have done is what deciding everybody twice by hand says; a decision made before it stays what it was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from institution import AS_OF, FILES

from riskengine.decision.applicants import known_applicants
from riskengine.decision.desk import current_desk, desk_with
from riskengine.decision.replay import replay
from riskengine.decision.review import decide, review, rule_of
from riskengine.decision.simulate import OUTCOMES, Change, beginnings, simulate
from riskengine.errors import UsageError
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.reports.simulation import lines
from riskengine.schema import canonical_json

APPLIED = {"1": date(2006, 2, 1), "2": date(2006, 3, 1), "3": date(2006, 3, 5), "4": date(2006, 3, 20), "5": date(2006, 3, 21)}  # fmt: skip
LATER = date(2006, 7, 1)
TWO = '{ from = 2006-01-01, value = 2000, reference = "test" }'
THREE = TWO + ', { from = 2006-07-01, value = 400, reference = "board, June" }'
POLICY = FILES["configs/policy.toml"]


@pytest.fixture
def changed(project: Project, tmp_path: Path) -> Any:
    """The institution (its store shared) with other texts of definitions."""

    def make(**texts: str) -> Project:
        root = tmp_path / f"other{len(list(tmp_path.iterdir()))}"
        shutil.copytree(project.root, root, symlinks=True)
        for name, text in texts.items():
            (root / "configs" / f"{name}.toml").write_text(text, encoding="utf-8")
        return Project(root)

    return make


def by_hand(project: Project, day: date, policy: Path | None = None) -> list[dict[str, Any]]:
    """Everybody decided alone, as of the own day, by the rules of `day`."""
    desk = desk_with(project, None, policy)
    found = []
    for name, applied in APPLIED.items():
        with Workbench(desk.snapshot) as bench:
            asked = known_applicants(bench, rule_of(project), desk.model, [name], applied)
            found += decide(desk, bench, asked, None, day)
    return found


def summed(decided: Sequence[Mapping[str, Any]], outcome: str) -> dict[str, Any]:
    """The oracle: sums in cents, by whole numbers."""
    own = [one for one in decided if one["decision"] == outcome]
    told = [one["amount"] for one in own if one["amount"]]
    given = [(one, Decimal(one["suggested"])) for one in told if one["suggested"] is not None]
    loss = sum(
        (Decimal(one["expected_loss"]) / Decimal(one["requested"]) * to for one, to in given), Decimal()
    )
    return {
        "applications": len(own),
        "requested": sum((Decimal(one["requested"]) for one in told), Decimal()),
        "suggested": sum((to for _, to in given), Decimal()),
        "expected_loss": loss.quantize(Decimal("0.01")),
        "terms_unknown": len(own) - len(told),
    }


def as_numbers(side: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else Decimal(value) for name, value in side.items()}


def test_it_is_everybody_decided_under_both_days(changed: Any) -> None:
    """A future line is found by itself; every sum is the oracle's; nobody is lost between the outcomes."""
    project = changed(policy=POLICY.replace(TWO, THREE))
    told = simulate(project, AS_OF, Change())
    assert told["rules_after"]["on"] == str(LATER)
    assert told["rules_before"]["on"] == str(AS_OF)
    assert (told["from"], told["as_of"], told["applications"]) == ("2005-04-01", "2006-03-31", 5)
    old, new = by_hand(project, AS_OF), by_hand(project, LATER)
    for side, decided in (("before", old), ("after", new)):
        assert {outcome: as_numbers(told[side][outcome]) for outcome in OUTCOMES} == {
            outcome: summed(decided, outcome) for outcome in OUTCOMES
        }
    pairs = [(a["decision"], b["decision"]) for a, b in zip(old, new, strict=True)]
    assert told["crossed"] == {one: {two: pairs.count((one, two)) for two in OUTCOMES} for one in OUTCOMES}
    assert sum(sum(row.values()) for row in told["crossed"].values()) == 5
    moved = [
        name
        for name, a, b in zip(APPLIED, old, new, strict=True)
        if (a["decision"], (a["amount"] or {}).get("suggested")) != (b["decision"], (b["amount"] or {}).get("suggested"))
    ]  # fmt: skip
    assert moved
    assert {one["id"] for one in told["movers"]} == set(moved)
    assert told["movers_in_all"] == len(moved)
    assert told["rules"]["largest"]["hit"] == [1, 4], "all but the smallest request are above 400"
    assert simulate(project, AS_OF, Change(on=LATER)) == told, "the day named by hand is the same change"


def test_months_are_counted_back_from_the_day(project: Project) -> None:
    assert simulate(project, AS_OF, Change(on=date(2005, 6, 1)), months=1)["applications"] == 4
    assert simulate(project, AS_OF, Change(on=date(2005, 6, 1)), months=10**6)["applications"] == 5
    with pytest.raises(UsageError, match="2006-01-01: expected at least one application, got none"):
        simulate(project, date(2006, 1, 1), Change(on=LATER))


def test_a_switch_and_an_ending_are_changes_too(changed: Any) -> None:
    switch = '\n[[switch]]\nrule = "largest"\non = false\nfrom = 2006-09-01\nreference = "board"\n'
    project = changed(policy=POLICY.replace('id = "trade"', 'id = "trade"\nto = 2006-10-14') + switch)
    told = simulate(project, AS_OF, Change())
    assert told["rules_after"]["on"] == "2006-09-01"
    assert told["rules"] == {
        "largest": {"hit": [1, 0], "near": [1, 0], "not applicable": [0, 5], "passed": [3, 0]}
    }
    (mover,) = told["movers"]
    assert mover["id"] == "4"
    assert mover["decision"] == ["refer", "pass"]
    assert mover["rules"] == [{"rule": "largest", "before": "hit", "after": "not applicable"}]
    days = sorted({day for day in beginnings(current_desk(project).policy) if day > AS_OF})
    assert days == [date(2006, 9, 1), date(2006, 10, 15)], "the day after the last one is a change"


def test_another_file_is_tried_without_being_installed(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "proposal.toml"
    other.write_text(POLICY.replace('op = ">=", value = 2 ', 'op = ">=", value = 0 '), encoding="utf-8")
    installed = (project.configs / "policy.toml").read_bytes()
    told = simulate(project, AS_OF, Change(policy=other))
    assert told["rules_after"]["on"] == str(AS_OF), (
        "nothing dated lies ahead: the file as it stands on the day"
    )
    assert told["rules_before"]["policy"] != told["rules_after"]["policy"]
    assert told["after"]["decline"]["applications"] == 5 == len(by_hand(project, AS_OF, other))
    assert (project.configs / "policy.toml").read_bytes() == installed
    assert "the proposed file" in lines(told, "en")[0]
    assert "拟议文件" in lines(told, "zh")[0]


def test_what_changes_nothing_says_so(project: Project, changed: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a change that begins after 2006-03-31, got none.*dated line"):
        simulate(project, AS_OF, Change())
    same = simulate(project, AS_OF, Change(on=AS_OF))
    assert same["before"] == same["after"]
    assert same["rules"] == {}
    assert same["movers"] == []
    assert lines(same, "en")[-1] == "No decision and no amount changes."
    assert lines(same, "zh")[-1] == "没有任何结论或金额变化。"
    near = changed(policy=POLICY.replace("near = 0.1", "near = 0.9"))
    told = simulate(project, AS_OF, Change(policy=near.configs / "policy.toml"))
    assert told["movers_in_all"] == 0
    assert any(line.strip().startswith("largest  near") for line in lines(told, "en")), (
        "findings that change are told"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "expected a TOML file, got no file"),
        ("[decision", "valid TOML in UTF-8"),
        ("[decision]\nmodel = 1\n", "not a valid definition|Not a valid definition"),
        (POLICY.replace('feature = "losses"', 'feature = "loses"'), "loses"),
        (
            POLICY.replace('action = "refer"', 'action = "refer"\nproducts = ["plane"]'),
            "Did you mean 'plain'",
        ),
    ],
)
def test_a_file_that_cannot_be_tried_is_refused_in_words(
    project: Project, tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "policy.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        simulate(project, AS_OF, Change(policy=path))


def test_a_decision_made_before_the_change_replays_unchanged_after_it(own_project: Project) -> None:
    before = review(own_project, AS_OF, ids=["3"])
    path = own_project.configs / "policy.toml"
    path.write_text(POLICY.replace("value = 2000", "value = 1500"), encoding="utf-8")
    after = review(own_project, AS_OF, ids=["3"])
    name = before.records[0]["decision_id"]
    assert after.records[0]["outputs"] != before.records[0]["outputs"], "today the new text decides"
    assert replay(own_project.store, name).record == canonical_json(before.records[0])


def test_every_line_is_said_in_both_languages(changed: Any) -> None:
    told = simulate(changed(policy=POLICY.replace(TWO, THREE)), AS_OF, Change())
    english, chinese = lines(told, "en"), lines(told, "zh")
    assert len(english) == len(chinese) <= 40
    assert (
        english[0]
        == "5 applications of 12 months to 2006-03-31: rules of 2006-03-31 against rules of 2006-07-01 (the project's file)"
    )
    assert "命中 1 -> 4" in "\n".join(chinese)
    assert "hit 1 -> 4" in "\n".join(english)
    same = next(number for number, one in enumerate(told["movers"]) if not one["rules"])
    assert english[len(english) - len(told["movers"]) + same].endswith("bound by largest"), (
        "hit before and after"
    )
    assert not any("hit" in line or "approved" in line for line in chinese)
