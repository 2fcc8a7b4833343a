"""Is it in court, in which role, for how much? 司法：被执行、失信、限高、终本、涉诉（分原被告）、冻结、破产"""

from riskengine.profile import at_least, count, days_since, field, first_known, ratio, total

from .tax import filed_assets, filed_liabilities, sales_12m

_E = "enterprise"
_DEFENDANT = field("role").equals("被告")
_LENDING = field("cause").within("金融借款合同纠纷", "民间借贷纠纷", "借款合同纠纷", "小额借款合同纠纷", "追偿权纠纷", "保证合同纠纷", "票据纠纷", "票据追索权纠纷", "信用卡纠纷", "融资租赁合同纠纷")
_TRADE = field("cause").within("买卖合同纠纷", "承揽合同纠纷", "建设工程施工合同纠纷", "运输合同纠纷", "租赁合同纠纷", "服务合同纠纷", "合同纠纷")
_LABOUR = field("cause").within("劳动争议", "劳动合同纠纷", "追索劳动报酬纠纷")
_RUNNING = field("to_dt").unknown_or_not_before_as_of()
_LISTED, _LIMITED = field("exit_dt").unknown_or_not_before_as_of(), field("lift_dt").unknown_or_not_before_as_of()
_J05, _J06 = "Admission rule A10; signal J05 金融/担保/借贷类被告", "Signal J06 买卖/劳动/票据被告"
_OVER = field("result").within("胜诉", "撤诉", "驳回", "调解")  # won, withdrawn, dismissed or settled; a suit of which no result is told goes on
_SUITS, _SUITS_OVER = [_DEFENDANT, _LENDING], [_DEFENDANT, _LENDING, _OVER]
_OTHER = field("cause").within("买卖合同纠纷", "承揽合同纠纷", "建设工程施工合同纠纷", "运输合同纠纷", "租赁合同纠纷", "服务合同纠纷", "合同纠纷", "劳动争议", "劳动合同纠纷", "追索劳动报酬纠纷", "票据纠纷", "票据追索权纠纷")

open_enforcements = count("court_exec", by=_E).named("Open enforcement cases", "在执行案件数", unit="cases", direction=1, reference="Admission rule A09; signal J01 新增被执行")
enforcement_amount = total("court_exec.exec_target", by=_E).named("Amount under enforcement", "执行标的合计", unit="CNY", direction=1, reference="Admission rule A09; signal J01 新增被执行")
days_since_enforcement = days_since("court_exec", by=_E).named("Days since the last open enforcement case", "距最近被执行立案天数（在执行案件）", unit="days", direction=-1, reference="Signal J01 新增被执行")
enforcements_6m = count("court_exec", by=_E, window="6m").named("Open enforcement cases filed in 6 months", "近6个月新增在执行案件", unit="cases", direction=1, reference="Signal J01 新增被执行")
dishonest_listings = count("court_dishonest", by=_E, where=_LISTED).named("Dishonest-debtor listings", "失信被执行人记录数", unit="listings", direction=1, reference="Admission rule A08; signal J02 失信")
consumption_limits = count("court_limit", by=_E, where=[field("bound").equals("企业"), _LIMITED]).named("Consumption limits on the enterprise", "企业被限制高消费", unit="orders", direction=1, reference="Admission rule A08; signal J03 限高")
consumption_limits_persons = count("court_limit", by=_E, where=[field("bound").differs("企业"), _LIMITED]).named("Consumption limits on its persons", "法定代表人等被限制高消费", unit="orders", direction=1, reference="Admission rule A08; signal J03 限高")
terminated_enforcements = count("court_final", by=_E).named("Enforcements ended for lack of assets", "终本案件数", unit="cases", direction=1, reference="Signal J04 终本")
unfulfilled_amount = total("court_final.unfulfilled", by=_E).named("Amount left unfulfilled", "终本未履行金额", unit="CNY", direction=1, reference="Signal J04 终本")

defendant_cases_24m = count("court_case", by=_E, window="24m", where=_DEFENDANT).named("Cases as defendant in 24 months", "近24个月被告案件数", unit="cases", direction=1, reference=_J06)
defendant_amount_24m = total("court_case.amount", by=_E, window="24m", where=_DEFENDANT).named("Amount claimed from it in 24 months", "近24个月被诉金额", unit="CNY", direction=1, reference=_J06)
plaintiff_cases_24m = count("court_case", by=_E, window="24m", where=field("role").equals("原告")).named("Cases as plaintiff in 24 months", "近24个月原告案件数", unit="cases", direction=0, reference="Domain page 3.2 court_case: roles must be kept apart")
plaintiff_amount_24m = total("court_case.amount", by=_E, window="24m", where=field("role").equals("原告")).named("Amount it claims in 24 months", "近24个月起诉金额", unit="CNY", direction=0, reference="Domain page 3.2 court_case: roles must be kept apart")
third_party_cases_24m = count("court_case", by=_E, window="24m", where=field("role").equals("第三人")).named("Cases as third party in 24 months", "近24个月第三人案件数", unit="cases", direction=1, reference="Domain page 3.2 court_case: roles must be kept apart")
lending_defendant_24m = count("court_case", by=_E, window="24m", where=[_DEFENDANT, _LENDING]).named("Lending and guarantee cases as defendant in 24 months", "近24个月借贷担保类被告案件数", unit="cases", direction=1, reference=_J05)
lending_defendant_amount_24m = total("court_case.amount", by=_E, window="24m", where=[_DEFENDANT, _LENDING]).named("Amount claimed in lending and guarantee cases, 24 months", "近24个月借贷担保类被诉金额", unit="CNY", direction=1, reference=_J05)
open_lending_defendant = count("court_case", by=_E, where=[_DEFENDANT, _LENDING, field("result").equals("未结")]).named("Open lending cases as defendant", "未结借贷担保类被告案件数", unit="cases", direction=1, reference=_J05)
trade_defendant_12m = count("court_case", by=_E, window="12m", where=[_DEFENDANT, _TRADE]).named("Trade disputes as defendant in 12 months", "近12个月买卖承揽等被告案件数", unit="cases", direction=1, reference=_J06)
labour_defendant_12m = count("court_case", by=_E, window="12m", where=[_DEFENDANT, _LABOUR]).named("Labour disputes as defendant in 12 months", "近12个月劳动争议被告案件数", unit="cases", direction=1, reference=_J06)
lost_cases_24m = count("court_case", by=_E, window="24m", where=[_DEFENDANT, field("result").within("败诉", "部分胜诉")]).named("Cases lost as defendant in 24 months", "近24个月被告败诉案件数", unit="cases", direction=1, reference=_J06)
criminal_cases = count("court_case", by=_E, where=[field("type").equals("刑事"), _DEFENDANT]).named("Criminal cases as defendant", "刑事案件数", unit="cases", direction=1, reference="Admission rule A11; signal J10 刑事立案")
days_since_defendant = days_since("court_case", by=_E, where=_DEFENDANT).named("Days since last sued", "距最近被诉天数", unit="days", direction=-1, reference=_J06)

