"""Times of the map as text and back: RFC 3339 with an offset outside, whole milliseconds UTC inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
"""Years 1 to 9999, which is what can be written."""


def time_of(text: str) -> int:
    """Milliseconds UTC of a time such as 2020-06-22T00:00:00+08:00, cut to whole ones. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"expected a time as 2020-06-22T00:00:00+08:00, got {text!r}") from None
    if time.tzinfo is None:
        raise ValueError(f"{text} has no offset; write 2020-06-22T00:00:00+08:00")
    return (time - EPOCH) // MILLISECOND


def text_of(time: int) -> str:
    """RFC 3339 in UTC, with milliseconds only where there are any: 2020-06-21T16:00:00Z.

    Raises ValueError outside the years 1 to 9999, which have no such text.
    """
    if not FIRST <= time <= LAST:
        raise ValueError(f"expected a time in the years 1 to 9999, got {time} ms")
    text = (EPOCH + time * MILLISECOND).isoformat(timespec="milliseconds" if time % 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z"
