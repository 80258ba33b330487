"""Evidence from the rows of the feed: what the registry would say, without asking it.

A row counts like the findings artifact that it was made of: signed by a key that `trust.yaml`
names for this repository and this scanner, for its audience. What it says is used as long as no
newer report of the same signer and scanner is remembered: then the registry is read, with the rows
beside it, and what came out is used until the rows about that manifest change.

Whoever is answered from rows leaves a wish to have the registry looked at behind it
(`behind.Behind`): somebody who signs with the key and feeds nothing is found all the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import MalformedFeedError
from tidegate.domain.evidence import EvidenceOrigin, EvidenceSource, Report, join_reports
from tidegate.domain.reference import ImageReference
from tidegate.evidence.cache import Lru
from tidegate.evidence.images import PlatformManifest, ResolvedImage
from tidegate.evidence.memory import Key, ReportMemory
from tidegate.evidence.verify import VerifiedReport
from tidegate.feed.store import FeedStore
from tidegate.trust.configuration import EvidenceKey, TrustConfiguration
from tidegate.wire.feed_rows import FeedRow, report_of

MAX_FED_REPORTS = 16_384
MAX_FED_BYTES = 24 * 2**20
"""Estimated memory of reports made from rows; made anew they cost some 0.1 ms each."""

BYTES_PER_REPORT = 1500
BYTES_PER_FINDING = 170
"""Measured on CPython 3.11; the findings themselves are shared with other reports."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fed:
    """What rows say about one manifest, possibly with what the registry added."""

    report: Report
    origin: EvidenceOrigin


@dataclass(frozen=True, slots=True)
class _Made:
    """A report that was put together, and of what."""

    report: Report
    fingerprints: tuple[str, ...]
    """Keys whose rows are in it."""
    read_at: datetime | None = None
    """When the registry added something; None: all of it stands in rows."""


