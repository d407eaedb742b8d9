#!/usr/bin/env python
"""Writes the Grafana dashboards of config/operations/dashboards from the rows below: a panel is a row.

    .venv/bin/python tools/dashboards.py            # writes them
    .venv/bin/python tools/dashboards.py --check    # exit code 1 when a committed one is not what this would write

Titles are Chinese, descriptions English. The source of data is a variable, so that a dashboard fits any Grafana.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueGraphMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

FOLDER = Path(__file__).resolve().parent.parent / "config" / "operations" / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
RATE = "$__rate_interval"
KINDS: dict[str, tuple[Any, int, int]] = {
    "stat": (lambda: Stat().graph_mode(BigValueGraphMode.AREA), 6, 4),
    "lines": (lambda: TimeSeries().legend(VizLegendOptions().show_legend(True)), 12, 8),
    "table": (lambda: Table().show_header(True), 24, 8),
}
"""Builder, width and height in Grafana's grid."""


@dataclass(frozen=True)
class Panel:
    """One panel: a query, over time where it is one of ``lines``. Without a legend Grafana takes the labels."""

    title: str
    says: str
    expr: str
    legend: str = ""
    unit: str = "short"
    kind: str = "lines"


@dataclass(frozen=True)
class Page:
    """One dashboard; rows of panels under a heading."""

    uid: str
    title: str
    says: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]


def one(title: str, says: str, expr: str, unit: str = "short") -> Panel:
    """A single number."""
    return Panel(title, says, expr, unit=unit, kind="stat")


CANARY = one("全链路心跳延迟", "How late the pulse reaches the far end of the chain; every incident is late by as much",
             "max(brain_pulse_timestamp_seconds) - max(brain_city_frontier_timestamp_seconds)", "s")  # fmt: skip
READY = one("就绪工作进程", "Workers that do their work", 'sum(brain_ready{job="worker"}) or vector(0)')

CITY = Page("brain-city", "城市大脑 · 城市概览", "What the city has to deal with, and how late people are", (
    ("此刻", (
        READY, CANARY,
        one("上屏事件", "Open incidents that people see", 'sum(brain_incidents_open{shown="yes"})'),
        one("超时时限", "Limits that have passed on open incidents", 'sum(brain_clocks_running{breached="yes"})'),
    )),
    ("事件", (
        Panel("各领域上屏事件", "Open incidents that people see, by domain",
              'sum by (domain) (brain_incidents_open{shown="yes"})', "{{domain}}"),
        Panel("各等级上屏事件", "Open incidents that people see, by level",
              'sum by (level) (brain_incidents_open{shown="yes"})', "{{level}}"),
        Panel("未上屏原因", "Open incidents that people are not shown, by reason",
              "sum by (reason) (brain_incidents_withheld)", "{{reason}}"),
        Panel("归并结果", "What became of signals and timers, the ten most frequent",
              f"topk(10, sum by (reason) (rate(brain_fold_total[{RATE}])))", "{{reason}}", "ops"),
    )),
    ("信号与时限", (
        Panel("各领域新信号", "Raises a second by domain",
              f"sum by (domain) (rate(brain_raises_total[{RATE}]))", "{{domain}}", "ops"),
        Panel("触发最多的场景", "Raises within an hour, the ten scenarios with most",
              "topk(10, sum by (scenario) (increase(brain_raises_total[1h])))", "{{scenario}}"),
        Panel("运行中的时限", "Clocks that run, by kind", "sum by (clock) (brain_clocks_running)", "{{clock}}"),
        Panel("每小时超时", "Limits that passed within the last hour",
              'sum(increase(brain_fold_total{reason="breached"}[1h]))', ""),
    )),
))  # fmt: skip

