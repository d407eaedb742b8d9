"""What the city task holds follows from what is open, never from how much there was."""

from __future__ import annotations

import gc
from collections import Counter, deque
from typing import Any

import msgspec
from city_rig import SET, parted

from brain.incidents.city import CityLogic
from streams.logic import FAR
from streams.records import Signal

HOUR = 3_600_000
KINDS = ("emergency.flood", "emergency.fire")


def _city() -> CityLogic:
    logic = CityLogic()
    logic.enter("set-1", SET)
    return logic


def _raised(now: int, place: int, asset: str = "a", level: int = 2) -> Signal:
    return Signal(
        KINDS[place], asset, "raise", ("iot.telemetry", 0, now, 0), 0, now, 0, now, now, now, level=level, source="iot",
        lon=113.0 + place, lat=22.0, grid=f"g{place}", life=place == 1,
    )  # fmt: skip


def _later(one: Signal, kind: Any, ms: int, level: int = 2) -> Signal:
    now = one.fold + ms
    return msgspec.structs.replace(one, kind=kind, fold=now, t=now, n=one.n + 1, level=level)


def _until(logic: CityLogic, end: int) -> None:
    """Timers up to a fold time, as the engine fires them, and what changed taken away now and then."""
    while (now := logic.due(end)) is not None and now <= end:
        logic.fire(now)
    parted(logic.changes())


def _lived(lives: int, raises: int) -> CityLogic:
    """Alarms at a few places, each raised again and again, shown or not; long after the last of them."""
    logic, now = _city(), 0
    for life in range(lives):
        for place in range(len(KINDS)):
            for n in range(raises):
                now += 1000
                _until(logic, now)
                one = _raised(now, place, f"{place}-{life % 3}", n % 5)
                for signal in (one, _later(one, "update", 10, 4), _later(one, "clear", 20)):
                    logic.signal(signal)
        now += 6 * HOUR
        _until(logic, now)
    assert logic.counts["closed"] >= lives
    _until(logic, now + 100 * 24 * HOUR)
    assert logic.due(FAR) is None
    return logic


def _held(root: Any) -> Counter[str]:
    """How many objects a value leads to, by type; numbers, texts and what code is made of aside."""
    found: Counter[str] = Counter()
    seen, left = {id(root)}, deque([root])
    while left:
        for other in gc.get_referents(left.popleft()):
            name = type(other).__name__
            if id(other) not in seen and not isinstance(other, type) and name not in PLAIN:
                seen.add(id(other))
                left.append(other)
                found[name] += 1
    return found


PLAIN = (
    "int", "float", "str", "bytes", "module", "function", "builtin_function_or_method", "method", "mappingproxy",
    "frame", "cell", "code",
)  # fmt: skip


def test_when_all_is_over_nothing_of_it_is_held() -> None:
    logic = _lived(4, 9)
    assert not len(logic)
    assert "Case" not in _held(logic)


def test_what_is_held_in_the_end_is_the_same_after_a_few_alarms_as_after_many() -> None:
    assert _held(_lived(3, 4)) == _held(_lived(24, 12))


def test_an_alarm_that_was_raised_again_is_known_by_its_first_and_its_latest_raise_as_after_a_restart() -> None:
    logic, raises = _city(), [_raised(1000 * n, 0) for n in range(5)]
    for one in raises:
        logic.signal(one)
        logic.signal(_later(one, "clear", 10))
    again = _city()
    again.load({key: value for key, value in parted(logic.changes())[0].items() if value is not None})
    for book in (logic.book, again.book):
        assert [book.known(one.identity()) for one in raises] == [True, False, False, False, True]
