"""Which parts has an enterprise's name: place, core (字号), trade (行业), legal form, branch?

Chinese registration rules order a name as place + core + trade + legal form (企业名称登记管理规定, art. 6 [A]); how the parts are found
here, from word lists, is ours [D].
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from riskengine.identity.places import PLACE, place_of, simplified
from riskengine.intake.naming import name_key

_FORMS = {
    "company": ("集团有限责任公司", "集团股份有限公司", "集团有限公司", "股份有限公司", "股份公司", "有限责任公司", "有限公司", "集团公司",
                "公司", "集团"),
    "partnership": ("合伙企业有限合伙", "合伙企业普通合伙", "合伙企业", "普通合伙", "有限合伙", "事务所"),
    "cooperative": ("农民专业合作社联合社", "农民专业合作社", "专业合作社", "合作社", "家庭农场", "农场"),
    "factory": ("总厂", "分厂", "厂"),
    "shop": ("经营部", "商行", "商店", "超市", "便利店", "饭店", "酒店", "门市部", "服务部", "工作室", "商贸行", "旗舰店", "药店", "药房", "店", "部",
             "行", "馆", "坊", "室", "铺", "屋", "城", "场"),
    "body": ("研究院", "研究所", "服务中心", "中心", "学校", "医院", "协会", "学院", "大学"),
}  # fmt: skip
_FORM = {ending: kind for kind, endings in _FORMS.items() for ending in endings}
_FORM_END = re.compile("(" + "|".join(sorted(_FORM, key=lambda ending: (-len(ending), ending))) + ")$")
_TRADES = (
    "企业管理 企业服务 酒家 餐厅 科技 技术 信息 网络 软件 电子 电器 电气 电力 电缆 机械 机电 机床 设备 仪器 仪表 装备 汽车 汽配 配件 零部件 贸易 商贸 商务 工贸 经贸 进出口 外贸"
    " 实业 工业 产业 发展 开发 投资 控股 资产 管理 咨询 服务 建筑 建设 建材 建工 工程 安装 装饰 装修 装潢 园林 绿化 市政 路桥 房地产 置业 地产 物业 物流"
    " 运输 货运 快递 仓储 供应链 餐饮 食品 饮品 饮料 酒业 酒店 宾馆 粮油 农业 农牧 牧业 养殖 种植 林业 渔业 水产 果蔬 蔬菜 茶叶 医药 药业 医疗 器械 生物"
    " 制药 健康 化工 化学 材料 新材料 塑料 塑业 橡胶 涂料 纺织 服装 服饰 针织 印染 鞋业 皮革 家具 家居 木业 纸业 包装 印刷 印务 文化 传媒 传播 广告 影视"
    " 教育 培训 旅游 旅行社 体育 能源 新能源 石油 石化 燃气 热力 热电 煤炭 矿业 冶金 钢铁 金属 铸造 锻造 五金 模具 玻璃 陶瓷 水泥 混凝土 环保 环境 水务"
    " 节能 照明 光电 通信 通讯 安防 智能 自动化 数据 数码 云计算 航空 航天 船舶 劳务 人力资源 家政 保安 保洁 清洁 洗涤 典当 担保 融资 租赁 小额贷款 保险 经纪"
    " 代理 拍卖 评估 会计 税务 律师 知识产权 设计 规划 勘察 测绘 检测 监理 制造 加工 生产 销售 营销 采购 批发 零售 百货 日用品 化妆品 美容 美发 珠宝 首饰 玩具"
    " 文具 办公 图书 乐器 眼镜 花卉 宠物 饲料 种业 肥料 农资 农机 电商 电子商务 互联网 机器人 制冷 空调 暖通 管道 阀门 水泵 轴承 轮胎 电池 电机 线缆 门窗 幕墙 防水"
    " 保温 消防 钢结构 起重 压缩机 锅炉 面粉 食用油 肉类 禽业 乳业 烘焙 火锅 面馆 小吃 烧烤 快餐 汽贸 汽修 二手车 驾校 停车 出租 客运 公交 铁路 港口 报关 货代"
)
_TRADE = re.compile("|".join(sorted(_TRADES.split(), key=lambda word: (-len(word), word))))
_HEAD = r"(?P<head>.*?(?:公司|合作社|集团|银行|总厂|研究院|事务所))"
_BRANCH = re.compile(
    _HEAD + r"(?P<branch>.{1,16}(?:分公司|支公司|分店|分厂|分行|支行|分部|店|部|所|处|中心|厂|社|站|矿))$"
)
_TRAILING_PLACE = re.compile(f"{PLACE.pattern}$")
_BRACKETED = re.compile(r"[(\[【〔﹝（](.*?)[)\]】〕﹞）]")
_PERSON = re.compile(r"[\u3400-\u9fff]{2,4}")


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name taken apart; empty text where a part is not there. `body` is core and trade together."""

    key: str
    place: str
    core: str
    trade: str
    form: str
    branch: str
    ending: str = ""  # the legal form as written

    @property
    def body(self) -> str:
        """What distinguishes an enterprise from others of its place and form."""
        return self.core + self.trade


