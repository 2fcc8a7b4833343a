"""A model whose validation failed decides only under a written exception that two persons saw and that ends."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner
from versions import as_person

from riskengine import clock, registry
from riskengine.cli import app
from riskengine.errors import QualityGateError, UsageError
from riskengine.project import Project
from riskengine.registry import waivers
from riskengine.registry.waivers import waiver
from riskengine.store.ledger import acts, open_ledger, verify_audit

MODEL = "access_pd"
CONTROL = "loans up to 500,000 only, every pass seen by a second officer"


def judged(project: Project, verdict: str) -> Path:
    """A pack with this verdict for version 2."""
    second = registry.versions(registry.office(project).registry, MODEL)[1]
    folder = project.store / "validations" / second.bundle
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.json").write_text(json.dumps({"bundle": second.bundle, "verdict": verdict}))
    return folder


@pytest.fixture
def say(own: Project, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    path = own.configs / "environment.toml"
    path.write_text("declared_actors = true\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    (own.root / "models" / f"{MODEL}.toml").write_text(f'name = "{MODEL}"\n', encoding="utf-8")

    def run(*words: str, who: str = "li") -> str:
        monkeypatch.setenv("RISKENGINE_ACTOR", who)
        done = CliRunner().invoke(app, ["--project", str(own.root), *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    return run


def test_from_refusal_to_expiry(own: Project, say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    judged(own, "fail")
    until = clock.today() + timedelta(days=90)
    with pytest.raises(QualityGateError, match="promote --despite TEXT"):
        say("promote", MODEL, "2", "--why", "better on later years")
    asked = (
        "promote",
        MODEL,
        "2",
        "--why",
        "better on later years",
        "--despite",
        CONTROL,
        "--until",
        str(until),
    )
    told = say(*asked, "--plan")
    assert f"fail, despite: {CONTROL} (until {until})" in told
    assert registry.proposed(own.store, MODEL) is None, "a plan proposes nothing"
    told = say(*asked)
    assert f"exception until {until}, control: {CONTROL}" in told
    plan = json.loads(next((own.store / "plans").glob("*.json")).read_text(encoding="utf-8"))
    assert plan["exception"] == {"despite": CONTROL, "until": str(until)}
    assert next(gate["state"] for gate in plan["gates"] if gate["gate"] == "validation") == "waived"
    assert CONTROL in say("models", MODEL), "whoever looks sees it before the approval"
    told = say("approve", MODEL, "2", "--why", "agreed", who="wang")
    assert told.index(CONTROL) < told.index("champion is version 2")
    for act in acts(open_ledger(own.store))[-2:]:  # the proposal and the promotion
        assert json.loads(act["detail"])["exception"] == {"despite": CONTROL, "until": str(until)}
    verify_audit(open_ledger(own.store))
    assert f"exception until 例外有效期至 {until}: {CONTROL}" in say("models", MODEL)
    assert f"验证未通过，例外有效期至 {until}：{CONTROL}" in say("models", "--inventory", "--lang", "zh")
    out = tmp_path / "card.md"
    say("card", MODEL, "--out", str(out), "--lang", "zh")
    assert CONTROL in out.read_text(encoding="utf-8")

    monkeypatch.setattr(clock, "today", lambda: until)
    assert "EXPIRED" not in say("models", MODEL), "the last day counts"
    monkeypatch.setattr(clock, "today", lambda: until + timedelta(days=1))
    assert f"EXCEPTION EXPIRED on 例外已到期 {until}" in say("models", MODEL)
    [entry] = json.loads(say("models", "--inventory", "--json"))
    assert entry["exception"] == {"despite": CONTROL, "until": str(until), "expired": True}
    say("card", MODEL, "--out", str(out))
    assert "EXPIRED 已到期" in out.read_text(encoding="utf-8")
    say("rollback", MODEL, "--why", "the exception is over")
    [entry] = json.loads(say("models", "--inventory", "--json"))
    assert entry["exception"] is None, "the version before stands on no exception"


def test_an_exception_that_ran_out_is_not_approved(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(own, "fail")
    until = clock.today() + timedelta(days=2)
    here = registry.office(own)
    maker = registry.Office(
        **{**vars(as_person(here, "maker")), "waiver": waiver(CONTROL, until, clock.today())}
    )
    assert registry.propose(maker, MODEL, 2, "better").waiver == maker.waiver
    monkeypatch.setattr(clock, "today", lambda: until + timedelta(days=1))
    with pytest.raises(QualityGateError, match=f"expired on {until}"):
        registry.approve(as_person(here, "checker"), MODEL, 2, "agreed")


@pytest.mark.parametrize("verdict", ["pass", "undecidable"])
def test_an_exception_where_nothing_failed_is_refused(own: Project, verdict: str) -> None:
    judged(own, verdict)
    here = registry.office(own)
    maker = registry.Office(
        **{
            **vars(as_person(here, "maker")),
            "waiver": waiver(CONTROL, clock.today() + timedelta(2), clock.today()),
        }
    )
    with pytest.raises(UsageError, match=f"expected a validation with verdict fail, got {verdict}"):
        registry.propose(maker, MODEL, 2, "better")


def test_an_exception_excuses_nothing_else(own: Project) -> None:
    folder = judged(own, "fail")
    (folder / "pack.json").write_text("not json")
    here = registry.office(own)
    maker = registry.Office(
        **{
            **vars(as_person(here, "maker")),
            "waiver": waiver(CONTROL, clock.today() + timedelta(2), clock.today()),
        }
    )
    with pytest.raises(QualityGateError, match="got unreadable"):
        registry.propose(maker, MODEL, 2, "better")


@pytest.mark.parametrize(
    ("despite", "until", "named"),
    [
        (CONTROL, None, ["--until"]),
        ("", date(2026, 6, 1), ["--despite"]),
        ("  ok  ", date(2026, 6, 1), ["--despite"]),
        (CONTROL, date(2026, 1, 1), ["--until"]),
        (CONTROL, date(2027, 1, 2), ["--until"]),
        ("ok", date(2025, 1, 1), ["--despite", "--until"]),
    ],
)
def test_control_and_end_are_both_required(despite: str, until: date | None, named: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        waiver(despite, until, date(2026, 1, 1))
    assert [problem.where for problem in refused.value.problems] == named


def test_a_year_at_most() -> None:
    today = date(2026, 1, 1)
    assert waiver(CONTROL, waivers.LONGEST.after(today), today) is not None
    assert waiver("", None, today) is None
