"""What do lenders say? 信用：银行贷后反馈、企业征信、相关还款责任、个人征信、多头借贷"""

from riskengine.profile import (
    code,
    count,
    days_since,
    distinct,
    elapsed_days,
    field,
    first_known,
    greater,
    is_missing,
    largest,
    latest,
    months_with,
    ratio,
    smaller,
    smallest,
    total,
)

_A, _E = "application", "enterprise"
_CLASSES = {"正常": 1, "关注": 2, "次级": 3, "可疑": 4, "损失": 5, "违约": 6}
_C01, _C03, _C05, _C06 = "Signal C01 贷款逾期", "Signal C03 五级下调", "Signal C05 多头激增", "Signal C06 用信率过高"
_REPORT = "Regulation on Credit Reporting, State Council Order 631 征信业管理条例"
_OPEN = field("status").equals("未结清")
_NONE = count("pboc_ent", by=_E, window="6m") * 0  # zero where a report of the window shows none, unknown where none was drawn
_REPORTS = distinct("pboc_guar.report_dt", by=_E, window="6m")  # each report repeats every liability
_HEADS = field("relation").within("法定代表人", "实际控制人")  # whose own credit stands for the enterprise
_UNCURED = field("cured_dt").is_unknown()
_LAST = field("report_dt").is_latest()  # rows of the last report
_ELSEWHERE = [_OPEN, _LAST, field("is_own").differs(True)]  # loans that are not marked as guaranteed by us: the next list, too
_UNMARKED = [_OPEN, _LAST, field("is_own").is_unknown()]
_LAST_LISTED = days_since("pboc_ent_acct", by=_E) <= days_since("pboc_ent", by=_E)  # 0 where the last report lists no account
_SHOWN_OVERDUE = (latest("pboc_ent.overdue_principal", by=_E) + first_known(latest("pboc_ent.overdue_interest", by=_E), 0)) > 0  # by the last report
_NO_PERSON = count("pboc_person", by=_E, window="6m", where=_HEADS) * 0  # zero where a person was asked about, unknown where none was
_DEBT_NOW, _CREDIT_NOW = latest("multi_loan.total_debt", by=_E, window="6m"), latest("pboc_ent.balance", by=_E, window="6m")
_USED_0 = ratio(total("bank_feedback.credit_used", by=_A, months=1, earlier=0, ago="1d"), total("bank_feedback.credit_limit", by=_A, months=1, earlier=0, ago="1d"))
_USED_1 = ratio(total("bank_feedback.credit_used", by=_A, months=1, earlier=1, ago="1d"), total("bank_feedback.credit_limit", by=_A, months=1, earlier=1, ago="1d"))
_USED_2 = ratio(total("bank_feedback.credit_used", by=_A, months=1, earlier=2, ago="1d"), total("bank_feedback.credit_limit", by=_A, months=1, earlier=2, ago="1d"))
_DEBT_THEN, _CREDIT_THEN = latest("multi_loan.total_debt", by=_E, ago="12m"), latest("pboc_ent.balance", by=_E, ago="12m")
# The guaranteed loan: what says no overdue is a report of 45 days; where none came, only a record of an overdue says anything.
_BANK_SAYS = latest("bank_feedback.overdue_days", by=_A, window="45d")
_REPORT_SAYS = largest("pboc_ent_acct.overdue_days", by=_E, window="45d", where=[_OPEN, _LAST, field("is_own").equals(True)])
_OWN_SAYS = elapsed_days(smallest("overdue.ovd_dt", by=_A, where=_UNCURED))
_INTEREST_BOOKED = count("overdue", by=_A, where=[_UNCURED, field("type").within("1", "2")])
_FAILED_BOOKED = count("disbursement", by=_A, window="45d", where=field("result").equals("失败"))

