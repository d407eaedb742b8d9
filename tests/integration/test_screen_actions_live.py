"""Two people act on one incident at the same moment, over HTTP: one wins, the other is told who; nothing is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from litestar.testing import TestClient
from running import Running, running, until
from screen_map import store

from brain.screen.access.config import Limits
from brain.screen.access.demo import Demo
from brain.screen.access.gate import Gate
from brain.screen.access.tokens import Verifier
from brain.screen.access.trail import Trail
from brain.screen.api import actions, audit, session
from brain.screen.app import build
from brain.screen.whereabouts import MapWhereabouts
from brain.screen.writing import Writing
from brain.settings import Settings

pytestmark = pytest.mark.kafka
ROUNDS = 3


def now() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def screen(worker: Running) -> Iterator[tuple[TestClient[Any], Demo]]:
    """The HTTP side over the worker's topics."""
    key, demo = Settings().key(), Demo(Limits(reads=0, writes=0))
    with Writing(worker.bootstrap, worker.prefix, now) as writing:
        gate = Gate(demo.access, Verifier(demo.access, demo.keys, now), Trail(writing.note, now), now, key)
        layers = store()
        acts = actions.Acts(gate, writing, writing.heard, MapWhereabouts(layers, now), key)
        made = [session.router(gate, demo), actions.router(acts), audit.router(writing.heard)]
        with TestClient(build(layers, now, gate=gate, routers=made)) as client:
            yield client, demo


def newest(worker: Running, one: str) -> Any:
    """An incident as it stands on its topic."""
    mine = until(lambda: [v for k, v, _ in worker.read("incidents.emergency") if k == one.encode()])
    return json.loads(mine[-1] or b"")


def test_two_people_at_the_same_moment_one_wins_the_other_is_told_who_and_nothing_is_lost(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    with running(kafka, prefix, tmp_path) as worker, screen(worker) as (client, demo), ThreadPoolExecutor(4) as pool:
        worker.start()
        until(lambda: worker.read("signals.feedback"), 150)
        people = {name: {"Authorization": f"Bearer {demo.token(name, now())}"} for name in ("op-01", "op-02", "aud-01")}

        def post(who: str, path: str, body: dict[str, Any], at: Barrier | None = None) -> Any:
            if at is not None:
                at.wait()
            for _ in range(12):  # 202: no answer in time; the same again is safe, by its id
                answer = client.post(f"/api/v1/{path}", headers=people[who], json=body)
                if answer.status_code != 202:
                    return answer
                body = {**body, "id": answer.json()["id"]}
            raise AssertionError(f"{who} {path}: never answered")

        told: list[str] = []
        for n in range(ROUNDS):
            made = post("op-01", "incidents", {"code": "emergency.fire", "text": f"三楼冒烟 {n}"})
            assert made.status_code == 201, made.text
            one, at = made.json()["incident"], Barrier(2)
            asked = {"do": "take", "expect": newest(worker, one)["revision"]}
            both = [pool.submit(post, who, f"incidents/{one}/actions", dict(asked), at) for who in ("op-01", "op-02")]
            answers = dict(zip(("op-01", "op-02"), (future.result(120) for future in both), strict=True))
            assert sorted(a.status_code for a in answers.values()) == [200, 409], [a.text for a in answers.values()]
            winner = next(who for who, a in answers.items() if a.status_code == 200)
            revision = answers[winner].json()["revision"]
            lost = next(a.json() for a in answers.values() if a.status_code == 409)
            assert lost["type"].endswith("#stale-revision")
            assert (lost["by"], lost["unit"], lost["revision"]) == (winner, "指挥中心", revision)
            written = newest(worker, one)
            assert (written["taken_by"], [a["what"] for a in written["history"]].count("take")) == (winner, 1)
            told.append(one)

        forged = client.post(
            f"/api/v1/incidents/{told[0]}/actions", headers=people["op-01"],
            json={"do": "note", "note": "x", "by": {"id": "cmd-01", "role": "commander"}, "t": 1},
        )  # fmt: skip
        assert forged.status_code == 400

        again = {"do": "note", "note": "电话 13812345678 已核实", "id": "twice"}
        path = f"incidents/{told[0]}/actions"
        first, second = post("op-01", path, again), post("op-01", path, again)
        assert (first.status_code, second.json()) == (200, first.json())
        assert post("op-02", path, again).status_code == 409, "another person's id is another action"

        records = [json.loads(v or b"") for _, v, _ in worker.read("feedback") if v and b'"do"' in v]
        notes = [json.loads(v or b"{}") for _, v, _ in worker.read("audit")]
        judged = {n["id"] for n in notes if n["what"] in {"feedback.done", "feedback.refused"}}
        assert {r["id"] for r in records} == judged, "each action that was taken in was judged"
        assert len(judged) == 3 * ROUNDS + 1

        seen = until(lambda: client.get("/api/v1/audit?limit=1000", headers=people["aud-01"]).json()["items"])
        listed = [item["note"] for item in seen]
        assert {n["id"] for n in listed if n["what"].startswith("feedback.")} == judged
        assert any(n["what"] == "access.refused" and n["by"] == "op-01" for n in listed)
        assert "13812345678" not in json.dumps(listed, ensure_ascii=False)
        mine = client.get(f"/api/v1/audit?incident={told[-1]}", headers=people["aud-01"]).json()["items"]
        assert {n["note"]["do"] for n in mine if n["note"]["what"].startswith("feedback.")} == {"create", "take"}
        assert worker.stop() == 0
