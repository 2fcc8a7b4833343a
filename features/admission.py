"""What do the written admission rules ask that no other file answers? 准入规则专用：授信余额口径、关联与同一控制、资格、重复申请

A list that is published says what was found ("found" in the label): where nothing was found there is nothing known
against the enterprise. What needs an authorisation (credit reports) stays unknown until it is drawn.
"""

from riskengine.profile import (
    at_least,
    code,
    count,
    distinct,
    elapsed_days,
    field,
    first_known,
    greater,
    largest,
    latest,
    mean,
    ratio,
    total,
    years_since,
)

from .credit import (
    bad_credit,
    guaranteed_bad,
    guaranteed_watched,
    watched_credit,
)
from .guarantee import enterprise_outstanding, requested_term
from .ownership import state_holding
from .qualifications import high_technology, little_giant
from .tax import filed_assets, filed_liabilities, sales_12m, tax_paid_12m, tax_rating

_A, _E, _EP, _EI = "application", "enterprise", "enterprise_product", "enterprise_institution"
_R, _C = "related", "same_controller"
_BATCH = field("product").within("BATCH", "ZDZ", "PRIV")
_ZDZ, _AGRI = field("product").within("BATCH", "ZDZ"), field("product").within("SD-AGRI", "AGRI")  # the old code and the new one are one product
_RENAMED = {"BATCH": 0, "ZDZ": 0, "SD-AGRI": 0, "AGRI": 0}
_COMPENSATED = field("type").equals("代偿解保")  # a compensation is booked and released: count it once
_VALID = [field("valid_to").not_before_as_of(), field("status").equals("有效")]
_CLASS_2 = field("list_type").within("高新技术企业", "创新积分制")
_CLASS_3 = field("list_type").within("科技型中小企业", "创新型中小企业")
_OPEN_CASE = [field("role").equals("被告"), field("result").equals("未结")]
_LENDING = field("cause").within("金融借款合同纠纷", "民间借贷纠纷", "借款合同纠纷", "小额借款合同纠纷", "追偿权纠纷", "保证合同纠纷")
_REFINANCED = field("special_trade").within("展期", "借新还旧", "无还本续贷")
_NO_REPORT = count("pboc_ent", by=_E, window="6m") * 0  # zero where a report of the window shows none, unknown where none was drawn
_ORDER683 = "State Council Order 683 art. 16 融资担保公司监督管理条例第十六条"
_STACKING = "Admission rules A32, A37; single-account balance of all loans 单户在保余额, domain page 9.3"

