"""How good are the two models really? Every figure of docs/sba_models.md, from the project's own store.

    python examples/sba_7a/ablation.py [--known 2014-12-31]

needs a store that has taken in everything up to 2014 (`make demo` does that), prints the tables and writes them between
the markers of docs/sba_models.md. About two minutes on two cores. `$RISKENGINE_STORE` names another store.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ablation_access import access
from ablation_in_force import in_force
from trials import Bench

from riskengine.errors import RiskEngineError
from riskengine.project import Project
from riskengine.store import snapshot

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "sba_models.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main(words: Sequence[str] | None = None) -> int:
    """Compute, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--known", type=date.fromisoformat, default=date(2014, 12, 31), help="Outcomes as known on this day."
    )
    known = parser.parse_args(words).known
    project = Project(HERE)
    bench = Bench(project, snapshot.read(project.store), known)
    lines = [
        f"Made by `python examples/sba_7a/ablation.py --known {known}` from snapshot `{bench.facts.id}`.",
        "",
    ]
    try:
        for part in (access, in_force):
            for line in part(bench):
                print(line, flush=True)
                lines.append(line)
    except RiskEngineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(
        f"{before}{BEGIN}\n" + "\n".join(lines).rstrip() + f"\n{END}" + rest.split(END)[1], encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
