"""Attach a report to its image: the findings artifact A and its signature S.

A refers to the image and carries the statement; S refers to A, and stands at the tag where cosign
looks for it (form L+: the only one that cosign 2 and 3 verify without extra flags). S is pushed
first, so that no reader ever sees an unsigned A of ours. Nothing here depends on the clock: the
same statement makes the same A, so attaching again after a crash adds nothing.

Our writers serialise per repository and subject: within a process here, between processes by the
job table. Against foreign writers of the same tags, `restore_attachment` adds again what was lost.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    RegistryUnavailableError,
    SubjectMismatchError,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.ports import Fetched
from tidegate.evidence.signatures import signature_tag, verify_signatures
from tidegate.scan.tagged import RegistryWriter, append_at_tag, fetch_at_tag, writing
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import PrivateKey, SigningKey, fingerprint
from tidegate.trust.simplesigning import (
    PAYLOAD_MEDIA_TYPE,
    SIGNATURE_ANNOTATION,
    SIGNATURE_ARTIFACT_TYPE,
    sign_artifact,
)
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)
from tidegate.wire.statement_v1 import (
    MEDIA_TYPE,
    PREDICATE_TYPE,
    Statement,
    parse_statement,
    render_time,
)

CREATED_ANNOTATION = "org.opencontainers.image.created"
SCANNER_ANNOTATION = "scanner"
P = ParamSpec("P")
T = TypeVar("T")

EMPTY = Descriptor(media_type=OCI_EMPTY, digest=digest_of(EMPTY_BLOB), size=len(EMPTY_BLOB))


@dataclass(frozen=True, slots=True)
class Attached:
    """What stands in the registry now."""

    artifact: Digest
    signature: Digest


async def attach_report(
    client: RegistryWriter,
    reference: ImageReference,
    statement: bytes,
    key: SigningKey,
    *,
    subject: Descriptor,
) -> Attached:
    """Attach the report in `statement` to `subject`, a manifest of `reference`'s repository.

    Raises:
        InputError: `statement` is no findings statement.
        SubjectMismatchError: `statement` is about another subject.
        UnavailableError: the registry did not take it; attach again later.
    """
    parsed = parse_about(statement, subject)
    layer = _layer(parsed, statement)
    body = render_manifest(_artifact(parsed, layer, subject))
    async with writing(reference, subject.digest):
        await client.push_blob(reference, EMPTY_BLOB)
        signature = await _sign(client, reference, body, key)
        await client.push_blob(reference, statement)
        artifact = await client.push_referrer(reference, body, OCI_MANIFEST)
    return Attached(artifact, signature)


async def restore_attachment(
    client: RegistryWriter, reference: ImageReference, attached: Attached, subject: Digest
) -> bool:
    """Add what a foreign writer of the same tags lost of `attached`; return whether it was needed.

    Raises:
        UnavailableError: the registry did not answer, or no longer has the artifact itself.
    """
    async with writing(reference, subject):
        restored = False
        for digest, of in ((attached.signature, attached.artifact), (attached.artifact, subject)):
            listed = await client.list_referrers(reference, of)
            if digest not in {entry.digest for entry in listed.descriptors}:
                await client.push_referrer(
                    reference, (await _fetch(client, reference.at(digest))).body, OCI_MANIFEST
                )
                restored = True
        signature = (await _fetch(client, reference.at(attached.signature))).manifest
        tag = signature_tag(attached.artifact)
        present = await fetch_at_tag(client, reference, tag)
        at_tag = set() if present is None else {layer.digest for layer in present.manifest.layers}
        for layer in signature.layers:
            if layer.digest not in at_tag:
                await append_at_tag(client, reference, tag, signature, layer)
                restored = True
        return restored


def own_evidence_key(key: SigningKey) -> EvidenceKey:
    """Return the public side of our own `key`, as a trust configuration holds it."""
    return EvidenceKey("own", key.public_key(), fingerprint(key))


async def sign_apart(
    signing: Callable[Concatenate[SigningKey, P], T],
    key: SigningKey,
    *what: P.args,
    **named: P.kwargs,
) -> T:
    """Return what `signing` makes by `key`, in a thread where the key is kept elsewhere.

    Raises:
        KeyUnavailableError: it is not signed now.
    """
    if isinstance(key, PrivateKey):
        return signing(key, *what, **named)
    return await asyncio.to_thread(signing, key, *what, **named)


async def _sign(
    client: RegistryWriter, reference: ImageReference, artifact_body: bytes, key: SigningKey
) -> Digest:
    """Return the manifest that carries our signature of the artifact, signing it if none does."""
    artifact = digest_of(artifact_body)
    tag = signature_tag(artifact)
    base = Manifest(
        artifact_type=SIGNATURE_ARTIFACT_TYPE,
        config=EMPTY,
        subject=Descriptor(media_type=OCI_MANIFEST, digest=artifact, size=len(artifact_body)),
    )
    present = await fetch_at_tag(client, reference, tag)
    if present is not None and await _signed_by(client, reference, artifact, present, key):
        # `cosign sign` keeps our layer at the tag, but drops the subject: without it no referrer.
        whole = msgspec.structs.replace(base, layers=present.manifest.layers)
        body = present.body if present.manifest.subject is not None else render_manifest(whole)
        return await client.push_referrer(reference, body, OCI_MANIFEST)
    payload, signature = await sign_apart(sign_artifact, key, artifact, reference.name)
    blob = await client.push_blob(reference, payload)
    layer = Descriptor(
        media_type=PAYLOAD_MEDIA_TYPE,
        digest=blob.digest,
        size=blob.size,
        annotations={SIGNATURE_ANNOTATION: signature},
    )
    return await append_at_tag(client, reference, tag, base, layer)


async def _signed_by(
    client: RegistryWriter,
    reference: ImageReference,
    artifact: Digest,
    present: Fetched,
    key: SigningKey,
) -> bool:
    ours = (own_evidence_key(key),)
    found = await verify_signatures(client, reference, artifact, present.manifest, ours)
    return bool(found.signers)


async def _fetch(client: RegistryWriter, reference: ImageReference) -> Fetched:
    fetched = await client.fetch_manifest(reference)
    if fetched is None:
        raise RegistryUnavailableError(f"{reference}: no longer there; attach the report again")
    return fetched


def parse_about(statement: bytes, subject: Descriptor) -> Statement:
    """Return what `statement` says about `subject`.

    Raises:
        InputError: it is no findings statement.
        SubjectMismatchError: it is about another subject.
    """
    parsed = parse_statement(statement)
    if parsed.subject != subject.digest:
        raise SubjectMismatchError(
            f"the statement is about {parsed.subject}; want {subject.digest}, the manifest that "
            "it is attached to"
        )
    return parsed


def _layer(parsed: Statement, statement: bytes) -> Descriptor:
    return Descriptor(
        media_type=MEDIA_TYPE,
        digest=digest_of(statement),
        size=len(statement),
        annotations=_annotations(parsed),
    )


def _artifact(parsed: Statement, layer: Descriptor, subject: Descriptor) -> Manifest:
    return Manifest(
        artifact_type=MEDIA_TYPE,
        config=EMPTY,
        layers=(layer,),
        subject=_plain(subject),
        annotations={**_annotations(parsed), CREATED_ANNOTATION: render_time(parsed.finished_at)},
    )


def _annotations(parsed: Statement) -> dict[str, str]:
    return {
        "in-toto.io/predicate-type": PREDICATE_TYPE,
        "report-type": "SoftwareInventoryAssessment",
        SCANNER_ANNOTATION: parsed.scanner.name,
    }


def _plain(subject: Descriptor) -> Descriptor:
    """Return `subject` without what an index or a list added to it."""
    return Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size)
