"""Does it keep the rules? 合规：行政处罚、环保、安全"""

from riskengine.profile import code, count, days_since, field, first_known, largest, latest, total

_E = "enterprise"
_L09, _L10, _L11 = "Signal L09 行政处罚", "Signal L10 环保红/黑牌·停产整治", "Signal L11 安全事故"

penalties_36m = count("adm_penalty", by=_E, window="36m").named("Administrative penalties in 36 months", "近36个月行政处罚次数", unit="penalties", direction=1, reference=_L09)
penalties_12m = count("adm_penalty", by=_E, window="12m").named("Administrative penalties in 12 months", "近12个月行政处罚次数", unit="penalties", direction=1, reference=_L09)
fines_36m = total("adm_penalty.amount", by=_E, window="36m").named("Fines in 36 months", "近36个月罚款金额", unit="CNY", direction=1, reference=_L09)
closures_36m = count("adm_penalty", by=_E, window="36m", where=field("result").within("责令停产", "吊销")).named("Orders to stop or revoke in 36 months", "近36个月停产或吊销处罚次数", unit="penalties", direction=1, reference="Admission rule A12; " + _L09)
days_since_penalty = days_since("adm_penalty", by=_E).named("Days since the last penalty", "距最近处罚天数", unit="days", direction=-1, reference=_L09)
environment_bad_ratings_36m = count("env_safety", by=_E, window="36m", where=field("rating").within("红", "黑")).named("Red or black environmental ratings in 36 months", "近36个月环保红黑牌次数", unit="ratings", direction=1, reference=_L10)
stop_orders_36m = count("env_safety", by=_E, window="36m", where=field("kind").equals("停产整治")).named("Environmental stop orders in 36 months", "近36个月停产整治次数", unit="orders", direction=1, reference=_L10)
accidents_36m = count("env_safety", by=_E, window="36m", where=field("kind").equals("安全事故")).named("Safety accidents in 36 months", "近36个月安全事故次数", unit="accidents", direction=1, reference="Admission rule A12; " + _L11)

_RATINGS = {"绿": 1, "蓝": 2, "黄": 3, "红": 4, "黑": 5}
_IN_FORCE = field("end_dt").unknown_or_not_before_as_of()
_FOUND = "; a published record: none found is none"

largest_fine_12m = first_known(largest("adm_penalty.amount", by=_E, window="12m"), 0).named("Largest fine in 12 months, as far as stated", "近12个月最大一笔罚款（已披露）", unit="CNY", direction=1, reference=_L09)
closures_12m = count("adm_penalty", by=_E, window="12m", where=field("result").within("责令停产", "吊销")).named("Orders to stop or revoke in 12 months", "近12个月停产或吊销处罚次数", unit="penalties", direction=1, reference=_L09)
environmental_rating = first_known(code(latest("env_safety.rating", by=_E, where=[field("kind").equals("环境信用评价"), _IN_FORCE]), _RATINGS), 0).named("Environmental rating (green 1, red 4, black 5, none found 0)", "环保信用评级（绿1、红4、黑5，未发现为0）", unit="class", direction=1, reference=_L10 + _FOUND)
stop_orders_in_force = first_known(count("env_safety", by=_E, where=[field("kind").equals("停产整治"), _IN_FORCE]), 0).named("Environmental stop orders found in force", "已发现生效中的停产整治", unit="orders", direction=1, reference=_L10 + _FOUND)
accidents_12m = first_known(count("env_safety", by=_E, window="12m", where=field("kind").equals("安全事故")), 0).named("Safety accidents found in 12 months", "近12个月已发现安全事故", unit="accidents", direction=1, reference=_L11 + _FOUND)
serious_accidents_12m = first_known(count("env_safety", by=_E, window="12m", where=[field("kind").equals("安全事故"), field("accident_level").within("较大", "重大", "特别重大")]), 0).named("Safety accidents above the general level found in 12 months", "近12个月已发现较大及以上安全事故", unit="accidents", direction=1, reference=_L11 + _FOUND)