lending_bank = latest("application.bank", by=_A).named("Bank", "合作银行", reference="Own record")
five_class = code(latest("bank_feedback.five_class", by=_A), _CLASSES).named("Five-class grade", "五级分类", unit="class", direction=1, reference=_C03)
loan_balance = latest("bank_feedback.balance", by=_A).named("Loan balance at the bank", "贷款余额", unit="CNY", direction=0, reference="Domain page 3.5 bank_feedback")
overdue_days = latest("bank_feedback.overdue_days", by=_A).named("Days overdue", "当前逾期天数", unit="days", direction=1, reference=_C01)
worst_overdue_12m = largest("bank_feedback.overdue_days", by=_E, window="12m").named("Most days overdue in 12 months", "近12个月最大逾期天数", unit="days", direction=1, reference=_C01)
overdue_reports_6m = count("bank_feedback", by=_A, window="6m", where=field("overdue_days") > 0).named("Reports with an overdue in 6 months", "近6个月逾期报告次数", unit="reports", direction=1, reference=_C01)
interest_overdue = latest("bank_feedback.overdue_interest", by=_A).named("Interest overdue", "欠息金额", unit="CNY", direction=1, reference="Signal C02 欠息")
failed_debits_6m = total("bank_feedback.debit_failed_cnt", by=_A, window="6m").named("Failed debits in 6 months", "近6个月扣款失败次数", unit="debits", direction=1, reference="Signal C11 还款扣款失败")
account_inflow_3m = total("bank_feedback.account_inflow", by=_A, window="3m").named("Inflow of the account in 3 months", "近3个月账户流入", unit="CNY", direction=-1, reference="Domain page 3.5 bank_feedback")
credit_line_used = ratio(latest("bank_feedback.credit_used", by=_A), latest("bank_feedback.credit_limit", by=_A)).named("Share of the bank's line used", "银行用信率", unit="share", direction=1, reference=_C06)
line_cuts_12m = count("bank_feedback", by=_E, window="12m", where=field("limit_cut") > 0).named("Cuts of the bank's line in 12 months", "近12个月银行压降次数", unit="cuts", direction=1, reference="Signal C07 银行抽贷/压降/冻结额度")
line_frozen = count("bank_feedback", by=_E, window="3m", where=field("is_frozen").equals(True)).named("Reports of a frozen line in 3 months", "近3个月额度冻结报告次数", unit="reports", direction=1, reference="Signal C07 银行抽贷/压降/冻结额度")
special_trades_24m = distinct("bank_feedback.guar_id", by=_E, window="24m", where=field("special_trade").within("展期", "借新还旧", "无还本续贷", "重组")).named("Guaranteed loans extended or refinanced in 24 months", "近24个月展期借新还旧笔数（银行反馈）", unit="guarantees", direction=1, reference="Admission rule A26; signal C08 展期/借新还旧/重组")
days_since_feedback = days_since("bank_feedback", by=_A).named("Days since the bank last reported", "距最近银行反馈天数", unit="days", direction=1, reference="Signal DATA-01 数据断供")

open_credit = latest("pboc_ent.balance", by=_E).named("Open credit, all lenders", "未结清信贷余额", unit="CNY", direction=1, reference=_REPORT)
lenders = latest("pboc_ent.lender_cnt", by=_E).named("Lenders with open credit", "未结清机构数", unit="lenders", direction=1, reference="Admission rule A23")
bad_credit = latest("pboc_ent.bad_balance", by=_E).named("Non-performing balance", "不良类余额", unit="CNY", direction=1, reference="Admission rule A21; " + _C03)
watched_credit = latest("pboc_ent.watch_balance", by=_E).named("Special-mention balance", "关注类余额", unit="CNY", direction=1, reference="Admission rule A21; " + _C03)
credit_overdue = latest("pboc_ent.overdue_principal", by=_E).named("Principal overdue, credit report", "征信逾期本金", unit="CNY", direction=1, reference="Admission rule A20; " + _C01)
recourse_balance = latest("pboc_ent.recourse_balance", by=_E).named("Balance under recourse", "被追偿余额", unit="CNY", direction=1, reference="Domain page 3.5 pboc_ent")
approval_queries_3m = latest("pboc_ent.query_cnt_3m", by=_E).named("Loan-approval queries in 3 months", "近3个月贷款审批查询次数", unit="queries", direction=1, reference="Admission rule A24; " + _C05)
credit_change_12m = (latest("pboc_ent.balance", by=_E, window="12m") - latest("pboc_ent.balance", by=_E, ago="12m")).named("Open credit against a year earlier", "信贷余额较上年变动", unit="CNY", direction=1, reference=_C05)
lenders_change_12m = (latest("pboc_ent.lender_cnt", by=_E, window="12m") - latest("pboc_ent.lender_cnt", by=_E, ago="12m")).named("Lenders against a year earlier", "授信机构数较上年变动", unit="lenders", direction=1, reference=_C05)
short_credit_share = ratio(latest("pboc_ent.short_balance", by=_E), latest("pboc_ent.balance", by=_E)).named("Share of short-term credit", "短期信贷占比", unit="share", direction=1, reference="Domain page 3.5 pboc_ent")
credit_report_missing = is_missing(open_credit).named("No credit report", "无企业征信报告", unit="yes/no", direction=1, reference="Domain page 3.5: no record differs from not queried")
days_since_credit_report = days_since("pboc_ent", by=_E).named("Days since the last credit report", "距最近征信报告天数", unit="days", direction=1, reference="Domain page 3.5: always keep report_dt")

