"""The last line: shown at such a time because of this, or not shown because of that, and what would have shown it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brain.explain.story import parts_of
from brain.explain.trail import Note
from brain.incidents.evidence import Parts
from brain.incidents.reasons import Reason
from brain.incidents.value import Incident, Text
from brain.incidents.words import WORDS
from brain.tail import clock

_BY_HAND = Text("有人将其上屏", "a person who shows it")


def last_note(incident: Incident, notes: Sequence[Note], what: str) -> Note | None:
    """The last audit note of that kind about the incident."""
    mine = (n for n in reversed(notes) if n.get("incident") == incident.id and n.get("what") == what)
    return next(mine, None)


def so(incident: Incident, notes: Sequence[Note]) -> Text:
    """Shown at … because …, or not shown because …."""
    if incident.merged_into:
        into = incident.merged_into
        return Text(f"已并入 {into}: 见该事件", f"merged into {into}: see that one")
    if incident.shown is not None:
        return _shown(incident, last_note(incident, notes, "incident.shown"))
    note = last_note(incident, notes, "incident.withheld")
    reason = incident.withheld
    if not reason:
        if incident.cleared is not None:
            return Text("未上屏: 尚未判定时全部消除", "not shown: all had cleared before it was judged again")
        return Text("未上屏: 尚未判定", "not shown: not judged yet")
    words = WORDS.get(reason) or Text(reason, reason)
    zh, en = f"未上屏: {words.zh}", f"not shown: {words.en}"
    if reason == Reason.NEVER_SHOWN and note is not None:
        before = WORDS.get(str(note.get("reason"))) or Text(str(note.get("reason")), str(note.get("reason")))
        zh, en = f"{zh}; 此前: {before.zh}", f"{en}; until then: {before.en}"
    if note is not None and "evidence" in note:
        zh += f" (证据 {note['evidence']:g}, 需 {note.get('need', 0):g})"
        en += f" (evidence {note['evidence']:g}, needed {note.get('need', 0):g})"
    return Text(zh, en)


def _shown(incident: Incident, note: Note | None) -> Text:
    at = clock(incident.shown or 0)
    reason = str(note.get("reason")) if note is not None else _kept(incident)
    words = WORDS.get(reason) or Text(reason, reason)
    zh, en = f"{at} 上屏: {words.zh}", f"shown at {at}: {words.en}"
    if note is not None and "evidence" in note:
        known, need, shown = note["evidence"], note.get("need", 0), note.get("shown", 0)
        if known >= need:
            zh, en = f"{zh} (证据 {known:g} ≥ {need:g})", f"{en} (evidence {known:g} ≥ {need:g})"
        elif reason in {Reason.SHOWN, Reason.SHOWN_LASTING}:
            zh = f"{zh} (该屏十分钟内仅上屏 {shown} 件, 证据 {known:g} 即可)"
            en = f"{en} (the console had {shown} in ten minutes, so evidence {known:g} was enough)"
    return Text(zh, en)


def _kept(incident: Incident) -> str:
    """Why it was shown, where its own reasons still say so."""
    found = (reason for at, reason, _ in incident.reasons if at == incident.shown and reason.startswith("shown"))
    return next(found, "shown")


def would(incident: Incident, notes: Sequence[Note]) -> list[Text]:
    """What, by itself, would have shown an incident that was not; empty where it was shown or merged."""
    if incident.shown is not None or incident.merged_into:
        return []
    note = last_note(incident, notes, "incident.withheld")
    reason = "" if note is None else str(note.get("reason"))
    if note is None or not reason:
        return [_BY_HAND]
    out: list[Text] = []
    parts, need = parts_of(note), float(note.get("need", 0))
    if reason == Reason.AREA_WIDE and parts is not None:
        out = [*_more(note, parts, max(need, float(note.get("surer", 0)))), _ends(str(note.get("cause", "")))]
    elif reason == Reason.HELD and parts is not None:
        until = clock(int(note.get("until") or 0))
        out = [Text(f"持续到 {until} 仍未消除", f"still standing at {until}"), *_room(note)]
        out += _more(note, parts, max(need, float(note.get("sure", 0))))
    elif reason == Reason.DEFERRED_STORM and parts is not None:
        out = [Text("风暴结束后仍未消除", "still standing when the storm was over"), *_calmer(incident, notes, note)]
        out += [*_room(note), *_more(note, parts, need)]
        if "hold_s" in note:
            sure, hold = note.get("sure", 0), note["hold_s"]
            out.append(Text(
                f"(证据不足 {sure:g} 时, 以上还须持续 {hold:g} 秒)",
                f"(all of these must have stood for {hold:g} s too, where evidence is below {sure:g})",
            ))  # fmt: skip
    elif reason == Reason.INHIBITED:
        out.append(_ends(str(note.get("cause", ""))))
    elif reason in {Reason.SHELVED, Reason.MAINTENANCE}:
        until, by = clock(int(note.get("until") or 0)), note.get("by", "")
        out.append(Text(f"{until} 之前由 {by} 解除", f"lifted by {by} or another before {until}"))
    return [*out, _BY_HAND]


def _room(note: Note) -> Iterator[Text]:
    if int(note.get("room", 0)) > 0:
        return
    most, shown = note.get("most", 0), note.get("shown", 0)
    yield Text(
        f"屏上有空位 (十分钟内已上屏 {shown} 件, 上限 {most} 件, 含为生命安全保留的), 且有以下之一",
        f"room on the console ({shown} shown in ten minutes of at most {most}, places kept for life-safety included), "
        "and one of these",
    )  # fmt: skip


def _calmer(incident: Incident, notes: Sequence[Note], note: Note) -> Iterator[Text]:
    """What makes a console defer one that has too little evidence: a storm, wild surroundings, or its own count."""
    if note["evidence"] >= note.get("need", 0):
        return
    at, weak = int(note.get("t", 0)), int(note.get("weak", 0))
    began = [int(n.get("t", 0)) for n in notes if n.get("what") == "storm.began" and n.get("domain") == incident.domain]
    since = max((t for t in began if t <= at), default=at)
    if int(note.get("shown", 0)) < int(note.get("lone", 0)):
        yield Text(
            "风暴减弱且周围没有其他事件", "nothing else standing around it, and none that had to wait for ten minutes"
        )
    if since < at:
        yield Text(f"当时无风暴 (始于 {clock(since)})", f"no storm on its console, as there was since {clock(since)}")
    elif note.get("wild"):
        yield Text("周围各类事件较少", "fewer kinds of incidents around")
    elif int(note.get("shown", 0)) >= weak:
        yield Text(f"此前十分钟上屏少于 {weak} 件", f"fewer than {weak} shown in the ten minutes before")


def _ends(cause: str) -> Text:
    return Text(f"主因 {cause} 先结束", f"its cause {cause} ending while it still stood")


def _more(note: Note, parts: Parts, need: float) -> Iterator[Text]:
    """The least of each kind that gives as much evidence as was needed, as this release weighs it."""
    known = float(note.get("evidence", parts.worth()))
    if known >= need:
        yield Text(
            f"证据已足 (需 {need:g}), 缺的是空位或时间", f"its evidence was enough ({need:g}): room or time was not"
        )
        return
    if parts.worth() != known:
        yield Text(f"证据再多 {need - known:.3g}", f"{need - known:.3g} more evidence")
        return
    found = False
    top = next((n for n in range(parts.top + 1, 5) if parts._replace(top=n).worth() >= need), None)
    if top is not None:
        found = True
        yield Text(f"一个资产升至 {top} 级", f"one of its assets at level {top}")
    for new, zh, en in ((0, "同类来源再有一个资产", "one more asset of the same kind of source"),
                        (1, "另一类来源在同一地点印证", "one more asset, of another kind of source")):  # fmt: skip
        level = next((n for n in range(5) if _with(parts, n, new).worth() >= need), None)
        if level is not None:
            found = True
            up = Text("及以上", " or above") if level < 4 else Text()
            yield Text(f"{zh}, {level} 级{up.zh}", f"{en}, at level {level}{up.en}")
    if not found:
        yield Text(
            f"证据再多 {need - parts.worth():.3g}: 单凭一个资产不够", f"{need - parts.worth():.3g} more evidence: "
            "no single asset would have been enough",
        )  # fmt: skip


def _with(parts: Parts, level: int, source: int) -> Parts:
    """With one more asset at a level, from another kind of source or not."""
    top, second = sorted((parts.top, parts.second, level), reverse=True)[:2]
    return parts._replace(top=top, second=second, sources=parts.sources + source, assets=parts.assets + 1)