class FedEvidence:
    """Reports and platforms out of a store of rows."""

    def __init__(
        self,
        store: FeedStore,
        memory: ReportMemory,
        look_behind: Callable[[ImageReference, Digest], None],
    ) -> None:
        self._store = store
        self._memory = memory
        self._look_behind = look_behind
        self._made = Lru[Digest, dict[str, _Made]](MAX_FED_REPORTS, MAX_FED_BYTES)
        self._generation = ""
        self._changes = 0
        self.faults = 0
        """Times that what is held could not be read; the registry was asked then."""

    @property
    def changes(self) -> int:
        """Grows whenever rows, or what was made of them, may say something else."""
        return self._changes + self._store.changes

    def use_generation(self, generation: str) -> None:
        """Drop what was made under another trust configuration."""
        if generation != self._generation:
            self._made.clear()
            self._generation = generation
            self._changes += 1

    def changed(self, subjects: Iterable[Digest] | None) -> None:
        """Make reports about `subjects` anew; None: all of them, for the snapshot is another."""
        self._changes += 1
        if subjects is None:
            self._made.clear()
            return
        for subject in subjects:
            self._made.forget(subject)

    def image(self, reference: ImageReference, trust: TrustConfiguration) -> ResolvedImage | None:
        """Return what the digest of `reference` means; None where that is not held."""
        digest = reference.digest
        if digest is None or not trust.audience:
            return None
        fingerprints = [key.fingerprint for key in trust.keys_for(reference.name)]
        try:
            index = self._store.image(fingerprints, trust.audience, digest)
        except (MalformedFeedError, OSError) as error:
            self._fault(digest, error)
            return None
        if index is not None:
            platforms = tuple(
                PlatformManifest(p.platform, Digest(p.digest)) for p in index.platforms
            )
            return ResolvedImage(digest, platforms)
        if self.of(reference, digest, trust) is not None:
            return ResolvedImage(digest, (PlatformManifest("", digest),))
        return None

    def of(
        self, reference: ImageReference, subject: Digest, trust: TrustConfiguration
    ) -> Fed | None:
        """Return what rows say about `subject` in the repository of `reference`.

        None: nothing, or not the newest that is known; then the registry decides.
        """
        if not trust.audience:
            return None
        of_subject = self._made.get(subject)
        made = None if of_subject is None else of_subject.get(reference.name)
        if made is None:
            made = self._make(reference, subject, trust)
            if made is None:
                return None
            self._put(subject, reference.name, made)
        self._look_behind(reference, subject)
        return Fed(made.report, self._origin(made))

    def verified(
        self, reference: ImageReference, subject: Digest, trust: TrustConfiguration
    ) -> tuple[VerifiedReport, ...]:
        """Return the rows as reports that count, one for each findings artifact."""
        if not trust.audience:
            return ()
        keys = trust.keys_for(reference.name)
        try:
            rows = list(
                self._store.rows((key.fingerprint for key in keys), trust.audience, subject)
            )
        except (MalformedFeedError, OSError) as error:
            self._fault(subject, error)
            return ()
        return _reports(rows, keys)

    def keep(
        self,
        reference: ImageReference,
        trust: TrustConfiguration,
        report: Report,
        rows: Sequence[VerifiedReport],
        read_at: datetime,
    ) -> None:
        """Use `report`, which the registry and `rows` made together, until the rows change.

        Reading took a while: if the rows are others by now, or the trust configuration is, what was
        made of them is not used.
        """
        subject = report.subject
        if trust.generation != self._generation or self.verified(reference, subject, trust) != rows:
            return
        fingerprints = tuple(
            dict.fromkeys(key.fingerprint for each in rows for key in each.signers)
        )
        if not fingerprints:
            return
        in_rows = {each.artifact for each in rows}
        added = any(source.artifact not in in_rows for source in report.sources)
        made = _Made(report, fingerprints, read_at if added else None)
        self._changes += 1
        self._put(subject, reference.name, made)

    def _make(
        self, reference: ImageReference, subject: Digest, trust: TrustConfiguration
    ) -> _Made | None:
        reports = self.verified(reference, subject, trust)
        if not reports or not self._newest_known(subject, reports, trust, reference.name):
            return None
        report = join_reports([each.report for each in reports])
        signers = dict.fromkeys(key.fingerprint for each in reports for key in each.signers)
        return _Made(report, tuple(signers))

    def _newest_known(
        self,
        subject: Digest,
        reports: Sequence[VerifiedReport],
        trust: TrustConfiguration,
        repository_name: str,
    ) -> bool:
        """Whether no newer report than these is remembered (THREATS row 4)."""
        held: dict[Key, list[VerifiedReport]] = {}
        for each in reports:
            for key in each.signers:
                held.setdefault((key.fingerprint, each.scanner), []).append(each)
        for row in self._memory.rows(subject):
            trusted = trust.keys_for_scanner(repository_name, row.scanner)
            if row.fingerprint not in {key.fingerprint for key in trusted}:
                continue
            same = held.get((row.fingerprint, row.scanner))
            if same is None or row.scanned_at > same[0].report.scanned_at:
                return False
            of_then = {each.artifact for each in same}
            if row.scanned_at == same[0].report.scanned_at and not of_then.issuperset(
                row.artifacts
            ):
                return False
        return True

    def _origin(self, made: _Made) -> EvidenceOrigin:
        if made.read_at is not None:
            return EvidenceOrigin(EvidenceSource.REGISTRY, made.read_at)
        states = map(self._store.state, made.fingerprints)
        oldest = min(state.issued_at for state in states if state is not None)
        return EvidenceOrigin(EvidenceSource.FEED, oldest)

    def _put(self, subject: Digest, repository_name: str, made: _Made) -> None:
        of_subject = {**(self._made.get(subject) or {}), repository_name: made}
        weight = sum(
            BYTES_PER_REPORT + BYTES_PER_FINDING * len(each.report.findings)
            for each in of_subject.values()
        )
        self._made.put(subject, of_subject, weight)

    def _fault(self, digest: Digest, error: Exception) -> None:
        self.faults += 1
        _log.error("feed-not-readable", digest=digest, error=str(error))


def _reports(
    rows: Sequence[tuple[str, FeedRow]], keys: Sequence[EvidenceKey]
) -> tuple[VerifiedReport, ...]:
    """Return `rows` as reports by artifact, signed by those of `keys` that may sign each."""
    of_artifact: dict[Digest, tuple[FeedRow, list[EvidenceKey]]] = {}
    by_fingerprint = {key.fingerprint: key for key in keys}
    for fingerprint, row in rows:
        key = by_fingerprint[fingerprint]
        if row.artifact is None or not key.covers_scanner(row.scanner):
            continue
        of_artifact.setdefault(row.artifact, (row, []))[1].append(key)
    return tuple(
        VerifiedReport(artifact, report_of(row, [key.name for key in signers]), tuple(signers))
        for artifact, (row, signers) in sorted(of_artifact.items())
    )
