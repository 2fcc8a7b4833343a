"""What has happened around the borrower: its industry, its state, their crossing, the economy? 市场：行业、地区、宏观

Macro series enter as changes only: levels act as a calendar and make a model worse out of time.
"""

from riskengine.profile import change, latest, momentum, ratio, shrunk_rate, total, trend, volatility

_APPROVALS, _CHARGE_OFFS, _EARLY = ("sector_history.approvals", "sector_history.charge_offs", "sector_history.early_charge_offs")
PER_APPROVAL, PER_CHARGE_OFF, STRENGTH = 14.0964, 5.0694, 600

_whole_approvals = total(_APPROVALS, by="whole", window="72m", ago="12m") * PER_APPROVAL
_whole_recent = total(_APPROVALS, by="whole", window="48m") * PER_APPROVAL
_whole_12m = ratio(total(_CHARGE_OFFS, by="whole", window="12m") * PER_CHARGE_OFF, _whole_approvals)
_whole_36m = ratio(total(_CHARGE_OFFS, by="whole", window="36m") * PER_CHARGE_OFF, _whole_approvals)
_whole_early = ratio(total(_EARLY, by="whole", window="24m") * PER_CHARGE_OFF, _whole_recent)

# Industry. 行业
_industry_approvals = total(_APPROVALS, by="industry", window="72m", ago="12m") * PER_APPROVAL
_industry_recent = total(_APPROVALS, by="industry", window="48m") * PER_APPROVAL
industry_approvals_12m = (total(_APPROVALS, by="industry", window="12m") * PER_APPROVAL).named("Industry's approvals, 12 months", "行业近12个月批准笔数", unit="loans")
industry_charge_offs_36m = (total(_CHARGE_OFFS, by="industry", window="36m") * PER_CHARGE_OFF).named("Industry's charge-offs, 36 months", "行业近36个月核销笔数", unit="loans", direction=1)
industry_charge_off_rate_12m = shrunk_rate(total(_CHARGE_OFFS, by="industry", window="12m") * PER_CHARGE_OFF, _industry_approvals, towards=_whole_12m, strength=STRENGTH).named("Industry's charge-off rate, 12 months", "行业核销率（近12个月）", unit="share", direction=1)
industry_charge_off_rate_36m = shrunk_rate(industry_charge_offs_36m, _industry_approvals, towards=_whole_36m, strength=STRENGTH).named("Industry's charge-off rate, 36 months", "行业核销率（近36个月）", unit="share", direction=1)
industry_early_rate_24m = shrunk_rate(total(_EARLY, by="industry", window="24m") * PER_CHARGE_OFF, _industry_recent, towards=_whole_early, strength=STRENGTH).named("Industry's early charge-off rate", "行业早期核销率", unit="share", direction=1)
industry_relative_36m = ratio(industry_charge_off_rate_36m, _whole_36m).named("Industry's charge-off rate against the programme's", "行业核销率相对全项目", unit="times", direction=1)
industry_relative_early = ratio(industry_early_rate_24m, _whole_early).named("Industry's early charge-off rate against the programme's", "行业早期核销率相对全项目", unit="times", direction=1)
industry_momentum = momentum(_CHARGE_OFFS, by="industry", recent="12m", before="24m").named("Industry's charge-offs, last year against the two before", "行业核销动量", unit="times", direction=1)
industry_loss_rate_60m = ratio(total("sector_history.charged_off_amount", by="industry", window="60m") * PER_CHARGE_OFF, total("sector_history.approved_amount", by="industry", window="60m") * PER_APPROVAL).named(
    "Industry's principal charged off over amount approved, 60 months", "行业近60个月核销金额率", unit="share", direction=1
)
industry_mean_amount = ratio(total("sector_history.approved_amount", by="industry", window="120m"), total(_APPROVALS, by="industry", window="120m")).named("Industry's mean loan", "行业户均批准金额", unit="USD")

