"""Do the words an operator types do what the rooms do?"""

from __future__ import annotations

import json

import pytest
from town import case, code, deliver, enrol
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.project import Project


def _run(project: Project, *words: str) -> str:
    (project.root / "pipelines").mkdir(exist_ok=True)
    done = CliRunner().invoke(
        app, ["--project", str(project.root), "identity", *words], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def test_resolve_queue_accept_show(project: Project) -> None:
    firm, other = code(1), code(2)
    enrol(
        project, "2024-01-05", {"uscc": firm, "name": "泰和商贸有限公司", "former_name": "济南老泰和商贸有限公司"},
        {"uscc": other, "name": "泰和商贸有限公司"},
    )  # fmt: skip
    deliver(
        project,
        "court_exec",
        "2024-05-20",
        case(1, "泰和商贸有限公司"),
        case(2, "济南老泰和商贸有限公司", legal_rep="李四光"),
    )
    assert json.loads(_run(project, "resolve", "--as-of", "2024-05-31", "--json"))["rows_filled"] == 1
    (asked,) = json.loads(_run(project, "queue", "--as-of", "2024-05-31", "--json"))["queued"]
    assert f"{asked['seq']}: 泰和商贸有限公司" in _run(project, "queue", "--as-of", "2024-05-31")
    assert "accepted" in _run(
        project, "accept", str(asked["seq"]), "--code", other, "--as-of", "2024-06-15", "--by", "王五"
    )
    assert other not in str(
        json.loads(_run(project, "show", "泰和商贸有限公司", "--as-of", "2024-05-31", "--json"))["questions"][
            0
        ]["code"]
    )
    shown = _run(project, "show", firm, "--as-of", "2024-06-30")
    assert "济南老泰和商贸有限公司" in shown
    assert "李四光" not in shown
    assert "王五" in _run(project, "show", other, "--as-of", "2024-06-30")
    network = ("network", firm, "--as-of", "2024-06-30", "--lang")
    assert {"no data", "controller: none by the rule", "group: nobody else"} < set(
        _run(project, *network, "en").splitlines()
    )
    assert {"无数据", "实际控制人: 按规则无", "关联集团: 无其他企业"} < set(
        _run(project, *network, "zh").splitlines()
    )


@pytest.mark.parametrize(("language", "said"), [("en", "nobody found: 烟台某某贸易有限公司 (1 rows)"), ("zh", "未找到主体：烟台某某贸易有限公司（1行）")])  # fmt: skip
def test_the_queue_speaks_the_language_asked_for(project: Project, language: str, said: str) -> None:
    enrol(project, "2024-01-05", {"uscc": code(1), "name": "泰和商贸有限公司"})
    deliver(project, "court_exec", "2024-05-20", case(1, "烟台某某贸易有限公司"))
    _run(project, "resolve", "--as-of", "2024-05-31")
    assert said in _run(project, "queue", "--as-of", "2024-05-31", "--nobody", "--lang", language)
