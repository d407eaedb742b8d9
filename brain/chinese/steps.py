"""Of errors in what a command is asked to do with a scenario: a proposal applied."""

from __future__ import annotations

CHINESE = {
    # Any of them
    "it has no scenario {id}": "其中没有场景 {id}",
    "is there already; expected a folder that is not": "已经存在; 应为尚不存在的目录",
    "expected who decides it, got nothing": "应写明决定人, 实为空",
    "expected the reason, got nothing": "应写明理由, 实为空",
    # A proposal applied
    "{scenario} is of a never-hidden class: it takes a second person, by --second, other than {by}":
        "{scenario} 属于不可隐藏类别: 须由 {by} 以外的第二人批准 (--second)",
    "{scenario} is of a never-hidden class: never put aside": "{scenario} 属于不可隐藏类别: 不得搁置",
    "expected {scenario} version {version} with detect.{field} {old:g}, got {id} version {there} with {now}: "
    "judge its past anew":
        "应为 {scenario} 第 {version} 版, detect.{field} 为 {old:g}; 实为 {id} 第 {there} 版, 值为 {now}: "
        "请按其历史重新得出建议",
    "detect.{field} cannot be changed alone: change it by hand to {new:g}":
        "detect.{field} 无法单独改动: 请手工改为 {new:g}",
}  # fmt: skip
