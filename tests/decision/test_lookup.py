"""A kept answer is the one that would be computed now, and both are what a review of the same application says."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from institution import AS_OF, load, promote
from listed_institution import ANT, BEE, CAT, DEFINITIONS, DOG, EEL, NAMES, listed_project

from riskengine.decision import lookup as room
from riskengine.decision.lookup import Lookup
from riskengine.decision.lookup_rules import request_of
from riskengine.decision.review import review
from riskengine.decision.words import next_lines
from riskengine.errors import IntegrityError, UsageError
from riskengine.project import Project
from riskengine.reports.looked_up import codes_in, deliver, lines
from riskengine.schema import canonical_json

POLICY = "configs/policy.toml"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return listed_project(tmp_path_factory.mktemp("listed"))


@pytest.fixture
def own(listed: Project, tmp_path: Path) -> Project:
    """The same institution with nothing kept, to be changed."""
    shutil.copytree(listed.root, tmp_path / "own")
    forgotten(Project(tmp_path / "own"))
    return Project(tmp_path / "own")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Which codes were computed, call by call."""
    calls: list[list[str]] = []
    honest = room._answers

    def counted(project: Project, basis: Any, bench: Any, codes: list[str]) -> dict[str, dict[str, Any]]:
        calls.append(list(codes))
        return honest(project, basis, bench, codes)

    monkeypatch.setattr(room, "_answers", counted)
    return calls


def ask(project: Project, *codes: str, day: date = AS_OF, **request: Any) -> list[dict[str, Any]]:
    with closing(Lookup(project, day, request)) as desk:
        return desk.answers(codes)


def forgotten(project: Project) -> None:
    (project.store / "lookup.sqlite").unlink(missing_ok=True)
    for path in project.store.glob("lookup.sqlite-*"):
        path.unlink()


def test_a_kept_answer_is_the_computed_one_to_the_byte(listed: Project, computed: list[list[str]]) -> None:
    forgotten(listed)
    every = [ANT, BEE, CAT, DOG, EEL]
    first = ask(listed, *every)
    kept = ask(listed, *every)
    assert computed == [every]
    forgotten(listed)
    alone = [ask(listed, code)[0] for code in every]
    assert computed == [every, *([code] for code in every)]
    assert canonical_json(first) == canonical_json(kept) == canonical_json(alone), "alone or among others"


def test_answers_come_in_the_order_asked_each_code_computed_once(
    listed: Project, computed: list[list[str]]
) -> None:
    forgotten(listed)
    spaced = f" {ANT[:8].lower()}-{ANT[8:]} "
    found = ask(listed, CAT, spaced, "nonsense", ANT, CAT)
    assert [one["code"] for one in found] == [CAT, ANT, "nonsense", ANT, CAT]
    assert computed == [[CAT, ANT]]
    found[0]["decision"] = "spoilt"
    assert ask(listed, CAT)[0]["decision"] != "spoilt"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda p: rewritten(p, POLICY, "value = 2000", "value = 500"), id="policy"),
        pytest.param(lambda p: rewritten(p, "configs/products.toml", "value = 9000", "value = 600"), id="product"),
        pytest.param(lambda p: rewritten(p, "configs/lookup.toml", "staff = 40", "staff = 1"), id="request"),
        pytest.param(lambda p: rewritten(p, "features/all.py", 'latest("asked.staff"', 'earliest("asked.staff"'), id="feature"),
        pytest.param(lambda p: rewritten(p, "configs/sources/asked.toml", "min = 1\n", "min = 900\n"), id="contract"),
        pytest.param(lambda p: load(p, "losses", f"no,day,firm,lost\n95,2006-01-05,{ANT},5\n"), id="snapshot"),
        pytest.param(lambda p: promote(p, shift=2.0), id="champion"),
    ],
)  # fmt: skip
def test_nothing_kept_outlives_what_it_rests_on(
    own: Project, computed: list[list[str]], change: Callable[[Project], None]
) -> None:
    """A desk that stays open sees the change, and answers what a new one with nothing kept answers."""
    with closing(Lookup(own, AS_OF)) as desk:
        before = desk.answers([ANT])
        assert desk.answers([ANT]) == before
        assert len(computed) == 1
        change(own)
        after = desk.answers([ANT])
        assert len(computed) == 2, "the kept answer was taken for one on another basis"
    forgotten(own)
    assert canonical_json(ask(own, ANT)) == canonical_json(after)


def rewritten(project: Project, name: str, old: str, new: str) -> None:
    path = project.root / name
    text = path.read_text(encoding="utf-8")
    if old.startswith("latest"):
        new = old
        text += "# read again\n"
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_another_day_and_another_request_are_answers_of_their_own(listed: Project) -> None:
    ask(listed, BEE)
    for day in (AS_OF - timedelta(days=1), AS_OF + timedelta(days=1)):
        assert ask(listed, BEE, day=day)[0]["refreshed"] == str(day)
    dear = ask(listed, ANT, amount=2500)[0]
    assert (dear["request"]["amount"], ask(listed, ANT)[0]["request"]["amount"]) == (2500, 800)
    assert dear["binding"] != ["request"]
    assert ask(listed, ANT)[0]["binding"] == ["request"]


