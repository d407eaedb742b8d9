"""What a backtest found, as one value: ``--json`` is these fields (docs/backtest.md), the same bytes for the same log.

How long it took is not in it: that differs from run to run. Nor is any text of tickets.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FORMAT = "brain.backtest/1"
SHOWN = 200
"""Pairs that a report lists; counts are of all."""

Kind = Literal["", "new", "gone", "patch", "minor", "major"]


class Load(msgspec.Struct):
    """What a department that leads would have been shown; hours are (ms UTC, incidents), those with none left out."""

    lead: str
    name: str
    shown: int
    peak_10min: int
    """Most within any ten minutes."""
    peak_at: int
    """Begin of these, ms UTC; -1 where nothing was shown."""
    hours: list[tuple[int, int]] = []


class Side(msgspec.Struct):
    """One version on the log. ``raises``: signals that began something; ``shown``: incidents that people would see."""

    name: str
    set: str
    scenarios: int
    signals: int
    raises: int
    incidents: int
    shown: int
    life: int
    """Shown ones of never-hidden classes."""
    per_day: float
    days: list[tuple[str, int]] = []
    """Shown by day (UTC+8)."""
    grids: dict[str, int] = {}
    codes: dict[str, int] = {}
    """Shown by event code; the scenario's id where it has none."""
    leads: list[Load] = []
    peak_10min: int = 0
    """The greatest of all departments'."""
    reduction: float = 0.0
    """1 - shown ÷ raises; 0 where nothing was raised."""
    fates: dict[str, int] = {}
    """What folding did with signals and timers, by reason."""
    outcomes: dict[str, int] = {}
    dead: dict[str, int] = {}
    """Dead letters by stage and reason."""


class Glance(msgspec.Struct, frozen=True):
    """An incident as far as versions are compared; times ms UTC."""

    id: str
    code: str
    grid: str
    opened: int
    shown: int | None
    withheld: str
    peak_level: int
    life: bool
    lead: str
    assets: int


class Pair(msgspec.Struct):
    """One thing in both versions, or in one; ``differs``: fields by name."""

    base: Glance | None
    candidate: Glance | None
    differs: list[str] = []


class Compared(msgspec.Struct):
    """The candidate against the version in force."""

    same: int
    new: int
    gone: int
    changed: int
    pairs: list[Pair] = []
    """The first of those that are not the same: gone before changed before new."""


class Found(msgspec.Struct):
    """Truths found by one version. A late one counts as missed; delays are seconds from onset until shown."""

    of: int
    found: int
    missed: list[str]
    late: list[str]
    life_missed: list[str]
    """Missed ones of never-hidden classes."""
    false: int
    """Shown incidents that are of no truth."""
    delay_median_s: float | None
    delay_p95_s: float | None
    lead_median_s: float | None
    """From shown to the end of what happened; of truths that have one."""


class Labels(msgspec.Struct):
    """What people labelled, in both versions; ``earlier`` and ``later``: found by both, by more than a second."""

    base: Found
    candidate: Found
    lost: list[str]
    """Found by the base, missed by the candidate."""
    gained: list[str]
    earlier: int
    later: list[str]


class Dispositions(msgspec.Struct):
    """What people said in the log of the base's incidents, and what the candidate makes of these.

    ``lead_median_s``: from shown until a person first said what it was. ``later``: shown later by more than a second.
    """

    confirmed: int
    kept: int
    missed: list[str]
    life_missed: list[str]
    later: list[str]
    false: int
    false_kept: int
    """Incidents that people called false, and that the candidate would show too."""
    lead_median_s: float | None
    candidate_lead_median_s: float | None


class Judged(msgspec.Struct):
    """A scenario that changed: its two contents, what its signals do on the log, and the kind that follows."""

    id: str
    was: int
    now: int
    was_hash: str
    now_hash: str
    fields: list[str]
    kind: Kind
    why: str
    """Name of the reason, from a closed list (docs/backtest.md)."""
    raises_base: int
    raises_candidate: int
    lost: int
    """Episodes of the base that the candidate does not have."""
    later: int
    weaker: int
    """Episodes that reach a lower level."""
    more: int


class Block(msgspec.Struct):
    """A limit that the candidate does not keep: what of, how much is allowed, how much there was."""

    limit: str
    of: str
    allowed: float
    got: float


class Ran(msgspec.Struct):
    """What the candidate's run worked itself, and what it took over from the base: lanes, and why."""

    worked: list[str]
    taken: list[str]
    why: list[str]


class Report(msgspec.Struct):
    """All of it. ``since`` and ``until``: what is counted, ms UTC; ``warm_up_s`` before it was run and not counted."""

    format: str
    since: int
    until: int
    warm_up_s: float
    events: dict[str, int]
    """Records that are no pulses, by input."""
    changed: list[str]
    """Files of the sets that differ."""
    ran: Ran
    base: Side
    candidate: Side
    compared: Compared
    labels: Labels | None
    dispositions: Dispositions
    scenarios: list[Judged]
    blocks: list[Block]


def encode(report: Report) -> bytes:
    """The JSON of a report, indented, with a line's end."""
    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=1) + b"\n"


def decode(raw: bytes) -> Report:
    """A report that was written. Raises ValueError of what is none, with the place."""
    try:
        report = msgspec.json.decode(raw, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"expected a report of a backtest: {error}") from error
    if report.format != FORMAT:
        raise ValueError(f"format: expected {FORMAT!r}, got {report.format[:40]!r}")
    return report
