"""What is asked, what is promised, what was paid? 担保：申请、在保、逾期、代偿、反担保、保后检查"""

from riskengine.profile import (
    at_least,
    at_most,
    code,
    count,
    days_since,
    elapsed_days,
    field,
    first_known,
    greater,
    largest,
    latest,
    ratio,
    smaller,
    smallest,
    total,
)

_A, _E = "application", "enterprise"
_ORDER683 = "State Council Order 683 art. 16 融资担保公司监督管理条例第十六条"
_CHECK = "Signal G02 保后检查结论异常"
_HELD = field("status").within("有效", "处置中")
_DRAWN = field("type").equals("放款")
_ACCEPTED, _RETURNED = field("status").within("已受理", "已备案"), field("status").equals("被退回")
_CLASSES = {"正常": 1, "关注": 2, "次级": 3, "可疑": 4, "损失": 5}
_RELEASED_PAID = total("release.amount", by=_E, where=field("type").equals("代偿解保"))  # a compensation is booked and released: count it once

requested_amount = latest("application.amount", by=_A).named("Amount applied for", "申请金额", unit="CNY", direction=1, reference="Admission rule A32")
requested_term = latest("application.tenor", by=_A).named("Term applied for", "申请期限", unit="months", direction=1, reference="Admission rule A38")
requested_product = latest("application.product", by=_A).named("Product", "产品", reference="Products, domain page 4.1")
applications_12m = count("application", by=_E, window="12m").named("Applications in 12 months", "近12个月申请次数", unit="applications", direction=1, reference="Admission rule A43")
first_application = (count("application", by=_E) < 2).named("First application", "首次申请", unit="yes/no", direction=1, reference="First guarantee 首担, domain page 2.11")

guaranteed_amount = latest("contract.guaranteed", by=_A).named("Amount guaranteed", "担保金额", unit="CNY", direction=1, reference="Outstanding 在保余额, domain page 8.1")
guarantee_fee = latest("contract.fee_rate", by=_A).named("Guarantee fee", "担保费率", unit="share", direction=1, reference="Average below 1 %: State Council office 2019 No. 6 国办发〔2019〕6号")
loan_rate = latest("contract.loan_rate", by=_A).named("Rate of the loan", "贷款利率", unit="share", direction=1, reference="Average 4.47 % in Shandong 2025")
days_to_maturity = (0 - elapsed_days(latest("contract.end", by=_A))).named("Days to maturity", "距到期天数", unit="days", direction=0, reference="Reminder N06 到期还款提醒")
months_on_book = (elapsed_days(latest("contract.start", by=_A)) / 30.4375).named("Months since the guarantee began", "在保月数", unit="months", direction=0, reference="Own record")
guarantee_start = latest("contract.start", by=_A).named("Guarantee begins", "责任生效日", reference="Own record")
guarantee_end = latest("contract.end", by=_A).named("Guarantee ends", "责任到期日", reference="Own record")
account_manager = latest("contract.manager", by=_A).named("Officer in charge, as the store has it", "客户经理（按库中标记）", reference="Own record; whose desk a line is on: configs/budget.toml")
guarantees_given = count("contract", by=_E).named("Guarantees given so far", "累计担保笔数", unit="guarantees", direction=-1, reference="Own record")
renewals_36m = count("contract", by=_E, window="36m", where=field("is_renewal").equals(True)).named("Renewals in 36 months", "近36个月续保次数", unit="guarantees", direction=-1, reference="Admission rule A44")
days_since_guarantee = days_since("contract", by=_E).named("Days since the last guarantee began", "距最近担保生效天数", unit="days", direction=0, reference="Own record")
enterprise_outstanding = at_least(total("contract.guaranteed", by=_E) - (total("release.amount", by=_E) - _RELEASED_PAID) - greater(_RELEASED_PAID, total("compensation.principal", by=_E)), 0).named("Guaranteed amount outstanding, this enterprise", "在保余额（本户）", unit="CNY", direction=1, reference=_ORDER683)
released_normally = count("release", by=_E, where=field("type").equals("正常解保")).named("Guarantees released as agreed", "正常解保笔数", unit="guarantees", direction=-1, reference="Release 解保, domain page 1")
compensations_before = count("compensation", by=_E).named("Compensations for this enterprise", "本户代偿次数", unit="compensations", direction=1, reference="Admission rule A27")
compensated_amount = total("compensation.principal", by=_E).named("Principal compensated for this enterprise", "本户代偿本金", unit="CNY", direction=1, reference="Admission rule A27")
days_since_compensation = days_since("compensation", by=_E).named("Days since this enterprise's last compensation", "距本户最近代偿天数", unit="days", direction=-1, reference="Admission rule A27")
recovered_share = ratio(total("recovery.amount", by=_E, where=field("kind").equals("追回")), total("compensation.principal", by=_E)).named("Share of the compensated principal recovered", "代偿回收比例", unit="share", direction=-1, reference="Recovery rate 代偿回收率, domain page 8.1")

