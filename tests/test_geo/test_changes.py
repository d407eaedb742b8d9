"""Changes of the map: the names of versions, what applying them gives, what leads from one map to another."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import msgspec
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo import geojson
from geo.changes import LIMIT, Change, Key, apply, diff, key_of, name_of, parse_key, read_change, same
from geo.feature import ALWAYS, FOREVER, Feature, MapError
from geo.times import FIRST, LAST, text_of, time_of

SQUARE = shapely.box(113.0, 22.0, 113.1, 22.1)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Slowness of the machine is no fault of what is tested."""
TIMES = (ALWAYS, 10, 20, 30, 40, FOREVER)


def version(since: int = ALWAYS, until: int = FOREVER, code: str = "g", **attributes: str | float) -> Feature:
    return Feature("grid", code, SQUARE, since, until, attributes)


def times(features: list[Feature]) -> list[tuple[int, int]]:
    return [(f.since, f.until) for f in features]


def insert(*features: Feature) -> list[Change]:
    return [Change.of(f) for f in features]


def gone(since: int, code: str = "g") -> Change:
    return Change(Key("grid", code, since), None)


# -- names


def test_the_name_of_a_version_has_its_time_in_utc() -> None:
    assert key_of(version()) == "grid/g/always"
    assert key_of(version(1_592_755_200_000)) == "grid/g/2020-06-21T16:00:00Z"
    assert key_of(version(1_592_755_200_123)) == "grid/g/2020-06-21T16:00:00.123Z"


@settings(UNHURRIED, max_examples=25)
@given(st.text("g/é网 \n", min_size=1, max_size=20), st.sampled_from([ALWAYS, 0, 999]) | st.integers(FIRST, LAST))
def test_every_name_reads_back_from_its_text(code: str, since: int) -> None:
    key = Key("grid", code, since)
    assert parse_key(str(key)) == key
    assert since == ALWAYS or time_of(text_of(since)) == since


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("grid/g", "expected layer/code/valid-from"),
        ("//always", "expected layer/code/valid-from"),
        ("grid/g/never", "expected a time as .*, got 'never'; or always"),
        ("grid/g/2020-06-22T00:00:00", "has no offset"),
        ("grid/g/2020-06-22T00:00:00+08:00", "expected 'grid/g/2020-06-21T16:00:00Z', the one spelling"),
        ("grid/g/2020-06-21T16:00:00.000Z", "the one spelling"),
        ("grid/" + "g" * 2000 + "/always", "expected layer/code/valid-from"),
    ],
)
def test_a_name_spelled_otherwise_is_refused_because_compaction_would_keep_both(text: str, says: str) -> None:
    with pytest.raises(MapError, match=says):
        parse_key(text)


# -- applied


def test_a_new_version_ends_the_one_in_force_and_lasts_until_the_next() -> None:
    two = [version(until=40), version(40)]
    assert times(apply(two, insert(version(20)))) == [(ALWAYS, 20), (20, 40), (40, FOREVER)]
    assert times(apply(two, insert(version(20, 30)))) == [
        (ALWAYS, 20), (20, 30), (40, FOREVER),
    ]  # fmt: skip


def test_a_version_that_is_taken_away_leaves_its_time_to_the_one_before() -> None:
    three = [version(until=20), version(20, 30), version(30)]
    assert times(apply(three, [gone(20)])) == [(ALWAYS, 30), (30, FOREVER)]
    assert times(apply(three, [gone(30), gone(20)])) == [(ALWAYS, FOREVER)]
    assert times(apply(three, [gone(ALWAYS)])) == [(20, 30), (30, FOREVER)]


def test_a_version_that_ended_earlier_inherits_nothing() -> None:
    assert times(apply([version(until=10), version(20)], [gone(20)])) == [(ALWAYS, 10)]


def test_the_same_name_again_replaces() -> None:
    after = apply([version(until=20), version(20, name="old")], insert(version(20, name="new")))
    assert [f.attributes for f in after] == [{}, {"name": "new"}]


def test_taking_away_what_is_not_there_changes_nothing() -> None:
    assert apply([version()], [gone(20), gone(ALWAYS, "other")]) == [version()]


def test_a_change_whose_feature_has_another_name_or_no_time_is_refused() -> None:
    with pytest.raises(MapError, match="grid/g/always: expected a feature of that name, got grid/h/always"):
        apply([], [("grid/g/always", version(code="h"))])
    with pytest.raises(MapError, match="expected since before until"):
        apply([], insert(version(20, 20)))
    with pytest.raises(MapError, match="there twice"):
        apply([version(), version()], [])


