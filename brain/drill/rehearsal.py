"""Stories for a command centre to rehearse with 桌面推演: those of ``brain drill`` as live input, squeezed in time.

What lies between stories is left out, and what is played is rebased to one clock and squeezed: at thirty times a
sensor that speaks every minute speaks every two seconds. Rules see the squeezed times: one that waits five minutes
waits for five minutes of the rehearsal, which are two and a half hours of the story.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from brain.drill.recorded import Event
from brain.drill.stories import plan, sets
from brain.drill.stories.days import START_MS
from brain.drill.stories.district import District
from brain.drill.stories.feed import CHUNK, read_at
from brain.drill.stories.plan import Plan
from brain.drill.stories.weather import MINUTES_A_DAY
from brain.drill.stories.world import MINUTE_MS, Happening, Story

MIX = ("fire", "gas", "chlorine", "elevator", "food-poisoning")
"""What is played where a mix is asked for: each shows within minutes."""
LEAD = 12
"""Ordinary minutes before a story."""
WISHED_S = 300.0
SLOWEST, FASTEST = 10.0, 60.0

_encode = msgspec.json.Encoder().encode


def named(names: Sequence[str]) -> list[Story]:
    """Stories by name; ``mix`` stands for several. Raises KeyError for a name that no story has."""
    return plan.chosen(0, [one for name in names for one in (MIX if name == "mix" else (name,))])


class Rehearsal:
    """Stories told in the drill's district; the same for a seed."""

    def __init__(self, stories: Sequence[Story], seed: int = 1, district: Path = sets.DISTRICT) -> None:
        """Tell them. Raises OSError where the district cannot be read."""
        days = 2 + max(s.minutes for s in stories) // MINUTES_A_DAY
        self.plan: Plan = plan.make(District.load(district), seed, days, stories)
        self.windows = _joined([_window(h, self.plan.minutes) for h in self.plan.happenings])
        """Minutes [from, to) of the plan that are played, in order."""
        self.pace = min(FASTEST, max(SLOWEST, self.minutes * 60 / WISHED_S))
        """How many times faster than it happens."""

    @property
    def minutes(self) -> int:
        """How long what is played would take."""
        return sum(b - a for a, b in self.windows)

    def events(self, start_ms: int, speed: float = 1.0) -> Iterator[Event]:
        """All inputs merged by time; ``speed`` multiplies the pace."""
        pace, before = self.pace * speed, 0
        for a, b in self.windows:
            clock = _Clock(a, before, start_ms, pace)
            yield from heapq.merge(self._readings(a, b, clock), self._frames(a, b, clock), self._tickets(a, b, clock),
                                   key=lambda e: e.at)  # fmt: skip
            before += b - a

    def _readings(self, a: int, b: int, clock: _Clock) -> Iterator[Event]:
        district = self.plan.days.district
        lines = district.lines
        order, phase = (column.tolist() for column in read_at(district))
        for start in range(a // CHUNK * CHUNK, b, CHUNK):
            values = self.plan.days.chunk(start, CHUNK).values
            for m in range(max(a, start), min(b, start + CHUNK)):
                row, begin = values[m - start], START_MS + m * MINUTE_MS
                for k in order:
                    if np.isfinite(row[k]):
                        at, t = clock.of(begin + phase[k])
                        asset = district.ids[lines[k].asset]
                        value = round(float(row[k]), lines[k].metric.decimals)
                        body = {"asset": asset, "metric": lines[k].name, "t": t, "v": value}
                        yield Event(at, "iot.telemetry", asset, _encode(body))

    def _frames(self, a: int, b: int, clock: _Clock) -> Iterator[Event]:
        for m in range(a, b):
            for when, key, value in self.plan.cameras.minute(m):
                at, t = clock.of(when)
                frame = msgspec.json.decode(value, type=dict[str, object])
                frame["@timestamp"] = datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds")
                yield Event(at, "video.metadata", key.decode(), _encode(frame))

    def _tickets(self, a: int, b: int, clock: _Clock) -> Iterator[Event]:
        for call in self.plan.calls:
            if START_MS + a * MINUTE_MS <= call.t < START_MS + b * MINUTE_MS:
                at, t = clock.of(call.t)
                yield Event(at, "hotline.tickets", call.id, call._replace(t=t).record())


class _Clock:
    """Times of one window as seconds after the start, and as ms UTC of the rehearsal."""

    def __init__(self, minute: int, before: int, start_ms: int, pace: float) -> None:
        self._from = START_MS + (minute - before) * MINUTE_MS
        self._start, self._pace = start_ms, pace

    def of(self, t: int) -> tuple[float, int]:
        at = (t - self._from) / self._pace
        return at / 1000, self._start + round(at)


def _window(h: Happening, minutes: int) -> tuple[int, int]:
    """What of a plan shows a happening: not the hours after it in which signals are still of it."""
    ends = [e.stop for e in h.effects] + [g.start + len(g.people) for g in h.gatherings] + [f.stop for f in h.faults]
    ends += [(c.t - START_MS) // MINUTE_MS + 1 for c in h.calls]
    return max(0, h.start - LEAD), min(minutes, max([h.start + 1, *ends]))


def _joined(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for a, b in sorted(windows):
        if out and a <= out[-1][1]:
            out[-1] = out[-1][0], max(b, out[-1][1])
        else:
            out.append((a, b))
    return out
