"""What does it invoice and buy? 发票：开票额、同比、断票、红冲作废、客户集中度、进项

February is left out of gaps, January and February of half-year comparisons: the Spring Festival moves between them.
Sums are over whole calendar months that had ended ten days before: a month's invoices arrive within a few days of its end.
"""

from riskengine.profile import (
    absolute,
    at_least,
    at_most,
    count,
    days_since,
    elapsed_days,
    field,
    first_known,
    greater,
    largest,
    latest,
    linked,
    longest_gap,
    mean,
    months_with,
    ratio,
    smaller,
    total,
    trend,
    volatility,
    year_on_year,
)

_E, _LAG = "enterprise", "10d"
_SOLD, _BOUGHT = field("dir").equals("销"), field("dir").equals("进")
_ISSUED = [_SOLD, field("blue_cnt") > 0]
_NOT_FESTIVAL = [field("month").differs("01"), field("month").differs("02")]
_T01, _T02, _T04, _T05 = "Signal T01 开票额骤降", "Signal T02 断票", "Signal T04 红冲/作废异常", "Signal T05 下游集中/流失"

invoiced_12m = total("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD).named("Invoiced in 12 months", "近12个月开票额", unit="CNY", direction=-1, reference="Admission rule A40; " + _T01)
invoiced_3m = total("inv_monthly.blue_amt", by=_E, months=3, ago=_LAG, where=_SOLD).named("Invoiced in 3 months", "近3个月开票额", unit="CNY", direction=-1, reference=_T01)
invoiced_yoy_12m = year_on_year("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD, floor=600000).named("Invoiced in 12 months against the year before", "近12个月开票额同比", unit="share", direction=-1, reference=_T01 + "; floor 50,000 a month")
invoiced_yoy_6m = year_on_year("inv_monthly.blue_amt", by=_E, months=6, ago=_LAG, where=[_SOLD, *_NOT_FESTIVAL], floor=200000).named("Invoiced in 6 months without January and February against the year before", "近6个月开票额同比（剔除1、2月）", unit="share", direction=-1, reference=_T01 + "; Spring Festival kept out of both years")
invoiced_recent_share = ratio(total("inv_monthly.blue_amt", by=_E, months=3, ago=_LAG, where=_SOLD), total("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD)).named("Share of a year's invoices made in the last three months", "近3个月开票额占近12个月比重", unit="share", direction=-1, reference=_T01)
invoiced_trend_12m = ratio(trend("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD), mean("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD)).named("Trend of invoices over their mean, 12 months", "开票额月趋势与均值之比（近12个月）", unit="1/month", direction=-1, reference=_T01)
invoiced_variation_12m = ratio(volatility("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD), mean("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD)).named("Variation of monthly invoices, 12 months", "开票额变异系数（近12个月）", unit="times", direction=1, reference=_T01)
months_invoiced_12m = months_with("inv_monthly", by=_E, months=12, ago=_LAG, where=_ISSUED).named("Months with invoices in 12 months", "近12个月有开票月数", unit="months", direction=-1, reference="Admission rule A40; " + _T02)
months_not_invoiced_12m = at_least(first_known(smaller(elapsed_days(latest("mkt_reg.est_date", by=_E)) / 30.4375, 11), 11) - months_with("inv_monthly", by=_E, months=12, ago=_LAG, where=[*_ISSUED, field("month").differs("02")]), 0).named("Months without invoices in 12 months or since established, February left out", "近12个月（或成立以来）断票月数（不含2月）", unit="months", direction=1, reference=_T02)
days_since_invoice = elapsed_days(largest("inv_monthly.last_invoice_dt", by=_E, where=_SOLD)).named("Days since the last invoice", "距最近开票天数", unit="days", direction=1, reference="Signal T03 近45日无开票")
red_share_12m = absolute(ratio(total("inv_monthly.red_amt", by=_E, months=12, ago=_LAG, where=_SOLD), total("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD))).named("Red-letter invoices over invoices, 12 months", "红冲占开票比重（近12个月）", unit="share", direction=1, reference="Admission rule A40; " + _T04)
void_share_12m = ratio(total("inv_monthly.void_cnt", by=_E, months=12, ago=_LAG, where=_SOLD), total("inv_monthly.void_cnt", by=_E, months=12, ago=_LAG, where=_SOLD) + total("inv_monthly.blue_cnt", by=_E, months=12, ago=_LAG, where=_SOLD)).named("Void invoices over all invoices, 12 months", "作废发票占比（近12个月）", unit="share", direction=1, reference=_T04)
customers_mean_6m = mean("inv_monthly.cp_cnt", by=_E, months=6, ago=_LAG, where=_SOLD).named("Customers a month, 6 months", "近6个月月均客户数", unit="customers", direction=-1, reference=_T05)
customers_change_6m = (ratio(mean("inv_monthly.cp_cnt", by=_E, months=6, ago=_LAG, where=_SOLD), mean("inv_monthly.cp_cnt", by=_E, months=6, ago=_LAG, earlier=6, where=_SOLD)) - 1).named("Customers a month against the six months before", "月均客户数较前6个月变动", unit="share", direction=-1, reference=_T05)
top_customer_share_6m = mean("inv_monthly.top1_share", by=_E, months=6, ago=_LAG, where=_SOLD).named("Share of the largest customer, 6 months", "第一大客户占比（近6个月）", unit="share", direction=1, reference=_T05)
top_five_customers_share_6m = mean("inv_monthly.top5_share", by=_E, months=6, ago=_LAG, where=_SOLD).named("Share of the five largest customers, 6 months", "前五大客户占比（近6个月）", unit="share", direction=1, reference=_T05)
purchases_12m = total("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_BOUGHT).named("Purchases invoiced in 12 months", "近12个月进项开票额", unit="CNY", direction=-1, reference="Domain page 3.2 inv_monthly")
purchases_yoy_12m = year_on_year("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_BOUGHT, floor=600000).named("Purchases in 12 months against the year before", "近12个月进项额同比", unit="share", direction=-1, reference="Domain page 3.2 inv_monthly")
purchases_to_sales_12m = ratio(purchases_12m, invoiced_12m).named("Purchases over sales by invoices, 12 months", "进销比（近12个月）", unit="share", direction=0, reference="Domain page 3.2 inv_monthly")
suppliers_mean_6m = mean("inv_monthly.cp_cnt", by=_E, months=6, ago=_LAG, where=_BOUGHT).named("Suppliers a month, 6 months", "近6个月月均供应商数", unit="suppliers", direction=-1, reference="Domain page 3.2 inv_monthly")
related_sales_12m = ratio(total("inv_counterparty.amt", by=_E, window="12m", ago=_LAG, where=[_SOLD, field("is_related").equals(True)]), total("inv_counterparty.amt", by=_E, window="12m", ago=_LAG, where=_SOLD)).named("Share of sales to related parties, 12 months", "关联方销售占比（近12个月）", unit="share", direction=1, reference="Domain page 3.2 inv_counterparty")
invoices_last_month = latest("inv_monthly.blue_cnt", by=_E, where=_SOLD).named("Invoices issued in the last reported month", "最近报告月开票份数", unit="invoices", direction=-1, reference=_T02)
invoice_reports_12m = count("inv_monthly", by=_E, months=12, ago=_LAG, where=_SOLD).named("Monthly invoice reports in 12 months", "近12个月开票汇总期数", unit="reports", direction=0, reference="Signal DATA-01 数据断供")

_EITHER = field("month").within("01", "02")
_jan_3m = count("inv_monthly", by=_E, months=3, ago=_LAG, where=[_SOLD, field("month").equals("01")]) + count("inv_monthly", by=_E, months=3, ago=_LAG, earlier=12, where=[_SOLD, field("month").equals("01")])
_feb_3m = count("inv_monthly", by=_E, months=3, ago=_LAG, where=[_SOLD, field("month").equals("02")]) + count("inv_monthly", by=_E, months=3, ago=_LAG, earlier=12, where=[_SOLD, field("month").equals("02")])
_both_3m = at_most(_jan_3m, 1) * at_most(_feb_3m, 1)
_lone_3m = at_most(_jan_3m + _feb_3m, 1) - _both_3m
_sold_3m = total("inv_monthly.blue_amt", by=_E, months=3, ago=_LAG, where=[_SOLD, *_NOT_FESTIVAL]) + _both_3m * total("inv_monthly.blue_amt", by=_E, months=3, ago=_LAG, where=[_SOLD, _EITHER])
_sold_3m_before = total("inv_monthly.blue_amt", by=_E, months=3, ago=_LAG, earlier=12, where=[_SOLD, *_NOT_FESTIVAL]) + _both_3m * total("inv_monthly.blue_amt", by=_E, months=3, ago=_LAG, earlier=12, where=[_SOLD, _EITHER])
_without = at_least(days_since_invoice - days_since("inv_monthly", by="whole", ago=_LAG), 0)

invoiced_yoy_3m = (ratio(_sold_3m, _sold_3m_before / (_sold_3m_before > (3 - _lone_3m) * 50000)) - 1).named("Invoiced in 3 months against the same months a year before", "近3个月开票额同比", unit="share", direction=-1, reference=_T01 + "; January and February count only together (Spring Festival); floor 50,000 a month")
days_without_invoice = _without.named("Days without an invoice up to the last whole month reported", "截至最近完整报告月未开票天数", unit="days", direction=1, reference="Signal T03 近45日无开票: the month that runs is not known yet, domain page 3.2 inv_monthly")
longest_invoice_gap_12m = greater(_without, at_least(longest_gap("inv_monthly", by=_E, months=12, ago=_LAG, where=_ISSUED) - 31, 0)).named("Longest time surely without an invoice, 12 months, one still open included", "近12个月最长断票天数（下限，含持续中）", unit="days", direction=1, reference=_T02 + ": whole months between invoices; the one still open by its last invoice")
void_amount_share_12m = ratio(first_known(total("inv_monthly.void_amt", by=_E, months=12, ago=_LAG, where=_SOLD), 0), first_known(total("inv_monthly.void_amt", by=_E, months=12, ago=_LAG, where=_SOLD), 0) + total("inv_monthly.blue_amt", by=_E, months=12, ago=_LAG, where=_SOLD)).named("Void amount over void and valid, 12 months", "作废金额占比（近12个月）", unit="share", direction=1, reference=_T04 + "; no voids since the digital invoices of December 2024")
main_customers_in_grave_trouble = linked("troubled_main_customer", by=_E).named("Five largest customers: how many closed, dishonest, insolvent or without assets", "前五大客户中注销吊销、失信、终本、破产或被代偿家数", unit="enterprises", direction=1, reference="Signal T06 前五大客户失联/涉诉: each counted once; facts that are red of themselves, an open enforcement case alone is not")
