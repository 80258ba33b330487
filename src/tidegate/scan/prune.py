"""Keep the last five of our own reports per image and scanner; delete the rest, best effort.

Only what our key signed is ours: a stranger's file with our annotations is neither counted nor
deleted. A goes before S, so that no reader meets an unsigned report of ours. Where the registry
has no referrers API, the entries of what is gone leave the fallback index as well: otherwise
renewals would fill it up to the readers' limits.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.domain.reference import ImageReference
from tidegate.evidence.signatures import signature_tag, verify_signatures
from tidegate.oci.referrers import fallback_tag
from tidegate.scan.attach import CREATED_ANNOTATION, SCANNER_ANNOTATION, own_evidence_key
from tidegate.scan.tagged import RegistryWriter, fetch_at_tag, writing
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import SigningKey
from tidegate.wire.oci_v1 import OCI_INDEX
from tidegate.wire.statement_v1 import MEDIA_TYPE, parse_time

KEPT_REPORTS = 5
"""Of our own, per image and scanner (PRODUCT, "The findings artifact")."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of reports that are not kept any more."""

    deleted: tuple[Digest, ...]
    failed: tuple[str, ...] = ()
    """Why others are still there; many registries do not delete."""


@dataclass(frozen=True, slots=True)
class _Own:
    artifact: Digest
    scanner: str
    created_at: datetime


async def prune_reports(
    client: RegistryWriter, reference: ImageReference, subject: Digest, key: SigningKey
) -> Pruned:
    """Delete all but the newest reports about `subject` that `key` signed.

    Raises:
        UnavailableError: what is attached could not be listed or read; nothing was deleted.
    """
    async with writing(reference, subject):
        listed = await client.list_referrers(reference, subject, MEDIA_TYPE)
        ours = own_evidence_key(key)
        found = [
            await _read_own(client, reference, entry.digest, ours) for entry in listed.descriptors
        ]
        deleted: list[Digest] = []
        failed: list[str] = []
        for each in _superseded([own for own in found if own is not None]):
            try:
                await _delete(client, reference, each.artifact)
                deleted.append(each.artifact)
            except UnavailableError as error:
                failed.append(str(error))
        if listed.source == "tag" and deleted:
            await _unlist(client, reference, subject, frozenset(deleted))
    return Pruned(tuple(deleted), tuple(failed))


async def _read_own(
    client: RegistryWriter, reference: ImageReference, artifact: Digest, ours: EvidenceKey
) -> _Own | None:
    """Return what `artifact` is when our key signed it; its annotations are then ours too."""
    try:
        fetched = await client.fetch_manifest(reference.at(artifact))
        if fetched is None or fetched.manifest.artifact_type != MEDIA_TYPE:
            return None
        at_tag = await fetch_at_tag(client, reference, signature_tag(artifact))
        if at_tag is None:
            return None
        signed = await verify_signatures(client, reference, artifact, at_tag.manifest, (ours,))
        if not signed.signers:
            return None
        annotations = fetched.manifest.annotations
        return _Own(
            artifact,
            annotations.get(SCANNER_ANNOTATION, ""),
            parse_time(annotations.get(CREATED_ANNOTATION, ""), CREATED_ANNOTATION),
        )
    except InputError:
        return None


def _superseded(own: list[_Own]) -> list[_Own]:
    """Return those of `own` that are not among the newest of their scanner."""
    newest_first = sorted(own, key=lambda each: (each.created_at, each.artifact), reverse=True)
    seen: dict[str, int] = {}
    superseded = []
    for each in newest_first:
        seen[each.scanner] = seen.get(each.scanner, 0) + 1
        if seen[each.scanner] > KEPT_REPORTS:
            superseded.append(each)
    return superseded


async def _delete(client: RegistryWriter, reference: ImageReference, artifact: Digest) -> None:
    at_tag = await fetch_at_tag(client, reference, signature_tag(artifact))
    await client.delete_manifest(reference, artifact)
    # Foreign signatures at the tag belong to those who made them.
    if at_tag is not None and len(at_tag.manifest.layers) == 1:
        await client.delete_manifest(reference, at_tag.digest)


async def _unlist(
    client: RegistryWriter, reference: ImageReference, subject: Digest, gone: frozenset[Digest]
) -> None:
    """Take `gone` out of the fallback index, every other entry as its writer wrote it."""
    tag = fallback_tag(subject)
    fetched = await client.fetch_manifest(
        ImageReference(reference.registry, reference.repository, tag)
    )
    if fetched is None or not fetched.manifest.is_index:
        return
    index: dict[str, Any] = msgspec.json.decode(fetched.body)
    index["manifests"] = [entry for entry in index["manifests"] if entry["digest"] not in gone]
    await client.push_manifest(reference, msgspec.json.encode(index), OCI_INDEX, tag=tag)
