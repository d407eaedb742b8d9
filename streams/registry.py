"""The registry of sensing assets 感知资产: who may speak, about what, in which unit and range, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams import view
from streams.records import I4
from streams.view import CameraView

CRS = {"wgs84": 0, "gcj02": 1, "bd09": 2, "cgcs2000": 3}
"""Codes of coordinate reference systems; -1 stands for "not stated"."""
NOT_STATED = -1


class RegistryError(Exception):
    """A record of the registry that cannot be used: file, line, what was expected, what came."""


class Measure(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Unit and measuring range of one metric, in that unit."""

    unit: str
    range: tuple[float, float]


class Stood(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Where an asset stood before it was moved: until just before ``until``, milliseconds UTC."""

    until: int
    lon: float
    lat: float
    crs: str = "wgs84"


class Asset(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One sensing asset as written in ``assets.ndjson``. Without ``metrics`` it has one, named as its type.

    ``since``: from when on this is so, milliseconds UTC; 0 always. ``past``: where it stood before, oldest first.
    ``view``: what a camera sees, where it is watched by zones and lines.
    ``calibrated``: when it last was, milliseconds UTC, and ``calibrate_days``: how often it should be; 0 not known.
    """

    id: str
    type: str
    lon: float
    lat: float
    owner: str = ""
    crs: str = "wgs84"
    unit: str = ""
    range: tuple[float, float] | None = None
    metrics: dict[str, Measure] = {}
    every_s: float = 0.0
    since: int = 0
    past: tuple[Stood, ...] = ()
    view: CameraView | None = None
    calibrated: int = 0
    calibrate_days: float = 0.0

    def measures(self) -> dict[str, Measure]:
        """Metric → unit and range."""
        if self.metrics:
            return self.metrics
        return {self.type: Measure(self.unit, self.range or (-np.inf, np.inf))}


@dataclass(frozen=True)
class Registry:
    """All assets as columns. A *series* is one metric of one asset; ``first`` (na + 1,) is its CSR from the assets.

    Shapes: (na,) by asset in the order of sorted ids; (ns,) by series, an asset's series sorted by metric.
    """

    ids: list[str]
    index: dict[str, int]
    types: list[str]
    metrics: list[str]
    units: list[str]
    asset_type: I4
    first: I4
    series_asset: I4
    series_metric: I4
    series_unit: I4
    lo: NDArray[np.float64]
    hi: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    crs: NDArray[np.int8]
    every_s: NDArray[np.float64]
    past: list[tuple[int, Stood]]
    """Asset and where it stood earlier, of those that were moved; the newest first, so that the oldest has the word."""
    views: dict[int, CameraView]
    """Asset → what it sees, of the cameras that say."""
    owners: list[str]
    asset_owner: I4
    calibrated: NDArray[np.float64]
    """Of each asset, ms UTC; NaN not known."""
    calibrate_s: NDArray[np.float64]
    """How long a calibration holds, seconds; NaN not known."""

    @classmethod
    def of(cls, records: Iterable[Asset | dict[str, Any]]) -> Registry:
        """From records. Raises RegistryError for a double id, an unknown crs, a range the wrong way round."""
        assets: dict[str, Asset] = {}
        for n, record in enumerate(records, 1):
            try:
                asset = record if isinstance(record, Asset) else msgspec.convert(record, Asset)
            except msgspec.ValidationError as error:
                raise RegistryError(f"assets: record {n}: {error}") from error
            _check(asset, n, assets)
            assets[asset.id] = asset
        return cls._columns([assets[name] for name in sorted(assets)])

    @classmethod
    def load(cls, path: Path) -> Registry:
        """From ndjson. Raises RegistryError with file and line."""
        records = []
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    try:
                        records.append(msgspec.json.decode(line, type=Asset))
                    except msgspec.DecodeError as error:
                        raise RegistryError(f"{path}:{number}: {error}") from error
        try:
            return cls.of(records)
        except RegistryError as error:
            raise RegistryError(f"{path}: {error}") from error

    @classmethod
    def _columns(cls, assets: list[Asset]) -> Registry:
        rows = [
            (a, name, measure) for a, asset in enumerate(assets) for name, measure in sorted(asset.measures().items())
        ]
        types = sorted({asset.type for asset in assets})
        metrics = sorted({name for _, name, _ in rows})
        units = sorted({measure.unit for _, _, measure in rows})
        owners = sorted({asset.owner for asset in assets})
        number_of = {owner: k for k, owner in enumerate(owners)}
        series_asset = np.array([a for a, _, _ in rows], np.int32)
        return cls(
            ids=[asset.id for asset in assets],
            index={asset.id: a for a, asset in enumerate(assets)},
            types=types,
            metrics=metrics,
            units=units,
            asset_type=np.array([types.index(asset.type) for asset in assets], np.int32),
            first=np.searchsorted(series_asset, np.arange(len(assets) + 1)).astype(np.int32),
            series_asset=series_asset,
            series_metric=np.array([metrics.index(name) for _, name, _ in rows], np.int32),
            series_unit=np.array([units.index(m.unit) for _, _, m in rows], np.int32),
            lo=np.array([m.range[0] for _, _, m in rows], np.float64),
            hi=np.array([m.range[1] for _, _, m in rows], np.float64),
            lon=np.array([asset.lon for asset in assets], np.float64),
            lat=np.array([asset.lat for asset in assets], np.float64),
            crs=np.array([CRS[asset.crs] for asset in assets], np.int8),
            every_s=np.array([asset.every_s for asset in assets], np.float64),
            past=[(a, stood) for a, asset in enumerate(assets) for stood in reversed(asset.past)],
            views={a: asset.view for a, asset in enumerate(assets) if asset.view is not None},
            owners=owners,
            asset_owner=np.array([number_of[asset.owner] for asset in assets], np.int32),
            calibrated=np.array([asset.calibrated or np.nan for asset in assets], np.float64),
            calibrate_s=np.array([asset.calibrate_days * 86_400.0 or np.nan for asset in assets], np.float64),
        )

    def owner(self, asset: str) -> str:
        """Who owns an asset; an empty text where it does not say, and of what is no asset (a ticket's grid)."""
        a = self.index.get(asset)
        return "" if a is None else self.owners[self.asset_owner[a]]

    def series_key(self, series: int) -> bytes:
        """Key of a series in state tables: asset id, unit separator, metric."""
        name = self.ids[int(self.series_asset[series])]
        return f"{name}\x1f{self.metrics[int(self.series_metric[series])]}".encode()


def _check(asset: Asset, n: int, known: dict[str, Asset]) -> None:
    where = f"assets: record {n} ({asset.id or 'no id'})"
    if not asset.id or "\x1f" in asset.id:
        raise RegistryError(f"{where}: id: expected text without control characters, got {asset.id!r}")
    if asset.id in known:
        raise RegistryError(f"{where}: id: stands twice")
    places: tuple[Asset | Stood, ...] = (asset, *asset.past)
    for place in places:
        if place.crs not in CRS:
            raise RegistryError(f"{where}: crs: expected one of {', '.join(CRS)}, got {place.crs!r}")
        if not (-180 <= place.lon <= 180 and -90 <= place.lat <= 90):
            got = f"{place.lon}, {place.lat}"
            raise RegistryError(f"{where}: expected lon in [-180, 180] and lat in [-90, 90], got {got}")
    if asset.calibrated < 0 or not 0 <= asset.calibrate_days < np.inf:
        got = f"{asset.calibrated}, {asset.calibrate_days}"
        raise RegistryError(f"{where}: expected calibrated in ms UTC and calibrate_days, both at least 0, got {got}")
    times = [stood.until for stood in asset.past]
    if times != sorted(set(times)) or (times and times[-1] > asset.since):
        raise RegistryError(f"{where}: past: expected rising until, the last at most since {asset.since}, got {times}")
    for name, measure in asset.measures().items():
        if not measure.range[0] <= measure.range[1]:
            raise RegistryError(f"{where}: {name}: range: expected low before high, got {list(measure.range)}")
    if asset.view is not None:
        try:
            view.check(asset.view)
        except ValueError as error:
            raise RegistryError(f"{where}: view: {error}") from error
