"""What gathering evidence asks of a registry client.

`tidegate.oci.client.RegistryClient` is one; `tidegate.testing.memory_registry` is another, a
registry in memory for tests. Errors are those of the client: None is a certain "not there",
`RegistryUnavailableError` settles nothing, `LimitExceededError` is never a truncated answer.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tidegate.domain.digest import Digest
from tidegate.domain.reference import ImageReference
from tidegate.wire.oci_v1 import Descriptor, Manifest


class Fetched(Protocol):
    """A manifest whose bytes have the digest."""

    @property
    def digest(self) -> Digest:
        """Computed from `body`."""

    @property
    def body(self) -> bytes:
        """The manifest as it came."""

    @property
    def manifest(self) -> Manifest:
        """The manifest, parsed."""


class Referrers(Protocol):
    """All referrers of a subject, of every page."""

    @property
    def descriptors(self) -> tuple[Descriptor, ...]:
        """What the registry lists; the registry's word, not the referrers' own."""

    @property
    def source(self) -> str:
        """`api`, or `tag` for the fallback tag, which is never filtered."""


class RegistryReader(Protocol):
    """Reads manifests, blobs and referrers, verified against their digests."""

    def configured(self, host: str) -> bool:
        """Whether an administrator allows contacting `host`."""

    def canonical(self, reference: ImageReference) -> ImageReference:
        """Return `reference` by the name of the registry that it is an alias of, if it is one."""

    def visit(self, reference: ImageReference) -> AbstractAsyncContextManager[None]:
        """Hold a place for all that is read about a subject; raises RegistryUnavailableError."""

    def busy(self, reference: ImageReference) -> bool:
        """Whether a visit for `reference` that began now would wait or be refused."""

    async def fetch_manifest(self, reference: ImageReference) -> Fetched | None:
        """Return the manifest by digest where there is one, else by tag; None: not there."""

    async def fetch_blob(
        self, reference: ImageReference, descriptor: Descriptor, *, max_bytes: int | None = None
    ) -> bytes:
        """Return the blob, its size and digest verified."""

    async def list_referrers(
        self, reference: ImageReference, subject: Digest, artifact_type: str | None = None
    ) -> Referrers:
        """Return the referrers of `subject`; filtered by type on the referrers API only."""
