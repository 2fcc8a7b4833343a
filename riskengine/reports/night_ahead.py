"""How is a night ahead told on a terminal?"""

from __future__ import annotations

from riskengine.monitor.ahead import Ahead
from riskengine.schema import Words

_OUTCOMES = {
    "publish": Words(en="would be published for the first time", zh="将首次发布"),
    "replace": Words(en="would replace the edition there is", zh="将替换现有版本"),
    "no change": Words(en="no change: it is published from these very inputs", zh="无变化：已按相同输入发布"),
}
LISTED = 12


def ahead_lines(told: Ahead, language: str) -> list[str]:
    """The night ahead in a few lines; nothing has been done."""

    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    files = sum(told.waiting.values())
    names = ", ".join(f"{source} {count}" for source, count in list(told.waiting.items())[:LISTED])
    more = len(told.waiting) - LISTED
    tail = say(f" and {more} more sources", f" 等另外 {more} 个数据源") if more > 0 else ""
    lines = [
        say(f"Night of {told.as_of}: ", f"{told.as_of} 夜间批处理：") + _OUTCOMES[told.outcome].say(language),
        say(f"  files to take in: {files}", f"  待接收文件：{files} 个")
        + (f" ({names}{tail})" if files else ""),
        say(
            f"  watches {told.watched} signals, plans {told.reminded} reminders; model {told.model[:12]} trained as of "
            f"{told.trained_as_of or 'unknown'}",
            f"  监测信号 {told.watched} 个，提醒 {told.reminded} 项；模型 {told.model[:12]}，训练截至 {told.trained_as_of or '未知'}",
        ),
        say(f"  publication before: {told.before or 'none'}", f"  上一次发布：{told.before or '无'}"),
    ]
    if told.changed:
        lines.append(say("  changed since: ", "  与现有版本不同：") + ", ".join(told.changed))
    lines += [say("  held: ", "  暂扣：") + one for one in told.held]
    return [*lines, say("  nothing has been done (--plan)", "  仅为预览，未作任何改动（--plan）")]
