"""A change of champion takes two people, is in the chain, survives a kill at any step, and is undone whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from institution import AS_OF
from one_operator import promoted
from versions import INVENTORY, SPEC, as_person, register

from riskengine import registry
from riskengine.decision.review import review
from riskengine.errors import IntegrityError, QualityGateError, UsageError
from riskengine.project import Project
from riskengine.registry import switching
from riskengine.schema import canonical_json
from riskengine.store.ledger import acts, open_ledger, verify_audit
from riskengine.store.snapshot import replace_text

MODEL = "access_pd"


def decided(project: Project) -> bytes:
    """Every decision of the day, to the byte, with all it rested on."""
    made = review(project, AS_OF, ids=["1", "2", "3", "4"])
    return canonical_json([made.basis, [record["outputs"] for record in made.records]]).encode()


def change(project: Project, version: int = 2) -> registry.Promotion:
    here = registry.office(project)
    if registry.proposed(project.store, MODEL) is None:
        registry.propose(as_person(here, "maker"), MODEL, version, "better on later years", "plan-hash")
    return registry.approve(as_person(here, "checker"), MODEL, version, "agreed")


def back(project: Project, to: int | None = None) -> registry.Promotion:
    return registry.rollback(as_person(registry.office(project), "operator"), MODEL, "complaints", to)


def edited(project: Project) -> str:
    """The committee's file with another threshold; returns the text before."""
    path = project.configs / "policy.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace('pass_up_to = "A"', 'pass_up_to = "B"'), encoding="utf-8")
    return before


def test_two_people_and_every_change_in_the_chain(own: Project) -> None:
    here = registry.office(own)
    before = decided(own)
    made = registry.propose(as_person(here, "Maker"), MODEL, 2, "better on later years", "plan-hash")
    assert decided(own) == before, "a proposal changes nothing"
    with pytest.raises(
        QualityGateError, match="another person than the maker 'Maker', got 'maker '"
    ) as refused:
        registry.approve(as_person(here, "maker "), MODEL, 2, "me again")
    assert refused.value.exit_code == 8
    with pytest.raises(UsageError, match="expected a proposal, got one of version 2"):
        registry.approve(as_person(here, "checker"), MODEL, 1, "the wrong one")
    done = registry.approve(as_person(here, "checker"), MODEL, 2, "agreed")
    assert decided(own) != before
    assert (done.old_version, done.new_version) == (1, 2)
    ledger = open_ledger(own.store)
    assert verify_audit(ledger, done.act) == 6
    told = [
        (row["action"], row["actor"])
        for row in registry.history(own.store, MODEL)
        if row["action"] != "challenger"
    ]
    assert told == [
        ("propose", "maker"),
        ("promote", "checker"),
        ("propose", "Maker"),
        ("promote", "checker"),
    ]
    last = json.loads(acts(ledger)[-1]["detail"])
    policy = last["from"]["policy"]
    assert last["from"] == {"version": 1, "bundle": done.old_bundle, "policy": policy}
    assert last["to"] == {"version": 2, "bundle": done.new_bundle, "policy": policy}
    assert (own.store / "policies" / f"{policy}.toml").read_bytes() == (
        own.configs / "policy.toml"
    ).read_bytes()
    assert (last["why"], last["approval"]) == ("better on later years", "agreed")
    assert last["by"]["maker"] == "Maker"
    assert last["by"]["checker"]["account"] == "checker"
    assert last["evidence"]["plan"] == "plan-hash"
    assert last["evidence"]["proposal"] == made.act
    assert len(last["evidence"]["card"]) == 64
    challenges = [row for row in acts(ledger) if row["action"] == "challenger"]
    assert len(challenges) == 2, "a training's change of alias is in the chain too"
    with pytest.raises(UsageError, match="expected a proposal, got none"):
        registry.approve(as_person(here, "third"), MODEL, 2, "once more")


