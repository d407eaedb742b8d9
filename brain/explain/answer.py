"""The answer to "why was this shown, or why not": found by id of an incident or identity of a signal, whole."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from brain.explain import story, verdict
from brain.explain.story import Line, Then
from brain.explain.trail import Note, Written
from brain.incidents.fold import FoldSettings
from brain.incidents.reasons import Reason
from brain.incidents.value import Incident, Member, Text, incident_id
from brain.incidents.words import WORDS
from streams.records import Signal

NEAR = 5
"""Ids that are named where one is not known."""


class Seat(msgspec.Struct, omit_defaults=True):
    """A member in words, and the scenario and set that judged it."""

    id: str
    words: Text
    scenario: str
    version: int
    set: str
    raises: int
    cleared: int | None = None


class Folded(msgspec.Struct):
    """What became of one signal: the incident it is in, by which rule, and what that rule says."""

    identity: str
    incident: str
    rule: str
    words: Text


class Explanation(msgspec.Struct, omit_defaults=True):
    """Everything that is told. ``shown``: fold time, ms UTC; null where it was not."""

    asked: str
    incident: str
    name: Text
    state: str
    domain: str
    life: bool
    onset: int
    shown: int | None
    withheld: str
    so: Text
    would: list[Text]
    lines: list[Line]
    members: list[Seat]
    rules: list[Then]
    signal: Folded | None = None
    fates: dict[str, int] = {}
    links: list[str] = []


def find(asked: str, incidents: Mapping[str, Incident]) -> Incident | None:
    """The incident of that id, or the one that the raise of that identity is a member of.

    The latest raises of a member may lie between its first and its last one, which alone it names; then it is the one
    that holds the scenario's asset and was open last: ask by :func:`holding` with the signal itself for all others.
    """
    if asked in incidents:
        return incidents[asked]
    opened = incidents.get(incident_id(asked))
    if opened is not None:
        return opened
    named = [i for i in incidents.values() if any(asked in {m.id, m.latest()} for m in i.members)]
    named += [i for i in incidents.values() if any(about == asked for _, _, about in i.reasons)]
    return next((i for i in named if not i.merged_into), named[0] if named else None)


def holding(signal: Signal, incidents: Mapping[str, Incident]) -> Incident | None:
    """The incident that held a signal's asset at its fold time; the one opened last where there are several."""
    fits = [i for i in incidents.values() if story.concerns(i)(signal) and not i.merged_into]
    return max(fits, key=lambda i: (i.opened, i.id)) if fits else None


def near(asked: str, incidents: Mapping[str, Incident]) -> list[str]:
    """Ids that look like the one that is not known; identities of raises where one was asked for."""
    names = [m.id for i in incidents.values() for m in i.members] if "|" in asked else list(incidents)
    return difflib.get_close_matches(asked, names, NEAR, 0.6)


def explain(
    asked: str, incident: Incident, notes: Sequence[Note], signals: Sequence[Signal],
    past: Callable[[str, str], Written | None], settings: FoldSettings | None = None,
) -> Explanation:  # fmt: skip
    """Tell all. ``asked`` is the incident's id, or the identity of a signal that it holds."""
    folded = None if asked == incident.id else _folded(asked, incident, settings or FoldSettings())
    return Explanation(
        asked, incident.id, incident.name, incident.state, incident.domain, incident.life, incident.onset,
        incident.shown, incident.withheld, verdict.so(incident, notes), verdict.would(incident, notes),
        story.lines(incident, notes, signals), [_seat(m, incident) for m in incident.members],
        story.rules(incident, past), folded, incident.fates, incident.links,
    )  # fmt: skip


def _seat(m: Member, i: Incident) -> Seat:
    words = story.member_text(m)
    return Seat(m.id, words, m.scenario or i.scenario, m.version, m.set or i.set, m.raises, m.cleared)


def _folded(identity: str, incident: Incident, s: FoldSettings) -> Folded:
    reasons = [reason for _, reason, about in incident.reasons if about == identity]
    rule = next((r for r in reasons if r in _RULES), "")
    if not rule and incident_id(identity) == incident.id:
        rule = Reason.OPENED.value
    if not rule:
        rule = _only(identity, incident)
    if not rule:
        kept = Text("已并入; 依据不再保留 (只留最近的)", "folded into it; its rule is no longer kept")
        return Folded(identity, incident.id, "", kept)
    why, said = _RULES[rule], WORDS[rule]
    bounds = {"radius": s.radius_m, "site": s.site_m, "window": s.window_s / 60, "members": s.members,
              "age": s.age_s / 3600, "quiet": s.quiet_s, "reopen": s.reopen_s / 60}  # fmt: skip
    shown = {name: f"{n:g}" for name, n in bounds.items()}
    words = Text(f"{said.zh}: {why.zh.format(**shown)}", f"{said.en}: {why.en.format(**shown)}")
    return Folded(identity, incident.id, rule, words)


def _only(identity: str, incident: Incident) -> str:
    """The one rule that is left, by what the incident has counted; empty where there are several."""
    seats = {(m.scenario or incident.scenario, m.asset): m for m in incident.members}
    scenario, _, rest = identity.partition("|")
    mine = seats.get((scenario, rest.rpartition("|")[0]))
    if mine is None:
        return ""
    fits = _FIRST if mine.id == identity else _AGAIN
    left = [rule for rule in fits if incident.fates.get(rule)]
    return left[0] if len(left) == 1 else ""


_AGAIN = (Reason.JOINED_REPEAT.value, Reason.REOPENED.value)
_FIRST = (Reason.JOINED_NEIGHBOUR.value, Reason.JOINED_SOURCE.value, Reason.JOINED_SITE.value, Reason.REOPENED.value)
_RULES: Mapping[str, Text] = {
    Reason.OPENED: Text("附近没有同类未结事件", "no open incident of its family was near"),
    Reason.OPENED_APART: Text("附近同类事件的上次报警已超过 {window} 分钟",
                              "the one near had its last raise more than {window} min before"),
    Reason.OPENED_FULL: Text("前一件已有 {members} 个成员", "the one it would have joined has {members} members"),
    Reason.OPENED_AGED: Text("该资产的前一件已超过 {age} 小时", "its asset's one is older than {age} h"),
    Reason.JOINED_REPEAT: Text("同一资产已是成员", "its asset is a member already"),
    Reason.JOINED_NEIGHBOUR: Text("同类, 相距不超过 {radius} 米(另计定位误差), 上次报警在 {window} 分钟内",
                                  "the same family, within {radius} m and what both places may be off, last raise at "
                                  "most {window} min before"),
    Reason.JOINED_SITE: Text("同类生命安全报警, 同一场所({site} 米内)",
                             "the same never-hidden class at the same site (within {site} m)"),
    Reason.JOINED_SOURCE: Text("同类, 相距不超过 {radius} 米, 且为新的来源种类",
                               "the same family within {radius} m, from a kind of source that had not spoken"),
    Reason.REOPENED: Text("全部消除后 {quiet} 秒静默期内, 或结束后 {reopen} 分钟内再次报警",
                          "again within the quiet period of {quiet} s, or within {reopen} min after the end"),
}  # fmt: skip
