"""The list of the broker's jars, and what is said when they cannot be had."""

import hashlib
import json
from pathlib import Path

import pytest

from streams import jars


def test_the_list_is_of_the_default_version_and_complete() -> None:
    listed = json.loads(jars._LOCK.read_text())
    assert listed["kafka"] == jars.KAFKA_VERSION
    of_kafka = [j["jar"] for j in listed["jars"] if j["jar"].startswith("org.apache.kafka:")]
    assert of_kafka
    assert all(j.endswith(":" + jars.KAFKA_VERSION) for j in of_kafka), "one server, one version of all its parts"
    assert all(len(j["sha256"]) == 64 and j["size"] > 0 for j in listed["jars"])


def test_without_network_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(jars.time, "sleep", lambda _: None)
    with pytest.raises(jars.JarsUnavailable, match="BRAIN_BOOTSTRAP=host:port"):
        jars.jars()


def test_a_damaged_jar_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    listed = json.loads(jars._LOCK.read_text())["jars"][0]
    path = (tmp_path / "city-brain" / "maven").joinpath(*jars._parts(listed["jar"]))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut off")
    fetched: list[str] = []

    def download(_: object, coordinate: str, to: Path) -> None:
        fetched.append(coordinate)
        to.write_bytes(b"also wrong")

    monkeypatch.setattr(jars, "_download", download)
    with pytest.raises(jars.JarsUnavailable, match=hashlib.sha256(b"also wrong").hexdigest()):
        jars.jars()
    assert fetched == [listed["jar"]]
    assert not path.exists()


def test_a_version_without_kraft_is_refused() -> None:
    with pytest.raises(jars.JarsUnavailable, match=r"4\.x\.y"):
        jars.jars("3.9.0")
