"""Door-plate rules 门牌规则: what follows a road, an estate or a plate, as a canonical key and where it ends.

A key of a plate is the number with all that refines it: ``12``, ``12-3`` (12号之3, 附3号, 12-3号), ``12A``, ``5弄12``.
A key of a building is ``3``, ``A``, ``A3``, ``东``; with its unit ``3/2``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from geo.addresses.numerals import CHARACTERS, plain, value

_N = rf"(?:\d{{1,5}}|[{CHARACTERS}]{{1,8}})"
_PLATE = re.compile(
    rf"[的上,、 段(]{{0,2}}(?:门牌号? ?)?第?(?:({_N})(弄|巷|里|坊) ?)?({_N})"
    rf"([A-Z甲乙丙丁](?![A-Z]))?(?: ?(?:之|附|-) ?({_N}))?( ?[号#])?(?(6)(?: ?(?:之|附|-) ?({_N})号?)?)"
)
_COMMON = re.compile(r"([1-9]\d{0,4})号(?![之附\- #楼线])")
"""What most are: found without trying all that a plate may be."""
_LANE = re.compile(rf"[的上,、 ]{{0,2}}({_N})(弄|巷|里|坊)")
_BUILDING = re.compile(
    r"(?:小区|里面?|院?内|的|那边|[,、 ()])*第?"
    rf"([A-Z]?{_N}[A-Z]?|[A-Z]|[东西南北中]) ?(栋|幢|座|(?:号|#)楼(?![下上道梯顶里底前后旁])|#|号|-)"
    rf"(?: ?({_N}|[A-Z甲乙丙丁])(?: ?单元|门(?!口)|-))?(?: ?({_N}[A-Z]?)(?:室|房|号|户|(?![\d年月日点])))?"
)
_NO_PLATE_AFTER = frozenset(
    "0123456789年月日点时分秒米个人元万块层楼栋幢座期路线名位次家户条车辆台天周岁度弄巷单.%:/多余"
)
_NOT_ITS_SIGN = re.compile(r"线|楼(?![下上道梯顶里底前后旁])")
_LAMP = re.compile("路[灯面边口旁]")
_PHASE = re.compile(rf" ?\(?(?:第?{_N}期|[A-Z东西南北中]区)")
_SPLIT = re.compile(rf"([A-Z]?)({_N})([A-Z]?)$")
_SOON = re.compile(rf"(?!小区|里|院?内|的|那边|第)[\u4e00-\u9fff]{{1,4}}(?<![{CHARACTERS}]){_N} ?[栋幢座]")
ANCHOR = re.compile(rf"(?<![{CHARACTERS}\dA-Z])(?:[A-Z]?{_N}[A-Z]?|[A-Z](?=[栋幢座]))")
"""Where a number begins that may be a plate or a building."""


class Plate(NamedTuple):
    """A door plate as said: its key, the key without what refines it (empty where nothing does), and its end."""

    key: str
    base: str
    end: int


class Building(NamedTuple):
    """A building as said: its key, its unit's (empty where none is said), and its end, room included."""

    key: str
    unit: str
    end: int


def plate_at(s: str, at: int) -> Plate | None:
    """The door plate that begins at a place of plain text, directly after a road; None where none does.

    A number without 号 counts when it is in digits and nothing that is counted follows (翠香路12 but not 路12年).
    A building (3栋, 3号楼) is no plate.
    """
    m = _COMMON.match(s, at)
    if m is not None:
        return Plate(m[1], "", m.end())
    m = _PLATE.match(s, at)
    if m is not None:
        lane, kind, number, letter, sub, sign, after = m.groups()
        end, follows = m.end(), s[m.end() : m.end() + 1]
        refined = after or sub
        digits = (sub or number).isascii() and number.isascii()
        counted = follows in _NO_PLATE_AFTER and not _LAMP.match(s, end)
        if sign is None and (counted or not digits):
            m = None
        elif sign is not None and not after and _NOT_ITS_SIGN.match(s, end) is not None:
            return None
    if m is None:
        return _lane_at(s, at)
    base = _number(number)
    if base is None:
        return None
    base += letter or ""
    if lane is not None:
        of = _number(lane)
        if of is None:
            return None
        base = f"{of}{kind}{base}"
    if refined is None:
        return Plate(base, "", end)
    fine = _number(refined)
    return None if fine is None else Plate(f"{base}-{fine}", base, end)


def _lane_at(s: str, at: int) -> Plate | None:
    m = _LANE.match(s, at)
    number = _number(m[1]) if m is not None else None
    return Plate(f"{number}{m[2]}", "", m.end()) if m is not None and number is not None else None


def building_at(s: str, at: int) -> Building | None:
    """The building that begins at a place of plain text, after an estate or a plate; None where none does.

    Read are 3栋, 三幢, A座, A3栋, 3号楼, 3#, 3号, and building, unit and room as 3-2-501 or 3-501.
    """
    m = _BUILDING.match(s, at)
    if m is None:
        return None
    number, sign, unit, room = m.groups()
    if sign == "-" and (room is None or not room[:1].isascii()):
        return None
    key = _lettered(number)
    if key is None:
        return None
    of = "" if unit is None else _lettered(unit) or ""
    return Building(key, of, m.end())


def phase_at(s: str, at: int) -> bool:
    """Whether a part of an estate (二期, A区, 东区) is named here: its buildings are counted anew.

    So it is taken where words that are none of the rules' stand before a building (冬区3栋).
    """
    return _PHASE.match(s, at) is not None or _SOON.match(s, at) is not None


def plate_key(number: str) -> str:
    """The key of a number as the book has it: 12, 12号, 十二号, 12号之3, 5弄12号; else the plain text itself."""
    text = plain(number).strip()
    if text.isascii() and text.isdigit() and len(text) <= 5:
        return str(int(text))
    found = plate_at(text, 0) or plate_at(text + "号", 0)
    return found.key if found is not None and found.end >= len(text) else text


def building_key(building: str) -> str:
    """The key of a building or unit as the book has it: 3, 3栋, 三幢, A座, 2单元; else the plain text itself."""
    text = re.sub(r"(栋|幢|座|号楼|#楼|#|号|单元|门)$", "", plain(building).strip()).strip()
    return _lettered(text) or text


def _number(text: str) -> str | None:
    number = value(text)
    return None if number is None else str(number)


def _lettered(text: str) -> str | None:
    m = _SPLIT.match(text)
    if m is None:
        return text
    number = _number(m[2])
    return None if number is None else m[1] + number + m[3]
