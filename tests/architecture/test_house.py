"""Does the house still stand as it was drawn: layers, sizes, one clock, light paths?"""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "riskengine").rglob("*.py"))
DEFINITIONS = sorted([*ROOT.glob("features/*.py"), *ROOT.glob("examples/*/features/*.py")])
PIPELINES = sorted([*ROOT.glob("pipelines/*.py"), *ROOT.glob("examples/*/pipelines/*.py")])
CLOCKS = re.compile(
    r"(?:\w+\.)*(?:date|datetime|Timestamp)\.(?:today|now|utcnow)|time\.(?:time|time_ns|localtime|gmtime)"
)
HEAVY = (
    "pandas",
    "numpy",
    "pyarrow",
    "ibis",
    "sqlalchemy",
    "mlflow",
    "sklearn",
    "lightgbm",
    "matplotlib",
    "deltalake",
    "scipy",
    "sqlglot",
)
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
# The single review path: one applicant, a cold process.
LIGHT = ("riskengine.profile.compute", "riskengine.profile.recipe", "riskengine.profile.subjects", "riskengine.scoring.bundle",
         "riskengine.scoring.single", "riskengine.scoring.scorecard", "riskengine.scoring.trees",
         "riskengine.intake.applicant", "riskengine.decision.policy", "riskengine.decision.limits",
         "riskengine.profile.touched", "riskengine.profile.programs", "riskengine.profile.daily",
         "riskengine.decision.profiling", "riskengine.decision.open_desk", "riskengine.decision.review")  # fmt: skip


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 40
    assert len(DEFINITIONS) >= 8


def test_layers_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_are_small_and_say_their_question(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "a module opens with the question it answers"
    assert not FORBIDDEN_NAMES & {path.stem, path.parent.name}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_clock_reads_the_time(path: Path) -> None:
    assert bool(_reads_the_time(path.read_text(encoding="utf-8"))) == (path.name == "clock.py")


def _reads_the_time(text: str) -> list[str]:
    """Calls that ask the machine for the day or the instant, as written in the source."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [call for call in calls if CLOCKS.fullmatch(call)]


def test_reading_the_time_would_be_seen() -> None:
    text = "a = date.today()\nb = datetime.datetime.now(UTC)\nc = time.time()\nd = clock.today()\ne = pd.Timestamp.now()"
    assert _reads_the_time(text) == ["date.today", "datetime.datetime.now", "time.time", "pd.Timestamp.now"]


@pytest.mark.parametrize("path", DEFINITIONS, ids=_name)
def test_feature_files_hold_values_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    banned = (
        ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.With, ast.Try,
        ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
    )  # fmt: skip
    assert [node for node in ast.walk(tree) if isinstance(node, banned)] == []
    for node in tree.body:
        assert isinstance(node, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )


def test_pipelines_are_recipes() -> None:
    for path in PIPELINES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path


def _heavy_after(code: str, heavy: Sequence[str] = HEAVY) -> list[str]:
    asked = f"import sys\n{code}\nprint([name for name in {tuple(heavy)!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(ast.literal_eval(done.stdout.strip().splitlines()[-1]))


def test_a_heavy_import_would_be_seen() -> None:
    assert "ibis" in _heavy_after("import riskengine.profile.plan")


@pytest.mark.parametrize("module", LIGHT)
def test_the_single_review_path_is_light(module: str) -> None:
    assert importlib.util.find_spec(module), f"{module} is part of the review path"
    assert _heavy_after(f"import {module}") == []


def test_a_review_imports_no_words_of_definitions_and_no_contracts() -> None:
    unneeded = ("riskengine.profile.expressions", "riskengine.profile.verbs", "riskengine.intake.contract")
    path = "import riskengine.decision.review, riskengine.profile.touched, riskengine.profile.subjects"
    assert _heavy_after(path, unneeded) == []
    assert _heavy_after(f"{path}\nfrom riskengine.profile import count", unneeded) == [*unneeded[:2]]


def test_a_word_is_the_one_of_the_room_it_is_declared_from() -> None:
    import riskengine.profile as words

    tree = ast.parse((ROOT / "riskengine/profile/__init__.py").read_text(encoding="utf-8"))
    declared = {
        name.name: importlib.import_module(str(node.module))
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("riskengine.")
        for name in node.names
    }
    assert sorted(declared) == sorted(words.__all__)
    assert all(getattr(words, name) is getattr(room, name) for name, room in declared.items())


def _heavy_of_command(words: list[str]) -> list[str]:
    return _heavy_after(
        "from riskengine.cli import app\nfrom riskengine.errors import RiskEngineError\n"
        f"try:\n    app({words!r})\n"
        "except RiskEngineError: pass\nexcept SystemExit as stop:\n    assert not stop.code, stop.code"
    )


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("--help", []),
        ("review --help", []),
        ("nightly --help", []),
        ("signals --help", []),
        ("reminders --help", []),
        ("store --help", []),
        ("signals list", ["sqlalchemy"]),  # cases are kept in the ledger's database
    ],
)
def test_a_command_imports_what_it_needs(
    words: str, needed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKENGINE_STORE", str(tmp_path))
    assert _heavy_of_command(words.split()) == needed
