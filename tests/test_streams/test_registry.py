"""The registry of sensing assets: columns that fit each other, errors that name the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streams.registry import Registry, RegistryError

LEVEL: dict[str, Any] = {"id": "wl-2", "type": "water_level", "unit": "m", "range": [-2, 12], "lon": 113.5, "lat": 22.2}
AIR: dict[str, Any] = {
    "id": "air-1", "type": "air", "lon": 113.4, "lat": 22.1, "crs": "gcj02",
    "metrics": {"so2": {"unit": "ug/m3", "range": [0, 3000]}, "pm25": {"unit": "ug/m3", "range": [0, 2000]}},
}  # fmt: skip


def test_assets_are_sorted_by_id_and_their_series_by_metric() -> None:
    r = Registry.of([LEVEL, AIR])
    assert r.ids == ["air-1", "wl-2"]
    assert r.first.tolist() == [0, 2, 3]
    assert [r.series_key(s) for s in range(3)] == [b"air-1\x1fpm25", b"air-1\x1fso2", b"wl-2\x1fwater_level"]
    assert r.hi.tolist() == [2000, 3000, 12]
    assert r.crs.tolist() == [1, 0]
    assert np.array_equal(r.series_asset, [0, 0, 1])


def test_an_asset_without_metrics_has_one_named_as_its_type() -> None:
    r = Registry.of([LEVEL])
    assert r.metrics == ["water_level"]
    assert r.units == ["m"]


def test_an_empty_registry_is_a_registry() -> None:
    r = Registry.of([])
    assert r.first.tolist() == [0]
    assert len(r.series_asset) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "id"), ({"crs": "mars"}, "crs"), ({"lat": 91}, "lat"), ({"range": [3, 1]}, "range"),
        ({"colour": "red"}, "colour"), ({"lon": "113"}, "lon"),
    ],
)  # fmt: skip
def test_a_wrong_record_is_refused_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistryError, match=f"record 2.*{said}"):
        Registry.of([AIR, LEVEL | change])


ZONE: dict[str, Any] = {"id": "z", "kind": "no_stop", "picture": [[0, 0], [9, 0], [9, 9]]}
LINE: dict[str, Any] = {"id": "l", "kind": "gate", "picture": [[0, 0], [9, 0]]}


def test_a_camera_says_what_it_sees_and_the_others_nothing() -> None:
    r = Registry.of([LEVEL | {"id": "cam", "view": {"zones": [ZONE], "lines": [LINE]}}, AIR, LEVEL])
    assert list(r.views) == [r.index["cam"]]
    assert (r.views[r.index["cam"]].zones[0].id, r.views[r.index["cam"]].gap_s) == ("z", 2.0)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"zones": [ZONE | {"kind": "nostop"}]}, "nostop"),
        ({"zones": [ZONE | {"colour": 1}]}, "colour"),
        ({"zones": [ZONE, ZONE]}, r"zones\[1\] \(z\): id: stands twice"),
        ({"zones": [ZONE | {"id": "a/b"}]}, "id: expected text without"),
        ({"zones": [ZONE | {"picture": [[0, 0], [1, 1]]}]}, "at least 3 corners, got 2"),
        ({"zones": [ZONE | {"picture": [[0, 0], [1, 1], [1e9, 0]]}]}, "expected px within"),
        ({"zones": [ZONE | {"map": [[113, 22], [114, 22], [114, 23]]}]}, "either picture or map"),
        ({"zones": [{"id": "z", "kind": "exit", "map": [[113, 22], [114, 22], [114, 23]]}]}, "map: needs points"),
        ({"zones": [ZONE | {"kind": "crowd"}]}, "area_m2: needed"),
        ({"zones": [ZONE | {"area_m2": 0}]}, "area_m2: expected above 0"),
        ({"zones": [ZONE | {"kind": "one_way"}]}, "along: needed"),
        ({"lines": [LINE | {"picture": [[0, 0], [0, 0]]}]}, "two ends apart"),
        ({"points": [[0, 0, 113, 22]] * 3}, "points: expected none or at least 4, got 3"),
        ({"points": [[0, 0, 222, 22]] * 4}, r"points\[0\]: expected lon"),
        ({"gap_s": 0}, "gap_s: expected seconds"),
        ({"reach": -1}, "reach: expected 0 or above"),
    ],
)
def test_a_view_that_cannot_be_is_refused_with_its_place(view: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistryError, match=f"record 2.*{said}"):
        Registry.of([AIR, LEVEL | {"view": view}])


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(RegistryError, match="twice"):
        Registry.of([LEVEL, LEVEL])


def test_a_file_error_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "assets.ndjson"
    path.write_text('\n{"id":"a"}\n', encoding="utf-8")
    with pytest.raises(RegistryError, match=r"assets\.ndjson:2"):
        Registry.load(path)
