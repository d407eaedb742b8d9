"""The reasons in words, Chinese and English: one place for every command and page that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from brain.incidents.clocks import ClockReason
from brain.incidents.reasons import Reason
from brain.incidents.transitions import Refusal
from brain.incidents.value import Text
from streams.records import Reason as DeadReason

WORDS: Final[Mapping[str, Text]] = {
    Reason.OPENED: Text("新事件", "new"),
    Reason.OPENED_APART: Text("新事件(距上次较久)", "new (last raise long ago)"),
    Reason.OPENED_FULL: Text("新事件(前一件已满)", "new (the one before is full)"),
    Reason.OPENED_AGED: Text("新事件(前一件历时过长)", "new (the one before is too old)"),
    Reason.OPENED_BY_HAND: Text("人工上报", "made by hand"),
    Reason.JOINED_REPEAT: Text("同一设备再次报警", "same asset again"),
    Reason.JOINED_NEIGHBOUR: Text("并入邻近事件", "joined one nearby"),
    Reason.JOINED_SITE: Text("并入同一场所", "joined at its site"),
    Reason.JOINED_SOURCE: Text("另一类来源印证", "joined from another kind of source"),
    Reason.REOPENED: Text("静默期内再起", "again, goes on"),
    Reason.UPDATED: Text("数值更新", "updated"),
    Reason.UPDATED_LEVEL: Text("级别变化", "level moved"),
    Reason.CLEARED_MEMBER: Text("一个成员消除", "a member cleared"),
    Reason.CLEARED_ALL: Text("全部消除，静默中", "all cleared, quiet"),
    Reason.QUIET_RESOLVED: Text("静默期满，结束", "quiet, resolved"),
    Reason.RULE_ENDED: Text("规则已停用或转换状态，结束", "its rule does not run here any more"),
    Reason.QUIET_HANDLED: Text("已静默，由处置人结束", "quiet, its people end it"),
    Reason.CLOSED: Text("归档", "closed"),
    Reason.CHATTERING: Text("抖动", "chattering"),
    Reason.STEADY: Text("不再抖动", "steady again"),
    Reason.CORROBORATED: Text("多源印证", "corroborated"),
    Reason.CONTRADICTED: Text("来源相互矛盾", "contradicted"),
    Reason.DOUBTED: Text("设备可信度低", "its sensor is doubted"),
    Reason.TRUSTED_AGAIN: Text("设备恢复可信", "its sensor is trusted again"),
    Reason.WARNED: Text("预警生效或变更", "official warning in force, or its colour changed"),
    Reason.WARNING_OVER: Text("预警解除", "official warning over"),
    Reason.SHOWN_OFFICIAL: Text("官方预警，上屏", "shown: an official warning"),
    Reason.SHOWN: Text("上屏", "shown"),
    Reason.SHOWN_LIFE: Text("生命安全，立即上屏", "shown at once: life-safety"),
    Reason.SHOWN_LEVEL: Text("级别高，上屏", "shown: its level"),
    Reason.SHOWN_CORROBORATED: Text("有印证，上屏", "shown: several speak of it"),
    Reason.SHOWN_LASTING: Text("持续，上屏", "shown: it lasts"),
    Reason.SHOWN_REPLAYED: Text("暂缓后上屏", "shown after it was deferred"),
    Reason.SHOWN_BY_HAND: Text("人工上屏", "shown by hand"),
    Reason.HELD: Text("单一弱信号，观察中", "one weak signal, watched"),
    Reason.DEFERRED_STORM: Text("告警风暴，暂缓", "deferred in a storm"),
    Reason.NEVER_SHOWN: Text("上屏前已结束", "over before it was shown"),
    Reason.INHIBITED: Text("次生，归入主因", "an effect, carried by its cause"),
    Reason.AREA_WIDE: Text("大面积同类，归入已上屏事件", "one of many around, carried by the shown one"),
    Reason.RELEASED: Text("解除抑制", "released"),
    Reason.SHELVED: Text("人工搁置", "shelved"),
    Reason.MAINTENANCE: Text("检修", "maintenance"),
    ClockReason.STOPPED: Text("计时停止", "clock stopped"),
    ClockReason.RESUMED: Text("计时恢复", "clock runs on"),
    ClockReason.PREDICTED: Text("临近超时", "about to be missed"),
    ClockReason.BREACHED: Text("超时", "limit missed"),
    ClockReason.UNACKNOWLEDGED: Text("无人签收，升级催办", "nobody has taken it"),
    ClockReason.STALE: Text("签收后无进展", "taken, and nothing happens"),
    ClockReason.REVIEW_DUE: Text("到复核时间", "review is due"),
    ClockReason.RETURNED: Text("退回", "returned"),
    ClockReason.DISPUTED: Text("权属争议", "disputed"),
    ClockReason.EXTENDED: Text("延期", "extended"),
    ClockReason.SUPERVISED: Text("督办", "supervised"),
    ClockReason.TIGHTENED: Text("级别上升，时限缩短", "less time: its level rose"),
    ClockReason.WAITING: Text("待复核", "waits for its review"),
    ClockReason.UNCOVERED: Text("日历未覆盖", "beyond the calendar"),
    ClockReason.NOT_RUNNING: Text("无此计时", "no such clock runs"),
    ClockReason.RUNS_ON: Text("生命安全不停表", "life-safety stands still for nobody"),
    ClockReason.TOO_LATE: Text("已过时限", "too late"),
    ClockReason.EXTENDED_OUT: Text("延期次数已用完", "extended as often as may be"),
    ClockReason.PAST: Text("时间已过", "a time that is past"),
    Reason.REPEATED_SIGNAL: Text("重复信号", "repeated signal"),
    Reason.UNKNOWN_MEMBER: Text("无对应事件", "of no open incident"),
    Reason.AFTER_CLEAR: Text("已消除", "cleared already"),
}
"""Every reason, by its value."""
REFUSALS: Final[Mapping[str, Text]] = {
    Refusal.UNKNOWN_INCIDENT: Text("没有这个事件", "no such incident"),
    Refusal.UNKNOWN_CODE: Text("没有这个事件类型", "no such event code"),
    Refusal.UNKNOWN_UNIT: Text("没有这个部门", "no such department"),
    Refusal.ILLEGAL_TRANSITION: Text("当前状态不允许", "not in this state"),
    Refusal.ALREADY: Text("已是如此", "so already"),
    Refusal.OVERTAKEN: Text("已有更晚的操作", "overtaken by a later action"),
    Refusal.STALE_REVISION: Text("他人已先操作", "another has acted since"),
    Refusal.FORBIDDEN_ROLE: Text("角色无权", "not for this role"),
    Refusal.FORBIDDEN_DRILL: Text("演练与真实事件不得合并", "a drill and what is real are never one"),
    Refusal.FORBIDDEN_LIFE: Text("不可隐藏类别不允许", "not of a never-hidden class"),
    Refusal.NOT_A_MEMBER: Text("不是其成员", "not a member"),
    Refusal.NOT_ALL_MEMBERS: Text("至少须留下一个成员", "a member must stay"),
    Refusal.ALREADY_MERGED: Text("已被合并", "merged already"),
    Refusal.SAME_INCIDENT: Text("是同一事件", "the same incident"),
    Refusal.NOTHING_TO_UNDO: Text("没有可撤销的", "nothing to undo"),
    Refusal.NOT_TAKEN: Text("不在该人手中", "not with that person"),
    Refusal.NO_LIMIT: Text("没有可延长的时限", "no limit to extend"),
    Refusal.BAD_TIME: Text("时间不合适", "not a fitting time"),
    DeadReason.FORGED_ACTOR: Text("签名不符", "its signature does not hold"),
    DeadReason.LATE: Text("过期", "too late"),
    DeadReason.FUTURE: Text("时间超前", "ahead of time"),
    DeadReason.CONFLICT: Text("同一编号内容不同", "another action under the same id"),
    DeadReason.BAD_POSITION: Text("位置无效", "no such place"),
}
"""Why feedback did nothing, by its value: refusals, and those reasons of dead letters that a person can do something
about."""

DOUBTS: Final[Mapping[str, Text]] = {
    "flatline": Text("数值不变", "flat"),
    "drift": Text("漂移", "drift"),
    "noise": Text("噪声异常", "noisy"),
    "clock_skew": Text("时钟偏差", "clock skew"),
    "impossible": Text("数值不可能", "impossible values"),
    "neighbours": Text("与邻近不符", "neighbours disagree"),
    "calibration_age": Text("校准过期", "calibration over"),
}
"""What speaks against an asset, by the name of the reason (models/trust.py)."""


def doubt_text(reason: str) -> Text:
    """What speaks against an asset, for people; a reason of another release as it is."""
    return DOUBTS.get(reason, Text(reason, reason))


def refusal_text(reason: str, lang: str) -> str:
    """Why feedback did nothing, for people; a reason that has no words as it is."""
    text = REFUSALS.get(reason)
    return reason if text is None else text.zh if lang == "zh" else text.en


def doubts_text(doubts: Iterable[str], lang: str) -> str:
    """What speaks against an asset, for people; one of another release as it is."""
    texts = [doubt_text(doubt) for doubt in doubts]
    return "、".join(text.zh for text in texts) if lang == "zh" else ", ".join(text.en for text in texts)


def reason_text(reason: str, lang: str) -> str:
    """A reason for people; one of another release as it is."""
    text = WORDS.get(reason)
    return reason if text is None else text.zh if lang == "zh" else text.en
