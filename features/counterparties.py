"""How are those it depends on? 上下游与担保圈：客户、供应商、反担保人、被担保人的健康状况

`through` looks at the facts of the enterprises it is linked to: configs/subjects.toml says how.
"""

from riskengine.profile import (
    at_least,
    at_most,
    count,
    distinct,
    field,
    first_known,
    greater,
    latest,
    linked,
    months_with,
    ratio,
    shortest_cycle,
    total,
    year_on_year,
)

from .admission import institution_group_outstanding
from .guarantee import enterprise_outstanding

_E = "enterprise"
_CLOSED = field("status").within("注销", "吊销")
_T06, _R01, _K05 = "Signal T06 前五大客户失联/涉诉", "Signal R01 担保圈成员出险", "Signal K05 反担保人恶化"
_CIRCLE = "Guarantee circles 担保圈, domain page 6.1"
_G, _R = "guarantor", "related"
_UNCURED, _R02 = field("cured_dt").is_unknown(), "Signal R02 关联方代偿/逾期"
_RELATED_LOSSES = total("compensation.principal", by=_E, through=_R, window="24m")
_RELATED_TROUBLE = greater(total("overdue.principal", by=_E, through=_R, window="24m", where=_UNCURED), _RELATED_LOSSES)
_RELATED_PAID = total("release.amount", by=_E, through=_R, where=field("type").equals("代偿解保"))  # a compensation is booked and released: count it once
_RELATED_OUTSTANDING = at_least(total("contract.guaranteed", by=_E, through=_R) - (total("release.amount", by=_E, through=_R) - _RELATED_PAID) - greater(_RELATED_PAID, total("compensation.principal", by=_E, through=_R)), 0)

customers_known = linked("customer", by=_E).named("Customers seen in a year's invoices", "近一年客户数（发票）", unit="enterprises", direction=-1, reference="Domain page 3.2 inv_counterparty")
suppliers_known = linked("supplier", by=_E).named("Suppliers seen in a year's invoices", "近一年供应商数（发票）", unit="enterprises", direction=-1, reference="Domain page 3.2 inv_counterparty")
customers_enforced = distinct("court_exec.uscc", by=_E, through="customer").named("Customers under enforcement", "被执行的客户数", unit="enterprises", direction=1, reference=_T06)
customers_enforced_share = ratio(distinct("court_exec.uscc", by=_E, through="customer"), linked("customer", by=_E)).named("Share of customers under enforcement", "客户被执行占比", unit="share", direction=1, reference=_T06)
customers_dishonest = distinct("court_dishonest.uscc", by=_E, through="customer").named("Customers listed as dishonest debtors", "失信客户数", unit="enterprises", direction=1, reference=_T06)
customers_closed = distinct("mkt_reg.uscc", by=_E, through="customer", where=_CLOSED).named("Customers closed", "注销吊销客户数", unit="enterprises", direction=1, reference=_T06)
customers_compensated = distinct("compensation.uscc", by=_E, through="customer", window="24m").named("Customers compensated in 24 months", "近24个月代偿客户数", unit="enterprises", direction=1, reference=_T06)
customers_overdue = distinct("overdue.uscc", by=_E, through="customer", window="12m").named("Customers overdue on our guarantees, 12 months", "近12个月在保逾期客户数", unit="enterprises", direction=1, reference=_T06)
customers_sales_yoy_12m = year_on_year("tax_filing.declared_sales", by=_E, through="customer", months=12, ago="30d", floor=600000).named("Customers' declared sales against the year before", "客户申报销售额同比", unit="share", direction=-1, reference=_T06)
suppliers_enforced = distinct("court_exec.uscc", by=_E, through="supplier").named("Suppliers under enforcement", "被执行的供应商数", unit="enterprises", direction=1, reference="Contagion, domain page 6.3: supplier edges")
suppliers_closed = distinct("mkt_reg.uscc", by=_E, through="supplier", where=_CLOSED).named("Suppliers closed", "注销吊销供应商数", unit="enterprises", direction=1, reference="Contagion, domain page 6.3: supplier edges")

counter_guarantors = linked("guarantor", by=_E).named("Enterprises counter-guaranteeing it", "反担保企业数", unit="enterprises", direction=-1, reference=_CIRCLE)
guaranteed_by_it = linked("guaranteed", by=_E).named("Enterprises it counter-guarantees", "由其反担保的企业数", unit="enterprises", direction=1, reference="Admission rule A39; " + _CIRCLE)
circle_second_ring = linked(("guaranteed", "guaranteed"), by=_E).named("Enterprises guaranteed by those it guarantees", "担保圈第二层企业数", unit="enterprises", direction=1, reference=_CIRCLE)
guarantors_enforced = distinct("court_exec.uscc", by=_E, through="guarantor").named("Counter-guarantors under enforcement", "被执行的反担保人数", unit="enterprises", direction=1, reference=_K05)
guarantors_compensated = distinct("compensation.uscc", by=_E, through="guarantor", window="24m").named("Counter-guarantors compensated in 24 months", "近24个月被代偿的反担保人数", unit="enterprises", direction=1, reference=_K05)
guarantors_overdue = distinct("overdue.uscc", by=_E, through="guarantor", window="12m").named("Counter-guarantors overdue in 12 months", "近12个月逾期的反担保人数", unit="enterprises", direction=1, reference=_K05)
guaranteed_compensated = distinct("compensation.uscc", by=_E, through="guaranteed", window="24m").named("Enterprises it guarantees compensated in 24 months", "近24个月被代偿的被担保企业数", unit="enterprises", direction=1, reference=_R01)
guaranteed_overdue = distinct("overdue.uscc", by=_E, through="guaranteed", window="12m").named("Enterprises it guarantees overdue in 12 months", "近12个月逾期的被担保企业数", unit="enterprises", direction=1, reference=_R01)
guaranteed_enforced = distinct("court_exec.uscc", by=_E, through="guaranteed").named("Enterprises it guarantees under enforcement", "被执行的被担保企业数", unit="enterprises", direction=1, reference=_R01)
partners_in_trouble = (first_known(distinct("overdue.uscc", by=_E, through="guarantor", window="12m"), 0) + first_known(distinct("overdue.uscc", by=_E, through="guaranteed", window="12m"), 0) + first_known(distinct("compensation.uscc", by=_E, through="guarantor", window="24m"), 0) + first_known(distinct("compensation.uscc", by=_E, through="guaranteed", window="24m"), 0)).named("Guarantee partners overdue or compensated, counted once each way", "担保圈出险家次", unit="enterprises", direction=1, reference=_R01)
late_notes_24m = count("supply_chain", by=_E, window="24m", where=[field("role").within("承兑人", "核心企业"), field("status").equals("逾期")]).named("Own notes overdue in 24 months", "近24个月商票逾期次数", unit="reports", direction=1, reference="Signal M05 商票逾期")
receivables_late_12m = count("supply_chain", by=_E, window="12m", where=[field("role").equals("供应商"), field("status").equals("逾期")]).named("Receivables from core enterprises overdue in 12 months", "近12个月核心企业应付逾期次数", unit="reports", direction=1, reference="Signal M05 商票逾期")

