"""An explanation on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text as Rich

from brain.explain.answer import Explanation
from brain.explain.story import Line
from brain.incidents.value import Text
from brain.incidents.words import WORDS
from brain.tail import Lang, clock

SEATS = 20
"""Members that are listed; the count of the others is told."""

_ZH: dict[str, str] = {
    "time": "时间", "what": "经过", "why": "依据", "members": "成员", "asset": "资产与数值", "rule": "场景",
    "standing": "未消除", "cleared": "消除", "more": "另有 {n} 个", "raises": "报警", "set": "方案",
    "gone": "该方案已不在本机也不在主题 sets 中: 文本无从给出", "so": "结论", "would": "若要上屏",
    "signal": "信号", "life": "生命安全", "counts": "合计", "links": "相关",
}  # fmt: skip
_EN: dict[str, str] = {
    "time": "time", "what": "what", "why": "by what", "members": "members", "asset": "asset and value",
    "rule": "scenario", "standing": "standing", "cleared": "cleared", "more": "{n} more", "raises": "raises",
    "set": "set", "gone": "that set is neither on this machine nor in topic sets: its text cannot be shown", "so": "so",
    "would": "what would have shown it", "signal": "signal", "life": "LIFE", "counts": "in all", "links": "linked",
}  # fmt: skip


def said(text: Text, lang: Lang) -> str:
    """In the reader's language, else in the other; nothing in it steers the terminal."""
    found = (text.zh or text.en) if lang == "zh" else (text.en or text.zh)
    return "".join(c if c.isprintable() or c == "\n" else "·" for c in found)


def show(e: Explanation, lang: Lang, to: Console, *, texts: bool = False) -> None:
    """Print it; ``texts``: the scenarios' files too."""
    words = _ZH if lang == "zh" else _EN
    head = Rich(f"{e.incident} ", "bold").append(said(e.name, lang), "bold").append(f" · {e.domain} · {e.state}")
    if e.life:
        head.append(f" {words['life']} ", "bold white on red")
    to.print(head, soft_wrap=True)
    if e.signal is not None:
        line = Rich(f"{words['signal']} {e.signal.identity} → {e.signal.incident} · ", "cyan")
        to.print(line.append(said(e.signal.words, lang)), soft_wrap=True)
    if e.links:
        to.print(Rich(f"{words['links']}: {', '.join(e.links)}", "dim"), soft_wrap=True)
    to.print(_timeline(e.lines, lang, words))
    to.print(_members(e, lang, words))
    for then in e.rules:
        name = f"{then.scenario} v{then.version} · {said(then.name, lang)} · {words['set']} {then.set} {then.file}"
        to.print(Rich(name, "magenta"), soft_wrap=True)
        if not then.text:
            to.print(Rich(f"  {words['gone']}", "yellow"), soft_wrap=True)
        elif texts:
            to.print(Syntax(then.text, "yaml", background_color="default", word_wrap=True))
    counted = ", ".join(f"{said(WORDS.get(k) or Text(k, k), lang)} {n}" for k, n in sorted(e.fates.items()))
    to.print(Rich(f"{words['counts']}: {counted}", "dim"), soft_wrap=True)
    if e.would:
        to.print(f"[bold]{words['would']}[/]:")
        for text in e.would:
            to.print(f"  · {escape(said(text, lang))}", soft_wrap=True, highlight=False)
    style = "bold green" if e.shown is not None else "bold yellow"
    to.print(Rich(f"{words['so']}: {said(e.so, lang)}", style), soft_wrap=True)


def _timeline(every: list[Line], lang: Lang, words: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(words["time"], no_wrap=True)
    table.add_column(words["what"], overflow="fold")
    table.add_column(words["why"], overflow="fold", style="dim")
    for line in every:
        table.add_row(
            Rich(clock(line.t)), Rich(said(line.words, lang), _style(line.what)),
            Rich("\n".join(said(text, lang) for text in line.because)),
        )  # fmt: skip
    return table


def _style(what: str) -> str:
    if what.startswith("shown"):
        return "bold green"
    if what in {"held", "deferred_storm", "inhibited", "area_wide", "shelved", "maintenance", "never_shown"}:
        return "yellow"
    return "bold cyan" if what.startswith(("feedback.", "act.")) else ""


def _members(e: Explanation, lang: Lang, words: dict[str, str]) -> Table:
    table = Table(title=f"{words['members']} {len(e.members)}", title_justify="left", box=None, pad_edge=False)
    for column in (words["asset"], words["rule"], words["raises"], ""):
        table.add_column(column, overflow="fold")
    for seat in e.members[:SEATS]:
        state = words["standing"] if seat.cleared is None else f"{words['cleared']} {clock(seat.cleared)}"
        rule = f"{seat.scenario} v{seat.version}"
        table.add_row(Rich(said(seat.words, lang)), Rich(rule), str(seat.raises), Rich(state))
    if len(e.members) > SEATS:
        table.add_row(words["more"].format(n=len(e.members) - SEATS))
    return table
