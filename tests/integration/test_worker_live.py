"""A worker on a real broker: sets that change under it, holes in its log, topics that are not as they were."""

import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from running import INPUTS, Running, running, until

from brain.census import EVERY_MS, heard, read
from brain.sets import digest
from brain.settings import load
from streams import pulse as pulses
from streams.partition import partition_of
from streams.produce import Appender, Sender, send_one
from streams.pulse import Pulse
from streams.records import SIGNAL_TYPE, TP, Headers
from streams.set_watch import WANTED, Wanted
from streams.state import HEAD

pytestmark = pytest.mark.kafka

DEMO = Path(__file__).parents[2] / "config" / "demo"
NEW = {"id": "gas-new", "type": "gas", "lon": 113.5, "lat": 22.2, "unit": "%LEL", "range": [0, 100]}


def send(worker: Running, asset: str, *values: float) -> None:
    now = int(time.time() * 1000)
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        for n, v in enumerate(values):
            body = {"asset": asset, "metric": "gas", "t": now + n, "v": v, "unit": "%LEL"}
            sender.send("iot.telemetry", asset.encode(), json.dumps(body).encode())
        sender.flush()


def sets(folder: Path) -> Path:
    """Two sets: the demo's, and one that also knows another gas detector."""
    shutil.copytree(DEMO, folder / "sets" / "one")
    shutil.copytree(DEMO, folder / "sets" / "two")
    with (folder / "sets" / "two" / "assets.ndjson").open("a") as stream:
        stream.write(json.dumps(NEW) + "\n")
    return folder / "sets"


def signals(worker: Running, partition: int) -> list[Any]:
    return [json.loads(v or b"") for _, v, h in worker.read("signals.iot.telemetry", partition)
            if h.get("ce_type") == SIGNAL_TYPE]  # fmt: skip


