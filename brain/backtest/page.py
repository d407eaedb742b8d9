"""A report as one HTML file that needs nothing else: figures, plots drawn as SVG, what is new, gone and changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from brain.backtest import tables
from brain.backtest.measure import DAY_MS, HOUR_MS
from brain.backtest.report import Load, Report
from brain.backtest.words import words as words_of

PAIRS = 100
GRIDS = 25
DEPARTMENTS = 12
WIDTH, HEIGHT, LEFT = 860, 160, 46
_BASE, _CANDIDATE = "#8a94a6", "#c2410c"
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,"Noto Sans SC",sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin:1.8rem 0 .4rem}h3{font-size:1rem;margin:.6rem 0 0}
table{border-collapse:collapse;width:100%}th,td{padding:.25rem .6rem;text-align:left;border-bottom:1px solid #8884}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.good{color:#15803d}.bad{color:#b91c1c}
.block{border-left:4px solid #b91c1c;padding:.3rem .8rem;margin:.3rem 0}
.pass{border-left:4px solid #15803d;padding:.3rem .8rem}small{opacity:.75}
svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}
.key i{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
@media (prefers-color-scheme:dark){.good{color:#4ade80}.bad{color:#f87171}}
"""


def page(report: Report, language: str, cost: str = "") -> bytes:
    """The page, UTF-8; ``cost`` is a line that differs from run to run."""
    words = words_of(language)
    days = (report.until - report.since) / DAY_MS
    span = f"{tables.when(report.since)} – {tables.when(report.until)} ({days:.2f} {words['days']})"
    events = f"{sum(report.events.values()):,} {words['events']}"
    small = "<br>".join(escape(line) for line in (tables.ran(report, words), cost) if line)
    differs = f"{words['differs_only']}: {', '.join(report.changed)}" if report.changed else ""
    parts = [
        f"<h1>{words['title']}: {escape(report.candidate.name)}</h1>",
        f"<p>{words['base']}: {escape(report.base.name)} · {span} · {events}<br><small>{small}</small></p>",
        f"<p><small>{escape(differs)}</small></p>" if differs else "", _blocks(report, words), _figures(report, words),
        _scenarios(report, words), _section(words["by_day"], _key(words) + _days(report)),
        _section(words["by_hour"], _key(words) + _hours(report)), _section(words["department"], _loads(report, words)),
        _section(words["by_code"], _counts(report.base.codes, report.candidate.codes, words)),
        _section(words["by_grid"], _counts(report.base.grids, report.candidate.grids, words)),
        _section(tables.differences(report, words), _pairs(report, words)),
        _section(words["fates"], _counts(report.base.fates, report.candidate.fates, words)),
    ]  # fmt: skip
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{words['title']}</title>"
    lang = "en" if language == "en" else "zh"
    text = "\n".join(part for part in parts if part)
    return (
        f"<!doctype html>\n<html lang={lang}><head>{head}<style>{_STYLE}</style></head><body>\n{text}\n</body></html>\n"
    ).encode()


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _blocks(report: Report, words: Mapping[str, str]) -> str:
    if not report.blocks:
        return f"<p class=pass>{words['passed']}</p>"
    return "".join(f"<p class=block>{words['blocked']}: {escape(text)}</p>" for text in tables.blocks(report, words))


def _figures(report: Report, words: Mapping[str, str]) -> str:
    rows = []
    for row in tables.figures(report, words):
        better = row.better * row.change
        mark = "good" if better > 0 else "bad" if better < 0 else ""
        change = f"{row.change:+.3g}" if row.change else ""
        rows.append((row.name, row.base, row.candidate, f"<span class='{mark}'>{change}</span>"))
    return _table(("", words["base"], words["candidate"], words["change"]), rows, safe=3)


def _scenarios(report: Report, words: Mapping[str, str]) -> str:
    rows = [
        (j.id, f"{j.was or '–'} → {j.now or '–'}", words.get(j.kind, j.kind), words.get(j.why, j.why),
         ", ".join(j.fields), tables.held(j, words))
        for j in report.scenarios
    ]  # fmt: skip
    heads = ("scenario", "version", "kind", "why", "fields", "raises")
    return _section(words["scenario"], _table([words[h] for h in heads], rows, left=True)) if rows else ""


def _loads(report: Report, words: Mapping[str, str]) -> str:
    heads = [
        words["department"],
        *(f"{words[h]}, {words[v]}" for h in ("shown", "peak") for v in ("base", "candidate")),
    ]
    rows = tables.loads(report, words)
    return _table(heads, rows) if rows else ""


