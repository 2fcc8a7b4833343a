"""How do both models do beside simpler means, and what do macro, lender and sector history each add? The README's table.

    python examples/sba_7a/benchmarks.py [--known 2014-12-31]

needs a store that has taken in everything up to 2014 (`make demo` leaves one; `$RISKENGINE_STORE` names another), prints the
tables, and writes them between the markers `<!-- benchmarks: begin -->` and `<!-- benchmarks: end -->` of docs/sba_models.md and,
where it has them, README.md. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from trials import REPLICATES, Bench, frame_of, held_out, made_from, narrowed, to_pd

from riskengine.errors import RiskEngineError
from riskengine.learning import fitting
from riskengine.learning.benchmarks import rivals
from riskengine.learning.frames import TrainingFrame
from riskengine.learning.making import log_odds, part_of
from riskengine.learning.metrics import Estimate, Sample, measured
from riskengine.learning.samples import Period, followed_period
from riskengine.learning.spec import ModelSpec
from riskengine.learning.standing import Standing, standings, summary
from riskengine.monitor.rule_scores import rule_inputs, rule_scores
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.schema import Words
from riskengine.store import snapshot

HERE = Path(__file__).parent
PAGES = (HERE.parents[1] / "docs" / "sba_models.md", HERE.parents[1] / "README.md")
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
SHOWN = {"auc": "AUC", "ks": "KS", "brier": "Brier", "calibration_error": "calibration error"}
FIRST, SECOND = date(2005, 12, 31), date(2010, 12, 31)
LATER = {
    "access_pd": (date(2003, 1, 1), date(2007, 12, 31)),
    "inforce_pd": (date(2006, 1, 31), date(2007, 12, 31)),
}
ASKED = {
    "access_pd": "Access: charged off within 36 months of approval",
    "inforce_pd": "In force: called within the next 12 months",
}
FAMILIES = {
    "macro": ("housing_starts_change_12m", "fed_funds_change_24m"),
    "lender history": (
        "lender_early_relative_36m",
        "lender_early_share_60m",
        "lender_charge_off_age_60m",
        "lender_loss_relative_60m",
        "lender_mean_amount_relative",
        "lender_relative_36m",
        "lender_relative_early",
    ),
    "sector history": ("industry_early_relative_36m", "industry_relative_36m", "industry_relative_early"),
}


@dataclass(frozen=True)
class Test:
    """Rows to learn from and rows to be tested on, both with the scores of today's rules."""

    said: str
    taught: TrainingFrame
    asked: TrainingFrame


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
    told = _clock()
    lines = [
        f"Made by `python examples/sba_7a/benchmarks.py --known {known}` from snapshot `{bench.facts.id}`. Weighted to the "
        "programme; brackets are 95 % intervals by a bootstrap of borrowers; every means was fitted on the same rows.",
        "",
    ]
    try:
        for model in ASKED:
            for line in _model(bench, model, told):
                print(line, flush=True)
                lines.append(line)
    except RiskEngineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    written = [page for page in PAGES if _write(page, "\n".join(lines).rstrip())]
    told(f"written to {', '.join(page.name for page in written) or 'no page: none has the markers'}")
    return 0


def _model(bench: Bench, model: str, told: Callable[[str], None]) -> list[str]:
    """The table of one model: both tests, then what each family adds in them."""
    spec = bench.spec(model)
    lines = [f"**{ASKED[model]}** (`{model}`)", ""]
    lines += [f"| | {' | '.join(SHOWN.values())} | the model's gain in AUC, p (Holm) |"]
    lines += ["|---" * (len(SHOWN) + 2) + "|"]
    added: dict[str, list[str]] = {family: [] for family in FAMILIES if _of(spec, family)}
    said = []
    tests = _tests(bench, spec, told)
    for test in tests:
        lines.append(f"| *{test.said}* | | | | | |")
        samples, titles = _samples(spec, test)
        told(f"{model}, {test.said.split(':')[0]}: fitted; measuring {len(samples)} means")
        found = fitting.side_by_side([partial(measured, one, REPLICATES) for one in samples.values()])
        others = {name: (titles[name], one) for name, one in samples.items() if name != "model"}
        stood = standings(samples["model"], others, REPLICATES)
        lines += _rows(titles, dict(zip(samples, found, strict=True)), stood)
        said.append(f"{test.said.split(':')[0]}: {summary(stood).en}.")
        for family, gain in _added(spec, test, samples["model"], told).items():
            added[family].append(gain)
    lines += ["", *[f"- {text}" for text in said], ""]
    lines += [
        "What each family adds: AUC of the model less that of the same model made without the family, paired.",
        "",
        f"| | {' | '.join(test.said.split(':')[0] for test in tests)} |",
        "|---" * (len(tests) + 1) + "|",
        *[f"| {family} | {' | '.join(gains)} |" for family, gains in added.items()],
        "",
    ]
    return lines


