"""CAP warnings in: placed, coloured and numbered, or refused with one reason; no bytes raise."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest
import shapely
from cap_forms import alert, area_of, geocode, info_of
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.contracts.cap import read_cap
from brain.contracts.foreign_xml import DEPTH, LIMIT
from brain.contracts.places import MapLookup, Place
from brain.contracts.warning import OfficialWarning, Refusal, WarningReason, colour_of, number_of
from geo.grid_map import GridMap

BOX = (113.4, 22.1, 113.7, 22.4)
ISSUED = 1_791_293_367_000
"""2026-10-06 21:29:27 in Beijing."""


@dataclasses.dataclass(frozen=True)
class Districts:
    """A city of two districts."""

    box: tuple[float, float, float, float] = BOX

    def places(self, code: str) -> Sequence[Place]:
        known = {"990101": Place("district", "990101", 113.5, 22.2), "990102": Place("district", "990102", 113.6, 22.3)}
        return [place for name, place in known.items() if code.startswith(name)]

    def covered(self, shape: shapely.Geometry) -> Sequence[Place]:
        return self.places("990101") if shape.area else []


CITY = Districts()


def read(text: str) -> OfficialWarning:
    found = read_cap(text.encode(), CITY)
    assert isinstance(found, OfficialWarning), found
    return found


def refused(text: str | bytes) -> WarningReason:
    found = read_cap(text if isinstance(text, bytes) else text.encode(), CITY)
    assert isinstance(found, Refusal), found
    assert found.detail
    return found.reason


def test_a_warning_with_only_an_administrative_code_is_placed_by_the_map() -> None:
    warning = read(alert())
    assert (warning.sent, warning.onset, warning.expires) == (ISSUED, ISSUED, None)
    (area,) = warning.areas
    assert (area.by, area.codes, area.lon, area.lat) == ("geocode", {"district": ["990101"]}, 113.5, 22.2)
    assert warning.outside == []


def test_ids_of_31_and_of_29_characters_are_taken_apart() -> None:
    long, short = number_of("33000033200000_20260807181838_2"), number_of("65402641600000_20261006212927")
    assert long is not None
    assert short is not None
    assert (long.area, long.agency, long.unit, long.extension, long.sequence) == ("330000", "332", "000", "00", 2)
    assert (short.area, short.agency, short.issued, short.sequence) == ("654026", "416", ISSUED, 0)
    for other in ("65402641600000_20261306212927", "urn:oid:2.49.0.1.156", "", "65402641600000_20261006212927_"):
        assert number_of(other) is None


@pytest.mark.parametrize(
    ("severity", "code", "event", "colour"),
    [
        ("Minor", "11B14", "雷电", "blue"), ("Severe", "11B14", "雷电", "orange"), ("ORANGE", "1", "雷电", "orange"),
        ("Extreme", "11B14_YELLOW", "雷电", "yellow"), ("Minor", "11B14", "雷电黄色预警", "yellow"),
        ("Minor", "11B14", "红色转橙色预警", "blue"), ("Unknown", "11B14", "雷电", ""),
        ("Minor", "HIRED", "雷电", "blue"),
    ],
)  # fmt: skip
def test_the_colour_comes_from_a_coded_word_then_the_title_then_the_severity(
    severity: str, code: str, event: str, colour: str
) -> None:
    assert read(alert(info=info_of(severity=severity, code=code, event=event))).colour == colour
    assert colour_of(severity, [code], [event]) == colour


def test_a_drawn_area_is_kept_with_longitude_first_and_one_elsewhere_is_named() -> None:
    ring = "22.2,113.5 22.2,113.6 22.3,113.6 22.2,113.5"
    far = "<area><areaDesc>远处</areaDesc><circle>39.9,116.4 10</circle></area>"
    warning = read(alert(info=info_of(area_of(f"<polygon>{ring}</polygon><circle>22.0,113.5 20.5</circle>") + far)))
    (area,) = warning.areas
    assert area.by == "polygon"
    assert area.polygons == [[(113.5, 22.2), (113.6, 22.2), (113.6, 22.3), (113.5, 22.2)]]
    assert area.circles == [(113.5, 22.0, 20_500.0)]
    assert (round(area.lon, 6), round(area.lat, 6)) == (113.55, 22.25)
    assert warning.outside == ["远处"]


@pytest.mark.parametrize(
    "shape", ["<polygon>113.5,22.2 113.6,22.2 113.6,22.3 113.5,22.2</polygon>", "<circle>113.5,22.2 1</circle>"]
)
def test_longitude_first_is_refused_and_never_turned_round_in_silence(shape: str) -> None:
    assert refused(alert(info=info_of(area_of(shape)))) == WarningReason.SWAPPED_POSITION


def test_a_message_without_area_counts_for_the_area_of_its_issuer() -> None:
    assert read(alert(info=info_of(""))).areas[0].by == "issuer"
    assert refused(alert(id_="abc", info=info_of(""))) == WarningReason.NO_AREA
    assert refused(alert(id_="13010141600000_20261006212927", info=info_of(""))) == WarningReason.ELSEWHERE


def test_a_cancellation_names_what_it_lifts_and_needs_neither_area_nor_text() -> None:
    more = "<references>weather@city.example,99010141600000_20261006212927_1,2026-10-06T21:29:27+08:00 a</references>"
    warning = read(alert(id_="x", message="Cancel", info="", more=more))
    assert (warning.kind, warning.references) == ("cancel", ["99010141600000_20261006212927_1", "a"])
    assert read(alert(status="Exercise")).drill


def test_chinese_is_taken_of_several_languages_and_its_encodings_are_read() -> None:
    both = info_of(event="Lightning", language="en-US") + info_of(event="雷电")
    assert read(alert(info=both)).event == "雷电"
    for encoding, codec in (("GB2312", "gbk"), ("gb18030", "gb18030"), ("UTF-16", "utf-16")):
        found = read_cap(alert(encoding=encoding).encode(codec), CITY)
        assert isinstance(found, OfficialWarning)
        assert found.event == "雷电"
    assert read_cap(b"\xef\xbb\xbf" + alert().encode(), CITY) == read(alert())


BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
SECRET = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"), (b" \n", "empty"), (b" " * LIMIT + b"<a/>", "too_large"),
        (b"<a>" * (DEPTH + 1), "too_large"), (b"<r>" + b"<a/>" * 10_000 + b"</r>", "too_large"),
        (alert(encoding="UTF-7"), "bad_encoding"), (alert().encode("gbk"), "bad_encoding"),
        (alert(encoding="EBCDIC-CP-US"), "bad_encoding"), (alert()[:-4], "not_xml"), (alert() + "x", "not_xml"),
        (b"{}", "not_xml"), (b"<a>\x00</a>", "not_xml"),
        (alert().replace("?><alert", f"?>{BOMB}<alert").replace("雷电", "&b;"), "forbidden_xml"),
        (alert().replace("?><alert", f"?>{SECRET}<alert").replace("雷电", "&a;"), "forbidden_xml"),
        (alert().replace("?><alert", "?><!DOCTYPE alert><alert"), "forbidden_xml"),
        (alert().replace("雷电", "&b;"), "not_xml"),
        (alert(space="urn:oasis:names:tc:emergency:cap:1.0"), "not_cap"), ("<rss/>", "not_cap"),
        (alert(info=""), "bad_form"), (alert(info=info_of(severity="Bad")), "bad_form"), (alert(id_=" "), "bad_form"),
        (alert(more="<msgType>Update</msgType>"), "bad_form"), (alert(status="Live"), "bad_form"),
        (alert(status="Test"), "no_warning"), (alert(message="Ack"), "no_warning"),
        (alert(sent="2026-10-06T21:29:27"), "bad_time"), (alert(sent="yesterday"), "bad_time"),
        (alert(sent="1026-10-06T21:29:27Z"), "bad_time"), (alert(sent="0001-01-01T00:00:00+14:00"), "bad_time"),
        (alert(info=info_of(times="<expires>2026-10-06T21:00:00+08:00</expires>")), "bad_time"),
        (alert(info=info_of(area_of("<polygon>22.2,113.5 22.3,113.6 22.2,113.5</polygon>"))), "bad_position"),
        (alert(info=info_of(area_of("<polygon>22.2,113.5 22.3,113.6 22.3,113.5 22.2,113</polygon>"))), "bad_position"),
        (alert(info=info_of(area_of("<circle>22.2,nan 3</circle>"))), "bad_position"),
        (alert(info=info_of(area_of("<circle>22.2,113.5 -3</circle>"))), "bad_position"),
        (alert(info=info_of(area_of("<circle>95,195 3</circle>"))), "bad_position"),
        (alert(info=info_of(area_of("<circle>1e999,113.5 3</circle>"))), "bad_position"),
        (alert(info=info_of(area_of("<circle>39.9,116.4 3</circle>"))), "elsewhere"),
        (alert(info=info_of(area_of(geocode("130132000000")))), "elsewhere"),
        (alert(info=info_of(area_of(geocode("all of it")))), "no_area"),
    ],
)  # fmt: skip
def test_what_is_no_warning_for_this_city_is_refused_with_its_one_reason(payload: str | bytes, reason: str) -> None:
    assert refused(payload) == reason


GOOD = alert(info=info_of(area_of("<polygon>22.2,113.5 22.2,113.6 22.3,113.6 22.2,113.5</polygon>") + area_of(
    geocode("990102")), times="<onset>2026-10-06T21:29:27+08:00</onset><expires>2026-10-07T21:29:27+08:00</expires>"
)).encode()  # fmt: skip
PIECES = [
    b"", b"<", b">", b"&", b"&#0;", b"&#xD800;", b"<![CDATA[", b"]]>", b"<!--", b"<!DOCTYPE a>", b"\x00", b"\xff", b"-",
    b"9" * 400, b"nan", b"<info>", b"</info>", b"<a>" * 40, b'encoding="UTF-16"', b'encoding="utf-7"', b"Z", b"+99:99",
    b"0001-01-01T00:00:00+14:00", "雷".encode("gbk"), b"\xe2\x80\xa8", b"<?xml version='1.1'?>", b" xmlns:x='y' x:a=''",
]  # fmt: skip


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 30), st.sampled_from(PIECES) | st.binary(max_size=8)),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_no_mutation_of_a_good_warning_raises(cuts: list[tuple[int, int, bytes]]) -> None:
    value = bytearray(GOOD)
    for at, length, piece in cuts:
        value[at : at + length] = piece
    found = read_cap(bytes(value), CITY)
    assert isinstance(found, OfficialWarning | Refusal)


WORDS = [
    "", " ", "nan", "1e400", "-0", "113.5,22.2", "22.2,113.5", "22.2,113.5 1", "0,0 99999", "a,b,c d,e,f", "zh", "RED",
    "22.2,113.5 22.2,113.6 22.2,113.5", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-W01", "20261006T212927Z", "24:00", "Alert", "Cancel", "Ack", "Test", "红色",
    "٣", "9" * 5000, "\u2028", "99010141600000_20261006212927_1", "13010141600000_99999999999999", "990101000000",
    "\U0001f525",
]  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("tdcm"), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=6))
def test_no_well_formed_rearrangement_of_a_good_warning_raises(edits: list[tuple[str, int, int]]) -> None:
    root = ElementTree.fromstring(GOOD.decode().partition("?>")[2])
    for what, a, b in edits:
        pairs = [(parent, child) for parent in root.iter() for child in parent]
        if not pairs:
            break
        parent, child = pairs[a % len(pairs)]
        if what == "t":
            child.text = WORDS[b % len(WORDS)]
        elif what == "d":
            parent.remove(child)
        elif what == "c":
            parent.append(copy.deepcopy(child))
        elif what == "m":
            other = pairs[b % len(pairs)][0]
            parent.remove(child)
            if all(element is not other for element in child.iter()):
                other.append(child)
    found = read_cap(ElementTree.tostring(root), CITY)
    assert isinstance(found, OfficialWarning | Refusal)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "gb18030", "utf-32", "utf-7"]))
def test_no_bytes_and_no_encoding_raise(junk: bytes, codec: str) -> None:
    assert isinstance(read_cap(junk, CITY), Refusal)
    assert isinstance(read_cap(GOOD.decode().encode(codec) + junk, CITY), OfficialWarning | Refusal)


def _map() -> MapLookup:
    def square(code: str, town: str, district: str, west: float) -> dict[str, object]:
        ring = [[west, 22.2], [west + 0.1, 22.2], [west + 0.1, 22.3], [west, 22.3], [west, 22.2]]
        return {
            "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"layer": "grid", "code": code, "town": town, "district": district},
        }  # fmt: skip

    grids = [
        square("990101001001", "990101001", "990101", 113.4), square("990101002001", "990101002", "990101", 113.5),
        square("990102001001", "990102001", "990102", 113.6),
    ]  # fmt: skip
    return MapLookup(GridMap.of({"type": "FeatureCollection", "features": grids}))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("990101000000", ["district 990101"]), ("990101", ["district 990101"]),
        ("990100", ["district 990101", "district 990102"]), ("990000000000", ["district 990101", "district 990102"]),
        ("990101002000", ["town 990101002"]), ("990101002001", ["grid 990101002001"]),
        ("990102001007", ["town 990102001"]), ("130132000000", []),
    ],
)  # fmt: skip
def test_the_map_knows_what_a_code_of_any_level_is_or_contains(code: str, found: list[str]) -> None:
    lookup = _map()
    assert lookup.box == pytest.approx((113.4, 22.2, 113.7, 22.3))
    places = lookup.places(code)
    assert [f"{place.layer} {place.code}" for place in places] == found
    for place in places:
        west = {"990101": 113.4, "990102": 113.6}[place.code[:6]]
        assert west < place.lon < west + 0.2
        assert 22.2 < place.lat < 22.3
