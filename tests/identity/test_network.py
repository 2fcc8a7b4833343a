"""Are owners, controllers and circles what a slow, obvious count of all paths says, and is every conclusion evidenced?"""

from __future__ import annotations

from datetime import date
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from town import build, code, deliver

from riskengine.errors import UsageError
from riskengine.identity.network import DEEPEST, LEAST, Edge, around, controller_of, look_through

DAY = date(2024, 6, 30)
NODES = [code(number) for number in range(5)]


def _owns(start: str, end: str, size: float) -> Edge:
    return Edge("owns", start, end, size, "mkt_equity", DAY, DAY)


def _guarantees(start: str, end: str) -> Edge:
    return Edge("guarantees", start, end, 1.0, "counter_guar", DAY, DAY)


def _slow_control(owner: str, owned: str, ratios: dict[tuple[str, str], float]) -> float:
    """All simple paths by trying every order of every subset of the others."""
    others = [node for node in NODES if node not in (owner, owned)]
    total = 0.0
    for size in range(min(len(others), DEEPEST - 1) + 1):
        for between in permutations(others, size):
            product = 1.0
            for step in pairwise((owner, *between, owned)):
                product *= ratios.get(step, 0.0) if ratios.get(step, 0.0) >= LEAST else 0.0
            total += product
    return total


pairs = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda pair: pair[0] != pair[1])


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(pairs, st.integers(0, 100).map(lambda share: share / 100), max_size=12))
def test_control_is_the_sum_over_all_paths(ratios: dict[tuple[str, str], float]) -> None:
    edges = [_owns(start, end, size) for (start, end), size in sorted(ratios.items())]
    found = {held.owner: held.share for held in look_through(NODES[0], edges, DAY).owners}
    for owner in NODES[1:]:
        assert found.get(owner, 0.0) == pytest.approx(_slow_control(owner, NODES[0], ratios), abs=1e-8)


@settings(max_examples=80, deadline=None)
@given(st.sets(pairs, max_size=12))
def test_circles_are_all_orders_that_close(edges: set[tuple[str, str]]) -> None:
    found = look_through(NODES[0], [_guarantees(*edge) for edge in sorted(edges)], DAY).circles
    slow = set()
    for size in range(1, len(NODES)):
        for between in permutations(NODES[1:], size):
            if all(step in edges for step in pairwise((NODES[0], *between, NODES[0]))):
                slow.add((NODES[0], *between))
    cycles = [circle for circle in found if circle.kind == "cycle"]
    assert {
        circle.members[circle.members.index(NODES[0]) :] + circle.members[: circle.members.index(NODES[0])]
        for circle in cycles
    } == slow
    assert all(len(circle.edges) == len(circle.members) for circle in cycles)
    assert bool(slow) == any(circle.kind == "component" for circle in found)


@pytest.mark.parametrize(
    ("shares", "who"),
    [
        ((0.51, 0.49), 0),
        ((0.50, 0.30), None),
        ((0.50, 0.25), 0),
        ((0.26, 0.25), 0),
        ((0.25, 0.25), None),
        ((), None),
    ],
)
def test_who_controls(shares: tuple[float, ...], who: int | None) -> None:
    edges = [_owns(NODES[place + 1], NODES[0], share) for place, share in enumerate(shares)]
    found = controller_of(look_through(NODES[0], edges, DAY).owners)
    assert (found.owner if found else None) == (None if who is None else NODES[who + 1])


def test_a_network_from_facts_knows_its_day_and_its_silence(tmp_path_factory: pytest.TempPathFactory) -> None:
    project = build(
        tmp_path_factory.mktemp("net") / "town", "mkt_equity", "mkt_people", "counter_guar", "pboc_guar"
    )
    firm, parent, sister = NODES[:3]
    owner = {"holder_name": "张三丰", "holder_type": "自然人", "holder_id": "11010519491231002X"}
    stake = {"record_dt": "2024-01-10", "pub_dt": "2024-01-11", "status": "在册"}
    held = {
        "uscc": firm,
        "holder_name": "济南母公司有限公司",
        "holder_type": "企业",
        "holder_code": parent,
        "ratio": "0.8",
        **stake,
    }
    deliver(
        project, "mkt_equity", "2024-01-12", held, {"uscc": parent, **owner, "ratio": "0.9", **stake},
        {"uscc": sister, "holder_name": "济南母公司有限公司", "holder_type": "企业", "holder_code": parent, "ratio": "1", **stake},
    )  # fmt: skip
    deliver(
        project,
        "mkt_equity",
        "2024-06-02",
        {**held, "status": "已退出", "record_dt": "2024-06-01", "pub_dt": "2024-06-01"},
    )
    before, after = around(project, firm, date(2024, 5, 31)), around(project, firm, DAY)
    assert before.controller
    assert before.controller.share == pytest.approx(0.72)
    assert [edge.source for edge in before.controller.edges] == ["mkt_equity", "mkt_equity"]
    assert set(before.group) == {parent, sister}
    assert (after.owners, after.group) == ((), ())
    assert set(before.no_data) == {"mkt_people", "counter_guar", "pboc_guar"}
    said = "\n".join(before.lines("en") + before.lines("zh")) + str(before.to_json())
    assert "110105-1949-F" in said
    assert "11010519491231002X" not in said
    assert "#" not in said
    assert "mkt_equity" in around(project, firm, date(2023, 1, 1)).no_data
    with pytest.raises(UsageError, match="a valid code"):
        around(project, "12345", DAY)