def test_a_membership_ends_after_its_last_day(listed: Project) -> None:
    """BEE's title is valid to 2006-03-31: on that day it is a member, the day after the standard product is looked at."""
    last, after = ask(listed, BEE, day=AS_OF)[0], ask(listed, BEE, day=AS_OF + timedelta(days=1))[0]
    assert [(one["list"], one["until"], one["valid"]) for one in last["lists"]] == [
        ("high tech", "2006-03-31", True)
    ]
    assert [one["valid"] for one in after["lists"]] == [False], "what it was last on is told, as ended"
    assert (last["product"], last["cap"]) == ("listed", "9000.00")
    assert (after["product"], after["cap"]) == ("plain", "3000.00")
    assert [one["until"] for one in ask(listed, ANT)[0]["lists"]] == ["2006-04-30", "2005-12-31"], (
        "of each type the last"
    )
    withdrawn = ask(listed, DOG)[0]
    assert (withdrawn["lists"], withdrawn["product"]) == ([], "plain"), "withdrawn is no membership"
    assert ask(listed, ANT, day=date(2003, 12, 31))[0]["lists"][0]["until"] == "2005-01-31", (
        "only what was known"
    )


def test_who_is_not_there_and_what_is_no_code(listed: Project) -> None:
    unheard = "91370102MA3C00066E"
    found = ask(listed, EEL, ANT[:4] + "O" + ANT[5:], "")
    assert [one["state"] for one in found] == ["unknown enterprise", "not a code", "not a code"]
    assert found[0]["lists"][0]["list"] == "high tech", "a list may name whom the register does not know"
    from riskengine.intake.codes import credit_code_check_mark

    stranger = unheard[:17] + credit_code_check_mark(unheard[:17])
    assert ask(listed, stranger)[0] | {"assumed": {}} == {
        "code": stranger, "state": "unknown enterprise", "name": None, "lists": [], "refreshed": str(AS_OF), "assumed": {},
    }  # fmt: skip
    assert found[1]["suggestion"] == ANT
    assert found[1]["faults"]
    told = "\n".join(lines(found[1:2], "zh"))
    assert told == f"{found[1]['code']}  不是统一社会信用代码 (疑为 {ANT})"
    assert ask(listed, CAT, day=date(1999, 1, 1))[0]["state"] == "unknown enterprise", "before any fact"


def test_rules_of_the_guarantor_are_looked_at_where_it_is_named(listed: Project) -> None:
    apart = ask(listed, ANT)[0]
    assert apart["apart"] == ["house"]
    assert "不判断" not in "\n".join(lines([apart], "zh"))
    assert "not looked at without --institution: house; nor as nobody has applied: twice" in "\n".join(
        lines([apart], "en")
    )
    named = ask(listed, ANT, house="full")[0]
    assert named["apart"] == []
    assert named["decision"] == "refer"
    assert named["reasons"]["zh"][0] == "house 机构额度已满"
    assert "without --institution" not in "\n".join(lines([named], "en"))


def test_what_is_looked_up_is_no_second_application(listed: Project) -> None:
    """ANT has applied within the time of the rule `twice`: the assumed request would make two, with or without a house."""
    row = {
        "no": "7",
        "firm": ANT,
        "trade": "31",
        "product": "listed",
        "house": "any",
        "amount": "900",
        "staff": "40",
    }
    assert review(listed, AS_OF, rows=[row]).records[0]["outputs"]["decision"] == "decline"
    for said in (ask(listed, ANT, amount=900)[0], ask(listed, ANT, amount=900, house="any")[0]):
        assert said["decision"] != "decline"
        assert not [line for line in said["reasons"]["en"] if line.startswith("twice")]
        assert said["applied"] == ["twice"]


def test_it_is_the_review_of_the_same_application(listed: Project) -> None:
    """One path: the same row reviewed says the same decision, amount, reasons and next steps."""
    for code, product in ((ANT, "listed"), (BEE, "listed"), (CAT, "plain")):
        trade = "52" if code == BEE else "31"
        row = {"no": f"LOOKUP-{code}", "firm": code, "trade": trade, "product": product, "house": "any", "amount": "800", "staff": "40"}  # fmt: skip
        said = review(listed, AS_OF, rows=[row]).records[0]["outputs"]
        one = ask(listed, code, house="any")[0]
        assert (one["decision"], one["product"]) == (said["decision"], said["offer"]["product"])
        assert (one["pd"], one["grade"]) == (said["model"]["pd"], said["model"]["grade"])
        amount = said["amount"]
        assert (one["suggested"], one["binding"]) == (amount["suggested"], amount["binding"])
        assert one["next"] == {language: next_lines(said, language) for language in ("en", "zh")}
        shown = (("knock_outs", "words"), ("referrals", "words"), ("caps", "title"))
        hit = [f"{item['rule']} {item[text]['en']}" for kind, text in shown for item in said["policy"][kind]]
        adverse = [reason["words"]["en"] for reason in said["reasons"]["adverse"]][:2]
        assert one["reasons"]["en"] == [*hit, *adverse]


