"""All that the doctor can find, by permanent code, and one thing found. A code is never reused for something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from brain.doctor import codes_cluster, codes_here, codes_running
from brain.doctor.code import Code, Said, Severity

CODES: Final[Mapping[str, Code]] = {**codes_here.CODES, **codes_cluster.CODES, **codes_running.CODES}
RANK: Final[Mapping[Severity, int]] = {"note": 0, "warning": 1, "error": 2}
"""Also the exit code, but for notes: they are no trouble."""

Part = Literal["what", "expected", "got", "do"]
PARTS: Final[tuple[Part, ...]] = ("what", "expected", "got", "do")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where. ``values`` fill the code's texts."""

    code: str
    place: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CODES[self.code].severity

    def text(self, part: Part, language: str) -> str:
        """One part of it for a person."""
        said: Said = getattr(CODES[self.code], part)
        return (said.en if language == "en" else said.zh).format_map({"place": self.place, "got": "–", **self.values})


def found(code: str, place: object, got: object = "–", **values: object) -> Finding:
    """A finding; ``got`` is what came, the other values are what the code's texts name in braces."""
    return Finding(code, str(place), {"got": str(got), **{name: str(value) for name, value in values.items()}})


def page() -> str:
    """The table of docs/doctor.md."""
    lines = ["| code | severity | what 含义 | what to do 处理 |", "|---|---|---|---|"]
    for id, code in CODES.items():
        do = code.do.en.replace("{place}", "PLACE").replace("|", "\\|")
        for name in ("way_out", "wanted", "needs", "topics"):
            do = do.replace("{" + name + "}", "…")
        lines.append(f"| {id} | {code.severity} | {code.what.zh} · {code.what.en} | {do} |")
    return "\n".join(lines) + "\n"
