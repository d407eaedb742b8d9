"""The application: its routers side by side, what they share, and how it is served until a signal ends it."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvicorn
from litestar import Litestar, Request, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from brain.screen.access.config import Limits
from brain.screen.access.gate import API, Gate
from brain.screen.access.rights import Right
from brain.screen.features.routes import finish, router
from brain.screen.features.store import LayerStore
from brain.screen.language import Say, choose
from brain.screen.page_files import page_router
from brain.screen.pages import SECURITY, page
from brain.screen.problems import KINDS, handlers
from brain.screen.watched import Watched

LEAVE_S = 5
"""Seconds that open requests have to end."""
Hook = Callable[[], Awaitable[None]]


@get("/problems", include_in_schema=False, opt={"right": Right.NONE}, sync_to_thread=False)
def problems(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What the types of problems lead to."""
    language = choose(request.headers.get("accept-language", ""))
    rows = "".join(f'<h2 id="{k.name}">{k.name}</h2><p>{k.status}: {k.title.to(language)}</p>' for k in KINDS)
    title = Say("错误类型", "Kinds of errors").to(language)
    return Response(page(title, language, rows), media_type="text/html", headers=SECURITY)


def together(routers: Sequence[Router]) -> Router:
    """One router of all that lies under ``/api/v1``: two with a path in common would both answer its OPTIONS. What a
    router sets for all its routes but tags is not kept: each route says what it needs."""
    made: list[Any] = []
    for one in routers:
        for route in one.routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
                if handler.http_methods != {"OPTIONS"}:
                    handler.tags = [*(handler.tags or ()), *(one.tags or ())]
                    made.append(handler)
    return Router(API, route_handlers=made)


class _Document(Router):
    """Holds the OpenAPI document alone: the framework's page for all other paths below is left out, so that they are
    answered as everywhere."""

    def register(self, value: Any) -> list[Any]:
        """Take the handler of the document."""
        return super().register(value) if "/openapi.json" in value.paths else []


def build(
    store: LayerStore, clock: Callable[[], int], url: str = "", gate: Gate | None = None,
    routers: Sequence[Router] = (), more: Sequence[Router] = (), started: Hook | None = None,
    ended: Hook | None = None, watched: Watched | None = None,
) -> Litestar:  # fmt: skip
    """The application over a store of layers. ``clock``: milliseconds UTC.

    ``url``: public root without a slash at the end, where a proxy stands before it; by default links follow what a
    client asked for. ``routers``: those under ``/api/v1``, which are served behind a ``gate`` or not at all; ``more``:
    others, the page's among them. ``started`` and ``ended`` are awaited around serving; ``watched`` counts.
    Raises ValueError for routers without a gate.
    """
    root = url.rstrip("/")
    if gate is None and routers:
        raise ValueError("routers of the API: expected a gate before them")
    document = _Document(API, route_handlers=[], opt={"right": Right.NONE}, include_in_schema=False)
    described = OpenAPIConfig(
        "city brain", "1", path=API, render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        openapi_router=document, use_handler_docstrings=True,
    )  # fmt: skip
    return Litestar(
        route_handlers=[
            router(store, clock, root),
            problems,
            *(more or [page_router()]),
            *([together(routers)] if routers else []),
        ],
        exception_handlers=dict(handlers(root)),
        before_send=[
            finish(store),
            *([] if gate is None else [gate.before_send]),
            *([] if watched is None else [watched.before_send]),
        ],
        on_startup=[] if started is None else [started],
        on_shutdown=[] if ended is None else [ended],
        middleware=[*([] if watched is None else [watched.middleware]), *([] if gate is None else [gate.middleware])],
        openapi_config=None if gate is None else described,
        logging_config=None,
        request_max_body_size=(Limits() if gate is None else gate.access.limits).body_bytes,
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that clients can already connect to; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family, backlog=512)
    # asyncio sends at once (TCP_NODELAY) only on what says that it is TCP; else a body waits 40 ms behind its headers.
    return socket.socket(family, sock.type, socket.IPPROTO_TCP, fileno=sock.detach())


class _Server(uvicorn.Server):
    """Tells somebody first when it is to leave: streams end then, and nobody waits for them."""

    def __init__(self, config: uvicorn.Config, leaving: Callable[[], None]) -> None:
        super().__init__(config)
        self._leaving = leaving

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._leaving()
        super().handle_exit(sig, frame)


def serve(app: Litestar, sock: socket.socket, leaving: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or Ctrl-C; open requests are answered first, for at most five seconds. ``leaving`` is called
    when the signal comes."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=LEAVE_S,
        # Whose X-Forwarded-For is believed, access.yaml says; by itself the server believes anybody on this machine.
        proxy_headers=False,
    )  # fmt: skip
    # A map is many objects that stay: when the collector looks through them, every answer waits half a second.
    gc.collect()
    gc.freeze()
    # uvicorn raises the signal again after it has shut down in order; that must not end us with an error code then.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        _Server(config, leaving).run(sockets=[sock])
    except KeyboardInterrupt:
        return
    finally:
        gc.unfreeze()
        signal.signal(signal.SIGTERM, before)
        sock.close()
