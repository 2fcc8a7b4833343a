"""Is the plan for 50 million enterprises made of what was measured, and of formulas alone?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import plan

RESULTS = "# Benchmarks\n\n## Other\n\n| a | 9 |\n\n## Night\n\n`cmd`; 1,234,567 rows of 3.\n| a | 1 | 2.50 |\n| b |  | 8 |\n"


def written(folder: Path, costs: str) -> dict[str, plan.Cost]:
    (folder / "plan.toml").write_text(costs, encoding="utf-8")
    (folder / "RESULTS.md").write_text(RESULTS, encoding="utf-8")
    return plan.costs(folder / "plan.toml", folder / "RESULTS.md")


def test_figures_are_read_made_and_assumed(tmp_path: Path) -> None:
    found = written(tmp_path, """
        [n]
        rows = { read = ["Night", "; # rows"], of = "rows" }
        a = { read = ["Night", "| a | ... | # |"], of = "s" }
        b = { read = ["Night", "| b | ... | # |"], of = "s" }
        each = { value = "(n.a + n.b) / n.rows * 1e6", of = "s" }
        many = { value = 2, of = "rows", from = "assumed", measured = false }
        all = { value = "n.each * n.many", of = "s" }
        """)  # fmt: skip
    assert found["n.rows"] == plan.Cost(1234567, True)
    assert found["n.each"] == plan.Cost(10.5 / 1234567 * 1e6, True)
    assert found["n.all"] == plan.Cost(found["n.each"].value * 2, False), "it rests on what was assumed"


@pytest.mark.parametrize(
    ("figure", "told"),
    [('read = ["Night", "| c | # |"]', "no '| c | # |'"), ('read = ["Day", "#"]', "section 'Day'"), ('value = "m.x"', "'m.x'")],
)  # fmt: skip
def test_what_cannot_be_read_is_said(figure: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=told.replace("|", r"\|")):
        written(tmp_path, f'[n]\nx = {{ {figure}, of = "" }}\n')


def test_the_plan_can_be_made_of_the_results_that_are_there() -> None:
    known = plan.costs()
    assumed = {name.partition(".")[0] for name, cost in known.items() if not cost.measured}
    assert assumed == {"national"}, "everything else was measured"
    assert all(cost.value > 0 for cost in plan.worked(known).values())
