"""1.1 million invoices of 425 small enterprises (CUMCM 2020 C): is every row accounted for, and what do they tell?"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chinese_sets import (
    SHARED,
    Delivery,
    arrivals,
    bundled,
    candidate,
    copied,
    delivered,
    fold_of,
    interval_of_repeats,
    learned_rows,
    out_of_fold,
    scored,
    told,
)

from riskengine.errors import QualityGateError
from riskengine.intake.load import Receipt, take_in
from riskengine.learning.samples import labelled_rows, model_spec, training_period
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.store import snapshot

NAME = "cumcm2020c_sme_invoices"
TABLES = SHARED / NAME
pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="the shared data is not beside the checkout")
RATING = """from riskengine.profile import code, latest

rating = code(latest("enterprises.信誉评级", by="enterprise"), {"A": 1, "B": 2, "C": 3, "D": 4}).named("Rating", "信誉评级")
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Receipt]]:
    """The 123 enterprises whose outcome is known, with their 373,431 invoices."""
    project = copied(NAME, tmp_path_factory.mktemp("cumcm") / "p")
    receipts = delivered(NAME, project, Delivery(TABLES, project.inbox))
    return project, {receipt.source: receipt for receipt in receipts}


def published(table: str) -> pd.DataFrame:
    rows = pd.read_parquet(TABLES / f"{table}.parquet")
    return rows.assign(发票状态=rows["发票状态"].str.strip()).drop_duplicates()


def test_void_reversed_and_repeated_invoices_are_told_apart(bank: tuple[Project, dict[str, Receipt]]) -> None:
    """Against plain sums over the published rows."""
    project, receipts = bank
    sales = published("credit_output_invoice")
    raw = len(pd.read_parquet(TABLES / "credit_output_invoice.parquet"))
    unbalanced = ((sales["金额"] + sales["税额"] - sales["价税合计"]).abs() > 1).sum()
    assert (receipts["sales"].rows_in, receipts["sales"].duplicates) == (raw, raw - len(sales))
    assert receipts["sales"].quarantined == unbalanced
    assert receipts["purchases"].quarantine_by_rule == {"net_and_tax_make_gross": 2}
    rows = learned_rows(NAME, project).rows.set_index("id").sort_index()
    assert len(rows) == 123
    assert int(rows["label"].sum()) == 27
    valid = sales[sales["发票状态"] == "有效发票"]
    void = 1 - valid.groupby("企业代号").size() / sales.groupby("企业代号").size()
    assert rows["void_share"].to_numpy() == pytest.approx(void.reindex(rows.index, fill_value=1).to_numpy())
    year = valid[(valid["开票日期"] > "2019-02-28") & (valid["开票日期"] <= "2020-02-29")]
    net = year.groupby("企业代号")["金额"].sum().reindex(rows.index, fill_value=0).clip(lower=0)
    assert (rows["sales_12m"].rpow(2.718281828459045) - 1).to_numpy() == pytest.approx(
        net.to_numpy(), abs=0.02
    )


def test_invoices_rank_the_defaults_and_the_width_is_said(bank: tuple[Project, dict[str, Receipt]]) -> None:
    project, _ = bank
    taken = learned_rows(NAME, project)
    label = taken.rows["label"].to_numpy()
    repeats = [(out_of_fold(taken, seed=seed).score, fold_of(taken, seed=seed)) for seed in range(10)]
    print()
    found = told("cumcm, 10 times 5 folds by enterprise", interval_of_repeats(label, repeats), label)
    assert found.low > 0.65
    assert found.high < 0.99
    assert found.high - found.low > 0.08, "27 defaults cannot say it more exactly"
    assert candidate(NAME, project, taken).events == 27


def test_the_rating_is_caught_when_it_is_taken_in(bank: tuple[Project, dict[str, Receipt]]) -> None:
    """The bank's rating D is the default: whoever takes it in on purpose is refused by the audit."""
    project, _ = bank
    contract = project.configs / "sources" / "enterprises.toml"
    before = contract.read_text(encoding="utf-8")
    column = '\n[columns."信誉评级"]\ntype = "text"\ntitle = { en = "Rating", zh = "信誉评级" }\n'
    feature = project.root / "features" / "rating.py"
    inbox = project.inbox / "rated"
    inbox.mkdir(parents=True)
    rated = pd.read_parquet(TABLES / "credit_enterprise.parquet")[["企业代号", "信誉评级"]]
    rated.to_parquet(inbox / "2020-02-29.parquet")
    contract.write_text(before + column, encoding="utf-8")
    feature.write_text(RATING, encoding="utf-8")
    try:
        take_in(project, "enterprises", [inbox / "2020-02-29.parquet"], date(2020, 2, 29))
        spec = model_spec(Catalogue(project), "sme_default")
        spec = spec.model_copy(update={"features": (*spec.features, "rating")})
        period = training_period(spec, arrivals(NAME).TRAINED)
        taken = labelled_rows(project, spec, snapshot.read(project.store), period)
        assert len(taken.rows) == 123
        with pytest.raises(QualityGateError, match="rating: expected an AUC alone") as refusal:
            candidate(NAME, project, taken)
        assert [problem.where for problem in refusal.value.problems] == ["rating"]
        print(f"\ncumcm with the rating: {refusal.value.problems[0].got} alone, refused")
    finally:
        contract.write_text(before, encoding="utf-8")
        feature.unlink()


@pytest.mark.long
def test_all_invoices_are_taken_in_and_enterprises_without_an_outcome_are_scored(tmp_path: Path) -> None:
    known = copied(NAME, tmp_path / "known")
    receipts = delivered(NAME, known, Delivery(TABLES, known.inbox))
    bundle = bundled(candidate(NAME, known, learned_rows(NAME, known)), tmp_path / "bundle")
    everyone = copied(NAME, tmp_path / "all")
    receipts = delivered(NAME, everyone, Delivery(TABLES, everyone.inbox, labelled=False))
    invoices = {receipt.source: receipt for receipt in receipts if receipt.source != "enterprises"}
    assert sum(receipt.rows_in for receipt in invoices.values()) == 1_099_441
    for source, tables in (("sales", "output"), ("purchases", "input")):
        plain = sum(len(published(f"{kind}_{tables}_invoice")) for kind in ("credit", "nocredit"))
        assert invoices[source].accepted + invoices[source].quarantined == plain
        assert invoices[source].quarantined <= 4
    found = scored(NAME, everyone, bundle).set_index("id")
    assert len(found) == 425
    without = found.loc[pd.read_parquet(TABLES / "nocredit_enterprise.parquet")["企业代号"]]
    assert len(without) == 302
    assert without["pd"].between(0, 1).all()
    assert without["pd"].nunique() > 50
    print(
        f"\ncumcm: {len(without)} enterprises without an outcome scored, mean PD {without['pd'].mean():.3f}"
    )
    again = scored(NAME, known, bundle).set_index("id")
    assert (found.loc[again.index, "pd"] == again["pd"]).all(), "who else is there changes nobody's score"
