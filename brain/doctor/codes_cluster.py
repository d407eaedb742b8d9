"""Codes of the broker, topics and rights."""

from __future__ import annotations

from collections.abc import Mapping

from brain.doctor.code import Code, Said

CODES: Mapping[str, Code] = {
    "D201": Code(
        "error",
        Said("Kafka 地址无法解析", "the broker's name does not resolve"),
        Said("可解析的 主机:端口", "{wanted}"),
        Said("检查 bootstrap 与域名解析", "{way_out}"),
    ),
    "D202": Code(
        "error",
        Said("Kafka 无应答", "the broker does not answer"),
        Said("接受连接并应答的 Kafka", "{wanted}"),
        Said("brain kafka start, 或检查地址与网络", "{way_out}"),
    ),
    "D203": Code(
        "error",
        Said("该端口上不是 Kafka", "something else than Kafka has that port"),
        Said("Kafka", "{wanted}"),
        Said("检查 bootstrap 中的端口", "{way_out}"),
    ),
    "D204": Code(
        "error",
        Said("TLS 设置与 Kafka 不符", "TLS is not as the broker's listener has it"),
        Said("与监听器一致的 TLS", "{wanted}"),
        Said("见 docs/kafka.md“认证与加密”: {way_out}", "See docs/kafka.md, users and TLS: {way_out}"),
    ),
    "D205": Code(
        "error",
        Said("Kafka 的证书不可信", "the broker's certificate does not hold"),
        Said("可信机构签发且名称相符的证书", "{wanted}"),
        Said("见 docs/kafka.md“认证与加密”: {way_out}", "See docs/kafka.md, users and TLS: {way_out}"),
    ),
    "D206": Code(
        "error",
        Said("认证方式与 Kafka 不符", "users are not as the broker's listener has them"),
        Said("与监听器一致的认证方式", "{wanted}"),
        Said("见 docs/kafka.md“认证与加密”: {way_out}", "See docs/kafka.md, users and TLS: {way_out}"),
    ),
    "D207": Code(
        "error",
        Said("Kafka 拒绝了用户名或密码", "the broker refuses user or password"),
        Said("Kafka 认可的用户名与密码", "{wanted}"),
        Said("见 docs/kafka.md“认证与加密”: {way_out}", "See docs/kafka.md, users and TLS: {way_out}"),
    ),
    "D208": Code(
        "error",
        Said("没有 Kafka: 未指定, 内置的也未运行", "no broker: none is named, and the embedded one does not run"),
        Said("一个 Kafka", "a broker"),
        Said("brain kafka start, 或 --bootstrap 主机:端口", "brain kafka start, or --bootstrap host:port"),
    ),
    "D211": Code(
        "error",
        Said("Kafka 的消息上限过小", "the broker takes smaller messages than the brain sends"),
        Said("message.max.bytes 至少 {wanted}", "message.max.bytes of at least {wanted}"),
        Said("在 server.properties 中设置 message.max.bytes={wanted}",
             "Set message.max.bytes={wanted} in server.properties"),
    ),
    "D212": Code(
        "warning",
        Said("Kafka 会自动创建主题", "the broker creates topics by itself"),
        Said("auto.create.topics.enable=false", "auto.create.topics.enable=false"),
        Said("在 server.properties 中设置; 误建的主题分区数不对",
             "Set it in server.properties: a topic made by accident has the wrong partitions"),
    ),
    "D301": Code(
        "error",
        Said("缺少主题", "a topic is missing"),
        Said("{wanted} 个分区的主题", "a topic of {wanted} partitions"),
        Said("brain topics --create", "brain topics --create"),
        Said("没有", "none"),
    ),
    "D302": Code(
        "error",
        Said("主题的分区数不对", "a topic has another count of partitions"),
        Said("{wanted}", "{wanted}"),
        Said("按现有分区数改设置, 或换新前缀并重放 (分区数是状态的一部分)",
             "Set the count that is there, or take a new prefix and replay: the count is part of the state"),
    ),
    "D303": Code(
        "error",
        Said("主题的清理策略不对", "a topic has another cleanup.policy"),
        Said("{wanted}", "{wanted}"),
        Said("brain topics --repair", "brain topics --repair"),
    ),
    "D304": Code(
        "warning",
        Said("主题的保留时间不对", "a topic has another retention"),
        Said("retention.ms={wanted}", "retention.ms={wanted}"),
        Said("brain topics --repair", "brain topics --repair"),
    ),
    "D305": Code(
        "error",
        Said("主题的消息上限过小", "a topic takes smaller messages than it must"),
        Said("max.message.bytes={wanted}", "max.message.bytes={wanted}"),
        Said("brain topics --repair", "brain topics --repair"),
    ),
    "D306": Code(
        "warning",
        Said("主题的设置与目录不符", "a topic's setting is not as in the catalogue"),
        Said("{name}={wanted}", "{name}={wanted}"),
        Said("brain topics --repair", "brain topics --repair"),
    ),
    "D307": Code(
        "error",
        Said("同步副本少于下限, 该主题拒绝写入", "fewer replicas in sync than must be: the topic takes no writes"),
        Said("至少 {wanted} 个同步副本", "at least {wanted} in sync"),
        Said("启动缺席的 Kafka 节点; 副本总数不足时: kafka-reassign-partitions 增加副本",
             "Start the brokers that are away; where there are too few replicas at all: kafka-reassign-partitions"),
        Said("{got} 个", "{got}"),
    ),
    "D308": Code(
        "error",
        Said("分区没有首领", "a partition has no leader"),
        Said("有首领", "a leader"),
        Said("启动缺席的 Kafka 节点", "Start the broker that is away"),
        Said("没有", "none"),
    ),
    "D309": Code(
        "warning",
        Said("集群有多个节点, 主题只有一个副本", "the cluster has several brokers, and a topic one replica"),
        Said("3 个副本", "3 replicas"),
        Said("kafka-reassign-partitions 增加副本", "kafka-reassign-partitions"),
    ),
    "D311": Code(
        "error",
        Said("缺少权限", "a right is missing"),
        Said("角色 {role}: {wanted}", "as {role}: {wanted}"),
        Said("brain topics acl 打印所需的 kafka-acls 命令, 由 Kafka 管理员执行",
             "brain topics acl prints the kafka-acls lines; the cluster's administrator runs them"),
    ),
    "D312": Code(
        "note",
        Said("无权查看主题设置, 未比较", "topics' settings may not be seen, so were not compared"),
        Said("DescribeConfigs 权限", "the right DescribeConfigs"),
        Said("用 operator 角色的用户运行", "Run it as a user with the role operator"),
    ),
}  # fmt: skip