def test_one_person_alone_only_where_the_project_says_so(own: Project) -> None:
    path = own.configs / "environment.toml"
    path.write_text("single_operator = true\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    here = as_person(registry.office(Project(own.root)), "only")
    registry.propose(here, MODEL, 2, "there is nobody else")
    registry.approve(here, MODEL, 2, "single operator")
    last = json.loads(acts(open_ledger(own.store))[-1]["detail"])
    assert last["by"]["control"] == "single operator: no second person"


def test_no_function_of_the_registry_switches_the_champion_without_a_proposal(own: Project) -> None:
    assert not hasattr(registry, "promote")
    assert not hasattr(registry.changes, "promote")
    here = registry.office(own)
    with pytest.raises(UsageError, match="expected a proposal, got none"):
        registry.approve(here, MODEL, 2, "at one go")
    registry.propose(here, MODEL, 2, "better")
    with pytest.raises(QualityGateError, match="another person than the maker"):
        registry.approve(here, MODEL, 2, "by the same hand")


@pytest.mark.parametrize("alias", ["challenger", "champion"])
def test_a_pointer_file_that_is_no_table_of_bundles_is_refused_in_words(tmp_path: Path, alias: str) -> None:
    name = "0" * 64
    whole = {"bundle": name, "version": 1, "act": "a"}
    path = tmp_path / f"{alias}s.json"
    wrong = ["", "{", "[]", "null", '{"m": {}}', '{"m": null}', '{"m": []}', '{"m": {"bundle": "x", "version": 1}}',
             json.dumps({"m": whole | {"version": "1"}}), json.dumps({"m": whole | {"bundle": [name]}}),
             json.dumps({"m": whole, "n": {}}), json.dumps({"m": whole})[:-1] + ', "m": {}}']  # fmt: skip
    for text in wrong:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(IntegrityError, match=rf"{alias}s\.json.*expected") as refused:
            registry.entries(tmp_path, alias)
        assert refused.value.problems[0].next.startswith(
            "Remove the file" if alias == "challenger" else "Restore"
        )
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(IntegrityError):
        registry.entries(tmp_path, alias)
    path.write_text(json.dumps({"m": whole}), encoding="utf-8")
    assert registry.entries(tmp_path, alias) == {"m": whole}


def test_a_declared_name_counts_only_where_it_is_vouched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from riskengine.registry.actors import actor

    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setenv("LOGNAME", "somebody")
    account = actor().name
    assert account != "somebody", "the account is the process's, not what its environment says"
    monkeypatch.setenv("RISKENGINE_ACTOR", "li")
    assert (actor().name, actor(vouched=True).name) == (account, "li")
    assert actor(vouched=True).to_json() == {"person": "li", "account": account, "declared": "li"}


def test_what_is_no_longer_as_proposed_is_not_approved(own: Project) -> None:
    here = registry.office(own)
    registry.propose(as_person(here, "maker"), MODEL, 2, "better")
    edited(own)
    with pytest.raises(UsageError, match="the bundle and the policy: expected as proposed"):
        registry.approve(as_person(here, "checker"), MODEL, 2, "agreed")
    registry.propose(as_person(here, "maker"), MODEL, 2, "better, with the new policy")
    name = registry.versions(here.registry, MODEL)[1].bundle
    folder = own.store / "validations" / name
    folder.mkdir(parents=True)
    (folder / "pack.json").write_text(json.dumps({"bundle": name, "verdict": "undecidable"}))
    with pytest.raises(UsageError, match="the validation: expected as proposed"):
        registry.approve(as_person(here, "checker"), MODEL, 2, "agreed")
    (folder / "pack.json").write_text(json.dumps({"bundle": name, "verdict": "fail"}))
    with pytest.raises(QualityGateError, match="expected verdict pass, got fail"):
        registry.approve(as_person(here, "checker"), MODEL, 2, "agreed")


def test_every_empty_field_is_named_in_both_languages(own: Project) -> None:
    register(own, 2.0, {"name": MODEL, "subject": "applicant", "features": ["amount"]})
    here = registry.office(own)
    for attempt in (
        lambda: registry.propose(here, MODEL, 3, "empty"),
        lambda: promoted(here.registry, MODEL, 3),
    ):
        with pytest.raises(QualityGateError) as refused:
            attempt()
        places = [problem.where for problem in refused.value.problems]
        assert places == [*(f"inventory.{name}" for name in ("use", "owner", "developer", "validator", "tier",
                          "assumptions", "limitations", "review_by")), "spec.title", "spec.label"]  # fmt: skip
        assert "Owner / 模型所有者, got nothing 空. Fill [inventory] in models/access_pd.toml" in str(
            refused.value
        )
        assert refused.value.exit_code == 8
    assert len(registry.history(own.store, MODEL)) == 5, "what was refused left no act"


def test_the_model_file_says_who_answers_today(own: Project) -> None:
    path = own.root / "models" / f"{MODEL}.toml"
    path.write_text('[inventory]\nvalidator = " data "\nreview_by = 2005-01-01\n', encoding="utf-8")
    with pytest.raises(QualityGateError) as refused:
        registry.propose(registry.office(own), MODEL, 2, "not independent")
    assert [problem.where.split()[0] for problem in refused.value.problems] == [
        "inventory.validator",
        "inventory.review_by",
    ]
    path.write_text('[inventory]\nvalidator = "Board"\n', encoding="utf-8")
    assert registry.propose(registry.office(own), MODEL, 2, "independent").state.version == 2
    assert INVENTORY["validator"] == "Audit" == SPEC["inventory"]["validator"]  # type: ignore[index]


def test_a_rollback_brings_back_the_whole_state(own: Project) -> None:
    before = decided(own)
    change(own)
    text = edited(own)
    changed = decided(own)
    done = back(own)
    assert done.policy == "restored"
    assert (own.configs / "policy.toml").read_text(encoding="utf-8") == text
    assert decided(own) == before != changed
    aliases = {v.version: v.aliases for v in registry.versions(registry.office(own).registry, MODEL)}
    assert "champion" in aliases[1]
    kept = [path.read_text(encoding="utf-8") for path in (own.store / "policies").glob("*.toml")]
    assert any('pass_up_to = "B"' in one for one in kept), "the text that was replaced is kept"
    with pytest.raises(UsageError, match=r"decided before \(2\), got no promotion that could be undone"):
        back(own)  # twice never goes forward again
    assert back(own, to=2).new_version == 2
    assert decided(own) == changed, "and the policy that stood with it"
    with pytest.raises(UsageError, match=r"decided before \(1\), got 7"):
        back(own, to=7)
    with pytest.raises(UsageError, match="A change needs a reason"):
        registry.rollback(registry.office(own), MODEL, " ")
    verify_audit(open_ledger(own.store))


def test_rolling_back_twice_goes_two_promotions_back(own: Project) -> None:
    states = [decided(own)]
    change(own)
    states.append(decided(own))
    register(own, 3.0)
    change(own, 3)
    back(own)
    assert decided(own) == states[1]
    back(own)
    assert decided(own) == states[0]


STEPS: dict[str, tuple[Any, str]] = {
    "before the act": (switching, "record"),
    "before the pointer": (switching, "point"),
    "before the policy": (switching, "replace_text"),
    "before the alias": (switching.tracking, "set_alias"),
}


@pytest.mark.parametrize("when", STEPS)
@pytest.mark.parametrize("what", ["promotion", "rollback"])
def test_a_kill_between_steps_leaves_one_whole_state(
    own: Project, monkeypatch: pytest.MonkeyPatch, what: str, when: str
) -> None:
    old = decided(own)
    change(own)
    if what == "promotion":
        new = decided(own)
        back(own)
    else:
        edited(own)
        old, new = decided(own), old
    act: Callable[[Project], object] = change if what == "promotion" else back
    if what == "promotion":
        registry.propose(as_person(registry.office(own), "maker"), MODEL, 2, "again")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[when], killed)
        if when == "before the policy" and what == "promotion":
            act(own)  # a promotion writes no policy
        else:
            with pytest.raises(KeyboardInterrupt):
                act(own)
    early = when in ("before the act", "before the pointer")
    assert decided(own) == (old if early else new)
    verify_audit(open_ledger(own.store))
    if early:
        act(own)  # the same command again
    else:
        registry.settled(registry.office(own), MODEL)
    assert decided(own) == new
    entry = registry.entries(own.store)[MODEL]
    assert set(entry) == {"bundle", "version", "act"}, "nothing is pending"
    named = [
        v.version for v in registry.versions(registry.office(own).registry, MODEL) if "champion" in v.aliases
    ]
    assert named == [entry["version"]]
    switches = [row for row in registry.history(own.store, MODEL) if row["action"] in ("promote", "rollback")]
    assert switches[-1]["hash"] == entry["act"], "the chain's last change is the one that stands"
    verify_audit(open_ledger(own.store))


