"""The comparison of a scenario in shadow with the live one, as one page without any other file."""

from __future__ import annotations

from html import escape
from typing import Final

from brain.versus import Versus

COLOURS: Final = (("both", "#4a7ebb"), ("live", "#999999"), ("shadow", "#e0913a"))
HIGH: Final = 140
WIDE: Final = 900
ZH: Final = {
    "title": "影子对比", "against": "对照", "nobody": "同类全部在线事件", "kind": "变更类别", "both": "双方都发现",
    "live": "仅在线", "shadow": "仅影子", "weaker": "级别更低", "lead": "影子提前 (秒)", "confirmed": "属实者发现",
    "false": "误报者仍报", "precision": "准确率 (95% 区间)", "days": "每日事件", "load": "各部门工作量 (上屏事件)",
    "department": "部门", "ids": "事件",
}  # fmt: skip
EN: Final = {
    "title": "Shadow against live", "against": "against", "nobody": "all live incidents of its family",
    "kind": "kind of the change", "both": "found by both", "live": "only live", "shadow": "only in shadow",
    "weaker": "at a lower level", "lead": "shadow earlier by (median, s)", "confirmed": "real ones found",
    "false": "false ones still raised", "precision": "precision (95 %)", "days": "incidents by day",
    "load": "work of departments (incidents shown)", "department": "department", "ids": "incidents",
}  # fmt: skip
_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.25em .7em;text-align:left}"
    "td.n{text-align:right}code{word-break:break-all}svg{max-width:100%}"
)


def facts(found: Versus, words: dict[str, str]) -> list[tuple[str, str]]:
    """The comparison in few lines: what, and how much."""
    lead = "–" if found.lead_median_s is None else f"{found.lead_median_s:+.1f}"
    share = "–" if found.precision is None else f"{found.precision:.0%} ({found.low:.0%}–{found.high:.0%})"
    return [
        (words["against"], found.against or words["nobody"]), (words["kind"], found.scenarios[0].kind),
        (words["both"], str(len(found.both))), (words["live"], str(len(found.only_live))),
        (words["shadow"], str(len(found.only_shadow))), (words["weaker"], str(len(found.weaker))),
        (words["lead"], lead), (words["confirmed"], f"{found.confirmed_found} / {found.confirmed}"),
        (words["false"], f"{found.false_found} / {found.false}"), (words["precision"], share),
    ]  # fmt: skip


def page(found: Versus, language: str = "zh") -> str:
    """The page; what came from outside is escaped."""
    words = EN if language == "en" else ZH
    told = found.scenarios[0]
    head = f"{words['title']}: {found.scenario} v{told.now}"
    rows = "".join(f"<tr><th>{escape(k)}</th><td class=n>{escape(v)}</td></tr>" for k, v in facts(found, words))
    load = "".join(
        f"<tr><td>{escape(w.lead)}</td><td class=n>{w.live}</td><td class=n>{w.shadow}</td></tr>" for w in found.load
    )
    lists = "".join(
        f"<details><summary>{escape(words[name])}: {len(ids)}</summary><code>{escape(', '.join(ids)) or '–'}</code>"
        "</details>" for name, ids in (("live", found.only_live), ("shadow", found.only_shadow),
                                       ("both", [f"{a} = {b}" for a, b in found.both]))
    )  # fmt: skip
    return (
        f"<!doctype html><html lang={language}><meta charset=utf-8><title>{escape(head)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(head)}</h1><p><code>{escape(told.now_hash)}</code></p><table>{rows}</table>"
        f"<h2>{escape(words['days'])}</h2>{_bars(found, words)}<h2>{escape(words['load'])}</h2><table>"
        f"<tr><th>{escape(words['department'])}</th><th>{escape(words['live'])}</th>"
        f"<th>{escape(words['shadow'])}</th></tr>{load}</table><h2>{escape(words['ids'])}</h2>{lists}</html>\n"
    )


def _bars(found: Versus, words: dict[str, str]) -> str:
    """A bar a day, in three parts one above the other."""
    most = max((d.both + d.live + d.shadow for d in found.days), default=0)
    if not most:
        return "<p>–</p>"
    step = WIDE / max(len(found.days), 12)
    parts = []
    for n, day in enumerate(found.days):
        y = float(HIGH)
        for name, colour in COLOURS:
            count = getattr(day, name)
            h = count / most * HIGH
            y -= h
            if count:
                said = escape(f"{day.day} {words[name]}: {count}")
                parts.append(
                    f'<rect x="{n * step:.1f}" y="{y:.1f}" width="{step * 0.8:.1f}" height="{h:.1f}" fill="{colour}">'
                    f"<title>{said}</title></rect>"
                )
        parts.append(f'<text x="{n * step:.1f}" y="{HIGH + 14}" font-size="10">{day.day[5:]}</text>')
    legend = " ".join(f'<span style="color:{colour}">■</span> {escape(words[name])}' for name, colour in COLOURS)
    return f'<svg viewBox="0 0 {WIDE} {HIGH + 20}" role="img">{"".join(parts)}</svg><p>{legend}</p>'
