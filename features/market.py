"""What does the market show? 市场：招投标、价格景气、舆情、动产担保（均为部分覆盖：无数据表示未知）"""

from riskengine.profile import (
    change,
    count,
    days_since,
    distinct,
    field,
    largest,
    latest,
    mean,
    ratio,
    smallest,
    total,
)

_E, _PAIR = "enterprise", "industry_region"
_WON, _BIDS = field("role").equals("中标"), field("role").within("投标", "中标")
_SURE = field("entity_conf") >= 0.8
_RUNNING = [field("status").equals("有效"), field("exp_dt").unknown_or_not_before_as_of()]
_M01, _M03, _M04, _K01 = "Signal M01 重大负面舆情", "Signal M03 行业景气下行", "Signal M04 中标骤减", "Signal K01 动产/应收新增质押"

bids_12m = distinct("bidding.project", by=_E, window="12m", where=_BIDS).named("Projects bid for in 12 months, won ones included", "近12个月投标项目数（含中标）", unit="projects", direction=-1, reference=_M04)
awards_12m = distinct("bidding.project", by=_E, window="12m", where=_WON).named("Awards in 12 months", "近12个月中标次数", unit="awards", direction=-1, reference=_M04)
award_amount_12m = total("bidding.amt", by=_E, window="12m", where=_WON).named("Amount awarded in 12 months", "近12个月中标金额", unit="CNY", direction=-1, reference=_M04)
award_share_24m = ratio(distinct("bidding.project", by=_E, window="24m", where=_WON), distinct("bidding.project", by=_E, window="24m", where=_BIDS)).named("Share of bids won, 24 months", "近24个月中标率", unit="share", direction=-1, reference=_M04)
largest_award_24m = largest("bidding.amt", by=_E, window="24m", where=_WON).named("Largest award in 24 months", "近24个月最大中标金额", unit="CNY", direction=-1, reference=_M04)
days_since_award = days_since("bidding", by=_E, where=_WON).named("Days since the last award", "距最近中标天数", unit="days", direction=1, reference=_M04)

bad_news_3m = count("sentiment", by=_E, window="3m", where=[_SURE, field("polarity") <= -0.6]).named("Clearly negative reports in 3 months", "近3个月重大负面舆情数", unit="reports", direction=1, reference=_M01)
bad_news_12m = count("sentiment", by=_E, window="12m", where=[_SURE, field("polarity") <= -0.6]).named("Clearly negative reports in 12 months", "近12个月重大负面舆情数", unit="reports", direction=1, reference=_M01)
wage_and_stoppage_news_6m = count("sentiment", by=_E, window="6m", where=[_SURE, field("category").within("欠薪", "罢工", "停产", "失联")]).named("Reports of unpaid wages, strikes or stoppages, 6 months", "近6个月欠薪罢工停产失联舆情", unit="reports", direction=1, reference="Signal M02 欠薪/罢工/停产舆情")
mean_polarity_12m = mean("sentiment.polarity", by=_E, window="12m", where=_SURE).named("Mean tone of reports, 12 months", "近12个月舆情平均倾向", unit="-1 to 1", direction=-1, reference=_M01)

movable_pledges_12m = count("movable_pledge", by=_E, window="12m").named("Movables pledged, registrations in 12 months", "近12个月动产担保登记次数", unit="registrations", direction=1, reference=_K01)
movable_pledged_amount = total("movable_pledge.amt", by=_E, where=_RUNNING).named("Movables pledged, amount of registrations still running", "有效期内动产担保登记金额", unit="CNY", direction=1, reference=_K01)
receivables_pledged_12m = count("movable_pledge", by=_E, window="12m", where=field("type").within("应收账款质押", "应收账款转让")).named("Receivables pledged or sold, registrations in 12 months", "近12个月应收账款质押转让登记", unit="registrations", direction=1, reference=_K01)

price_latest = latest("price_index.index", by=_PAIR).named("Industry price index here", "本地行业价格指数", unit="index", direction=-1, reference=_M03)
price_change_6m = change("price_index.index", by=_PAIR, over="6m", ago="30d").named("Industry price index against six months earlier", "行业价格指数半年变动", unit="points", direction=-1, reference=_M03)
price_change_12m = change("price_index.index", by=_PAIR, over="12m", ago="30d").named("Industry price index against a year earlier", "行业价格指数同比变动", unit="points", direction=-1, reference=_M03)
price_low_12m = smallest("price_index.index", by=_PAIR, window="12m").named("Lowest industry price index in 12 months", "近12个月行业价格指数最低值", unit="index", direction=-1, reference=_M03)
price_mean_industry_12m = mean("price_index.index", by="industry", window="12m").named("Industry price index, all cities, 12 months", "全省行业价格指数均值（近12个月）", unit="index", direction=-1, reference=_M03)
