"""Of errors in what a command is asked for: a proposal applied, a scenario's next state, a backtest, an explanation."""

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
    # A scenario's next state
    "expected one of {names}, got {to}": "应为 {names} 之一, 实为 {to}",
    "is {state}; expected one in shadow or on trial": "状态为 {state}; 应为影子或试点中的场景",
    "is {state}; expected --to {allowed}, got {to}": "状态为 {state}; --to 应为 {allowed}, 实为 {to}",
    "is retired; it comes back through shadow, or by brain scenario rollback":
        "已停用; 只能先回到影子 (shadow), 或用 brain scenario rollback 恢复",
    "expected the district's code with --to trial, and only with it": "--to trial 时须给出区编码, 其他状态不给",
    "has no tests in its file (brain scenario explain no_test_fires)":
        "文件中没有测试 (见 brain scenario explain no_test_fires)",
    "{n} tests in its file do not pass (brain scenario test)": "文件中有 {n} 项测试未通过 (brain scenario test)",
    "{why}; it takes a second person, by --second, other than {by}": "{why}; 须由 {by} 以外的第二人批准 (--second)",
    "expected the JSON of a backtest or of brain scenario shadow: {said}":
        "依据应为回测或 brain scenario shadow 的 JSON: {said}",
    "expected the JSON of a backtest or of brain scenario shadow, got nothing":
        "须给出依据, 即回测或 brain scenario shadow 的 JSON, 实为空",
    "it says nothing of {id}": "依据中没有场景 {id}",
    "expected one of version {want}, got {got}: judge it anew": "依据应为版本 {want} 的, 实为 {got}: 请重新回测或对比",
    "{n} limits were not kept: {first}": "有 {n} 项超出上限: {first}",
    "its state cannot be changed alone: write state: {to} by hand": "无法单独改动其状态: 请手工写 state: {to}",
    "expected state: draft of what is brought in, got {state}": "新带入的场景应为 state: draft, 实为 {state}",
    "is {state} in {folder}: give a variant its own id and shadow_of":
        "在 {folder} 中状态为 {state}: 请给变体另取编号, 并写 shadow_of",
    "{district}: the map has {districts}": "地图中没有区 {district}; 现有 {districts}",
    "it tells of no step of {id} that could be taken back (promote --to STATE)":
        "其中没有 {id} 可回退的步骤 (请用 promote --to 写明状态)",
    # Labels of a backtest
    "expected a label (docs/backtest.md), got: {said}": "应为标注 (见 docs/backtest.md): {said}",
    "expected a label a line, found none": "应每行一条标注, 实为空",
    "expected one of its own, got {got!r}": "应有自己的编号, 实为 {got!r}",
    "expected an event code, as eco.water, got nothing": "应为事件编码, 如 eco.water, 实为空",
    "expected degrees, got {lon:g}, {lat:g}": "应为度数, 实为 {lon:g}, {lat:g}",
    "expected a time after onset": "应晚于 onset",
    "expected metres, 0 or more": "应为米数, 0 或以上",
    "expected seconds above 0": "应为大于 0 的秒数",
    "expected keys of a file of limits (docs/backtest.md)": "应为上限文件的键 (见 docs/backtest.md)",
    # What a backtest stands on
    "neither a bundle nor readings=FILE, detections=FILE, tickets=FILE":
        "既不是录制包, 也不是 readings=FILE, detections=FILE, tickets=FILE",
    "the file is cut short: {said}": "文件不完整: {said}",
    "the settings say {n} partitions of this input; set them as they were when it was recorded":
        "设置中此输入有 {n} 个分区; 请改为录制时的数目",
    "the log has no record of any input in this range": "日志在此范围内没有任何输入的记录",
    "{id} is given twice": "场景 {id} 给了两次",
    "expected a scenario with an id": "应为带编号 (id) 的场景",
    "expected the folder of a set, with {file}": "应为生效集的目录, 其中有 {file}",
    "the pulses of the log name set {id}; neither the log, {folder} nor the cache has it: "
    "name the version in force by --base":
        "日志的脉冲指明生效集 {id}, 而日志、{folder} 与缓存中都没有: 请用 --base 指明现行版本",
    "expected ms UTC, a date or RFC 3339 with its zone, got {got!r}":
        "应为 UTC 毫秒、日期或带时区的 RFC 3339 时刻, 实为 {got!r}",
    "expected a zone, as {text}+08:00": "应写明时区, 如 {text}+08:00",
    "expected topic/partition:from-to, as iot.telemetry/0:1000-5000, got {got!r}":
        "应为主题/分区:起-止 (不含止), 如 iot.telemetry/0:1000-5000, 实为 {got!r}",
    "expected a candidate: --set FOLDER, --scenario FILE, --map FILE or --assets FILE":
        "须给出候选: --set FOLDER, --scenario FILE, --map FILE 或 --assets FILE",
    "expected two scenario files, or two folders of sets": "应为两个场景文件, 或两个生效集的目录",
    "expected hours, 0 or more, got {got:g}": "应为小时数, 0 或以上, 实为 {got:g}",
    "expected a time after --from": "应晚于 --from",
    "the log cannot be run: {said}": "日志无法运行: {said}",
    # What was written of the past
    "expected what brain replay writes, {kind}.ndjson is missing": "应为 brain replay 写出的目录, 缺少 {kind}.ndjson",
    "neither a bundle (brain record) nor a folder that brain replay has written":
        "既不是录制包 (brain record), 也不是 brain replay 写出的目录",
}  # fmt: skip
