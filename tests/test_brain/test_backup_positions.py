"""The notifier's positions are moved to the new topics, whatever words the old prefix has in it."""

from __future__ import annotations

import pytest

from brain.commands.backup import moved
from brain.notify.run import AT
from streams.backup_files import Record
from streams.restore import Offsets


@pytest.mark.parametrize("prefix", ["", "city.", "incidents.old.", "alarms.old."])
@pytest.mark.parametrize("topic", ["incidents.eco", "alarms.iot.telemetry"])
def test_a_position_is_of_the_topic_of_that_name_under_the_new_prefix(prefix: str, topic: str) -> None:
    offsets = Offsets()
    offsets.add(topic, 1, [40, 41, 47, 50])
    now = moved("new.", Record(3, 7, AT + f"{prefix}{topic}/1".encode(), b"47"), offsets)
    assert (now.offset, now.time, now.key, now.value) == (3, 7, AT + f"new.{topic}/1".encode(), b"2")
