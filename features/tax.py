"""What does it declare and pay? 税务：申报、纳税信用、欠税、税务登记、报表（税务口径）

Year-on-year windows hold either both of January and February or neither: the Spring Festival moves between them.
They end 30 days back, so that both years hold the same number of filed months.
"""

from riskengine.profile import (
    at_least,
    change_months,
    code,
    count,
    days_since,
    days_since_first,
    field,
    first_known,
    largest,
    latest,
    months_since_last,
    months_with,
    ratio,
    total,
    trend,
    volatility,
    year_on_year,
)

_E = "enterprise"
_SHANDONG = "Shandong guarantee group, risk indicators 2025-12 (tax drop, social security stop) 纳税额骤降、社保缴费中断"
_FESTIVAL = [field("month").differs("01"), field("month").differs("02")]
_LEVELS = {"A": 1, "B": 2, "M": 3, "C": 4, "D": 5}
_RATING = "Taxpayer credit rating, published about April of the next year 纳税信用管理办法"
_NORMAL = {"正常": 0, "停业": 1, "非正常": 1, "注销": 1, "非正常注销": 1}
_ACTIVE = [field("declared_sales") > 0]

sales_3m = total("tax_filing.declared_sales", by=_E, months=3, ago="30d").named("Declared sales in 3 months", "近3个月申报销售额", unit="CNY", direction=-1, reference=_SHANDONG)
sales_12m = total("tax_filing.declared_sales", by=_E, months=12, ago="30d").named("Declared sales in 12 months", "近12个月申报销售额", unit="CNY", direction=-1, reference="Admission rule A29 营授比")
sales_latest = latest("tax_filing.declared_sales", by=_E).named("Declared sales, last filed month", "最近申报月销售额", unit="CNY", direction=-1, reference=_SHANDONG)
sales_change_12m = change_months("tax_filing.declared_sales", by=_E, over=12, ago="30d").named("Declared sales of the last return against the same one a year earlier", "最近申报期销售额同比变动", unit="CNY", direction=-1, reference=_SHANDONG)
sales_trend_12m = trend("tax_filing.declared_sales", by=_E, months=12, ago="30d").named("Trend of declared sales", "销售额趋势（近12个月）", unit="CNY/month", direction=-1, reference="Signal T08 申报收入骤降")
sales_volatility_12m = volatility("tax_filing.declared_sales", by=_E, months=12, ago="30d").named("Volatility of declared sales", "销售额波动（近12个月）", unit="CNY", direction=1, reference="Signal T08 申报收入骤降")
sales_yoy_12m = year_on_year("tax_filing.declared_sales", by=_E, months=12, ago="30d", floor=600000).named("Declared sales of 12 months against the year before", "近12个月申报销售额同比", unit="share", direction=-1, reference="Signal T08 申报收入骤降; floor 50,000 a month")
sales_yoy_6m = year_on_year("tax_filing.declared_sales", by=_E, months=6, ago="30d", where=_FESTIVAL, floor=200000).named("Declared sales of 6 months without January and February against the year before", "近6个月申报销售额同比（剔除1、2月）", unit="share", direction=-1, reference="Signal T08 申报收入骤降; Spring Festival kept out of both years")
sales_growth_recent = ratio(total("tax_filing.declared_sales", by=_E, months=3, ago="30d"), total("tax_filing.declared_sales", by=_E, months=12, ago="30d")).named("Share of a year's declared sales made in the last three months", "近3个月申报销售额占近12个月比重", unit="share", direction=-1, reference="Signal T08 申报收入骤降")
zero_returns_12m = count("tax_filing", by=_E, months=12, where=field("is_zero").equals(True)).named("Zero returns in 12 months", "近12个月零申报次数", unit="returns", direction=1, reference="Signal T07 零申报")
months_since_sales = months_since_last("tax_filing", by=_E, where=_ACTIVE).named("Months since a return with sales", "距最近有销售申报月数", unit="months", direction=1, reference="Signal T07 零申报")
late_returns_12m = count("tax_filing", by=_E, months=12, where=field("is_late").equals(True)).named("Late returns in 12 months", "近12个月逾期申报次数", unit="returns", direction=1, reference="Tax Collection Law art. 25 税收征收管理法第二十五条")
months_filed_12m = months_with("tax_filing", by=_E, months=12, ago="30d").named("Months with a return in 12 months", "近12个月申报月数", unit="months", direction=-1, reference="Tax Collection Law art. 25 税收征收管理法第二十五条")
corrected_returns_24m = count("tax_filing", by=_E, months=24, where=field("is_corrected").equals(True)).named("Corrected returns in 24 months", "近24个月更正申报次数", unit="returns", direction=1, reference="Domain page 3.2 tax_filing: re-filed corrections")
export_share_12m = ratio(total("tax_filing.export_sales", by=_E, months=12, ago="30d"), total("tax_filing.declared_sales", by=_E, months=12, ago="30d")).named("Export share of declared sales", "出口销售占比（近12个月）", unit="share", direction=0, reference="Domain page 3.2 tax_filing")

