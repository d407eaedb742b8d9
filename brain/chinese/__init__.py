"""The Chinese of what is said to people who write or change a set, by the English text that stands where it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from brain.chinese import scenarios, steps, tables

CHINESE: Final[Mapping[str, str]] = {**tables.CHINESE, **scenarios.CHINESE, **steps.CHINESE}
