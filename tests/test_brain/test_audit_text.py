"""How findings read, and how the health port names them."""

from __future__ import annotations

import dataclasses

import msgspec

from brain.audit import as_json, line
from brain.tail import Lang
from streams.audit import Finding, Kind, Totals
from streams.progress import Progress
from streams.records import TP

TORN = Finding(Kind.TORN, TP("signals.x", 2), 12, "x/2", "3 records before the seal", "4", 8)
LANGS: tuple[Lang, ...] = ("zh", "en")
TAIL = Finding(Kind.LOST_TAIL, TP("signals.x", 2), -1, "x/2", "the seal ab", "none")


def test_a_finding_reads_in_chinese_by_default_and_in_english_by_option() -> None:
    assert str(line(TORN)) == (
        "✗ 批次残缺 (torn) signals.x/2/12 · x/2 · 自偏移 8 · 应为 3 records before the seal · 实为 4"
    )
    assert str(line(TORN, "en")).startswith("✗ torn flush (torn) signals.x/2/12 · x/2 · from offset 8 · expected 3")


def test_a_finding_about_no_single_record_names_only_its_partition() -> None:
    assert " signals.x/2 · x/2 · " in str(line(TAIL))


def test_every_kind_has_a_word_in_both_languages() -> None:
    words = {kind: [str(line(dataclasses.replace(TORN, kind=kind), lang)) for lang in LANGS] for kind in Kind}
    assert [kind for kind, (zh, en) in words.items() if f"✗ {kind} (" in zh or "_" in en.split(" (")[0]] == []


def test_json_names_every_field() -> None:
    assert msgspec.json.decode(as_json(TORN)) == {
        "finding": "torn", "topic": "signals.x", "partition": 2, "offset": 12, "since": 8, "about": "x/2",
        "expected": "3 records before the seal", "got": "4",
    }  # fmt: skip


def test_a_worker_with_findings_stays_ready_and_says_so() -> None:
    progress = Progress()
    progress.member_ok = True
    assert progress.ready() == (True, "0 tasks")
    progress.audit(Totals(records=10), [TORN, TAIL])
    progress.audit(Totals(records=15), [])
    assert progress.ready() == (True, "0 tasks, audit: 2 findings (see brain_audit_findings_total)")
