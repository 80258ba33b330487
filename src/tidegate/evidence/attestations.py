"""What others attached to an image and a trusted source signed: found, verified, not yet read.

Three places are looked at: cosign's attestations at the tag `sha256-<hex>.att`, sigstore bundles
that refer to the image, and artifacts that refer to it and carry a signature of their own, as
`cosign sign` makes it. Anyone who may push can write there: what no trusted source signed is a
refusal with its reason, and neither evidence nor an obstacle. Only workers ask this; no gate does.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from tidegate.domain.digest import Digest, algorithm_of, digest_of, encoded_part
from tidegate.domain.errors import (
    ContentMismatchError,
    InputError,
    LimitExceededError,
    NotInRegistryError,
    UntrustedError,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.ports import Fetched, RegistryReader
from tidegate.evidence.signatures import (
    cosign_tag,
    fetch_signature_tag,
    search_referring_signatures,
    verify_signatures,
)
from tidegate.trust.bundle import MEDIA_TYPE as BUNDLE_MEDIA_TYPE
from tidegate.trust.bundle import verify_bundle
from tidegate.trust.configuration import EvidenceKey, TrustedSource
from tidegate.trust.dsse import MAX_ENVELOPE_BYTES, verify_envelope
from tidegate.trust.dsse import MEDIA_TYPE as ENVELOPE_MEDIA_TYPE
from tidegate.trust.simplesigning import verify_manifest_signature
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MEDIA_TYPE as STATEMENT_MEDIA_TYPE

SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
"""By which cosign 3 says that a manifest is signed, in a bundle of its own."""

MAX_ATTESTATIONS = 128
"""Manifests and layers opened per image: 64 bundles, or 128 attestations at the tag."""

MAX_TOTAL_BYTES = 256 * 2**20
"""Of all of them together: what strangers pushed must not keep a worker busy for hours."""


@dataclass(frozen=True, slots=True)
class Attested:
    """A document that a trusted source signed."""

    body: bytes
    """An in-toto statement, or a report as its tool wrote it."""
    source: TrustedSource
    carrier: Digest
    """The manifest that carries it."""
    is_statement: bool
    """Whether `body` is what the signature covers itself, with a subject of its own."""


@dataclass(slots=True)
class Attestations:
    """Everything that was found."""

    trusted: list[Attested] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """A sentence for each that does not count."""
    opened: int = 0
    read_bytes: int = 0

    def take(self, size: int) -> bool:
        """Count one more document of `size`; return whether it is within the limits."""
        if self.opened >= MAX_ATTESTATIONS or self.read_bytes + size > MAX_TOTAL_BYTES:
            sentence = (
                f"more than {MAX_ATTESTATIONS} attested files or {MAX_TOTAL_BYTES} bytes of them: "
                "the rest is not read"
            )
            if sentence not in self.refused:
                self.refused.append(sentence)
            return False
        self.opened += 1
        self.read_bytes += size
        return True


class _Subject(msgspec.Struct):
    digest: dict[str, str] = {}


class _SignStatement(msgspec.Struct, rename="camel"):
    predicate_type: str
    subject: list[_Subject] = []


_SIGN_STATEMENT = msgspec.json.Decoder(_SignStatement)


def attestation_tag(subject: Digest) -> str:
    """Return the tag that cosign keeps attestations of `subject` at; empty: there is none."""
    return cosign_tag(subject, "att")


async def read_attestations(
    client: RegistryReader,
    reference: ImageReference,
    subject: Digest,
    sources: Sequence[TrustedSource],
    media_types: Iterable[str],
) -> Attestations:
    """Return what `sources` signed about `subject`; `media_types` are those of reports.

    Raises:
        UnavailableError: the registry did not answer, or lists more than is read at all.
    """
    found = Attestations()
    if not sources:
        return found
    reading = _Reading(client, reference, subject, {s.key.fingerprint: s for s in sources}, found)
    await reading.read_tag()
    await reading.read_referrers(frozenset(media_types))
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    client: RegistryReader
    reference: ImageReference
    subject: Digest
    sources: dict[str, TrustedSource]
    found: Attestations

    @property
    def keys(self) -> tuple[EvidenceKey, ...]:
        return tuple(source.key for source in self.sources.values())

    async def read_tag(self) -> None:
        """Read cosign's tag: one DSSE envelope a layer."""
        tag = attestation_tag(self.subject)
        if not tag:
            return
        at_tag = ImageReference(self.reference.registry, self.reference.repository, tag)
        fetched = await self._claim(at_tag)
        for layer in fetched.manifest.layers if fetched is not None else ():
            if layer.media_type == ENVELOPE_MEDIA_TYPE and fetched is not None:
                await self._read(fetched.digest, layer, self._envelope)

    async def read_referrers(self, media_types: frozenset[str]) -> None:
        """Read bundles, and reports that are signed as artifacts."""
        listed = await self.client.list_referrers(self.reference, self.subject)
        # The fallback index carries types of the writer's choice: only the manifests tell.
        wanted = {"", BUNDLE_MEDIA_TYPE, *media_types}
        digests = dict.fromkeys(
            d.digest
            for d in listed.descriptors
            if listed.source == "tag" or d.artifact_type in wanted
        )
        for digest in digests:
            if not self.found.take(0):
                return
            fetched = await self._claim(self.reference.at(digest))
            if fetched is None or not self._refers(fetched):
                continue
            for layer in fetched.manifest.layers:
                if layer.media_type == BUNDLE_MEDIA_TYPE:
                    await self._read(digest, layer, self._bundle)
                elif layer.media_type in media_types:
                    await self._read_signed(digest, layer)

    def _refers(self, fetched: Fetched) -> bool:
        subject = fetched.manifest.subject
        return subject is not None and subject.digest == self.subject

    async def _read(
        self, carrier: Digest, layer: Descriptor, verify: Callable[[bytes], tuple[bytes, str]]
    ) -> None:
        """Read one layer and keep its payload where a source signed it."""
        body = await self._fetch(carrier, layer)
        if body is None:
            return
        try:
            payload, signer = verify(body)
        except UntrustedError as refusal:
            self.found.refused.append(f"{carrier}: {refusal}")
            return
        self.found.trusted.append(
            Attested(payload, self.sources[signer], carrier, is_statement=True)
        )

    async def _read_signed(self, carrier: Digest, layer: Descriptor) -> None:
        """Read a report whose manifest a source signed."""
        signers = await self._signers(carrier)
        if not signers:
            self.found.refused.append(f"{carrier}: not signed by a source of the trust file")
            return
        body = await self._fetch(carrier, layer)
        if body is not None:
            source = self.sources[signers[0]]
            self.found.trusted.append(Attested(body, source, carrier, is_statement=False))

    async def _signers(self, manifest: Digest) -> list[str]:
        """Return fingerprints of the sources that signed `manifest` as cosign does."""
        at_tag = await fetch_signature_tag(self.client, self.reference, manifest)
        found = await verify_signatures(
            self.client, self.reference, manifest, at_tag, self.keys, verify_manifest_signature
        )
        if not found.signers:
            found += await search_referring_signatures(
                self.client, self.reference, manifest, self.keys, verify_manifest_signature
            )
        if found.signers:
            return [key.fingerprint for key in found.signers]
        return await self._bundle_signers(manifest)

    async def _bundle_signers(self, manifest: Digest) -> list[str]:
        """Return who signed `manifest` by a bundle that refers to it (cosign 3)."""
        signers = list[str]()
        listed = await self.client.list_referrers(self.reference, manifest)
        for entry in listed.descriptors:
            if not self.found.take(0):
                break
            fetched = await self._claim(self.reference.at(entry.digest))
            for layer in fetched.manifest.layers if fetched is not None else ():
                if layer.media_type != BUNDLE_MEDIA_TYPE:
                    continue
                body = await self._fetch(entry.digest, layer)
                try:
                    payload, signer = self._bundle(body or b"")
                    statement = _SIGN_STATEMENT.decode(payload)
                except (UntrustedError, msgspec.MsgspecError, UnicodeDecodeError):
                    continue
                digests = {s.digest.get(algorithm_of(manifest), "") for s in statement.subject}
                named = encoded_part(manifest) in digests
                if statement.predicate_type == SIGN_PREDICATE and named:
                    signers.append(signer)
        return signers

    def _envelope(self, body: bytes) -> tuple[bytes, str]:
        payload, key = verify_envelope(self.keys, body, STATEMENT_MEDIA_TYPE)
        return payload, key.fingerprint

    def _bundle(self, body: bytes) -> tuple[bytes, str]:
        payload, key = verify_bundle(self.keys, body, STATEMENT_MEDIA_TYPE)
        return payload, key.fingerprint

    async def _fetch(self, carrier: Digest, layer: Descriptor) -> bytes | None:
        if layer.size > MAX_ENVELOPE_BYTES:
            self.found.refused.append(
                f"{carrier}: {layer.size} bytes, want at most {MAX_ENVELOPE_BYTES}"
            )
            return None
        if not self.found.take(layer.size):
            return None
        try:
            body = await self.client.fetch_blob(self.reference, layer, max_bytes=MAX_ENVELOPE_BYTES)
        except (ContentMismatchError, LimitExceededError, NotInRegistryError) as refusal:
            self.found.refused.append(f"{carrier}: {refusal}")
            return None
        return body if digest_of(body, algorithm_of(layer.digest)) == layer.digest else None

    async def _claim(self, reference: ImageReference) -> Fetched | None:
        """Return a manifest that anyone may have put there; garbage is as good as nothing."""
        return await _settled(self.client.fetch_manifest(reference))


async def _settled(work: "Awaitable[Fetched | None]") -> Fetched | None:
    try:
        return await work
    except (InputError, LimitExceededError, ContentMismatchError, NotInRegistryError):
        return None