overdues_24m = count("overdue", by=_E, window="24m").named("Overdues on our guarantees in 24 months", "近24个月在保逾期次数", unit="overdues", direction=1, reference="Signal C01: the guaranteed loan itself, red from one day")
open_overdue = count("overdue", by=_E, where=field("cured_dt").is_unknown()).named("Overdues not cured, compensated ones included", "未化解逾期笔数（含已代偿）", unit="overdues", direction=1, reference="Reminder N09 逾期首日通知")
days_since_overdue = days_since("overdue", by=_E).named("Days since last overdue on our guarantees", "距最近在保逾期天数", unit="days", direction=-1, reference="Signal C01 贷款逾期")
extensions = count("disbursement", by=_E, where=field("type").equals("展期")).named("Extensions of our guaranteed loans", "在保贷款展期次数", unit="extensions", direction=1, reference="Admission rule A26; signal C08 展期/借新还旧/重组")
failed_payments_12m = count("disbursement", by=_E, window="12m", where=field("result").equals("失败")).named("Failed payments in 12 months", "近12个月还款失败次数", unit="payments", direction=1, reference="Signal C11 还款扣款失败")
misused_payouts = count("disbursement", by=_E, where=[field("type").equals("放款"), field("payee_kind").within("实控人或关联方", "房地产", "证券投资")]).named("Payouts to related persons, real estate or securities", "贷款流向关联方、房地产或证券笔数", unit="payments", direction=1, reference="Signal C12 资金用途异常/回流")

collateral_value = total("counter_guar.appraised", by=_A, where=[field("type").within("抵押", "质押"), _HELD]).named("Appraised value of the counter-security", "反担保物评估价值", unit="CNY", direction=-1, reference="Counter-guarantee 反担保, domain page 3.4")
collateral_cover = ratio(collateral_value, guaranteed_amount).named("Counter-security over the amount guaranteed", "反担保覆盖率", unit="times", direction=-1, reference="Signal K02 抵押物贬值")
collateral_ltv = largest("counter_guar.ltv", by=_A, where=_HELD).named("Loan to value, the worst", "抵押率（最差）", unit="share", direction=1, reference="Signal K02 抵押物贬值")
collateral_seized = count("counter_guar", by=_A, where=[field("seizure").differs("无"), _HELD]).named("Counter-security seized", "反担保物被查封件数", unit="items", direction=1, reference="Signal K03 抵押物二押/出租/被查封")
second_liens = count("counter_guar", by=_A, where=[field("lien_order") > 1, _HELD]).named("Second liens among the counter-security", "反担保物二押件数", unit="items", direction=1, reference="Signal K03 抵押物二押/出租/被查封")

bad_checks_12m = count("post_check", by=_E, window="12m", where=field("conclusion").within("关注", "次级", "可疑", "损失")).named("Checks with a bad conclusion in 12 months", "近12个月保后检查异常次数", unit="checks", direction=1, reference=_CHECK)
failed_visits_6m = count("post_check", by=_E, window="6m", where=field("contact").within("拒访", "失联")).named("Visits refused or not met in 6 months", "近6个月拒访失联次数", unit="visits", direction=1, reference="Signal G03 客户拒访/失联")
checks_overdue = count("post_check", by=_A, where=[field("done_dt").is_unknown(), field("limit_dt").before_as_of()]).named("Checks past their limit", "超期未做保后检查数", unit="checks", direction=1, reference="Signal G01 保后检查逾期未做")
days_since_check = elapsed_days(largest("post_check.done_dt", by=_A)).named("Days since the last check was done", "距最近完成的保后检查天数", unit="days", direction=0, reference="Reminder N03 定期保后检查")
risk_tasks_12m = (count("risk_task", by=_E, window="12m") - count("risk_task", by=_E, window="12m", where=field("conclusion").equals("误报"))).named("Risk tasks in 12 months, false alarms left out", "近12个月预警任务数（不含误报）", unit="tasks", direction=1, reference="Risk tasks 风险预警记录, domain page 2.11")
fees_unpaid = count("fee", by=_E, where=[field("received_dt").is_unknown(), field("due_dt").before_as_of()]).named("Fees due and not received", "逾期未收担保费笔数", unit="fees", direction=1, reference="Domain page 3.4 fee")
filings_returned = count("reguar_filing", by=_A, where=field("status").equals("被退回")).named("Re-guarantee filings returned and not filed anew", "备案被退回未重报数", unit="filings", direction=1, reference="Signal G06 备案被退/超期")

