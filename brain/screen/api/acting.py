"""Actions of a caller as records: what the server says of it itself (id, time, actor), what is allowed where, and what
the answer to it means."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec

from brain.incidents import actions, life
from brain.incidents.actions import CLASSES, AnyAction, kind_of, read_action
from brain.incidents.transitions import ROLES, Refusal
from brain.incidents.words import refusal_text
from brain.screen.access.rights import Caller
from brain.screen.api.asked import absent
from brain.screen.api.bodies import wrong
from brain.screen.language import Say
from brain.screen.problems import CONFLICT, FORBIDDEN, FORBIDDEN_ROLE, REFUSED, STALE, Problem
from streams.decode.payload import READING_LIMIT, Refused, parse

OURS: Final = ("t", "by")
"""What no client may say: the server knows it."""
SENT: Final = 4096
"""Ids of actions that are remembered with what they were for."""
_LETTERS: Final = str.maketrans("0123456789abcdef", "ghijklmnopabcdef")
_json = msgspec.json.Encoder(order="deterministic").encode
_LATER: Final = frozenset((Refusal.STALE_REVISION, Refusal.OVERTAKEN))

Subject = Literal["incident", "grid", "asset"]


class Whereabouts(Protocol):
    """In which district something is: its code, "" where it is in none, None where there is no such thing."""

    def district_of(self, kind: Subject, id: str) -> str | None:
        """Of an incident, a grid or an asset."""
        ...

    def district_at(self, action: actions.Create) -> str | None:
        """Of the place of an incident that is to be made; None where the map does not say."""
        ...


class Done(msgspec.Struct):
    """It was done; or proposed, where a second person has to do the same."""

    id: str
    result: Literal["done", "proposed"]
    revision: int


class Sent(msgspec.Struct):
    """No answer yet: the same again, with this id, is safe."""

    id: str
    result: Literal["sent"] = "sent"


class Made(msgspec.Struct):
    """The incident that was made."""

    id: str
    incident: str


def body_of(kinds: Collection[str], left_out: Collection[str]) -> Any:
    """The type of the body of an action of these kinds: their fields but those of ``left_out``; with an optional id."""
    made = []
    for kind in kinds:
        fields: list[Any] = [("id", actions.Id | None, None)]
        for field in msgspec.structs.fields(CLASSES[kind]):
            if field.name in left_out:
                continue
            given: Any = (field.name, field.type)
            if not field.required:
                default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
                given = (*given, msgspec.field(default=default))
            fields.append(given)
        rename = {field.name: field.encode_name for field in msgspec.structs.fields(CLASSES[kind])}
        tagged: Any = {"tag_field": "do", "tag": kind} if len(kinds) > 1 else {}
        made.append(
            msgspec.defstruct(f"Act_{kind}", fields, kw_only=True, forbid_unknown_fields=True, rename=rename, **tagged)
        )
    union: Any = made[0]
    for one in made[1:]:
        union |= one
    return union


class Prepared(NamedTuple):
    """An action as it is sent: the same bytes where it was sent before."""

    action: AnyAction
    value: bytes


class Preparer:
    """Makes actions of bodies. Remembers which id was for what, so that the same again is the same record."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._sent: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def prepare(self, caller: Caller, raw: bytes, given: Mapping[str, Any]) -> Prepared:
        """``given``: what the route says (``do``, ``incident``). Raises Problem."""
        try:
            document = parse(raw, READING_LIMIT)
        except Refused as refused:
            raise wrong(refused.detail, {"reason": refused.reason.value}) from refused
        if not isinstance(document, dict):
            raise wrong(f"expected an object, got {type(document).__name__}")
        if caller.duty is None:
            raise _no_duty(caller)
        forged = [name for name in OURS if name in document]
        if forged:
            raise wrong(f"{', '.join(forged)}: the server says that itself, of the token and of its clock")
        body = _subject(document, given)
        id = body["id"] = document.get("id") or fresh()
        body["by"] = {"id": caller.id, "role": caller.duty.value, "unit": caller.unit}
        mark = hashlib.blake2b(_json(body), digest_size=16).digest()
        known = self._sent.get(id) if isinstance(id, str) else None
        if known is not None and known[0] != mark:
            raise conflict(id)
        body["t"] = self._clock() if known is None else known[1]
        value = _json(body)
        try:
            action = read_action(value)
        except Refused as refused:
            raise wrong(refused.detail, {"reason": refused.reason.value}) from refused
        self._sent[id] = (mark, body["t"])
        self._sent.move_to_end(id)
        if len(self._sent) > SENT:
            self._sent.popitem(last=False)
        return Prepared(action, value)


