"""How are those it depends on? 上下游与担保圈：客户、供应商、反担保人、被担保人的健康状况

`through` looks at the facts of the enterprises it is linked to: configs/subjects.toml says how.
"""

from riskengine.profile import count, distinct, field, first_known, linked, ratio, year_on_year

_E = "enterprise"
_CLOSED = field("status").within("注销", "吊销")
_T06, _R01, _K05 = "Signal T06 前五大客户失联/涉诉", "Signal R01 担保圈成员出险", "Signal K05 反担保人恶化"
_CIRCLE = "Guarantee circles 担保圈, domain page 6.1"

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