# State. 地区
_region_approvals = total(_APPROVALS, by="region", window="72m", ago="12m") * PER_APPROVAL
_region_recent = total(_APPROVALS, by="region", window="48m") * PER_APPROVAL
region_approvals_12m = (total(_APPROVALS, by="region", window="12m") * PER_APPROVAL).named("State's approvals, 12 months", "地区近12个月批准笔数", unit="loans")
region_charge_offs_36m = (total(_CHARGE_OFFS, by="region", window="36m") * PER_CHARGE_OFF).named("State's charge-offs, 36 months", "地区近36个月核销笔数", unit="loans", direction=1)
region_charge_off_rate_12m = shrunk_rate(total(_CHARGE_OFFS, by="region", window="12m") * PER_CHARGE_OFF, _region_approvals, towards=_whole_12m, strength=STRENGTH).named("State's charge-off rate, 12 months", "地区核销率（近12个月）", unit="share", direction=1)
region_charge_off_rate_36m = shrunk_rate(region_charge_offs_36m, _region_approvals, towards=_whole_36m, strength=STRENGTH).named("State's charge-off rate, 36 months", "地区核销率（近36个月）", unit="share", direction=1)
region_early_rate_24m = shrunk_rate(total(_EARLY, by="region", window="24m") * PER_CHARGE_OFF, _region_recent, towards=_whole_early, strength=STRENGTH).named("State's early charge-off rate", "地区早期核销率", unit="share", direction=1)
region_relative_36m = ratio(region_charge_off_rate_36m, _whole_36m).named("State's charge-off rate against the programme's", "地区核销率相对全项目", unit="times", direction=1)
region_relative_early = ratio(region_early_rate_24m, _whole_early).named("State's early charge-off rate against the programme's", "地区早期核销率相对全项目", unit="times", direction=1)
region_momentum = momentum(_CHARGE_OFFS, by="region", recent="12m", before="24m").named("State's charge-offs, last year against the two before", "地区核销动量", unit="times", direction=1)
region_loss_rate_60m = ratio(total("sector_history.charged_off_amount", by="region", window="60m") * PER_CHARGE_OFF, total("sector_history.approved_amount", by="region", window="60m") * PER_APPROVAL).named(
    "State's principal charged off over amount approved, 60 months", "地区近60个月核销金额率", unit="share", direction=1
)
region_mean_amount = ratio(total("sector_history.approved_amount", by="region", window="120m"), total(_APPROVALS, by="region", window="120m")).named("State's mean loan", "地区户均批准金额", unit="USD")

# Industry in the state. 行业地区
_industry_region_approvals = total(_APPROVALS, by="industry_region", window="72m", ago="12m") * PER_APPROVAL
_industry_region_recent = total(_APPROVALS, by="industry_region", window="48m") * PER_APPROVAL
industry_region_approvals_12m = (total(_APPROVALS, by="industry_region", window="12m") * PER_APPROVAL).named("Industry in the state: approvals, 12 months", "行业地区近12个月批准笔数", unit="loans")
industry_region_charge_offs_36m = (total(_CHARGE_OFFS, by="industry_region", window="36m") * PER_CHARGE_OFF).named("Industry in the state: charge-offs, 36 months", "行业地区近36个月核销笔数", unit="loans", direction=1)
industry_region_charge_off_rate_12m = shrunk_rate(total(_CHARGE_OFFS, by="industry_region", window="12m") * PER_CHARGE_OFF, _industry_region_approvals, towards=_whole_12m, strength=STRENGTH).named("Industry in the state: charge-off rate, 12 months", "行业地区核销率（近12个月）", unit="share", direction=1)
industry_region_charge_off_rate_36m = shrunk_rate(industry_region_charge_offs_36m, _industry_region_approvals, towards=_whole_36m, strength=STRENGTH).named("Industry in the state: charge-off rate, 36 months", "行业地区核销率（近36个月）", unit="share", direction=1)
industry_region_early_rate_24m = shrunk_rate(total(_EARLY, by="industry_region", window="24m") * PER_CHARGE_OFF, _industry_region_recent, towards=_whole_early, strength=STRENGTH).named("Industry in the state: early charge-off rate", "行业地区早期核销率", unit="share", direction=1)
industry_region_relative_36m = ratio(industry_region_charge_off_rate_36m, _whole_36m).named("Industry in the state: charge-off rate against the programme's", "行业地区核销率相对全项目", unit="times", direction=1)
industry_region_relative_early = ratio(industry_region_early_rate_24m, _whole_early).named("Industry in the state: early charge-off rate against the programme's", "行业地区早期核销率相对全项目", unit="times", direction=1)
industry_region_momentum = momentum(_CHARGE_OFFS, by="industry_region", recent="12m", before="24m").named("Industry in the state: charge-offs, last year against the two before", "行业地区核销动量", unit="times", direction=1)

