"""Parameters of queries that several routes take, with their bounds; what is out of them is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request
from litestar.params import QueryParameter

from brain.screen.features import query
from brain.screen.language import Say, same
from brain.screen.problems import ABSENT, BAD, Problem

Asked = Request[Any, Any, Any]
LATEST: Final = 253_402_300_799_999
Moment = Annotated[int | None, QueryParameter(ge=0, le=LATEST)]
Id = Annotated[str | None, QueryParameter(min_length=1, max_length=64)]
Words = Annotated[str | None, QueryParameter(min_length=1, max_length=100)]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Cursor = Annotated[str | None, QueryParameter(max_length=80)]
Box = Annotated[str | None, QueryParameter(max_length=100, description="west,south,east,north in degrees")]


def known(request: Asked, *names: str, lists: tuple[str, ...] = ()) -> None:
    """Raises Problem for a parameter that the route does not have, and for one that comes twice; ``lists`` may."""
    raw: bytes = request.scope["query_string"]
    if raw and lists:
        several = tuple(f"{name}=".encode() for name in lists)
        raw = b"&".join(part for part in raw.split(b"&") if not part.startswith(several))
    if raw:
        query.known(query.pairs(raw), names)


def box(text: str | None) -> tuple[float, float, float, float] | None:
    """Raises Problem."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(text)
    except ValueError as error:
        expected = Say("西,南,东,北 (度)", "west,south,east,north in degrees")
        raise Problem(BAD, "bbox", expected, text, same("113.5,22.2,113.6,22.3")) from error
    return west, south, east, north


def absent(id: str) -> Problem:
    """It is not there, or not for this caller, which nobody can tell apart."""
    return Problem(ABSENT, "incident", Say("未办结或近期的事件", "one that is open, or was of late"), id,
                   Say("从列表中选取", "take one of the list"))  # fmt: skip
