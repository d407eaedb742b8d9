"""How each input that people write is masked in a bundle. An input that is added gets its rule here."""

from __future__ import annotations

import secrets

from brain.settings import Settings
from streams.bundle_mask import BundleMask, TicketRule


def bundle_mask(settings: Settings, secret: bytes | None = None) -> BundleMask:
    """The mask of one bundle; ``secret`` names its callers, random unless given."""
    rules = {"hotline.tickets": TicketRule(secrets.token_bytes(32) if secret is None else secret)}
    return BundleMask(rules, settings.key(), settings.prefix)
