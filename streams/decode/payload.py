"""Why a payload is no good, found slowly and exactly; and times and numbers as people write them."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

import msgspec

from streams.records import Reason

READING_LIMIT = 256 * 1024
FRAME_LIMIT = 1024 * 1024


class Refused(Exception):
    """A payload that ends as a dead letter: its reason and what exactly is wrong."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail[:300]


class _NotFinite(ValueError):
    pass


def _constant(name: str) -> float:
    raise _NotFinite(name)


def parse(value: bytes | None, limit: int) -> Any:
    """The JSON document of one payload, or Refused with the one reason that fits."""
    if not value:
        raise Refused(Reason.EMPTY, "no payload")
    if len(value) > limit:
        raise Refused(Reason.TOO_LARGE, f"{len(value)} bytes, at most {limit}")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.NOT_UTF8, f"byte {error.start}: {error.reason}") from None
    try:
        document = json.loads(text, parse_constant=_constant)
    except _NotFinite as error:
        raise Refused(Reason.NOT_FINITE, f"{error} is no number here") from None
    except json.JSONDecodeError as error:
        raise _broken(text, value, error) from None
    except RecursionError:
        raise Refused(Reason.NOT_JSON, "nested too deeply") from None
    except ValueError:
        raise Refused(Reason.NOT_FINITE, "a number with thousands of digits") from None
    if "\\ud" in text or "\\uD" in text:
        _whole_characters(document)
    return document


def _whole_characters(document: Any) -> None:
    """Refuse half a surrogate pair: Python reads it, and then nothing can write it."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refused(Reason.NOT_JSON, "an escaped surrogate without its other half") from None


def _broken(text: str, value: bytes, error: json.JSONDecodeError) -> Refused:
    where = f"{error.msg} at character {error.pos}"
    if not text.strip():
        return Refused(Reason.EMPTY, "only white space")
    if error.msg.startswith("Extra data"):
        return Refused(Reason.TRAILING_DATA, where)
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string") or _truncated(value):
        return Refused(Reason.TRUNCATED, where)
    return Refused(Reason.NOT_JSON, where)


def _truncated(value: bytes) -> bool:
    try:
        msgspec.json.decode(value, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        # A number cut after its sign, point or exponent is called invalid, but only beyond the last byte.
        return "truncated" in str(error) or str(error).endswith(f"(byte {len(value)})")
    return False


def need(document: dict[str, Any], name: str) -> Any:
    """A field that must be there."""
    if name not in document:
        raise Refused(Reason.MISSING_FIELD, f"field {name} is missing")
    return document[name]


def text_of(document: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text field; ``default`` None: it must be there."""
    found = need(document, name) if default is None else document.get(name, default)
    if not isinstance(found, str):
        raise _type(name, "text", found)
    return found


def number(name: str, found: Any) -> float:
    """A finite JSON number as float; true and false are none."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _type(name, "a number", found)
    try:
        result = float(found)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise Refused(Reason.NOT_FINITE, f"{name}: too large for a number here")
    return result


def moment(name: str, found: Any) -> int:
    """Milliseconds UTC from an integer of ms or an RFC 3339 text with zone."""
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise _type(name, "ms or an RFC 3339 text", found)
    if isinstance(found, int):
        if not -(1 << 62) < found < 1 << 62:
            raise Refused(Reason.ABSURD_TIME, f"{name}: {str(found)[:30]}")
        return found
    try:
        when = datetime.fromisoformat(found)
    except ValueError:
        raise Refused(Reason.WRONG_TYPE, f"{name}: expected RFC 3339, got {found[:40]!a}") from None
    if when.tzinfo is None:
        raise Refused(Reason.WRONG_TYPE, f"{name}: expected a time with zone, got {found[:40]!a}")
    return round(when.timestamp() * 1000)


def _type(name: str, expected: str, found: Any) -> Refused:
    return Refused(Reason.WRONG_TYPE, f"{name}: expected {expected}, got {type(found).__name__}")