accounts_overdue = first_known(distinct("pboc_ent_acct.acct_no", by=_E, window="6m", where=[_OPEN, field("overdue_days") > 0]), _NONE).named("Accounts shown overdue in a report of 6 months", "近6个月征信报告逾期账户数", unit="accounts", direction=1, reference="Admission rule A20; " + _C01)
accounts_not_normal = first_known(distinct("pboc_ent_acct.acct_no", by=_E, window="6m", where=[_OPEN, field("five_class").within("关注", "次级", "可疑", "损失", "违约")]), _NONE).named("Accounts not classed as normal in a report of 6 months", "近6个月征信报告非正常类账户数", unit="accounts", direction=1, reference="Admission rule A21; " + _C03)
nonbank_accounts = first_known(distinct("pboc_ent_acct.acct_no", by=_E, window="6m", where=[_OPEN, field("inst_type").within("小额贷款公司", "融资租赁公司", "保理公司", "信托公司")]), _NONE).named("Accounts with non-bank lenders in a report of 6 months", "近6个月征信报告非银机构账户数", unit="accounts", direction=1, reference=_C05)

guaranteed_for_others = first_known(total("pboc_guar.balance", by=_E, window="6m") / _REPORTS, _NONE).named("Balance it is liable for, mean of the reports of 6 months", "相关还款责任余额（近6个月各报告平均）", unit="CNY", direction=1, reference="Admission rule A39")
guaranteed_watched = first_known(total("pboc_guar.watch_balance", by=_E, window="6m") / _REPORTS, _NONE).named("Special-mention balance it is liable for, mean of the reports of 6 months", "相关还款责任关注类余额（近6个月各报告平均）", unit="CNY", direction=1, reference="Signal C04 对外担保关注/不良")
guaranteed_bad = first_known(total("pboc_guar.bad_balance", by=_E, window="6m") / _REPORTS, _NONE).named("Non-performing balance it is liable for, mean of the reports of 6 months", "相关还款责任不良类余额（近6个月各报告平均）", unit="CNY", direction=1, reference="Signal C04 对外担保关注/不良")

persons_overdue = largest("pboc_person.current_overdue", by=_E, window="12m").named("Current overdue of its persons", "法人实控人当前逾期金额", unit="CNY", direction=1, reference="Signal C09 法人/实控人逾期")
persons_overdue_times_2y = largest("pboc_person.overdue_cnt_2y", by=_E, window="12m").named("Times a person was overdue in 2 years, the worst", "法人实控人近2年逾期次数（最差）", unit="occasions", direction=1, reference="Admission rules A22, A25")
persons_longest_overdue = largest("pboc_person.max_overdue_months", by=_E, window="12m").named("Longest overdue of a person", "法人实控人最长逾期月数", unit="months", direction=1, reference="Admission rule A22")
persons_card_use = largest("pboc_person.card_use_rate", by=_E, window="12m").named("Card use of its persons, the highest", "法人实控人信用卡使用率（最高）", unit="share", direction=1, reference="Signal C10 个人信用卡使用率/最低还款")
persons_queries_3m = largest("pboc_person.query_cnt_3m", by=_E, window="12m").named("Queries on a person in 3 months, the most", "法人实控人近3个月查询次数（最多）", unit="queries", direction=1, reference="Admission rule A24")

