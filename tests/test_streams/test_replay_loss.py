"""Replay of a log in which a person accepted a loss: the range is left out, as the live lane left it out."""

import msgspec

from streams import pulse as pulses
from streams.bundle import Line
from streams.pulse import Pulse
from streams.records import TP
from streams.replay import ReplaySettings, replay
from streams.simulate.toy import SETS, ToyCity, ToyLane

KEY, T0 = b"test", 1_000_000


def lines() -> list[Line]:
    out = []
    for i in range(12):
        t = T0 + i * 1000
        pulse = pulses.encode(Pulse(i, t, i * 1000, "s1", 0), KEY)
        out.append(Line.of(TP("in", 0), 2 * i, t, None, pulse, pulses.HEADERS))
        value = msgspec.json.encode({"v": [("a", t, 20.0 if i in (4, 9) else 1.0)], "do": ""})
        out.append(Line.of(TP("in", 0), 2 * i + 1, t, b"k", value, ()))
    return out


def test_a_bundle_that_still_has_what_was_lost_gives_what_the_lane_gave_without_it() -> None:
    settings = ReplaySettings({"in": ToyLane}, ToyCity, SETS.__getitem__, "s0", KEY, {"in": 1})
    every = lines()
    entry = msgspec.json.encode({"lane": "in/0", "since": 8, "until": 12, "loss": True})
    journal = Line.of(TP("journal", 0), 0, T0, b"recover", entry, ())
    with_entry = replay([*every, journal], settings)
    without_rows = replay([line for line in every if not 8 <= line.offset < 12], settings)
    assert with_entry.signals == without_rows.signals
    assert len(replay(every, settings).signals) > len(with_entry.signals) > 0
