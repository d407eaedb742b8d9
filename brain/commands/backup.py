"""``brain backup``, ``brain restore``: a stopped brain as a folder, and one on another cluster that goes on from it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from brain.commands.common import Bootstrap, Config, Lang, Prefix, broker_of, errors, fail, load_settings
from brain.incidents.as_of import AsOf
from brain.notify.ledger import TOPIC as MESSAGES
from brain.notify.run import AT
from brain.notify.words import clock
from brain.pipeline import library
from brain.sets import files as files_of
from brain.settings import Settings
from streams import backup as taking
from streams import restore as putting
from streams import set_store
from streams.backup_files import BackupBroken, Manifest, Record, read_manifest
from streams.backup_running import take_running
from streams.kafka.connect import KafkaSettings
from streams.log import LogError
from streams.restore import Offsets
from streams.topics import Topic

console = Console()
Folder = Annotated[Path, typer.Argument(help="folder of the backup")]

_ZH = {
    "taken": "备份完成: {folder}, {n} 条记录, {mb:.1f} MB, 清单 SHA-256 {digest}",
    "personal": "含未掩码的个人数据 (未处理工单等); 仅属主可读, 请按原始数据保管",
    "whole": "备份完整: {n} 条记录, {time} 由版本 {version} 生成, 前缀 {prefix!r}, 清单 SHA-256 {digest}",
    "restored": "恢复完成: {n} 条记录 → 前缀 {prefix!r}; 现在启动工作进程. 勿再启动旧集群上的工作进程",
}  # fmt: skip
_EN = {
    "taken": "backup complete: {folder}, {n} records, {mb:.1f} MB, SHA-256 of the manifest {digest}",
    "personal": "it holds personal data as they came (tickets not worked yet): readable by its owner only; keep it so",
    "whole": "whole: {n} records, taken {time} by version {version}, prefix {prefix!r}, SHA-256 {digest}",
    "restored": "restored: {n} records → prefix {prefix!r}; start workers now, never again those of the old one",
}  # fmt: skip


def version() -> str:
    """Of this release."""
    from importlib.metadata import version as of

    return of("city-brain")


def extras() -> dict[str, Topic]:
    """Compacted topics beside the catalogue: messages of the notifier, of drills too."""
    names = (MESSAGES.name, f"{MESSAGES.name}.drill")
    return {name: Topic(name, 1, MESSAGES.cleanup, MESSAGES.retention_ms, MESSAGES.config) for name in names}


def moved(prefix: str, record: Record, offsets: Offsets) -> Record:
    """The notifier's positions name offsets: of the new topics, so that it tells nothing twice and misses nothing."""
    if not record.key or not record.key.startswith(AT):
        return record
    name, _, partition = record.key[len(AT) :].decode().rpartition("/")
    topic = name[max(name.rfind(family) for family in ("incidents.", "alarms.")) :]  # its prefix may have either word
    at = offsets.of(topic, int(partition), int(record.value or b"0"))
    return msgspec.structs.replace(record, key=AT + f"{prefix}{topic}/{partition}".encode(), value=b"%d" % at)


def backup(
    folder: Folder,
    check: Annotated[bool, typer.Option("--check", help="read it whole and compare checksums; writes nothing")] = False,
    running: Annotated[bool, typer.Option("--running", help="of a brain that runs on, as of one pulse")] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Write state, incidents, map, sets and unread input to a folder, of a stopped brain or with --running / 备份."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    try:
        if check:
            with _bar() as bar:
                manifest, digest = putting.check(folder, _told(bar))
            said = words["whole"].format(
                n=_records(manifest), time=clock(manifest.taken_ms), version=manifest.version, prefix=manifest.prefix,
                digest=digest,
            )  # fmt: skip
            console.print(said, soft_wrap=True)
            return
        broker = broker_of(settings)
        sets, _ = library(settings, broker)

        def packed(set_id: str) -> bytes:
            return set_store.pack(files_of(sets.path(set_id, settings.set_folder())))

        with _bar() as bar:
            told, more = _told(bar), tuple(extras())
            of = _kafka(settings, broker), folder, settings.partitions, settings.prefix, version(), packed, told
            manifest, digest = take_running(*of, settings.key(), AsOf(), more) if running else taking.take(*of, more)
    except (LogError, BackupBroken, KeyError, ValueError, OSError) as error:
        fail(str(error), 1)
    size = sum(part.bytes for part in manifest.parts) / 1e6
    said = words["taken"].format(folder=folder, n=_records(manifest), mb=size, digest=digest)
    console.print(said, soft_wrap=True)
    console.print(words["personal"], soft_wrap=True)


def restore(
    folder: Folder,
    by: Annotated[str, typer.Option(help="who restores, for the audit; your login when left out")] = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    lang: Lang = None,
) -> None:
    """Put a backup into empty topics of another cluster or prefix; workers go on from there / 恢复到另一集群."""
    settings = load_settings(config, bootstrap=bootstrap, prefix=prefix, language=lang)
    words = _EN if settings.language == "en" else _ZH
    try:
        manifest, _ = read_manifest(folder)
        if manifest.partitions != settings.partitions:
            fail(
                f"partitions: the backup has {manifest.partitions}, the settings {settings.partitions}: set them alike"
            )
        with _bar() as bar:
            putting.restore(
                _kafka(settings, broker_of(settings)), folder, settings.prefix, by.strip() or getpass.getuser(),
                _told(bar), extras(), moved,
            )  # fmt: skip
    except (LogError, BackupBroken, OSError) as error:
        fail(str(error), 1)
    console.print(words["restored"].format(n=_records(manifest), prefix=settings.prefix), soft_wrap=True)


def _kafka(settings: Settings, broker: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=broker, request_timeout=settings.request_timeout_s)


def _records(manifest: Manifest) -> int:
    return sum(part.records for part in manifest.parts)


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn()
    return Progress(*columns, console=errors, transient=True)


def _told(bar: Progress) -> taking.Told:
    task = bar.add_task("", total=None)

    def told(what: str, records: int) -> None:
        bar.update(task, advance=records, description=what)

    return told
