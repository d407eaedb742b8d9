"""The story of an incident: a line for each thing that happened to it, in fold order, with what it was judged by.

Pure: records in, lines out. An incident keeps its last 20 reasons; what is older is told by its signals and by the
audit topic, which keep longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from brain.explain.trail import Note, Written
from brain.incidents.evidence import LEVELS, SECOND, SOURCES, Parts
from brain.incidents.reasons import Reason
from brain.incidents.value import Incident, Member, Text
from brain.incidents.words import WORDS
from streams.records import Signal

KINDS = {"raise": Text("报警", "raise"), "update": Text("变化", "update"), "clear": Text("消除", "clear")}
PARTS_BEFORE = (4, 6)
"""Parts of evidence in notes of releases that knew of no climb, and of those that did not ask whether all is new."""
STORM = ("storm.began", "storm.ended")
TRUST = ("asset.doubted", "asset.trusted_again")
MANY = 12
"""Updates in a row of which only the first and the last are told."""


class Line(msgspec.Struct, omit_defaults=True):
    """One thing that happened. ``t``: event time where a signal is behind it, else fold time; ``fold``: fold time;
    both ms UTC. ``about`` is the signal, the clock or the other incident; ``facts`` are the record's own."""

    t: int
    fold: int
    what: str
    words: Text
    because: list[Text] = []
    about: str = ""
    facts: dict[str, Any] = {}


class Then(msgspec.Struct, omit_defaults=True):
    """A scenario as it was in a set; without ``text`` nobody has that set any more."""

    scenario: str
    version: int
    set: str
    name: Text = Text()
    file: str = ""
    text: str = ""


def lines(incident: Incident, notes: Sequence[Note], signals: Sequence[Signal]) -> list[Line]:
    """All that happened to the incident and on its console meanwhile, in fold order."""
    mine = {identity: m for m in incident.members for identity in (m.id, m.latest())}
    told = _signals_of(incident, signals)
    left = dict(told)
    out: list[tuple[int, int, Line]] = []
    numbers = _Notes(incident, notes)
    for at, reason, about in incident.reasons:
        signal = left.pop((at, about), None)
        line = Line(at, at, reason, _words(reason), about=about)
        if signal is not None:
            _from_signal(line, signal)
        elif about in mine:
            m = mine[about]
            again = told.get((at, about))  # what it brought is told by the reason before
            line.t = at if again is None else again.t
            line.facts, line.because = {"asset": m.asset, "scenario": m.scenario}, [Text(m.asset, m.asset)]
        elif about.startswith("inc-"):
            line.because = [Text(f"事件 {about}", f"incident {about}")]
        note = numbers.take(at, reason)
        if note is not None:
            line.facts |= note
            line.because += judged(note)
        out.append((at, 1, line))
    for (at, about), signal in left.items():
        line = Line(at, at, signal.kind, KINDS[signal.kind], about=about)
        _from_signal(line, signal)
        out.append((at, 0, line))
    out += [(line.fold, 0 if line.what == "storm.began" else 2, line) for line in numbers.rest()]
    out.sort(key=lambda row: row[:2])
    return _shorter([line for _, _, line in out])


def concerns(incident: Incident) -> Callable[[Signal], bool]:
    """Which signals are of this incident: those of its members' assets while it was open."""
    pairs = {(m.scenario, m.asset) for m in incident.members}
    until = incident.updated
    return lambda s: (s.scenario, s.asset) in pairs and incident.opened <= s.fold <= until


def _signals_of(incident: Incident, signals: Iterable[Signal]) -> dict[tuple[int, str], Signal]:
    wanted = concerns(incident)
    return {(s.fold, s.identity()): s for s in signals if wanted(s)}


def _from_signal(line: Line, s: Signal) -> None:
    line.t = s.t
    line.because.append(_values(s.asset, s.metric, s.value, s.threshold, s.score, s.level, s.source, s.standard))
    line.facts |= {"asset": s.asset, "scenario": s.scenario, "kind": s.kind, "level": s.level, "source": s.source}
    line.facts |= {"value": s.value, "threshold": s.threshold, "score": s.score, "set": s.set}


def member_text(m: Member) -> Text:
    """A member in words: asset, value against threshold, level and source; what speaks against the asset."""
    words = _values(m.asset, m.metric, m.value, m.threshold, m.score, m.level, m.source, m.standard)
    if m.trust >= 1.0 and not m.doubts:
        return words
    why = ", ".join(m.doubts)
    return Text(f"{words.zh} · 可信度 {m.trust:.2g} {why}".strip(), f"{words.en} · trust {m.trust:.2g} {why}".strip())


