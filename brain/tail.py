"""What `brain tail` shows: which topics a stage has, what the filters let through, and one readable line a record."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

import msgspec
from rich.console import Console
from rich.text import Text

from brain.city_time import CITY_TIME
from brain.incidents.value import DOMAINS
from brain.incidents.words import doubts_text, reason_text
from streams.private import shown_bytes, shown_id
from streams.records import CE_TYPE, NOTICE_TYPE, PULSE_TYPE, READY_TYPE, SEAL_TYPE
from streams.tailing import Seen, follow

Lang = Literal["zh", "en"]
Stage = Literal["incidents", "signals", "alarms", "deadletter", "pulse", "audit"]
Format = Literal["text", "json"]
STAGES: tuple[Stage, ...] = get_args(Stage)
INPUTS = ("iot.telemetry", "video.metadata", "hotline.tickets", "feedback", "warnings")
"""People in the city read their own time, UTC+8 北京时间, wherever the command runs."""

_OURS = frozenset((PULSE_TYPE, SEAL_TYPE, READY_TYPE, NOTICE_TYPE))
_COLOURS = {1: "bright_blue", 2: "yellow", 3: "dark_orange", 4: "bold red"}
_ZH = {
    "emergency": "应急", "market": "市监", "eco": "生态", "social": "社会", "public": "公服", "economy": "经济",
    "resolved": "已结束", "raise": "报警", "update": "变化", "clear": "消除",
    "level": "级", "life": "生命安全", "lead": "牵头",
    "since": "始于", "threshold": "阈值", "score": "偏离", "nowhere": "无网格", "withheld": "未上屏",
    "unverified": "未核实", "doubtful": "设备存疑", "trust": "设备可信度",
    "pulse": "脉搏", "set": "方案", "epoch": "任期", "bytes": "字节",
}  # fmt: skip
_EN = {
    "eco": "ecology", "life": "LIFE", "nowhere": "no grid", "withheld": "not shown",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What is let through; None and 0 let everything. Globs are case-sensitive. A domain is the first part of a
    signal's scenario id. Records that lack a wanted field (dead letters have no level) are not let through."""

    scenario: str | None = None
    domain: str | None = None
    level: int = 0
    grid: str | None = None
    shown: bool = False
    """Of incidents, those only that people are shown."""


def run(
    bootstrap: str,
    stage: Stage = "incidents",
    *,
    prefix: str = "",
    lang: str = "zh",
    filters: Filters | None = None,
    output: Format = "text",
    limit: int = 0,
    from_beginning: bool = False,
    until_end: bool = False,
    inputs: Sequence[str] = INPUTS,
    stop: threading.Event | None = None,
    to: Console | None = None,
) -> int:
    """Show a stage of a running brain until ``stop`` is set, the limit, or for ever; answers how many were shown.

    Raises LogError where no broker answers; KeyboardInterrupt passes through, the connection closed.
    """
    ended = stop.is_set if stop is not None else (lambda: False)
    records = follow(
        bootstrap, topics_of(stage, prefix, inputs), from_beginning=from_beginning, until_end=until_end, stop=ended
    )
    with closing(records):
        return show(
            records, stage, filters or Filters(), output, "en" if lang == "en" else "zh", limit, to or Console()
        )


def show(
    records: Iterable[Seen], stage: str, filters: Filters, output: Format, lang: Lang, limit: int, to: Console
) -> int:
    """Print what the filters let through until the records or the limit (0: none) end; answers how many."""
    shown = 0
    for record in records:
        seen = masked(record) if stage == "deadletter" else record
        fields = fields_of(seen)
        if not wanted(stage, seen, fields, filters):
            continue
        if output == "json":
            to.out(as_json(seen, fields), highlight=False)
        else:
            to.print(line(stage, seen, fields, lang), soft_wrap=True, highlight=False)
        shown += 1
        if shown == limit:
            break
    return shown


def topics_of(stage: str, prefix: str = "", inputs: Sequence[str] = INPUTS) -> list[str]:
    """Topics of a stage. Raises ValueError for one that is not in STAGES."""
    if stage == "incidents":
        return [f"{prefix}incidents.{domain}" for domain in DOMAINS]
    if stage in {"signals", "alarms"}:
        return [f"{prefix}{stage}.{name}" for name in inputs]
    if stage in STAGES:
        return [prefix + stage]
    raise ValueError(f"stage: expected one of {', '.join(STAGES)}, got {stage!r}")


