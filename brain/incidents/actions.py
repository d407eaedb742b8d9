"""What people do to incidents, as values: a closed list of actions, who did it, and how bytes become one.

An action is checked and masked here once; whether it may be done to an incident as that stands is
:mod:`brain.incidents.life`'s to say. Times are ms UTC. All texts are masked (streams/decode/mask.py).
"""

from __future__ import annotations

import enum
import hashlib
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import msgspec

from brain.incidents.value import Grade, Response, incident_id
from streams.decode.columns import EARLIEST_MS, LATEST_MS
from streams.decode.mask import mask, mask_parts
from streams.decode.payload import READING_LIMIT, Refused, moment, need, parse
from streams.records import Notice, Reason

Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[\w.:@/-]{1,64}\Z")]
"""Of an action, an actor, a unit, an incident: letters of any language, digits and ``. : @ / - _``."""
MaybeId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[\w.:@/-]{0,64}\Z")]
Words: TypeAlias = Annotated[str, msgspec.Meta(max_length=500)]
Why: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
"""A reason that must be given."""
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Code: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]+([._][A-Za-z0-9]+)*\Z", max_length=100)]
Level: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4)]
Revision: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Units: TypeAlias = Annotated[list[Id], msgspec.Meta(min_length=1, max_length=16)]
Crs = Literal["wgs84", "gcj02", "bd09", "cgcs2000"]


class Role(enum.StrEnum):
    """As what a person acts. What each may do: :data:`brain.incidents.life.ROLES`."""

    OPERATOR = "operator"
    """值班员, at a console."""
    COMMANDER = "commander"
    """指挥长, who answers for the shift."""
    RESPONDER = "responder"
    """处置人员 of a unit, on the way or at the place."""
    SUPERVISOR = "supervisor"
    """督办."""


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who did it: an account, never a name; the unit it belongs to; in which role."""

    id: Id
    role: Role
    unit: MaybeId = ""


class Action(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """What all actions have. ``id`` is the sender's own and unique: the same one again changes nothing.

    ``t`` is when the person did it. ``expect`` is the revision the person saw: where another has acted since, the
    action is refused as stale; signals that moved the incident meanwhile do not make it so.
    """

    id: Id
    t: int
    by: Actor
    note: Words = ""
    expect: Revision | None = None


class On(Action, kw_only=True, frozen=True):
    """An action on one incident."""

    incident: Id


class Create(Action, tag="create", kw_only=True, frozen=True):
    """An incident by hand 手工建单, from a phone call for example; its id follows from the action's.

    Its place is a position in ``crs``, or the code of a grid; else it has none, and the address is text for people.
    """

    code: Code
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    address: Annotated[str, msgspec.Meta(max_length=200)] = ""
    grid: MaybeId = ""
    lon: float | None = None
    lat: float | None = None
    crs: Crs = "wgs84"
    level: Level = 0
    life: bool = False
    """Of a never-hidden class: fire, gas, people trapped or drowning."""
    onset: int | None = None


class Confirm(On, tag="confirm", kw_only=True, frozen=True):
    """It is real 核实."""


class FalseAlarm(On, tag="false_alarm", kw_only=True, frozen=True):
    """It is not 误报. Of a never-hidden class it takes two persons."""

    note: Why


class Assign(On, tag="assign", kw_only=True, frozen=True):
    """Another lead department, or others that assist 交办."""

    lead: Id
    assisting: Annotated[list[Id], msgspec.Meta(max_length=16)] = []


class Take(On, tag="take", kw_only=True, frozen=True):
    """I see to it 接单; only with the revision seen, so that two who take at once learn of each other."""

    expect: Revision


class Dispatch(On, tag="dispatch", kw_only=True, frozen=True):
    """Units are sent 派单."""

    units: Units


class Arrive(On, tag="arrive", kw_only=True, frozen=True):
    """A unit is there and works 到场处置."""


class Resolve(On, tag="resolve", kw_only=True, frozen=True):
    """Disposed of 处置完毕; the note says how."""

    note: Why


class Close(On, tag="close", kw_only=True, frozen=True):
    """Nothing more to do 结案."""


class Reopen(On, tag="reopen", kw_only=True, frozen=True):
    """It was not over 重新打开; onset and clocks are kept."""

    note: Why


class Split(On, tag="split", kw_only=True, frozen=True):
    """These members are another incident 拆分."""

    members: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=500)]


class Merge(On, tag="merge", kw_only=True, frozen=True):
    """The same thing as another 合并, 重复. Of a never-hidden class it takes two persons and the same site."""

    into: Id


class Unmerge(On, tag="unmerge", kw_only=True, frozen=True):
    """Undo the merge of this one 撤销合并."""


class Link(On, tag="link", kw_only=True, frozen=True):
    """Has to do with another, and stays apart 关联."""

    other: Id


class Handover(Action, tag="handover", kw_only=True, frozen=True, rename={"giver": "from", "taker": "to"}):
    """A shift ends 交接班: what ``from`` has taken is now ``to``'s; one incident, or all where none is named."""

    giver: Id
    taker: Id
    incident: MaybeId = ""


