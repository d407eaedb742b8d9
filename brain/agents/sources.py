"""What plain agents read, as typed values."""

from __future__ import annotations

import msgspec

from brain.incidents import publish
from brain.incidents.value import DOMAINS, Domain, Incident
from streams.plain import App, PlainError, Source, signals
from streams.records import CE_TYPE
from streams.tailing import Seen

__all__ = ["incidents", "signals"]

_decode = msgspec.json.Decoder(Incident).decode


def incidents(app: App, domain: Domain) -> Source[Incident]:
    """Incidents of a domain, one value a written revision; tombstones and seals are left out.

    Raises
    ------
    PlainError
        No such domain.
    """
    if domain not in DOMAINS:
        raise PlainError(f"incidents: expected one of {', '.join(DOMAINS)}, got {domain!r}")
    return Source(f"{app.prefix}incidents.{domain}", _incident)


def _incident(seen: Seen) -> Incident | None:
    if seen.value is None or seen.header(CE_TYPE) != publish.TYPE.encode():
        return None
    return _decode(seen.value)
