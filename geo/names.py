"""Names 名称 that came out of the wrong encoding, or hold what nobody would write into a place's name."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Odd(NamedTuple):
    """What is odd about a name, in English and Chinese."""

    en: str
    zh: str


def odd(name: str) -> Odd | None:
    """What is wrong with a name's characters; None for what is written in Chinese, Latin letters, digits and signs.

    Text of one encoding read as another is recognised where reading it back gives Chinese. Does not know whether a
    name is the right one, nor simplified characters from traditional ones.
    """
    for wrong, right in (("latin-1", "gbk"), ("latin-1", "utf-8"), ("gbk", "utf-8"), ("cp1252", "gbk")):
        meant = _read_as(name, wrong, right)
        if meant:
            return Odd(
                f"text in {right.upper()} that was read as {wrong}: {meant}?", f"误读的 {right.upper()} 文本: {meant}?"
            )
    for c in name:
        what = _strange(c)
        if what is not None:
            return Odd(f"{what.en} (U+{ord(c):04X})", f"{what.zh} (U+{ord(c):04X})")
    if name != name.strip():
        return Odd("white space around it", "首尾空白")
    return None


def _read_as(name: str, wrong: str, right: str) -> str:
    if all(c.isascii() for c in name) or (wrong != "gbk" and any(map(_han, name))):
        return ""
    try:
        meant = name.encode(wrong).decode(right)
    except UnicodeError:
        return ""
    return meant if all(_han(c) or c.isascii() for c in meant) and any(map(_han, meant)) else ""


def _han(c: str) -> bool:
    return "\u4e00" <= c <= "\u9fff" or "\u3400" <= c <= "\u4dbf" or c == "〇"


def _strange(c: str) -> Odd | None:
    if c == "\ufffd":
        return Odd("a replacement character: the text was read in a wrong encoding", "替换字符: 文本编码有误")
    kind = unicodedata.category(c)
    if kind in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}:
        return Odd("a control, private or invisible character", "控制字符, 私有区或不可见字符")
    if kind.startswith(("L", "N")):
        script = unicodedata.name(c, "?").partition(" ")[0]
        if script == "FULLWIDTH":
            return Odd("a full-width letter or digit", "全角字母或数字")
        if not (c.isascii() or script in {"CJK", "LATIN", "IDEOGRAPHIC", "CIRCLED", "ROMAN"}):
            return Odd(f"a character of another script, {script.lower()}", f"其他文字 ({script.lower()})")
    return None
