"""What do the invoices of an enterprise say of its business? 发票：销售、作废、上下游、进销"""

from riskengine.profile import (
    absolute,
    at_least,
    count,
    days_since,
    days_since_first,
    distinct,
    field,
    largest,
    log1p,
    months_with,
    ratio,
    share,
    total,
)

_OWN = "enterprise"
_VALID = field("发票状态").equals("有效发票")
_RED = [_VALID, field("金额") < 0]
_BLACK = [_VALID, field("金额") > 0]

# Level and path of sales, month by month. 销售额与走势
_month = [total("sales.金额", by=_OWN, window="1m", ago=f"{ago}m", where=_VALID) for ago in range(12)]
_mean = total("sales.金额", by=_OWN, window="12m", where=_VALID) / 12
_gaps = [absolute(sales - _mean) for sales in _month]
_months_sum = (
    _gaps[0]
    + _gaps[1]
    + _gaps[2]
    + _gaps[3]
    + _gaps[4]
    + _gaps[5]
    + _gaps[6]
    + _gaps[7]
    + _gaps[8]
    + _gaps[9]
    + _gaps[10]
    + _gaps[11]
)
sales_12m = (log1p(at_least(total("sales.金额", by=_OWN, window="12m", where=_VALID), 0))).named(
    "Sales, 12 months (log)", "近12个月销售额（对数）", unit="log CNY", direction=-1
)
sales_all = (log1p(at_least(total("sales.金额", by=_OWN, where=_VALID), 0))).named(
    "Sales since 2016 (log)", "2016年以来销售额（对数）", unit="log CNY", direction=-1
)
sales_year_on_year = (
    ratio(
        total("sales.金额", by=_OWN, window="12m", where=_VALID),
        total("sales.金额", by=_OWN, window="12m", ago="12m", where=_VALID),
    )
).named("Sales, 12 months against the 12 before", "近12个月销售额同比", unit="times", direction=-1)
sales_half_on_half = (
    ratio(
        total("sales.金额", by=_OWN, window="6m", where=_VALID),
        total("sales.金额", by=_OWN, window="6m", ago="12m", where=_VALID),
    )
).named("Sales, 6 months against the same a year ago", "近6个月销售额同比", unit="times", direction=-1)
sales_trend = (
    ratio(
        total("sales.金额", by=_OWN, window="3m", where=_VALID) * 4,
        total("sales.金额", by=_OWN, window="12m", where=_VALID),
    )
).named(
    "Sales of the last quarter against the year", "近3个月销售额占全年（年化）", unit="times", direction=-1
)
sales_volatility = (ratio(_months_sum / 12, _mean)).named(
    "Mean distance of monthly sales from their mean", "月销售额平均离差率", unit="times", direction=1
)
sales_months_24m = (months_with("sales", by=_OWN, window="24m", where=_VALID)).named(
    "Months with sales, of 24", "近24个月有销售月数", unit="months", direction=-1
)
sales_months_12m = (months_with("sales", by=_OWN, window="12m", where=_VALID)).named(
    "Months with sales, of 12", "近12个月有销售月数", unit="months", direction=-1
)
days_since_sale = (days_since("sales", by=_OWN, where=_VALID)).named(
    "Days since the last sale", "距最近开票天数", unit="days", direction=1
)
days_since_first_sale = (days_since_first("sales", by=_OWN)).named(
    "Days since the first invoice", "距最早开票天数", unit="days", direction=-1
)
sales_count_12m = (log1p(count("sales", by=_OWN, window="12m", where=_VALID))).named(
    "Invoices issued, 12 months (log)", "近12个月销项发票数（对数）", unit="log", direction=-1
)

# Void and red-letter invoices. 作废与红字
void_share = (share("sales", by=_OWN, where=field("发票状态").equals("作废发票"))).named(
    "Void invoices among those issued", "销项作废率", unit="share", direction=1
)
red_share = (ratio(count("sales", by=_OWN, where=_RED), count("sales", by=_OWN, where=_VALID))).named(
    "Red-letter invoices among those issued", "销项红字率", unit="share", direction=1
)
red_amount_share = (
    ratio(-1 * total("sales.金额", by=_OWN, where=_RED), total("sales.金额", by=_OWN, where=_BLACK))
).named("Amount reversed of the amount issued", "销项红冲金额率", unit="share", direction=1)
void_share_in = (share("purchases", by=_OWN, where=field("发票状态").equals("作废发票"))).named(
    "Void invoices among those received", "进项作废率", unit="share", direction=1
)
red_share_in = (
    ratio(count("purchases", by=_OWN, where=_RED), count("purchases", by=_OWN, where=_VALID))
).named("Red-letter invoices among those received", "进项红字率", unit="share", direction=1)

# Counterparties. 上下游
buyers_12m = (log1p(distinct("sales.购方单位代号", by=_OWN, window="12m", where=_VALID))).named(
    "Buyers, 12 months (log)", "近12个月购方数（对数）", unit="log", direction=-1
)
sellers_12m = (log1p(distinct("purchases.销方单位代号", by=_OWN, window="12m", where=_VALID))).named(
    "Sellers, 12 months (log)", "近12个月销方数（对数）", unit="log", direction=-1
)
buyers_all = (log1p(distinct("sales.购方单位代号", by=_OWN, where=_VALID))).named(
    "Buyers since 2016 (log)", "购方总数（对数）", unit="log", direction=-1
)
sellers_all = (log1p(distinct("purchases.销方单位代号", by=_OWN, where=_VALID))).named(
    "Sellers since 2016 (log)", "销方总数（对数）", unit="log", direction=-1
)
invoices_a_buyer = (
    ratio(count("sales", by=_OWN, where=_VALID), distinct("sales.购方单位代号", by=_OWN, where=_VALID))
).named("Invoices a buyer", "每购方发票数", unit="invoices")
largest_sale_share = (
    ratio(
        largest("sales.金额", by=_OWN, window="12m", where=_VALID),
        total("sales.金额", by=_OWN, window="12m", where=_BLACK),
    )
).named("Largest invoice of the sales of 12 months", "近12个月最大单张发票占比", unit="share", direction=1)

# Purchases against sales. 进销比
purchases_to_sales = (
    ratio(total("purchases.金额", by=_OWN, where=_VALID), total("sales.金额", by=_OWN, where=_VALID))
).named("Purchases over sales", "进销比", unit="times")
purchases_12m = (log1p(at_least(total("purchases.金额", by=_OWN, window="12m", where=_VALID), 0))).named(
    "Purchases, 12 months (log)", "近12个月采购额（对数）", unit="log CNY", direction=-1
)
purchases_months_24m = (months_with("purchases", by=_OWN, window="24m", where=_VALID)).named(
    "Months with purchases, of 24", "近24个月有采购月数", unit="months", direction=-1
)
tax_burden = (
    ratio(
        total("sales.税额", by=_OWN, where=_VALID) - total("purchases.税额", by=_OWN, where=_VALID),
        total("sales.金额", by=_OWN, where=_VALID),
    )
).named("Net VAT over sales", "增值税税负率", unit="share")
