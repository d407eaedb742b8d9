"""Security as a value: what is refused, that no secret shows, and what a broker that is none is called."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secure_broker import authority

from brain.settings import SettingsError, load
from streams.admin import AdminError, client_options, must_answer
from streams.kafka.connect import KafkaSettings
from streams.kafka.greet import Trouble, Unreachable, greet
from streams.security import PLAINTEXT, Address, Security, SecurityError, security_of

SECRET = "hunter-two"


@contextmanager
def listening(answer: bytes, *, closes: bool = True) -> Iterator[str]:
    """A program on a port that says the same to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    conn, _ = server.accept()
                except OSError:
                    return
                with conn:
                    conn.recv(1024)
                    conn.sendall(answer)
                    if not closes:
                        conn.recv(1024)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def trouble(address: str, wait_s: float = 0.3) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        greet(address, connect_s=wait_s, answer_s=wait_s)
    return caught.value


def test_what_is_missing_or_of_no_use_is_refused_by_its_settings_name(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(SECRET + "\n")
    (tmp_path / "two").write_text("a\nb")
    (tmp_path / "empty").write_text("\n")
    user = {"username": "brain", "password_file": str(password)}
    files = authority(tmp_path / "pki")
    wrong: list[tuple[str, str, dict[str, str]]] = [
        ("security_protocol", "TLS", {}),
        ("sasl_username", "SASL_SSL", {}),
        ("sasl_password_file", "SASL_PLAINTEXT", {"username": "brain"}),
        ("sasl_password_file", "SASL_PLAINTEXT", user | {"password_file": str(tmp_path / "none")}),
        ("sasl_password_file", "SASL_PLAINTEXT", user | {"password_file": str(tmp_path / "two")}),
        ("sasl_password_file", "SASL_PLAINTEXT", user | {"password_file": str(tmp_path / "empty")}),
        ("sasl_mechanism", "SASL_PLAINTEXT", user | {"mechanism": "GSSAPI"}),
        ("sasl_username", "SSL", user),
        ("tls_ca_file", "PLAINTEXT", {"ca_file": str(files.ca)}),
        ("tls_ca_file", "SSL", {"ca_file": str(tmp_path / "none")}),
        ("tls_ca_file", "SSL", {"ca_file": str(password)}),
        ("tls_key_file", "SSL", {"cert_file": str(files.cert)}),
        ("tls_cert_file", "SSL", {"cert_file": str(files.cert), "key_file": str(authority(tmp_path / "b").key)}),
    ]
    for name, protocol, more in wrong:
        with pytest.raises(SecurityError, match=f"{name}.*: expected .*, got ") as caught:
            Security.of(protocol, **more)
        assert SECRET not in str(caught.value)


def test_no_secret_shows_in_the_text_of_what_carries_it(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(SECRET + "\n")
    given_ = load(
        None, {"BRAIN_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, bootstrap="127.0.0.1:1", sasl_username="brain",
        sasl_password_file=str(password),
    )  # fmt: skip
    address = given_.address()
    kafka = KafkaSettings(address)
    assert kafka.options()["sasl_plain_password"] == client_options(address)["sasl_plain_password"] == SECRET
    for shown in (address, address.security, given_, kafka, [address]):
        assert SECRET not in f"{shown} {shown!r}"
    assert (address, security_of("127.0.0.1:1"), security_of(Address("x"))) == ("127.0.0.1:1", PLAINTEXT, PLAINTEXT)


def test_settings_that_contradict_each_other_end_as_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="sasl_username: expected a name"):
        load(None, {}, security_protocol="SASL_SSL").security()


def test_a_port_that_is_no_kafka_is_told_from_one_that_is_silent_and_one_that_is_closed() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as web:
        assert trouble(web).trouble is Trouble.NOT_KAFKA
        with pytest.raises(AdminError, match=f"no Kafka answers at {web}: expected a Kafka broker, got something"):
            must_answer(web)
    with listening(b"", closes=False) as silent:
        assert "silence" in trouble(silent).got
        both = trouble(f"{silent}, 127.0.0.1:1")
        assert both.trouble is Trouble.NO_ANSWER
    assert trouble("127.0.0.1:1").trouble is Trouble.NO_ANSWER
    for nonsense in ("nowhere", "127.0.0.1:none", "127.0.0.1:99999", "nowhere.invalid:9092"):
        assert trouble(nonsense).trouble is Trouble.NO_HOST


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.binary(min_size=1, max_size=64))
def test_whatever_a_port_says_is_one_of_the_troubles(said: bytes) -> None:
    with listening(said) as port:
        assert trouble(port).trouble in (Trouble.NOT_KAFKA, Trouble.NO_ANSWER, Trouble.SASL)
