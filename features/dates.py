"""Which dates do reminders hang on, and what tells that a thing was done? 提醒所依据的日期（领域资料7.2节）"""

from riskengine.profile import (
    count,
    distinct,
    elapsed_days,
    field,
    first_known,
    largest,
    latest,
    smallest,
    total,
)

_A, _E = "application", "enterprise"
_HELD = field("status").within("有效", "处置中")
_OPEN = field("cured_dt").is_unknown()
_BOND = [field("type").equals("保证"), _HELD]
_LAW = "Civil Code art. 692; interpretation on security art. 32 民法典第六百九十二条、担保制度解释第三十二条"
_FREEZE = field("kind").within("股权冻结", "财产查封")
_RECOURSE = [field("role").equals("被告"), field("cause").within("追偿权纠纷"), field("result").within("败诉", "部分胜诉", "调解")]

first_payout_date = smallest("disbursement.dt", by=_A, where=field("type").equals("放款")).named("First payout of the loan", "首次放款日", reference="Reminder N01 首次保后检查")
last_payout_date = largest("disbursement.dt", by=_A, where=field("type").equals("放款")).named("Last payout of the loan", "最近一次放款日", reference="Reminder N02 贷款用途核查")
first_check_done = smallest("post_check.done_dt", by=_A, where=field("kind").equals("首次检查")).named("First check done on", "首次检查完成日", reference="Reminder N01 首次保后检查")
last_check_date = largest("post_check.done_dt", by=_A).named("Last check done on", "最近一次检查完成日", reference="Reminder N03 定期保后检查")
use_checked = (largest("post_check.done_dt", by=_A, where=field("is_use_proper").is_known()) >= largest("disbursement.dt", by=_A, where=field("type").equals("放款"))).named("Use of the last payout checked", "最近一次放款用途已核查", unit="yes/no", direction=-1, reference="Reminder N02 贷款用途核查")

extended_until = largest("disbursement.new_due_dt", by=_A, where=field("type").equals("展期")).named("Maturity after extension", "展期后到期日", reference="Reminder N06 到期还款提醒")
next_payment_due = latest("bank_feedback.next_due_dt", by=_A).named("Next payment due, by the bank", "下期应还日期（银行）", reference="Reminder N07 付息日")
last_interest_due = largest("disbursement.due_dt", by=_A, where=field("type").equals("付息")).named("Last interest day booked", "最近入账付息日", reference="Reminder N07 付息日")
interest_days_6m = distinct("disbursement.due_dt", by=_A, window="6m", where=field("type").equals("付息")).named("Interest days booked in 6 months", "近6个月付息次数", unit="payments", direction=0, reference="Reminder N07: four or more are a monthly rhythm 按月付息")
renewals_asked_6m = count("application", by=_E, window="6m", where=field("is_renewal").equals(True)).named("Applications to renew in 6 months", "近6个月续保申请数", unit="applications", direction=0, reference="Reminder N08 续保/续贷决策")

overdue_here = count("overdue", by=_A, where=_OPEN).named("Overdues of this loan not cured", "本笔未化解逾期数", unit="overdues", direction=1, reference="Reminder N09 逾期首日通知")
overdue_since = smallest("overdue.ovd_dt", by=_A, where=_OPEN).named("Overdue since", "逾期起始日（未化解）", reference="Reminder N09 逾期首日通知")
grace_ends = smallest("overdue.grace_to", by=_A, where=_OPEN).named("Days of grace end, as booked", "代偿宽限期届满日（登记）", reference="Reminder N10 代偿宽限期届满")
grace_agreed = latest("contract.grace_days", by=_A).named("Days of grace agreed", "约定代偿宽限期", unit="days", direction=0, reference="Reminder N10; domain page 2.9 代偿宽限期")
claim_received = largest("overdue.claim_dt", by=_A, where=_OPEN).named("Bank's claim received on", "代偿通知书收到日", reference="Reminder N11 代偿通知书处理")

