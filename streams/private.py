"""What people are shown of payloads that came from outside, and who may see them as they came.

A dead letter holds the bytes as they came. They are shown masked: documents field by field, everything else as text.
Whoever asks for the bytes themselves gives a name and a reason, and the audit has both before anything is shown.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from streams.decode.columns import EARLIEST_MS, LATEST_MS
from streams.decode.mask import LONG, NAME, PHONE, mask
from streams.records import AUDIT_TYPE, CE_TYPE, TP
from streams.seal import TOOL_KEY

PEOPLES = ("hotline.tickets", "feedback")
"""Inputs that people write: their texts may say anything about anybody."""
HIDDEN = "[{n} bytes, no UTF-8 text]"

_NAMES = ("name", "contact", "caller_name", "reporter", "姓名", "联系人", "投诉人", "举报人", "当事人", "户主")
_NUMBERS = (
    "phone", "tel", "telephone", "mobile", "cell", "idcard", "id_card", "identity", "caller", "电话", "手机",
    "联系电话", "手机号", "身份证", "身份证号", "证件号", "微信", "qq", "wechat",
)  # fmt: skip
_IDS = frozenset(("id", "asset", "sensorid", "n", "bn", "district", "incident"))
_FIELD = {**dict.fromkeys(_NAMES, NAME), **dict.fromkeys(_NUMBERS, PHONE)}
_OPAQUE = re.compile(r"[0-9a-f]{16,128}")
_BROKEN_FIELD = re.compile(
    rf'("(?P<field>{"|".join(sorted(map(re.escape, _FIELD), key=len, reverse=True))})"\s*:\s*)'
    r'("(?:[^"\\]|\\.)*"?|[^\s",}\]]+)',
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def of_people(topic: str) -> bool:
    """Whether a topic, with its prefix or without, is one that people write."""
    return topic.endswith(PEOPLES)


def shown_text(text: str) -> str:
    """A text that is no document, masked. What is written as ``\\uXXXX`` is masked as the character it stands for."""
    plain = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    plain = "".join(c for c in plain if c >= " " or c in "\n\t")  # a NUL between two digits would part them
    masked = mask(_BROKEN_FIELD.sub(lambda m: f'{m[1]}"{_FIELD[m["field"].lower()]}"', plain))
    return text if masked == plain else masked


def shown_bytes(value: bytes) -> bytes:
    """A payload as people may see it: UTF-8, masked; one that is no UTF-8 is not shown at all.

    A document keeps its form: numbers and texts in it are masked each, fields that are named for a person or a number
    of one wholly. Does not find a name that neither its field nor a word before it announces.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return HIDDEN.format(n=len(value)).encode()
    try:
        document = json.loads(text, object_pairs_hook=_once_each)
        masked = _document(document)
    except (ValueError, RecursionError):
        return shown_text(text).encode("utf-8", "replace")
    return value if masked == document else json.dumps(masked, ensure_ascii=False).encode("utf-8", "replace")


def shown_id(name: str) -> str:
    """A key or an id: as it is, unless it is somebody's number. Long numbers are what ids are made of, and stay."""
    masked = mask(name)
    return name if masked == name or LONG in masked else masked


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError where a field stands twice, because reading it would hide the first one, not mask it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands twice")
    return found


def _document(found: Any, field: str = "") -> Any:
    if isinstance(found, dict):
        return {mask(name): _document(value, name.lower()) for name, value in found.items()}
    if isinstance(found, list):
        return [_document(value, field) for value in found]
    if field in _FIELD and found not in ("", None) and not isinstance(found, bool):
        opaque = field == "caller" and isinstance(found, str) and _OPAQUE.fullmatch(found)
        return found if opaque else _FIELD[field]
    if isinstance(found, str):
        return shown_id(found) if field in _IDS else mask(found)
    if isinstance(found, int) and not isinstance(found, bool) and not EARLIEST_MS <= found <= LATEST_MS:
        masked = mask(str(found))
        return found if masked == str(found) else masked
    return found


def disclose(bootstrap: str, what: str, *, by: str, why: str, of: Sequence[str], prefix: str = "") -> None:
    """Write to the audit that a person is about to see what is personal; only when this returns may it be shown.

    ``what`` names the act, ``of`` what is seen (originals, topics). The reason is masked as every text of people is.

    Raises
    ------
    ValueError
        No name, or no reason.
    LogError
        The audit took nothing: then nothing may be shown.
    """
    if not by.strip() or not why.strip():
        raise ValueError("--raw: expected who asks (--by) and what for (--why): the audit names both")
    from streams.produce import send_all

    note = {"what": what, "by": by.strip(), "why": mask(why.strip()), "t": time.time_ns() // 1_000_000, "of": list(of)}
    record = (TOOL_KEY, msgspec.json.encode(note))
    send_all(bootstrap, TP(prefix + "audit", 0), [record], headers=((CE_TYPE, AUDIT_TYPE),))
