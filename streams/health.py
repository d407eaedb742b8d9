"""``/metrics``, ``/health/live`` and ``/health/ready`` over HTTP, from a thread that an event loop cannot hold up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from streams.progress import Progress

Start = Callable[[str, list[tuple[str, str]]], Any]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests of a scraper are no news."""


def serve(progress: Progress, port: int, host: str = "127.0.0.1") -> tuple[WSGIServer, int]:
    """Start serving; port 0 takes a free one. Answers the server and its port; ``shutdown()`` ends it."""
    registry = CollectorRegistry()
    registry.register(REGISTRY)
    registry.register(progress)
    metrics = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        if path not in ("/health/live", "/health/ready"):
            start("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"/metrics /health/live /health/ready\n"]
        ok, why = progress.ready() if path == "/health/ready" else (not progress.stuck(), "live")
        start("200 OK" if ok else "503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{why}\n".encode()]

    server = make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server, server.server_port
