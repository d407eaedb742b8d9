"""Which contracts there are, and which of them each topic carries. A new one is a row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from brain.contracts import forms
from brain.contracts.warning import OfficialWarning
from brain.incidents.actions import AnyAction
from brain.incidents.value import Incident
from streams.pulse import Pulse
from streams.records import Notice, Seal, Signal, Summary
from streams.set_watch import Wanted
from streams.topics import DOMAINS, INPUTS

Way = Literal["in", "out"]


@dataclass(frozen=True)
class Contract:
    """One published form of a payload, or of headers.

    ``source``: the type it follows from (a struct, or a union of tagged ones), or the name of a form in
    ``streams/schemas``, where the decoder takes more than any type says. ``about`` describes a union, which has no
    docstring. ``way``: ``in`` others write it and the brain reads, ``out`` the other way: what is compatible depends on
    it. ``major`` is raised by hand, for a change that breaks who relies on it; the minor version counts compatible
    changes by itself.
    """

    name: str
    title: str
    source: Any
    way: Way
    major: int = 1
    about: str = ""


CONTRACTS: Final[Mapping[str, Contract]] = {
    c.name: c
    for c in (
        Contract("reading", "Reading 感知数据", "reading", "in"),
        Contract("senml", "SenML pack (RFC 8428)", "senml", "in"),
        Contract("detection", "Frame of detections 视频元数据", "detection", "in"),
        Contract("ticket", "Hotline ticket 热线工单", "ticket", "in"),
        Contract(
            "feedback",
            "Feedback 处置反馈",
            AnyAction,
            "in",
            about="What a person did to an incident: do says what. A header proves who sends it (docs/feedback.md).",
        ),
        Contract("feedback-headers", "Headers of feedback", forms.Signed, "in"),
        Contract("asset", "Sensing asset 感知资产", "asset", "in"),
        Contract("map-change", "Change of the map 地图变更", forms.MapChange, "in"),
        Contract("set-wish", "Set that a person wants in force 生效集请求", Wanted, "in"),
        Contract("incident", "Incident 事件", Incident, "out"),
        Contract("incident-headers", "Headers of an incident", forms.CloudEvent, "out"),
        Contract("signal", "Signal 信号", Signal, "out"),
        Contract("summary", "Summary of a minute", Summary, "out"),
        Contract("notice", "Accepted feedback or warning 已接收信息", Notice, "out"),
        Contract("warning", "Official warning as accepted 预警信息", OfficialWarning, "out"),
        Contract("pulse", "Pulse 脉搏", Pulse, "out"),
        Contract("seal", "Seal of a flush 封条", Seal, "out"),
        Contract("dead-letter", "Headers of a dead letter 死信", forms.DeadLetter, "out"),
        Contract("audit-note", "Audit note 审计记录", forms.AuditNote, "out"),
        Contract("kind-headers", "Header that tells the engine's records apart", forms.Kind, "out"),
    )
}


@dataclass(frozen=True)
class Message:
    """One kind of record. ``payload`` and ``headers`` name contracts; empty: bytes that are nobody else's to read."""

    name: str
    title: str
    payload: str = ""
    headers: str = ""
    ce_type: str = ""
    """Value of the header ``ce_type``; on inputs only the brain's own records have it."""
    content_type: str = "application/json"