def _counts(was: Mapping[str, int], now: Mapping[str, int], words: Mapping[str, str]) -> str:
    names = sorted({*was, *now}, key=lambda n: (-max(was.get(n, 0), now.get(n, 0)), n))
    if not names:
        return ""
    top = max(max(was.get(n, 0), now.get(n, 0)) for n in names)
    rows = []
    for name in names[:GRIDS]:
        a, b = was.get(name, 0), now.get(name, 0)
        bars = "".join(
            f"<rect y='{y}' width='{200 * n / top:.1f}' height='6' fill='{fill}'/>"
            for y, n, fill in ((1, a, _BASE), (8, b, _CANDIDATE))
        )
        rows.append(
            (name or words["none"], str(a), str(b), f"<svg viewBox='0 0 200 15' style='width:200px'>{bars}</svg>")
        )
    more = f"<p><small>+ {len(names) - GRIDS}</small></p>" if len(names) > GRIDS else ""
    return _table(("", words["base"], words["candidate"], ""), rows, safe=3) + more


def _pairs(report: Report, words: Mapping[str, str]) -> str:
    rows = tables.pairs(report, words, PAIRS)
    heads = [words[h] for h in ("what", "at", "code", "grid", "change")]
    return _table(heads, rows, left=True) if rows else ""


def _key(words: Mapping[str, str]) -> str:
    return (
        f"<p class=key><i style='background:{_BASE}'></i>{words['base']}"
        f"<i style='background:{_CANDIDATE}'></i>{words['candidate']}</p>"
    )


def _days(report: Report) -> str:
    was, now = dict(report.base.days), dict(report.candidate.days)
    names = sorted({*was, *now})
    return _plot([name[5:] for name in names], [was.get(n, 0) for n in names], [now.get(n, 0) for n in names])


def _hours(report: Report) -> str:
    """A small plot a department, over hours of the day (UTC+8): the mean of the days would hide the worst, so sums."""
    out = []
    was = {load.lead: load for load in report.base.leads}
    now = {load.lead: load for load in report.candidate.leads}
    busiest = sorted({*was, *now}, key=lambda lead: (-max(_shown(was, lead), _shown(now, lead)), lead))
    for lead in busiest[:DEPARTMENTS]:
        known = was.get(lead) or now[lead]
        a, b = (_by_hour(side[lead].hours if lead in side else ()) for side in (was, now))
        out.append(f"<h3>{escape(known.name or known.lead)}</h3>" + _plot([str(h) for h in range(24)], a, b))
    return "".join(out)


def _shown(loads: Mapping[str, Load], lead: str) -> int:
    return loads[lead].shown if lead in loads else 0


def _by_hour(hours: Iterable[tuple[int, int]]) -> list[int]:
    out = [0] * 24
    for at, n in hours:
        out[(at // HOUR_MS + 8) % 24] += n
    return out


def _plot(names: Sequence[str], was: Sequence[int], now: Sequence[int]) -> str:
    """Two bars a name; every so many names are written so that they do not touch."""
    if not names:
        return ""
    top = max([*was, *now, 1])
    step = (WIDTH - LEFT) / len(names)
    bars = []
    for k, (a, b) in enumerate(zip(was, now, strict=True)):
        for place, n, fill in ((0.12, a, _BASE), (0.5, b, _CANDIDATE)):
            tall = n / top * HEIGHT
            bars.append(
                f"<rect x='{LEFT + (k + place) * step:.1f}' y='{HEIGHT - tall:.1f}' width='{step * 0.36:.1f}' "
                f"height='{tall:.1f}' fill='{fill}'><title>{escape(names[k])}: {n}</title></rect>"
            )
    every = -(-len(names) * 42 // (WIDTH - LEFT)) or 1
    texts = [
        f"<text x='{LEFT + (k + 0.5) * step:.1f}' y='{HEIGHT + 14}' text-anchor='middle'>{escape(name)}</text>"
        for k, name in enumerate(names) if k % every == 0
    ]  # fmt: skip
    axis = (
        f"<line x1='{LEFT}' x2='{WIDTH}' y1='{HEIGHT}' y2='{HEIGHT}' stroke='currentColor' stroke-opacity='.4'/>"
        f"<text x='{LEFT - 6}' y='10' text-anchor='end'>{top}</text>"
        f"<text x='{LEFT - 6}' y='{HEIGHT}' text-anchor='end'>0</text>"
    )
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT + 20}' role='img'>{axis}{''.join(bars)}{''.join(texts)}</svg>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], safe: int = -1, left: bool = False) -> str:
    """A table; cells are texts, but for those of column ``safe``, which are HTML of ours."""
    kind = "" if left else " class=n"
    top = "".join(f"<th{kind if k else ''}>{escape(head)}</th>" for k, head in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind if k else ''}>{cell if k == safe else escape(cell)}</td>" for k, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
