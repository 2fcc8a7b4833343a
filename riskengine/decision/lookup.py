"""Which lists is an enterprise on, on which terms could it be guaranteed, and what does pre-review say? One-click 一键查.

The answer rests on the same path as a review: the enterprise's code becomes an application with the request of
`configs/lookup.toml`, decided as of the day. Answers are kept under the hash of all they rest on (snapshot, model, rules,
products, engine, day, request), so a kept answer is the one that would be computed; `refresh` keeps those of all list members.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from riskengine.decision.applicants import applicants_of_rows
from riskengine.decision.desk import Desk, current_desk
from riskengine.decision.progress import Progress
from riskengine.decision.review import decide
from riskengine.decision.words import next_lines
from riskengine.errors import Problem, UsageError, nearest
from riskengine.intake.codes import check_credit_code
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.schema import Definition, canonical_json, file_sha256, fingerprint, read_definition

Plain = StrictStr | StrictBool | StrictInt | StrictFloat
_VISIBLE = "known_at <= $day AND event_date <= $day AND (superseded_at IS NULL OR superseded_at > $day) AND NOT removed"


class Lists(Definition):
    """Where memberships stand: columns of one source of facts."""

    source: str
    enterprise: str
    type: str
    valid_to: str
    shown: tuple[str, ...]
    where: dict[str, StrictStr] = Field(default_factory=dict)


class Register(Definition):
    """Which columns of the register an application would repeat; `name` is the enterprise's name."""

    source: str
    enterprise: str
    name: str
    fill: dict[str, StrictStr]


class Assumed(Definition):
    """The request that is looked at where nobody has applied; `id`, `product` and `institution` name its columns.

    `apart`: rules that are left out where no institution is named, and told as left out.
    """

    id: str
    product: str
    institution: str = ""
    listed: str
    unlisted: str
    apart: tuple[str, ...] = ()
    assumed: dict[str, Plain]


class LookupRules(Definition):
    """`configs/lookup.toml`."""

    lists: Lists
    entry: Register = Field(alias="register")
    request: Assumed


@dataclass(frozen=True)
class Basis:
    """What answers rest on, and the name under which they are kept."""

    desk: Desk
    rules: LookupRules
    as_of: date
    request: Mapping[str, Any]
    stamp: str

    @property
    def apart(self) -> tuple[str, ...]:
        """The rules left out because nobody named the institution."""
        said = self.rules.request
        return () if said.institution in self.request else said.apart

    @property
    def deciding(self) -> Desk:
        """The desk without the rules left out."""
        policy = self.desk.policy
        rules = tuple(rule for rule in policy.rules if rule.id not in self.apart)
        return replace(self.desk, policy=policy.model_copy(update={"rules": rules}))

    @property
    def name(self) -> str:
        """The hash of everything an answer depends on besides the code."""
        rules = self.rules.model_dump(mode="json")
        return fingerprint(
            {
                "basis": self.desk.basis,
                "as_of": str(self.as_of),
                "request": dict(self.request),
                "rules": rules,
            }
        )


