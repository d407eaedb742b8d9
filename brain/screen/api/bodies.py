"""Bodies of requests: read as bytes, judged by a type, described in the OpenAPI document by the same type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema

from brain.screen.language import Say
from brain.screen.problems import BODY, MEDIA, Body, Problem

T = TypeVar("T")
_TITLES = {
    400: "a parameter or the body is not as it must be", 401: "no token that is taken", 403: "not for this account",
    404: "not there, or in a district of others", 409: "another has acted since", 413: "the body is too large",
    422: "not done", 429: "too many requests", 503: "not possible for now",
}  # fmt: skip


def problems_of(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems that a route may answer with, for its document."""
    return {s: ResponseSpec(Body, generate_examples=False, description=_TITLES[s], media_type=MEDIA) for s in statuses}


async def decode(request: Request[Any, Any, Any], form: type[T]) -> T:
    """The body as a type. Raises Problem where it is another, or no JSON."""
    try:
        return msgspec.json.decode(await request.body(), type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong(str(error)) from error


def wrong(detail: str, more: Mapping[str, Any] | None = None) -> Problem:
    """The body is not what the route takes."""
    expected = Say("文档所述的 JSON 对象", "a JSON object as documented")
    return Problem(BODY, "body", expected, detail, Say("见 openapi.json", "see openapi.json"), more=more)


def operation(form: Any) -> type[Operation]:
    """An operation class for a route that reads its body itself: one of the type ``form``, as a schema without
    references, so that it stands in the document where it is used."""
    content = {"application/json": OpenAPIMediaType(schema=cast("Schema", inlined(form)))}

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(content=content, required=True)

    return Described


def inlined(form: Any) -> Any:
    """The JSON schema of a type, without references."""
    (made,), components = msgspec.json.schema_components([form], ref_template="{name}")
    return _inline(made, components)


def _inline(found: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(found, list):
        return [_inline(part, components) for part in found]
    if not isinstance(found, dict):
        return found
    if "$ref" in found:
        return _inline(components[found["$ref"]], components)
    # A discriminator maps to references; the tag is a constant of each part, which says the same.
    return {
        name: part.replace(r"\Z", "$") if name == "pattern" and isinstance(part, str) else _inline(part, components)
        for name, part in found.items()
        if name != "discriminator"
    }
