"""How do the families speak to each other? 跨来源比率"""

from riskengine.profile import absolute, at_most, ratio

from . import credit, government, guarantee, market

amount_per_employee = ratio(guarantee.requested_amount, government.employees + 1).named("Requested amount per head (employees + 1)", "人均申请金额（员工数+1）", unit="USD", direction=1)
unguaranteed_amount = (guarantee.requested_amount - guarantee.guaranteed_amount).named("Amount at the lender's own risk", "银行自担金额", unit="USD", direction=-1)
jobs_created_per_employee = ratio(guarantee.jobs_created, government.employees + 1).named("Jobs to be created per head (employees + 1)", "人均新增岗位（员工数+1）", unit="times")
jobs_retained_per_employee = ratio(guarantee.jobs_retained, government.employees + 1).named("Jobs retained per head (employees + 1)", "人均保留岗位（员工数+1）", unit="times")
amount_to_lender_mean = ratio(guarantee.requested_amount, credit.lender_mean_amount).named("Requested amount against the lender's mean loan", "申请金额相对银行户均", unit="times")
amount_to_industry_mean = ratio(guarantee.requested_amount, market.industry_mean_amount).named("Requested amount against the industry's mean loan", "申请金额相对行业户均", unit="times")
amount_to_region_mean = ratio(guarantee.requested_amount, market.region_mean_amount).named("Requested amount against the state's mean loan", "申请金额相对地区户均", unit="times")
months_from_peak_age = absolute(at_most(guarantee.months_on_book, 120) - 42).named("Distance from the age of most charge-offs (42 months)", "距核销高峰账龄（42个月）", unit="months", direction=-1)
