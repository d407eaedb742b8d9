"""The words of a report for people, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ZH: Final[Mapping[str, str]] = {
    "title": "回测", "read": "读取", "base": "现行", "candidate": "候选", "change": "变化", "events": "事件",
    "days": "天", "scenarios": "场景数", "signals": "信号", "raises": "触发", "incidents": "事件单",
    "shown": "展示", "life": "其中生命安全", "per_day": "每天展示", "peak": "十分钟峰值", "reduction": "折叠率",
    "found": "标注命中", "missed": "漏报", "life_missed": "生命安全漏报", "late": "迟到", "false": "误报",
    "delay": "时延中位 (秒)", "lead_time": "提前量中位 (秒)", "confirmed": "确认的事件单 · 仍展示",
    "called_false": "判为误报的 · 仍展示", "department": "牵头部门", "code": "事件类型", "gone": "消失",
    "new": "新增", "changed": "改变", "same": "相同", "scenario": "场景", "kind": "版本性质", "why": "理由",
    "version": "版本", "fields": "改动", "lost": "丢失", "later": "更晚", "weaker": "级别更低", "more": "更多",
    "blocked": "阻断", "passed": "没有阻断", "ran": "运行", "taken": "沿用现行结果", "cost": "CPU 秒 (每百万事件)",
    "by_day": "每天展示的事件单", "by_hour": "各部门每小时", "by_code": "按事件类型", "by_grid": "按网格",
    "fates": "折叠的理由", "what": "项目", "level": "级别", "at": "时间 (UTC+8)", "grid": "网格", "wrote": "已写入",
    "none": "无", "no_lead": "(无)", "wording": "仅文字", "more_alarms": "告警更多",
    "no_difference": "在此日志上无差别", "catches_less": "捕获更少", "catches_later": "捕获更晚",
    "lower_level": "级别更低", "no_longer_life": "不再属生命安全",
    "nothing_to_compare": "现行版本在此日志上没有触发, 无从比较", "patch": "补丁 patch", "minor": "次要 minor",
    "major": "主要 major, 需第二人批准", "limit_peak_10min": "十分钟内展示过多", "limit_per_day": "每天展示过多",
    "limit_missed": "漏掉现行版本捕获的", "limit_life_missed": "漏掉生命安全事件", "allowed": "上限",
    "nothing_changed": "两个版本相同", "differs_only": "在内容上不同的文件",
}  # fmt: skip
EN: Final[Mapping[str, str]] = {
    "title": "Backtest", "read": "read", "base": "in force", "candidate": "candidate", "change": "change",
    "events": "events", "days": "days", "scenarios": "scenarios", "signals": "signals", "raises": "raises",
    "incidents": "incidents", "shown": "shown", "life": "of these never-hidden", "per_day": "shown a day",
    "peak": "peak in ten minutes", "reduction": "folded away", "found": "labels found", "missed": "missed",
    "life_missed": "never-hidden missed", "late": "of these late", "false": "false", "delay": "median delay (s)",
    "lead_time": "median lead (s)", "confirmed": "confirmed · still shown",
    "called_false": "called false · still shown", "department": "lead department", "code": "event code",
    "gone": "gone", "new": "new", "changed": "changed", "same": "the same", "scenario": "scenario",
    "kind": "kind of version", "why": "why", "version": "version", "fields": "changed", "lost": "lost",
    "later": "later", "weaker": "lower", "more": "more", "blocked": "blocked", "passed": "nothing blocks",
    "ran": "worked", "taken": "taken over", "cost": "CPU-seconds (a million events)",
    "by_day": "Incidents shown a day", "by_hour": "By department and hour", "by_code": "By event code",
    "by_grid": "By grid", "fates": "What folding did", "what": "what", "level": "level", "at": "time (UTC+8)",
    "grid": "grid", "wrote": "wrote", "none": "none", "no_lead": "(nobody)", "wording": "wording only",
    "more_alarms": "more alarms", "no_difference": "no difference on this log", "catches_less": "catches less",
    "catches_later": "catches later", "lower_level": "reaches a lower level",
    "no_longer_life": "no longer never-hidden",
    "nothing_to_compare": "the version in force raised nothing on this log: nothing to compare", "patch": "patch",
    "minor": "minor", "major": "major: a second person must approve",
    "limit_peak_10min": "too many shown in ten minutes", "limit_per_day": "too many shown a day",
    "limit_missed": "misses what the version in force caught", "limit_life_missed": "misses a never-hidden class",
    "allowed": "allowed", "nothing_changed": "the two versions are the same", "differs_only": "files that differ",
}  # fmt: skip


def words(language: str) -> Mapping[str, str]:
    """Those of a language; Chinese for any but ``en``."""
    return EN if language == "en" else ZH
