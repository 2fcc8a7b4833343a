"""What officers do between nights and what the next night makes of it: the hand-written world through the real pipeline."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.errors import QualityGateError, UsageError
from riskengine.project import Project

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
from golden_world import institution, night

FIRST, THEN, RAISED, LATER = date(2024, 12, 31), date(2025, 1, 2), date(2025, 1, 6), date(2025, 1, 31)
OVERDUE, SUED, LIABLE = "91350100M000100Y43", "93371600MA3E00048G", "91370102MA3C00011F"
ON = ("--on", str(FIRST))
SUIT = (
    f"{SUED},滨州黄河种植专业合作社,371600,（2025）鲁1602民初9号,滨州市滨城区人民法院,民事,被告,企业,,"
    "追偿权纠纷,1200000,立案,2025-01-02,,未结,2025-01-02"
)
Say = Callable[..., str]


@dataclass
class Told:
    """What the nights and commands of the story said, by name; the tests look at it."""

    project: Project
    nights: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Exception] = field(default_factory=dict)

    def frame(self, day: date, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.project.store / "publications" / str(day) / f"{name}.parquet")

    def case(self, day: date, name: str) -> Any:
        (row,) = self.frame(day, "cases").query(f"case == '{self.ids[name]}'").itertuples()
        return row

    def events(self, day: date, name: str) -> set[str]:
        return set(self.frame(day, "events").query(f"case == '{self.ids[name]}'").event)


def with_people(project: Project) -> None:
    """People are declared and may act on past days; what is found on the first night is timed at once."""
    path = project.configs / "environment.toml"
    text = re.sub(
        r"(?m)^(single_operator|backdated_acts|declared_actors).*\n", "", path.read_text(encoding="utf-8")
    )
    path.write_text("backdated_acts = true\ndeclared_actors = true\n" + text, encoding="utf-8")
    path = project.configs / "deadlines.toml"
    path.write_text(re.sub(r"(?m)^stock = .*\n", "", path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        patch.setenv("RISKENGINE_PERSONAL_KEY", "a key for nights of tests, of no use elsewhere")
        project = institution(tmp_path_factory.mktemp("acts") / "p", ("house", "legal", "data", "credit"))
        with_people(project)
        yield _lived(Told(Project(project.root)), patch)  # read anew: its environment is another


def _lived(told: Told, patch: pytest.MonkeyPatch) -> Told:
    def say(who: str, *words: str) -> str:
        patch.setenv("RISKENGINE_ACTOR", who)
        result = CliRunner().invoke(app, ["--project", str(told.project.root), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def refused(name: str, *words: str) -> None:
        with pytest.raises((UsageError, QualityGateError)) as caught:
            say(*words)
        told.refused[name] = caught.value

    told.nights["first"] = night(told.project, FIRST)
    told.nights["again"] = night(told.project, FIRST)
    for row in told.frame(FIRST, "cases").itertuples():
        told.ids[f"{row.unit} {row.lead}"] = row.case
    told.ids |= {"sued": told.ids[f"{SUED} J05"], "overdue": told.ids[f"{OVERDUE} C01"]}
    told.ids |= {"loan": told.ids[f"{OVERDUE} C12"], "liable": told.ids[f"{LIABLE} C04"]}
    sued, overdue = (told.ids[name][:6] for name in ("sued", "overdue"))
    told.ids["key"] = told.frame(FIRST, "reminders")["key"].iloc[0]
    _first_day(say, refused, (sued, overdue), told)
    told.nights["replaced"] = night(told.project, FIRST)
    told.nights["then"] = night(told.project, THEN)
    told.words["list"] = say("an", "signals", "list", "--as-of", str(THEN))
    told.words["english"] = say("an", "signals", "list", "--as-of", str(THEN), "--lang", "en", "--limit", "1")
    told.words["quiet"] = say("an", "signals", "list", "--quiet", "--as-of", str(THEN), "--json")
    told.words["show"] = say("an", "signals", "show", sued, "--as-of", str(THEN))
    folder = told.project.root / "data" / "court_case"
    header = (folder / f"{FIRST}.csv").read_text(encoding="gb18030").splitlines()[0]
    (folder / f"{RAISED}.csv").write_text(f"{header}\n{SUIT}\n", encoding="gb18030")
    told.nights["raised"] = night(told.project, RAISED)
    told.nights["later"] = night(told.project, LATER)
    told.words["history"] = say("an", "signals", "history", overdue, "--as-of", str(LATER))
    told.words["gone"] = say("an", "signals", "show", overdue, "--as-of", str(LATER), "--json")
    return told


def _first_day(say: Say, refused: Callable[..., None], ids: tuple[str, str], told: Told) -> None:
    sued, overdue = ids
    with ThreadPoolExecutor(2) as pool:  # two terminals at once: nothing is written twice
        both = [pool.submit(_acked, told.project, who, told.ids["loan"]) for who in ("an", "bo")]
    told.words["race"] = " ".join(sorted(one.result() for one in both))
    say("an", "signals", "ack", sued, overdue, *ON)
    refused("judge", "an", "signals", "judge", sued, "--as", "误报", "--why", "not yet checked", *ON)
    refused("long", "an", "signals", "snooze", sued, "--until", "2025-03-01", "--why", "later", *ON)
    say("an", "signals", "snooze", sued, "--until", "2025-01-10", "--why", "等判决书", *ON)
    say("an", "signals", "check", overdue, *ON)
    say("an", "signals", "judge", overdue, "--as", "false alarm", "--why", "银行误报送", *ON)
    refused("alone", "an", "signals", "release", overdue, "--why", "agreed", *ON)
    told.words["release"] = say("bo", "signals", "release", overdue, "--why", "已核对", *ON, "--json")
    waive = ("waive", OVERDUE, "--floor", "FLOOR-OVERDUE", "--until", "2025-01-01", "--why", "银行误报送")
    told.words["waive"] = say("an", "signals", *waive, *ON, "--json")
    waiver = json.loads(told.words["waive"])[0]["case"]
    refused("waive alone", "an", "signals", "release", waiver, "--why", "agreed", *ON)
    say("bo", "signals", "release", waiver, "--why", "已核对", *ON)
    say("an", "reminders", "ack", told.ids["key"], *ON)
    refused("key", "an", "reminders", "ack", "nothing|of|this", *ON)


def _acked(project: Project, who: str, case: str) -> str:
    """One officer's claim of a case, as a process of its own would do it; what became of it."""
    from riskengine.casework.acts import Ask, Rules, perform
    from riskengine.casework.desk import Desk
    from riskengine.casework.states import Move
    from riskengine.registry.actors import Actor

    desk = Desk(project)
    rules = Rules(Actor(who), desk.deadlines, desk.calendar)
    moment = desk.moment(str(FIRST))
    ask = Ask(Move("ack", who, FIRST), moment, desk.find(case, FIRST).seen)
    try:
        return f"done {len(perform(desk.ledger, [ask], rules))}"
    except UsageError:
        return "refused"


