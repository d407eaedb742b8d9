"""The resources beside the features: landing page, conformance classes, collections; their bodies and links."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from brain.screen.features.catalogue import description, title
from brain.screen.features.crs import CRS84, SUPPORTED
from brain.screen.features.store import Layer, Snapshot, start_and_end
from brain.screen.language import Say
from brain.screen.urls import Pairs, address

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
HOME = "ogc"
CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)
TITLE = Say("城市一张图", "The one map of the city")
ABOUT = Say(
    "地图各图层的只读访问 (OGC API - Features)。要素带有生效时间; 用 datetime 询问某一时刻的地图。",
    "Read access to the layers of the map (OGC API - Features). Features have a time in force: ask for the map of a "
    "moment by datetime.",
)


class Link(msgspec.Struct, omit_defaults=True):
    """A link as RFC 8288 has it."""

    href: str
    rel: str
    type: str
    title: str = ""


class Landing(msgspec.Struct, rename="camel"):
    """Body of the landing page."""

    title: str
    description: str
    map_version: str
    links: list[Link]


class Conformance(msgspec.Struct, rename="camel"):
    """Body of the conformance declaration."""

    conforms_to: list[str]
    map_version: str
    links: list[Link]


class Spatial(msgspec.Struct):
    """One box in degrees, longitude first."""

    bbox: list[list[float]]
    crs: str = CRS84.uri


class Temporal(msgspec.Struct):
    """One interval; null is an open end."""

    interval: list[list[str | None]]
    trs: str = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


class Extent(msgspec.Struct):
    """Where and when features are."""

    spatial: Spatial | UnsetType = UNSET
    temporal: Temporal | UnsetType = UNSET


class Collection(msgspec.Struct, rename="camel"):
    """Description of one layer."""

    id: str
    title: str
    description: str
    item_type: str
    extent: Extent
    crs: list[str]
    storage_crs: str
    map_version: str
    links: list[Link]


class Collections(msgspec.Struct, rename="camel"):
    """Body of the list of layers."""

    map_version: str
    links: list[Link]
    collections: list[Collection]


class Place:
    """Where a resource stands: builds the links of its answer. ``asked``: the query as it came."""

    def __init__(self, root: str, path: Sequence[str], asked: Pairs, language: str, *, html: bool) -> None:
        self.root, self.path, self.asked = root, (HOME, *path), list(asked)
        self.language, self.html = language, html

    def to(self, *path: str, rel: str, media: str, say: Say | None = None, query: Pairs = ()) -> Link:
        """A link to another resource."""
        return Link(address(self.root, (HOME, *path), query), rel, media, say.to(self.language) if say else "")

    def own(self, data: str = JSON) -> list[Link]:
        """``self`` and ``alternate`` of an answer that is a page or of the data's media type."""
        here = Link(
            address(self.root, self.path, self.asked), "self", HTML if self.html else data, _THIS.to(self.language)
        )
        other, media = ("json", data) if self.html else ("html", HTML)
        there = address(self.root, self.path, self.changed(f=other))
        return [here, Link(there, "alternate", media, _OTHER[other].to(self.language))]

    def changed(self, **new: str | None) -> list[tuple[str, str]]:
        """The query with other values; None leaves one out."""
        kept = [(name, value) for name, value in self.asked if name not in new]
        return kept + [(name, value) for name, value in new.items() if value is not None]

    def same_format(self) -> Pairs:
        """What a link within pages carries, so that a reader stays among pages."""
        return [("f", "html")] if self.html else []


def landing(place: Place, snapshot: Snapshot) -> Landing:
    """The entrance: everything else is found from here."""
    f = place.same_format()
    links = [
        *place.own(),
        place.to("api", rel="service-desc", media=OPENAPI, say=_API),
        place.to("api", rel="service-doc", media=HTML, say=_API, query=[("f", "html")]),
        place.to("conformance", rel="conformance", media=HTML if place.html else JSON, say=_CONFORMANCE, query=f),
        place.to("collections", rel="data", media=HTML if place.html else JSON, say=_COLLECTIONS, query=f),
    ]
    return Landing(TITLE.to(place.language), ABOUT.to(place.language), snapshot.version, links)


def conformance(place: Place, snapshot: Snapshot) -> Conformance:
    """The classes that hold; a test of each requirement is in the project."""
    return Conformance(list(CONFORMS_TO), snapshot.version, place.own())


def collections(place: Place, snapshot: Snapshot) -> Collections:
    """All layers that are served."""
    listed = [collection(place, snapshot, layer) for layer in snapshot.layers.values()]
    return Collections(snapshot.version, place.own(), listed)


def collection(place: Place, snapshot: Snapshot, layer: Layer, *, alone: bool = False) -> Collection:
    """One layer, as an item of the list, or ``alone``, which adds its link to the other form."""
    box, span = layer.extent()
    extent = Extent(Spatial([box]) if box else UNSET, Temporal([list(start_and_end(*span))]) if span else UNSET)
    path, f = ("collections", layer.name), place.same_format()
    links = [
        place.to(*path, "items", rel="items", media=GEOJSON, say=_ITEMS, query=[("f", "json")]),
        place.to(*path, "items", rel="items", media=HTML, say=_ITEMS, query=[("f", "html")]),
    ]
    listed = place.to(*path, rel="self", media=HTML if place.html else JSON, say=_THIS, query=f)
    own = [link for link in place.own() if link.rel == "alternate"] if alone else []
    return Collection(
        layer.name, title(layer.name).to(place.language), description(layer.name).to(place.language), "feature", extent,
        [crs.uri for crs in SUPPORTED], CRS84.uri, snapshot.version, [listed, *own, *links],
    )  # fmt: skip


_THIS = Say("本文档", "this document")
_OTHER = {"json": Say("JSON 形式", "the same as JSON"), "html": Say("网页形式", "the same as a page")}
_API = Say("接口定义", "definition of the API")
_CONFORMANCE = Say("符合性类", "conformance classes")
_COLLECTIONS = Say("图层", "the layers")
_ITEMS = Say("要素", "the features")
