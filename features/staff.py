"""How many people work there, are they insured, does it hire, does it use power? 用工与用能：社保、公积金、招聘、水电气"""

from riskengine.profile import (
    at_most,
    change_months,
    count,
    field,
    first_known,
    greater,
    largest,
    latest,
    mean,
    months_with,
    ratio,
    total,
    trend,
    year_on_year,
)

_E = "enterprise"
_SHANDONG = "Shandong guarantee group, risk indicators 2025-12 (tax drop, social security stop) 纳税额骤降、社保缴费中断"
_POWER = field("kind").equals("电")
_NOT_FESTIVAL = [field("month").differs("01"), field("month").differs("02")]
_SI, _METER = "45d", "40d"  # what is known of social security and of nearly all meters by then: windows hold whole months
_U01, _U02 = "Signal U01 用电骤降", "Signal U02 欠费停电/停水/停气"

insured_latest = latest("si_monthly.insured_cnt", by=_E).named("Insured persons", "参保人数", unit="persons", direction=-1, reference="Signal E01 社保人数骤降")
insured_mean_6m = mean("si_monthly.insured_cnt", by=_E, months=6, ago=_SI).named("Insured persons, 6 months", "近6个月平均参保人数", unit="persons", direction=-1, reference="Signal E01 社保人数骤降")
insured_change_6m = change_months("si_monthly.insured_cnt", by=_E, over=6, ago=_SI).named("Insured persons against six months earlier", "参保人数半年变动", unit="persons", direction=-1, reference=_SHANDONG)
insured_to_peak_6m = (ratio(latest("si_monthly.insured_cnt", by=_E), largest("si_monthly.insured_cnt", by=_E, months=7, ago=_SI)) - 1).named("Insured persons against the most of seven months", "参保人数较近7个月峰值变动", unit="share", direction=-1, reference="Signal E01 社保人数骤降")
insured_trend_12m = ratio(trend("si_monthly.insured_cnt", by=_E, months=12, ago=_SI), mean("si_monthly.insured_cnt", by=_E, months=12, ago=_SI)).named("Trend of insured persons over their mean, 12 months", "参保人数月趋势与均值之比（近12个月）", unit="1/month", direction=-1, reference="Signal E01 社保人数骤降")
arrears_months = latest("si_monthly.arrears_months", by=_E).named("Social security months in arrears", "社保欠缴月数", unit="months", direction=1, reference="Signal E02 社保断缴; " + _SHANDONG)
social_paid_share_6m = ratio(total("si_monthly.paid", by=_E, months=6, ago=_SI), total("si_monthly.payable", by=_E, months=6, ago=_SI)).named("Social security paid over payable, 6 months", "近6个月社保实缴率", unit="share", direction=-1, reference="Signal E02 社保断缴")
housing_fund_persons = latest("hf_monthly.cnt", by=_E).named("Persons in the housing fund", "公积金缴存人数", unit="persons", direction=-1, reference="Signal E03 公积金停缴")
housing_fund_stopped = latest("hf_monthly.stopped_months", by=_E).named("Housing fund months stopped", "公积金停缴月数", unit="months", direction=1, reference="Signal E03 公积金停缴")
housing_fund_to_insured = ratio(latest("hf_monthly.cnt", by=_E), latest("si_monthly.insured_cnt", by=_E)).named("Persons in the housing fund over insured persons", "公积金与社保人数之比", unit="share", direction=-1, reference="Domain page 3.2 hf_monthly")
posts_3m = total("jobs.posts", by=_E, months=3, ago="30d").named("Job advertisements in 3 months", "近3个月招聘岗位数", unit="posts", direction=-1, reference="Signal E04 招聘停止/大量离职")
posts_yoy_12m = year_on_year("jobs.posts", by=_E, months=12, ago="30d", floor=5).named("Job advertisements in 12 months against the year before", "近12个月招聘岗位同比", unit="share", direction=-1, reference="Signal E04 招聘停止/大量离职")

power_12m = total("utility.kwh", by=_E, months=12, ago=_METER, where=_POWER).named("Power used in 12 months", "近12个月用电量", unit="kWh", direction=-1, reference=_U01)
power_yoy_12m = year_on_year("utility.kwh", by=_E, months=12, ago=_METER, where=_POWER, floor=1200).named("Power used in 12 months against the year before", "近12个月用电量同比", unit="share", direction=-1, reference=_U01)
power_yoy_6m = year_on_year("utility.kwh", by=_E, months=6, ago=_METER, where=[_POWER, *_NOT_FESTIVAL], floor=400).named("Power used in 6 months without January and February against the year before", "近6个月用电量同比（剔除1、2月）", unit="share", direction=-1, reference=_U01 + "; Spring Festival kept out of both years")
power_recent_share = ratio(total("utility.kwh", by=_E, months=3, ago=_METER, where=_POWER), total("utility.kwh", by=_E, months=12, ago=_METER, where=_POWER)).named("Share of a year's power used in the last three months", "近3个月用电占近12个月比重", unit="share", direction=-1, reference=_U01)
utility_arrears_days = largest("utility.arrears_days", by=_E, months=3).named("Most days of utility bills in arrears, 3 months", "近3个月水电气最长欠费天数", unit="days", direction=1, reference=_U02)
months_cut_off_12m = months_with("utility", by=_E, months=12, where=field("is_cut_off").equals(True)).named("Months with supply cut off in 12 months", "近12个月停供月数", unit="months", direction=1, reference=_U02)
power_reports_12m = months_with("utility", by=_E, months=12, where=_POWER).named("Months with a power reading in 12 months", "近12个月有电表读数月数", unit="months", direction=0, reference="Signal DATA-01 数据断供")