def _rows(
    titles: dict[str, Words], found: dict[str, dict[str, Estimate]], stood: Sequence[Standing]
) -> list[str]:
    less = {item.rival: f"{_signed(item.auc)}, {_p(item.p_holm)}: {item.verdict}" for item in stood}
    return [
        f"| {titles[means].en} | {' | '.join(str(figures[name]) for name in SHOWN)} | {less.get(means, '')} |"
        for means, figures in found.items()
    ]


def _tests(bench: Bench, spec: ModelSpec, told: Callable[[str], None]) -> list[Test]:
    catalogue = Catalogue(bench.project)
    first = _frame(bench, catalogue, spec, (followed_period(spec, FIRST), FIRST))
    later = _frame(bench, catalogue, spec, (Period(*LATER[spec.name], bench.known), FIRST))
    told(f"{spec.name}: {len(first.label):,} rows known on {FIRST}, {len(later.label):,} later ones")
    second = _frame(bench, catalogue, spec, (followed_period(spec, SECOND), SECOND))
    held = held_out(spec, pd.DataFrame({"group": second.group}))
    told(f"{spec.name}: {len(second.label):,} rows known on {SECOND}")
    start, end = LATER[spec.name]
    unseen = part_of(second, held & second.judged)
    return [
        Test(
            f"out of time: made as of {FIRST}, tested on {start:%Y-%m} to {end:%Y-%m}, {_size(later)}",
            first,
            later,
        ),
        Test(
            f"unseen borrowers: made as of {SECOND} without 15 % of borrowers, tested on these, {_size(unseen)}",
            part_of(second, ~held),
            unseen,
        ),
    ]


def _frame(bench: Bench, catalogue: Catalogue, spec: ModelSpec, asked: tuple[Period, date]) -> TrainingFrame:
    """Rows of a period with what today's rules of `day` say of them."""
    period, day = asked
    inputs = rule_inputs(catalogue, spec, day)
    wide = spec.model_copy(update={"features": tuple(dict.fromkeys([*spec.features, *inputs]))})
    rows = bench.rows(wide, period)
    return replace(frame_of(spec, rows), rules=rule_scores(catalogue, spec, rows, day))


def _samples(spec: ModelSpec, test: Test) -> tuple[dict[str, Sample], dict[str, Words]]:
    """The model's and every rival's scores of the tested rows."""
    made = made_from(spec, test.taught)
    labelled = part_of(test.taught, test.taught.judged)
    others = rivals(spec, labelled.rows(), labelled.rules)
    asked = test.asked.rows()
    pd_ = made.pd(asked.matrix)
    found = {"model": Sample(asked.label, log_odds(pd_), pd_, asked.weight, asked.group)}
    for name, rival in others.items():
        odds = rival.odds(asked.matrix, test.asked.rules)
        found[name] = Sample(asked.label, odds, to_pd(odds), asked.weight, asked.group)
    titles = {name: rival.title for name, rival in others.items()}
    return found, {"model": Words(en="LightGBM (champion)", zh="LightGBM（现用模型）"), **titles}


def _added(spec: ModelSpec, test: Test, model: Sample, told: Callable[[str], None]) -> dict[str, str]:
    """By family, the AUC that the model loses without it."""
    asked = test.asked.rows()
    without = {}
    for family in FAMILIES:
        names = _of(spec, family)
        if not names:
            continue
        kept = narrowed(spec, [name for name in spec.features if name not in names])
        columns = [spec.features.index(name) for name in kept.features]
        pd_ = made_from(kept, test.taught).pd(np.ascontiguousarray(asked.matrix[:, columns]))
        without[family] = (
            Words(en=family, zh=family),
            Sample(asked.label, log_odds(pd_), pd_, asked.weight, asked.group),
        )
        told(f"{spec.name}, {test.said.split(':')[0]}: made without {family}")
    return {item.rival: _signed(item.auc) for item in standings(model, without, REPLICATES)}


def _of(spec: ModelSpec, family: str) -> list[str]:
    return [name for name in FAMILIES[family] if name in spec.features]


def _size(frame: TrainingFrame) -> str:
    return f"{len(frame.label):,} rows, {len(np.unique(frame.subject[frame.label == 1])):,} loans charged off"


def _signed(gain: Estimate) -> str:
    if gain.value is None or gain.low is None or gain.high is None:
        return str(gain)
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def _p(value: float | None) -> str:
    return "p unknown" if value is None else "p < 0.001" if value < 0.001 else f"p {value:.3f}"


def _write(page: Path, text: str) -> bool:
    """Put the text between the page's markers; False where it has none."""
    content = page.read_text(encoding="utf-8") if page.exists() else ""
    if BEGIN not in content or END not in content:
        return False
    before, rest = content.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return True


def _clock() -> Callable[[str], None]:
    """Progress lines: seconds since the start, and what was done."""
    begun = time.perf_counter()

    def told(text: str) -> None:
        print(f"[{time.perf_counter() - begun:4.0f} s] {text}", file=sys.stderr, flush=True)

    return told


if __name__ == "__main__":
    sys.exit(main())
