"""How our clients prove who they are to Kafka and whom they trust: one value, built once, bound to the address.

Every client of ours is made from an address, so an address carries its security: whoever hands it on hands on both.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class SecurityError(ValueError):
    """Security that cannot be used as it is set; names the setting, what was expected and what came, never a secret."""


@dataclass(frozen=True)
class Security:
    """Protocol of a listener, and what a client needs for it. Made by :meth:`of`; its text has no secret."""

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls, protocol: str = "PLAINTEXT", *, mechanism: str = "SCRAM-SHA-512", username: str = "",
        password_file: str = "", ca_file: str = "", cert_file: str = "", key_file: str = "",
        key_password_file: str = "",
    ) -> Self:  # fmt: skip
        """From settings; files are PEM, secrets are files of one line. Without ``ca_file`` the system's are trusted.

        What a protocol has no use for is refused: a password that is set and never sent is a mistake.

        Raises
        ------
        SecurityError
            Names the setting.
        """
        if protocol not in PROTOCOLS:
            raise SecurityError(f"security_protocol: expected one of {', '.join(PROTOCOLS)}, got {protocol!r}")
        sasl, tls = protocol.startswith("SASL"), protocol.endswith("SSL")
        _only(sasl, protocol, sasl_username=username, sasl_password_file=password_file)
        _only(
            tls, protocol, tls_ca_file=ca_file, tls_cert_file=cert_file, tls_key_file=key_file,
            tls_key_password_file=key_password_file,
        )  # fmt: skip
        password = ""
        if sasl:
            if mechanism not in MECHANISMS:
                raise SecurityError(f"sasl_mechanism: expected one of {', '.join(MECHANISMS)}, got {mechanism!r}")
            if not username:
                raise SecurityError(f"sasl_username: expected a name, as security_protocol is {protocol}, got nothing")
            if not password_file:
                raise SecurityError("sasl_password_file: expected a file with the user's password, got nothing")
            password = secret("sasl_password_file", password_file)
        context = _context(ca_file, cert_file, key_file, key_password_file) if tls else None
        return cls(protocol, mechanism if sasl else "", username, password, context)

    @property
    def sasl(self) -> bool:
        """Whether a user proves itself by password."""
        return self.protocol.startswith("SASL")

    def options(self) -> dict[str, Any]:
        """Keyword arguments that aiokafka's and kafka-python's clients have in common."""
        out: dict[str, Any] = {"security_protocol": self.protocol}
        if self.context is not None:
            out["ssl_context"] = self.context
        if self.sasl:
            out["sasl_mechanism"] = self.mechanism
            out["sasl_plain_username"], out["sasl_plain_password"] = self.username, self.password
        return out


PLAINTEXT: Final = Security()


class Address(str):
    """``host:port``, or several with commas, with the security that goes with it. A part of one is a plain text."""

    __slots__ = ("security",)
    security: Security

    def __new__(cls, address: str, security: Security = PLAINTEXT) -> Self:
        """Bind the two."""
        made = super().__new__(cls, address)
        made.security = security
        return made


def security_of(address: str) -> Security:
    """What is bound to an address; PLAINTEXT where nothing is."""
    return address.security if isinstance(address, Address) else PLAINTEXT


def secret(setting: str, path: str) -> str:
    """The one line of a secret's file. Raises SecurityError where it is not there, empty or of several lines."""
    try:
        text = Path(path).read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecurityError(f"{setting}: expected a readable text file, got {path}: {_why(error)}") from error
    if not text or "\n" in text:
        raise SecurityError(f"{setting}: expected one line in {path}, got {'several' if text else 'nothing'}")
    return text


def _only(wanted: bool, protocol: str, **given: str) -> None:
    for name, value in given.items():
        if value and not wanted:
            raise SecurityError(f"{name}: expected nothing, as security_protocol is {protocol}, got a value")


def _context(ca_file: str, cert_file: str, key_file: str, key_password_file: str) -> ssl.SSLContext:
    if bool(cert_file) != bool(key_file):
        there, missing = ("tls_cert_file", "tls_key_file") if cert_file else ("tls_key_file", "tls_cert_file")
        raise SecurityError(f"{missing}: expected a file, as {there} is given, got nothing")
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError) as error:
        raise SecurityError(f"tls_ca_file: expected certificates in PEM, got {ca_file}: {_why(error)}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        # A key without its password would make OpenSSL ask on the terminal.
        password = secret("tls_key_password_file", key_password_file) if key_password_file else ""
        try:
            context.load_cert_chain(cert_file, key_file, password=lambda: password)
        except (OSError, ValueError) as error:
            raise SecurityError(
                f"tls_cert_file, tls_key_file: expected a certificate and its key in PEM, got {cert_file} and "
                f"{key_file}: {_why(error)}"
            ) from error
    return context


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip() or type(error).__name__