def test_a_policy_that_cannot_be_written_decides_all_the_same(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = decided(own)
    change(own)
    edited(own)

    def refused(path: Path, text: str) -> None:
        if path.name == "policy.toml":
            raise PermissionError
        replace_text(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(switching, "replace_text", refused)
        assert back(own).policy == "pinned"
    assert decided(own) == before
    path = own.configs / "policy.toml"
    again = path.read_text(encoding="utf-8") + "\n# the committee has decided anew\n"
    path.write_text(again, encoding="utf-8")
    assert decided(own) != before, "what the committee writes after that counts"
    assert registry.settled(registry.office(own), MODEL) == "completed"
    assert path.read_text(encoding="utf-8") == again, "and is not overwritten"


def test_a_broken_chain_stops_a_rollback(own: Project) -> None:
    change(own)
    with open_ledger(own.store).begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE seq = 3")
    with pytest.raises(IntegrityError, match="audit 3"):
        back(own)


def test_the_night_finds_the_challenger_without_mlflow(own: Project) -> None:
    tried = registry.challenger(own.store, MODEL)
    assert tried is not None
    assert tried.hash == registry.versions(registry.office(own).registry, MODEL)[1].bundle
    code = (
        "import sys; from pathlib import Path; from riskengine.registry import challenger;"
        f"print(challenger(Path({str(own.store)!r}), {MODEL!r}).hash, 'mlflow' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [tried.hash, "False"]
    change(own)
    assert registry.challenger(own.store, MODEL) is None, "it is the champion now"
    assert registry.challenger(own.store, "other") is None
    back(own)
    (own.store / "bundles" / tried.hash / "peers.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"peers\.json"):
        registry.challenger(own.store, MODEL)


def test_a_champion_that_no_longer_is_on_this_machine_comes_from_the_registry(own: Project) -> None:
    here = registry.office(own)
    second = registry.versions(here.registry, MODEL)[1]
    folder: Path = own.store / "bundles" / second.bundle
    for part in folder.iterdir():
        part.unlink()
    folder.rmdir()
    assert registry.fetch(here.registry, second) == folder
    assert (folder / "manifest.json").is_file()
    assert date.fromisoformat(second.as_of) == date(2006, 3, 31)
