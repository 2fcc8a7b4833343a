"""Does a desk that stays open answer as one of its own process does, to the byte, and never from yesterday's files?"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from institution import AS_OF, load, promote
from test_review import ROWS

from riskengine.decision.open_desk import OpenDesk
from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.errors import UsageError
from riskengine.project import Project
from riskengine.schema import canonical_json


def test_warm_and_cold_records_are_the_same_bytes(own_project: Project) -> None:
    asked = [*({"ids": [name]} for name in "12345"), *({"rows": [row]} for row in ROWS)]
    with OpenDesk(own_project) as desk:
        assert desk.desk.program is not None, "the recipes are spelled out"
        for whom in asked:
            warm = desk.review(AS_OF, **whom)
            text = warm.path.read_bytes()
            warm.path.unlink()
            cold = review(own_project, AS_OF, **whom)
            assert (cold.path, cold.path.read_bytes()) == (warm.path, text)
            replay(
                own_project.store, str(cold.records[0]["decision_id"])
            )  # DuckDB runs the recipes of a replay


def test_one_at_a_time_is_what_all_at_once_is(project: Project) -> None:
    together = {r["applicant_id"]: r["outputs"] for r in review(project, AS_OF, ids=list("12345")).records}
    with OpenDesk(project) as desk:
        for name, outputs in together.items():
            alone = desk.review(AS_OF, ids=[name]).records[0]["outputs"]
            assert canonical_json(alone) == canonical_json(outputs)


def test_new_facts_a_new_champion_and_a_new_policy_open_the_desk_anew(own_project: Project) -> None:
    with OpenDesk(own_project) as desk:
        first = desk.review(AS_OF, ids=["1"]).basis
        assert desk.review(AS_OF, ids=["1"]).basis == first
        load(own_project, "losses", "no,day,firm,lost\n95,2006-01-05,ANT,10\n")
        second = desk.review(AS_OF, ids=["1"]).basis
        assert second["snapshot"] != first["snapshot"]
        promote(own_project, shift=0.5)
        third = desk.review(AS_OF, ids=["1"]).basis
        assert third["bundle"] != second["bundle"]
        path = own_project.configs / "policy.toml"
        path.write_text(path.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")
        assert desk.review(AS_OF, ids=["1"]).basis["policy"] != third["policy"]
        assert canonical_json(desk.review(AS_OF, ids=["1"]).records) == canonical_json(
            review(own_project, AS_OF, ids=["1"]).records
        )


def test_the_command_answers_line_by_line_and_lives_on_after_a_bad_one(own_project: Project) -> None:
    lines = ['{"id": "1"}', "", "{", '{"id": "nobody"}', '{"rows": [{"no": "70", "firm": "FOX", "trade": "31", "day": "2006-03-02"}]}',
             '{"id": "1", "as_of": "2006-03-31"}', '{"who": 1}']  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "riskengine",
        "--project",
        str(own_project.root),
        "review",
        "--serve",
        "--as-of",
        str(AS_OF),
    ]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["error" in one for one in told] == [False, True, True, False, False, True]
    assert told[0] == told[4]
    kept = review(own_project, AS_OF, ids=["1"])
    assert canonical_json(told[0]["records"]) == canonical_json(list(kept.records))


def test_a_desk_must_be_asked_of_somebody(project: Project) -> None:
    with OpenDesk(project) as desk, pytest.raises(UsageError, match="Nothing to review"):
        desk.review(AS_OF)