class Scope(Action, kw_only=True, frozen=True):
    """What a shelf is about: an incident; an asset, of all scenarios or of one; a grid, of all families or of one."""

    incident: MaybeId = ""
    asset: Annotated[str, msgspec.Meta(max_length=200)] = ""
    scenario: Annotated[str, msgspec.Meta(max_length=100)] = ""
    grid: MaybeId = ""
    family: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Shelve(Scope, tag="shelve", kw_only=True, frozen=True):
    """Put aside until a time, for a reason 搁置; never what must not be hidden."""

    until: int
    note: Why


class Unshelve(Scope, tag="unshelve", kw_only=True, frozen=True):
    """End that before its time."""


class SetGrade(On, tag="grade", kw_only=True, frozen=True):
    """事件分级."""

    grade: Grade


class SetResponse(On, tag="respond", kw_only=True, frozen=True):
    """应急响应级别: begin, raise, lower, or end with ""."""

    response: Response


class Extend(On, tag="extend", kw_only=True, frozen=True):
    """More time for the disposal 延期: minutes, or days of its calendar."""

    minutes: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    days: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    note: Why


class Return(On, tag="return", kw_only=True, frozen=True):
    """The unit gives it back 退回."""

    note: Why


class Dispute(On, tag="dispute", kw_only=True, frozen=True):
    """The unit says that it is another's 争议."""

    note: Why


class Settle(On, tag="settle", kw_only=True, frozen=True):
    """The dispute is over: it is with the lead that stands there."""


class Wait(On, tag="wait", kw_only=True, frozen=True):
    """Nothing to do until a time 待复核; then somebody looks again 复核日期."""

    until: int
    note: Why


class Supervise(On, tag="supervise", kw_only=True, frozen=True):
    """督办: somebody above presses for the disposal; ``until``: wanted earlier than its limit ends."""

    until: int | None = None


class Acknowledge(On, tag="acknowledge", kw_only=True, frozen=True):
    """Seen 签收; it need not sound before ``until``, for then the person has promised to have acted."""

    until: int | None = None


class Note(On, tag="note", kw_only=True, frozen=True):
    """A remark for whoever reads it next."""

    note: Why


AnyAction = (
    Create | Confirm | FalseAlarm | Assign | Take | Dispatch | Arrive | Resolve | Close | Reopen | Split | Merge
    | Unmerge | Link | Handover | Shelve | Unshelve | SetGrade | SetResponse | Extend | Return | Dispute | Settle
    | Wait | Supervise | Acknowledge | Note
)  # fmt: skip


def kind_of(action: Action | type[Action]) -> str:
    """Its name in ``do``."""
    return str(action.__struct_config__.tag)


CLASSES: Final[dict[str, type[Action]]] = {kind_of(c): c for c in get_args(AnyAction)}
"""Kind → class: the closed list."""
KINDS: Final = tuple(CLASSES)


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an incident by hand is: degrees WGS 84 and what the map says of it, as of a signal."""

    lon: float | None = None
    lat: float | None = None
    grid: str = ""
    town: str = ""
    district: str = ""
    areas: dict[str, list[str]] = {}
    map: str = ""


class Accepted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a notice of kind ``feedback`` has in its body: the action, masked; of a ``create`` also its place."""

    action: AnyAction
    place: Place | None = None


