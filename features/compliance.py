"""Does it keep the rules? 合规：行政处罚、环保、安全"""

from riskengine.profile import count, days_since, field, total

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
