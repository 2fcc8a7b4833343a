"""What does the engine do? The main job on 50,135 real guaranteed loans, command by command, as an officer would type it.

    make demo

Everything printed after a `$` is a command that can be typed again.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from riskengine import clock

HERE = Path(__file__).parent
SOURCES = [
    "borrowers",
    "applications",
    "facilities",
    "guarantees",
    "charge_offs",
    "lender_history",
    "sector_history",
    "macro_us",
    "sampling",
]
NIGHTS = ("2006-01-31", "2006-02-28", "2006-03-31")
TRAINED = "2005-12-31"


def main() -> int:
    """Run the steps in order; stop at the first that fails."""
    begun = time.perf_counter()
    say("1. Intake: what publishers had sent by the end of 2005")
    for source in SOURCES:
        run("intake", source, f"{shown()}/data/{source}/{TRAINED}.parquet", "--received", TRAINED)
    say(
        "2. Train both models as of 2005-12-31 on what was known and mature then; validate; make them champions"
    )
    for model in ("access_pd", "inforce_pd"):
        run("retrain", model, "--as-of", TRAINED)
        validated_and_promoted(model)
    say("3. Pre-review: eight applicants of January 2006")
    run("review", "--as-of", "2006-01-13", "--applicants", f"{shown()}/applicants_2006.csv")
    say("4. Three nights: take in what arrived, score every guarantee in force, signals, reminders, report")
    for night in NIGHTS:
        run("nightly", "--as-of", night)
    say("5. The years after arrive; how did the champions do on them?")
    for source in SOURCES:
        run("intake", source, f"{shown()}/data/{source}/2014-12-31.parquet", "--received", "2014-12-31")
    run("evaluate", "access_pd", "--from", "2003-01-01", "--to", "2007-09-30", "--known", "2010-12-31")
    run("evaluate", "inforce_pd", "--from", "2006-01-31", "--to", "2007-12-31", "--known", "2008-12-31")
    report = f"{shown()}/var/publications/{NIGHTS[-1]}/report.html"
    say(f"Done in {time.perf_counter() - begun:.0f} s. Open {report}")
    loan = (HERE / "applicants_2006.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    print("Try next:")
    for line in (
        "signals list --limit 5",
        f"profile {loan} --as-of 2006-03-31",
        f"dossier {loan} --as-of 2006-03-31 --out dossier.html",
        f"review --as-of 2006-03-31 --id {loan}",
        "nightly --as-of 2006-03-31",
        "retrain access_pd --as-of 2010-12-31",
    ):
        print(f"  {engine()} {line}")
    return 0


def run(*words: str) -> None:
    """Print a command, run it, and stop the demo if it fails."""
    print(f"\n$ {engine()} {shlex.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "riskengine", "--project", str(HERE), *words], check=False)
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
        for path in (HERE / "var" / "validations").glob("*/pack.json")
    ]
    return max((pack for pack in packs if pack["model"] == model), key=lambda pack: int(pack["version"]))


def newest(model: str) -> str:
    """The number of the model's newest registered version, from the engine's own list."""
    command = [sys.executable, "-m", "riskengine", "--project", str(HERE), "models", model]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    return [line for line in listed if line][-1].split()[1].rstrip(":")


def say(text: str) -> None:
    """A heading."""
    print(f"\n=== {text}", flush=True)


def engine() -> str:
    """How a person at the checkout's top would call the engine."""
    return f".venv/bin/riskengine --project {shown()}"


def shown() -> str:
    """This project's folder, as short as it can be written from here."""
    try:
        return str(HERE.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(HERE)


if __name__ == "__main__":
    sys.exit(main())
