"""A registry in memory: a world for tests of what reads and writes registries.

```python
registry = MemoryRegistry("registry.example", has_referrers_api=False)
image = registry.put_manifest("team/app", b'{"schemaVersion":2,…}', OCI_MANIFEST, tag="v1")
registry.fail_on(image, RegistryUnavailableError("down"))
```

It speaks the methods of `tidegate.oci.client.RegistryClient` and raises its errors. Tests change
the world (`manifests`, `blobs`, `tags`) and set faults per digest or tag; nothing is recorded that
a registry would not know, but the count of reads.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tidegate.domain.digest import Digest, algorithm_of, digest_of, encoded_part
from tidegate.domain.errors import (
    ContentMismatchError,
    InvalidManifestError,
    LimitExceededError,
    NotInRegistryError,
    RegistryNotConfiguredError,
)
from tidegate.domain.reference import ImageReference
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.manifests import FetchedManifest, PushedManifest
from tidegate.oci.referrers import ReferrerList
from tidegate.oci.registries import canonical
from tidegate.wire.oci_v1 import OCI_INDEX, Descriptor, parse_manifest


@dataclass(slots=True)
class MemoryRegistry:
    """One registry with any number of repositories, which share their content."""

    host: str = "registry.example"
    has_referrers_api: bool = True
    limits: RegistryLimits = field(default_factory=RegistryLimits)
    manifests: dict[Digest, tuple[bytes, str]] = field(default_factory=dict)
    """Body and media type by digest."""
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)
    """Raised when the tag or digest is read; `referrers:<digest>` when its referrers are."""
    reads: Counter[str] = field(default_factory=Counter)
    """How often each tag, digest and list was asked for."""
    delay_s: float = 0.0
    """Before every answer."""
    rounds: int = 0
    """Round trips one after another so far: reads under way at the same time are one."""

    aliases: tuple[str, ...] = ()
    """Other names, `host` or `host/path`, of this registry."""

    def configured(self, host: str) -> bool:
        """Whether `host` is this registry."""
        return host == self.host or host in self.aliases

    def canonical(self, reference: ImageReference) -> ImageReference:
        """Return `reference` by this registry's own name."""
        return canonical(reference, dict.fromkeys(self.aliases, self.host))

    @asynccontextmanager
    async def visit(self, reference: ImageReference) -> AsyncIterator[None]:
        """Hold a place; `visit` among the `faults` is raised instead."""
        self._require_configured(reference)
        if "visit" in self.faults:
            raise self.faults["visit"]
        yield

    def busy(self, reference: ImageReference) -> bool:
        """Whether visits are refused: a fault `visit` is set."""
        return self.configured(reference.registry) and "visit" in self.faults

    def put_manifest(self, body: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        """Store a manifest as it is, valid or not."""
        digest = digest_of(body)
        self.manifests[digest] = (body, media_type)
        if tag is not None:
            self.tags[tag] = digest
        return digest

    def put_blob(self, body: bytes) -> Digest:
        """Store a blob."""
        digest = digest_of(body)
        self.blobs[digest] = body
        return digest

    def fail_on(self, name: str, error: Exception) -> None:
        """Raise `error` whenever `name`, a digest, tag or `referrers:<digest>`, is read."""
        self.faults[name] = error

    async def fetch_manifest(self, reference: ImageReference) -> FetchedManifest | None:
        """Return the manifest by digest where there is one, else by tag; None: not there."""
        self._require_configured(reference)
        name = reference.digest or reference.tag or ""
        await self._answer(name)
        digest = reference.digest or self.tags.get(name)
        stored = self.manifests.get(digest) if digest is not None else None
        if digest is None or stored is None:
            return None
        body, media_type = stored
        if len(body) > self.limits.max_manifest_bytes:
            raise LimitExceededError(f"manifest {name}: {len(body)} bytes")
        found = digest_of(body, algorithm_of(digest))
        if found != digest:
            raise ContentMismatchError(f"manifest {name}: the body has digest {found}")
        return FetchedManifest(digest, media_type, body, parse_manifest(body, media_type))

    async def fetch_blob(
        self, reference: ImageReference, descriptor: Descriptor, *, max_bytes: int | None = None
    ) -> bytes:
        """Return the blob, its size and digest verified."""
        self._require_configured(reference)
        await self._answer(descriptor.digest)
        if max_bytes is not None and descriptor.size > max_bytes:
            raise LimitExceededError(f"blob {descriptor.digest}: {descriptor.size} bytes")
        body = self.blobs.get(descriptor.digest)
        if body is None:
            raise NotInRegistryError(f"blob {descriptor.digest}: HTTP 404")
        found = digest_of(body, algorithm_of(descriptor.digest))
        if len(body) != descriptor.size or found != descriptor.digest:
            raise ContentMismatchError(f"blob {descriptor.digest}: other bytes than promised")
        return body

    async def download_blob(
        self, reference: ImageReference, descriptor: Descriptor, path: Path, *, max_bytes: int
    ) -> None:
        """Write the blob to `path`, its size and digest verified."""
        body = await self.fetch_blob(reference, descriptor, max_bytes=max_bytes)
        await asyncio.to_thread(path.write_bytes, body)

    async def list_referrers(
        self, reference: ImageReference, subject: Digest, artifact_type: str | None = None
    ) -> ReferrerList:
        """Return the referrers of `subject`; filtered by type on the referrers API only."""
        self._require_configured(reference)
        await self._answer(f"referrers:{subject}")
        if self.has_referrers_api:
            every = [d for d in map(self._descriptor, self._referring(subject)) if d is not None]
            entries = [d for d in every if artifact_type in {None, d.artifact_type}]
            found = ReferrerList(tuple(entries), "api")
        else:
            index = await self.fetch_manifest(self._fallback(reference, subject))
            found = ReferrerList(() if index is None else index.manifest.manifests, "tag")
        if len(found.descriptors) > self.limits.max_referrers:
            raise LimitExceededError(f"{len(found.descriptors)} referrers of {subject}")
        return found

    async def push_blob(self, reference: ImageReference, body: bytes) -> Descriptor:
        """Store a blob."""
        self._require_configured(reference)
        await self._answer("push")
        return Descriptor("application/octet-stream", self.put_blob(body), len(body))

    async def push_manifest(
        self, reference: ImageReference, body: bytes, media_type: str, *, tag: str | None = None
    ) -> PushedManifest:
        """Store a manifest that parses."""
        self._require_configured(reference)
        await self._answer("push")
        subject = parse_manifest(body, media_type).subject
        digest = self.put_manifest(body, media_type, tag=tag)
        return PushedManifest(digest, self.has_referrers_api and subject is not None)

    async def push_referrer(
        self, reference: ImageReference, body: bytes, media_type: str
    ) -> Digest:
        """Store a manifest and see that its subject's referrers list it."""
        pushed = await self.push_manifest(reference, body, media_type)
        subject = parse_manifest(body, media_type).subject
        if subject is not None and not pushed.subject_acknowledged:
            await self._append_fallback(reference, subject.digest, pushed.digest)
        return pushed.digest

    async def delete_manifest(self, reference: ImageReference, digest: Digest) -> bool:
        """Delete a manifest and the tags that name it."""
        self._require_configured(reference)
        await self._answer(f"delete:{digest}")
        self.tags = {tag: named for tag, named in self.tags.items() if named != digest}
        return self.manifests.pop(digest, None) is not None

    async def _append_fallback(
        self, reference: ImageReference, subject: Digest, digest: Digest
    ) -> None:
        at_tag = self._fallback(reference, subject)
        index = await self.fetch_manifest(at_tag)
        before = () if index is None else index.manifest.manifests
        added = self._descriptor(digest)
        if added is None or digest in {entry.digest for entry in before}:
            return
        self.put_manifest(render_index((*before, added)), OCI_INDEX, tag=at_tag.tag)

    def _fallback(self, reference: ImageReference, subject: Digest) -> ImageReference:
        tag = f"{algorithm_of(subject)}-{encoded_part(subject)}"
        return ImageReference(reference.registry, reference.repository, tag)

    def _referring(self, subject: Digest) -> list[Digest]:
        found = []
        for digest, (body, media_type) in self.manifests.items():
            with suppress(InvalidManifestError):
                referred = parse_manifest(body, media_type).subject
                if referred is not None and referred.digest == subject:
                    found.append(digest)
        return found

    def _descriptor(self, digest: Digest) -> Descriptor | None:
        body, media_type = self.manifests[digest]
        manifest = parse_manifest(body, media_type)
        return Descriptor(
            media_type=media_type,
            digest=digest,
            size=len(body),
            artifact_type=manifest.kind,
            annotations=manifest.annotations,
        )

    async def _answer(self, name: str) -> None:
        self.reads[name] += 1
        this_round = self.rounds + 1
        await asyncio.sleep(self.delay_s)
        self.rounds = max(self.rounds, this_round)
        if name in self.faults:
            raise self.faults[name]

    def _require_configured(self, reference: ImageReference) -> None:
        if not self.configured(reference.registry):
            raise RegistryNotConfiguredError(f"registry {reference.registry} is not configured")


def render_index(entries: tuple[Descriptor, ...]) -> bytes:
    """Return an OCI image index of `entries`."""
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return msgspec.json.encode(index)
