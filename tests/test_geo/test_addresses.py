"""Addresses in free text: numerals, door plates, what is found, and above all what is left to a person."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.addresses import AddressBook, AddressMatcher, BookError, Level, Matches, Why
from geo.addresses.channel import log_written
from geo.addresses.numerals import by_position, chinese, plain, value
from geo.addresses.plates import building_at, building_key, phase_at, plate_at, plate_key

COLUMNS = ("code", "district", "town", "community", "road", "number", "estate", "building", "unit", "poi", "aliases")
GATE = ("香山区", "拱桥街道", "前河社区", "迎宾南路", "1001号", "锦绣花园")
ROWS = [
    ("cx12", "香山区", "翠香街道", "康宁社区", "翠香路", "12号"),
    ("cx14", "香山区", "翠香街道", "康宁社区", "翠香路", "14"),
    ("cx123", "香山区", "翠香街道", "康宁社区", "翠香路", "123号"),
    ("cx123-1", "香山区", "翠香街道", "康宁社区", "翠香路", "123号之1"),
    ("rm8-g", "香山区", "拱桥街道", "前河社区", "人民路", "8号"),
    ("rm8-j", "斗湾区", "井岸镇", "新村社区", "人民路", "8号"),
    ("zs8", "香山区", "拱桥街道", "前河社区", "中山路", "8号"),
    ("mz23", "香山区", "拱桥街道", "前河社区", "明珠路", "23号"),
    ("ml23", "香山区", "拱桥街道", "前河社区", "明霞路", "23号"),
    ("jw3", "斗湾区", "井岸镇", "新村社区", "江湾路五巷", "3号"),
    ("jx3-1", *GATE, "3栋", "1单元"),
    ("jx3-2", *GATE, "3栋", "2单元"),
    ("jx4", *GATE, "4栋"),
    ("jx", *GATE),
    ("xcA", "斗湾区", "井岸镇", "新村社区", "", "", "海天新城", "A座"),
    ("mart", "香山区", "拱桥街道", "前河社区", "中山路", "10号", "", "", "", "华联超市", "华联购物中心#老华联"),
    ("bank-g", "香山区", "拱桥街道", "前河社区", "中山路", "20号", "", "", "", "顺达快餐"),
    ("bank-j", "斗湾区", "井岸镇", "新村社区", "江湾路", "9号", "", "", "", "顺达快餐"),
]


def columns(rows: list[tuple[str, ...]]) -> dict[str, Any]:
    filled = [row + ("",) * (len(COLUMNS) - len(row)) for row in rows]
    out: dict[str, Any] = {name: [row[k] for row in filled] for k, name in enumerate(COLUMNS)}
    return {**out, "lon": np.linspace(113.4, 113.6, len(rows)), "lat": np.full(len(rows), 22.2)}


MATCHER = AddressMatcher(AddressBook.of(columns(ROWS), city=("海澜市", "广东省")))


def ask(text: str, **options: bool) -> tuple[Matches, str, Why, Level]:
    found = MATCHER.match([text], **options)
    return found, found.code[0], Why(found.why[0]), Level(found.level[0])


def candidates(found: Matches) -> list[str]:
    return [MATCHER.book.code[row] for row, _ in found.candidates(0)]


@given(st.integers(0, 99_999))
def test_a_number_read_out_digit_by_digit_or_in_digits_is_the_same_number(number: int) -> None:
    assert value(chinese(number)) == value(by_position(number)) == value(str(number)) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("一百二", 120), ("一千五", 1500), ("廿三", 23), ("两百零五", 205), ("一〇三", 103), ("十", 10), ("023", 23)],
)
def test_numbers_are_read_as_people_say_them(text: str, number: int) -> None:
    assert value(plain(text)) == number


@pytest.mark.parametrize("text", ["", "百", "三百零", "十百", "1百", "二十十", "一二三四五六", "九九九九九九", "路"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert value(text) is None


@settings(max_examples=40)
@given(st.text(max_size=60))
@example("１２３ｈ號\x00\u3000\ud800")
def test_plain_text_keeps_every_position(text: str) -> None:
    assert len(plain(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("12号", "12"), ("十二号", "12"), ("１２号", "12"), ("一二号楼上漏水", "12"), ("12-3号", "12-3"),
        ("12号之三", "12-3"), ("12号附3号", "12-3"),
        ("12之3号", "12-3"), ("5弄12号", "5弄12"), ("五巷十二号", "5巷12"), ("5弄", "5弄"), ("12A号", "12A"),
        ("12", "12"), ("12路灯坏了", "12"),
        ("第12号", "12"), ("门牌号 14", "14"), ("的12号", "12"), ("12号3栋", "12"), ("12-3", "12-3"),
    ],
)  # fmt: skip
def test_a_door_plate_has_one_key_in_every_way_of_writing(text: str, key: str) -> None:
    found = plate_at(plain(text), 0)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize("text", ["12年", "3栋", "3号楼", "十二", "12路车", "8号线", "13812345678", "两边", "", "号"])
def test_a_count_a_bus_or_a_building_is_no_door_plate(text: str) -> None:
    assert plate_at(text, 0) is None


@pytest.mark.parametrize(
    ("text", "key", "unit"),
    [
        ("3栋2单元501", "3", "2"), ("三幢二单元", "3", "2"), ("A座1203室", "A", ""), ("A3栋", "A3", ""),
        ("3号楼", "3", ""), ("3#", "3", ""),
        ("3-2-501", "3", "2"), ("3-501门口", "3", ""), ("小区里3栋", "3", ""), ("东座", "东", ""),
        ("十二栋", "12", ""), ("3号楼上", "3", ""),
    ],
)  # fmt: skip
def test_a_building_has_one_key_in_every_way_of_writing(text: str, key: str, unit: str) -> None:
    found = building_at(plain(text), 0)
    assert found is not None
    assert (found.key, found.unit) == (key, unit)


def test_keys_of_the_book_are_those_of_texts() -> None:
    assert [plate_key(n) for n in ("12", "12号", "十二号", "12号之3", "5弄12号", "012")] == [
        "12", "12", "12", "12-3", "5弄12", "12"
    ]  # fmt: skip
    assert [building_key(b) for b in ("3栋", "三幢", "A座", "2单元", "3#楼", "海景")] == [
        "3",
        "3",
        "A",
        "2",
        "3",
        "海景",
    ]
    assert phase_at("二期3栋", 0)
    assert phase_at("(A区)", 0)
    assert not phase_at("3栋", 0)


@pytest.mark.parametrize(
    ("text", "code", "level"),
    [
        ("你好，我想反映一下翠香路十二号楼下噪音很大", "cx12", Level.PLATE),
        ("在翠香路１２号附近", "cx12", Level.PLATE),
        ("翠香路一百二十三号附1号", "cx123-1", Level.PLATE),
        ("斗湾区人民路8号有人打架", "rm8-j", Level.PLATE),
        ("井岸人民路8号", "rm8-j", Level.PLATE),
        ("江湾路5巷3号", "jw3", Level.PLATE),
        ("锦绣花园三栋二单元五〇一", "jx3-2", Level.UNIT),
        ("锦绣花园4-2-301", "jx4", Level.BUILDING),
        ("迎宾南路1001号4幢", "jx4", Level.BUILDING),
        ("迎宾南路1001号", "jx", Level.PLATE),
        ("锦绣花园", "jx", Level.ESTATE),
        ("海天新城A座1203", "xcA", Level.BUILDING),
        ("老华联对面", "mart", Level.POI),
        ("中山路10号华连超市", "mart", Level.POI),
        ("江湾路上的顺达快餐", "bank-j", Level.POI),
        ("北京烤鸭店在中山路8号旁边", "zs8", Level.PLATE),
        ("广东省海澜市香山区中山路8号", "zs8", Level.PLATE),
    ],
)
def test_texts_find_their_place(text: str, code: str, level: Level) -> None:
    _, found, why, reached = ask(text)
    assert (found, why, reached) == (code, Why.MATCHED, level)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("翠相路12号", "cx12"), ("翠香璐十四号", "cx14"), ("香翠路14号", "cx14"), ("迎兵南路1001号4栋", "jx4"),
        ("锦秀花园4栋", "jx4"),
        ("华联朝市门口", "mart"), ("翠春街道翠香路12号", "cx12"), ("海兰市翠香路12号", "cx12"),
        ("小明说翠香路14号很吵", "cx14"),
    ],
)  # fmt: skip
def test_one_fault_in_a_name_is_forgiven(text: str, code: str) -> None:
    found, got, why, _ = ask(text)
    assert (got, why) == (code, Why.MATCHED)
    assert ask(text, forgive=False)[1] == ""
    assert 0.9 <= found.confidence[0] <= 1


@pytest.mark.parametrize(
    ("text", "why", "level"),
    [
        ("人民路8号", Why.AMBIGUOUS, Level.PLATE),
        ("明炸路23号", Why.AMBIGUOUS, Level.PLATE),
        ("从中山路8号到翠香路12号", Why.AMBIGUOUS, Level.PLATE),
        ("锦绣花园三栋", Why.AMBIGUOUS, Level.BUILDING),
        ("顺达快餐", Why.AMBIGUOUS, Level.POI),
        ("香山区井岸镇中山路8号", Why.UNSURE, Level.PLATE),
        ("东翠香路12号", Why.UNSURE, Level.PLATE),
        ("新锦绣花园4栋", Why.UNSURE, Level.BUILDING),
        ("中山路和人民路交叉口", Why.COARSE, Level.ROAD),
        ("香山区翠香街道", Why.COARSE, Level.TOWN),
        ("中山路8年没修", Why.COARSE, Level.ROAD),
        ("翠香路13号", Why.NUMBER_UNKNOWN, Level.ROAD),
        ("锦绣花园99栋", Why.NUMBER_UNKNOWN, Level.ESTATE),
        ("深圳市南山区中山路8号", Why.ELSEWHERE, Level.NONE),
        ("深圳南山区中山路8号", Why.ELSEWHERE, Level.NONE),
        ("我在台中中山路8号", Why.ELSEWHERE, Level.NONE),
        ("天河区翠香路12号", Why.ELSEWHERE, Level.NONE),
        ("中山北路8号", Why.NOTHING, Level.NONE),
        ("你好，请问几点下班", Why.NOTHING, Level.NONE),
        ("", Why.NOTHING, Level.NONE),
    ],
)
def test_what_is_not_sure_is_left_to_a_person_with_its_reason(text: str, why: Why, level: Level) -> None:
    found, code, got, reached = ask(text)
    assert (code, got, reached) == ("", why, level)
    assert found.row[0] == -1
    assert np.isnan(found.lon[0])


def test_candidates_are_shown_best_first() -> None:
    assert candidates(ask("人民路8号")[0]) == ["rm8-g", "rm8-j"]
    assert candidates(ask("翠香路13号")[0])[:2] == ["cx12", "cx14"]
    found = ask("明炸路23号")[0]
    assert set(candidates(found)) == {"mz23", "ml23"}
    weights = [weight for _, weight in found.candidates(0)]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) <= 1 + 1e-9


def test_a_phase_that_the_book_lacks_is_not_the_estate() -> None:
    assert ask("锦绣花园二期3栋")[1] == ""
    assert ask("锦绣花园B区4栋")[1] == ""
    assert ask("锦绣花园冬区4栋")[1] == ""
    assert ask("锦绣花园小区里4栋")[1] == "jx4"


def test_an_answer_says_which_words_were_read_and_how() -> None:
    text = "你好，翠相路１２号对面"
    found = ask(text)[0]
    (span,) = found.spans(0)
    assert (text[span.start : span.end], span.name, span.level, span.exact) == (
        "翠相路１２号",
        "翠香路",
        Level.PLATE,
        False,
    )
    assert found.near[0]
    exact = ask("香山区翠香路12号")[0]
    assert [(s.name, s.level, s.exact) for s in exact.spans(0)] == [
        ("香山区", Level.DISTRICT, True), ("翠香路", Level.ROAD, True), ("12", Level.PLATE, True)
    ]  # fmt: skip
    assert exact.lon[0] == MATCHER.book.lon[0]


def test_names_of_one_family_are_no_faults_of_each_other() -> None:
    assert log_written("中山北路", "中山路") == log_written("中山东路", "中山西路") == -np.inf
    assert log_written("翠相路", "翠香路") > log_written("翠海路", "翠香路") > -np.inf


PIECES = st.sampled_from(
    [
        "翠香路",
        "人民路",
        "锦绣花园",
        "华联超市",
        "香山区",
        "井岸镇",
        "深圳市",
        "12号",
        "3栋",
        "一百二",
        "２单元",
        "-",
        "，",
        "二期",
        "对面",
        "号",
        "\x00",
        "区",
    ]
)


@settings(deadline=None, max_examples=120)
@given(st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map("".join))
@example("\ud800翠香路\udfff12号")
@example("9" * 300 + "号栋座" * 50)
def test_no_text_raises_and_answers_are_whole(text: str) -> None:
    found = MATCHER.match([text])
    assert (
        (found.row[0] >= 0) == (found.why[0] == Why.MATCHED) == (found.code[0] != "") == bool(np.isfinite(found.lon[0]))
    )
    for span in found.spans(0):
        assert 0 <= span.start < span.end <= len(text)
    assert all(0 <= row < len(MATCHER.book) and 0 <= weight <= 1 + 1e-9 for row, weight in found.candidates(0))


def test_a_text_of_a_megabyte_is_read_from_its_beginning_and_says_so() -> None:
    found = MATCHER.match(["翠香路12号，" + "很吵翠香" * 250_000, "翠香路12号"])
    assert found.code == ["cx12", "cx12"]
    assert found.cut.tolist() == [True, False]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(PIECES, max_size=5).map("".join), max_size=8))
def test_a_batch_gives_what_its_texts_give_one_by_one(texts: list[str]) -> None:
    batch = MATCHER.match(texts)
    assert len(batch) == len(texts)
    for k, text in enumerate(texts):
        alone = MATCHER.match([text])
        assert batch.code[k] == alone.code[0]
        assert (batch.why[k], batch.level[k], batch.confidence[k]) == (
            alone.why[0],
            alone.level[0],
            alone.confidence[0],
        )
        assert batch.candidates(k) == alone.candidates(0)
        assert batch.spans(k) == alone.spans(0)


@settings(deadline=None, max_examples=60)
@given(
    st.sets(st.text("甲乙丙", min_size=2, max_size=4), min_size=1, max_size=8), st.text("甲乙丙丁", max_size=16)
)  # fmt: skip
@example({"甲甲丙", "乙乙", "丙乙乙甲"}, "甲丙乙乙")
def test_names_are_those_of_a_walk_that_takes_the_longest_each_time(names: set[str], text: str) -> None:
    rows = [(f"r{k}", "", "", "", "", "", "", "", "", name) for k, name in enumerate(sorted(names))]
    reader = AddressMatcher(AddressBook.of(columns(rows)))._first
    walk, at = [], 0
    while at < len(text):
        longest = max((n for n in names if text.startswith(n, at)), key=len, default="")
        walk += [(at, longest)] if longest else []
        at += len(longest) or 1
    assert [(span[0], span[4]) for span in reader.read(text).spans] == walk


def test_an_area_that_the_book_does_not_give_contradicts_nothing() -> None:
    rows = [("a", "", "翠香街道", "", "翠香路", "12号"), ("b", "香山区", "拱桥街道", "", "中山路", "8号")]
    matcher = AddressMatcher(AddressBook.of(columns(rows)))
    assert matcher.match(["香山区翠香路12号", "香山区翠相路12号"]).code == ["a", "a"]


def test_without_names_of_the_city_no_text_is_elsewhere_by_its_city() -> None:
    anywhere = AddressMatcher(AddressBook.of(columns(ROWS)))
    assert anywhere.match(["深圳市中山路8号"]).code == ["zs8"]


def test_a_province_before_the_citys_own_name_is_not_elsewhere() -> None:
    own = AddressMatcher(AddressBook.of(columns(ROWS), city=("海澜市",)))
    assert own.match(["广东省海澜市中山路8号", "广东省中山路8号"]).code == ["zs8", ""]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"code": ["a"] * len(ROWS)}, "code 'a' is there 18 times"),
        ({"lon": np.full(len(ROWS), np.nan)}, r"row 0 \(cx12\): expected degrees, got nan"),
        ({"lat": ["x"] * len(ROWS)}, "expected numbers in degrees"),
        ({"road": ["a"]}, "columns of one length"),
        ({"road": [3] * len(ROWS)}, "row 0: road: expected text, got 3"),
        ({"number": [""] * len(ROWS)}, r"row 0 \(cx12\): expected road and number, or an estate, or a poi"),
    ],
)
def test_a_book_that_cannot_be_is_refused_with_its_row(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BookError, match=says):
        AddressBook.of({**columns(ROWS), **change})


def test_a_book_without_positions_is_refused() -> None:
    with pytest.raises(BookError, match="expected a column 'lon', got code"):
        AddressBook.of({"code": ["a"]})
