"""Messages for people, in Chinese and English: title and text of a message, without anything that steers a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from brain.city_time import CITY_TIME
from brain.incidents.value import Text
from brain.incidents.words import doubts_text
from brain.notify.occasions import Occasion
from brain.notify.port import About, Kind

"""People in the city read their own time, UTC+8 北京时间."""
KINDS: Final[dict[Kind, Text]] = {
    Kind.ALARM: Text("预警(尚未成案)", "alarm, its incident follows"),
    Kind.SHOWN: Text("新事件", "new"),
    Kind.LEVEL: Text("级别上升", "its level rose"),
    Kind.JOINED: Text("同一场所又有报警", "another alarm at its site"),
    Kind.REOPENED: Text("再次发生", "again"),
    Kind.RELEASED: Text("解除抑制", "released"),
    Kind.SOUNDED: Text("请注意", "asks for attention"),
    Kind.UNACKNOWLEDGED: Text("无人签收，第 {step} 次催办", "nobody has taken it, step {step}"),
    Kind.STALE: Text("签收后无进展，第 {step} 次", "taken, and nothing happens, {step}"),
    Kind.PREDICTED: Text("临近超时: {clock}", "limit about to be missed: {clock}"),
    Kind.BREACHED: Text("超时: {clock}", "limit missed: {clock}"),
    Kind.REVIEW_DUE: Text("到复核时间", "review is due"),
}
CLOCKS: Final[dict[str, Text]] = {
    "accept": Text("受理", "accept"),
    "arrive": Text("到场", "arrive"),
    "dispose": Text("处置", "dispose"),
}
_LABELS: Final[dict[str, Text]] = {
    "life": Text("生命安全", "LIFE"), "drill": Text("演练", "DRILL"), "level": Text("级别", "level"),
    "place": Text("地点", "place"), "nowhere": Text("无网格", "no grid"), "lead": Text("牵头", "lead"),
    "assisting": Text("协办", "assisting"), "since": Text("始于", "since"), "due": Text("时限", "due"),
    "says": Text("内容", "says"), "id": Text("编号", "id"), "alarm": Text("预警编号", "alarm"),
    "why": Text("事由", "why"), "trust": Text("设备可信度", "trust in its sensor"),
}  # fmt: skip


def title(occasion: Occasion, about: About, lang: str, *, drill: bool) -> str:
    """One line."""
    marks = [name for name, holds in (("drill", drill), ("life", about.life)) if holds]
    head = "".join(f"[{_word(name, lang)}]" for name in marks)
    return plain(f"{head}{' ' if head else ''}{_name(about, lang)} · {why(occasion, lang)} · {_place(about, lang)}")


def body(occasion: Occasion, about: About, lang: str, alarm: str) -> str:
    """A few lines, each a label and what it is."""
    rows = [
        ("why", why(occasion, lang)),
        ("level", str(about.level) if about.level else ""),
        ("place", _place(about, lang)),
        ("since", clock(about.onset)),
        ("due", clock(occasion.due) if occasion.due else ""),
        ("lead", _pick(about.unit_name, lang) or about.unit),
        ("assisting", ", ".join(about.assisting)),
        ("trust", _trust(about, lang)),
        ("says", about.text),
        ("id", about.id),
        ("alarm", alarm),
    ]
    colon = ": " if lang == "en" else "："
    return "\n".join(plain(f"{_word(name, lang)}{colon}{value}") for name, value in rows if value) + "\n"


def why(occasion: Occasion, lang: str) -> str:
    """The kind in words."""
    limit = _pick(CLOCKS.get(occasion.clock, Text(occasion.clock, occasion.clock)), lang)
    return _pick(KINDS[occasion.kind], lang).format(step=occasion.step, clock=limit)


def clock(ms: int) -> str:
    """A time as people in the city read it."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(CITY_TIME):%Y-%m-%d %H:%M:%S}"


def plain(text: str) -> str:
    """One line of it: what cannot be printed, line ends too, becomes a space."""
    return "".join(c if c.isprintable() else " " for c in text)


def _name(about: About, lang: str) -> str:
    return _pick(about.name, lang) or about.scenario


def _place(about: About, lang: str) -> str:
    parts = [part for part in (about.district, about.town, about.grid) if part]
    where = " / ".join(parts) if parts else _word("nowhere", lang)
    return where if about.lon is None or about.lat is None else f"{where} ({about.lon:.5f}, {about.lat:.5f})"


def _trust(about: About, lang: str) -> str:
    if about.trust >= 1.0:
        return ""
    told = doubts_text(about.doubts, lang)
    return f"{about.trust:.0%}" + (f" ({told})" if told else "")


def _word(name: str, lang: str) -> str:
    return _pick(_LABELS[name], lang)


def _pick(text: Text, lang: str) -> str:
    return (text.en or text.zh) if lang == "en" else (text.zh or text.en)
