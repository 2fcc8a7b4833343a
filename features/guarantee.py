"""What is asked, what is promised, what was paid? 担保：申请、在保、代偿"""

from riskengine.profile import at_least, count, days_since, elapsed_days, latest, ratio, shrunk_rate, total

_A, _E = "application", "enterprise"

requested_amount = latest("application.amount", by=_A).named("Amount applied for", "申请金额", unit="CNY")
requested_term = latest("application.tenor", by=_A).named("Term applied for", "申请期限", unit="months")
requested_product = latest("application.product", by=_A).named("Product", "产品")
applications_12m = count("application", by=_E, window="12m").named("Applications in 12 months", "近12个月申请次数", unit="applications", direction=1)

guaranteed_amount = latest("contract.guaranteed", by=_A).named("Amount guaranteed", "担保金额", unit="CNY")
guarantee_fee = latest("contract.fee_rate", by=_A).named("Guarantee fee", "担保费率", unit="share", reference="Average below 1 %: State Council office 2019 No. 6 国办发〔2019〕6号")
days_to_maturity = (0 - elapsed_days(latest("contract.end", by=_A))).named("Days to maturity", "距到期天数", unit="days")
guarantee_start = latest("contract.start", by=_A).named("Guarantee begins", "责任生效日")
guarantee_end = latest("contract.end", by=_A).named("Guarantee ends", "责任到期日")
guarantees_given = count("contract", by=_E).named("Guarantees given so far", "累计担保笔数", unit="guarantees", direction=-1)
enterprise_outstanding = at_least(total("contract.guaranteed", by=_E) - total("release.amount", by=_E) - total("compensation.principal", by=_E), 0).named("Guaranteed amount outstanding, this enterprise", "在保余额（本户）", unit="CNY", direction=1, reference="Order 683 art. 16 融资担保公司监督管理条例第十六条")
compensations_before = count("compensation", by=_E).named("Compensations for this enterprise", "本户代偿次数", unit="compensations", direction=1)
compensated_amount = total("compensation.principal", by=_E).named("Principal compensated for this enterprise", "本户代偿本金", unit="CNY", direction=1)
days_since_compensation = days_since("compensation", by=_E).named("Days since this enterprise's last compensation", "距本户最近代偿天数", unit="days")

_whole_rate = ratio(count("compensation", by="whole", window="36m"), count("contract", by="whole", window="36m"))
whole_compensation_rate = _whole_rate.named("Compensation rate of the whole book, 36 months", "全部业务代偿率（近36个月）", unit="share", direction=1)
industry_compensation_rate = shrunk_rate(count("compensation", by="industry", window="36m"), count("contract", by="industry", window="36m"), towards=_whole_rate, strength=20).named("Compensation rate of the industry, 36 months", "行业代偿率（近36个月）", unit="share", direction=1)
