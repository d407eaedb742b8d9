"""Bytes of incidents of which only what is new was encoded are those of the whole incident."""

from __future__ import annotations

from brain.incidents import fold, publish, written
from brain.incidents.fold import Case, FoldSettings
from brain.incidents.value import Incident, Text
from streams.records import Signal


def _case() -> Case:
    name = Text("甲", "a")
    return Case(Incident(
        id="inc-1", revision=0, state="detected", domain="eco", scenario="eco.air", scenario_version=1,
        event_code="eco.air", name=name, level=0, peak_level=0, life=False, onset=0, opened=0, raised=0, updated=0,
    ))  # fmt: skip


def _signal(asset: str, n: int) -> Signal:
    return Signal("eco.air", asset, "raise", ("iot.telemetry", 0, n, 0), 0, n, 0, n, n, n, level=n % 5, source="iot")


def test_an_incident_written_in_parts_is_the_same_bytes_as_the_whole() -> None:
    case, settings = _case(), FoldSettings()
    for n, reasons in enumerate((1, 2, 0, 5, 1, 19, 20, 21, 40, 1, 3, 1)):
        signal = _signal(f'a"],[\\{n % 4}"],["\\', n)
        known = case.member(signal.scenario, signal.asset)
        written.keep(case, fold.join(case, known, signal, signal.identity(), 1, settings))
        for k in range(reasons):
            fold.note(case, n, "joined_repeat", signal.identity() if k % 2 else "")
        assert written.encode(case) == publish.encode(written.whole(case))
        assert written.encode(case) == publish.encode(written.whole(case))


def test_a_text_that_looks_like_the_end_of_a_reason_does_not_shift_the_others() -> None:
    case = _case()
    for n in range(60):
        fold.note(case, n, "updated", ('"],["', "\\", '\\"],[', "],[", "")[n % 5])
        assert written.encode(case) == publish.encode(written.whole(case))


def test_of_reasons_that_nobody_writes_for_long_only_the_last_are_held() -> None:
    case = _case()
    for n in range(1000):
        fold.note(case, n, "updated", f"signal-{n}")
        assert len(case.fresh) <= fold.FRESH_KEPT
    assert [t for t, _, _ in written.whole(case).reasons] == list(range(980, 1000))


def test_a_level_that_there_is_not_counts_as_the_lowest_or_as_one_above_all() -> None:
    case, settings = _case(), FoldSettings()
    for n, level in enumerate((-(10**9), 10**9, 2)):
        signal = _signal(f"a{n}", n)
        signal.level = level
        fold.join(case, None, signal, signal.identity(), 1, settings)
    assert case.levels.bit_count() == 3
    members = list(case.standing.values())
    for left, member in ((15, members[0]), (2, members[1])):
        case.fall(member)
        case.relevel()
        assert case.incident.level == left
    case.fall(members[2])
    assert case.levels == 0


def test_a_repeated_raise_whose_condition_began_earlier_is_told_with_its_onset() -> None:
    case, settings = _case(), FoldSettings()
    first, again = _signal("a", 5), _signal("a", 6)
    member = fold.join(case, None, first, first.identity(), 1, settings)
    case.incident.onset = first.onset
    before = written.encode(case)
    again.onset = 2
    fold.join(case, member, again, again.identity(), 1, settings)
    fold.note(case, again.fold, "joined_repeat", again.identity())
    assert written.encode(case) == publish.encode(written.whole(case)) != before
    assert case.incident.onset == 2