def _subject(document: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The body with what the route says; a scope may be an asset or a grid instead, and a handover all of a shift."""
    body = {**document, **{name: value for name, value in given.items() if name != "incident"}}
    if "incident" not in given:
        return body
    here = given["incident"]
    wide = document.get("do") in {"shelve", "unshelve"} and (document.get("asset") or document.get("grid"))
    if document.get("incident", here) == "" and document.get("do") == "handover":
        return body
    if document.get("incident", here) != here:
        raise wrong("incident: expected the one of the path, or none")
    if not wide:
        body["incident"] = here
    return body


def fresh() -> str:
    """An id of its own, in letters: a run of digits could be taken for a phone number and masked."""
    return "scr-" + secrets.token_hex(12).translate(_LETTERS)


def permitted(caller: Caller, action: AnyAction, where: Whereabouts) -> None:
    """Whether the duty may do that, and in these districts. Raises Problem."""
    refused = life.may(action)
    if refused is not None:
        detail = Say(refusal_text(refused.reason, "zh"), refusal_text(refused.reason, "en"))
        allowed = ", ".join(sorted(ROLES[kind_of(action)]))
        raise Problem(
            FORBIDDEN_ROLE, "do", Say(f"岗位 {allowed}", f"duty {allowed}"), action.by.role.value, detail,
            more={"reason": refused.reason.value, "detail": refused.detail},
        )  # fmt: skip
    if not caller.districts:
        return
    if isinstance(action, actions.Create):
        if where.district_at(action) not in caller.districts:
            raise _outside(caller, "place")
        return
    if isinstance(action, actions.Handover) and not action.incident and action.giver != caller.id:
        raise _outside(caller, "from")
    for kind, name in _named(action):
        if where.district_of(kind, name) not in caller.districts:
            raise absent(name) if kind == "incident" else _outside(caller, kind)


def _named(action: AnyAction) -> list[tuple[Subject, str]]:
    """All that an action touches."""
    names: list[tuple[Subject, str]] = [("incident", getattr(action, "incident", ""))]
    if isinstance(action, actions.Merge):
        names.append(("incident", action.into))
    elif isinstance(action, actions.Link):
        names.append(("incident", action.other))
    elif isinstance(action, actions.Scope):
        names += [("grid", action.grid), ("asset", action.asset)]
    return [(kind, name) for kind, name in names if name]


def answer(note: Mapping[str, Any]) -> Done:
    """What a note of the audit means for who acted. Raises Problem where nothing was done."""
    id, reason, detail = str(note.get("id", "")), str(note.get("reason", "")), str(note.get("detail", ""))
    if note["what"] == "feedback.done":
        return Done(id, "proposed" if note.get("proposed") else "done", int(note.get("revision", 0)))
    more = {
        "id": id, "reason": reason, "by": note.get("other", ""), "unit": note.get("other_unit", ""),
        "revision": note.get("revision", 0),
    }  # fmt: skip
    if note["what"] == "feedback.dead":
        more = {"id": id, "reason": reason}
    text = Say(refusal_text(reason, "zh"), refusal_text(reason, "en"))
    if reason in _LATER:
        expected = Say("所见之后无人处置", "nobody to have acted since what was seen")
        way = Say("查看最新情况后再处置", "look at it as it is now, then act")
        raise Problem(STALE, "expect", expected, detail, way, more=more)
    raise Problem(REFUSED, "do", Say("可执行的操作", "an action that can be done"), detail, text, more=more)


def same_action(note: Mapping[str, Any], action: AnyAction) -> bool:
    """Whether a note is of this very action, and not of another one under its id."""
    return (note.get("by"), note.get("do")) == (action.by.id, kind_of(action)) and (
        isinstance(action, actions.Create) or note.get("named", "") == getattr(action, "incident", "")
    )


def conflict(id: str) -> Problem:
    """The id is another action's."""
    way = Say("换一个 id, 或省略它", "take another id, or leave it out")
    return Problem(
        CONFLICT, "id", Say("本操作自己的编号", "an id of this action alone"), repr(id), way, more={"id": id}
    )


def _no_duty(caller: Caller) -> Problem:
    listed = ", ".join(actions.Role)
    return Problem(
        FORBIDDEN_ROLE, "duty", Say(f"令牌中的岗位: {listed}", f"a duty in the token: {listed}"), caller.id,
        Say("请联系安全管理员", "ask the security administrator"), more={"reason": Refusal.FORBIDDEN_ROLE.value},
    )  # fmt: skip


def _outside(caller: Caller, where: str) -> Problem:
    mine = ", ".join(caller.districts)
    return Problem(
        FORBIDDEN, where, Say(f"辖区 {mine} 之内", f"within the districts {mine}"), "outside, or unknown",
        Say("请交有权处置的账户", "leave it to an account that may"),
    )  # fmt: skip
