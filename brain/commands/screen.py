"""``brain screen``: the HTTP side: the map's layers by OGC API - Features, and an API for those with an account."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from brain.commands.common import Config, Lang, Prefix, broker_of, fail, load_settings
from brain.commands.sets import last_pulse
from brain.commands.worker import configure_logs
from brain.settings import Settings, SettingsError

if TYPE_CHECKING:  # what serves is slow to import, and is so only when it is asked for
    from brain.screen.features.store import LayerStore
    from brain.screen.follow import Follower

console = Console()

_ZH = {
    "serves": "✓ {url}/ogc  ({layers}; 地图 {version}); Ctrl-C 结束",
    "address": "{host}:{port}: 无法监听 ({why}); 用 --port 换一个端口",
    "url": "--url: 应为 http:// 或 https:// 开头的地址, 收到 {url}; 省略时链接随客户端的请求",
    "both": "--follow 与 --map 只能用一个: 跟随的是生效集的地图",
    "demo": "--demo: 只供本机, 且不与 --access 同用; 监听地址为 {host}",
    "empty": "{path}: 没有可提供的图层: 地图有 {present}, 选择了 {served}; 用 --layers 指定",
}
_EN = {
    "serves": "✓ {url}/ogc  ({layers}; map {version}); Ctrl-C ends it",
    "address": "{host}:{port}: cannot listen ({why}); name another by --port",
    "url": "--url: expected an address with http:// or https://, got {url}; without it links follow the clients",
    "both": "--follow and --map exclude each other: what is followed is the map of the set in force",
    "demo": "--demo: for this machine only and not with --access; the address to listen on is {host}",
    "empty": "{path}: no layer to serve: the map has {present}, chosen are {served}; name some by --layers",
}


def screen(
    map_: Annotated[
        Path | None, typer.Option("--map", help="GeoJSON file or a set's folder; the genesis set's map")
    ] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port; 0 takes a free one", min=0, max=65535)] = 8080,
    layers: Annotated[
        str, typer.Option(help="layers, with commas; `public` means those without personal data")
    ] = "public",
    follow: Annotated[
        bool, typer.Option("--follow", help="follow the set in force: another map is served once a pulse names it")
    ] = False,
    bootstrap: Annotated[str | None, typer.Option(help="broker to follow; the embedded one when left out")] = None,
    prefix: Prefix = None,
    url: Annotated[str, typer.Option(help="public root of links, where a proxy stands before it")] = "",
    access: Annotated[
        Path | None, typer.Option(help="access.yaml: whose tokens are taken; opens the API under /api/v1 / 访问配置")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="accounts to try it with, without a password; this machine only / 演示账户")
    ] = False,
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Serve the map's layers, and with accounts the API, until Ctrl-C or SIGTERM / 以 HTTP 提供地图图层与接口."""
    from brain.screen import maps
    from brain.screen.access.origin import local
    from brain.screen.app import build, listen, serve
    from brain.screen.features.catalogue import PUBLIC
    from brain.screen.features.store import LayerStore
    from geo.feature import MapError

    settings = load_settings(config, language=lang, bootstrap=bootstrap, prefix=prefix)
    if follow and map_ is not None:
        fail(_words(settings)["both"])
    words = _words(settings)
    if demo and (access is not None or not local(host)):
        fail(words["demo"].format(host=host))
    accounts = demo or access is not None
    broker = broker_of(settings) if follow or accounts else ""
    configure_logs()
    if url and not url.startswith(("http://", "https://")):
        fail(words["url"].format(url=url))
    try:
        path = maps.path_of(map_, settings)
        features = maps.read(path)
        present = {f.layer for f in features}
        served = maps.layers(layers, PUBLIC, present)
        store = LayerStore(features, served)
    except (SettingsError, MapError, OSError) as error:
        fail(str(error))
    if not store.current.layers:
        fail(words["empty"].format(path=path, present=", ".join(sorted(present)), served=", ".join(served)))
    try:
        sock = listen(host, port)
    except OSError as error:
        fail(words["address"].format(host=host, port=port, why=error.strerror))
    taken = sock.getsockname()[1]
    root = url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{taken}"
    counts = ", ".join(f"{name} {len(layer)}" for name, layer in store.current.layers.items())
    said = words["serves"].format(url=root, layers=counts, version=store.current.version)
    console.print(said, highlight=False, soft_wrap=True)
    follower = _follower(store, settings, broker) if follow else None
    if follower is not None:
        follower.start()
    with ExitStack() as stack:
        behind = _behind(stack, store, settings, broker, access, url) if accounts else {}
        serve(build(store, _now, url, **behind), sock)
    if follower is not None:
        follower.stop()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _behind(
    stack: ExitStack, store: LayerStore, settings: Settings, broker: str, access: Path | None, url: str
) -> dict[str, Any]:
    """The gate and the routers behind it; those of the demo where no access file is given. What they need runs until
    the stack ends."""
    from brain.screen.access.config import Access, AccessError, load
    from brain.screen.access.demo import Demo
    from brain.screen.access.gate import Gate
    from brain.screen.access.tokens import Keys, Verifier, keys_of
    from brain.screen.access.trail import Trail
    from brain.screen.whereabouts import MapWhereabouts
    from brain.screen.writing import Writing, routers

    rules: Access
    keys: Keys
    demo = None
    if access is None:
        demo = Demo()
        rules, keys = demo.access, demo.keys
    else:
        try:
            rules = load(access)
            keys = keys_of(rules)
        except AccessError as error:
            fail(str(error))
    writing = stack.enter_context(Writing(broker, settings.prefix, _now))
    trail, key = Trail(writing.note, _now), settings.key()
    gate = Gate(rules, Verifier(rules, keys, _now), trail, _now, key, url, demo=demo is not None)
    return {"gate": gate, "routers": routers(gate, writing, MapWhereabouts(store, _now), key, demo)}


def _words(settings: Settings) -> dict[str, str]:
    return _EN if settings.language == "en" else _ZH


def _follower(store: LayerStore, settings: Settings, broker: str) -> Follower:
    from brain.pipeline import library
    from brain.screen.follow import Follower
    from brain.sets import MAP

    sets, _ = library(settings, broker)

    def in_force() -> str | None:
        pulse = last_pulse(broker, settings)
        return None if pulse is None else str(pulse.set)

    return Follower(store, in_force, lambda set_id: sets.path(set_id, settings.set_folder()) / MAP)