@st.composite
def maps(draw: st.DrawFn) -> list[Feature]:
    """Sound lists: the versions of a code follow each other, some with a gap between."""
    features = []
    for code in ("a", "b"):
        for since, until in pairwise(TIMES):
            if draw(st.booleans()):
                shape = shapely.box(113, 22, draw(st.sampled_from([113.1, 113.2])), 22.1)
                features.append(
                    Feature("grid", code, shape, since, until, {"n": draw(st.sampled_from([1, 1.0, True]))})
                )
    merged: list[Feature] = []
    for f in features:  # some versions last over several times
        last = merged[-1] if merged else None
        if last is not None and (last.code, last.until) == (f.code, f.since) and draw(st.booleans()):
            merged[-1] = replace(last, until=f.until)
        else:
            merged.append(f)
    return merged


@st.composite
def logs(draw: st.DrawFn, *, takes: bool = True) -> list[Change]:
    """What could be on the topic."""
    changes = []
    for _ in range(draw(st.integers(0, 6))):
        since = draw(st.sampled_from(TIMES[:-1]))
        until = draw(st.sampled_from([t for t in TIMES if t > since]))
        f = version(since, until, draw(st.sampled_from("ab")), n=draw(st.integers(0, 3)))
        changes.append(Change(name_of(f), None if takes and draw(st.booleans()) else f))
    return changes


@settings(UNHURRIED, max_examples=40)
@given(maps(), logs(), st.randoms(use_true_random=False))
def test_changes_of_different_names_give_the_same_in_every_order(
    old: list[Feature], log: list[Change], random: Random
) -> None:
    distinct = list({c.key: c for c in log}.values())
    mixed = random.sample(distinct, len(distinct))
    assert apply(old, mixed) == apply(old, distinct)


@settings(UNHURRIED, max_examples=40)
@given(maps(), logs(takes=False), st.randoms(use_true_random=False))
def test_versions_that_come_in_one_by_one_in_any_order_give_the_same(
    old: list[Feature], log: list[Change], random: Random
) -> None:
    # A name that is there already is a replacement: it may bring back time that another version has since taken.
    distinct = [c for c in {c.key: c for c in log}.values() if c.key not in {name_of(f) for f in old}]
    step = old
    for change in random.sample(distinct, len(distinct)):
        step = apply(step, [change])
    assert step == apply(old, distinct)


@settings(UNHURRIED, max_examples=40)
@given(maps(), logs())
def test_a_compacted_log_gives_what_the_whole_log_gives(old: list[Feature], log: list[Change]) -> None:
    compacted = [c for n, c in enumerate(log) if c.key not in {later.key for later in log[n + 1 :]}]
    assert apply(old, compacted) == apply(old, log)


@settings(UNHURRIED, max_examples=40)
@given(maps(), logs())
def test_after_any_changes_no_code_is_there_twice_at_one_time(old: list[Feature], log: list[Change]) -> None:
    after = apply(old, log)
    for f, following in pairwise(after):
        assert f.since < f.until
        assert f.code != following.code or f.until <= following.since


# -- found


@settings(UNHURRIED, max_examples=80)
@given(maps(), maps())
def test_the_changes_from_one_map_to_another_lead_there(old: list[Feature], new: list[Feature]) -> None:
    after = apply(old, diff(old, new))
    assert len(after) == len(new)
    assert all(same(a, b) for a, b in zip(after, sorted(new, key=name_of), strict=True))
    assert diff(new, after) == []


def test_what_follows_from_another_change_is_no_change_of_its_own() -> None:
    assert diff([version()], [version(until=20), version(20, name="b")]) == insert(version(20, name="b"))
    assert diff([version(until=20), version(20)], [version()]) == [gone(20)]
    assert diff([version(until=20), version(20)], [version(until=20)]) == [gone(20), Change.of(version(until=20))]


def test_another_first_position_or_winding_is_no_change_but_another_direction_of_a_river_is() -> None:
    turned = shapely.Polygon([(113.1, 22.1), (113.0, 22.1), (113.0, 22.0), (113.1, 22.0)][::-1])
    assert diff([version()], [replace(version(), shape=turned)]) == []
    bed = shapely.LineString([(113, 22), (113.1, 22), (113.2, 22.1)])
    river = Feature("river", "r", bed)
    assert len(diff([river], [replace(river, shape=bed.reverse())])) == 1
    moved = shapely.transform(SQUARE, lambda at: at + 1e-14 * (at == 113.1))
    assert len(diff([version()], [replace(version(), shape=moved)])) == 1


def test_no_changes_lead_to_a_map_with_a_code_twice_at_one_time() -> None:
    with pytest.raises(MapError, match="still in force when the next version"):
        diff([], [version(), version(20)])


# -- as records


