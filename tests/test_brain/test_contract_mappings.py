"""Incidents in public standards: valid there, and back with all that is not on the list of losses."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable
from typing import Any, get_args, get_type_hints
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_incident import START, make

from brain.contracts import alertmanager, cap, ngsi_ld, open311
from brain.contracts.cap_form import faults
from brain.contracts.foreign_xml import parse
from brain.contracts.mapping import SHARED, Form, NotOurs, Told, kept, losses, told_of
from brain.contracts.standards import FORMS, export
from brain.incidents.value import Incident, Member, Text
from streams.decode.tickets import decode_tickets
from streams.records import TP, Batch

XSD = os.environ.get("CAP_XSD", "")
"""OASIS's own schema file, which is not ours to hand on; where it lies at hand our table is held against it."""


def round_cap(incident: Incident) -> Told:
    return cap.from_cap(cap.to_cap(incident))


def round_ngsi(incident: Incident) -> Told:
    return ngsi_ld.from_ngsi_ld(json.dumps(ngsi_ld.to_ngsi_ld(incident)).encode())


def round_311(incident: Incident) -> Told:
    return open311.from_open311(json.dumps(open311.to_open311(incident)).encode())


def round_alert(incident: Incident) -> Told:
    return alertmanager.from_alert(json.dumps(alertmanager.alert_of(incident)).encode())


ROUNDS: dict[str, Callable[[Incident], Told]] = {
    "cap": round_cap, "ngsi-ld": round_ngsi, "open311": round_311, "alertmanager": round_alert,
}  # fmt: skip
READERS: dict[str, Callable[[bytes], Told]] = {
    "cap": cap.from_cap, "ngsi-ld": ngsi_ld.from_ngsi_ld, "open311": open311.from_open311,
    "alertmanager": alertmanager.from_alert,
}  # fmt: skip

TIMES = st.integers(946_684_800_000, 4_102_444_800_000)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
CODES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp")), max_size=9)
TEXTS = st.builds(Text, WORDS, WORDS)