# For the signals C12, K02 to K04, G01, G02, G06 and AG2: of this guarantee, as it stands on the day.
guarantee_industry = latest("contract.industry", by=_A).named("Industry of the guarantee", "担保业务所属行业大类", reference="GB/T 4754, as in the contract")
misused_share = ratio(total("disbursement.amount", by=_A, where=[_DRAWN, field("payee_kind").within("实控人或关联方", "房地产", "证券投资")]), total("disbursement.amount", by=_A, where=_DRAWN)).named("Share of the loan drawn to related persons, real estate or securities", "放款流向关联方、房地产或证券占比", unit="share", direction=1, reference="Signal C12 资金用途异常/回流")
security_ltv = first_known(collateral_ltv, 0 / (count("counter_guar", by=_A, where=[field("type").within("抵押", "质押"), _HELD]) < 1)).named("Loan to value, the worst, zero without security", "抵押率（最差，无抵质押为零）", unit="share", direction=1, reference="Signal K02 抵押物贬值")
security_leased = count("counter_guar", by=_A, where=[field("is_leased").equals(True), _HELD]).named("Counter-security let on a long lease", "反担保物长期出租件数", unit="items", direction=1, reference="Signal K03 抵押物二押/出租/被查封")
security_days_left = at_most(smaller(first_known(0 - elapsed_days(smallest("counter_guar.reg_expiry", by=_A, where=_HELD)), 3650), first_known(0 - elapsed_days(smallest("counter_guar.insurance_expiry", by=_A, where=_HELD)), 3650)), 3650).named("Days until a registration or insurance of the counter-security expires, 3650 if none does", "反担保登记或保险最近到期剩余天数（无则3650）", unit="days", direction=-1, reference="Signal K04 抵押登记/保险即将到期")
check_days_late = first_known(elapsed_days(smallest("post_check.limit_dt", by=_A, where=[field("done_dt").is_unknown(), field("limit_dt").before_as_of()])), 0).named("Days the oldest open check is late", "保后检查最长超期天数", unit="days", direction=1, reference="Signal G01 保后检查逾期未做")
last_check_conclusion = latest("post_check.conclusion", by=_A, where=field("conclusion").is_known()).named("Conclusion of the last check", "最近一次保后检查结论", reference=_CHECK)
last_check_class = first_known(code(latest("post_check.conclusion", by=_A, where=field("conclusion").is_known()), _CLASSES), 0).named("Class given by the last check, 0 before the first", "最近一次保后检查分类（未检查为0）", unit="class", direction=1, reference=_CHECK)
unfiled_days = (elapsed_days(latest("contract.start", by=_A)) * greater(count("reguar_filing", by=_A, where=_ACCEPTED) < 1, count("reguar_filing", by=_A, where=_RETURNED) > 0)).named("Days since the guarantee began without accepted filing, or with one returned", "未完成备案（含被退回）天数", unit="days", direction=1, reference="Signal G06 备案被退/超期")
ill_or_dead = count("overdue", by=_E, where=[field("cured_dt").is_unknown(), field("obj_reason").equals("死亡或重大疾病")]).named("Overdues put down to death or grave illness, not cured", "因死亡或重大疾病逾期笔数（未化解）", unit="overdues", direction=1, reference="Signal AG2 借款人健康/死亡")

# For the signals C12, K02 to K04, G01, G02, G06 and AG2: of this guarantee, as it stands on the day.