# What is outstanding, on which basis 在保余额口径
_product_out = at_least(total("contract.guaranteed", by=_EP) - (total("release.amount", by=_EP) - total("release.amount", by=_EP, where=_COMPENSATED)) - greater(total("release.amount", by=_EP, where=_COMPENSATED), total("compensation.principal", by=_EP)), 0)
_product_loans = _product_out * first_known(ratio(total("contract.principal", by=_EP), total("contract.guaranteed", by=_EP)), 1)
_zdz_loans = at_least(total("contract.guaranteed", by=_E, where=_ZDZ) - (total("release.amount", by=_E, where=_ZDZ) - total("release.amount", by=_E, where=[_ZDZ, _COMPENSATED])) - greater(total("release.amount", by=_E, where=[_ZDZ, _COMPENSATED]), total("compensation.principal", by=_E, where=_ZDZ)), 0) * first_known(ratio(total("contract.principal", by=_E, where=_ZDZ), total("contract.guaranteed", by=_E, where=_ZDZ)), 1)
_agri_loans = at_least(total("contract.guaranteed", by=_E, where=_AGRI) - (total("release.amount", by=_E, where=_AGRI) - total("release.amount", by=_E, where=[_AGRI, _COMPENSATED])) - greater(total("release.amount", by=_E, where=[_AGRI, _COMPENSATED]), total("compensation.principal", by=_E, where=_AGRI)), 0) * first_known(ratio(total("contract.principal", by=_E, where=_AGRI), total("contract.guaranteed", by=_E, where=_AGRI)), 1)
_batch_out = at_least(total("contract.guaranteed", by=_E, where=_BATCH) - (total("release.amount", by=_E, where=_BATCH) - total("release.amount", by=_E, where=[_BATCH, _COMPENSATED])) - greater(total("release.amount", by=_E, where=[_BATCH, _COMPENSATED]), total("compensation.principal", by=_E, where=_BATCH)), 0)
_related_out = at_least(total("contract.guaranteed", by=_E, through=_R) - (total("release.amount", by=_E, through=_R) - total("release.amount", by=_E, through=_R, where=_COMPENSATED)) - greater(total("release.amount", by=_E, through=_R, where=_COMPENSATED), total("compensation.principal", by=_E, through=_R)), 0)
_controlled_out = at_least(total("contract.guaranteed", by=_E, through=_C, where=_BATCH) - (total("release.amount", by=_E, through=_C, where=_BATCH) - total("release.amount", by=_E, through=_C, where=[_BATCH, _COMPENSATED])) - greater(total("release.amount", by=_E, through=_C, where=[_BATCH, _COMPENSATED]), total("compensation.principal", by=_E, through=_C, where=_BATCH)), 0)
_own_out = at_least(total("contract.guaranteed", by=_EI) - (total("release.amount", by=_EI) - total("release.amount", by=_EI, where=_COMPENSATED)) - greater(total("release.amount", by=_EI, where=_COMPENSATED), total("compensation.principal", by=_EI)), 0)
_to_loans = first_known(ratio(total("contract.principal", by=_E), total("contract.guaranteed", by=_E)), 1)
outstanding_loans = (enterprise_outstanding * _to_loans).named("Loans outstanding under our guarantees, this enterprise", "在保贷款余额（本户，贷款本金口径）", unit="CNY", direction=1, reference=_STACKING)
outstanding_retained = (enterprise_outstanding * _to_loans * first_known(mean("contract.share_direct", by=_E), 1)).named("Loans outstanding, the part this institution bears itself (mean direct share)", "在保贷款自留责任（按平均直保分险比例）", unit="CNY", direction=1, reference="Exposure basis own_retained, domain page 8.2 worked example 5")
product_outstanding = (code(latest("application.product", by=_A), _RENAMED, 1) * _product_loans + code(latest("application.product", by=_A), {"BATCH": 1, "ZDZ": 1}, 0) * _zdz_loans + code(latest("application.product", by=_A), {"SD-AGRI": 1, "AGRI": 1}, 0) * _agri_loans).named("Loans outstanding in the product applied for", "所申请产品在保贷款余额", unit="CNY", direction=1, reference=_STACKING)
batch_outstanding = (_batch_out * _to_loans).named("Loans outstanding in batch products", "批量类产品在保贷款余额", unit="CNY", direction=1, reference=_STACKING)
related_outstanding = _related_out.named("Guaranteed amount outstanding, related parties", "关联方在保余额", unit="CNY", direction=1, reference=_ORDER683)
group_outstanding = (enterprise_outstanding + _related_out).named("Guaranteed amount outstanding, with related parties", "在保余额（本户及关联方）", unit="CNY", direction=1, reference=_ORDER683)
institution_outstanding = _own_out.named("Guaranteed amount outstanding, this enterprise at this institution", "在保余额（本户在本机构）", unit="CNY", direction=1, reference=_ORDER683)
institution_group_outstanding = (_own_out + _related_out).named("Guaranteed amount outstanding, at this institution and of related parties at any", "在保余额（本户在本机构及关联方在各机构）", unit="CNY", direction=1, reference=_ORDER683 + "; related parties are summed over all institutions, which overstates where several guarantee them 关联方按全部机构合计，偏保守")
institution_net_assets = latest("institution.net_assets", by="institution").named("Net assets of the institution", "承办机构净资产", unit="CNY", direction=0, reference=_ORDER683)
institution_equity_in_guarantors = latest("institution.equity_in_guarantors", by="institution").named("The institution's equity in other guarantors", "承办机构对其他担保公司股权投资", unit="CNY", direction=0, reference="Net assets less equity in other guarantors, domain page 2.2")

