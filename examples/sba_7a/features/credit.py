"""What facility is it, and what has the lender's book done? 信用：授信与银行历史

Counts are scaled to the programme: a sampled approval stands for 14.0964 loans, a sampled charge-off for 5.0694 (population
over sample counts). Both factors are known when the event is; a loan's own weight is not, for it depends on the outcome.
Rates are shrunk towards the whole with a strength of 600 loans (about 43 sampled ones), because a 7 % sample makes the
history of a single lender noisy. The size and growth of a lender in a case-control sample carry the outcome: not used in models.
"""

from riskengine.profile import code, latest, momentum, ratio, shrunk_rate, total

_OWN = "application"
_APPROVALS, _CHARGE_OFFS, _EARLY = ("lender_history.approvals", "lender_history.charge_offs", "lender_history.early_charge_offs")
PER_APPROVAL, PER_CHARGE_OFF, STRENGTH = 14.0964, 5.0694, 600

revolving = code(latest("facilities.RevLineCr", by=_OWN), {"Y": 1, "N": 0}).named("Revolving line of credit", "循环授信", unit="yes/no", direction=1)
low_doc = code(latest("facilities.LowDoc", by=_OWN), {"Y": 1, "N": 0}).named("Low-documentation programme", "简化资料项目", unit="yes/no")
lender = latest("applications.Bank", by=_OWN).named("Lender", "贷款银行")
lender_out_of_state = (1 - latest("applications.BankState", by=_OWN).equals(latest("applications.State", by=_OWN))).named("Lender from another state", "外州银行", unit="yes/no")

# The whole programme
_whole_approvals = total(_APPROVALS, by="whole", window="72m", ago="12m") * PER_APPROVAL
_whole_recent = total(_APPROVALS, by="whole", window="48m") * PER_APPROVAL
whole_charge_off_rate_12m = ratio(total(_CHARGE_OFFS, by="whole", window="12m") * PER_CHARGE_OFF, _whole_approvals).named("Programme charge-off rate, 12 months", "全项目核销率（近12个月）", unit="share", direction=1)
whole_charge_off_rate_36m = ratio(total(_CHARGE_OFFS, by="whole", window="36m") * PER_CHARGE_OFF, _whole_approvals).named("Programme charge-off rate, 36 months", "全项目核销率（近36个月）", unit="share", direction=1)
whole_early_rate_24m = ratio(total(_EARLY, by="whole", window="24m") * PER_CHARGE_OFF, _whole_recent).named("Programme early charge-off rate", "全项目早期核销率", unit="share", direction=1)
whole_momentum = momentum(_CHARGE_OFFS, by="whole", recent="12m", before="24m").named("Programme charge-offs, last year against the two before", "全项目核销动量", unit="times", direction=1)
whole_early_share_12m = ratio(total(_EARLY, by="whole", window="12m"), total(_CHARGE_OFFS, by="whole", window="12m")).named("Share of early charge-offs in the programme", "全项目早期核销占比", unit="share", direction=1)

# The lender
_lender_approvals = total(_APPROVALS, by="bank", window="72m", ago="12m") * PER_APPROVAL
_lender_recent = total(_APPROVALS, by="bank", window="48m") * PER_APPROVAL
lender_approvals_12m = (total(_APPROVALS, by="bank", window="12m") * PER_APPROVAL).named("Lender's approvals, 12 months", "银行近12个月批准笔数", unit="loans")
lender_approvals_60m = (total(_APPROVALS, by="bank", window="60m") * PER_APPROVAL).named("Lender's approvals, 60 months", "银行近60个月批准笔数", unit="loans")
lender_charge_offs_36m = (total(_CHARGE_OFFS, by="bank", window="36m") * PER_CHARGE_OFF).named("Lender's charge-offs, 36 months", "银行近36个月核销笔数", unit="loans", direction=1)
lender_charge_off_rate_12m = shrunk_rate(total(_CHARGE_OFFS, by="bank", window="12m") * PER_CHARGE_OFF, _lender_approvals, towards=whole_charge_off_rate_12m, strength=STRENGTH).named("Lender's charge-off rate, 12 months", "银行核销率（近12个月）", unit="share", direction=1)
lender_charge_off_rate_36m = shrunk_rate(lender_charge_offs_36m, _lender_approvals, towards=whole_charge_off_rate_36m, strength=STRENGTH).named("Lender's charge-off rate, 36 months", "银行核销率（近36个月）", unit="share", direction=1)
lender_early_rate_24m = shrunk_rate(total(_EARLY, by="bank", window="24m") * PER_CHARGE_OFF, _lender_recent, towards=whole_early_rate_24m, strength=STRENGTH).named("Lender's early charge-off rate", "银行早期核销率", unit="share", direction=1)
lender_relative_36m = ratio(lender_charge_off_rate_36m, whole_charge_off_rate_36m).named("Lender's charge-off rate against the programme's", "银行核销率相对全项目", unit="times", direction=1)
lender_relative_early = ratio(lender_early_rate_24m, whole_early_rate_24m).named("Lender's early charge-off rate against the programme's", "银行早期核销率相对全项目", unit="times", direction=1)
lender_momentum = momentum(_CHARGE_OFFS, by="bank", recent="12m", before="24m").named("Lender's charge-offs, last year against the two before", "银行核销动量", unit="times", direction=1)
lender_loss_rate_60m = ratio(total("lender_history.charged_off_amount", by="bank", window="60m") * PER_CHARGE_OFF, total("lender_history.approved_amount", by="bank", window="60m") * PER_APPROVAL).named("Lender's principal charged off over amount approved, 60 months", "银行近60个月核销金额率", unit="share", direction=1)
lender_mean_amount = ratio(total("lender_history.approved_amount", by="bank", window="120m"), total(_APPROVALS, by="bank", window="120m")).named("Lender's mean loan", "银行户均批准金额", unit="USD")

