"""What people are shown of payloads from outside: nothing that is somebody's, and everything else as it came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams import produce
from streams.deadletter import letter_of, masked, to_write
from streams.decode.mask import mask, mask_parts
from streams.log import LogError
from streams.private import HIDDEN, disclose, shown_bytes, shown_id
from streams.records import TP, Batch, Dead, Headers, Reason, Stage
from streams.seal import TOOL_KEY

FEW = settings(max_examples=60, deadline=None, derandomize=True)
PHONE = "13812345678"
part = st.one_of(
    st.text("我叫张王李三先生电话是，。 1389", max_size=10),
    st.sampled_from(["1381234", "5678", "我叫", "[电话]", PHONE, ""]),
)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["请回1381234", "5678有人", ""], ["请回[电话]", "有人", ""]),
        (["电话", "8889999转", "幸福路"], ["电话 [电话]", "转", "幸福路"]),
        (["我叫", "张三，住三楼", ""], ["我叫 [姓名]", "，住三楼", ""]),
        (["440402", "", "199001011239"], ["[证件号]", "", ""]),
        (["路灯坏了", "三号楼", "幸福路12号"], ["路灯坏了", "三号楼", "幸福路12号"]),
    ],
)
def test_what_begins_in_one_field_and_ends_in_the_next_is_masked(parts: list[str], expected: list[str]) -> None:
    assert mask_parts(parts) == expected


@FEW
@example(["1381234", "5678", "13800001111"])
@given(st.lists(part, min_size=3, max_size=3))
def test_masking_parts_twice_is_masking_them_once_and_nothing_runs_over(parts: list[str]) -> None:
    once = mask_parts(parts)
    assert mask_parts(once) == once
    assert mask(" ".join(once)) == " ".join(once) or "" in once


@pytest.mark.parametrize(
    "value",
    [
        f'{{"id":"T1","t":1718000000123,"text":"我叫张三，电话{PHONE}"}}',
        f'{{"id":"T1","t":1718000000123,"phone":{PHONE},"name":"张三"}}',
        '{"id":"T1","text":"\\u6211\\u53eb\\u5f20\\u4e09 1381234\\u00355678"}',
        f'{{"text":"{PHONE}","text":"我叫张三"}}',
        f'{{"name":"张三","text":"打{PHONE}',
        '{"id":"T1","text":"１３８ １２３４ ５６７８ 我叫张三"} x',
        f'[[{PHONE}],[["我叫张三"]]]',
    ],
)
def test_neither_phone_nor_name_of_a_document_whole_or_broken_is_shown(value: str) -> None:
    shown = shown_bytes(value.encode()).decode()
    for secret in (PHONE, "张三", "5678", "５６７８", "\\u5f20"):
        assert secret not in shown


def test_bytes_that_are_no_text_are_counted_and_not_shown() -> None:
    assert shown_bytes("联系人张三".encode("gbk")).decode() == HIDDEN.format(n=10)
    assert PHONE not in shown_bytes(PHONE.encode("utf-16-le")).decode().replace("\0", "")


@pytest.mark.parametrize(
    "value",
    [b'{"asset":"wl-1", "value":132.12345678,"t":1718000000123}', b"\x1b[2Jbroken", b'{"id":"T20240610123456"}'],
)
def test_what_is_nobodys_is_shown_byte_by_byte(value: bytes) -> None:
    assert shown_bytes(value) == value


@FEW
@given(st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode), part.map(json.dumps).map(str.encode)))
def test_whatever_the_bytes_they_can_be_shown_and_once_masked_they_stay(value: bytes) -> None:
    shown = shown_bytes(value)
    shown.decode()
    assert shown_bytes(shown) == shown
    assert PHONE.encode() not in shown


def letter(topic: str, dead: Dead, value: bytes, key: bytes = b"k") -> Any:
    batch = Batch.of(TP(topic, 0), 5, 6, [(5, 0, key, value, ())])
    write = to_write(batch, dead, TP("deadletter", 0))
    found = letter_of(write.to, 0, 0, write.value, write.headers)
    assert found is not None
    return found


def test_the_detail_of_a_letter_quotes_nobody() -> None:
    raised = Dead(0, 0, Stage.SCORE, Reason.AGENT_ERROR, f"KeyError: 我叫张三 {PHONE}")
    decoded = Dead(0, 0, Stage.DECODE, Reason.WRONG_TYPE, f"t: got '{PHONE}'")
    late = Dead(0, 0, Stage.SCORE, Reason.LATE, "reading: 1718000000123 is 3 h behind")
    assert letter("iot.telemetry", raised, b"").detail == "KeyError: 我叫[姓名] [电话]"
    assert letter("p.hotline.tickets", decoded, b"").detail == "t: got '[电话]'"
    assert letter("hotline.tickets", late, b"").detail == late.detail


def test_a_masked_letter_keeps_its_place_and_the_size_of_its_original() -> None:
    raw = letter(
        "hotline.tickets", Dead(0, 0, Stage.DECODE, Reason.NOT_JSON, ""), f"我叫张三 {PHONE}".encode(), PHONE.encode()
    )
    shown = masked(raw)
    assert (shown.id, shown.size, shown.reason) == (raw.id, raw.size, raw.reason)
    assert shown.value.decode() == "我叫[姓名] [电话]"
    assert shown.key == "[电话]".encode()
    assert shown_id("T20240610123456") == "T20240610123456"


def test_a_disclosure_is_in_the_audit_before_anything_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[TP, dict[str, Any]]] = []

    def send(_: str, tp: TP, records: Sequence[tuple[bytes, bytes]], headers: Headers) -> list[int]:
        assert records[0][0] == TOOL_KEY, "else the auditor takes it for a stranger's"
        sent.append((tp, msgspec.json.decode(records[0][1])))
        return [0]

    monkeypatch.setattr(produce, "send_all", send)
    disclose("b:1", "deadletter.raw", by="auditor-1", why=f"申诉 {PHONE}", of=["hotline.tickets/0/5"], prefix="p.")
    ((tp, note),) = sent
    assert tp == TP("p.audit", 0)
    assert (note["what"], note["by"], note["why"], note["of"]) == (
        "deadletter.raw", "auditor-1", "申诉 [电话]", ["hotline.tickets/0/5"],
    )  # fmt: skip


@pytest.mark.parametrize(("by", "why"), [("", "申诉"), ("auditor-1", " ")])
def test_a_disclosure_without_a_name_or_a_reason_is_none(by: str, why: str) -> None:
    with pytest.raises(ValueError, match="--by"):
        disclose("127.0.0.1:1", "deadletter.raw", by=by, why=why, of=[])


def test_a_disclosure_that_the_audit_does_not_take_raises() -> None:
    with pytest.raises(LogError, match="no Kafka answers"):
        disclose("127.0.0.1:1", "deadletter.raw", by="auditor-1", why="申诉", of=[])
