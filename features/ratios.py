"""What do two families say together? 跨源比率"""

from riskengine.profile import log1p, ratio

from .credit import open_credit
from .government import insured_mean_6m, sales_12m
from .guarantee import enterprise_outstanding, requested_amount

request_to_sales = ratio(requested_amount, sales_12m).named("Amount applied for over declared sales", "申请金额与申报销售额之比", unit="times", direction=1)
outstanding_to_sales = ratio(enterprise_outstanding, sales_12m).named("Outstanding guarantees over declared sales", "在保余额与申报销售额之比", unit="times", direction=1)
credit_to_sales = ratio(open_credit, sales_12m).named("Open credit over declared sales", "信贷余额与申报销售额之比", unit="times", direction=1)
sales_per_insured = ratio(sales_12m, insured_mean_6m).named("Declared sales per insured person", "人均申报销售额", unit="CNY/person")
request_log = log1p(requested_amount).named("Amount applied for, logarithm", "申请金额对数", unit="ln CNY")
exposure_after = (enterprise_outstanding + requested_amount).named("Guaranteed for this enterprise if approved in full", "批准后本户担保余额上限", unit="CNY", direction=1, reference="Order 683 art. 16 融资担保公司监督管理条例第十六条")
