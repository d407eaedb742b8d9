"""The board and its stream: pages while it changes, never back, exact after every cut, a district's share, the past."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.screen.city import City
from brain.incidents.value import OVER
from brain.screen.api.stream import RESET, Hub
from brain.screen.board import look
from brain.screen.board.board import Board, Came
from brain.screen.board.feed import frontier
from brain.screen.board.query import SORTS, Query, Sort, distance, page
from brain.screen.board.ring import Position, position_of
from brain.screen.board.row import Row, decode_incident
from brain.screen.watched import Watched
from streams.state import HEAD
from streams.tailing import Seen

FEW = settings(max_examples=12, deadline=None, derandomize=True)
ALL = Query(shown=None)
NEEDED = {field.name for field in msgspec.structs.fields(Row) if field.required}


def made(seed: int, count: int, changes: int) -> tuple[list[Came], City]:
    city = City(seed)
    return [*city.open(count), *city.change(changes)], city


def board_of(records: list[Came], kept: int = 100_000) -> Board:
    board = Board(kept=kept)
    board.take(records)
    return board


def newest(records: list[Came]) -> dict[str, Any]:
    """The oracle: by id the incident with the highest revision."""
    out: dict[str, Any] = {}
    for incident in (decode_incident(came.value) for came in records):
        if incident.id not in out or incident.revision > out[incident.id].revision:
            out[incident.id] = incident
    return out


@FEW
@given(seed=st.integers(0, 999), sort=st.sampled_from(SORTS), limit=st.integers(1, 30), changes=st.integers(0, 8))
def test_paging_while_it_changes_tells_nothing_twice_and_misses_nothing_that_stayed(
    seed: int, sort: Sort, limit: int, changes: int
) -> None:
    records, city = made(seed, 90, 20)
    board = board_of(records)
    before = {e.id for e in page(board, ALL, sort, 1000).entries}
    read: list[str] = []
    changed: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        one = page(board, ALL, sort, limit, cursor)
        read += [e.id for e in one.entries]
        cursor = one.next
        came = list(city.change(changes))
        changed |= {decode_incident(c.value).id for c in came}
        board.take(came)
    assert max(Counter(read).values()) == 1
    assert before - changed <= set(read) <= before


@FEW
@given(seed=st.integers(0, 999), domain=st.sampled_from(["eco", "public"]), least=st.integers(0, 4))
def test_a_filtered_page_has_what_the_records_say(seed: int, domain: Any, least: int) -> None:
    records, _ = made(seed, 60, 60)
    board = board_of(records)
    wanted = [i for i in newest(records).values() if i.state not in OVER and i.shown is not None]
    wanted = [i for i in wanted if i.domain == domain and i.level >= least]
    got = page(board, Query(domain=(domain,), level_min=least), "-updated", 1000)
    assert [e.row.updated for e in got.entries] == sorted((i.updated for i in wanted), reverse=True)
    assert {e.id for e in got.entries} == {i.id for i in wanted}
    assert (got.total, got.next) == (len(wanted), None)


def test_a_search_finds_names_in_both_languages_places_people_and_ids() -> None:
    records, _ = made(4, 60, 0)
    board = board_of(records)
    one = next(e for e in board.entries.values() if e.row.domain == "eco")
    for words in ("扬尘", "DUST 超标", one.row.town, one.row.grid, one.id, one.id[:12], f"dust {one.row.district}"):
        found = page(board, Query(shown=None, text=words), limit=1000).entries
        assert one in found, words
    assert all(e.row.domain == "eco" for e in page(board, Query(shown=None, text="dust"), limit=1000).entries)
    assert page(board, Query(shown=None, text="nothing of the kind")).total == 0


@FEW
@given(seed=st.integers(0, 999))
def test_the_board_never_goes_back_whatever_comes_again(seed: int) -> None:
    records, _ = made(seed, 20, 60)
    again = records[:]
    random.Random(seed).shuffle(again)
    board = board_of(records)
    before, number = {k: e.data for k, e in board.entries.items()}, board.ring.end
    board.take(again)
    assert {k: e.data for k, e in board.entries.items()} == before
    assert board.ring.end == number, "nobody is told of what is old"
    assert {k: (e.rev, e.row.state) for k, e in board.entries.items()}.items() <= {
        k: (i.revision, i.state) for k, i in newest(records).items()
    }.items()


def test_how_it_was_at_a_time_is_the_board_of_then_also_on_a_server_that_began_later() -> None:
    city = City(6)
    early = list(city.open(50)) + list(city.change(100))
    city.t += 60_000
    t = city.t
    then = board_of(early)
    late = list(city.change(150))
    now = board_of(early + late)
    wanted = {e.id: e.data for e in page(then, Query(), limit=1000).entries}
    assert {c.id: c.data for c in look.at(now, t, ())} == wanted
    assert wanted != {e.id: e.data for e in page(now, Query(), limit=1000).entries}


def merged(logs: dict[str, list[Came]], rng: random.Random) -> list[Came]:
    """The partitions as another server may meet them: each in its order, between them any."""
    left = {name: list(log) for name, log in logs.items()}
    out = []
    while left:
        name = rng.choice(sorted(left))
        out.append(left[name].pop(0))
        if not left[name]:
            del left[name]
    return out


async def told(
    board: Board, position: Position | None, count: int, districts: tuple[str, ...] = ()
) -> list[tuple[str, Any]]:
    """Up to so many events of what there is after a position: (id, row)."""
    hub, out = Hub(board, lambda: 0), list[tuple[str, Any]]()
    # Runs once the stream waits for more, which is after all that there is was told.
    asyncio.get_running_loop().call_soon(hub.close)
    async for piece in hub.events(position, districts, withheld=True):
        assert piece != RESET
        for event in piece.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in event.split("\n"))
            if fields["event"] != "pulse":
                out.append((fields["id"], msgspec.json.decode(fields["data"])))
    return out[:count]


@FEW
@given(seed=st.integers(0, 9999), cuts=st.lists(st.integers(1, 30), max_size=12))
def test_a_stream_cut_anywhere_goes_on_at_any_server_without_gap_and_without_repeat(seed: int, cuts: list[int]) -> None:
    records, _ = made(seed, 15, 120)
    logs: dict[str, list[Came]] = {}
    for came in records:
        logs.setdefault(f"{came.topic}/{came.partition}", []).append(came)
    rng = random.Random(seed)
    servers = [board_of(merged(logs, rng)) for _ in range(3)]
    position: Position | None = {}
    got: list[tuple[str, int]] = []
    for count in [*cuts, 1000]:
        for id_, row in asyncio.run(told(rng.choice(servers), position, count)):
            got.append((row["id"], row["rev"]))
            position = position_of(id_)
    assert Counter(got) == Counter((i.id, i.revision) for i in (decode_incident(c.value) for c in records))


def test_a_position_that_the_ring_no_longer_reaches_is_reset_and_nothing_is_left_out_silently() -> None:
    records, _ = made(2, 15, 200)
    board = board_of(records, kept=50)

    async def first(position: Position) -> bytes:
        stream = Hub(board, lambda: 0).events(position, (), withheld=True)
        return await anext(stream)

    assert asyncio.run(first({})) == RESET
    assert asyncio.run(first(dict(board.ring.last))).startswith(b"event: pulse")


def test_a_client_that_reads_more_slowly_than_the_ring_turns_is_cut_and_begins_anew() -> None:
    records, city = made(2, 15, 0)
    board = board_of(records, kept=50)

    async def slow() -> tuple[list[bytes], bytes]:
        hub, position = Hub(board, lambda: 0), dict(board.ring.last)
        stream = hub.events(position, (), withheld=True)
        got = [await anext(stream)]
        board.take(list(city.change(500)))  # all of it while the client takes nothing
        got += [piece async for piece in stream]
        again = hub.events(position, (), withheld=True)
        return got, await anext(again)

    got, again = asyncio.run(asyncio.wait_for(slow(), 2))
    assert (len(got), got[0].startswith(b"event: pulse"), again) == (1, True, RESET)


def test_a_stream_ends_with_the_token_of_whoever_reads_it() -> None:
    board, now = board_of(made(2, 15, 0)[0]), [100]

    async def read() -> list[bytes]:
        hub = Hub(board, lambda: now[0])
        got = []
        async for piece in hub.events(dict(board.ring.last), (), withheld=True, until=101):
            got.append(piece)
            now[0] = 101
            board.beat(now[0], "a")
        return got

    assert len(asyncio.run(asyncio.wait_for(read(), 2))) == 1


def test_a_stream_whose_token_holds_goes_on_after_what_it_told() -> None:
    records, city = made(2, 15, 0)
    board = board_of(records)

    async def read() -> list[bytes]:
        stream = Hub(board, lambda: 1_000).events(dict(board.ring.last), (), withheld=True, until=2_000)
        got = [await anext(stream)]
        for _ in range(3):  # each comes while the stream waits for it
            asyncio.get_running_loop().call_later(0.02, lambda: board.take(list(city.change(5))))
            got.append(await anext(stream))
        return got

    pieces = asyncio.run(asyncio.wait_for(read(), 2))
    assert [piece.count(b"event: incident") > 0 for piece in pieces] == [False, True, True, True]


def test_one_district_sees_its_own_and_is_told_when_something_leaves_it() -> None:
    records, city = made(3, 80, 0)
    board = board_of(records)
    incident = next(i for i in city.incidents if i.shown is not None)
    home = incident.district
    seen = page(board, Query(shown=None, districts=(home,)), limit=1000).entries
    assert {e.row.district for e in seen} == {home}
    assert board.entry(incident.id, (home,)) is not None
    assert board.entry(incident.id, ("elsewhere",)) is None
    position = dict(board.ring.last)
    incident.district, incident.revision = "elsewhere", incident.revision + 1
    board.take([city._record(city.incidents.index(incident))])
    ((_, row),) = asyncio.run(told(board, position, 10, (home,)))
    assert (row["id"], row["rev"], row["state"]) == (incident.id, incident.revision, "closed")
    assert row.keys() == NEEDED, "where it went and what became of it there is not told"
    ((id_, _),) = asyncio.run(told(board, position, 10, ("elsewhere",)))
    assert position_of(id_) == board.ring.last
    assert asyncio.run(told(board, position, 10, ("a third",))) == []


def test_what_left_a_district_and_is_forgotten_since_is_told_with_the_revision_by_which_it_left() -> None:
    records, city = made(3, 80, 0)
    board = board_of(records)
    n, incident = next((n, i) for n, i in enumerate(city.incidents) if i.shown is None)
    home, position = incident.district, dict(board.ring.last)
    incident.district, incident.revision = "elsewhere", incident.revision + 1
    left = incident.revision
    board.take([city._record(n)])
    incident.state, incident.revision = "closed", incident.revision + 1
    board.take([city._record(n)])
    assert incident.id not in board.entries
    ((_, row),) = asyncio.run(told(board, position, 10, (home,)))
    assert (row["id"], row["rev"], row["state"], row.keys()) == (incident.id, left, "closed", NEEDED)


def test_what_is_like_an_incident_is_of_its_fingerprint_first_and_then_of_its_family_within_a_kilometre() -> None:
    records, _ = made(3, 400, 0)
    board = board_of(records)
    entries = [e for e in board.entries.values() if e.row.lon is not None]
    for entry in entries[:40]:
        got = [row.id for row in look.similar(board, entry, (), limit=1000)]
        alike = {e.id for e in board.entries.values() if e.fingerprint == entry.fingerprint} - {entry.id}
        near = {
            e.id for e in entries if e.family == entry.family and e.id not in {entry.id, *alike}
            and float(distance(entry.row.lon or 0, entry.row.lat or 0, e.row.lon, e.row.lat)) <= look.LIKE_M
        }  # fmt: skip
        assert set(got[: len(alike)]) == alike
        assert set(got[len(alike) :]) == near
    somewhere = next(e for e in entries if look.similar(board, e, ()))
    assert look.similar(board, somewhere, ("nowhere",)) == []


def test_a_position_of_the_city_that_cannot_be_read_ends_no_feed() -> None:
    def head(value: bytes | None) -> Seen:
        return Seen("state.city", 0, 7, 0, HEAD, value)

    assert frontier(head(b'{"frontier":5,"flush":1}')) == 5
    assert [frontier(head(value)) for value in (None, b"", b"{}", b"\xff", b'{"frontier":"x"}')] == [None] * 5


def test_a_screen_that_never_saw_a_pulse_is_as_stale_as_it_is_old() -> None:
    board, now = Board(), [1_000]
    watched = Watched(board, lambda: now[0])

    def age() -> float:
        (gauge,) = (m for m in watched.collect() if m.name == "brain_screen_pulse_age_seconds")
        return float(gauge.samples[0].value)

    now[0] = 61_000
    assert age() == 60.0
    board.beat(60_500, "s")
    assert age() == 0.5


def test_of_incidents_that_were_effects_or_merged_and_are_over_nothing_is_kept() -> None:
    city, board = City(3), Board()
    board.take(city.open(200))
    for k, incident in enumerate(city.incidents):
        other = city.incidents[k - 1].id
        for cause, merged in ((other, ""), ("", ""), ("", other), ("", "")):
            incident.cause, incident.merged_into, incident.revision = cause, merged, incident.revision + 1
            board.take([city._record(k)])
    assert not board.causes
    assert not board.merged
    board.take([city.close(k) for k in range(len(city.incidents))])
    board.beat(city.t + 2 * board.keep_ms, "s")
    assert not board.entries
    assert not board.by_fingerprint
    assert not board.by_slot
