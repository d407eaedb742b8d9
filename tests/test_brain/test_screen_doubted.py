"""Doubted assets on the screen: what the city notes of trust, in words and since when, and how long it holds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import shapely
from access_rig import NOW, Rig
from hypothesis import given, settings
from hypothesis import strategies as st
from one_incident import make

from brain.incidents.trust import AGAIN_MS
from brain.incidents.value import Member
from brain.incidents.words import DOUBTS
from brain.screen.board.board import Board, Came
from brain.screen.board.doubted import LASTS_MS, MOST, Doubted
from brain.screen.board.sensing import Sensing
from brain.screen.heard import Heard
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from models.trust import REASONS
from streams.registry import Registry
from streams.tailing import Seen

FELL = {"what": "asset.doubted", "asset": "a1", "trust": 0.31, "reasons": ["flatline", "drift"], "t": NOW}


def back(t: int, asset: str = "a1") -> dict[str, Any]:
    return {"what": "asset.trusted_again", "asset": asset, "trust": 0.7, "reasons": [], "t": t}


def still(t: int, *assets: tuple[str, int]) -> dict[str, Any]:
    listed = [{"asset": a, "trust": 0.2, "reasons": ["noise"], "since": since} for a, since in assets]
    return {"what": "asset.doubted_still", "assets": listed, "t": t}


def test_an_asset_is_doubted_from_the_note_that_it_fell_until_the_one_that_it_is_back() -> None:
    one = Doubted()
    one.hear(FELL)
    doubt = one.of("a1", NOW + 1)
    assert doubt is not None
    assert (doubt.trust, doubt.since, doubt.t) == (0.31, NOW, NOW)
    assert [(d.reason, d.text.zh, d.text.en) for d in doubt.doubts] == [
        ("flatline", "数值不变", "flat"), ("drift", "漂移", "drift"),
    ]  # fmt: skip
    assert (one.of("a2", NOW), one.names(NOW)) == (None, {"a1"})
    one.hear(back(NOW + 60_000))
    assert (one.of("a1", NOW + 60_000), one.names(NOW)) == (None, frozenset())


def test_who_begins_to_listen_later_learns_it_at_the_full_hour_with_since_when() -> None:
    one = Doubted()
    one.hear(still(NOW + AGAIN_MS, ("a1", NOW), ("a3", 0)))
    assert {name: d.since for name, d in one.among(["a3", "a1", "a2"], NOW + AGAIN_MS).items()} == {
        "a1": NOW,
        "a3": None,
    }


def test_what_is_not_told_again_is_doubted_no_more_after_the_next_full_hour() -> None:
    one = Doubted()
    one.hear(FELL)
    assert one.of("a1", NOW + LASTS_MS) is not None
    assert (one.of("a1", NOW + LASTS_MS + 1), one.names(NOW + LASTS_MS + 1)) == (None, frozenset())


def test_a_note_that_is_heard_again_after_a_newer_one_takes_nothing_back() -> None:
    one = Doubted()
    one.hear(still(NOW + AGAIN_MS, ("a1", NOW)))
    for old in (FELL, back(NOW)):
        one.hear(old)
        doubt = one.of("a1", NOW + AGAIN_MS)
        assert doubt is not None
        assert (doubt.trust, doubt.t) == (0.2, NOW + AGAIN_MS)


def test_no_more_assets_are_kept_than_memory_was_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain.screen.board.doubted.MOST", 3)
    one = Doubted()
    one.hear(still(NOW, *((f"a{k}", NOW) for k in range(5))))
    assert (one.names(NOW), MOST) == ({"a2", "a3", "a4"}, 100_000)


def test_every_reason_against_an_asset_has_words() -> None:
    assert set(DOUBTS) == {reason.name for reason in REASONS}


NOTES = st.dictionaries(
    st.sampled_from(["what", "asset", "trust", "reasons", "since", "t", "assets"]),
    st.sampled_from(["asset.doubted", "asset.trusted_again", "asset.doubted_still", "a1", 0.5, 7, None, ["drift"], [{}],
                     [{"asset": "a1"}]]),
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.one_of(NOTES.map(msgspec.json.encode), st.binary(max_size=30)))
def test_whatever_lies_on_the_audit_is_heard_without_an_error(value: bytes) -> None:
    heard = Heard()
    heard.hear([Seen("audit", 0, 1, NOW, b"city", value), Seen("audit", 0, 2, NOW, b"city", msgspec.json.encode(FELL))])
    assert heard.doubted.of("a1", NOW) is not None


def test_only_the_city_says_whom_it_doubts() -> None:
    heard = Heard()
    heard.hear([Seen("audit", 0, 1, NOW, b"iot.telemetry/0", msgspec.json.encode(FELL))])
    assert heard.doubted.names(NOW) == frozenset()


def test_lists_of_the_hour_are_heard_and_not_kept_among_the_notes_of_a_day() -> None:
    heard = Heard()
    heard.hear(Seen("audit", 0, n, NOW, b"city", msgspec.json.encode(said))
               for n, said in enumerate((FELL, still(NOW + AGAIN_MS, ("a3", NOW)))))  # fmt: skip
    assert [note.said["what"] for note in heard.notes()] == ["asset.doubted"]
    assert heard.doubted.names(NOW) == {"a1", "a3"}


# -- the routes


@pytest.fixture(scope="module")
def rig() -> Rig:
    grids = GridMap([Grid(f"g{k}", "t", f"d{k}", shapely.box(113 + k, 22, 114 + k, 23)) for k in range(2)])
    registry = Registry.of([
        {"id": name, "type": "smoke", "lon": 113.5 + k, "lat": 22.5, "owner": "消防", "unit": "1", "range": [0, 1]}
        for name, k in (("a1", 0), ("a3", 0), ("far", 1))
    ])  # fmt: skip
    members = [Member("m1", "a1", NOW), Member("m2", "a3", NOW)]
    incident = make(id="inc-1", district="d0", shown=NOW, domain="eco", members=members)
    board = Board()
    board.take([Came("incidents.eco", 0, 0, b"inc-1", msgspec.json.encode(incident))])
    made = Rig(sensing=Sensing(CitySet("s", registry, grids, [])), board=board)
    made.city.tell(FELL)
    return made


DOUBT = {"trust": 0.31, "since": NOW, "t": NOW, "doubts": [
    {"reason": "flatline", "text": {"zh": "数值不变", "en": "flat"}},
    {"reason": "drift", "text": {"zh": "漂移", "en": "drift"}},
]}  # fmt: skip


def test_assets_say_how_far_they_are_trusted_why_not_and_since_when(rig: Rig) -> None:
    with rig.client() as c:
        c.headers.update(rig.bearer())
        items = {item["id"]: item["doubt"] for item in c.get("/api/v1/assets").json()["items"]}
        assert {name for name, doubt in items.items() if doubt is not None} == {"a1"}
        assert items["a1"] == c.get("/api/v1/assets/a1").json()["asset"]["doubt"] == DOUBT
        assert c.get("/api/v1/assets/a3").json()["asset"]["doubt"] is None
        found = {word: {item["id"] for item in c.get(f"/api/v1/assets?doubted={word}").json()["items"]}
                 for word in ("true", "false")}  # fmt: skip
    assert found == {"true": {"a1"}, "false": set(items) - {"a1"}}


def test_an_incident_names_the_doubted_among_its_assets_to_those_who_see_evidence(rig: Rig) -> None:
    with rig.client() as c:
        told = c.get("/api/v1/incidents/inc-1", headers=rig.bearer()).json()
        hidden = c.get("/api/v1/incidents/inc-1", headers=rig.bearer(roles=["viewer"], duty=None)).json()
    assert (told["doubted"], hidden["doubted"]) == ({"a1": DOUBT}, {})


def test_a_district_is_told_of_its_own_assets_alone(rig: Rig) -> None:
    with rig.client() as c:
        c.headers.update(rig.bearer(districts=["d1"]))
        assert c.get("/api/v1/assets?doubted=true").json()["total"] == 0
        assert c.get("/api/v1/assets/a1").status_code == 404
