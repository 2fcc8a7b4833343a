"""Which lists is an enterprise on, on which terms could it be guaranteed, and what does pre-review say? One-click 一键查.

The answer rests on the same path as a review: the enterprise's code becomes an application with the request of
`configs/lookup.toml`, decided as of the day. Answers are kept under the hash of all they rest on (snapshot, model, every
definition, engine, day, request), so a kept answer is the one that would be computed; `refresh` keeps those of all members
of a list and forgets those that rest on anything else.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from riskengine.decision.applicants import Form, applicants_of_rows
from riskengine.decision.desk import Desk
from riskengine.decision.lookup_rules import (
    Lists,
    LookupRules,
    Register,
    problems,
    read_lookup,
    request_words,
)
from riskengine.decision.open_desk import OpenDesk, State, state_of_files
from riskengine.decision.progress import Progress
from riskengine.decision.review import decide, uncollected
from riskengine.decision.words import next_lines
from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.intake.codes import check_credit_code
from riskengine.intake.contract import read_contracts
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.schema import canonical_json, file_sha256, fingerprint

_FEW = 100  # codes of which only their own files are read
_AT_ONCE = 10_000  # codes computed in one query
_VISIBLE = "known_at <= $day AND event_date <= $day AND (superseded_at IS NULL OR superseded_at > $day) AND NOT removed"


@dataclass(frozen=True)
class Basis:
    """What answers rest on, and the name under which they are kept."""

    desk: Desk
    rules: LookupRules
    as_of: date
    request: Mapping[str, Any]
    stamp: str  # of the files that hold definitions and point to facts and model

    @property
    def apart(self) -> tuple[str, ...]:
        """The rules left out because nobody named the institution."""
        said = self.rules.request
        return () if said.institution in self.request else said.apart

    @cached_property
    def deciding(self) -> Desk:
        """The desk without the rules left out."""
        policy = self.desk.policy
        left_out = {*self.apart, *self.rules.request.applied}
        rules = tuple(rule for rule in policy.rules if rule.id not in left_out)
        return replace(self.desk, policy=policy.model_copy(update={"rules": rules}))

    @property
    def name(self) -> str:
        """The hash of everything an answer depends on besides the code."""
        request = dict(self.request)
        return fingerprint([self.desk.basis, _engine(), self.stamp, str(self.as_of), request])


class Lookup:
    """Answers about enterprises as of one day; keep it open to be asked again at once."""

    def __init__(self, project: Project, as_of: date, request: Mapping[str, Any] | None = None) -> None:
        self._project, self._as_of = project, as_of
        self._asked = dict(request or {})
        self._basis: Basis | None = None
        self._open = OpenDesk(project)
        self._state: State = ()
        self._kept = _kept_answers(project.store / "lookup.sqlite")

    def close(self) -> None:
        """Close the kept answers and the desk."""
        self._open.close()
        self._kept.close()

    def answers(self, codes: Sequence[str]) -> list[dict[str, Any]]:
        """One answer for each code, in order: `state` is "found", "unknown enterprise" or "not a code"."""
        basis = self._current()
        checked = [check_credit_code(code) for code in codes]
        asked = list(dict.fromkeys(one.code for one in checked if one.valid))
        with uncollected():
            known = self._read(basis, asked)
            fresh = [code for code in asked if code not in known]
            for start in range(0, len(fresh), _AT_ONCE):
                known |= self._computed(basis, fresh[start : start + _AT_ONCE])
        return [
            {**known[one.code]} if one.valid else _refused(text, one, self._as_of)
            for text, one in zip(codes, checked, strict=True)
        ]

    def refresh(self, everybody: bool = False) -> int:
        """Keep the answers of every list member on the day (`everybody`: of the whole register); returns how many.

        What was kept on another basis is forgotten.
        """
        basis = self._current()
        lists, entry = basis.rules.lists, basis.rules.entry
        source, column = (entry.source, entry.enterprise) if everybody else (lists.source, lists.enterprise)
        more = "" if everybody else f"""{_listed(lists)} AND "{lists.valid_to}" >= $day"""
        with Workbench(basis.desk.snapshot) as bench:
            found = bench.connection.execute(
                f"""SELECT DISTINCT "{column}" FROM {_facts(bench, source)} WHERE {_VISIBLE}{more}
                AND "{column}" IS NOT NULL ORDER BY 1""",
                {"day": self._as_of},
            ).fetchall()
        with self._kept:
            self._kept.execute("DELETE FROM answers WHERE basis <> ?", (basis.name,))
        self.answers([row[0] for row in found])
        return len(found)

    def _current(self) -> Basis:
        """The basis of now: read again only where a definition, the champion or the snapshot has changed."""
        state = state_of_files(self._project)
        if self._basis is not None and state == self._state:
            return self._basis
        stamp = _stamp(self._project)
        if self._basis is None or self._basis.stamp != stamp:
            rules = read_lookup(self._project)
            desk = self._open.desk
            contracts = read_contracts(self._project)
            ids = [rule.id for rule in desk.policy.rules]
            if wrong := problems(rules, contracts, ids, desk.products.ids):
                raise UsageError("lookup.toml does not fit the other definitions", wrong)
            request = {**rules.request.assumed, **self._asked}
            self._basis = Basis(desk, rules, self._as_of, request, stamp)
            self._words = request_words(request, contracts.values())
        self._state = state
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
        form = self._open.form
        if len(codes) == 1:
            made = _answers((self._project, form), basis, self._open.bench(basis.desk.snapshot), codes)
        else:
            with Workbench(basis.desk.snapshot) as bench:
                made = _answers((self._project, form), basis, bench, codes)
        made = {code: {**one, "assumed": self._words} for code, one in made.items()}
        name = basis.name
        rows = [(name, code, canonical_json(answer)) for code, answer in made.items()]
        with self._kept:
            self._kept.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
        return {code: json.loads(text) for _, code, text in rows}  # as they will be read again


def _answers(
    asked: tuple[Project, Form], basis: Basis, bench: Workbench, codes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    project, form = asked
    lists, register = basis.rules.lists, basis.rules.entry
    members = _memberships(bench, lists, codes, basis.as_of)
    entries = _entries(bench, register, codes, basis.as_of)
    found = {
        code: _unknown(code, members.get(code, []), basis.as_of) for code in codes if code not in entries
    }
    there = [code for code in codes if code in entries]
    rows = [
        _row(basis, code, entries[code], any(one["valid"] for one in members.get(code, ()))) for code in there
    ]
    if not rows:
        return found
    applicants = applicants_of_rows(project, rows, basis.as_of, form=form)
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
            "applied": list(basis.rules.request.applied),
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
    """The rules that were hit as a review says them (caps by title), then the model's adverse reasons."""
    policy = output["policy"] or {}
    said = (("knock_outs", "words"), ("referrals", "words"), ("caps", "title"))
    told = [f"{item['rule']} {item[text][language]}" for kind, text in said for item in policy.get(kind, ())]
    return [*told, *(item["words"][language] for item in output["reasons"]["adverse"][:2])]


