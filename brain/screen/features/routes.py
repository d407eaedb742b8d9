"""The routes of OGC API - Features under ``/ogc``: from a request to one version of the map, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from litestar import Request, Response, Router, route
from litestar.params import FromPath
from litestar.types import Message, Scope

from brain.screen.access.rights import Right
from brain.screen.features import documents, encode, openapi, pages, query
from brain.screen.features.catalogue import title as title_of
from brain.screen.features.crs import CRS84, of
from brain.screen.features.documents import GEOJSON, HOME, HTML, JSON, OPENAPI, Link, Place
from brain.screen.features.store import Layer, LayerStore, Snapshot
from brain.screen.language import Say, choose
from brain.screen.pages import SECURITY
from brain.screen.problems import ABSENT, GONE, Problem
from brain.screen.urls import address, root_of
from geo.times import text_of

READ: Sequence[Literal["GET", "HEAD"]] = ("GET", "HEAD")
VARY = "Accept, Accept-Language"
VERSION = "Map-Version"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"{VERSION}, Content-Crs, ETag, Link",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
Asked = Request[Any, Any, Any]
Answer = Response[bytes]


def router(store: LayerStore, clock: Callable[[], int], url: str = "") -> Router:
    """All routes. ``clock``: milliseconds UTC; ``url``: public root, where clients do not ask under it."""

    def call(request: Asked, names: Sequence[str] | None = query.COMMON, media: str = JSON) -> Call:
        return Call(request, store.current, url, names, media)

    @route("/", http_method=READ, sync_to_thread=False)
    def landing(request: Asked) -> Answer:
        c = call(request)
        return c.document(documents.TITLE, c.place(), documents.landing(c.place(), c.snapshot))

    @route("/conformance", http_method=READ, sync_to_thread=False)
    def conformance(request: Asked) -> Answer:
        c = call(request)
        place, title = c.place("conformance"), Say("符合性类", "Conformance classes")
        return c.document(title, place, documents.conformance(place, c.snapshot))

    @route("/api", http_method=READ, sync_to_thread=False)
    def api(request: Asked) -> Answer:
        c = call(request, media=OPENAPI)
        made = openapi.document(c.snapshot, c.root, c.language)
        if c.html:
            return c.answer(HTML, pages.definition(c.place("api"), made))
        return c.answer(OPENAPI, msgspec.json.encode(made))

    @route("/collections", http_method=READ, sync_to_thread=False)
    def collections(request: Asked) -> Answer:
        c = call(request)
        place, title = c.place("collections"), Say("图层", "Layers")
        return c.document(title, place, documents.collections(place, c.snapshot))

    @route("/collections/{name:str}", http_method=READ, sync_to_thread=False)
    def collection(request: Asked, name: FromPath[str]) -> Answer:
        c = call(request)
        layer, place = layer_of(c.snapshot, name), c.place("collections", name)
        return c.document(title_of(name), place, documents.collection(place, c.snapshot, layer, alone=True))

    # In a thread: thousands of large shapes take long enough that others would notice.
    @route("/collections/{name:str}/items", http_method=READ, sync_to_thread=True)
    def items(request: Asked, name: FromPath[str]) -> Answer:
        c = call(request, names=None, media=GEOJSON)
        start = query.page(c.given)
        if start is not None:
            c.snapshot = version_of(store, start[0])
        layer = layer_of(c.snapshot, name)
        asked = query.items(c.given, layer.fields)
        if c.unchanged():
            return c.answer(GEOJSON, b"", {})
        return c.items(layer, asked, clock())

    @route("/collections/{name:str}/items/{code:path}", http_method=READ, sync_to_thread=False)
    def feature(request: Asked, name: FromPath[str], code: FromPath[str]) -> Answer:
        c = call(request, names=query.ITEM, media=GEOJSON)
        return c.feature(layer_of(c.snapshot, name), code.removeprefix("/"), clock())

    return Router(
        f"/{HOME}", route_handlers=[landing, conformance, api, collections, collection, items, feature],
        include_in_schema=False, opt={"right": Right.NONE},
    )  # fmt: skip


def finish(store: LayerStore) -> Callable[[Message, Scope], Any]:
    """Hook on every answer of the application: those under ``/ogc``, errors too, name a version and may be read by
    pages of other origins."""

    async def before_send(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start" or not f"{scope['path']}/".startswith(f"/{HOME}/"):
            return
        more = CORS | (PREFLIGHT if scope.get("method") == "OPTIONS" else {})
        headers = list(message["headers"])
        if VERSION.lower().encode() not in {name.lower() for name, _ in headers}:
            more[VERSION] = store.current.version
        message["headers"] = [*headers, *((k.lower().encode(), v.encode()) for k, v in more.items())]

    return before_send


class Call:
    """One request: its language, form and parameters, and the version of the map that answers it."""

    def __init__(self, request: Asked, snapshot: Snapshot, url: str, names: Sequence[str] | None, media: str) -> None:
        """``names``: parameters of the resource, None where they are checked later. Raises Problem."""
        self.request, self.snapshot, self.root = request, snapshot, url or root_of(request.scope)
        self.language = choose(request.headers.get("accept-language", ""))
        self.given = query.pairs(request.scope["query_string"])
        if names is not None:
            query.known(self.given, names)
        self.media = media
        offered = [media, JSON, HTML]
        self.html = query.wants_html(self.given, default=request.accept.best_match(offered, media) == HTML)

    def place(self, *path: str) -> Place:
        """Where the answer stands."""
        return Place(self.root, path, self.given.items(), self.language, html=self.html)

    @property
    def etag(self) -> str:
        """Weak: the time stamp of an answer differs each time."""
        return f'W/"{self.snapshot.tag}.{"html" if self.html else "json"}.{self.language}"'

    def unchanged(self) -> bool:
        """Whether the client has this version of the answer."""
        known = [tag.strip() for tag in self.request.headers.get("if-none-match", "").split(",")]
        return "*" in known or self.etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in known}

    def document(self, title: Say, place: Place, body: Any) -> Answer:
        """A resource beside the features."""
        if self.html:
            return self.answer(HTML, pages.resource(place, title.to(self.language), body))
        return self.answer(JSON, msgspec.json.encode(body))

    def answer(self, media: str, body: bytes, more: Mapping[str, str] | None = None) -> Answer:
        """The answer, or that nothing changed."""
        headers = {
            VERSION: self.snapshot.version, "ETag": self.etag, "Vary": VARY, "Cache-Control": "no-cache",
            "Content-Language": self.language, **(SECURITY if media == HTML else {}), **(more or {}),
        }  # fmt: skip
        if self.unchanged():
            return Response(b"", status_code=304, headers=headers, media_type=media)
        return Response(body, headers=headers, media_type=media)

    def items(self, layer: Layer, asked: query.Query, now: int) -> Answer:
        """One page of what the query selects."""
        rows = layer.select(asked.area, asked.span, asked.equal)
        shown, after, before = encode.window(rows, asked.first, asked.limit)
        links = self._paged(layer, after, before)
        page = encode.Page(
            map_version=self.snapshot.version, time_stamp=text_of(now), number_matched=len(rows),
            number_returned=len(shown), features=encode.features(layer, shown, asked.crs), links=links,
            bbox=encode.around(layer, rows) if asked.crs is CRS84 else [],
        )  # fmt: skip
        more = {"Content-Crs": f"<{asked.crs.uri}>", "Link": encode.header(links)}
        if not self.html:
            return self.answer(GEOJSON, msgspec.json.encode(page), more)
        about = msgspec.to_builtins(msgspec.structs.replace(page, features=[]))
        head = {name: value for name, value in about.items() if name not in {"type", "features"}}
        place = self.place("collections", layer.name, "items")
        return self.answer(HTML, pages.features(place, layer.name, head, page.features, layer.shapes[shown]), more)

    def _paged(self, layer: Layer, after: int | None, before: int | None) -> list[Link]:
        path = ("collections", layer.name, "items")
        place, media = self.place(*path), HTML if self.html else GEOJSON
        links = place.own(GEOJSON)
        for rel, row in (("first", 0), ("prev", before), ("next", after)):
            if row is not None:
                # The first page too is asked for by its version: from any page on it is the same reading.
                where = place.changed(page=query.token(self.snapshot.version, row))
                links.append(place.to(*path, rel=rel, media=media, say=_PAGES[rel], query=where))
        links.append(
            place.to(
                *path[:2],
                rel="collection",
                media=HTML if self.html else JSON,
                say=title_of(layer.name),
                query=place.same_format(),
            )
        )
        return links

    def feature(self, layer: Layer, code: str, now: int) -> Answer:
        """One feature by its id; a code that has versions leads to the one in force."""
        row = layer.row.get(code)
        if row is None:
            row = layer.in_force(code, now)
            if row is None:
                expected = Say(f"图层 {layer.name} 中的要素", f"a feature of layer {layer.name}")
                way = Say(
                    f"列表: /{HOME}/collections/{layer.name}/items", f"listed at /{HOME}/collections/{layer.name}/items"
                )
                raise Problem(ABSENT, "featureId", expected, repr(code), way)
            there = address(self.root, (HOME, "collections", layer.name, "items", layer.ids[row]), self.given.items())
            headers = {"Location": there, VERSION: self.snapshot.version, "Cache-Control": "no-cache"}
            return Response(b"", status_code=307, headers=headers, media_type=JSON)
        crs = of(self.given["crs"], "crs") if "crs" in self.given else CRS84
        rows = np.array([row])
        (one,) = encode.features(layer, rows, crs)
        one.links = self._around(layer, row)
        more = {"Content-Crs": f"<{crs.uri}>", "Link": encode.header(one.links)}
        if not self.html:
            return self.answer(GEOJSON, msgspec.json.encode(one), more)
        place = self.place("collections", layer.name, "items", code)
        return self.answer(HTML, pages.feature(place, layer.name, self.snapshot.version, one, layer.shapes[rows]), more)

    def _around(self, layer: Layer, row: int) -> list[Link]:
        path = ("collections", layer.name)
        place = self.place(*path, "items", layer.ids[row])
        media, f = HTML if self.html else GEOJSON, place.same_format()
        links = place.own(GEOJSON)
        links.append(
            place.to(*path, rel="collection", media=HTML if self.html else JSON, say=title_of(layer.name), query=f)
        )
        versions = layer.versions(layer.features[row].code)
        at = versions.index(row)
        for rel, other in (("predecessor-version", at - 1), ("successor-version", at + 1)):
            if 0 <= other < len(versions):
                links.append(place.to(*path, "items", layer.ids[versions[other]], rel=rel, media=media, query=f))
        return links


def layer_of(snapshot: Snapshot, name: str) -> Layer:
    """Raises Problem where no such layer is served; it does not tell whether the map has it."""
    layer = snapshot.layers.get(name)
    if layer is None:
        listed = ", ".join(snapshot.layers) or "–"
        expected = Say(f"以下图层之一: {listed}", f"one of the layers {listed}")
        raise Problem(
            ABSENT,
            "collectionId",
            expected,
            repr(name),
            Say(f"列表: /{HOME}/collections", f"listed at /{HOME}/collections"),
        )
    return layer


def version_of(store: LayerStore, version: str) -> Snapshot:
    """Raises Problem where the version is no longer kept."""
    found = store.at(version)
    if found is None:
        kept = Say("仍保留的地图版本", "a map version that is still kept")
        raise Problem(GONE, "page", kept, repr(version), Say("省略 page 从头开始", "leave page out to start anew"))
    return found


_PAGES: Mapping[str, Say] = {
    "first": Say("第一页", "first page"),
    "prev": Say("上一页", "previous page"),
    "next": Say("下一页", "next page"),
}