def test_the_same_night_changes_nothing_and_acts_replace_it(told: Told) -> None:
    assert told.nights["first"] == "published"
    assert told.nights["again"] == "no change"
    assert told.nights["replaced"] == "replaced"
    assert {told.nights[name] for name in ("then", "raised", "later")} == {"published"}
    assert told.words["race"] == "done 1 refused"


def test_refusals_name_what_is_legal_and_who_may(told: Told) -> None:
    assert "check 核查" in str(told.refused["judge"])
    assert "2025-01-15 at the latest" in str(told.refused["long"])
    assert isinstance(told.refused["alone"], QualityGateError)
    assert isinstance(told.refused["waive alone"], QualityGateError)
    assert "none of an" in str(told.refused["alone"])
    assert "riskengine reminders list" in str(told.refused["key"])


def test_a_snooze_hides_and_wakes_early_when_it_grows_worse(told: Told) -> None:
    asleep = told.case(THEN, "sued")
    assert (asleep.quiet, str(asleep.snoozed_until)) == ("snoozed", "2025-01-10")
    assert SUED not in set(told.frame(THEN, "lines").enterprise)
    awake = told.case(RAISED, "sued")
    assert (awake.severity, awake.quiet, awake.phase, awake.owner) == ("red", "", "acknowledged", "an")
    assert {"raised", "woke"} <= told.events(RAISED, "sued")
    assert SUED in set(told.frame(RAISED, "lines").enterprise)


