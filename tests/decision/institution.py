"""A whole tiny institution in a folder: two sources, five features, a hand-drawn bundle, policy and products."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.intake.load import take_in
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import bundle_hash, write_bundle
from riskengine.scoring.trees import export_trees

AS_OF = date(2006, 3, 31)
MODEL_FEATURES = ("amount", "staff", "losses", "staff_missing")

_SOURCE = """
name = "{name}"
family = "{family}"
title = {{ en = "{name}", zh = "{zh}" }}
publisher = "test"
reference = "test"
cadence = "event"
coverage = "complete"
key = ["no"]
event_date = "day"
known_at = "day"
stale_after = "{stale}"
{more}
[columns.no]
type = "text"
required = true
[columns.day]
type = "date"
required = true
[columns.firm]
type = "text"
{columns}
"""

FILES = {
    "configs/environment.toml": 'name = "tiny"\ncurrency = "CNY"\n[title]\nen = "Tiny"\nzh = "小机构"\n',
    "configs/subjects.toml": """
[keys]
application = ["no"]
enterprise = ["firm"]
trade = ["trade"]
[applicant]
source = "asked"
id = "no"
enterprise = "firm"
[guarantee]
source = "asked"
id = "no"
enterprise = "firm"
""",
    "configs/sources/asked.toml": _SOURCE.format(
        name="asked",
        zh="申请",
        family="guarantee",
        stale="60d",
        more="fed_by_applicant = true",
        columns="""[columns.trade]
type = "text"
[columns.amount]
type = "money"
required = true
min = 1
[columns.staff]
type = "integer"
min = 0
[ignored]
outcome = "the outcome"
""",
    ),
    "configs/sources/losses.toml": _SOURCE.format(
        name="losses",
        zh="代偿",
        family="credit",
        stale="400d",
        more="",
        columns='[columns.lost]\ntype = "money"\n',
    ),
    "features/all.py": """from riskengine.profile import count, is_missing, latest
amount = latest("asked.amount", by="application").named("Requested amount", "申请金额", unit="CNY")
staff = latest("asked.staff", by="application").named("Staff", "员工人数", unit="persons", direction=-1)
losses = count("losses", by="enterprise").named("Earlier losses", "此前代偿次数", direction=1)
staff_missing = is_missing(staff).named("Staff not stated", "未填员工人数", unit="yes/no")
trade_code = latest("asked.trade", by="application").named("Trade", "行业")
""",
    "configs/policy.toml": """
[decision]
model = "access_pd"
required = ["amount"]
absence_flags = ["staff_missing"]
[[decision.thresholds]]
from = 2000-01-01
pass_up_to = "A"
decline_from = "C"
reference = "test"
[[rule]]
id = "lost_before"
title = { en = "Lost before", zh = "曾代偿" }
action = "decline"
reference = "test"
evidence = "D"
words = { en = "Lost before", zh = "曾代偿" }
when = [{ feature = "losses", op = ">=", value = 2 }]
[[rule]]
id = "trade"
title = { en = "Lending", zh = "放贷" }
action = "refer"
reference = "test"
evidence = "D"
words = { en = "Lending", zh = "放贷" }
when = [{ feature = "trade_code", op = ">=", value = "52" }, { feature = "trade_code", op = "<", value = "53" }]
[[rule]]
id = "largest"
title = { en = "Too large", zh = "超限" }
action = "cap"
near = 0.1
reference = "test"
evidence = "D"
words = { en = "Too large", zh = "超限" }
when = [{ feature = "amount", op = ">", limits = [
  { from = 2000-01-01, value = 1000, reference = "test" }, { from = 2006-01-01, value = 2000, reference = "test" } ] }]
""",
    "configs/products.toml": """
