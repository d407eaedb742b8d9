"""The lane of feedback: who may act, what is refused and why, each action once, and nothing personal behind it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import HIGH, T0, Rig, city

from brain import feedback, signed
from brain.feedback import FeedbackLane
from brain.incidents.actions import KINDS, accepted
from brain.incidents.value import incident_id
from brain.signed import sign
from streams.logic import Output
from streams.records import Reason

KEY = b"a key"
INCIDENT = "inc-0000000000000001"
BY = {"id": "op-1", "role": "operator", "unit": "desk"}


def action(do: str = "confirm", id: str = "a1", second: float = 0.0, **more: Any) -> dict[str, Any]:
    about = {} if do in {"create", "handover", "shelve", "unshelve"} else {"incident": INCIDENT}
    return {"do": do, "id": id, "t": T0 + round(second * 1000), "by": BY, **about, **more}


def rig() -> Rig:
    made = Rig(lambda: FeedbackLane(KEY), city(HIGH))
    made.beat(1)
    return made


def say(to: Rig, body: dict[str, Any] | bytes, key: bytes = KEY) -> None:
    value = body if isinstance(body, bytes) else msgspec.json.encode(body)
    to.say(value, sign(value, key))


def of(*bodies: dict[str, Any] | bytes) -> Output:
    r = rig()
    for body in bodies:
        say(r, body)
    return r.run()


def reason(body: dict[str, Any] | bytes) -> str:
    out = of(body)
    assert not out.notices
    assert [what for what, _ in out.audits] == ["feedback.dead"]
    return out.dead[0].reason


def test_a_signed_action_becomes_a_notice_of_its_incident() -> None:
    out = of(action(note="看过了"))
    (notice,) = out.notices
    assert (notice.kind, notice.id, notice.key, notice.t, notice.offset) == ("feedback", "a1", INCIDENT, T0, 1)
    assert accepted(notice).action.note == "看过了"
    assert not out.dead


def test_unsigned_foreign_and_altered_actions_are_forged() -> None:
    r = rig()
    r.say(action(id="unsigned"))
    say(r, action(id="foreign"), b"another key")
    good = msgspec.json.encode(action(id="altered"))
    r.say(good.replace(b"op-1", b"op-2"), sign(good, KEY))
    out = r.run()
    assert [d.reason for d in out.dead] == [Reason.FORGED_ACTOR] * 3
    assert not out.notices
    # Nothing that a forger wrote is repeated to those who read the audit.
    assert [sorted(note) for _, note in out.audits] == [["detail", "offset", "reason"]] * 3


def test_without_a_key_there_is_no_lane() -> None:
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        FeedbackLane(b"")


def test_the_same_action_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    out = of(action(), action(), action(note="other"))
    assert len(out.notices) == 1
    assert out.counts["repeated"] == 1
    assert [d.reason for d in out.dead] == [Reason.CONFLICT]
    assert out.audits[0][1]["by"] == "op-1"


def test_an_action_of_yesterday_and_one_of_the_next_hour_are_refused() -> None:
    out = of(action(second=-90_000), action(id="a2", second=3600))
    assert [d.reason for d in out.dead] == [Reason.LATE, Reason.FUTURE]
    assert not out.notices


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", Reason.EMPTY),
        (b"\xff", Reason.NOT_UTF8),
        (b'{"do":', Reason.TRUNCATED),
        (b"[]", Reason.NOT_AN_OBJECT),
        (action("explode"), Reason.UNKNOWN_ACTION),
        ({"id": "a"}, Reason.MISSING_FIELD),
        (action(extra=1), Reason.UNKNOWN_FIELD),
        (action(incident=7), Reason.WRONG_TYPE),
        (action(incident="no such id"), Reason.OUT_OF_RANGE),
        (action(by={"id": "op-1", "role": "king"}), Reason.OUT_OF_RANGE),
        (action("take"), Reason.MISSING_FIELD),
        (action("take", expect=0), Reason.OUT_OF_RANGE),
        (action("resolve"), Reason.MISSING_FIELD),
        (action("grade", grade="IV"), Reason.OUT_OF_RANGE),
        (action("wait", until=5, note="x"), Reason.ABSURD_TIME),
        (action("extend", note="x"), Reason.OUT_OF_RANGE),
        (action("extend", minutes=5, days=1, note="x"), Reason.OUT_OF_RANGE),
        (action("create", code="no code", text="x"), Reason.OUT_OF_RANGE),
        (action("create", code="emergency.fire", text="x", lon=113.5), Reason.BAD_POSITION),
        (action("create", code="emergency.fire", text="x", lon=22.5, lat=113.5), Reason.BAD_POSITION),
        (action("create", code="emergency.fire", text="x", grid="g9"), Reason.BAD_POSITION),
        (action("shelve", scenario="eco.noise", until=T0 + 1, note="x"), Reason.OUT_OF_RANGE),
        (action("shelve", grid="g1", asset="a", until=T0 + 1, note="x"), Reason.OUT_OF_RANGE),
        (action("split", members=[]), Reason.OUT_OF_RANGE),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason_that_fits(body: dict[str, Any] | bytes, expected: Reason) -> None:
    assert reason(body) == expected


def test_an_incident_by_hand_is_placed_by_position_or_grid_and_has_the_id_that_its_action_gives_it() -> None:
    call = {"code": "emergency.fire", "text": "三楼着火"}
    out = of(
        action("create", "c1", lon=113.5, lat=22.5, **call), action("create", "c2", grid="g1", **call),
        action("create", "c3", address="某路 5 号", **call),
    )  # fmt: skip
    places = [accepted(n).place for n in out.notices]
    assert [p and (p.grid, p.town, p.district) for p in places] == [
        ("g0", "t1", "d1"),
        ("g1", "t1", "d1"),
        ("", "", ""),
    ]
    assert places[0] is not None
    assert (places[0].lon, places[0].lat) == (113.5, 22.5)
    assert out.notices[0].key == incident_id("feedback|c1")


def test_a_position_in_another_system_is_rectified() -> None:
    out = of(action("create", code="emergency.fire", text="x", lon=113.5, lat=22.5, crs="gcj02"))
    place = accepted(out.notices[0]).place
    assert place is not None
    assert place.lon is not None
    assert 0.001 < abs(place.lon - 113.5) < 0.01


def test_personal_data_are_masked_before_anything_else_sees_them() -> None:
    phone = "13912345678"
    out = of(
        action(note=f"打 {phone}", by={**BY, "id": phone}),
        action("create", f"c-{phone}", code="emergency.fire", text=f"联系 {phone}", address=f"门口 {phone}"),
        action("note", "a3", second=3600, note=phone),
        action(f"call {phone}", "a4"),
    )
    seen = msgspec.json.encode(out.notices) + msgspec.json.encode(out.audits) + str(out.dead).encode()
    assert phone.encode() not in seen
    assert accepted(out.notices[0]).action.note == "打 [电话]"
    assert len(out.notices) == 2


def test_masked_records_lead_to_the_same_notices_and_what_was_refused_stays_refused() -> None:
    r, again = rig(), rig()
    phone = "13912345678"
    said = [action(note=f"打 {phone}"), action("create", "c1", code="eco.noise", text=phone, lon=113.5, lat=22.5)]
    for body in said:
        say(r, body)
    say(r, {"note": phone})
    say(r, action(id="forged", note=phone), b"another key")
    for row, (body, _) in enumerate(r.records[1:], 1):
        value, heads, left_out = signed.masked(body, r.heads[row], KEY)
        assert phone.encode() not in value
        assert left_out == (row > len(said))
        again.say(value, heads)
    before, after = r.run(), again.run()
    assert after.notices == before.notices
    assert [d.reason for d in after.dead] == [d.reason for d in before.dead]


def test_the_lane_gives_the_same_however_its_log_is_cut_and_after_a_restart() -> None:
    r = rig()
    bodies = [action(id=f"a{i % 5}", note="x" * (i % 3)) for i in range(12)]
    for body in bodies:
        say(r, body)
    whole = r.run()
    r.begin()
    parts = r.run(list(range(1, 13)))
    assert (parts.notices, parts.dead, parts.audits) == (whole.notices, whole.dead, whole.audits)
    assert [n.id for n in whole.notices] == [f"a{i}" for i in range(5)]


def test_more_actions_than_are_remembered_fill_no_more_state() -> None:
    r = rig()
    for i in range(feedback.REMEMBERED + 3):
        say(r, action(id=f"a{i}"))
    say(r, action(id=f"a{feedback.REMEMBERED + 2}"))
    out = r.run()
    assert r.store.table("seen").n == feedback.REMEMBERED
    assert out.counts["repeated"] == 1


junk = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(
        st.sampled_from(["do", "id", "t", "by", "incident", "note", "expect", "until", "members", "x"]),
        st.one_of(st.sampled_from([*KINDS, INCIDENT, "a1", T0, BY]), st.integers(), st.text(max_size=5), st.none()),
    ).map(msgspec.json.encode),
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(junk, min_size=1, max_size=4))
def test_any_bytes_are_a_notice_or_a_dead_letter_each_and_their_neighbours_are_worked(bodies: list[bytes]) -> None:
    out = of(*bodies, action(id="the-last"))
    assert len(out.notices) + len(out.dead) + out.counts.get("repeated", 0) == len(bodies) + 1
    assert out.notices[-1].id == "the-last"
    assert len(out.audits) == len(out.dead)
