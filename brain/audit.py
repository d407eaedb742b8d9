"""What `brain audit` does: feeds the auditor from any cluster, says each finding as it comes, and sums up."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from brain.incidents.publish import outcomes
from brain.tail import Lang
from streams.audit import Auditor, Finding, Kind
from streams.lane_parts import Head, LaneTopics
from streams.records import TP
from streams.state import HEAD
from streams.tailing import counts, follow, latest

Format = Literal["table", "json"]
SETTLE_S = 1.0
"""The markers of a transaction reach its partitions one after the other: heads are read, then this passes."""

_ZH = {
    Kind.TORN: "批次残缺", Kind.ALTERED: "内容被改", Kind.LOST_FLUSH: "整批丢失", Kind.REPEATED_FLUSH: "批次重复",
    Kind.LOST_TAIL: "末批丢失", Kind.UNSEALED: "无封条", Kind.FOREIGN: "来历不明", Kind.UNREADABLE: "封条无法读取",
    Kind.OVERDUE_ALARM: "预警超时无结果", Kind.LATE_OUTCOME: "预警结果迟到",
    "expected": "应为", "got": "实为", "from": "自偏移",
    "title": "审计汇总", "partitions": "分区", "seals": "封条", "records": "核对的记录", "alarms": "生命安全预警",
    "overdue": "超时无结果的预警", "unverified": "无法核对的末批", "findings": "发现的问题",
    "sound": "全部一致，未发现问题", "empty": "没有读到任何封条：主题前缀对吗？",
}  # fmt: skip
_EN = {
    Kind.TORN: "torn flush", Kind.ALTERED: "altered", Kind.LOST_FLUSH: "lost flush",
    Kind.REPEATED_FLUSH: "repeated flush", Kind.LOST_TAIL: "lost last flush", Kind.UNSEALED: "without a seal",
    Kind.FOREIGN: "of unknown origin", Kind.UNREADABLE: "unreadable seal", Kind.OVERDUE_ALARM: "overdue alarm",
    Kind.LATE_OUTCOME: "late outcome", "from": "from offset", "title": "Audit", "records": "records covered",
    "overdue": "overdue alarms", "unverified": "last flushes not verifiable",
    "sound": "everything holds", "empty": "not one seal was read: is this the right topic prefix?",
}  # fmt: skip


class Audit:
    """One reading; ``broken`` says afterwards whether anything was found."""

    def __init__(
        self, bootstrap: str, prefix: str, inputs: Sequence[str], lang: Lang, output: Format, to: Console
    ) -> None:
        self.bootstrap, self.lang, self.output, self.to = bootstrap, lang, output, to
        sizes = counts(bootstrap, [prefix + name for name in inputs])
        self.lanes = [LaneTopics.of(name, p, prefix) for name in inputs for p in range(sizes.get(prefix + name, 0))]
        self.auditor = Auditor(self.lanes, prefix, outcomes)

    def run(self, *, from_beginning: bool, until_end: bool, stop: threading.Event | None = None) -> None:
        """Read to the end, or along until ``stop`` is set. Raises LogError where no broker answers."""
        if from_beginning:
            self._heads()
        begun, stop = int(time.time() * 1000), stop or threading.Event()
        topics = sorted({tp.topic for tp in self.auditor.partitions})
        reading = follow(
            self.bootstrap, topics, from_beginning=from_beginning, until_end=until_end, stop=stop.is_set, ends=self
        )
        with closing(reading):
            for r in reading:
                self._say(self.auditor.record(TP(r.topic, r.partition), r.offset, r.time, r.key, r.value, r.headers))
        if stop.is_set():
            return
        # Nothing more will be read: what had no seal or outcome when reading began, and was old then, has none.
        self.auditor.now = max(self.auditor.now, begun)
        self._say(self.auditor.judge(self.auditor.partitions, heads=True))

    def _heads(self) -> None:
        """Before anything is read, so that all they name lies before the ends."""
        states = latest(self.bootstrap, [topics.state for topics in self.lanes], HEAD)
        for topics in self.lanes:
            if topics.state in states:
                head = msgspec.json.decode(states[topics.state], type=Head)
                self.auditor.head(topics.source, head.flush, head.seals)
        time.sleep(SETTLE_S)

    # -- told by the reading

    def begins(self, tp: TP, offset: int) -> None:
        """A partition is read from here."""
        self.auditor.begin(tp, whole=offset == 0)

    def at_end(self, partitions: Collection[TP]) -> None:
        """These are read to their ends."""
        self._say(self.auditor.judge(partitions))

    # -- what people see

    @property
    def broken(self) -> bool:
        """Whether anything was found."""
        return bool(self.auditor.totals.findings)

    def _say(self, found: Sequence[Finding]) -> None:
        for finding in found:
            if self.output == "json":
                self.to.out(as_json(finding), highlight=False)
            else:
                self.to.print(line(finding, self.lang), soft_wrap=True, highlight=False)

    def close(self) -> None:
        """Print the summary."""
        totals = self.auditor.totals
        fields = {name: getattr(totals, name) for name in (
            "partitions", "seals", "records", "alarms", "overdue", "unverified")}  # fmt: skip
        if self.output == "json":
            found = {kind.value: n for kind, n in sorted(totals.findings.items())}
            self.to.out(msgspec.json.encode({"summary": {**fields, "findings": found}}).decode(), highlight=False)
            return
        table = Table(title=_word("title", self.lang), show_header=False)
        for name, value in fields.items():
            table.add_row(_word(name, self.lang), f"{value:,}")
        table.add_row(
            _word("findings", self.lang), f"{totals.findings.total():,}", style="bold red" if self.broken else ""
        )
        for kind, n in sorted(totals.findings.items()):
            table.add_row(f"  {_word(kind, self.lang)} ({kind})", f"{n:,}")
        self.to.print(table)
        if not totals.seals:
            self.to.print(_word("empty", self.lang), style="yellow")
        elif not self.broken:
            self.to.print(_word("sound", self.lang), style="green")


def _word(name: str, lang: Lang) -> str:
    return _ZH.get(name, name) if lang == "zh" else _EN.get(name, name)


def line(finding: Finding, lang: Lang = "zh") -> Text:
    """One finding, readable."""
    where = str(finding.where) if finding.offset < 0 else f"{finding.where}/{finding.offset}"
    out = Text("✗ ", "bold red").append(f"{_word(finding.kind, lang)} ", "bold red").append(f"({finding.kind}) ", "dim")
    out.append(where, "cyan").append(f" · {finding.about}")
    if 0 <= finding.since != finding.offset:
        out.append(f" · {_word('from', lang)} {finding.since}")
    return out.append(f" · {_word('expected', lang)} {finding.expected}").append(
        f" · {_word('got', lang)} {finding.got}", "yellow"
    )


def as_json(finding: Finding) -> str:
    """One finding as one line of JSON."""
    f = finding
    return msgspec.json.encode({
        "finding": f.kind.value, "topic": f.where.topic, "partition": f.where.partition, "offset": f.offset,
        "since": f.since, "about": f.about, "expected": f.expected, "got": f.got,
    }).decode()  # fmt: skip
