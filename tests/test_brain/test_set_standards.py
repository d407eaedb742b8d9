"""The tables that judge are part of a set: in its hash and in what is handed out; those of a later release are not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from brain import hotline, pipeline, standards
from brain.live_apply import ASSETS, Record, follow
from brain.scenarios import ScenarioError
from brain.sets import Changes, CitySet, borrows, digest, files, write
from brain.settings import Settings
from models.standards.table import StandardError
from streams import set_store

DEMO = Path(__file__).parents[2] / "config" / "demo"
POND = b"standards/waterlogging.yaml"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped tables, to be changed as by a later release."""
    folder = tmp_path / "shipped"
    shutil.copytree(standards.FOLDER, folder)
    monkeypatch.setattr(standards, "FOLDER", folder)
    return folder


def deeper(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace("[15]", "[40]"), encoding="utf-8")


def bound(city: CitySet) -> float:
    (table,) = city.standards.standards["waterlogging"].tables
    return table.number("lane", "depth_cm")


def test_a_table_that_changes_makes_another_set_and_the_set_is_handed_out_with_its_tables(
    shipped: Path, tmp_path: Path
) -> None:
    before, packed = digest(DEMO), set_store.pack(files(DEMO))
    deeper(shipped / "waterlogging.yaml")
    assert digest(DEMO) != before
    contents = set_store.unpack(packed)
    assert POND.decode() in contents
    write(contents, tmp_path / "elsewhere")
    assert not borrows(tmp_path / "elsewhere")
    old, new = CitySet.load(tmp_path / "elsewhere"), CitySet.load(DEMO)
    assert (old.id, bound(old), bound(new)) == (before, 15, 40)
    with pytest.raises(ValueError, match="no file of a set"):
        write({"standard/x.yaml": b""}, tmp_path / "wrong")


def test_a_set_with_tables_of_its_own_has_no_other_ones(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(DEMO, mine)
    assert (digest(mine), borrows(mine)) == (digest(DEMO), True)
    shutil.copytree(shipped, mine / "standards")
    assert (digest(mine), borrows(mine)) == (digest(DEMO), True), "it has no words of its own"
    (mine / "text").mkdir()
    for name, words in hotline.shipped().items():
        (mine / name).write_bytes(words)
    assert (digest(mine), borrows(mine)) == (digest(DEMO), False)
    deeper(shipped / "waterlogging.yaml")
    assert bound(CitySet.load(mine)) == 15
    (mine / "standards" / "waterlogging.yaml").unlink()
    with pytest.raises(ScenarioError, match=r"waterlogging\.yaml: detect\.standard: waterlogging needs a table of"):
        CitySet.load(mine)
    (mine / "standards" / "waterlogging.yaml").write_text("id: x", encoding="utf-8")
    with pytest.raises(StandardError, match=r"mine/standards/waterlogging\.yaml: "):
        CitySet.load(mine)


def test_lanes_that_stand_in_the_set_of_an_earlier_release_find_it_after_the_upgrade(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "set_store", SimpleNamespace(fetch=lambda *_: set_store.Shelf()))
    settings = Settings(sets=str(DEMO.parent), set_cache=str(tmp_path / "cache"))
    before = pipeline.library(settings, "nobody:1")[1].id
    deeper(shipped / "waterlogging.yaml")
    sets, genesis = pipeline.library(settings, "nobody:1")
    assert genesis.id != before
    assert (bound(sets.get(before)), bound(genesis)) == (15, 40)


def test_an_assets_unit_that_a_table_does_not_have_is_refused_at_the_set_and_as_a_live_change(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(DEMO, mine)
    pond = {"id": "pond-9", "type": "ponding", "lon": 113.5, "lat": 22.25, "unit": "m", "range": [0, 3]}
    with (mine / "assets.ndjson").open("a") as stream:
        stream.write(json.dumps(pond) + "\n")
    says = "unit: expected 'cm', which emergency.flood.waterlogging (waterlogging: depth_cm) takes, got 'm'"
    with pytest.raises(ScenarioError) as refused:
        CitySet.load(mine)
    assert str(refused.value) == f"{mine}/scenarios/emergency/waterlogging.yaml: pond-9: ponding: {says}"
    after = Changes("sha256:base", {"assets": 1}, 0)
    outcome = follow(DEMO, [Record(ASSETS, 0, b"pond-9", json.dumps(pond).encode())], [], after)
    assert [r.why for r in outcome.refused] == [f"ponding: {says}"]
    assert outcome.files == {}
