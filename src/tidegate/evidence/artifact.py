"""Read one findings artifact: a verified report, a refusal, or nothing of ours.

A file that nobody trusted signed is a refusal, whatever else is wrong with it: what a stranger
pushed is neither evidence nor an obstacle. Only what one of our keys did sign and cannot be read
makes the answer unavailable. The artifact's manifest is read beside its signature tag, and its
statement beside the signatures' payloads; referrers of the artifact are looked at only when the
tag holds no signature that counts.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    InputError,
    LimitExceededError,
    NotInRegistryError,
    SubjectMismatchError,
    TidegateError,
    UntrustedSignerError,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.ports import Fetched, RegistryReader
from tidegate.evidence.signatures import (
    SignatureFindings,
    fetch_signature_tag,
    search_referring_signatures,
    verify_signatures,
)
from tidegate.evidence.verify import VerifiedReport, select_layer, verify_report
from tidegate.trust.configuration import EvidenceKey
from tidegate.wire.oci_v1 import Descriptor, Manifest
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES, MEDIA_TYPE

LARGE_STATEMENT_BYTES = 256 * 1024
"""From this size on parsing takes longer than about 15 ms, and leaves the event loop."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that does not count."""

    artifact: Digest
    reason: str

    def __str__(self) -> str:
        return f"{self.artifact}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ArtifactReader:
    """Reads artifacts about one subject, as one trust configuration sees them at one instant."""

    client: RegistryReader
    reference: ImageReference
    """The repository, with the subject's digest."""
    subject: Digest
    keys: tuple[EvidenceKey, ...]
    """Those that may sign in this repository."""
    now: datetime
    limits: EvidenceLimits

    async def read(self, artifact: Digest) -> VerifiedReport | Refused | None:
        """Return what `artifact` is; None: no findings artifact, or no longer there.

        Raises:
            UnavailableError, ContentMismatchError: it may be evidence; that cannot be found out.
        """
        fetched, at_tag = await asyncio.gather(
            settled(self.client.fetch_manifest(self.reference.at(artifact))),
            settled(fetch_signature_tag(self.client, self.reference, artifact)),
        )
        if fetched is None:
            return None
        try:
            if isinstance(fetched, TidegateError):
                await self._search(artifact, at_tag)  # unsigned: refused, not unavailable
                raise fetched
            if fetched.manifest.kind != MEDIA_TYPE:
                return None
            return await self._read_signed(artifact, fetched, at_tag)
        except (InputError, SubjectMismatchError, UntrustedSignerError) as refusal:
            return Refused(artifact, str(refusal))

    async def read_remembered(self, artifact: Digest, signer: EvidenceKey) -> VerifiedReport:
        """Return the report in `artifact`, whose signature by `signer` was verified before.

        Raises:
            TidegateError: it cannot be read any more.
        """
        fetched = await self.client.fetch_manifest(self.reference.at(artifact))
        if fetched is None:
            raise NotInRegistryError(f"findings artifact {artifact} is no longer in the registry")
        layer = select_layer(fetched.manifest, self.subject)
        body = await self._fetch_statement(layer)
        return await self._verify_report(artifact, layer, body, (signer,))

    async def _read_signed(
        self, artifact: Digest, fetched: Fetched, at_tag: Manifest | TidegateError | None
    ) -> VerifiedReport:
        layer = select_layer(fetched.manifest, self.subject)
        found, early = await asyncio.gather(
            settled(self._search(artifact, at_tag)), self._fetch_early(layer)
        )
        if isinstance(found, TidegateError):
            raise found
        body = early if early is not None else await self._fetch_statement(layer)
        try:
            return await self._verify_report(artifact, layer, body, found.signers)
        except UntrustedSignerError:
            # The tag's signer is not trusted with this scanner; a referring signature may be.
            more = await search_referring_signatures(
                self.client, self.reference, artifact, self.keys
            )
            return await self._verify_report(artifact, layer, body, (found + more).signers)

    async def _search(
        self, artifact: Digest, at_tag: Manifest | TidegateError | None
    ) -> SignatureFindings:
        """Return at least one signer.

        Raises:
            UntrustedSignerError: nobody trusted signed `artifact`.
            UnavailableError: that could not be found out.
        """
        if not self.keys:
            raise UntrustedSignerError("no evidence key is configured for this repository")
        manifest = None if isinstance(at_tag, TidegateError) else at_tag
        found = await verify_signatures(self.client, self.reference, artifact, manifest, self.keys)
        if not found.signers:
            found += await search_referring_signatures(
                self.client, self.reference, artifact, self.keys
            )
        if found.signers:
            return found
        if isinstance(at_tag, TidegateError):
            raise at_tag
        if found.exceeded:
            raise LimitExceededError(found.exceeded)
        raise UntrustedSignerError("; ".join(dict.fromkeys(found.refusals)) or "not signed")

    async def _fetch_early(self, layer: Descriptor) -> bytes | None:
        """Return the statement where it is small; an error is met again when it matters."""
        if layer.size > self.limits.max_eager_statement_bytes:
            return None
        body = await settled(self._fetch_statement(layer))
        return None if isinstance(body, TidegateError) else body

    async def _fetch_statement(self, layer: Descriptor) -> bytes:
        return await self.client.fetch_blob(self.reference, layer, max_bytes=MAX_STATEMENT_BYTES)

    async def _verify_report(
        self, artifact: Digest, layer: Descriptor, body: bytes, signers: Sequence[EvidenceKey]
    ) -> VerifiedReport:
        if len(body) < LARGE_STATEMENT_BYTES:
            return verify_report(self.subject, artifact, layer, body, signers, self.now)
        return await asyncio.to_thread(
            verify_report, self.subject, artifact, layer, body, signers, self.now
        )


async def settled(work: Awaitable[T]) -> T | TidegateError:
    """Return what `work` returns or the error of ours that it raises."""
    try:
        return await work
    except TidegateError as error:
        return error
