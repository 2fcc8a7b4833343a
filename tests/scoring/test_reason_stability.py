"""The overlap of reasons is one for a model with itself, less for another training, and none is a number made of nothing."""

from __future__ import annotations

import numpy as np
from simulated import bundle_files, held

from riskengine.learning.reason_stability import overlap_under_retraining, reason_overlap
from riskengine.scoring.reasons import reasons


def test_overlap() -> None:
    files, matrix = bundle_files()
    one, other = held(files), held(bundle_files(seed=5)[0])
    assert reason_overlap(one, one, matrix[:200]).value == 1.0
    found = reason_overlap(one, other, matrix[:200])
    expected = []
    for row in matrix[:200].tolist():
        named = [
            {each.feature for each in [each for each in reasons(bundle, row) if each.adverse][:3]}
            for bundle in (one, other)
        ]
        if named[0] | named[1]:
            expected.append(len(named[0] & named[1]) / len(named[0] | named[1]))
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert np.isclose(found.value, np.mean(expected), rtol=0, atol=1e-12)
    assert 0.3 < found.low <= found.value <= found.high < 1
    assert overlap_under_retraining(one, [other], matrix[:200]) == found
    both = overlap_under_retraining(one, [other, one], matrix[:200])
    assert both.value is not None
    assert found.value < both.value < 1
    assert reason_overlap(one, other, matrix[:0]).value is None
