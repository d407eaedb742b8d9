"""Of errors in the tables of a set: routes, events, limits, calendar, trust, agents, standards, words, lock."""

from __future__ import annotations

CHINESE = {
    # Any file
    "expected the folder of a set: it has no {file}": "应为生效集的目录: 其中没有 {file}",
    "not YAML: {said}": "不是 YAML: {said}",
    "expected 1, got {got}": "应为 1, 实为 {got}",
    "expected one of {names}, got {got!r}": "应为 {names} 之一, 实为 {got!r}",
    "expected one of {names}, got {got!r}{near}": "应为 {names} 之一, 实为 {got!r}{near}",
    "{id!r} is there already": "{id!r} 已经存在",
    "stands twice (line {line})": "出现两次 (第 {line} 行), YAML 只取最后一个",
    # routes.yaml
    "expected each of the six domains, missing: {missing}": "六个领域应齐全, 缺少: {missing}",
    "{name!r} is routed twice; routes[{at}] routes it too": "{name!r} 重复: routes[{at}] 已有同样的规则",
    "expected one of event_code and domain, got {got}": "event_code 与 domain 应恰有其一, 实为{got}",
    "expected at most one of {names}, got {got}": "{names} 最多写一个, 实为 {got}",
    "expected * at the end only, got {got!r}": "* 只能在末尾, 实为 {got!r}",
    "{name!r} leads already": "{name!r} 已是牵头部门, 不必再列为协办",
    # events.yaml
    "expected letters and digits in dotted parts, got {got!r}": "应为字母与数字, 各段以点分隔, 实为 {got!r}",
    "{code!r} is in events[{other}] already": "{code!r} 已在 events[{other}]",
    "{circle}: a circle": "{circle}: 上级关系绕回自身",
    "expected {dotted!r} of a dotted code, got {got!r}": "带点编码的上级应为 {dotted!r}, 实为 {got!r}",
    "no row has the code {parent!r}": "没有编码为 {parent!r} 的行",
    "{code!r} has no parent to have it from; missing: {missing}": "{code!r} 没有上级可以沿用, 缺少: {missing}",
    "expected metres from 0 to 20000, got {got:g}": "应为 0 至 20000 米, 实为 {got:g}",
    "expected seconds above 0, to 7 days, got {got:g}": "应为大于 0 的秒数, 不超过 7 天, 实为 {got:g}",
    # limits.yaml
    "expected 0 or more, got {got}": "应为 0 或以上, 实为 {got}",
    "expected 1 or more, got {got}": "应为 1 或以上, 实为 {got}",
    "expected a row for event_code '*' without levels for {whom}":
        "缺少一行: event_code 为 '*' 且不写 levels, 用于{whom}",
    "expected a code, or the beginning of one and *, got {got!r}": "应为编码, 或编码的开头加 *, 实为 {got!r}",
    "expected 0 to 4, got {got}": "应为 0 至 4, 实为 {got}",
    "a level is named twice": "同一级别写了两次",
    "life-safety counts round the clock; expected clock, got working": "生命安全类全天计时: 应为 clock, 实为 working",
    "the set has no calendar.yaml (brain calendar write)": "生效集没有 calendar.yaml (用 brain calendar write 写出)",
    "expected at least one of {names}": "{names} 应至少写一个",
    "limits[{second}] and limits[{first}]: {name!r} and {other!r} fit the same incidents and neither is more specific":
        "limits[{second}] 与 limits[{first}]: {name!r} 与 {other!r} 适用于同样的事件, 且同等具体",
    "expected 1 to {most} steps, got {got}": "应为 1 至 {most} 级, 实为 {got}",
    "expected more than {before}": "应大于 {before}",
    "expected a share between 0 and 1, got {got:g}": "应为 0 与 1 之间的比例, 实为 {got:g}",
    "expected a whole number and one of s, m, h, d, such as 30m or 3d, got {got!r}":
        "应为整数加 s, m, h, d 之一, 如 30m 或 3d, 实为 {got!r}",
    # calendar.yaml
    "expected at least one and none left out between, got {got}": "应至少有一年, 且中间不缺年份, 实为 {got}",
    "expected a day of {years}": "应为 {years} 年的日子",
    "expected a Saturday or Sunday": "应为周六或周日",
    "both a holiday and a workday": "既是假日又是工作日",
    "expected from and to such as 09:00-12:00, got {got!r}": "应为起止时间, 如 09:00-12:00, 实为 {got!r}",
    "expected hours of one day, each after those before it": "应为同一天内的时段, 且晚于前一个时段",
    "expected at least one span such as 09:00-12:00": "应至少有一个时段, 如 09:00-12:00",
    # causes.yaml
    "expected one of same and within_m, got {got}": "same 与 within_m 应恰有其一, 实为{got}",
    "expected metres above 0, to 20000, got {got}": "应为大于 0 的米数, 不超过 20000, 实为 {got}",
    "expected within_m with it, metres along the river": "须同时写 within_m, 即沿河的米数",
    "expected seconds above 0, to 7 days, got {got}": "应为大于 0 的秒数, 不超过 7 天, 实为 {got}",
    "expected level_from and up_to of 0 to 4": "level_from 与 up_to 应为 0 至 4",
    "{cause!r} cannot be its own effect": "{cause!r} 不能是自身的次生事件",
    # trust.yaml
    "expected a number in [0, 1], got {got}": "应为 [0, 1] 内的数, 实为 {got}",
    "expected metres above 0, got {got}": "应为大于 0 的米数, 实为 {got}",
    "needs neighbours, because it is that of the disagreement with them":
        "须同时写 neighbours: 它看的是与邻近资产的分歧",
    "there are {names}{near}": "可用: {names}{near}",
    # agents.yaml, and what an agent says of itself
    "{id!r} is not installed here{near}": "这里没有安装 {id!r}{near}",
    "{id} is installed in version {version}{also}, the set names {got}":
        "{id} 安装的是版本 {version}{also}, 生效集要的是 {got}",
    "at most {most} with {events} events, got {got}": "最多 {most} 个智能体, 共 {events} 种事件, 实为 {got} 个",
    "inline is for agents of this tree; expected host": "inline 只用于本代码树内的智能体, 应为 host",
    "{id} needs the standard {family!r}{near}": "{id} 需要标准 {family!r}{near}",
    "reads {wanted}, and the set has no asset of these types": "读取 {wanted}, 而生效集没有这些类型的资产",
    "neither an agent that is installed nor a folder with {file}{near}":
        "既不是已安装的智能体, 也不是含 {file} 的目录{near}",
    "{id!r} is there already, in {folder}": "{id!r} 已在 {folder}",
    "expected dotted lower-case words such as {domain}.thing, got {got!r}":
        "应为点分的小写词, 如 {domain}.thing, 实为 {got!r}",
    "expected the domain {domain!r} first, got {got!r}": "应以领域 {domain!r} 开头, 实为 {got!r}",
    "expected 1 or more, and earlier ones in also, got {version}, {also}":
        "应为 1 或以上, also 中应为更早的版本, 实为 {version}, {also}",
    "expected who answers for it, got nothing": "应写明由谁负责, 实为空",
    "expected one, or several each with an id of its own, got {got}": "应有一个, 或几个且编号各不相同, 实为 {got}",
    "expected ids of small letters, digits and _, got {got}": "编号应为小写字母、数字与 _, 实为 {got}",
    "expected each type once, with metrics, each once": "每个类型只写一次, 且有指标, 指标不重复",
    "a lane agent reads assets and sees no signals": "lane 智能体读取资产, 看不到信号",
    "expected assets, signals or both, got neither": "应有资产或信号 (或两者), 实为都没有",
    "expected 1 to {most:,} seconds, and shape: lane, got {got:g}":
        "应为 1 至 {most:,} 秒, 且 shape: lane, 实为 {got:g}",
    "expected {kind}, got {got!r}": "应为{kind}, 实为 {got!r}",
    "expected {low:g} to {high:g} {unit}, got {got}": "应为 {low:g} 至 {high:g} {unit}, 实为 {got}",
    "{id} has no such param{near}": "{id} 没有这个参数{near}",
    # standards/
    "{id!r} is there already; each edition needs its own": "{id!r} 已经存在, 每个版本须有自己的编号",
    "expected number, title, place and where it was read; one is empty": "应写明编号、名称、条款位置与出处, 有一项为空",
    "expected at least one; leave the file out while the numbers are not known":
        "应至少有一行; 数值未知时请不要放这个文件",
    "expected one that a model reads, got {got!r}": "应为某个模型读取的标准, 实为 {got!r}",
    "expected a grade of {name}: {grades}": "应为 {name} 的等级: {grades}",
    "expected 0 to 4, never lower for a worse grade, got {got}": "应为 0 至 4, 等级更差时不得更低, 实为 {got}",
    "expected {n} values, one a column, got {got}": "应有 {n} 个值, 每列一个, 实为 {got}",
    # assets.ndjson
    "expected ids that all begin with {drill!r}, of a drill, or none; got {got!r} and {real!r}":
        "编号应都以 {drill!r} 开头 (演练), 或都不以它开头; 实为 {got!r} 与 {real!r}",
    # text/
    "address {code}: expected a Point, got {got}": "地址 {code}: 应为 Point, 实为 {got}",
    "expected features of layer {layer!r} in force now, got none": "图层 {layer!r} 应有现行要素, 实为空",
    "record {ragged}: expected {n} fields as the header, got {got}": "第 {ragged} 行: 应与表头同为 {n} 列, 实为 {got}",
    # scenarios.lock
    "expected id, version and hash, each id once, got {got!r}": "应为编号、版本与哈希, 编号不重复, 实为 {got!r}",
    "expected {kinds} after the hash, got {kind!r}": "哈希之后应为 {kinds} 之一, 实为 {kind!r}",
    "expected a person's name or account without spaces, got {got!r}": "应为人名或账号, 不含空格, 实为 {got!r}",
}  # fmt: skip
