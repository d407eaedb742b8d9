"""One agent made ready to run: its functions called and what they answer checked, wherever that is.

What an agent answers is held against its form here, so that an agent that answers nonsense fails as one that raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.agent_kit.kinds import F8, FACTS, POINTS, TEXT, Fact, Minute, Rows, Said, Verdict
from brain.agent_kit.spec import Spec
from brain.agent_kit.tables import packed
from streams.records import I4

MEMORY = 262_144
"""Bytes that the state of a city agent may have."""
SAYS = 2_000
"""Things that a city agent may say in one minute."""
I1 = NDArray[np.int8]
I8 = NDArray[np.int64]

_pack = msgspec.msgpack.Encoder(order="deterministic").encode


class Broken(Exception):
    """An agent that lacks what it must have, or answers what it must not."""


class Judged(NamedTuple):
    """What a lane agent said of n rows: ``level`` (events, n), ``value`` and ``score`` (events, n), NaN none; facts by
    row, of rows that say something; ``wake`` (n,) as in Verdict, None of an agent that never asks."""

    level: I1
    value: F8
    score: F8
    facts: Mapping[str, NDArray[Any]]
    wake: I8 | None = None


class Program:
    """An agent with its world. Raises Broken where a function is missing, and whatever its own code raises."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.module = spec.load()
        for name in ("features", "decide"):
            if not callable(getattr(self.module, name, None)):
                raise Broken(f"{spec.id}: expected a function {name} in agent.py")
        if callable(getattr(self.module, "wake", None)) != bool(spec.wakes_ms):
            raise Broken(f"{spec.id}: expected wakes_s in the manifest and a function wake in agent.py, or neither")
        self.world = spec.world()
        prepare = getattr(self.module, "prepare", None)
        if prepare is not None:
            self.world.ready = prepare(self.world)
        self.form: Any = form_of(self.module, spec)
        self.quiet = getattr(self.module, "quiet", None)
        """Of a lane agent, which rows it need not be asked of; None: it is asked of all."""
        if spec.shape == "lane" and getattr(self.module, "COMPILED", False):
            self._compile()

    def judge(self, rows: Rows, state: NDArray[Any]) -> Judged:
        """Run a lane agent over rows; ``state`` (assets of the rows,) is changed in place."""
        _protect(rows)
        with np.errstate(all="ignore"):  # what comes of NaN and infinity is looked at where it comes out
            if rows.woken:
                return _judged(self.module.wake(rows, state, self.world), self.spec, rows)
            if self.quiet is not None:
                shown = state.view()
                shown.flags.writeable = False
                loud = _loud(self.quiet(rows, shown, self.world), rows, len(state))
                if len(loud) < len(rows):
                    said = self._decide(rows.take(loud), state) if len(loud) else None
                    return _among(said, loud, self.spec, len(rows))
            return self._decide(rows, state)

    def _decide(self, rows: Rows, state: NDArray[Any]) -> Judged:
        _protect(rows)
        features = self.module.features(rows, self.world)
        return _judged(self.module.decide(rows, features, state, self.world), self.spec, rows)

    def _compile(self) -> None:
        """Ask it of no rows, so that what it has compiled is compiled before its first record."""
        i4, f8 = np.zeros(0, np.int32), np.zeros(0)
        none = Rows((), i4, i4, np.zeros(0, np.int64), dict.fromkeys(self.spec.metrics, f8), f8, f8, i4)
        self.judge(none, np.zeros(0, packed(self.form)))
        if self.spec.wakes_ms:
            self.judge(replace(none, woken=True), np.zeros(0, packed(self.form)))

    def think(self, minute: Minute, memory: bytes) -> tuple[list[Said], bytes]:
        """Run a city agent over a minute: what it says, and its state after."""
        state = self.state_of(memory)
        with np.errstate(all="ignore"):
            features = self.module.features(minute, self.world)
            said = self.module.decide(minute, features, state, self.world)
        after = b"" if state == self.form() else _pack(state)
        if len(after) > MEMORY:
            raise Broken(f"state of {len(after):,} bytes, at most {MEMORY:,}")
        return _said(said, self.spec), after

    def state_of(self, memory: bytes) -> Any:
        """State of a city agent from its bytes; as it begins where there are none."""
        if not memory:
            return self.form()
        try:
            return msgspec.msgpack.decode(memory, type=self.form)
        except msgspec.ValidationError:
            migrate = getattr(self.module, "migrate", None)
            if migrate is None:
                raise Broken("state of another form, and no function migrate") from None
            return migrate(memory)

    def migrate(self, old: NDArray[Any]) -> NDArray[Any] | None:
        """Rows of a lane agent's state in the present form; None where that cannot be: they begin anew."""
        new = mapped(old, self.form)
        migrate = getattr(self.module, "migrate", None)
        if new is None and migrate is not None:
            new = np.asarray(migrate(old), self.form)
            if new.shape != old.shape:
                raise Broken(f"migrate: expected {old.shape} rows, got {new.shape}")
        return new


