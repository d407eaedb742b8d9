"""Codes of what runs: clock and pulse, who works, dead letters, the broker's disks, and the doctor itself."""

from __future__ import annotations

from collections.abc import Mapping

from brain.doctor.code import Code, Said

CODES: Mapping[str, Code] = {
    "D401": Code(
        "error",
        Said("没有心跳: 从未有指挥者运行", "no pulse: nothing has ever conducted"),
        Said("每秒一次心跳", "one a second"),
        Said("brain worker", "brain worker"),
        Said("没有", "none"),
    ),
    "D402": Code(
        "error",
        Said("心跳停止: 没有指挥者", "the pulse has stopped: nobody conducts"),
        Said("每秒一次心跳", "one a second"),
        Said("brain worker; 已在运行则看其日志与 /health/ready",
             "brain worker; if one runs, see its log and /health/ready"),
        Said("已停 {got} 秒", "none for {got} s"),
    ),
    "D403": Code(
        "error",
        Said("心跳由其他密钥签名", "the pulse is signed with another key"),
        Said("与本机密钥相符", "our key"),
        Said("所有进程使用同一 pulse_key_file", "Give every process the same pulse_key_file"),
        Said("不相符的签名", "a signature that does not hold"),
    ),
    "D404": Code(
        "error",
        Said("本机时钟与心跳不符", "this machine's clock is not the pulse's"),
        Said("相差不到 {wanted} 毫秒", "less than {wanted} ms apart"),
        Said("chronyc tracking; 同步时钟 (NTP)", "chronyc tracking; have NTP set the clocks"),
        Said("相差 {got} 毫秒", "{got} ms"),
    ),
    "D405": Code(
        "warning",
        Said("本机时钟与 Kafka 不符", "this machine's clock is not the broker's"),
        Said("相差不到 {wanted} 毫秒", "less than {wanted} ms apart"),
        Said("chronyc tracking; 同步时钟 (NTP)", "chronyc tracking; have NTP set the clocks"),
        Said("Kafka 快 {got} 毫秒", "the broker is {got} ms ahead"),
    ),
    "D406": Code(
        "error",
        Said("生效集不在本机, 也不在主题 sets", "the set in force is neither on this machine nor in topic sets"),
        Said("{wanted}", "{wanted}"),
        Said("把该目录放到 {place} 下, 或 brain set use 另一个",
             "Put its folder below {place}, or brain set use another"),
        Said("没有", "none"),
    ),
    "D501": Code(
        "error",
        Said("没有工作进程", "no worker is in the group"),
        Said("至少一个", "at least one"),
        Said("brain worker", "brain worker"),
        Said("没有 ({got})", "none ({got})"),
    ),
    "D502": Code(
        "error",
        Said("分区无人负责", "a partition has no owner"),
        Said("每个分区有一个工作进程", "a worker for each partition"),
        Said("等待再平衡; 仍如此则重启工作进程", "Wait for the rebalance; if it stays so, restart the workers"),
    ),
    "D503": Code(
        "warning",
        Said("积压在增长", "the lag grows"),
        Said("不增长", "no growth"),
        Said("增加工作进程: brain worker (至多每分区一个)", "Start more: brain worker (at most one a partition)"),
        Said("积压 {got} 条, 每秒增加 {rate}", "{got} records, {rate} more a second"),
    ),
    "D504": Code(
        "error",
        Said("未读的记录已被清除", "records that were not read are gone"),
        Said("从偏移量 {wanted} 起", "from offset {wanted} on"),
        Said("brain recover {place}", "brain recover {place}"),
        Said("从 {got} 起", "from {got} on"),
    ),
    "D505": Code(
        "warning",
        Said("死信在增加", "dead letters rise"),
        Said("不增加", "none"),
        Said("brain deadletter list --limit 20", "brain deadletter list --limit 20"),
        Said("每秒 {rate}, 一小时内 {got}", "{rate} a second, {got} in an hour"),
    ),
    "D506": Code(
        "error",
        Said("进程未就绪", "a process is not ready"),
        Said("HTTP 200", "HTTP 200"),
        Said("看其日志; 正文说明原因", "See its log; the answer says why"),
    ),
    "D507": Code(
        "error",
        Said("健康端口无应答", "nobody answers at the health port"),
        Said("HTTP 应答", "an answer"),
        Said("启动该进程, 或改正地址", "Start the process, or correct the address"),
    ),
    "D601": Code(
        "error",
        Said("Kafka 的磁盘将满", "a disk of the broker is nearly full"),
        Said("至少 {wanted} 可用", "at least {wanted} free"),
        Said("扩容, 或缩短保留: brain doctor --topics 列出最大的主题",
             "Enlarge it, or keep less: brain doctor --topics lists the largest topics"),
        Said("{got} 可用", "{got} free"),
    ),
    "D602": Code(
        "error",
        Said("按当前速率, Kafka 的磁盘很快写满", "at this rate the broker's disk is full soon"),
        Said("{wanted} 之后", "not before {wanted}"),
        Said("稳态需要 {needs}: 扩容, 或缩短最大主题的保留 ({topics})",
             "In balance it needs {needs}: enlarge it, or keep less of the largest ({topics})"),
        Said("{got} 后", "in {got}"),
    ),
    "D603": Code(
        "warning",
        Said("保留设置在稳态下超出磁盘", "what is kept does not fit the disk once retention is reached"),
        Said("至多 {wanted}", "at most {wanted}"),
        Said("扩容, 或缩短最大主题的保留 ({topics})", "Enlarge it, or keep less of the largest ({topics})"),
        Said("{got}, 约 {when} 后写满", "{got}; full in about {when}"),
    ),
    "D604": Code(
        "note",
        Said("无法得知 Kafka 的磁盘", "the broker's disks are not known"),
        Said("DescribeLogDirs", "DescribeLogDirs"),
        Said("需要集群的 Describe 权限, Kafka 3.3 或更新", "It needs Describe on the cluster, and Kafka 3.3 or later"),
    ),
    "D605": Code(
        "error",
        Said("Kafka 的数据目录离线", "a log directory of the broker is offline"),
        Said("在线", "online"),
        Said("检查该节点的磁盘后重启该节点", "Check that broker's disk, then restart it"),
        Said("错误 {got}", "error {got}"),
    ),
    "D901": Code(
        "warning",
        Said("检查未在时限内完成", "a check did not end in time"),
        Said("{wanted} 秒内", "within {wanted} s"),
        Said("再运行一次; 仍如此则 Kafka 或磁盘过慢", "Run it again; if it stays so, the broker or a disk is slow"),
        Said("没有结果", "no answer"),
    ),
    "D902": Code(
        "error",
        Said("检查本身失败", "a check broke"),
        Said("一个结果", "an answer"),
        Said("把这一行报告给维护者", "Report this line"),
    ),
}  # fmt: skip