# Who stands behind it 同一控制与自身关联
controller_batch_enterprises = distinct("contract.uscc", by=_E, through=_C, where=[_BATCH, field("end").not_before_as_of()]).named("Other enterprises of its controller with a running batch guarantee", "同一控制人名下批量在保的其他企业数", unit="enterprises", direction=1, reference="Admission rule A36")
controller_batch_outstanding = (_batch_out * _to_loans + _controlled_out * first_known(ratio(total("contract.principal", by=_E, through=_C), total("contract.guaranteed", by=_E, through=_C)), 1)).named("Loans outstanding in batch products, its controller's enterprises together", "同一控制人批量类产品在保贷款余额合计", unit="CNY", direction=1, reference="Admission rule A36")
guarantors_controlled = distinct("institution.inst_id", by=_E, through="subsidiary").named("Guarantors it is the controlling shareholder of", "由其控股的担保机构数", unit="institutions", direction=1, reference="Admission rule A35; Order 683 art. 17 融资担保公司监督管理条例第十七条")

state_control = greater(first_known(state_holding, 0), first_known(total("mkt_equity.ratio", by=_E, through="parent", where=field("holder_type").equals("国有")), 0)).named("Share held by the state, in it or in the enterprise that holds more than half of it", "国有持股比例（直接，或其控股法人股东的）", unit="share", direction=0, reference="Admission rule A03: state-owned enterprises and their subsidiaries above 50 %")

# Who it is, what it asks for 主体与申请
months_established = (elapsed_days(latest("mkt_reg.est_date", by=_E)) * 12 / 365).named("Months since established, a year of 365 days", "成立月数（一年按365天）", unit="months", direction=-1, reference="Admission rule A06: a full year is 12 months to the day, in a leap year a day sooner")
registered_region = latest("mkt_reg.region6", by=_E).named("Registered region", "登记地区划代码", reference="Admission rule A02")
applied_industry = latest("application.industry_code", by=_A).named("Industry in the application", "申请所属行业代码", reference="Admission rules A03, A13, A14, A29; GB/T 4754")
registered_industry = latest("mkt_reg.industry_code", by=_E).named("Registered industry", "登记行业代码", reference="Admission rule A13; GB/T 4754")
enterprise_size = latest("application.declared_size", by=_A).named("Size class in the application", "企业划型（申请填报）", reference="Admission rule A04; 中小企业划型标准规定 工信部联企业〔2011〕300号")
requested_purpose = latest("application.purpose", by=_A).named("Purpose of the loan", "贷款用途", reference="Admission rule A31")
requested_renewal = latest("application.is_renewal", by=_A).named("Renewal of an earlier guarantee", "续保申请", unit="yes/no", direction=0, reference="Admission rule A44")
age_at_end = (years_since(latest("application.legal_rep_birth_year", by=_A)) + requested_term / 12).named("Age of the legal representative at the loan's end", "贷款到期时法定代表人（农户）年龄", unit="years", direction=1, reference="Admission rule A30; 齐鲁富民贷 (domain page A S30)")
same_product_applications_30d = count("application", by=_EP, window="30d").named("Applications for this product in 30 days", "近30日同一产品申请次数", unit="applications", direction=1, reference="Admission rule A43")
institutions_applied_30d = distinct("application.institution", by=_E, window="30d").named("Institutions applied to in 30 days", "近30日申请的担保机构数", unit="institutions", direction=1, reference="Admission rule A43")

# What it is recognised as 科技资格
_c1, _c2, _c3 = (count("tech_list", by=_E, where=[*_VALID, field("list_type").within("专精特新小巨人", "专精特新中小企业", "国家科技项目")]) > 0), (count("tech_list", by=_E, where=[*_VALID, _CLASS_2]) > 0), (count("tech_list", by=_E, where=[*_VALID, _CLASS_3]) > 0)
technology_class = (_c1 + (1 - _c1) * _c2 * 2 + (1 - _c1) * (1 - _c2) * _c3 * 3).named("Fund class of its valid technology titles (0: none)", "科创专项分档（按当日有效名单，0为不在名单）", unit="class", direction=0, reference="财金〔2024〕60号 (domain page 2.5, B S16)")
fresh_technology_titles = (count("tech_list", by=_E, window="48m", where=[*_VALID, field("list_type").equals("高新技术企业")]) + count("tech_list", by=_E, window="24m", where=[*_VALID, field("list_type").equals("科技型中小企业")])).named("Valid titles still young: high-technology within 4 years, technology SME within 2", "新近有效科技资质数（高企4年内、科小2年内）", unit="titles", direction=0, reference="安徽科技担 (domain page 4.1 AH-TECH, B S29)")
special_or_high_technology = greater(little_giant, high_technology).named("Specialised and sophisticated or high-technology enterprise", "专精特新或高新技术企业", unit="yes/no", direction=-1, reference="Admission rule A36")

