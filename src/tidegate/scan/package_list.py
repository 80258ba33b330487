"""Packages of a manifest as they leave the worker and come back to it, signed by an evidence key.

The hub keeps them. What comes back without a signature that verifies, or about another manifest,
is not matched: only a scan can serve then.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import msgspec

from tidegate.advisories.package import Package
from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import SubjectMismatchError, UntrustedSignerError
from tidegate.domain.finding import Location
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.dsse import pre_authentication_encoding
from tidegate.trust.keys import SigningKey, sign, signature_verifies
from tidegate.wire.hub_data_v1 import MAX_PACKAGES, LocationV1, PackageV1
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.package_list_v1 import (
    MAX_LIST_BYTES,
    MAX_NOT_UNDERSTOOD,
    PAYLOAD_TYPE,
    PackageListV1,
    parse_package_list,
)
from tidegate.wire.statement_v1 import parse_time, render_time

MAX_WORD_CHARS = 512
MAX_SHOWN_LOCATIONS = 20
"""Of each package in a list that would be too large with all of them."""


@dataclass(frozen=True, slots=True)
class SignedList:
    """A package list as the hub keeps it."""

    body: str
    signature: str
    """ECDSA over DSSE's pre-authentication encoding, base64."""

    def is_by(self, keys: Iterable[EvidenceKey]) -> bool:
        """Whether one of `keys` signed it.

        Raises:
            UntrustedSignerError: the signature is none.
        """
        message = pre_authentication_encoding(PAYLOAD_TYPE, self.body.encode())
        raw = _signature(self.signature)
        return any(signature_verifies(key.public_key, raw, message) for key in keys)


def sign_list(key: SigningKey, body: str) -> str:
    """Return the signature by `key` of a package list, as the hub keeps it."""
    message = pre_authentication_encoding(PAYLOAD_TYPE, body.encode())
    return base64.b64encode(sign(key, message)).decode()


@dataclass(frozen=True, slots=True)
class PackageList:
    """What a scan saw in one manifest."""

    subject: Descriptor
    platform: str
    listed_at: datetime
    packages: tuple[Package, ...]
    not_understood: tuple[str, ...]
    truncated: bool = False

    def sealed(self, key: SigningKey) -> SignedList:
        """Return the list signed by `key`; one that is too large says that it is not whole."""
        body = self._render(self.packages[:MAX_PACKAGES], truncated=self._too_many)
        if len(body) > MAX_LIST_BYTES:
            few = [_shortened(package) for package in self.packages[: MAX_PACKAGES // 10]]
            body = self._render(few, truncated=True)
        if len(body) > MAX_LIST_BYTES:  # paths of kilobytes: nobody reads those
            body = self._render((), truncated=True)
        return SignedList(body.decode(), sign_list(key, body.decode()))

    @classmethod
    def opened(cls, signed: SignedList, keys: Sequence[EvidenceKey], subject: str) -> Self:
        """Return what was signed by one of `keys` about the manifest `subject`.

        Raises:
            UntrustedSignerError: none of `keys` signed it.
            SubjectMismatchError: it is about another manifest.
            InputError: it is no package list.
        """
        body = signed.body.encode()
        if not signed.is_by(keys):
            raise UntrustedSignerError(
                f"the package list of {subject} that the hub keeps is not signed by an evidence "
                "key that this worker knows; scan the image again"
            )
        parsed = parse_package_list(body)
        if parsed.subject != subject:
            raise SubjectMismatchError(
                f"the package list is about {parsed.subject}; want {subject}"
            )
        return cls(
            Descriptor(parsed.media_type, parse_digest(parsed.subject), parsed.size),
            parsed.platform,
            parse_time(parsed.listed_at, "listedAt"),
            tuple(map(_package, parsed.packages)),
            tuple(parsed.not_understood),
            parsed.truncated,
        )

    @property
    def _too_many(self) -> bool:
        return (
            self.truncated
            or len(self.packages) > MAX_PACKAGES
            or len(self.not_understood) > MAX_NOT_UNDERSTOOD
            or any(max(map(len, _words(package))) > MAX_WORD_CHARS for package in self.packages)
        )

    def _render(self, packages: Sequence[Package], *, truncated: bool) -> bytes:
        entries = sorted(map(_entry, packages), key=lambda p: (p.name, p.version, p.purl))
        return msgspec.json.encode(
            PackageListV1(
                subject=self.subject.digest,
                media_type=self.subject.media_type,
                size=self.subject.size,
                platform=self.platform,
                listed_at=render_time(self.listed_at),
                packages=entries,
                not_understood=list(self.not_understood[:MAX_NOT_UNDERSTOOD]),
                truncated=truncated,
            )
        )


def _signature(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UntrustedSignerError("the package list's signature is no base64") from error


def _shortened(package: Package) -> Package:
    return replace(package, locations=package.locations[:MAX_SHOWN_LOCATIONS])


def _words(package: Package) -> tuple[str, ...]:
    return (
        package.name,
        package.version,
        package.ecosystem,
        package.source_name,
        package.source_version,
        package.module,
    )


def _entry(package: Package) -> PackageV1:
    name, version, ecosystem, source_name, source_version, module = (
        word[:MAX_WORD_CHARS] for word in _words(package)
    )
    return PackageV1(
        purl=package.purl,
        name=name,
        version=version,
        ecosystem=ecosystem,
        locations=[LocationV1(place.path, place.layer) for place in package.locations],
        source_name=source_name,
        source_version=source_version,
        module=module,
    )


def _package(entry: PackageV1) -> Package:
    return Package(
        ecosystem=entry.ecosystem,
        name=entry.name,
        version=entry.version,
        purl=entry.purl,
        source_name=entry.source_name,
        source_version=entry.source_version,
        module=entry.module,
        locations=tuple(Location(place.path, place.layer) for place in entry.locations),
    )
