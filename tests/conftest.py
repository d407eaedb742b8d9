"""Fixtures for tests on a real broker: one a session, and a topic prefix of its own for each test."""

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams import admin, broker
from streams.jars import JarsUnavailable

if TYPE_CHECKING:
    from secure_broker import SecureBroker

# A worker of pytest-xdist is told to be 80 columns wide, and a console that is made then stays so.
os.environ.pop("COLUMNS", None)
# Brokers of tests live for minutes on two cores: Java's second compiler takes more of them than it gives back.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a broker: that of BRAIN_KAFKA, or an embedded one that ends with the session."""
    given = os.environ.get("BRAIN_KAFKA")
    if given:
        yield given
        return
    settings = broker.BrokerSettings(tmp_path_factory.mktemp("kafka"))
    try:
        running = broker.start(settings)
    except JarsUnavailable as reason:
        pytest.skip(f"no broker: {reason}")
    try:
        yield running.bootstrap
    finally:
        broker.stop(settings)


@pytest.fixture
def prefix(kafka: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Begins the names of this test's topics; they are deleted afterwards."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name = f"{words}-{uuid.uuid4().hex[:6]}."
    yield name
    admin.wipe(kafka, name)


@pytest.fixture
def broker_home(tmp_path: Path) -> Iterator[broker.BrokerSettings]:
    """Settings of a broker that this test may start and break; it is ended afterwards."""
    settings = broker.BrokerSettings(tmp_path / "自己的 broker", heap_mb=256)
    yield settings
    broker.stop(settings)


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SecureBroker"]:
    """A broker with TLS, users and rights, shared by the session."""
    from secure_broker import secure_broker

    try:
        with secure_broker(tmp_path_factory.mktemp("secure")) as found:
            yield found
    except JarsUnavailable as reason:
        pytest.skip(f"no broker: {reason}")
