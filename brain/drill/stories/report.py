"""The after-action report 演练评估报告 in words: lines for a terminal, and one HTML file that stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from brain.city_time import CITY_TIME
from brain.drill.stories.hold import Held, Row
from brain.drill.stories.plan import STORIES

_ZH = {
    "title": "演练评估报告", "seed": "种子", "days": "天数", "stories": "剧本", "decoys": "干扰", "records": "记录",
    "scenarios": "场景", "truths": "真实事件", "found": "发现率", "missed": "漏报", "life": "生命安全漏报",
    "delay": "发现时延中位数", "false": "误报/天", "shown": "展示事件", "peak": "单台十分钟峰值", "brain": "大脑",
    "peer": "单传感器阈值", "story": "剧本", "family": "类型", "onset": "发生", "yes": "已发现", "no": "漏报",
    "clocks": "时限", "kept": "按时", "breached": "超时", "running": "计时中", "accept": "受理", "arrive": "到场",
    "dispose": "处置", "by_family": "误报类型", "left": "未用场景", "none": "无", "s": "秒",
        "drill": "演练，非真实事件",
    "unanswered": "无人应答：时限说明若无人处置会怎样",
}  # fmt: skip
_EN = {
    "title": "After-action report", "seed": "seed", "days": "days", "stories": "stories", "decoys": "decoys",
    "records": "records", "scenarios": "scenarios", "truths": "true events", "found": "found", "missed": "missed",
    "life": "life-safety missed", "delay": "median delay", "false": "false a day", "shown": "shown",
    "peak": "peak on one console in 10 min", "brain": "brain", "peer": "plain limits", "story": "story",
    "family": "family", "onset": "onset", "yes": "found", "no": "missed", "clocks": "limits", "kept": "kept",
    "breached": "breached", "running": "running", "accept": "acceptance", "arrive": "arrival", "dispose": "disposal",
    "by_family": "false by family", "left": "scenarios left out", "none": "none", "s": "s",
    "drill": "a drill: nothing here is real",
    "unanswered": "nobody answers: limits say what would happen if nobody acted",
}  # fmt: skip


def words(lang: str) -> dict[str, str]:
    """Of a language; Chinese where it is none of ours."""
    return _EN if lang == "en" else _ZH


def summary(h: Held, lang: str) -> list[tuple[str, str, str]]:
    """Rows of the table: what, of the brain, of plain limits."""
    w = words(lang)
    return [
        (w["found"], f"{h.found:.1%}", f"{h.peer_found:.1%}"),
        (w["life"], str(h.missed_life_safety), str(h.peer_missed_life_safety)),
        (w["delay"], _seconds(h.delay_median_s, w), _seconds(h.peer_delay_median_s, w)),
        (w["false"], f"{h.false_per_day:.2f}", f"{h.peer_false_per_day:.2f}"),
        (w["shown"], str(h.shown), str(h.peer_shown)),
        (w["peak"], str(max(h.peak_console.values(), default=0)), str(max(h.peer_peak.values(), default=0))),
    ]


def lines(h: Held, lang: str) -> Iterator[str]:
    """What is said beside the table."""
    w = words(lang)
    records = sum(h.records.values())
    yield (
        f"{w['title']} · {w['drill']} · {w['seed']} {h.seed} · {h.days:g} {w['days']} · {h.stories} {w['stories']} · "
        f"{h.decoys} {w['decoys']} · {records:,} {w['records']} · {h.scenarios} {w['scenarios']}"
    )
    missed = [row for row in h.truths if not row.found]
    yield f"{w['missed']}: " + ("; ".join(_named(row, lang) for row in missed) or w["none"])
    yield f"{w['by_family']}: " + (", ".join(f"{family} {n}" for family, n in h.false.items()) or w["none"])
    told = "; ".join(
        f"{w[name]} " + ", ".join(f"{w[how]} {n}" for how, n in found.items()) for name, found in h.clocks.items()
    )
    yield f"{w['clocks']} ({w['unanswered']}): {told or w['none']}"
    if h.left_out:
        yield f"{w['left']}: " + "; ".join(f"{name} ({why})" for name, why in sorted(h.left_out.items()))


def html(h: Held, lang: str) -> str:
    """The whole report as one page without scripts, fonts or links to anywhere."""
    w = words(lang)
    heads = "".join(f"<th>{escape(t)}</th>" for t in ("", w["brain"], w["peer"]))
    top = "".join(
        f"<tr><th>{escape(a)}</th><td>{escape(b)}</td><td>{escape(c)}</td></tr>" for a, b, c in summary(h, lang)
    )
    said = "".join(f"<p>{escape(line)}</p>" for line in lines(h, lang))
    rows = "".join(_row(row, lang) for row in sorted(h.truths, key=lambda r: (r.onset, r.story)))
    columns = "".join(f"<th>{escape(t)}</th>" for t in (w["onset"], w["story"], w["family"], w["brain"], "", w["peer"]))
    return (
        f'<!doctype html><html lang="{"en" if lang == "en" else "zh-CN"}"><meta charset="utf-8">'
        f"<title>{escape(w['title'])}</title><style>body{{font:14px/1.5 sans-serif;max-width:70rem;margin:2rem auto;"
        "padding:0 1rem;color:#222;background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid "
        "#bbb;padding:.2rem .6rem;text-align:left}.no{background:#fbdcdc}.bar{background:#2b6cb0;height:.6rem;display:"
        f"block}}</style><h1>{escape(w['title'])}</h1><table><tr>{heads}</tr>{top}</table>{said}"
        f"<table><tr>{columns}</tr>{rows}</table></html>\n"
    )


def _row(row: Row, lang: str) -> str:
    w = words(lang)
    wide = 0 if row.delay_s is None else min(160, round(row.delay_s / 30))
    life = " ♥" if row.life else ""
    cells = (
        datetime.fromtimestamp(row.onset / 1000, UTC).astimezone(CITY_TIME).strftime("%m-%d %H:%M"), _story(row, lang),
        row.family + life, f"{w['yes'] if row.found else w['no']} {_seconds(row.delay_s, w)}",
    )  # fmt: skip
    peer = f"{w['yes'] if row.peer_found else w['no']} {_seconds(row.peer_delay_s, w)}"
    told = "".join(f"<td>{escape(c)}</td>" for c in cells)
    bar = f'<td><span class="bar" style="width:{wide}px"></span></td>'
    return f"<tr{'' if row.found else ' class=no'}>{told}{bar}<td>{escape(peer)}</td></tr>"


def _story(row: Row, lang: str) -> str:
    story = STORIES[row.story]
    return story.en if lang == "en" else story.zh


def _named(row: Row, lang: str) -> str:
    return f"{_story(row, lang)} {row.family}"


def _seconds(value: float | None, w: dict[str, str]) -> str:
    return "–" if value is None else f"{value:,.0f} {w['s']}"
