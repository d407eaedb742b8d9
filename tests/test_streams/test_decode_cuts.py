"""What only shows with the exact reason: cuts at every byte, half characters, fields that must be understood."""

from __future__ import annotations

import numpy as np
import pytest

from bench.badinput.payloads import START_MS, assets
from streams.decode.readings import decode_readings
from streams.decode.tickets import decode_tickets
from streams.records import I4, TP, Batch, Reason
from streams.registry import Registry

REGISTRY = Registry.of(assets())
NATIVE = b'{"asset":"wl-0001","metric":"water_level","t":%d,"v":-2.0e-1,"lon":113.5,"lat":22.25}' % START_MS
PACK = b'[{"n":"wl-0001/water_level","t":1718000000.5,"v":-1.5e0}]'


def _batch(values: list[bytes]) -> tuple[Batch, I4]:
    records = [(n, 0, None, value, ()) for n, value in enumerate(values)]
    return Batch.of(TP("x", 0), 0, len(values), records), np.arange(len(values), dtype=np.int32)


@pytest.mark.parametrize("raw", [NATIVE, PACK])
def test_a_reading_cut_at_any_byte_is_truncated(raw: bytes) -> None:
    dead = decode_readings(*_batch([raw[:k] for k in range(1, len(raw))]), REGISTRY)[1]
    assert len(dead) == len(raw) - 1
    assert {d.reason for d in dead} == {Reason.TRUNCATED}


def test_half_a_surrogate_pair_is_refused_before_anything_has_to_write_it() -> None:
    raw = b'{"id":"T1","t":%d,"text":"a\\ud83d b"}' % START_MS
    tickets, dead = decode_tickets(*_batch([raw, raw.replace(b"\\ud83d", b"\\ud83d\\ude00")]))
    assert [d.reason for d in dead] == [Reason.NOT_JSON]
    assert [t.text for t in tickets] == ["a\U0001f600 b"]


def test_a_senml_field_that_must_be_understood_refuses_the_pack() -> None:
    raw = PACK.replace(b'"v"', b'"must_":1,"v"')
    assert [d.reason for d in decode_readings(*_batch([raw]), REGISTRY)[1]] == [Reason.BAD_SENML]
