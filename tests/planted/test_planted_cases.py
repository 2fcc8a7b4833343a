"""Does every rule, signal and reminder fire on a planted case and stay silent one step inside its boundary?

    pytest tests/planted -k "J01 or T07"

`cases/courts.toml` says at its top how a case is written.
"""

from __future__ import annotations

from typing import Any

import pytest
from planted_days import AS_OF, the_day
from planted_night import Answers
from planting import Case, is_reminder, is_rule, read_cases

from riskengine.monitor.signals import SEVERITIES, Signal

CASES = read_cases()
TELL_WHAT_LACKS = {"A42"}  # a rule that is never hit: it says that data are missing
NO_ROWS_OF_ITS_OWN = {  # signals without evidence: which rows could an officer look up?
    "DATA-01": "of a feed that has fallen silent there is nothing newer to show",
    "PD-LEVEL": "a model made the value, and its reasons are told beside it",
    "T06": "counted over links: it reads no facts but the links themselves",
    "R03": "counted over links: it reads no facts but the links themselves",
}
# They compare a PD with the night before, with the peers of a whole book, or month by month in a hazard: what one night and
# the small model of the planted cases cannot make. tests/monitor/test_dynamics.py plants them.
NOT_OF_ONE_NIGHT = {"PD-JUMP", "GRADE-DOWN", "PD-PEERS", "PD-INVERSION"}
# What the healthy enterprise cannot satisfy, each with its reason: nothing else may say anything of it.
KNOWN: dict[str, str] = {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_it_fires_and_one_step_inside_it_is_silent(night: Answers, case: Case) -> None:
    if is_rule(case.id):
        _rule(night, case)
    elif is_reminder(case.id):
        _reminder(night, case)
    else:
        _signal(night, case)


def _signal(night: Answers, case: Case) -> None:
    signal = night.signal(case.id)
    assert signal is not None, f"no signal {case.id} in the project's definitions"
    units = case.told.get("unit", {})
    for which in ("fires", "silent"):
        one = night.subjects[case.key, which]
        line = night.signals(one, units.get(which, "")).get(case.id, {})
        severity = line.get("severity", "none")
        seen = {name: night.values(one).get(name) for name in signal.inputs}
        about = f"{case.file}: {case.key}, {which} ({one.guar_id}): got {severity}, values {seen}"
        if which == "fires":
            assert severity == case.says, about
            assert line["text_zh"], f"{about}: it says nothing"
            assert line["text_en"], f"{about}: it says nothing"
            told = isinstance(line["evidence"], str) and bool(line["evidence"])
            assert told == (case.id not in NO_ROWS_OF_ITS_OWN), f"{about}: evidence {line['evidence']}"
        else:
            assert severity == "none" or SEVERITIES.index(severity) < SEVERITIES.index(case.says), about
            if severity == "none" and not case.told.get("unknown") and not units:
                unsaid = _unsaid(signal, night.values(one))
                assert not unsaid, f"{about}: silent only because {unsaid} cannot be said"


def _unsaid(signal: Signal, row: dict[str, Any]) -> list[str]:
    """The bands, read from features alone, that the row neither fulfils nor refutes."""
    found = []
    for band in signal.bands:
        names = {condition.feature for condition in band.when}
        if names <= set(row):
            said = [condition.holds(row, AS_OF) for condition in band.when]
            if False not in said and None in said:
                found.append(f"{band.severity} by {sorted(name for name in names if row[name] is None)}")
    return found


def _rule(night: Answers, case: Case) -> None:
    fires, silent = (night.rule(night.subjects[case.key, which], case.id) for which in ("fires", "silent"))
    assert fires, f"no rule {case.id} in the project's policy"
    about = f"{case.file}: {case.key}: fires {_told(fires)}; silent {_told(silent)}"
    step = case.told.get("step", "scope")
    assert fires["state"] == ("not evaluable" if case.id in TELL_WHAT_LACKS else "hit"), about
    assert fires["action"] in (case.says, None), about
    assert step in ("scope", fires["feature"], fires["limit"]), about
    outside = case.told.get("unknown") or case.told.get("step") == "scope"
    wanted = {"passed", "near"} | ({"not applicable"} if outside else set())
    quieter = silent["state"] == "hit" and (case.says, silent["action"]) in {
        ("decline", "refer"),
        ("decline", "cap"),
        ("refer", "cap"),
    }
    assert silent["state"] in wanted or quieter, about


def _told(line: dict[str, Any]) -> str:
    asked = ", ".join(
        f"{name} {line[name]}"
        for name in ("state", "action", "feature", "value", "limit", "why")
        if line.get(name) not in ("", None)
    )
    missing = [one["feature"] or one["sources"] for one in line.get("missing", [])]
    return asked + (f", missing {missing}" if missing else "")


def _reminder(night: Answers, case: Case) -> None:
    for which in ("fires", "silent"):
        one = night.subjects[case.key, which]
        on = the_day(case.told.get("on", {}).get(which, AS_OF))
        lines = [line for line in night.reminders(one, on) if line["reminder"] == case.id]
        about = f"{case.file}: {case.key}, {which} ({one.guar_id}) on {on}: {lines or 'nothing'}"
        assert bool(lines) == (which == "fires"), about
        if which == "fires" and case.says != "due":
            assert str(the_day(case.says)) in {str(line["due"]) for line in lines}, about


def test_nothing_is_said_of_a_healthy_enterprise(night: Answers) -> None:
    one = night.subjects["healthy", "healthy"]
    own = (
        "guarantee",
        "enterprise",
        "bank",
        "institution",
    )  # products and industries are shared with every other clone
    found = [
        f"signal {name} {line['severity']}: {line['text_zh']}"
        for name, line in night.signals(one).items()
        if line["about"] in own
    ]
    for signal in night.watched:
        if signal.id not in NOT_OF_ONE_NIGHT and (unsaid := _unsaid(signal, night.values(one))):
            found.append(f"signal {signal.id} cannot be said: {', '.join(unsaid)}")
    for line in night.review(one)["policy"]["findings"]:
        if line["state"] in ("hit", "not evaluable"):
            found.append(f"rule {line['rule']} {_told(line)}")
    if (decision := night.review(one)["decision"]) != "pass":
        found.append(f"the decision is {decision}: {night.review(one)['gaps']} {night.review(one)['model']}")
    found = [line for line in found if line.split()[1] not in KNOWN]
    assert not found, "\n".join(["of a healthy enterprise it says:", *found])


def test_there_is_a_case_for_every_rule_signal_and_reminder(night: Answers) -> None:
    named = {case.id for case in CASES}
    lacking = {
        "rules": [name for name in night.ruled if name not in named],
        "signals": [
            signal.id
            for signal in night.watched
            if signal.id not in named and signal.id not in NOT_OF_ONE_NIGHT
        ],
        "reminders": [name for name in night.reminded if name not in named],
    }
    told = [
        f"{len(names)} {kind} have no case yet: {' '.join(names)}" for kind, names in lacking.items() if names
    ]
    assert not told, "\n".join(told)
