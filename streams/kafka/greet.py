"""The first words with a broker: is it there, is it a Kafka, does TLS hold, does it take our user. Says which is not.

The clients' own connecting says less, and some of it tries again for ever. A few round trips on a socket of its own.
"""

from __future__ import annotations

import socket
import ssl
import struct
from enum import StrEnum

from kafka.net.sasl.scram import ScramClient

from streams.log import LogError
from streams.security import Security, security_of

CONNECT_S, ANSWER_S = 3.0, 10.0
_VERSIONS, _METADATA, _HANDSHAKE, _AUTHENTICATE = 18, 3, 17, 36
_LARGEST = 2**20
_WRONG_STATE, _NO_MECHANISM = 34, 33


class Trouble(StrEnum):
    """What keeps us from a broker, the least telling first."""

    NO_HOST = "no_host"
    NO_ANSWER = "no_answer"
    NOT_KAFKA = "not_kafka"
    TLS = "tls"
    CERTIFICATE = "certificate"
    SASL = "sasl"
    USER = "user"


_RANK = {trouble: i for i, trouble in enumerate(Trouble)}
_WAY_OUT = {
    Trouble.NO_HOST: "Check the name in `bootstrap`, and that this machine can resolve it.",
    Trouble.NO_ANSWER: "Start the embedded one (brain kafka start), or check address and network.",
    Trouble.NOT_KAFKA: "Check the port in `bootstrap`: another program has it.",
    Trouble.TLS: "Set `security_protocol`, and tls_cert_file where the broker wants one, as its listener is set.",
    Trouble.CERTIFICATE: "Set `tls_ca_file` to the authority that signed the broker's certificate, and use its name.",
    Trouble.SASL: "Set `security_protocol` and `sasl_mechanism` as the broker's listener is set.",
    Trouble.USER: "Check `sasl_username` and the file of `sasl_password_file`.",
}


class Unreachable(LogError):
    """A broker that we cannot work with. One line: where, what was expected, what came, and the way out."""

    def __init__(self, address: str, trouble: Trouble, expected: str, got: str) -> None:
        self.address, self.trouble, self.expected, self.got = str(address), trouble, expected, got
        self.way_out = _WAY_OUT[trouble]
        away = trouble in (Trouble.NO_HOST, Trouble.NO_ANSWER, Trouble.NOT_KAFKA)
        head = f"no Kafka answers at {address}" if away else f"Kafka at {address} does not let us in"
        super().__init__(f"{head}: expected {expected}, got {got}. {self.way_out}")


class _Closed(Exception):
    """The other side ended the connection, or said nothing in time."""


def greet(address: str, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S) -> str:
    """The first of the addresses whose broker works with us; times in seconds, for each step.

    Raises
    ------
    Unreachable
        None does: with the trouble that tells most.
    """
    security, troubles = security_of(address), []
    for one in address.split(","):
        host, _, port = one.strip().rpartition(":")
        try:
            number = int(port)
            if not 0 < number < 65_536:
                raise ValueError(port)
            _greet(one.strip(), host.strip("[]"), number, security, connect_s, answer_s)
        except ValueError:
            troubles.append(Unreachable(one, Trouble.NO_HOST, "host:port", repr(one)))
        except Unreachable as error:
            troubles.append(error)
        else:
            return one.strip()
    raise max(troubles, key=lambda error: _RANK[error.trouble])


def _greet(at: str, host: str, port: int, security: Security, connect_s: float, answer_s: float) -> None:
    try:
        sock = socket.create_connection((host, port), connect_s)
    except socket.gaierror as error:
        raise Unreachable(at, Trouble.NO_HOST, "a name that resolves", _why(error)) from error
    except OSError as error:
        raise Unreachable(at, Trouble.NO_ANSWER, "a broker that takes connections", _why(error)) from error
    try:
        if sock.getsockname() == sock.getpeername():
            raise Unreachable(at, Trouble.NO_ANSWER, "a broker that takes connections", "our own socket")
        sock.settimeout(answer_s)
        if security.context is not None:
            sock = _tls(at, sock, host, security.context)
        wire = _Wire(sock, at)
        try:
            wire.ask(_VERSIONS, 0)
        except _Closed as error:
            if security.context is None and _speaks_tls(host, port, connect_s):
                raise Unreachable(at, Trouble.TLS, f"{security.protocol} as set", "a port that speaks TLS") from error
            trouble = Trouble.NO_ANSWER if security.context is None else Trouble.TLS
            raise Unreachable(at, trouble, "an answer to the first request", str(error)) from error
        if security.sasl:
            _authenticate(wire, security)
        else:
            try:
                wire.ask(_METADATA, 1, struct.pack(">i", 0))
            except _Closed as error:
                raise Unreachable(
                    at, Trouble.SASL, f"{security.protocol} as set", "a broker that wants a user and a password first"
                ) from error
    finally:
        sock.close()