tax_paid_12m = total("tax_paid.paid_amt", by=_E, months=12, ago="30d").named("Tax paid in 12 months", "近12个月入库税额", unit="CNY", direction=-1, reference="Admission rule A16")
tax_paid_yoy_12m = year_on_year("tax_paid.paid_amt", by=_E, months=12, ago="30d", floor=10000).named("Tax paid in 12 months against the year before", "近12个月入库税额同比", unit="share", direction=-1, reference=_SHANDONG)
tax_burden_12m = ratio(total("tax_paid.paid_amt", by=_E, months=12, ago="30d", where=field("tax_kind").equals("增值税")), total("tax_filing.declared_sales", by=_E, months=12, ago="30d")).named("VAT paid over declared sales", "增值税税负率（近12个月）", unit="share", direction=0, reference="Signal T10 税负率异常")
tax_arrears = total("tax_paid.arrears_bal", by=_E).named("Tax in arrears", "欠税余额", unit="CNY", direction=1, reference="Signal T11 欠税/滞纳金")
late_payment_surcharges_12m = total("tax_paid.late_fee", by=_E, months=12).named("Late-payment surcharges in 12 months", "近12个月滞纳金", unit="CNY", direction=1, reference="Signal T11 欠税/滞纳金")
months_with_arrears_12m = months_with("tax_paid", by=_E, months=12, where=field("arrears_bal") > 0).named("Months with tax in arrears in 12 months", "近12个月欠税月数", unit="months", direction=1, reference="Signal T11 欠税/滞纳金")
tax_rating = code(latest("tax_rating.level", by=_E), _LEVELS).named("Taxpayer credit rating (A 1, B 2, M 3, C 4, D 5)", "纳税信用级别（A为1，D为5）", unit="class", direction=1, reference="Admission rule A15; " + _RATING)
tax_rating_worsened = (code(latest("tax_rating.level", by=_E, ago="4m"), _LEVELS) - code(latest("tax_rating.level", by=_E, ago="16m"), _LEVELS)).named("Taxpayer credit rating against the year before", "纳税信用级别较上年变动", unit="classes", direction=1, reference="Signal T12 纳税信用下降; from May on the year just published; " + _RATING)
tax_status_abnormal = code(latest("tax_reg.status", by=_E), _NORMAL).named("Tax registration not normal", "税务登记非正常", unit="yes/no", direction=1, reference="Admission rule A17; signal T13 非正常户/注销税务")
general_taxpayer = code(latest("tax_reg.taxpayer_type", by=_E), {"一般纳税人": 1, "小规模纳税人": 0}).named("General VAT taxpayer", "一般纳税人", unit="yes/no", direction=-1, reference="Domain page 3.2 tax_reg")
tax_violations_36m = count("tax_violation", by=_E, window="36m").named("Major tax violations in 36 months", "近36个月重大税收违法", unit="cases", direction=1, reference="Admission rule A12; signal T14 重大税收违法/虚开")
days_since_filing = days_since("tax_filing", by=_E).named("Days since the last filed month ended", "距最近申报所属期末天数", unit="days", direction=1, reference="Signal DATA-01 数据断供")

