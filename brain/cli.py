"""The ``brain`` command: every verb a person needs, each in its own file under brain/commands/."""

from __future__ import annotations

import typer

from brain.commands import agent, calendar, deadletter, drill, hotline, kafka, replay, sets, standards, topics
from brain.commands.address import address
from brain.commands.assets import app as assets_app
from brain.commands.audit import audit
from brain.commands.backup import backup, restore
from brain.commands.contracts import app as contracts_app
from brain.commands.demo import demo
from brain.commands.doctor import doctor
from brain.commands.explain import explain
from brain.commands.feedback import feedback
from brain.commands.graph import graph
from brain.commands.map import app as map_app
from brain.commands.notify import notify
from brain.commands.promote import promote, retire, rollback, shadow
from brain.commands.recover import recover
from brain.commands.route import route
from brain.commands.rules import app as rules_app
from brain.commands.scenario import app as scenario_app
from brain.commands.screen import screen
from brain.commands.send import send
from brain.commands.tail import tail
from brain.commands.token import app as token_app
from brain.commands.top import top
from brain.commands.worker import worker

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="City brain: events in, incidents out, exactly once / 城市大脑: 事件进, 事件处置单出, 恰好一次",
)
app.command()(demo)
app.command()(worker)
app.command()(tail)
app.command()(top)
app.command()(doctor)
app.command()(graph)
app.command()(audit)
app.command()(screen)
app.command()(notify)
app.command()(send)
app.command()(feedback)
app.command(name="replay")(replay.replay)
app.command(name="record")(replay.record)
app.command()(recover)
app.command()(backup)
app.command()(restore)
app.command()(address)
app.command()(route)
app.command()(explain)
app.add_typer(sets.app, name="set", help="the set in force, and another one / 生效集")
scenario_app.command()(promote)
scenario_app.command()(retire)
scenario_app.command()(rollback)
scenario_app.command()(shadow)
app.add_typer(scenario_app, name="scenario", help="write, check and test what to watch for / 场景")
app.add_typer(rules_app, name="rules", help="how often rules were right, and what to change / 场景准确率与改进")
app.add_typer(drill.app, name="drill", help="material to practise with / 演练素材")
app.add_typer(calendar.app, name="calendar", help="working days, and when a limit ends / 工作日历")
app.add_typer(standards.app, name="standards", help="tables of limits by day, and what they say / 标准")
app.add_typer(agent.app, name="agent", help="plain agents of the domains / 业务智能体")
app.add_typer(map_app, name="map", help="maps: bring in, check, show, compare, publish / 地图")
app.add_typer(contracts_app, name="contracts", help="schemas of the topics, incidents in public standards / 契约")
app.add_typer(hotline.app, name="hotline", help="classes of hotline texts / 热线文本分类")
app.add_typer(assets_app, name="assets", help="sensing assets: which speak, blind grids / 感知资产与盲区")
app.add_typer(token_app, name="token", help="tokens of the screen: issue, check / 令牌")
app.add_typer(kafka.app, name="kafka", help="the embedded broker / 内置 Kafka")
app.add_typer(topics.app, name="topics", help="the topics and their policies / 主题")
app.add_typer(deadletter.app, name="deadletter", help="records that could not be worked / 死信")


def main() -> None:
    """Entry point."""
    app()
