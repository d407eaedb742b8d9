"""Whether a scenario's parts go together, by what it detects: readings, cameras' tracks, standards, tickets.

What a set is needed for is not checked here: see :mod:`brain.judged`, :mod:`brain.views`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from brain import combination
from brain.beside import BESIDE, NEIGHBOURS, SURGE
from brain.near import NONE, hints, joined
from brain.scenario import Scenario
from brain.unfit import Unfit, both
from models.halfspace import HalfSpaceTrees
from models.scan import SpaceTimeScan
from models.surge import CountSurge
from models.video.measure import MOST_CROSSINGS

TICKETS = ("count_over", "words", "ticket", "mass", "topic")
"""What a scenario on tickets may detect, beside detector surge."""
MOST_CALLERS = 64
"""Callers of one text that are told apart."""


def check(s: Scenario) -> None:
    """Raises ValueError with the place in the scenario, and what was expected there."""
    if s.id.split(".")[0] != s.domain:
        raise Unfit("id", "expected to begin with its domain {domain!r}, got {got!r}", domain=s.domain, got=s.id)
    if (s.trial is not None) != (s.state == "trial"):
        raise Unfit(
            "trial", "expected trial: {{district: CODE}} with state trial, and only with it, got {got}", got=s.state
        )
    if s.shadow_of and s.shadow_of == s.id:
        raise Unfit("shadow_of", "expected the id of another scenario, the live one")
    if not 1 <= s.level <= 4:
        raise Unfit("level", "expected 1 (lowest) to 4, got {got}", got=s.level)
    d = s.detect
    _looks(s)
    if s.source == "signals" or d.combine is not None:
        combination.check(s)
        return
    for name in ("within_s", "same"):
        if getattr(d, name) is not None:
            raise Unfit(f"detect.{name}", "only with combine")
    if d.of:
        raise Unfit("detect.of", "only with combine")
    series = _given(d, ("above", "below", "ewma_deviation", "score_over", "silent_s", "sum_over", "standard"))
    tickets = _given(d, TICKETS)
    if d.topic is not None:
        series = [name for name in series if name != "score_over"]
    if len(series) + len(tickets) != 1:
        got = joined(series + tickets) if series + tickets else NONE
        raise Unfit(
            "detect",
            "expected one of above, below, ewma_deviation, score_over, silent_s, sum_over, standard, {more}; got {got}",
            more=", ".join(TICKETS),
            got=got,
        )
    if d.every_s is not None and not s.scans():
        raise Unfit("detect.every_s", "only for detector scan of source hotline")
    ends = _given(s.clear, ("below", "above", "deviation_below", "score_below", "grade_below", "quiet_s"))
    if len(ends) > 1:
        raise Unfit("clear", "expected at most one way to end, got {got}", got=joined(ends))
    if s.clear.quiet_s is not None and s.clear.quiet_s <= 0:
        raise Unfit("clear.quiet_s", "expected seconds above 0, got {got}", got=s.clear.quiet_s)
    _standard(s)
    if _watch(s, (series + tickets)[0]):
        return
    if s.source == "hotline":
        _tickets(s, ends)
        return
    if tickets:
        raise Unfit(f"detect.{tickets[0]}", "only for source hotline; source is {source!r}", source=s.source)
    judged = _given(s.match, ("urgency_from", "mood_below"))
    if not s.match.type or not (s.match.metric or s.match.metrics or d.inputs) or s.match.words or judged:
        raise Unfit("match", "expected type and metric of the assets, and no words, urgency_from or mood_below")
    if s.joint() != bool(s.match.metrics) or (s.match.metric and s.match.metrics):
        raise Unfit("match", "metrics, two or more and no metric, and detector halfspace go together")
    pair = {
        "above": "below", "below": "above", "ewma_deviation": "deviation_below", "score_over": "score_below",
        "silent_s": "nothing (a reading ends a silence)", "sum_over": "below", "standard": "grade_below",
    }[series[0]]  # fmt: skip
    if (d.detector is None) != (d.score_over is None):
        raise Unfit("detect", "detector and score_over go together")
    if d.detector is None and (d.settings or d.side != "both"):
        raise Unfit("detect", "settings and side are for a detector")
    lasts = (s.duration.readings, s.duration.seconds) != (1, 0.0)
    if d.silent_s is not None and (s.life or s.levels or ends or lasts or d.silent_s <= 0):
        raise Unfit(
            "detect.silent_s", "expected seconds above 0, and neither life, levels, for nor clear: a reading ends it"
        )
    if (d.by is None) != (d.sum_over is None):
        raise Unfit("detect", "sum_over and by (grid, town, district or city) go together")
    if s.together() and (s.life or ends == ["quiet_s"]):
        raise Unfit(f"detect.{series[0]}", "judged once a minute: expected neither life nor clear.quiet_s")
    if (d.within_m is not None) != s.beside() or (d.within_m is not None and not d.within_m > 0):
        raise Unfit(
            "detect", "within_m (metres above 0) and detector neighbours or clock_skew go together; spike may have it"
        )
    if s.joint():
        _joint(s)
    if s.beside():
        _settings(BESIDE[d.detector or NEIGHBOURS], d.settings, ((),))
    if ends and ends[0] not in (pair, "quiet_s"):
        raise Unfit(
            f"clear.{ends[0]}", "expected {pair} or quiet_s, because detect is {kind}", pair=pair, kind=series[0]
        )
    if s.combined() is not None and (d.side != "both" or not 0 < (d.score_over or 0) < 1):
        raise Unfit("detect.score_over", "of combined a probability, between 0 and 1, and no side")
    s.ewma()
    s.model()
    s.decision()


def _looks(s: Scenario) -> None:
    """Where and when it looks."""
    m = s.match
    if m.hours is not None:
        m.hours.check()
    if m.sort and not m.layer:
        raise Unfit("match.kind", "only with layer")
    if m.layer in ("grid", "town", "district"):
        raise Unfit(
            "match.layer", "expected another than the units; of {layer} there is match.districts", layer=m.layer
        )
    if not all(m.districts) or len(set(m.districts)) < len(m.districts):
        raise Unfit("match.districts", "expected codes, each once, got {got}", got=", ".join(m.districts))
    if s.detect.topic is not None and (m.hours or s.placed()):
        raise Unfit("match", "a topic is of all tickets: expected neither hours, districts nor layer")


def _watch(s: Scenario, bound: str) -> bool:
    """Whether it watches tracks of cameras, and does so rightly; ``bound`` is what it detects. Raises ValueError."""
    d, match = s.detect, s.match
    ends = _given(s.clear, ("below", "above", "deviation_below", "score_below", "grade_below"))
    if d.watch is None:
        for name in ("zone", "line", "radius_m"):
            if getattr(d, name) is not None:
                raise Unfit(f"detect.{name}", "only with watch")
        if d.classes:
            raise Unfit("detect.classes", "only with watch")
        return False
    if s.source != "video":
        raise Unfit("detect.watch", "only for source video; source is {source!r}", source=s.source)
    more = _given(match, ("urgency_from", "mood_below"))
    if not match.type or match.metric or match.metrics or match.unit or match.words or more:
        raise Unfit("match", "expected the type of the cameras, and no metric or other part, because detect has watch")
    if bound not in ("above", "below") or (bound == "below" and d.watch not in ("count", "density", "flow")):
        raise Unfit(
            "",
            "detect.watch {watch}: expected above (or below for count, density, flow), got {got}",
            watch=d.watch,
            got=bound,
        )
    opposite = "below" if bound == "above" else "above"
    if ends and ends[0] != opposite:
        raise Unfit(
            f"clear.{ends[0]}",
            "expected {opposite} or quiet_s, because detect is {bound}",
            opposite=opposite,
            bound=bound,
        )
    crossing = d.watch == "crossing"
    if crossing != (d.line is not None) or crossing == (d.zone is not None) or crossing != (d.window_s is not None):
        raise Unfit("detect.watch", "expected line and window_s for crossing, zone for all others")
    if d.window_s is not None and not d.window_s > 0:
        raise Unfit("detect.window_s", "expected seconds above 0, got {got}", got=d.window_s)
    if crossing and max([d.above or 0.0, *(r.at for r in s.levels)]) >= MOST_CROSSINGS:
        raise Unfit("detect.above", "expected below {most} crossings", most=MOST_CROSSINGS)
    if d.watch == "wrong_way" and d.zone != "one_way":
        raise Unfit("detect.zone", "expected one_way for wrong_way, got {got}", got=d.zone)
    if d.radius_m is not None and (d.watch != "standing" or not d.radius_m > 0):
        raise Unfit("detect.radius_m", "expected metres above 0, with watch standing")
    if not all(d.classes) or len(set(d.classes)) < len(d.classes):
        raise Unfit("detect.classes", "expected names, each once, got {got}", got=list(d.classes))
    if d.detector is not None or d.settings or d.side != "both" or d.by is not None or d.within_m is not None:
        raise Unfit("detect.watch", "expected no detector, settings, side, by or within_m")
    s.decision()
    return True


def _joint(s: Scenario) -> None:
    metrics, given = s.match.metrics, s.detect.settings
    if s.detect.side != "both":
        raise Unfit("detect.side", "not for halfspace: what is rare scores high")
    if not 2 <= len(metrics) <= 10 or len(set(metrics)) < len(metrics):
        raise Unfit("match.metrics", "expected 2 to 10 different ones, got {got}", got=", ".join(metrics))
    if ("low" in given) != ("high" in given):
        raise Unfit("detect.settings", "low and high go together")
    for side in ("low", "high"):
        if side in given and (not isinstance(given[side], list) or len(given[side]) != len(metrics)):
            raise Unfit(f"detect.settings.{side}", "expected one number a metric, {n}", n=len(metrics))
    low, high = (given.get(side, [value] * len(metrics)) for side, value in (("low", 0.0), ("high", 1.0)))
    rest = {key: value for key, value in given.items() if key not in ("low", "high")}
    _settings(HalfSpaceTrees, rest, tuple(low), tuple(high))


def _settings(kind: Callable[..., Any], given: Mapping[str, Any], *first: Any) -> None:
    names = [f.name for f in dataclasses.fields(kind)][len(first) :]  # type: ignore[arg-type]  # every detector is one
    for key in given:
        if key not in names:
            raise Unfit(
                f"detect.settings.{key}", "there are {names}{near}", names=", ".join(names), near=hints(key, names)
            )
    try:
        kind(*first, **given)
    except (TypeError, ValueError) as error:
        raise Unfit("", "detect.settings.{said}", said=both(error)) from error


def _standard(s: Scenario) -> None:
    d = s.detect
    if d.standard is None:
        for name in ("grade_from", "levels", "inputs", "given", "age_s"):
            if getattr(d, name):
                raise Unfit(f"detect.{name}", "only with detect.standard")
    elif s.source == "hotline":
        raise Unfit("detect.standard", "only for sources iot and video")
    use = s.use()
    if use is None:
        return
    if s.levels or s.level != 1:
        raise Unfit("level, levels", "come from the table of the standard; detect.levels has others by grade")
    if s.life and use.model.experimental:
        raise Unfit("life", "{standard} is experimental: it may warn, expected life: false", standard=d.standard)


def _tickets(s: Scenario, ends: list[str]) -> None:
    d = s.detect
    surge = d.detector == SURGE
    if not _given(d, TICKETS) and not surge and not s.scans():
        raise Unfit(
            "detect", "expected {names}, or detector surge or scan, for source hotline", names=", ".join(TICKETS)
        )
    _match(s)
    if d.topic is not None and d.detector is not None:
        raise Unfit("detect.topic", "expected no detector")
    if s.scans():
        _scan(s, ends)
        return
    if surge:
        if s.life or d.score_over is None or d.side != "both":
            raise Unfit("", "detect.detector surge: expected score_over, and neither life nor side")
        _settings(CountSurge, d.settings)
    if ends and ends != ["quiet_s"] and not (d.topic and ends == ["score_below"]):
        raise Unfit(f"clear.{ends[0]}", "expected quiet_s for source hotline, or score_below for a topic")
    if (d.window_s is None and d.count_over is not None) or (d.window_s is not None and not d.counts()):
        raise Unfit("detect", "count_over and window_s go together; mass may have a window_s")
    if d.window_s is not None and not d.window_s > 0:
        raise Unfit("detect.window_s", "expected seconds above 0, got {got}", got=d.window_s)
    if d.count_over is not None and d.count_over < 1:
        raise Unfit("detect.count_over", "expected at least 1, got {got}", got=d.count_over)
    if d.mass is not None and not 2 <= max([d.mass, *(r.at for r in s.levels)]) <= MOST_CALLERS:
        raise Unfit("detect.mass, levels", "expected 2 to {most} callers, as many are told apart", most=MOST_CALLERS)
    if d.topic and d.score_over is not None and not d.score_over > 0:
        raise Unfit("detect.score_over", "expected a number above 0, got {got}", got=d.score_over)
    if d.topic and not 0 <= (s.clear.score_below or 0) < s.rise():
        raise Unfit(
            "clear.score_below",
            "expected the safe side of {rise}, got {got}",
            rise=s.rise(),
            got=s.clear.score_below,
        )
    before: tuple[float, int] = (s.rise() if d.topic else d.count_over or d.mass or d.score_over or 0, s.level)
    for rung in s.levels:
        if not (d.counts() or d.topic or surge):
            raise Unfit("levels", "only with count_over, mass, topic or surge for source hotline")
        if rung.at <= before[0] or not before[1] < rung.level <= 4:
            raise Unfit(
                "levels",
                "expected each worse and higher (to 4), got at {at} level {level}",
                at=rung.at,
                level=rung.level,
            )
        before = (rung.at, rung.level)


def _match(s: Scenario) -> None:
    m, d = s.match, s.detect
    if m.type or m.metric or m.metrics or m.unit or not all(m.words):
        raise Unfit("match", "expected words, class, urgency_from or mood_below for source hotline, not type, metric")
    if m.urgency_from is not None and not 1 <= m.urgency_from <= 3:
        raise Unfit(
            "match.urgency_from",
            "expected 1 (pressing) to 3 (danger to life), got {got}",
            got=m.urgency_from,
        )
    if m.mood_below is not None and not -1 < m.mood_below <= 1:
        raise Unfit("match.mood_below", "expected a number in (-1, 1], got {got}", got=m.mood_below)
    judged = bool(_given(m, ("urgency_from", "mood_below")))
    if s.life and (judged or not m.words or _given(d, ("ticket", "mass", "topic"))):
        # What a model says of a text must never hold back an alarm.
        raise Unfit("life", "a never-hidden class raises on its words alone, never on what a model says of a text")
    if d.words is not None and not m.words:
        raise Unfit("match", "expected words, because detect is words; ticket: each goes without")
    if d.topic is not None and (m.words or judged):
        raise Unfit("match", "a topic has a class and nothing else: expected class or nothing")
    if d.mass is None and d.topic is None and not (m.words or m.kind or judged):
        raise Unfit("match", "expected words, class, urgency_from or mood_below for source hotline")


def _scan(s: Scenario, ends: list[str]) -> None:
    d = s.detect
    if s.life or d.score_over is None or d.side != "both" or d.by not in ("grid", "town", "district"):
        raise Unfit("", "detect.detector scan: expected score_over and by (grid, town, district), no life, no side")
    if d.every_s is None or d.every_s < 60 or d.every_s % 60:
        raise Unfit("detect.every_s", "expected whole minutes in seconds, at least 60, got {got}", got=d.every_s)
    if not 2 <= d.periods <= 400:
        raise Unfit("detect.periods", "expected 2 to 400, got {got}", got=d.periods)
    if "seed" in d.settings:
        raise Unfit("detect.settings.seed", "follows from scenario and period")
    _settings(SpaceTimeScan, d.settings)
    most = SpaceTimeScan(**d.settings).replicates + 1
    if not 1 < d.score_over <= most:
        raise Unfit(
            "detect.score_over",
            "periods, above 1 and at most replicates + 1 = {most}, got {got}",
            most=most,
            got=d.score_over,
        )
    if ends and ends != ["score_below"]:
        raise Unfit(f"clear.{ends[0]}", "expected score_below, because it is judged once a period")
    s.decision()


def _given(part: Any, names: Iterable[str]) -> list[str]:
    return [name for name in names if getattr(part, name) is not None]