def test_a_set_comes_into_force_when_all_have_it_and_what_it_knows_is_sent_again_once(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    home = partition_of(b"gas-new", 2)
    with running(kafka, prefix, tmp_path, sets=str(sets(tmp_path)), genesis="one") as worker:
        worker.start()
        send(worker, "gas-new", 60.0)
        until(lambda: [h for _, _, h in worker.read("deadletter", home) if h.get("reason") == b"unknown_asset"])
        send_one(kafka, prefix + "sets", 0, WANTED, msgspec.json.encode(Wanted("sha256:nobody-has-it", "x", "t")))
        refused = until(lambda: [v for _, v, _ in worker.read("audit") if b'"set.refused"' in (v or b"")])
        assert b"nor a folder below" in refused[0]

        answer = worker.command("set", "use", "two", "--by", "duty")
        assert answer.returncode == 0, answer.stdout + answer.stderr + worker.log.read_text()[-2000:]
        assert "is in force" in answer.stdout
        raised = until(lambda: [s for s in signals(worker, home) if s["asset"] == "gas-new"])
        assert [(s["kind"], s["set"]) for s in raised] == [("raise", digest(tmp_path / "sets" / "two"))]
        assert "●" in next(line for line in worker.command("set", "list").stdout.splitlines() if "two" in line)
        assert worker.stop() == 0

        shutil.rmtree(tmp_path / "sets" / "two")  # as on a machine that never had it: the topic has it
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        worker.start()  # neither a new conductor nor a new lane sends it once more, and the set stays
        send(worker, "gas-new", 1.0)
        until(lambda: [s for s in signals(worker, home) if s["kind"] == "clear"])
        again = [h for _, _, h in worker.read("iot.telemetry", home) if "requeued_from" in h]
        assert len(again) == 1
        assert worker.stop() == 0


def minutes(worker: Running, begin: int, end: int, *speaking: str) -> None:
    """A pulse every five seconds of [begin, end) ms in every lane, and a reading of each of these assets with it."""
    known = load(worker.config)
    partitions, set_id = known.partitions, digest(Path(known.sets) / known.genesis)
    lanes = [TP(worker.prefix + topic, p) for topic, n in partitions.items() for p in range(n)]
    lanes.append(TP(worker.prefix + "pulse", 0))
    rows: dict[TP, list[tuple[bytes, bytes | None, Headers]]] = {tp: [] for tp in lanes}
    for t in range(begin, end, 5000):
        for name in speaking:
            body = {"asset": name, "metric": "gas", "t": t - 1, "v": 1.0, "unit": "%LEL"}
            tp = TP(worker.prefix + "iot.telemetry", partition_of(name.encode(), 2))
            rows[tp].append((name.encode(), json.dumps(body).encode(), ()))
        value = pulses.encode(Pulse(t // 5000, t, t, set_id, 0), known.key())
        for records in rows.values():
            records.append((b"pulse", value, pulses.HEADERS))
    with Appender(worker.bootstrap) as to:
        for tp, records in rows.items():
            to.append(tp, records)


def censuses(worker: Running, partition: int) -> list[tuple[int, dict[str, int]]]:
    """What a lane said: time of the census, and of each asset since when it is silent."""
    found = [heard(h.get("ce_type"), v) for _, v, h in worker.read("signals.iot.telemetry", partition)]
    return [(s.t, {name: told.since for name, told in read(s)}) for s in found if s is not None]


@pytest.mark.long
def test_another_worker_goes_on_with_the_census_and_tells_only_who_fell_silent(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    speaks, falls = [name for name in (f"gas-x{n}" for n in range(20)) if partition_of(name.encode(), 2) == 0][:2]
    shutil.copytree(DEMO, tmp_path / "sets" / "one")
    with (tmp_path / "sets" / "one" / "assets.ndjson").open("a") as stream:
        stream.writelines(json.dumps({**NEW, "id": name, "every_s": 60}) + "\n" for name in (speaks, falls))
    hour = (int(time.time()) // 3600 - 1) * 3_600_000  # at the full hour itself all would be told
    first, second = hour + EVERY_MS, hour + 2 * EVERY_MS
    with running(kafka, prefix, tmp_path, sets=str(tmp_path / "sets"), genesis="one") as worker:
        minutes(worker, first - 60_000, first, speaks, falls)
        minutes(worker, first, first + 10_000, speaks)
        worker.start(conduct=False)
        assert until(lambda: censuses(worker, 0)) == [(first, {speaks: 0, falls: 0})]
        assert worker.stop() == 0
        minutes(worker, first + 10_000, second + 10_000, speaks)
        worker.start(conduct=False)
        assert until(lambda: censuses(worker, 0)[1:]) == [(second, {falls: second})]
        assert censuses(worker, 1) == []

        def passed() -> bool:
            heads = [json.loads(v) for k, v, _ in worker.read("state.city") if k == HEAD and v]
            return bool(heads) and heads[-1]["frontier"] > second

        until(passed)  # the city task goes on past what is for people alone
        assert not [v for _, v, _ in worker.read("audit") if b"signals.unreadable" in (v or b"")]
        silent = worker.command("assets", "list", "--health", "silent", "--json").stdout.splitlines()
        assert [(a["id"], a["since"]) for a in map(json.loads, silent)] == [(falls, second)]


@pytest.mark.long
def test_a_hole_in_the_log_stops_the_worker_until_a_person_accepts_the_loss(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    home = partition_of(b"gas-01", 2)
    with running(kafka, prefix, tmp_path) as worker:
        worker.start()
        until(lambda: worker.read("state.iot.telemetry", home))
        assert worker.command("recover", f"iot.telemetry/{home}").returncode == 0
        assert worker.stop() == 0
        send(worker, "gas-01", *[1.0] * 50)
        client = KafkaAdminClient(bootstrap_servers=kafka)
        client.delete_records({TopicPartition(prefix + "iot.telemetry", home): -1})
        client.close()

        worker.start()
        assert worker.ended(60) == 71
        assert f"brain recover {prefix}iot.telemetry/{home}" in worker.log.read_text()
        shown = worker.command("recover", f"{prefix}iot.telemetry/{home}")
        assert shown.returncode == 1
        assert "went before they were read, at most 5" in shown.stdout
        taken = worker.command("recover", f"iot.telemetry/{home}", "--accept-loss", "--by", "duty")
        assert taken.returncode == 0, taken.stdout + taken.stderr
        journal = [json.loads(v or b"") for k, v, _ in worker.read("journal") if k == b"recover"]
        assert [(e["lane"], e["loss"]) for e in journal] == [(f"{prefix}iot.telemetry/{home}", True)]
        assert any(b'"lane.loss_accepted"' in (v or b"") for _, v, _ in worker.read("audit", home))

        worker.start()
        send(worker, "gas-01", 60.0)
        until(lambda: [s for s in signals(worker, home) if s["asset"] == "gas-01"])
        assert worker.stop() == 0


def test_a_worker_refuses_topics_with_another_count_of_partitions(kafka: str, prefix: str, tmp_path: Path) -> None:
    with running(kafka, prefix, tmp_path) as worker:
        settings = worker.config.read_text().replace("telemetry_partitions: 2", "telemetry_partitions: 3")
        worker.config.write_text(settings)
        worker.start()
        assert worker.ended(60) == 71
        assert "expected 3 partitions as in the settings, the cluster has 2" in worker.log.read_text()


def test_a_worker_that_makes_no_progress_goes_unready_and_then_leaves(kafka: str, prefix: str, tmp_path: Path) -> None:
    with running(kafka, prefix, tmp_path, stuck_s=4.0) as worker:
        worker.start()
        until(lambda: worker.read("state.iot.telemetry", 1) and worker.read("state.iot.telemetry", 0))
        client = KafkaAdminClient(bootstrap_servers=kafka)
        client.delete_topics([prefix + "state.iot.telemetry"])  # no flush can succeed any more
        client.close()
        send(worker, "gas-01", *[1.0] * 20)
        ready = next(e["health"] for e in worker.said() if "health" in e)
        seen: list[str] = []

        def unready() -> bool:
            try:
                urllib.request.urlopen(ready, timeout=2).close()
            except urllib.error.HTTPError as error:
                seen.append(error.read().decode())
                return "no progress" in seen[-1]
            return False

        until(unready)
        assert worker.ended(60) == 70
        assert any(e.get("event") == "stuck" for e in worker.said())
