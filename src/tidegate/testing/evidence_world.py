"""A registry in memory with an image, a signer, and a gate's memory that reads it.

```python
world = EvidenceWorld()
image = world.push_image()
attached = await world.attach(image, findings=[finding("CVE-2022-42004", Severity.CRITICAL)])
evidence = await world.read(image)
```
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.evidence import (
    Coverage,
    EcosystemCoverage,
    ImageEvidence,
    Missing,
    Report,
    Unavailable,
)
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference
from tidegate.domain.severity import Severity
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.fed import FedEvidence
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.feed.chain import verify_batch
from tidegate.feed.deltas import encode_batch
from tidegate.feed.store import FeedStore
from tidegate.scan.attach import Attached, attach_report
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.configuration import EvidenceKey, TrustConfiguration
from tidegate.trust.keys import SigningKey, fingerprint, generate_key
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    render_manifest,
)
from tidegate.wire.statement_v1 import ScannerIdentity, Statement, render_statement

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""The present of these worlds."""

REPOSITORY = "team/app"


def finding(vulnerability_id: str, severity: Severity = Severity.HIGH) -> Finding:
    """Return a finding in some package."""
    return Finding(vulnerability_id, severity, "pkg:pypi/django@3.2", "3.2", "3.2.13")


def evidence_key(
    private_key: SigningKey, name: str = "scan", **restricted: tuple[str, ...]
) -> EvidenceKey:
    """Return the public side of `private_key` as trust configurations hold it."""
    return EvidenceKey(name, private_key.public_key(), fingerprint(private_key), **restricted)


@dataclass(slots=True)
class EvidenceWorld:
    """A registry, whose findings count, and what a gate knows."""

    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    key: SigningKey = field(default_factory=generate_key)
    limits: EvidenceLimits = field(default_factory=EvidenceLimits)
    memory: ReportMemory = field(default_factory=ReportMemory)
    feed: FeedStore | None = None
    """Rows that the gate holds; None: it follows no feed."""
    wishes: list[Digest] = field(default_factory=list)
    """Digests that were answered from rows, to be looked at behind them."""
    trust: TrustConfiguration = field(init=False)
    gatherer: Gatherer = field(init=False)
    fed: FedEvidence | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.trust = TrustConfiguration(
            keys=(evidence_key(self.key),), audience="acme", generation="1"
        )
        self.restart()

    @property
    def repository(self) -> ImageReference:
        """The repository that everything here is in."""
        return ImageReference(self.registry.host, REPOSITORY, "latest")

    def restart(self) -> None:
        """Start the gate again: its memory stays, its cache does not."""
        if self.feed is not None:
            self.fed = FedEvidence(
                self.feed, self.memory, lambda _, digest: self.wishes.append(digest)
            )
        self.gatherer = Gatherer(
            self.registry,
            lambda: self.trust,
            self.memory,
            EvidenceCache(self.limits),
            limits=self.limits,
            fed=self.fed,
        )

    def take(self, envelope: bytes) -> None:
        """Hold a batch of the feed."""
        assert self.feed is not None  # noqa: S101 - a world with a feed
        assert self.fed is not None  # noqa: S101 - a world with a feed
        signed = verify_batch(self.trust.keys, envelope)
        self.feed.apply(signed, encode_batch(signed.batch))
        self.fed.changed(Digest(row.subject) for row in signed.batch.rows)

    def push_image(self, seed: str = "image", *, tag: str | None = None) -> Descriptor:
        """Push an image manifest; another `seed` is another image."""
        body = render_manifest(
            Manifest(
                config=Descriptor(OCI_CONFIG, digest_of(EMPTY_BLOB), len(EMPTY_BLOB)),
                annotations={"seed": seed},
            )
        )
        return Descriptor(
            OCI_MANIFEST, self.registry.put_manifest(body, OCI_MANIFEST, tag=tag), len(body)
        )

    def push_index(self, platforms: dict[str, Descriptor], *, tag: str | None = None) -> Descriptor:
        """Push an index of `platforms` (`linux/arm64/v8`)."""
        entries = tuple(
            msgspec.structs.replace(entry, platform=_platform(name))
            for name, entry in platforms.items()
        )
        body = render_manifest(Manifest(media_type=OCI_INDEX, manifests=entries))
        return Descriptor(
            OCI_INDEX, self.registry.put_manifest(body, OCI_INDEX, tag=tag), len(body)
        )

    async def attach(
        self,
        subject: Descriptor,
        findings: Iterable[Finding] = (),
        *,
        at: datetime = NOON,
        scanner: str = "Tidegate",
        key: SigningKey | None = None,
    ) -> Attached:
        """Attach a signed report about `subject`."""
        body = render_statement(statement(subject.digest, findings, at=at, scanner=scanner))
        return await attach_report(
            self.registry, self.repository, body, key or self.key, subject=subject
        )

    async def gather(self, reference: ImageReference, *, now: datetime = NOON) -> ImageEvidence:
        """Return what the gate knows about `reference`."""
        found = await self.gatherer.gather([reference], now=now, budget_s=30)
        return found[reference]

    async def read(
        self, subject: Descriptor, *, now: datetime = NOON
    ) -> Report | Missing | Unavailable:
        """Return what the gate knows about an image that is no index."""
        found = await self.gather(self.repository.at(subject.digest), now=now)
        return found.platforms[0].evidence


def statement(
    subject: Digest,
    findings: Iterable[Finding] = (),
    *,
    at: datetime = NOON,
    scanner: str = "Tidegate",
) -> Statement:
    """Return a complete scan of `subject`."""
    return Statement(
        subject=subject,
        findings=tuple(findings),
        coverage=Coverage((EcosystemCoverage("PyPI", 1, "demo set", at),)),
        scanner=ScannerIdentity(scanner, "1"),
        started_at=at,
        finished_at=at,
    )


def _platform(name: str) -> Platform:
    system, architecture, *variant = name.split("/")
    return Platform(architecture, system, *variant)