def _values(
    asset: str, metric: str, value: float | None, threshold: float | None, score: float | None, level: int,
    source: str, standard: str,
) -> Text:  # fmt: skip
    zh, en = [asset], [asset]
    if value is not None:
        zh.append(f"{metric} {value:g}".strip())
        en.append(zh[-1])
    if threshold is not None:
        zh.append(f"阈值 {threshold:g}")
        en.append(f"against {threshold:g}")
    if standard:
        zh.append(standard)
        en.append(standard)
    elif score is not None:
        zh.append(f"得分 {score:.3g}")
        en.append(f"score {score:.3g}")
    if level:
        zh.append(f"{level} 级")
        en.append(f"level {level}")
    if source:
        zh.append(source)
        en.append(source)
    return Text(" · ".join(zh), " · ".join(en))


def judged(note: Note) -> list[Text]:
    """What the desk judged by, in words; of a note without numbers (an earlier release) only what it says."""
    out: list[Text] = []
    if "evidence" in note:
        out.append(weight(float(note["evidence"]), parts_of(note)))
        need, room, shown = note.get("need", 0), max(0, note.get("room", 0)), note.get("shown", 0)
        out.append(Text(
            f"需 {need:g}; 此前十分钟已上屏 {shown} 件, 尚余 {room} 位",
            f"needed {need:g}; shown in the ten minutes before: {shown}, room for {room} more",
        ))  # fmt: skip
        if note["evidence"] < need and "weak" in note:
            calm, weak = note.get("calm"), note["weak"]
            out.append(Text(
                f"证据不足者: 已上屏少于 {calm} 件时立即上屏, 少于 {weak} 件时观察后上屏",
                f"with less: at once while fewer than {calm} are shown, after a watch while fewer than {weak}",
            ))  # fmt: skip
            if "lone" in note:
                out.append(Text(
                    f"周围没有其他事件者: 风暴减弱后亦可, 已上屏少于 {note['lone']} 件时观察后上屏",
                    f"with nothing around it: after a watch while fewer than {note['lone']}, as a storm abates too",
                ))  # fmt: skip
        families, alike = note.get("families", 0), note.get("alike", 0)
        out.append(Text(
            f"周围 {families} 类事件, 另有 {alike} 件同类", f"families around: {families}, others of its own: {alike}"
        ))  # fmt: skip
    if note.get("cause"):
        out.append(Text(f"主因 {note['cause']}", f"carried by {note['cause']}"))
    if note.get("row"):
        where = f"{note['within_m']:g} m" if note.get("within_m") is not None else str(note.get("same", ""))
        where += ", " + str(note["along"]) if note.get("along") else ""
        rule = f"causes.yaml: {note['row']}, {where}, {float(note.get('within_s', 0)):g} s"
        out.append(Text(rule, rule))
    if note.get("by") and str(note.get("what", "")).startswith("incident."):
        out.append(Text(f"{note['by']}: {note.get('why', '')}", f"{note['by']}: {note.get('why', '')}"))
    if note.get("waited"):
        before = _words(str(note["waited"]))
        out.append(Text(f"此前: {before.zh}", f"before that: {before.en}"))
    return out


def weight(known: float, parts: Parts | None) -> Text:
    """Evidence and what it is made of; by the weights of this release where they give that very number."""
    if parts is None or not parts.assets:
        return Text(f"证据 {known:g}", f"evidence {known:g}")
    if parts.worth() != known:
        made = f"{parts.top}, {parts.second}, {parts.sources}, {parts.assets}, {parts.climbed}"
        return Text(f"证据 {known:g} (最高级, 次高级, 来源种类, 资产数, 升至级: {made}; 权重为旧版)",
                    f"evidence {known:g} (highest and second level, kinds of source, assets, climb: {made}; weights "
                    "of another release)")  # fmt: skip
    zh, en = [f"最高 {parts.top} 级 {LEVELS[parts.top]:g}"], [f"level {parts.top}: {LEVELS[parts.top]:g}"]
    if SECOND[parts.second]:
        zh.append(f"次高 {parts.second} 级 {SECOND[parts.second]:g}")
        en.append(f"another at {parts.second}: {SECOND[parts.second]:g}")
    zh.append(f"{parts.sources} 类来源 {SOURCES[min(parts.sources, 3)]:g}")
    en.append(f"kinds of source {parts.sources}: {SOURCES[min(parts.sources, 3)]:g}")
    zh.append(f"{parts.assets} 个资产 {parts.company():g}")
    en.append(f"assets {parts.assets}: {parts.company():g}")
    if parts.grows():
        zh.append(f"升至 {parts.climbed} 级 {parts.grows():g}")
        en.append(f"climbed to {parts.climbed}: {parts.grows():g}")
    return Text(f"证据 {known:g} = {' + '.join(zh)}", f"evidence {known:g} = {' + '.join(en)}")


def parts_of(note: Note) -> Parts | None:
    """What evidence was made of; None in a note of an earlier release, or one that is wrong."""
    found = note.get("parts")
    if not isinstance(found, list) or len(found) not in (*PARTS_BEFORE, len(Parts._fields)):
        return None
    top, second, sources, assets, climbed, again, anew = (*(int(n) for n in found), 0, 0, 0)[: len(Parts._fields)]
    top, second, climbed = (min(max(level, 0), 4) for level in (top, second, climbed))
    return Parts(top, second, max(sources, 0), max(assets, 0), climbed, again, anew)


