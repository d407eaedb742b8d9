"""Plans of a short table of limits on the sample calendar, and times in China, for tests of clocks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from brain.incidents.calendar import WorkCalendar
from brain.incidents.limits import Limits

CONFIG = Path(__file__).parents[2] / "config" / "jurisdiction"
CALENDAR = WorkCalendar.of(msgspec.yaml.decode((CONFIG / "calendar.yaml").read_bytes()))
CHINA = timezone(timedelta(hours=8))
S, M, H = 1000, 60_000, 3_600_000
TABLE: dict[str, Any] = {
    "version": 1,
    "unacknowledged": ["2m", "5m", "10m"],
    "promise": {"life": "10m", "other": "4h", "repeats": 2},
    "limits": [
        {"event_code": "*", "life": True, "calendar": "clock", "accept": "1m", "arrive": "8m", "dispose": "2h"},
        {"event_code": "*", "life": False, "calendar": "working", "accept": "2h", "arrive": "4h", "dispose": "3d"},
        {"event_code": "*", "levels": [3, 4], "life": False, "calendar": "clock", "accept": "10m", "dispose": "6h"},
    ],
}
LIMITS = Limits.of(TABLE, CALENDAR)
LIFE = LIMITS.plan("emergency.fire.smoke", 3, True)
AIR = LIMITS.plan("eco.air.pm25", 1, False)
AIR_HIGH = LIMITS.plan("eco.air.pm25", 3, False)
BEGIN = round(datetime(2026, 1, 12, 9, tzinfo=CHINA).timestamp() * 1000)  # a Monday
DAY = 24 * H


def at(text: str) -> int:
    return round(datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA).timestamp() * 1000)
