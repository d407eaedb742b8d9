"""Personal data in free text, masked by its kind before anything else sees the text.

A token in place of the data says what stood there, so that a reader still knows that a number was given. Nothing here
is an authority on who a person is: what looks like a number of a kind is masked as that kind.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Sequence
from datetime import date

PHONE, IDENTITY, CARD, LONG, ACCOUNT, PLATE, MAIL, NAME = (
    "[电话]", "[证件号]", "[银行卡号]", "[长号码]", "[账号]", "[车牌]", "[邮箱]", "[姓名]"
)  # fmt: skip
_TOKEN = re.compile("|".join(map(re.escape, (PHONE, IDENTITY, CARD, LONG, ACCOUNT, PLATE, MAIL, NAME))))
LONGEST_PLAIN = 10
"""A number of more digits in one piece is masked even where its kind is unknown; amounts and dates are shorter."""
LONGEST_KIND = 19
"""Digits of the longest number that has a kind: so many groups are tried together, whatever is in a run."""

_SEPARATOR = r"[ \t\u00a0\u3000.\-\u00b7\u2010-\u2015\uff0d\u200b-\u200d\u2060\ufeff]{1,2}"
_RUN = re.compile(rf"\+?\d[\dXx\uff38\uff58]*(?:{_SEPARATOR}\d[\dXx\uff38\uff58]*)*")
_GROUP = re.compile(r"\d+[Xx\uff38\uff58]?")
# What a cue announces ends with the token that masks it: the ] of a token is no part of a cue.
_PHONE_CUE = re.compile(
    r"(?:电话|座机|手机|致电|热线|传真|固话|tel|phone)[^\d\]\u4e00-\u9fff]{0,3}(?:[号码是为][^\d\]]{0,2}){0,3}$",
    re.IGNORECASE,
)
_ACCOUNT_CUE = re.compile(
    r"(?:qq|扣扣|微信|vx|wechat|账号|帐号|卡号|学号|工号|警号|证号)[^\d\]\u4e00-\u9fff]{0,3}(?:[群号码是为][^\d\]]{0,2}){0,3}$",
    re.IGNORECASE,
)
_LANDLINE = re.compile(r"0(?:10|2\d|[3-9]\d\d)\D{0,2}[2-9]\d{2,3}\D{0,2}\d{4}(?:\D{1,2}\d{1,4})?")
_IN_THREE = re.compile(r"\d{6}\D{1,2}\d{8}\D{1,2}\d{3}[\dXx\uff38\uff58]")
_MAILBOX = string.ascii_letters + string.digits + "_.+-"
"""Characters before the @ of a mail address."""
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+", re.ASCII)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·\u2022\-\s]?"
    r"(?=[A-Za-z]{0,2}\d)[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9学警港澳挂](?![A-Za-z0-9])"
)
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章苏潘葛奚范彭郎鲁韦马苗凤花方俞任袁柳鲍史唐"
    "费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于傅皮卞齐康伍余元卜顾孟黄穆萧尹姚邵湛汪祁毛禹狄米贝明臧戴宋茅庞熊纪舒屈项祝董梁杜阮"
    "蓝席季贾路娄江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍虞万柯管卢莫房裘丁邓洪包左石崔吉龚程邢裴陆荣翁荀甄曲封储靳段焦巴"
    "牧谷车侯全班秋仲宫宁仇甘武符刘景詹龙叶幸司黎薄印白蒲从鄂索赖卓屠池乔闻党翟谭贡姬申扶冉宰桑桂牛寿边燕尚温庄晏柴瞿阎"
    "慕连习艾向古易廖耿满匡国文寇广欧沃利师巩聂关荆游竺盖肖曾岳帅代涂占付覃辛解闫阳隋单"
)
_PERSON = rf"(?:欧阳|上官|司马|诸葛|皇甫|尉迟|东方|慕容|令狐|[{_SURNAMES}])"
_TOLD = re.compile(
    r"((?:我叫|名叫|名字叫|姓名|联系人|投诉人|举报人|反映人|申请人|当事人|患者|户主|业主代表|法人代表|法定代表人|实名)"
    rf"(?:[:：是为叫]\s*|\s*))({_PERSON}[\u4e00-\u9fff]{{1,2}})"
)
_CALLED = re.compile(r"((?:我叫|姓名[:：是为]\s*|联系人[:：是为]?\s*))[\u4e00-\u9fff]{2,3}")
_TITLED = re.compile(rf"{_PERSON}[\u4e00-\u9fff]{{0,2}}(?=先生|女士|小姐|老师|师傅|阿姨|大爷|医生|警官|经理)")


def mask(text: str) -> str:
    """Phone, identity, card and other long numbers, plates, mail addresses and stated names by a token of their kind.

    Numbers may be full-width and cut by spaces or dashes; a person is a name after a word that states one (我叫,
    联系人) or before a title (先生, 女士). Masking twice changes nothing. Does not find numbers written in words
    (一三八), names that nothing announces, and addresses; masks an order number of eleven digits as well.
    """
    # What a token took away can lay bare what it stood beside: a plate, say, with an identity number right behind it.
    while (masked := _once(text)) != text:
        text = masked
    return text


def mask_parts(parts: Sequence[str]) -> list[str]:
    """Texts that are read one after the other, each masked, and so is what begins in one and ends in the next.

    A token for what lies in two parts stands in the first of them. Masking the result again changes nothing.
    """
    out = list(parts)
    while True:
        clean = [mask(part) for part in out]
        filled = [i for i, part in enumerate(out) if part]
        for a, b in itertools.pairwise(filled):
            both = mask(f"{out[a]} {out[b]}")
            if both != f"{clean[a]} {clean[b]}":
                out[a], out[b] = _parted(both, clean[b])
                break
        else:
            return clean


def _parted(both: str, second: str) -> tuple[str, str]:
    """Two masked parts of a masked text: the second is what that and ``second`` end with alike, no token cut."""
    pairs = enumerate(zip(reversed(both), reversed(second), strict=False))
    cut = len(both) - next((n for n, (x, y) in pairs if x != y), min(len(both), len(second)))
    cut = next((m.end() for m in _TOKEN.finditer(both) if m.start() < cut < m.end()), cut)
    return both[:cut].rstrip(" "), both[cut:]


def _once(text: str) -> str:
    text = _mails(text)
    text = _PLATE.sub(PLATE, text)
    text = _RUN.sub(_numbers, text)
    text = _TOLD.sub(rf"\1{NAME}", text)
    text = _CALLED.sub(rf"\1{NAME}", text)
    return _TITLED.sub(NAME, text)


def _mails(text: str) -> str:
    """Mail addresses, found from their @: a pattern that begins with the mailbox tries each letter of a word anew."""
    out, copied, since, at = list[str](), 0, 0, text.find("@")
    while at >= 0:
        head, domain = text[since:at], _DOMAIN.match(text, at + 1)
        begin = since + len(head.rstrip(_MAILBOX))
        if domain is None or begin == at:
            since = at + 1
        else:
            out += [text[copied:begin], MAIL]
            copied = since = domain.end()
        at = text.find("@", since)
    return "".join([*out, text[copied:]])


def _numbers(run: re.Match[str]) -> str:
    """The run with every stretch of its groups that is a number of a kind replaced."""
    whole, before = run.group(), run.string[max(0, run.start() - 12) : run.start()]
    if sum(map(str.isdigit, whole)) < 5:
        return whole
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(whole)]
    digits = [_digits(whole[start:end]) for start, end in groups]
    out, copied, i = [], 0, 0
    while i < len(groups):
        for j in range(min(len(groups), i + LONGEST_KIND), i, -1):
            number = "".join(digits[i:j])
            if not _may_be(number, j - i):
                continue
            kind = _kind(whole[groups[i][0] : groups[j - 1][1]], number, j - i, before if i == 0 else "")
            if kind:
                begin = groups[i][0] - (whole[groups[i][0] - 1 : groups[i][0]] == "+")
                out += [whole[copied:begin], kind]
                copied, i = groups[j - 1][1], j
                break
        else:
            i += 1
    return "".join([*out, whole[copied:]])


def _digits(group: str) -> str:
    """Digits of any script as those of ASCII, and X for what may end an identity number."""
    return "".join(str(int(c)) if c.isdecimal() else "X" for c in group)


def _may_be(number: str, groups: int) -> bool:
    """Whether what is cut into several groups can be a number of a kind, by its length and how it begins; a long run of
    short groups has twenty stretches at each of them, of which next to none can."""
    n = len(number) - number.endswith("X")
    if groups < 3 or len(number) == 18 or n == 15 or (groups < 6 and 16 <= n <= 19):
        return True
    return (n == 11 and number[0] == "1") or (n == 13 and number[0] == "8") or (10 <= n <= 16 and number[0] == "0")


def _kind(stretch: str, digits: str, groups: int, before: str) -> str:
    """Token for a stretch of digit groups, "" where it is an ordinary number."""
    plain = digits.rstrip("X")
    n = len(digits)
    if n == 18 and "X" not in digits[:17] and (_born(digits[6:14]) or _IN_THREE.fullmatch(stretch)):
        return IDENTITY
    if "X" in plain or len(plain) < n - 1:
        return LONG if groups == 1 and n > LONGEST_PLAIN else ""
    n = len(plain)
    if n == 15 and _born("19" + plain[6:12]) and plain[0] in "12345678":
        return IDENTITY
    phone = plain[2:] if n == 13 and plain.startswith("86") else plain[4:] if plain.startswith("0086") else plain
    if re.fullmatch(r"1[3-9]\d{9}", phone) or _LANDLINE.fullmatch(stretch):
        return PHONE
    if 16 <= n <= 19 and (groups == 1 or re.fullmatch(r"(?:\d{4}\D+){3}\d{4}(?:\D+\d{1,3})?", stretch)):
        return CARD if _luhn(plain) else LONG
    if groups == 1 and n > LONGEST_PLAIN:
        return LONG
    if groups <= 2 and 7 <= n <= 8 and _PHONE_CUE.search(before):
        return PHONE
    return ACCOUNT if groups == 1 and n >= 5 and _ACCOUNT_CUE.search(before) else ""


def _born(text: str) -> bool:
    """Whether eight digits are a day on which somebody living may be born."""
    try:
        return date(1890, 1, 1) <= date(int(text[:4]), int(text[4:6]), int(text[6:])) <= date(2099, 12, 31)
    except ValueError:
        return False


def _luhn(digits: str) -> bool:
    total = sum(
        int(d) if i % 2 == 0 else (2 * int(d) - 1) % 9 + 1 if d != "0" else 0 for i, d in enumerate(digits[::-1])
    )
    return total % 10 == 0