def _tls(at: str, sock: socket.socket, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        got = f"one that does not hold: {error.verify_message}"
        raise Unreachable(at, Trouble.CERTIFICATE, "a certificate that we trust", got) from error
    except (OSError, ValueError) as error:
        raise Unreachable(at, Trouble.TLS, "TLS, as security_protocol says", _why(error)) from error


def _speaks_tls(host: str, port: int, wait_s: float) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent: only whether it is TLS
    try:
        with socket.create_connection((host, port), wait_s) as sock, context.wrap_socket(sock):
            return True
    except ssl.SSLError as error:
        # It wants a certificate, or another version: TLS all the same.
        return "ALERT" in str(error.reason or "").upper()
    except OSError:
        return False


def _authenticate(wire: _Wire, security: Security) -> None:
    try:
        answer = wire.ask(_HANDSHAKE, 1, _text(security.mechanism))
        (code,) = struct.unpack_from(">h", answer)
        if code == _NO_MECHANISM:
            raise Unreachable(wire.at, Trouble.SASL, f"sasl_mechanism {security.mechanism}", _mechanisms(answer[2:]))
        if code:
            got = "a listener without users" if code == _WRONG_STATE else f"error {code}"
            raise Unreachable(wire.at, Trouble.SASL, f"{security.protocol} as set", got)
        if security.mechanism == "PLAIN":
            _prove(wire, f"\0{security.username}\0{security.password}".encode())
            return
        scram = ScramClient(security.username, security.password, security.mechanism)
        scram.process_server_first_message(_prove(wire, scram.first_message()))
        scram.process_server_final_message(_prove(wire, scram.final_message()))
    except _Closed as error:
        raise Unreachable(wire.at, Trouble.SASL, f"an answer to {security.mechanism}", str(error)) from error
    except (struct.error, ValueError, KeyError) as error:
        raise Unreachable(wire.at, Trouble.SASL, "a proof that it knows our password", "none that holds") from error


def _prove(wire: _Wire, proof: bytes) -> bytes:
    answer = wire.ask(_AUTHENTICATE, 0, struct.pack(">i", len(proof)) + proof)
    code, size = struct.unpack_from(">hh", answer)
    reason = answer[4 : 4 + max(size, 0)].decode("utf-8", "replace")
    if code:
        raise Unreachable(wire.at, Trouble.USER, "a user and password that it knows", reason or f"error {code}")
    at = 4 + max(size, 0)
    (length,) = struct.unpack_from(">i", answer, at)
    return answer[at + 4 : at + 4 + length]


def _mechanisms(answer: bytes) -> str:
    (count,) = struct.unpack_from(">i", answer)
    names, at = [], 4
    for _ in range(min(count, 16)):
        (size,) = struct.unpack_from(">h", answer, at)
        names.append(answer[at + 2 : at + 2 + size].decode("utf-8", "replace"))
        at += 2 + size
    return f"a broker that takes {', '.join(names) or 'none'}"


class _Wire:
    """One request at a time, without any client's state."""

    def __init__(self, sock: socket.socket, at: str) -> None:
        self.sock, self.at, self._asked = sock, at, 0

    def ask(self, api: int, version: int, body: bytes = b"") -> bytes:
        """The answer's body. Raises _Closed, or Unreachable for what is not Kafka."""
        self._asked += 1
        request = struct.pack(">hhih", api, version, self._asked, -1) + body
        try:
            self.sock.sendall(struct.pack(">i", len(request)) + request)
            size, correlation = struct.unpack(">ii", self._read(8))
            if not 4 <= size <= _LARGEST or correlation != self._asked:
                raise Unreachable(self.at, Trouble.NOT_KAFKA, "a Kafka broker", "something that speaks otherwise")
            return self._read(size - 4)
        except ssl.SSLError as error:
            raise Unreachable(self.at, Trouble.TLS, "a TLS connection that lasts", _why(error)) from error
        except TimeoutError as error:
            raise _Closed(f"silence for {self.sock.gettimeout():g} s") from error
        except OSError as error:
            raise _Closed(_why(error)) from error

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            got = self.sock.recv(min(size, 65_536))
            if not got:
                raise _Closed("a connection that is closed at once")
            parts.append(got)
            size -= len(got)
        return b"".join(parts)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error).replace("_", " ").lower()
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
