"""What `brain tail` lets through and how it reads."""

from __future__ import annotations

import dataclasses
import io

import msgspec
import pytest
from city_rig import parted
from rich.console import Console

from brain import tail
from brain.incidents.city import CityLogic
from streams.records import SEAL_TYPE, SIGNAL_TYPE, Headers, Signal
from streams.tailing import Seen

SIGNAL = Signal(
    "eco.air.pm25_high", "air-1", "raise", ("iot.telemetry", 0, 7, 0), 0, 7, 0, 1_718_000_000_000, 1_718_000_000_000,
    1_718_000_000_000, level=3, metric="pm25", value=180.5, threshold=150.0, grid="g-12", district="香洲区",
)  # fmt: skip


def seen(value: bytes, headers: Headers = (), topic: str = "signals.iot.telemetry") -> Seen:
    return Seen(topic, 0, 1, 1_718_000_000_000, b"k", value, headers)


def signal_record() -> Seen:
    return seen(msgspec.json.encode(SIGNAL), (("ce_type", SIGNAL_TYPE),))


def incident_record(kind: str = "raise") -> Seen:
    logic = CityLogic()
    logic.signal(SIGNAL)
    if kind == "clear":
        logic.signal(msgspec.structs.replace(SIGNAL, kind="clear", n=1))
        logic.fire(logic.due() or 0)
    _, records = parted(logic.changes())
    ((topic, _, value, headers),) = (record for record in records if record[0] != "audit")
    return seen(value or b"", headers, topic)


def printed(stage: str, record: Seen, lang: tail.Lang = "zh", output: str = "text", **filters: object) -> str:
    to = Console(file=io.StringIO(), width=300)
    tail.show(iter([record]), stage, tail.Filters(**filters), output, lang, 0, to)  # type: ignore[arg-type]
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_an_incident_reads_in_chinese_by_default_and_in_english_by_option() -> None:
    text = printed("incidents", incident_record())
    assert all(part in text for part in ("3级", "[生态]", "新事件", "香洲区 / g-12", "未消除 1/共 1", "06-10 14:13:20"))
    english = printed("incidents", incident_record(), "en")
    assert all(part in english for part in ("L3", "[ecology]", "new", "1 of 1 standing"))


def test_a_resolved_incident_says_why_it_ended() -> None:
    assert "静默期满，结束" in printed("incidents", incident_record("clear"))


def test_an_incident_of_a_doubted_sensor_is_said_to_be_unverified() -> None:
    record = incident_record()
    fields = {**msgspec.json.decode(record.value or b""), "doubts": ["unverified"], "trust": 0.42}
    doubted = dataclasses.replace(record, value=msgspec.json.encode(fields))
    assert "未核实 42%" in printed("incidents", doubted)
    assert "unverified 42%" in printed("incidents", doubted, "en")
    assert "未核实" not in printed("incidents", record)


def test_what_people_are_not_shown_says_why_and_is_left_out_on_request() -> None:
    hidden = msgspec.json.decode(incident_record().value or b"")
    hidden |= {"shown": None, "withheld": "held", "reasons": [[0, "held", ""]]}
    record = seen(msgspec.json.encode(hidden), topic="incidents.eco")
    assert printed("incidents", record, "en").count("one weak signal, watched") == 1
    assert "not shown" in printed("incidents", record, "en")
    assert printed("incidents", record, shown=True) == ""
    assert printed("incidents", incident_record(), shown=True) != ""


def test_a_signal_shows_value_and_threshold() -> None:
    assert "pm25 180.5 (阈值 150)" in printed("signals", signal_record())


def test_an_alarm_of_a_doubted_sensor_says_so_and_why() -> None:
    alarm = msgspec.structs.replace(SIGNAL, life=True, trust=0.53, doubts=("impossible", "of another release"))
    record = seen(msgspec.json.encode(alarm), (("ce_type", SIGNAL_TYPE),))
    assert " · 设备可信度 53% (数值不可能、of another release)" in printed("alarms", record)
    assert " · trust 53% (impossible values, of another release)" in printed("alarms", record, "en")
    assert "设备可信度" not in printed("alarms", signal_record())


def test_a_signal_that_a_standard_judged_shows_grade_and_table() -> None:
    judged = msgspec.structs.replace(SIGNAL, threshold=None, score=4.0, standard="gb3838-2002", grade="IV")
    text = printed("signals", seen(msgspec.json.encode(judged), (("ce_type", SIGNAL_TYPE),)))
    assert "pm25 180.5 · IV (gb3838-2002) · " in text


def test_the_engines_own_records_among_signals_are_not_shown() -> None:
    assert printed("signals", seen(b"{}", (("ce_type", SEAL_TYPE),))) == ""


@pytest.mark.parametrize(
    ("filters", "through"),
    [
        ({"scenario": "eco.*"}, True), ({"scenario": "market.*"}, False), ({"domain": "eco"}, True),
        ({"domain": "market"}, False), ({"level": 3}, True), ({"level": 4}, False), ({"grid": "g-1?"}, True),
        ({"grid": "g-2*"}, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stage", ["signals", "incidents"])
def test_filters_let_through_what_they_name(stage: str, filters: dict[str, object], through: bool) -> None:
    record = signal_record() if stage == "signals" else incident_record()
    assert bool(printed(stage, record, **filters)) == through


def test_a_dead_letter_cannot_move_the_readers_cursor() -> None:
    record = seen(b"\x1b[2J\x00oops", (("reason", b"not_json"),), "deadletter")
    text = printed("deadletter", record)
    assert "reason=not_json" in text
    assert "\x1b" not in text
    assert "oops" in text


def test_json_gives_one_object_a_line_even_for_bytes_that_are_no_text() -> None:
    line = msgspec.json.decode(printed("audit", seen(b"\xff"), output="json"))
    assert line["value_b64"] == "/w=="
    assert msgspec.json.decode(printed("incidents", incident_record(), output="json"))["value"]["state"] == "detected"


def test_every_stage_has_its_topics() -> None:
    assert len(tail.topics_of("incidents", "t1.")) == 6
    assert tail.topics_of("alarms", "t1.")[0] == "t1.alarms.iot.telemetry"
    assert tail.topics_of("pulse") == ["pulse"]
