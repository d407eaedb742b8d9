"""The city's time 北京时间, in which people read and write: UTC+8, without summer time."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

CITY_TIME: Final = timezone(timedelta(hours=8))