filed_assets = latest("tax_filing.fs_assets", by=_E, where=field("fs_assets").is_known()).named("Total assets, statements filed with tax", "资产总额（税务报表）", unit="CNY", direction=-1, reference="Admission rule A28")
filed_liabilities = latest("tax_filing.fs_liabilities", by=_E, where=field("fs_liabilities").is_known()).named("Total liabilities, statements filed with tax", "负债总额（税务报表）", unit="CNY", direction=1, reference="Admission rule A28")
debt_ratio = ratio(filed_liabilities, filed_assets).named("Liabilities over assets", "资产负债率", unit="share", direction=1, reference="Admission rule A28; signal F01 资产负债率上升")
debt_ratio_change_12m = (ratio(latest("tax_filing.fs_liabilities", by=_E, ago="30d", where=field("fs_liabilities").is_known()), latest("tax_filing.fs_assets", by=_E, ago="30d", where=field("fs_assets").is_known())) - ratio(latest("tax_filing.fs_liabilities", by=_E, ago="395d", where=field("fs_liabilities").is_known()), latest("tax_filing.fs_assets", by=_E, ago="395d", where=field("fs_assets").is_known()))).named("Liabilities over assets against a year earlier", "资产负债率较上年变动", unit="share", direction=1, reference="Signal F01 资产负债率上升")
current_ratio = ratio(latest("tax_filing.fs_current_assets", by=_E, where=field("fs_current_assets").is_known()), latest("tax_filing.fs_current_liabilities", by=_E, where=field("fs_current_liabilities").is_known())).named("Current assets over current liabilities", "流动比率", unit="times", direction=-1, reference="Signal F04 流动比率")
net_profit_filed = latest("tax_filing.fs_net_profit", by=_E, where=field("fs_net_profit").is_known()).named("Net profit, year to date, last statements filed with tax", "净利润（最近税务报表，本年累计）", unit="CNY", direction=-1, reference="Signal F02 亏损/连续亏损")
loss_statements_24m = count("tax_filing", by=_E, months=24, where=field("fs_net_profit") < 0).named("Statements with a loss for the year to date, 24 months", "近24个月本年累计亏损的报表期数", unit="statements", direction=1, reference="Signal F02 亏损/连续亏损")
operating_cash_12m = latest("tax_filing.fs_operating_cash", by=_E, window="24m", where=[field("fs_operating_cash").is_known(), field("month").equals("12")]).named("Operating cash flow of the last full year filed", "最近完整年度经营现金流净额", unit="CNY", direction=-1, reference="Signal F03 经营现金流为负")
receivables_to_sales = ratio(latest("tax_filing.fs_receivables", by=_E, where=field("fs_receivables").is_known()), total("tax_filing.declared_sales", by=_E, months=12, ago="30d")).named("Receivables over a year's declared sales", "应收账款占年销售额比重", unit="share", direction=1, reference="Signal F05 应收/存货异常")
inventory_to_sales = ratio(latest("tax_filing.fs_inventory", by=_E, where=field("fs_inventory").is_known()), total("tax_filing.declared_sales", by=_E, months=12, ago="30d")).named("Inventory over a year's declared sales", "存货占年销售额比重", unit="share", direction=1, reference="Signal F05 应收/存货异常")

