"""Appending at tags that others write too, under the locks that our own writers take turns by.

A tag like `sha256-<hex>.sig` belongs to everybody who signs: what is there is kept, ours is added,
and the tag is read again afterwards, because there is no way to write it under a condition
(distribution-spec has none). Against a writer that comes later still, `attach.restore_attachment`.
"""

import asyncio
from typing import Protocol
from weakref import WeakValueDictionary

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, RegistryUnavailableError
from tidegate.domain.reference import ImageReference
from tidegate.evidence.ports import Fetched, RegistryReader
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor, Manifest, render_manifest

MAX_ATTEMPTS = 5
"""Tries to append at a tag that others write at the same time."""

_LOCKS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


class Pushed(Protocol):
    """A manifest that the registry took."""

    @property
    def digest(self) -> Digest:
        """Its digest."""


class RegistryWriter(RegistryReader, Protocol):
    """A registry client that may push."""

    async def push_blob(self, reference: ImageReference, body: bytes) -> Descriptor:
        """Push a blob; nothing happens where it is there already."""

    async def push_manifest(
        self, reference: ImageReference, body: bytes, media_type: str, *, tag: str | None = None
    ) -> Pushed:
        """Push a manifest by digest, or at `tag`."""

    async def push_referrer(
        self, reference: ImageReference, body: bytes, media_type: str
    ) -> Digest:
        """Push a manifest by digest and see that its subject's referrers list it."""

    async def delete_manifest(self, reference: ImageReference, digest: Digest) -> bool:
        """Delete a manifest; False: it was not there, or the registry does not delete."""


def writing(reference: ImageReference, subject: Digest) -> asyncio.Lock:
    """Return the lock under which this process writes referrers of `subject`."""
    return _LOCKS.setdefault(f"{reference.name}@{subject}", asyncio.Lock())


async def append_at_tag(
    client: RegistryWriter,
    reference: ImageReference,
    tag: str,
    base: Manifest,
    layer: Descriptor,
    *,
    without: frozenset[Digest] = frozenset(),
) -> Digest:
    """Push `base` with `layer` after the layers that are at `tag`, but for those of `without`.

    It stands there, and as a referrer where `base` has a subject.
    """
    for _ in range(MAX_ATTEMPTS):
        present = await fetch_at_tag(client, reference, tag)
        there = present.manifest.layers if present is not None else ()
        if present is not None and layer in there:
            return present.digest
        before = tuple(each for each in there if each.digest not in without)
        body = render_manifest(_with_layers(base, (*before, layer), present))
        if base.subject is not None:
            await client.push_referrer(reference, body, OCI_MANIFEST)
        await client.push_manifest(reference, body, OCI_MANIFEST, tag=tag)
    raise RegistryUnavailableError(
        f"{reference.name}:{tag}: others wrote at the same time, {MAX_ATTEMPTS} times; try later"
    )


def _with_layers(
    base: Manifest, layers: tuple[Descriptor, ...], present: Fetched | None
) -> Manifest:
    before = present.manifest.annotations if present is not None else {}
    return Manifest(
        artifact_type=base.artifact_type,
        config=base.config,
        layers=layers,
        subject=base.subject,
        annotations={**before, **base.annotations},
    )


async def fetch_at_tag(
    client: RegistryWriter, reference: ImageReference, tag: str
) -> Fetched | None:
    """Return the image manifest at `tag`; what is no image manifest holds nothing worth keeping.

    An empty tag is none, and holds nothing.
    """
    if not tag:
        return None
    try:
        fetched = await client.fetch_manifest(
            ImageReference(reference.registry, reference.repository, tag)
        )
    except InputError:
        return None
    return None if fetched is None or fetched.manifest.is_index else fetched
