"""How do the answers of a one-click list check reach a person or a file?"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from riskengine.decision.delivery import inert
from riskengine.errors import Problem, UsageError, nearest
from riskengine.reports.simulation import wide
from riskengine.reports.wording import money, money_zh

FORMATS = (".csv", ".json", ".jsonl")
COLUMNS = (
    "code", "state", "name", "lists", "valid_to", "tier", "fund_share", "product", "cap", "decision", "known", "suggested",
    "grade", "reasons", "missing", "next", "refreshed",
)  # fmt: skip
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "pass": "PASS", "refer": "REFER", "decline": "DECLINE", "insufficient data": "DATA", "on": "on", "until": "until",
        "expired": "expired", "no list": "on no list", "cap": "at most", "fund": "Fund", "so far": "by what is known",
        "unknown enterprise": "unknown enterprise", "not a code": "not a credit code", "missing": "missing", "next": "next",
        "assumed": "Looked at as if it applied: {request}; as of {day}. No decision is recorded.", "meant": "meant perhaps",
        "apart": "not looked at without --institution: {rules}", "applied": "nor as nobody has applied: {rules}", "tier": "class",
    },
    "zh": {
        "pass": "通过", "refer": "转人工", "decline": "否决", "insufficient data": "资料不足", "on": "在名单", "until": "有效期至",
        "expired": "已过期", "no list": "不在名单", "cap": "单户上限", "fund": "国担", "so far": "按已知信息",
        "unknown enterprise": "未知企业", "not a code": "不是统一社会信用代码", "missing": "缺失", "next": "下一步",
        "assumed": "按假定申请要素查询：{request}；截至 {day}。不作为决定存档。", "meant": "疑为",
        "apart": "未指明 --institution，未判断：{rules}", "applied": "并非实际申请，未判断：{rules}", "tier": "类别",
    },
}  # fmt: skip
_SHOWN = 3


def check_format(path: Path) -> None:
    """Refuse an `--out` whose ending names no format, before any work is done."""
    if path.suffix.lower() not in FORMATS:
        hint = nearest(path.suffix, FORMATS)
        raise UsageError(
            "Cannot write that format", [Problem(str(path), " or ".join(FORMATS), repr(path.suffix), hint)]
        )
    if not path.parent.is_dir():
        raise UsageError("Cannot write there", [Problem(str(path.parent), "a folder", "none")])


def codes_in(path: Path) -> list[str]:
    """The codes of a file: a code a line, or the column of a table whose name speaks of codes (uscc, code, 信用代码)."""
    from riskengine.intake.readers import read_file

    if path.suffix.lower() == ".txt" and path.is_file():
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            problem = Problem(str(path), "text in UTF-8", str(error), "Save it as UTF-8")
            raise UsageError("Cannot read the codes", [problem]) from None
        return _some(path, [line.strip() for line in lines])
    table = read_file(path).cells
    names = [name for name in table.column_names if name.lower() in ("uscc", "code") or "信用代码" in name]
    if not names:
        got = ", ".join(table.column_names[:12])
        raise UsageError(
            "No column of codes", [Problem(str(path), "a column uscc, code or 统一社会信用代码", got)]
        )
    return _some(
        path, ["" if cell is None else str(cell).strip() for cell in table.column(names[0]).to_pylist()]
    )


def _some(path: Path, codes: Sequence[str]) -> list[str]:
    found = [code for code in codes if code]
    if not found:
        raise UsageError("No codes", [Problem(str(path), "at least one code", "none")])
    return found


def deliver(answers: Sequence[Mapping[str, Any]], *, out: Path | None, as_json: bool, language: str) -> None:
    """Write the answers to `out` and print them: as JSON, in words where there is no `out`, else how many."""
    if out is not None:
        _write(out, answers, language)
    if as_json:
        print(json.dumps(list(answers), ensure_ascii=False, allow_nan=False))
    elif out is None:
        print("\n".join(lines(answers, language)))
    else:
        text = _WORDS[language]
        counts = Counter(text.get(answer.get("decision") or answer["state"], "") for answer in answers)
        told = ", ".join(f"{name} {number:,}" for name, number in counts.most_common())
        print(f"{len(answers):,} -> {out}: {told}")


def lines(answers: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    """A block of at most six lines for one code; a line each for several."""
    text = _WORDS[language]
    found: list[str] = []
    for answer in answers:
        found.append(_line(answer, text, language))
        if len(answers) == 1 and answer["state"] == "found":
            found += _block(answer, text, language)
    known = next((answer for answer in answers if answer["state"] == "found"), None)
    if known:
        found.append(text["assumed"].format(request=known["assumed"][language], day=known["refreshed"]))
        left_out = [(name, known[name]) for name in ("apart", "applied") if known[name]]
        if left_out:
            found.append("; ".join(text[name].format(rules=", ".join(rules)) for name, rules in left_out))
    return found


def _line(answer: Mapping[str, Any], text: Mapping[str, str], language: str) -> str:
    if answer["state"] != "found":
        meant = f" ({text['meant']} {answer['suggestion']})" if answer.get("suggestion") else ""
        listed = f"  {_member(answer, text)}" if answer["lists"] else ""
        return f"{answer['code']:<18}  {text[answer['state']]}{meant}{listed}"
    decision = text[answer["decision"]]
    if answer["decision"] == "insufficient data":
        decision += f" ({text['so far']}: {text[answer['known']]})"
    name = str(answer["name"] or "")
    return f"{answer['code']:<18}  {name}{' ' * max(0, 30 - wide(name))}  {_member(answer, text)}  {_terms(answer, text, language)}  {decision}"


def _member(answer: Mapping[str, Any], text: Mapping[str, str]) -> str:
    valid = [one for one in answer["lists"] if one["valid"]]
    if not valid:
        return text["no list"]
    told = [f"{one['list']} {text['until']} {one['until']}" for one in valid[:2]]
    return ", ".join(told) + (f" +{len(valid) - 2}" if len(valid) > 2 else "")


def _terms(answer: Mapping[str, Any], text: Mapping[str, str], language: str) -> str:
    cap = "–" if answer["cap"] is None else (money_zh if language == "zh" else money)(float(answer["cap"]))
    share = "" if answer["fund_share"] is None else f" {text['fund']} {float(answer['fund_share']):.0%}"
    tier = f" {text['tier']} {answer['tier']}" if answer["tier"] else ""
    return f"{answer['product']}{tier}{share} {text['cap']} {cap}"


def _block(answer: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    found = [f"  {reason}" for reason in answer["reasons"][language][:_SHOWN]]
    found += [f"  {text['missing']} {one}" for one in answer["missing"][language][:_SHOWN]]
    return [*found, *(f"  {text['next']} {one}" for one in answer["next"][language][:_SHOWN])]


def _write(path: Path, answers: Sequence[Mapping[str, Any]], language: str) -> None:
    if path.suffix.lower() == ".csv":
        content = _csv(answers, language)
    else:
        rows = [json.dumps(answer, ensure_ascii=False, allow_nan=False) for answer in answers]
        content = (
            "\n".join(rows) + "\n" if path.suffix.lower() == ".jsonl" else "[" + ",\n".join(rows) + "]\n"
        ).encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_bytes(content)
    temporary.replace(path)


def _csv(answers: Sequence[Mapping[str, Any]], language: str) -> bytes:
    """UTF-8 with BOM; ids stay text because they begin with letters or hold them, and no cell begins a formula."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for answer in answers:
        valid = [one for one in answer["lists"] if one["valid"]]
        row = {name: answer.get(name) for name in COLUMNS}
        row["lists"] = " | ".join(str(one["list"]) for one in valid)
        row["valid_to"] = " | ".join(str(one["until"]) for one in valid)
        for name in ("reasons", "missing", "next"):
            row[name] = " | ".join(answer.get(name, {}).get(language, []))
        writer.writerow({name: inert(value) for name, value in row.items()})
    return stream.getvalue().encode("utf-8-sig")
