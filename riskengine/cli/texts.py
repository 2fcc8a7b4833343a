"""What do commands say in both languages? Apart from the rooms, which `--help` imports: it has no use for definitions."""

from __future__ import annotations

from riskengine.schema import Words

ENDED = {
    "version": Words(en="version", zh="版本"),
    "failed": Words(en="failed", zh="失败"),
    "running": Words(en="running or killed", zh="运行中或已中断"),
}
BEGAN = Words(en="began", zh="开始于")
SECONDS = Words(en="{:.0f} s", zh="{:.0f} 秒")
NOT_FINISHED = Words(en="not finished", zh="未结束")
EARLIER = Words(en="an earlier attempt", zh="此前一次")

NOBODY = Words(en="nobody found: {who} ({rows} rows)", zh="未找到主体：{who}（{rows}行）")
WAIT = Words(
    en="{queued} wait, {nobody} names without anybody found", zh="待复核{queued}项，{nobody}个名称未找到主体"
)

OUTCOMES = {
    "known": Words(en="{n} guarantees known on {day}; {shares}", zh="截至{day}在册担保项目{n}笔；{shares}"),
    "weighted": Words(en="weighted shares", zh="加权占比"), "shares": Words(en="shares", zh="占比"),
    "exit": Words(en="exit", zh="退出"), "step": Words(en="step", zh="进展"),
    "span": Words(en=", {first} to {last}", zh="，{first}至{last}"),
    "incidence": Words(en="Cumulative incidence by cause, 95 % interval, ends known to {day}",
                       zh="各结局累计发生率，95%区间，结局掌握至{day}"),
    "months": Words(en="{n} months", zh="{n}个月"), "ends": Words(en="{low} to {high}", zh="{low}至{high}"),
    "risk": Words(en="{reached} so far, {at_risk} at risk in that month", zh="累计{reached}笔，当月仍在观察{at_risk}笔"),
    "nobody": Words(en="Nobody was followed so long yet", zh="尚无足够观察期"),
    "rows": Words(en="rows to {day}", zh="截至{day}的样本"),
}  # fmt: skip
CATALOGUE = Words(
    en="{products} products, {rules} rules ({hard} hard), {signals} signals, {reminders} reminders",
    zh="产品 {products} 个，规则 {rules} 条（硬性 {hard} 条），信号 {signals} 个，提醒 {reminders} 项",
)
ENTERPRISES = Words(en="enterprises", zh="户登记企业")
MEMBERS = Words(en="list members", zh="户名单企业")
