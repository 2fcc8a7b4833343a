"""What would a provincial guarantor see? The default project on a SYNTHETIC province, command by command.

    make demo-province

Nothing here is real: no public data joins the four families, so the province is invented (riskengine/province). Everything printed
after a `$` is a command that can be typed again.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from riskengine import clock

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "var/province"
ENTERPRISES, BEGIN, END, SEED = 12_000, "2019-07-01", "2026-06-30", 7


def main() -> int:
    """Run the steps in order; stop at the first that fails."""
    begun = time.perf_counter()
    end = date.fromisoformat(END)
    eve = (end - timedelta(days=3)).isoformat()
    say("1. A SYNTHETIC province: files as publishers would send them; the truth lies apart 合成省份")
    ask = ["--enterprises", str(ENTERPRISES), "--from", BEGIN, "--to", END, "--seed", str(SEED)]
    run("synth", *ask, "--out", FOLDER, "--replace", project=False)
    say(f"2. Intake of all that has arrived by {eve}; who is meant by rows without a code 接入与身份识别")
    run("intake", "--arrived", "--as-of", eve)
    run("identity", "resolve", "--as-of", eve)
    say(
        "3. Train both models on what was known and mature; validate them; make them champions 训练、验证与上线"
    )
    for model in ("access_pd", "inforce_pd"):
        run("retrain", model, "--as-of", eve)
        validated_and_promoted(model)
    say("4. Pre-review of applicants 准入预审")
    run("review", "--as-of", eve, "--applicants", f"{FOLDER}/applicants.csv")
    code = applicant()
    say(
        "5. One-click list check; and had the rules of early 2024 still held for the last year? 一键查与政策试算"
    )
    run("lookup", "--as-of", eve, "--refresh", code)
    run("policy", "simulate", "--as-of", eve, "--on", "2024-01-01")
    say("6. What is decided, watched and reminded of, as a page 规则与信号目录")
    run("catalogue", "--as-of", END)
    say("7. Three nights 夜间批次")
    for back in (2, 1, 0):
        run("nightly", "--as-of", (end - timedelta(days=back)).isoformat())
    report = f"{FOLDER}/store/publications/{END}/report.html"
    say(f"Done in {time.perf_counter() - begun:.0f} s. Open {report} (Chinese and English)")
    print("Try next:")
    for line in (
        f"profile {code} --as-of {END}",
        f"review --as-of {END} --id {code}",
        f"identity network {code} --as-of {END}",
        f"lookup {code} --as-of {END}",
        "signals list --limit 5",
        f"dossier {code} --as-of {END} --out dossier.html",
        "identity queue",
        "quarantine court_exec",
    ):
        print(f"  {engine()} {line}")
    return 0


def run(*words: str, project: bool = True) -> None:
    """Print a command, run it, and stop the demo if it fails."""
    print(f"\n$ {engine(project)} {shlex.join(words)}", flush=True)
    done = subprocess.run([*_python(project), *words], check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.returncode)


def validated_and_promoted(model: str) -> None:
    """Validate the newest version and promote it; where the verdict is fail, under a written exception that ends."""
    number = newest(model)
    run("validate", model, "--version", number, "--lang", "en")
    pack = newest_pack(model)
    why = ("--why", "demo: the first champion")
    if pack["verdict"] != "fail":
        run("promote", model, number, *why)
        return
    lines = [line for section in pack["sections"] for line in section["lines"]]
    failed = [line["title"]["en"] for line in lines if line["deciding"] and line["verdict"] == "fail"]
    print(f"\nThe validation FAILED: {'; '.join(dict.fromkeys(failed))}.")
    print(
        "Without a written exception this version cannot be promoted; the exception ends, and the ledger keeps it."
    )
    control = (
        "Demonstration only: no decision of a person is taken by it; retrain and validate before any real use"
    )
    until = clock.today() + timedelta(days=180)
    run("promote", model, number, *why, "--despite", control, "--until", str(until))


def newest_pack(model: str) -> dict[str, Any]:
    """The validation pack that was written last for a model."""
    packs = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (ROOT / FOLDER / "store" / "validations").glob("*/pack.json")
    ]
    return max((pack for pack in packs if pack["model"] == model), key=lambda pack: int(pack["version"]))


def newest(model: str) -> str:
    """The number of the model's newest registered version, from the engine's own list."""
    listed = subprocess.run(
        [*_python(), "models", model], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.split("\n")
    return [line for line in listed if line][-1].split()[1].rstrip(":")


def applicant() -> str:
    """The last applicant's code."""
    rows = (ROOT / FOLDER / "applicants.csv").read_text(encoding="utf-8-sig").strip().splitlines()
    return rows[-1].split(",")[rows[0].replace('"', "").split(",").index("uscc")].strip('"')


def say(text: str) -> None:
    """A heading."""
    print(f"\n=== {text}", flush=True)


def engine(project: bool = True) -> str:
    """How a person at the checkout's top would call the engine."""
    return ".venv/bin/riskengine" + (f" --project {FOLDER}" if project else "")


def _python(project: bool = True) -> list[str]:
    return [sys.executable, "-m", "riskengine", *(("--project", FOLDER) if project else ())]


if __name__ == "__main__":
    sys.exit(main())
