"""Does the PD, as scoring makes it, move the declared way with every feature?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskengine.learning.metrics import Floats
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import score_rows
from riskengine.validation.lines import Line, Rules, verdict

_ROWS, _POINTS = 100, 16
_SLACK = 1e-12
_SOURCE = "Potharst and Feelders, SIGKDD Explorations 4 (2002); profiles: Goldstein et al., J. Comp. Graph. Statistics 24 (2015)"


def monotonicity(bundle: Bundle, matrix: Floats, rules: Rules | None = None) -> list[Line]:
    """Move each feature over a grid of its own values on real rows and follow the PD: declared directions are judged.

    `matrix`: real rows (n x features, the bundle's order, NaN missing), of which up to 100 evenly spread ones are moved
    over up to 16 values. Any step the wrong way fails. A feature without a declared direction has a line of
    information: (steps up - steps down) / steps that move, from -1 to 1. One line says it of all declared ones.
    """
    del rules  # nothing is left to chance here
    declared = bundle.spec.get("monotone") or {}
    up, down = set(declared.get("up") or ()), set(declared.get("down") or ())
    rows = matrix[np.unique(np.linspace(0, len(matrix) - 1, _ROWS).astype(int))] if len(matrix) else matrix
    lines = []
    for column, name in enumerate(bundle.features):
        steps = _steps(bundle, rows, matrix[:, column], column)
        lines.append(_declared(name, steps, 1 if name in up else -1, len(rows)) if name in up | down else _free(name, steps, len(rows)))  # fmt: skip
    told = [line for line in lines if line.test == "monotone"]
    return [_all_directions(told, len(rows)), *lines] if told else lines


def _all_directions(told: Sequence[Line], n: int) -> Line:
    """All declared directions together: exact, so that no control for their number is needed."""
    wrong = sum(line.verdict == "fail" for line in told)
    open_ = sum(line.verdict == "undecidable" for line in told)
    return Line(
        "directions", "all", Words(en="All declared directions hold", zh="全部声明方向均成立"), float(wrong), None, None, n, 0,
        f"no declared direction is broken (value: how many of {len(told)})", None, "any reversal on the grid",
        verdict(None if open_ == len(told) else wrong > 0, None, inside=wrong == 0), _SOURCE,
        Words(en=f"Without two values to walk: {open_}.", zh=f"取值不足两个、无从检验：{open_} 项。") if open_ else None,
    )  # fmt: skip


def _steps(bundle: Bundle, rows: Floats, values: Floats, column: int) -> Floats:
    """The change of the PD at each step of the grid, by row; without a grid there is none."""
    seen = np.unique(values[np.isfinite(values)])
    if len(seen) < 2:
        return np.zeros((len(rows), 0))
    grid = seen[np.unique(np.linspace(0, len(seen) - 1, _POINTS).astype(int))]
    moved = np.repeat(rows, len(grid), axis=0)
    moved[:, column] = np.tile(grid, len(rows))
    return np.diff(score_rows(bundle, moved).pd.reshape(len(rows), len(grid)), axis=1)


def _declared(name: str, steps: Floats, sign: int, n: int) -> Line:
    wrong = int((steps * sign < -_SLACK).sum())
    worst = float(max((-steps * sign).max(), 0.0)) if steps.size else 0.0
    en, zh = (
        ("never lowers the PD", "不得使 PD 下降") if sign > 0 else ("never raises the PD", "不得使 PD 上升")
    )
    return Line(
        "monotone",
        f"feature:{name}",
        Words(en=f"{name} {en}", zh=f"{name} 增大{zh}"),
        float(wrong),
        None,
        None,
        n,
        0,
        f"no step of the grid the wrong way (value: how many of {steps.size})",
        None,
        "any reversal on the grid",
        verdict(wrong > 0 if steps.size else None, None, inside=wrong == 0),
        _SOURCE,
        Words(en=f"Largest wrong step {worst:.2g} of PD.", zh=f"最大反向变动 {worst:.2g}（PD）。"),
    )


def _free(name: str, steps: Floats, n: int) -> Line:
    moving = int((np.abs(steps) > _SLACK).sum())
    lean = float((np.sign(steps) * (np.abs(steps) > _SLACK)).sum() / moving) if moving else None
    whole = float(steps.sum(axis=1).mean()) if steps.size else 0.0
    return Line(
        "direction",
        f"feature:{name}",
        Words(en=f"Direction of {name} (not declared)", zh=f"{name} 的方向（未声明）"),
        lean,
        None,
        None,
        n,
        0,
        "none: reported (1 always raises the PD, -1 always lowers it)",
        None,
        "",
        "information",
        _SOURCE,
        Words(
            en=f"Mean change of PD from the lowest to the highest value {whole:+.4f}; {moving} of {steps.size} steps move it.",
            zh=f"由最小值到最大值 PD 平均变动 {whole:+.4f}；{steps.size} 步中有 {moving} 步产生变动。",
        ),
    )
