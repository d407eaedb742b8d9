"""What lint can find: permanent codes, how bad each is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from brain.incidents.value import Text

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """``severity`` is that of a scenario which is not a draft; ``draft`` that of a draft."""

    severity: Severity
    what: Text
    draft: Severity = "warning"


def _refused(zh: str, en: str) -> Code:
    return Code("error", Text(zh, en), "error")


CODES: Mapping[str, Code] = {
    "not_yaml": _refused(
        "文件不是 YAML。按行号检查缩进、引号和冒号后的空格。",
        "The file is no YAML. Look at indents, quotes and the space after colons around the line.",
    ),
    "unknown_key": _refused(
        "没有这个键，多半是拼写错误；未知的键一律拒绝，因为被忽略的键会让人误以为生效。",
        "There is no such key, mostly a slip. It is refused: a key that is passed over looks as if it counted.",
    ),
    "double_key": _refused(
        "同一个键出现两次，YAML 只取后一个。删去一个。",
        "A key stands twice, and YAML takes the last. Remove one.",
    ),
    "wrong_type": _refused(
        "值的类型不对，或缺少必需的键。", "A value has another type than expected, or a key that is needed is missing."
    ),
    "contradicts": _refused(
        "场景各部分互相矛盾，例如解除界限在触发界限的另一侧。",
        "Parts of the scenario contradict one another, such as a clear on the wrong side of the threshold.",
    ),
    "bad_test": _refused(
        "测试无法运行：记录、时间、替身资产或地图有误。",
        "A test cannot be run: something is wrong with its records, times, stand-in assets or map.",
    ),
    "not_of_set": _refused(
        "场景与本生效集不符：标准表、单位、分类器或摄像机区域缺失。",
        "The scenario does not fit the set: a table, a unit, a classifier or a camera's zone is not there.",
    ),
    "duplicate_id": _refused(
        "编号已被另一个文件使用。编号永久唯一，另取一个。", "Another file has the id. Ids are permanent: take another."
    ),
    "unknown_event": _refused(
        "事件类型不在 events.yaml 中。先在那里添加，或改用已有编码。",
        "The event code is not in events.yaml. Add it there, or use one that is.",
    ),
    "life_differs": _refused(
        "事件类型属生命安全类，场景须写 life: true。", "The event code is a never-hidden class: write life: true."
    ),
    "removed_but_used": _refused(
        "引用的场景不存在或已退役，组合永远缺一部分。改引用，或恢复该场景。",
        "A scenario that it needs is not there, or retired: the combination would wait for ever. Name another.",
    ),
    "cycle": _refused("组合经由其他组合绕回自身。", "A combination needs itself, through others. Break the circle."),
    "doubled": _refused(
        "同一场景在同一区有两个运行的变体。合并，或退役一个。",
        "Two live variants of one scenario look in one district. Merge them, or retire one.",
    ),
    "unknown_place": Code("error", Text(
        "地图没有这样的区、图层或类别，那里永远不会触发。",
        "The map has no such district, layer or kind: nothing is ever found there.",
    )),
    "part_not_live": Code("warning", Text(
        "组合所需的场景不在运行，组合暂时不会触发。",
        "A scenario that the combination needs does not run: until it does, the combination is never raised.",
    )),
    "no_trial": Code("warning", Text(
        "组合的位置取自不属于任何区的信号 (全市合计)，不能在一个区试点，只能由影子直接上线。"
        "若要试点，让另一部分给出位置 (place: true)。",
        "Its place is that of signals that lie in no district (sums over the city): it cannot be on trial, and goes "
        "live from shadow. For a trial let another part give the place (place: true).",
    )),
    "assets_silent": Code("warning", Text(
        "在给出的录制中，匹配的资产没有一个发送过。核对资产是否停用或改名。",
        "In the bundle that was given none of the matching assets spoke. Are they out of use, or renamed?",
    )),
    "set": _refused("生效集的其他部分有误。", "Another part of the set is wrong."),
    "no_asset": Code("error", Text(
        "没有登记的资产发送该指标，场景永远不会触发。核对 match 的类型与指标，或先登记资产。",
        "No registered asset sends this metric, so it can never fire. Check type and metric, or register the assets.",
    )),
    "no_asset_in_district": Code("warning", Text(
        "某些区没有这样的资产，那里不会触发。若有意如此，可不处理。",
        "Some districts have no such asset, so it is blind there. Nothing to do where that is meant.",
    )),
    "unit_differs": Code("error", Text(
        "界限的单位与登记的单位不同。换算界限，或改正登记。",
        "The bounds are in another unit than the registry's. Convert them, or correct the registry.",
    )),
    "units_mixed": Code("error", Text(
        "匹配的资产单位不一，同一个界限不能适用。",
        "The assets that match have several units: one bound cannot be right for all.",
    )),
    "never_true": Code("error", Text(
        "条件不可能成立：界限在登记的量程之外，没有读数能到所需的等级，或组合的各部分不会相遇。",
        "The condition can never hold: a bound outside every asset's registered range, a grade that no reading in it "
        "reaches, or parts of a combination that never meet. Check bound, unit, grade and level.",
    )),
    "rung_unreachable": Code("error", Text(
        "某一级别在登记的量程内不可能达到。",
        "A rung of the ladder lies outside every matching asset's registered range."
    )),
    "no_clear": Code("warning", Text(
        "没有写何时解除：条件一不成立就解除，值在界限附近时会反复。写 clear。",
        "It does not say when it ends: a value near the bound makes it chatter. Write clear.",
    )),
    "translation": Code("error", Text("缺少中文或英文。", "The Chinese or the English text is missing.")),
    "no_owner": Code("error", Text(
        "没有写负责的部门或团队 (owner)。没人负责的规则没人敢改。",
        "It has no owner. A rule that nobody answers for is a rule that nobody dares to change.",
    )),
    "no_means": Code("error", Text(
        "没有写 means：触发意味着什么。值班员靠它判断。",
        "It lacks means: what it means when it is raised; whoever is on duty judges by it.",
    )),
    "no_first_steps": Code("warning", Text(
        "没有写 first_steps：先做什么。", "It lacks first_steps: what to do first."
    )),
    "no_false_alarms": Code("warning", Text(
        "没有写 false_alarms：已知的误报。", "It lacks false_alarms: what raises it and is nothing."
    )),
    "no_basis": Code("warning", Text(
        "没有写 basis：所依据的标准、法规，或 sample。",
        "It lacks basis: the standard or regulation it is of, or sample."
    )),
    "no_test_fires": Code("error", Text(
        "没有一个测试会触发 (expect 有信号)。", "No test of it fires: write one that expects signals."
    )),
    "no_test_quiet": Code("error", Text(
        "没有一个测试保持安静 (expect 为空)。", "No test of it stays quiet: write one that expects nothing."
    )),
    "shadowed": Code("warning", Text(
        "另一个场景的匹配相同、条件更宽、级别不低，凡本场景触发它都触发。合并，或改为其 levels 的一级。",
        "Another of the same match fires whenever this does, at no lower level. Merge them, or make it a rung.",
    )),
    "changed": Code("error", Text(
        "内容变了而版本没变。把 version 加一，再运行 brain scenario lock。",
        "It changed without a new version. Raise version, then run brain scenario lock.",
    )),
    "not_locked": Code("error", Text(
        "锁文件中没有这个版本。运行 brain scenario lock。", "The lock lacks this version. Run brain scenario lock."
    )),
    "version_back": Code("error", Text("版本小于锁文件中的版本。", "The version is below the one in the lock.")),
    "lock_gone": Code("warning", Text(
        "锁文件中的场景没有文件了。应改为 state: retired；确实不要了，运行 brain scenario lock。",
        "The lock has a scenario that no file has. Better state: retired; if it is to go, run brain scenario lock.",
    )),
    "bad_lock": _refused(
        "锁文件无法读取。删去后运行 brain scenario lock。",
        "The lock cannot be read. Remove it, then run brain scenario lock.",
    ),
}  # fmt: skip
