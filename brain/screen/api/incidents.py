"""``/incidents``, ``/board``, ``/nearby``, ``/codes``: incidents as they stand, read from the board."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from litestar import Response, Router, get
from litestar.params import FromPath

from brain.incidents.transitions import NEXT, ROLES
from brain.incidents.value import DOMAINS, Domain, Incident, State, Text
from brain.incidents.words import reason_text
from brain.screen.access.gate import API
from brain.screen.access.rights import Caller, Right, caller_of
from brain.screen.api.answers import JSON, Answer, documented, encoded, large
from brain.screen.api.asked import Asked, Box, Limit, Moment, Name, Words, absent, bare, box, operation, read
from brain.screen.board import look, query
from brain.screen.board.board import Board, Entry
from brain.screen.board.doubted import Doubt, Doubted
from brain.screen.board.lore import Code, Lore, Wordings
from brain.screen.board.masked import masked
from brain.screen.board.query import Query, Sort
from brain.screen.board.ring import text_of
from brain.screen.board.row import Alarm, Near, Row, encode
from brain.screen.language import Say
from brain.screen.problems import BAD, Problem
from geo.coords import crs_code, to_wgs84

MOST: Final = 10_000
LISTS: Final = ("domain", "state")
Three = Literal["true", "false", "any"]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters of a list of incidents; those left out let everything."""

    domain: Annotated[list[Domain], msgspec.Meta(max_length=len(DOMAINS))] = []
    state: Annotated[list[State], msgspec.Meta(max_length=8)] = []
    level_min: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    district: Name = ""
    town: Name = ""
    grid: Name = ""
    bbox: Box = ""
    since: Moment | None = msgspec.field(default=None, name="from")
    to: Moment | None = None
    q: Words = ""
    life: bool | None = None
    shown: Three = "true"
    drill: bool | None = None
    lead: Name = ""
    taken_by: Name = ""
    open: Three = "true"
    sort: Sort = "-updated"
    limit: Limit = 50
    cursor: Annotated[str, msgspec.Meta(max_length=80)] = ""


