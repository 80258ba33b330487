"""Cosign attestations on an image, at the tag where cosign 2 and 3 both look: for other readers.

No gate of ours reads them. Others keep theirs at the same tag: ours is appended, and of what is
there only an older one goes that the same key signed for the same scanner, or the tag would grow
with every renewal. The manifest has no subject, as cosign's own has none: it is found by its tag,
and every rewriting would leave one more file that refers to the image.
"""

from dataclasses import dataclass

from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    ContentMismatchError,
    InputError,
    LimitExceededError,
    NotInRegistryError,
    UntrustedError,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.attestations import attestation_tag
from tidegate.scan.attach import EMPTY, own_evidence_key, parse_about, sign_apart
from tidegate.scan.tagged import RegistryWriter, append_at_tag, fetch_at_tag, writing
from tidegate.trust.dsse import MAX_ENVELOPE_BYTES, sign_envelope, verify_envelope
from tidegate.trust.dsse import MEDIA_TYPE as ENVELOPE_MEDIA_TYPE
from tidegate.trust.keys import SigningKey
from tidegate.trust.simplesigning import SIGNATURE_ANNOTATION
from tidegate.wire.oci_v1 import EMPTY_BLOB, Descriptor, Manifest
from tidegate.wire.statement_v1 import MEDIA_TYPE, PREDICATE_TYPE, parse_statement

PREDICATE_ANNOTATION = "predicateType"

MAX_OPENED = 32
"""Attestations of our predicate type that are looked into, the last at the tag: others may add."""


async def attach_attestation(
    client: RegistryWriter,
    reference: ImageReference,
    statement: bytes,
    key: SigningKey,
    *,
    subject: Descriptor,
) -> bool:
    """See that the report in `statement` is among the attestations of `subject`, signed by `key`.

    Return whether it had to be added; an older one by the same key and scanner is then gone.

    Raises:
        InputError: `statement` is no findings statement.
        SubjectMismatchError: `statement` is about another subject.
        UnavailableError: the registry did not take it, or others wrote at the same time.
    """
    scanner = parse_about(statement, subject).scanner.name
    at_tag = _AtTag(client, reference, subject.digest, key)
    async with writing(reference, subject.digest):
        found = await at_tag.standing(statement, scanner)
        if found.says_so:
            return False
        await at_tag.append(statement, PREDICATE_TYPE, without=found.ours)
    return True


async def attach_envelope(
    client: RegistryWriter,
    reference: ImageReference,
    statement: bytes,
    predicate_type: str,
    key: SigningKey,
    *,
    subject: Descriptor,
) -> Digest:
    """Add an in-toto statement, signed by `key`, to the cosign attestations of `subject`.

    Raises:
        UnavailableError: the registry did not take it, or others wrote at the same time.
    """
    async with writing(reference, subject.digest):
        at_tag = _AtTag(client, reference, subject.digest, key)
        return await at_tag.append(statement, predicate_type)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What of ours is at the tag."""

    says_so: bool
    """Whether one of them is the very statement."""
    ours: frozenset[Digest]


@dataclass(frozen=True, slots=True)
class _AtTag:
    """The attestations of one manifest, for one key."""

    client: RegistryWriter
    reference: ImageReference
    subject: Digest
    key: SigningKey

    async def append(
        self, statement: bytes, predicate_type: str, *, without: frozenset[Digest] = frozenset()
    ) -> Digest:
        """Add `statement`, signed, in the place of the layers of `without`.

        Raises:
            InputError: cosign keeps no attestations of such a digest.
        """
        tag = attestation_tag(self.subject)
        if not tag:
            raise InputError(
                f"{self.subject}: cosign's tag for its attestations would be too long; want an "
                "image by its sha256 digest. The findings artifact needs no such tag"
            )
        envelope = await sign_apart(sign_envelope, self.key, MEDIA_TYPE, statement)
        await self.client.push_blob(self.reference, EMPTY_BLOB)
        blob = await self.client.push_blob(self.reference, envelope)
        layer = Descriptor(
            media_type=ENVELOPE_MEDIA_TYPE,
            digest=blob.digest,
            size=blob.size,
            # Without the empty signature cosign refuses the layer (2.5 and 3.1).
            annotations={SIGNATURE_ANNOTATION: "", PREDICATE_ANNOTATION: predicate_type},
        )
        base = Manifest(artifact_type=ENVELOPE_MEDIA_TYPE, config=EMPTY)
        return await append_at_tag(self.client, self.reference, tag, base, layer, without=without)

    async def standing(self, statement: bytes, scanner: str) -> _Standing:
        """Return what our key signed there about findings of `scanner`."""
        present = await fetch_at_tag(self.client, self.reference, attestation_tag(self.subject))
        layers = [
            layer
            for layer in (present.manifest.layers if present is not None else ())
            if layer.media_type == ENVELOPE_MEDIA_TYPE
            and layer.annotations.get(PREDICATE_ANNOTATION) == PREDICATE_TYPE
            and layer.size <= MAX_ENVELOPE_BYTES
        ]
        signed = [(layer.digest, await self._signed(layer)) for layer in layers[-MAX_OPENED:]]
        ours = [(digest, said) for digest, said in signed if said and _is_by(said, scanner)]
        says_so = any(said == statement for _, said in ours)
        return _Standing(says_so, frozenset(digest for digest, _ in ours))

    async def _signed(self, layer: Descriptor) -> bytes | None:
        """Return what our key signed in `layer`; None: nothing there that can be read."""
        try:
            envelope = await self.client.fetch_blob(
                self.reference, layer, max_bytes=MAX_ENVELOPE_BYTES
            )
            keys = (own_evidence_key(self.key),)
            payload, _ = verify_envelope(keys, envelope, MEDIA_TYPE)
        except (UntrustedError, ContentMismatchError, LimitExceededError, NotInRegistryError):
            return None
        return payload


def _is_by(payload: bytes, scanner: str) -> bool:
    try:
        return parse_statement(payload).scanner.name == scanner
    except InputError:
        return False
