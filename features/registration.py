"""Who is it, and what changed at the register? 登记：主体状态、注册资本、变更、异常名录、主要人员"""

from riskengine.profile import (
    code,
    count,
    days_since,
    days_since_first,
    distinct,
    elapsed_days,
    field,
    first,
    first_known,
    latest,
    ratio,
    total,
)

_E = "enterprise"
_RULES = "Interim Regulation on Enterprise Information Disclosure, State Council Order 654 企业信息公示暂行条例"
_FUND = "National Financing Guarantee Fund 2025-05-28 on Shandong: legal representative, equity and main business are looked at first 法定代表人及股权变更、主营业务"
_LISTED = [field("out_dt").is_unknown()]
_CAPITAL = [field("change_item").equals("注册资本"), field("before_amt").is_known(), field("after_amt").is_known()]

enterprise_name = latest("mkt_reg.name", by=_E).named("Enterprise name", "企业名称", reference=_RULES)
former_name = latest("mkt_reg.former_name", by=_E).named("Former name", "曾用名", reference=_RULES)
registered_status = latest("mkt_reg.status", by=_E).named("Registered status", "登记状态", reference="Admission rule A01; signal L07 注销/吊销/停业")
registered_active = code(latest("mkt_reg.status", by=_E), {"存续": 1, "在业": 1, "开业": 1, "停业": 0, "吊销": 0, "注销": 0, "迁出": 0}).named("Registered and active", "登记状态为存续", unit="yes/no", direction=-1, reference="Admission rule A01")
months_since_established = (elapsed_days(latest("mkt_reg.est_date", by=_E)) / 30.4375).named("Months since established", "成立月数", unit="months", direction=-1, reference="Admission rule A06")
registered_capital = latest("mkt_reg.reg_capital", by=_E).named("Registered capital", "注册资本", unit="CNY", direction=-1, reference=_RULES)
paid_in_capital = latest("mkt_reg.paid_capital", by=_E).named("Paid-in capital", "实缴资本", unit="CNY", direction=-1, reference="Admission rule A18")
paid_in_share = ratio(latest("mkt_reg.paid_capital", by=_E), latest("mkt_reg.reg_capital", by=_E)).named("Share of the capital paid in", "实缴比例", unit="share", direction=-1, reference="Admission rule A18; Company Law 2023 art. 47: paid in within five years 公司法第四十七条")
capital_change_12m = (total("mkt_change.after_amt", by=_E, window="12m", where=_CAPITAL) - total("mkt_change.before_amt", by=_E, window="12m", where=_CAPITAL)).named("Change of the registered capital in 12 months", "近12个月注册资本变动", unit="CNY", direction=-1, reference="Signal L04 注册资本减少")
days_to_licence_end = (0 - elapsed_days(latest("mkt_reg.term_to", by=_E))).named("Days to the end of the licence", "距营业期限届满天数", unit="days", direction=-1, reference=_RULES)

abnormal_listing = (count("mkt_abnormal", by=_E, where=_LISTED) > 0).named("Listed as operating abnormally or for serious violations", "列入经营异常或严重违法名录", unit="yes/no", direction=1, reference="Admission rule A07; " + _RULES)
abnormal_listings_ever = count("mkt_abnormal", by=_E).named("Times listed as operating abnormally or for serious violations", "历史列入经营异常或严重违法次数", unit="occasions", direction=1, reference=_RULES)
lost_contact_listing = count("mkt_abnormal", by=_E, where=[*_LISTED, field("type").equals("失联")]).named("Listed because it cannot be reached", "因失联列入异常", unit="listings", direction=1, reference="Signal L06 地址变更/失联")
annual_report_missed = count("mkt_abnormal", by=_E, where=[*_LISTED, field("type").equals("年报未报")]).named("Listed for a missing annual report", "因年报未报列入异常", unit="listings", direction=1, reference="Signal F06 年报未报; window 1 January to 30 June")
serious_violation_listing = count("mkt_abnormal", by=_E, where=[*_LISTED, field("list_type").equals("严重违法")]).named("Listed for serious violations", "列入严重违法失信名单", unit="listings", direction=1, reference="Signal L08 经营异常/严重违法")
days_since_listing = days_since("mkt_abnormal", by=_E).named("Days since last listed as abnormal or for serious violations", "距最近列入异常或严重违法天数", unit="days", direction=-1, reference="Signal L08 经营异常/严重违法")

changes_12m = count("mkt_change", by=_E, window="12m").named("Register changes in 12 months", "近12个月登记变更次数", unit="changes", direction=1, reference=_FUND)
legal_rep_changes_12m = count("mkt_change", by=_E, window="12m", where=field("change_item").equals("法定代表人")).named("Changes of the legal representative in 12 months", "近12个月法定代表人变更次数", unit="changes", direction=1, reference="Signal L01 法定代表人变更; " + _FUND)
address_changes_12m = count("mkt_change", by=_E, window="12m", where=field("change_item").equals("住所")).named("Address changes in 12 months", "近12个月住所变更次数", unit="changes", direction=1, reference="Signal L06 地址变更/失联")
scope_changes_12m = count("mkt_change", by=_E, window="12m", where=field("change_item").within("经营范围", "行业")).named("Changes of business scope in 12 months", "近12个月经营范围或行业变更次数", unit="changes", direction=1, reference="Signal L05 经营范围/行业变更; " + _FUND)
name_changes_36m = count("mkt_change", by=_E, window="36m", where=field("change_item").equals("名称")).named("Name changes in 36 months", "近36个月名称变更次数", unit="changes", direction=1, reference="Former names 曾用名, domain page 3.6")
capital_changes_24m = count("mkt_change", by=_E, window="24m", where=field("change_item").equals("注册资本")).named("Capital changes in 24 months", "近24个月注册资本变更次数", unit="changes", direction=0, reference="Signal L04 注册资本减少")
people_in_office = distinct("mkt_people.name", by=_E).named("Persons in office", "在任主要人员数", unit="persons", direction=-1, reference=_RULES)
people_changes_12m = count("mkt_change", by=_E, window="12m", where=field("change_item").equals("主要人员")).named("Changes of officers in 12 months", "近12个月主要人员变更次数", unit="changes", direction=1, reference=_FUND)

_capital_known = count("mkt_change", by=_E, window="12m", where=[field("change_item").equals("注册资本"), field("after_amt").is_unknown()]).equals(0)
_last_due = days_since_first("mkt_annual", by="whole", months=18, ago="1d")

capital_change_share_12m = first_known(ratio(capital_change_12m, first("mkt_change.before_amt", by=_E, window="12m", where=_CAPITAL)), 0 / _capital_known).named("Change of the registered capital in 12 months, share of what it was", "近12个月注册资本变动幅度", unit="share", direction=-1, reference="Signal L04 注册资本减少")
industry_changes_12m = count("mkt_change", by=_E, window="12m", where=field("change_item").equals("行业")).named("Changes of the main industry code in 12 months", "近12个月主营行业代码变更次数", unit="changes", direction=1, reference="Signal L05 经营范围/行业变更; " + _FUND)
annual_report_overdue = ((count("mkt_annual", by=_E, months=18, ago="1d").equals(0)) * (elapsed_days(latest("mkt_reg.est_date", by=_E)) >= _last_due) * (_last_due > 181)).named("Annual report not published by 30 June", "截至6月30日未公示年报", unit="yes/no", direction=1, reference="Signal F06 年报未报/隐匿: the report of a year is due by 30 June of the next; newly founded ones owe none yet")
