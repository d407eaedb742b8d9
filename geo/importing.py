"""Maps from other people's files: GeoJSON, GeoPackage and shapefile, rectified to WGS 84, fields named as ours.

A file whose coordinate system nobody states is refused: guessing moves a map by half a kilometre. So is one on a datum
other than WGS 84 or CGCS2000, whose parameters here are not public.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from pyogrio import errors, list_layers, read_info
from pyogrio import raw as ogr
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from geo.coords import BD09, CODES, GCJ02, to_wgs84
from geo.feature import ALWAYS, FOREVER, RESERVED, Feature, Value, alone
from geo.findings import Finding, MapError, found
from geo.geojson import BOM
from geo.repair import Repaired, repair
from geo.times import time_of

FORMATS = {"GeoJSON": ".geojson, .json", "GPKG": ".gpkg", "ESRI Shapefile": ".shp"}
SUFFIXES = {".geojson", ".json", ".gpkg", ".shp"}
MOST_BYTES, MOST_FEATURES = 2**29, 500_000
MARGIN = 1.5
"""Degrees by which a place may lie outside the area of its projection: half a 3-degree zone."""
DATUMS = ("World Geodetic System 1984", "China 2000", "China Geodetic Coordinate System 2000", "CGCS2000")
LAYER = "layer"
TEXTS = frozenset({"name", "parent", "district", "town", "community", "grid", "zone", "from", "to"})
"""Attributes that are texts though a table may hold them as numbers: codes and names."""
OFFSETS = {GCJ02: "gcj02", BD09: "bd09"}


@dataclass(frozen=True)
class Fields:
    """How a file's fields become a feature's.

    ``layer``: of all features; empty: each names its own in a field ``layer``. ``names``: name in the map to name in
    the file, for ``code``, ``name``, ``parent`` and whatever attribute is called otherwise there; what is not named
    keeps its name. ``since``: when all came into force that have no field ``since`` (milliseconds UTC).
    """

    layer: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    since: int = ALWAYS


class Imported(NamedTuple):
    """What a file gave: features in WGS 84, its system, what is odd, values left out by field, what was mended."""

    features: list[Feature]
    crs: str
    findings: list[Finding]
    left_out: Counter[str]
    repaired: list[Repaired]


def read_file(
    path: Path, plan: Fields, *, crs: str = "", encoding: str = "", table: str = "", mend: bool = False
) -> Imported:
    """Read one file.

    Parameters
    ----------
    crs : coordinate system where the file states none, or gcj02 or bd09, which no file can state.
    encoding : of a shapefile's texts where no .cpg says so: GBK, mostly.
    table : which layer of a GeoPackage that has several.
    mend : mend invalid polygons (:mod:`geo.repair`) instead of refusing the file for them.

    Raises
    ------
    MapError
        With everything that cannot be read or used; whether the features make a map is for :mod:`geo.review`.
    """
    try:
        return _read(path, plan, crs, encoding, table, mend)
    except MapError as error:
        raise error.within(path.name) from error


def _read(path: Path, plan: Fields, crs: str, encoding: str, table: str, mend: bool) -> Imported:
    info = _open(path, encoding, table)
    default = info["driver"] == "GeoJSON" and not _names_crs(path)
    offset, system = _system(info["crs"], default=default, option=crs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's words about single features; each gets a finding of its own
            meta, _, wkb, columns = ogr.read(
                path, layer=table or None, encoding=encoding or None, force_2d=True, datetime_as_string=True
            )
    except (RuntimeError, ValueError, LookupError) as error:
        raise MapError([found("M001", "map", why=_encoding_hint(error))]) from error
    if wkb is None:
        raise MapError([found("M001", "map", why="has no geometry")])
    fields = dict(zip(meta["fields"].tolist(), columns, strict=True))
    kinds = dict(zip(meta["fields"].tolist(), zip(meta["ogr_types"], meta["ogr_subtypes"], strict=True), strict=True))
    _known(plan, list(fields))
    shapes, findings = _shapes(wkb)
    shapes = _rectified(shapes, offset, system)
    if info["driver"] != "GeoJSON":  # the other formats wind their rings as they like
        shapes = shapely.orient_polygons(shapes)
    features, left_out = list[Feature](), Counter[str]()
    for row, values in enumerate(_rows(fields, kinds, len(shapes))):
        try:
            feature = _feature(shapes[row], values, plan, left_out)
        except MapError as error:
            findings += error.within(f"feature {row + 1}").findings
        else:
            if wkb[row] is None or shapes[row] is not None:  # one without a shape has its finding already
                features.append(feature)
    told: list[Repaired] = []
    if mend:
        features, told = repair(features)
    # A position that its projection cannot have is told as that.
    findings += [f for feature in features for f in alone(feature) if not (f.code == "M104" and system.is_projected)]
    findings += _out_of_area(features, system)
    if any(f.severity == "error" for f in findings):
        raise MapError(findings)
    return Imported(features, OFFSETS[offset] if offset else str(system.to_string()), findings, left_out, told)


def _open(path: Path, encoding: str, table: str) -> dict[str, Any]:
    """What the file says about itself; refused before anything is read that is too large or of another format."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        what = "is no file" if path.suffix.lower() in SUFFIXES else f"expected one of {', '.join(sorted(SUFFIXES))}"
        raise MapError([found("M001", "map", why=f"{what}; unpack archives first")])
    size = sum(part.stat().st_size for part in path.parent.glob(f"{path.stem}.*") if part.stem == path.stem)
    size = size if path.suffix.lower() == ".shp" else path.stat().st_size
    if size > MOST_BYTES:
        raise MapError([found("M002", "map", limit=MOST_BYTES, what="bytes", got=size)])
    try:
        tables = [str(name) for name, _ in list_layers(path)]
        if len(tables) > 1 and table not in tables:
            raise MapError([found("M001", "map", why=f"has several layers, say which by --table: {', '.join(tables)}")])
        info: dict[str, Any] = read_info(path, layer=table or None, encoding=encoding or None)
    except (errors.CRSError, UnboundLocalError) as error:  # the second is what pyogrio comes to over some junk
        why = "GDAL cannot read it; mend it, or take it away (a .prj) and say --crs"
        raise MapError([found("M004", "map", crs="of the file", why=why)]) from error
    except (RuntimeError, ValueError, LookupError) as error:
        raise MapError([found("M001", "map", why=str(error))]) from error
    if info["driver"] not in FORMATS:
        raise MapError([found("M001", "map", why=f"is {info['driver']}, expected one of {', '.join(FORMATS)}")])
    if info["features"] > MOST_FEATURES:
        raise MapError([found("M002", "map", limit=MOST_FEATURES, what="features", got=info["features"])])
    return info


