"""What is known of an enterprise from courts, tenders, licences and investments by the day? 司法、中标、资质、投资"""

from riskengine.profile import (
    count,
    days_since,
    days_since_first,
    elapsed_days,
    field,
    largest,
    latest,
    log1p,
    mean,
    months_with,
    share,
    smallest,
    total,
)

_OWN = "enterprise"

# Investments in others: dated by the founding and closing years of those invested in. 对外投资
investments = (count("investments", by=_OWN)).named(
    "Investments in other enterprises", "对外投资家数", unit="enterprises"
)
investments_closed = (count("investments", by=_OWN, where=field("BTENDYEAR") > 0)).named(
    "Of these, closed since", "其中已退出家数", unit="enterprises", direction=1
)
investments_closed_lately = (count("investments", by=_OWN, where=field("BTENDYEAR") >= 2013)).named(
    "Of these, closed since 2013", "其中2013年以来退出家数", unit="enterprises", direction=1
)
investments_lately = (count("investments", by=_OWN, where=field("BTYEAR") >= 2013)).named(
    "Of these, founded since 2013", "其中2013年以来成立家数", unit="enterprises", direction=-1
)
investments_at_home = (share("investments", by=_OWN, where=field("IFHOME").equals(True))).named(
    "Share of investments in the own province", "省内投资占比", unit="share"
)
investment_share_mean = (mean("investments.BTBL", by=_OWN)).named(
    "Mean share held", "平均持股比例", unit="share"
)
investment_share_largest = (largest("investments.BTBL", by=_OWN)).named(
    "Largest share held", "最大持股比例", unit="share"
)
investment_last_year = (largest("investments.BTYEAR", by=_OWN)).named(
    "Last year in which one invested in was founded", "最近一家被投资企业成立年份", unit="year", direction=-1
)
investment_first_year = (smallest("investments.BTYEAR", by=_OWN)).named(
    "First year in which one invested in was founded", "最早一家被投资企业成立年份", unit="year"
)
investment_last_closed = (largest("investments.BTENDYEAR", by=_OWN)).named(
    "Last year in which one invested in closed", "最近一家被投资企业退出年份", unit="year", direction=1
)

# Invested in by others: the enterprise at the other end of the edge. 被投资
investors = (count("investments", by="investee")).named(
    "Enterprises that invested in it", "投资方家数", unit="enterprises", direction=-1
)
investors_share = (total("investments.BTBL", by="investee")).named(
    "Share that they hold", "投资方合计持股", unit="share"
)
founded_year = (largest("investments.BTYEAR", by="investee")).named(
    "Year it was founded, as its investors filed", "投资方登记的成立年份", unit="year"
)
closed_year = (largest("investments.BTENDYEAR", by="investee")).named(
    "Year it closed, as its investors filed", "投资方登记的退出年份", unit="year", direction=1
)

# Courts. 司法
lawsuits = (count("lawsuits", by=_OWN)).named("Enforcement cases", "被执行案件数", unit="cases", direction=1)
lawsuits_12m = (count("lawsuits", by=_OWN, window="12m")).named(
    "Enforcement cases, 12 months", "近12个月被执行案件数", unit="cases", direction=1
)
lawsuits_3m = (count("lawsuits", by=_OWN, window="3m")).named(
    "Enforcement cases, 3 months", "近3个月被执行案件数", unit="cases", direction=1
)
lawsuit_amount = (log1p(total("lawsuits.LAWAMOUNT", by=_OWN))).named(
    "Amount enforced (log)", "被执行标的（对数）", unit="log CNY", direction=1
)
lawsuit_amount_mean = (log1p(mean("lawsuits.LAWAMOUNT", by=_OWN))).named(
    "Mean amount enforced (log)", "被执行平均标的（对数）", unit="log CNY"
)
days_since_lawsuit = (days_since("lawsuits", by=_OWN)).named(
    "Days since the last enforcement case", "距最近被执行天数", unit="days"
)
days_since_first_lawsuit = (days_since_first("lawsuits", by=_OWN)).named(
    "Days since the first enforcement case", "距最早被执行天数", unit="days"
)
lawsuit_months = (months_with("lawsuits", by=_OWN, window="36m")).named(
    "Months with enforcement cases", "有被执行案件的月数", unit="months", direction=1
)
dishonest_entries = (count("dishonest", by=_OWN)).named(
    "Entries as a dishonest debtor", "失信条数", unit="entries", direction=1
)
dishonest_12m = (count("dishonest", by=_OWN, window="12m")).named(
    "Entries as a dishonest debtor, 12 months", "近12个月失信条数", unit="entries", direction=1
)
days_since_dishonest = (days_since("dishonest", by=_OWN)).named(
    "Days since the last entry as a dishonest debtor", "距最近失信天数", unit="days"
)

# Business won, licences held. 经营
tenders = (count("tenders", by=_OWN)).named("Contracts won", "中标数", unit="contracts", direction=-1)
tenders_12m = (count("tenders", by=_OWN, window="12m")).named(
    "Contracts won, 12 months", "近12个月中标数", unit="contracts", direction=-1
)
days_since_tender = (days_since("tenders", by=_OWN)).named(
    "Days since the last contract won", "距最近中标天数", unit="days", direction=1
)
days_since_first_tender = (days_since_first("tenders", by=_OWN)).named(
    "Days since the first contract won", "距最早中标天数", unit="days"
)
tenders_at_home = (share("tenders", by=_OWN, where=field("IFHOME").equals(True))).named(
    "Share of contracts in the own province", "省内中标占比", unit="share"
)
licences = (count("qualifications", by=_OWN)).named("Licences", "资质数", unit="licences", direction=-1)
days_since_licence = (days_since("qualifications", by=_OWN)).named(
    "Days since the last licence", "距最近取得资质天数", unit="days"
)
days_past_licence = (elapsed_days(latest("qualifications.EXPIRYDATE", by=_OWN))).named(
    "Days past the expiry of the last licence", "最近资质到期天数", unit="days"
)

events = (
    count("investments", by=_OWN)
    + count("lawsuits", by=_OWN)
    + count("dishonest", by=_OWN)
    + count("tenders", by=_OWN)
    + count("qualifications", by=_OWN)
).named("Events known of it", "已知事件数", unit="events")
