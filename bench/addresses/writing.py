"""How callers write: numbers in every form, talk before and after, the words between the parts."""

from __future__ import annotations

from random import Random

BEFORE = (
    "你好，我想反映一下", "您好，", "反映：", "市民来电反映", "我住在", "我是住在", "麻烦看看", "昨晚11点多，",
    "6月12日晚上，", "请问一下，", "我要投诉，", "已经反映过3次了，", "地址：", "事发地点在", "位于", "就在",
    "来电人称", "我们这边", "投诉举报 ", "本人家住", "之前打过12345，", "今天早上八点左右在", "孩子在", "有人在",
    "工单补充：", "诉求人表示其居住在",
)  # fmt: skip
AFTER = (
    "楼下噪音很大", "，楼下烧烤油烟很大，影响二十多户居民", "门口垃圾没人清理", "路灯坏了3天", "漏水严重",
    "，电话13800000000，希望尽快处理", "附近有人占道经营", "施工扰民，晚上10点还在打桩", "停水了",
    "井盖丢了，很危险", "，请核实", "有流浪狗", "旁边的树倒了", "电梯坏了，5楼老人下不来", "对面的工地灰尘很大",
    "乱停车，堵了一条路", "广场舞太吵", "的下水道堵了", "。谢谢！", "物业不作为", "冒黑烟", "，已经第2次打电话了",
)  # fmt: skip
CITIES = {
    "广州": "天河区 越秀区 白云区", "深圳": "福田区 南山区 宝安区", "佛山": "禅城区 顺德区",
    "中山": "东区 石岐街道", "东莞": "南城街道 虎门镇", "长沙": "岳麓区 天心区", "武汉": "洪山区 江岸区",
    "成都": "武侯区 锦江区", "杭州": "西湖区 拱墅区", "西安": "雁塔区 碑林区", "郑州": "金水区", "厦门": "思明区",
    "南宁": "青秀区", "昆明": "五华区", "上海": "浦东新区 徐汇区", "北京": "朝阳区 海淀区", "沈阳": "和平区",
}  # fmt: skip
_DIGITS = "〇一二三四五六七八九"


def read_out(number: int) -> str:
    """A number below 1,000 in words: 123 as 一百二十三."""
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    out = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        out += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        out += "零"
    return out + (_DIGITS[ones] if ones else "")


def in_words(draw: Random, number: int) -> str:
    """Read out, or digit by digit."""
    if number >= 1000 or (number >= 10 and draw.random() < 0.25):
        return "".join(_DIGITS[int(c)] for c in str(number)).replace("〇", draw.choice("〇零"))
    return read_out(number)


def in_digits(draw: Random, number: int) -> str:
    """Half width, now and then full width."""
    return "".join(chr(0xFF10 + int(c)) for c in str(number)) if draw.random() < 0.12 else str(number)


def plate(draw: Random, number: str, words: bool) -> str:
    """12号, 12号之3 or 12-3号 of the book in one of the ways of writing."""
    main, _, fine = number.replace("号之", "-").rstrip("号").partition("-")
    write = in_words if words else in_digits
    first = write(draw, int(main))
    if fine:
        second = write(draw, int(fine))
        forms = [f"{first}号之{second}", f"{first}号附{second}号"]
        return draw.choice(forms if words else [*forms, f"{first}-{second}号", f"{first}-{second}"])
    if words:
        return first + "号"
    return first + draw.choices(("号", " 号", "", "号院内"), (82, 6, 8, 4))[0]


def building(draw: Random, name: str, words: bool) -> str:
    """3栋 or A座 in one of the ways, often with unit and room, as 3栋2单元501 or 3-2-501."""
    unit, room = draw.randint(1, 4), draw.randint(1, 18) * 100 + draw.randint(1, 6)
    if name[0].isalpha() and name[0].isascii():
        return name + draw.choice(("", f"{room}", f"{room}室"))
    write = in_words if words else in_digits
    first = write(draw, int(name[:-1]))
    kind = draw.random()
    if kind < 0.12 and not words:
        return draw.choice((f"{first}-{unit}-{room}", f"{first}-{room}"))
    if kind < 0.2:
        return first + "号楼" + draw.choice(("", f"{write(draw, unit)}单元"))
    rest = draw.choice(("", "", f"{write(draw, unit)}单元", f"{write(draw, unit)}单元{write(draw, room)}", f"{room}房"))
    return first + draw.choice("栋栋幢座") + rest