_DECEMBER = [field("month").equals("12")]
_KNOWN_ASSETS, _KNOWN_OWED = [field("fs_current_assets").is_known()], [field("fs_current_liabilities").is_known()]
_OWED = field("arrears_bal") > 0
_owed_vat = first_known(latest("tax_paid.arrears_bal", by=_E, where=field("tax_kind").equals("增值税")), 0)
_owed_profit = first_known(latest("tax_paid.arrears_bal", by=_E, where=field("tax_kind").equals("企业所得税")), 0)
_owed_income = first_known(latest("tax_paid.arrears_bal", by=_E, where=field("tax_kind").equals("个人所得税")), 0)
_owed_surtax = first_known(latest("tax_paid.arrears_bal", by=_E, where=field("tax_kind").equals("附加税费")), 0)
_owed_other = first_known(latest("tax_paid.arrears_bal", by=_E, where=field("tax_kind").equals("其他")), 0)
_owed = _owed_vat + _owed_profit + _owed_income + _owed_surtax + _owed_other
_owed_longer = 28 * (months_with("tax_paid", by=_E, months=2, ago="15d", where=_OWED).equals(2) + months_with("tax_paid", by=_E, months=3, ago="15d", where=_OWED).equals(3) + 3 * months_with("tax_paid", by=_E, months=6, ago="15d", where=_OWED).equals(6))
_after_last_sales = first_known(days_since("tax_filing", by=_E, where=field("is_zero").equals(False)), days_since_first("tax_filing", by=_E) + 30) - days_since("tax_filing", by=_E)
_liquid, _liquid_before = latest("tax_filing.fs_current_assets", by=_E, ago="30d", where=_KNOWN_ASSETS), latest("tax_filing.fs_current_assets", by=_E, ago="395d", where=_KNOWN_ASSETS)
_due, _due_before = latest("tax_filing.fs_current_liabilities", by=_E, ago="30d", where=_KNOWN_OWED), latest("tax_filing.fs_current_liabilities", by=_E, ago="395d", where=_KNOWN_OWED)
_KNOWN_DEBT, _KNOWN_TOTAL = [field("fs_liabilities").is_known()], [field("fs_assets").is_known()]
_debt, _debt_before = latest("tax_filing.fs_liabilities", by=_E, ago="30d", where=_KNOWN_DEBT), latest("tax_filing.fs_liabilities", by=_E, ago="395d", where=_KNOWN_DEBT)
_total, _total_before = latest("tax_filing.fs_assets", by=_E, ago="30d", where=_KNOWN_TOTAL), latest("tax_filing.fs_assets", by=_E, ago="395d", where=_KNOWN_TOTAL)
_told_debt, _told_debt_before = latest("mkt_annual.liabilities", by=_E, months=12, ago="30d"), latest("mkt_annual.liabilities", by=_E, months=12, ago="30d", earlier=12)
_told_total, _told_total_before = latest("mkt_annual.assets", by=_E, months=12, ago="30d"), latest("mkt_annual.assets", by=_E, months=12, ago="30d", earlier=12)
_sales_now, _sales_then = total("tax_filing.declared_sales", by=_E, months=12, ago="30d"), total("tax_filing.declared_sales", by=_E, months=12, ago="30d", earlier=12)
_then = _sales_then / (_sales_then > 600000)
_profit_now, _profit_then = latest("tax_filing.fs_net_profit", by=_E, months=12, ago="30d", where=[*_DECEMBER, field("fs_net_profit").is_known()]), latest("tax_filing.fs_net_profit", by=_E, months=12, ago="30d", earlier=12, where=[*_DECEMBER, field("fs_net_profit").is_known()])
_owed_now, _owed_then = latest("tax_filing.fs_receivables", by=_E, ago="30d", where=field("fs_receivables").is_known()), latest("tax_filing.fs_receivables", by=_E, ago="395d", where=field("fs_receivables").is_known())
_stock_now, _stock_then = latest("tax_filing.fs_inventory", by=_E, ago="30d", where=field("fs_inventory").is_known()), latest("tax_filing.fs_inventory", by=_E, ago="395d", where=field("fs_inventory").is_known())

# Changes are cross-multiplied and divided once: twice rounded, exactly -30 % or +15 points may fall short of its limit.
zero_months_running = ((_after_last_sales + 3 * (_after_last_sales > 0)) / 30.4375).named("Months of zero returns running", "连续零申报月数", unit="months", direction=1, reference="Signal T07 零申报: from the last return with sales to the last return, so a zero quarter is three months; three days' allowance for February")
_VAT = field("tax_kind").equals("增值税")
tax_burden_domestic_12m = ratio(total("tax_paid.paid_amt", by=_E, months=12, ago="30d", where=_VAT), total("tax_filing.declared_sales", by=_E, months=12, ago="30d") - first_known(total("tax_filing.export_sales", by=_E, months=12, ago="30d"), 0)).named("VAT paid over declared sales without exports", "增值税税负率（剔除出口，近12个月）", unit="share", direction=0, reference="Signal T10 税负率异常: exports are zero-rated")
tax_arrears_now = _owed.named("Tax still owed, each tax's last period exchanged", "欠税余额（各税种最近所属期合计）", unit="CNY", direction=1, reference="Signal T11 欠税/滞纳金: at least this much is owed, whether a row states the period's arrears or the running balance of its tax")
tax_arrears_days = (at_least(first_known(days_since("tax_paid", by=_E, where=_OWED), 0) - 15 + _owed_longer, 0) * (_owed > 0)).named("Days that tax has been overdue (at least)", "欠税已逾期天数（下限）", unit="days", direction=1, reference="Signal T11 欠税/滞纳金: due on the 15th of the next month; where 2, 3 or 6 months in a row have arrears, 28 days for each earlier one")
late_payment_surcharge_3m = first_known(largest("tax_paid.late_fee", by=_E, months=3, ago="30d"), 0).named("Largest late-payment surcharge of a period, 3 months", "近3个月单期最高滞纳金", unit="CNY", direction=1, reference="Signal T11 欠税/滞纳金")
tax_rating_level = latest("tax_rating.level", by=_E).named("Taxpayer credit rating, level", "纳税信用等级", reference="Signal T12 纳税信用下降; " + _RATING)
tax_registration_status = latest("tax_reg.status", by=_E).named("Tax registration, status", "税务登记状态", reference="Signal T13 非正常户/注销税务")
tax_violations_listed = count("tax_violation", by=_E).named("Major tax violations published now", "公布中的重大税收违法案件", unit="cases", direction=1, reference="Signal T14 重大税收违法/虚开: a case taken down no longer counts")

