"""What does the market show? 市场：招投标、价格景气、舆情、动产担保（均为部分覆盖：无数据表示未知）"""

from riskengine.profile import (
    change,
    count,
    days_since,
    distinct,
    field,
    first_known,
    largest,
    latest,
    mean,
    ratio,
    smallest,
    total,
    volatility,
)

_E, _PAIR = "enterprise", "industry_region"
_WON, _BIDS = field("role").equals("中标"), field("role").within("投标", "中标")
_SURE = field("entity_conf") >= 0.8
_BAD = [_SURE, field("polarity") <= -0.6]
_GOODS = field("type").within("应收账款质押", "应收账款转让", "存货质押", "仓单质押", "浮动抵押")  # secured on receivables and stock
_AWARDS, _AWARDS_BEFORE = first_known(total("bidding.amt", by="enterprise", window="12m", where=_WON), 0), total("bidding.amt", by="enterprise", window="12m", ago="12m", where=_WON)
_M1 = latest("price_index.month_change", by="industry_region", months=1, earlier=0, ago="30d")
_M2 = latest("price_index.month_change", by="industry_region", months=1, earlier=1, ago="30d")
_M3 = latest("price_index.month_change", by="industry_region", months=1, earlier=2, ago="30d")
_RUNNING = [field("status").equals("有效"), field("exp_dt").unknown_or_not_before_as_of()]
_PLEDGED = first_known(total("movable_pledge.amt", by=_E, window="12m", where=[_GOODS, *_RUNNING]) - total("movable_pledge.amt", by=_E, window="12m", where=[_GOODS, *_RUNNING, field("is_own").equals(True)]), 0)  # what is not marked as ours is others'
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

# For the signals M01 to M04, K01 and AG1. Reports, registrations and awards are published: "found" says nothing of the rest.
bad_news_media_7d = first_known(distinct("sentiment.source", by=_E, window="7d", where=_BAD), 0).named("Media with clearly negative reports found, 7 days", "近7天已发现重大负面舆情媒体数", unit="media", direction=1, reference=_M01)
bad_news_official_7d = first_known(count("sentiment", by=_E, window="7d", where=[*_BAD, field("media_level").equals("官方媒体")]), 0).named("Clearly negative reports of official media found, 7 days", "近7天已发现官方媒体重大负面舆情数", unit="reports", direction=1, reference=_M01)
stoppage_news_30d = first_known(count("sentiment", by=_E, window="30d", where=[_SURE, field("category").within("欠薪", "罢工", "停产")]), 0).named("Reports of unpaid wages, strikes or stoppages found, 30 days", "近30天已发现欠薪罢工停产舆情数", unit="reports", direction=1, reference="Signal M02 欠薪/罢工/停产舆情")
price_deviation = ratio(latest("price_index.index", by=_PAIR, window="4m") - mean("price_index.index", by=_PAIR, months=36, ago="30d"), volatility("price_index.index", by=_PAIR, months=36, ago="30d")).named("Industry price index against its mean of 36 months, in standard deviations", "行业价格指数偏离36个月均值（标准差倍数）", unit="deviations", direction=-1, reference=_M03)
price_change_3m = (_M1 + _M2 + _M3 + _M1 * _M2 + _M1 * _M3 + _M2 * _M3 + _M1 * _M2 * _M3).named("Change of the industry's prices over three months", "行业价格3个月变动", unit="share", direction=-1, reference=_M03)
awards_yoy = ratio(_AWARDS - _AWARDS_BEFORE, _AWARDS_BEFORE / (_AWARDS_BEFORE >= 600000)).named("Amount of awards found, 12 months, against the 12 before (600,000 or more)", "近12个月已发现中标金额同比（基数不低于60万元）", unit="share", direction=-1, reference=_M04)
goods_pledged_share = first_known(ratio(_PLEDGED, latest("tax_filing.fs_receivables", by=_E, where=field("fs_receivables").is_known()) + latest("tax_filing.fs_inventory", by=_E, where=field("fs_inventory").is_known())), 0 / (_PLEDGED <= 0)).named("Newly pledged to others found, 12 months, over receivables and stock", "近12个月已发现新增质押占应收账款与存货之比", unit="times", direction=1, reference=_K01)
farm_price_yoy = latest("price_index.year_change", by=_PAIR, window="4m").named("Price index of its branch here against a year before", "本地同业价格同比", unit="share", direction=-1, reference="Signal AG1 农产品价格/灾害")
disasters_here_3m = first_known(count("agri", by="county", window="3m", where=field("kind").equals("灾害")), 0).named("Agricultural disasters found in its county, 3 months", "近3个月所在县区已发现农业灾害次数", unit="events", direction=1, reference="Signal AG1 农产品价格/灾害")

# For the signals M01 to M04, K01 and AG1. Reports, registrations and awards are published: "found" says nothing of the rest.
