"""What the tickets lane makes of texts: classes, urgency, mood, mass sending, rising topics, places found by words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import FIRE, Rig, city, ticket, told

from brain.addresses import Addresses, addresses_of
from brain.hotline import HotlineText, Reading, shipped_text
from brain.lane import TicketsLane
from brain.scenarios import ScenarioError, read
from brain.set_library import SetLibrary
from brain.sets import CitySet, digest, digest_of, files, own, write
from geo.addresses import AddressBook, AddressMatcher
from models.text.classify import Classifier, ClassifierSettings, train
from models.text.store import save
from streams.records import Signal
from streams.set_store import pack, unpack

DEMO = Path(__file__).parents[2] / "config" / "demo"
FEW = settings(max_examples=15, deadline=None, derandomize=True)
WISH = "我们小区三栋楼下的餐馆每天晚上营业到凌晨两点，油烟和噪音让老人孩子无法入睡，请有关部门查处"
PIECES = ("锅炉房半夜轰鸣", "锅炉房太吵睡不着", "锅炉房噪音扰民", "夜里锅炉房一直响")


def calls(name: str, match: str, detect: str, more: str = "") -> str:
    return f"""
id: public.{name}
version: 1
name: {{zh: {name}, en: {name}}}
domain: public
event_code: public.{name}
source: hotline
match: {match}
detect: {detect}
{more}
"""


URGENT = calls("urgent", "{urgency_from: 2}", "{ticket: each}")
ANGRY = calls("angry", "{mood_below: -0.5}", "{count_over: 1, window_s: 600}")
ROADS = calls("road", "{class: 道路}", "{ticket: each}")
MASS = calls("mass", "{}", "{mass: 3, window_s: 3600}", "clear: {quiet_s: 600}\nlevels: [{level: 3, at: 5}]")
TOPIC = calls("topic", "{}", "{topic: rising}")


@pytest.fixture(scope="module")
def model() -> Classifier:
    about = {"道路": ("路灯坏了", "路面有坑", "红绿灯不亮"), "教育": ("学校收费", "老师补课", "食堂饭菜")}
    texts = [(a, f"{p}{a}请处理") for p in ("东门", "西湖", "北站", "南山") for words in about.values() for a in words]
    labels = [label for _ in range(4) for label, words in about.items() for _ in words]
    return train(texts, labels, settings=ClassifierSettings(taught=0.0))


def with_model(content: CitySet, model: Classifier) -> CitySet:
    shipped = shipped_text()
    content.text = HotlineText(shipped.place, shipped.lexicon, model)
    return content


def rising(rig: Rig, callers: int = 12, **more: Any) -> None:
    """Noise of other matters, then many who speak of one, a minute apart."""
    for n in range(30):
        other = "".join(chr(0x5000 + 61 * n + 7 * k) for k in range(6))
        rig.say(ticket(f"n{n}", 0, other, title=other, caller=f"n{n}"))
    for n in range(callers):
        rig.beat(60)
        title = f"望海新苑{PIECES[n % 4]}"
        body = f"{PIECES[n % 4]}，电话13800000{n:03}"
        rig.say(ticket(f"r{n}", 60 * (n + 1), body, title=title, caller=f"c{n}", **more))
    rig.beat(60)


# -- one by one


def test_a_ticket_is_matched_by_its_urgency_and_the_signal_says_urgency_and_place() -> None:
    rig = Rig(TicketsLane, city(URGENT))
    rig.say(ticket("a", 1, "投诉望海路爆管，电话13800000000"))
    rig.say(ticket("b", 2, "建议增加长椅"))
    rig.say(ticket("c", 3, "没有停水，谢谢"))
    (signal,) = rig.run().signals
    assert (signal.kind, signal.urgency, signal.place, signal.category) == ("raise", 2, "望海路", "")
    assert "13800000000" not in msgspec.json.encode(signal).decode()


def test_angry_tickets_are_counted_and_sober_ones_are_not() -> None:
    rig = Rig(TicketsLane, city(ANGRY))
    for n, text in enumerate(("态度差，敷衍", "路灯坏了", "推诿，太差", "谢谢，满意")):
        rig.say(ticket(f"a{n}", n, text))
    assert told(rig.run().signals) == [("raise", 2, 1)]


def test_a_class_is_what_the_classifier_is_sure_of_and_without_one_there_is_none(model: Classifier) -> None:
    for content, said in ((with_model(city(ROADS, FIRE), model), ["道路"]), (city(ROADS, FIRE), [])):
        rig = Rig(TicketsLane, content)
        for n, text in enumerate(("南门路灯坏了", "老师补课", "今日天气晴朗")):
            rig.say(ticket(f"a{n}", n, text, title=text))
        assert [s.category for s in rig.run().signals] == said


def test_a_life_safety_word_raises_whatever_the_text_is_taken_for(model: Classifier) -> None:
    rig = Rig(TicketsLane, with_model(city(FIRE, ROADS, MASS, TOPIC), model))
    rig.say(ticket("a", 1, "并非路灯坏了，是着火了，没有火灾险，谢谢，很满意"))
    first = rig.run().signals[0]
    assert (first.scenario, first.kind, first.life) == ("emergency.fire.call", "raise", True)


@pytest.mark.parametrize("match", ["{words: [着火], urgency_from: 3}", "{words: [着火], mood_below: 0}", "{class: 火}"])
def test_no_model_can_stand_between_a_life_safety_word_and_its_alarm(match: str) -> None:
    text = calls("fire", match, "{words: any}" if "words" in match else "{ticket: each}", "life: true")
    with pytest.raises(ScenarioError, match="raises on its words alone"):
        read(text)


@pytest.mark.parametrize(
    ("match", "detect", "more", "says"),
    [
        ("{}", "{ticket: each}", "", "expected words, class, urgency_from or mood_below"),
        ("{urgency_from: 4}", "{ticket: each}", "", r"urgency_from: expected 1 \(pressing\) to 3"),
        ("{mood_below: 2}", "{ticket: each}", "", "mood_below: expected a number in"),
        ("{class: a}", "{words: any}", "", "expected words, because detect is words"),
        ("{words: [a]}", "{topic: rising}", "", "a topic has a class and nothing else"),
        ("{}", "{mass: 1}", "", "expected 2 to 64 callers"),
        ("{}", "{mass: 3}", "levels: [{level: 2, at: 100}]", "expected 2 to 64 callers"),
        ("{}", "{topic: rising}", "clear: {score_below: 9}", "expected the safe side of 8"),
        ("{}", "{topic: rising, window_s: 60}", "", "mass may have a window_s"),
        ("{}", "{topic: falling}", "", "invalid enum value 'falling'"),
        ("{class: a}", "{ticket: each}", "levels: [{level: 2, at: 3}]", "levels: only with"),
    ],
)
def test_a_wrong_scenario_on_texts_is_told_what_was_expected(match: str, detect: str, more: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(calls("x", match, detect, more))


def test_a_model_that_fails_on_a_text_costs_neither_its_alarm_nor_its_neighbours(model: Classifier) -> None:
    class Failing(HotlineText):
        def read(self, titles: Sequence[str], texts: Sequence[str]) -> Reading:
            if any("坏" in text for text in texts):
                raise FloatingPointError("a model of somebody's")
            return super().read(titles, texts)

    content = city(FIRE, URGENT)
    content.text = Failing(shipped_text().place, shipped_text().lexicon, model)
    whole: list[Signal] | None = None
    for cuts in ((), (1, 2)):
        rig = Rig(TicketsLane, content)
        for n, text in enumerate(("望海路爆管", "门坏了，屋里着火了", "停电")):
            rig.say(ticket(f"a{n}", n, text))
        out = rig.run(cuts)
        assert [(s.scenario, s.urgency) for s in out.signals] == [("public.urgent", 2), ("emergency.fire.call", 0)]
        assert (out.counts["unread"], out.dead) == (1, [])
        assert whole in (None, out.signals)
        whole = out.signals


# -- mass sending


def mass() -> Rig:
    rig = Rig(TicketsLane, city(MASS))
    for n, caller in enumerate("aababcde"):
        rig.say(ticket(f"m{n}", n, WISH + "！" * n, caller=caller))
    rig.say(ticket("other", 9, "完全不同的另一段话，说的是公交车总是晚点的问题", caller="z"))
    rig.beat(601)
    rig.say(ticket("late", 4000, WISH, caller="f"))
    return rig


def test_a_text_that_enough_callers_send_is_raised_once_grows_and_ends_in_silence() -> None:
    out = mass().run()
    assert told(out.signals) == [("raise", 5, 1), ("update", 7, 3), ("clear", 9, 0)]
    assert {s.asset for s in out.signals} == {"copies/0"}
    assert [s.value for s in out.signals] == [3.0, 5.0, None]
    assert out.signals[0].threshold == 3.0


def test_mass_sending_is_the_same_however_the_log_is_cut_and_after_any_restart() -> None:
    whole = mass().run().signals
    assert all(mass().run(cuts, restarts=cuts).signals == whole for cuts in (range(1, 11), (6,), (9, 10)))


def test_a_place_of_a_case_that_ended_is_used_again() -> None:
    rig = Rig(TicketsLane, city(MASS))
    for n in range(4):
        for caller in "abc":
            rig.say(
                ticket(f"{n}{caller}", 1000 * n, chr(0x5000 + n) + WISH[::-1][n:] + chr(0x5100 + n) * 40, caller=caller)
            )
        rig.beat(700)
    rig.run()
    assert rig.store.table("case").n == 1


# -- topics


def test_a_rising_topic_is_raised_at_a_minutes_end_with_its_words_place_and_count() -> None:
    rig = Rig(TicketsLane, city(TOPIC))
    rising(rig)
    (signal,) = rig.run().signals
    assert (signal.kind, signal.asset, signal.source) == ("raise", "topic/30", "hotline")
    assert signal.value == 6.0
    assert signal.score is not None
    assert signal.score >= 8.0 == signal.threshold
    assert (signal.place, signal.grid, signal.lon) == ("望海新苑", "g0", 113.5)
    assert "锅炉房" in signal.text
    assert signal.offset in rig.beats


def test_topics_are_the_same_however_the_log_is_cut_and_after_any_restart() -> None:
    rig = Rig(TicketsLane, city(TOPIC, MASS, URGENT))
    rising(rig)
    whole = rig.run().signals
    assert whole
    n = len(rig.records)
    for cuts in (range(1, n), range(3, n, 7), (n - 2,)):
        rig.begin()
        assert rig.run(cuts, restarts=cuts).signals == whole


def test_a_topic_without_a_common_place_names_none_and_one_without_positions_its_district() -> None:
    spread = Rig(TicketsLane, city(TOPIC))
    rising(spread, lon=None, lat=None, district="440402")
    (signal,) = spread.run().signals
    assert (signal.lon, signal.grid, signal.district) == (None, "", "440402")


def test_a_topic_ends_when_nobody_speaks_of_it_any_more() -> None:
    rig = Rig(TicketsLane, city(TOPIC))
    rising(rig)
    for _ in range(8):
        rig.beat(86_400)
    assert [s.kind for s in rig.run().signals] == ["raise", "clear"]
    quick = Rig(TicketsLane, city(TOPIC + "clear: {quiet_s: 300}\n"))
    rising(quick)
    for _ in range(20):
        quick.beat(60)
    assert [s.kind for s in quick.run().signals] == ["raise", "clear"]


def test_a_topic_of_a_class_needs_most_of_its_tickets_to_be_of_it(model: Classifier) -> None:
    for kind, count in (("道路", 1), ("教育", 0)):
        rig = Rig(TicketsLane, with_model(city(TOPIC.replace("match: {}", f"match: {{class: {kind}}}")), model))
        for n in range(12):
            rig.beat(60)
            rig.say(ticket(f"r{n}", 60 * n, "路灯坏了请处理", title="南山路灯坏了", caller=f"c{n}"))
        rig.beat(60)
        signals = rig.run().signals
        assert [s.category for s in signals] == [kind] * count


def test_state_holds_no_number_of_a_person_and_stays_bounded() -> None:
    rig = Rig(TicketsLane, city(TOPIC, MASS))
    rising(rig, 20)
    rig.run()
    rig.restart()
    assert not any(b"13800000" in (value or b"") for _, value in rig.log)
    assert rig.store.table("topic.topic").n <= 2048
    assert rig.store.table("topic.gram").n <= 1 << 18


@FEW
@given(st.lists(st.tuples(st.text(max_size=60), st.text("着火没有路市。\x00\ud7ff🔥 1", max_size=60)), max_size=6))
def test_any_text_passes_through_everything_at_once(texts: list[tuple[str, str]]) -> None:
    rig = Rig(TicketsLane, city(URGENT, ANGRY, MASS, TOPIC, FIRE))
    for n, (title, text) in enumerate(texts):
        rig.say(ticket(f"x{n}", n, text, title=title))
    rig.beat(61)
    out = rig.run()
    assert out.counts.get("tickets", 0) + len(out.dead) == len(texts)


# -- places by words


BOOK = AddressBook.of(
    {
        "code": ["p1", "p2", "p3"], "district": ["香湾区"] * 3, "road": ["望海路", "望海路", "东风路"],
        "number": ["12", "14", "8"], "lon": [113.5, 113.6, 114.5], "lat": [22.5, 22.5, 22.5],
    }
)  # fmt: skip


def test_a_ticket_without_position_is_placed_by_its_address_else_by_its_text_and_else_by_its_district() -> None:
    content = city(FIRE)
    content.addresses = Addresses(AddressMatcher(BOOK), "book")
    rig = Rig(TicketsLane, content)
    nowhere = {"lon": None, "lat": None}
    rig.say(ticket("a", 1, "着火了", address="东风路8号", **nowhere))
    rig.say(ticket("b", 2, "望海路12号着火了", **nowhere))
    rig.say(ticket("c", 3, "望海路着火了", **nowhere))
    rig.say(ticket("d", 4, "着火了", address="东风路8号"))
    out = rig.run()
    assert [s.asset for s in out.signals] == ["g1/fire", "g0/fire", "ticket c/fire", "g0/fire"]
    sure = [s.confidence for s in out.signals]
    assert sure[0] is not None
    assert sure[0] >= 0.9
    assert sure[2:] == [None, None]
    assert out.counts["by_address"] == 2


def test_a_sets_book_is_its_file_or_the_addresses_of_its_map_and_is_built_once(tmp_path: Path) -> None:
    table = "code,road,number,lon,lat\np1,望海路,12,113.5,22.5\n".encode()
    found = addresses_of({"text/addresses.csv": table}, tmp_path, ())
    assert found is not None
    assert found.place(["望海路12号"])[0].tolist() == [113.5]
    assert addresses_of({"text/addresses.csv": table}, tmp_path, (), [None, found]) is found
    point = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [113.5, 22.5]},
        "properties": {"layer": "address", "code": "p1", "road": "望海路", "number": "12"},
    }  # fmt: skip
    of_map = addresses_of({"map.geojson": msgspec.json.encode({"features": [point]})}, tmp_path, ())
    assert of_map is not None
    assert of_map.place(["望海路12号", "无"])[2].tolist()[0] >= 0.9
    assert addresses_of({"map.geojson": b"{}"}, tmp_path, ()) is None
    with pytest.raises(ValueError, match=r"text/addresses\.csv: .*expected a column 'code'"):
        addresses_of({"text/addresses.csv": b"a,b\n1,2\n"}, tmp_path, ())


# -- sets


def test_the_shipped_words_count_in_a_sets_hash_and_travel_with_it(tmp_path: Path) -> None:
    packed = unpack(pack(files(DEMO)))
    assert {"text/place.yaml", "text/lexicon.yaml"} <= set(packed)
    assert digest_of(packed) == digest(DEMO) != digest_of(own(DEMO))
    write(packed, tmp_path / "copy")
    (tmp_path / "copy/text/lexicon.yaml").write_text("kinds: {life: [龙吸水]}", encoding="utf-8")
    changed = CitySet.load(tmp_path / "copy")
    assert changed.id != digest(DEMO)
    assert changed.text.lexicon.kinds == {"life": ["龙吸水"]}


def test_a_set_that_an_earlier_release_named_is_still_found_under_that_name(tmp_path: Path) -> None:
    before = digest_of(own(DEMO))
    library = SetLibrary([DEMO], tmp_path)
    assert library.get(before).id == before
    assert SetLibrary([], tmp_path / "other", lambda _: own(DEMO)).find(before, tmp_path / "none").id == before


def test_a_scenario_by_class_needs_a_classifier_that_says_it(tmp_path: Path, model: Classifier) -> None:
    write(files(DEMO), tmp_path / "s")
    (tmp_path / "s/scenarios/public").mkdir(exist_ok=True)
    (tmp_path / "s/scenarios/public/roads.yaml").write_text(ROADS, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"match\.class: '道路', and the set has no classifier"):
        CitySet.load(tmp_path / "s")
    save(model, tmp_path / "s/text/classes.skops")
    loaded = CitySet.load(tmp_path / "s")
    assert loaded.text.model is not None
    assert "text/classes.skops" in files(tmp_path / "s")
    again = CitySet.load(tmp_path / "s", others=[loaded])
    assert again.text is loaded.text
    (tmp_path / "s/scenarios/public/roads.yaml").write_text(ROADS.replace("道路", "水务"), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"'水务', and the classifier says '教育', '道路'"):
        CitySet.load(tmp_path / "s")


def test_a_stretch_that_is_taken_back_leaves_nothing_behind() -> None:
    rig = Rig(TicketsLane, city(TOPIC, MASS))
    rising(rig)
    whole = rig.run().signals
    rig.begin()
    rig.store.flush(1)
    for _ in range(2):
        assert rig.run().signals == whole
        rig.store.rollback()
        rig.lane.bind(rig.store, rig.at, rig.partitions)
        rig.lane.enter(rig.content.id, rig.content)
