"""The look back of an account that is bound to districts: it sees what the live stream told it then, and no more."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from access_rig import NOW, Rig
from hypothesis import given, settings
from hypothesis import strategies as st
from one_incident import make

from brain.incidents.value import OVER, Incident
from brain.screen.board.board import Board, Came
from brain.screen.board.look import told

MINE, OTHER = "d1", "d2"
Ask = Callable[[str, list[str] | None], Any]


class Past:
    """Incidents that move between districts, are merged and end, a record a second."""

    def __init__(self) -> None:
        self.board, self.t, self._offset = Board(), NOW, -1
        self.incidents: dict[str, Incident] = {}

    def write(self, name: str, **fields: Any) -> None:
        known = self.incidents.get(name)
        self.t += 1000
        more = {"id": name, "updated": self.t, "revision": 1 if known is None else known.revision + 1, **fields}
        made = make(opened=NOW, shown=NOW, **more) if known is None else msgspec.structs.replace(known, **more)
        self.incidents[name] = made
        self._offset += 1
        self.board.take([
            Came("incidents.emergency", 0, self._offset, name.encode(), msgspec.json.encode(made))
        ])  # fmt: skip


@contextmanager
def asking(past: Past) -> Iterator[Ask]:
    """Asks for a path as an account of districts; ``None``: of the whole city."""
    rig = Rig(board=past.board)
    with rig.client() as c:

        def ask(path: str, districts: list[str] | None) -> Any:
            answer = c.get(f"/api/v1/{path}", headers=rig.bearer(districts=districts))
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield ask


def test_what_went_to_another_district_leaves_the_played_board_as_it_left_the_live_one() -> None:
    past = Past()
    past.write("inc-a", district=MINE)
    past.write("inc-b", district=MINE)
    begin = past.t
    past.write("inc-a", district=OTHER)
    gone = past.t
    past.write("inc-a", level=4)
    past.write("inc-b", state="merged", merged_into="inc-a")
    with asking(past) as ask:
        events = ask(f"replay?from={begin}&to={past.t}", [MINE])["events"]
        theirs = ask(f"replay?from={begin}&to={past.t}", [OTHER])["events"]
    assert (events[0]["t"], events[0]["row"]["rev"], "district" in events[0]["row"]) == (gone, 2, False)
    assert [(e["row"]["id"], e["row"]["state"]) for e in events] == [("inc-a", "closed"), ("inc-b", "merged")]
    assert [(e["row"]["id"], e["row"]["rev"], e["row"]["district"]) for e in theirs] == [
        ("inc-a", 2, OTHER), ("inc-a", 3, OTHER),
    ]  # fmt: skip


def played(rows: dict[str, Any], changes: list[Any]) -> dict[str, int]:
    """By id the revision on a board to which changes are told, as the page does it."""
    board = {name: row["rev"] for name, row in rows.items() if row["state"] not in OVER}
    for row in changes:
        if row["state"] in OVER:
            board.pop(row["id"], None)
        else:
            board[row["id"]] = row["rev"]
    return board


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 999))
def test_a_past_that_is_played_ends_at_the_board_of_its_end_for_every_account(seed: int) -> None:
    draw, past = random.Random(seed), Past()
    for _ in range(40):
        name = f"inc-{draw.randrange(6)}"
        known = past.incidents.get(name)
        if known is None or known.state not in OVER:
            state = draw.choice(["detected", "handling", "handling", "merged" if known else "detected"])
            past.write(name, district=draw.choice([MINE, OTHER, "d3"]), state=state)
    first = past.board.ring.get(0).t
    begin, end = draw.randrange(first, past.t), past.t
    ring = past.board.ring
    live = list(ring.between(ring.since(begin), ring.end))
    with asking(past) as ask:
        for districts in ((), (MINE,), (MINE, OTHER)):
            bound = list(districts) or None
            then, now = ({r["id"]: r for r in ask(f"replay/at?t={t}", bound)["rows"]} for t in (begin, end))
            events = [e["row"] for e in ask(f"replay?from={begin}&to={end}", bound)["events"]]
            assert played(then, events) == {name: row["rev"] for name, row in now.items()}
            streamed = [told(change, districts) for change in live]
            assert events == [msgspec.json.decode(data) for data in streamed if data is not None]