ENGINE = Page("brain-engine", "城市大脑 · 引擎", "Lanes, transactions and where a flush spends its time", (
    ("此刻", (
        READY, CANARY,
        one("停住的任务", "Tasks with input before them that move nothing", "sum(brain_stuck_tasks)"),
        one("被排除的通道", "Lanes that the city goes on without", "max(brain_lanes_out)"),
    )),
    ("速率与积压", (
        Panel("处理速率", "Records a second by input", f"sum by (input) (rate(brain_rows_total[{RATE}]))", "{{input}}",
              "rps"),
        Panel("信号速率", "Signals a second by input", f"sum by (input) (rate(brain_signals_total[{RATE}]))",
              "{{input}}", "ops"),
        Panel("积压记录", "Records not yet worked, by lane", "max by (input, partition) (brain_lag_records)",
              "{{input}}/{{partition}}"),
        Panel("积压时间", "Age of the oldest record not yet worked, by lane",
              "max by (input, partition) (brain_lag_seconds)", "{{input}}/{{partition}}", "s"),
        Panel("事件时间落后", "Newest pulse less the greatest event time accepted, by lane",
              "scalar(max(brain_pulse_timestamp_seconds)) - max by (input, partition) (brain_event_timestamp_seconds)",
              "{{input}}/{{partition}}", "s"),
        Panel("通道心跳年龄", "Age of the last pulse that a lane accepted",
              "max by (input, partition) (brain_pulse_age_seconds)", "{{input}}/{{partition}}", "s"),
        Panel("城市任务积压", "Records of signals not yet read by the city task", "max(brain_city_lag_records)", ""),
        Panel("每批记录", "Mean rows of a batch",
              f"sum(rate(brain_batch_rows_sum[{RATE}])) / sum(rate(brain_batch_rows_count[{RATE}]))", ""),
    )),
    ("事务", (
        Panel("事务耗时 p95", "95th percentile of a transaction's time",
              f"histogram_quantile(0.95, sum by (le, task) (rate(brain_flush_seconds_bucket[{RATE}])))", "{{task}}",
              "s"),
        Panel("各阶段占用", "Seconds of each second that a stage takes",
              f"sum by (input, stage) (rate(brain_stage_seconds_sum[{RATE}]))", "{{input}} {{stage}}", "s"),
        Panel("发布 p99", "99th percentile of what publishing takes of a flush, by input",
              "histogram_quantile(0.99, sum by (le, input) "
              f'(rate(brain_stage_seconds_bucket{{stage="publish"}}[{RATE}])))', "{{input}}", "s"),
        Panel("事务速率", "Transactions committed a second", f"sum by (task) (rate(brain_flushes_total[{RATE}]))",
              "{{task}}", "ops"),
        Panel("结果不明与恢复", "Transactions without a definite answer, and recoveries, within an hour",
              "sum by (task) (increase(brain_transactions_indefinite_total[1h])"
              " + increase(brain_recoveries_total[1h]))",
              "{{task}}"),
        Panel("任务交接", "Tasks that started, ended or were fenced, within an hour",
              "sum by (task, event) (increase(brain_tasks_total[1h]))", "{{task}} {{event}}"),
    )),
    ("进程与审计", (
        Panel("处理器", "CPU seconds a second by process", f"rate(process_cpu_seconds_total[{RATE}])",
              "{{job}} {{instance}}", "s"),
        Panel("内存", "Resident memory by process", "process_resident_memory_bytes", "{{job}} {{instance}}", "bytes"),
        Panel("磁盘剩余", "Room left on the disks of our own folders",
              "min by (instance, folder) (brain_disk_free_bytes)", "{{instance}} {{folder}}", "bytes"),
        Panel("审计发现", "What the auditor found not to hold, within an hour",
              "sum by (kind) (increase(brain_audit_findings_total[1h]))", "{{kind}}"),
        Panel("未定临时告警", "Provisional alarms without an incident for over 30 s",
              "max(brain_audit_overdue_alarms)", ""),
        Panel("生效配置集", "Which set each task works with", "brain_set_info", kind="table"),
    )),
))  # fmt: skip

