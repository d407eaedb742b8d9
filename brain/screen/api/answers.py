"""Answers as JSON that is encoded here.

Large ones go packed to whom takes it: a board of 10,000 rows is 5.5 MB, and 0.75 MB after 21 ms of packing.
"""

from __future__ import annotations

import asyncio
import gzip
from typing import Any, Final

from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec

from brain.screen.api.bodies import problems_of
from brain.screen.board.row import encode
from brain.screen.page_files import takes_gzip

Answer = Response[bytes]
JSON: Final = "application/json"
LARGE: Final = 256 * 1024
"""Bytes from which on packing saves more time on the way than it takes; a page of 50 is far below."""
LEVEL: Final = 1


def documented(form: Any, *statuses: int) -> Any:
    """Responses of a route that encodes its answer itself."""
    return {200: ResponseSpec(form, generate_examples=False), **problems_of(*statuses)}


def encoded(value: object) -> Answer:
    """A small answer."""
    return Response(encode(value), media_type=JSON)


async def large(request: Request[Any, Any, Any], body: bytes) -> Answer:
    """An answer that may be large. It is packed in a thread, which lets others be served meanwhile."""
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= LARGE and takes_gzip(request.headers.get("accept-encoding", "")):
        body = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=JSON, headers=headers)