def form_of(module: Any, spec: Spec) -> Any:
    """Form of the state: a structured dtype of a lane agent, a msgspec struct with defaults of a city agent."""
    if spec.shape == "lane":
        form = getattr(module, "STATE", None)
        if not isinstance(form, np.dtype) or form.names is None or form.hasobject:
            raise Broken(f"{spec.id}: expected STATE = np.dtype([...]) with named fields and no objects in agent.py")
        return form
    form = getattr(module, "State", None)
    if not isinstance(form, type) or not issubclass(form, msgspec.Struct):
        raise Broken(f"{spec.id}: expected class State(msgspec.Struct) in agent.py")
    return form


def mapped(old: NDArray[Any], form: np.dtype[Any]) -> NDArray[Any] | None:
    """Rows by the names of their fields; a new field begins at zero, one that changed its type cannot be mapped."""
    out = np.zeros(len(old), form)
    for name in set(old.dtype.names or ()) & set(form.names or ()):
        if not np.can_cast(old.dtype[name], form[name], "safe"):
            return None
        out[name] = old[name]
    return out


def _protect(rows: Rows) -> None:
    """An agent may not write to what it is given."""
    columns: list[NDArray[Any]] = [rows.asset, rows.kind, rows.t, rows.lon, rows.lat, rows.grid, *rows.values.values()]
    for column in columns:
        column.flags.writeable = False


def _loud(said: Any, rows: Rows, assets: int) -> I4:
    """Places of the rows that must be asked about: of each asset all from its first that is not quiet on.

    A quiet row leaves the state as it was, so that what was said of the next one with that state still holds.
    """
    quiet = np.asarray(said)
    if quiet.shape != (len(rows),) or quiet.dtype.kind != "b":
        raise Broken(f"quiet: expected {len(rows)} of yes or no, got {quiet.dtype} {quiet.shape}")
    at = np.flatnonzero(~quiet)
    if not len(at):
        return at.astype(np.int32)
    first = np.full(assets, len(rows))
    np.minimum.at(first, rows.asset[at], at)
    return np.flatnonzero(np.arange(len(rows)) >= first[rows.asset]).astype(np.int32)


def _among(said: Judged | None, at: I4, spec: Spec, n: int) -> Judged:
    """What was said of the rows ``at`` of n, among those that are quiet: level 0 of all events, nothing else."""
    shape = len(spec.events), n
    level, value, score = np.zeros(shape, np.int8), np.full(shape, np.nan), np.full(shape, np.nan)
    wake, facts = np.full(n, -1, np.int64) if spec.wakes_ms else None, dict[str, NDArray[Any]]()
    if said is not None:
        level[:, at], value[:, at], score[:, at] = said.level, said.value, said.score
        if wake is not None and said.wake is not None:
            wake[at] = said.wake
        for name, column in said.facts.items():
            texts = column.dtype.kind == "U"
            facts[name] = np.zeros(n, column.dtype) if texts else np.full(n, np.nan)
            facts[name][at] = column
    return Judged(level, value, score, facts, wake)


def _judged(said: Any, spec: Spec, rows: Rows) -> Judged:
    n = len(rows)
    if not isinstance(said, Verdict):
        raise Broken(f"decide: expected a Verdict, got {type(said).__name__}")
    level = np.stack([_column(said.level, e, spec, n, "level", None) for e in spec.events])
    whole = level.astype(np.int8)
    if (whole != level).any() or ((whole < -1) | (whole > 4)).any():
        raise Broken("decide: level: expected -1, 0 or 1 to 4")
    nothing = np.full(n, np.nan)
    value, score = (
        np.stack([_column(part, e, spec, n, name, nothing) for e in spec.events]).astype(np.float64)
        for name, part in (("value", said.value), ("score", said.score))
    )
    if len(said.facts) > FACTS:
        raise Broken(f"decide: facts: at most {FACTS}, got {len(said.facts)}")
    facts = {}
    for name, column in said.facts.items():
        column = np.asarray(column)
        if column.shape != (n,) or column.dtype.kind not in "iufbU":
            raise Broken(f"decide: facts: {name}: expected {n} numbers or texts, got {column.dtype} {column.shape}")
        facts[name] = column.astype(_text(column.dtype)) if column.dtype.kind == "U" else column.astype(np.float64)
    return Judged(whole, value, score, facts, _wake(said.wake, spec, rows.t))