def masked(seen: Seen) -> Seen:
    """A dead letter as people may see it; its bytes are to be had by ``brain deadletter show --raw`` alone."""
    heads = tuple(
        (name, _masked_key(value) if name == "key" else shown_bytes(value) if name == "detail" else value)
        for name, value in seen.headers
    )
    return replace(seen, value=None if seen.value is None else shown_bytes(seen.value), headers=heads)


def _masked_key(value: bytes) -> bytes:
    try:
        key = base64.b64decode(value, validate=True).decode(errors="backslashreplace")
    except binascii.Error:
        return b""
    return base64.b64encode(shown_id(key).encode())


def fields_of(seen: Seen) -> dict[str, Any]:
    """The JSON object in a record, empty where there is none."""
    try:
        found = msgspec.json.decode(seen.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def wanted(stage: str, seen: Seen, fields: dict[str, Any], filters: Filters) -> bool:
    """Whether a record is shown. The engine's own records (seals, readiness) among signals are not."""
    if stage not in {"pulse", "deadletter"} and seen.header(CE_TYPE) in _OURS:
        return False
    if stage in {"incidents", "signals", "alarms"} and not fields:
        return False
    scenario = str(fields.get("scenario", ""))
    domain = fields.get("domain") or scenario.partition(".")[0]
    return (
        (filters.scenario is None or fnmatchcase(scenario, filters.scenario))
        and (filters.domain is None or domain == filters.domain)
        and (not filters.level or max(fields.get("level", 0), fields.get("peak_level", 0)) >= filters.level)
        and (filters.grid is None or fnmatchcase(str(fields.get("grid", "")), filters.grid))
        and (not filters.shown or (fields.get("shown") is not None and not fields.get("withheld")))
    )


def as_json(seen: Seen, fields: dict[str, Any]) -> str:
    """One line of JSON: where the record lies, its headers, and its value (in base64 where it is no JSON object)."""
    out: dict[str, Any] = {"topic": seen.topic, "partition": seen.partition, "offset": seen.offset, "time": seen.time}
    out["key"] = None if seen.key is None else seen.key.decode(errors="replace")
    out["headers"] = {name: value.decode(errors="replace") for name, value in seen.headers}
    if fields:
        out["value"] = fields
    elif seen.value is not None:
        out["value_b64"] = base64.b64encode(seen.value).decode()
    return msgspec.json.encode(out).decode()


def line(stage: str, seen: Seen, fields: dict[str, Any], lang: Lang = "zh") -> Text:
    """One readable line."""
    if stage == "incidents":
        return _incident(fields, lang)
    if stage in {"signals", "alarms"}:
        return _signal(fields, lang)
    if stage == "pulse" and fields:
        return _pulse(fields, lang)
    if stage == "deadletter":
        return _dead(seen, lang)
    return _other(seen, fields)


def _word(name: str, lang: Lang) -> str:
    return _ZH.get(name, name) if lang == "zh" else _EN.get(name, name.replace("_", " "))


def clock(ms: int) -> str:
    """Time of day in the city."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(CITY_TIME):%m-%d %H:%M:%S}"


def _badge(fields: dict[str, Any], lang: Lang) -> Text:
    level, life = fields.get("level", 0), fields.get("life", False)
    out = Text()
    if life:
        out.append(f" {_word('life', lang)} ", "bold white on red").append(" ")
    if level:
        shown = f"{level}{_word('level', lang)}" if lang == "zh" else f"L{level}"
        out.append(shown, _COLOURS.get(level, "")).append(" ")
    return out


def _place(fields: dict[str, Any], lang: Lang) -> str:
    parts = [str(fields[k]) for k in ("district", "town", "grid") if fields.get(k)]
    return " / ".join(parts) if parts else _word("nowhere", lang)


def _incident(f: dict[str, Any], lang: Lang) -> Text:
    name, lead = (f.get(k) or {} for k in ("name", "lead_name"))
    members = f.get("members", [])
    standing = sum(1 for m in members if m.get("cleared") is None)
    reason = next((r[1] for r in reversed(f.get("reasons", ())) if not r[1].startswith("shown")), "")
    done = f.get("state") in ("resolved", "closed", "false_alarm", "merged")
    mark, style = ("✓", "green") if done else (("●", "red") if standing else ("○", "yellow"))
    other: Lang = "en" if lang == "zh" else "zh"
    out = Text(f"{clock(f.get('updated', 0))} ", "dim").append(f"{mark} ", style).append_text(_badge(f, lang))
    out.append(f"[{_word(str(f.get('domain', '')), lang)}] ", "cyan")
    out.append(
        name.get(lang) or name.get(other) or str(f.get("scenario", "")), "dim" if done or f.get("withheld") else "bold"
    )
    if reason != f.get("withheld"):
        out.append(f" · {reason_text(reason, lang)}", style)
    if f.get("withheld"):
        out.append(f" · {_word('withheld', lang)}: {reason_text(f['withheld'], lang)}", "dim")
    out.append(f" · {_place(f, lang)}")
    for doubt in ("unverified", "doubtful"):
        if doubt in f.get("doubts", ()):
            out.append(f" · {_word(doubt, lang)} {f.get('trust', 1.0):.0%}", "bold yellow")
    lead_shown = lead.get(lang) or lead.get(other) or f.get("lead")
    if lead_shown:
        out.append(f" · {_word('lead', lang)} {lead_shown}", "magenta")
    if lang == "zh":
        out.append(f" · 未消除 {standing}/共 {len(members)}")
    else:
        out.append(f" · {standing} of {len(members)} standing")
    out.append(f" · {_word('since', lang)} {clock(f.get('onset', 0))}")
    out.append(f" · {f.get('id', '')} r{f.get('revision', '')}", "dim")
    return out


def _signal(f: dict[str, Any], lang: Lang) -> Text:
    kind = str(f.get("kind", ""))
    style = {"raise": "red", "update": "yellow", "clear": "green"}.get(kind, "")
    out = Text(f"{clock(f.get('t', 0))} ", "dim").append(f"{_word(kind, lang)} ", style).append_text(_badge(f, lang))
    out.append(str(f.get("scenario", "")), "bold").append(f" · {f.get('asset', '')}", "cyan")
    if f.get("value") is not None:
        out.append(f" · {f.get('metric', '')} {f['value']:g}")
    if f.get("threshold") is not None:
        out.append(f" ({_word('threshold', lang)} {f['threshold']:g})")
    if f.get("standard"):
        out.append(f" · {f.get('grade', '')} ({f['standard']})")
    elif f.get("score") is not None:
        out.append(f" · {_word('score', lang)} {f['score']:.2f}")
    out.append(f" · {_place(f, lang)}")
    if f.get("trust", 1.0) < 1.0:
        told = doubts_text(map(str, f.get("doubts", ())), lang)
        out.append(f" · {_word('trust', lang)} {f['trust']:.0%} ({told})", "bold yellow")
    if f.get("text"):
        out.append(f" · {str(f['text'])[:60]}", "italic")
    return out


def _pulse(f: dict[str, Any], lang: Lang) -> Text:
    out = Text(f"{clock(f.get('time', 0))} ", "dim").append(f"{_word('pulse', lang)} {f.get('seq', '')}", "bold")
    return out.append(f" · {_word('set', lang)} {f.get('set', '')} · {_word('epoch', lang)} {f.get('epoch', '')}")


def _dead(seen: Seen, lang: Lang) -> Text:
    out = Text(f"{clock(seen.time)} ", "dim").append(f"{seen.topic}/{seen.partition}/{seen.offset} ", "dim")
    for name, value in seen.headers:
        style = "bold red" if "reason" in name else ""
        out.append(f"{name}=", "dim").append(value.decode(errors="replace")[:120] + " ", style)
    body = seen.value or b""
    return out.append(f"· {len(body)} {_word('bytes', lang)} ").append(_printable(body, 80), "dim")


def _other(seen: Seen, fields: dict[str, Any]) -> Text:
    out = Text(f"{clock(seen.time)} ", "dim").append(f"{seen.topic} ", "dim")
    out.append((seen.key or b"").decode(errors="replace") + " ", "cyan")
    shown = " · ".join(f"{k} {v}" for k, v in fields.items()) if fields else _printable(seen.value or b"", 200)
    return out.append(shown)


def _printable(body: bytes, limit: int) -> str:
    """The beginning as text that cannot move the cursor or change colours."""
    text = body[:limit].decode(errors="replace")
    return "".join(c if c.isprintable() else "·" for c in text)
