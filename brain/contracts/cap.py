"""CAP 1.2: incidents out and back, official warnings in."""

from __future__ import annotations

from brain.contracts.cap_read import read_cap

__all__ = ["read_cap"]
