"""Masking: what is personal never leaves decoding in clear, and what is not stays readable."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import streams.decode.mask as mask_module
from streams.decode.mask import _mails, mask
from streams.decode.tickets import decode_tickets
from streams.records import TP, Batch

FEW = settings(max_examples=60, deadline=None)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
TOKEN = re.compile(r"\[(?:电话|证件号|银行卡号|长号码|账号|车牌|邮箱|姓名)\]")


def checked(first: str) -> str:
    """Seventeen digits with their check character (GB 11643)."""
    return first + "10X98765432"[sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) % 11]


identities = st.builds(
    lambda place, day, order: checked(f"{place}{day:%Y%m%d}{order:03d}"),
    st.integers(110000, 659999), st.dates(date(1900, 1, 1), date(2026, 12, 31)),
    st.integers(0, 999),
)  # fmt: skip
mobiles = st.builds(lambda head, tail: f"1{head}{tail:09d}", st.integers(3, 9), st.integers(0, 999_999_999))
words = st.text("我的小区三栋楼有人在路口投诉请尽快处理。，：！ abc", max_size=12)


def longest_shared(digits: str, masked: str) -> int:
    """Most digits of a number, in a row, that can be read in a text."""
    plain = "".join(str(int(c)) if c.isdecimal() else "X" if c in "XxＸｘ" else " " for c in masked)
    return max((k - i for i in range(len(digits)) for k in range(i + 1, len(digits) + 1) if digits[i:k] in plain),
               default=0)  # fmt: skip


@FEW
@given(words, identities, words, st.sampled_from(["", "wide", "three", "pairs", "lower"]))
def test_no_run_of_an_identity_numbers_digits_survives(before: str, number: str, after: str, form: str) -> None:
    shown = {
        "": number, "wide": number.translate(WIDE), "three": f"{number[:6]} {number[6:14]}-{number[14:]}",
        "pairs": " ".join(number[i : i + 2] for i in range(0, 18, 2)), "lower": number.lower(),
    }[form]  # fmt: skip
    masked = mask(f"{before}{shown}{after}")
    assert "[证件号]" in masked
    assert longest_shared(number, masked) == 0


@FEW
@given(words, mobiles, words, st.sampled_from(["{}", "+86{}", "86-{}", "{0:.3} {0:.7}"]))
def test_a_mobile_number_is_masked_with_and_without_country_code(before: str, n: str, after: str, form: str) -> None:
    shown = f"{n[:3]} {n[3:7]} {n[7:]}" if "." in form else form.format(n)
    masked = mask(f"{before}{shown}{after}")
    assert "[电话]" in masked
    assert longest_shared(n, masked) == 0


odd = st.sampled_from(["我叫", "王五先生", "粤C12345", "a@b.cn", "电话", "[电话]", "8889999", "QQ"])
parts = st.one_of(words, identities, mobiles, st.text(max_size=8), st.from_regex(r"[0-9 .X+-]{0,24}"), odd)


@FEW
@example(["13000000000", ":0000000"])
@example(["粤A0000", "A", "110000200001010000"])
@given(st.lists(parts, max_size=8))
def test_masking_twice_is_masking_once(found: list[str]) -> None:
    once = mask("".join(found))
    assert mask(once) == once


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("座机0756-3331234转801", "座机[电话]转801"),
        ("办公电话：3331234", "办公电话：[电话]"),
        ("请打010 62345678", "请打[电话]"),
        ("138\u200b1234\ufeff5678", "[电话]"),
        ("老证110101900101123", "老证[证件号]"),
        ("卡号6222021234567890128", "卡号[银行卡号]"),
        ("卡号6222021234567890129", "卡号[长号码]"),
        ("卡4111 1111 1111 1111", "卡[银行卡号]"),
        ("订单20240101123456", "订单[长号码]"),
        ("QQ群号123456789", "QQ群号[账号]"),
        ("粤C·12345和粤AD12345占道", "[车牌]和[车牌]占道"),
        ("信箱zhang.san@example.com.cn", "信箱[邮箱]"),
        ("我叫张三，住三楼", "我叫[姓名]，住三楼"),
        ("联系人：欧阳某某", "联系人：[姓名]"),
        ("找王五先生", "找[姓名]先生"),
    ],
)
def test_each_kind_has_its_token(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    ["2019年12月31日", "2019-04-28 17:32:51", "2019.04.28-2019.05.01", "共计18500000元", "拨打12345", "3栋2单元1101室",
     "地铁4号线B2出口", "1.5 2.5 3.5 4.5", "G4 K1201+300", ""],
)  # fmt: skip
def test_dates_amounts_and_public_numbers_stay(text: str) -> None:
    assert mask(text) == text


def test_a_long_text_of_digits_and_dashes_is_masked_in_time_that_grows_with_it() -> None:
    masked = mask("1-" * 3000)
    assert mask(masked) == masked


@given(st.text("a7_.+-@b汉 ]é", max_size=40))
@example("a@b.cc+a@b.cc")
@example("a@b@c.d-@e.f.")
def test_a_mail_address_is_the_longest_there_is_around_its_at(text: str) -> None:
    pattern = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
    assert _mails(text) == pattern.sub("[邮箱]", text)


@pytest.mark.parametrize("word", ["a", "7", "a.", "a@", "@x.y"])
def test_a_word_of_a_million_letters_does_not_hold_a_lane_for_hours(word: str) -> None:
    text = word * (2**20 // len(word))
    assert _mails(text) == text or "@" in word


def test_a_ticket_is_masked_in_every_text_before_anyone_sees_it() -> None:
    number, phone = checked("44040219900101123"), "13812345678"
    value = msgspec.json.encode(
        {"id": "T1", "t": 1_718_000_000_000, "title": f"找{phone}", "text": f"我的证件{number}", "address": phone,
         "caller": phone}
    )  # fmt: skip
    batch = Batch.of(TP("hotline.tickets", 0), 0, 1, [(0, 0, b"T1", value, ())])
    tickets, dead = decode_tickets(batch, np.array([0], np.int32))
    assert dead == []
    shown = repr(tickets[0])
    assert number not in shown
    assert phone not in shown
    assert len(tickets[0].caller) == 32
    assert TOKEN.search(tickets[0].title)


GROUPS = st.lists(
    st.sampled_from(("1", "13", "138", "0", "010", "86", "+86", "0086", "6222", "12", "19900101", "X", "440104", "7"))
    | st.from_regex(r"[0-9\uff10-\uff19]{1,8}[Xx]?", fullmatch=True), min_size=1, max_size=24,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@example(["0086", "8888", "5555", "1234"], ["-"] * 24)
@given(GROUPS, st.lists(st.sampled_from(("-", " ", "- ", "\u3000", ".")), min_size=24, max_size=24))
def test_a_stretch_that_is_not_looked_at_closer_has_no_kind(groups: list[str], gaps: list[str]) -> None:
    text = "".join(part for pair in zip(groups, gaps, strict=False) for part in pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mask_module, "_may_be", lambda number, groups: True)
        every = mask(text)
    assert mask(text) == every
