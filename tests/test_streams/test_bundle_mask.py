"""Masked bundles: what decoding made of a ticket, in its place, and nothing else of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import pulse
from streams.bundle import Line
from streams.bundle_mask import BundleMask, TicketRule
from streams.decode.tickets import Ticket, decode_tickets
from streams.pulse import Pulse
from streams.records import TP, Batch, Dead, Headers

FEW = settings(max_examples=60, deadline=None, derandomize=True)
STRANGE: Headers = (("x-caller", b"13812345678"),)
KEY, PHONE, AT = b"k", "13812345678", TP("p.hotline.tickets", 0)
TIMES = [1_718_000_000_000, "2024-06-10T06:13:20Z", PHONE, int(PHONE), None]
SAID = [PHONE, int(PHONE), "我叫", "张三", "1381234", "5678"]
FIELDS = {
    "id": "T1", "t": 1_718_000_000_000, "title": "张三先生", "text": f"打{PHONE}", "address": "", "district": "440402",
    "lon": 113.5, "lat": 22, "caller": "abc", "phone": PHONE,
}  # fmt: skip


def masking(secret: bytes = b"s") -> BundleMask:
    return BundleMask({"hotline.tickets": TicketRule(secret)}, KEY, "p.")


def line(value: bytes | None, headers: Headers = STRANGE, key: bytes | None = b"13812345678") -> Line:
    return Line.of(AT, 7, 1_718_000_000_500, key, value, headers)


def decoded(value: bytes | None) -> Ticket | Dead:
    tickets, dead = decode_tickets(Batch.of(AT, 0, 1, [(0, 0, None, value, ())]), np.zeros(1, np.int32))
    return tickets[0] if tickets else dead[0]


def test_a_masked_ticket_decodes_to_the_very_same_but_for_its_caller() -> None:
    value = json.dumps(FIELDS).encode()
    made = masking().line(line(value))
    before, after = decoded(value), decoded(made.value_bytes())
    assert isinstance(before, Ticket)
    assert isinstance(after, Ticket)
    assert before.caller != after.caller
    after.caller = before.caller
    assert before == after
    assert (made.tp, made.offset, made.timestamp) == (AT, 7, 1_718_000_000_500)
    assert PHONE not in repr(made)
    assert "eC1jYWxsZXI" not in repr(made), "headers and a strange key stay behind"


@FEW
@given(
    st.fixed_dictionaries(
        {"id": st.just("T1"), "t": st.sampled_from(TIMES)},
        optional={
            name: st.one_of(st.text(max_size=8), st.sampled_from(SAID))
            for name in ("title", "text", "address", "district", "caller", "lon", "lat")
        },
    ).map(lambda d: json.dumps(d).encode()) | st.binary(max_size=30) | st.just(b" " * 300_000) | st.none()
)  # fmt: skip
def test_whatever_came_is_refused_for_the_same_reason_or_decodes_alike_and_masking_it_again_changes_nothing(
    value: bytes | None,
) -> None:
    mask = masking()
    made = mask.line(line(value))
    before, after = decoded(value), decoded(made.value_bytes())
    if isinstance(before, Ticket):
        assert isinstance(after, Ticket)
        texts = [(t.title, t.text, t.address, t.t, t.lon, t.lat, t.id, bool(t.caller)) for t in (before, after)]
        assert texts[0] == texts[1]
    else:
        assert isinstance(after, Dead)
        assert before.reason == after.reason
        assert PHONE not in before.detail
        assert mask.left_out == {"hotline.tickets": 1}
    again = masking(b"other").line(made)
    assert (again.value or "").partition('"caller"')[0] == (made.value or "").partition('"caller"')[0]
    assert PHONE not in (made.value or "") or '"district"' in (made.value or "")


def test_a_caller_is_the_same_within_a_bundle_and_another_in_the_next() -> None:
    one, other = TicketRule(b"one"), TicketRule(b"other")
    assert one.caller("abc") == one.caller("abc") != one.caller("abd")
    assert one.caller("abc") != other.caller("abc")
    assert one.caller("") == ""


def test_a_pulse_stays_and_a_forged_one_stays_forged_without_its_content() -> None:
    mask, value = masking(), pulse.encode(Pulse(1, 2, 3, "set", 4), KEY)
    assert mask.line(line(value, pulse.HEADERS, None)).value_bytes() == value
    forged = mask.line(line(f'{{"text":"{PHONE}"}}'.encode(), pulse.HEADERS))
    assert pulse.decode(forged.value_bytes(), KEY) is None
    assert forged.header_pairs() == pulse.HEADERS
    assert PHONE not in repr(forged)


def test_readings_stay_and_a_topic_that_no_rule_covers_is_refused() -> None:
    reading = Line.of(TP("p.iot.telemetry", 1), 3, 4, b"wl-1", b'{"asset":"wl-1"}', (("h", b"1"),))
    assert masking().line(reading) == reading
    with pytest.raises(ValueError, match=r"p\.petitions: no rule"):
        masking().check(["p.iot.telemetry", "p.petitions"])
    with pytest.raises(ValueError, match="no rule"):
        masking().line(Line.of(TP("p.petitions", 0), 0, 0, None, b"{}", ()))
