"""Whoever asks why something was or was not on the screen gets the rule and the numbers as they were then."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from city_rig import parted
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from brain.cli import app
from brain.explain import answer, verdict
from brain.explain.show import show
from brain.explain.trail import Note, Past, Trail, TrailError, Written, recorded
from brain.incidents.city import CityLogic
from brain.incidents.desk import DeskSettings
from brain.incidents.evidence import Parts
from brain.incidents.fold import FoldSettings
from brain.incidents.value import Act, Incident
from brain.incidents.withheld import Shelf
from brain.pipeline import replay_settings
from brain.scenarios import read
from brain.settings import Settings
from streams import bundle
from streams.records import Signal

TEXT = """# kept as written
id: eco.air
version: 3
name: {zh: 空气, en: Air}
domain: eco
event_code: eco.air.x
source: iot
match: {type: air, metric: pm25}
detect: {above: 150}
levels: [{level: 2, at: 250}, {level: 3, at: 350}]
"""
CAUSES = {"version": 1, "causes": [{"cause": "eco.pipe*", "effect": "eco.pressure*", "within_m": 1000}]}
SET = SimpleNamespace(routes=None, causes=CAUSES, scenarios=[
    SimpleNamespace(id=f"eco.{k}", version=3, name=k, domain="eco", event_code=f"eco.{k}.x", life=k == "fire")
    for k in ("air", "pipe", "pressure", "fire")
])  # fmt: skip
METRE = 1 / 103_000


class City:
    """A city that keeps all that it writes, and the signals it was given."""

    def __init__(self, **desk: Any) -> None:
        self.logic = CityLogic(FoldSettings(), desk=DeskSettings(**desk))
        self.logic.enter("s", SET)
        self.newest: dict[str, bytes] = {}
        self.audit: list[bytes] = []
        self.signals: list[bytes] = []
        self.state: dict[bytes, bytes] = {}
        self.n = 0

    def raised(self, t: int, family: str, asset: str, at: float = 0.0, **more: Any) -> Signal:
        self.n += 1
        signal = Signal(
            f"eco.{family}", asset, "raise", ("in", 0, self.n, 0), 0, self.n, 0, t * 1000 - 400, t * 1000 - 400,
            t * 1000, lon=113.5 + at * METRE, lat=22.2, set="s", metric="pm25", threshold=150.0,
            **{"grid": f"g{int(at // 500)}", "source": "iot", "value": 160.0, "level": 1, "life": family == "fire",
               **more},
        )  # fmt: skip
        return self.give(signal)

    def clear(self, t: int, signal: Signal) -> None:
        self.n += 1
        self.give(msgspec.structs.replace(signal, kind="clear", n=1, offset=self.n, t=t * 1000, fold=t * 1000))

    def give(self, signal: Signal) -> Signal:
        self.until(signal.fold)
        self.logic.signal(signal)
        self.signals.append(msgspec.json.encode(signal))
        return signal

    def until(self, fold: int) -> None:
        while (due := self.logic.due()) is not None and due <= fold:
            self.logic.fire(due)
        items, records = parted(self.logic.changes())
        for name, item in items.items():
            self.state.pop(name, None)
            self.state |= {} if item is None else {name: item}
        for topic, key, value, _ in records:
            if topic == "audit":
                self.audit.append(value or b"")
            else:
                self.newest[(key or b"").decode()] = value or b""

    def trail(self) -> Trail:
        self.until(0)
        kinds = {"incidents": list(self.newest.values()), "audit": self.audit, "signals": self.signals}
        return Trail(lambda kind: kinds[kind])

    def of(self, asset: str) -> str:
        found = self.trail().incidents().values()
        return next(i.id for i in found if any(m.asset == asset for m in i.members))

    def explain(self, asked: str) -> answer.Explanation:
        trail = self.trail()
        incidents = trail.incidents()
        found = answer.find(asked, incidents)
        if found is None:
            found = answer.holding(next(s for s in trail.signals(lambda s: s.identity() == asked)), incidents)
        assert found is not None
        return answer.explain(asked, found, trail.notes(), trail.signals(lambda s: True), past)


def past(set_id: str, name: str) -> Written | None:
    return Written(read(TEXT), "scenarios/air.yaml", TEXT) if (set_id, name) == ("s", "eco.air") else None


def told(e: answer.Explanation, lang: str = "en") -> str:
    to = Console(record=True, width=160, file=io.StringIO())
    show(e, "en" if lang == "en" else "zh", to, texts=True)
    return to.export_text()


def test_a_weak_signal_on_a_busy_console_is_told_with_its_evidence_what_was_needed_and_what_would_show_it() -> None:
    city = City(calm=1, weak=2)
    city.raised(10, "air", "a")
    city.raised(20, "air", "b", at=5000)
    city.clear(40, city.raised(30, "air", "c", at=10_000))
    city.until(2_000_000)
    e = city.explain(city.of("c"))
    text = told(e)
    assert "so: not shown: over before it was shown; until then: one weak signal, watched" in text.splitlines()[-1]
    assert "evidence 0 = level 1: 0 + kinds of source 1: 0 + assets 1: 0" in text
    assert "needed 2.75; shown in the ten minutes before: 1, room for 5 more" in text
    assert [w.en for w in e.would] == [
        "still standing at 01-01 08:02:00", "one more asset, of another kind of source, at level 3 or above",
        "a person who shows it",
    ]  # fmt: skip


@pytest.mark.parametrize(("level", "shown"), [(2, False), (3, True)])
def test_what_is_said_to_have_been_enough_is_enough_and_less_is_not(level: int, shown: bool) -> None:
    city = City(calm=1, weak=2)
    city.raised(10, "air", "a")
    weak = city.raised(30, "air", "c", at=10_000)
    more = city.raised(35, "air", "d", at=10_100, level=level, source="video")
    city.clear(40, weak)
    city.clear(41, more)
    city.until(2_000_000)
    e = city.explain(city.of("c"))
    assert (e.shown is not None) == shown
    assert ("evidence 5 ≥ 2.75" in e.so.en) == shown


def test_a_second_reason_of_one_signal_has_its_event_time_too() -> None:
    city = City()
    city.raised(10, "air", "a")
    city.raised(70, "air", "b", at=100, source="video")
    city.raised(100, "air", "b", at=100, source="video")
    lines = city.explain(city.of("a")).lines
    assert [line.t for line in lines if line.what in {"joined_source", "corroborated"}] == [69_600, 69_600]


def test_a_deferred_one_names_the_storm_and_the_places_that_were_taken() -> None:
    city = City(calm=0, weak=0, most=1, keep=0, free=0)
    city.raised(10, "air", "a", level=4)
    city.until(80_000)
    city.raised(90, "air", "b", at=5000, level=3)
    city.until(200_000)
    e = city.explain(city.of("b"))
    assert "storm" in e.so.en
    assert [line.what for line in e.lines].count("storm.began") == 1
    assert any("at most 1" in w.en for w in e.would)
    assert any("needed" in b.en for line in e.lines for b in line.because)


def test_a_never_hidden_one_was_shown_at_once_and_needs_no_numbers() -> None:
    city = City(calm=0, weak=0)
    city.raised(10, "fire", "f")
    e = city.explain(city.of("f"))
    assert (e.shown, e.so.en, e.would) == (10_000, "shown at 01-01 08:00:10: shown at once: life-safety", [])


def test_an_effect_names_its_cause_and_a_shelf_the_person_the_reason_and_the_end() -> None:
    city = City()
    city.raised(10, "pipe", "p")
    city.raised(20, "pressure", "q", at=300)
    e = city.explain(city.of("q"))
    cause = city.of("p")
    assert e.would[0].en == f"its cause {cause} ending while it still stood"
    assert "causes.yaml: eco.pipe*>eco.pressure*, 1000 m, 3600 s" in told(e)
    city.logic.withheld.put(Shelf(900_000, "op-1", "检修中", asset="x"))
    city.raised(30, "air", "x", at=9000)
    shelved = city.explain(city.of("x"))
    assert "op-1: 检修中" in told(shelved)
    assert "lifted by op-1 or another before 01-01 08:15:00" in shelved.would[0].en


def test_a_signal_that_only_folded_says_into_which_incident_and_by_which_rule() -> None:
    city = City()
    first = city.raised(10, "air", "a")
    second = city.raised(20, "air", "b", at=100)
    again = city.raised(30, "air", "b", at=100)
    for signal, rule in ((first, "opened"), (second, "joined_neighbour"), (again, "joined_repeat")):
        e = city.explain(signal.identity())
        assert e.signal is not None
        assert (e.incident, e.signal.rule) == (city.of("a"), rule)
    text = told(city.explain(second.identity()))
    assert "within 350 m and what both places may be off" in text


def test_a_raise_that_the_incident_no_longer_names_is_found_by_its_asset_and_time() -> None:
    city = City()
    every = [city.raised(10 + 400 * n, "air", "a") for n in range(30)]
    e = city.explain(every[3].identity())
    assert e.signal is not None
    assert (e.incident, e.signal.rule) == (city.of("a"), "joined_repeat")  # the only one that it can have been
    incident = city.trail().incidents()[city.of("a")]
    incident.fates["reopened"] = 1
    unsure = answer.explain(every[3].identity(), incident, [], [], past)
    assert unsure.signal is not None
    assert (unsure.signal.rule, unsure.signal.words.en) == ("", "folded into it; its rule is no longer kept")
    assert sum("pm25 160" in b.en for line in e.lines for b in line.because) == 30


def test_lines_are_in_event_time_of_their_signals_and_long_runs_of_updates_are_counted() -> None:
    city = City()
    one = city.raised(10, "air", "a")
    for n in range(40):
        city.give(msgspec.structs.replace(one, kind="update", n=n + 1, t=11_000 + n, fold=11_500 + n, value=200.0 + n))
    e = city.explain(city.of("a"))
    assert (e.lines[0].t, e.lines[0].fold) == (9600, 10_000)
    assert [line.words.en for line in e.lines if line.what == "more"] == ["… 38 more updates"]


def test_the_scenario_is_the_one_of_the_set_of_then_and_a_set_that_is_gone_is_said_to_be() -> None:
    city = City()
    city.raised(10, "air", "a")
    city.raised(20, "pipe", "p", at=9000)
    text = told(city.explain(city.of("a")), "zh")
    assert "eco.air v3" in text
    assert "# kept as written" in text
    assert "neither on this machine" in told(city.explain(city.of("p")))


def test_what_people_did_and_what_was_refused_them_stands_in_the_story_once() -> None:
    city = City()
    city.raised(10, "air", "a")
    incident = city.trail().incidents()[city.of("a")]
    incident.history = [Act(20_000, "confirm", "op-1", note="看过", id="a-1"), Act(30_000, "take", "op-2", id="a-2")]
    notes: list[Note] = [
        {"what": "feedback.done", "id": "a-1", "do": "confirm", "incident": incident.id, "by": "op-1", "t": 19_000,
         "fold": 20_000, "note": "看过"},
        {"what": "feedback.refused", "id": "a-3", "do": "take", "incident": incident.id, "by": "op-3", "t": 31_000,
         "fold": 32_000, "reason": "stale_revision", "detail": "op-2 has"},
        {"what": "feedback.done", "id": "b-1", "do": "take", "incident": "inc-other", "by": "op-9", "fold": 1},
    ]  # fmt: skip
    e = answer.explain(incident.id, incident, notes, [], past)
    said = [line.words.en for line in e.lines if line.what.startswith(("feedback", "act"))]
    assert said == ["op-1 confirm 看过", "op-2 take", "op-3 take ✗ stale_revision: op-2 has"]


def test_notes_of_an_earlier_release_are_told_without_numbers() -> None:
    city = City(calm=0)
    city.raised(10, "air", "a")
    incident = city.trail().incidents()[city.of("a")]
    note: Note = {"what": "incident.withheld", "incident": incident.id, "t": 10_000, "reason": "held", "until": 70_000}
    e = answer.explain(incident.id, incident, [note], [], past)
    assert e.so.en == "not shown: one weak signal, watched"
    assert [w.en for w in e.would] == ["a person who shows it"]


def test_a_number_that_other_weights_gave_is_told_as_it_was_and_not_worked_out_anew() -> None:
    city = City(calm=0)
    city.raised(10, "air", "a")
    incident = city.trail().incidents()[city.of("a")]
    note = msgspec.json.decode(city.audit[0]) | {"evidence": 1.75, "parts": [2, 0, 1, 1, 0, 0]}
    e = answer.explain(incident.id, incident, [note], [], past)
    assert "weights of another release" in " ".join(told(e).split())
    assert [w.en for w in e.would][1:] == ["3.25 more evidence", "a person who shows it"]


@given(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4), st.integers(1, 5)), st.floats(0, 15))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_there_is_always_an_answer_to_what_would_have_shown_it(raw: tuple[int, int, int, int], need: float) -> None:
    parts = Parts(*raw)
    found = list(verdict._more({"evidence": parts.worth()}, parts, need))
    assert found
    assert all(text.zh and text.en for text in found)


@given(st.binary(max_size=60))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_a_record_that_is_none_is_named_and_nothing_else_is_raised(row: bytes) -> None:
    trail = Trail(lambda kind: [row])
    for read_all in (trail.incidents, trail.notes, lambda: trail.signals(lambda s: True)):
        with contextlib.suppress(TrailError):
            assert isinstance(read_all(), list | dict)


def folder(city: City, at: Path) -> Path:
    trail = city.trail()
    at.mkdir()
    for kind in ("incidents", "audit", "signals"):
        (at / f"{kind}.ndjson").write_bytes(b"".join(row + b"\n" for row in trail._rows(kind)))
    return at


def test_the_command_reads_a_replayed_folder_and_says_near_ids_and_the_way_out(tmp_path: Path) -> None:
    city = City()
    signal = city.raised(10, "air", "a")
    where, name = str(folder(city, tmp_path / "out")), city.of("a")
    run = CliRunner()
    found = run.invoke(app, ["explain", signal.identity(), "--from", where, "--json", "--lang", "en"])
    assert found.exit_code == 0, found.output
    e = msgspec.json.decode(found.stdout)
    assert (e["incident"], e["signal"]["rule"], e["shown"]) == (name, "opened", 10_000)
    wrong = run.invoke(app, ["explain", name[:-1] + "z", "--from", where, "--lang", "en"])
    assert wrong.exit_code == 1
    assert name in wrong.output
    assert "brain tail incidents" in wrong.output


def test_what_is_neither_folder_nor_bundle_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("no\n")
    for path, said, zh in (
        (tmp_path, "incidents.ndjson is missing", "缺少 incidents.ndjson"),
        (tmp_path / "x.txt", "neither a bundle", "既不是录制包"),
    ):
        with pytest.raises(TrailError, match=said) as refused:
            recorded(path, Settings())
        assert zh in refused.value.text("zh")
        told = CliRunner().invoke(app, ["explain", "inc-x", "--from", str(path), "--lang", "zh"])
        assert (told.exit_code, zh in " ".join(told.output.split())) == (1, True)


def test_a_record_that_is_none_is_told_in_both_languages() -> None:
    with pytest.raises(TrailError) as refused:
        Trail(lambda kind: [b"{"]).notes()
    assert str(refused.value) == "audit: Input data was truncated: b'{'"
    assert refused.value.text("zh") == "audit: 内容不完整: b'{'"


def test_the_numbers_on_the_audit_topic_are_the_same_after_a_restart() -> None:
    def story(restart: bool) -> list[bytes]:
        city = City(calm=0)
        for n in range(12):
            city.raised(10 + 7 * n, "air", f"a{n}", at=2000 * n, level=n % 4)
            city.until(0)
            if restart:
                city.logic = CityLogic(FoldSettings(), desk=DeskSettings(calm=0))
                city.logic.load(dict(city.state))
                city.logic.enter("s", SET)
        return city.audit

    assert story(True) == story(False)
    assert any(b'"evidence"' in note for note in story(False))


def test_an_asset_that_was_doubted_meanwhile_is_named_with_its_trust() -> None:
    city = City()
    city.raised(10, "air", "a")
    city.raised(20, "air", "a")
    incident = city.trail().incidents()[city.of("a")]
    incident.members[0].trust, incident.members[0].doubts = 0.25, ["flatline"]
    note: Note = {"what": "asset.doubted", "asset": "a", "trust": 0.25, "reasons": ["flatline"], "t": 15_000}
    e = answer.explain(incident.id, incident, [note, note | {"asset": "b"}], [], past)
    assert [line.words.en for line in e.lines if line.what == "asset.doubted"] == ["trust in asset a 0.25 flatline"]
    assert e.members[0].words.en.endswith("trust 0.25 flatline")


def test_a_bundle_is_replayed_first_and_its_sets_scenarios_are_found(tmp_path: Path) -> None:
    rows = [{"asset": "wl-01", "metric": "water_level", "t": 1_718_000_000_000 + 1000 * n, "v": 2.7} for n in range(9)]
    plain = tmp_path / "readings.ndjson"
    plain.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    at = Settings(set_cache=str(tmp_path / "cache"))
    rules = replay_settings(at)
    lines, _ = bundle.plain([("iot.telemetry", plain)], dict(rules.partitions), rules.key, rules.genesis)
    bundle.write(tmp_path / "b.ndjson.gz", lines)
    trail = recorded(tmp_path / "b.ndjson.gz", at)
    (incident,) = trail.incidents().values()
    assert [n["what"] for n in trail.notes() if n.get("incident") == incident.id] == ["incident.shown"]
    e = answer.explain(incident.id, incident, trail.notes(), trail.signals(lambda s: True), Past(at).scenario)
    assert [then.file for then in e.rules] == ["scenarios/emergency/water_level_high.yaml"]
    assert "id: emergency.flood.water_level_high" in e.rules[0].text


def test_incidents_carry_nothing_of_what_the_desk_judged_by() -> None:
    names = {f.name for f in msgspec.structs.fields(Incident)}
    assert not names & {"evidence", "need", "room", "alike", "parts"}