def exact_key(name: str) -> str:
    """The key under which spellings of one name meet exactly: `name_key` of the simplified text.

    >>> exact_key("濟南（明湖）機械有限責任公司") == exact_key("济南明湖机械有限公司")
    True
    """
    return name_key(simplified(unicodedata.normalize("NFKC", name)))


def name_parts(name: str) -> NameParts:
    """Take a name apart.

    >>> name_parts("山东省济南市明湖机械制造有限责任公司")
    NameParts(key='山东省济南市明湖机械制造有限公司', place='山东济南', core='明湖', trade='机械制造', form='company', branch='', ending='有限公司')
    >>> name_parts("明湖机械（济南）有限公司第一分公司").place, name_parts("明湖机械（济南）有限公司第一分公司").branch
    ('济南', '第一分公司')
    """
    key = exact_key(name)
    brackets = [simplified(text) for text in _BRACKETED.findall(unicodedata.normalize("NFKC", name))]
    stem, branch = key, ""
    if match := _BRANCH.fullmatch(key):
        stem, branch = match["head"], match["branch"]
    place, rest = place_of(stem)
    for text in brackets:  # a bracketed place names the place wherever it stands: 明湖(济南)机械
        if PLACE.fullmatch(text) and text in rest and len(rest) - len(text) >= 2:
            place, rest = place + place_of(text + "企业")[0], rest.replace(text, "", 1)
    form = ending = ""
    if not place and (tail := _TRAILING_PLACE.search(_FORM_END.sub("", rest))) and tail.start() >= 2:
        place, rest = place_of(tail[0] + "企业")[0], rest.replace(tail[0], "", 1)
    if (match := _FORM_END.search(rest)) and match.start() >= 2:
        form, ending, rest = _FORM[match[1]], match[1], rest[: match.start()]
    trade_at = next((found.start() for found in _TRADE.finditer(rest) if found.start() >= 2), len(rest))
    return NameParts(key, place, rest[:trade_at], rest[trade_at:], form, branch, ending)


def known_trade(trade: str) -> bool:
    """Whether a trade is made of listed words only, so that one unlike it is another trade and not a slip.

    >>> known_trade("机械制造"), known_trade("机诫制造")
    (True, False)
    """
    return bool(trade) and not _TRADE.sub("", trade)


def is_person(name: str) -> bool:
    """Whether a name looks like a natural person's: two to four Chinese characters without a legal form or a trade.

    >>> is_person("张三丰"), is_person("明湖商行"), is_person("国家电网")
    (True, False, False)
    """
    text = "".join(unicodedata.normalize("NFKC", name).split()).replace("·", "")
    if not _PERSON.fullmatch(text):
        return False
    return not (
        _FORM_END.search(text) or _TRADE.search(text) or PLACE.match(text) or text.endswith(("电网", "银行"))
    )
