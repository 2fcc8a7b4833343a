"""How near is the synthetic province to the seeds, and how well did the engine find out who is meant? Reads the truth.

    python examples/province/measure.py [FOLDER]

Run it after `make demo-province`. It is the only thing outside the tests that reads `truth/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
COURTS = ("court_exec", "court_dishonest", "court_limit", "court_final", "court_freeze", "court_case")
SEEDS = """
select * from (values
  (1, 'guarantee fee, mean', '0.62 %', (select format('{:.2f} %', 100 * avg(fee)) from deals where approved)),
  (2, 'loan rate, mean', '4.47 %', (select format('{:.2f} %', 100 * avg(rate)) from deals where approved)),
  (3, 'small or agricultural', 'above 99 %', (select format('{:.2f} %', 100 * avg((size < 2 or agricultural)::int)) from enterprises)),
  (4, 'in force on the last day, of enterprises served', '22 % (150,000 of 667,100)',
      (select format('{:.1f} %', 100.0 * count(*) / (select count(*) from enterprises)) from deals where approved and released is null)),
  (5, 'compensated over released, by amount, all years', '0.8-2.1 % a year',
      (select format('{:.2f} %', 100 * sum(claim) / sum(amount * 0.8)) from deals where released is not null)),
  (6, 'banks', '117', (select count(distinct bank)::varchar from deals)),
  (7, 'institutions', '60', (select count(distinct institution)::varchar from deals)),
  (8, 'cities', '16', (select count(distinct region6[:4])::varchar from enterprises))
) t(n, what, seed, here) order by n"""
YEARS = """
select year(released) as year, count(*) as released, count(compensated) as compensated,
       format('{:.2f} %', 100 * sum(claim) / sum(amount * 0.8)) as rate_by_amount
from deals where released is not null group by year order by year"""
PRODUCTS = """
select product, count(*) as guarantees, round(avg(amount) / 10000, 1) as mean_wan
from deals where approved group by product order by product"""


def main() -> int:
    """Print the tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "province"
    with duckdb.connect() as connection:
        for name in ("deals", "enterprises", "faults"):
            connection.execute(f"create view {name} as select * from '{folder}/truth/{name}.parquet'")
        for title, query in (
            ("Seeds against this province", SEEDS),
            ("By year of release", YEARS),
            ("By product", PRODUCTS),
        ):
            _show(connection, title, query)
        _show(
            connection, "Court rows without a sound code: who did the engine say it was?", _identity(folder)
        )
    return 0


def _identity(folder: Path) -> str:
    """Name-only, masked and legacy-code rows of the courts, each with the engine's latest word and the truth."""
    parts = []
    for source in COURTS:
        files = _current(folder, source)
        if files:
            parts.append(
                f"select '{source}' as source, f.kind, any_value(e.uscc) as truth,"
                f" max_by(i.uscc, (i.known_at, i.batch)) as said from faults f"
                f" join enterprises e using (enterprise)"
                f" join read_parquet('{files}') i on starts_with(translate(f.key, '（）', '()'), i.case_no)"
                f" where f.source = '{source}' and f.kind in ('name_only', 'legacy_code', 'masked') group by f.kind, f.key"
            )
    return f"""
        select kind, count(*) as rows, count(*) filter (said = truth) as right,
               count(*) filter (length(said) = 18 and said <> truth) as wrong,
               count(*) filter (said is null or length(said) <> 18) as left_open
        from ({" union all ".join(parts)}) group by kind order by kind"""


def _current(folder: Path, source: str) -> str:
    """The source's index file of the current snapshot."""
    from riskengine.store import snapshot

    paths = snapshot.read(folder / "store").paths(source)
    return paths[0] if paths else ""


def _show(connection: duckdb.DuckDBPyConnection, title: str, query: str) -> None:
    result = connection.execute(query)
    heads = [column[0] for column in result.description or ()]
    rows = [heads, *[[str(value) for value in row] for row in result.fetchall()]]
    wide = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    print(f"\n{title} (SYNTHETIC 合成数据)")
    for row in rows:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
