"""Characters that are taken for each other: of one sound, and of one look. Written by hand, of common characters."""

from __future__ import annotations

from random import Random

_GROUPS = (
    "翠脆粹萃 明名鸣铭茗 海害亥 文闻纹雯 金今斤津 银吟寅 华花划滑桦 锦紧谨 朝潮巢 兴幸杏星 永勇泳咏 福扶服伏符 "
    "安案岸 康慷 宁柠凝 和河荷何禾 平坪苹萍屏 建健件见 光广 东冬懂 凤奉 丰风枫峰锋 龙隆笼 鹤贺赫 桂贵柜 梅眉媒 "
    "兰蓝篮栏 竹烛逐 松嵩 柳留刘流 莲连联廉 紫子籽 碧壁毕 玉育域御 瑞锐睿 祥翔详 吉集及极 庆磬 盛胜圣 宏红虹洪鸿 "
    "达答 景井警 春椿 秋丘 云芸匀 月悦越 霞侠峡 溪西希熙 泉全权 湖胡弧壶 港岗 湾弯 岭领 石时实食 沙纱莎 香乡湘厢 "
    "珠朱株 滨宾彬 园圆元源员院 旺望 泰太态 禄鹿陆 寿受 喜洗 乐勒 谐鞋协 民敏 生声升 业叶夜 成城诚程 德得 仁人任 "
    "义艺议易 信芯 林临淋邻 川穿 江姜将 苑怨愿 桥乔侨 塘堂唐糖 山衫 洲州周舟 岛倒 埔浦 围维 涌勇 阳杨洋扬 辉挥灰 "
    "英应鹰 秀绣袖 芳方坊 雅亚 清青轻 百白柏 富副 昌长常 学雪 水税 前钱 后厚 路露录 街阶接 巷像向 道到 区曲 "
    "镇阵振 社设 村存 幼又 儿而 小晓 大达 中钟 心新芯 市事式 超抄 药要 房防 酒久 店电 馆管 公工 停庭亭 车扯 场厂 "
    "油由 站占 体提 育玉 养样 老佬 图涂 书输 餐参 厅听 火伙 锅国 汽气 修休 物务 派排 消销 邮油 政正 农浓 贸冒 "
    "培陪 训迅 便变 利力 快块 邦帮 豪毫 居局 庄装 厦夏 家佳 寓遇 汀听 望忘 屏平 高糕 保宝 税睡"
)
_LOOKS = (
    "未末 士土 千干 日目 大太 人入 川州 鸟乌 末木 住往 洲州 园圆 湾弯 景影 秀季 泉皇 林材 珠株 明朋 翠萃 凤风 "
    "莲连 阳阴 岭玲 埔捕 塘糖 禄碌"
)


def _table(groups: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for group in groups.split():
        for c in group:
            out[c] = out.get(c, "") + group.replace(c, "")
    return out


SOUND, LOOK = _table(_GROUPS), _table(_LOOKS)
ANY = "".join(
    bytes((high, low)).decode("gb2312") for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFF)
)  # the common characters of the national standard
NUMERALS = frozenset("零一二三四五六七八九十百千万两〇")


def wrong(draw: Random, c: str) -> str:
    """Another character: of the same sound in six of ten cases, of the same look in one, else any common one."""
    kind = draw.random()
    table = SOUND if kind < 0.6 else LOOK if kind < 0.7 else {}
    choices = table.get(c) or ANY
    while True:
        other = draw.choice(choices)
        if other != c and other not in NUMERALS:
            return other
