"""One examination: checks in their order, each with a time of its own, so that nothing that hangs holds up the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from brain.doctor.code import Said
from brain.doctor.codes import RANK, Finding, found
from brain.doctor.forecast import Forecast
from brain.settings import Settings
from streams.census import Census, LogDir, TopicSeen
from streams.lane_parts import Head
from streams.log import LogError
from streams.pulse import Pulse
from streams.records import TP


class Look(NamedTuple):
    """Where things stood at a moment (s, monotonic): ends of partitions, heads of lanes, bytes of log directories."""

    at: float
    offsets: Mapping[TP, tuple[int, int]]
    heads: Mapping[TP, Head]
    dirs: Sequence[LogDir]

    def lags(self) -> dict[TP, int]:
        """Records that each lane has not read, by its input."""
        return {lane: self.offsets[lane][1] - head.at for lane, head in self.heads.items() if lane in self.offsets}


@dataclass
class Patient:
    """What is examined, and what the checks so far have learnt of it. Times in seconds."""

    config: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] | None = None
    role: str = "worker"
    health: Sequence[str] = ()
    sample_s: float = 3.0
    least_free: int = 2**30
    """Bytes that a disk must have free at least; see :meth:`room`."""
    least_lag: int = 1_000
    """Records: a lag below it may grow without a word."""
    settings: Settings | None = None
    address: str = ""
    census: Census | None = None
    brokers: list[int] = field(default_factory=list)
    topics: dict[str, TopicSeen] = field(default_factory=dict)
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    pulse: Pulse | None = None
    beats: bool = False
    """Whether the pulse moves."""
    looks: list[Look] = field(default_factory=list)
    forecasts: dict[str, Forecast] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)

    def known(self) -> Settings:
        """The settings; the shipped ones where they could not be read."""
        return self.settings or Settings()

    def room(self, total: int) -> int:
        """Bytes that a disk of ``total`` must have free: ``least_free``, or a twentieth of it, where that is more."""
        return max(self.least_free, total // 20)


class Check(NamedTuple):
    """One check; ``needs`` says without what it is left out."""

    name: Said
    look: Callable[[Patient], Iterable[Finding]]
    needs: Literal["", "settings", "broker"] = ""
    limit_s: float = 15.0


class Examined(NamedTuple):
    """All findings, the worst first, and which checks were left out."""

    findings: list[Finding]
    left_out: list[Check]

    @property
    def exit_code(self) -> int:
        """0: fine, but for notes; 1: warnings; 2: errors."""
        return max((RANK[f.severity] for f in self.findings), default=0)


def examine(
    patient: Patient, checks: Sequence[Check], on_check: Callable[[int, Check], None] = lambda *_: None,
    *, close: bool = True,
) -> Examined:  # fmt: skip
    """Run the checks one after the other; ``on_check`` is told which begins. Without ``close`` the caller closes."""
    findings: list[Finding] = []
    left_out = []
    for number, check in enumerate(checks):
        on_check(number, check)
        missing = patient.settings is None if check.needs == "settings" else patient.census is None
        if check.needs and missing:
            left_out.append(check)
            continue
        answer = _within(check.limit_s, lambda check=check: list(check.look(patient)))  # type: ignore[misc]  # bound now
        if answer is None:
            findings.append(found("D901", check.name.en, wanted=f"{check.limit_s:g}"))
            if check.needs == "broker":  # one that hangs once hangs again
                patient.census = None
        elif isinstance(answer, LogError):
            findings.append(found("D202", patient.address, answer, wanted="–", way_out="brain kafka status"))
        elif isinstance(answer, Exception):
            findings.append(found("D902", check.name.en, f"{type(answer).__name__}: {answer}"))
        else:
            findings += answer
    if close:
        _within(5.0, patient.closing.close)
    return Examined(sorted(findings, key=lambda f: -RANK[f.severity]), left_out)


def _within(limit_s: float, work: Callable[[], Any]) -> Any:
    """What the work answers or raises (Exceptions only), or None when it takes longer; it is then left behind."""
    answer: list[Any] = []

    def run() -> None:
        try:
            answer.append(work())
        except Exception as error:  # noqa: BLE001  # whatever a check meets is a finding, not the doctor's end
            answer.append(error)

    thread = threading.Thread(target=run, name="doctor", daemon=True)
    thread.start()
    thread.join(limit_s)
    return answer[0] if answer else None