net_profit_last_year = first_known(_profit_now, latest("mkt_annual.net_profit", by=_E, months=12, ago="30d")).named("Net profit of the last full year (tax, else annual report)", "最近完整年度净利润（税务报表，其次年报）", unit="CNY", direction=-1, reference="Signal F02 亏损/连续亏损; precedence of domain page 3.6")
net_profit_year_before = first_known(_profit_then, latest("mkt_annual.net_profit", by=_E, months=12, ago="30d", earlier=12)).named("Net profit of the full year before the last (tax, else annual report)", "上一完整年度净利润（税务报表，其次年报）", unit="CNY", direction=-1, reference="Signal F02 亏损/连续亏损; precedence of domain page 3.6")
debt_ratio_known = first_known(debt_ratio, ratio(latest("mkt_annual.liabilities", by=_E, months=24), latest("mkt_annual.assets", by=_E, months=24))).named("Liabilities over assets (tax, else annual report)", "资产负债率（税务报表，其次年报）", unit="share", direction=1, reference="Signal F01 资产负债率上升; precedence of domain page 3.6")
debt_ratio_change_known = first_known(ratio(_debt * _total_before - _debt_before * _total, _total * _total_before), ratio(_told_debt * _told_total_before - _told_debt_before * _told_total, _told_total * _told_total_before)).named("Liabilities over assets against a year earlier (tax, else annual report)", "资产负债率较上年变动（税务报表，其次年报）", unit="share", direction=1, reference="Signal F01 资产负债率上升; precedence of domain page 3.6")
operating_cash_last_year = latest("tax_filing.fs_operating_cash", by=_E, months=12, ago="30d", where=[*_DECEMBER, field("fs_operating_cash").is_known()]).named("Operating cash flow of the same year as the last full year's profit", "与最近完整年度净利润同年的经营现金流净额", unit="CNY", direction=-1, reference="Signal F03 经营现金流为负: four quarters, statements are cumulative")
current_ratio_change_12m = (ratio(_liquid * _due_before, _due * _liquid_before) - 1).named("Current ratio against a year earlier", "流动比率同比变动", unit="share", direction=-1, reference="Signal F04 流动比率")
receivable_days_yoy = (ratio(_owed_now * _then, _sales_now * _owed_then) - 1).named("Days of sales in receivables against a year earlier", "应收账款周转天数同比", unit="share", direction=1, reference="Signal F05 应收/存货异常; floor 50,000 a month")
inventory_days_yoy = (ratio(_stock_now * _then, _sales_now * _stock_then) - 1).named("Days of sales in inventory against a year earlier", "存货周转天数同比", unit="share", direction=1, reference="Signal F05 应收/存货异常; floor 50,000 a month")
receivables_over_90d = at_least(ratio(_owed_now - total("tax_filing.declared_sales", by=_E, months=3, ago="30d") * 113 / 100, _owed_now), 0).named("Share of receivables surely older than 90 days", "账龄90天以上应收账款占比（下限）", unit="share", direction=1, reference="Signal F05 应收/存货异常: no ageing is filed; what exceeds the sales of three months with 13 % VAT must be older")
