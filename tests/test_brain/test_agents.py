"""Agents of the domains: the example's window, what plain agents are given, and how they are found."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from brain.agent_kit.find import ENTRY_POINTS
from brain.agents import incidents, signals
from brain.agents.examples.repeat_offenders.window import DAY_MS, KEPT, MANY, Offenders, Repeat
from brain.commands import agent
from brain.commands.agent import find, installed
from brain.incidents import publish
from brain.incidents.value import Incident, Text
from streams.plain import App, PlainError
from streams.progress import Progress
from streams.records import CE_TYPE, READY_TYPE, SEAL_TYPE, SIGNAL_TYPE, Signal
from streams.tailing import Seen

HOUR = 3_600_000


def raised(number: int, onset: int, asset: str = "wl-1", fold: int | None = None) -> Signal:
    """The ``number``-th record of the lane raised for the asset."""
    at = onset if fold is None else fold
    return Signal("eco.x", asset, "raise", ("iot.telemetry", 0, number, 0), 0, number, 0, onset, onset, fold=at)


def test_the_third_raise_within_a_day_makes_a_repeat_offender() -> None:
    offenders = Offenders()
    taken = [offenders.take(raised(n, n * HOUR)) for n in range(3)]
    assert [(r.count, r.repeat) for r in taken if r] == [(1, False), (2, False), (3, True)]


def test_raises_over_a_day_apart_make_none() -> None:
    offenders = Offenders()
    taken = [offenders.take(raised(n, n * DAY_MS)) for n in range(5)]
    assert [r.count for r in taken if r] == [1] * 5


def test_updates_and_clears_change_nothing() -> None:
    offenders = Offenders()
    for kind in ("update", "clear"):
        assert offenders.take(msgspec.structs.replace(raised(0, 0), kind=kind)) is None


def test_a_device_a_year_fast_does_not_make_others_forgotten() -> None:
    offenders = Offenders()
    offenders.take(raised(0, 0))
    offenders.take(raised(1, 365 * DAY_MS, asset="fast", fold=HOUR))
    after = offenders.take(raised(2, 2 * HOUR))
    assert after is not None
    assert after.count == 2


def test_an_asset_that_is_quiet_for_two_days_is_forgotten_so_memory_stays_bounded() -> None:
    offenders = Offenders()
    for n in range(1000):
        offenders.take(raised(n, n * HOUR, asset=f"wl-{n}"))
    assert len(offenders.by_asset) == 49
    assert offenders.take(raised(1000, 1000 * HOUR, asset="wl-999")) is not None


RAISES = st.lists(st.tuples(st.integers(0, 3 * DAY_MS), st.sampled_from(["wl-1", "wl-2"])), max_size=80)


@given(RAISES, st.data())
def test_a_stretch_that_comes_again_adds_no_record_and_moves_no_window(
    raises: list[tuple[int, str]], data: st.DataObject
) -> None:
    log = [raised(n, onset, asset, fold=n) for n, (onset, asset) in enumerate(raises)]
    upto = data.draw(st.integers(0, len(log)))
    back = data.draw(st.integers(0, upto))
    once, twice = Offenders(), Offenders()
    plain = [r for one in log if (r := once.take(one))]
    before = [r for one in log[:upto] if (r := twice.take(one))]
    # A restart: what the topic holds of each asset, then the log again from an earlier offset.
    held = {r.asset: msgspec.json.encode(r) for r in before}
    twice = Offenders(msgspec.json.decode(value, type=Repeat) for value in held.values())
    again = [r for one in log[back:upto] if (r := twice.take(one))]
    assert again == []
    after = [r for one in log[upto:] if (r := twice.take(one))]
    assert before + after == plain


@given(RAISES)
def test_a_window_is_bounded_and_its_count_is_that_of_its_raises(raises: list[tuple[int, str]]) -> None:
    offenders = Offenders()
    for n, (onset, asset) in enumerate(raises):
        after = offenders.take(raised(n, onset, asset, fold=0))
        if after is not None:
            assert 1 <= after.count == len(after.raises) <= KEPT
            assert after.repeat == (after.count >= MANY)
            assert after.raises[-1][0] - after.raises[0][0] < DAY_MS


@pytest.fixture
def app() -> App:
    return App("agent.test", "127.0.0.1:1", "p.", Progress())


def seen(value: bytes | None, kind: bytes | None) -> Seen:
    return Seen("t", 0, 0, 0, None, value, () if kind is None else ((CE_TYPE, kind),))


def test_an_agent_on_signals_is_given_signals_and_no_record_of_the_engine(app: App) -> None:
    source = signals(app, "iot.telemetry")
    assert source.topic == "p.signals.iot.telemetry"
    one = raised(7, 5)
    assert source.decode(seen(msgspec.json.encode(one), SIGNAL_TYPE)) == one
    for kind in (SEAL_TYPE, READY_TYPE, None):
        assert source.decode(seen(b'{"flush":1}', kind)) is None


def test_a_signal_that_cannot_be_read_is_an_error_and_no_silence(app: App) -> None:
    with pytest.raises(msgspec.DecodeError):
        signals(app, "iot.telemetry").decode(seen(b'{"scenario":', SIGNAL_TYPE))
    with pytest.raises(msgspec.ValidationError):
        signals(app, "iot.telemetry").decode(seen(b'{"scenario":1}', SIGNAL_TYPE))


def test_an_agent_on_incidents_is_given_incidents_and_neither_tombstones_nor_seals(app: App) -> None:
    source = incidents(app, "eco")
    one = Incident(
        id="inc-1", revision=1, state="detected", domain="eco", scenario="eco.x", scenario_version=1,
        event_code="eco.x", name=Text("甲"), level=1, peak_level=1, life=False, onset=0, opened=0, raised=0, updated=0,
    )  # fmt: skip
    assert source.decode(seen(publish.encode(one), publish.TYPE.encode())) == one
    assert source.decode(seen(None, publish.TYPE.encode())) is None
    assert source.decode(seen(b"{}", SEAL_TYPE)) is None


def test_a_domain_that_is_none_is_told_those_there_are(app: App) -> None:
    with pytest.raises(PlainError, match="emergency, market, eco"):
        incidents(app, "ecology")  # type: ignore[arg-type]  # what a person may well type


def test_the_example_on_the_page_for_writers_of_agents_registers_what_the_page_says(app: App) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    lines = page.partition("## Twenty lines\n")[2].partition("\nRun it")[0].splitlines()
    made: dict[str, Any] = {}
    exec("\n".join(line.removeprefix("    ") for line in lines), made)
    made["register"](app)
    assert {name: feed.source.topic for name, feed in app.feeds.items()} == {"fire_notes": "p.incidents.emergency"}
    assert list(app.owned) == ["p.agents.fire_notes"]


def test_two_agents_of_one_name_are_refused(app: App) -> None:
    async def count(events: object) -> None:
        """Never run."""

    app.agent(signals(app, "iot.telemetry"))(count)
    with pytest.raises(PlainError, match="two of this name"):
        app.agent(signals(app, "iot.telemetry"))(count)


@pytest.mark.parametrize("table", ["Table", "GlobalTable", "SetTable", "SetGlobalTable"])
def test_an_agent_that_wants_a_table_is_told_what_to_use_instead(app: App, table: str) -> None:
    with pytest.raises(PlainError, match=r"app\.latest"):
        getattr(app, table)("counts", default=int)


def test_the_example_is_listed_with_what_it_is_for() -> None:
    assert dict(installed())["brain.agents.examples.repeat_offenders"].startswith("Assets that raise again")


def test_a_package_of_which_nothing_is_there_is_listed_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = EntryPoint("gone", "no_such_package.agents:register", ENTRY_POINTS)
    monkeypatch.setattr(agent, "entry_points", lambda group: [gone])
    assert dict(installed())[gone.value] == "not importable"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("nothing.there", "no such module"),
        ("json", "expected a function register(app), got nothing"),
        ("json:decoder", "expected a function decoder(app)"),
        ("", "MODULE:FUNCTION"),
        (".x", "MODULE:FUNCTION"),
    ],
)
def test_a_name_that_is_no_agent_is_refused_readably(
    named: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(typer.Exit):
        find(named)
    assert told in " ".join(capsys.readouterr().err.split())


def test_an_agent_module_in_the_current_folder_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "our_own_agent.py").write_text("def attach(app):\n    return 'attached'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find("our_own_agent:attach")("any") == "attached"  # type: ignore[arg-type]  # it takes what it is given
