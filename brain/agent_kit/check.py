"""The conformance suite of agents: what every one must hold to, whoever wrote it. ``brain agent check``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain import standards
from brain.agent_kit import cases, spec, stand, wire
from brain.agent_kit.cases import START, Record, Test
from brain.agent_kit.fault import Inline
from brain.agent_kit.find import Installed
from brain.agent_kit.kinds import Minute, Rows, Said
from brain.agent_kit.manifest import AgentError
from brain.agent_kit.program import Judged, Program, mapped
from brain.agent_kit.runners import run_by
from brain.agent_kit.tables import describe, packed, read
from brain.sets import CitySet
from streams.records import Signal

STATE = "state.json"
ROWS = 120
"""Records of the stream that is made of a test's own."""
_GUARD = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from brain.agent_kit.guard import main; main()"
SLOW_US = 2_000.0
"""Microseconds a row, or a hundredth of a minute, above which it is said to be slow."""


class Finding(NamedTuple):
    """One question of the suite: its permanent code, what is asked, and what is wrong (empty: nothing)."""

    code: str
    asks: str
    wrong: str = ""


class Report(NamedTuple):
    """All findings, and microseconds that a row (of a city agent: a minute) took, NaN unknown."""

    findings: list[Finding]
    row_us: float

    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not any(f.wrong for f in self.findings)


def check(one: Installed, told: Callable[[str], None] | None = None, codes: Collection[str] | None = None) -> Report:
    """Hold one agent to the suite; ``told`` hears what is asked next. Its code runs in this process and children.

    ``codes``: only these questions, and without the cost.
    """
    found: list[Finding] = []

    def ask(code: str, asks: str, answer: Callable[[], str]) -> bool:
        if codes is not None and code not in codes and code != "K01":
            return True
        if told is not None:
            told(asks)
        try:
            wrong = answer()
        except Exception as error:  # noqa: BLE001  # the agent's own code runs here
            wrong = f"{type(error).__name__}: {error}"[:500]
        found.append(Finding(code, asks, wrong))
        return not wrong

    suite = _Suite(one)
    if not ask("K01", "manifest, module and functions", suite.loads):
        return Report(found, float("nan"))
    ask("K02", "tests: one that fires, one that stays quiet, all as expected", suite.tests)
    if not suite.worlds:
        return Report(found, float("nan"))
    ask("K03", "the same input gives the same, and is not written to", suite.pure)
    ask("K04", "batches, and how assets alternate, do not matter", suite.cuts)
    ask("K05", "a restart in mid-stream changes nothing", suite.restarts)
    ask("K06", "NaN, infinity and missing places do no harm", suite.oddities)
    ask("K07", "no clock, no chance, no I/O", suite.alone)
    ask("K08", "a changed form of state can be read", suite.form)
    ask("K09", "what is called quiet would have changed nothing", suite.quiet)
    fine = codes is None and not any(f.wrong for f in found)
    return Report(found, suite.cost() if fine else float("nan"))


