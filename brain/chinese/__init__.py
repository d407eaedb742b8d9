"""The Chinese of what is said to people who write a set, by the English text that stands where it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from brain.chinese import scenarios, tables

CHINESE: Final[Mapping[str, str]] = {**tables.CHINESE, **scenarios.CHINESE}
