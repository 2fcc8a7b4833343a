"""What does the market show? 市场：招投标、价格景气（均为部分覆盖：无数据表示未知）"""

from riskengine.profile import change, count, days_since, field, largest, latest, mean, share, smallest

_E, _PAIR = "enterprise", "industry_region"
_WON = [field("role").equals("中标")]

bids_12m = count("bidding", by=_E, window="12m").named("Bids and awards in 12 months", "近12个月投标与中标次数", unit="bids")
awards_12m = count("bidding", by=_E, window="12m", where=_WON).named("Awards in 12 months", "近12个月中标次数", unit="awards", direction=-1)
award_share_24m = share("bidding", by=_E, window="24m", where=_WON).named("Share of bids won, 24 months", "近24个月中标率", unit="share", direction=-1)
largest_award_24m = largest("bidding.amt", by=_E, window="24m", where=_WON).named("Largest award in 24 months", "近24个月最大中标金额", unit="CNY")
days_since_award = days_since("bidding", by=_E, where=_WON).named("Days since the last award", "距最近中标天数", unit="days", direction=1)

price_latest = latest("price_index.index", by=_PAIR).named("Industry price index here", "本地行业价格指数", unit="index", direction=-1)
price_change_6m = change("price_index.index", by=_PAIR, over="6m").named("Industry price index against six months earlier", "行业价格指数半年变动", unit="points", direction=-1)
price_low_12m = smallest("price_index.index", by=_PAIR, window="12m").named("Lowest industry price index in 12 months", "近12个月行业价格指数最低值", unit="index", direction=-1)
price_mean_industry_12m = mean("price_index.index", by="industry", window="12m").named("Industry price index, all cities, 12 months", "全省行业价格指数均值（近12个月）", unit="index", direction=-1)
