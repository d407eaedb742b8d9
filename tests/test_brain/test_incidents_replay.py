"""However often changes are taken and the task is restarted, the same signals give the same incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import msgspec
from city_rig import parted, put_into
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.incidents.city import CityLogic
from brain.incidents.desk import DeskSettings
from brain.incidents.fold import FoldSettings
from brain.incidents.value import Incident
from streams.records import Signal

SCENARIOS = [
    SimpleNamespace(id=f"eco.s{n}", version=1, name="", domain="eco", event_code=f"eco.{code}.x", life=False)
    for n, code in enumerate(("cause", "effect"))
]
CAUSES = {"version": 1, "causes": [{"cause": "eco.cause*", "effect": "eco.effect*", "within_m": 500, "within_s": 5}]}
SET = SimpleNamespace(routes=None, scenarios=SCENARIOS, causes=CAUSES)
SETTINGS = FoldSettings(quiet_s=2, reopen_s=2, window_s=3, members=3, age_s=20, chatter=3, chatter_s=5)
DESK = DeskSettings(window_s=4, most=4, keep=1, weak=2, calm=1, hold_s=1.5)


@dataclass
class Engine:
    """What the engine does around the logic: timers before signals, state by key, newest record by key."""

    logic: CityLogic = field(default_factory=lambda: CityLogic(SETTINGS, desk=DESK))
    state: dict[bytes, bytes] = field(default_factory=dict)
    topic: dict[tuple[str, bytes], tuple[bytes, object]] = field(default_factory=dict)
    published: list[bytes] = field(default_factory=list)

    def flush(self) -> None:
        items, records = parted(self.logic.changes())
        put_into(self.state, items)
        for suffix, name, body, headers in records:
            assert name is not None
            if not suffix.startswith("incidents."):
                continue
            assert body is not None
            self.topic[suffix, name] = (body, headers)
            self.published.append(body)

    def restart(self, reverse: bool) -> None:
        self.logic = CityLogic(SETTINGS, desk=DESK)
        self.logic.load(dict(sorted(self.state.items(), reverse=reverse)))
        self.logic.enter("s", SET)

    def timers(self, until: int) -> None:
        while (due := self.logic.due()) is not None and due <= until:
            self.logic.fire(due)


Act = tuple[int, int, str, bool, int]
# (asset, scenario, kind, life, level), gap to the next, whether to flush, to restart, and in which order to load
STEPS = st.lists(
    st.tuples(
        st.tuples(
            st.integers(0, 4), st.integers(0, 1), st.sampled_from(["raise", "update", "clear", "clear", "again"]),
            st.booleans(), st.integers(0, 4),
        ),
        st.integers(0, 2500), st.booleans(), st.booleans(), st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


def signals_of(acts: list[tuple[Act, int]]) -> list[Signal]:
    """A lane's signals: updates and clears carry the origin of their raise."""
    out: list[Signal] = []
    standing: dict[tuple[int, int], Signal] = {}
    fold = 1_000_000
    for offset, ((asset, scenario, kind, life, level), gap) in enumerate(acts):
        fold += gap
        last = standing.get((asset, scenario))
        if kind in {"raise", "again"} or last is None:
            signal = Signal(
                f"eco.s{scenario}", f"a{asset}", "raise", ("in", 0, offset, 0), 0, offset, 0, fold, fold, fold,
                level=level, grid=f"g{asset % 2}", life=life and scenario == 1, source=("iot", "video")[asset % 2],
                lon=None if asset == 4 else 113.5 + asset * 0.003, lat=None if asset == 4 else 22.2,
            )  # fmt: skip
            if kind == "again" and last is not None:
                signal = msgspec.structs.replace(last, fold=fold)
            else:
                standing[asset, scenario] = signal
        else:
            follow = "update" if kind == "update" else "clear"
            signal = msgspec.structs.replace(last, kind=follow, n=last.n + 1, fold=fold, t=fold, level=level)
        out.append(signal)
    return out


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_incidents_depend_neither_on_when_changes_are_taken_nor_on_restarts(
    steps: list[tuple[Act, int, bool, bool, bool]],
) -> None:
    signals = signals_of([(act, gap) for act, gap, *_ in steps])
    once, often = Engine(), Engine()
    for engine in (once, often):
        engine.logic.enter("s", SET)
    for signal, (_, _, flush, restart, reverse) in zip(signals, steps, strict=True):
        for engine in (once, often):
            engine.timers(signal.fold)
            engine.logic.signal(msgspec.structs.replace(signal))
        if flush:
            often.flush()
            if restart:
                often.restart(reverse)
    for engine in (once, often):
        engine.timers(signals[-1].fold + 1000 if signals else 0)
        engine.flush()
    assert once.topic == often.topic
    # An incident that opened and ended between two flushes leaves no state behind either.
    assert once.state == often.state
    assert once.logic.due() == often.logic.due()


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_no_raise_is_lost_or_counted_twice_and_life_is_never_grouped(
    steps: list[tuple[Act, int, bool, bool, bool]],
) -> None:
    signals = signals_of([(act, gap) for act, gap, *_ in steps])
    engine = Engine()
    engine.logic.enter("s", SET)
    for signal in signals:
        engine.timers(signal.fold)
        engine.logic.signal(signal)
        engine.flush()
    members: set[str] = set()
    for body in engine.published:
        incident = msgspec.json.decode(body, type=Incident)
        members |= {name for m in incident.members for name in (m.id, m.latest())}
        assert incident.count == len(incident.members) <= SETTINGS.members
        if incident.life:
            assert incident.shown == incident.opened
            assert len(incident.provisional) == incident.raises
            assert {m.latest() for m in incident.members} <= set(incident.provisional)
    # A raise that is delivered again after its incident ended, which the engine never does, makes a new incident of the
    # same id: the topic then keeps the newer record, so all that were published are looked at.
    assert members == {s.identity() for s in signals if s.kind == "raise"}
