"""The registry client that everything else uses: one object, every registry that is configured.

What comes from a registry is a stranger's: hashed here, bounded, and refused when it is not what
was asked for. `None` and an empty list mean that the registry said so; not knowing is an error.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tidegate.domain.digest import Digest
from tidegate.domain.reference import ImageReference, normalize_host
from tidegate.oci import blobs, catalogue, manifests, referrers, tags
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.manifests import FetchedManifest, PushedManifest
from tidegate.oci.push import ReferrerPusher
from tidegate.oci.referrers import ReferrerList
from tidegate.oci.registries import (
    RegistryConfig,
    canonical,
    hosts_by_alias,
    registries_by_host,
    select_registry,
)
from tidegate.oci.session import Session
from tidegate.oci.traffic import Traffic
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
        traffic: Callable[[RegistryConfig], Traffic] | None = None,
    ) -> None:
        self._limits, self._clock_s, self._traffic = limits, clock_s, traffic
        self._registries: Mapping[str, RegistryConfig] = {}
        self._aliases: Mapping[str, str] = {}
        self._open: dict[str, _Open] = {}
        self.use(registries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(each.session.aclose() for each in self._open.values()))

    def use(self, registries: Iterable[RegistryConfig]) -> "tuple[Session, ...]":
        """Contact `registries` from now on, and no other; return what is to be closed.

        What is under way by the old settings ends by itself, so close it later. A registry whose
        settings stay keeps its connections and tokens.

        Raises:
            ConfigurationError: they do not go together; the old ones stay in use.
        """
        wanted = registries_by_host(registries)
        aliases = hosts_by_alias(wanted)
        kept = {h: o for h, o in self._open.items() if wanted.get(h) == o.session.registry}
        opened = {
            host: _Open.of(self._session(registry))
            for host, registry in wanted.items()
            if host not in kept
        }
        old = tuple(o.session for host, o in self._open.items() if host not in kept)
        self._registries, self._aliases, self._open = wanted, aliases, kept | opened
        return old

    def visit(self, reference: ImageReference) -> AbstractAsyncContextManager[None]:
        """Hold a place among those who read about a subject in the registry of `reference`.

        Raises:
            RegistryUnavailableError: on entering: the registry is to be left alone for now.
        """
        session, reference = self._find(reference)
        if session.traffic is None:
            return nullcontext()
        return session.traffic.visit(f"reading {reference}")

    def busy(self, reference: ImageReference) -> bool:
        """Whether a visit for `reference` that began now would wait or be refused."""
        traffic = self._find(reference)[0].traffic
        return traffic is not None and traffic.busy

    @property
    def hosts(self) -> tuple[str, ...]:
        """The registries that may be contacted, by their own names."""
        return tuple(self._registries)

    def configured(self, host: str) -> bool:
        """Whether the registry `host` may be contacted, by this name or as another's alias."""
        name = normalize_host(host)
        return name in self._registries or name in self._aliases

    def canonical(self, reference: ImageReference) -> ImageReference:
        """Return `reference` by the name of the registry that its aliases stand for."""
        return canonical(reference, self._aliases)

    async def fetch_manifest(self, reference: ImageReference) -> FetchedManifest | None:
        """Return the manifest that `reference` names, by its digest if it has one; None: none."""
        session, reference = self._find(reference)
        return await manifests.fetch_manifest(session, reference)

    async def fetch_blob(
        self, reference: ImageReference, descriptor: Descriptor, *, max_bytes: int | None = None
    ) -> bytes:
        """Return the blob that `descriptor` promises; NotInRegistryError if there is none."""
        session, reference = self._find(reference)
        return await blobs.fetch_blob(session, reference, descriptor, max_bytes)

    async def download_blob(
        self, reference: ImageReference, descriptor: Descriptor, path: Path, *, max_bytes: int
    ) -> None:
        """Write the blob that `descriptor` promises to `path`, which appears when it is whole."""
        session, reference = self._find(reference)
        await blobs.download_blob(session, reference, descriptor, path, max_bytes)

    async def list_referrers(
        self, reference: ImageReference, subject: Digest, artifact_type: str | None = None
    ) -> ReferrerList:
        """Return the referrers of `subject`; see `ReferrerList.source` about `artifact_type`."""
        session, reference = self._find(reference)
        return await referrers.list_referrers(session, reference, subject, artifact_type)

    async def list_tags(self, reference: ImageReference) -> tuple[str, ...]:
        """Return the tags of the repository; none if it does not exist."""
        session, reference = self._find(reference)
        return await tags.list_tags(session, reference)

    async def list_repositories(self, host: str) -> tuple[str, ...]:
        """Return the repositories of a registry that shows its catalogue."""
        return await catalogue.list_repositories(
            self._open[select_registry(self._registries, host).host].session
        )

    async def find_digest(self, reference: ImageReference) -> Digest | None:
        """Return what a tag names by the registry's word: to be looked at, never believed."""
        session, reference = self._find(reference)
        return await manifests.find_digest(session, reference)

    async def has_blob(self, reference: ImageReference, digest: Digest) -> bool:
        """Whether the repository holds the blob `digest`."""
        session, reference = self._find(reference)
        return await blobs.has_blob(session, reference, digest)

    async def push_blob(self, reference: ImageReference, body: bytes) -> Descriptor:
        """Push `body` unless it is there; the descriptor's type is application/octet-stream."""
        session, reference = self._find(reference)
        return await blobs.push_blob(session, reference, body)

    async def upload_blob(self, reference: ImageReference, path: Path, digest: Digest) -> None:
        """Push the file at `path`, whose digest is `digest`, unless it is there."""
        session, reference = self._find(reference)
        await blobs.upload_blob(session, reference, path, digest)

    async def push_manifest(
        self, reference: ImageReference, body: bytes, media_type: str, *, tag: str | None = None
    ) -> PushedManifest:
        """Push `body` at `tag`, or by its digest; the tag of `reference` plays no part."""
        session, reference = self._find(reference)
        return await manifests.push_manifest(session, reference, body, media_type, tag=tag)

    async def push_referrer(
        self, reference: ImageReference, body: bytes, media_type: str
    ) -> Digest:
        """Push `body`, which has a subject, by digest, and have it listed as a referrer."""
        _, reference = self._find(reference)
        return await self._open[reference.registry].pusher.push(reference, body, media_type)

    async def delete_manifest(self, reference: ImageReference, digest: Digest) -> bool:
        """Delete the manifest `digest`; False: it was not there."""
        session, reference = self._find(reference)
        return await manifests.delete_manifest(session, reference, digest)

    def _session(self, registry: RegistryConfig) -> Session:
        traffic = None if self._traffic is None else self._traffic(registry)
        return Session(registry, self._limits, self._clock_s, traffic)

    def _find(self, reference: ImageReference) -> tuple[Session, ImageReference]:
        """Return who is asked about `reference`, and what it is called there."""
        named = self.canonical(reference)
        host = select_registry(self._registries, named.registry).host
        return self._open[host].session, named


@dataclass(frozen=True, slots=True)
class _Open:
    """One registry in use."""

    session: Session
    pusher: ReferrerPusher

    @classmethod
    def of(cls, session: Session) -> "_Open":
        return cls(session, ReferrerPusher(session))
