"""The published contracts: valid, complete, true of what is written, and guarded against changes that break."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import shapely
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from bench.badinput.payloads import DETECTIONS, READINGS, START_MS, TICKETS, samples
from brain import cloudevents
from brain.cli import app
from brain.contracts import asyncapi, published
from brain.contracts.catalogue import CONTRACTS, MESSAGES, Contract, Way, channels
from brain.contracts.compare import changes
from brain.contracts.forms import CloudEvent, DeadLetter
from brain.contracts.schema import of_type
from brain.incidents import publish
from brain.incidents.value import Incident, Member, Text
from brain.notify.ledger import TOPIC as NOTIFY
from geo.changes import Change
from geo.feature import Feature
from streams import deadletter, pulse
from streams.decode.readings import Reading
from streams.decode.tickets import Ticket
from streams.records import TP, Batch, Dead, Headers, Reason, Seal, Signal, Stage
from streams.registry import Asset, Measure, Stood
from streams.topics import catalogue

MADE = published.make({})
SCHEMAS = {name: json.loads(MADE.files[f"{name}.json"]) for name in CONTRACTS}


def faults(contract: str, value: object) -> list[str]:
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(SCHEMAS[contract]).iter_errors(value)]


def heads(headers: Headers) -> dict[str, str]:
    return {name: value.decode() for name, value in headers}


def incident() -> Incident:
    return Incident(
        id="inc-00ff", revision=3, state="handling", domain="eco", scenario="eco.air", scenario_version=1,
        event_code="eco.air.pm25", name=Text("细颗粒物", "PM2.5"), level=2, peak_level=3, life=False, onset=START_MS,
        opened=START_MS, raised=START_MS, updated=START_MS, grid="g-1", lon=113.5, lat=22.2,
        members=[Member("x", "a-1", START_MS, value=3.5)], reasons=[(START_MS, "opened", "x")],
    )  # fmt: skip


# -- the documents


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_schema_is_valid_names_its_version_and_says_what_it_is(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:city-brain:contract:{name}:{CONTRACTS[name].major}"
    assert schema["x-version"] == f"{CONTRACTS[name].major}.0"
    assert schema["title"]
    assert len(schema["description"]) > 10
    assert "``" not in json.dumps(schema)


def test_the_committed_documents_are_valid_and_point_only_at_each_other() -> None:
    folder = Path(__file__).resolve().parents[2] / "docs" / "contracts"
    known = published.read(folder)
    assert set(known) == set(CONTRACTS)
    for schema in known.values():
        Draft202012Validator.check_schema(schema)
    document = json.loads((folder / published.ASYNCAPI).read_text(encoding="utf-8"))
    for ref in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        if ref.startswith("#/"):
            found: Any = document
            for part in ref[2:].split("/"):
                found = found[part]
        else:
            assert ref.removesuffix(".json") in known


@pytest.mark.parametrize("name", CONTRACTS)
def test_no_published_field_is_unexplained(name: str) -> None:
    """Where this fails: a docstring below the field says what it is; brain/contracts/glossary.py has shared words."""
    schema = SCHEMAS[name]
    parts = {name: schema, **schema.get("$defs", {})}
    fields = [
        (kind, field, shape) for kind, part in parts.items() for field, shape in part.get("properties", {}).items()
    ]
    told = ("description", "enum", "$ref")  # a list of values and a type of its own explain themselves
    assert [f"{kind}.{field}" for kind, field, shape in fields if not any(word in shape for word in told)] == []


def test_fields_are_described_by_the_docstring_below_them_or_by_the_sentence_that_names_them() -> None:
    properties = of_type(Incident)["properties"]
    assert properties["areas"]["description"] == "What else the place lies in, by layer of the map."
    assert "event time" in properties["onset"]["description"]
    assert of_type(CloudEvent)["properties"]["ce_id"]["description"].startswith("Incident's id")


def test_the_document_names_every_topic_with_key_messages_and_what_is_kept() -> None:
    document = asyncapi.document({name: "2.3" if name == "signal" else "1.0" for name in CONTRACTS})
    assert document["info"]["version"] == f"2.3.{len(CONTRACTS)}"
    topics = {t.name: t for t in (*catalogue({}), NOTIFY)}
    assert set(document["channels"]) == set(topics) == set(channels())
    for name, channel in document["channels"].items():
        kept = channel["bindings"]["kafka"]["topicConfiguration"]
        assert kept["retention.ms"] == topics[name].retention_ms
        assert ",".join(kept["cleanup.policy"]) == topics[name].cleanup
        assert channel["messages"]
        assert channel["x-key"]
        assert channel["x-partitions"]
    assert "murmur2" in document["channels"]["iot.telemetry"]["x-partitions"]
    assert "partitions" not in document["channels"]["signals.iot.telemetry"]["bindings"]["kafka"]
    assert document["channels"]["incidents.eco"]["bindings"]["kafka"]["partitions"] == 1
    actions = {o["channel"]["$ref"]: o["action"] for o in document["operations"].values()}
    assert actions["#/channels/warnings"] == "receive"
    assert actions["#/channels/incidents.eco"] == "send"


def test_every_contract_and_every_message_is_carried_by_some_topic() -> None:
    carried = {message for channel in channels().values() for message in channel.messages}
    assert carried == set(MESSAGES)
    used = {name for m in MESSAGES.values() for name in (m.payload, m.headers) if name}
    assert set(CONTRACTS) - used == {"warning"}  # what a CAP message becomes inside


# -- they are true of what is written and read


def test_what_the_brain_writes_is_as_its_schemas_say() -> None:
    one = incident()
    assert faults("incident", json.loads(publish.encode(one))) == []
    assert faults("incident-headers", heads(publish.headers(one))) == []
    assert publish.TYPE.endswith(f".v{CONTRACTS['incident'].major}")
    signal = Signal("s", "a", "raise", ("t", 0, 1, 0), 0, 1, 0, START_MS, START_MS)
    assert faults("signal", json.loads(msgspec.json.encode(signal))) == []
    assert faults("pulse", json.loads(pulse.encode(pulse.Pulse(1, 2, 3, "set", 0), b"k"))) == []
    assert faults("seal", json.loads(msgspec.json.encode(Seal(1, 2, "a", "b", sets=[(1, "s")])))) == []
    polygon = shapely.box(113.4, 22.1, 113.5, 22.2)
    record = Change.of(Feature("zone", "z-1", polygon, attributes={"name": "港区"})).record()
    assert record[1] is not None
    assert faults("map-change", json.loads(record[1])) == []
    event = cloudevents.headers("city.incident.v1", "a/1", "/city-brain/incidents/eco", "s/g", START_MS)
    assert {name for name, _ in event} == set(SCHEMAS["incident-headers"]["properties"])


def test_a_dead_letter_has_the_headers_of_its_contract() -> None:
    batch = Batch.of(TP("iot.telemetry", 2), 7, 8, [(7, START_MS, b"k", b"x" * 300_000, ())])
    written = deadletter.to_write(batch, Dead(0, 0, Stage.DECODE, Reason.TOO_LARGE, "…"), TP("deadletter", 2))
    found = heads(written.headers)
    assert faults("dead-letter", found) == []
    assert set(found) == set(DeadLetter.__struct_fields__) - {"requeued_set"}


@pytest.mark.parametrize(
    ("topic", "names"), [(READINGS, ("reading", "senml")), (DETECTIONS, ("detection",)), (TICKETS, ("ticket",))]
)
def test_good_inputs_are_as_their_schemas_say(topic: str, names: tuple[str, ...]) -> None:
    checked = 0
    for sample in samples(seed=3, per_reason=8):
        if sample.topic == topic and sample.reason is None and sample.payload:
            value = json.loads(sample.payload)
            name = names[-1] if isinstance(value, list) else names[0]
            assert faults(name, value) == []
            checked += 1
    assert checked > 10


def test_forms_written_by_hand_name_the_fields_of_the_types_that_read_them() -> None:
    assert set(SCHEMAS["reading"]["properties"]) == set(Reading.__struct_fields__)
    assert set(SCHEMAS["ticket"]["properties"]) == set(Ticket.__struct_fields__) - {"row"}
    assert set(SCHEMAS["asset"]["properties"]) == set(Asset.__struct_fields__)
    moved = Asset(
        "a", "level", 113.5, 22.2, metrics={"level": Measure("m", (0, 9))}, since=START_MS,
        past=(Stood(START_MS, 113.4, 22.1),), every_s=60,
    )  # fmt: skip
    value = {k: v for k, v in msgspec.to_builtins(moved).items() if v not in ("", None)}
    assert faults("asset", json.loads(msgspec.json.encode(value))) == []


# -- what a change breaks


OLD: dict[str, Any] = {
    "type": "object", "required": ["id", "state"],
    "properties": {
        "id": {"type": "string"}, "state": {"enum": ["open", "closed"]}, "count": {"type": "integer", "default": 0},
        "lon": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "name": {"$ref": "#/$defs/Text"}, "tags": {"type": "array", "items": {"type": "string"}},
        "span": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False},
        "by": {"type": "object", "additionalProperties": {"type": "integer"}},
        "size": {"type": "number", "minimum": 0, "maximum": 10},
    },
    "$defs": {"Text": {"type": "object", "required": ["zh"], "properties": {"zh": {"type": "string"}}}},
}  # fmt: skip
GONE = object()


def changed(path: str, value: object) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    *above, last = path.split("/")
    at: Any = new
    for part in above:
        at = at[part]
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return new


@pytest.mark.parametrize(
    ("path", "value", "out", "in_"),
    [
        ("description", "other words", "", ""),
        ("properties/note", {"type": "string"}, "fine", "fine"),
        ("properties/state/enum", ["open", "closed", "lost"], "fine", "fine"),
        ("properties/count", GONE, "breaks", "breaks"),
        ("properties/state/enum", ["open"], "breaks", "breaks"),
        ("properties/id", {"type": "integer"}, "breaks", "breaks"),
        ("properties/id", {"enum": ["a"]}, "fine", "breaks"),
        ("properties/id", {"anyOf": [{"enum": ["a"]}, {"enum": [""]}]}, "fine", "breaks"),
        ("properties/state", {"type": "string"}, "breaks", "fine"),
        ("properties/state", {"anyOf": [{"enum": ["open"]}, {"const": "closed"}]}, "", ""),
        ("properties/id", {"anyOf": [{"type": "string"}, {"type": "string", "maxLength": 3}]}, "breaks", "breaks"),
        ("required", ["id", "state", "count"], "breaks", "breaks"),
        ("required", ["id"], "breaks", "fine"),
        ("properties/count", {"type": "number", "default": 0}, "breaks", "fine"),
        ("properties/count/default", 1, "breaks", "breaks"),
        ("properties/lon", {"type": "number", "default": None}, "breaks", "breaks"),
        ("properties/id", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "breaks", "fine"),
        ("$defs/Text/properties/en", {"type": "string"}, "fine", "fine"),
        ("$defs/Text/required", ["zh", "en"], "", ""),
        ("$defs/Text/properties/zh", {"type": "integer"}, "breaks", "breaks"),
        ("properties/tags/items", {"type": "integer"}, "breaks", "breaks"),
        ("properties/span/prefixItems", [{"type": "number"}], "breaks", "breaks"),
        ("properties/by/additionalProperties", {"type": "string"}, "breaks", "breaks"),
        ("additionalProperties", False, "breaks", "breaks"),
        ("properties/size/maximum", 5, "fine", "breaks"),
        ("properties/size/maximum", 20, "breaks", "fine"),
        ("properties/size/minimum", GONE, "breaks", "fine"),
        ("properties/size/multipleOf", 2, "breaks", "breaks"),
        ("allOf", [{"required": ["count"]}], "breaks", "breaks"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["out", "in"])
def test_a_change_is_compatible_or_breaks_those_who_rely_on_the_form(
    way: Way, path: str, value: object, out: str, in_: str
) -> None:
    found = changes(OLD, changed(path, value), way)
    assert ("breaks" if any(c.breaks for c in found) else "fine" if found else "") == (out if way == "out" else in_)


def test_a_rename_is_told_as_such_and_a_required_field_that_is_new_breaks() -> None:
    new = changed("properties/count", GONE)
    new["properties"]["number"] = OLD["properties"]["count"]
    new["properties"]["must"], new["required"] = {"type": "string"}, ["id", "state", "must"]
    texts = [str(change) for change in changes(OLD, new, "out")]
    assert "$.count: is gone (renamed to number?)" in texts
    assert "$.must: is new, and required" in texts


def test_a_schema_that_contains_itself_is_compared_and_one_that_leads_in_a_circle_is_refused() -> None:
    tree = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"t": {"$ref": "#/$defs/T"}}}}}
    assert changes(tree, copy.deepcopy(tree), "out") == []
    circle = {"$ref": "#/$defs/T", "$defs": {"T": {"$ref": "#/$defs/T"}}}
    with pytest.raises(ValueError, match="circle"):
        changes(circle, circle, "out")


class Start(msgspec.Struct, tag_field="do", tag="start"):
    """Begin."""

    id: str


class Stop(msgspec.Struct, tag_field="do", tag="stop"):
    """End."""

    id: str


class Pause(msgspec.Struct, tag_field="do", tag="pause"):
    """Wait."""


class StopWell(msgspec.Struct, tag_field="do", tag="stop"):
    """End, and say why."""

    id: str
    why: str = ""


def test_a_union_told_apart_by_a_tag_is_compared_kind_by_kind() -> None:
    both = of_type(Start | Stop)
    Draft202012Validator.check_schema(both)
    assert sorted(both["$defs"]) == ["Start", "Stop"]
    assert [str(c) for c in changes(both, of_type(Start | StopWell), "in")] == ["$.why: is new"]
    three = of_type(Start | Stop | Pause)
    (more,) = changes(both, three, "in")
    assert (str(more), more.breaks) == ("$: type: do=pause is new", False)
    assert changes(both, three, "out")[0].breaks
    (fewer,) = changes(three, both, "in")
    assert (str(fewer), fewer.breaks) == ("$: type: do=pause no more", True)


class Steps(msgspec.Struct):
    """A form whose default Python and JSON write in two ways."""

    steps: tuple[int, ...] = ()


def test_a_schema_is_the_same_after_it_was_written_and_read() -> None:
    assert of_type(Steps)["properties"]["steps"]["default"] == []
    for name, contract in CONTRACTS.items():
        assert changes(SCHEMAS[name], published.bare(contract), contract.way) == []


class First(msgspec.Struct):
    """A form."""

    id: str
    note: str = ""


class Grown(msgspec.Struct):
    """A form with one more field."""

    id: str
    note: str = ""
    more: int = 0


class Broken(msgspec.Struct):
    """A form without its note."""

    id: str


def _make(
    folder: Path, source: type[msgspec.Struct], major: int = 1, anew: frozenset[str] = frozenset()
) -> published.Made:
    contracts = {"thing": Contract("thing", "Thing", source, "out", major)}
    return published.make(published.read(folder), anew, contracts)


def test_a_compatible_change_raises_the_minor_version_and_a_break_needs_another_major(tmp_path: Path) -> None:
    assert published.write(tmp_path, _make(tmp_path, First)) == ["thing.json"]
    assert published.stale(tmp_path, _make(tmp_path, First)) == []
    grown = _make(tmp_path, Grown)
    assert (grown.verdicts[0].was, grown.verdicts[0].now, grown.verdicts[0].breaks) == ("1.0", "1.1", [])
    published.write(tmp_path, grown)
    assert published.stale(tmp_path, _make(tmp_path, Grown)) == []
    assert [str(c) for c in _make(tmp_path, Broken).verdicts[0].breaks] == ["$.note: is gone", "$.more: is gone"]
    raised = _make(tmp_path, Broken, major=2).verdicts[0]
    assert (raised.now, raised.breaks) == ("2.0", [])
    assert _make(tmp_path, Grown, major=0).verdicts[0].breaks
    anew = _make(tmp_path, Broken, anew=frozenset(("thing",))).verdicts[0]
    assert (anew.now, anew.breaks) == ("1.0", [])


def test_a_contract_that_is_gone_is_refused_until_a_person_says_so(tmp_path: Path) -> None:
    published.write(tmp_path, _make(tmp_path, First))
    known = published.read(tmp_path)
    assert [str(c) for v in published.make(known, contracts={}).verdicts for c in v.breaks] == ["$: is gone"]
    made = published.make(known, frozenset(("thing",)), {})
    assert (made.verdicts, published.write(tmp_path, made)) == ([], ["thing.json"])
    assert list(tmp_path.iterdir()) == []


def test_the_check_says_what_to_run_when_stale_and_what_to_raise_when_broken(tmp_path: Path) -> None:
    run = CliRunner()
    folder = ["--folder", str(tmp_path)]
    stale = run.invoke(app, ["contracts", "check", *folder])
    assert (stale.exit_code, "make contracts" in stale.output) == (1, True)
    assert run.invoke(app, ["contracts", "write", *folder]).exit_code == 0
    assert run.invoke(app, ["contracts", "check", *folder]).exit_code == 0
    path = tmp_path / "signal.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["gone_since"] = {"type": "integer"}
    path.write_text(json.dumps(schema), encoding="utf-8")
    for verb in ("check", "write"):
        broken = run.invoke(app, ["contracts", verb, *folder])
        assert broken.exit_code == 1
        assert "signal 1.0: $.gone_since: is gone" in broken.output
    assert run.invoke(app, ["contracts", "write", "--anew", "signal", *folder]).exit_code == 0
    assert run.invoke(app, ["contracts", "write", "--anew", "nothing", *folder]).exit_code == 2
    path.write_text("<<<<<<< ours", encoding="utf-8")
    torn = run.invoke(app, ["contracts", "check", *folder])
    assert (torn.exit_code, "signal.json" in torn.output) == (2, True)
