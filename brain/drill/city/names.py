"""Invented Chinese names, each of a kind at most once in a city; single ones may be found somewhere in the country."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FIRST = (
    "云汐岚沐棠泓漪霁澄栖溪枫桐荷菱芦鹭雁鹤鲤梓榕槐杉柏松竹兰蕙芷茗砚墨锦绣绮翠碧青苍丹朱金银玉"
    "珀瑾琮瑶晨曦暮星月辰宁和景瑞嘉祥丰裕康泰仁礼信义诚明德惠博雅清逸"
)
SECOND = (
    "湾浦汀洲屿滩潮澜涛涌溪泽塘渚渡桥埠垌岭岗峰坡崖坪坳谷林园圃畦田庄墟围堡寨亭台楼阁轩榭源泉井"
    "池沙石岩磊安平宁兴隆昌盛和顺达通远望归来春秋霞虹霓光华英芳菲"
)
BRANDS = "福禄鸿盛顺昌利恒源泰裕隆广聚汇盈鼎丰润达嘉美乐佳惠万家百味香满鲜"
CITY = "澜汐市"
DISTRICTS = ("汀浦区", "澜东区", "岚西区")
ZONES = ("澜汐高新技术产业开发区", "鹭屿合作区")
ZONE_SHORT = ("高新区", "鹭屿区")
DIGITS = "零一二三四五六七八九"
TENS = 10
LONGEST = 99


class Names:
    """Names without repetition, in an order drawn once; they do not run out in a city of half a million names."""

    def __init__(self, draw: np.random.Generator) -> None:
        """All pairs of signs, mixed."""
        pairs = [a + b for a in FIRST for b in SECOND if a != b]
        self._pairs: list[str] = [pairs[k] for k in draw.permutation(len(pairs)).tolist()]
        self._next = 0

    def take(self) -> str:
        """The next name: two signs; three once all pairs are used up."""
        turn, k = divmod(self._next, len(self._pairs))
        self._next += 1
        return self._pairs[k] if not turn else self._pairs[k] + SECOND[(k + turn) % len(SECOND)]

    def before(self, kind: str) -> str:
        """The next name that does not end as its kind begins, with the kind: no 鹭溪溪."""
        name = self.take()
        while name[-1] == kind[0]:
            name = self.take()
        return name + kind

    def several(self, n: int) -> list[str]:
        """The next n names."""
        return [self.take() for _ in range(n)]


def numeral(number: int) -> str:
    """A whole number from 1 to 99 in Chinese: 12 is 十二, 30 is 三十. Raises ValueError for others."""
    if not 1 <= number <= LONGEST:
        raise ValueError(f"expected 1 to {LONGEST}, got {number}")
    tens, ones = divmod(number, TENS)
    head = "" if tens == 0 else ("十" if tens == 1 else DIGITS[tens] + "十")
    return head + (DIGITS[ones] if ones else "")


def pick(draw: np.random.Generator, among: Sequence[str], n: int) -> list[str]:
    """n of these, each drawn by itself."""
    return [among[k] for k in draw.integers(0, len(among), n).tolist()]
