"""The registry client that everything else uses: one object, every registry that is configured.

What comes from a registry is a stranger's: hashed here, bounded, and refused when it is not what
was asked for. `None` and an empty list mean that the registry said so; not knowing is an error.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from tidegate.domain.digest import Digest
from tidegate.domain.reference import ImageReference, normalize_host
from tidegate.oci import blobs, manifests, referrers, tags
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.manifests import FetchedManifest, PushedManifest
from tidegate.oci.push import ReferrerPusher
from tidegate.oci.referrers import ReferrerList
from tidegate.oci.registries import RegistryConfig, registries_by_host, select_registry
from tidegate.oci.session import Session
from tidegate.wire.oci_v1 import Descriptor

DEFAULT_LIMITS = RegistryLimits()


class RegistryClient:
    """Reads and writes in the registries that an administrator configured, and in no other.

    Every method raises RegistryNotConfiguredError for another one, RegistryUnavailableError when
    its question is not settled, LimitExceededError for an answer larger than `limits`, and
    ContentMismatchError for bytes that are not those that were asked for.
    """

    def __init__(
        self,
        registries: Iterable[RegistryConfig],
        *,
        limits: RegistryLimits = DEFAULT_LIMITS,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registries = registries_by_host(registries)
        self._sessions = {
            host: Session(registry, limits, clock_s) for host, registry in self._registries.items()
        }
        self._pushers = {host: ReferrerPusher(s) for host, s in self._sessions.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(session.aclose() for session in self._sessions.values()))

    def configured(self, host: str) -> bool:
        """Whether the registry `host` may be contacted."""
        return normalize_host(host) in self._registries

    async def fetch_manifest(self, reference: ImageReference) -> FetchedManifest | None:
        """Return the manifest that `reference` names, by its digest if it has one; None: none."""
        return await manifests.fetch_manifest(self._session(reference), reference)

    async def fetch_blob(
        self, reference: ImageReference, descriptor: Descriptor, *, max_bytes: int | None = None
    ) -> bytes:
        """Return the blob that `descriptor` promises; NotInRegistryError if there is none."""
        session = self._session(reference)
        return await blobs.fetch_blob(session, reference, descriptor, max_bytes)

    async def download_blob(
        self, reference: ImageReference, descriptor: Descriptor, path: Path, *, max_bytes: int
    ) -> None:
        """Write the blob that `descriptor` promises to `path`, which appears when it is whole."""
        session = self._session(reference)
        await blobs.download_blob(session, reference, descriptor, path, max_bytes)

    async def list_referrers(
        self, reference: ImageReference, subject: Digest, artifact_type: str | None = None
    ) -> ReferrerList:
        """Return the referrers of `subject`; see `ReferrerList.source` about `artifact_type`."""
        session = self._session(reference)
        return await referrers.list_referrers(session, reference, subject, artifact_type)

    async def list_tags(self, reference: ImageReference) -> tuple[str, ...]:
        """Return the tags of the repository; none if it does not exist."""
        return await tags.list_tags(self._session(reference), reference)

    async def has_blob(self, reference: ImageReference, digest: Digest) -> bool:
        """Whether the repository holds the blob `digest`."""
        return await blobs.has_blob(self._session(reference), reference, digest)

    async def push_blob(self, reference: ImageReference, body: bytes) -> Descriptor:
        """Push `body` unless it is there; the descriptor's type is application/octet-stream."""
        return await blobs.push_blob(self._session(reference), reference, body)

    async def upload_blob(self, reference: ImageReference, path: Path, digest: Digest) -> None:
        """Push the file at `path`, whose digest is `digest`, unless it is there."""
        await blobs.upload_blob(self._session(reference), reference, path, digest)

    async def push_manifest(
        self, reference: ImageReference, body: bytes, media_type: str, *, tag: str | None = None
    ) -> PushedManifest:
        """Push `body` at `tag`, or by its digest; the tag of `reference` plays no part."""
        session = self._session(reference)
        return await manifests.push_manifest(session, reference, body, media_type, tag=tag)

    async def push_referrer(
        self, reference: ImageReference, body: bytes, media_type: str
    ) -> Digest:
        """Push `body`, which has a subject, by digest, and have it listed as a referrer."""
        self._session(reference)
        pusher = self._pushers[normalize_host(reference.registry)]
        return await pusher.push(reference, body, media_type)

    async def delete_manifest(self, reference: ImageReference, digest: Digest) -> bool:
        """Delete the manifest `digest`; False: it was not there."""
        return await manifests.delete_manifest(self._session(reference), reference, digest)

    def _session(self, reference: ImageReference) -> Session:
        return self._sessions[select_registry(self._registries, reference.registry).host]
