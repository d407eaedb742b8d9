"""A scenario's way 转正: draft → shadow → trial (one district) → live → retired, by evidence and named persons.

A step makes a new set, never touches the one in force, and takes effect at the pulse that names the new set. Everything
that the step does not change keeps its bytes, and so its state.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from brain import combination, scenarios
from brain.explain.trail import Written, written
from brain.near import Both
from brain.ruling import RULINGS
from brain.scenario import Scenario
from brain.scenario_form import State, Trial
from brain.scenario_kit import lock
from brain.scenario_kit.lock import hash_of
from brain.sets import SCENARIOS, CitySet, digest
from brain.unfit import Unfit, both

UP: Final[Mapping[State, tuple[State, ...]]] = {
    "draft": ("shadow",), "shadow": ("trial", "live"), "trial": ("trial", "live"), "live": (), "retired": ("shadow",),
}  # fmt: skip
"""Where it may go on to from each state; to trial again is to another district."""
BACK: Final[Mapping[State, tuple[State, ...]]] = {
    "draft": (), "shadow": ("draft", "retired"), "trial": ("shadow", "retired"), "live": ("trial", "shadow", "retired"),
    "retired": ("trial", "live"),
}  # fmt: skip
"""Where it may be taken back to. Out of retirement to trial or live only as what undoes the retirement."""
JUDGED: Final = ("trial", "live")
"""States that people see: to go on to them takes evidence."""
_STATE = re.compile(r"^state:[^\n]*\n", re.MULTILINE)
_TRIAL = re.compile(r"^trial:[^\n]*\n(?:[ \t]+[^\n]*\n)*", re.MULTILINE)
_VERSION = re.compile(r"^version:[^\n]*\n", re.MULTILINE)


class PromotionError(Unfit):
    """The step is not taken; read by a person, and nothing is changed."""


class Told(msgspec.Struct):
    """What evidence says of one scenario: version, hash of what decides, and of which kind the version is."""

    id: str
    now: int = 0
    now_hash: str = ""
    kind: str = ""


class Evidence(msgspec.Struct):
    """What is needed of a backtest's report or of a comparison in shadow; ``blocks``: limits that were not kept."""

    scenarios: list[Told]
    blocks: list[Any] = []
    hash: str = ""
    """Of the file's bytes."""


class Step(NamedTuple):
    """What is to be done, and by whom; ``undo``: it takes back the last step."""

    id: str
    to: State
    by: str
    why: str
    second: str = ""
    district: str = ""
    undo: bool = False


class Taken(NamedTuple):
    """A step that was taken: the new set's folder and id, and the note for the audit."""

    folder: Path
    set: str
    note: bytes


def evidence(raw: bytes) -> Evidence:
    """Raises PromotionError of a file that is none."""
    try:
        found = msgspec.json.decode(raw, type=Evidence)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PromotionError(
            "--evidence", "expected the JSON of a backtest or of brain scenario shadow: {said}", said=both(error)
        ) from error
    found.hash = "sha256:" + hashlib.sha256(raw).hexdigest()
    return found


def check(s: Scenario, step: Step, shown: Evidence | None, failed: int) -> None:
    """Whether the step may be taken; ``failed``: tests in the file that do not pass. Raises PromotionError."""
    if not step.by.strip():
        raise PromotionError("--by", "expected who decides it, got nothing")
    if not step.why.strip():
        raise PromotionError("--why", "expected the reason, got nothing")
    forward = step.to in UP[s.state]
    if not forward and step.to not in BACK[s.state]:
        allowed = ", ".join((*UP[s.state], *BACK[s.state]))
        raise PromotionError(
            s.id, "is {state}; expected --to {allowed}, got {to}", state=s.state, allowed=allowed, to=step.to
        )
    if s.state == "retired" and not forward and not step.undo:
        raise PromotionError(s.id, "is retired; it comes back through shadow, or by brain scenario rollback")
    if (step.to == "trial") != bool(step.district):
        raise PromotionError("--district", "expected the district's code with --to trial, and only with it")
    if forward and not s.tests:
        raise PromotionError(s.id, "has no tests in its file (brain scenario explain no_test_fires)")
    if forward and failed:
        raise PromotionError(s.id, "{n} tests in its file do not pass (brain scenario test)", n=failed)
    kind = ""
    if forward and step.to in JUDGED:
        kind = _shown(s, shown)
    if (s.life or kind == "major") and (not step.second.strip() or step.second.strip() == step.by.strip()):
        life = Both("属于不可隐藏类别", "is of a never-hidden class")
        less = Both("可能漏报或更晚报出, 属主要变更", "may catch less, or later: a major change")
        raise PromotionError(
            s.id, "{why}; it takes a second person, by --second, other than {by}", why=life if s.life else less,
            by=step.by,
        )  # fmt: skip


