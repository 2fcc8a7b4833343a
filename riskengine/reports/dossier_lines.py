"""How do a dossier and the evidence of a number read in a terminal?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.profile.units import unit_word
from riskengine.reports.dossier import Dossier
from riskengine.reports.dossier_words import WORDS, amount, shown_value
from riskengine.reports.wording import percent

_TOLD = 12


def lines(found: Dossier, language: str) -> list[str]:
    """The dossier in short: who, PD and why, money, signals, the newest of the timeline, and how to go on."""
    tongue = "zh" if language == "zh" else "en"
    words, d = WORDS[tongue], found.sections
    currency = unit_word(d["currency"], tongue)
    said = [f"{d['who']['name']}  {d['enterprise']}  {words['as of']} {found.as_of}"]
    said += [str(d["warning"][tongue])] if d["warning"] else []
    for one in d["guarantees"]:
        if not one["contract"]["in_force"]:
            continue
        rating, value = one["rating"], one["value"] or {}
        if rating is None:
            said.append(f"{one['id']}: {words['no model']}")
            continue
        now = one["used"]
        said.append(
            f"{one['id']}: {words['pd']} {percent(now['pd_used'])}, {words['grade']} {now['grade_used']}, {words['loss']} {amount(now['loss_used'])} {currency}"
        )
        if now["raised"]:
            said.append(
                f"    {words['floor']} {now['floor']} {now['title'][tongue]}; {words['model']} {percent(rating['pd'])}, {words['grade']} {rating['grade']}, {words['loss']} {amount(value.get('expected_loss'))} {currency}"
            )
        said += [words["later"].format(later=rating["later"], day=found.as_of)] if rating["later"] else []
        said += [f"    + {each['words'][tongue]}" for each in rating["reasons"]["adverse"]]
        said += [f"    - {each['words'][tongue]}" for each in rating["reasons"]["favourable"]]
    told, known = len(d["applications"]), d["applications_of"]
    said += (
        [f"{words['applications']}: {words['newest'].format(shown=told, of=known)}"] if told < known else []
    )
    for one in d["applications"]:
        outcome = words[one["decision"]] if one["decision"] else words["cannot"]
        hits = ", ".join(
            hit["rule"] for hit in one["hits"] if hit["kind"] in ("knock_outs", "referrals", "caps")
        )
        said.append(f"{words['application']} {one['id']}: {outcome}" + (f" ({hits})" if hits else ""))
        said += [words["later"].format(later=one["later"], day=one["as_of"])] if one["later"] else []
    for one in d["signals"][:_TOLD]:
        said.append(f"{words[one['severity']]} {one['signal']}: {one[f'text_{tongue}'] or ''}")
        said += [f"    {one['command']}"] if one["command"] else []
    said.append(f"{words['timeline']} ({d['timeline']['of']})")
    for line in d["timeline"]["lines"][:_TOLD]:
        more = line["text"][tongue] if line["text"] else _said(line["said"], tongue)
        said.append(f"    {line['on']} {line['title'][tongue]}  {more}")
    return [*said, f"{words['resolve profile']} {d['evidence']['profile']}"]


def evidence_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """The evidence of one number: value, then each part with its rows, or each input with its contribution."""
    tongue = "zh" if language == "zh" else "en"
    words = WORDS[tongue]
    title = (
        f"{told['title'][tongue]} ({told['name']})  {told['enterprise']}  {words['as of']} {told['as_of']}"
    )
    if told["kind"] == "source":
        return [title, f"{told['rows_of']} {words['rows']}", *(_row(row, tongue) for row in told["rows"])]
    if told["kind"] == "night":
        value = _of_kind(told["value"], told["value_kind"], tongue)
        return [f"{title}: {value}", *_decided(told, tongue), *_made(told, tongue)]
    value = shown_value(told["value"], told.get("unit", ""), "number", tongue)
    value = percent(told["value"]) if told["name"] in ("pd", "pd_lifetime") else value
    value = amount(told["value"]) if told["kind"] == "terms" else value
    said = [f"{title}: {value}", *_decided(told, tongue)]
    if told["kind"] != "feature":
        said.append(f"{told['model']['name']} {told['model']['bundle'][:12]}")
        later = told["model"]["later"]
        said += [words["later"].format(later=later, day=told["as_of"])] if later else []
        for one in told["inputs"]:
            part = f"{one['contribution']:+.4f}  " if "contribution" in one else ""
            seen = shown_value(one["value"], one.get("unit", ""), "number", tongue)
            said.append(f"    {part}{one['title'][tongue]} {seen}  ({one['name']})")
        nexts = [one["next"] for one in told["inputs"] if one["next"]]
        return [*said, f"{words['resolve profile']} {nexts[0]}"] if nexts else said
    for part in told["parts"]:
        what = f"{part['verb']} {part['source'] or ''}{'.' + part['column'] if part['column'] else ''}"
        more = [part["key"], *part["through"], part["window"], *part["where"]]
        total = "" if part["sum"] is None else f", = {part['sum']}"
        said.append(f"{what} ({', '.join(more)}): {part['rows_of']} {words['rows']}{total}")
        said += [_row(row, tongue) for row in part["rows"]]
        for link in part["links"]:
            said.append(f"    {link['link']}: {link[tongue]}, {link['rows_of']} {words['rows']}")
            said += ["    " + _row(row, tongue) for row in link["rows"]]
    return said


def _decided(told: Mapping[str, Any], language: str) -> list[str]:
    """That a floor decides and not this number, and the command of the one that counts; nothing where none does."""
    one = told.get("floor")
    if not one:
        return []
    value = one["value"]
    value = amount(value) if one["kind"] == "money" else percent(value) if one["kind"] == "share" else value
    title = one["title"][language]
    said = WORDS[language]["decides"].format(
        title=title, floor=one["id"], night=one["night"], value=value if value is not None else "–"
    )
    return [said, f"    {one['next']}"]


def _made(told: Mapping[str, Any], language: str) -> list[str]:
    """How a number of the night was made: in words, its inputs each with the command that resolves it, the ways it came."""
    words = WORDS[language]
    said = [f"{words['night']} {told['night']}: {told['how'][language]}"]
    for one in told["inputs"]:
        value = _of_kind(one["value"], one["kind"], language)
        of = f"{one['of']}: " if "of" in one else ""
        source = f"  [{one['reference']}]" if one["reference"] else ""
        said.append(f"    {of}{one['title'][language]} {value}  ({one['name']}){source}")
        said += [f"        {one['next']}"] if one["next"] else []
    said += [f"    {line}" for line in (told["paths"] or {}).get(language, ())]
    return said + ([f"    {told['note'][language]}"] if told["note"] else [])


def _of_kind(value: Any, kind: str, language: str) -> str:
    if kind == "money":
        return amount(value)
    return shown_value(
        value, "share" if kind == "share" else "", "text" if kind == "text" else "number", language
    )


def _row(row: Mapping[str, Any], language: str) -> str:
    told = {**row["keys"], **row["values"]}
    seen = ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)
    place = f"{row['source']} {row['file']}:{row['row']} ({row['batch']})"
    return f"    {row['event_date']} {WORDS[language]['known']} {row['known_at']}  {place}  {seen}"


def _said(items: Any, language: str) -> str:
    return ", ".join(
        f"{one[language]} {shown_value(one['value'], '', one['kind'], language)}" for one in items
    )
