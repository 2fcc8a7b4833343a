"""How did others like it fare with us? 历史：行业、地区、行业×地区、银行、机构的代偿历史（向整体收缩）"""

from riskengine.profile import (
    count,
    elapsed_days,
    field,
    first_known,
    ratio,
    shrunk_rate,
    smallest,
    total,
)

_OVERDUE = "Shrunk to the whole book (weight of 20 guarantees); "
_RATE = "Compensation rate 担保代偿率 by count, shrunk to the whole book, domain page 8.1"
_whole_rate = ratio(count("compensation", by="whole", window="36m"), count("contract", by="whole", window="36m"))
_industry_rate = shrunk_rate(count("compensation", by="industry", window="36m"), count("contract", by="industry", window="36m"), towards=_whole_rate, strength=20)

whole_compensation_rate = _whole_rate.named("Compensation rate of the whole book, 36 months", "全部业务代偿率（近36个月）", unit="share", direction=1, reference=_RATE)
_whole_overdue = ratio(count("overdue", by="whole", window="6m"), count("contract", by="whole", window="18m"))
industry_compensation_rate = _industry_rate.named("Compensation rate of the industry, 36 months", "行业代偿率（近36个月）", unit="share", direction=1, reference=_RATE)
region_compensation_rate = shrunk_rate(count("compensation", by="region", window="36m"), count("contract", by="region", window="36m"), towards=_whole_rate, strength=20).named("Compensation rate of the city, 36 months", "所在市代偿率（近36个月）", unit="share", direction=1, reference=_RATE)
industry_region_compensation_rate = shrunk_rate(count("compensation", by="industry_region", window="36m"), count("contract", by="industry_region", window="36m"), towards=_industry_rate, strength=20).named("Compensation rate of the industry in the city, 36 months", "所在市行业代偿率（近36个月）", unit="share", direction=1, reference=_RATE)
bank_compensation_rate = shrunk_rate(count("compensation", by="bank", window="36m"), count("contract", by="bank", window="36m"), towards=whole_compensation_rate, strength=20).named("Compensation rate of the bank, 36 months", "合作银行代偿率（近36个月）", unit="share", direction=1, reference="Signal G05 银行合作代偿异常")
institution_compensation_rate = shrunk_rate(count("compensation", by="institution", window="36m"), count("contract", by="institution", window="36m"), towards=whole_compensation_rate, strength=20).named("Compensation rate of the institution, 36 months", "承办机构代偿率（近36个月）", unit="share", direction=1, reference=_RATE)
industry_overdue_rate_6m = shrunk_rate(count("overdue", by="industry", window="6m"), count("contract", by="industry", window="18m"), towards=_whole_overdue, strength=20).named("Overdues in the industry, 6 months, over guarantees of 18", "行业近6个月逾期比例", unit="share", direction=1, reference=_OVERDUE + "industry cycle, domain page 5.2 M03")
region_overdue_rate_6m = shrunk_rate(count("overdue", by="region", window="6m"), count("contract", by="region", window="18m"), towards=_whole_overdue, strength=20).named("Overdues in the city, 6 months, over guarantees of 18", "所在市近6个月逾期比例", unit="share", direction=1, reference=_OVERDUE + "region analysis, domain page 6.1")
bank_overdue_rate_6m = shrunk_rate(count("overdue", by="bank", window="6m"), count("contract", by="bank", window="18m"), towards=_whole_overdue, strength=20).named("Overdues with the bank, 6 months, over guarantees of 18", "合作银行近6个月逾期比例", unit="share", direction=1, reference=_OVERDUE + "signal G05 银行合作代偿异常")
bank_guaranteed_12m = total("contract.guaranteed", by="bank", window="12m").named("Guaranteed through the bank in 12 months", "该银行近12个月担保金额", unit="CNY", direction=0, reference="117 banks interfaced in Shandong 2025")
institution_guaranteed_12m = total("contract.guaranteed", by="institution", window="12m").named("Guaranteed by the institution in 12 months", "承办机构近12个月担保金额", unit="CNY", direction=0, reference="60 member institutions in Shandong 2025")

# For the signals G04, G05 and G07, which speak of a product, a bank or an institution.
product_compensation_rate_12m = ratio(total("compensation.principal", by="product", window="12m") + first_known(total("compensation.interest", by="product", window="12m"), 0), total("release.amount", by="product", window="12m")).named("Compensation rate of the product by amount, 12 months", "产品代偿率（近12个月，按金额）", unit="share", direction=1, reference="Compensation rate 担保代偿率 by amount: compensated over released, domain page 8.1")
_BATCH = field("product").within("BATCH", "ZDZ")  # ZDZ is the old spelling
batch_compensation_rate_12m = ratio(total("compensation.principal", by="whole", window="12m", where=_BATCH) + first_known(total("compensation.interest", by="whole", window="12m", where=_BATCH), 0), total("release.amount", by="whole", window="12m", where=_BATCH)).named("Compensation rate of the batch product by amount, 12 months", "总对总批量代偿率（近12个月，按金额）", unit="share", direction=1, reference="Principal and interest compensated over the guaranteed part of the principal released, domain page 2.7 and 8.1; not annualised: releases do not tell their term")
bank_rate_to_whole = ratio(shrunk_rate(count("compensation", by="bank", window="36m"), count("contract", by="bank", window="36m"), towards=_whole_rate, strength=100), _whole_rate).named("Compensation rate of the bank over that of the whole book, 36 months, shrunk by 100 guarantees", "合作银行代偿率与全部业务之比（近36个月，向整体收缩100笔）", unit="times", direction=1, reference="Signal G05 银行合作代偿异常")
reguarantee_wait_days = first_known(elapsed_days(smallest("reguar_comp.comp_pay_dt", by="institution", where=field("status").within("已申请", "已批准"))), 0).named("Days the institution's oldest payout waits for the re-guarantors", "承办机构代偿补偿最长在途天数", unit="days", direction=1, reference="Signal G07 再担保补偿超期")

# For the signals G04, G05 and G07, which speak of a product, a bank or an institution.