class Lookup:
    """Answers about enterprises as of one day; keep it open to be asked again at once."""

    def __init__(self, project: Project, as_of: date, request: Mapping[str, Any] | None = None) -> None:
        self._project, self._as_of = project, as_of
        self._asked = dict(request or {})
        self._basis: Basis | None = None
        path = project.store / "lookup.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(path, timeout=30)
        self._kept.execute("PRAGMA journal_mode=WAL")
        self._kept.execute(
            "CREATE TABLE IF NOT EXISTS answers (basis TEXT, code TEXT, answer TEXT, PRIMARY KEY (basis, code)) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Close the kept answers."""
        self._kept.close()

    def answers(self, codes: Sequence[str]) -> list[dict[str, Any]]:
        """One answer for each code, in order: `state` is "found", "unknown enterprise" or "not a code"."""
        basis = self._current()
        checked = [check_credit_code(code) for code in codes]
        asked = list(dict.fromkeys(one.code for one in checked if one.valid))
        known = self._read(basis, asked)
        fresh = [code for code in asked if code not in known]
        if fresh:
            known |= self._computed(basis, fresh)
        return [
            {**known[one.code]} if one.valid else _refused(text, one, self._as_of)
            for text, one in zip(codes, checked, strict=True)
        ]

    def refresh(self) -> int:
        """Keep the answers of every member of a list on the day; returns how many there are."""
        basis = self._current()
        with Workbench(basis.desk.snapshot) as bench:
            lists = basis.rules.lists
            found = bench.connection.execute(
                f"""SELECT DISTINCT "{lists.enterprise}" FROM {_facts(bench, lists.source)} WHERE {_VISIBLE}
                AND "{lists.enterprise}" IS NOT NULL AND "{lists.valid_to}" >= $day ORDER BY 1""",
                {"day": self._as_of},
            ).fetchall()
        return len(self.answers([row[0] for row in found]))

    def _current(self) -> Basis:
        """The basis of now: read again only where a definition, the champion or the snapshot has changed."""
        stamp = _stamp(self._project)
        if self._basis is None or self._basis.stamp != stamp:
            rules = read_definition(LookupRules, self._project.configs / "lookup.toml")
            request = {**rules.request.assumed, **self._asked}
            self._basis = Basis(current_desk(self._project), rules, self._as_of, request, stamp)
        return self._basis

    def _read(self, basis: Basis, codes: Sequence[str]) -> dict[str, dict[str, Any]]:
        name = basis.name
        found: dict[str, dict[str, Any]] = {}
        for code in codes:
            row = self._kept.execute(
                "SELECT answer FROM answers WHERE basis = ? AND code = ?", (name, code)
            ).fetchone()
            if row:
                found[code] = json.loads(row[0])
        return found

    def _computed(self, basis: Basis, codes: Sequence[str]) -> dict[str, dict[str, Any]]:
        with Workbench(basis.desk.snapshot) as bench:
            made = _answers(self._project, basis, bench, codes)
        name = basis.name
        rows = [(name, code, canonical_json(answer)) for code, answer in made.items()]
        with self._kept:
            self._kept.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
        return {code: json.loads(text) for _, code, text in rows}  # as they will be read again


def request_of(project: Project, product: str, amount: float | None, institution: str) -> dict[str, Any]:
    """The request that a person names, under the application's own column names; what is not named is assumed.

    An unknown product is a `UsageError`.
    """
    from riskengine.decision.products import read_products

    said = read_definition(LookupRules, project.configs / "lookup.toml").request
    known = read_products(project.configs / "products.toml").ids
    if product and product not in known:
        raise UsageError(
            "No such product",
            [Problem("--product", ", ".join(known), repr(product), nearest(product, known))],
        )
    named = {said.product: product, "amount": amount, said.institution: institution}
    return {column: value for column, value in named.items() if column and value}


def _answers(
    project: Project, basis: Basis, bench: Workbench, codes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    lists, register = basis.rules.lists, basis.rules.entry
    members = _memberships(bench, lists, codes, basis.as_of)
    entries = _entries(bench, register, codes, basis.as_of)
    found = {code: _unknown(code, basis.as_of) for code in codes if code not in entries}
    there = [code for code in codes if code in entries]
    rows = [
        _row(basis, code, entries[code], any(one["valid"] for one in members.get(code, ()))) for code in there
    ]
    if not rows:
        return found
    applicants = applicants_of_rows(project, rows, basis.as_of)
    decided = decide(basis.deciding, bench, applicants, Progress())
    for code, output in zip(there, decided, strict=True):
        found[code] = {
            "code": code,
            "state": "found",
            "name": entries[code][register.name],
            "lists": members.get(code, []),
            **_offer(output),
            "decision": output["decision"],
            "known": _by_what_is_known(output),
            "reasons": {lang: _reasons(output, lang) for lang in ("en", "zh")},
            "missing": {lang: _missing(output, lang) for lang in ("en", "zh")},
            "next": {lang: next_lines(output, lang) for lang in ("en", "zh")},
            "apart": list(basis.apart),
            "request": dict(basis.request),
            "refreshed": str(basis.as_of),
        }
    return found


def _by_what_is_known(output: Mapping[str, Any]) -> str:
    """What the rules that were hit and the model's grade lead to, whatever is missing: no decision, a first sorting."""
    policy, model = output["policy"], output["model"]
    if policy is None or model is None:
        return "insufficient data"
    outcomes = [model["outcome"], "decline" if policy["knock_outs"] else "pass"]
    outcomes.append("refer" if policy["referrals"] or policy["caps"] else "pass")
    return next((one for one in ("decline", "refer") if one in outcomes), "pass")


def _reasons(output: Mapping[str, Any], language: str) -> list[str]:
    """The rules that were hit, then the model's adverse reasons."""
    policy = output["policy"] or {}
    hit = [item for kind in ("knock_outs", "referrals", "caps") for item in policy.get(kind, ())]
    told = [f"{item['rule']} {item['title'][language]}" for item in hit]
    return [*told, *(item["words"][language] for item in output["reasons"]["adverse"][:2])]


def _missing(output: Mapping[str, Any], language: str) -> list[str]:
    """The rules that cannot be said, each with what is missing."""
    found = []
    for item in (output["policy"] or {}).get("not_evaluable", ()):
        names = ", ".join(one[language] for one in item["missing"])
        found.append(f"{item['rule']} {item['title'][language]}: {names}")
    return found


def _offer(output: Mapping[str, Any]) -> dict[str, Any]:
    """Product, tier, the Fund's share, the product's cap and what could be guaranteed; None where unknown."""
    amount = output["amount"] or {}
    caps = {cap["cap"]: cap["amount"] for cap in amount.get("caps", ())}
    return {
        "product": (output["offer"] or {}).get("product"),
        "tier": amount.get("tier") or None,
        "fund_share": amount.get("shares", {}).get("fund"),
        "cap": caps.get("product"),
        "suggested": amount.get("suggested"),
        "binding": amount.get("binding", []),
        "pd": (output["model"] or {}).get("pd"),
        "grade": (output["model"] or {}).get("grade"),
    }


def _row(basis: Basis, code: str, entry: Mapping[str, Any], listed: bool) -> dict[str, Any]:
    """The application that would be decided: the request, and what the register says."""
    said = basis.rules.request
    fill = {column: entry[source] for column, source in basis.rules.entry.fill.items()}
    product = basis.request.get(said.product) or (said.listed if listed else said.unlisted)
    row = {
        said.id: f"LOOKUP-{code}", basis.rules.entry.enterprise: code, **fill, **basis.request, said.product: product
    }  # fmt: skip
    return {name: None if value is None else str(value) for name, value in row.items()}


def _memberships(
    bench: Workbench, lists: Lists, codes: Sequence[str], day: date
) -> dict[str, list[dict[str, Any]]]:
    """The lists that an enterprise is on as known on the day, and of other types the last it was on; longest valid first."""
    shown = ", ".join(f'"{column}"' for column in lists.shown)
    where = "".join(
        f""" AND "{column}" = '{value.replace("'", "''")}'""" for column, value in lists.where.items()
    )
    rows = bench.connection.execute(
        f"""SELECT "{lists.enterprise}", "{lists.valid_to}" >= $day, {shown} FROM {_facts(bench, lists.source)}
        WHERE {_VISIBLE}{where} AND "{lists.enterprise}" IN (SELECT unnest($codes))
        WINDOW latest AS (PARTITION BY "{lists.enterprise}", "{lists.type}" ORDER BY "{lists.valid_to}" DESC, fact_rank DESC)
        QUALIFY "{lists.valid_to}" >= $day OR row_number() OVER latest = 1
        ORDER BY 1, "{lists.valid_to}" DESC NULLS LAST, "{lists.type}" """,
        {"day": day, "codes": list(codes)},
    ).fetchall()
    found: dict[str, list[dict[str, Any]]] = {}
    for code, valid, *values in rows:
        told = {column: _plain(value) for column, value in zip(lists.shown, values, strict=True)}
        found.setdefault(code, []).append({**told, "valid": bool(valid)})
    return found


def _entries(
    bench: Workbench, register: Register, codes: Sequence[str], day: date
) -> dict[str, dict[str, Any]]:
    """The register's latest entry of each enterprise that is known on the day."""
    columns = list(dict.fromkeys([register.name, *register.fill.values()]))
    shown = ", ".join(f'"{column}"' for column in columns)
    rows = bench.connection.execute(
        f"""SELECT "{register.enterprise}", {shown} FROM {_facts(bench, register.source)}
        WHERE {_VISIBLE} AND "{register.enterprise}" IN (SELECT unnest($codes))
        QUALIFY row_number() OVER (PARTITION BY "{register.enterprise}" ORDER BY fact_rank DESC) = 1""",
        {"day": day, "codes": list(codes)},
    ).fetchall()
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


def _facts(bench: Workbench, source: str) -> str:
    files = bench.facts(source)
    if not files:
        problem = Problem(
            f"source {source}", "at least one batch", "none", f"Run riskengine intake {source} FILE"
        )
        raise UsageError("Nothing has been taken in", [problem])
    return files


def _unknown(code: str, as_of: date) -> dict[str, Any]:
    return {"code": code, "state": "unknown enterprise", "name": None, "lists": [], "refreshed": str(as_of)}


def _refused(text: str, checked: Any, as_of: date) -> dict[str, Any]:
    return {
        "code": text, "state": "not a code", "name": None, "lists": [], "refreshed": str(as_of),
        "faults": list(checked.invalid), "suggestion": checked.suggestion,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _stamp(project: Project) -> str:
    """A hash of the small files that say what a decision rests on."""
    files: Iterable[Path] = (
        *(project.configs / name for name in ("policy.toml", "products.toml", "sizes.toml", "lookup.toml")),
        project.store / "CURRENT",
        project.store / "champions.json",
    )
    return fingerprint([[path.name, file_sha256(path)] for path in files if path.exists()])
