"""The lane of official warnings: those for this city become notices, each once; the others end with their reason."""

from __future__ import annotations

import msgspec
from cap_forms import alert, area_of, geocode, info_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import HIGH, Rig, city

from brain.contracts.warning import OfficialWarning, WarningReason
from brain.warnings_lane import LATE_MS, NOT_OURS, REASONS, WarningsLane
from streams.logic import Output
from streams.records import Reason

SENT = "2024-06-10T06:13:15+00:00"
INSIDE = "<polygon>22.2,113.2 22.2,114.8 22.8,114.8 22.8,113.2 22.2,113.2</polygon>"
SWAPPED = "<polygon>113.2,22.2 114.8,22.2 114.8,22.8 113.2,22.8 113.2,22.2</polygon>"


def cap(id_: str = "w-1", inside: str = INSIDE, *, times: str = "", sent: str = SENT, **more: str) -> bytes:
    return alert(id_=id_, sent=sent, info=info_of(area_of(inside), times=times), **more).encode()


def of(*messages: bytes) -> Output:
    rig = Rig(WarningsLane, city(HIGH))
    rig.beat(1)
    for message in messages:
        rig.say(message)
    return rig.run()


def test_a_warning_for_this_city_becomes_a_notice() -> None:
    out = of(cap())
    (notice,) = out.notices
    warning = msgspec.json.decode(notice.body, type=OfficialWarning)
    assert (notice.kind, notice.id, notice.key, notice.t) == ("warning", "w-1", "w-1", warning.sent)
    assert (warning.event, warning.colour, warning.areas[0].by) == ("雷电", "blue", "polygon")
    assert not out.dead


def test_swapped_positions_bombs_and_broken_forms_are_refused_with_their_reason_and_audited() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><alert>&b;</alert>'
    out = of(cap(inside=SWAPPED), bomb, b"<a/>", b"{}", b"", cap("w-2").replace(b"<event>", b"<even>"))
    assert [d.reason for d in out.dead][:5] == [
        Reason.SWAPPED_POSITION, Reason.FORBIDDEN_XML, Reason.NOT_CAP, Reason.NOT_XML, Reason.EMPTY,
    ]  # fmt: skip
    assert not out.notices
    assert [note["offset"] for _, note in out.audits] == [1, 2, 3, 4, 5, 6]


def test_what_is_sound_and_not_for_us_is_counted_and_no_dead_letter() -> None:
    out = of(cap(inside=geocode("990101000000")), cap("w-2", status="Test"))
    assert (out.counts, out.dead, out.notices) == ({"warning_elsewhere": 1, "warning_no_warning": 1}, [], [])


def test_the_same_message_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    out = of(cap(), cap(), cap().replace("雷电".encode(), "暴雨".encode()))
    assert len(out.notices) == 1
    assert out.counts["repeated"] == 1
    assert [d.reason for d in out.dead] == [Reason.CONFLICT]


def test_what_is_over_or_ahead_of_the_clock_is_refused() -> None:
    over = cap("w-1", times=f"<onset>{SENT}</onset><expires>2024-06-10T06:13:16+00:00</expires>")
    old = cap("w-2", sent="2024-06-01T06:13:15+00:00")
    assert LATE_MS < 9 * 86_400_000
    ahead = cap("w-3", sent="2024-06-10T07:13:15+00:00")
    standing = cap("w-4", sent="2024-06-01T06:13:15+00:00", times="<expires>2024-06-11T06:13:16+00:00</expires>")
    out = of(over, old, ahead, standing)
    assert [d.reason for d in out.dead] == [Reason.LATE, Reason.LATE, Reason.FUTURE]
    assert [n.id for n in out.notices] == ["w-4"]


def test_every_reason_of_a_refusal_has_its_end() -> None:
    assert set(REASONS) | set(NOT_OURS) == set(WarningReason)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(lambda t: cap(inside=f"<polygon>{t}</polygon>"))))
def test_any_bytes_leave_their_neighbours_alone(body: bytes) -> None:
    out = of(body, cap("the-last"))
    assert out.notices[-1].id == "the-last"
    assert len(out.audits) == len(out.dead)
