"""What is asked, what was promised before, what became of it? 担保：申请、在保、核销"""

from riskengine.profile import count, days_since, days_since_first, elapsed_days, latest, ratio, total

_OWN = "application"

requested_amount = latest("applications.GrAppv", by=_OWN).named("Requested amount", "申请金额", unit="USD")
guaranteed_amount = latest("applications.SBA_Appv", by=_OWN).named("Guaranteed amount", "担保金额", unit="USD")
guarantee_share = ratio(guaranteed_amount, requested_amount).named("Guaranteed share of the loan", "担保比例", unit="share", direction=-1)
jobs_created = latest("applications.CreateJob", by=_OWN).named("Jobs to be created", "拟新增岗位", unit="persons")
jobs_retained = latest("applications.RetainedJob", by=_OWN).named("Jobs retained", "保留岗位", unit="persons")

# The borrower's own history with the programme; the application itself is one of its applications.
earlier_loans = (count("applications", by="enterprise") - 1).named("Earlier applications", "此前申请次数", unit="applications")
earlier_amount = (total("applications.GrAppv", by="enterprise") - requested_amount).named("Earlier amount approved", "此前批准金额", unit="USD")
applications_24m = count("applications", by="enterprise", window="24m").named("Applications in 24 months", "近24个月申请次数", unit="applications")
first_application_days = days_since_first("applications", by="enterprise").named("Days since the first application", "距首次申请天数", unit="days", direction=-1)
earlier_charge_offs = count("charge_offs", by="enterprise").named("Earlier charge-offs of this borrower", "该企业此前核销次数", unit="charge-offs", direction=1)
earlier_charged_off_amount = total("charge_offs.ChgOffPrinGr", by="enterprise").named("Principal charged off before", "此前核销本金", unit="USD", direction=1)
days_since_charge_off = days_since("charge_offs", by="enterprise").named("Days since the last charge-off of this borrower", "距最近核销天数", unit="days")

# In force. The amount disbursed is not here: the publisher revises it after the outcome.
disbursed_on = latest("guarantees.DisbursementDate", by=_OWN).named("First disbursement", "首次放款日")
approved_on = latest("guarantees.ApprovalDate", by=_OWN).named("Approved on", "批准日期")
months_on_book = (elapsed_days(disbursed_on) / 30.4375).named("Months on book", "在保月数", unit="months")
days_to_disburse = (elapsed_days(approved_on) - elapsed_days(disbursed_on)).named("Days from approval to disbursement", "批准至放款天数", unit="days")
enterprise_loans_in_force = (count("guarantees", by="enterprise", window="120m") - count("charge_offs", by="enterprise", window="120m")).named("Guarantees of this borrower in force", "该企业在保笔数", unit="guarantees")
