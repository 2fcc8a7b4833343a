"""Which words make an enterprise's name - places, trades, legal forms - and is a name without any a natural person's?

Word lists of our own [D]; provinces and prefecture-level cities of GB/T 2260 by their short names. It lives here because cleaning
must know persons' names before they are stored.
"""

from __future__ import annotations

import re
import unicodedata

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
FORM = {ending: kind for kind, endings in _FORMS.items() for ending in endings}
FORM_END = re.compile("(" + "|".join(sorted(FORM, key=lambda ending: (-len(ending), ending))) + ")$")
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
TRADE = re.compile("|".join(sorted(_TRADES.split(), key=lambda word: (-len(word), word))))
_PROVINCES = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海"
    " 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门"
)
_CITIES = (
    "石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海"
    " 赤峰 通辽 鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛 长春 四平 辽源"
    " 通化 白山 松原 白城 延边 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化 南京 无锡 徐州 常州 苏州 南通"
    " 连云港 淮安 盐城 扬州 镇江 泰州 宿迁 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆"
    " 黄山 滁州 阜阳 宿州 六安 亳州 池州 宣城 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州"
    " 上饶 济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 莱芜 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳"
    " 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店 济源 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 长沙 株洲 湘潭 衡阳"
    " 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞"
    " 中山 潮州 揭阳 云浮 南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左 海口 三亚 儋州 成都 自贡 攀枝花 泸州 德阳"
    " 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中 资阳 贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧"
    " 拉萨 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 西宁 海东 银川"
    " 石嘴山 吴忠 固原 中卫 乌鲁木齐 克拉玛依 吐鲁番 哈密"
)
_LONGEST_FIRST = "|".join(
    sorted({*_PROVINCES.split(), *_CITIES.split()}, key=lambda name: (-len(name), name))
)
PLACE = re.compile(rf"(?:{_LONGEST_FIRST})(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|地区)?")
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎"
    "易常武乔贺赖龚文庞樊兰殷施陶洪翟颜倪严牛温芦季俞章鲁葛伍申尤毕聂柴焦向柳邢岳齐梅莫庄辛管祝左涂谷祁耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂"
    "闵解强丛华车冉房边肖闫付代尚褚郎宫窦娄苟池邬晏冷戚储喻卞佟仝蓝缪原练楚麻苑占揭刁冀荆骆舒滕胥"
)
_HAN = "\\u3400-\\u9fff\\U00020000-\\U0003ffff"
_PERSON = re.compile(rf"[{_HAN}]{{2,4}}|[{_HAN}]{{1,12}}(?:[·•・‧∙.][{_HAN}]{{1,12}})+")
_SURNAMED = re.compile(rf"[{_SURNAMES}][{_HAN}]{{1,2}}")
_LONG = re.compile(r"[\u4e00-\u9fa5]{5,}")
_TOLD_BESIDE = re.compile(
    r"(?:公民|居民)?身份证?(?:件)?(?:号码?|证)?|证件号码?|出生|籍贯|汉族|曾用名|性别|个体(?:工商)?户?|(?<![\u3400-\u9fff])[男女](?![\u3400-\u9fff])"
)
_BESIDE = re.compile(r"(?:[0-9Xx*＊]{6,}|[0-9]{1,4}[年月日]|[:：()（）\[\]【】#\-_])+")
_BETWEEN = re.compile(r"[\s,，、;；/|\\]+")
_SHOPS = (
    "店",
    "厂",
    "馆",
    "部",
    "铺",
    "坊",
    "屋",
    "局",
    "村",
    "室",
    "吧",
    "场",
)  # with which a shop's name of three ends
_BODIES = ("电网", "银行", "政府", "法院", "委员会", "代表处", "局", "村", "社区", "中国")


def is_person(name: str) -> bool:
    """Whether a name looks like a natural person's (or several): each two to four Chinese characters without a legal form
    or a trade, a surname and one or two characters whatever they say, or a transcribed name with its dots; a resident
    number and its label may stand beside it.

    >>> is_person("张三丰"), is_person("王建设"), is_person("明湖商行"), is_person("国家电网"), is_person("张三丰饭店")
    (True, True, False, False, False)
    >>> is_person("张三丰 11010519491231002X"), is_person("张三丰（身份证号：11010519491231002X）"), is_person("阿不都·买买提")
    (True, True, True)
    """
    if name.isascii() or len(name) > 200:
        return False
    if _LONG.fullmatch(name) and not _TOLD_BESIDE.search(name):  # nearly all: nothing parts it into persons
        return False
    text = _BESIDE.sub(" ", _TOLD_BESIDE.sub(" ", unicodedata.normalize("NFKC", name)))
    told = [part for part in _BETWEEN.split(text) if part]
    if not any(len(part) > 1 for part in told):  # 张 三
        told = ["".join(told)]
    return bool(told) and all(map(_is_one, told))


def _is_one(text: str) -> bool:
    if not _PERSON.fullmatch(text):
        return False
    if _SURNAMED.fullmatch(text):
        return not text.endswith(_SHOPS)
    return not (
        FORM_END.search(text)
        or TRADE.search(text)
        or PLACE.match(text)
        or "公司" in text
        or text.endswith(_BODIES)
    )
