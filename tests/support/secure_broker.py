"""An embedded broker that also listens with TLS and users, and asks for rights: certificates are made on the spot."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)
from running import until

from streams import broker
from streams.rights import Right

USER, PASSWORD = "brain", "s3cret-of-the-test"
_OPERATIONS = {
    "Read": ACLOperation.READ, "Write": ACLOperation.WRITE, "Create": ACLOperation.CREATE,
    "DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS,
}  # fmt: skip
_KINDS = {
    "topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional-id": ResourceType.TRANSACTIONAL_ID,
}  # fmt: skip


@dataclass(frozen=True)
class Files:
    """PEM: an authority, a certificate it signed and its key, and the two in one as Kafka wants them."""

    ca: Path
    cert: Path
    key: Path
    both: Path


@dataclass(frozen=True)
class SecureBroker:
    """Addresses of the listeners; ``plain`` is the super user's. ``client`` is a certificate that ``mutual`` takes."""

    plain: str
    sasl_tls: str
    mutual: str
    sasl: str
    server: Files
    client: Files
    foreign: Files
    password: Path
    home: broker.BrokerSettings

    def settings(self, **more: str) -> dict[str, str]:
        """Settings of a brain for the SASL_SSL listener."""
        return {
            "bootstrap": self.sasl_tls, "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": USER, "sasl_password_file": str(self.password), "tls_ca_file": str(self.server.ca), **more,
        }  # fmt: skip

    def allow(self, rights: Iterable[Right]) -> None:
        """Give rights to USER, whatever their role; they are in force on return."""
        acls = [
            ACL(
                f"User:{USER}", "*", _OPERATIONS[operation], ACLPermissionType.ALLOW,
                ResourcePattern(
                    _KINDS[right.kind], right.name,
                    ACLResourcePatternType.PREFIXED if right.prefixed else ACLResourcePatternType.LITERAL,
                ),
            )
            for right in rights
            for operation in right.operations
        ]  # fmt: skip
        admin = KafkaAdminClient(bootstrap_servers=self.plain)
        try:
            failed = admin.create_acls(acls)["failed"]
            assert not failed, failed
            # The controller has them now; what the broker asks, and this is answered by, comes a moment later.
            until(lambda: all(admin.describe_acls(acl)[0] for acl in acls), 20)
        finally:
            admin.close()


@contextmanager
def secure_broker(folder: Path) -> Iterator[SecureBroker]:
    """Start it, with one user; stopped at the end. Raises JarsUnavailable where there is no broker to start."""
    server, client, foreign = authority(folder / "own"), authority(folder / "client"), authority(folder / "foreign")
    sasl_tls, mutual, sasl = _ports(3)
    password = folder / "password"
    password.write_text(PASSWORD + "\n", encoding="utf-8")
    password.chmod(0o600)
    names = f"SASL_SSL://127.0.0.1:{sasl_tls},SSL://127.0.0.1:{mutual},SASL_PLAINTEXT://127.0.0.1:{sasl}"
    module = "org.apache.kafka.common.security"
    plain = f'{module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    properties = {
        "listeners": names, "advertised.listeners": names,
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "ssl.keystore.type": "PEM", "ssl.keystore.location": str(server.both),
        "listener.name.ssl.ssl.truststore.type": "PEM", "listener.name.ssl.ssl.truststore.location": str(client.ca),
        "listener.name.ssl.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:CN=client",
    }  # fmt: skip
    for listener in ("sasl_ssl", "sasl_plaintext"):
        at = f"listener.name.{listener}"
        properties[f"{at}.sasl.enabled.mechanisms"] = "SCRAM-SHA-512,PLAIN"
        properties[f"{at}.scram-sha-512.sasl.jaas.config"] = f"{module}.scram.ScramLoginModule required;"
        properties[f"{at}.plain.sasl.jaas.config"] = plain
    home = broker.BrokerSettings(folder / "kafka", heap_mb=256, properties=properties)
    running = broker.start(home)
    try:
        admin = KafkaAdminClient(bootstrap_servers=running.bootstrap)
        admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, "SCRAM-SHA-512", PASSWORD)])
        admin.close()
        at = [f"127.0.0.1:{port}" for port in (sasl_tls, mutual, sasl)]
        yield SecureBroker(running.bootstrap, *at, server, client, foreign, password, home)
    finally:
        broker.stop(home)


def authority(folder: Path, name: str = "") -> Files:
    """An authority of its own and one certificate for 127.0.0.1, whose subject is the folder's name."""
    folder.mkdir(parents=True)
    files = Files(*(folder / f"{name}.pem" for name in ("ca", "cert", "key", "both")))
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _name("authority"), _name(name or folder.name)
    ca = _builder(issuer, issuer, root).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(root.public_key()), critical=False)
    ca = ca.add_extension(
        x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        ), critical=True,
    )  # fmt: skip
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    cert = _builder(subject, issuer, leaf).add_extension(alternative, critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    cert = cert.add_extension(identifier, critical=False)
    pem = serialization.Encoding.PEM
    files.ca.write_bytes(ca.sign(root, hashes.SHA256()).public_bytes(pem))
    files.cert.write_bytes(cert.sign(root, hashes.SHA256()).public_bytes(pem))
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files.key.write_bytes(key)
    files.key.chmod(0o600)
    files.both.write_bytes(key + files.cert.read_bytes() + files.ca.read_bytes())
    return files


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
    )  # fmt: skip


def _ports(count: int) -> list[int]:
    """Free ones, below those from which systems take outgoing ports."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found