# For the signals K05, R02, R04 and M05. `related` is the union of links in configs/subjects.toml.
guarantors_worrying = (distinct("court_exec.uscc", by=_E, through=_G) + first_known(distinct("court_case.uscc", by=_E, through=_G, window="6m", where=[field("role").equals("被告"), field("result").equals("未结"), field("cause").within("金融借款合同纠纷", "民间借贷纠纷", "借款合同纠纷", "追偿权纠纷", "保证合同纠纷")]), 0) + distinct("court_freeze.uscc", by=_E, through=_G, where=[field("kind").equals("股权冻结"), field("to_dt").unknown_or_not_before_as_of()])).named("Counter-guarantors enforced against, sued by lenders or with frozen equity, counted once each way", "被执行、被贷款人起诉或股权冻结的反担保人家次", unit="enterprises", direction=1, reference=_K05)
guarantors_failing = (distinct("court_dishonest.uscc", by=_E, through=_G, where=field("exit_dt").unknown_or_not_before_as_of()) + distinct("court_final.uscc", by=_E, through=_G) + distinct("court_freeze.uscc", by=_E, through=_G, where=field("kind").within("破产", "强制清算")) + distinct("mkt_reg.uscc", by=_E, through=_G, where=_CLOSED) + distinct("overdue.uscc", by=_E, through=_G, window="12m", where=_UNCURED) + distinct("compensation.uscc", by=_E, through=_G, window="24m")).named("Counter-guarantors dishonest, terminated, insolvent, closed, overdue or compensated, counted once each way", "失信、终本、破产、注销、逾期或被代偿的反担保人家次", unit="enterprises", direction=1, reference=_K05)
related_in_trouble = (distinct("overdue.uscc", by=_E, through=_R, window="12m", where=_UNCURED) + distinct("compensation.uscc", by=_E, through=_R, window="24m")).named("Related enterprises overdue or compensated, counted once each way", "逾期或被代偿的关联企业家次", unit="enterprises", direction=1, reference=_R02)
related_trouble_share = at_most(ratio(_RELATED_TROUBLE, enterprise_outstanding + _RELATED_OUTSTANDING + _RELATED_LOSSES), 1).named("Overdue and compensated of the group over what is guaranteed for it", "关联方逾期代偿占集团担保余额之比", unit="share", direction=1, reference=_R02)
group_exposure_to_net_assets = ratio(institution_group_outstanding, latest("institution.net_assets", by="institution") - first_known(latest("institution.equity_in_guarantors", by="institution"), 0)).named("Guaranteed for it here and for related enterprises anywhere over the institution's net assets", "本户在本机构及关联方在各机构担保余额与机构净资产之比", unit="share", direction=1, reference="Signal R04 集团集中度逼近; Order 683 art. 16")
notes_late_months_12m = first_known(months_with("supply_chain", by=_E, window="12m", where=[field("role").equals("承兑人"), field("kind").equals("商业承兑汇票"), field("status").equals("逾期")]), 0).named("Months found on the list of overdue commercial bills, 12 months", "近12个月已发现商票逾期月数", unit="months", direction=1, reference="Signal M05 商票逾期")

# For the signals K05, R02, R04 and M05. `related` is the union of links in configs/subjects.toml.
guarantee_cycle = shortest_cycle("guaranteed", by=_E, most=6).named("Steps of the shortest guarantee cycle through it, 0 none", "经过本企业的最短担保环长度（无则为0）", unit="steps", direction=1, reference="Signal R03 循环担保/互保形成; domain page 6.1")
guarantee_cycle_before = shortest_cycle("guaranteed", by=_E, most=6, ago="30d").named("Steps of the shortest guarantee cycle known 30 days before, 0 none", "30天前已知的最短担保环长度（无则为0）", unit="steps", direction=0, reference="Signal R03 循环担保/互保形成")
guarantee_cycle_new = (guarantee_cycle.equals(guarantee_cycle_before) < 1).named("The shortest guarantee cycle is not that of 30 days before", "担保环较30天前有变化", unit="yes/no", direction=1, reference="Signal R03 循环担保/互保形成: new cycles")
