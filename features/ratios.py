"""What do two families say together? 跨源比率"""

from riskengine.profile import at_least, first_known, log1p, ratio

from .courts import enforcement_amount, lending_defendant_amount_24m
from .credit import guaranteed_for_others, open_credit
from .guarantee import enterprise_outstanding, requested_amount
from .staff import insured_mean_6m, power_12m
from .tax import filed_assets, filed_liabilities, sales_12m

_A29 = "Admission rule A29 营授比"

request_to_sales = ratio(requested_amount, sales_12m).named("Amount applied for over declared sales", "申请金额与申报销售额之比", unit="times", direction=1, reference=_A29)
outstanding_to_sales = ratio(enterprise_outstanding, sales_12m).named("Outstanding guarantees over declared sales", "在保余额与申报销售额之比", unit="times", direction=1, reference=_A29)
credit_to_sales = ratio(open_credit, sales_12m).named("Open credit over declared sales", "信贷余额与申报销售额之比", unit="times", direction=1, reference=_A29)
exposure_to_sales = ratio(first_known(open_credit, 0) + requested_amount, sales_12m).named("Open credit and this application over declared sales", "信贷余额加本次申请与销售额之比", unit="times", direction=1, reference=_A29)
debt_ratio_after = ratio(filed_liabilities + requested_amount, filed_assets + requested_amount).named("Liabilities over assets after this loan", "批准后资产负债率", unit="share", direction=1, reference="Admission rule A28; amount cap 3, domain page 4.3")
guarantees_to_net_assets = ratio(guaranteed_for_others, at_least(filed_assets - filed_liabilities, 10000)).named("Balance it is liable for over its net assets (10,000 at the least)", "对外担保与净资产之比（净资产不足1万元按1万元计）", unit="times", direction=1, reference="Admission rule A39")
enforcement_to_sales = ratio(enforcement_amount, sales_12m).named("Amount under enforcement over declared sales", "执行标的与销售额之比", unit="times", direction=1, reference="Admission rule A09: tolerance 1 % of revenue")
lending_claims_to_sales = ratio(lending_defendant_amount_24m, sales_12m).named("Lending claims against it over declared sales", "借贷担保类被诉金额与销售额之比", unit="times", direction=1, reference="Signal J05 金融/担保/借贷类被告")
sales_per_insured = ratio(sales_12m, insured_mean_6m).named("Declared sales per insured person", "人均申报销售额", unit="CNY/person", direction=0, reference="Domain page 3.2: tax and social security together")
power_per_sales = ratio(power_12m, sales_12m / 10000).named("Power per 10,000 yuan of declared sales", "万元销售额用电量", unit="kWh", direction=0, reference="Signal U03 用能与申报背离")
request_log = log1p(requested_amount).named("Amount applied for, logarithm", "申请金额对数", unit="ln CNY", direction=0, reference="Admission rule A32")
exposure_after = (enterprise_outstanding + requested_amount).named("Guaranteed for this enterprise if approved in full", "批准后本户担保余额上限", unit="CNY", direction=1, reference="Order 683 art. 16 融资担保公司监督管理条例第十六条")
