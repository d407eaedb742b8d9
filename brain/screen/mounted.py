"""What the command centre mounts, said once: it, the tests of its rights and the stands serve the same routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from litestar import Router

from brain.screen import page_files
from brain.screen.access.demo import Demo
from brain.screen.access.gate import Gate
from brain.screen.api import actions, assets, audit, incidents, looks, session, stream
from brain.screen.board.board import Board
from brain.screen.board.lore import Lore
from brain.screen.board.sensing import Sensing
from brain.screen.features.store import LayerStore
from brain.screen.heard import Heard
from brain.screen.watched import Watched


class Parts(NamedTuple):
    """What the routes stand on. ``clock``: ms UTC; without ``acts`` nobody acts, and nothing is said of the audit."""

    gate: Gate
    board: Board
    lore: Lore
    store: LayerStore
    hub: stream.Hub
    clock: Callable[[], int]
    heard: Heard
    sensing: Sensing
    acts: actions.Acts | None = None
    demo: Demo | None = None


def api(parts: Parts) -> list[Router]:
    """All that lies under ``/api/v1``."""
    p = parts
    writes = [] if p.acts is None else [actions.router(p.acts), audit.router(p.heard)]
    return [
        session.router(p.gate, p.demo), *writes, assets.router(p.sensing, p.board, p.heard.doubted),
        incidents.router(p.board, p.lore, p.heard.doubted),
        looks.router(p.board, p.store, p.clock), stream.router(p.hub, p.gate.access.leeway_s),
    ]  # fmt: skip


def others(watched: Watched) -> list[Router]:
    """All beside the API and the map: the page, metrics and health."""
    return [page_files.page_router(), watched.router()]
