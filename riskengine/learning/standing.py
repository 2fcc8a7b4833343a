"""Is the model better than each simpler means, or only luckier on these rows?

Two tests on the same test rows, paired: a bootstrap of whole borrowers of the *weighted* figures (what holds for the
population), and DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988; fast form of Sun and Xu, IEEE Signal Processing
Letters 21, 2014) of the *unweighted* AUC on one row a borrower, for it takes rows as independent. The verdict is the
bootstrap's on AUC; Holm's method (Scand. J. Statistics 6, 1979) pays for asking of several rivals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from riskengine.learning.metrics import CLIP, Estimate, Floats, Numbers, Sample
from riskengine.learning.multiplicity import holm
from riskengine.schema import Words

LEVEL = 0.05
Verdict = Literal["better", "not significantly better", "worse", "undecidable"]
_ZH = {
    "better": "显著更优",
    "not significantly better": "未显著更优",
    "worse": "显著更差",
    "undecidable": "样本不足，无法判断",
}


@dataclass(frozen=True)
class Standing:
    """The model against one rival on the same rows. Every gain is positive where the model is the better one.

    `auc`, `log_loss`, `brier`: weighted gains with 95 % intervals of the paired bootstrap; `p` two-sided for AUC, `p_holm`
    after Holm over all rivals; `delong` the unweighted AUC gain on one row a borrower with its `delong_p`;
    `defaults`, `rows` and `borrowers` behind it.
    """

    rival: str
    title: Words
    verdict: Verdict
    auc: Estimate
    log_loss: Estimate
    brier: Estimate
    p: float | None
    p_holm: float | None
    delong: Estimate
    delong_p: float | None
    rows: int
    defaults: int
    borrowers: int

    @property
    def words(self) -> Words:
        """The statement in words, with interval and p."""
        if self.p_holm is None:
            en = f"Against {self.title.en}: undecidable, {self.defaults} defaults in {self.rows} rows"
            return Words(
                en=en,
                zh=f"与{self.title.zh}相比：{_ZH['undecidable']}（{self.rows}行，违约{self.defaults}例）",
            )
        shown = f"AUC {_signed(self.auc)}, p {_p(self.p_holm)}"
        return Words(
            en=f"{self.verdict.capitalize()} than {self.title.en}: {shown} (Holm)",
            zh=f"与{self.title.zh}相比{_ZH[self.verdict]}：{shown}（Holm校正）",
        )

    def to_json(self) -> dict[str, Any]:
        """For the model card: six digits, and the statement."""
        found = {name: _rounded(value) for name, value in asdict(self).items()}
        return {**found, "words": self.words.model_dump(), "title": self.title.model_dump()}


def standings(
    model: Sample, others: Mapping[str, tuple[Words, Sample]], replicates: int = 200, seed: int = 7
) -> tuple[Standing, ...]:
    """How the model stands against each rival: title and sample by name, on the model's own rows in the same order."""
    names = list(others)
    samples = [model, *(others[name][1] for name in names)]
    whole, drawn = _bootstrap(samples, replicates, seed)
    one = _one_each(model.group, seed)
    enough = len(drawn) >= max(replicates / 2, 10)
    tests = [_gains(whole, drawn if enough else drawn[:0], place + 1) for place in range(len(names))]
    adjusted = _adjusted([p for _, p in tests])
    made = []
    for name, (gains, p), p_holm in zip(names, tests, adjusted, strict=True):
        title, rival = others[name]
        delong, delong_p = delong_difference(model.label[one], model.score[one], rival.score[one])
        made.append(
            Standing(
                *(name, title, _verdict(gains[0], p_holm), *gains, p, p_holm, delong, delong_p),
                rows=len(model.label),
                defaults=int(model.label.sum()),
                borrowers=len(one),
            )
        )
    return tuple(made)


def summary(found: Sequence[Standing]) -> Words:
    """One sentence for the head of a card: whom the model beats, and plainly whom it does not."""
    en, zh = [], []
    for verdict in ("better", "not significantly better", "worse", "undecidable"):
        titles = [item.title for item in found if item.verdict == verdict]
        if titles:
            than = "Undecidable against" if verdict == "undecidable" else f"{verdict.capitalize()} than"
            en.append(f"{than} {', '.join(title.en for title in titles)}")
            zh.append(f"相比{'、'.join(title.zh for title in titles)}{_ZH[verdict]}")
    if not en:
        return Words(en="Compared with nothing", zh="未与任何基准比较")
    return Words(en="; ".join(en), zh="；".join(zh))