class WholeWanted(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters of the board."""

    domain: Domain | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = MOST
    withheld: bool = False


class NearWanted(msgspec.Struct, forbid_unknown_fields=True):
    """A place, and how far around it."""

    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    radius_m: Annotated[float, msgspec.Meta(ge=1, le=20_000)] = 500.0
    crs: Literal["wgs84", "gcj02", "bd09", "cgcs2000"] = "wgs84"


class Whole(msgspec.Struct):
    """All that is open and shown. ``event``: where the stream goes on from; ``t``: the newest pulse, ms UTC;
    ``alarms``: provisional ones without an incident yet; ``total`` counts the rows that there are."""

    event: str
    t: int
    total: int
    rows: list[Row]
    alarms: list[Alarm]


class Page(msgspec.Struct):
    """``next``: cursor of what follows, null at the end; ``total``: all that fit."""

    items: list[Row]
    next: str | None
    total: int


class Why(msgspec.Struct):
    """A change of the incident: fold time, reason and what it means, and the signal; empty for a timer."""

    t: int
    reason: str
    text: Text
    signal: str


class Siblings(msgspec.Struct):
    """Incidents that belong to it."""

    merged_from: list[Row]
    effects: list[Row]
    cause: Row | None
    links: list[Row]


class Detail(msgspec.Struct):
    """One incident, with what this caller may see of it and do to it. ``units``: names of its departments by id;
    ``doubted``: by asset of its members, the city's doubt in it now."""

    incident: Incident
    reasons: list[Why]
    siblings: Siblings
    meaning: Text
    steps: Wordings
    false_alarms: Wordings
    units: dict[str, Text]
    doubted: dict[str, Doubt]
    actions: list[str]


class Rows(msgspec.Struct):
    """Incidents like it, the latest first."""

    items: list[Row]


class Around(msgspec.Struct):
    """What is known near a place, shown or not, nearest first."""

    rows: list[Near]


class Codes(msgspec.Struct):
    """Kinds of events that can be made by hand, of the set in force."""

    items: list[Code]


def router(board: Board, lore: Lore, doubted: Doubted) -> Router:
    """The routes over a board, with the doubts of its city."""
    texts: dict[str, Text] = {}

    def worded(reason: str) -> Text:
        if reason not in texts:
            texts[reason] = Text(reason_text(reason, "zh"), reason_text(reason, "en"))
        return texts[reason]

    def found(request: Asked, id: str) -> tuple[Caller, Entry]:
        caller = caller_of(request)
        entry = board.entry(id, caller.districts)
        if entry is None:
            raise absent(id)
        return caller, entry

    @get(
        "/board", opt={"right": Right.READ}, responses=documented(Whole, 400, 401, 403, 429),
        operation_class=operation(WholeWanted),
    )  # fmt: skip
    async def whole(request: Asked) -> Answer:
        """All that is open, and where the stream goes on: read this once, then follow /stream."""
        given, caller = read(request, WholeWanted), caller_of(request)
        domains = () if given.domain is None else (given.domain,)
        asked = Query(domain=domains, shown=None if given.withheld else True, districts=caller.districts)
        page = query.page(board, asked, "-level", given.limit)
        alarms = [a for a in board.alarms.values() if not caller.districts or a.district in caller.districts]
        head = {"event": text_of(board.ring.last), "t": board.pulse, "total": page.total, "alarms": alarms}
        return await large(request, _joined(head, "rows", page.entries))

    @get(
        "/incidents", opt={"right": Right.READ}, responses=documented(Page, 400, 401, 403, 429),
        operation_class=operation(Wanted), sync_to_thread=False,
    )  # fmt: skip
    def listed(request: Asked) -> Answer:
        """A page of incidents. By default those that are open and shown, the latest change first."""
        given = read(request, Wanted, LISTS)
        asked = Query(
            tuple(given.domain), tuple(given.state), given.level_min, given.district, given.town, given.grid,
            box(given.bbox), given.since, given.to, given.q, given.life, _three(given.shown), given.drill,
            _three(given.open), given.lead, given.taken_by, caller_of(request).districts,
        )  # fmt: skip
        try:
            page = query.page(board, asked, given.sort, given.limit, given.cursor)
        except query.BadCursor as error:
            way = Say("从第一页开始", "begin with the first page")
            raise Problem(BAD, "cursor", Say("上一页的 next", "`next` of a page"), str(error), way) from error
        return Response(_joined({"next": page.next, "total": page.total}, "items", page.entries), media_type=JSON)

    @get(
        "/incidents/{incident:str}", opt={"right": Right.READ, "personal": True},
        responses=documented(Detail, 400, 401, 403, 404, 429, 503), sync_to_thread=False,
    )  # fmt: skip
    def one(request: Asked, incident: FromPath[str]) -> Answer:
        """One incident with its evidence and history, what belongs to it, and what may be done."""
        bare(request)
        caller, entry = found(request, incident)
        value, told, places = entry.incident(), lore.told(entry.row.scenario), caller.districts
        siblings = Siblings(
            board.rows(board.merged.get(entry.id, {}), places), board.rows(board.causes.get(entry.id, {}), places),
            next(iter(board.rows([value.cause] if value.cause else [], places)), None),
            board.rows(value.links, places),
        )  # fmt: skip
        reasons = [Why(t, reason, worded(reason), signal) for t, reason, signal in value.reasons]
        seen = masked(value, caller.rights)
        return encoded(Detail(
            seen, reasons, siblings, told.meaning, told.steps, told.false_alarms,
            lore.units([value.lead, *value.assisting]), doubted.among((m.asset for m in seen.members), board.pulse),
            actions_of(caller, value.state),
        ))  # fmt: skip

    @get(
        "/incidents/{incident:str}/similar", opt={"right": Right.READ},
        responses=documented(Rows, 400, 401, 403, 404, 429), sync_to_thread=False,
    )  # fmt: skip
    def similar(request: Asked, incident: FromPath[str]) -> Answer:
        """Those of the same kind at the same place, then near it; as far back as is kept."""
        bare(request)
        caller, entry = found(request, incident)
        return encoded(Rows(look.similar(board, entry, caller.districts)))

    @get(
        "/incidents/{incident:str}/firing", opt={"right": Right.EVIDENCE},
        responses=documented(look.Firing, 400, 401, 403, 404, 429), sync_to_thread=False,
    )  # fmt: skip
    def firing(request: Asked, incident: FromPath[str]) -> Answer:
        """How often it fired over a day, by quarters of an hour, and the course of its members' values."""
        bare(request)
        _, entry = found(request, incident)
        return encoded(look.firing(board, entry, entry.incident()))

    @get(
        "/nearby", opt={"right": Right.READ}, responses=documented(Around, 400, 401, 403, 429),
        operation_class=operation(NearWanted), sync_to_thread=False,
    )  # fmt: skip
    def nearby(request: Asked) -> Answer:
        """What is known near a place, shown to people or not: look before you make one by hand."""
        given = read(request, NearWanted)
        lons, lats = to_wgs84(np.array([given.lon]), np.array([given.lat]), np.array([crs_code(given.crs)], np.int8))
        near = query.near(board, float(lons[0]), float(lats[0]), given.radius_m, caller_of(request).districts)
        return encoded(Around([Near(**msgspec.structs.asdict(e.row), distance_m=round(d, 1)) for d, e in near[:200]]))

    @get("/codes", opt={"right": Right.READ}, responses=documented(Codes, 400, 401, 403, 429), sync_to_thread=False)
    def codes(request: Asked) -> Answer:
        """Kinds of events that can be made by hand."""
        bare(request)
        return encoded(Codes(lore.codes))

    routes = [whole, listed, one, similar, firing, nearby, codes]
    return Router(API, route_handlers=routes, tags=["incidents"])


def actions_of(caller: Caller, state: State) -> list[str]:
    """What a caller may do to an incident in a state, in the order of the table."""
    if caller.duty is None or Right.ACT not in caller.rights:
        return []
    return [kind for kind, states in NEXT.items() if state in states and caller.duty in ROLES[kind]]


def _three(word: str) -> bool | None:
    return {"true": True, "false": False, "any": None}[word]


def _joined(head: dict[str, Any], name: str, entries: list[Entry]) -> bytes:
    """Rows are joined as they were encoded when they came."""
    rows = b",".join([e.data for e in entries])
    return b'%b,"%b":[%b]}' % (encode(head)[:-1], name.encode(), rows)
