"""Numbers as people write them in addresses 门牌数字: full width, 一百二十三, 一二三, 〇; a text in plain form."""

from __future__ import annotations

from functools import lru_cache

LARGEST = 99_999
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2}
_TENS = {"廿": 20, "卅": 30}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
CHARACTERS = "".join(_DIGITS) + "".join(_TENS) + "十百千"
"""Every character that a Chinese numeral of an address may hold, for regular expressions."""

_WIDE = {0xFF01 + k: 0x21 + k for k in range(94)}  # full width ！ to ～
_LOWER = {ord(c): ord(c.upper()) for c in "abcdefghijklmnopqrstuvwxyz"}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－﹣~～"), ord("-"))
_SPACES = dict.fromkeys([*range(32), 0x7F, 0x85, 0xA0, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x3000, 0xFEFF], 32)
_TRADITIONAL = str.maketrans("號棟樓單區鎮鄉縣東廣園灣門廈裡衖兩萬〇○﹟", "号栋楼单区镇乡县东广园湾门厦里弄两万零零#")
_CHANGED = {wide: _LOWER.get(narrow, narrow) for wide, narrow in _WIDE.items()} | _LOWER
_CHANGED |= _DASHES | _SPACES | _TRADITIONAL
# A table of all characters rather than a dict: translate raises and catches an error for each that a dict lacks.
_PLAIN = "".join(chr(_CHANGED.get(c, c)) for c in range(0x10000))


def plain(text: str) -> str:
    """The text in one way of writing: half width, capitals, one dash, one space, 零 for 〇, no control characters.

    Each character stays one character, so positions in the result are positions in the text. Of traditional characters
    only those of address words (號, 樓, 區 …) are changed: a text all in traditional characters is not read well.
    """
    return text.translate(_PLAIN)


@lru_cache(maxsize=16384)
def value(text: str) -> int | None:
    """The number that a numeral of plain text says, 0 to 99,999; None for what is none.

    Read are digits (023 is 23), positions (一二三, 一零三), units (一百二十三, 十二, 两百零五, 廿三), and the short
    spoken form (一百二 is 120). Mixed writing (1百) and a unit out of order are no number.
    """
    if text.isascii():
        return int(text) if text.isdigit() and len(text) <= 5 else None
    if not text or len(text) > 9:
        return None
    if all(c in _DIGITS for c in text):
        number = 0
        for c in text:
            number = number * 10 + _DIGITS[c]
        return number if number <= LARGEST else None
    return _by_units(text)


def _by_units(text: str) -> int | None:
    total, digit, last, zero = 0, -1, 10 * LARGEST, False
    for place, c in enumerate(text):
        if c in _DIGITS:
            if digit > 0 or (digit == 0 and _DIGITS[c] == 0):
                return None
            digit, zero = _DIGITS[c], zero or _DIGITS[c] == 0
        elif c in _TENS:
            if digit > 0 or last <= 10:
                return None
            total, last, digit = total + _TENS[c], 10, -1
        elif c in _UNITS and _UNITS[c] < last:
            last = _UNITS[c]
            if digit <= 0 and not (c == "十" and (place == 0 or digit == 0)):
                return None
            total, digit, zero = total + (1 if digit <= 0 else digit) * last, -1, False
        else:
            return None
    if digit > 0:
        total += digit if zero or last <= 10 else digit * last // 10
    elif digit == 0:
        return None
    return total if total <= LARGEST else None


def chinese(number: int) -> str:
    """A number from 0 to 99,999 as it is read, 123 as 一百二十三. Raises ValueError outside."""
    if not 0 <= number <= LARGEST:
        raise ValueError(f"expected a number from 0 to {LARGEST}, got {number}")
    if number == 0:
        return "零"
    out, zero = "", False
    for unit, name in ((10_000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            out += ("零" if zero else "") + "零一二三四五六七八九"[digit] + name
        zero = not digit and bool(out)
    return out[1:] if out.startswith("一十") else out


def by_position(number: int) -> str:
    """A number digit by digit, 103 as 一零三."""
    return "".join("零一二三四五六七八九"[int(c)] for c in str(number))
