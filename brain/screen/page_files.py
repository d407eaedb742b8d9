"""The page's files at ``/``: what the build made is read once, and served as the build named it."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from brain.screen.access.rights import Right
from brain.screen.language import Say, choose
from brain.screen.pages import SECURITY, page

DIST: Final = Path(__file__).parent / "page" / "dist"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, and no code from text. Charts place their hints by attributes of style."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Its own, and whole: where the map alone is served no gate stands before the page."""
FOREVER: Final = "public, max-age=31536000, immutable"
"""For files whose name has a hash of what is in them."""
ASK: Final = "no-cache"
INDEX: Final = "index.html"
_ASSETS: Final = "assets/"
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml"}
_MISSING = Say("界面尚未构建", "The page is not built")
_HOW = Say(
    "运行 <code>make setup</code> 后重新启动 <code>brain screen</code>. 接口与地图照常: <a href='/ogc'>/ogc</a>",
    "Run <code>make setup</code>, then start <code>brain screen</code> anew. API and map work all the same: "
    "<a href='/ogc'>/ogc</a>",
)


@dataclass(frozen=True)
class File:
    """One file as it goes out. ``packed``: the same by gzip, empty where the build made none."""

    body: bytes
    packed: bytes
    media: str
    etag: str
    cache: str


def read(dist: Path) -> dict[str, File]:
    """All files of a build by their path in it, with slashes; empty where there is no build. Raises OSError."""
    if not (dist / INDEX).is_file():
        return {}
    files = {}
    for path in sorted(p for p in dist.rglob("*") if p.is_file() and p.suffix != ".gz"):
        name, body = path.relative_to(dist).as_posix(), path.read_bytes()
        beside = path.with_name(path.name + ".gz")
        media = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        files[name] = File(
            body=body,
            packed=beside.read_bytes() if beside.is_file() else b"",
            media=media,
            etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
            cache=FOREVER if name.startswith(_ASSETS) else ASK,
        )
    return files


def page_router(dist: Path = DIST) -> Router:
    """Routes of all files of a build, which are read here and now; a page that says what to do where there is none."""
    files = read(dist)

    @get("/", opt={"right": Right.NONE}, include_in_schema=False, sync_to_thread=False)
    def index(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The page itself."""
        return _answer(request, files[INDEX]) if files else _unbuilt(request)

    @get("/assets/{name:str}", opt={"right": Right.NONE}, include_in_schema=False, sync_to_thread=False)
    def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """Scripts and styles."""
        return _answer(request, files.get(_ASSETS + name))

    @get("/icon.svg", opt={"right": Right.NONE}, include_in_schema=False, sync_to_thread=False)
    def icon(request: Request[Any, Any, Any]) -> Response[bytes]:
        """What the browser's tab shows."""
        return _answer(request, files.get("icon.svg"))

    return Router("/", route_handlers=[index, asset, icon])


def _answer(request: Request[Any, Any, Any], file: File | None) -> Response[bytes]:
    if file is None:
        # A page of an earlier build asks for what is gone: the browser must not keep that answer.
        return Response(b"", status_code=404, headers={"Cache-Control": ASK})
    headers = {**HEADERS, "Cache-Control": file.cache, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    body = file.body
    if file.packed and takes_gzip(request.headers.get("accept-encoding", "")):
        body, headers["Content-Encoding"] = file.packed, "gzip"
    return Response(body, media_type=file.media, headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an ``Accept-Encoding`` has gzip, or any, and not with weight 0."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _unbuilt(request: Request[Any, Any, Any]) -> Response[bytes]:
    language = choose(request.headers.get("accept-language", ""))
    body = page(_MISSING.to(language), language, f"<p>{_HOW.to(language)}</p>")
    return Response(body, status_code=503, media_type="text/html", headers={**SECURITY, "Cache-Control": ASK})