def _missing(output: Mapping[str, Any], language: str) -> list[str]:
    """The rules that cannot be said, each as a question, with what is missing to answer it."""
    found, mark = [], {"en": "?", "zh": "？"}[language]
    for item in (output["policy"] or {}).get("not_evaluable", ()):
        names = ", ".join(one[language] for one in item["missing"])
        found.append(f"{item['rule']} {item['words'][language].rstrip('?？')}{mark} {names}")
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
    shown = ", ".join(f'"{column}"' for column in (lists.type, lists.valid_to, *lists.shown))
    rows = bench.connection.execute(
        f"""SELECT "{lists.enterprise}", "{lists.valid_to}" >= $day, {shown} FROM {_facts(bench, lists.source, lists.enterprise, codes)}
        WHERE {_VISIBLE}{_listed(lists)} AND "{lists.enterprise}" IN (SELECT unnest($codes))
        WINDOW latest AS (PARTITION BY "{lists.enterprise}", "{lists.type}" ORDER BY "{lists.valid_to}" DESC, fact_rank DESC)
        QUALIFY "{lists.valid_to}" >= $day OR row_number() OVER latest = 1
        ORDER BY 1, "{lists.valid_to}" DESC NULLS LAST, "{lists.type}" """,
        {"day": day, "codes": list(codes)},
    ).fetchall()
    found: dict[str, list[dict[str, Any]]] = {}
    for code, valid, kind, until, *values in rows:
        told = {column: _plain(value) for column, value in zip(lists.shown, values, strict=True)}
        one = {"list": kind, "until": _plain(until), "valid": bool(valid), "entry": told}
        found.setdefault(code, []).append(one)
    return found