def _shown(s: Scenario, shown: Evidence | None) -> str:
    """The kind of the change, by evidence that is of this very content."""
    if shown is None:
        raise PromotionError("--evidence", "expected the JSON of a backtest or of brain scenario shadow, got nothing")
    told = next((one for one in shown.scenarios if one.id == s.id), None)
    if told is None:
        raise PromotionError("--evidence", "it says nothing of {id}", id=s.id)
    if (told.now, told.now_hash) != (s.version, hash_of(s)):
        want, got = f"{s.version} ({hash_of(s)})", f"{told.now} ({told.now_hash})"
        raise PromotionError(
            "--evidence", "expected one of version {want}, got {got}: judge it anew", want=want, got=got
        )
    if shown.blocks:
        raise PromotionError(
            "--evidence", "{n} limits were not kept: {first}", n=len(shown.blocks), first=shown.blocks[0]
        )
    return told.kind


def rewritten(
    text: str, to: State, district: str = "", place: str = "scenario", bases: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """A scenario's file in another state; every other character stays. ``bases`` is what it may extend.

    Raises PromotionError where the file is so written that its state cannot be changed alone.
    """
    before = scenarios.read(text, place, bases)
    line = f"state: {to}\n" + (f"trial: {{district: {msgspec.json.encode(district).decode()}}}\n" if district else "")
    made = _TRIAL.sub("", text if text.endswith("\n") else text + "\n", count=1)
    made = (_STATE if _STATE.search(made) else _VERSION).sub(
        lambda found: line if found[0].startswith("state:") else found[0] + line, made, count=1
    )
    trial = Trial(district) if district else None
    same: dict[str, Any] = {"state": to, "trial": trial, "own": {}}
    after = msgspec.structs.replace(scenarios.read(made, place, bases), own={})
    if msgspec.to_builtins(after) != msgspec.to_builtins(msgspec.structs.replace(before, **same)):
        raise PromotionError(place, "its state cannot be changed alone: write state: {to} by hand", to=to)
    return made


def brought(folder: Path, file: Path) -> Written:
    """A scenario from a file outside the set, as a draft with its place in it. Raises PromotionError where the set has
    it in a state that people see: what replaces such a one has an id of its own, and ``shadow_of``."""
    text = file.read_text(encoding="utf-8")
    s = scenarios.read(text, str(file), scenarios.bases(folder / SCENARIOS))
    there = written(folder).get(s.id)
    if s.state != "draft":
        raise PromotionError(file, "expected state: draft of what is brought in, got {state}", state=s.state)
    if there is not None and there.scenario.state not in ("draft", "shadow"):
        raise PromotionError(
            s.id, "is {state} in {folder}: give a variant its own id and shadow_of", state=there.scenario.state,
            folder=folder,
        )  # fmt: skip
    name = f"{SCENARIOS}/{s.domain}/{s.id.removeprefix(s.domain + '.').replace('.', '_')}.yaml"
    return Written(s, name if there is None else there.file, text)


def taken(folder: Path, out: Path, step: Step, shown: Evidence | None, now: int, new: Written | None = None) -> Taken:
    """Write the set after the step beside the one before it; whatever is wrong, there is no new folder.

    A variant that goes live takes the place of the scenario that it is a shadow of, which is retired in the same set;
    undoing that brings it back. ``now`` is the step's time for the note, ms UTC; ``new`` is brought into the set by it.

    Raises
    ------
    PromotionError, ValueError, OSError
        The set lacks it, cannot be written, or does not hold after the step.
    """
    if out.exists():
        raise PromotionError(out, "is there already; expected a folder that is not")
    every = written(folder) if new is None else {**written(folder), step.id: new}
    steps: list[tuple[str, State, str]] = [(step.id, step.to, step.district)]
    s = _of(every, step.id, folder).scenario
    lost = combination.nowhere(s, [one.scenario for one in every.values()]) if step.to == "trial" else []
    if lost:
        raise PromotionError(s.id, "{said}", said=Both(*combination.no_trial(lost)))
    rest = every.get(s.shadow_of)
    if step.to == "live" and rest is not None and rest.scenario.state != "retired":
        steps.append((s.shadow_of, "retired", ""))
    elif step.undo and s.state == "live" and rest is not None and rest.scenario.state == "retired":
        steps.append((s.shadow_of, "live", ""))
    changed: dict[str, str] = {}
    bases = scenarios.bases(folder / SCENARIOS)
    for id_, to, district in steps:
        found = _of(every, id_, folder)
        changed[found.file] = rewritten(found.text, to, district, str(folder / found.file), bases)
    before = digest(folder)
    beside = Path(tempfile.mkdtemp(prefix=".step-", dir=out.parent))
    try:
        made = beside / out.name
        shutil.copytree(folder, made)
        for name, text in changed.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_text(text, encoding="utf-8")
        content = CitySet.load(made)
        if step.district and step.district not in content.map.districts:
            raise PromotionError(
                "--district", "{district}: the map has {districts}", district=step.district,
                districts=", ".join(sorted(set(content.map.districts))),
            )  # fmt: skip
        after = content.id
        if (made / lock.NAME).is_file():  # a draft was not locked
            locked = {
                **lock.read(made / lock.NAME),
                **lock.of(scenarios.read(text, "", bases) for text in changed.values()),
            }
            (made / lock.NAME).write_text(lock.text(locked), encoding="utf-8")
        note = _note(s, step, steps[1:], shown, before, after, now)
        with (made / RULINGS).open("ab") as stream:
            stream.write(note + b"\n")
        made.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Taken(out, after, note)


def before_last(folder: Path, id_: str) -> tuple[State, str]:
    """State and district of a scenario before its last step, which the set's folder tells. Raises PromotionError."""
    path = folder / RULINGS
    lines = path.read_bytes().splitlines() if path.is_file() else []
    notes = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines if line]
    for note in reversed(notes):
        if note.get("scenario") == id_ and str(note.get("what", "")).startswith("scenario."):
            return note["from"], note.get("from_district", "")
    raise PromotionError(folder, "it tells of no step of {id} that could be taken back (promote --to STATE)", id=id_)