compensation_paid = latest("compensation.pay_dt", by=_A).named("Compensation paid on", "代偿日", reference="Reminders N12, N14, N16, N29 代偿后续")
claim_open = (total("compensation.principal", by=_A) > first_known(total("recovery.amount", by=_A, where=field("kind").within("追回", "核销")), 0)).named("Compensated and neither recovered nor written off", "代偿未结清（未追回且未核销）", unit="yes/no", direction=1, reference="Claims, domain page 2.9 T6-T7")
claim_unrecovered = (total("compensation.principal", by=_A) - first_known(total("recovery.amount", by=_A, where=field("kind").within("追回", "核销")), 0)).named("Compensated principal neither recovered nor written off", "代偿未收回本金", unit="CNY", direction=1, reference="What reminders N12, N16, N17, N18, N29 are about 代偿后续提醒所涉金额")
levels_unclaimed = (distinct("reguar_filing.level", by=_A, where=field("status").equals("已备案")) - distinct("reguar_comp.level", by=_A)).named("Re-guarantors not yet asked for their share", "未申请补偿的再担保层级数", unit="levels", direction=1, reference="Reminder N12 代偿补偿申请; domain page 2.9 T5")
shares_awaited = count("reguar_comp", by=_A, where=[field("status").within("已申请", "已批准"), field("pay_dt").is_unknown()]).named("Re-guarantors' shares asked for and not received", "已申请未到账补偿笔数", unit="claims", direction=1, reference="Reminder N13 代偿补偿到账跟踪")
shares_awaited_since = smallest("reguar_comp.apply_dt", by=_A, where=[field("status").within("已申请", "已批准"), field("pay_dt").is_unknown()]).named("Re-guarantors' share asked for on", "补偿申请日（未到账）", reference="Reminder N13 代偿补偿到账跟踪")
pledges_registered_3m = first_known(count("movable_pledge", by=_E, window="3m"), 0).named("Movables pledged in 3 months, found", "近3个月已发现动产担保登记", unit="registrations", direction=1, reference="Reminder N14: assets leaving 资产转移迹象")
last_payment_by_borrower = largest("recovery.recover_dt", by=_A, where=[field("kind").equals("追回"), field("source").equals("借款人")]).named("Last payment by the borrower itself after compensation", "代偿后借款人最近还款日", reference="Reminder N16: part performance restarts the period, Civil Code art. 195 民法典第一百九十五条 [K]")
recourse_judged = largest("court_case.judge_dt", by=_E, where=_RECOURSE).named("Judgment on a right of recourse against it", "追偿权纠纷裁判日（败诉或调解）", reference="Reminder N17 申请强制执行")

guarantee_period_ends = latest("contract.gtee_expiry", by=_A).named("Guarantee period ends, as agreed", "约定保证期间届满日", reference=_LAW)
guarantee_period_agreed = (latest("contract.gtee_expiry", by=_A) > latest("contract.end", by=_A)).named("Agreed end of the guarantee period lies after maturity", "约定保证期间晚于主债务到期", unit="yes/no", direction=0, reference=_LAW)
guarantee_period_months = latest("contract.guarantee_period_months", by=_A).named("Guarantee period agreed, after maturity", "约定保证期间月数", unit="months", direction=0, reference=_LAW)

personal_counter_guarantees = count("counter_guar", by=_A, where=_BOND).named("Counter-guarantees by persons or enterprises, held", "有效保证反担保笔数", unit="guarantees", direction=-1, reference="Reminder N29 反担保人保证期间届满")
counter_period_first = smallest("counter_guar.maturity_dt", by=_A, where=_BOND).named("Counter-guarantee period ends, the first", "反担保保证期间最早届满日", reference="Reminder N29; " + _LAW)
counter_period_last = largest("counter_guar.maturity_dt", by=_A, where=_BOND).named("Counter-guarantee period ends, the last", "反担保保证期间最晚届满日", reference="Reminder N29; " + _LAW)
counter_first_agreed = (smallest("counter_guar.maturity_dt", by=_A, where=_BOND) > latest("compensation.pay_dt", by=_A)).named("First counter-guarantee period ends after the payment", "最早反担保保证期间晚于代偿日", unit="yes/no", direction=0, reference="Reminder N29; " + _LAW)
counter_last_agreed = (largest("counter_guar.maturity_dt", by=_A, where=_BOND) > latest("compensation.pay_dt", by=_A)).named("Last counter-guarantee period ends after the payment", "最晚反担保保证期间晚于代偿日", unit="yes/no", direction=0, reference="Reminder N29; " + _LAW)
counter_period_open = count("counter_guar", by=_A, where=[*_BOND, field("maturity_dt").is_unknown()]).named("Counter-guarantors without an agreed period", "未约定保证期间的反担保人数", unit="guarantors", direction=1, reference="Reminder N29; " + _LAW)

