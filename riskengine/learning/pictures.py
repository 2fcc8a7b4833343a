"""What do separation and calibration look like? PNG pictures with the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from riskengine.learning.metrics import Floats, Sample, auc, calibration_table, ks
from riskengine.learning.trials import Trial

_COLOURS = {"model": "#1f5fa8", "scorecard": "#d9822b", "naive": "#8a8a8a"}


def pictures(samples: Mapping[str, Sample], title: str) -> dict[str, bytes]:
    """`roc.png`, `ks.png`, `calibration.png`, `lift.png` of one test, the model beside its benchmarks."""
    drawn: dict[str, Callable[[Any, Mapping[str, Sample]], None]] = {
        "roc.png": _roc,
        "ks.png": _ks,
        "calibration.png": _calibration,
        "lift.png": _lift,
    }
    return {name: _png(draw, samples, title) for name, draw in drawn.items()}


def trial_pictures(trials: Sequence[Trial]) -> dict[str, bytes]:
    """The pictures of every test of a candidate: `out_of_time_roc.png`, `held_out_calibration.png`, ..."""
    return {
        f"{trial.name}_{name}": content
        for trial in trials
        for name, content in pictures(trial.samples, trial.name.replace("_", " ")).items()
    }


def _png(
    draw: Callable[[Any, Mapping[str, Sample]], None], samples: Mapping[str, Sample], title: str
) -> bytes:
    figure = Figure(figsize=(5, 4), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes, samples)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _roc(axes: Any, samples: Mapping[str, Sample]) -> None:
    axes.plot([0, 1], [0, 1], color="#cccccc", linewidth=1)
    for means, rows in samples.items():
        bad, good = _shares(rows)
        area = auc(rows.label, rows.score, rows.weight)
        axes.plot(good, bad, color=_COLOURS.get(means), label=f"{means} (AUC {_number(area)})")
    axes.set(xlabel="survivors above the limit", ylabel="defaults above the limit")


def _ks(axes: Any, samples: Mapping[str, Sample]) -> None:
    rows = samples["model"]
    bad, good = _shares(rows)
    share = np.linspace(0, 1, len(bad))
    axes.plot(share, bad, color=_COLOURS["model"], label="defaults")
    axes.plot(share, good, color=_COLOURS["naive"], label="survivors")
    at = int(np.argmax(np.abs(bad - good)))
    axes.vlines(share[at], good[at], bad[at], color="#c0392b", label=f"KS {_number(ks(*_plain(rows)))}")
    axes.set(xlabel="rows, riskiest first", ylabel="cumulated share")


def _calibration(axes: Any, samples: Mapping[str, Sample]) -> None:
    top = 0.0
    for means in ("model", "scorecard"):
        if means in samples:
            rows = samples[means]
            table = calibration_table(rows.label, rows.pd, rows.weight)
            axes.plot(table[:, 1], table[:, 2], marker="o", markersize=4, color=_COLOURS[means], label=means)
            top = max(top, float(table[:, 1:].max(initial=0.0)))
    axes.plot([0, top], [0, top], color="#cccccc", linewidth=1, label="perfect")
    axes.set(xlabel="mean PD of the tenth", ylabel="observed default rate")


def _lift(axes: Any, samples: Mapping[str, Sample]) -> None:
    for means, rows in samples.items():
        order = np.argsort(-rows.score, kind="stable")
        weight, label = rows.weight[order], rows.label[order]
        share = np.cumsum(weight) / weight.sum()
        base = max(float((weight * label).sum() / weight.sum()), 1e-12)
        rate = np.cumsum(weight * label) / np.cumsum(weight) / base
        seen = np.searchsorted(share, np.linspace(0.01, 1, 100)).clip(max=len(share) - 1)
        axes.plot(share[seen], rate[seen], color=_COLOURS.get(means), label=means)
    axes.axhline(1, color="#cccccc", linewidth=1)
    axes.set(xlabel="riskiest share", ylabel="default rate / whole")


def _shares(rows: Sample) -> tuple[Floats, Floats]:
    """Cumulated weighted shares of defaults and survivors, riskiest first, at 501 points."""
    order = np.argsort(-rows.score, kind="stable")
    weight, label = rows.weight[order], rows.label[order]
    at = np.linspace(0, len(order), 501).astype(int)
    bad, good = np.r_[0, np.cumsum(weight * label)], np.r_[0, np.cumsum(weight * (1 - label))]
    return bad[at] / max(bad[-1], 1e-12), good[at] / max(good[-1], 1e-12)


def _plain(rows: Sample) -> tuple[Any, Floats, Floats]:
    return rows.label, rows.score, rows.weight


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
