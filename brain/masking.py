"""How each input that people write is masked in a bundle. An input that is added gets its rule here."""

from __future__ import annotations

import secrets

from brain import signed
from brain.settings import Settings
from streams.bundle_mask import BundleMask, Made, Rule, TicketRule
from streams.records import Headers


def bundle_mask(settings: Settings, secret: bytes | None = None) -> BundleMask:
    """The mask of one bundle; ``secret`` (16 to 64 bytes) names its callers, random unless given."""
    callers = secrets.token_bytes(32) if secret is None else secret
    rules: dict[str, Rule] = {"hotline.tickets": TicketRule(callers), signed.TOPIC: _feedback(settings.key())}
    return BundleMask(rules, settings.key(), settings.prefix)


def _feedback(pulse_key: bytes) -> Rule:
    def rule(key: bytes | None, value: bytes | None, headers: Headers) -> Made:
        clean, heads, left_out = signed.masked(value, headers, pulse_key)
        return Made(None, clean, heads, left_out)

    return rule