OPAQUE: Final = "application/octet-stream"
MESSAGES: Final[Mapping[str, Message]] = {
    m.name: m
    for m in (
        Message("reading", "one value of one metric", "reading"),
        Message("senml", "several readings, taken whole or not at all", "senml", content_type="application/senml+json"),
        Message("detection", "the objects of one frame", "detection"),
        Message("ticket", "one ticket", "ticket"),
        Message("cap", "CAP 1.1 or 1.2, one message a record", content_type="application/cap+xml"),
        Message("feedback", "what people did to an incident", "feedback", "feedback-headers"),
        Message("asset", "a version of an asset; without value: taken away", "asset"),
        Message("map-change", "a version of a map feature; without value: taken away", "map-change"),
        Message("set-wish", "key wanted: the set that a person wants in force", "set-wish"),
        Message("set-chunk", "key hash/chunk/chunks: a piece of a set", content_type=OPAQUE),
        Message("pulse", "the city's clock, signed", "pulse", "kind-headers", "city.pulse"),
        Message("signal", "a raise, update or clear", "signal", "kind-headers", "city.signal"),
        Message("shadow-signal", "as a signal, raised in shadow: nobody is told", "signal", "kind-headers",
                "city.shadow"),
        Message("summary", "many assets of a minute", "summary", "kind-headers", "city.summary", "application/msgpack"),
        Message("notice", "accepted feedback, or a warning: its body", "notice", "kind-headers", "city.notice"),
        Message("ready", "the set that a lane has loaded", "", "kind-headers", "city.ready", "text/plain"),
        Message("seal", "ends a flush's share of the partition", "seal", "kind-headers", "city.seal"),
        Message("incident", "the newest revision; without value: closed long ago, or re-routed", "incident",
                "incident-headers"),
        Message("dead-letter", "a refused record's bytes, as they came", "", "dead-letter", content_type=OPAQUE),
        Message("audit-note", "who changed or decided what", "audit-note", "kind-headers", "city.audit"),
        Message("internal", "the engine's own; its form may change without notice", content_type=OPAQUE),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Channel:
    """What a topic is for others: key, messages, and what the brain does with it."""

    key: str
    messages: tuple[str, ...]
    way: Way
    about: str


def channels() -> dict[str, Channel]:
    """Every topic of :func:`streams.topics.catalogue`, without prefix, as others see it."""
    pulsed = "Each partition also gets a pulse a second, which the brain writes."
    found = {
        "iot.telemetry": Channel("asset id", ("reading", "senml", "pulse"), "in", f"Readings. {pulsed}"),
        "video.metadata": Channel("camera id", ("detection", "pulse"), "in", f"Detections. {pulsed}"),
        "hotline.tickets": Channel("ticket id", ("ticket", "pulse"), "in",
                                   f"12345 tickets; personal data: rights of its own. {pulsed}"),
        "warnings": Channel("warning id", ("cap", "pulse"), "in", f"Official warnings. {pulsed}"),
        "feedback": Channel("incident id", ("feedback", "pulse"), "in", f"What people did. {pulsed}"),
        "assets": Channel("asset id / valid from", ("asset",), "in", "Live changes of the registry."),
        "map.features": Channel("layer / code / valid from", ("map-change",), "in", "Live changes of the map."),
        "sets": Channel("content hash / chunk / chunks, or wanted", ("set-wish", "set-chunk", "internal"), "in",
                        "Versions that can be in force, and the wish for one."),
        "pulse": Channel("pulse", ("pulse", "internal"), "out", "The clock before it is copied to the lanes."),
        "journal": Channel("lane", ("internal", "seal"), "out", "What is no function of the logs."),
        "state.city": Channel("slot of the state", ("internal",), "out", "State of the city task."),
        "deadletter": Channel("topic / partition / offset of the original", ("dead-letter", "seal"), "out",
                              "Records that could not be used; personal data: rights of its own."),
        "audit": Channel("lane, city, or place of a dead letter", ("audit-note", "seal"), "out",
                         "Who changed what, and each decision that hides something from a person."),
        "notify": Channel("message", ("internal",), "out", "What was told to whom; brain notify makes it."),
    }  # fmt: skip
    for name in INPUTS:
        found[f"signals.{name}"] = Channel(
            "none", ("signal", "shadow-signal", "summary", "notice", "ready", "seal"), "out",
            "What a lane says to the city task.",
        )  # fmt: skip
        found[f"signals.shadow.{name}"] = Channel(
            "none", ("signal", "seal"), "out", "Signals of scenarios in shadow, for those who work on rules."
        )
        found[f"alarms.{name}"] = Channel(
            "signal id", ("signal", "seal"), "out",
            "Provisional records of never-hidden classes: each gets its one outcome in an incident's provisional.",
        )  # fmt: skip
        found[f"state.{name}"] = Channel("slot of the state", ("internal",), "out", "State of the lanes.")
    found["audit-shadow"] = Channel("city", ("audit-note",), "out", "As audit, of incidents in shadow.")
    for domain in DOMAINS:
        found[f"incidents-shadow.{domain}"] = Channel(
            "incident id", ("incident",), "out", "Incidents in shadow: what rules that are tried would have opened."
        )
        found[f"incidents.{domain}"] = Channel("incident id", ("incident",), "out", f"Incidents that {domain} leads.")
    return found
