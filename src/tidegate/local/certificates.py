"""A small certificate authority for what runs on one machine: files for us alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tidegate.net.authority import Holder, Pem, issue, new_authority, private_pem

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
"""Leaves are issued anew at every start, so this only bounds how long one run may last."""


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
            _write(pair, new_authority(self.name, now, AUTHORITY_LIFE))
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
        own = Pem(self.pair.certificate.read_bytes(), self.pair.key.read_bytes())
        pair = _pair(self.folder, name)
        _write(pair, issue(own, Holder(common_name, organization, hosts), now, LEAF_LIFE))
        return pair


def write_signing_key(private: Path, public: Path) -> None:
    """Write an ECDSA P-256 key pair for tokens, unless both files exist."""
    if private.exists() and public.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    _write_private(private, private_pem(key))
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _pair(folder: Path, name: str) -> KeyPair:
    return KeyPair(folder / f"{name}.crt", folder / f"{name}.key")


def _write(pair: KeyPair, made: Pem) -> None:
    pair.certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(pair.key, made.key)
    pair.certificate.write_bytes(made.certificate)


def _write_private(path: Path, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(key)
