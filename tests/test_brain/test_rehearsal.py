"""Stories as live input: marked, in order, the same for a seed, squeezed by the pace, and without what lies between."""

from __future__ import annotations

from itertools import islice

import msgspec
import pytest

from brain.drill.rehearsal import FASTEST, SLOWEST, Rehearsal, named
from brain.mark import marked
from brain.settings import Settings

START = 1_900_000_000_000


@pytest.fixture(scope="module")
def made() -> Rehearsal:
    return Rehearsal(named(["elevator", "fire-call"]))


def test_every_record_is_marked_in_order_and_of_its_own_time(made: Rehearsal) -> None:
    inputs, before = dict[str, int](), 0.0
    for event in islice(made.events(START), 8_000):
        assert marked(event.key)
        assert event.at >= before
        inputs[event.topic], before = inputs.get(event.topic, 0) + 1, event.at
        body = msgspec.json.decode(event.value, type=dict[str, object])
        if event.topic != "video.metadata":
            assert abs(float(str(body["t"])) - START - event.at * 1000) <= 1.0
        else:
            assert marked(str(body["sensorId"]))
            assert str(body["@timestamp"]).startswith("2030-")
    assert {"iot.telemetry", "video.metadata"} <= inputs.keys() <= Settings().partitions.keys()


def test_the_calls_of_a_story_are_played_and_nothing_takes_longer_than_said() -> None:
    alone = Rehearsal(named(["fire-call"]))
    events = list(alone.events(START, 10.0))
    sent = {msgspec.json.decode(e.value)["text"] for e in events if e.topic == "hotline.tickets"}
    told = {c.text for h in alone.plan.happenings for c in h.calls}
    assert told
    assert told <= sent
    assert events[-1].at <= alone.minutes * 60 / alone.pace / 10.0


def test_what_lies_between_two_stories_is_left_out(made: Rehearsal) -> None:
    first, last = made.windows[0][0], made.windows[-1][1]
    assert made.minutes == sum(b - a for a, b in made.windows) <= last - first
    assert all(b < c for (_, b), (c, _) in zip(made.windows, made.windows[1:], strict=False))
    for h in made.plan.happenings:
        assert any(a <= h.start < b for a, b in made.windows)


def test_it_is_the_same_for_a_seed(made: Rehearsal) -> None:
    again = Rehearsal(named(["elevator", "fire-call"]))
    assert list(islice(again.events(START), 500)) == list(islice(made.events(START), 500))
    assert SLOWEST <= again.pace <= FASTEST


def test_a_mix_is_several_and_an_unknown_story_is_refused() -> None:
    assert len(named(["mix"])) > 2
    with pytest.raises(KeyError):
        named(["nothing"])