class _Head(msgspec.Struct):
    crs: msgspec.Raw = msgspec.Raw()


def _names_crs(path: Path) -> bool:
    """Whether a GeoJSON file has the member that RFC 7946 did away with; GDAL takes WGS 84 where it has not."""
    try:
        return bytes(msgspec.json.decode(path.read_bytes().removeprefix(BOM), type=_Head).crs) not in {b"", b"null"}
    except (ValueError, RecursionError) as error:
        raise MapError([found("M001", "map", why=str(error))]) from error


def _encoding_hint(error: Exception) -> str:
    hint = "; its texts have another encoding: try --encoding GBK" if isinstance(error, UnicodeDecodeError) else ""
    return f"{error}{hint}"


def _system(stated: str | None, *, default: bool, option: str) -> tuple[int, CRS]:
    """Offset (0: none) and coordinate system of a file. Raises MapError where nobody states it, or two disagree."""
    file = None if stated is None else _crs(stated)
    if not option:
        if file is None:
            raise MapError([found("M003", "map")])
        return 0, file
    code = CODES.get(option.strip().lower().replace("-", ""), 0)
    offset = code if code in OFFSETS else 0
    asked = _crs("EPSG:4326" if offset else {"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4490"}.get(option.lower(), option))
    # Positions with an offset are written as if they were WGS 84: a file that says so does not contradict.
    agrees = file is None or default or file == asked or not (file.is_projected or asked.is_projected)
    if not agrees:
        raise MapError([found("M005", "map", file=_short(file), option=option)])
    return offset, asked


def _crs(text: str) -> CRS:
    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        raise MapError([found("M004", "map", crs=text[:80], why="PROJ does not know it")]) from error
    datum = crs.geodetic_crs.datum.name if crs.geodetic_crs is not None and crs.geodetic_crs.datum else "unknown"
    if not datum.startswith(DATUMS):
        why = f"its datum is {datum}; have it transformed to CGCS2000 by whoever has the parameters"
        raise MapError([found("M004", "map", crs=_short(crs), why=why)])
    return crs


def _short(crs: Any) -> str:
    return ":".join(crs.to_authority() or ()) or str(crs.name)


def _shapes(wkb: Any) -> tuple[Any, list[Finding]]:
    """Shapes, and what GEOS says about those that it does not take: a ring that is not closed, mostly."""
    shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    findings = []
    for row in np.flatnonzero(shapely.is_missing(shapes)).tolist():
        if wkb[row] is None:
            continue
        try:
            shapely.from_wkb(wkb[row])
        except shapely.errors.GEOSException as error:
            mended = shapely.from_wkb(wkb[row], on_invalid="fix")
            at = None if mended is None or mended.is_empty else (float(mended.bounds[0]), float(mended.bounds[1]))
            findings.append(found("M116", f"feature {row + 1}", at, why=f"{error}; south-west corner of it: {at}"))
    return shapes, findings


