"""The map and the registry change by Kafka records while a worker runs: live, in a restart and in a replay."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from running import INPUTS, Running, running, until

from brain.sets import digest
from geo import geojson
from geo.changes import Change
from geo.feature import Feature
from streams.produce import Sender, send_all
from streams.records import PULSE_TYPE, SIGNAL_TYPE, TP

pytestmark = pytest.mark.kafka

DEMO = Path(__file__).parents[2] / "config" / "demo"
MINUTE = 60_000
NEW_TOWN = "990102009"


def detector(name: str) -> dict[str, Any]:
    return {"id": name, "type": "gas", "lon": 113.42, "lat": 22.17, "unit": "%LEL", "range": [0, 100]}


def send(worker: Running, asset: str, t: int, value: float = 60.0) -> None:
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        body = {"asset": asset, "metric": "gas", "t": t, "v": value, "unit": "%LEL"}
        sender.send("iot.telemetry", asset.encode(), json.dumps(body).encode())
        sender.flush()


def towns(worker: Running) -> dict[str, tuple[str, str]]:
    """Town and set of each asset's raise."""
    return {
        s["asset"]: (s["town"], s["set"])
        for p in range(2) for _, v, h in worker.read("signals.iot.telemetry", p)
        if h.get("ce_type") == SIGNAL_TYPE for s in [json.loads(v or b"")] if s["kind"] == "raise"
    }  # fmt: skip


def notes(worker: Running, what: str) -> list[dict[str, Any]]:
    found = [json.loads(v) for k, v, _ in worker.read("audit") if k == b"city" and v and what.encode() in v]
    return [note for note in found if note["what"] == what]


def settled(worker: Running, refused: int) -> str:
    """The last set that was named, once it is in force in every lane and so many changes are refused; else empty.

    One set or two: on a slow machine the records of one topic can be gathered before those of the other are there.
    A set is named before the pulse that brings it: only what follows that pulse in its lane is judged by it.
    """
    built, named = notes(worker, "set.built"), notes(worker, "set.named")
    done = len(built) == len(named) > 0 and len(notes(worker, "change.refused")) == refused
    wanted = str(named[-1]["set"]) if done else ""
    return wanted if done and all(set_of_lane(worker, p) == wanted for p in range(2)) else ""


def set_of_lane(worker: Running, partition: int) -> str:
    """What the last pulse in an input partition names."""
    pulses = [v for _, v, h in worker.read("iot.telemetry", partition) if h.get("ce_type") == PULSE_TYPE and v]
    return str(json.loads(pulses[-1])["set"]) if pulses else ""


def test_grids_that_move_to_a_new_town_answer_by_the_events_time_live_after_a_restart_and_in_replay(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    # Nine detectors in one grid, as nine communities that go to a new town at one moment.
    sets = tmp_path / "sets"
    shutil.copytree(DEMO, sets / "one")
    with (sets / "one" / "assets.ndjson").open("a") as stream:
        stream.writelines(json.dumps(detector(f"gas-{n}")) + "\n" for n in range(9))
    grids = [f for f in geojson.load(DEMO / "map.geojson") if f.attributes.get("town") == "990102001"]
    moment = int(time.time()) // 60 * MINUTE - 10 * MINUTE
    with running(kafka, prefix, tmp_path, sets=str(sets), genesis="one") as worker:
        worker.start()
        send(worker, "gas-0", moment + MINUTE)
        first = until(lambda: towns(worker).get("gas-0"))
        assert first == ("990102001", digest(sets / "one"))

        changes = [
            Change.of(Feature("grid", g.code, g.shape, moment, attributes={**g.attributes, "town": NEW_TOWN}))
            for g in grids
        ]
        broken = Change.of(Feature("grid", "990102001009", grids[0].shape, moment, attributes=grids[0].attributes))
        send_all(kafka, TP(prefix + "map.features", 0), [c.record() for c in (*changes, broken)])
        there = json.dumps(detector("gas-late")).encode()
        send_all(kafka, TP(prefix + "assets", 0), [(b"gas-late", there), (b"gas-bad", b'{"id": "gas-bad"}')])
        live = until(lambda: settled(worker, refused=2))
        assert {(r["topic"], "overlaps" in r["why"]) for r in notes(worker, "change.refused")} == {
            ("map.features", True), ("assets", False),
        }  # fmt: skip
        send(worker, "gas-1", moment - 1)
        send(worker, "gas-2", moment)
        send(worker, "gas-late", moment)
        got = until(lambda: len(towns(worker)) == 4 and towns(worker))
        assert got["gas-1"] == ("990102001", live)
        assert got["gas-2"] == got["gas-late"] == (NEW_TOWN, live)
        shown = worker.command("set", "list").stdout
        assert "live changes" in next(line for line in shown.splitlines() if "●" in line)
        assert worker.stop() == 0

        shutil.rmtree(tmp_path / "cache")  # a worker on another machine has only the folder and the topic
        worker.start()
        send(worker, "gas-3", moment - 1)
        send(worker, "gas-4", moment)
        got = until(lambda: len(towns(worker)) == 6 and towns(worker))
        assert got["gas-3"] == ("990102001", live)
        assert got["gas-4"] == (NEW_TOWN, live)
        assert len(notes(worker, "change.refused")) == 2, "told again after the restart"
        assert settled(worker, refused=2) == live
        assert worker.stop() == 0

        bundle = tmp_path / "bundle.ndjson.gz"
        assert worker.command("record", str(bundle), lang=False).returncode == 0
        shutil.rmtree(tmp_path / "cache")
        replayed = worker.command("replay", str(bundle), "--out", str(tmp_path / "out"), lang=False)
        assert replayed.returncode == 0, replayed.stderr
        again = [json.loads(line) for line in (tmp_path / "out" / "signals.ndjson").read_text().splitlines()]
        assert {s["asset"]: (s["town"], s["set"]) for s in again
                if (s["kind"], s["source"]) == ("raise", "iot")} == got  # fmt: skip