def test_a_change_reads_back_from_its_record() -> None:
    for f in (
        version(),
        version(10, 20, name="香洲", n=2, share=0.5, main=True),
        Feature("site", "s", shapely.Point(1, 2)),
    ):
        change = Change.of(f)
        read = read_change(*change.record())
        assert read.key == change.key
        assert read.feature is not None
        assert same(read.feature, f)
    assert read_change(*gone(20).record()) == gone(20)


def body(ring: object = None, **properties: object) -> bytes:
    ring = ring or [[113, 22], [113.1, 22], [113.1, 22.1], [113, 22]]
    named = {"layer": "grid", "code": "g", **properties}
    return msgspec.json.encode(
        {"type": "Feature", "properties": named, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b" " * 10_000_000, f"expected at most {LIMIT} bytes, got 10000000; simplify"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"type":"Feature","a":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deep"),
        (b"{}", "type: expected Feature, got 'None'"),
        (b'{"type":"Feature","properties":{"layer":"grid","code":"g"}}', "geometry: expected a Polygon"),
        (body().replace(b"113.1", b"NaN"), "not a JSON object"),
        (body().replace(b"113.1", b"1e999"), "not a JSON object"),
        (body([[113, 22], [113.1, 22], [113.1, 22.1]]), r"ring 0 is not closed: it begins at \[113, 22\]"),
        (body([[22, 113], [22.1, 113], [22.1, 113.1], [22, 113]]), "longitude and latitude look swapped"),
        (body([[432000, 2460000], [432100, 2460000], [432100, 2460100], [432000, 2460000]]), "is it in metres"),
        (body([[-179.9, 22], [179.9, 22], [179.9, 22.1], [-179.9, 22]]), "spans 359.8 by 0.1 degrees"),
        (body([[113, 22], [2**70, 22], [113.1, 22.1], [113, 22]]), "expected degrees"),
        (
            body([[113, 22], [113.1, 22.1], [113.1, 22], [113, 22.1], [113, 22]]),
            "geometry is invalid: Self-intersection",
        ),
        (body(code="h"), "the key names another version than the feature, which is grid/h/always"),
        (body(since="2020-06-22T00:00:00+08:00"), "another version"),
        (body(until="2020-06-22"), "has no offset"),
        (body(big=2**70), "properties.big: expected a number of at most 64 bits"),
    ],
)
def test_a_record_that_is_no_change_is_refused_with_its_name_and_what_is_wrong(value: bytes, says: str) -> None:
    with pytest.raises(MapError, match=says) as error:
        read_change(b"grid/g/always", value)
    assert {f.where for f in error.value.findings} == {"grid/g/always"}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["type", "coordinates", "layer", "code", "since", "until", "geometries"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip
GEOMETRY = st.fixed_dictionaries(
    {"type": st.sampled_from(["Polygon", "MultiPolygon", "Point", "LineString", "GeometryCollection", "?"]),
     "coordinates": st.recursive(st.floats() | st.integers(-180, 180), lambda s: st.lists(s, max_size=5)) | JSON}
)  # fmt: skip
RECORD = st.fixed_dictionaries(
    {"type": st.just("Feature"), "geometry": GEOMETRY | JSON},
    optional={
        "properties": JSON | st.fixed_dictionaries({"layer": st.just("grid"), "code": st.just("g"), "since": JSON})
    },
)


@settings(UNHURRIED, max_examples=100)
@given(st.just(b"grid/g/always") | st.binary(max_size=30), st.binary(max_size=60) | RECORD.map(msgspec.json.encode))
def test_whatever_the_bytes_are_only_a_readable_finding_comes_out(key: bytes, value: bytes) -> None:
    try:
        change = read_change(key, value)
    except MapError:
        return
    assert change.feature is not None
    assert change.feature.shape.is_valid


def test_a_version_too_large_for_a_record_is_refused_before_it_is_sent() -> None:
    circle = shapely.Point(113, 22).buffer(0.1, quad_segs=8000)
    with pytest.raises(MapError, match="grid/g/always: expected at most 1000000 bytes"):
        Change.of(replace(version(), shape=circle)).record()


def test_times_that_have_no_text_are_refused_with_the_feature_named() -> None:
    with pytest.raises(MapError, match="grid g: expected a time in the years 1 to 9999"):
        Change.of(version(LAST + 1)).record()


def test_milliseconds_and_all_kinds_of_attributes_survive_a_file() -> None:
    f = version(1_592_755_200_123, name="网格", metres=12.5, lanes=2, oneway=False)
    (again,) = geojson.read(geojson.decode(geojson.write([f])))
    assert same(again, f)


def test_rings_are_written_as_rfc_7946_has_them() -> None:
    clockwise = replace(version(), shape=SQUARE.reverse())
    (again,) = geojson.read(geojson.decode(geojson.write([clockwise])))
    assert shapely.is_ccw(again.shape.exterior)
    assert not shapely.is_ccw(clockwise.shape.exterior)