def test_a_red_false_alarm_of_two_persons_is_quiet_and_its_signal_stays(told: Told) -> None:
    assert json.loads(told.words["release"])[0]["phase_after"] == "false alarm"
    row = told.case(THEN, "overdue")
    assert (row.phase, row.quiet, row.severity) == ("false alarm", "false alarm", "red")
    assert told.ids["overdue"] in set(told.frame(THEN, "signals").case)
    assert json.loads(told.words["quiet"])["quiet"]["false alarm"] == 1


def test_a_waiver_removes_the_floor_not_the_signal_and_expires_into_one(told: Told) -> None:
    def floor(day: date) -> tuple[Any, Any]:
        (row,) = told.frame(day, "scores").query(f"enterprise_id == '{OVERDUE}'").itertuples()
        return row.floor, row.floor_waived

    def signals(day: date) -> set[str]:
        return set(told.frame(day, "signals").query(f"enterprise == '{OVERDUE}'").signal)

    waived, back = floor(FIRST), floor(THEN)
    assert (pd.isna(waived[0]), waived[1]) == (True, "FLOOR-OVERDUE")
    assert (pd.isna(back[0]), pd.isna(back[1])) == (False, True)
    assert "C01" in signals(FIRST)
    assert "WAIVER-EXPIRED" in signals(THEN) - signals(FIRST)


def test_what_nobody_claims_is_late_by_hours_of_work(told: Told) -> None:
    assert told.case(FIRST, "liable").breached == ""
    assert told.case(FIRST, "liable").claim_due == "2025-01-02T17:30"  # New Year's Day is none of work
    late = told.case(THEN, "liable")
    assert "claim" in late.breached.split(",")
    assert "breached" in told.events(THEN, "liable")
    assert "breached" not in told.events(THEN, "overdue")


def test_an_acknowledged_reminder_is_not_told_again(told: Told) -> None:
    (row,) = told.frame(THEN, "reminders").query(f"key == '{told.ids['key']}'").itertuples()
    assert (row.acknowledged, row.acknowledged_by) == (True, "an")
    assert told.ids["key"] not in set(told.frame(THEN, "digests").item)


def test_what_comes_true_turns_and_the_history_says_so(told: Told) -> None:
    assert {"turned compensated", "ended"} <= told.events(LATER, "overdue")
    assert json.loads(told.words["gone"])["phase"] == "turned compensated"
    assert "转代偿" in told.words["history"]
    assert "bo 复核解除" in told.words["history"]


def test_every_signal_case_and_line_is_accounted_for(told: Told) -> None:
    for day in (FIRST, THEN, RAISED, LATER):
        counted = told.frame(day, "counts").groupby("unit").number.sum().to_dict()
        lines = len(told.frame(day, "lines"))
        there = {"case": len(told.frame(day, "cases")), "signal": len(told.frame(day, "signals"))}
        assert counted == {**there, **({"line": lines} if lines else {})}


def test_an_officer_reads_names_titles_and_the_next_step(told: Told) -> None:
    assert re.search(r"福州闽江机械有限公司（\w+） \| 红", told.words["list"])
    assert "已静默：" in told.words["list"]
    assert "#" not in told.words["list"]  # of a person only the mask
    assert "expected loss" in told.words["english"]
    assert "滨州黄河种植专业合作社" in told.words["show"]
    assert "暂缓至 2025-01-10" in told.words["show"]
    assert "建议措施" in told.words["show"]
    assert "(2024)鲁1602民初45号" in told.words["show"]
    assert f"riskengine signals wake {told.ids['sued']}" in told.words["show"]