_peak, _peak_before = largest("si_monthly.insured_cnt", by=_E, months=6, ago=_SI, earlier=1), largest("si_monthly.insured_cnt", by=_E, months=6, ago=_SI, earlier=2)
_EITHER = field("month").within("01", "02")
_jan_2m = count("utility", by=_E, months=2, ago=_METER, where=[_POWER, field("month").equals("01")]) + count("utility", by=_E, months=2, ago=_METER, earlier=12, where=[_POWER, field("month").equals("01")])
_feb_2m = count("utility", by=_E, months=2, ago=_METER, where=[_POWER, field("month").equals("02")]) + count("utility", by=_E, months=2, ago=_METER, earlier=12, where=[_POWER, field("month").equals("02")])
_both_2m = at_most(first_known(_jan_2m, 0), 1) * at_most(first_known(_feb_2m, 0), 1)
_kwh_2m = ratio(total("utility.kwh", by=_E, months=2, ago=_METER, where=[_POWER, *_NOT_FESTIVAL]) + _both_2m * total("utility.kwh", by=_E, months=2, ago=_METER, where=[_POWER, _EITHER]), months_with("utility", by=_E, months=2, ago=_METER, where=[_POWER, *_NOT_FESTIVAL]) + _both_2m * months_with("utility", by=_E, months=2, ago=_METER, where=[_POWER, _EITHER]))
_kwh_2m_before = ratio(total("utility.kwh", by=_E, months=2, ago=_METER, earlier=12, where=[_POWER, *_NOT_FESTIVAL]) + _both_2m * total("utility.kwh", by=_E, months=2, ago=_METER, earlier=12, where=[_POWER, _EITHER]), months_with("utility", by=_E, months=2, ago=_METER, earlier=12, where=[_POWER, *_NOT_FESTIVAL]) + _both_2m * months_with("utility", by=_E, months=2, ago=_METER, earlier=12, where=[_POWER, _EITHER]))
_kwh_3m, _read_3m = total("utility.kwh", by=_E, months=3, ago=_METER, where=_POWER), months_with("utility", by=_E, months=3, ago=_METER, where=_POWER)
_kwh_year_before, _read_year_before = total("utility.kwh", by=_E, months=12, ago=_METER, earlier=3, where=_POWER), months_with("utility", by=_E, months=12, ago=_METER, earlier=3, where=_POWER)
_sold_3m, _sold_year_before = total("tax_filing.declared_sales", by=_E, months=3, ago=_METER), total("tax_filing.declared_sales", by=_E, months=12, ago=_METER, earlier=3)

insured_drop_two_months = (greater(ratio(latest("si_monthly.insured_cnt", by=_E, months=1, ago=_SI), _peak / (_peak > 5)), ratio(latest("si_monthly.insured_cnt", by=_E, months=1, ago=_SI, earlier=1), _peak_before / (_peak_before > 5))) - 1).named("Insured persons against the most of the six months before, the better of two months running", "参保人数较前6个月峰值变动（连续两月取较好者）", unit="share", direction=-1, reference="Signal E01 社保人数骤降; floor five insured")
insured_most_before = _peak.named("Insured persons, the most of the six months before", "此前6个月参保人数峰值", unit="persons", direction=-1, reference="Signal E01 社保人数骤降: below the floor of five a fall says nothing")
posts_found_3m = first_known(total("jobs.posts", by=_E, months=3, ago="30d"), 0).named("Job advertisements found, last 3 months", "近3个月已发现招聘岗位数", unit="posts", direction=-1, reference="Signal E04 招聘停止/大量离职: published advertisements, none found is none")
posts_found_3m_before = first_known(total("jobs.posts", by=_E, months=3, ago="30d", earlier=12), 0).named("Job advertisements found, same 3 months a year before", "上年同期3个月已发现招聘岗位数", unit="posts", direction=0, reference="Signal E04 招聘停止/大量离职")
power_yoy_2m = (ratio(_kwh_2m, _kwh_2m_before / (_kwh_2m_before > 100)) - 1).named("Power a month in 2 months against the same months a year before", "近2个月月均用电同比", unit="share", direction=-1, reference=_U01 + "; January and February count only together (Spring Festival); months without a reading left out; floor 100 kWh a month")
supply_cut_off_3m = months_with("utility", by=_E, months=3, where=field("is_cut_off").equals(True)).named("Months with supply cut off in 3 months", "近3个月停供月数", unit="months", direction=1, reference=_U02)
power_per_sales_change = (ratio(_kwh_3m * 3 * _read_year_before * _sold_year_before / (_sold_year_before > 600000), _kwh_year_before * 12 * _read_3m * _sold_3m) - 1).named("Power per yuan of declared sales, 3 months against the 12 months before", "近3个月单位销售额用电量较此前12个月均值变动", unit="share", direction=0, reference="Signal U03 用能与申报背离; floor 50,000 a month")
