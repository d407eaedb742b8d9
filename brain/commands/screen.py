"""``brain screen``: the HTTP side: the map's layers, and with rules of access the command centre over a brain."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from brain.commands.common import Config, Lang, Prefix, broker_of, fail, folders_of, load_settings
from brain.commands.sets import last_pulse
from brain.disks import scraped
from brain.logs import configure_logs
from brain.settings import Settings, SettingsError

if TYPE_CHECKING:  # what serves is slow to import, and is so only when it is asked for
    from brain.screen.centre import Centre, Source
    from brain.screen.features.store import LayerStore
    from brain.screen.follow import Follower
    from brain.set_library import SetLibrary
    from brain.sets import CitySet

console = Console()

_ZH = {
    "serves": "✓ {url}/ogc  ({layers}; 地图 {version}); Ctrl-C 结束",
    "address": "{host}:{port}: 无法监听 ({why}); 用 --port 换一个端口",
    "url": "--url: 应为 http:// 或 https:// 开头的地址, 收到 {url}; 省略时链接随客户端的请求",
    "both": "--follow 与 --map 只能用一个: 跟随的是生效集的地图",
    "centre": "✓ {url}  指挥中心; 地图 {url}/ogc; Ctrl-C 结束",
    "accounts": "--demo 与 --access 只能用一个: 演示账号不校验身份",
    "loopback": "--demo: 只能监听本机 (127.0.0.1), 收到 {host}; 演示账号不校验身份",
    "empty": "{path}: 没有可提供的图层: 地图有 {present}, 选择了 {served}; 用 --layers 指定",
}
_EN = {
    "serves": "✓ {url}/ogc  ({layers}; map {version}); Ctrl-C ends it",
    "address": "{host}:{port}: cannot listen ({why}); name another by --port",
    "url": "--url: expected an address with http:// or https://, got {url}; without it links follow the clients",
    "both": "--follow and --map exclude each other: what is followed is the map of the set in force",
    "centre": "✓ {url}  the command centre; its map: {url}/ogc; Ctrl-C ends it",
    "accounts": "--demo and --access exclude each other: accounts of the demo are nobody's",
    "loopback": "--demo: expected an address of this machine (127.0.0.1), got {host}: its accounts are nobody's",
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
    access: Annotated[
        Path | None, typer.Option(help="the command centre, for tokens by this access.yaml / 指挥中心, 访问配置")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="the command centre, for demo accounts, on this machine only / 演示账号")
    ] = False,
    bootstrap: Annotated[str | None, typer.Option(help="broker to follow; the embedded one when left out")] = None,
    prefix: Prefix = None,
    url: Annotated[str, typer.Option(help="public root of links, where a proxy stands before it")] = "",
    config: Config = None,
    lang: Lang = None,
) -> None:
    """Serve the map's layers, and the command centre, until Ctrl-C or SIGTERM / 地图图层与指挥中心."""
    from brain.pipeline import library
    from brain.screen import maps
    from brain.screen.access.origin import local
    from brain.screen.app import build, listen, serve
    from brain.screen.features.catalogue import PUBLIC
    from brain.screen.features.store import LayerStore
    from geo.feature import MapError
    from streams.log import LogError

    settings = load_settings(config, language=lang, bootstrap=bootstrap, prefix=prefix)
    words = _EN if settings.language == "en" else _ZH
    if follow and map_ is not None:
        fail(words["both"])
    if demo and access is not None:
        fail(words["accounts"])
    if demo and not local(host):
        fail(words["loopback"].format(host=host))
    whole = demo or access is not None
    follow = follow or (whole and map_ is None)
    broker = broker_of(settings) if follow or whole else ""
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
    follower = centre = None
    if follow or whole:
        try:
            sets, genesis = library(settings, broker)
        except (LogError, SettingsError, KeyError, ValueError, OSError) as error:
            fail(error, 1, language=settings.language)
        follower = _follower(store, settings, broker, sets) if follow else None
        centre = _centre(store, source_of(settings, broker, sets, genesis), access, url) if whole else None
    try:
        sock = listen(host, port)
    except OSError as error:
        fail(words["address"].format(host=host, port=port, why=error.strerror))
    taken = sock.getsockname()[1]
    root = url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{taken}"
    if centre is None:
        counts = ", ".join(f"{name} {len(layer)}" for name, layer in store.current.layers.items())
        said = words["serves"].format(url=root, layers=counts, version=store.current.version)
    else:
        said = words["centre"].format(url=root)
    console.print(said, highlight=False, soft_wrap=True)
    with ExitStack() as stack:
        if follower is not None:
            follower.start()
            stack.callback(follower.stop)
        if centre is None:
            serve(build(store, lambda: time.time_ns() // 1_000_000, url), sock)
        else:
            stack.callback(centre.watched.register())
            stack.enter_context(scraped(folders_of(settings, broker)))
            stack.enter_context(centre.writing)
            serve(centre.app, sock, centre.hub.close)


def source_of(settings: Settings, broker: str, sets: SetLibrary, genesis: CitySet) -> Source:
    """Where the command centre reads and writes; a set that no folder here has is fetched."""
    from brain.screen.centre import Source

    def content(set_id: str) -> CitySet:
        return sets.find(set_id, settings.set_folder())

    return Source(broker, settings.prefix, tuple(settings.partitions), settings.key(), content, genesis)


def _centre(store: LayerStore, source: Source, access: Path | None, url: str) -> Centre:
    from brain.screen.access.config import AccessError, load
    from brain.screen.access.demo import Demo
    from brain.screen.centre import Centre

    try:
        return Centre(source, store, None if access is None else load(access), Demo() if access is None else None, url)
    except AccessError as error:
        fail(str(error))


def _follower(store: LayerStore, settings: Settings, broker: str, sets: SetLibrary) -> Follower:
    from brain.screen.follow import Follower
    from brain.sets import MAP

    def in_force() -> str | None:
        pulse = last_pulse(broker, settings)
        return None if pulse is None else str(pulse.set)

    return Follower(store, in_force, lambda set_id: sets.path(set_id, settings.set_folder()) / MAP)
