"""Forms of records that no type of the engine has, because it writes headers or reads them by hand."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from streams.records import Reason, Stage


class CloudEvent(msgspec.Struct, rename={"content_type": "content-type"}):
    """Kafka headers of an incident: CloudEvents 1.0 in binary mode. All values are UTF-8 text."""

    ce_specversion: Literal["1.0"]
    """Version of CloudEvents."""
    ce_type: str
    """``city.incident.v`` and the major version of the contract."""
    ce_id: str
    """Incident's id, slash, revision: drop what you have seen."""
    ce_source: str
    """``/city-brain/incidents/`` and the domain."""
    ce_subject: str
    """Scenario, slash, unit grid; the asset where there is no grid."""
    ce_time: str
    """Fold time of the change, RFC 3339 UTC; never the wall clock, so a replay gives the same bytes."""
    content_type: Literal["application/json"]
    """What the value is."""


class Signed(msgspec.Struct):
    """The header that proves who sends feedback."""

    city_signature: str
    """Keyed BLAKE2b hash of the value, 16 bytes in hexadecimal, personalisation ``city.feedback``."""


class Kind(msgspec.Struct):
    """The header of the engine's own records."""

    ce_type: str
    """What the value is, on topics that carry several kinds."""
    traceparent: str | None = None
    """W3C Trace Context of the record that a signal came of, where the worker sends spans and the record has one."""


class DeadLetter(msgspec.Struct, omit_defaults=True):
    """Kafka headers of a dead letter; numbers are written as text. The value is the original's bytes as they came.

    The whole up to 256 KiB, else the first 64 KiB, and then ``size`` and ``sha256`` of the whole are there. The
    original's own headers are not kept. May hold personal data: its topic has rights of its own.
    """

    stage: Stage
    """Where the event ended."""
    reason: Reason
    """Why: a closed list."""
    detail: str
    """What exactly was wrong."""
    topic: str
    """Topic of the original."""
    partition: str
    """Partition of the original."""
    offset: str
    """Offset of the original."""
    index: str
    """Which value within the record, from 0."""
    timestamp: str
    """The log's time of the original, ms UTC."""
    key: str | None = None
    """Base64 of the original's key; absent where it had none."""
    size: str | None = None
    """Bytes of the whole, where it was cut."""
    sha256: str | None = None
    """Hash of the whole, hexadecimal, where it was cut."""
    requeued_set: str | None = None
    """The set that came to know its asset, where it had been sent again by itself."""


class Geometry(msgspec.Struct):
    """A shape in WGS 84 degrees, longitude first, rings closed, as RFC 7946 has it. Kinds by layer: docs/map.md."""

    type: Literal["Polygon", "MultiPolygon", "LineString", "MultiLineString", "Point"]
    coordinates: list[Any]


class MapProperties(msgspec.Struct):
    """What a version of a feature is called, and from when to when it counts; all other properties are attributes."""

    layer: str
    """Layer of the map: district, town, community, grid, zone, risk, site, …"""
    code: str
    """Code of the feature within its layer."""
    since: str | None = None
    """From when on this version counts, RFC 3339; always, where left out."""
    until: str | None = None
    """When it ends, RFC 3339; never, where left out."""


class MapChange(msgspec.Struct, tag_field="type", tag="Feature"):
    """A version of a map feature that is new or replaces the one of its key; a record without value takes it away.

    At most 1,000,000 bytes. It comes into force with the next set, after the map was judged as a whole.
    """

    properties: MapProperties
    geometry: Geometry


class AuditNote(msgspec.Struct):
    """Something a person may ask about later. Each ``what`` has more fields of its own."""

    what: str
    """What happened, in dotted words (``set.refused``)."""
    lane: str = ""
    """The lane that says so, as ``topic/partition``; empty for the city task and tools."""
