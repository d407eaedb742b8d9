"""``access.yaml``: whose tokens are taken, what their claims are called, which origins may ask, how often anyone may.

Paths in it are relative to the file. An error names file, key, what was expected and what came.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from brain.screen.access.rights import Role

Algorithm = Literal["RS256", "ES256", "EdDSA", "HS256"]
"""The closed list; ``none`` and all else are refused."""
Rate = Annotated[float, msgspec.Meta(ge=0)]
Burst = Annotated[int, msgspec.Meta(ge=1)]
Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[A-Za-z0-9.\[\]:-]{1,255}\Z")]
Path_ = Annotated[str, msgspec.Meta(pattern=r"^[\w:@/-]+(\.[\w:@/-]+)*\Z", max_length=200)]


class AccessError(Exception):
    """An access file or key that cannot be used; read by a person."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a token says what, as a path with dots (``realm_access.roles``)."""

    account: Path_ = "sub"
    roles: Path_ = "roles"
    unit: Path_ = "unit"
    districts: Path_ = "districts"
    duty: Path_ = "duty"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a second and at once; a rate of 0 is no limit. An address stands for a whole control room, so it may
    ``address_times`` as much as an account. ``body_bytes``: largest body."""

    reads: Rate = 50.0
    reads_burst: Burst = 200
    writes: Rate = 5.0
    writes_burst: Burst = 20
    failures: Rate = 0.5
    failures_burst: Burst = 20
    address_times: Annotated[int, msgspec.Meta(ge=1)] = 20
    body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=4 * 1024 * 1024)] = 64 * 1024


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    issuer: Annotated[str, msgspec.Meta(min_length=1)]
    audience: Annotated[str, msgspec.Meta(min_length=1)]
    algorithms: Annotated[list[Algorithm], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["RS256", "ES256", "EdDSA"]
    )
    keys: str = ""
    """A JWKS file, or a public key as PEM."""
    kid: str = ""
    """Name of the one key of a PEM file; "" where its tokens name none."""
    secret_file: str = ""
    """For HS256: at least 32 bytes."""
    leeway_s: Annotated[int, msgspec.Meta(ge=0, le=300)] = 30
    claims: Claims = Claims()
    roles: dict[str, Role] = msgspec.field(default_factory=lambda: {role.value: role for role in Role})
    """The provider's names of roles; those that are not here count for nothing."""
    origins: list[Origin] = []
    """Other origins whose pages may read and act with a token of their own; never with the cookie."""
    proxies: list[str] = []
    """Addresses of proxies whose ``X-Forwarded-For`` is believed."""
    limits: Limits = Limits()


def load(path: Path) -> Access:
    """Of a file, its paths resolved. Raises AccessError."""
    try:
        made = msgspec.yaml.decode(path.read_bytes(), type=Access)
    except (OSError, msgspec.DecodeError) as error:
        raise AccessError(f"{path}: {error}") from error
    symmetric, rest = "HS256" in made.algorithms, set(made.algorithms) - {"HS256"}
    if symmetric and rest:
        raise AccessError(f"{path}: algorithms: expected HS256 alone or none of it, got {', '.join(made.algorithms)}")
    given = "secret_file" if symmetric else "keys"
    if bool(made.secret_file) != symmetric or bool(made.keys) == symmetric:
        raise AccessError(f"{path}: {given}: expected for {', '.join(made.algorithms)}, and not the other one")
    where = {name: str(path.parent / value) for name in ("keys", "secret_file") if (value := getattr(made, name))}
    return msgspec.structs.replace(made, **where)
