"""The catalogue and the partitioner."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as reference

from streams.partition import murmur2, partition_of, partitions_of
from streams.topics import INPUTS, catalogue

partitions_of([b"compiled before the clock of the property tests runs"], 1)
murmur2(b"")


@given(st.binary(max_size=70))
@example(b"")
@example(b"\xff\x80\x81")
def test_murmur2_is_that_of_the_java_clients(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0xFFFFFFFF


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 1000))
def test_many_keys_go_where_each_one_alone_would(keys: list[bytes], n: int) -> None:
    many = partitions_of(keys, n)
    assert many.dtype == np.int32
    assert many.tolist() == [partition_of(k, n) for k in keys] == [(reference(k) & 0x7FFFFFFF) % n for k in keys]


def test_known_hashes_of_the_java_client() -> None:
    # From the unit test of Kafka's own Utils.murmur2 (there signed).
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {k: murmur2(k) for k in known} == {k: v & 0xFFFFFFFF for k, v in known.items()}


def test_what_a_lane_writes_has_as_many_partitions_as_its_input() -> None:
    topics = {t.name: t for t in catalogue({"iot.telemetry": 8, "video.metadata": 3})}
    for name in INPUTS:
        for family in ("signals.", "signals.shadow.", "alarms.", "state."):
            assert topics[family + name].partitions == topics[name].partitions
    assert topics["deadletter"].partitions == topics["audit"].partitions == 8
    assert topics["state.iot.telemetry"].settings()["cleanup.policy"] == "compact"
    assert topics["hotline.tickets"].partitions == 1


def test_a_prefix_goes_before_every_name() -> None:
    plain, other = catalogue({}), catalogue({}, "t1.")
    assert ["t1." + t.name for t in plain] == [t.name for t in other]
    assert [t.settings() for t in plain] == [t.settings() for t in other]


@pytest.mark.parametrize(("given", "said"), [({"iot": 3}, "no such input"), ({"warnings": 0}, "at least 1")])
def test_a_wrong_count_is_refused_with_its_place(given: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        catalogue(given)