[request]
amount = "amount"
[[product]]
id = "plain"
title = { en = "Plain", zh = "普通" }
amount_cap = [{ from = 2000-01-01, value = 3000, reference = "test" }]
guaranteed_cap = [{ from = 2000-01-01, value = 1200, reference = "test" }]
shares = [{ from = 2000-01-01, bank = 0.2, direct = 0.32, province = 0.48, reference = "test" }]
fee = [{ from = 2000-01-01, value = 0.02, reference = "test" }]
lgd = [{ from = 2000-01-01, value = 0.5, reference = "test" }]
budget = [{ from = 2000-01-01, value = 2, reference = "test" }]
smallest = 50
step = 100
""",
}

GRADES = {
    "points": {"base_score": 600, "base_odds": 30, "pdo": 20, "lowest": 300, "highest": 900},
    "grades": [
        {"name": "A", "pd_up_to": 0.1, "label": {"en": "low", "zh": "低"}},
        {"name": "B", "pd_up_to": 0.3, "label": {"en": "middle", "zh": "中"}},
        {"name": "C", "pd_up_to": 1.0, "label": {"en": "high", "zh": "高"}},
    ],
}

ASKED = (
    "no,day,firm,trade,amount,staff\n1,2006-02-01,ANT,31,100,95\n2,2006-03-01,BEE,52,900,3\n"
    "3,2006-03-05,CAT,31,1900,2\n4,2006-03-20,ANT,31,2500,90\n5,2006-03-21,DOG,,500,\n"
)
LOSSES = "no,day,firm,lost\n90,2005-06-01,CAT,10\n91,2005-07-01,CAT,20\n92,2006-03-30,BEE,5\n"


def made_project(root: Path) -> Project:
    """The institution with its facts taken in and a champion."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "models").mkdir()
    project = Project(root)
    load(project, "asked", ASKED)
    load(project, "losses", LOSSES)
    promote(project)
    return project


def load(project: Project, source: str, text: str) -> None:
    path = project.root / "data" / source / f"{len(text)}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    take_in(project, source, [path], date(2006, 3, 31))


def promote(project: Project, *, shift: float = 0.0, **more: Any) -> None:
    """Train a few real trees on simulated rows and make them the champion; `shift` makes another one, so does what is `more`
    in its calibration."""
    import lightgbm
    import numpy as np

    rng = np.random.default_rng(3)
    matrix = np.column_stack(
        [rng.uniform(50, 3000, 3000), rng.integers(0, 99, 3000), rng.poisson(0.4, 3000), np.zeros(3000)]
    ).astype(float)
    matrix[rng.random(3000) < 0.2, 1] = np.nan
    matrix[:, 3] = np.isnan(matrix[:, 1])
    risk = matrix[:, 0] / 800 + 1.5 * matrix[:, 2] - np.nan_to_num(matrix[:, 1], nan=70) / 20
    label = (risk + rng.logistic(size=3000) > 1.5).astype(int)
    data = lightgbm.Dataset(matrix, label, feature_name=list(MODEL_FEATURES))
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 7, "verbosity": -1, "seed": 1, "num_threads": 1}, data, 40
    )
    text = booster.model_to_string()
    recipe = compile_recipe(Catalogue(project), MODEL_FEATURES)
    medians = dict(zip(MODEL_FEATURES, np.nanmedian(matrix, axis=0).tolist(), strict=True))
    parts: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": {"method": "logistic", "a": 1.0, "b": shift, **more},
        "grades.json": GRADES,
        "recipe.json": recipe.to_json(),
        "peers.json": {
            "column": "trade",
            "all": {"n": 3000, "median": medians},
            "groups": {"31": {"n": 500, "median": {**medians, "staff": 20.0}}},
        },
        "spec.json": {"name": "access_pd"},
        "card.json": {"model": "access_pd"},
    }
    files = {name: canonical_json(part).encode() for name, part in parts.items()} | {
        "model.txt": text.encode()
    }
    name = bundle_hash(files, "access_pd")
    write_bundle(project.store / "bundles" / name, files)
    champions = {"access_pd": {"bundle": name, "version": 1}}
    (project.store / "champions.json").write_text(json.dumps(champions), encoding="utf-8")
