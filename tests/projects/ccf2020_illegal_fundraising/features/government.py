"""What do registry, annual reports, tax, news and records say of an enterprise? 登记、年报、税务、舆情、记录"""

from riskengine.profile import (
    code,
    count,
    days_since,
    distinct,
    elapsed_days,
    field,
    is_missing,
    largest,
    latest,
    mean,
    total,
)

_OWN = "enterprise"

# Registry. 登记
industry_code = (latest("registry.industryco", by=_OWN)).named("Industry code", "行业小类代码")
legal_form = (latest("registry.enttypegb", by=_OWN)).named("Legal form (code)", "企业类型")
legal_form_broad = (latest("registry.enttype", by=_OWN)).named("Legal form, broad (code)", "企业大类")
district = (latest("registry.oplocdistrict", by=_OWN)).named("District (code)", "区县")
registered_capital = (latest("registry.regcap", by=_OWN)).named("Registered capital", "注册资本", unit="CNY")
paid_in_capital = (latest("registry.reccap", by=_OWN)).named("Paid-in capital", "实缴资本", unit="CNY")
employees = (latest("registry.empnum", by=_OWN)).named("Employees", "从业人数", unit="persons")
start_year = (latest("registry.opfrom_year", by=_OWN)).named("Year of start", "经营起始年", unit="year")
start_month = (latest("registry.opfrom_month", by=_OWN)).named("Month of start", "经营起始月", unit="month")
partners = (latest("registry.parnum", by=_OWN)).named("Partners", "合伙人数", unit="persons")
executing_partners = (latest("registry.exenum", by=_OWN)).named(
    "Executing partners", "执行人数", unit="persons"
)
organisation = (latest("registry.compform", by=_OWN)).named("Organisation (code)", "组织形式")
risk_industry = (latest("registry.venind", by=_OWN)).named("Risk industry (code)", "风险行业")
changes = (latest("registry.change_info_count", by=_OWN)).named(
    "Registry changes", "变更次数", unit="changes"
)
registration_kind = (latest("registry.regtype", by=_OWN)).named("Kind of registration (code)", "主体登记类型")
industry_section = (
    code(
        latest("registry.industryphy", by=_OWN),
        {section: place for place, section in enumerate("ABCDEFGHIJKLMNOPQRST", 1)},
    )
).named("Industry section (A 1 to T 20)", "行业门类（A为1至T为20）")
industry = (latest("registry.industryphy", by=_OWN)).named("Industry section", "行业门类")
registration_state = (code(latest("registry.state", by=_OWN), {"6": 6, "7": 7}, other=0)).named(
    "Registration state (code)", "登记状态"
)
licence_left = (-1 * elapsed_days(latest("registry.opto", by=_OWN))).named(
    "Days of the licence left", "剩余经营期限", unit="days"
)

# Annual reports: 2018, the last in the data. 年报
reports = (count("annual_reports", by=_OWN)).named("Annual reports", "年报份数", unit="reports")
report_last_year = (largest("annual_reports.ANCHEYEAR", by=_OWN)).named(
    "Last year reported", "最近年报年度", unit="year"
)
report_funds = (largest("annual_reports.FUNDAM", by=_OWN)).named(
    "Largest funds reported", "年报最大资金数额", unit="CNY"
)
report_employees = (mean("annual_reports.EMPNUM", by=_OWN)).named(
    "Employees reported, mean", "年报平均从业人数", unit="persons"
)
report_employees_change = (
    largest("annual_reports.EMPNUM", by=_OWN, where=field("ANCHEYEAR") >= 2017)
    - largest("annual_reports.EMPNUM", by=_OWN, where=field("ANCHEYEAR") < 2017)
).named("Change of employees reported", "年报从业人数变化", unit="persons")
report_graduates = (mean("annual_reports.COLEMPLNUM", by=_OWN)).named(
    "Employees: graduates, mean", "雇工高校毕业生", unit="persons"
)
report_operating_graduates = (mean("annual_reports.COLGRANUM", by=_OWN)).named(
    "Operators: graduates, mean", "经营者高校毕业生", unit="persons"
)
report_not_operating = (
    count("annual_reports", by=_OWN, where=field("BUSSTNAME").within("歇业", "停业", "清算"))
).named("Reports of no business", "停歇业清算年报数", unit="reports")
report_website = (count("annual_reports", by=_OWN, where=field("WEBSITSIGN").equals(1))).named(
    "Reports with a website", "有网站年报数", unit="reports"
)
report_invests = (count("annual_reports", by=_OWN, where=field("FORINVESTSIGN").equals(1))).named(
    "Reports of outward investment", "对外投资年报数", unit="reports"
)
report_transfers = (count("annual_reports", by=_OWN, where=field("STOCKTRANSIGN").equals(1))).named(
    "Reports of share transfers", "股权转让年报数", unit="reports"
)
report_hidden = (count("annual_reports", by=_OWN, where=field("PUBSTATE").equals(3))).named(
    "Reports not made public", "未公示年报数", unit="reports"
)

# Tax: one fact a payment, whatever its items. 缴税
tax_payments = (count("taxes", by=_OWN)).named("Tax payments", "缴税笔数", unit="payments")
tax_amount = (total("taxes.TAX_AMOUNT", by=_OWN)).named("Tax paid", "缴税总额", unit="CNY")
tax_kinds = (distinct("taxes.TAX_CATEGORIES", by=_OWN)).named("Kinds of tax", "税种数", unit="kinds")
days_since_tax = (days_since("taxes", by=_OWN)).named(
    "Days since the last tax period", "距最近税款所属期天数", unit="days"
)
tax_refunds = (count("taxes", by=_OWN, where=field("TAX_AMOUNT") < 0)).named(
    "Negative tax entries", "负数税额笔数", unit="entries"
)

# News and records. 舆情与记录
news_good = (count("news", by=_OWN, where=field("positive_negtive").equals("积极"))).named(
    "Days with good news", "积极舆情天数", unit="days"
)
news_neutral = (count("news", by=_OWN, where=field("positive_negtive").equals("中立"))).named(
    "Days with neutral news", "中立舆情天数", unit="days"
)
news_bad = (count("news", by=_OWN, where=field("positive_negtive").equals("消极"))).named(
    "Days with bad news", "消极舆情天数", unit="days"
)
days_since_news = (days_since("news", by=_OWN)).named(
    "Days since the last news", "距最近舆情天数", unit="days"
)
judgments = (latest("records.legal_judgment_num", by=_OWN)).named("Judgments", "裁判文书数", unit="judgments")
brands = (latest("records.brand_num", by=_OWN)).named("Brands", "商标数", unit="brands")
patents = (latest("records.patent_num", by=_OWN)).named("Patents", "专利数", unit="patents")

# Whether a table has the enterprise at all. 有无记录
no_reports = (is_missing(latest("annual_reports.ANCHEYEAR", by=_OWN))).named(
    "No annual report", "无年报", unit="yes/no"
)
no_taxes = (is_missing(latest("taxes.TAX_AMOUNT", by=_OWN))).named(
    "No tax payment", "无缴税记录", unit="yes/no"
)
no_news = (is_missing(latest("news.positive_negtive", by=_OWN))).named("No news", "无舆情", unit="yes/no")
no_records = (is_missing(latest("records.id", by=_OWN))).named("No record", "无司法知产记录", unit="yes/no")
