"""An application behind its gate: tokens of every kind, a city that answers at once, an audit that can be read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from lane_rig import city
from litestar import Litestar, Router
from litestar.testing import TestClient
from screen_map import store

from brain.incidents.actions import Create, kind_of, read_action, subject
from brain.incidents.value import Act, Incident, Member, Text
from brain.screen.access.config import Access, Limits
from brain.screen.access.demo import Demo
from brain.screen.access.gate import Gate
from brain.screen.access.keys import FixedKeys, Key
from brain.screen.access.tokens import Verifier
from brain.screen.access.trail import Trail
from brain.screen.api import actions
from brain.screen.api.stream import Hub
from brain.screen.app import build
from brain.screen.board.board import Board, Came
from brain.screen.board.lore import Lore
from brain.screen.board.sensing import Sensing
from brain.screen.heard import Heard
from brain.screen.mounted import Parts, api, others
from brain.screen.watched import Watched
from brain.signed import genuine
from streams.records import Headers
from streams.tailing import Seen

NOW = 1_800_000_000_000
KEY = b"key of the tests"
HERE, THERE = "440402", "440403"
LIMITS = Limits(reads=0, writes=0, failures=0)
WHERE = {("incident", "inc-here"): HERE, ("incident", "inc-there"): THERE, ("grid", "g-here"): HERE,
         ("grid", "g-there"): THERE, ("asset", "a-here"): HERE, ("asset", "a-there"): THERE}  # fmt: skip


@cache
def private(kind: str) -> Any:
    """A key of a kind; making one of RSA takes a while."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else ed25519.Ed25519PrivateKey.generate()


KNOWN = [(name, district) for (kind, name), district in WHERE.items() if kind == "incident"]
CALLER, NOTED, SAID = "TEXT-OF-A-CALLER", "NOTE-OF-A-PERSON", "FACT-IN-WORDS-OF-AN-AGENT"
"""What is personal of each incident."""


def record(id: str, district: str) -> bytes:
    """An incident with a member and an act, as it is on its topic."""
    member = Member("m1", "asset-1", 1, text=CALLER, facts={"address": SAID, "people_n": 41.5})
    made = Incident(
        id=id, revision=1, state="detected", domain="emergency", scenario="s", scenario_version=1, event_code="c",
        name=Text("火", "fire"), level=1, peak_level=1, life=False, onset=NOW, opened=NOW, raised=NOW, updated=NOW,
        district=district, shown=NOW, lon=113.5, lat=22.2, members=[member], fingerprint="f",
        history=[Act(NOW, "note", "op-1", "u", NOTED)],
    )  # fmt: skip
    return msgspec.json.encode(made)


class Map:
    """Knows a few things and where they are."""

    def district_of(self, kind: str, id: str) -> str | None:
        return WHERE.get((kind, id))

    def district_at(self, action: Create) -> str | None:
        return WHERE.get(("grid", action.grid))


class City:
    """Takes actions and says at once, on the audit, what became of them; ``say`` may be another answer."""

    def __init__(self, heard: Heard) -> None:
        self.heard, self.taken, self.say, self.silent = heard, list[Any](), dict[str, Any](), False
        self.failure: Exception | None = None

    def send(self, key: bytes, value: bytes, headers: Headers) -> int:
        if self.failure is not None:
            raise self.failure
        assert genuine(value, dict(headers)["city_signature"], KEY)
        action = read_action(value)
        self.taken.append(action)
        note = {"what": "feedback.done", "id": action.id, "do": kind_of(action), "incident": subject(action),
                "named": getattr(action, "incident", ""), "revision": 2, "by": action.by.id, "unit": action.by.unit,
                "role": action.by.role, "t": action.t, "note": action.note, **self.say}  # fmt: skip
        if not self.silent:
            self.tell(note)
        return len(self.taken) - 1

    def tell(self, note: dict[str, Any]) -> None:
        self.heard.hear([Seen("audit", 0, len(self.heard.notes()), NOW, b"city", msgspec.json.encode(note))])


class Rig:
    """The application and all around it."""

    def __init__(
        self, limits: Limits = LIMITS, more: Sequence[Router] = (), wait_s: float = 0.05, demo: Demo | None = None,
        sensing: Sensing | None = None, board: Board | None = None, **access: Any,
    ) -> None:  # fmt: skip
        self.now = NOW
        self.access = Access(issuer="https://sso.test", audience="city-brain", limits=limits, **access)
        ring = {"r1": Key("RS256", private("rsa").public_key()), "e1": Key("ES256", private("ec").public_key()),
                "o1": Key("EdDSA", private("ed").public_key())}  # fmt: skip
        self.notes: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        given, keys = (self.access, FixedKeys(ring)) if demo is None else (demo.access, demo.keys)
        verifier = Verifier(given, keys, lambda: self.now)
        self.gate = Gate(
            given, verifier, Trail(self.keep, lambda: self.now), lambda: self.now, KEY, demo=demo is not None
        )
        self.heard = Heard()
        self.city = City(self.heard)
        acts = actions.Acts(self.gate, self.city, self.heard, Map(), KEY, wait_s)
        self.board = board or Board()
        self.board.take(Came("incidents.emergency", 0, n, i.encode(), record(i, d)) for n, (i, d) in enumerate(KNOWN))
        layers, clock = store(), lambda: self.now
        self.hub, watched = Hub(self.board, clock), Watched(self.board, clock)
        self.hub.close()  # a stream ends after its first pulse: no test waits for more
        parts = Parts(
            self.gate, self.board, Lore(), layers, self.hub, clock, self.heard, sensing or Sensing(city()), acts, demo
        )
        self.app: Litestar = build(
            layers, clock, gate=self.gate, routers=[*api(parts), *more], more=others(watched), watched=watched
        )

    def keep(self, record: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.notes.append(msgspec.json.decode(record))

    def claims(self, **more: Any) -> dict[str, Any]:
        at = self.now // 1000
        claims = {"iss": self.access.issuer, "aud": self.access.audience, "iat": at, "exp": at + 600, "sub": "op-1",
                  "roles": ["dispatcher"], "duty": "operator", "unit": "应急局", **more}  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, kind: str = "ec", kid: str | None = None, **more: Any) -> str:
        algorithm = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}[kind]
        name = {"rsa": "r1", "ec": "e1", "ed": "o1"}[kind] if kid is None else kid
        return jwt.encode(self.claims(**more), private(kind), algorithm, {"kid": name} if name else None)

    def bearer(self, *args: Any, **more: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*args, **more)}"}

    @contextmanager
    def client(self, address: str = "testclient", **more: Any) -> Iterator[TestClient[Any]]:
        """A client at an address."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope["client"] = (address, 50_000)
            await self.app(scope, receive, send)

        with TestClient(app, **more) as client:
            yield client


def patiently(what: Any, seconds: float = 3.0) -> Any:
    """The first true answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.01)
    raise AssertionError("not in time")