def incidents() -> st.SearchStrategy[Incident]:
    """Any incident that the type allows, times from 2000 to 2100, codes without control characters."""
    hints = get_type_hints(Incident)
    given_: dict[str, st.SearchStrategy[Any]] = {}
    for name in SHARED:
        kind = hints[name]
        if name in ("onset", "opened", "raised", "updated"):
            given_[name] = TIMES
        elif name in ("cleared", "resolved", "shown"):
            given_[name] = st.none() | TIMES
        elif kind is Text:
            given_[name] = TEXTS
        elif kind is int:
            given_[name] = st.integers(0, 2**53)
        elif kind is str:
            given_[name] = CODES if name in ("event_code", "grid", "town", "district") else WORDS
        elif kind is bool:
            given_[name] = st.booleans()
        elif kind == list[str]:
            given_[name] = st.lists(WORDS, max_size=2)
        elif kind == dict[str, list[str]]:
            given_[name] = st.dictionaries(WORDS, st.lists(WORDS, max_size=2), max_size=2)
        elif kind == float | None:
            given_[name] = st.none() | st.floats(0, 1e6)
        else:
            assert all(isinstance(value, str) for value in get_args(kind)), f"{name}: {kind}: no strategy"
            given_[name] = st.sampled_from(get_args(kind))
    given_["id"] = st.from_regex(r"\Ainc-[0-9a-f]{16}\Z")
    places = st.none() | st.tuples(st.floats(-180, 180), st.floats(-90, 90))

    def at(incident: Incident, place: tuple[float, float] | None) -> Incident:
        incident.lon, incident.lat = place or (None, None)
        return incident

    return st.builds(at, st.builds(Incident, **given_), places)


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(incidents())
def test_an_incident_comes_back_with_all_that_is_not_a_stated_loss(name: str, incident: Incident) -> None:
    assert ROUNDS[name](incident) == kept(FORMS[name], incident)


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_each_field_of_an_incident_is_told_or_a_stated_loss(form: Form) -> None:
    gone = {loss.field for loss in losses(form) if loss.kind == "gone"}
    assert gone | set(SHARED) == set(Incident.__struct_fields__)
    assert not gone & set(SHARED)
    assert set(form.own) <= set(SHARED)
    assert set(form.at) == set(SHARED)
    assert {loss.field for loss in losses(form) if loss.kind == "seconds"} == form.seconds
    assert all(loss.why for loss in losses(form))
    told = told_of(make())
    assert kept(form, make()) == {k: v // 1000 * 1000 if k in form.seconds else v for k, v in told.items()}


def test_what_people_and_members_said_leaves_the_brain_in_no_form() -> None:
    secret = "张先生称"
    member = Member("m", "a", START, text=secret)
    for name in FORMS:
        ((_, content),) = export(name, [make(members=[member])])
        assert secret not in content.decode()
        assert secret not in json.dumps(json.loads(content) if name != "cap" else "", ensure_ascii=False)


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_a_damaged_or_foreign_document_is_refused_and_nothing_else_raises(name: str, data: st.DataObject) -> None:
    ((_, good),) = export(name, [make()])
    if name in ("ngsi-ld", "open311"):
        good = json.dumps(json.loads(good)[0]).encode()
    elif name == "alertmanager":
        good = json.dumps(json.loads(good)["alerts"][0]).encode()
    assert READERS[name](good)
    at = data.draw(st.integers(0, len(good)))
    length, piece = data.draw(st.integers(0, 40)), data.draw(st.binary(max_size=6) | st.sampled_from(PIECES))
    damaged = good[:at] + piece + good[at + length :]
    with contextlib.suppress(NotOurs):
        assert set(READERS[name](damaged)) == set(SHARED)


@pytest.mark.parametrize("name", FORMS)
def test_a_field_of_another_type_is_refused(name: str) -> None:
    incident = make()
    incident.count = "two"  # type: ignore[assignment]  # what is tested
    with pytest.raises(NotOurs, match=r"count"):
        ROUNDS[name](incident)


PIECES = [b"null", b"{}", b"[]", b"1e999", b'"x"', b"<a/>", b"NaN", b"[" * 3000, b"true", b"9" * 500]


# -- CAP


def cap_faults(incident: Incident, before: Incident | None = None) -> list[str]:
    return faults(parse(cap.to_cap(incident, before)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(incidents())
def test_every_incident_is_a_valid_cap_document(incident: Incident) -> None:
    assert cap_faults(incident) == []


def text_of(document: bytes, name: str) -> list[str]:
    return [e.text or "" for e in parse(document).iter() if str(e.tag).endswith("}" + name)]


def test_a_cap_message_updates_the_one_before_and_cancels_what_was_false() -> None:
    first, later = make(revision=1), make(revision=4, updated=START + 60_000)
    document = cap.to_cap(later, first)
    assert text_of(document, "msgType") == ["Update"]
    (reference,) = text_of(document, "references")
    assert reference == f"city-brain,{first.id}.1,2024-06-10T14:13:30+08:00"
    assert text_of(cap.to_cap(first), "sent") == [reference.split(",")[2]]
    assert text_of(cap.to_cap(make(state="false_alarm"), first), "msgType") == ["Cancel"]
    assert text_of(cap.to_cap(make(state="merged"), first), "certainty") == ["Likely"] * 2
    assert cap_faults(later, first) == []
    assert cap.to_cap(later, first) == document


def test_cap_says_how_grave_how_sure_and_where_without_mixing_the_three_scales() -> None:
    document = cap.to_cap(make())
    assert text_of(document, "language") == ["zh-CN", "en-US"]
    assert text_of(document, "event") == ["烟感报警", "Smoke"]
    assert text_of(document, "severity") == ["Severe"] * 2  # the warning colour, not the ladder, grade or response
    assert text_of(document, "urgency") == ["Immediate"] * 2
    assert text_of(document, "category") == ["Fire"] * 2
    assert text_of(document, "circle") == ["22.25,113.5 0.013"] * 2
    assert text_of(document, "scope") == ["Restricted"]
    assert text_of(cap.to_cap(make(warning="", level=1)), "severity") == ["Minor"] * 2
    assert text_of(cap.to_cap(make(warning="", level=0)), "severity") == ["Unknown"] * 2
    over = cap.to_cap(make(state="closed", lon=None, lat=None))
    assert (text_of(over, "responseType"), text_of(over, "urgency")) == (["AllClear"] * 2, ["Past"] * 2)
    assert text_of(over, "circle") == []


def test_a_drill_is_never_taken_for_real() -> None:
    drill = make()
    drill.drill = True
    assert text_of(cap.to_cap(drill), "status") == ["Exercise"]
    assert text_of(cap.to_cap(make()), "status") == ["Actual"]
    for name in FORMS:
        assert "演练" in export(name, [drill])[0][1].decode()


def _mutilate(root: Element) -> list[tuple[str, Callable[[Element, Element], None]]]:
    """What a document can break, each by a change to (alert, first info)."""
    space = root.tag.removesuffix("alert")

    def drop(parent: Element, name: str) -> None:
        found = parent.find(space + name)
        assert found is not None
        parent.remove(found)

    def put(parent: Element, name: str, text: str) -> None:
        found = parent.find(space + name)
        assert found is not None
        found.text = text

    def twice(parent: Element, name: str) -> None:
        found = parent.find(space + name)
        assert found is not None
        parent.append(found)

    return [
        ("identifier", lambda a, i: drop(a, "identifier")), ("status", lambda a, i: put(a, "status", "Live")),
        ("sent", lambda a, i: put(a, "sent", "2024-06-10T06:13:20Z")), ("scope", lambda a, i: twice(a, "scope")),
        ("urgency", lambda a, i: drop(i, "urgency")), ("category", lambda a, i: put(i, "category", "Weather")),
        ("language", lambda a, i: put(i, "language", "中文")), ("event", lambda a, i: twice(i, "event")),
        ("areaDesc", lambda a, i: drop(i.findall(space + "area")[0], "areaDesc")),
        ("extra", lambda a, i: i.append(Element(space + "extra"))), ("text", lambda a, i: setattr(a, "text", "hello")),
        ("event", lambda a, i: i[2].append(Element("b"))),
    ]  # fmt: skip


@pytest.mark.parametrize("n", range(12))
def test_the_table_of_cap_finds_each_break_of_its_form(n: int) -> None:
    root = parse(cap.to_cap(make()))
    what, change = _mutilate(root)[n]
    assert faults(root) == []
    change(root, root.findall(root.tag.removesuffix("alert") + "info")[0])
    found = faults(root)
    assert any(what in fault for fault in found), found
    assert not _official(root)


def test_a_document_in_another_namespace_is_no_cap() -> None:
    assert faults(Element("alert"))[0].startswith("expected root alert")


def _official(root: Element) -> bool:
    """What OASIS's own schema says of a document, where it is at hand; False where it is not."""
    if not XSD:
        return False
    xmlschema = pytest.importorskip("xmlschema")
    return bool(xmlschema.XMLSchema(XSD).is_valid(root))


@pytest.mark.skipif(not XSD, reason="CAP_XSD names no schema file of OASIS")
def test_the_official_schema_finds_our_documents_valid() -> None:
    for incident in (make(), make(lon=None, lat=None, lead="", state="false_alarm"), make(name=Text(), event_code="")):
        assert _official(parse(cap.to_cap(incident)))
        assert _official(parse(cap.to_cap(incident, make(revision=1))))


# -- the others


def test_an_entity_has_the_words_of_the_alert_model() -> None:
    entity = ngsi_ld.to_ngsi_ld(make())
    assert entity["id"] == "urn:ngsi-ld:Alert:city-brain:inc-00ff00ff00ff00ff"
    assert (entity["category"]["value"], entity["subCategory"]["value"]) == ("security", "buildingFire")
    assert entity["severity"] == {"type": "Property", "value": "high"}
    assert entity["validFrom"]["value"] == {"@type": "DateTime", "@value": "2024-06-10T06:13:20.123Z"}
    assert entity["location"]["value"] == {"type": "Point", "coordinates": [113.5, 22.25]}
    plain = ngsi_ld.to_ngsi_ld(make(event_code="eco.noise", domain="eco", lon=None, cleared=START))
    assert plain["category"]["value"] == "environment"
    assert "subCategory" not in plain
    assert "location" not in plain
    assert "validTo" in plain
    assert all(isinstance(e, dict) for e in json.loads(ngsi_ld.to_entities([make(), make()])))


def test_a_service_request_is_open_until_its_incident_is_over() -> None:
    request = open311.to_open311(make())
    assert (request["status"], request["service_code"], request["agency_responsible"]) == (
        "open", "emergency.fire.smoke", "消防支队",
    )  # fmt: skip
    assert open311.to_open311(make(state="resolved"))["status"] == "closed"
    assert open311.to_open311(make(event_code=""))["service_code"] == "emergency.smoke"


def ticket(**fields: Any) -> dict[str, Any]:
    request = {
        "service_request_id": 638344, "service_name": "噪音", "description": "夜间施工", "phone": "13800138000",
        "requested_datetime": "2024-06-10T14:13:20+08:00", "address": "人民路1号", "lat": "22.25", "long": 113.5,
        "first_name": "某", "zipcode": None,
    }  # fmt: skip
    return open311.ticket_of(json.dumps({**request, **fields}).encode())


def test_a_foreign_service_request_becomes_a_ticket_that_the_decoder_takes_without_personal_data() -> None:
    found = ticket()
    assert found == {
        "id": "638344", "t": 1_718_000_000_000, "title": "噪音", "text": "夜间施工", "address": "人民路1号",
        "lon": 113.5, "lat": 22.25,
    }  # fmt: skip
    for one in (found, ticket(lat=None, long=None), ticket(description="", address_string="路口")):
        batch = Batch.of(TP("hotline.tickets", 0), 0, 1, [(0, 0, None, json.dumps(one).encode(), ())])
        decoded, dead = decode_tickets(batch, batch.vstart * 0)
        assert (len(decoded), dead) == (1, [])


@pytest.mark.parametrize(
    "fields",
    [
        {"service_request_id": None}, {"description": "", "service_name": None}, {"requested_datetime": "yesterday"},
        {"requested_datetime": None}, {"requested_datetime": "2024-06-10T14:13:20"}, {"lat": "north"}, {"lat": None},
        {"lat": True}, {"address": ["a"]}, {"long": 10**400}, {"lat": "1e999"},
    ],
)  # fmt: skip
def test_a_service_request_that_makes_no_ticket_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(NotOurs):
        ticket(**fields)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(max_size=60) | st.sampled_from(PIECES))
def test_no_bytes_make_the_ticket_reader_raise_anything_else(junk: bytes) -> None:
    with pytest.raises(NotOurs):
        open311.ticket_of(junk)


def test_an_alert_keeps_its_fingerprint_for_its_whole_life_and_ends_when_quiet() -> None:
    first, last = (
        alertmanager.alert_of(make()),
        alertmanager.alert_of(make(state="resolved", level=4, revision=9, cleared=START)),
    )
    assert first["fingerprint"] == last["fingerprint"] == alertmanager.fingerprint(first["labels"])
    assert (first["status"], first["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert (last["status"], last["endsAt"]) == ("resolved", "2024-06-10T06:13:20.123Z")


def test_the_fingerprint_of_labels_is_that_of_prometheus() -> None:
    assert alertmanager.fingerprint({}) == "cbf29ce484222325"
    assert alertmanager.fingerprint({"b": "2", "a": "1"}) == alertmanager.fingerprint({"a": "1", "b": "2"})
    assert alertmanager.fingerprint({"a": "12"}) != alertmanager.fingerprint({"a1": "2"})


def test_a_notification_is_of_one_domain_and_says_what_its_alerts_have_in_common() -> None:
    two = [make(), make(id="inc-2", grid="g-2"), make(id="inc-3", domain="eco", state="closed")]
    lines = [json.loads(line) for line in alertmanager.payloads(two).splitlines()]
    assert [(p["version"], p["groupLabels"]["domain"], p["status"], len(p["alerts"])) for p in lines] == [
        ("4", "emergency", "firing", 2), ("4", "eco", "resolved", 1),
    ]  # fmt: skip
    assert "grid" not in lines[0]["commonLabels"]
    assert lines[0]["commonLabels"]["alertname"] == "emergency.smoke"
    with pytest.raises(ValueError, match="at least one"):
        alertmanager.payload([])


def test_a_form_is_data_that_docs_can_read() -> None:
    assert [form.name for form in FORMS.values()] == ["cap", "ngsi-ld", "open311", "alertmanager"]
    assert all(dataclasses.is_dataclass(form) for form in FORMS.values())
