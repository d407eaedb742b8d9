"""The broker's disks: room now, and when they are full at the rates seen between two looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from brain.doctor.codes import Finding, found
from brain.doctor.forecast import Forecast, Growth, forecast
from brain.doctor.here import size
from brain.doctor.run import Patient
from streams.census import LogDir

SOON_S = 7 * 86_400.0
"""A disk that is full within this is an error."""
_NEVER = 2**62
"""Kafka's own default of settings that bound nothing."""


def disks(p: Patient) -> Iterator[Finding]:
    """One forecast a log directory, kept for the report."""
    if len(p.looks) < 2:
        return
    one, two = p.looks
    if not two.dirs:
        yield found("D604", p.address)
    before = {(d.broker, d.path): d for d in one.dirs}
    others = sorted({tp.topic for d in two.dirs for tp in d.sizes} - p.configs.keys())
    if p.census is not None:
        p.configs |= p.census.configs(others)
    for now in two.dirs:
        place = f"broker {now.broker} {now.path}"
        if now.error:
            yield found("D605", place, now.error)
            continue
        if now.usable < 0:
            yield found("D604", place)
            continue
        wanted = p.room(now.total)
        if now.usable < wanted:
            yield found("D601", place, size(now.usable), wanted=size(wanted))
        ahead = forecast(growths(p.configs, before.get((now.broker, now.path), now), now, two.at - one.at), now.usable)
        p.forecasts[place] = ahead
        yield from judged(place, ahead)


def judged(place: str, ahead: Forecast) -> Iterator[Finding]:
    """What a forecast means."""
    largest = ", ".join(f"{g.topic} {size(g.steady)}" for g in ahead.topics[:3])
    if ahead.full_s is not None and ahead.full_s < SOON_S:
        yield found("D602", place, span(ahead.full_s), wanted=span(SOON_S), needs=size(ahead.steady), topics=largest)
    elif ahead.needs:
        # That it is full at all needs a rate, so there is a time.
        when = span(ahead.full_s) if ahead.full_s is not None else "–"
        room = size(ahead.size + ahead.usable)
        yield found("D603", place, size(ahead.steady), wanted=room, when=when, topics=largest)


def growths(configs: Mapping[str, Mapping[str, str]], before: LogDir, now: LogDir, seconds: float) -> list[Growth]:
    """Growth of each topic in a directory; those of others on the same disk too, without retention where unknown."""
    sizes: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for tp, count in now.sizes.items():
        entry = sizes[tp.topic]
        entry[0] += count
        # A segment that went between the looks makes it smaller: no growth is known of it then.
        entry[1] += max(0, count - before.sizes.get(tp, 0))
        entry[2] += 1
    out = []
    for name, (held, grown, partitions) in sorted(sizes.items()):
        config = configs.get(name, {})
        kept = int(config.get("retention.ms", -1))
        delete = "delete" in config.get("cleanup.policy", "delete") and kept > 0
        lag = int(config.get("max.compaction.lag.ms", _NEVER))
        out.append(
            Growth(
                name, held, grown / seconds if seconds > 0 else 0.0, kept / 1000 if delete else None,
                float(config.get("segment.bytes", 2**30)), int(partitions), lag / 1000 if lag < _NEVER else None,
            )
        )  # fmt: skip
    return out


def span(seconds: float) -> str:
    """A stretch of time for people."""
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:.0f} s"