# What was found against it 已发现的负面记录
found_open_lending_cases = first_known(count("court_case", by=_E, where=[*_OPEN_CASE, _LENDING]), 0).named("Open lending or recourse cases found, as defendant", "已发现的未结借贷、担保追偿类被告案件数", unit="cases", direction=1, reference="Admission rule A10")
found_grave_accidents_36m = first_known(count("env_safety", by=_E, window="36m", where=field("accident_level").within("重大", "特别重大")), 0).named("Grave accidents found in 36 months", "近36个月已发现的重大及以上事故数", unit="accidents", direction=1, reference="Admission rule A12")
found_safety_orders_36m = first_known(count("env_safety", by=_E, window="36m", where=field("accident_level").equals("较大")) + count("env_safety", by=_E, window="36m", where=field("kind").equals("停产整治")), 0).named("Larger accidents and stop orders found in 36 months", "近36个月已发现的较大事故与停产整治数", unit="records", direction=1, reference="Admission rule A12")
found_rating_d = first_known(tax_rating.equals(5), 0).named("Taxpayer credit rating found to be D", "已发现纳税信用为D级", unit="yes/no", direction=1, reference="Admission rule A15")

# Taxes, credit, invoices, after-care 税费、信用、发票、保后
tax_paid_and_exempt_12m = (tax_paid_12m + first_known(total("tax_filing.tax_exempt", by=_E, months=12, ago="30d"), 0)).named("Tax paid and exempted in 12 months", "近12个月纳税额（含减免）", unit="CNY", direction=-1, reference="Admission rule A16")
credit_overdue_now = (latest("pboc_ent.overdue_principal", by=_E, window="7m") + first_known(latest("pboc_ent.overdue_interest", by=_E, window="7m"), 0)).named("Principal and interest overdue, a credit report of 7 months", "征信逾期本金与利息（近7个月报告）", unit="CNY", direction=1, reference="Admission rule A20")
credit_not_normal = (watched_credit + bad_credit + guaranteed_watched + guaranteed_bad).named("Balance not classed as normal, own loans and guarantees", "非正常类余额（本身信贷与对外担保）", unit="CNY", direction=1, reference="Admission rule A21")
credit_overdue_90d_24m = largest("pboc_ent.overdue_90d", by=_E, window="24m").named("Overdue above 90 days in any report of 24 months", "近24个月征信报告逾期90天以上金额（最大）", unit="CNY", direction=1, reference="Admission rule A22")
persons_account_overdue_2y = largest("pboc_person.overdue_acct_max_2y", by=_E, window="12m").named("Times a single account of a person was overdue in 2 years, the worst", "法人实控人单账户近2年逾期次数（最差）", unit="occasions", direction=1, reference="Admission rule A25")
persons_overdue_90d = largest("pboc_person.overdue_90d_cnt", by=_E, window="12m").named("Overdues of 90 days of a person, the worst", "法人实控人90天以上逾期次数（最差）", unit="occasions", direction=1, reference="Admission rules A22, A25")
refinanced_accounts = first_known(distinct("pboc_ent_acct.acct_no", by=_E, window="6m", where=[field("status").equals("未结清"), _REFINANCED]), _NO_REPORT).named("Open accounts extended or refinanced, reports of 6 months", "近6个月征信报告展期、借新还旧、无还本续贷账户数", unit="accounts", direction=1, reference="Admission rule A26")
found_restructurings = first_known(count("bank_feedback", by=_E, where=field("special_trade").within("展期", "重组")), 0).named("Extensions and restructurings found in the banks' feedback", "银行反馈中已发现的展期、重组次数", unit="reports", direction=1, reference="Admission rule A27")
open_grave_tasks = count("risk_task", by=_E, where=[field("closed_dt").is_unknown(), field("level").within("红", "橙")]).named("Red and orange risk tasks not closed", "未结红橙预警任务数", unit="tasks", direction=1, reference="Admission rule A44")
checks_done_12m = count("post_check", by=_E, window="12m", where=field("done_dt").is_known()).named("Checks of 12 months that were done", "近12个月已完成保后检查次数", unit="checks", direction=-1, reference="Admission rule A44")
_liable = first_known(total("pboc_guar.balance", by=_E, window="7m") / distinct("pboc_guar.report_dt", by=_E, window="7m"), count("pboc_ent", by=_E, window="7m") * 0)
guarantees_given_share = first_known(ratio(_liable, at_least(filed_assets - filed_liabilities, 10000)), 0 / (_liable <= 0)).named("Balance it is liable for over its net assets, reports of 7 months, 0 where there is none", "对外担保与净资产之比（近7个月报告，无对外担保为0）", unit="times", direction=1, reference="Admission rule A39")

