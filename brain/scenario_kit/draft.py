"""The form of a new scenario: a file with tests that is right as it stands, to be changed into what is wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from brain.near import near
from brain.scenario_form import DOMAINS
from brain.scenario_kit.findings import Ground

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class NewError(ValueError):
    """No file can be made of what was asked for; read by a person."""


class _Series(NamedTuple):
    asset: str
    type: str
    metric: str
    unit: str
    low: float
    high: float


_FORM = """\
# {id}: 新建的草稿；改好条件、文字和测试后用 promote 转正。A draft: change it, then promote it.
id: {id}
version: 1
state: draft
name: {{zh: 待命名, en: To be named}}
domain: {domain}
event_code: {event}
owner: 待定
means: {{zh: 触发意味着什么, en: What it means when it is raised}}
first_steps: {{zh: 先做什么, en: What to do first}}
false_alarms: {{zh: 已知的误报, en: What raises it and is nothing}}
basis: sample
source: {source}
{rule}
tests:
  - name: it fires, and ends
{fires}
  - name: it stays quiet
{quiet}
"""


def check_id(id_: str) -> str:
    """The domain of an id. Raises NewError."""
    domain = id_.split(".", maxsplit=1)[0]
    if not _ID.fullmatch(id_):
        raise NewError(f"{id_!r}: expected a domain and names with dots between them, as eco.water.do_low")
    if domain not in DOMAINS:
        raise NewError(f"{id_!r}: {domain!r} is no domain{near(domain, DOMAINS)}")
    return domain


def of_readings(id_: str, event: str, ground: Ground, type_: str, metric: str, life: bool = False) -> str:
    """A scenario on a metric of assets of the registry, by its range. Raises NewError where there is none."""
    one = _series(ground, type_, metric)
    step = (one.high - one.low) / 10
    above, below, high, calm = (round(one.low + step * k, 6) for k in (8, 7, 9, 5))
    rule = (
        f"match: {{type: {one.type}, metric: {one.metric}{f', unit: {_quoted(one.unit)}' if one.unit else ''}}}\n"
        f"detect: {{above: {above:g}}}\nfor: {{readings: 2}}\nclear: {{below: {below:g}}}\nlevel: 1"
    )
    fires = (
        f"    given:\n      - {{at: 0, asset: {one.asset}, v: [{calm:g}, {high:g}, {high:g}, {calm:g}], every_s: 10}}\n"
        f"    expect:\n      - {{at: 20, kind: raise, asset: {one.asset}, level: 1}}\n"
        f"      - {{at: 30, kind: clear, asset: {one.asset}}}"
    )
    quiet = (
        f"    given:\n      - {{at: 0, asset: {one.asset}, v: [{calm:g}, {high:g}, {calm:g}, {calm:g}], every_s: 10}}"
    )
    return _made(id_, event, "iot", rule, fires, quiet, life)


def of_tickets(id_: str, event: str, words: Sequence[str], life: bool = False) -> str:
    """A scenario on tickets that have words. Raises NewError where there are none."""
    if not words or not all(word.strip() for word in words):
        raise NewError("a scenario on tickets needs words: --word 井盖")
    kind = id_.rpartition(".")[2]
    said = ", ".join(_quoted(word) for word in words)
    rule = f"match: {{words: [{said}], class: {kind}}}\ndetect: {{words: any}}\nclear: {{quiet_s: 120}}\nlevel: 1"
    # A map of its own: the file is right on every set.
    where = "    map: [{grid: g-1, town: t-1, district: d-1, box: [113, 22, 114, 23]}]\n    until: 150\n"
    place = "lon: 113.5, lat: 22.5"
    fires = (
        f"{where}    given:\n      - {{at: 0, text: {_quoted(f'反映{words[0]}')}, {place}}}\n"
        f"    expect:\n      - {{at: 0, kind: raise, asset: g-1/{kind}, level: 1}}\n"
        f"      - {{at: 120, kind: clear, asset: g-1/{kind}}}"
    )
    quiet = f"{where}    given:\n      - {{at: 0, text: 咨询办理时间, {place}}}"
    return _made(id_, event, "hotline", rule, fires, quiet, life)


def _made(id_: str, event: str, source: str, rule: str, fires: str, quiet: str, life: bool) -> str:
    kind = f"{source}\nlife: true" if life else source
    return _FORM.format(id=id_, domain=check_id(id_), event=event, source=kind, rule=rule, fires=fires, quiet=quiet)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _series(ground: Ground, type_: str, metric: str) -> _Series:
    """The first series of that type and metric that has a finite range; of any metric where none is named."""
    r = ground.registry
    if type_ not in r.types:
        raise NewError(f"--type {type_!r}: no asset is of it{near(type_, r.types)}")
    mine = np.flatnonzero(r.asset_type[r.series_asset] == r.types.index(type_)).tolist()
    metrics = sorted({r.metrics[r.series_metric[k]] for k in mine})
    if metric and metric not in metrics:
        raise NewError(f"--metric {metric!r}: assets of type {type_} do not send it{near(metric, metrics)}")
    for k in mine:
        name, low, high = r.metrics[r.series_metric[k]], float(r.lo[k]), float(r.hi[k])
        if metric in ("", name) and np.isfinite(low) and np.isfinite(high):
            return _Series(r.ids[r.series_asset[k]], type_, name, r.units[r.series_unit[k]], low, high)
    raise NewError(f"--type {type_}: no asset has a registered range to take a threshold from")