class _Recorded(Inline):
    """Runs in this process, and keeps what was asked, so that it can be asked again elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[Any]] = []

    def woken(self) -> list[list[Any]]:
        """Of these, the wakes."""
        return [call for call in self.calls if call[0] == "judge" and wire.rows_of(call[1]).woken]

    def judge(self, agent: Any, rows: Rows, state: NDArray[Any]) -> Judged:
        self.calls.append(["judge", wire.of_rows(rows), state.tobytes()])
        return super().judge(agent, rows, state)

    def think(self, agent: Any, minute: Minute, memory: bytes) -> tuple[list[Said], bytes]:
        self.calls.append(["think", wire.of_minute(minute), memory])
        return super().think(agent, minute, memory)


class _Suite:
    def __init__(self, one: Installed) -> None:
        self.one, self.m = one, one.manifest
        self.cases: list[Test] = []
        self.worlds: list[tuple[CitySet, Test]] = []
        self.runner = _Recorded()

    def loads(self) -> str:
        self.cases = cases.load(self.one.folder)
        library = standards.load().standards
        self.worlds = [(cases.content(self.one, test, library), test) for test in self.cases]
        if not self.worlds:
            raise AgentError("tests.yaml has no test")
        Program(self.worlds[0][0].agents[0].ground)
        return ""

    def tests(self) -> str:
        wrong = []
        for content, test in self.worlds:
            with run_by(self.runner):
                outcome = stand.run(content, test)
            if not outcome.passed():
                got = "; ".join(_short(e) for e in outcome.got) or "nothing"
                wrong.append(f"{test.name}: got {got}{''.join(f'; failed: {f}' for f in outcome.failed)}")
        if not any(test.expect for test in self.cases):
            wrong.append("no test expects a signal")
        if all(test.expect for test in self.cases):
            wrong.append("no test expects that nothing comes")
        if self.m.wakes_s and not self.runner.woken():
            wrong.append("no test goes on until it is woken: until")
        return " | ".join(wrong)

    def pure(self) -> str:
        for content, test, rows in self._streams():
            agent = content.agents[0]
            if self._run(content, test, rows) != self._run(content, test, rows):
                return f"{test.name}: another run said something else"
            program = self.runner.program(agent)  # the very one that ran, with the layers of its spec
            if program.world.params != dict(agent.params) or spec.encode(agent.ground) != agent.packed:
                return f"{test.name}: params or layers were written to"
        return ""

    def cuts(self) -> str:
        for content, test, rows in self._streams():
            whole = self._run(content, test, rows)
            if self.m.shape == "city":
                if self._run(content, test, rows, order=-1) != whole:
                    return f"{test.name}: lanes in another order said something else"
                continue
            for cuts in (tuple(range(1, len(rows))), tuple(range(7, len(rows), 7))):
                if self._run(content, test, rows, cuts) != whole:
                    return f"{test.name}: cut into batches it said something else"
            if _by_asset(self._apart(content, test, rows)) != _by_asset(whole):
                return f"{test.name}: with assets one after the other it said something else"
        return ""

    def _apart(self, content: CitySet, test: Test, rows: list[Record]) -> list[Signal]:
        """What it says with assets one after the other; each alone where it is woken, so that all have one clock."""
        if not self.m.wakes_s:
            return self._run(content, test, sorted(rows, key=lambda r: r.asset))  # each asset's own order stays
        until = stand.end(rows, test)
        return [
            signal for asset in sorted({r.asset for r in rows})
            for signal in self._run(content, test, [r for r in rows if r.asset == asset], until=until)
        ]  # fmt: skip

    def restarts(self) -> str:
        for content, test, rows in self._streams():
            whole = self._run(content, test, rows)
            n = max(len(rows), 2)
            cuts = tuple(sorted({n // 3, n // 2, 2 * n // 3} - {0})) if self.m.shape == "lane" else (1, 2, 5)
            if self._run(content, test, rows, cuts, cuts) != whole:
                return f"{test.name}: restarted it said something else"
        return ""

    def oddities(self) -> str:
        for content, test, rows in self._streams():
            odd = []
            for k, r in enumerate(rows):
                bad = (np.nan, np.inf, -np.inf)[k % 3]
                values = {name: bad if k % 2 else v for name, v in r.values.items()}
                odd.append(Record(r.t, r.asset, values, *((np.nan, np.nan) if k % 5 == 0 else (r.lon, r.lat))))
            signals, failed = self._both(content, test, odd)
            if failed:
                return f"{test.name}: {failed[0]}"
            numbers = [v for s in signals for v in (*s.facts.values(), s.score or 0.0) if not isinstance(v, str)]
            if not np.isfinite(numbers).all():
                return f"{test.name}: a fact or score that is not finite"
        return ""

    def alone(self) -> str:
        if not self.runner.calls:
            for content, test in self.worlds if self.m.wakes_s else self.worlds[-1:]:
                self._both(content, test, cases.records(test))
        calls = [*self.runner.calls[-100:], *self.runner.woken()[-20:]]
        frame = {"spec": self.worlds[-1][0].agents[0].packed, "calls": calls}
        came = subprocess.run(
            [sys.executable, "-c", _GUARD, json.dumps(sys.path)], input=wire.pack(frame), capture_output=True,
            check=False, timeout=120,
        )  # fmt: skip
        if came.returncode:
            return f"it ended with {came.returncode}: {came.stderr.decode(errors='replace')[-300:]}"
        return ", ".join(msgspec.json.decode(came.stdout[came.stdout.rindex(b"[") :], type=list[str]))

    def form(self) -> str:
        """The form in use is in the folder, so that a later one is held against it; a new one is written."""
        path = self.one.folder / STATE
        now = self._form()
        if not path.is_file():
            _write(path, self.m.version, now)
            return ""
        was = msgspec.json.decode(path.read_bytes())
        if was["form"] == now:
            return ""
        if was["version"] == self.m.version:
            return f"the form of state changed and the version is still {self.m.version}"
        program = Program(self.worlds[0][0].agents[0].ground)
        if self.m.shape == "lane":
            old = np.zeros(3, read(json.dumps(was["form"]).encode()))
            if mapped(old, packed(program.form)) is None and program.migrate(old) is None:
                return "a field changed its type, and there is no function migrate"
        else:
            kept = {name: kind for name, kind in was["form"].items() if name in now and now[name] != kind}
            if kept and not callable(getattr(program.module, "migrate", None)):
                return f"fields {', '.join(kept)} changed their type, and there is no function migrate"
        _write(path, self.m.version, now)
        return ""

    def quiet(self) -> str:
        """Asked of all rows it says and keeps the same; a row at a time: each is judged by its own state."""
        for content, test, rows in self._streams():
            program = self.runner.program(content.agents[0]) if self.m.shape == "lane" else None
            if program is None or program.quiet is None:
                return ""
            self.runner.calls.clear()
            each = tuple(range(1, len(rows)))
            some, asked = self._run(content, test, rows, each), list(self.runner.calls)
            with _asked_of_all(program):
                every = self._run(content, test, rows, each)
            if every != some or any(_kept(program, call) != _kept(program, call, every=True) for call in asked):
                return f"{test.name}: asked of all rows it said something else, or kept another state"
        return ""

    def cost(self) -> float:
        content, test, rows = max(self._streams(), key=lambda s: len(s[2]))
        self._run(content, test, rows)
        self.runner.calls.clear()
        began = time.thread_time()
        self._run(content, test, rows)
        n = len(rows) if self.m.shape == "lane" else max(len(self.runner.calls), 1)
        return (time.thread_time() - began) / n * 1e6

    # -- streams

    def _streams(self) -> Iterator[tuple[CitySet, Test, list[Record]]]:
        """Each test's records, and a longer stream that alternates them among its assets."""
        for content, test in self.worlds:
            rows = cases.records(test)
            yield content, test, rows
            if rows:
                yield content, test, _mixed(rows)

    def _run(self, content: CitySet, test: Test, rows: list[Record], cuts: tuple[int, ...] = (),
             restarts: tuple[int, ...] = (), order: int = 1, until: int | None = None) -> list[Signal]:  # fmt: skip
        signals, failed = self._both(content, test, rows, cuts, restarts, order, until)
        if failed:
            raise AgentError(failed[0])
        return signals

    def _both(self, content: CitySet, test: Test, rows: list[Record], cuts: tuple[int, ...] = (),
              restarts: tuple[int, ...] = (), order: int = 1,
              until: int | None = None) -> tuple[list[Signal], list[str]]:  # fmt: skip
        with run_by(self.runner):
            if self.m.shape == "lane":
                return stand.on_lane(content, rows, cuts, restarts, until or stand.end(rows, test))
            signals, audits = stand.in_city(content, rows, test.signals, None, restarts, order)
            return signals, [str(a["detail"]) for a in audits]

    def _form(self) -> Any:
        program = Program(self.worlds[0][0].agents[0].ground)
        if self.m.shape == "lane":
            return json.loads(describe(packed(program.form)))
        return {field.encode_name: str(field.type) for field in msgspec.structs.fields(program.form)}


