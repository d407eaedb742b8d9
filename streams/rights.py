"""Who may do what to which topic: least rights by role, as data, and as arguments of Kafka's own ``kafka-acls``.

Raw tickets and dead letters are read by the worker and the auditor alone. Reading and writing each imply Describe.
Needs Kafka 2.8 or later (idempotent producers there need no right on the cluster), an authorizer, and
``allow.everyone.if.no.acl.found=false``: without the last a topic that no rule names is open to all.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from streams.topics import INPUTS, Topic

Operation = Literal["Read", "Write", "Create", "DescribeConfigs"]
Kind = Literal["topic", "group", "transactional-id"]

SOURCES: Final = {"source-iot": "iot.telemetry", "source-video": "video.metadata", "source-hotline": "hotline.tickets",
                  "source-warnings": "warnings"}  # fmt: skip
"""Roles of those who produce, each with its one input."""
ROLES: Final = ("worker", "screen", "notify", "operator", "auditor", "agent", *SOURCES)

Operations = tuple[Operation, ...]
_R: Operations = ("Read",)
_W: Operations = ("Write",)
_RW: Operations = ("Read", "Write")
_OUTPUT: Mapping[str, Operations] = {"worker": _RW, "screen": _R, "operator": _R, "agent": _R}
_FAMILIES: Mapping[str, Mapping[str, Operations]] = {
    # Whoever owns an input's lane writes the pulse into it, and sends again what has become known.
    "iot.telemetry": {"worker": _RW},
    "video.metadata": {"worker": _RW},
    "hotline.tickets": {"worker": _RW},
    "warnings": {"worker": _RW},
    "feedback": {"worker": _RW, "screen": _W, "operator": _W, "notify": _W},
    "assets": {"worker": _R, "operator": _RW, "screen": _R},
    "map.features": {"worker": _R, "operator": _RW, "screen": _R},
    "sets": {"worker": _RW, "operator": _RW, "screen": _R},
    "pulse": {"worker": _RW, "operator": _R, "screen": _R},
    "journal": {"worker": _RW},
    "signals": _OUTPUT,
    "alarms": {**_OUTPUT, "notify": _R},
    "state": {"worker": _RW},
    "incidents": {**_OUTPUT, "notify": _R},
    # What a rule would have done if it ran: nobody is told of it but those who work on rules.
    "signals.shadow": {"worker": _RW, "operator": _R, "agent": _R},
    "incidents-shadow": {"worker": _RW, "operator": _R, "agent": _R},
    "audit-shadow": {"worker": _RW, "operator": _R},
    "deadletter": {"worker": _RW, "agent": _W},
    "audit": {"worker": _RW, "screen": _RW, "operator": _RW, "notify": _W, "auditor": _RW},
}
"""By family: a topic's own name, or its name up to the first dot (of signals in shadow, the second). The auditor reads
every topic besides."""
_SHADOW: Final = "signals.shadow"


OWN: Mapping[str, str] = {"notify": "notify", "notify.drill": "notify"}
"""Topics that a role makes and keeps for itself, outside the catalogue."""


class Right(NamedTuple):
    """One role's operations on one resource; ``prefixed``: on all whose name begins so."""

    role: str
    kind: Kind
    name: str
    operations: Operations
    prefixed: bool = False


def rights(topics: Iterable[Topic], group: str, prefix: str = "", *, requeue: bool = False) -> list[Right]:
    """All rights for a catalogue whose names begin with ``prefix``, in its order. ``group`` is that of the workers.

    With ``requeue`` the auditor may also send dead letters again, which means writing to every input.

    Raises
    ------
    ValueError
        A topic of the catalogue that no rule covers.
    """
    out: list[Right] = []
    for topic in topics:
        name = topic.name.removeprefix(prefix)
        family = name if name in _FAMILIES else name.partition(".")[0]
        if name.startswith(f"{_SHADOW}."):
            family = _SHADOW
        if family not in _FAMILIES:
            raise ValueError(f"{topic.name}: no rule says who may read or write it; streams/rights.py has the table")
        mine = {"auditor": _R, **_FAMILIES[family]}
        mine |= {role: _W for role, source in SOURCES.items() if source == name}
        if requeue and name in INPUTS:
            mine["auditor"] = _RW
        out += [Right(role, "topic", topic.name, mine[role]) for role in ROLES if role in mine]
        out.append(Right("operator", "topic", topic.name, ("DescribeConfigs",)))
    own = prefix + group
    out += [
        Right("worker", "group", own, _R),
        Right("worker", "transactional-id", own, _W, prefixed=True),
        Right("agent", "group", prefix + "agent.", _R, prefixed=True),
        *(Right(role, "group", prefix + name, _R) for name, role in OWN.items()),  # of several one leads
    ]
    out += [Right(role, "topic", prefix + name, (*_RW, "Create", "DescribeConfigs")) for name, role in OWN.items()]
    out += [Right("auditor", "topic", prefix + name, _R) for name in OWN]
    if requeue:
        out.append(Right("auditor", "transactional-id", prefix + "deadletter-requeue", _W))
    return out


def commands(found: Iterable[Right], principals: Mapping[str, str]) -> list[str]:
    """Lines for a shell that add the rights, roles in their order; ``principals`` by role, else ``User:brain-<role>``.

    ``$BOOTSTRAP`` and ``$ADMIN`` (a client's properties) are the shell's. Resources with the same rights share a line.
    """
    lines: dict[tuple[str, Operations, Kind, bool], list[str]] = {}
    for right in found:
        lines.setdefault((right.role, right.operations, right.kind, right.prefixed), []).append(right.name)
    out = []
    for (role, operations, kind, prefixed), names in sorted(lines.items(), key=lambda item: ROLES.index(item[0][0])):
        principal = principals.get(role, f"User:brain-{role}")
        words = ["--add", "--allow-principal", principal]
        words += [word for operation in operations for word in ("--operation", operation)]
        words += ["--resource-pattern-type", "prefixed"] * prefixed
        words += [word for name in names for word in (f"--{kind}", name)]
        out.append(f'kafka-acls --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN" {shlex.join(words)}')
    return out
