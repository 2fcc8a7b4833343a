"""Who owns it, who controls it, and did that change? 股权：股东、控制权变更、出质、冻结、同一控制"""

from riskengine.profile import (
    absolute,
    at_most,
    count,
    days_since,
    distinct,
    field,
    first_known,
    largest,
    linked,
    ratio,
    total,
)

_E = "enterprise"
_SIBLING = ("holder", "holding")
_SAME_OWNER = ("owner", "owned")
_GROUP = "State Council Order 683 art. 16-17: the guaranteed party and its related parties 融资担保公司监督管理条例第十六、十七条"
_CONTROL = "Admission rule A19; signal L02 实控人/大股东变更"

holders = count("mkt_equity", by=_E).named("Shareholders", "股东数", unit="holders", direction=-1, reference=_GROUP)
largest_holding = largest("mkt_equity.ratio", by=_E).named("Share of the largest holder", "第一大股东持股比例", unit="share", direction=0, reference="Control above 50 %, domain page 6.2")
state_holding = total("mkt_equity.ratio", by=_E, where=field("holder_type").equals("国有")).named("Share held by the state", "国有持股比例", unit="share", direction=-1, reference="Admission rule A03")
corporate_holding = total("mkt_equity.ratio", by=_E, where=field("holder_type").equals("企业")).named("Share held by enterprises", "企业法人持股比例", unit="share", direction=0, reference=_GROUP)
holder_changes_12m = count("mkt_change", by=_E, window="12m", where=field("change_item").equals("股东")).named("Changes of shareholders in 12 months", "近12个月股东变更次数", unit="changes", direction=1, reference=_CONTROL)
control_changes_6m = count("mkt_change", by=_E, window="6m", where=field("change_item").within("法定代表人", "股东")).named("Changes of control in 6 months", "近6个月控制权相关变更次数", unit="changes", direction=1, reference=_CONTROL)
days_since_control_change = days_since("mkt_change", by=_E, where=field("change_item").within("法定代表人", "股东")).named("Days since the last change of control", "距最近控制权变更天数", unit="days", direction=-1, reference=_CONTROL)
equity_pledged = at_most(total("equity_pledge.ratio", by=_E, where=field("cancel_dt").is_unknown()), 1).named("Share of the equity pledged", "股权出质比例", unit="share", direction=1, reference="Signal L03 股权大比例出质")
equity_pledges_12m = count("equity_pledge", by=_E, window="12m").named("Equity pledges in 12 months", "近12个月股权出质次数", unit="pledges", direction=1, reference="Signal L03 股权大比例出质")
equity_frozen = at_most(total("court_freeze.ratio", by=_E, where=[field("kind").equals("股权冻结"), field("to_dt").unknown_or_not_before_as_of()]), 1).named("Share of the equity frozen, successive freezes at most the whole", "股权冻结比例（轮候冻结累计不超过100%）", unit="share", direction=1, reference="Signal J07 股权冻结")

holdings = linked("holding", by=_E).named("Enterprises it holds shares in", "对外投资企业数", unit="enterprises", direction=0, reference=_GROUP)
sister_enterprises = linked(_SIBLING, by=_E).named("Enterprises held by the same enterprise", "同一法人股东控制的企业数", unit="enterprises", direction=1, reference=_GROUP)
owner_enterprises = linked(_SAME_OWNER, by=_E).named("Other enterprises of the same persons", "同一自然人股东的其他企业数", unit="enterprises", direction=1, reference=_GROUP)
owner_enterprises_enforced = distinct("court_exec.uscc", by=_E, through=_SAME_OWNER).named("Other enterprises of the same persons under enforcement", "同一自然人股东的其他企业被执行家数", unit="enterprises", direction=1, reference="Signal R02 关联方代偿/逾期")
owner_enterprises_compensated = distinct("compensation.uscc", by=_E, through=_SAME_OWNER).named("Other enterprises of the same persons that were compensated", "同一自然人股东的其他企业代偿家数", unit="enterprises", direction=1, reference="Signal R02 关联方代偿/逾期")
owner_enterprises_overdue = distinct("overdue.uscc", by=_E, through=_SAME_OWNER, window="12m").named("Other enterprises of the same persons overdue in 12 months", "同一自然人股东的其他企业近12个月逾期家数", unit="enterprises", direction=1, reference="Signal R02 关联方代偿/逾期")
owner_enterprises_closed = distinct("mkt_reg.uscc", by=_E, through=_SAME_OWNER, where=field("status").within("注销", "吊销")).named("Other enterprises of the same persons closed", "同一自然人股东的其他企业注销吊销家数", unit="enterprises", direction=1, reference="Related parties, domain page 6.1")
holder_enforced = distinct("court_exec.uscc", by=_E, through="holder").named("Corporate holders under enforcement", "被执行的法人股东数", unit="enterprises", direction=1, reference="Related parties, domain page 6.1")

_PLEDGED = field("cancel_dt").is_unknown()
_majority = largest("mkt_equity.ratio", by=_E) > 0.5
_pledged_by_controller = total("equity_pledge.ratio", by=_E, where=[_PLEDGED, field("holder_ratio") > 0.5]) * _majority + total("equity_pledge.ratio", by=_E, where=[_PLEDGED, field("holder_ratio") > 0.25]) * (1 - _majority)
_HOLDERS = field("change_item").equals("股东")

months_holder_change_to_payout = (absolute(days_since("mkt_change", by=_E, where=_HOLDERS) - first_known(days_since("disbursement", by="application", where=field("type").equals("放款")), days_since("contract", by="application"))) / 30.4375).named("Months between the last change of shareholders and the payout of this loan", "最近股东变更距本笔放款月数（前后均计）", unit="months", direction=-1, reference=_CONTROL)
controller_pledged_share = at_most(ratio(_pledged_by_controller, largest("mkt_equity.ratio", by=_E)), 1).named("Share of the controlling holder's equity pledged", "控股股东股权出质比例", unit="share", direction=1, reference="Signal L03 股权大比例出质; controller: above 50 %, else above 25 %, domain page 6.2")
