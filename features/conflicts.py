"""Do the sources agree? 信源比对：税务、年报、申请自报之间的差异（优先级：税务 > 年报 > 自报）

configs/conflicts.toml declares the precedence and the tolerance; the spreads here are what models and signals use.
"""

from riskengine.profile import absolute, field, first_known, latest, ratio, spread, total

from .invoices import invoiced_12m
from .staff import insured_latest
from .tax import filed_assets, sales_12m

_A, _E = "application", "enterprise"
_ORDER = "Precedence tax > audited > register > bank > annual report > self-declared > market, domain page 3.6"
_KNOWN = field("revenue").is_known()
_SOLD = field("dir").equals("销")
_invoiced_net = total("inv_monthly.blue_amt", by=_E, months=12, ago="30d", where=_SOLD) + total("inv_monthly.red_amt", by=_E, months=12, ago="30d", where=_SOLD)  # red-letter amounts are negative

sales_by_report = latest("mkt_annual.revenue", by=_E, where=_KNOWN).named("Sales by the last annual report", "年销售额（最近年报）", unit="CNY", direction=-1, reference=_ORDER)
sales_self_declared = latest("application.declared_revenue", by=_A).named("Sales declared in the application", "年销售额（申请自报）", unit="CNY", direction=0, reference=_ORDER)
sales_chosen = first_known(sales_12m, invoiced_12m, sales_by_report, sales_self_declared).named("Annual sales, by precedence of sources", "年销售额（按信源优先级）", unit="CNY", direction=-1, reference=_ORDER)
sales_conflict = spread(sales_12m, sales_by_report, sales_self_declared).named("Spread of annual sales between sources", "年销售额信源差异", unit="share", direction=1, reference="Pitfall 9 多源矛盾, domain page 9; " + _ORDER)
sales_invoice_gap = absolute(ratio(_invoiced_net - sales_12m, sales_12m)).named("Invoices less red letters against declared sales, 12 months", "开票（扣红冲）与申报背离（近12个月）", unit="share", direction=1, reference="Signal T09 开票与申报背离")
sales_overstated = (ratio(sales_self_declared, sales_12m) - 1).named("Self-declared sales over tax returns", "自报销售额高于税务比例", unit="share", direction=1, reference=_ORDER)

assets_by_report = latest("mkt_annual.assets", by=_E, where=field("assets").is_known()).named("Assets by the last annual report", "资产总额（最近年报）", unit="CNY", direction=-1, reference=_ORDER)
assets_self_declared = latest("application.declared_assets", by=_A).named("Assets declared in the application", "资产总额（申请自报）", unit="CNY", direction=0, reference=_ORDER)
assets_conflict = spread(filed_assets, assets_by_report, assets_self_declared).named("Spread of total assets between sources", "资产总额信源差异", unit="share", direction=1, reference="Pitfall 9 多源矛盾, domain page 9; " + _ORDER)

staff_by_report = latest("mkt_annual.employees", by=_E, where=field("employees").is_known()).named("Staff by the last annual report", "职工人数（最近年报）", unit="persons", direction=-1, reference=_ORDER)
staff_self_declared = latest("application.declared_staff", by=_A).named("Staff declared in the application", "职工人数（申请自报）", unit="persons", direction=0, reference=_ORDER)
staff_conflict = spread(insured_latest, staff_by_report, staff_self_declared).named("Spread of staff between sources", "职工人数信源差异", unit="share", direction=1, reference="Pitfall 9 多源矛盾, domain page 9; " + _ORDER)
report_hidden = latest("mkt_annual.is_hidden", by=_E).named("Annual report hides its figures", "年报选择不公示", unit="yes/no", direction=1, reference="Missing differs from zero and from 不公示, domain page 9")
