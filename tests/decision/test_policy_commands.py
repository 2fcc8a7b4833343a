"""`catalogue`, `policy simulate` and `lookup` as an operator types them: exit codes, JSON, languages, refusals in words."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from institution import FILES
from listed_institution import ANT, BEE, CAT, listed_project

from riskengine.cli import main
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = listed_project(tmp_path_factory.mktemp("typed"))
    (project.root / "proposal.toml").write_text(
        FILES["configs/policy.toml"].replace("value = 2000", "value = 50"), encoding="utf-8"
    )
    return project


@pytest.fixture
def say(listed: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: str, project: Path | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["riskengine", "--project", str(project or listed.root), *words])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(done.value.code or 0), out, err

    return run


def test_lookup_in_words_json_and_files(say: Say, tmp_path: Path) -> None:
    day = ("lookup", "--as-of", "2006-03-31")
    code, out, _ = say(*day, ANT, "--lang", "zh")
    assert (code, out.startswith(ANT), "有效期至" in out) == (0, True, True)
    assert "until 2006-04-30" in say(*day, ANT, "--lang", "en")[1]
    code, out, _ = say(*day, ANT, BEE, "--json", "--amount", "2500", "--product", "plain")
    assert [(one["code"], one["product"], one["request"]["amount"]) for one in json.loads(out)] == [
        (ANT, "plain", 2500), (BEE, "plain", 2500),
    ]  # fmt: skip
    (tmp_path / "codes.txt").write_text(f"{ANT}\n{CAT}\n")
    target = tmp_path / "answers.csv"
    code, out, _ = say(*day, "--codes", str(tmp_path / "codes.txt"), "--out", str(target), "--lang", "en")
    assert code == 0
    assert out.startswith(f"2 -> {target}: ")
    assert len(target.read_text(encoding="utf-8-sig").splitlines()) == 3
    code, out, err = say(*day, "--refresh")
    assert (code, out) == (0, "")
    assert "3 list members -> 2006-03-31" in err


def test_simulate_in_words_and_json(say: Say, listed: Project) -> None:
    words = ("policy", "simulate", "--as-of", "2006-03-31", "--months", "24")
    words += ("--policy", str(listed.root / "proposal.toml"))
    code, out, _ = say(*words, "--json")
    told = json.loads(out, parse_constant=pytest.fail)
    assert (code, told["applications"], told["rules"]["largest"]["hit"]) == (0, 1, [0, 1])
    assert "approved" in say(*words, "--lang", "en")[1]
    assert "拟议文件" in say(*words, "--lang", "zh")[1]


def test_catalogue_is_a_page_or_json(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, store = tmp_path / "rules.html", tmp_path / "store"
    store.mkdir()
    monkeypatch.setenv("RISKENGINE_STORE", str(store))  # what the first compiles the second reads
    code, out, _ = say("catalogue", "--as-of", "2026-06-27", "--out", str(page), "--lang", "en", project=ROOT)
    assert code == 0
    assert out.endswith(f"reminders -> {page}\n")
    assert 'data-lang="en"' in page.read_text(encoding="utf-8")
    code, out, _ = say("catalogue", "--as-of", "2026-06-27", "--json", project=ROOT)
    assert code == 0
    assert json.loads(out)["counts"]["products"] == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lookup", "--as-of", "2006-03-31"), "codes, --codes FILE or --refresh"),
        (("lookup", "--as-of", "2006-03-31", "--codes", "{tmp}/gone.csv"), "no such file"),
        (("lookup", "--as-of", "2006-03-31", "--codes", "{tmp}/other.csv"), "a column uscc, code or"),
        (("lookup", "--as-of", "2006-03-31", "--codes", "{tmp}/bad.txt"), "Save it as UTF-8"),
        (("lookup", "--as-of", "2006-03-31", ANT, "--product", "plane"), "Did you mean 'plain'?"),
        (("lookup", "--as-of", "2006-03-31", ANT, "--out", "{tmp}/x.xls"), "Cannot write that format"),
        (("lookup", "--as-of", "2006-03-31", ANT, "--out", "{tmp}/no/x.csv"), "Cannot write there"),
        (("lookup", "--as-of", "2999-01-01", ANT), "That day has not come"),
        (("policy", "simulate", "--as-of", "2006-03-31", "--policy", "{tmp}/gone.toml"), "got no file"),
        (("policy", "simulate", "--as-of", "2006-03-31", "--policy", "{tmp}/bad.txt"), "valid TOML in UTF-8"),
        (("policy", "simulate", "--as-of", "2006-03-31"), "a change that begins after 2006-03-31"),
        (("policy", "simulate", "--as-of", "1990-01-01", "--on", "2006-01-01"), "at least one application"),
        (("policy", "simulate", "--as-of", "0001-01-01", "--on", "2006-01-01"), "at least one application"),
        (("policy", "simulate", "--as-of", "yesterday"), "--as-of"),
        (("catalogue", "--out", "{tmp}/no/x.html"), "Cannot write there"),
        (("catalogue", "--as-of", "June"), "--as-of"),
    ],
)
def test_refusals_are_words_and_exit_with_2(
    say: Say, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "other.csv").write_text("name\nx\n")
    (tmp_path / "bad.txt").write_bytes("规则".encode("gb18030"))
    code, out, err = say(*(word.replace("{tmp}", str(tmp_path)) for word in words))
    assert (code, out) == (2, "")
    assert said in err


def test_a_folder_in_the_place_of_a_file_is_refused_in_words(say: Say, tmp_path: Path) -> None:
    assert say("policy", "simulate", "--as-of", "2006-03-31", "--policy", str(tmp_path))[0] == 6
    assert say("lookup", "--as-of", "2006-03-31", "--codes", str(tmp_path))[0] == 2


def test_before_any_fact_and_without_lookup_toml(say: Say, listed: Project, tmp_path: Path) -> None:
    code, out, _ = say("lookup", "--as-of", "1990-01-01", ANT, "--lang", "en")
    assert (code, out) == (0, f"{ANT}  unknown enterprise\n")
    bare = Project(tmp_path / "bare")
    shutil.copytree(listed.root, bare.root)
    (bare.configs / "lookup.toml").unlink()
    code, _, err = say("lookup", "--as-of", "2006-03-31", ANT, project=bare.root)
    assert code == 2
    assert "lookup.toml: expected a TOML file, got no file" in err
    assert "declares no list check 本项目未声明名单查询" in err
    assert "riskengine review" in err
