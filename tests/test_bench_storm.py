"""The storm's scorer on small cases with known answers, its peers, and how it drives a fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.storm import LEAST, MOST, driver, peers, run, short
from bench.storm.why import explain
from brain.drill.judge import Judge, Shown, Verdict
from brain.drill.storm import Scenario, Storm, Truth
from brain.drill.storm.file import write
from streams.records import Signal

LON, LAT = 113.5, 21.2
KM = 1 / 103.9  # degrees of longitude here
SCENARIOS = tuple(
    Scenario(f"{family}.{name}", f"{family}.{name}", family.partition(".")[0], {"zh": "", "en": ""}, life)
    for family, name, life in (
        ("emergency.fire", "smoke", True), ("emergency.flood", "depth", False), ("eco.air", "pm25", False),
    )
)  # fmt: skip
FIRE, FLOOD, AIR = (s.id for s in SCENARIOS)
T0 = 1_000_000


def signal(second: float, scenario: str, asset: str, kind: Any = "raise", east_km: float = 0.0, **more: Any) -> Signal:
    t = T0 + round(second * 1000)
    origin = more.pop("origin", ("iot.telemetry", 0, t, 0))
    return Signal(scenario, asset, kind, origin, int(kind != "raise"), t, 0, t, t,
                  **{"fold": t, "lon": LON + east_km * KM, "lat": LAT, "life": scenario == FIRE, **more})  # fmt: skip


def truth(name: str, scenario: str, east_km: float = 0.0) -> Truth:
    return Truth(name, scenario.rpartition(".")[0], LON + east_km * KM, LAT, scenario == FIRE)


def storm(truths: Sequence[Truth], *told: tuple[Signal, str | None]) -> Storm:
    return Storm(SCENARIOS, tuple(truths), [s for s, _ in told], [label for _, label in told])


def shown(name: str, second: float, scenario: str, *signals: Signal, east_km: float = 0.0) -> Shown:
    at = T0 + round(second * 1000)
    family = scenario.rpartition(".")[0]
    counted = {s.identity(): max(at, s.fold) for s in signals}
    return Shown(name, at, family.partition(".")[0], family, LON + east_km * KM, LAT, counted)


FLOOD_A, FLOOD_B = signal(0, FLOOD, "a"), signal(10, FLOOD, "b", east_km=1.0)
TWO = storm([truth("A", FLOOD), truth("B", FLOOD, 1.0)], (FLOOD_A, "A"), (FLOOD_B, "B"))


def judge_two(*seen: Shown) -> Verdict:
    return Judge(TWO)(seen)


def test_two_incidents_for_two_truths_at_once_are_faultless() -> None:
    v = judge_two(shown("1", 0, FLOOD, FLOOD_A), shown("2", 10, FLOOD, FLOOD_B, east_km=1.0))
    assert (v.missed, v.hidden, v.wrong, v.extra, v.empty) == ([], [], [], {}, 0)
    assert (v.shown_per_true, v.splits_per_true, v.wrong_merges, v.reduction) == (1.0, 0.0, 0.0, 0.0)
    assert (v.delay_p95_s, v.peak) == (0.0, {"emergency": 2})


def test_what_nobody_was_shown_is_missed_and_has_no_delay() -> None:
    v = judge_two()
    assert (v.missed, v.late, v.reduction, v.wrong_merges, v.peak_per_10min) == (["A", "B"], [], 1.0, 0.0, 0)
    assert math.isnan(v.delay_p95_s)


@pytest.mark.parametrize(("second", "missed"), [(119, []), (120, []), (121, ["A"])])
def test_a_truth_is_found_within_two_minutes_of_its_first_signal(second: float, missed: list[str]) -> None:
    v = judge_two(shown("1", second, FLOOD, FLOOD_A), shown("2", 10, FLOOD, FLOOD_B, east_km=1.0))
    assert (v.missed, v.late) == (missed, missed)
    assert max(v.delays) == second


def test_an_incident_of_another_family_or_too_far_away_finds_nothing() -> None:
    other = judge_two(shown("1", 0, AIR, FLOOD_A), shown("2", 10, FLOOD, FLOOD_B, east_km=1.0))
    near = judge_two(shown("1", 0, FLOOD, FLOOD_A, east_km=0.49), shown("2", 10, FLOOD, FLOOD_B, east_km=1.0))
    far = judge_two(shown("1", 0, FLOOD, FLOOD_A, east_km=-0.51), shown("2", 10, FLOOD, FLOOD_B, east_km=1.0))
    assert (other.missed, near.missed, far.missed) == (["A"], [], ["A"])


def test_an_incident_at_the_right_place_that_holds_no_signal_of_the_truth_does_not_find_it() -> None:
    noise = signal(0, FLOOD, "noise")
    v = Judge(storm([truth("A", FLOOD)], (noise, None), (FLOOD_A, "A")))([shown("1", 0, FLOOD, noise)])
    assert (v.missed, v.empty) == (["A"], 1)


def test_one_incident_of_two_truths_is_a_wrong_merge_and_finds_the_nearer_one() -> None:
    v = judge_two(shown("1", 0, FLOOD, FLOOD_A, FLOOD_B))
    assert (v.wrong, v.wrong_merges, v.missed) == (["1"], 1.0, ["B"])


def test_further_incidents_of_a_truth_are_splits_and_those_of_none_only_count_as_shown() -> None:
    again, noise = signal(30, FLOOD, "c"), signal(40, AIR, "n")
    case = storm([truth("A", FLOOD)], (FLOOD_A, "A"), (again, "A"), (noise, None))
    v = Judge(case)([shown("1", 0, FLOOD, FLOOD_A), shown("2", 30, FLOOD, again), shown("3", 40, AIR, noise)])
    assert (v.extra, v.splits_per_true, v.shown_per_true, v.empty) == ({"A": 1}, 1.0, 3.0, 1)
    assert v.peak == {"eco": 1, "emergency": 2}


def test_effects_shown_in_another_family_are_splits_of_their_cause() -> None:
    effect = signal(60, AIR, "e", east_km=0.8)
    case = storm([truth("A", FLOOD)], (FLOOD_A, "A"), (effect, "A"))
    v = Judge(case)([shown("1", 0, FLOOD, FLOOD_A), shown("2", 60, AIR, effect, east_km=0.8)])
    assert (v.extra, v.missed) == ({"A": 1}, [])


FIRE_A = signal(0, FIRE, "s")


@pytest.mark.parametrize(
    ("seen", "hidden", "missed"),
    [
        (shown("1", 5, FIRE, FIRE_A), 0, []),
        (shown("1", 5.001, FIRE, FIRE_A), 1, ["A"]),
        (shown("1", 0, FLOOD, FIRE_A), 1, ["A"]),
        (shown("1", 0, FIRE, FIRE_A, east_km=0.6), 1, ["A"]),
    ],
)
def test_a_never_hidden_signal_is_counted_in_its_class_at_its_site_within_five_seconds(
    seen: Shown, hidden: int, missed: list[str]
) -> None:
    v = Judge(storm([truth("A", FIRE)], (FIRE_A, "A")))([seen])
    assert (len(v.hidden), v.missed) == (hidden, missed)


def test_a_false_never_hidden_alarm_must_be_seen_too_and_its_clear_follows_its_raise() -> None:
    off = signal(60, FIRE, "s", "clear", origin=FIRE_A.origin)
    case = storm([truth("B", FLOOD, 1.0)], (FIRE_A, None), (FLOOD_B, "B"), (off, None))
    flood = shown("2", 10, FLOOD, FLOOD_B, east_km=1.0)
    assert Judge(case)([flood]).hidden == [FIRE_A.identity()] * 2
    assert Judge(case)([flood, shown("1", 0, FIRE, FIRE_A)]).hidden == []


def test_the_peak_counts_any_ten_minutes_of_one_console() -> None:
    def peak(*seconds: float) -> int:
        return judge_two(*(shown(str(n), s, FLOOD) for n, s in enumerate(seconds))).peak_per_10min

    assert peak(0, 599, 599.999) == 3
    assert peak(0, 600, 1199) == 2
    v = judge_two(*(shown(str(n), n, s) for n, s in enumerate((FLOOD, AIR, FLOOD))))
    assert v.peak == {"eco": 1, "emergency": 2}


# -- peers


def test_dedup_shows_an_asset_again_only_after_it_has_been_quiet() -> None:
    raises = [signal(s, FLOOD, "a") for s in (0, 200, 499, 800)]
    case = storm([truth("A", FLOOD)], *((s, "A") for s in raises), (signal(801, FLOOD, "b"), None))
    found = peers.Dedup().run(case)
    assert [(one.at - T0, len(one.counted)) for one in found] == [(0, 3), (800_000, 1), (801_000, 1)]


def grouped(*told: Signal) -> list[Shown]:
    return peers.Grouping().run(storm([truth("A", FLOOD)], *((s, "A") for s in told)))


def clear(raised: Signal, second: float) -> Signal:
    return signal(second, raised.scenario, raised.asset, "clear", origin=raised.origin, grid=raised.grid)


def test_a_group_speaks_after_its_wait_and_again_only_at_its_interval() -> None:
    a, b = signal(0, FLOOD, "a", grid="g"), signal(40, FLOOD, "b", grid="g")
    (one,) = grouped(a, b, signal(700, AIR, "x", grid="g"))[:1]
    assert {k.split("|")[1]: (v - T0) // 1000 for k, v in one.counted.items()} == {"a": 30, "b": 330}
    assert one.at == T0 + 30_000


def test_a_group_never_speaks_of_what_ended_before_its_first_word() -> None:
    a = signal(0, FLOOD, "a", grid="g")
    assert grouped(a, clear(a, 20), signal(700, AIR, "x", grid="g")) == grouped(signal(700, AIR, "x", grid="g"))


def test_a_group_that_has_told_its_end_is_shown_anew_by_the_next_alert() -> None:
    a, again = signal(0, FLOOD, "a", grid="g"), signal(1000, FLOOD, "a", grid="g")
    found = grouped(a, clear(a, 100), again, signal(1100, FLOOD, "z", grid="other"))
    assert [(one.at - T0) // 1000 for one in found] == [30, 1030, 1130]


def test_labels_part_groups_and_nothing_else() -> None:
    a, b = signal(0, FLOOD, "a", grid="g"), signal(0.001, FLOOD, "b", grid="g", east_km=3.0)
    assert [len(one.counted) for one in grouped(a, b)] == [2]
    assert len(grouped(a, signal(0.001, FLOOD, "b", grid="h"))) == 2


def test_one_incident_for_the_whole_city_is_found_nowhere_and_who_knows_the_labels_is_faultless() -> None:
    false = signal(20, FIRE, "false", east_km=5.0)
    case = storm(TWO.truths, (FLOOD_A, "A"), (FLOOD_B, "B"), (false, None))
    judge = Judge(case)
    city, known = judge(peers.whole_city(case)), judge(peers.perfect(case))
    assert (city.missed, city.shown, len(city.wrong), len(city.hidden)) == (["A", "B"], 1, 1, 1)
    assert (known.missed, known.wrong, known.hidden, known.extra, known.shown) == ([], [], [], {}, 3)


def test_what_is_promised_of_a_storm_and_not_reached_is_named() -> None:
    fine: dict[str, Any] = {**dict.fromkeys(MOST, 0), **dict.fromkeys(LEAST, 1.0)}
    assert short(fine) == []
    assert short(fine | {"missed": 1}) == ["missed 1, promised 0"]
    assert short(fine | {"delay_p95_s": float("nan")}) == ["delay_p95_s nan, promised 120"]
    assert short(fine | {"reduction": 0.9, "peak_per_10min": 11}) == [
        "reduction 0.9, promised 0.95", "peak_per_10min 11, promised 10",
    ]  # fmt: skip


def test_a_run_on_a_file_gives_all_figures_and_holds(tmp_path: Path) -> None:
    write(storm(TWO.truths, (FLOOD_A, "A"), (FLOOD_B, "B"), (signal(20, FIRE, "f", east_km=5.0), None)), tmp_path / "s")
    result = run(1, tmp_path / "s")
    assert result.ok
    assert list(result.figures) == [
        "reduction", "missed", "hidden_never_hide", "wrong_merges", "splits_per_true", "shown_per_true",
        "peak_per_10min", "delay_p95_s", "peer_dedup_reduction", "peer_dedup_missed", "peer_grouping_reduction",
        "peer_grouping_missed",
    ]  # fmt: skip
    assert (result.figures["hidden_never_hide"], result.figures["peer_dedup_missed"]) == (0, 0)
    assert [row["by"] for row in result.rows][-2:] == ["one for the whole city", "who knows the labels"]


# -- driving a fold


class Scripted:
    """A fold that answers as told: publishes one incident, shown or withheld, and has one timer."""

    owner = "scripted@1"

    def __init__(self, timer: int | None, values: dict[str, dict[str, Any]]) -> None:
        self.timer, self.values = timer, values
        self.calls: list[str] = []
        self.records: list[tuple[str, bytes, bytes | None, tuple[tuple[str, bytes], ...]]] = []

    def load(self, items: Any) -> None:
        raise AssertionError("nothing to load")

    def enter(self, set_id: str, content: Any) -> None:
        self.calls.append(f"enter {len(content.scenarios)}")

    def signal(self, signal: Signal) -> None:
        self._did(f"signal {signal.asset}")

    def summary(self, summary: Any) -> None:
        raise AssertionError("a storm has no summaries")

    def due(self) -> int | None:
        return self.timer

    def fire(self, now: int) -> None:
        self.timer = None
        self._did(f"timer {(now - T0) // 1000}")

    def fates(self) -> dict[str, int]:
        return {}

    def changes(self) -> Any:
        out, self.records = self.records, []
        return iter(out)

    def _did(self, what: str) -> None:
        self.calls.append(what)
        if what in self.values:
            base = {"id": "i", "domain": "emergency", "event_code": FLOOD, "opened": T0, "lon": LON, "lat": LAT}
            value = msgspec.json.encode({**base, **self.values[what]})
            self.records += [("incidents.emergency", b"i", value, ()), ("audit", b"i", b"no incident", ())]


def test_timers_go_before_signals_of_the_same_time_and_go_on_after_the_last() -> None:
    logic = Scripted(T0 + 10_000, {})
    driver.fold(TWO, logic)
    late = Scripted(T0 + 900_000, {})
    driver.fold(TWO, late)
    assert logic.calls == ["enter 3", "signal a", "timer 10", "signal b"]
    assert late.calls[-1] == "timer 900"


def test_a_withheld_incident_is_seen_when_it_is_shown_with_all_raises_it_had() -> None:
    def member(first: str, last: str = "") -> dict[str, Any]:
        return {"members": [{"id": first, "last": last}]}

    watcher = driver.fold(TWO, Scripted(T0 + 60_000, {
        "signal a": {"shown": None, "withheld": "held", **member("r1", "r2")},
        "signal b": {"shown": None, "withheld": "held", **member("r1", "r3")},
        "timer 60": {"shown": T0 + 60_000, **member("r1", "r3")},
    }))  # fmt: skip
    (one,) = watcher.result()
    assert (one.at, one.family, one.console) == (T0 + 60_000, "emergency.flood", "emergency")
    assert one.counted == dict.fromkeys(("r1", "r2", "r3"), T0 + 60_000)
    assert watcher.withheld == {}


def test_an_incident_never_shown_is_nothing_but_a_reason() -> None:
    watcher = driver.fold(TWO, Scripted(None, {"signal a": {"shown": None, "withheld": "deferred_storm"}}))
    assert (watcher.result(), watcher.withheld) == ([], {"deferred_storm": 1})


def test_why_a_truth_was_missed_is_told_by_its_signals_and_by_what_held_them() -> None:
    withheld = {"level": 2, "count": 1, "members": [{"id": FLOOD_A.identity()}], "withheld": "held"}
    logic = Scripted(T0 + 60_000, {
        "signal a": {**withheld, "shown": None},
        "timer 60": {**withheld, "shown": None, "withheld": "area_wide", "cause": "inc-9"},
    })  # fmt: skip
    lines = list(explain(TWO, logic))
    assert [line for line in lines if line[0] != " "] == ["A emergency.flood: missed", "B emergency.flood: missed"]
    assert lines[1:5] == [
        "      0.0  raise  0         emergency.flood.depth a",
        "  i emergency.flood.depth",
        "      0.0    held, level 2, count 1",
        "     60.0    area_wide of inc-9, level 2, count 1",
    ]


def test_an_incident_of_a_release_that_withholds_nothing_is_seen_when_it_is_opened() -> None:
    watcher = driver.fold(TWO, Scripted(None, {"signal a": {"members": [{"id": "r1"}]}}))
    assert [(one.at, one.counted) for one in watcher.result()] == [(T0, {"r1": T0})]
