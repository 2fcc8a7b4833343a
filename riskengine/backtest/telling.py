"""How is a back-test's result told to people? Tables in English or Chinese, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.schema import Words

Table = tuple[Words, list[list[str]]]  # title, rows; the first row is the head

_FIGURES: tuple[tuple[str, Words, str], ...] = (
    ("capture", Words(en="capture", zh="捕获率"), "share"),
    ("capture_amount", Words(en="capture by amount", zh="金额捕获率"), "share"),
    ("precision", Words(en="precision", zh="命中率"), "share"),
    ("false_alarms", Words(en="false alarms / 1,000 a month", zh="误报/千笔·月"), "number"),
    ("lead_50", Words(en="median lead, days", zh="提前天数中位"), "days"),
    ("late", Words(en="found < {late} days before", zh="提前不足{late}天"), "share"),
    ("repeats", Words(en="repeats", zh="重复率"), "share"),
)
_UNJUDGED = Words(
    en="WARNING: no compensation of this range can be judged: figures about compensations say nothing and no signal is "
    "proposed for retirement; choose an earlier --from or a later --to",
    zh="警告：该区间没有可评价的代偿，与代偿有关的指标不说明问题，不提出停用建议；请提前 --from 或推后 --to",
)
_HEADS = {
    "rule": Words(en="rule", zh="规则"),
    "listings": Words(en="listings", zh="列入次数"),
    "signal": Words(en="signal", zh="信号"),
    "alerts": Words(en="alerts", zh="预警次数"),
    "enterprises": Words(en="enterprises", zh="企业数"),
    "caught": Words(en="caught", zh="命中代偿"),
    "unique": Words(en="alone", zh="独有"),
    "lift": Words(en="lift", zh="提升度"),
    "nearest": Words(en="nearest (overlap, inside)", zh="最近信号（重合、被含）"),
    "proposal": Words(en="proposal", zh="建议"),
    "cost": Words(en="cost of visits", zh="走访成本"),
}


def tables(result: Mapping[str, Any], language: str, late: int = 30) -> list[Table]:
    """The rules beside each other, what the system has more than each, lead times, and the signals."""
    return [
        _rules(result, language, late),
        _less(result, language),
        _leads(result, language),
        _signals(result, language),
    ]


def head(result: Mapping[str, Any], language: str) -> list[str]:
    """What was replayed and judged, in lines."""
    span, outcomes, model, book = (result[name] for name in ("range", "outcomes", "model", "book"))
    places = result["definitions"]["places"]
    said = {
        "en": [
            f"{span['nights']} nights {span['from']} to {span['to']}, every {span['every']}; catalogue of {result['rules_day']}; "
            f"{book['guarantees']:,} guarantees of {book['enterprises']:,} enterprises, {book['first']:,} in force on the first "
            f"night, {book['last']:,} on the last",
            f"model {model['name']}: {model['mode']}, {len(model['bundles'])} training(s), the first as of {model['bundles'][0][0]} "
            f"on {model['bundles'][0][3]} compensations",
            f"{outcomes['judged']:,} compensations judged (known by {outcomes['known']}); not judged: {outcomes['early']:,} within "
            f"the first horizon, {outcomes['unwatched']:,} of guarantees in no replayed book"
            + ("; weighted to the population" if outcomes["weighted"] else ""),
            f"places a night: {places if places is not None else 'as the composition gives'}; rest {result['definitions']['rest']}; "
            f"median alerts a night {book['alerts_a_night']:,.0f} ({result['definitions']['severity']} and worse)",
        ],
        "zh": [
            f"回放 {span['nights']} 个夜晚，{span['from']} 至 {span['to']}，间隔 {span['every']}；信号目录日期 {result['rules_day']}；"
            f"{book['enterprises']:,} 家企业的 {book['guarantees']:,} 笔担保，首夜在保 {book['first']:,}，末夜 {book['last']:,}",
            f"模型 {model['name']}：{'逐年滚动训练' if model['mode'] == 'walk-forward' else '现行模型'}，训练 {len(model['bundles'])} 次，"
            f"首次截至 {model['bundles'][0][0]}，代偿样本 {model['bundles'][0][3]}",
            f"评价代偿 {outcomes['judged']:,} 笔（截至 {outcomes['known']} 已知）；未评价：首个观察期内 {outcomes['early']:,} 笔，"
            f"回放中未在保 {outcomes['unwatched']:,} 笔"
            + ("；按抽样权重还原" if outcomes["weighted"] else ""),
            f"每夜名额：{places if places is not None else '按编排容量'}；休整期 {result['definitions']['rest']}；"
            f"每夜预警中位数 {book['alerts_a_night']:,.0f}（{result['definitions']['severity']} 及以上）",
        ],
    }
    return [*([] if outcomes["judged"] else [_UNJUDGED.say(language)]), *said[language]]


def markdown(result: Mapping[str, Any], language: str = "en", late: int = 30) -> str:
    """The whole as Markdown."""
    lines = [f"- {line}" for line in head(result, language)]
    for title, rows in tables(result, language, late):
        lines += ["", f"**{title.say(language)}**", ""]
        lines.append("| " + " | ".join(rows[0]) + " |")
        lines.append("|" + "---|" * len(rows[0]))
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]]
    return "\n".join(lines) + "\n"


def plain(result: Mapping[str, Any], language: str = "en", late: int = 30) -> str:
    """The whole for a terminal: columns aligned, a Chinese character two wide."""
    lines = head(result, language)
    for title, rows in tables(result, language, late):
        widths = [max(_width(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines += ["", title.say(language)]
        for row in rows:
            cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _in_order(rules: Mapping[str, Any]) -> list[Any]:
    """The system, the naive rules by name, then exposure and chance, whatever order a file keeps them in."""
    last = {"system": -1, "exposure": 1, "random": 2}
    return [rules[name] for name in sorted(rules, key=lambda one: (last.get(one, 0), one))]


def _rules(result: Mapping[str, Any], language: str, late: int) -> Table:
    heads = [_HEADS["rule"].say(language), _HEADS["listings"].say(language)]
    heads += [title.say(language).format(late=late) for _, title, _ in _FIGURES]
    rows = [heads]
    for told in _in_order(result["rules"]):
        figures = told["figures"]
        rows.append(
            [
                told["title"][language],
                f"{told['listings']:,}",
                *(estimate(figures.get(name), kind) for name, _, kind in _FIGURES),
            ]
        )
    return Words(en="At the same number of places", zh="同等名额下"), rows


def _less(result: Mapping[str, Any], language: str) -> Table:
    names = ("capture", "capture_amount", "precision", "false_alarms")
    chosen = {name: (title, kind) for name, title, kind in _FIGURES if name in names}
    rows = [[_HEADS["rule"].say(language), *(chosen[name][0].say(language) for name in names)]]
    for told in _in_order(result["rules"]):
        if told["system_less_this"]:
            rows.append(
                [
                    told["title"][language],
                    *(
                        estimate(told["system_less_this"][name], chosen[name][1], signed=True)
                        for name in names
                    ),
                ]
            )
    return Words(en="Signals and model less each rule (paired)", zh="信号与模型减去各规则（配对）"), rows


def _leads(result: Mapping[str, Any], language: str) -> Table:
    figures = result["rules"]["system"]["figures"]
    names = [(f"lead_{q}", f"alert_lead_{q}", f"{q} %") for q in (10, 25, 50, 75, 90)]
    first, second = (
        Words(en="from the first listing, of those found", zh="自首次列入（已捕获）"),
        Words(en="from the start of the standing alert, no budget", zh="自持续预警开始（不计名额）"),
    )
    rows = [
        [Words(en="days before compensation", zh="代偿前天数").say(language), *(name for _, _, name in names)]
    ]
    rows.append([first.say(language), *(estimate(figures[one], "days") for one, _, _ in names)])
    rows.append([second.say(language), *(estimate(figures[two], "days") for _, two, _ in names)])
    share = Words(en="share with a standing alert / flapping", zh="有持续预警占比 / 抖动率").say(language)
    rows.append(
        [share, estimate(figures["standing"], "share"), estimate(figures["flapping"], "share"), "", "", ""]
    )
    return Words(en="Lead time of signals and model", zh="信号与模型的提前期"), rows


def _signals(result: Mapping[str, Any], language: str) -> Table:
    names = ("signal", "alerts", "enterprises", "caught", "unique", "lift", "nearest", "cost", "proposal")
    rows = [[_HEADS[name].say(language) for name in names]]
    for one in result["signals"]:
        told = one["retire"] or one["note"]
        mark = Words(en="retire: ", zh="建议停用：").say(language) if one["retire"] else ""
        near = f"{one['nearest']} ({one['jaccard']:.2f}, {one['inside']:.0%})" if one["nearest"] else ""
        rows.append(
            [
                one["signal"], f"{one['alerts']:,}", f"{one['enterprises']:,}", f"{one['caught']:,}", f"{one['unique']:,}",
                estimate(one["lift"], "number"), near, f"{one['cost']:,.0f}" if one["cost"] else "",
                mark + told[language] if told else "",
            ]
        )  # fmt: skip
    return Words(en="Signals", zh="各信号"), rows


def estimate(one: Mapping[str, Any] | None, kind: str, signed: bool = False) -> str:
    """A figure with its interval: `41.2% [39.8, 42.6]`, `186 [170, 201]`.

    >>> estimate({"value": 0.4123, "low": 0.398, "high": 0.426}, "share")
    '41.2% [39.8, 42.6]'
    """
    if one is None or one["value"] is None:
        return "–"
    size, digits = {"share": (100.0, 1), "days": (1.0, 0), "number": (1.0, 2)}[kind]
    sign, unit = "+" if signed else "", "%" if kind == "share" else ""
    told = f"{size * one['value']:{sign}.{digits}f}{unit}"
    if one["low"] is None:
        return told
    return f"{told} [{size * one['low']:{sign}.{digits}f}, {size * one['high']:{sign}.{digits}f}]"


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