# The economy
unemployment_change_6m = change("macro_us.UNRATE", by="whole", over="6m").named("Unemployment, change in 6 months", "失业率近6个月变动", unit="points", direction=1)
unemployment_change_12m = change("macro_us.UNRATE", by="whole", over="12m").named("Unemployment, change in 12 months", "失业率近12个月变动", unit="points", direction=1)
fed_funds_change_12m = change("macro_us.FEDFUNDS", by="whole", over="12m").named("Federal funds rate, change in 12 months", "联邦基金利率近12个月变动", unit="points", direction=1)
fed_funds_change_24m = change("macro_us.FEDFUNDS", by="whole", over="24m").named("Federal funds rate, change in 24 months", "联邦基金利率近24个月变动", unit="points", direction=1)
long_rate_change_12m = change("macro_us.GS10", by="whole", over="12m").named("Ten-year yield, change in 12 months", "十年期收益率近12个月变动", unit="points")
credit_spread_change_6m = (change("macro_us.BAA", by="whole", over="6m") - change("macro_us.AAA", by="whole", over="6m")).named("Baa-Aaa spread, change in 6 months", "信用利差近6个月变动", unit="points", direction=1)
_production_now, _production_before = (latest("macro_us.INDPRO", by="whole"), latest("macro_us.INDPRO", by="whole", ago="12m"))
industrial_production_change_12m = (ratio(_production_now, _production_before) - 1).named("Industrial production, change in 12 months", "工业生产近12个月变动", unit="share", direction=-1)
_payrolls_now, _payrolls_before = (latest("macro_us.PAYEMS", by="whole"), latest("macro_us.PAYEMS", by="whole", ago="12m"))
payrolls_change_12m = (ratio(_payrolls_now, _payrolls_before) - 1).named("Employment, change in 12 months", "非农就业近12个月变动", unit="share", direction=-1)
_permits_now, _permits_before = (latest("macro_us.PERMIT", by="whole"), latest("macro_us.PERMIT", by="whole", ago="12m"))
housing_permits_change_12m = (ratio(_permits_now, _permits_before) - 1).named("Building permits, change in 12 months", "建筑许可近12个月变动", unit="share", direction=-1)
_claims_now, _claims_before = (latest("macro_us.CLAIMSx", by="whole"), latest("macro_us.CLAIMSx", by="whole", ago="12m"))
jobless_claims_change_12m = (ratio(_claims_now, _claims_before) - 1).named("Jobless claims, change in 12 months", "首次申领失业金近12个月变动", unit="share", direction=1)
_loans_now, _loans_before = (latest("macro_us.BUSLOANS", by="whole"), latest("macro_us.BUSLOANS", by="whole", ago="12m"))
business_loans_change_12m = (ratio(_loans_now, _loans_before) - 1).named("Business loans, change in 12 months", "工商业贷款近12个月变动", unit="share")
sentiment_change_6m = change("macro_us.UMCSENTx", by="whole", over="6m").named("Consumer sentiment, change in 6 months", "消费者信心近6个月变动", unit="points", direction=-1)
oil_price_trend_12m = trend("macro_us.OILPRICEx", by="whole", window="12m").named("Oil price, slope over 12 months", "油价近12个月斜率", unit="USD a month")
fed_funds_volatility_24m = volatility("macro_us.FEDFUNDS", by="whole", window="24m").named("Federal funds rate, volatility over 24 months", "联邦基金利率近24个月波动", unit="points")

_whole_early_36m = ratio(total(_EARLY, by="whole", window="36m") * PER_CHARGE_OFF, total(_APPROVALS, by="whole", window="72m") * PER_APPROVAL)
_industry_early_36m = shrunk_rate(total(_EARLY, by="industry", window="36m") * PER_CHARGE_OFF, total(_APPROVALS, by="industry", window="72m") * PER_APPROVAL, towards=_whole_early_36m, strength=200)
industry_early_relative_36m = ratio(_industry_early_36m, _whole_early_36m).named("Industry's charge-offs within 36 months of approval, against the programme's", "行业36个月内核销率相对全项目", unit="times", direction=1)
_starts_now, _starts_before = (latest("macro_us.HOUST", by="whole"), latest("macro_us.HOUST", by="whole", ago="12m"))
housing_starts_change_12m = (ratio(_starts_now, _starts_before) - 1).named("Housing starts, change in 12 months", "新屋开工近12个月变动", unit="share", direction=-1)
