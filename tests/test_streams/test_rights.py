"""Topic rights: every topic has them, nobody has more than the role needs, and Kafka can be told them."""

from __future__ import annotations

import itertools
import shlex

import pytest

from streams.rights import OWN, ROLES, Right, commands, rights
from streams.topics import INPUTS, Topic, catalogue

TOPICS = catalogue({"iot.telemetry": 4}, "p.")
WEEK_MS = 7 * 86_400_000


def who(found: list[Right], topic: str, operation: str) -> set[str]:
    return {r.role for r in found if r.kind == "topic" and r.name == topic and operation in r.operations}


def test_every_topic_of_the_catalogue_has_a_writer_and_a_reader_and_no_right_is_on_a_prefix_of_topics() -> None:
    found = rights(TOPICS, "city", "p.")
    for topic in TOPICS:
        assert who(found, topic.name, "Write"), topic.name
        assert "auditor" in who(found, topic.name, "Read"), topic.name
    assert not [r for r in found if r.kind == "topic" and r.prefixed]
    assert {r.name for r in found if r.kind == "topic"} == {t.name for t in TOPICS} | {f"p.{name}" for name in OWN}


@pytest.mark.parametrize("topic", ["p.hotline.tickets", "p.deadletter"])
@pytest.mark.parametrize("requeue", [False, True])
def test_only_worker_and_auditor_read_raw_tickets_and_dead_letters_which_are_kept_a_week(
    topic: str, requeue: bool
) -> None:
    assert who(rights(TOPICS, "city", "p.", requeue=requeue), topic, "Read") == {"worker", "auditor"}
    (kept,) = [t for t in TOPICS if t.name == topic]
    assert (kept.retention_ms, kept.cleanup) == (WEEK_MS, "delete")


def test_what_the_engine_decides_is_written_by_the_worker_alone() -> None:
    found = rights(TOPICS, "city", "p.")
    for topic in TOPICS:
        if topic.name.removeprefix("p.").startswith(
            ("signals.", "alarms.", "state.", "incidents.", "journal", "pulse")
        ):
            assert who(found, topic.name, "Write") == {"worker"}, topic.name


def test_whoever_shows_bytes_as_they_came_can_also_write_that_into_the_audit() -> None:
    assert "auditor" in who(rights(TOPICS, "city", "p."), "p.audit", "Write")


def test_the_auditor_writes_inputs_only_where_re_queueing_is_wanted() -> None:
    for requeue in (False, True):
        found = rights(TOPICS, "city", "p.", requeue=requeue)
        assert {name for name in INPUTS if "auditor" in who(found, "p." + name, "Write")} == (
            set(INPUTS) if requeue else set()
        )


def test_a_topic_without_a_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="petitions: no rule"):
        rights([Topic("petitions", 1, "delete", WEEK_MS)], "city")


def test_the_lines_say_all_rights_and_are_words_of_a_shell() -> None:
    found = rights(TOPICS, "city", "p.")
    told = set()
    for line in commands(found, {"worker": "User:CN=brain worker,O=city"}):
        words = shlex.split(line)
        pairs = list(itertools.pairwise(words))
        (principal,) = [b for a, b in pairs if a == "--allow-principal"]
        role = "worker" if "=" in principal else principal.removeprefix("User:brain-")
        operations = tuple(b for a, b in pairs if a == "--operation")
        prefixed = ("--resource-pattern-type", "prefixed") in pairs
        named = [(a[2:], b) for a, b in pairs if a in {"--topic", "--group", "--transactional-id"}]
        told |= {(role, kind, name, operations, prefixed) for kind, name in named}
    assert told == set(map(tuple, found))
    assert {r.role for r in found} == set(ROLES)