_accepted = msgspec.json.Decoder(Accepted).decode


def accepted(notice: Notice) -> Accepted:
    """Of a notice of kind ``feedback``. Raises msgspec.ValidationError where another release wrote it."""
    return _accepted(notice.body)


def subject(action: AnyAction) -> str:
    """The incident it is about; of a ``create`` the one it will make; "" where it is about none in particular."""
    return incident_id(f"feedback|{action.id}") if isinstance(action, Create) else action.incident


def read_action(value: bytes | None) -> AnyAction:
    """The action in a payload, its texts masked.

    Raises
    ------
    Refused
        With the one reason that fits: bytes, JSON, field, type, list of values, time.
    """
    document = parse(value, READING_LIMIT)
    if not isinstance(document, dict):
        raise Refused(Reason.NOT_AN_OBJECT, f"expected an object, got {type(document).__name__}")
    if "do" in document and document["do"] not in KINDS:
        got = str(document["do"])[:40]
        raise Refused(Reason.UNKNOWN_ACTION, f"do: expected one of {', '.join(KINDS)}, got {got!a}")
    need(document, "do")
    given = {**document, "t": moment("t", need(document, "t"))}
    for name in ("until", "onset"):
        if given.get(name) is not None:
            given[name] = moment(name, given[name])
    try:
        action: AnyAction = msgspec.convert(given, AnyAction)
    except msgspec.ValidationError as error:
        raise Refused(_why(str(error)), str(error)) from None
    _times(action)
    _whole(action)
    return _masked(action)


def _why(text: str) -> Reason:
    if text.startswith("Object missing"):
        return Reason.MISSING_FIELD
    if text.startswith("Object contains unknown"):
        return Reason.UNKNOWN_FIELD
    if (
        text.startswith("Invalid")
        or " of length " in text
        or "matching regex" in text
        or " >= " in text
        or " <= " in text
    ):
        return Reason.OUT_OF_RANGE
    return Reason.WRONG_TYPE


def _times(action: AnyAction) -> None:
    for name in ("t", "until", "onset"):
        found: Any = getattr(action, name, None)
        if found is not None and not EARLIEST_MS <= found <= LATEST_MS:
            raise Refused(Reason.ABSURD_TIME, f"{name}: expected ms between 2000 and 2100, got {found}")


def _whole(action: AnyAction) -> None:
    """What no single field can say."""
    if isinstance(action, Create):
        if (action.lon is None) != (action.lat is None):
            raise Refused(Reason.BAD_POSITION, "expected lon and lat, or neither")
        if action.lon is not None and action.lat is not None and not (abs(action.lon) <= 180 and abs(action.lat) <= 90):
            where = f"{action.lon}, {action.lat}"
            raise Refused(Reason.BAD_POSITION, f"expected lon in [-180, 180] with lat in [-90, 90], got {where}")
        if action.lon is not None and action.grid:
            raise Refused(Reason.BAD_POSITION, "expected a position or a grid, got both")
    elif isinstance(action, Extend):
        if (action.minutes > 0) == (action.days > 0):
            raise Refused(Reason.OUT_OF_RANGE, "extend: expected minutes or days")
    elif isinstance(action, Scope):
        one = sum(map(bool, (action.incident, action.asset, action.grid))) == 1
        if not one or (action.scenario and not action.asset) or (action.family and not action.grid):
            what = "an incident, an asset (and a scenario), or a grid (and a family)"
            raise Refused(Reason.OUT_OF_RANGE, f"scope: expected {what}")


def _masked(action: AnyAction) -> AnyAction:
    new: dict[str, Any] = {"note": mask(action.note)}
    if isinstance(action, Create):
        text, address = mask_parts((action.text, action.address))
        new |= {"text": text, "address": address}
    new["id"] = _opaque(action.id)
    new["by"] = msgspec.structs.replace(action.by, id=_opaque(action.by.id), unit=_opaque(action.by.unit))
    return msgspec.structs.replace(action, **new)


def _opaque(name: str) -> str:
    """The name; where it has a phone number or the like in it, a hash of that."""
    return name if mask(name) == name else hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