# Lender against the programme on early charge-offs: what an access model may rest on. Strength 200 loans, 30 charge-offs.
_whole_early_36m = ratio(total(_EARLY, by="whole", window="36m") * PER_CHARGE_OFF, total(_APPROVALS, by="whole", window="72m") * PER_APPROVAL)
_lender_early_36m = shrunk_rate(total(_EARLY, by="bank", window="36m") * PER_CHARGE_OFF, total(_APPROVALS, by="bank", window="72m") * PER_APPROVAL, towards=_whole_early_36m, strength=200)
lender_early_relative_36m = ratio(_lender_early_36m, _whole_early_36m).named("Lender's charge-offs within 36 months of approval, against the programme's", "银行36个月内核销率相对全项目", unit="times", direction=1)
_whole_early_share = ratio(total(_EARLY, by="whole", window="60m"), total(_CHARGE_OFFS, by="whole", window="60m"))
_lender_early_share = shrunk_rate(total(_EARLY, by="bank", window="60m") * PER_CHARGE_OFF, total(_CHARGE_OFFS, by="bank", window="60m") * PER_CHARGE_OFF, towards=_whole_early_share, strength=30)
lender_early_share_60m = ratio(_lender_early_share, _whole_early_share).named("How early the lender's charge-offs come, against the programme's", "银行核销早期占比相对全项目", unit="times", direction=1)
_whole_charge_off_age = ratio(total("lender_history.charge_off_months", by="whole", window="60m"), total(_CHARGE_OFFS, by="whole", window="60m"))
_lender_charge_off_age = shrunk_rate(total("lender_history.charge_off_months", by="bank", window="60m") * PER_CHARGE_OFF, total(_CHARGE_OFFS, by="bank", window="60m") * PER_CHARGE_OFF, towards=_whole_charge_off_age, strength=30)
lender_charge_off_age_60m = ratio(_lender_charge_off_age, _whole_charge_off_age).named("Age of the lender's charge-offs, against the programme's", "银行核销平均账龄相对全项目", unit="times", direction=-1)
_whole_loss = ratio(total("lender_history.charged_off_amount", by="whole", window="60m") * PER_CHARGE_OFF, total("lender_history.approved_amount", by="whole", window="120m") * PER_APPROVAL)
_lender_loss = shrunk_rate(total("lender_history.charged_off_amount", by="bank", window="60m") * PER_CHARGE_OFF, total("lender_history.approved_amount", by="bank", window="120m") * PER_APPROVAL, towards=_whole_loss, strength=30_000_000)
lender_loss_relative_60m = ratio(_lender_loss, _whole_loss).named("Lender's principal charged off over amount approved, against the programme's", "银行核销金额率相对全项目", unit="times", direction=1)
_whole_mean_amount = ratio(total("lender_history.approved_amount", by="whole", window="120m"), total(_APPROVALS, by="whole", window="120m"))
_lender_mean_amount = shrunk_rate(total("lender_history.approved_amount", by="bank", window="120m") * PER_APPROVAL, total(_APPROVALS, by="bank", window="120m") * PER_APPROVAL, towards=_whole_mean_amount, strength=50)
lender_mean_amount_relative = ratio(_lender_mean_amount, _whole_mean_amount).named("Lender's mean loan, against the programme's", "银行户均批准金额相对全项目", unit="times", direction=-1)
whole_revolving_share_120m = ratio(total("lender_history.revolving_approvals", by="whole", window="120m"), total(_APPROVALS, by="whole", window="120m")).named("Share of revolving lines in the programme, ten years", "全项目循环授信占比（近十年）", unit="share", direction=1)
whole_mean_amount_120m = _whole_mean_amount.named("Mean loan of the programme, ten years", "全项目户均批准金额（近十年）", unit="USD", direction=-1)