def _adjusted(values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values; None stays None and is not counted.

    >>> _adjusted([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    raised = iter(holm([value for value in values if value is not None]))
    return [None if value is None else next(raised) for value in values]


def delong_difference(label: Numbers, first: Floats, second: Floats) -> tuple[Estimate, float | None]:
    """AUC of the first less that of the second score with 95 % interval, and the two-sided p; rows independent, unweighted."""
    bad, good = label == 1, label == 0
    m, n = int(bad.sum()), int(good.sum())
    if m < 2 or n < 2:
        return Estimate(None), None
    parts = [_placements(score, bad, good) for score in (first, second)]
    gap = float(parts[0][0].mean() - parts[1][0].mean())
    above, below = parts[0][0] - parts[1][0], parts[0][1] - parts[1][1]
    spread = math.sqrt(float(above.var(ddof=1)) / m + float(below.var(ddof=1)) / n)
    reach = 1.959963984540054 * spread
    return Estimate(gap, gap - reach, gap + reach), _two_sided(gap, spread)


def _placements(score: Floats, bad: Any, good: Any) -> tuple[Floats, Floats]:
    """For each default the share of survivors below it, for each survivor the share of defaults above it (midranks)."""
    m, n = int(bad.sum()), int(good.sum())
    all_, ones, zeros = _midranks(score), _midranks(score[bad]), _midranks(score[good])
    return (all_[bad] - ones) / n, 1 - (all_[good] - zeros) / m


def _midranks(values: Floats) -> Floats:
    ordered = np.sort(values)
    low, high = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((low + high + 1) / 2, dtype=np.float64)


def _bootstrap(samples: Sequence[Sample], replicates: int, seed: int) -> tuple[Floats, Floats]:
    """(means x 3) figures (AUC, log loss, Brier) of all rows, and (draws x means x 3) of draws of whole groups."""
    label, weight, group = samples[0].label, samples[0].weight, samples[0].group
    ranked = [_Ranked(sample) for sample in samples]
    count = int(group.max()) + 1 if len(group) else 0
    sums = [np.bincount(group, weight * loss, count) for sample in samples for loss in _losses(sample)]
    losses, mass = np.array(sums).reshape(2 * len(samples), count), np.bincount(group, weight, count)

    def figures(times: Floats) -> Floats | None:
        drawn = weight * times[group]
        if not (drawn * label).sum() > 0 or not (drawn * (1 - label)).sum() > 0:
            return None
        mean = (losses * times).sum(axis=1) / (mass * times).sum()
        areas = [part.auc(drawn) for part in ranked]
        return np.column_stack([areas, mean.reshape(-1, 2)])

    whole = figures(np.ones(count))
    if whole is None:
        return np.full((len(samples), 3), np.nan), np.zeros((0, len(samples), 3))
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(replicates):
        times = np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)
        if (drawn := figures(times)) is not None:
            found.append(drawn)
    return whole, np.array(found).reshape(len(found), len(samples), 3)


class _Ranked:
    """A score put in order once, so that its AUC under other weights needs no sorting."""

    def __init__(self, sample: Sample) -> None:
        self.order = np.argsort(sample.score, kind="stable")
        ordered = sample.score[self.order]
        self.starts = np.flatnonzero(np.r_[len(ordered) > 0, ordered[1:] != ordered[:-1]])
        self.label = sample.label[self.order]

    def auc(self, weight: Floats) -> float:
        """The weighted AUC, ties counting half; both outcomes have weight."""
        weight = weight[self.order]
        bad = np.add.reduceat(weight * self.label, self.starts)
        good = np.add.reduceat(weight * (1 - self.label), self.starts)
        return float((bad * (np.cumsum(good) - good / 2)).sum() / (bad.sum() * good.sum()))


def _losses(sample: Sample) -> tuple[Floats, Floats]:
    pd = np.clip(sample.pd, CLIP, 1 - CLIP)
    return -np.where(sample.label == 1, np.log(pd), np.log1p(-pd)), (sample.pd - sample.label) ** 2


def _gains(
    whole: Floats, drawn: Floats, place: int
) -> tuple[tuple[Estimate, Estimate, Estimate], float | None]:
    """The model's gains over the rival at `place`, and the p of the first."""
    sign = np.array([1.0, -1.0, -1.0])  # a smaller loss is a gain
    gap, gaps = (whole[0] - whole[place]) * sign, (drawn[:, 0] - drawn[:, place]) * sign
    if not len(gaps):
        none = Estimate(None)
        return (none, none, none), None
    low, high = np.quantile(gaps, [0.025, 0.975], axis=0)
    auc, loss, brier = (Estimate(float(gap[k]), float(low[k]), float(high[k])) for k in range(3))
    return (auc, loss, brier), _two_sided(float(gap[0]), float(gaps[:, 0].std(ddof=1)))


def _two_sided(gap: float, spread: float) -> float:
    """The two-sided p of a gap under a normal distribution of that spread."""
    if spread <= 1e-15:
        return 1.0 if abs(gap) <= 1e-15 else 0.0
    return math.erfc(abs(gap) / spread / math.sqrt(2.0))


def _verdict(gain: Estimate, p: float | None) -> Verdict:
    if p is None or gain.value is None:
        return "undecidable"
    if p >= LEVEL:
        return "not significantly better"
    return "better" if gain.value > 0 else "worse"


def _one_each(group: Numbers, seed: int) -> Numbers:
    """One row of each group, drawn without looking at its label, in the rows' order."""
    mixed = np.random.default_rng(seed).permutation(len(group))
    _, first = np.unique(group[mixed], return_index=True)
    return np.sort(mixed[first])


def _signed(gain: Estimate) -> str:
    if gain.value is None or gain.low is None or gain.high is None:
        return "undecidable"
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    return {name: _rounded(part) for name, part in value.items()} if isinstance(value, dict) else value