def _listed(lists: Lists) -> str:
    """What else holds of a membership, as SQL."""
    return "".join(
        f""" AND "{column}" = '{value.replace("'", "''")}'""" for column, value in lists.where.items()
    )


def _entries(
    bench: Workbench, register: Register, codes: Sequence[str], day: date
) -> dict[str, dict[str, Any]]:
    """The register's latest entry of each enterprise that is known on the day."""
    columns = list(dict.fromkeys([register.name, *register.fill.values()]))
    shown = ", ".join(f'"{column}"' for column in columns)
    rows = bench.connection.execute(
        f"""SELECT "{register.enterprise}", {shown} FROM {_facts(bench, register.source, register.enterprise, codes)}
        WHERE {_VISIBLE} AND "{register.enterprise}" IN (SELECT unnest($codes))
        QUALIFY row_number() OVER (PARTITION BY "{register.enterprise}" ORDER BY fact_rank DESC) = 1""",
        {"day": day, "codes": list(codes)},
    ).fetchall()
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


def _facts(bench: Workbench, source: str, column: str = "", codes: Sequence[str] = ()) -> str:
    """A source's facts; with `codes` of its cluster column only the files that may hold them."""
    facts = bench.snapshot.sources.get(source)
    few = facts is not None and column and facts.cluster == column and len(codes) <= _FEW
    files = bench.holding(source, column, codes) or bench.facts(source) if few else bench.facts(source)
    if not files:
        problem = Problem(
            f"source {source}", "at least one batch", "none", f"Run riskengine intake {source} FILE"
        )
        raise UsageError("Nothing has been taken in", [problem])
    return files


def _unknown(code: str, lists: list[dict[str, Any]], as_of: date) -> dict[str, Any]:
    """The answer about an enterprise that the register does not know; a list may still name it."""
    return {
        "code": code,
        "state": "unknown enterprise",
        "name": None,
        "lists": lists,
        "refreshed": str(as_of),
    }


def _refused(text: str, checked: Any, as_of: date) -> dict[str, Any]:
    return {
        "code": text, "state": "not a code", "name": None, "lists": [], "refreshed": str(as_of),
        "faults": list(checked.invalid), "suggestion": checked.suggestion,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _kept_answers(path: Path) -> sqlite3.Connection:
    """The kept answers, opened; a file that is no database is an `IntegrityError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = sqlite3.connect(path, timeout=30)
    try:
        kept.execute("PRAGMA journal_mode=WAL")
        kept.execute(
            "CREATE TABLE IF NOT EXISTS answers (basis TEXT, code TEXT, answer TEXT, PRIMARY KEY (basis, code)) WITHOUT ROWID"
        )
    except sqlite3.DatabaseError as error:
        kept.close()
        hint = "Remove it: its answers are computed again"
        problem = Problem(str(path), "kept answers that can be opened and written", str(error), hint)
        raise IntegrityError("The kept answers cannot be used", [problem]) from None
    return kept


@cache
def _engine() -> str:
    """The hash of the code that cleans a request and computes a profile; the desk names the code that decides."""
    rooms = [Path(__file__).parents[1] / name for name in ("intake", "profile")]
    return fingerprint(
        {f"{path.parent.name}/{path.name}": file_sha256(path) for room in rooms for path in room.glob("*.py")}
    )


def _stamp(project: Project) -> str:
    """A hash of the files that say what a decision rests on: definitions, the current snapshot, the champions."""
    names = ("policy", "products", "sizes", "lookup", "subjects", "environment")
    files = (
        *(project.configs / f"{name}.toml" for name in names),
        *project.definition_files("configs/sources", ".toml"),
        *project.definition_files("features", ".py"),
        project.store / "CURRENT",
        project.store / "champions.json",
    )
    return fingerprint([[path.name, file_sha256(path)] for path in files if path.exists()])
