"""Backups as files, what a restore makes of positions and seals, and a lane that goes on where its old log stood."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain.cli import app
from brain.commands.backup import moved
from brain.notify.run import AT
from streams import backup_files as files
from streams import set_store
from streams.backup import WHOLE
from streams.backup_files import BackupBroken, Manifest, Part, Record
from streams.deadletter import to_write
from streams.records import TP, Batch, Dead, Reason, Stage
from streams.restore import Offsets, _filled, check
from streams.topics import catalogue

ROWS = [Record(5, 1000, b"k", b"v", (("ce_type", b"x"),)), Record(9, 2000, None, None), Record(10, 0, b"", b"\x00")]


def part(folder: Path, topic: str = "iot.telemetry", records: list[Record] | None = None) -> Part:
    return files.write_part(folder, topic, 0, (5, 11), ROWS if records is None else records, lambda n: None)


def whole(folder: Path) -> Manifest:
    """A backup of one lane and the city task that has nothing in it but a few records."""
    files.new_folder(folder)
    parts = [part(folder, name) for name in ("iot.telemetry", "state.iot.telemetry", "signals.iot.telemetry")]
    manifest = Manifest(1, "0", 1, 0, "a.", {"iot.telemetry": 1}, [*parts, part(folder, "state.city")])
    files.write_manifest(folder, manifest)
    return manifest


def test_what_was_written_is_read_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    files.new_folder(folder)
    written = part(folder)
    assert list(files.read_part(folder, written)) == ROWS
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / written.file).stat().st_mode) == 0o600
    with pytest.raises(BackupBroken, match="an empty one"):
        files.new_folder(folder)


def test_a_backup_is_whole_or_it_is_said_what_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    manifest = whole(folder)
    told: list[str] = []
    assert check(folder, lambda what, n: told.append(what))[0] == manifest
    assert len(told) == 4

    torn = folder / manifest.parts[0].file
    kept = torn.read_bytes()
    torn.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(BackupBroken, match=r"iot.telemetry-0.gz: expected SHA-256"):
        check(folder, lambda what, n: None)
    torn.unlink()
    with pytest.raises(BackupBroken, match="no file"):
        check(folder, lambda what, n: None)
    torn.write_bytes(kept)

    for change, words in (
        ({"format": 2}, "upgrade first"), ({"state_format": 99}, "state of format 99"),
        ({"parts": manifest.parts[1:]}, "lacks iot.telemetry/0"), ({"sets": ["sha256:abc"]}, "lacks the set"),
        ({"sets": ["../../etc"]}, "a set is named"),
    ):  # fmt: skip
        (folder / files.MANIFEST).unlink()
        files.write_manifest(folder, msgspec.structs.replace(manifest, **change))
        with pytest.raises(BackupBroken, match=words):
            check(folder, lambda what, n: None)
    (folder / files.MANIFEST).unlink()
    files.write_manifest(folder, msgspec.structs.replace(manifest, sets=["sha256:abc"]))
    packed = set_store.pack({"assets.ndjson": b"{}"})
    files.write_bytes(files.set_file(folder, "sha256:abc"), packed[:-1])
    with pytest.raises(BackupBroken, match=r"abc\.zz: expected a packed set"):
        check(folder, lambda what, n: None)
    files.set_file(folder, "sha256:abc").write_bytes(packed)
    check(folder, lambda what, n: None)
    (folder / files.MANIFEST).unlink()
    with pytest.raises(BackupBroken, match="no backup that was finished"):
        check(folder, lambda what, n: None)


def test_the_verbs_say_when_a_backup_was_taken_and_refuse_other_partitions_before_a_broker_is_asked(
    tmp_path: Path,
) -> None:
    whole(tmp_path / "backup")
    checked = CliRunner().invoke(app, ["backup", str(tmp_path / "backup"), "--check", "--lang", "en"])
    assert checked.exit_code == 0, checked.output
    assert "whole: 12 records, taken 1970-01-01 08:00:00 by version 0" in " ".join(checked.output.split())
    put = CliRunner().invoke(app, ["restore", str(tmp_path / "backup"), "--bootstrap", "127.0.0.1:1"])
    assert (put.exit_code, "partitions: the backup has" in " ".join(put.output.split())) == (2, True)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=200))
def test_foreign_bytes_are_no_backup_and_say_so(tmp_path_factory: pytest.TempPathFactory, a: bytes, b: bytes) -> None:
    folder = tmp_path_factory.mktemp("foreign")
    (folder / files.MANIFEST).write_bytes(a)
    with pytest.raises(BackupBroken):
        files.read_manifest(folder)
    (folder / "x-0.gz").write_bytes(b)
    with pytest.raises(BackupBroken):
        list(files.read_part(folder, Part("x", 0, "x-0.gz", 1, 0, "", 0, 0)))


@pytest.mark.parametrize("name", ["../iot-0.gz", ".x-0.gz", "elsewhere.gz"])
def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    manifest = Manifest(1, "0", 1, 0, "", {}, [Part(name.removesuffix("-0.gz"), 0, name, 0, 0, "", 0, 0)])
    files.write_manifest(tmp_path, manifest)
    with pytest.raises(BackupBroken, match="names the file"):
        files.read_manifest(tmp_path)


def test_offsets_that_others_name_are_kept_and_the_newest_of_a_key_stays_the_newest() -> None:
    put = list(_filled([Record(2, 1, b"a", b"1"), Record(5, 2, b"b", b"2")], 7))
    assert [(r.offset, r.key, r.value) for r in put] == [
        (0, b"a", b"1"), (1, b"a", b"1"), (2, b"a", b"1"), (3, b"b", b"2"), (4, b"b", b"2"), (5, b"b", b"2"),
        (6, b"b", b"2"),
    ]  # fmt: skip
    assert list(_filled([], 4)) == []


def test_the_notifier_goes_on_at_the_same_incident_in_the_new_topic() -> None:
    offsets = Offsets()
    offsets.add("incidents.eco", 0, [3, 8, 20])
    at = Record(1, 0, AT + b"old.incidents.eco/0", b"9")
    assert moved("new.", at, offsets) == Record(1, 0, AT + b"new.incidents.eco/0", b"2")
    alarms = Record(1, 0, AT + b"old.alarms.iot.telemetry/1", b"70")
    assert moved("new.", alarms, offsets) == Record(1, 0, AT + b"new.alarms.iot.telemetry/1", b"0")
    message = Record(1, 0, b"msg/1", b"{}")
    assert moved("new.", message, offsets) is message


def test_every_compacted_topic_comes_along() -> None:
    compacted = {t.name for t in catalogue({}) if "compact" in t.cleanup}
    assert {name for name in compacted if not name.startswith("state.")} == set(WHOLE)


def test_a_moved_batch_counts_on_and_its_dead_letters_name_the_log_as_it_is() -> None:
    one = np.zeros(2, np.int32)
    batch = Batch(TP("x", 0), 4, 7, b"", one, one, one - 1, one, np.array([4, 6]), np.array([1, 2]), {}, 9)
    there = batch.moved(100)
    assert (there.first, there.next, there.high, there.offsets.tolist()) == (104, 107, 109, [104, 106])
    assert batch.moved(0) is batch
    letter = to_write(there.cut(1, 2), Dead(0, 0, Stage.DECODE, Reason.NOT_JSON, ""), TP("deadletter", 0))
    assert letter.key == b"x/0/6"