# What the formulas read 额度测算
_REPORTED = [field("assets").is_known(), field("liabilities").is_known()]
stated_assets = first_known(filed_assets, latest("mkt_annual.assets", by=_E, where=_REPORTED), latest("application.declared_assets", by=_A)).named("Total assets: tax statements, else annual report, else the application", "资产总额（税务报表、年报、申请自报依次取值）", unit="CNY", direction=-1, reference="Admission rule A28 for farms, which file no statements; precedence of domain page 3.6")
stated_liabilities = first_known(filed_liabilities, latest("mkt_annual.liabilities", by=_E, where=_REPORTED), latest("application.declared_liabilities", by=_A)).named("Total liabilities: tax statements, else annual report, else the application", "负债总额（税务报表、年报、申请自报依次取值）", unit="CNY", direction=1, reference="Admission rule A28 for farms, which file no statements; precedence of domain page 3.6")
stated_debt_ratio = ratio(stated_liabilities, stated_assets).named("Liabilities over assets: tax statements, else annual report, else the application", "资产负债率（税务报表、年报、申请自报依次取值）", unit="share", direction=1, reference="Admission rule A28 for farms, which file no statements")
net_margin = ratio(latest("tax_filing.fs_net_profit", by=_E, window="24m", where=[field("fs_net_profit").is_known(), field("month").equals("12")]), sales_12m).named("Net profit of the last full year over declared sales", "销售净利率（最近完整年度）", unit="share", direction=-1, reference="流动资金贷款管理暂行办法 annex (domain page 4.3 formula 4, K)")
working_capital_turns = ratio(sales_12m, latest("tax_filing.fs_receivables", by=_E, where=field("fs_receivables").is_known()) + latest("tax_filing.fs_inventory", by=_E, where=field("fs_inventory").is_known())).named("Declared sales over receivables and inventory", "营运资金周转次数（销售额÷应收与存货）", unit="times", direction=-1, reference="流动资金贷款管理暂行办法 annex (domain page 4.3 formula 4, K)")
own_working_capital = at_least(latest("tax_filing.fs_current_assets", by=_E, where=field("fs_current_assets").is_known()) - latest("tax_filing.fs_current_liabilities", by=_E, where=field("fs_current_liabilities").is_known()), 0).named("Current assets less current liabilities, at least zero", "自有营运资金（流动资产减流动负债）", unit="CNY", direction=-1, reference="流动资金贷款管理暂行办法 annex (domain page 4.3 formula 4, K)")
short_credit = latest("pboc_ent.short_balance", by=_E).named("Short-term credit, all lenders", "短期信贷余额", unit="CNY", direction=1, reference="流动资金贷款管理暂行办法 annex (domain page 4.3 formula 4, K)")
agri_production_cost = total("agri.insured_amt", by=_E, window="12m").named("Insured production value of 12 months, for the cost of farm units", "近12个月农业保险保额（作为种养殖成本）", unit="CNY", direction=0, reference="Agri unit formula (domain page 4.3 formula 5, C; the insured value as its cost is D)")
