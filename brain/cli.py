"""The ``brain`` command: every verb a person needs, each in its own file under brain/commands/.

A verb's file is imported when the verb is used: what one of them needs (kernels, a client, a web server) no other has
to wait for. The list itself, ``brain --help``, imports none.
"""

from __future__ import annotations

import atexit
import gc
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Verb(NamedTuple):
    """Where a verb stands, and its line in the list: the first of its own help.

    ``where`` is its file below brain/commands and, when it is not the verb's, its name in there.
    """

    where: str
    line: str


VERBS = {
    "demo": Verb(
        "demo",
        "Run the whole brain on recorded data, or on a drill, and open its page / 用录制数据或演练剧本运行整个大脑.",
    ),
    "worker": Verb("worker", "Run a worker until Ctrl-C or SIGTERM / 运行一个工作进程."),
    "tail": Verb("tail", "Show incidents, or any stage before them, as they come / 实时查看事件、信号、死信."),
    "top": Verb("top", "Live rates, lag and fold counts / 实时速率、积压与归并."),
    "doctor": Verb(
        "doctor",
        "Say what is wrong and what to do; exit code 0 fine, 1 warnings, 2 errors / 体检: 指出问题与处理办法.",
    ),
    "graph": Verb(
        "graph",
        "Draw topics, lanes, city task, agents and readers, with live rates and lag / 绘制运行中的流水线.",
    ),
    "audit": Verb(
        "audit",
        "Check the seals of all output and the outcomes of alarms; exit code 1 on findings / 核对输出封条与预警结果.",
    ),
    "screen": Verb(
        "screen",
        "Serve the map's layers, and the command centre, until Ctrl-C or SIGTERM / 地图图层与指挥中心.",
    ),
    "notify": Verb(
        "notify",
        "Tell people of incidents until Ctrl-C or SIGTERM; of several one does it, the others wait / 通知, 一主多备.",
    ),
    "send": Verb("send", "Send records to their input topic, or check them first / 发送或检查输入记录."),
    "feedback": Verb(
        "feedback",
        "Act on an incident: confirm, take, dispatch, resolve, … / 处置事件. Exit code 1: refused, 3: no answer.",
    ),
    "replay": Verb("replay", "Run the pipeline over recorded logs, without a broker / 用录制的日志重放整条流水线."),
    "record": Verb(
        "replay:record",
        "Write a replay bundle from the input topics, pulses, journal and sets included / 从主题录制重放包.",
    ),
    "recover": Verb(
        "recover",
        "Show what a lane can no longer read; accept it / 查看并接受分区已丢失的记录. Exit code 1: there is a hole.",
    ),
    "backup": Verb(
        "backup",
        "Write state, incidents, map, sets and unread input to a folder, of a stopped brain or with --running / 备份.",
    ),
    "restore": Verb(
        "backup:restore",
        "Put a backup into empty topics of another cluster or prefix; workers go on from there / 恢复到另一集群.",
    ),
    "address": Verb("address", "Find the address that a text means, or its candidates / 从文字定位门牌, 楼栋, 兴趣点."),
    "route": Verb(
        "route",
        "Show which rule chooses whom for an event at a place, or check the tables / 查询牵头部门及其依据.",
    ),
    "explain": Verb(
        "explain",
        "Say why an incident was or was not shown, with rules and numbers as they were then / 事件为何上屏或未上屏.",
    ),
    "set": Verb("sets:app", "the set in force, and another one / 生效集"),
    "scenario": Verb("scenario:app", "write, check and test what to watch for / 场景"),
    "rules": Verb("rules:app", "how often rules were right, and what to change / 场景准确率与改进"),
    "drill": Verb("drill:app", "material to practise with / 演练素材"),
    "calendar": Verb("calendar:app", "working days, and when a limit ends / 工作日历"),
    "standards": Verb("standards:app", "tables of limits by day, and what they say / 标准"),
    "agent": Verb("agent:app", "plain agents of the domains / 业务智能体"),
    "map": Verb("map:app", "maps: bring in, check, show, compare, publish / 地图"),
    "contracts": Verb("contracts:app", "schemas of the topics, incidents in public standards / 契约"),
    "hotline": Verb("hotline:app", "classes of hotline texts / 热线文本分类"),
    "assets": Verb("assets:app", "sensing assets: which speak, blind grids / 感知资产与盲区"),
    "token": Verb("token:app", "tokens of the screen: issue, check / 令牌"),
    "kafka": Verb("kafka:app", "the embedded broker / 内置 Kafka"),
    "topics": Verb("topics:app", "the topics and their policies / 主题"),
    "deadletter": Verb("deadletter:app", "records that could not be worked / 死信"),
}


def verb(name: str) -> Any:
    """A verb as the parser of command lines knows it, its file imported."""
    module, _, attribute = VERBS[name].where.partition(":")
    gc.disable()  # hardly anything that an import makes is garbage: looking for it is a seventh of a worker's imports
    try:
        made = getattr(import_module(f"brain.commands.{module}"), attribute or name)
    finally:
        gc.enable()
    alone = typer.Typer()
    if isinstance(made, typer.Typer):
        alone.add_typer(made, name=name, help=VERBS[name].line)
    else:
        alone.command(name=name)(made)
    return typer.main.get_group(alone).commands[name]


class _Late(TyperGroup):
    """Lists what it was given, and imports the one that is to run."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and verb(str(name)), rest


app = typer.Typer(
    cls=_Late,
    no_args_is_help=True,
    add_completion=False,
    help="City brain: events in, incidents out, exactly once / 城市大脑: 事件进, 事件处置单出, 恰好一次",
)
for _name, _verb in VERBS.items():
    app.command(name=_name, help=_verb.line)(lambda: None)


def main() -> None:
    """Entry point."""
    # Python would go through all values for circles before it ends: half a second after what a worker imports.
    atexit.register(gc.freeze)
    app()
