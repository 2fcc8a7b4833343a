"""What are places, trades, enterprises and people called in the synthetic province? All of it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskengine.province.state import Ints, Texts

# Division (first four digits), city, weight, last two digits of its counties and districts: GB/T 2260; weights [D].
CITIES: tuple[tuple[str, str, float, str], ...] = (
    ("3701", "济南", 13.0, "02 03 04 05 12 13 14 15 16 17 24 26"),
    ("3702", "青岛", 16.5, "02 03 11 12 13 14 15 81 83 85"),
    ("3703", "淄博", 4.5, "02 03 04 05 06 21 22 23"),
    ("3704", "枣庄", 2.9, "02 03 04 05 06 81"),
    ("3705", "东营", 2.6, "02 03 05 22 23"),
    ("3706", "烟台", 8.0, "02 11 12 13 14 81 82 83 85 86 87"),
    ("3707", "潍坊", 9.5, "02 03 04 05 24 25 81 82 83 84 85 86"),
    ("3708", "济宁", 7.0, "11 12 26 27 28 29 30 31 32 81 83"),
    ("3709", "泰安", 4.3, "02 11 21 23 82 83"),
    ("3710", "威海", 3.5, "02 03 82 83"),
    ("3711", "日照", 2.7, "02 03 21 22"),
    ("3713", "临沂", 9.8, "02 11 12 21 22 23 24 25 26 27 28 29"),
    ("3714", "德州", 4.6, "02 03 22 23 24 25 26 27 28 81 82"),
    ("3715", "聊城", 4.4, "02 03 21 22 23 24 26 81"),
    ("3716", "滨州", 3.2, "02 03 21 22 23 25 81"),
    ("3717", "菏泽", 6.0, "02 03 21 22 23 24 25 26 28"),
)


@dataclass(frozen=True)
class Trade:
    """A line of business: GB/T 4754 class, words in names, weight [D], sector 0..4 along the chain, agricultural."""

    code: str
    words: tuple[str, ...]
    weight: float
    sector: int
    farming: bool = False


TRADES: tuple[Trade, ...] = tuple(
    Trade(code, tuple(words.split()), weight, sector, farming)
    for code, words, weight, sector, farming in (
        ("0111", "粮食种植 农业", 1.6, 0, True),
        ("0141", "蔬菜种植 果蔬", 2.2, 0, True),
        ("0311", "牧业 养殖", 1.6, 0, True),
        ("0321", "禽业 养殖", 1.4, 0, True),
        ("0411", "水产 海产养殖", 0.9, 0, True),
        ("0521", "农机服务 农业科技", 1.0, 0, True),
        ("1340", "粮油 食品", 1.5, 1, False),
        ("1371", "蔬菜加工 食品", 1.4, 1, False),
        ("1751", "纺织 织造", 2.0, 1, False),
        ("1811", "服饰 制衣", 1.2, 1, False),
        ("2021", "木业 板材", 1.4, 1, False),
        ("2231", "纸业 包装", 1.2, 1, False),
        ("2614", "化工 新材料", 1.6, 1, False),
        ("2710", "医药 生物科技", 0.7, 1, False),
        ("2928", "塑业 塑料制品", 1.5, 1, False),
        ("3031", "建材 建筑材料", 1.6, 1, False),
        ("3311", "金属制品 钢构", 2.2, 1, False),
        ("3484", "机械 精密机械", 2.8, 1, False),
        ("3562", "智能装备 专用设备", 1.5, 1, False),
        ("3670", "汽车零部件 汽配", 1.5, 1, False),
        ("3812", "电气 电机", 1.3, 1, False),
        ("3912", "电子科技 信息设备", 0.9, 1, False),
        ("4710", "建筑工程 建设", 4.2, 2, False),
        ("4910", "安装工程 机电工程", 2.6, 2, False),
        ("5011", "装饰工程 装饰", 2.4, 2, False),
        ("5124", "农产品 生鲜供应链", 3.0, 3, False),
        ("5164", "金属材料 贸易", 4.4, 3, False),
        ("5165", "建材贸易 商贸", 5.5, 3, False),
        ("5179", "机电设备 商贸", 4.8, 3, False),
        ("5211", "百货 商贸", 5.0, 4, False),
        ("5242", "家居 电器", 3.4, 4, False),
        ("5261", "汽车销售 汽贸", 2.2, 4, False),
        ("5430", "物流 货运", 5.2, 4, False),
        ("6110", "酒店 宾馆", 1.3, 4, False),
        ("6210", "餐饮 餐饮管理", 4.2, 4, False),
        ("6513", "软件 信息技术", 2.8, 4, False),
        ("7231", "咨询 企业管理", 3.4, 4, False),
        ("7320", "检测技术 工程技术", 1.4, 4, False),
        ("7721", "环保工程 环保科技", 1.0, 4, False),
        ("8211", "教育科技 文化传播", 1.4, 4, False),
    )
)
SECTORS = 5
CHAIN = ((1, 3), (1, 3), (2, 3), (3, 4), (4, 3))  # whom a sector sells to

_FIRST = "鲁泰齐岱岳海华盛恒瑞永嘉宏信德诚润丰安康福祥兴隆昌达茂源汇聚鑫金银玉龙凤麒麟鹏飞凯旋博远卓越天同正方圆中和"
_SECOND = (
    "泰隆昌盛源丰达茂安宁信义诚和顺利通祥瑞康健明亮辉煌耀阳晨曦宇宙航远程鸿图伟业杰豪森林江河海洋川峰岭岳"
)
_SURNAMES = (
    "王李张刘陈杨赵孙周吴徐高马朱胡林郭何于宋郑梁唐许韩冯邓曹彭曾田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
)
_GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉萍红梅建国文海波峰辉宁鹏浩宇晨志远庆东凯亮斌健新民安"
)


def table(words: str | tuple[str, ...]) -> Texts:
    """Characters or words as an array to pick from."""
    return np.array(list(words), object)


def joined(*parts: Any) -> Texts:
    """Texts put together element by element."""
    made = pc.binary_join_element_wise(*[pa.array(part, pa.string()) for part in parts], "")
    return np.asarray(made.to_numpy(zero_copy_only=False), object)


def coined(count: int, rng: np.random.Generator) -> Texts:
    """`count` coined words of two or three characters."""
    first, second = table(_FIRST), table(_SECOND)
    third = np.append(second, [""] * len(second))
    return joined(
        rng.choice(first, count), rng.choice(second, count), third[rng.integers(0, len(third), count)]
    )


def people(count: int, rng: np.random.Generator) -> Texts:
    """Names of people: a surname by rank, one or two characters."""
    surnames, given = table(_SURNAMES), table(_GIVEN)
    weights = 1.0 / (np.arange(len(surnames)) + 3)
    second = np.append(given, [""] * (len(given) // 2))
    return joined(
        rng.choice(surnames, count, p=weights / weights.sum()),
        rng.choice(given, count),
        rng.choice(second, count),
    )


def enterprises(city: Ints, trade: Ints, forms: Texts, rng: np.random.Generator) -> Texts:
    """City + coined word + trade + legal form; where a name is taken already, a numeral is added to the word."""
    count = len(city)
    places = joined(
        table(tuple(row[1] for row in CITIES))[city],
        rng.choice(np.array(["", "市"], object), count, p=[0.4, 0.6]),
    )
    words = coined(count, rng)
    second = rng.random(count) < 0.5
    trades = np.where(
        second,
        table(tuple(row.words[1] for row in TRADES))[trade],
        table(tuple(row.words[0] for row in TRADES))[trade],
    )
    names = joined(places, words, trades, forms)
    for mark in ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十"):
        taken = again(names)
        if not taken.any():
            break
        more = joined(words[taken], np.full(int(taken.sum()), mark, object))
        names[taken] = joined(places[taken], more, trades[taken], forms[taken])
    return names


def again(names: Texts) -> NDArray[np.bool_]:
    """Which names were there before in the array."""
    coded = pa.array(names, pa.string()).dictionary_encode().indices.to_numpy()
    first = np.unique(coded, return_index=True)[1]
    taken = np.ones(len(names), bool)
    taken[first] = False
    return taken


def banks() -> Texts:
    """117 invented banks, largest first: national, city, then rural commercial ones."""
    national = [f"{one}{two}银行山东省分行" for one, two in zip(_FIRST[5:23], _SECOND[7:25], strict=True)]
    city = [f"合成{row[1]}城市商业银行" for row in CITIES]
    rural = [
        f"合成{row[1]}{side}农村商业银行" for row in CITIES for side in ("", "北", "南", "东", "西", "新")
    ]
    return table(tuple((national + city + rural)[:117]))


def institutions() -> tuple[Texts, list[str]]:
    """60 guarantee institutions (1 provincial, 16 city, 43 county) and the division each serves."""
    names, served = ["合成山东融资再担保有限公司"], ["370000"]
    for code, city, _, _ in CITIES:
        names.append(f"合成{city}融资担保有限公司")
        served.append(f"{code}00")
    counties = [(city, code + end) for code, city, _, ends in CITIES for end in ends.split()]
    for city, code in counties[:: max(1, len(counties) // 43)][:43]:
        names.append(f"合成{city}{code[4:]}区县融资担保有限公司")
        served.append(code)
    return table(tuple(names)), served