asset_seizures = count("court_freeze", by=_E, where=[field("kind").equals("财产查封"), _RUNNING]).named("Assets under seizure", "在封财产数", unit="seizures", direction=1, reference="Signal J08 司法拍卖/查封主要资产")
frozen_amount = total("court_freeze.amount", by=_E, where=[field("kind").within("股权冻结", "财产查封"), _RUNNING]).named("Amount frozen or seized", "冻结查封金额", unit="CNY", direction=1, reference="Signals J07, J08 股权冻结、查封")
judicial_auctions_24m = count("court_freeze", by=_E, window="24m", where=field("kind").equals("司法拍卖")).named("Judicial auctions in 24 months", "近24个月司法拍卖次数", unit="auctions", direction=1, reference="Signal J08 司法拍卖/查封主要资产")
insolvency_cases = count("court_freeze", by=_E, where=field("kind").within("破产", "强制清算")).named("Bankruptcy or forced liquidation", "破产或强制清算案件数", unit="cases", direction=1, reference="Signal J09 破产/清算")

# For the signals J01 to J10. Judgments are published in part: "found" counts what is published and says nothing of the rest.
enforcement_to_net_assets = first_known(ratio(enforcement_amount, at_least(filed_assets - filed_liabilities, 10000)), 0 / (enforcement_amount <= 0)).named("Amount under enforcement over its net assets (10,000 at the least), 0 without enforcement", "执行标的与净资产之比（净资产不足1万元按1万元计，无执行为零）", unit="times", direction=1, reference="Signal J01 新增被执行")
lending_suits_found = (first_known(count("court_case", by=_E, window="24m", where=_SUITS), 0) - first_known(count("court_case", by=_E, window="24m", where=_SUITS_OVER), 0)).named("Lending and guarantee suits against it found, 24 months, not won or settled", "近24个月已发现借贷担保类被诉案件（未胜诉撤诉调解）", unit="cases", direction=1, reference=_J05)
lending_claims_found = (first_known(total("court_case.amount", by=_E, window="24m", where=_SUITS), 0) - first_known(total("court_case.amount", by=_E, window="24m", where=_SUITS_OVER), 0)).named("Amount of the lending and guarantee suits found, 24 months, not won or settled", "近24个月已发现借贷担保类被诉金额（未胜诉撤诉调解）", unit="CNY", direction=1, reference=_J05)
other_suits_found = first_known(count("court_case", by=_E, window="6m", where=[_DEFENDANT, _OTHER]), 0).named("Trade, labour and note suits against it found, 6 months", "近6个月已发现买卖劳动票据类被诉案件", unit="cases", direction=1, reference=_J06)
other_claims_to_sales = ratio(first_known(total("court_case.amount", by=_E, window="6m", where=[_DEFENDANT, _OTHER]), 0) - first_known(total("court_case.amount", by=_E, window="6m", where=[_DEFENDANT, _OTHER, _OVER]), 0), at_least(sales_12m, 10000)).named("Trade, labour and note claims found, 6 months, over declared sales of a year (10,000 at the least)", "近6个月已发现买卖劳动票据类被诉金额与销售额之比（销售额不足1万元按1万元计）", unit="times", direction=1, reference=_J06)
core_assets_taken = count("court_freeze", by=_E, where=[field("kind").within("财产查封", "司法拍卖"), field("is_core_asset").equals(True), _RUNNING]).named("Main assets seized or up for judicial sale", "主要资产被查封或司法拍卖件数", unit="items", direction=1, reference="Signal J08 司法拍卖/查封主要资产")
criminal_cases_found = first_known(count("court_case", by=_E, where=[field("type").equals("刑事"), _DEFENDANT]), 0).named("Criminal cases found against it or its persons", "已发现刑事案件数（含法人、实控人）", unit="cases", direction=1, reference="Signal J10 刑事立案")

# For the signals J01 to J10. Judgments are published in part: "found" counts what is published and says nothing of the rest.
