"""Tokens: only those of the one issuer, for us, in time, signed by a key we have with this key's own algorithm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import pytest
from access_rig import NOW, Rig, private
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain.cli import app
from brain.screen.access.config import Access, AccessError, Claims, load
from brain.screen.access.keys import FixedKeys, Key, KeyFile, read_keys, read_secret
from brain.screen.access.rights import Role
from brain.screen.access.tokens import THREE, TokenRefused, Verifier, Why, keys_of

ONE = Rig()
PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def rig() -> Rig:
    return ONE


def why(rig: Rig, token: str) -> Why:
    with pytest.raises(TokenRefused) as refused:
        rig.gate.verifier.caller(token)
    return refused.value.why


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token that no library would make."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    mac = b"" if secret is None else hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


def jwks(*keys: tuple[str, Any, str], **more: Any) -> bytes:
    made = []
    for kid, key, algorithm in keys:
        entry = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)
        made.append({**entry, "kid": kid, "use": "sig", **more})
    return json.dumps({"keys": made}).encode()


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
def test_each_algorithm_of_the_closed_list_is_taken_with_its_own_key(rig: Rig, kind: str) -> None:
    caller = rig.gate.verifier.caller(rig.token(kind, districts=["440402"]))
    assert (caller.id, caller.roles, caller.unit) == ("op-1", {Role.DISPATCHER}, "应急局")
    assert (caller.districts, caller.expires) == (("440402",), NOW + 600_000)


def test_what_is_forged_expired_or_for_others_is_refused_with_its_reason(rig: Rig) -> None:
    at = NOW // 1000
    other = ec.generate_private_key(ec.SECP256R1())
    assert why(rig, jwt.encode(rig.claims(), other, "ES256", {"kid": "e1"})) is Why.SIGNATURE
    good = rig.token()
    head, body, mac = good.split(".")
    assert why(rig, f"{head}.{body}.{mac[:-8]}AAAAAAAA") is Why.SIGNATURE
    assert why(rig, rig.token(exp=at - 31)) is Why.EXPIRED
    assert rig.gate.verifier.caller(rig.token(exp=at - 29)).id == "op-1", "within the leeway"
    assert why(rig, rig.token(nbf=at + 31)) is Why.NOT_YET
    assert why(rig, rig.token(iat=at + 31)) is Why.NOT_YET
    assert why(rig, rig.token(iss="https://elsewhere.test")) is Why.ISSUER
    assert why(rig, rig.token(aud="another-service")) is Why.AUDIENCE
    for missing in ("exp", "iat", "iss", "aud"):
        assert why(rig, rig.token(**{missing: None})) in {Why.CLAIMS, Why.ISSUER, Why.AUDIENCE}, missing
    for wrong in (True, "soon", -1, 1e300):
        assert why(rig, rig.token(exp=wrong)) is Why.CLAIMS


def test_no_algorithm_but_that_of_the_key_is_believed(rig: Rig) -> None:
    """The classical tricks: none, a public key as a secret, another key's algorithm, paths in a kid."""
    public = private("rsa").public_key().public_bytes(*PEM)
    for name in ("none", "None", "NONE", "nOnE"):
        assert why(rig, by_hand({"alg": name, "kid": "r1"}, rig.claims(), None)) in {Why.ALGORITHM, Why.MALFORMED}
    assert why(rig, by_hand({"alg": "HS256", "kid": "r1"}, rig.claims(), public)) is Why.ALGORITHM
    assert why(rig, jwt.encode(rig.claims(), private("ec"), "ES256", {"kid": "r1"})) is Why.ALGORITHM
    assert why(rig, by_hand({"alg": "RS512", "kid": "r1"}, rig.claims(), public)) is Why.ALGORITHM
    for kid in ("", "unknown", "../../../dev/null", "r1\0", "r1' OR '1'='1", "R1"):
        assert why(rig, rig.token("rsa", kid=kid)) is Why.UNKNOWN_KEY, kid
    for odd in (["r1"], {"r1": 1}, 1, None):
        assert why(rig, by_hand({"alg": "RS256", "kid": odd}, rig.claims(), None)) in {Why.UNKNOWN_KEY, Why.MALFORMED}
    assert why(rig, jwt.encode(rig.claims(), private("ec"), "ES256", {"kid": "e1", "crit": ["exp"]})) is Why.MALFORMED
    held = {"alg": "ES256", "kid": "e1", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "http://127.0.0.1/keys"}
    assert why(rig, by_hand(held, rig.claims(), b"\0\0\0")) is Why.SIGNATURE
    short = Verifier(Access(issuer="https://sso.test", audience="city-brain", algorithms=["RS256"]), FixedKeys(
        {"e1": Key("ES256", private("ec").public_key())}), lambda: NOW)  # fmt: skip
    with pytest.raises(TokenRefused, match="algorithm"):
        short.caller(rig.token())


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.text(max_size=80), st.from_regex(r"[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}", fullmatch=True)))
def test_any_text_as_a_token_is_refused_and_never_an_error(text: str) -> None:
    with pytest.raises(TokenRefused):
        ONE.gate.verifier.caller(text)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.dictionaries(
        st.sampled_from(["sub", "roles", "unit", "districts", "duty", "exp", "iat", "nbf", "aud", "iss"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
            max_leaves=4,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_claims_of_any_kind_are_an_account_or_a_refusal_and_never_an_error(more: dict[str, Any]) -> None:
    token = jwt.encode({**ONE.claims(), **more}, private("ec"), "ES256", {"kid": "e1"}) if _plain(more) else "x"
    with suppress(TokenRefused):
        assert ONE.gate.verifier.caller(token).roles


def _plain(more: dict[str, Any]) -> bool:
    """Whether the library would sign it: it looks at some claims itself."""
    return isinstance(more.get("iss", ""), str) and not isinstance(more.get("exp", 1), str | list | dict | float)


def test_two_duties_of_the_three_administrators_are_not_in_one_account(rig: Rig) -> None:
    for a in THREE:
        assert rig.gate.verifier.caller(rig.token(roles=[a.value, "viewer"])).roles == {a, Role.VIEWER}
        for b in (THREE - {a}) | {Role.DISPATCHER}:
            assert why(rig, rig.token(roles=[a.value, b.value])) is Why.DUTIES
    assert why(rig, rig.token(roles=["nobody", "offline_access"])) is Why.NO_ROLE
    assert why(rig, rig.token(roles=[])) is Why.NO_ROLE
    assert why(rig, rig.token(districts=[])) is Why.CLAIMS, "an empty list must not open the whole city"
    assert why(rig, rig.token(sub="张 三")) is Why.CLAIMS
    assert why(rig, rig.token(duty="mayor")) is Why.CLAIMS


def test_claims_are_read_where_the_provider_has_them() -> None:
    rig = Rig(
        claims=Claims("preferred_username", "realm_access.roles", "org.unit", "https://city.test/districts"),
        roles={"brain-auditors": Role.AUDITOR},
    )  # fmt: skip
    token = rig.token(
        sub="f0e1", preferred_username="aud-1", realm_access={"roles": ["brain-auditors", "x"]}, org={"unit": "审计局"},
        **{"https://city.test/districts": "440402 440403"}, duty=None,
    )  # fmt: skip
    caller = rig.gate.verifier.caller(token)
    assert (caller.id, caller.roles, caller.unit) == ("aud-1", {Role.AUDITOR}, "审计局")
    assert caller.districts == ("440402", "440403")


def test_keys_are_read_again_when_the_file_changes_and_stay_when_it_breaks(tmp_path: Path) -> None:
    file, old, new = tmp_path / "jwks.json", private("ec"), ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(jwks(("a", old.public_key(), "ES256")))
    rig, keys = Rig(), KeyFile(file)
    verifier = Verifier(rig.access, keys, lambda: rig.now)
    by_old, by_new = rig.token(kid="a"), jwt.encode(rig.claims(), new, "ES256", {"kid": "b"})
    assert verifier.caller(by_old).id == verifier.caller(by_old).id == "op-1"
    with pytest.raises(TokenRefused):
        verifier.caller(by_new)
    file.write_bytes(jwks(("b", new.public_key(), "ES256")))
    assert verifier.caller(by_new).id == "op-1"
    with pytest.raises(TokenRefused, match="unknown_key"):
        verifier.caller(by_old)
    file.write_text("{")
    os.utime(file, ns=(1, 1))
    assert verifier.caller(by_new).id == "op-1"


def test_key_files_that_would_open_a_door_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys"

    def refused(content: bytes, *, secret: bool = False) -> str:
        file.write_bytes(content)
        with pytest.raises(AccessError) as error:
            read_secret(file) if secret else read_keys(file)
        return str(error.value)

    assert "at least 32 bytes" in refused(b"short", secret=True)
    public = private("ec").public_key().public_bytes(*PEM)
    assert "as PEM" in refused(public, secret=True)
    assert "private key" in refused(jwks(("a", private("ec"), "ES256")))
    weak = rsa.generate_private_key(65537, 1024).public_key()
    assert "for signing" in refused(jwks(("a", weak, "RS256")))
    assert "2048" in refused(weak.public_bytes(*PEM))
    assert "kid of its own" in refused(jwks(*[("a", private("ec").public_key(), "ES256")] * 2))
    assert "for signing" in refused(b'{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}')
    for nonsense in (b"", b"[]", b"{}", b'{"keys":[1]}', b'{"keys":{}}', b"-----BEGIN nothing", b"\xff"):
        refused(nonsense)
    file.write_bytes(public)
    assert read_keys(file, "named").keys() == {"named"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("audience: a", "issuer"),
        ("issuer: i\naudience: a", "keys"),
        ("issuer: i\naudience: a\nkeys: k\nalgorithms: [none]", "none"),
        ("issuer: i\naudience: a\nkeys: k\nalgorithms: [HS256, RS256]", "alone"),
        ("issuer: i\naudience: a\nkeys: k\nalgorithms: [HS256]", "secret_file"),
        ("issuer: i\naudience: a\nkeys: k\norigins: ['*']", "origins"),
        ("issuer: i\naudience: a\nkeys: k\nroles: {x: king}", "king"),
        ("issuer: i\naudience: a\nkeys: k\nopen: true", "open"),
        (": [", "access.yaml"),
    ],
)
def test_an_access_file_that_cannot_be_used_names_the_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "access.yaml"
    file.write_text(text)
    with pytest.raises(AccessError, match=said):
        load(file)


def test_the_command_issues_what_it_checks(tmp_path: Path) -> None:
    secret, file = tmp_path / "secret", tmp_path / "access.yaml"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    file.write_text("issuer: test\naudience: a\nalgorithms: [HS256]\nsecret_file: secret\n")
    run = CliRunner().invoke
    words = ["token", "issue", "--access", str(file), "--key", str(secret), "--account", "op-01", "--lang", "en"]
    issued = run(app, [*words, "--role", "dispatcher", "--duty", "operator", "--district", "440402"])
    assert issued.exit_code == 0, issued.output
    token = issued.stdout.strip()
    checked = run(app, ["token", "check", "--access", str(file)], input=token)
    assert json.loads(checked.stdout)["districts"] == ["440402"]
    assert run(app, ["token", "check", "--access", str(file), token[:-6] + "AAAAAA"]).exit_code == 1
    joined = run(app, [*words, "--role", "system", "--role", "auditor"])
    assert (joined.exit_code, "different people" in joined.output) == (2, True)
    assert run(app, [*words, "--role", "viewer", "--for", "ever"]).exit_code == 2
    assert keys_of(load(file)).ring()[""].algorithm == "HS256"
