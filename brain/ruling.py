"""A proposal applied by a named person: the next version of a scenario in a copy of its set, or an asset put aside.

The copy is a set like any other: tried and brought into force by ``brain set use``. Nothing here touches the set that
is in force. A never-hidden class takes two persons, whatever is done to it, and is never put aside.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from brain import scenarios
from brain.explain.trail import Written, written
from brain.proposals import Proposal
from brain.sets import SCENARIOS, digest
from brain.unfit import Unfit

RULINGS: Final = "rulings.ndjson"
"""Beside the copy's files, and no part of its content hash: who changed what, from what, and why."""
SHELF_MS: Final = 7 * 86_400_000
"""So long an asset is put aside at most; after that it speaks again, and is judged again."""
_VERSION = re.compile(r"^(version:[ \t]*)(\d+)(?=[ \t]*(?:#.*)?$)", re.MULTILINE)


class RulingError(Unfit):
    """It cannot be applied; read by a person, and nothing is changed."""


def may(proposal: Proposal, by: str, second: str, why: str) -> None:
    """Whether these persons may. Raises RulingError."""
    if not by.strip():
        raise RulingError("--by", "expected who decides it, got nothing")
    if not why.strip():
        raise RulingError("--why", "expected the reason, got nothing")
    if proposal.two and (not second.strip() or second.strip() == by.strip()):
        raise RulingError(
            "", "{scenario} is of a never-hidden class: it takes a second person, by --second, other than {by}",
            scenario=proposal.scenario, by=by,
        )  # fmt: skip
    if proposal.two and proposal.kind == "mute":
        raise RulingError("", "{scenario} is of a never-hidden class: never put aside", scenario=proposal.scenario)


def rewritten(
    text: str, proposal: Proposal, place: str = "scenario", bases: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """The scenario's file with the new threshold and the next version; every other character stays. ``bases`` is what
    it may extend.

    Raises RulingError where the file is not the one that was judged, or states the threshold in a form that cannot be
    changed alone (as an anchor, quoted, or taken over from a base).
    """
    before = scenarios.read(text, place, bases)
    now = getattr(before.detect, proposal.field)
    if (before.id, before.version, now) != (proposal.scenario, proposal.version, proposal.old):
        raise RulingError(
            place,
            "expected {scenario} version {version} with detect.{field} {old:g}, got {id} version {there} with {now}: "
            "judge its past anew",
            scenario=proposal.scenario, version=proposal.version, field=proposal.field, old=proposal.old,
            id=before.id, there=before.version, now=now,
        )  # fmt: skip
    new: Any = proposal.new
    made = _VERSION.sub(rf"\g<1>{before.version + 1}", text, count=1)
    start = re.search(r"^detect:", made, re.MULTILINE)
    if start is not None:
        field = re.compile(rf"(\b{proposal.field}:[ \t]*)[-+.\w]+")
        made = made[: start.start()] + field.sub(rf"\g<1>{new:.15g}", made[start.start() :], count=1)
    detect = msgspec.structs.replace(before.detect, **{proposal.field: new})
    wanted = msgspec.structs.replace(before, version=before.version + 1, detect=detect, own={})
    after = msgspec.structs.replace(scenarios.read(made, place, bases), own={})
    if msgspec.to_builtins(after) != msgspec.to_builtins(wanted):
        raise RulingError(
            place, "detect.{field} cannot be changed alone: change it by hand to {new:g}", field=proposal.field, new=new
        )
    return made


def copied(folder: Path, out: Path, proposal: Proposal) -> str:
    """Copy a set with the scenario's next version in it; answers the copy's content hash.

    Raises RulingError, ScenarioError, and OSError where ``out`` cannot be written; then there is no copy.
    """
    found: Written | None = written(folder).get(proposal.scenario)
    if found is None:
        raise RulingError(folder, "it has no scenario {id}", id=proposal.scenario)
    text = rewritten(found.text, proposal, str(folder / found.file), scenarios.bases(folder / SCENARIOS))
    if out.exists():
        raise RulingError(out, "is there already; expected a folder that is not")
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        shutil.copytree(folder, beside)
        (beside / found.file).write_text(text, encoding="utf-8")
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return digest(out)


def record(
    proposal: Proposal, by: str, second: str, why: str, now: int, *, before: str = "", after: str = "", until: int = 0
) -> bytes:
    """What is put on the audit topic, and beside a copy: who, what, from which set to which, and what speaks for it."""
    p = proposal
    note: dict[str, Any] = {
        "what": "rules.applied", "t": now, "proposal": p.id, "kind": p.kind, "scenario": p.scenario,
        "version": p.version, "by": by, "second": second, "why": why, "spared": len(p.spared), "kept": len(p.kept),
        "lost": p.lost, "acts": p.acts,
    }  # fmt: skip
    if p.kind == "threshold":
        note |= {"field": p.field, "old": p.old, "new": p.new, "before": before, "after": after}
    else:
        note |= {"asset": p.asset, "until": until}
    return msgspec.json.encode(note)


def shelving(proposal: Proposal, by: str, unit: str, why: str, now: int) -> bytes:
    """The action that puts the asset aside until ``now`` + SHELF_MS, as `feedback` takes it; the same again changes
    nothing."""
    until = now + SHELF_MS
    told = f"{proposal.id}|{by}|{until}".encode()
    letters = "".join(chr(97 + byte % 26) for byte in hashlib.blake2b(told, digest_size=12).digest())
    return msgspec.json.encode({
        "do": "shelve", "id": f"rules-{letters}", "t": now, "by": {"id": by, "role": "operator", "unit": unit},
        "asset": proposal.asset, "scenario": proposal.scenario, "until": until, "note": why,
    })  # fmt: skip
