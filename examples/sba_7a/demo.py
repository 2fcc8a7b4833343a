"""What does the engine do? The main job on 50,135 real guaranteed loans, command by command, as an officer would type it.

    make demo

Everything printed after a `$` is a command that can be typed again.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

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
    say("2. Train both models as of 2005-12-31, on what was known and mature then; make them champions")
    for model in ("access_pd", "inforce_pd"):
        run("retrain", model, "--as-of", TRAINED)
        run("promote", model, newest(model), "--why", "demo: the first champion")
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
        f"profile {loan} --as-of 2006-03-31",
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
