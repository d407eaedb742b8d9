"""Pages for people who follow links: plain HTML 5, one style, no script and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of every page: it runs no script, whatever a name on the map may contain."""
LONG = 160
"""Characters from which on a text is folded away."""
_STYLE = """
body{font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;max-width:70rem;
padding:0 1rem;color:#1c2733;background:#fff}
a{color:#0b57a4}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
nav{color:#5a6775}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{color:#5a6775}dd{margin:0}
table{border-collapse:collapse;display:block;overflow-x:auto}th,td{border:1px solid #d5dce3;padding:.25rem .6rem;
text-align:left;vertical-align:top}th{background:#f2f5f8}code{overflow-wrap:anywhere}
svg{width:100%;max-height:24rem;background:#f2f5f8;margin:1rem 0}
svg *{fill:#0b57a4;fill-opacity:.15;stroke:#0b57a4;stroke-width:1.5;vector-effect:non-scaling-stroke}
svg .line{fill:none}
@media(prefers-color-scheme:dark){body{background:#12181f;color:#dfe6ee}a{color:#7db8f0}th,svg{background:#1d2630}
th,td{border-color:#33404e}nav,dt{color:#9aa8b6}svg *{stroke:#7db8f0;fill:#7db8f0}}
"""


def page(title: str, language: str, body: str, trail: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole document. ``body`` is HTML; ``trail``: text and address of what lies above, the nearest last."""
    above = " / ".join(f'<a href="{escape(href)}">{escape(text)}</a>' for text, href in trail)
    lang = "en" if language == "en" else "zh-CN"
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><nav>{above}</nav><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    ).encode()


def tree(value: Any) -> str:
    """Any JSON value as HTML: objects as lists of terms, rows that are objects as a table, addresses as links."""
    if isinstance(value, Mapping):
        if "href" in value:
            return _link(value)
        return f"<dl>{''.join(f'<dt>{escape(str(k))}</dt><dd>{tree(v)}</dd>' for k, v in value.items())}</dl>"
    if isinstance(value, list):
        if value and all(isinstance(row, Mapping) and "href" not in row for row in value):
            return table(value)
        if all(isinstance(part, int | float) for part in value):
            return f"<code>{escape(', '.join(map(str, value)))}</code>"
        return f"<ul>{''.join(f'<li>{tree(part)}</li>' for part in value)}</ul>"
    if value is None:
        return "–"
    text = escape(str(value).lower() if isinstance(value, bool) else str(value))
    if len(text) > LONG:
        return f"<details><summary>{escape(str(value)[:40])}…</summary><code>{text}</code></details>"
    return f'<a href="{text}">{text}</a>' if text.startswith(("http://", "https://")) else text


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Objects under each other; columns in the order in which they first come."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ("".join(f"<td>{tree(row[name]) if name in row else ''}</td>" for name in names) for row in rows)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


def _link(link: Mapping[str, Any]) -> str:
    text = link.get("title") or link["href"]
    about = ", ".join(str(link[name]) for name in ("rel", "type") if link.get(name))
    rel = f' rel="{escape(str(link["rel"]))}"' if link.get("rel") else ""
    return f'<a href="{escape(link["href"])}"{rel}>{escape(text)}</a>' + (
        f" <small>{escape(about)}</small>" if about else ""
    )
