"""Errors as RFC 9457 has them: what was expected, what came and the way out, in the reader's language.

Problem            one named kind of error, with its place
handlers()         what an application does with a Problem, with an error of the framework, with a bug of ours
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from brain.screen.language import Say, choose, same
from brain.screen.urls import root_of

MEDIA = "application/problem+json"
SHOWN = 120
"""Characters of a client's own text that an answer repeats."""

Handler = Callable[[Request[Any, Any, Any], Any], Response[bytes]]
log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """A kind of problem: its name is the fragment of its type's URI."""

    name: str
    status: int
    title: Say


UNKNOWN = Kind("unknown-parameter", 400, Say("未知参数", "Unknown parameter"))
BAD = Kind("bad-parameter", 400, Say("参数值无效", "Invalid value of a parameter"))
ABSENT = Kind("not-found", 404, Say("没有此资源", "No such resource"))
GONE = Kind("page-gone", 404, Say("分页所依据的地图版本已不再保留", "The map version of this page is no longer kept"))
METHOD = Kind("method-not-allowed", 405, Say("不允许此方法", "Method not allowed"))
REQUEST = Kind("bad-request", 400, Say("请求无法处理", "The request cannot be worked"))
BODY = Kind("bad-body", 400, Say("请求体无效", "Invalid body"))
UNAUTHENTICATED = Kind("unauthenticated", 401, Say("需要有效的令牌", "A valid token is needed"))
FORBIDDEN = Kind("forbidden", 403, Say("无此权限", "Not for this account"))
DUTIES = Kind("duties-not-separated", 403, Say("三员未分立", "Duties are not separated"))
CROSS_SITE = Kind("cross-site", 403, Say("请求并非来自本页面", "The request is not from our own page"))
FORBIDDEN_ROLE = Kind("forbidden-role", 403, Say("此岗位不能执行该操作", "Not for this duty"))
STALE = Kind("stale-revision", 409, Say("他人已先处置", "Another has acted since"))
CONFLICT = Kind("id-conflict", 409, Say("同一编号已用于另一操作", "The id is another action's"))
TOO_LARGE = Kind("too-large", 413, Say("请求体过大", "The body is too large"))
REFUSED = Kind("refused", 422, Say("未执行", "Not done"))
LIMITED = Kind("too-many-requests", 429, Say("请求过于频繁", "Too many requests"))
BUG = Kind("internal-error", 500, Say("内部错误", "Internal error"))
UNAVAILABLE = Kind("unavailable", 503, Say("暂时无法处理", "Not possible for now"))
KINDS = (
    UNKNOWN, BAD, ABSENT, GONE, METHOD, REQUEST, BODY, UNAUTHENTICATED, FORBIDDEN, DUTIES, CROSS_SITE, FORBIDDEN_ROLE,
    STALE, CONFLICT, TOO_LARGE, REFUSED, LIMITED, BUG, UNAVAILABLE,
)  # fmt: skip


class Problem(Exception):
    """What a client did wrong, or asked for in vain. ``where`` names the parameter or the resource; ``more``: members
    of the answer beside those of every problem; ``headers``: of the answer."""

    def __init__(
        self, kind: Kind, where: str, expected: Say, got: str, way: Say, *, more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.kind, self.where, self.expected, self.way = kind, where, expected, way
        self.more, self.headers = dict(more or {}), dict(headers or {})
        self.got = got if len(got) <= SHOWN else got[:SHOWN] + "…"
        super().__init__(self.detail("en"))

    def detail(self, language: str) -> str:
        """One sentence: place, expected, got, way out."""
        if language == "en":
            return f"{self.where}: expected {self.expected.en}, got {self.got}; {self.way.en}"
        return f"{self.where}: 应为{self.expected.zh}, 收到 {self.got}; {self.way.zh}"


class Body(msgspec.Struct, rename="camel"):
    """Members of a problem's JSON."""

    type: str
    title: str
    status: int
    detail: str
    where: str


def handlers(url: str = "") -> Mapping[int | type[Exception], Handler]:
    """Exception handlers of an application. ``url``: its public root, where it is not what clients ask for."""

    def problem(request: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
        language = choose(request.headers.get("accept-language", ""))
        kind = error.kind
        body = Body(
            f"{url or root_of(request.scope)}/problems#{kind.name}", kind.title.to(language), kind.status,
            error.detail(language), error.where,
        )  # fmt: skip
        headers = {
            "Content-Language": language,
            "Vary": "Accept-Language",
            "Cache-Control": "no-store",
            **error.headers,
        }
        made = {**error.more, **msgspec.structs.asdict(body)}
        return Response(msgspec.json.encode(made), status_code=kind.status, media_type=MEDIA, headers=headers)

    def framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        """Errors that are found before a handler of ours runs."""
        kind = {404: ABSENT, 405: METHOD, 413: TOO_LARGE}.get(error.status_code, REQUEST)
        if error.status_code >= 500:
            return bug(request, error)
        asked = f"{request.method} {request.scope['path']}"
        way = _API_WAY if request.scope["path"].startswith("/api/") else _WAY
        answer = problem(request, Problem(kind, "path", _EXPECTED[kind.name], asked, way))
        answer.headers.update(error.headers or {})
        return answer

    def bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        """The client learns that it is our fault, the log why."""
        log.error("request failed", method=request.method, path=request.scope["path"], exc_info=error)
        return problem(request, Problem(BUG, "server", same("2xx"), type(error).__name__, _TELL))

    return {Problem: problem, HTTPException: framework, Exception: bug}


_EXPECTED = {
    ABSENT.name: Say("已有的路径", "a path that exists"),
    METHOD.name: Say("GET、HEAD 或 OPTIONS", "GET, HEAD or OPTIONS"),
    REQUEST.name: Say("有效的请求", "a well-formed request"),
    TOO_LARGE.name: Say("不超过上限的请求体", "a body below the limit"),
}
_WAY = Say("从 /ogc 的链接开始", "start from the links of /ogc")
_API_WAY = Say("接口定义见 /api/v1/openapi.json", "the API is defined at /api/v1/openapi.json")
_TELL = Say("请把时间和路径告知运维, 日志中有原因", "tell the operators when and what; their log says why")