def test_refresh_keeps_the_members_and_forgets_the_rest(own: Project, computed: list[list[str]]) -> None:
    ask(own, CAT, day=AS_OF - timedelta(days=9))
    with closing(Lookup(own, AS_OF)) as desk:
        assert desk.refresh() == 3  # ANT, BEE, EEL; DOG's was withdrawn
        assert len(computed) == 2
        assert desk.answers([ANT, BEE])
        assert len(computed) == 2
    with closing(sqlite3.connect(own.store / "lookup.sqlite")) as kept:
        assert kept.execute("SELECT count(DISTINCT basis), count(*) FROM answers").fetchone() == (1, 3)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "titles"', 'source = "title"', "expected a source, got 'title'. Did you mean 'titles'?"),
        ('type = "kind"', 'type = "kin"', "a column of titles, got 'kin'. Did you mean 'kind'?"),
        ('name = "name"', 'name = "nam"', "a column of register, got 'nam'"),
        (
            'apart = ["house"]',
            'apart = ["hause"]',
            "a rule of policy.toml, got 'hause'. Did you mean 'house'?",
        ),
        ('listed = "listed"', 'listed = "list"', "a product, got 'list'. Did you mean 'listed'?"),
        (
            "staff = 40",
            "stuff = 40",
            "a column that an application brings, got 'stuff'. Did you mean 'staff'?",
        ),
    ],
)
def test_what_lookup_toml_misspells_is_told_with_its_spelling(
    listed: Project, old: str, new: str, said: str
) -> None:
    path = listed.configs / "lookup.toml"
    text = DEFINITIONS["configs/lookup.toml"]
    try:
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            ask(listed, ANT)
        assert said in str(caught.value)
    finally:
        path.write_text(text, encoding="utf-8")


def test_what_cannot_be_asked_is_refused_in_words(listed: Project, own: Project, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--product: expected listed, plain, got 'lisd'. Did you mean 'listed'"
    ):
        request_of(listed, "lisd", None, "")
    assert request_of(listed, "plain", 900.0, "x") == {"product": "plain", "amount": 900.0, "house": "x"}
    with pytest.raises(UsageError, match=r"lookup.toml: expected a TOML file, got no file"):
        request_of(Project(tmp_path / "nowhere"), "", None, "")
    (own.store / "lookup.sqlite").write_text("not a database, and long enough to be seen as none" * 99)
    with pytest.raises(IntegrityError, match=r"lookup\.sqlite.*Remove it"):
        ask(own, ANT)


def test_codes_are_read_from_lines_and_tables(tmp_path: Path) -> None:
    for name, text in (
        ("a.txt", f"\ufeff{ANT}\n\n {BEE} \n"),
        ("b.csv", f"name,uscc\nx,{ANT}\ny,\nz,{BEE}\n"),
        ("c.csv", f"名称,统一社会信用代码\nx,{ANT}\nz,{BEE}\n"),
        ("d.jsonl", json.dumps({"code": ANT}) + "\n" + json.dumps({"code": BEE}) + "\n"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert codes_in(tmp_path / name) == [ANT, BEE], name
    (tmp_path / "none.csv").write_text("name,id\nx,1\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "latin.txt").write_bytes("企业".encode("gb18030"))
    for name, said in (
        ("none.csv", "a column uscc, code or 统一社会信用代码, got name, id"), ("empty.txt", "at least one code"),
        ("latin.txt", "Save it as UTF-8"), ("gone.txt", "no such file"), ("gone.csv", "no such file"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            codes_in(tmp_path / name)
    with pytest.raises(UsageError, match="no such file"):
        codes_in(tmp_path)


def test_answers_leave_the_house_in_words_and_files(listed: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    answers = ask(listed, ANT, CAT, EEL)
    (one,) = (lines(answers[:1], "en"),)
    assert one[0].startswith(f"{ANT}  {NAMES[ANT]}")
    assert "small giant until 2006-04-30" in one[0]
    assert one[0].endswith("REFER")
    assert len(one) <= 12
    assert one[-2].startswith("Looked at as if it applied: Amount 800 CNY, staff 40; as of 2006-03-31.")
    chinese = "\n".join(lines(answers, "zh"))
    assert "金额 800 元" in chinese
    assert "未知企业" in chinese
    assert "REFER" not in chinese
    for suffix in (".csv", ".json", ".jsonl"):
        path = tmp_path / f"answers{suffix}"
        deliver(answers, out=path, as_json=False, language="zh")
        text = path.read_text(encoding="utf-8-sig")
        if suffix == ".json":
            assert json.loads(text) == answers
        elif suffix == ".jsonl":
            assert [json.loads(line) for line in text.splitlines()] == answers
        else:
            assert text.splitlines()[1].startswith(f"{ANT},found,{NAMES[ANT]},small giant,2006-04-30,")
            assert f",'{NAMES[CAT]}," in text, "a name that begins a formula is made plain"
    assert "3 -> " in capsys.readouterr().out
    deliver(answers, out=None, as_json=True, language="en")
    assert json.loads(capsys.readouterr().out) == answers
