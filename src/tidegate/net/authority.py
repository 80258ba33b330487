"""A small certificate authority: ECDSA P-256, all of it PEM, the instant given by the caller."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW = timedelta(hours=1)
"""How far certificates are dated back, for clocks that differ."""


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate and its private key, PKCS#8 without a passphrase."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a certificate is for."""

    common_name: str
    organization: str = ""
    hosts: Sequence[str] = ()
    """DNS names and addresses; with any the certificate is for servers as well as clients."""


def new_authority(name: str, now: datetime, life: timedelta) -> Pem:
    """Return a self-signed authority that signs no other authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, subject, key.public_key(), now, now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )
    return _pem(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Pem, holder: Holder, now: datetime, life: timedelta) -> Pem:
    """Return a new key with a certificate of `authority`, which it does not outlive.

    Raises:
        ValueError: `authority` is no certificate with its EC key.
    """
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is no EC key")  # noqa: TRY004 as for one that is no key
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, holder.common_name)]
    if holder.organization:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.organization))
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
    end = min(now + life, issuer.not_valid_after_utc)
    builder = _builder(x509.Name(names), issuer.subject, key.public_key(), now, end)
    if holder.hosts:
        uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
        alternatives = x509.SubjectAlternativeName([_host(host) for host in holder.hosts])
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
    return _pem(builder.sign(issuer_key, hashes.SHA256()), key)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return `key` as PEM, PKCS#8 without a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pem:
    return Pem(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
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
