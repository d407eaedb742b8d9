"""``brain top``: rates, lag and fold counts of running workers, from their /metrics, as a live table."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Annotated

import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.live import Live
from rich.table import Table

from brain.commands.common import fail

ROWS = (
    ("brain_rows_total", "处理记录/秒", "records/s", True),
    ("brain_signals_total", "信号/秒", "signals/s", True),
    ("brain_signals_folded_total", "归并信号/秒", "signals folded/s", True),
    ("brain_dead_letters_total", "死信/秒", "dead letters/s", True),
    ("brain_flushes_total", "事务/秒", "transactions/s", True),
    ("brain_lag_records", "积压记录", "lag, records", False),
    ("brain_lag_seconds", "积压秒数", "lag, seconds", False),
    ("brain_pulse_age_seconds", "心跳年龄(秒)", "pulse age, s", False),
    ("brain_audit_findings_total", "审计发现的问题", "audit findings", False),
)


def scrape(url: str) -> dict[str, float]:
    """Sums of counters, maxima of gauges, by metric. Raises OSError when nobody answers."""
    with urllib.request.urlopen(url, timeout=3) as answer:
        text = answer.read().decode()
    out: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("brain_"):
                old = out.get(sample.name, 0.0)
                out[sample.name] = max(old, sample.value) if family.type == "gauge" else old + sample.value
    return out


def top(
    worker: Annotated[list[str], typer.Argument(help="host:port of each worker's health port")],
    every: Annotated[float, typer.Option(help="seconds between two looks")] = 1.0,
    count: Annotated[int, typer.Option(help="end after so many looks; 0: until Ctrl-C")] = 0,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Live rates, lag and fold counts / 实时速率、积压与归并."""
    console = Console()
    urls = {w: f"http://{w}/metrics" for w in worker}
    before: dict[str, tuple[float, dict[str, float]]] = {}
    with Live(console=console, auto_refresh=False) as live:
        looks = 0
        try:
            while not count or looks < count:
                table = Table("", *worker)
                now: dict[str, tuple[float, dict[str, float]]] = {}
                for name, url in urls.items():
                    try:
                        now[name] = (time.monotonic(), scrape(url))
                    except (OSError, urllib.error.URLError) as error:
                        if not before:
                            fail(f"{name}: {error}; start it with `brain worker --health-port PORT`")
                for metric, zh, en, rate in ROWS:
                    cells = [_cell(metric, name, now, before, rate=rate) for name in worker]
                    table.add_row(zh if lang == "zh" else en, *cells)
                live.update(table, refresh=True)
                before = now
                looks += 1
                if not count or looks < count:
                    time.sleep(every)
        except KeyboardInterrupt:
            return


def _cell(
    metric: str,
    name: str,
    now: dict[str, tuple[float, dict[str, float]]],
    before: dict[str, tuple[float, dict[str, float]]],
    *,
    rate: bool,
) -> str:
    if name not in now:
        return "–"
    at, values = now[name]
    value = values.get(metric, 0.0)
    if not rate:
        return f"{value:,.1f}"
    if name not in before:
        return "…"
    then, old = before[name]
    return f"{(value - old.get(metric, 0.0)) / max(at - then, 0.001):,.0f}"
