"""What do the authorities know of the enterprise? 政务：登记、税务、社保、执行、处罚"""

from riskengine.profile import (
    change,
    code,
    count,
    days_since,
    elapsed_days,
    field,
    latest,
    mean,
    months_with,
    total,
    trend,
    volatility,
)

_E = "enterprise"
_ANNUAL = "Enterprise annual report rules 企业信息公示暂行条例"
_SHANDONG = "Shandong guarantee group, risk indicators 2025-12 (tax drop, social security stop) 纳税额骤降、社保缴费中断"

enterprise_name = latest("mkt_reg.name", by=_E).named("Enterprise name", "企业名称")
former_name = latest("mkt_reg.former_name", by=_E).named("Former name", "曾用名")
registered_status = latest("mkt_reg.status", by=_E).named("Registered status", "登记状态")
registered_active = code(latest("mkt_reg.status", by=_E), {"存续": 1, "在业": 1, "开业": 1, "停业": 0, "吊销": 0, "注销": 0, "迁出": 0}).named("Registered and active", "登记状态为存续", unit="yes/no", direction=-1, reference="Admission rule A01")
abnormal_listing = latest("mkt_reg.is_abnormal", by=_E).named("Listed as operating abnormally", "列入经营异常名录", direction=1, reference=_ANNUAL)
months_since_established = (elapsed_days(latest("mkt_reg.est_date", by=_E)) / 30.4375).named("Months since established", "成立月数", unit="months", direction=-1, reference="Admission rule A06")
registered_capital = latest("mkt_reg.reg_capital", by=_E).named("Registered capital", "注册资本", unit="CNY", direction=-1)

sales_3m = total("tax_filing.declared_sales", by=_E, window="4m").named("Declared sales, filed months of the last four", "近四个月已申报销售额", unit="CNY", direction=-1)
sales_12m = total("tax_filing.declared_sales", by=_E, window="13m").named("Declared sales, filed months of the last thirteen", "近十三个月已申报销售额", unit="CNY", direction=-1)
sales_latest = latest("tax_filing.declared_sales", by=_E).named("Declared sales, last filed month", "最近申报月销售额", unit="CNY", direction=-1)
sales_change_12m = change("tax_filing.declared_sales", by=_E, over="12m").named("Declared sales against a year earlier", "销售额同比变动", unit="CNY", direction=-1, reference=_SHANDONG)
sales_trend_12m = trend("tax_filing.declared_sales", by=_E, window="12m").named("Trend of declared sales", "销售额趋势（近12个月）", unit="CNY/month", direction=-1)
sales_volatility_12m = volatility("tax_filing.declared_sales", by=_E, window="12m").named("Volatility of declared sales", "销售额波动（近12个月）", unit="CNY", direction=1)
zero_returns_12m = count("tax_filing", by=_E, window="12m", where=field("is_zero").equals(True)).named("Zero returns in 12 months", "近12个月零申报次数", unit="returns", direction=1)
late_returns_12m = count("tax_filing", by=_E, window="12m", where=field("is_late").equals(True)).named("Late returns in 12 months", "近12个月逾期申报次数", unit="returns", direction=1)
months_filed_12m = months_with("tax_filing", by=_E, window="12m").named("Months with a return in 12 months", "近12个月申报月数", unit="months", direction=-1)

insured_latest = latest("si_monthly.insured_cnt", by=_E).named("Insured persons", "参保人数", unit="persons", direction=-1)
insured_mean_6m = mean("si_monthly.insured_cnt", by=_E, window="6m").named("Insured persons, 6 months", "近6个月平均参保人数", unit="persons", direction=-1)
insured_change_6m = change("si_monthly.insured_cnt", by=_E, over="6m").named("Insured persons against six months earlier", "参保人数半年变动", unit="persons", direction=-1, reference=_SHANDONG)
arrears_months = latest("si_monthly.arrears_months", by=_E).named("Social security months in arrears", "社保欠缴月数", unit="months", direction=1, reference=_SHANDONG)

open_enforcements = count("court_exec", by=_E).named("Open enforcement cases", "在执行案件数", unit="cases", direction=1)
enforcement_amount = total("court_exec.exec_target", by=_E).named("Amount under enforcement", "执行标的合计", unit="CNY", direction=1)
days_since_enforcement = days_since("court_exec", by=_E).named("Days since the last open enforcement case", "距最近被执行立案天数", unit="days", direction=-1)
penalties_36m = count("adm_penalty", by=_E, window="36m").named("Administrative penalties in 36 months", "近36个月行政处罚次数", unit="penalties", direction=1)
fines_36m = total("adm_penalty.amount", by=_E, window="36m").named("Fines in 36 months", "近36个月罚款金额", unit="CNY", direction=1)
closures_36m = count("adm_penalty", by=_E, window="36m", where=field("result").within("责令停产", "吊销")).named("Orders to stop or revoke in 36 months", "近36个月停产或吊销处罚次数", unit="penalties", direction=1, reference="Admission rule A12")
