"""The doctor's round: which checks there are, in which order, and how long each may take."""

from __future__ import annotations

from typing import Final

from brain.doctor import cluster, disks, here, running
from brain.doctor.code import Said
from brain.doctor.run import Check, Patient


def checks(p: Patient) -> list[Check]:
    """All of them. What a later one needs, an earlier one has learnt."""
    return [*HERE, *_there(p.sample_s)]


def looks(sample_s: float) -> list[Check]:
    """Those alone that learn what runs: the broker, the topics, and two looks."""
    learns = (cluster.reach, cluster.brokers, cluster.topics, running.sample)
    return [check for check in _there(sample_s) if check.look in learns]


HERE: Final = (
    Check(Said("设置", "settings"), here.settings),
    Check(Said("密钥与机密文件", "secrets"), here.secrets),
    Check(Said("生效集", "sets"), here.sets, "settings", 90.0),
    Check(Said("软件", "software"), here.software),
    Check(Said("本机资源", "this machine"), here.machine),
    Check(Said("进程健康", "health ports"), here.health, "", 30.0),
)
"""Those that ask no broker."""


def _there(sample_s: float) -> tuple[Check, ...]:
    return (
        Check(Said("连接 Kafka", "reaching the broker"), cluster.reach, "settings", 30.0),
        Check(Said("Kafka 节点", "brokers"), cluster.brokers, "broker"),
        Check(Said("主题", "topics"), cluster.topics, "broker", 30.0),
        Check(Said("权限", "rights"), cluster.rights, "broker"),
        Check(Said("观察", "watching"), running.sample, "broker", 40.0 + sample_s),
        Check(Said("时钟", "clocks"), running.clock, "broker"),
        Check(Said("生效集可得", "set in force"), running.in_force, "broker", 30.0),
        Check(Said("工作进程", "workers"), running.owners, "broker"),
        Check(Said("积压", "lag"), running.behind, "broker"),
        Check(Said("死信", "dead letters"), running.buried, "broker"),
        Check(Said("磁盘与保留", "disks and retention"), disks.disks, "broker"),
    )
