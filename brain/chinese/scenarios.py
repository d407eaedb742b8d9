"""Of errors in scenarios: their form, what they detect, how they fit the set, their tests."""

from __future__ import annotations

CHINESE = {
    # The file
    "unknown key {key!r}{near}": "没有这样的键 {key!r}{near}",
    "{id!r} is there already; each scenario needs its own": "{id!r} 已经存在, 每个场景须有自己的编号",
    "the set has no {id!r}": "生效集没有 {id!r}",
    "expected to begin with its domain {domain!r}, got {got!r}": "应以其领域 {domain!r} 开头, 实为 {got!r}",
    "expected trial: {{district: CODE}} with state trial, and only with it, got {got}":
        "state 为 trial 时须写 trial: {{district: 区编码}}, 其他状态不写, 实为 {got}",
    "expected the id of another scenario, the live one": "应为另一个在运行的场景的编号",
    "expected 1 (lowest) to 4, got {got}": "应为 1 (最低) 至 4, 实为 {got}",
    "expected 1 to 4, got {got}": "应为 1 至 4, 实为 {got}",
    # What it detects, of readings
    "expected one of above, below, ewma_deviation, score_over, silent_s, sum_over, standard, {more}; got {got}":
        "应为 above, below, ewma_deviation, score_over, silent_s, sum_over, standard, {more} 之一; 实为 {got}",
    "expected above, below, ewma_deviation, score_over, silent_s, sum_over or standard for readings":
        "读数须用 above, below, ewma_deviation, score_over, silent_s, sum_over 或 standard",
    "expected at most one way to end, got {got}": "最多写一种解除方式, 实为 {got}",
    "expected seconds above 0, got {got}": "应为大于 0 的秒数, 实为 {got}",
    "expected type and metric of the assets, and no words, urgency_from or mood_below":
        "应为资产的类型与指标, 不写 words, urgency_from 或 mood_below",
    "metrics, two or more and no metric, and detector halfspace go together":
        "metrics (两个或以上, 不写 metric) 须与检测器 halfspace 同用",
    "detector and score_over go together": "detector 与 score_over 须同用",
    "settings and side are for a detector": "settings 与 side 只用于检测器",
    "expected seconds above 0, and neither life, levels, for nor clear: a reading ends it":
        "应为大于 0 的秒数, 且不写 life, levels, for 与 clear: 有读数即解除",
    "sum_over and by (grid, town, district or city) go together":
        "sum_over 与 by (grid, town, district 或 city) 须同用",
    "judged once a minute: expected neither life nor clear.quiet_s": "每分钟判断一次: 不能写 life 与 clear.quiet_s",
    "within_m (metres above 0) and detector neighbours or clock_skew go together; spike may have it":
        "within_m (大于 0 的米数) 须与检测器 neighbours 或 clock_skew 同用; spike 可有可无",
    "expected {pair} or quiet_s, because detect is {kind}": "应为 {pair} 或 quiet_s, 因为 detect 为 {kind}",
    "of combined a probability, between 0 and 1, and no side": "combined 的分数是概率, 应在 0 与 1 之间, 且不写 side",
    "not for halfspace: what is rare scores high": "不用于 halfspace: 越少见分数越高",
    "expected 2 to 10 different ones, got {got}": "应为 2 至 10 个不同的指标, 实为 {got}",
    "low and high go together": "low 与 high 须同用",
    "expected one number a metric, {n}": "应每个指标一个数, 共 {n} 个",
    "unknown {name!r}{near}": "没有 {name!r}{near}",
    "{name} has {known}{near}": "{name} 有 {known}{near}",
    "{name} keeps state of the form of its defaults; leave out what changes it":
        "{name} 的状态只能是默认的形式; 请去掉会改变它的设置",
    "combined has {known}{near}": "combined 有 {known}{near}",
    "expected a list of 2 to {most}, each with detector and weight":
        "应为 2 至 {most} 项的列表, 每项有 detector 与 weight",
    "expected detector and weight, and settings where they differ from the defaults":
        "应有 detector 与 weight, 与默认不同时再写 settings",
    "expected a number, got {got!r}": "应为数, 实为 {got!r}",
    # Where and when it looks
    "only with layer": "须与 layer 同用",
    "expected another than the units; of {layer} there is match.districts":
        "不能是管理单元 {layer}: 请改用 match.districts",
    "expected codes, each once, got {got}": "应为编码, 不重复, 实为 {got}",
    "a topic is of all tickets: expected neither hours, districts nor layer":
        "话题看全部工单: 不能写 hours, districts 与 layer",
    "expected from and to that differ, got {begin} to {end}": "from 与 to 应不同, 实为 {begin} 至 {end}",
    "expected each once, got {got}": "不得重复, 实为 {got}",
    "{most} different ones can be, there are {n}": "最多 {most} 种不同的时段, 现有 {n} 种",
    "workday and holiday need the set's calendar.yaml": "workday 与 holiday 需要生效集的 calendar.yaml",
    "{days} needs calendar.yaml, which the set does not have": "{days} 需要 calendar.yaml, 而生效集没有",
    "expected a time of day in quotes such as '22:00', got {got!r}": "应为加引号的时刻, 如 '22:00', 实为 {got!r}",
    # Cameras
    "only with watch": "须与 watch 同用",
    "only for source video; source is {source!r}": "只用于来源 video, 现为 {source!r}",
    "expected the type of the cameras, and no metric or other part, because detect has watch":
        "detect 有 watch 时应只写摄像机的类型, 不写指标等",
    "detect.watch {watch}: expected above (or below for count, density, flow), got {got}":
        "detect.watch {watch}: 应为 above (count, density, flow 也可为 below), 实为 {got}",
    "expected {opposite} or quiet_s, because detect is {bound}": "应为 {opposite} 或 quiet_s, 因为 detect 为 {bound}",
    "expected line and window_s for crossing, zone for all others": "crossing 须写 line 与 window_s, 其他须写 zone",
    "expected below {most} crossings": "越线次数应小于 {most}",
    "expected one_way for wrong_way, got {got}": "wrong_way 须用 one_way, 实为 {got}",
    "expected metres above 0, with watch standing": "应为大于 0 的米数, 且 watch 为 standing",
    "expected names, each once, got {got}": "应为名称, 不重复, 实为 {got}",
    "expected no detector, settings, side, by or within_m": "不能写 detector, settings, side, by 与 within_m",
    "all together can name {most} classes, they name {n}": "全部场景最多用 {most} 种类别, 现有 {n} 种",
    "needs metres: give the camera view.points": "需要换算成米: 请为摄像机写 view.points",
    "needs area_m2 of the zone, or view.points of the camera": "需要区域的 area_m2, 或摄像机的 view.points",
    "expected corners around an area, in their order, got a ring that crosses itself":
        "应为依次围成区域的角点, 实为自相交的环",
    "expected two points apart from each other": "应为两个不同的点",
    "expected a point beside the line, got one on it": "应为线旁的点, 实为线上的点",
    "{point} is on or beyond the horizon": "{point} 在地平线上或之外",
    "scenario {id}: detect.watch {watch}: {camera}, zone {zone!r}: {said}":
        "场景 {id}: detect.watch {watch}: {camera}, 区域 {zone!r}: {said}",
    # Standards
    "only with detect.standard": "须与 detect.standard 同用",
    "only for sources iot and video": "只用于来源 iot 与 video",
    "come from the table of the standard; detect.levels has others by grade":
        "由标准的表给出; 要按等级改写请用 detect.levels",
    "{standard} is experimental: it may warn, expected life: false":
        "{standard} 是试验性的: 只可提示, 应为 life: false",
    "expected a risk model, got {got!r}{near}": "应为风险模型, 实为 {got!r}{near}",
    "expected a grade not worse than detect.grade_from, got {grade_below!r} and {grade_from!r}":
        "应为不差于 detect.grade_from 的等级, 实为 {grade_below!r} 与 {grade_from!r}",
    "expected seconds above 0, at most a year: how old an input may be beside the newest one, got {got}":
        "应为大于 0 的秒数, 不超过一年, 即一个输入可比最新的旧多久, 实为 {got}",
    "only with several detect.inputs: one reading is judged as it comes": "只用于多个 detect.inputs: 单个读数随到随判",
    "match.metric or detect.inputs: expected one of them: the metric of one reading, or column: metric":
        "match.metric 与 detect.inputs 应恰有其一: 单个读数的指标, 或 列: 指标",
    "is a name, no number: expected under detect.given": "是名称而不是数: 应写在 detect.given",
    "{name} has no such column{near}": "{name} 没有这一列{near}",
    "{metric!r} is no column of {name}; name its columns under detect.inputs: {numbers}":
        "{name} 没有列 {metric!r}; 请在 detect.inputs 写明: {numbers}",
    "is an input already": "已是输入",
    "expected {low:g} to {high:g}, got {got}": "应为 {low:g} 至 {high:g}, 实为 {got}",
    "{name} cannot do without {lacking}": "{name} 不能缺少 {lacking}",
    "expected 1 to 4, never lower for a worse grade, got {got}": "应为 1 至 4, 等级更差时不得更低, 实为 {got}",
    "expected a grade of {name}, got {got!r}{near}": "应为 {name} 的等级, 实为 {got!r}{near}",
    "{name} needs a table of {family}; the set has {there}": "{name} 需要标准 {family} 的表; 生效集有 {there}",
    "{name} has no column {column!r}{near}": "{name} 没有列 {column!r}{near}",
    "editions have {column} in {units}: which is not known": "各版本中 {column} 的单位有 {units}, 无法确定",
    "expected a grade with a level above 0, got {got!r}: {rates} rates {has}; detect.levels can rate others":
        "应为级别大于 0 的等级, 实为 {got!r}: {rates} 有 {has}; 可用 detect.levels 改写",
    "expected {wanted}; got {got}": "应为 {wanted}; 实为 {got}",
    # Tickets
    "only for source hotline; source is {source!r}": "只用于来源 hotline, 现为 {source!r}",
    "only for detector scan of source hotline": "只用于来源 hotline 的检测器 scan",
    "expected {names}, or detector surge or scan, for source hotline":
        "来源 hotline 须用 {names}, 或检测器 surge 或 scan",
    "expected no detector": "不能写 detector",
    "detect.detector surge: expected score_over, and neither life nor side":
        "detect.detector surge: 须写 score_over, 不写 life 与 side",
    "expected quiet_s for source hotline, or score_below for a topic":
        "来源 hotline 须用 quiet_s, 话题也可用 score_below",
    "count_over and window_s go together; mass may have a window_s":
        "count_over 与 window_s 须同用; mass 可有 window_s",
    "expected at least 1, got {got}": "应至少为 1, 实为 {got}",
    "expected 2 to {most} callers, as many are told apart": "应为 2 至 {most} 个来电人, 更多则分辨不了",
    "expected a number above 0, got {got}": "应为大于 0 的数, 实为 {got}",
    "expected the safe side of {rise}, got {got}": "应在 {rise} 的安全一侧, 实为 {got}",
    "only with count_over, mass, topic or surge for source hotline":
        "来源 hotline 只与 count_over, mass, topic 或 surge 同用",
    "expected each worse and higher (to 4), got at {at} level {level}":
        "应逐级更严重且级别更高 (至 4), 实为 at {at} level {level}",
    "expected words, class, urgency_from or mood_below for source hotline, not type, metric":
        "来源 hotline 须用 words, class, urgency_from 或 mood_below, 不写 type 与 metric",
    "expected words, class, urgency_from or mood_below for source hotline":
        "来源 hotline 须用 words, class, urgency_from 或 mood_below",
    "expected 1 (pressing) to 3 (danger to life), got {got}": "应为 1 (紧急) 至 3 (危及生命), 实为 {got}",
    "expected a number in (-1, 1], got {got}": "应为 (-1, 1] 内的数, 实为 {got}",
    "a never-hidden class raises on its words alone, never on what a model says of a text":
        "生命安全类只按词语触发, 不按模型对文本的判断",
    "expected words, because detect is words; ticket: each goes without":
        "detect 为 words 时须写词语; ticket: each 则不需要",
    "a topic has a class and nothing else: expected class or nothing": "话题只有类别: 只写 class 或不写",
    "detect.detector scan: expected score_over and by (grid, town, district), no life, no side":
        "detect.detector scan: 须写 score_over 与 by (grid, town, district), 不写 life 与 side",
    "expected whole minutes in seconds, at least 60, got {got}": "应为整分钟的秒数, 至少 60, 实为 {got}",
    "expected 2 to 400, got {got}": "应为 2 至 400, 实为 {got}",
    "follows from scenario and period": "由场景与周期得出, 不能写",
    "periods, above 1 and at most replicates + 1 = {most}, got {got}":
        "应为周期数, 大于 1 且不超过 replicates + 1 = {most}, 实为 {got}",
    "expected score_below, because it is judged once a period": "应为 score_below, 因为每个周期判断一次",
    "{kind!r}, and {has}": "{kind!r}, 而{has}",
    # Combinations
    "only with combine": "须与 combine 同用",
    "expected with source signals, and there only; source is {source!r}": "须且只能用于来源 signals, 现为 {source!r}",
    "expected {least} to {most} parts for {combine}, got {got}": "{combine} 应有 {least} 至 {most} 个部分, 实为 {got}",
    "expected scenario or event, one of both": "scenario 与 event 应恰有其一",
    "a combination of itself": "组合不能包含自身",
    "expected one part with place, of and or sequence: else the first has it":
        "只有 and 与 sequence 可用一个部分给出位置 (place), 否则取第一个部分的",
    "expected seconds above 0, at most 31 days; none for or": "应为大于 0 的秒数, 不超过 31 天; or 不写",
    "expected within_m (metres above 0, at most 50,000) or same, one of both":
        "within_m (大于 0, 不超过 50,000 米) 与 same 应恰有其一",
    "expected quiet_s, or nothing: it ends when its parts do": "应为 quiet_s 或不写: 各部分解除它即解除",
    "not for combine: its parts have them": "combine 不能写: 由各部分给出",
    # Variants
    "no scenario is {name!r}{near}": "没有场景 {name!r}{near}",
    "{name} is itself a variant: expected the one that it extends": "{name} 本身是变体: 应写它所扩展的场景",
    "a variant takes it over from {name}: expected {keys}": "变体从 {name} 沿用此项: 只能写 {keys}",
    "a variant may change {allowed}": "变体只能改 {allowed}",
    "{name} detects otherwise: it has no {key}": "{name} 的检测方式不同: 没有 {key}",
    "expected the codes of the districts that it is for": "应写明所用于的区的编码",
    "{name} looks in {there} only, got {got}": "{name} 只用于 {there}, 实为 {got}",
    "expected keys and values, got {got!r}": "应为键与值, 实为 {got!r}",
    "expected codes in quotes, got {got!r}": "应为加引号的编码, 实为 {got!r}",
    # Tests
    "expected RFC 3339 with its zone, got {got}": "应为带时区的 RFC 3339 时刻, 实为 {got}",
    "expected one of asset (a reading), sensorId (a frame) and text (a ticket)":
        "asset (读数), sensorId (帧) 与 text (工单) 应恰有其一",
    "expected a metric: a combination has none": "应写指标: 组合本身没有指标",
    "expected a name of its own, got {got!r}": "应有自己的名称, 实为 {got!r}",
    "expected seconds from 0, got {got}": "应为从 0 起的秒数, 实为 {got}",
    "a {kind} needs its level": "{kind} 须写级别",
    "expected at least one record: of nothing comes nothing": "应至少有一条记录: 没有输入就没有输出",
    "expected one value or more, times of at least 1, every_s above 0":
        "应有一个或以上的值, times 至少为 1, every_s 大于 0",
    "expected seconds from 0 to {most:g}, got {got}": "应为 0 至 {most:g} 秒, 实为 {got}",
    "expected 0 to 500, got {got}": "应为 0 至 500, 实为 {got}",
    "expected at most {most} records, got {got}": "最多 {most} 条记录, 实为 {got}",
    "expected seconds from the last record's {end:g} on, got {got}": "应为最后一条记录的 {end:g} 秒或以后, 实为 {got}",
    "expected grid, or layer and code": "应为 grid, 或 layer 与 code",
    "expected west < east, south < north in degrees": "应为度数, 西 < 东, 南 < 北",
}  # fmt: skip
