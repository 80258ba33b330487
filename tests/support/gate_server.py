"""A gate for tests, as a process or in this one: real TLS, a fake world behind it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from time import monotonic

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.gate_world import Cluster, Evidence, Policies, Recorded
from tidegate.gate.app import Access, GateApp
from tidegate.gate.review import Reviewer
from tidegate.gate.server import Endpoint, HttpServer
from tidegate.gate.slots import Slots
from tidegate.gate.tls import Certificate, TlsFiles
from tidegate.net.limits import ConnectionLimits


def write_pair(folder: Path, name: str = "gate", *, days: int = 30) -> TlsFiles:
    """Write a self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(folder / "tls.crt", folder / "tls.key")
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return files


@dataclass
class Gate:
    """A running gate and its world."""

    url: str
    port: int
    files: TlsFiles
    certificate: Certificate
    policies: Policies
    evidence: Evidence
    journal: Recorded
    server: HttpServer

    def client(
        self, trusted: TlsFiles | None = None, own: TlsFiles | None = None
    ) -> httpx2.AsyncClient:
        """Return a client that trusts the gate's certificate, with a certificate of its own."""
        context = ssl.create_default_context(cafile=str((trusted or self.files).certificate))
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        return httpx2.AsyncClient(base_url=self.url, verify=context, trust_env=False, timeout=10)


@asynccontextmanager
async def running_gate(
    folder: Path,
    *,
    access: Access | None = None,
    limits: ConnectionLimits | None = None,
    client_ca: Path | None = None,
    max_body_bytes: int = 64 * 1024,
) -> AsyncIterator[Gate]:
    """Run a gate on a free port until the end of the block."""
    pair = write_pair(folder)
    certificate = Certificate(TlsFiles(pair.certificate, pair.key, client_ca))
    policies, evidence, journal = Policies(), Evidence(), Recorded()
    app = GateApp(
        Reviewer(policies, evidence, Cluster(), journal, slots=Slots(64)),
        clock=lambda: datetime.now(UTC),
        timer=monotonic,
        problems=lambda: policies.ready[1],
        access=access or Access(),
        max_body_bytes=max_body_bytes,
    )
    server = HttpServer(
        app, Endpoint(context=certificate.context, limits=limits or ConnectionLimits())
    )
    url = await server.start()
    try:
        port = int(url.rpartition(":")[2])
        yield Gate(url, port, pair, certificate, policies, evidence, journal, server)
    finally:
        await server.stop()
