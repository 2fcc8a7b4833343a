"""What does a one-click list check read, and which request does it assume? `configs/lookup.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from riskengine.decision.products import read_products
from riskengine.errors import Problem, UsageError, nearest
from riskengine.intake.contract import SourceContract
from riskengine.profile.units import unit_word
from riskengine.project import Project
from riskengine.schema import Definition, read_definition

Plain = StrictStr | StrictBool | StrictInt | StrictFloat


class Lists(Definition):
    """Where memberships stand: columns of one source of facts; `shown` are told too, `where` holds of a membership."""

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

    `apart`: rules that are left out where no institution is named, and told as left out. `applied`: rules about the
    application itself, left out always: nobody has applied, and the assumed request must not count as a second one.
    """

    id: str
    product: str
    institution: str = ""
    listed: str
    unlisted: str
    apart: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    assumed: dict[str, Plain]


class LookupRules(Definition):
    """`configs/lookup.toml`."""

    lists: Lists
    entry: Register = Field(alias="register")
    request: Assumed


def read_lookup(project: Project) -> LookupRules:
    """The project's `configs/lookup.toml`; a `UsageError` where there is none or it cannot be read."""
    path = project.configs / "lookup.toml"
    if not path.exists():
        hint = (
            "Without it use riskengine review 可改用 riskengine review; to declare one, name its lists, register and"
            " request in this file 如需查询，请在此文件中声明名单、登记信息与申请要素"
        )
        problem = Problem(str(path), "a TOML file", "no file", hint)
        raise UsageError("This project declares no list check 本项目未声明名单查询", [problem])
    return read_definition(LookupRules, path)


def problems(
    rules: LookupRules,
    contracts: Mapping[str, SourceContract],
    policy: Iterable[str],
    products: Sequence[str],
) -> list[Problem]:
    """What `lookup.toml` names that does not exist: sources, columns, rules (ids in `policy`) and products."""
    found: list[Problem] = []

    def named(place: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
        known = list(known)
        where = f"lookup.toml: {place}"
        found.extend(
            Problem(where, what, repr(name), nearest(name, known)) for name in names if name not in known
        )

    lists, entry, said = rules.lists, rules.entry, rules.request
    columns = (lists.enterprise, lists.type, lists.valid_to, *lists.shown, *lists.where)
    for place, source, asked in (
        ("lists", lists.source, columns),
        ("register", entry.source, (entry.enterprise, entry.name, *entry.fill.values())),
    ):
        named(f"{place}.source", [source], contracts, "a source")
        if source in contracts:
            has = [*contracts[source].columns, *contracts[source].derived]
            named(place, asked, has, f"a column of {source}")
    fed = [name for one in contracts.values() if one.fed_by_applicant for name in one.columns]
    institution = [said.institution] if said.institution else []
    request = (said.id, said.product, *institution, *said.assumed, entry.enterprise, *entry.fill)
    named("request", request, fed, "a column that an application brings")
    named("request.apart", (*said.apart, *said.applied), policy, "a rule of policy.toml")
    named("request", (said.listed, said.unlisted), products, "a product")
    return found


def request_of(project: Project, product: str, amount: float | None, institution: str) -> dict[str, Any]:
    """The request that a person names, under the application's own column names; what is not named is assumed.

    An unknown product is a `UsageError`.
    """
    said = read_lookup(project).request
    known = read_products(project.configs / "products.toml").ids
    if product and product not in known:
        raise UsageError(
            "No such product",
            [Problem("--product", ", ".join(known), repr(product), nearest(product, known))],
        )
    named = {said.product: product, "amount": amount, said.institution: institution}
    return {column: value for column, value in named.items() if column and value}


def request_words(request: Mapping[str, Any], contracts: Iterable[SourceContract]) -> dict[str, str]:
    """The request as people read it: each column's title, value and unit."""
    columns = {
        name: column for one in contracts if one.fed_by_applicant for name, column in one.columns.items()
    }
    told: dict[str, list[str]] = {"en": [], "zh": []}
    for name, value in request.items():
        column = columns[name]
        for language, parts in told.items():
            title = column.title.say(language) if column.title else name
            unit = unit_word(column.unit, language)
            parts.append(f"{title} {_value_words(value, language)} {unit}".rstrip())
    return {"en": ", ".join(told["en"]), "zh": "，".join(told["zh"])}


def _value_words(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return {"en": ("no", "yes"), "zh": ("否", "是")}[language][value]
    return f"{value:,.12g}" if isinstance(value, int | float) else str(value)
