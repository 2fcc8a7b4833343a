"""How are a model's trees trained on a Dask cluster, and calibrated here on a sample that fits?

    dask scheduler --port 8786 &                                  # on one machine
    dask worker tcp://HOST:8786 --nthreads 1 --nworkers 1 &       # on each machine; riskengine[dask] is installed there
    python examples/train_on_dask.py --project PROJECT --model inforce_pd --as-of 2005-12-31 --scheduler tcp://HOST:8786 \
        --folder /shared/inforce_pd --parts 16 --sample 8

`--folder` lies where every worker sees it under the same name. It gets the parts of everybody; the sample is of one borrower
in `--sample`, every borrower with an event kept, weighted. It prints the sample's out-of-fold AUC and writes the trees' text and
`calibration.json` into `--folder`. It registers nothing: `riskengine retrain` trains on one machine, of a sample where the
spec says `[population] one_subject_in`.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from riskengine.learning import distributed, fitting
from riskengine.learning.frames import TrainingContext, checked
from riskengine.learning.making import Taught, made
from riskengine.learning.metrics import auc
from riskengine.learning.parts import write_parts
from riskengine.learning.samples import followed_period, labelled_rows, model_spec
from riskengine.profile.catalogue import Catalogue
from riskengine.project import find
from riskengine.schema import canonical_json
from riskengine.store import snapshot


def main() -> None:
    """Write the parts, fit, calibrate, tell."""
    asked = _asked()
    project = find(asked.project)
    facts, spec = snapshot.read(project.store), model_spec(Catalogue(project), asked.model)
    parts = asked.folder / "parts"
    written = write_parts(project, spec, facts, asked.as_of, (parts, asked.parts))
    print(f"{written.rows} rows, {written.events} events in {written.parts} parts")
    with distributed.cluster(asked.scheduler) as client:
        boosters = distributed.fit_folds(spec, parts, client)
    thinned = {"one_subject_in": asked.sample, "keep_events": True}
    few = spec.model_copy(update={"population": spec.population.model_copy(update=thinned)})
    taken = labelled_rows(project, few, facts, followed_period(few, asked.as_of))
    frame = checked(few, taken.frame(), TrainingContext(asked.as_of, facts.id, {}, {}))
    taught = Taught(frame.rows(), frame, frame.months)
    done = made(few, taught if spec.hazard else taught.where(frame.judged), boosters)
    steps = fitting.verify_directions(done.booster, spec, done.taught.rows.matrix)
    judged = done.taught.frame.judged
    rows = done.taught.rows.where(judged)
    area = auc(rows.label, done.out_of_fold[judged], rows.weight)
    print(f"sample: {len(rows.label)} rows, out-of-fold AUC {area:.4f}, {steps} steps in declared directions")
    (asked.folder / "model.txt").write_text(done.booster.model_to_string(), encoding="utf-8")
    (asked.folder / "calibration.json").write_text(canonical_json(done.calibration), encoding="utf-8")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--scheduler", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--sample", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
