"""Referrers pushed so that everybody finds them, with or without the referrers API.

Where the registry does not keep the list itself, clients keep it in an index at the fallback tag,
by read and write without a lock ("Referrers Tag Schema"). Our own writers take turns; against
foreign ones the list is read again after writing, and what was lost by then is put back; pushing
the same referrer again later does so too (THREATS row 18).
"""

import asyncio
import random
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.reference import ImageReference
from tidegate.oci.manifests import push_manifest, subject_of
from tidegate.oci.referrers import fallback_tag, fetch_fallback
from tidegate.oci.session import Session
from tidegate.wire.oci_v1 import OCI_INDEX, Descriptor, parse_manifest

MAX_WRITES = 8
"""Times that the fallback index is written before giving up."""

Entries = dict[str, dict[str, Any]]
"""Entries of an index by digest, with every field that a foreign writer gave them."""


class ReferrerPusher:
    """Pushes referrers to one registry, one at a time per subject."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._locks: WeakValueDictionary[tuple[str, Digest], asyncio.Lock] = WeakValueDictionary()

    async def push(self, reference: ImageReference, body: bytes, media_type: str) -> Digest:
        """Push `body` by digest and see to it that its subject's referrers list it.

        Raises:
            InvalidManifestError: `body` is no manifest, or has no subject.
            RegistryUnavailableError: it was not taken, or not listed.
        """
        subject = subject_of(body, media_type)
        pushed = await push_manifest(self._session, reference, body, media_type, tag=None)
        if not pushed.subject_acknowledged:
            entry = _entry(body, media_type, pushed.digest)
            async with self._locks.setdefault((reference.repository, subject), asyncio.Lock()):
                await self._list(reference, subject, entry)
        return pushed.digest

    async def _list(self, reference: ImageReference, subject: Digest, entry: Descriptor) -> None:
        wanted: Entries = {entry.digest: msgspec.to_builtins(entry)}
        for attempt in range(MAX_WRITES):
            index = await self._read_index(reference, subject)
            current = {each["digest"]: each for each in index.get("manifests") or ()}
            if wanted.keys() <= current.keys():
                return
            wanted = {**current, **wanted}
            if attempt:  # writers that met once should not meet again
                await asyncio.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - no secret hangs on it
            await self._write_index(reference, subject, {**index, "manifests": [*wanted.values()]})
        raise RegistryUnavailableError(
            f"listing {entry.digest} at {reference.name}:{fallback_tag(subject)}: others overwrote "
            f"the list {MAX_WRITES} times; push it again"
        )

    async def _read_index(self, reference: ImageReference, subject: Digest) -> dict[str, Any]:
        fetched = await fetch_fallback(self._session, reference, subject)
        if fetched is None:
            return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
        if fetched.media_type != OCI_INDEX:
            raise RegistryUnavailableError(
                f"tag {reference.name}:{fallback_tag(subject)} holds {fetched.media_type}, want "
                "the index of referrers; delete that tag or use a registry with the referrers API"
            )
        index: dict[str, Any] = msgspec.json.decode(fetched.body)
        return index

    async def _write_index(
        self, reference: ImageReference, subject: Digest, index: dict[str, Any]
    ) -> None:
        body = msgspec.json.encode(index)
        tag = fallback_tag(subject)
        await push_manifest(self._session, reference, body, OCI_INDEX, tag=tag)


def _entry(body: bytes, media_type: str, digest: Digest) -> Descriptor:
    """distribution-spec, "Pushing Manifests with Subject": type and annotations are copied."""
    manifest = parse_manifest(body, media_type)
    return Descriptor(
        media_type,
        digest,
        len(body),
        artifact_type=manifest.kind,
        annotations=manifest.annotations,
    )