@contextmanager
def _asked_of_all(program: Program) -> Iterator[None]:
    quiet, program.quiet = program.quiet, None
    try:
        yield
    finally:
        program.quiet = quiet


def _kept(program: Program, call: list[Any], *, every: bool = False) -> tuple[bytes, bytes, bytes]:
    """Levels, wakes and state after a call, asked of all rows or as ever."""
    rows, state = wire.rows_of(call[1]), np.frombuffer(call[2], packed(program.form)).copy()
    with _asked_of_all(program) if every else nullcontext():
        said = program.judge(rows, state)
    return said.level.tobytes(), b"" if said.wake is None else said.wake.tobytes(), state.tobytes()


def _mixed(rows: list[Record]) -> list[Record]:
    draw, last = Random(1), max(r.t for r in rows)
    assets = sorted({r.asset for r in rows})
    of = {a: [r for r in rows if r.asset == a] for a in assets}
    out, t = [], START
    for _ in range(ROWS):
        a = draw.choice(assets)
        r = draw.choice(of[a])
        t += draw.randrange(1_000, 40_000)
        out.append(Record(t, a, {k: v * draw.choice((1.0, 1.0, 0.5, 1.3)) for k, v in r.values.items()}, r.lon, r.lat))
    return out if last >= START else rows


def _by_asset(signals: list[Signal]) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for s in signals:
        out.setdefault(f"{s.asset}|{s.scenario}", []).append((s.kind, s.t, s.level, s.value, s.score, s.facts))
    return out


def _short(e: cases.Expected) -> str:
    facts = ", ".join(f"{k}={v}" for k, v in e.facts.items())
    ground = " with footprint" if e.footprint else ""
    return f"{e.at:g} s {e.kind} {e.asset} {e.event} level {e.level} {{{facts}}}{ground}"


def _write(path: Path, version: int, form: Any) -> None:
    path.write_text(json.dumps({"version": version, "form": form}) + "\n", encoding="utf-8")


def by_code(report: Report) -> Mapping[str, str]:
    """What is wrong, by code."""
    return {f.code: f.wrong for f in report.findings if f.wrong}