def _text(form: np.dtype[Any]) -> np.dtype[Any]:
    """Texts are cut where they are too long, and no wider than they are."""
    return min(form, np.dtype(f"U{TEXT}"), key=lambda one: one.itemsize)


def _wake(said: Any, spec: Spec, t: I8) -> I8 | None:
    if not spec.wakes_ms:
        if said is not None:
            raise Broken("decide: wake: the manifest has no wakes_s")
        return None
    if said is None:
        return np.full(len(t), -1, np.int64)
    column = np.asarray(said)
    if column.shape != t.shape or column.dtype.kind not in "iu":
        raise Broken(f"decide: wake: expected {len(t)} whole numbers, got {column.dtype} {column.shape}")
    soon = (column < -1) | ((column > 0) & (column < t + spec.wakes_ms))
    if soon.any():
        at, row = int(column[soon][0]), int(t[soon][0])
        raise Broken(f"decide: wake: expected -1, 0 or {spec.wakes_ms} ms after the row at {row}, got {at}")
    return column.astype(np.int64)


def _column(part: Any, event: str, spec: Spec, n: int, name: str, nothing: F8 | None) -> NDArray[Any]:
    if part is None and nothing is not None:
        return nothing
    if isinstance(part, Mapping):
        if event not in part and nothing is not None:
            return nothing
        if event not in part or not set(part) <= set(spec.events):
            raise Broken(f"decide: {name}: expected events {', '.join(spec.events)}, got {', '.join(map(str, part))}")
        part = part[event]
    elif name == "level" and len(spec.events) > 1:
        raise Broken(f"decide: level: expected one column an event: {', '.join(spec.events)}")
    column = np.asarray(part)
    if column.shape != (n,) or column.dtype.kind not in "iufb":
        raise Broken(f"decide: {name}: expected {n} numbers, got {column.dtype} {column.shape}")
    return column


def _said(said: Any, spec: Spec) -> list[Said]:
    out = list(said) if isinstance(said, list | tuple) else None
    if out is None or not all(isinstance(one, Said) for one in out):
        raise Broken(f"decide: expected a list of Said, got {type(said).__name__}")
    if len(out) > SAYS:
        raise Broken(f"decide: at most {SAYS} things in a minute, got {len(out)}")
    seen = set()
    for one in out:
        if one.event not in spec.events:
            raise Broken(f"decide: {one.who}: event: expected one of {', '.join(spec.events)}, got {one.event!r}")
        if not one.who or "\x1f" in one.who or len(one.who) > TEXT or (one.event, one.who) in seen:
            raise Broken(f"decide: who: expected each name once in an event, got {one.who[:40]!r}")
        seen.add((one.event, one.who))
        if one.level not in (0, 1, 2, 3, 4):
            raise Broken(f"decide: {one.who}: level: expected 0 to 4, got {one.level!r}")
        if len(one.facts) > FACTS or sum(map(len, one.footprint)) > POINTS:
            raise Broken(f"decide: {one.who}: at most {FACTS} facts and {POINTS} points of a footprint")
        one.facts = {str(k): _fact(v) for k, v in sorted(one.facts.items())}
        one.footprint = [[(round(float(x), 6), round(float(y), 6)) for x, y in ring] for ring in one.footprint]
        if one.footprint and not np.isfinite([p for ring in one.footprint for p in ring]).all():
            raise Broken(f"decide: {one.who}: footprint: expected finite degrees")
        one.text = one.text[:TEXT]
        one.value, one.score = _finite(one.value), _finite(one.score)
        one.lon, one.lat = _finite(one.lon), _finite(one.lat)
        one.onset = None if one.onset is None else int(one.onset)
    return out


def _fact(value: Any) -> Fact:
    if isinstance(value, str):
        return value[:TEXT]
    number = float(value)
    if not np.isfinite(number):
        raise Broken(f"decide: facts: expected finite numbers, got {number}")
    return number


def _finite(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
