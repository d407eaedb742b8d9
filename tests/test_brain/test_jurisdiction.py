"""Event codes, and whether the tables of a set fit one another and its map: no hole, no double, nothing unknown."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import shapely
from city_rig import parted
from typer.testing import CliRunner

from brain.cli import app
from brain.incidents.calendar import WorkCalendar
from brain.incidents.city import CityLogic
from brain.incidents.events import EventError, Events
from brain.incidents.jurisdiction import Finding, Ground, check
from brain.incidents.limits import Limits
from brain.incidents.route import RouteError, Routes
from brain.incidents.value import DOMAINS, Incident
from brain.sets import Changes, CitySet
from geo import geojson
from geo.city_map import CityMap
from geo.feature import Feature
from geo.grid_map import GridMap
from streams.records import Signal
from streams.registry import Registry

CONFIG = Path(__file__).parents[2] / "config"
TABLES = CONFIG / "jurisdiction"
NAMES = ("default", "a", "b", "c", "d", "zone")


def routes(*rows: dict[str, Any], **more: Any) -> Routes:
    return Routes.of(
        {
            "version": 1, "departments": {name: {"zh": name} for name in NAMES},
            "defaults": {domain: {"lead": "default"} for domain in DOMAINS}, "routes": list(rows), **more,
        }
    )  # fmt: skip


def events(*rows: dict[str, Any]) -> Events:
    top = {"code": "eco", "zh": "x", "en": "x", "domain": "eco", "radius_m": 100, "window_s": 60}
    return Events.of({"version": 1, "events": [top, *({"zh": "x", "en": "x", **row} for row in rows)]}, "events.yaml")


def box(layer: str, code: str, x: float, width: float = 0.01, **attributes: str) -> Feature:
    return Feature(layer, code, shapely.box(x, 22.0, x + width, 22.01), attributes=attributes)


def ground(*more: Feature) -> Ground:
    grids = [box("grid", f"g{n}", 113 + n / 100, town=f"t{n}", district=f"d{n % 2}", zone="") for n in range(3)]
    return Ground.of(GridMap.of_map(CityMap([*grids, *more], overlapping=("zone",))))


def codes(found: list[Finding]) -> list[tuple[str, str]]:
    return [(f.code, f.place) for f in found]


# -- event codes


def test_a_code_has_from_its_parents_what_it_does_not_say() -> None:
    made = events(
        {"code": "eco.air.co", "window_s": 5}, {"code": "eco.air", "radius_m": 1000, "life": True},
        {"code": "11B", "parent": "eco"}, {"code": "11B14", "parent": "11B", "domain": "emergency"},
    )  # fmt: skip
    co = made.by_code["eco.air.co"]
    assert (co.domain, co.life, co.radius_m, co.window_s) == ("eco", True, 1000, 5)
    assert co.path == ("eco", "eco.air", "eco.air.co")
    assert (made.by_code["11B14"].path, made.by_code["11B14"].domain) == (("eco", "11B", "11B14"), "emergency")
    assert made.find("eco.air.x.y") is made.by_code["eco.air"]
    assert made.find("nothing") is None


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"code": "eco"}], r"events\[1\]: 'eco' is in events\[0\] already"),
        ([{"code": "a.b"}], r"events\[1\].parent: no row has the code 'a'"),
        ([{"code": "eco.x", "parent": "eko"}], r"events\[1\].parent: expected 'eco' of a dotted code, got 'eko'"),
        ([{"code": "x"}], r"events\[1\]: 'x' has no parent to have it from; missing: domain, radius_m, window_s"),
        ([{"code": "x", "parent": "y"}, {"code": "y", "parent": "x"}], r"x under y under x: a circle"),
        ([{"code": "x y"}], "expected letters and digits in dotted parts, got 'x y'"),
        ([{"code": "eco.x", "radius_m": -1}], r"events\[1\].radius_m: expected metres from 0 to 20000, got -1"),
        ([{"code": "eco.x", "window_s": 0}], r"events\[1\].window_s: expected seconds above 0"),
        ([{"code": "eco.x", "domain": "eko"}], "Invalid enum value 'eko'"),
        ([{"code": "eco.x", "live": True}], "unknown field `live`"),
    ],
)
def test_a_wrong_table_of_codes_is_refused_with_the_place_of_its_fault(rows: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(EventError, match=says) as caught:
        events(*rows)
    assert str(caught.value).startswith("events.yaml: ")


# -- precedence


def test_a_zone_goes_before_code_code_before_place_and_place_before_owner() -> None:
    made = routes(
        {"event_code": "eco.air.co", "lead": "a"},
        {"event_code": "eco.air.co", "owner": "o", "lead": "b"},
        {"event_code": "eco.air.co", "district": "d1", "lead": "c"},
        {"event_code": "eco.air.co", "town": "t1", "owner": "o", "lead": "d"},
        {"domain": "eco", "zone": "z", "lead": "zone"},
    )
    find = made.find
    assert find("eco.air.co", "eco", "d0").lead == "a"
    assert find("eco.air.co", "eco", "d0", owner="o").lead == "b"
    assert find("eco.air.co", "eco", "d1", owner="o").rule == "eco.air.co@d1"
    assert find("eco.air.co", "eco", "d1", town="t1", owner="o").rule == "eco.air.co@town=t1;owner=o"
    assert find("eco.air.co", "eco", "d1", grid="g", town="t1", zones=("y", "z"), owner="o").rule == "eco@zone=z"
    assert find("eco.x", "eco", "d1", zones=("y",)).rule == "default:eco"
    assert [rule.lead for rule in made.matching("eco.air.co", "eco", "d1", town="t1", zones=["z"], owner="o")] == [
        "zone", "d", "c", "b", "a",
    ]  # fmt: skip


def test_a_rule_names_one_place_at_most_and_a_star_at_the_end_only() -> None:
    with pytest.raises(RouteError, match=r"routes\[0\]: expected at most one of .*, got town and zone"):
        routes({"domain": "eco", "town": "t", "zone": "z", "lead": "a"})
    with pytest.raises(RouteError, match=r"routes\[0\].event_code: expected \* at the end only"):
        routes({"event_code": "eco.*.co", "lead": "a"})
    with pytest.raises(RouteError, match=r"routes\[1\]: 'eco@zone=z' is routed twice; routes\[0\] routes it too"):
        routes({"domain": "eco", "zone": "z", "lead": "a"}, {"domain": "eco", "zone": "z", "lead": "b"})


def test_places_and_owners_that_no_rule_names_cost_no_memory() -> None:
    made = routes({"event_code": "eco.*", "grid": "g7", "owner": "o", "lead": "a"})
    for number in range(1000):
        made.find("eco.x", "eco", f"d{number}", grid=f"g{number}", town=f"t{number}", zones=(f"z{number}",))
    assert len(made._found) == 2


# -- what does not fit


def test_a_strict_table_has_a_rule_for_every_code_in_every_district_and_zone() -> None:
    table = events({"code": "eco.air"}, {"code": "eco.noise"})
    rows: list[dict[str, Any]] = [
        {"event_code": "eco.air", "lead": "a"}, {"domain": "eco", "district": "d0", "lead": "b"},
        {"event_code": "eco*", "zone": "z", "lead": "zone"},
    ]  # fmt: skip
    place = ground(box("zone", "z", 113.01, district="d1"))
    found = check(routes(*rows, strict=True), table, None, place, [])
    assert codes(found) == [("hole", "routes"), ("hole", "routes")]
    assert [f.text() for f in found] == [
        "routes.yaml: routes: no rule says who leads eco in d1",
        "routes.yaml: routes: no rule says who leads eco.noise in d1",
    ]
    assert check(routes(*rows), table, None, place, []) == []
    assert check(routes(*rows, {"domain": "eco", "lead": "c"}, strict=True), table, None, place, []) == []


def test_zones_that_overlap_have_no_two_rules_as_specific_as_one_another() -> None:
    rows: list[dict[str, Any]] = [
        {"domain": "eco", "zone": "y", "lead": "a"},
        {"domain": "eco", "zone": "z", "lead": "b"},
    ]
    over, beside = (ground(box("zone", "y", 113.0), box("zone", "z", x)) for x in (113.005, 113.01))
    found = check(routes(*rows), None, None, over, [])
    assert codes(found) == [("double", "routes[1]")]
    assert found[0].refuses
    assert "zones y and z overlap, and routes[0] is as specific: 'eco@zone=y', 'eco@zone=z'" in found[0].text()
    assert check(routes(*rows), None, None, beside, []) == []
    assert check(routes(rows[0], {**rows[1], "lead": "a"}), None, None, over, []) == []


def test_rows_that_can_never_count_are_told_and_refuse_nothing() -> None:
    found = check(
        routes(
            {"event_code": "eco.aer*", "lead": "a"}, {"domain": "eco", "district": "d7", "lead": "a"},
            {"domain": "eco", "zone": "d1", "lead": "a"}, {"domain": "eco", "owner": "nobody", "lead": "a"},
        ),
        events({"code": "eco.air"}), None, ground(), ["o"],
    )  # fmt: skip
    assert codes(found) == [
        ("no_event", "routes[0].event_code"), ("unknown_place", "routes[1].district"),
        ("unknown_place", "routes[2].zone"), ("unknown_owner", "routes[3].owner"),
    ]  # fmt: skip
    assert not any(f.refuses for f in found)
    assert "did you mean eco.air?" in found[0].text()
    assert "是否为 eco.air?" in found[0].text("zh")


def test_a_scenario_has_a_known_code_and_says_so_when_it_is_for_life() -> None:
    listed = [
        SimpleNamespace(id="s.1", event_code="eco.aire", life=False),
        SimpleNamespace(id="s.2", event_code="eco.fire", life=False),
        SimpleNamespace(id="s.3", event_code="eco.fire", life=True),
    ]
    found = check(None, events({"code": "eco.air"}, {"code": "eco.fire", "life": True}), None, ground(), [], listed)
    assert codes(found) == [("unknown_event", "s.1"), ("life_differs", "s.2")]
    assert all(f.refuses for f in found)


# -- what is shipped


def sample() -> GridMap:
    layers = ("grid", "zone", "district", "town", "community")
    return GridMap.of_map(CityMap([f for n in layers for f in geojson.load(CONFIG / "map" / f"{n}.geojson")]))


def test_the_jurisdiction_of_the_sample_city_is_strict_and_has_no_finding() -> None:
    calendar = WorkCalendar.of(msgspec.yaml.decode((TABLES / "calendar.yaml").read_bytes()))
    made, table = Routes.load(TABLES / "routes.yaml"), Events.load(TABLES / "events.yaml")
    limits = Limits.load(TABLES / "limits.yaml", calendar)
    assert made.strict
    assert check(made, table, limits, Ground.of(sample()), ["水务局"]) == []
    in_zone = made.find("eco.air.pm25", "eco", "990202", zones=("990271",))
    assert (in_zone.lead, in_zone.rule) == ("tech_zone", "eco@zone=990271")
    assert made.find("emergency.fire.smoke", "emergency", "990202", zones=("990271",)).lead == "fire_rescue"
    for name in ("events.yaml", "limits.yaml", "calendar.yaml"):
        assert (CONFIG / "demo" / name).read_bytes() == (TABLES / name).read_bytes()


def test_the_demo_set_has_its_tables_and_they_fit() -> None:
    demo = CitySet.load(CONFIG / "demo")
    assert demo.routes is not None
    assert demo.events is not None
    assert demo.limits is not None
    owners = demo.registry.owners
    found = check(demo.routes, demo.events, demo.limits, Ground.of(demo.map), owners, demo.scenarios)
    assert found == []


def test_a_set_is_refused_where_its_tables_do_not_fit_and_another_calendar_is_another_set(tmp_path: Path) -> None:
    shutil.copytree(CONFIG / "demo", tmp_path / "demo")
    before = CitySet.load(tmp_path / "demo").id
    path = tmp_path / "demo" / "calendar.yaml"
    path.write_bytes(path.read_bytes().replace("  2026-10-10: 国庆节\n".encode(), b""))
    assert CitySet.load(tmp_path / "demo").id != before
    path = tmp_path / "demo" / "events.yaml"
    path.write_bytes(path.read_bytes().replace(b"emergency.gas.sensor", b"emergency.gas.sensors"))
    says = (
        r"demo/scenarios: emergency.gas.sensor: event_code: .* is not in events.yaml \(did you mean emergency.gas.sens"
    )
    with pytest.raises(RouteError, match=says):
        CitySet.load(tmp_path / "demo")
    live = tmp_path / "demo" / "changes.json"  # a change of the map must not hold up those after it
    live.write_bytes(msgspec.json.encode(Changes(before, {}, 0)))
    assert CitySet.load(tmp_path / "demo").events is not None
    live.unlink()
    (tmp_path / "demo" / "limits.yaml").write_text("version: [")
    with pytest.raises(ValueError, match=r"demo/limits.yaml: not YAML"):
        CitySet.load(tmp_path / "demo")


def test_an_incident_is_led_by_the_zone_it_lies_in_or_by_the_owner_of_its_sensor() -> None:
    table = {
        "version": 1, "departments": {name: {"zh": name} for name in NAMES},
        "defaults": {domain: {"lead": "default"} for domain in DOMAINS},
        "routes": [
            {"event_code": "eco.air", "lead": "a"}, {"event_code": "eco.air", "owner": "o", "lead": "b"},
            {"domain": "eco", "zone": "z", "lead": "zone"},
        ],
    }  # fmt: skip
    scenario = SimpleNamespace(id="eco.air.high", version=1, name="n", domain="eco", event_code="eco.air", life=False)
    owned = {"type": "air", "lon": 113, "lat": 22, "range": [0, 1], "owner": "o"}
    registry = Registry.of([{"id": "mine", **owned}, {"id": "mine too", **owned}])
    logic = CityLogic()
    logic.enter("s", SimpleNamespace(scenarios=[scenario], routes=table, registry=registry, map=None))
    for n, (asset, areas) in enumerate([("theirs", {}), ("mine", {}), ("mine too", {"zone": ["z"]})]):
        now = 1_768_000_000_000 + n * 86_400_000
        logic.signal(
            Signal(
                "eco.air.high", asset, "raise", ("iot.telemetry", 0, n, 0), 0, n, 0, now, now, now,
                grid=f"g{n}", areas=areas, source="iot",
            )
        )  # fmt: skip
    made = [msgspec.json.decode(v, type=Incident) for _, _, v, _ in parted(logic.changes())[1] if v and b'"lead"' in v]
    assert sorted((i.onset, i.lead) for i in made) == [
        (1_768_000_000_000, "a"), (1_768_086_400_000, "b"), (1_768_172_800_000, "zone"),
    ]  # fmt: skip


# -- the commands


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    return done.exit_code, done.output


def test_route_says_who_leads_by_which_rule_and_by_when_in_both_languages() -> None:
    at = ("route", "emergency.gas.sensor", "--at", "113.45,22.2", "--asset", "gas-01")
    code, text = run(*at, "--lang", "en")
    assert code == 0
    for part in ("Gas Office (gas_office)", "emergency.gas*", "owner", "燃气办", "accept 1 min", "990102001004"):
        assert part in text
    code, text = run(*at, "--lang", "zh")
    assert (code, "住房和城乡建设局燃气办" in text, "受理 1 min" in text) == (0, True, True)
    assert run("route", "eco.air.co", "--at", "here", "--lang", "en")[0] == 2
    assert run("route", "zz.top")[0] == 2
    assert run("route", "eco.air.co", "--grid", "nowhere")[0] == 2


@pytest.mark.parametrize("verb", [("route", "--set", "{set}"), ("set", "use", "demo", "--config", "{settings}")])
def test_verbs_that_load_a_set_say_what_is_wrong_with_it_in_the_language_asked_for(
    verb: tuple[str, ...], tmp_path: Path
) -> None:
    shutil.copytree(CONFIG / "demo", tmp_path / "demo")
    (tmp_path / "settings.yaml").write_text(f"sets: {tmp_path}\n", "utf-8")
    path = tmp_path / "demo" / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace("version: 1", "version: one"), "utf-8")
    words = [word.format(set=tmp_path / "demo", settings=tmp_path / "settings.yaml") for word in verb]
    for language, says in (("zh", "应为"), ("en", "xpected")):
        code, text = run(*words, "--lang", language)
        assert (code, "routes.yaml" in text, says in text) == (2, True, True), text


def test_route_without_a_code_tells_all_that_does_not_fit(tmp_path: Path) -> None:
    assert run("route", "--lang", "en")[0] == 0
    shutil.copytree(CONFIG / "demo", tmp_path / "demo")
    path = tmp_path / "demo" / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace("version: 1", "version: 1\nstrict: true"), "utf-8")
    code, text = run("route", "--set", str(tmp_path / "demo"), "--lang", "en")
    assert (code, "refused hole" in text, "no rule says who leads economy.energy in" in text) == (1, True, True)


def test_calendar_says_when_a_limit_ends_and_why(tmp_path: Path) -> None:
    code, text = run("calendar", "due", "2026-09-30T17:00", "2h", "--lang", "en")
    assert (code, "due: 2026-10-08 10:00" in text, "2026-10-03: off (国庆节)" in text) == (0, True, True)
    assert "beyond the calendar's years" in run("calendar", "due", "2026-12-31T17:00+08:00", "2h", "--lang", "en")[1]
    assert run("calendar", "due", "tomorrow", "2h")[0] == 2
    assert run("calendar", "due", "2026-09-30T17:00", "2 h")[0] == 2
    assert run("calendar", "due", "2026-09-30T17:00", "2h", "--file", str(tmp_path / "none.yaml"))[0] == 2