freeze_ends = smallest("court_freeze.to_dt", by=_E, where=[_FREEZE, field("to_dt").not_before_as_of()]).named("Next end of a freeze or seizure by a court", "最近将到期的司法冻结查封", reference="Reminder N18 续封续冻")
seizure_ends = smallest("counter_guar.seizure_to", by=_A, where=[_HELD, field("seizure_to").not_before_as_of()]).named("Next end of a seizure of counter-security", "反担保物查封最近到期日", reference="Reminder N18 续封续冻")
registration_ends = smallest("counter_guar.reg_expiry", by=_A, where=[_HELD, field("reg_expiry").not_before_as_of()]).named("Next end of a registration of counter-security", "反担保登记最近到期日", reference="Reminder N19 反担保登记到期")
registration_ended = largest("counter_guar.reg_expiry", by=_A, where=[_HELD, field("reg_expiry").before_as_of()]).named("Last registration of counter-security that ended", "反担保登记最近已到期日", reference="Reminder N19 反担保登记到期")
own_pledge_ends = smallest("movable_pledge.exp_dt", by=_E, where=[field("is_own").equals(True), field("exp_dt").not_before_as_of()]).named("Next end of a registration in our favour", "以本机构为担保权人的动产登记最近到期日", reference="Reminder N19 反担保登记到期（中登网）")
insurance_ends = smallest("counter_guar.insurance_expiry", by=_A, where=[_HELD, field("insurance_expiry").not_before_as_of()]).named("Next end of insurance on counter-security", "反担保物保险最近到期日", reference="Reminder N20 抵押物保险到期")
insurance_ended = largest("counter_guar.insurance_expiry", by=_A, where=[_HELD, field("insurance_expiry").before_as_of()]).named("Last insurance on counter-security that ended", "反担保物保险最近已到期日", reference="Reminder N20 抵押物保险到期")
appraised_on = smallest("counter_guar.appraise_dt", by=_A, where=[_HELD, field("type").within("抵押", "质押")]).named("Oldest valuation of counter-security held", "反担保物最早评估日", reference="Reminder N20 抵押物评估到期")

title_ends = smallest("tech_list.valid_to", by=_E, where=[field("status").equals("有效"), field("valid_to").not_before_as_of()]).named("Next end of a technology title", "科技资质最近到期日", reference="Reminder N21 资质到期")
authorisation_ends = latest("application.auth_to", by=_A).named("Authorisation to use data ends", "数据授权到期日（申请）", reference="Reminder N22 数据授权到期")
tax_authorisation_ends = latest("tax_reg.auth_to", by=_E).named("Authorisation to read tax data ends", "税务数据授权到期日", reference="Reminder N22 数据授权到期")
credit_authorisation_ends = latest("pboc_ent.auth_to", by=_E).named("Authorisation to query the credit register ends", "征信查询授权到期日", reference="Reminder N22 数据授权到期")
annual_report_age = elapsed_days(largest("mkt_annual.period_end", by=_E)).named("Days since the end of the last year reported", "最近年报所属年末距今天数", unit="days", direction=1, reference="Reminder N23 年报/年检")

filed_levels = distinct("reguar_filing.level", by=_A, where=field("status").equals("已备案")).named("Re-guarantors with whom it is filed", "已备案再担保层级数", unit="levels", direction=-1, reference="Reminder N24 备案报送")
related_guarantors = distinct("institution.inst_id", by=_E, through="related").named("Member institutions among its related parties", "关联方中的成员担保机构数", unit="institutions", direction=1, reference="Reminder N25 关联担保报告; State Council Order 683 art. 17 融资担保公司监督管理条例第十七条")
last_change_filed = largest("mkt_change.change_dt", by=_E, where=field("change_item").within("法定代表人", "股东", "注册资本", "名称", "住所", "主要人员", "经营范围")).named("Last change of registered particulars", "最近一次登记事项变更日", reference="Reminder N26 股东/高管变更备案")
