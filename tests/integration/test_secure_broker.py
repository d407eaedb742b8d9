"""TLS, users and rights on a real broker: a worker end to end with the least rights, and what each mistake says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import INPUTS, Running, running, until
from secure_broker import PASSWORD, SecureBroker

from brain.settings import Settings, load
from streams import admin, topics
from streams.kafka.connect import Cluster, KafkaSettings
from streams.kafka.greet import Trouble, Unreachable, greet
from streams.log import LogError
from streams.produce import Sender
from streams.records import CE_TYPE, SIGNAL_TYPE, TP
from streams.rights import Right, rights
from streams.security import Address
from streams.tailing import counts, snapshot

pytestmark = pytest.mark.kafka

PREFIX = "secure."
ROOT = Path(__file__).resolve().parents[2]
ECHO = """
from brain.agents import signals
from streams.topics import Topic


def register(app):
    topic = app.owns(Topic("agents.echo", 1, "delete", 3600000))

    @app.agent(signals(app, "iot.telemetry"))
    async def echo(events):
        async for signal in events:
            await app.put(topic, signal.asset.encode(), signal.identity().encode())
"""


@pytest.fixture
def allowed(secure_kafka: SecureBroker) -> Iterator[SecureBroker]:
    """Topics made by the super user; for the one user the rights of a worker, an agent and a source."""
    catalogue = topics.catalogue({"iot.telemetry": 2, "video.metadata": 1}, PREFIX)
    admin.ensure(secure_kafka.plain, catalogue)
    roles = ("worker", "agent", "source-iot")
    secure_kafka.allow(r for r in rights(catalogue, "city-brain", PREFIX) if r.role in roles)
    own = Right("agent", "topic", PREFIX + "agents.echo", ("Read", "Write", "Create", "DescribeConfigs"))
    secure_kafka.allow([own])
    yield secure_kafka
    admin.wipe(secure_kafka.plain, PREFIX)


def given(broker: SecureBroker, **more: str) -> Settings:
    return load(None, {}, **broker.settings(**more))


def refused(broker: SecureBroker, **more: str) -> Unreachable:
    address = given(broker, **more).address()
    with pytest.raises(Unreachable) as caught:
        greet(address, answer_s=5.0)
    text = str(caught.value)
    assert "\n" not in text
    assert "expected" in text
    assert "got" in text
    assert PASSWORD not in text
    return caught.value


def test_a_worker_and_an_agent_with_their_least_rights_work_events_end_to_end_over_sasl_and_tls(
    allowed: SecureBroker, tmp_path: Path
) -> None:
    address = given(allowed).address()
    (tmp_path / "echo.py").write_text(ECHO)
    with running(allowed.plain, PREFIX, tmp_path, **allowed.settings()) as worker:
        worker.start()
        now = int(time.time() * 1000)
        with Sender(address, INPUTS, PREFIX) as sender:
            for n in range(5):
                body = {"asset": "gas-01", "metric": "gas", "t": now + n, "v": 60.0, "unit": "%LEL"}
                sender.send("iot.telemetry", b"gas-01", json.dumps(body).encode())
            sender.flush()
        found = until(lambda: signals(worker, address))
        assert found[0]["asset"] == "gas-01"
        with Agent(worker, tmp_path) as process:
            echoed = until(lambda: counts(address, [PREFIX + "agents.echo"]) and worker.read("agents.echo"))
            assert echoed[0][0] == b"gas-01"
            assert process.poll() is None
        assert worker.stop() == 0
        said = worker.log.read_text() + (tmp_path / "agent.log").read_text()
        assert PASSWORD not in said


def signals(worker: Running, address: Address) -> list[dict[str, object]]:
    rows = snapshot(address, [TP(PREFIX + "signals.iot.telemetry", p) for p in range(2)])
    return [json.loads(v or b"") for *_, v, h in rows if (CE_TYPE, SIGNAL_TYPE) in h]


class Agent:
    """`brain agent run` with the worker's settings, ended afterwards."""

    def __init__(self, worker: Running, folder: Path) -> None:
        self.worker, self.folder = worker, folder

    def __enter__(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "brain", "agent", "run", "echo", "--config", str(self.worker.config)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.folder / "agent.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=log, stderr=log)
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def test_a_source_whose_records_are_refused_is_told_and_so_is_who_sends_a_file(
    secure_kafka: SecureBroker, tmp_path: Path
) -> None:
    admin.ensure(secure_kafka.plain, topics.catalogue({"iot.telemetry": 2}, "foreign."))
    body = json.dumps({"asset": "gas-01", "metric": "gas", "t": 1, "v": 60.0, "unit": "%LEL"}).encode()
    with Sender(given(secure_kafka).address(), {"iot.telemetry": 2}, "foreign.") as sender:
        with pytest.raises(LogError) as caught:
            sends(sender, body, 3)
        assert "records, first foreign.iot.telemetry/" in str(caught.value)
        assert "Authorization" in str(caught.value)
        with pytest.raises(LogError, match="did not take"):
            sender.send("iot.telemetry", b"gas-01", body)
    (tmp_path / "rows.ndjson").write_bytes(body + b"\n")
    (tmp_path / "settings.yaml").write_text(json.dumps(secure_kafka.settings()))
    command = [sys.executable, "-m", "brain", "send", str(tmp_path / "rows.ndjson"), "--prefix", "foreign."]
    command += ["--config", str(tmp_path / "settings.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "did not take 1 of 1 records" in " ".join(done.stderr.split())
    admin.wipe(secure_kafka.plain, "foreign.")


def sends(sender: Sender, body: bytes, count: int) -> None:
    for _ in range(count):
        sender.send("iot.telemetry", b"gas-01", body)
    sender.flush()


def test_a_wrong_password_ends_a_worker_with_one_line_and_no_retry(secure_kafka: SecureBroker, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-password")
    for mechanism in ("SCRAM-SHA-512", "PLAIN"):
        error = refused(secure_kafka, sasl_password_file=str(wrong), sasl_mechanism=mechanism)
        assert error.trouble is Trouble.USER
        assert "sasl_password_file" in str(error)
    config = tmp_path / "settings.yaml"
    config.write_text(json.dumps(secure_kafka.settings(sasl_password_file=str(wrong))))
    command = [sys.executable, "-m", "brain", "worker", "--config", str(config), "--prefix", "none."]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 71
    assert "Traceback" not in done.stderr
    assert "not-the-password" not in done.stderr
    assert "does not let us in" in done.stderr
    assert "a user and password that it knows" in done.stderr
    assert time.monotonic() - begun < 30


def test_a_wrong_authority_a_wrong_protocol_and_a_wrong_mechanism_are_told_apart(secure_kafka: SecureBroker) -> None:
    k = secure_kafka
    no_user = {"sasl_username": "", "sasl_password_file": ""}
    foreign = refused(k, tls_ca_file=str(k.foreign.ca))
    assert foreign.trouble is Trouble.CERTIFICATE
    assert "tls_ca_file" in foreign.way_out
    plain = refused(k, security_protocol="PLAINTEXT", tls_ca_file="", **no_user)
    assert (plain.trouble, plain.got) == (Trouble.TLS, "a port that speaks TLS")
    without = refused(k, security_protocol="SSL", **no_user)
    assert without.trouble is Trouble.SASL
    other = refused(k, sasl_mechanism="SCRAM-SHA-256")
    assert other.trouble is Trouble.SASL
    assert "SCRAM-SHA-512" in other.got
    tls = refused(k, bootstrap=k.plain)
    assert tls.trouble is Trouble.TLS
    user = refused(k, bootstrap=k.plain, security_protocol="SASL_PLAINTEXT", tls_ca_file="")
    assert (user.trouble, user.got) == (Trouble.SASL, "a listener without users")
    bare = refused(k, bootstrap=k.mutual, security_protocol="SSL", **no_user)
    assert bare.trouble is Trouble.TLS
    assert "tls_cert_file" in bare.way_out


def test_every_kind_of_listener_lets_in_who_has_what_it_asks_for(secure_kafka: SecureBroker) -> None:
    k = secure_kafka
    no_user = {"sasl_username": "", "sasl_password_file": ""}
    own = {"tls_cert_file": str(k.client.cert), "tls_key_file": str(k.client.key)}
    ways = (
        given(k), given(k, sasl_mechanism="PLAIN"),
        given(k, bootstrap=k.sasl, security_protocol="SASL_PLAINTEXT", tls_ca_file=""),
        given(k, bootstrap=k.mutual, security_protocol="SSL", **own, **no_user),
        given(k, bootstrap=k.plain, security_protocol="PLAINTEXT", tls_ca_file="", **no_user),
    )  # fmt: skip
    for settings in ways:
        address = settings.address()
        assert greet(address) == settings.bootstrap
        assert admin.names(address) is not None
        assert counts(address, ["nothing"]) == {}


async def test_the_engines_own_connections_say_why_they_are_refused(secure_kafka: SecureBroker, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("x")
    cluster = Cluster(KafkaSettings(given(secure_kafka, sasl_password_file=str(wrong)).address()))
    with pytest.raises(LogError, match="does not let us in: expected a user and password"):
        await cluster.start()