class _Notes:
    """The audit notes that are about one incident or its console while it was open."""

    def __init__(self, incident: Incident, notes: Sequence[Note]) -> None:
        self.incident = incident
        self.assets = {m.asset for m in incident.members}
        acts = {act.id for act in incident.history if act.id}
        self.mine = [n for n in notes if self._about(n, acts)]
        storms = [n for n in notes if n.get("what") in STORM and n.get("domain") == incident.domain]
        before = [n for n in storms if int(n.get("t", 0)) < incident.opened]
        if before and before[-1]["what"] == "storm.began":  # it came into one
            self.mine.insert(0, before[-1])

    def _about(self, note: Note, acts: set[str]) -> bool:
        i, what = self.incident, str(note.get("what", ""))
        if what in STORM:
            return note.get("domain") == i.domain and i.opened <= int(note.get("t", -1)) <= i.updated
        if what in TRUST:
            return note.get("asset") in self.assets and i.opened <= int(note.get("t", -1)) <= i.updated
        named = {note.get("incident"), note.get("named")}
        return i.id in named or (what.startswith("feedback.") and note.get("id") in acts)

    def take(self, at: int, reason: str) -> Note | None:
        """The note that goes with a reason of the incident."""
        for n, note in enumerate(self.mine):
            same = note.get("reason") == reason or note.get("what") == f"clock.{reason}"
            if same and note.get("t") == at and not str(note["what"]).startswith("feedback."):
                return self.mine.pop(n)
        return None

    def rest(self) -> list[Line]:
        """What no reason that is still kept tells of, and what people did that the audit does not have."""
        out = [_line(note) for note in self.mine]
        audited = {str(n.get("id")) for n in self.mine if str(n.get("what")) == "feedback.done"}
        for act in self.incident.history:
            if act.id not in audited:
                words = Text(f"{act.by} {act.what} {act.note}".strip(), f"{act.by} {act.what} {act.note}".strip())
                out.append(Line(act.t, act.t, f"act.{act.what}", words, about=act.id, facts={"by": act.by}))
        return out


_NOTES = {
    "storm.began": Text("该业务屏进入告警风暴", "a storm began on its console"),
    "storm.ended": Text("该业务屏告警风暴结束", "the storm on its console ended"),
}


def _line(note: Note) -> Line:
    what, at = str(note.get("what", "")), int(note.get("fold") or note.get("t") or 0)
    if what.startswith("feedback."):
        reason = "" if what == "feedback.done" else f" ✗ {note.get('reason', '')}: {note.get('detail', '')}"
        said = f"{note.get('by', '')} {note.get('do', '')}{reason} {note.get('note', '')}".strip()
        return Line(int(note.get("t", at)), at, what, Text(said, said), about=str(note.get("id", "")), facts=note)
    if what in TRUST:
        said = f"{note.get('asset')} {float(note.get('trust', 0)):.2g} {', '.join(map(str, note.get('reasons', ())))}"
        return Line(at, at, what, Text(f"资产可信度 {said}", f"trust in asset {said}"), facts=note)
    words = _NOTES.get(what) or _words(str(note.get("reason", what)).removeprefix("clock."))
    return Line(at, at, str(note.get("reason", what)), words, judged(note), facts=note)


def _words(reason: str) -> Text:
    return WORDS.get(reason) or Text(reason, reason)


def _shorter(every: list[Line]) -> list[Line]:
    """Long runs of plain updates as their first and last, with how many there were."""
    out: list[Line] = []
    run: list[Line] = []

    def end() -> None:
        if len(run) <= MANY:
            out.extend(run)
        else:
            between = len(run) - 2
            words = Text(f"… 另有 {between} 次数值更新", f"… {between} more updates")
            out.extend([run[0], Line(run[1].t, run[1].fold, "more", words, facts={"count": between}), run[-1]])
        run.clear()

    for line in every:
        if line.what in {Reason.UPDATED, "update"}:
            run.append(line)
        else:
            end()
            out.append(line)
    end()
    return out


def rules(incident: Incident, past: Callable[[str, str], Written | None]) -> list[Then]:
    """The scenarios of its members as their sets had them, each once, the incident's own first."""
    first = (incident.set, incident.scenario)
    asked = {first: incident.scenario_version} if incident.set else {}
    for m in incident.members:
        asked.setdefault((m.set or incident.set, m.scenario or incident.scenario), m.version)
    out = []
    for (set_id, name), version in asked.items():
        then, found = Then(name, version, set_id), past(set_id, name)
        if found is not None:
            then.name, then.file, then.text = (
                Text(found.scenario.name.zh, found.scenario.name.en),
                found.file,
                found.text,
            )
        out.append(then)
    return out
