"""A small certificate authority for what runs on one machine: ECDSA P-256, files for us alone."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
LEAF_DAYS = 365
"""Leaves are issued anew at every start, so this only bounds how long one run may last."""

CLOCK_SKEW = timedelta(hours=1)
"""How far certificates are dated back, for clocks that differ."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority kept in a folder; the same folder gives the same authority."""

    folder: Path
    name: str

    @property
    def pair(self) -> KeyPair:
        """The authority's own certificate and key."""
        return _pair(self.folder, self.name)

    def ensure(self, now: datetime) -> "Authority":
        """Make the authority's key and certificate unless the folder has them already."""
        pair = self.pair
        if not (pair.certificate.exists() and pair.key.exists()):
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
            builder = (
                _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_key_usage(authority=True), critical=True)
            )
            _write(pair, builder.sign(key, hashes.SHA256()), key)
        return self

    def issue(
        self,
        name: str,
        now: datetime,
        *,
        common_name: str,
        organization: str = "",
        hosts: Sequence[str] = (),
    ) -> KeyPair:
        """Write a certificate for client and server use; `hosts` are DNS names and addresses."""
        issuer = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        issuer_key = serialization.load_pem_private_key(self.pair.key.read_bytes(), None)
        if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.pair.key}: not an EC key; remove the folder to start anew")
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _builder(x509.Name(names), issuer.subject, key.public_key(), now, LEAF_DAYS)
        if hosts:
            uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
            alternatives = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(alternatives, critical=False)
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                critical=False,
            )
        )
        pair = _pair(self.folder, name)
        _write(pair, builder.sign(issuer_key, hashes.SHA256()), key)
        return pair


def write_signing_key(private: Path, public: Path) -> None:
    """Write an ECDSA P-256 key pair for tokens, unless both files exist."""
    if private.exists() and public.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    _write_private(private, key)
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pair(folder: Path, name: str) -> KeyPair:
    return KeyPair(folder / f"{name}.crt", folder / f"{name}.key")


def _write(pair: KeyPair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pair.certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(pair.key, key)
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
