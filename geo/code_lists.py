"""Lists of divisions 区划代码表 beside each other: two publishers may give one code to two places."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from geo.feature import Feature
from geo.findings import Finding, MapError, found
from geo.layers import LAYERS
from geo.review import parent_of

COLUMNS = {
    "code": ("code", "id", "代码", "区划代码"),
    "name": ("ext_name", "name", "名称"),
    "parent": ("parent", "pid", "areaCode", "上级"),
}
"""Names under which lists have their columns, the first that is there counts: a full name before a short one."""
MOST_BYTES = 64 * 2**20
SHOWN = 20


class Entry(NamedTuple):
    """One division of a list; ``parent`` is empty where the list does not say."""

    code: str
    name: str
    parent: str = ""


def read_list(
    path: Path, *, code: str = "", name: str = "", parent: str = "", encoding: str = "utf-8-sig"
) -> list[Entry]:
    """Read a CSV file with a header.

    ``code``, ``name``, ``parent``: columns, where they have none of the usual names. Raises MapError.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MapError([found("M002", path.name, limit=MOST_BYTES, what="bytes", got=path.stat().st_size)])
        with path.open(encoding=encoding, newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, LookupError, csv.Error) as error:
        raise MapError([found("M001", path.name, why=str(error))]) from error
    there = list(rows[0]) if rows else []
    columns = {}
    for what, given in (("code", code), ("name", name), ("parent", parent)):
        column = given or next((c for c in COLUMNS[what] if c in there), "")
        if column not in there and (given or what != "parent"):
            field = given or COLUMNS[what][0]
            raise MapError([found("M006", path.name, field=field, fields=", ".join(map(repr, there)) or "none")])
        columns[what] = column
    return [Entry(*((row.get(columns[c]) or "").strip() if columns[c] else "" for c in Entry._fields)) for row in rows]


def of_features(features: Iterable[Feature]) -> list[Entry]:
    """A map's divisions that have a name, as a list."""
    entries = []
    for f in features:
        name = f.attributes.get("name")
        above = LAYERS[f.layer].parent if f.layer in LAYERS else ""
        if isinstance(name, str):
            entries.append(Entry(f.code, name, parent_of(f, above) or ""))
    return list(dict.fromkeys(entries))


def conflicts(here: Sequence[Entry], there: Sequence[Entry]) -> list[Finding]:
    """Where two lists disagree: by code, by name, by parent; and which codes only one of them has.

    Names are compared as they are written: 唐家湾 and 唐家湾镇 are two. Places with one name under two parents are told
    apart by their parents' codes.
    """
    findings = []
    mine, theirs = {e.code: e for e in here}, {e.code: e for e in there}
    codes_there: dict[str, list[Entry]] = {}
    for e in there:
        codes_there.setdefault(e.name, []).append(e)
    for code, e in sorted(mine.items()):
        other = theirs.get(code)
        elsewhere = [o.code for o in codes_there.get(e.name, ()) if not (e.parent and o.parent) or o.parent == e.parent]
        if other is not None and other.name != e.name:
            swapped = f", where {e.name} has {elsewhere[0]}" if elsewhere else ""
            zh = f"; 对照表中 {e.name} 的代码为 {elsewhere[0]}" if elsewhere else ""
            findings.append(
                found("M401", code, code=code, here=e.name, there=other.name, swapped=swapped, swapped_zh=zh)
            )
        elif other is not None and e.parent and other.parent and other.parent != e.parent:
            findings.append(found("M404", code, code=code, here=e.parent, there=other.parent))
        elif other is None and elsewhere and code not in elsewhere:
            findings.append(found("M402", code, name=e.name, here=code, there=", ".join(elsewhere)))
    for where, mine_only in (("this one", set(mine) - set(theirs)), ("the other", set(theirs) - set(mine))):
        if mine_only:
            names = {**theirs, **mine}
            shown = ", ".join(f"{c} {names[c].name}" for c in sorted(mine_only)[:SHOWN])
            more = " …" if len(mine_only) > SHOWN else ""
            zh = "本表" if where == "this one" else "对照表"
            findings.append(found("M403", "codes", count=len(mine_only), list=where, list_zh=zh, codes=shown + more))
    return findings
