"""What do lenders say? 信用：银行贷后反馈、企业征信、合作银行历史"""

from riskengine.profile import code, count, days_since, field, is_missing, largest, latest, shrunk_rate, total

from .guarantee import whole_compensation_rate

_A, _E = "application", "enterprise"

lending_bank = latest("application.bank", by=_A).named("Bank", "合作银行")
five_class = code(latest("bank_feedback.five_class", by=_A), {"正常": 1, "关注": 2, "次级": 3, "可疑": 4, "损失": 5}).named("Five-class grade", "五级分类", unit="class", direction=1)
loan_balance = latest("bank_feedback.balance", by=_A).named("Loan balance at the bank", "贷款余额", unit="CNY")
overdue_days = latest("bank_feedback.overdue_days", by=_A).named("Days overdue", "当前逾期天数", unit="days", direction=1)
worst_overdue_12m = largest("bank_feedback.overdue_days", by=_E, window="12m").named("Most days overdue in 12 months", "近12个月最大逾期天数", unit="days", direction=1)
overdue_reports_6m = count("bank_feedback", by=_A, window="6m", where=field("overdue_days") > 0).named("Reports with an overdue in 6 months", "近6个月逾期报告次数", unit="reports", direction=1)
days_since_feedback = days_since("bank_feedback", by=_A).named("Days since the bank last reported", "距最近银行反馈天数", unit="days")

open_credit = latest("pboc_ent.balance", by=_E).named("Open credit, all lenders", "未结清信贷余额", unit="CNY", direction=1)
lenders = latest("pboc_ent.lender_cnt", by=_E).named("Lenders with open credit", "未结清机构数", unit="lenders", direction=1)
bad_credit = latest("pboc_ent.bad_balance", by=_E).named("Non-performing balance", "不良类余额", unit="CNY", direction=1)
credit_report_missing = is_missing(open_credit).named("No credit report", "无企业征信报告", unit="yes/no", direction=1)

bank_guaranteed_12m = total("contract.guaranteed", by="bank", window="12m").named("Guaranteed through the bank in 12 months", "该银行近12个月担保金额", unit="CNY")
bank_compensation_rate = shrunk_rate(count("compensation", by="bank", window="36m"), count("contract", by="bank", window="36m"), towards=whole_compensation_rate, strength=20).named("Compensation rate of the bank, 36 months", "合作银行代偿率（近36个月）", unit="share", direction=1)
