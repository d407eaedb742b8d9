"""Personal data never leave in clear: bundles, evidence, dead letters, logs and what the commands print."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from typer.testing import CliRunner

from brain import logs, tail
from brain.commands import deadletter, replay, topics
from brain.masking import bundle_mask
from brain.pipeline import replay_settings
from brain.settings import Settings
from brain.signed import sign
from streams import bundle, private
from streams import deadletter as letters
from streams.deadletter import Letter
from streams.log import LogError
from streams.records import CE_TYPE, PULSE_TYPE, TP, Headers
from streams.replay import Replayed, ReplaySettings
from streams.replay import replay as run_replay
from streams.tailing import Seen

T0 = 1_795_000_000_000
PHONE, IDENTITY, NAME = "13812345678", "440402199001011239", "张三丰"
SECRETS = (PHONE, "5678", IDENTITY, "19900101", NAME, "１２３４", "卡洛斯")
WHERE = {"district": "440402", "lon": 113.55, "lat": 22.24, "caller": "hash-of-a-caller"}
TICKETS: list[dict[str, Any]] = [
    {"title": "三楼着火", "text": f"我叫{NAME}，电话{PHONE}，身份证{IDENTITY}"},
    {"title": "着火 请回1381234", "text": "5678有浓烟"},
    {"title": "浓烟，我叫", "text": f"{NAME}，燃气泄漏"},
    {"title": "起火", "text": "１３８ １２３４ ５６７８ 求救", "address": f"联系人：{NAME}"},
    {"title": "失火", "text": f"身份证{IDENTITY[:6]} {IDENTITY[6:14]}-{IDENTITY[14:17]}x", "caller": PHONE},
    {"title": "浓烟", "text": "+86 138 1234 5678 快来", "name": "卡洛斯", "phone": int(PHONE)},
    {"title": "着火", "text": f"住址 粤C12345 a.b@c.cn {PHONE}", "t": PHONE},
    {"title": "着火", "text": int(PHONE)},
]
BROKEN = (f'{{"id":"T","text":"我叫{NAME} {PHONE}'.encode(), f"我叫{NAME}".encode("gbk"), PHONE.encode(), b"", b"[]")


@pytest.fixture(scope="module")
def rules() -> ReplaySettings:
    return replay_settings(Settings())


@pytest.fixture(scope="module")
def raw(rules: ReplaySettings, tmp_path_factory: pytest.TempPathFactory) -> list[bundle.Line]:
    file = tmp_path_factory.mktemp("tickets") / "tickets.ndjson"
    rows = [json.dumps({"id": f"T{n}", "t": T0 + n * 2_000, **WHERE, **t}).encode() for n, t in enumerate(TICKETS)]
    again = json.dumps({"id": "T0", "t": T0, **WHERE, **TICKETS[0]}).encode()
    file.write_bytes(b"\n".join([*rows, *BROKEN, again]))
    made, _ = bundle.plain([("hotline.tickets", file)], dict(rules.partitions), rules.key, rules.genesis)
    acted = [line for line in made if line.topic == "feedback"]
    acted[5:5] = [
        bundle.Line.of(TP("feedback", 0), 0, T0 + 4_000, b"k", *said) for said in (_act(), _act(key=b"forged"))
    ]
    return [line for line in made if line.topic != "feedback"] + [
        msgspec.structs.replace(line, offset=n) for n, line in enumerate(acted)
    ]


def _act(key: bytes | None = None) -> tuple[bytes, Headers]:
    value = msgspec.json.encode({
        "do": "create", "id": "c1", "t": T0 + 3_000, "by": {"id": "op-1", "role": "operator", "unit": "desk"},
        "code": "emergency.fire.call", "text": f"我叫{NAME} 电话{PHONE}", "address": f"联系人：{NAME}", "lon": 113.55,
        "lat": 22.24,
    })  # fmt: skip
    return value, sign(value, key or Settings().key())


@pytest.fixture(scope="module")
def masked(raw: list[bundle.Line]) -> list[bundle.Line]:
    return list(bundle_mask(Settings()).lines(raw))


@pytest.fixture(scope="module")
def replayed(rules: ReplaySettings, raw: list[bundle.Line], masked: list[bundle.Line]) -> tuple[Replayed, Replayed]:
    return run_replay(raw, rules), run_replay(masked, rules)


def test_a_masked_bundle_replays_to_the_same_signals_and_incidents_byte_for_byte(
    replayed: tuple[Replayed, Replayed],
) -> None:
    before, after = replayed
    assert len(before.signals) >= 6
    assert before.incidents
    assert before.signals == after.signals
    assert before.incidents == after.incidents
    assert any(b'"op-1"' in one for one in before.incidents), "what people made by hand is there too"
    reasons = [sorted((d["origin"], d["reason"]) for d in map(json.loads, one.dead)) for one in replayed]
    assert reasons[0] == reasons[1]


def test_masking_moves_no_record(raw: list[bundle.Line], masked: list[bundle.Line]) -> None:
    assert [(m.tp, m.offset, m.timestamp) for m in masked] == [(r.tp, r.offset, r.timestamp) for r in raw]
    pulses = [r for r in raw if (CE_TYPE, PULSE_TYPE) in r.header_pairs()]
    assert pulses
    assert [m for m in masked if (CE_TYPE, PULSE_TYPE) in m.header_pairs()] == pulses


def test_nothing_of_a_person_is_in_bundle_signals_incidents_or_dead_letters(
    masked: list[bundle.Line], replayed: tuple[Replayed, Replayed]
) -> None:
    before, _ = replayed
    places = {
        "bundle": "".join(f"{m.key} {(m.value_bytes() or b'').decode(errors='ignore')}" for m in masked),
        "signals": b"".join(before.signals).decode(), "incidents": b"".join(before.incidents).decode(),
        "dead letters": b"".join(before.dead).decode(),
    }  # fmt: skip
    for place, text in places.items():
        for secret in SECRETS:
            assert secret not in text, place


def test_record_masks_says_how_much_and_stops_without_the_audit_when_asked_for_raw(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raw: list[bundle.Line]
) -> None:
    rows = [(r.tp, r.offset, r.timestamp, r.key_bytes(), r.value_bytes(), r.header_pairs()) for r in raw]
    monkeypatch.setattr(replay, "snapshot", lambda *_: iter(rows))
    out, where = tmp_path / "b.ndjson", ["--bootstrap", "127.0.0.1:1"]
    done = CliRunner().invoke(replay.app, ["record", str(out), *where])
    assert done.exit_code == 0, done.output
    assert "content left out of" in " ".join(done.output.split())
    assert PHONE not in out.read_text()
    out.unlink()
    for asked in (["--raw"], ["--raw", "--by", "auditor-1", "--why", "申诉"]):  # the second finds no broker
        refused = CliRunner().invoke(replay.app, ["record", str(out), *asked, *where])
        assert refused.exit_code == 1
        assert not out.exists()
    told: list[Any] = []
    monkeypatch.setattr(replay, "disclose", lambda *_, **more: told.append(more))
    done = CliRunner().invoke(replay.app, ["record", str(out), "--raw", "--by", "a", "--why", "w", *where])
    assert done.exit_code == 0, done.output
    assert (told[0]["by"], told[0]["why"]) == ("a", "w")
    assert PHONE in out.read_text()


LETTER = Letter(
    TP("deadletter", 0), 1, T0, TP("hotline.tickets", 0), 5, 0, "decode", "not_json", f"我叫{NAME}", T0, PHONE.encode(),
    f"我叫{NAME} {PHONE}".encode(), 30,
)  # fmt: skip


@pytest.mark.parametrize("command", [["list"], ["show", LETTER.id]])
@pytest.mark.parametrize("form", ["text", "json"])
def test_dead_letters_are_shown_masked_and_raw_only_after_the_audit_knows(
    monkeypatch: pytest.MonkeyPatch, command: list[str], form: str
) -> None:
    monkeypatch.setattr(letters, "list_dead", lambda *_, **__: [LETTER])
    args = [*command, "--format", form, "--bootstrap", "127.0.0.1:1"]
    shown = CliRunner().invoke(deadletter.app, args)
    assert shown.exit_code == 0, shown.output
    asked = [*args, "--raw", "--by", "auditor-1", "--why", "申诉"]

    def broken(*_: Any, **__: Any) -> None:
        raise LogError("audit takes nothing")

    monkeypatch.setattr(private, "disclose", broken)
    closed = CliRunner().invoke(deadletter.app, asked)
    assert closed.exit_code == 1
    nameless = CliRunner().invoke(deadletter.app, [*args, "--raw"])
    assert nameless.exit_code == 1
    for output in (shown.output, closed.output, nameless.output):
        assert NAME not in output
        assert PHONE not in output
        assert "MTM4MTIzNDU2Nzg=" not in output, "nor in base64"
    told: list[Any] = []
    monkeypatch.setattr(private, "disclose", lambda _, what, **more: told.append((what, more["of"], more["by"])))
    assert NAME in CliRunner().invoke(deadletter.app, asked).output
    assert told == [("deadletter.raw", [LETTER.id], "auditor-1")]


def test_the_file_that_show_writes_is_masked_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(letters, "list_dead", lambda *_, **__: [LETTER])
    out = tmp_path / "record.bin"
    done = CliRunner().invoke(deadletter.app, ["show", LETTER.id, "--out", str(out), "--bootstrap", "127.0.0.1:1"])
    assert done.exit_code == 0, done.output
    assert out.read_text() == "我叫[姓名] [电话]"


@pytest.mark.parametrize("output", ["text", "json"])
def test_tail_shows_dead_letters_masked(output: tail.Format) -> None:
    to = io.StringIO()
    heads = (("reason", b"not_json"), ("detail", f"我叫{NAME}".encode()), ("key", b"MTM4MTIzNDU2Nzg="))
    seen = Seen("deadletter", 0, 1, T0, b"hotline.tickets/0/5", LETTER.value, heads)
    tail.show([seen], "deadletter", tail.Filters(), output, "zh", 0, tail.Console(file=to, width=400))
    assert "not_json" in to.getvalue()
    for secret in (*SECRETS, "MTM4MTIzNDU2Nzg="):
        assert secret not in to.getvalue()


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    before, to = logging.getLogRecordFactory(), io.StringIO()
    monkeypatch.setattr("sys.stderr", to)
    logs.configure_logs()
    yield to
    structlog.reset_defaults()
    logging.setLogRecordFactory(before)


def test_no_line_of_a_log_has_a_tickets_phone_or_name(log_lines: io.StringIO) -> None:
    log, text = structlog.get_logger("worker"), f"我叫{NAME}，电话{PHONE}"
    try:
        raise ValueError(text)
    except ValueError as error:
        log.error("worker leaves", partition="hotline.tickets/0", error=str(error), exc_info=error)
    log.info(text, deep={"rows": [text, (text,)]}, strange=LETTER, offset=13812345679, at=None)
    to = logging.StreamHandler(log_lines)
    library = logging.getLogger("library")
    library.addHandler(to)
    try:
        library.warning("fetch of %s failed", text)
        library.warning("%d", text)
        try:
            raise KeyError(text)
        except KeyError:
            library.exception("ended")
    finally:
        library.removeHandler(to)
    found = log_lines.getvalue()
    assert NAME not in found
    assert PHONE not in found
    assert "Traceback" in found
    assert '"partition": "hotline.tickets/0"' in found
    assert '"offset": 13812345679' in found
    assert "fetch of 我叫[姓名]，电话[电话] failed" in found


def test_a_log_line_keeps_what_the_code_itself_says() -> None:
    event = {"event": "set named", "set": "12345678901234567890", "timestamp": "2026-11-27T22:47:20.123456Z", "n": 3}
    assert logs.mask_event(None, "info", dict(event)) == event


def test_topics_acl_prints_the_lines_and_asks_no_broker() -> None:
    done = CliRunner().invoke(topics.app, ["acl", "--prefix", "p.", "--principal", "worker=User:CN=brain"])
    assert done.exit_code == 0, done.output
    lines = [line for line in done.output.splitlines() if "p.hotline.tickets" in line and "--operation Read" in line]
    assert [("User:CN=brain" in line, "brain-auditor" in line) for line in lines] == [(True, False), (False, True)]
    refused = CliRunner().invoke(topics.app, ["acl", "--principal", "nobody=User:x"])
    assert refused.exit_code == 2
