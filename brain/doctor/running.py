"""Checks of what runs: the pulse and the clocks, the set in force, who owns what, how far behind, what is buried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from brain.doctor.codes import Finding, found
from brain.doctor.run import Look, Patient
from brain.sets import cache_name, folders, has
from streams import pulse as pulses
from streams import set_store
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.markers import Stamp, broker_clock
from streams.lane_parts import Head
from streams.records import TP
from streams.state import HEAD
from streams.tailing import latest

LATE_S = 10.0
"""Without a pulse for so long, nobody conducts."""
APART_MS = 2_000
"""A pulse that moves is never older than a second and its way; more is a clock."""
AHEAD_MS = 500
_PULSE = b"pulse"
_HOUR_MS = 3_600_000
_SETTLES_S = 5.0


def sample(p: Patient) -> Iterator[Finding]:
    """Look twice, some seconds apart: what grows and what moves is seen by the others from this."""
    if p.census is None:
        return
    seen = [_pulse(p)]
    for turn in range(2):
        if turn:
            time.sleep(p.sample_s)
        p.looks.append(look(p))
    seen.append(_pulse(p))
    values = [value for value in seen if value is not None]
    if not values:
        if p.topics.get(_named(p, "pulse")) is not None and p.topics[_named(p, "pulse")].partitions:
            yield found("D401", _named(p, "pulse"))
        return
    read = [pulses.decode(value, p.known().key()) for value in values]
    p.pulse = read[-1]
    if p.pulse is None:
        yield found("D403", _named(p, "pulse"))
        return
    p.beats = len(read) == 2 and read[0] is not None and read[0].seq < p.pulse.seq
    age = int(time.time() * 1000) - p.pulse.time
    if p.beats and abs(age) > APART_MS:
        yield found("D404", "NTP", age, wanted=APART_MS)
    elif not p.beats and age > LATE_S * 1000:
        yield found("D402", _named(p, "pulse"), age // 1000)


def clock(p: Patient) -> Iterator[Finding]:
    """The broker's clock against ours: only while pulses are committed does it show."""
    if not p.beats:
        return
    stamp = asyncio.run(_stamp(p))
    if stamp is not None and abs(stamp.ahead_ms) > AHEAD_MS:
        yield found("D405", p.address, f"{stamp.ahead_ms:+d}", wanted=AHEAD_MS)


def in_force(p: Patient) -> Iterator[Finding]:
    """Whether the set that the pulse names can be had here."""
    if p.pulse is None:
        return
    s, id = p.known(), p.pulse.set
    if any(has(folder, id) for folder in folders(s.set_folder())) or (Path(s.set_cache) / cache_name(id)).is_dir():
        return
    if id not in set_store.fetch(p.address, _named(p, "sets")).ids():
        yield found("D406", s.set_folder(), wanted=id)


def owners(p: Patient) -> Iterator[Finding]:
    """The workers' group: somebody in it, and an owner for every partition."""
    if p.census is None:
        return
    s = p.known()
    name = _named(p, s.group)
    wanted = {TP(_named(p, topic), n) for topic, count in s.partitions.items() for n in range(count)}
    wanted.add(TP(_named(p, "pulse"), 0))
    end = time.monotonic() + _SETTLES_S
    seen = p.census.group(name)
    while seen.state.endswith("Rebalance") and time.monotonic() < end:
        time.sleep(0.5)
        seen = p.census.group(name)
    if seen.denied:
        return
    if not seen.members:
        yield found("D501", f"group {name}", seen.state or "–")
        return
    for tp in sorted(wanted - seen.assigned):
        yield found("D502", tp, seen.state)


def behind(p: Patient) -> Iterator[Finding]:
    """Lanes that fall behind, or whose unread records are gone."""
    if len(p.looks) < 2:
        return
    one, two = p.looks
    before = one.lags()
    for lane, lag in sorted(two.lags().items()):
        first, at = two.offsets[lane][0], two.heads[lane].at
        if at < first:
            yield found("D504", str(lane).removeprefix(p.known().prefix), first, wanted=at)
            continue
        grown = lag - before.get(lane, lag)
        if grown > 0 and lag > p.least_lag:
            yield found("D503", lane, lag, rate=f"{grown / (two.at - one.at):.3g}")


def buried(p: Patient) -> Iterator[Finding]:
    """Dead letters that come while we look; markers of transactions are counted with them."""
    if len(p.looks) < 2 or p.census is None:
        return
    one, two = p.looks
    mine = [tp for tp in two.offsets if tp.topic == _named(p, "deadletter") and tp in one.offsets]
    grown = sum(two.offsets[tp][1] - one.offsets[tp][1] for tp in mine)
    if grown <= 0:
        return
    since = p.census.since(mine, int(time.time() * 1000) - _HOUR_MS)
    hour = sum(two.offsets[tp][1] - since.get(tp, two.offsets[tp][1]) for tp in mine)
    yield found("D505", _named(p, "deadletter"), hour, rate=f"{grown / (two.at - one.at):.3g}")


def _named(p: Patient, topic: str) -> str:
    return p.known().prefix + topic


def _pulse(p: Patient) -> bytes | None:
    return latest(p.address, [TP(_named(p, "pulse"), 0)], _PULSE).get(TP(_named(p, "pulse"), 0))


def look(p: Patient) -> Look:
    """Where partitions end and lanes stand, now. Raises LogError, ValueError for a head that cannot be read."""
    assert p.census is not None
    s = p.known()
    every = [TP(name, one.number) for name, seen in p.topics.items() for one in seen.partitions if one.leader >= 0]
    states = {
        TP(_named(p, "state." + topic), n): TP(_named(p, topic), n)
        for topic, count in s.partitions.items()
        for n in range(count)
    }
    heads = {}
    for tp, value in latest(p.address, list(states), HEAD).items():
        try:
            heads[states[tp]] = msgspec.json.decode(value, type=Head)
        except msgspec.DecodeError as error:
            raise ValueError(f"{tp}: its head cannot be read: {error}") from error
    return Look(time.monotonic(), p.census.offsets(every), heads, p.census.log_dirs())


async def _stamp(p: Patient) -> Stamp | None:
    cluster = Cluster(KafkaSettings(p.address, request_timeout=p.known().request_timeout_s))
    await cluster.start()
    try:
        return await broker_clock(cluster, TP(_named(p, "pulse"), 0), 5.0)
    finally:
        await cluster.stop()
