"""Keys that tokens are checked with: a JWKS or PEM file, or a secret; read again when the file changes.

A key has one algorithm, which follows from what it is: so no token can have a public key taken for a secret.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from brain.screen.access.config import AccessError, Algorithm

LARGEST: Final = 256 * 1024
SECRET_BYTES: Final = 32
RSA_BITS: Final = 2048
log = structlog.get_logger(__name__)


class Key(NamedTuple):
    """One key and the only algorithm that it checks."""

    algorithm: Algorithm
    key: Any


Ring = Mapping[str, Key]
"""By ``kid``; "" names the key of tokens that name none."""


def algorithm_of(key: Any) -> Algorithm:
    """Of a public or private key. Raises ValueError for one that is none of ours, or too short."""
    if isinstance(key, RSAPublicKey | RSAPrivateKey):
        if key.key_size < RSA_BITS:
            raise ValueError(f"expected RSA of at least {RSA_BITS} bits, got {key.key_size}")
        return "RS256"
    if isinstance(key, EllipticCurvePublicKey | EllipticCurvePrivateKey):
        if key.curve.name != SECP256R1.name:
            raise ValueError(f"expected the curve P-256, got {key.curve.name}")
        return "ES256"
    if isinstance(key, Ed25519PublicKey | Ed25519PrivateKey):
        return "EdDSA"
    raise ValueError(f"expected RSA, EC or Ed25519, got {type(key).__name__}")


def read_secret(path: Path) -> Ring:
    """A secret for HS256, without white space at its ends. Raises AccessError."""
    secret = _bytes(path).strip()
    if len(secret) < SECRET_BYTES:
        raise AccessError(f"{path}: expected at least {SECRET_BYTES} bytes, got {len(secret)}")
    if b"-----BEGIN" in secret:
        raise AccessError(f"{path}: expected a secret, got a key as PEM: name it by `keys`")
    return {"": Key("HS256", secret)}


def read_keys(path: Path, kid: str = "") -> Ring:
    """Public keys of a JWKS or of a PEM file, whose one key is called ``kid``. Raises AccessError."""
    data = _bytes(path)
    try:
        if b"-----BEGIN" in data:
            public = serialization.load_pem_public_key(data)
            return {kid: Key(algorithm_of(public), public)}
        return _jwks(msgspec.json.decode(data, type=dict[str, Any]))
    except (ValueError, UnsupportedAlgorithm, msgspec.DecodeError, jwt.PyJWTError) as error:
        raise AccessError(f"{path}: {error}") from error


def private_of(path: Path) -> Key:
    """What signs: a private key as PEM, or a secret. Raises AccessError."""
    data = _bytes(path)
    if b"-----BEGIN" not in data:
        return read_secret(path)[""]
    try:
        key = serialization.load_pem_private_key(data, None)
        return Key(algorithm_of(key), key)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AccessError(f"{path}: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise AccessError(f"{path}: {error.strerror}") from error
    if len(data) > LARGEST:
        raise AccessError(f"{path}: expected at most {LARGEST} bytes")
    return data


def _jwks(document: dict[str, Any]) -> Ring:
    listed, found = document.get("keys"), dict[str, Key]()
    if not isinstance(listed, list) or not listed:
        raise ValueError("expected a JWKS: an object with a list `keys` that is not empty")
    if not all(isinstance(entry, dict) for entry in listed):
        raise ValueError("keys: expected objects")
    for n, entry in enumerate(listed):
        if entry.get("use", "sig") != "sig" or entry.get("kty") not in {"RSA", "EC", "OKP"}:
            continue  # providers list keys for encryption beside those for signing
        if "d" in entry:
            raise ValueError(f"keys[{n}]: a private key: whoever reads this file could sign")
        kid = entry.get("kid", "")
        if not isinstance(kid, str) or kid in found or (not kid and len(listed) > 1):
            raise ValueError(f"keys[{n}]: expected a kid of its own, got {kid!r}")
        try:
            public = jwt.PyJWK(entry, _GUESSED.get(str(entry.get("crv") or entry["kty"]))).key
            algorithm = algorithm_of(public)
        except (ValueError, jwt.PyJWTError):
            log.warning("a key of the JWKS is left out", number=n, kty=entry.get("kty"), crv=entry.get("crv"))
            continue
        if entry.get("alg", algorithm) == algorithm:
            found[kid] = Key(algorithm, public)
    if not found:
        raise ValueError("keys: expected one for signing by RS256, ES256 or EdDSA")
    return found


_GUESSED: Final = {"RSA": "RS256", "P-256": "ES256", "Ed25519": "EdDSA"}


class KeyFile:
    """The keys of a file as it is now. One that becomes unreadable leaves the keys as they were, and says so."""

    def __init__(self, path: Path, kid: str = "", *, secret: bool = False) -> None:
        """Raises AccessError where it cannot be read to begin with."""
        self._path, self._kid, self._secret = path, kid, secret
        self._lock, self._seen = threading.Lock(), self._stamp()
        self.version, self._ring = 0, self._read()

    def ring(self) -> Ring:
        """Its keys; a look at the file's time and size, and a reading where they changed."""
        stamp = self._stamp()
        if stamp != self._seen:
            with self._lock:
                self._again(stamp)
        return self._ring

    def _again(self, stamp: tuple[int, ...]) -> None:
        if stamp == self._seen:
            return
        try:
            self._ring = self._read()
            self.version += 1
            log.info("keys of tokens were read again", path=str(self._path), keys=sorted(self._ring))
        except AccessError as error:
            log.error("keys of tokens cannot be read: those of before stay", error=str(error))
        self._seen = stamp

    def _read(self) -> Ring:
        return read_secret(self._path) if self._secret else read_keys(self._path, self._kid)

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


class FixedKeys:
    """Keys that do not change."""

    version = 0

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def ring(self) -> Ring:
        """The keys."""
        return self._ring
