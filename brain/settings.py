"""Settings of a brain: one YAML file, then environment variables ``BRAIN_*``, then options of a command.

Unknown keys are refused, and an error names file, key, what was expected and what came.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from streams.security import Address, Security, SecurityError

HOME = Path(__file__).resolve().parent.parent
"""The checkout, where config/ lies."""


class SettingsError(Exception):
    """A settings file that cannot be used; read by a person."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a worker, a demo or a tool needs to know. Times in seconds."""

    bootstrap: str = ""
    """Broker to use; empty: the embedded one."""
    security_protocol: str = "PLAINTEXT"
    """Of the listener that ``bootstrap`` names: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: str = "SCRAM-SHA-512"
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str = ""
    sasl_password_file: str = ""
    """A file of one line; a secret is never a setting itself."""
    tls_ca_file: str = ""
    """Authorities we trust, PEM; empty: the system's."""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    """Our own certificate and its key, PEM, where the broker asks for one."""
    tls_key_password_file: str = ""
    prefix: str = ""
    group: str = "city-brain"
    telemetry_partitions: int = 4
    video_partitions: int = 2
    sets: str = "config"
    """Folder that holds the sets, one folder each."""
    set_cache: str = ".brain/sets"
    """Folder for sets that came by topic and for compiled maps; it can be deleted, and is filled again."""
    genesis: str = "demo"
    """Name of the set's folder before any pulse names another."""
    pulse_key: str = "demo-key-change-me"
    """Signs pulses; give it by file with ``pulse_key_file`` where others share the broker."""
    pulse_key_file: str = ""
    health_port: int = 0
    """Port of /metrics and /health; 0 takes a free one."""
    health_host: str = "127.0.0.1"
    """Address they listen on; ``0.0.0.0`` in a container, whose network decides who reaches it."""
    trace_endpoint: str = ""
    """OpenTelemetry collector (OTLP over HTTP) that gets spans, as http://127.0.0.1:4318; empty: no spans are made."""
    stuck_s: float = 30.0
    flush_s: float = 0.2
    request_timeout_s: float = 5.0
    kafka_data: str = ".brain/kafka"
    kafka_port: int = 0
    kafka_heap_mb: int = 512
    language: str = "zh"

    @property
    def partitions(self) -> dict[str, int]:
        """Partitions by input topic."""
        return {
            "iot.telemetry": self.telemetry_partitions,
            "video.metadata": self.video_partitions,
            "hotline.tickets": 1,
            "feedback": 1,
            "warnings": 1,
        }

    def security(self) -> Security:
        """How to speak to ``bootstrap``. Raises SettingsError, which never has a secret."""
        try:
            return Security.of(
                self.security_protocol, mechanism=self.sasl_mechanism, username=self.sasl_username,
                password_file=self.sasl_password_file, ca_file=self.tls_ca_file, cert_file=self.tls_cert_file,
                key_file=self.tls_key_file, key_password_file=self.tls_key_password_file,
            )  # fmt: skip
        except SecurityError as error:
            raise SettingsError(str(error)) from error

    def address(self) -> Address:
        """``bootstrap``, with its security bound to it; empty: the embedded one. Raises SettingsError."""
        if self.bootstrap:
            return Address(self.bootstrap, self.security())
        if self.security_protocol != "PLAINTEXT":
            raise SettingsError(
                f"bootstrap: expected a broker, as security_protocol is {self.security_protocol}, got nothing: the "
                "embedded one has neither users nor TLS"
            )
        return Address("")

    def key(self) -> bytes:
        """The key that signs pulses, at most 64 bytes."""
        if self.pulse_key_file:
            return Path(self.pulse_key_file).read_bytes().strip()[:64]
        return self.pulse_key.encode()[:64]

    def set_folder(self) -> Path:
        """The folder of sets; a relative one is looked for here first, then in the checkout."""
        here = Path(self.sets)
        return here if here.is_absolute() or here.is_dir() else HOME / here


def load(path: Path | None = None, environ: Mapping[str, str] | None = None, **options: Any) -> Settings:
    """Settings from file, environment and options, the later winning; options that are None are not given.

    Raises
    ------
    SettingsError
        Unknown key, wrong type, unreadable file; the message names the place.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values |= msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError) as error:
            raise SettingsError(f"{path}: {error}") from error
    fields = {f.name: f for f in msgspec.structs.fields(Settings)}
    for name, raw in (os.environ if environ is None else environ).items():
        field = name.removeprefix("BRAIN_").lower()
        if name.startswith("BRAIN_") and field in fields:
            values[field] = raw
    values |= {k: v for k, v in options.items() if v is not None}
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path or 'settings'}: {error}") from error