def next_name(below: Path, name: str) -> str:
    """A free name for the set after this one: ``demo``, ``demo-2``, ``demo-3``."""
    stem, _, number = name.rpartition("-")
    stem, n = (stem, int(number)) if stem and number.isdigit() else (name, 1)
    while (below / f"{stem}-{(n := n + 1)}").exists():
        pass
    return f"{stem}-{n}"


def _of(every: Mapping[str, Written], id_: str, folder: Path) -> Written:
    if id_ not in every:
        raise PromotionError(folder, "it has no scenario {id}", id=id_)
    return every[id_]


def _note(
    s: Scenario, step: Step, rest: list[tuple[str, State, str]], shown: Evidence | None, before: str, after: str,
    now: int,
) -> bytes:  # fmt: skip
    """For the audit, and beside the set: who, what, why, by which evidence, from which set to which."""
    what = "retired" if step.to == "retired" else "promoted" if step.to in UP[s.state] else "rolled_back"
    return msgspec.json.encode({
        "what": f"scenario.{what}", "t": now, "scenario": s.id, "version": s.version, "hash": hash_of(s),
        "from": s.state, "from_district": s.trial.district if s.trial else "", "to": step.to,
        "district": step.district, "by": step.by, "second": step.second, "why": step.why,
        "evidence": "" if shown is None else shown.hash, "also": [[id_, to] for id_, to, _ in rest],
        "before": before, "after": after,
    })  # fmt: skip
