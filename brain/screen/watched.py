"""What operators see of the screen: ``/metrics``, ``/health/live`` and ``/health/ready``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from litestar import Response, Router, get
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from brain.screen.access.rights import Right
from brain.screen.api.looks import late
from brain.screen.board.board import Board

STARTED: Final = "began"
REQUESTS = Counter("brain_screen_requests_total", "Answers by route and status", ["route", "status"])
SECONDS = Histogram(
    "brain_screen_request_seconds", "Time to the first byte of an answer",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)  # fmt: skip


class Watched:
    """Of one board. ``clock``: ms UTC."""

    def __init__(self, board: Board, clock: Callable[[], int]) -> None:
        self._board, self._clock, self._began = board, clock, clock()
        self._counters: dict[tuple[str, str], Counter] = {}
        """As many as there are routes and statuses: finding one by its labels costs more than counting."""

    def collect(self) -> Iterable[Metric]:
        """Gauges are worked out when they are asked for."""
        board = self._board
        yield GaugeMetricFamily(
            "brain_screen_incidents", "Open incidents on the board", int(board.columns.live()["open"].sum())
        )
        # A screen that never saw a pulse is as stale as it is old: else no alert would say so.
        age = (self._clock() - (board.pulse or self._began)) / 1000
        yield GaugeMetricFamily("brain_screen_pulse_age_seconds", "Age of the newest pulse through the chain", age)

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Notes when a request came in."""

        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})[STARTED] = time.perf_counter()
            await app(scope, receive, send)

        return timed

    async def before_send(self, message: Message, scope: Scope) -> None:
        """Hook on every answer: counted by the route's template, so that no path becomes a label."""
        if message["type"] != "http.response.start":
            return
        key = str(scope.get("path_template") or "none"), str(message["status"])
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = REQUESTS.labels(*key)
        counter.inc()
        began: float | None = scope.get("state", {}).get(STARTED)
        if began is not None:
            SECONDS.observe(time.perf_counter() - began)

    def router(self) -> Router:
        """The routes; the network decides who reaches them."""

        @get("/metrics", opt={"right": Right.NONE}, include_in_schema=False, sync_to_thread=False)
        def metrics() -> Response[bytes]:
            """For Prometheus."""
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        @get("/health/live", opt={"right": Right.NONE}, include_in_schema=False, sync_to_thread=False)
        def live() -> Response[bytes]:
            """The process answers."""
            return Response(b"live\n", media_type="text/plain")

        @get("/health/ready", opt={"right": Right.NONE}, include_in_schema=False, sync_to_thread=False)
        def ready() -> Response[bytes]:
            """The board is as the topics are; a late chain is said, and is no reason to take the screen away."""
            if not self._board.ready:
                return Response(b"reading the topics\n", status_code=503, media_type="text/plain")
            word = b"ready, but the chain is late\n" if late(self._board, self._clock()) else b"ready\n"
            return Response(word, media_type="text/plain")

        return Router("/", route_handlers=[metrics, live, ready])

    def register(self) -> Callable[[], Any]:
        """Have the gauges scraped; what comes back ends it."""
        REGISTRY.register(self)
        return lambda: REGISTRY.unregister(self)
