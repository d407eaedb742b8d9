"""Parameters of queries that several routes take, with their bounds; what is out of them is refused by name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, cast
from urllib.parse import unquote_plus

import msgspec
from litestar import Request
from litestar.openapi.spec import Operation, Parameter, Schema

from brain.screen.access.gate import API
from brain.screen.api.bodies import inlined
from brain.screen.features import query
from brain.screen.language import Say, same
from brain.screen.problems import ABSENT, BAD, Problem

Asked = Request[Any, Any, Any]
DOCUMENT: Final = f"{API}/openapi.json"
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Box = Annotated[str, msgspec.Meta(min_length=1, max_length=100, description="west,south,east,north in degrees")]


def bare(request: Asked) -> None:
    """Raises Problem for a parameter: the route has none."""
    raw: bytes = request.scope["query_string"]
    if raw:
        query.known(query.pairs(raw), (), DOCUMENT)


T = TypeVar("T", bound=msgspec.Struct)


def read(request: Asked, form: type[T], lists: Collection[str] = ()) -> T:
    """The query as a struct, each parameter once but ``lists``, in one pass. The framework's own reading of
    parameters does not say which of them is wrong.

    Raises Problem for a parameter that the struct does not have, for one that it needs, and for a value out of bounds.
    """
    raw: bytes = request.scope["query_string"]
    given: dict[str, Any] = {}
    try:
        for part in raw.decode("ascii").split("&") if raw else ():
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
            if name in lists:
                given.setdefault(name, []).append(value)
            elif name in given:
                once = Say("每个参数至多一次", "each parameter at most once")
                raise Problem(BAD, name, once, f"{given[name]!r}, {value!r}", Say("去掉一个", "leave one out"))
            elif part:
                given[name] = value
    except UnicodeDecodeError as error:
        expected = Say("UTF-8 的百分号编码", "percent-encoded UTF-8")
        raise Problem(BAD, "query", expected, repr(raw), Say("编码后重试", "encode it and ask again")) from error
    try:
        return msgspec.convert(given, form, strict=False)
    except msgspec.ValidationError as error:
        query.known(given, [field.encode_name for field in msgspec.structs.fields(form)], DOCUMENT)
        said, _, at = str(error).partition(" - at `$.")
        if not at:
            missing, needed = said.rpartition("field `")[2].rstrip("`"), Say("必需的参数", "a parameter that is needed")
            raise Problem(BAD, missing, needed, "none", same(DOCUMENT)) from error
        where = at.rstrip("`").partition("[")[0]
        expected = same(said.removeprefix("Expected ").partition(", got")[0])
        if said.startswith("Invalid enum value"):
            expected = Say("文档所列的值", "a value that is documented")
        raise Problem(BAD, where, expected, repr(given.get(where)), same(DOCUMENT)) from error


def operation(form: Any) -> type[Operation]:
    """An operation class for a route that reads its query by :func:`read`: its parameters in the document."""
    described = inlined(form)
    made = [
        Parameter(name=name, param_in="query", schema=cast("Schema", _form(schema)),
                  required=name in described.get("required", ()), description=schema.get("description") or None)
        for name, schema in described["properties"].items()
    ]  # fmt: skip

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or []), *made]

    return Described


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, and is never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return rest if not kinds else {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def box(text: str) -> tuple[float, float, float, float] | None:
    """None where it was left out. Raises Problem."""
    if not text:
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
    return Problem(ABSENT, "incident", Say("未办结或近期的事件", "one that is open, or was of late"), repr(id),
                   Say("列表: /api/v1/incidents", "listed at /api/v1/incidents"))  # fmt: skip