def _rectified(shapes: Any, offset: int, crs: CRS) -> Any:
    if offset:

        def move(at: Any) -> Any:
            x, y = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
            return np.column_stack(to_wgs84(x, y, np.full(len(at), offset, np.int8)))
    elif crs.is_projected:
        turn = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)

        def move(at: Any) -> Any:
            return np.column_stack(turn.transform(at[:, 0], at[:, 1]))
    else:  # degrees on WGS 84 or CGCS2000, which are taken as one; files have longitude first
        return shapes
    return shapely.transform(shapes, move)


def _out_of_area(features: Sequence[Feature], crs: CRS) -> Iterator[Finding]:
    """Features far outside the area a projection is for: another zone, or northing before easting."""
    if not crs.is_projected or crs.area_of_use is None:
        return
    west, south, east, north = crs.area_of_use.bounds
    area = f"{west:g}-{east:g} E, {south:g}-{north:g} N"
    for f in features:
        if f.shape is None or f.shape.is_empty:
            continue
        if not np.isfinite(shapely.get_coordinates(f.shape)).all():
            yield found("M011", f"{f.layer} {f.code}", crs=_short(crs))
            continue
        lon, lat = (f.shape.bounds[0] + f.shape.bounds[2]) / 2, (f.shape.bounds[1] + f.shape.bounds[3]) / 2
        if not (west - MARGIN <= lon <= east + MARGIN and south - MARGIN <= lat <= north + MARGIN):
            yield found("M010", f"{f.layer} {f.code}", (lon, lat), lon=lon, lat=lat, crs=_short(crs), area=area)


def _rows(fields: Mapping[str, Any], kinds: Mapping[str, tuple[str, str]], rows: int) -> Iterator[dict[str, Any]]:
    """Values of each feature by field, those that are missing left out, whole and truth values as such again."""
    columns = {name: column.tolist() for name, column in fields.items()}
    for name, (kind, subtype) in kinds.items():
        whole = bool if subtype == "OFSTBoolean" else int if kind in {"OFTInteger", "OFTInteger64"} else None
        if whole is not None and fields[name].dtype.kind == "f":  # a column with gaps came as numbers with NaN
            columns[name] = [None if math.isnan(v) else whole(v) for v in columns[name]]
    for row in range(rows):
        values = {name: column[row] for name, column in columns.items()}
        yield {
            n: v for n, v in values.items() if not (v is None or v == "" or (isinstance(v, float) and math.isnan(v)))
        }


def _known(plan: Fields, there: Sequence[str]) -> None:
    """Refuse a field that is asked for and is not there, once for the file and not once a feature."""
    listed = ", ".join(map(repr, there)) or "none"
    findings = [found("M006", "map", field=f, fields=listed) for f in plan.names.values() if f not in there]
    if not plan.layer and LAYER not in there:
        findings.append(found("M007", "map"))
    elif "code" not in plan.names and not {"code", plan.layer} & set(there):
        findings.append(found("M006", "map", field="code", fields=f"{listed}; say which by --code"))
    if findings:
        raise MapError(findings)


def _feature(shape: Any, values: dict[str, Any], plan: Fields, left_out: Counter[str]) -> Feature:
    layer = plan.layer or str(values.get(LAYER, ""))
    code = plan.names.get("code") or ("code" if "code" in values else layer)
    if code not in values:
        raise MapError([found("M008", "map", name=code, got=None)])
    since = _time(values, plan.names.get("since", "since"), plan.since)
    until = _time(values, plan.names.get("until", "until"), FOREVER)
    ours = {theirs: name for name, theirs in plan.names.items()}
    attributes: dict[str, Value] = {}
    for theirs, value in values.items():
        name = ours.get(theirs, theirs)
        if theirs in {code, LAYER} or name in {"since", "until"}:
            continue
        if name in RESERVED or (theirs not in ours and name in plan.names) or not isinstance(value, str | int | float):
            left_out[theirs] += 1  # a second code, a field whose name another one was given, a list
            continue
        attributes[name] = _text(value) if name in TEXTS else value
    return Feature(layer, _text(values[code]), shape, since, until, attributes)


def _text(value: Any) -> str:
    """A code as text: tables often hold it as a number, some as one with a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _time(values: Mapping[str, Any], name: str, absent: int) -> int:
    try:
        return time_of(values[name]) if name in values else absent
    except ValueError as error:
        raise MapError([found("M009", "map", name=name, why=str(error))]) from error