SOURCES = Page("brain-sources", "城市大脑 · 数据源与智能体", "Who delivers, what is refused and why, agents", (
    ("数据源", (
        Panel("距上次可用数据", "Seconds since rows were last accepted, by lane",
              "time() - max by (input, partition) (brain_accepted_timestamp_seconds)", "{{input}}/{{partition}}", "s"),
        Panel("行结果", "Rows a second by outcome", f"sum by (outcome) (rate(brain_rows_outcome_total[{RATE}]))",
              "{{outcome}}", "ops"),
    )),
    ("死信", (
        Panel("死信原因", "Dead letters a second, the ten most frequent reasons",
              f"topk(10, sum by (reason) (rate(brain_dead_letters_total[{RATE}])))", "{{reason}}", "ops"),
        Panel("死信比例", "Share of each input's records that end as dead letters",
              f"sum by (input) (rate(brain_dead_letters_total[{RATE}])) "
              f"/ clamp_min(sum by (input) (rate(brain_rows_total[{RATE}])), 0.001)", "{{input}}", "percentunit"),
        Panel("死信阶段", "Dead letters within an hour, by input and stage",
              "sum by (input, stage) (increase(brain_dead_letters_total[1h]))", "{{input}} {{stage}}"),
        Panel("重新投递", "Dead letters sent again because a set came to know their asset, within an hour",
              "sum(increase(brain_reclaimed_total[1h]))", ""),
    )),
    ("智能体", (
        Panel("停用", "1: the agent is stopped", "max by (agent) (brain_agent_stopped)", "{{agent}}"),
        Panel("处理", "Rows a second by agent", f"sum by (agent) (rate(brain_agent_rows_total[{RATE}]))", "{{agent}}",
              "rps"),
        Panel("耗时", "CPU seconds a second by agent", f"sum by (agent) (rate(brain_agent_seconds_total[{RATE}]))",
              "{{agent}}", "s"),
        Panel("未及查看的信号", "Signals beyond what agents are shown of a minute, within an hour",
              "sum(increase(brain_agent_signals_unseen_total[1h]))", ""),
    )),
))  # fmt: skip

PEOPLE = Page("brain-people", "城市大脑 · 大屏与通知", "Whether people see what is, and whether they are told", (
    ("通知", (
        Panel("发送结果", "Attempts a second by outcome",
              f"sum by (outcome) (rate(brain_notify_attempts_total[{RATE}]))", "{{outcome}}", "ops"),
        Panel("未送达", "Messages that have not arrived, by target", "sum by (target) (brain_notify_waiting)",
              "{{target}}"),
    )),
    ("大屏", (
        one("大屏数据年龄", "Age of the pulse that a screen last saw", "max(brain_screen_pulse_age_seconds)", "s"),
        one("在线客户端", "Streams that are open", "sum(brain_screen_stream_clients)"),
        one("大屏事件数", "Incidents that a screen holds", "max(brain_screen_incidents)"),
        Panel("请求速率", "Requests a second by status",
              f"sum by (status) (rate(brain_screen_requests_total[{RATE}]))", "{{status}}", "rps"),
        Panel("被拒绝的请求", "Requests a second that access refused, by why",
              f"sum by (reason) (rate(brain_screen_refused_total[{RATE}]))", "{{reason}}", "rps"),
        Panel("请求耗时 p95", "95th percentile of a request's time",
              f"histogram_quantile(0.95, sum by (le) (rate(brain_screen_request_seconds_bucket[{RATE}])))", "", "s"),
    )),
))  # fmt: skip

PAGES = (CITY, ENGINE, SOURCES, PEOPLE)


def panel_of(panel: Panel) -> Any:
    """The builder of one panel."""
    make, width, height = KINDS[panel.kind]
    built: Any = make().title(panel.title).description(panel.says).datasource(SOURCE).span(width).height(height)
    query = Dataquery().expr(panel.expr).ref_id("A").datasource(SOURCE)
    if panel.legend:
        query = query.legend_format(panel.legend)
    if panel.kind == "table":
        query = query.instant().format(PromQueryFormat.TABLE)
    return built.unit(panel.unit).with_target(query)


def text_of(page: Page) -> str:
    """A dashboard as the JSON that Grafana reads."""
    made = (
        Dashboard(page.title).uid(page.uid).description(page.says).tags(["city-brain"]).timezone("browser")
        .refresh("10s").time("now-1h", "now").readonly()
        .with_variable(DatasourceVariable("datasource").label("数据源").type("prometheus"))
    )  # fmt: skip
    for heading, panels in page.rows:
        made = made.with_row(Row(heading))
        for panel in panels:
            made = made.with_panel(panel_of(panel))
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(made.build()) + "\n"


def main() -> int:
    """Write, or compare; the exit code."""
    wanted = {FOLDER / f"{page.uid}.json": text_of(page) for page in PAGES}
    if "--check" not in sys.argv[1:]:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(FOLDER.parents[2]))
        return 0
    stale = [path.name for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    stale += [path.name for path in sorted(FOLDER.glob("*.json")) if path not in wanted]
    if stale:
        print(f"not as tools/dashboards.py writes them: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
