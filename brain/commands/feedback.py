"""``brain feedback``: act on an incident from a terminal, and wait for what became of it."""

from __future__ import annotations

import getpass
import re
import string
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, fail, load_settings, plain
from brain.incidents.actions import CLASSES, KINDS, Role, read_action, subject
from brain.incidents.transitions import Refusal
from brain.incidents.words import refusal_text
from brain.settings import Settings
from brain.signed import TOPIC, sign
from streams.decode.payload import Refused
from streams.records import TP, Reason

console = Console()
_OF_FORM = frozenset((Reason.MISSING_FIELD, Reason.UNKNOWN_FIELD, Reason.OUT_OF_RANGE))
_SHOWN = ("incident", "do", "was", "state", "revision", "to")
_LATER = re.compile(r"\+?(\d+(?:\.\d+)?)(s|min|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}

_ZH = {
    "kind": "操作: 应为 {kinds} 之一, 而不是 {got!r}",
    "incident": "{kind}: 缺少事件编号, 例如 brain feedback {kind} inc-…",
    "bad": "未发送: {reason}: {detail}", "takes": "{kind} 需要 {needed}; 还可以有 {more}",
    "until": "--until: 应为时长(30min, 2h)或带时区的时间, 而不是 {got!r}",
    "sent": "已发送 {id}; 等待结果…", "asked": "已发送 {id}, 不等待结果",
    "done": "✓ {incident} {do}: {was} → {state} (修订 {revision})", "stays": "✓ {incident} {do} (修订 {revision})",
    "scope": "✓ {do} {to}",
    "proposed": "✓ {incident} 已提议 {do}: 不可隐藏类别须由第二人再次确认",
    "refused": "未执行: {reason} — {detail}", "dead": "未接受: {reason} — {detail}",
    "silent": "{seconds:g} 秒内没有结果: 是否有工作进程在运行? 以 --id {id} 重发是安全的; 另见 brain tail audit",
    "stale": "先查看事件的最新修订, 再以 --expect 重试",
}  # fmt: skip
_EN = {
    "kind": "action: expected one of {kinds}, got {got!r}",
    "incident": "{kind}: the incident is missing, as in brain feedback {kind} inc-…",
    "bad": "not sent: {reason}: {detail}", "takes": "{kind} needs {needed}; it may have {more}",
    "until": "--until: expected a span (30min, 2h) or a time with zone, got {got!r}",
    "sent": "sent {id}; waiting for what becomes of it …", "asked": "sent {id}, not waiting",
    "done": "✓ {incident} {do}: {was} → {state} (revision {revision})",
    "stays": "✓ {incident} {do} (revision {revision})",
    "scope": "✓ {do} {to}",
    "proposed": "✓ {incident}: {do} is proposed; of a never-hidden class a second person has to do the same",
    "refused": "not done: {reason} — {detail}", "dead": "not taken: {reason} — {detail}",
    "silent": "no answer within {seconds:g} s: does a worker run? Sending again with --id {id} is safe; "
              "see brain tail audit",
    "stale": "look at the incident as it is now, then try again with its revision as --expect",
}  # fmt: skip
_OPTIONS = {"units": "--send", "assisting": "--assist", "members": "--member"}
_GIVEN = frozenset(("id", "t", "by", "incident"))
"""Fields that need no option of their own."""


def feedback(
    action: Annotated[str, typer.Argument(help="what is done: " + ", ".join(KINDS))],
    incident: Annotated[str, typer.Argument(help="the incident, inc-…; none for create")] = "",
    by: Annotated[str, typer.Option(help="account of who does it; your login when left out")] = "",
    unit: Annotated[str, typer.Option(help="unit of who does it")] = "",
    role: Annotated[Role, typer.Option(help="as what")] = Role.OPERATOR,
    note: Annotated[str, typer.Option(help="why, how, what else")] = "",
    expect: Annotated[int | None, typer.Option(help="revision that was seen; take needs it", min=1)] = None,
    until: Annotated[str, typer.Option(help="30min, 2h, 1d, or 2026-07-01T08:00+08:00")] = "",
    units: Annotated[list[str] | None, typer.Option("--send", help="dispatch: unit; may be repeated")] = None,
    lead: Annotated[str, typer.Option(help="assign: lead department")] = "",
    assisting: Annotated[list[str] | None, typer.Option("--assist", help="assign: another department")] = None,
    members: Annotated[list[str] | None, typer.Option("--member", help="split: id of a member")] = None,
    into: Annotated[str, typer.Option(help="merge: the incident that stays")] = "",
    other: Annotated[str, typer.Option(help="link: the other incident")] = "",
    giver: Annotated[str, typer.Option("--from", help="handover: account")] = "",
    taker: Annotated[str, typer.Option("--to", help="handover: account")] = "",
    grade: Annotated[str | None, typer.Option(help="grade: general, larger, major, extreme, or empty")] = None,
    response: Annotated[str | None, typer.Option(help="respond: IV, III, II, I, or empty to end it")] = None,
    minutes: Annotated[int | None, typer.Option(help="extend: by so many", min=1)] = None,
    days: Annotated[int | None, typer.Option(help="extend: by so many of its calendar", min=1)] = None,
    asset: Annotated[str, typer.Option(help="shelve: an asset")] = "",
    scenario: Annotated[str, typer.Option(help="shelve: only this scenario of the asset")] = "",
    grid: Annotated[str, typer.Option(help="shelve: a grid; create: where it is")] = "",
    family: Annotated[str, typer.Option(help="shelve: only this family in the grid")] = "",
    code: Annotated[str, typer.Option(help="create: event code, as emergency.fire.call")] = "",
    text: Annotated[str, typer.Option(help="create: what was said")] = "",
    address: Annotated[str, typer.Option(help="create: where, in words")] = "",
    lon: Annotated[float | None, typer.Option(help="create: degrees")] = None,
    lat: Annotated[float | None, typer.Option(help="create: degrees")] = None,
    crs: Annotated[str, typer.Option(help="create: wgs84, gcj02, bd09 or cgcs2000")] = "",
    level: Annotated[int | None, typer.Option(help="create: 0 to 4", min=0, max=4)] = None,
    life: Annotated[bool, typer.Option("--life", help="create: fire, gas, people trapped or drowning")] = False,
    id: Annotated[str, typer.Option(help="the action's own id; the same again changes nothing")] = "",
    at: Annotated[str, typer.Option(help="when it was done; now when left out")] = "",
    wait: Annotated[float, typer.Option(help="seconds to wait for the outcome; 0: only send")] = 25.0,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Act on an incident: confirm, take, dispatch, resolve, … / 处置事件. Exit code 1: refused, 3: no answer."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    if action not in KINDS:
        fail(words["kind"].format(kinds=", ".join(KINDS), got=action))
    given: dict[str, Any] = {
        "incident": incident, "note": note, "expect": expect, "units": units, "lead": lead, "assisting": assisting,
        "members": members, "into": into, "other": other, "from": giver, "to": taker, "grade": grade,
        "response": response, "minutes": minutes, "days": days, "asset": asset, "scenario": scenario,
        "grid": grid, "family": family, "code": code, "text": text, "address": address, "lon": lon, "lat": lat,
        "crs": crs, "level": level,
        "life": life or None,
    }  # fmt: skip
    if not incident and any(f.encode_name == "incident" and f.required for f in _fields_of(action)):
        fail(words["incident"].format(kind=action))
    body = {name: value for name, value in given.items() if value not in (None, "", [])}
    if grade == "" or response == "":
        body |= {"grade": ""} if grade == "" else {"response": ""}
    now = datetime.now(UTC)
    body["do"], body["id"] = action, id or _fresh()
    body["t"] = at or int(now.timestamp() * 1000)
    body["by"] = {"id": by or getpass.getuser(), "unit": unit, "role": role.value}
    if until:
        end = _moment(until, now)
        if end is None:
            fail(words["until"].format(got=until))
        body["until"] = end
    value = msgspec.json.encode(body)
    try:
        sent = read_action(value)
    except Refused as refused:
        more = [] if refused.reason not in _OF_FORM else [words["takes"].format(kind=action, **_takes(action))]
        fail("\n  ".join([words["bad"].format(reason=refused.reason, detail=refused.detail), *more]))
    raise typer.Exit(_ask(settings, value, sent.id, subject(sent), wait, words))


def _fresh() -> str:
    """An id of its own, in letters: a run of digits could be taken for a phone number and masked."""
    return "cli-" + "".join(string.ascii_lowercase[b % 26] for b in uuid.uuid4().bytes)


def _fields_of(kind: str) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(CLASSES[kind])


def _takes(kind: str) -> dict[str, str]:
    """Options of an action: those it needs, and the others."""
    fields = [f for f in _fields_of(kind) if f.encode_name not in _GIVEN]
    named = [(f.required, _OPTIONS.get(f.encode_name, f"--{f.encode_name}")) for f in fields]
    needed, more = ([name for required, name in named if required is which] for which in (True, False))
    return {"needed": ", ".join(needed) or "-", "more": ", ".join(more) or "-"}


def _moment(text: str, now: datetime) -> str | None:
    """RFC 3339 of a span from now, or of a time as it is written; None for neither."""
    span = _LATER.fullmatch(text)
    if span is not None:
        return (now + timedelta(seconds=float(span[1]) * _SECONDS[span[2]])).isoformat(timespec="milliseconds")
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if when.tzinfo is None else when.isoformat()


def _ask(settings: Settings, value: bytes, id: str, key: str, wait: float, words: dict[str, str]) -> int:
    """Send, wait, say what became of it; the exit code."""
    from streams.log import LogError
    from streams.produce import send_all
    from streams.tailing import after

    broker, lane = broker_of(settings), TP(settings.prefix + TOPIC, 0)
    offsets: list[int] = []

    def send() -> None:
        offsets.extend(send_all(broker, lane, [(key.encode(), value)], headers=sign(value, settings.key())))
        console.print(words["sent" if wait > 0 else "asked"].format(id=id), style="dim", highlight=False)

    try:
        if wait <= 0:
            send()
            return 0
        for seen in after(broker, [settings.prefix + "audit"], send, wait):
            told = _fields(seen.value)
            mine = told.get("lane") == str(lane) and told.get("offset") in offsets
            if str(told.get("what", "")).startswith("feedback.") and (told.get("id") == id or mine):
                return _answer(told, settings.language, words)
    except LogError as error:
        fail(str(error), 1)
    console.print(words["silent"].format(seconds=wait, id=id), style="yellow", highlight=False, soft_wrap=True)
    return 3


def _fields(value: bytes | None) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(value or b"{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _answer(told: dict[str, Any], lang: str, words: dict[str, str]) -> int:
    """Print one note of the audit topic; 0 where it says that it was done."""
    reason = str(told.get("reason", ""))
    if told["what"] == "feedback.done":
        moved = told.get("was") != told.get("state")
        stays = "stays" if told.get("state") else "scope"
        line = words["proposed" if told.get("proposed") else "done" if moved else stays]
        console.print(Text(plain(line.format(**{k: told.get(k, "") for k in _SHOWN})), "green"), soft_wrap=True)
        return 0
    line = words["refused" if told["what"] == "feedback.refused" else "dead"]
    why = plain(line.format(reason=refusal_text(reason, lang), detail=told.get("detail", "")))
    console.print(Text(why, "red"), soft_wrap=True)
    if reason in {Refusal.STALE_REVISION, Refusal.OVERTAKEN}:
        console.print(words["stale"], style="yellow")
    return 1
