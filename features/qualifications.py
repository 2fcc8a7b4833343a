"""What is it recognised for, what does it own and receive? 资质与资产：科技名单、知识产权、补贴、海关、不动产、涉农"""

from riskengine.profile import (
    code,
    count,
    days_since,
    distinct,
    elapsed_days,
    field,
    first_known,
    largest,
    latest,
    share,
    total,
    year_on_year,
)

_E = "enterprise"
_HELD = field("status").equals("有效")
_VALID = [field("valid_to").not_before_as_of(), _HELD]
_TECH = "Plan for technology guarantees, 财金〔2024〕60号 支持科技创新专项担保计划; signal L12 科技资质到期/取消"

valid_technology_titles = count("tech_list", by=_E, where=_VALID).named("Technology titles valid today", "当前有效科技资质数", unit="titles", direction=-1, reference="Admission rule A05; " + _TECH)
little_giant = (count("tech_list", by=_E, where=[*_VALID, field("list_type").within("专精特新小巨人", "专精特新中小企业", "国家科技项目")]) > 0).named("Specialised and sophisticated (Fund class 1)", "专精特新等一类名单", unit="yes/no", direction=-1, reference=_TECH)
high_technology = (count("tech_list", by=_E, where=[*_VALID, field("list_type").equals("高新技术企业")]) > 0).named("High-technology enterprise, valid", "有效高新技术企业", unit="yes/no", direction=-1, reference=_TECH)
days_to_title_end = (0 - elapsed_days(largest("tech_list.valid_to", by=_E, where=_HELD))).named("Days to the end of the last technology title", "距最晚科技资质到期天数", unit="days", direction=-1, reference=_TECH)
cancelled_titles_24m = count("tech_list", by=_E, window="24m", where=field("status").equals("已取消")).named("Technology titles cancelled, issued in 24 months", "近24个月获证后被取消资质数", unit="titles", direction=1, reference=_TECH)
patents_in_force = count("ip", by=_E, where=[field("type").within("发明", "实用新型"), field("status").equals("有效")]).named("Patents in force", "有效专利数", unit="patents", direction=-1, reference="Domain page 3.2 ip: ceased patents do not count")
inventions_in_force = count("ip", by=_E, where=[field("type").equals("发明"), field("status").equals("有效")]).named("Invention patents in force", "有效发明专利数", unit="patents", direction=-1, reference="Domain page 3.2 ip")
intellectual_property_pledged = total("ip.pledge_amt", by=_E, where=field("is_pledged").equals(True)).named("Loans against intellectual property", "知识产权质押金额", unit="CNY", direction=1, reference="Signal K01 动产/应收新增质押")
subsidies_24m = total("gov_fund.amt", by=_E, window="24m", where=field("item").equals("财政补贴")).named("Subsidies in 24 months", "近24个月财政补贴", unit="CNY", direction=-1, reference="Domain page 3.2 gov_fund")
procurement_24m = total("gov_fund.amt", by=_E, window="24m", where=field("item").equals("政府采购")).named("Public procurement in 24 months", "近24个月政府采购金额", unit="CNY", direction=-1, reference="Domain page 3.2 gov_fund")
exports_12m = total("customs.export_amt", by=_E, months=12, ago="50d").named("Exports in 12 months", "近12个月出口额", unit="CNY", direction=-1, reference="Domain page 3.2 customs")
exports_yoy_12m = year_on_year("customs.export_amt", by=_E, months=12, ago="50d", floor=600000).named("Exports in 12 months against the year before", "近12个月出口额同比", unit="share", direction=-1, reference="Domain page 3.2 customs")
customs_credit = code(latest("customs.credit_level", by=_E), {"高级认证": 1, "一般": 2, "失信": 3}).named("Customs credit level (advanced 1, dishonest 3)", "海关信用等级（高级认证为1）", unit="class", direction=1, reference="Domain page 3.2 customs")
property_units = distinct("realty.unit_no", by=_E).named("Real estate units found", "名下不动产单元数", unit="units", direction=-1, reference="Domain page 3.2 realty, queried with authorisation")
property_mortgaged = total("realty.mortgage_amt", by=_E).named("Mortgages on its real estate", "不动产抵押金额", unit="CNY", direction=1, reference="Domain page 3.2 realty")
property_seized = count("realty", by=_E, where=field("is_seized").equals(True)).named("Real estate units seized", "被查封不动产单元数", unit="units", direction=1, reference="Signal J08 司法拍卖/查封主要资产")
disasters_12m = count("agri", by=_E, window="12m", where=field("kind").equals("灾害")).named("Agricultural disasters in 12 months", "近12个月农业受灾次数", unit="events", direction=1, reference="Signal AG1 农产品价格/灾害")
agricultural_insurance_12m = total("agri.insured_amt", by=_E, window="12m", where=field("kind").equals("保险")).named("Agricultural insurance in 12 months", "近12个月农业保险保额", unit="CNY", direction=-1, reference="Signal AG1 农产品价格/灾害")
valid_title_share = share("tech_list", by=_E, where=_VALID).named("Share of its technology titles still valid", "科技资质有效占比", unit="share", direction=-1, reference=_TECH)
days_since_subsidy = days_since("gov_fund", by=_E, where=field("item").equals("财政补贴")).named("Days since the last subsidy", "距最近补贴天数", unit="days", direction=1, reference="Domain page 3.2 gov_fund")

technology_titles = count("tech_list", by=_E).named("Technology titles held now or before", "科技资质记录数（含已到期）", unit="titles", direction=0, reference=_TECH)
title_cancelled_6m = first_known(elapsed_days(largest("tech_list.cancel_dt", by=_E, where=field("status").equals("已取消"))) <= 180, 0).named("Technology title withdrawn in 180 days", "近180天科技资质被取消", unit="yes/no", direction=1, reference=_TECH)
