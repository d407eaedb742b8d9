"""The port: what an adapter is given, and what it answers. An integrator needs nothing else of this package."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from brain.incidents.value import Text


class Kind(enum.StrEnum):
    """Why a message is sent: a closed list, safe as a metric label."""

    ALARM = "alarm"
    """A provisional record of a never-hidden class: its incident follows within seconds."""
    SHOWN = "shown"
    LEVEL = "level"
    """The level rose."""
    JOINED = "joined"
    """Another asset at the site of a never-hidden incident."""
    REOPENED = "reopened"
    RELEASED = "released"
    SOUNDED = "sounded"
    """It asks for attention anew, for another reason."""
    UNACKNOWLEDGED = "unacknowledged"
    """Nobody has taken a life-safety incident: a step of its escalation."""
    STALE = "stale_acknowledgement"
    PREDICTED = "breach_predicted"
    BREACHED = "breached"
    REVIEW_DUE = "review_due"


class About(msgspec.Struct, frozen=True, omit_defaults=True):
    """The incident as it stood when the message was made. Of an alarm ``id`` is empty, and no department is known.

    ``onset`` is event time, ms UTC; positions are WGS 84; ``text`` is masked. ``unit`` leads. ``trust`` is that in the
    alarm's asset as far as its lane knew, or in the most trusted of an incident's, in [0, 1]; ``doubts`` says why, of
    an alarm.
    """

    id: str
    revision: int
    domain: str
    scenario: str
    name: Text
    level: int
    life: bool
    onset: int
    event_code: str = ""
    state: str = ""
    confidence: str = ""
    grid: str = ""
    town: str = ""
    district: str = ""
    lon: float | None = None
    lat: float | None = None
    unit: str = ""
    unit_name: Text = Text()
    assisting: list[str] = []
    text: str = ""
    trust: float = 1.0
    doubts: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one target is told once. The same ``id`` may come again: it is the key by which a receiver drops a repeat.

    ``at`` is fold time, ms UTC. ``step`` is that of an escalation or of a stale acknowledgement, ``clock`` and ``due``
    name the limit. ``alarm`` is the id of a provisional record. ``title`` and ``text`` are for people.
    """

    id: str
    kind: Kind
    at: int
    target: str
    title: str
    text: str
    about: About
    drill: bool = False
    step: int = 0
    clock: str = ""
    due: int = 0
    alarm: str = ""


class Status(enum.StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """Worth another attempt."""
    REFUSED = "refused"
    """Another attempt would be refused too."""


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """The receiver says that somebody has seen it 签收: an account, never a name; ``until`` (ms UTC) is a promise."""

    by: str
    until: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """``detail`` goes to the audit topic: no secrets, no content. ``after_s``: not again before so many seconds."""

    status: Status
    detail: str = ""
    after_s: float = 0.0
    ack: Ack | None = None


class Notifier(Protocol):
    """An adapter, bound to the settings of one target. Each target has a thread of its own, so ``send`` may wait."""

    def send(self, message: Message, attempt: int) -> Outcome:
        """Try once, within a time of its own choosing; ``attempt`` counts from 1.

        What it raises counts as FAILED, with the name of the exception alone.
        """
        ...


class Maker(Protocol):
    """What an entry point of the group ``city_brain.notify`` names."""

    def __call__(self, settings: Mapping[str, Any], folder: Path) -> Notifier:
        """An adapter with the ``settings`` of a target; relative paths in them are seen from ``folder``.

        Raises ValueError (msgspec.ValidationError is one) where they cannot be used: its text is shown with the place.
        """
        ...