lender_count = latest("multi_loan.lender_cnt", by=_E).named("Lenders, multi-lender report", "多头机构数", unit="lenders", direction=1, reference="Admission rule A23; " + _C05)
new_lenders_6m = latest("multi_loan.lender_new_6m", by=_E).named("New lenders in 6 months", "近6个月新增机构数", unit="lenders", direction=1, reference=_C05)
nonbank_lenders = latest("multi_loan.nonbank_cnt", by=_E).named("Non-bank lenders", "非银机构数", unit="lenders", direction=1, reference=_C05)
debt_change_12m = (latest("multi_loan.total_debt", by=_E, window="12m") - latest("multi_loan.total_debt", by=_E, ago="12m")).named("Total debt against a year earlier", "总负债较上年变动", unit="CNY", direction=1, reference=_C05)

# For the signals C01 to C11: what stands on the day, not what ever was.
own_overdue_days = first_known(greater(greater(first_known(_BANK_SAYS, _REPORT_SAYS), first_known(_REPORT_SAYS, _BANK_SAYS)), first_known(_OWN_SAYS, 0)), _OWN_SAYS).named("Days the guaranteed loan is overdue, the most that the bank and the credit report said in 45 days and our own record says", "在保贷款逾期天数（近45天银行反馈、征信报告与逾期记录孰高）", unit="days", direction=1, reference=_C01)
report_overdue_days = (greater(first_known(largest("pboc_ent_acct.overdue_days", by=_E, window="6m", where=_ELSEWHERE), _NONE), first_known(largest("pboc_ent_acct.overdue_days", by=_E, window="6m", where=_UNMARKED), _NONE)) * first_known(_SHOWN_OVERDUE, 1)).named("Most days overdue of a loan not guaranteed by us in the last credit report (of 6 months), none if that shows no overdue", "最近征信报告（6个月内）非在保贷款最长逾期天数（报告无逾期则为零）", unit="days", direction=1, reference=_C01)
own_interest_overdue = first_known(greater(latest("bank_feedback.overdue_interest", by=_A, window="45d") > 0, _INTEREST_BOOKED > 0), (_INTEREST_BOOKED > 0) / (_INTEREST_BOOKED > 0)).named("Interest of the guaranteed loan overdue, by the bank or by our own record", "在保贷款欠息（银行反馈或逾期记录）", unit="yes/no", direction=1, reference="Signal C02 欠息")
own_interest_recorded = total("overdue.interest", by=_A, where=[_UNCURED, field("type").within("1", "2")]).named("Interest of the guaranteed loan overdue, own record, not cured", "在保贷款欠息金额（逾期记录，未化解）", unit="CNY", direction=1, reference="Signal C02 欠息")
report_interest_overdue = latest("pboc_ent.overdue_interest", by=_E).named("Interest overdue, credit report", "征信欠息金额", unit="CNY", direction=1, reference="Signal C02 欠息")
lenders_added_6m = first_known(latest("multi_loan.lender_new_6m", by=_E, window="6m"), latest("pboc_ent.lender_cnt", by=_E, window="6m") - latest("pboc_ent.lender_cnt", by=_E, ago="6m")).named("Lenders added in 6 months, by the multi-lender or else the credit report", "近6个月新增授信机构数（多头报告，缺则征信净增）", unit="lenders", direction=1, reference=_C05)
debt_growth_12m = first_known(ratio(_DEBT_NOW - _DEBT_THEN, _DEBT_THEN / (_DEBT_THEN >= 100000)), ratio(_CREDIT_NOW - _CREDIT_THEN, _CREDIT_THEN / (_CREDIT_THEN >= 100000))).named("Total debt against a year earlier, on 100,000 or more", "总负债较上年增幅（基数不低于10万元）", unit="share", direction=1, reference=_C05)
credit_line_used_3m = smaller(_USED_0, smaller(_USED_1, _USED_2)).named("Share of the bank's line used, the least of the last three months", "近3个月各月银行用信率（最低）", unit="share", direction=1, reference=_C06)
bank_reports_3m = months_with("bank_feedback", by=_A, months=3, ago="1d").named("Months of the last three that the bank reported on", "近3个月银行反馈月数", unit="months", direction=0, reference=_C06)
line_cut_share_6m = ratio(total("bank_feedback.limit_cut", by=_A, window="6m"), largest("bank_feedback.credit_limit", by=_A, window="7m")).named("Cuts of the bank's line in 6 months over the highest line", "近6个月银行压降额度占比", unit="share", direction=1, reference="Signal C07 银行抽贷/压降/冻结额度")
own_extensions_6m = (first_known(count("bank_feedback", by=_A, window="6m", where=field("special_trade").within("展期", "借新还旧", "重组")), 0) + count("disbursement", by=_A, window="6m", where=field("type").equals("展期"))).named("Extensions and refinancings of the guaranteed loan in 6 months, bank's and own records", "近6个月在保贷款展期借新还旧重组记录数", unit="records", direction=1, reference="Signal C08 展期/借新还旧/重组")
accounts_restructured = first_known(distinct("pboc_ent_acct.acct_no", by=_E, window="6m", where=[_OPEN, _LAST, field("special_trade").within("展期", "借新还旧", "重组", "以资抵债", "债务减免")]) * _LAST_LISTED, _NONE).named("Open accounts extended, refinanced or restructured in the last credit report (of 6 months)", "最近征信报告（6个月内）展期借新还旧重组账户数", unit="accounts", direction=1, reference="Signal C08 展期/借新还旧/重组")
guaranteed_watched_now = first_known(total("pboc_guar.watch_balance", by=_E, window="6m", where=_LAST), _NONE).named("Special-mention balance it is liable for, last credit report (of 6 months)", "最近征信报告（6个月内）相关还款责任关注类余额", unit="CNY", direction=1, reference="Signal C04 对外担保关注/不良")
guaranteed_bad_now = first_known(total("pboc_guar.bad_balance", by=_E, window="6m", where=_LAST), _NONE).named("Non-performing balance it is liable for, last credit report (of 6 months)", "最近征信报告（6个月内）相关还款责任不良类余额", unit="CNY", direction=1, reference="Signal C04 对外担保关注/不良")
heads_overdue_days = first_known(largest("pboc_person.overdue_days", by=_E, window="6m", where=_HEADS), _NO_PERSON).named("Most days overdue of its legal representative or controller in personal credit reports of 6 months", "近6个月个人征信报告法定代表人、实控人逾期天数（最长）", unit="days", direction=1, reference="Signal C09 法人/实控人逾期")
heads_card_use = first_known(largest("pboc_person.card_use_rate", by=_E, window="6m", where=_HEADS), _NO_PERSON).named("Card use of its legal representative or controller", "法定代表人、实控人信用卡使用率（最高）", unit="share", direction=1, reference="Signal C10 个人信用卡使用率/最低还款")
heads_minimum_cards = largest("pboc_person.card_min_cnt", by=_E, window="6m", where=_HEADS).named("Cards on which its legal representative or controller pays the minimum", "法定代表人、实控人最低还款信用卡数", unit="cards", direction=1, reference="Signal C10 个人信用卡使用率/最低还款")
failed_debits_45d = first_known(total("bank_feedback.debit_failed_cnt", by=_A, window="45d") + _FAILED_BOOKED, _FAILED_BOOKED / (_FAILED_BOOKED > 0)).named("Failed debits and payments in 45 days, bank's and own records", "近45天扣款与还款失败次数", unit="debits", direction=1, reference="Signal C11 还款扣款失败")

# For the signals C01 to C11: what stands on the day, not what ever was.
