"""With which place does an enterprise's name begin, and which simplified character does a traditional one stand for?

The places are those of `intake.nouns`; counties are recognised after them by their ending.
"""

from __future__ import annotations

import re

from riskengine.intake.nouns import PLACE

COUNTY = re.compile(r"[\u3400-\u9fff]{2,3}?(?:新区|区|县|市)(?=[\u3400-\u9fff]{4})")
_ENDINGS = re.compile(r"(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|地区)$")

_TRADITIONAL = (
    "濟济臺台灣湾東东華华國国業业機机電电貿贸產产實实發发開开長长門门馬马龍龙鳳凤興兴豐丰榮荣廣广廠厂車车農农漁渔號号會会義义達达運运"
    "連连遠远進进潤润澤泽滙汇匯汇匯汇鑫鑫銀银鋼钢鐵铁鋁铝銅铜錦锦鴻鸿鵬鹏鷹鹰黃黄藍蓝綠绿紅红紙纸紡纺織织絲丝線线綜综網网維维緣缘總总績绩"
    "經经濱滨灘滩淵渊溫温漢汉滬沪蘇苏蕪芜萬万葉叶藥药藝艺蓮莲蘭兰莊庄營营製制衛卫裝装裏里補补複复規规視视覽览觀观訊讯設设許许註注評评詢询誠诚"
    "話话該该語语說说課课調调談谈請请論论諾诺講讲謝谢證证識识譽誉護护讀读貝贝財财貨货質质購购貴贵買买費费資资賓宾賢贤賣卖賽赛贊赞贏赢軍军軒轩"
    "軟软載载輔辅輛辆輝辉輪轮輸输轉转辦办邊边鄉乡鄭郑醫医釀酿釋释針针鈞钧鉅巨銘铭銳锐銷销鋒锋錢钱鍋锅鍛锻鎮镇鏈链鏡镜鐘钟鑄铸閃闪閣阁關关陳陈陽阳陰阴"
    "際际陸陆隊队階阶險险雲云霧雾靈灵靜静韓韩頁页頂顶項项順顺預预頓顿領领頭头額额題题類类顧顾顯显風风飛飞飯饭飲饮飾饰餐餐館馆駿骏騰腾驗验驛驿魚鱼"
    "鮮鲜鳥鸟鴨鸭鶴鹤鹽盐麗丽麥麦齊齐齒齿齡龄倉仓個个們们倫伦偉伟側侧備备傑杰傳传債债傷伤傢家優优儀仪億亿儲储兒儿兩两冊册凍冻劃划劉刘剛刚創创劑剂"
    "勁劲動动務务勝胜勞劳勢势勵励匯汇區区協协單单廳厅歷历壓压參参雙双變变員员喬乔嚴严園园圓圆圖图團团堅坚報报場场塊块塗涂塵尘墊垫增增壇坛壯壮壽寿夢梦"
    "夾夹奧奥奮奋婦妇媽妈嬰婴孫孙學学寧宁寶宝審审寫写寬宽將将專专尋寻對对導导層层屬属岡冈島岛峽峡嶺岭巖岩幣币帥帅師师帶带幫帮幹干庫库應应廟庙廢废彈弹"
    "彎弯彙汇徑径從从復复德德徵征恆恒愛爱慶庆慮虑態态懷怀戰战戶户拋抛掃扫採采揚扬換换揮挥損损搖摇擇择擊击擔担據据擴扩擺摆攝摄敗败敵敌數数斷断時时晉晋晝昼"
    "暢畅曆历書书條条來来極极構构槍枪楊杨標标樂乐樓楼樣样樹树橋桥檔档檢检櫃柜權权歐欧歡欢歲岁殺杀殼壳氣气決决沒没減减湯汤準准溝沟滅灭滿满漲涨漸渐潔洁"
    "澆浇濃浓濕湿瀏浏濰潍濼泺災灾為为烏乌無无煙烟煉炼煒炜熱热燈灯燒烧燙烫營营爐炉爭争爾尔牆墙狀状獎奖獨独獲获環环現现瑪玛瑋玮瓊琼畢毕畫画異异當当疊叠療疗"
    "發发皺皱盜盗盡尽監监盤盘眾众瞭了碼码磚砖礦矿禮礼禮礼種种稱称積积穩稳窯窑窩窝競竞筆笔節节範范築筑簡简簽签籃篮籌筹糧粮級级紀纪約约納纳純纯細细終终"
    "組组結结給给統统綵彩網网緊紧編编練练縣县縱纵縫缝繡绣繪绘繼继續续罰罚罷罢羅罗習习聖圣聞闻聯联聲声職职聽听肅肃脫脱腦脑腳脚膠胶臉脸臨临與与舉举舊旧艦舰"
    "責责鉆钻蘆芦處处虛虚蟲虫術术衝冲裡里"
)
_SIMPLE = {ord(left): right for left, right in zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True)}


def simplified(text: str) -> str:
    """A text with the traditional characters that are usual in names written simplified.

    >>> simplified("濟南東華機電貿易有限公司")
    '济南东华机电贸易有限公司'
    """
    return text if text.isascii() else text.translate(_SIMPLE)


def place_of(text: str) -> tuple[str, str]:
    """The places a name begins with (short names) and the rest of it; the rest is never shorter than two characters.

    >>> place_of("山东省济南市历下区明湖机械")
    ('山东济南历下', '明湖机械')
    >>> place_of("北京"), place_of("海南明湖")
    (('', '北京'), ('海南', '明湖'))
    """
    found: list[str] = []
    rest = text
    while match := PLACE.match(rest):
        if len(rest) - match.end() < 2:
            break
        found.append(_ENDINGS.sub("", match[0]))
        rest = rest[match.end() :]
    if found and (county := COUNTY.match(rest)):
        found.append(re.sub(r"(?:新区|区|县|市)$", "", county[0]))
        rest = rest[county.end() :]
    return "".join(found), rest
