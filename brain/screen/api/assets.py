"""``/assets``: sensing assets as the census has them, which the city doubts, and the grids that nothing looks at."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import FromPath

from brain.incidents.value import OVER
from brain.screen.access.gate import API
from brain.screen.access.rights import Right, caller_of
from brain.screen.api.answers import Answer, documented, encoded
from brain.screen.api.asked import Asked, Box, Limit, Name, Words, bare, box, operation, read
from brain.screen.board.board import Board
from brain.screen.board.doubted import Doubt, Doubted
from brain.screen.board.row import Row
from brain.screen.board.sensing import Asset, Blind, Counts, Health, Sensing, Wanted
from brain.screen.language import Say
from brain.screen.problems import ABSENT, Problem


class AssetsWanted(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters of a list of assets; those left out let everything."""

    type: Name = ""
    health: Health | None = None
    doubted: bool | None = None
    district: Name = ""
    grid: Name = ""
    bbox: Box = ""
    q: Words = ""
    limit: Limit = 50
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=400, description="`next` of a page")] = ""


class Believed(Asset, kw_only=True):
    """An asset, and the city's doubt in it; ``doubt``: null while it is trusted, or nothing was told of late."""

    doubt: Doubt | None


class AssetPage(msgspec.Struct):
    """``next``: cursor of what follows, null at the end; ``total``: all that fit; ``t``: the newest census, ms UTC, 0
    before the first."""

    items: list[Believed]
    next: str | None
    total: int
    t: int


class AssetDetail(msgspec.Struct):
    """One asset, with the open incidents that it is in."""

    asset: Believed
    incidents: list[Row]
    t: int


class AssetsStanding(msgspec.Struct):
    """Assets by type and health, and blind grids, as of the census at ``t``, ms UTC, 0 before the first."""

    by_type: dict[str, Counts]
    blind: list[Blind]
    t: int


def router(sensing: Sensing, board: Board, doubted: Doubted) -> Router:
    """The routes over a census, with the incidents of a board and the doubts of its city."""

    def believed(asset: Asset) -> Believed:
        return Believed(**msgspec.structs.asdict(asset), doubt=doubted.of(asset.id, board.pulse))

    @get(
        "/assets", opt={"right": Right.ASSETS}, responses=documented(AssetPage, 400, 401, 403, 429),
        operation_class=operation(AssetsWanted), sync_to_thread=False,
    )  # fmt: skip
    def listed(request: Asked) -> Answer:
        """A page of assets by id. Which are silent is known to the census, once in five minutes; which are doubted, to
        the city task, within the minute."""
        given = read(request, AssetsWanted)
        names = frozenset() if given.doubted is None else doubted.names(board.pulse)
        wanted = Wanted(
            given.type, given.health, given.district, given.grid, box(given.bbox), given.q,
            caller_of(request).districts, names if given.doubted else None,
            names if given.doubted is False else frozenset(),
        )  # fmt: skip
        items, after, total = sensing.page(wanted, given.limit, given.cursor)
        return encoded(AssetPage([believed(asset) for asset in items], after, total, sensing.t))

    @get(
        "/assets/summary", opt={"right": Right.ASSETS}, responses=documented(AssetsStanding, 400, 401, 403, 429),
        sync_to_thread=False,
    )  # fmt: skip
    def standing(request: Asked) -> Answer:
        """How many assets of each type speak, and which grids have none that does."""
        bare(request)
        districts = caller_of(request).districts
        return encoded(AssetsStanding(sensing.by_type(districts), sensing.blind(districts), sensing.t))

    @get(
        "/assets/{asset:str}", opt={"right": Right.ASSETS}, responses=documented(AssetDetail, 400, 401, 403, 404, 429),
        sync_to_thread=False,
    )  # fmt: skip
    def one(request: Asked, asset: FromPath[str]) -> Answer:
        """One asset, and the open incidents that it is in."""
        bare(request)
        districts = caller_of(request).districts
        found = sensing.one(asset, districts)
        if found is None:
            take = Say("从列表中选取", "take one of the list")
            raise Problem(ABSENT, "asset", Say("已登记的感知资产", "a registered sensing asset"), asset, take)
        return encoded(AssetDetail(believed(found), incidents_of(board, asset, districts), sensing.t))

    return Router(API, route_handlers=[listed, standing, one], tags=["assets"])


def incidents_of(board: Board, asset: str, districts: tuple[str, ...]) -> list[Row]:
    """Open incidents with a member of an asset, by id. Records are searched as bytes: few have to be decoded."""
    needle = msgspec.json.encode(asset)
    near = [e for e in board.entries.values() if e.row.state not in OVER and needle in e.value]
    ids = sorted(e.id for e in near if any(member.asset == asset for member in e.incident().members))
    return board.rows(ids, districts)
