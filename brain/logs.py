"""Personal data masked in every line of a log, whoever writes it.

Nothing that people wrote is logged on purpose; an error's text and traceback may quote it all the same.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from streams.decode.mask import mask
from streams.private import shown_text

_OURS = frozenset(("level", "timestamp", "partition", "lane", "set", "of", "map", "group", "prefix", "health"))
"""Fields that the code itself fills, with names, hashes and times; digits in them are nobody's."""


def configure_logs() -> None:
    """Structured logs, one JSON object a line, on standard error; personal data masked, in libraries' lines too."""
    logging.setLogRecordFactory(masked_record)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_event,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def mask_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: texts of all fields masked, nested ones too. Numbers stay, so that offsets can be read."""
    for name, value in event.items():
        if name not in _OURS:
            event[name] = _masked(value)
    return event


def masked_record(*given: Any, **more: Any) -> logging.LogRecord:
    """A record of the standard library's logging, message and traceback masked before any handler sees them.

    A factory, because Faust puts in handlers of its own.
    """
    record = logging.LogRecord(*given, **more)
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that do not fit: a handler would only complain of them
        message = f"{record.msg} {record.args!r}"
    record.msg, record.args = shown_text(message), ()
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = shown_text("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
    return record


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, dict):
        return {mask(str(name)): _masked(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    return shown_text(repr(value))
