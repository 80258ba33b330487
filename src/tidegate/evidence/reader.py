"""Read the evidence about one manifest from its registry: cold, whole, or not at all.

What is remembered is read by digest, beside the list: nothing that others push can hide it, and a
registry that is slow or flooded changes no verdict made from it. Then every findings artifact that
the registry lists is opened (`artifact`). Per signer and scanner the newest report counts, of
equal scan times all; one that is older than what is remembered never does. What is found does not
depend on the order of the list.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import LimitExceededError, TidegateError
from tidegate.domain.evidence import (
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
    join_reports,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.artifact import ArtifactReader, Refused, settled
from tidegate.evidence.cache import EvidenceCache, SubjectKey
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import Key, Remembered, ReportMemory
from tidegate.evidence.ports import RegistryReader
from tidegate.evidence.unavailable import unavailable_because
from tidegate.evidence.verify import VerifiedReport
from tidegate.trust.configuration import EvidenceKey, TrustConfiguration
from tidegate.wire.statement_v1 import MEDIA_TYPE

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SubjectEvidence:
    """What is known about one manifest, and everything that led to it."""

    evidence: Report | Missing | Unavailable
    verified: tuple[VerifiedReport, ...] = ()
    """All reports that verify, superseded ones too."""
    refused: tuple[Refused, ...] = ()
    problem: TidegateError | None = None
    """What the registry did not answer, though something may be known all the same."""


@dataclass(slots=True)
class _Reading:
    """What a reading has found so far."""

    rows: tuple[Remembered, ...]
    held: dict[Digest, VerifiedReport] = field(default_factory=dict)
    verified: dict[Digest, VerifiedReport] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    problem: TidegateError | None = None

    def knows(self, artifact: Digest, keys: Sequence[EvidenceKey]) -> bool:
        """Whether nothing is to be learnt from reading `artifact`.

        A row names one signer; another of `keys` may have signed the same artifact.
        """
        report = self.verified.get(artifact)
        if report is None or artifact not in self.held:
            return report is not None
        return all(key in report.signers for key in keys if key.covers_scanner(report.scanner))

    def found(self, report: VerifiedReport) -> None:
        """Take a report that was read; its signers count beside those of its row."""
        row = self.held.get(report.artifact)
        if row is not None:
            more = tuple(key for key in row.signers if key not in report.signers)
            names = {key.name for key in more}
            sources = tuple(s for s in row.report.sources if s.signer in names)
            report = VerifiedReport(
                report.artifact,
                replace(report.report, sources=(*report.report.sources, *sources)),
                (*report.signers, *more),
            )
        self.verified[report.artifact] = report


class SubjectReader:
    """Reads evidence about manifests."""

    def __init__(
        self,
        client: RegistryReader,
        memory: ReportMemory,
        cache: EvidenceCache,
        limits: EvidenceLimits,
    ) -> None:
        self._client = client
        self._memory = memory
        self._cache = cache
        self._limits = limits
        self._slots: dict[str, asyncio.Semaphore] = {}
        """By registry: a slow one takes no other's."""

    async def read(
        self,
        reference: ImageReference,
        subject: Digest,
        trust: TrustConfiguration,
        now: datetime,
        held: Sequence[VerifiedReport] = (),
    ) -> SubjectEvidence:
        """Return what is known about `subject` in the repository of `reference`.

        `held` are reports that count and need not be read: rows of the feed.
        """
        keys = trust.keys_for(reference.name)
        reader = ArtifactReader(
            self._client, reference.at(subject), subject, keys, now, self._limits
        )
        key = SubjectKey(trust.generation, reference.name, subject)
        reading = _Reading(
            rows=_trusted_rows(self._memory.rows(subject), keys),
            held={report.artifact: report for report in held},
            verified={report.artifact: report for report in held},
        )
        listed, _ = await asyncio.gather(
            settled(self._list(reader)), self._read_remembered(reading, reader, key)
        )
        if isinstance(listed, TidegateError):
            reading.problem = listed
        else:
            unread = [artifact for artifact in listed if not reading.knows(artifact, keys)]
            await asyncio.gather(*(self._read_one(reading, reader, key, a) for a in unread))
        newest = select_newest(reading.verified.values())
        self._remember(subject, newest)
        return SubjectEvidence(
            evidence=_evidence(reading, newest),
            verified=tuple(reading.verified.values()),
            refused=tuple(sorted(reading.refused, key=lambda each: each.artifact)),
            problem=reading.problem,
        )

    async def _list(self, reader: ArtifactReader) -> tuple[Digest, ...]:
        listed = await self._client.list_referrers(reader.reference, reader.subject, MEDIA_TYPE)
        artifacts = tuple(dict.fromkeys(entry.digest for entry in listed.descriptors))
        if len(artifacts) > self._limits.max_artifacts:
            raise LimitExceededError(
                f"{len(artifacts)} files refer to {reader.subject}, want at most "
                f"{self._limits.max_artifacts}; delete what is not needed"
            )
        return artifacts

    async def _read_remembered(
        self, reading: _Reading, reader: ArtifactReader, key: SubjectKey
    ) -> None:
        signers = {signer.fingerprint: signer for signer in reader.keys}
        wanted = {
            artifact: signers[row.fingerprint]
            for row in reading.rows
            for artifact in row.artifacts
            if artifact not in reading.held
        }

        async def read(artifact: Digest, signer: EvidenceKey) -> None:
            known = self._cache.report(key, artifact)
            found = known or await settled(reader.read_remembered(artifact, signer))
            if isinstance(found, VerifiedReport):
                reading.verified[artifact] = found
                self._cache.keep_report(key, found)

        await asyncio.gather(*(read(artifact, signer) for artifact, signer in wanted.items()))

    async def _read_one(
        self, reading: _Reading, reader: ArtifactReader, key: SubjectKey, artifact: Digest
    ) -> None:
        found: VerifiedReport | Refused | TidegateError | None = self._cache.report(key, artifact)
        if found is None:
            async with self._slots_of(reader.reference.registry):
                found = await settled(reader.read(artifact))
        match found:
            case VerifiedReport():
                reading.found(found)
                self._cache.keep_report(key, found)
            case Refused():
                reading.refused.append(found)
            case TidegateError():
                reading.problem = _worse(reading.problem, found)
            case None:
                pass

    def _slots_of(self, registry: str) -> asyncio.Semaphore:
        found = self._slots.get(registry)
        if found is None:  # only configured registries come here, so there are few
            found = self._slots[registry] = asyncio.Semaphore(self._limits.max_parallel_reads)
        return found

    def _remember(self, subject: Digest, newest: dict[Key, list[VerifiedReport]]) -> None:
        rows = [
            Remembered(
                subject=subject,
                fingerprint=fingerprint,
                scanner=scanner,
                scanned_at=reports[0].report.scanned_at,
                artifacts=tuple(sorted(report.artifact for report in reports)),
            )
            for (fingerprint, scanner), reports in newest.items()
        ]
        try:
            self._memory.remember(rows)
        except OSError as error:
            # Kept in memory; after a restart an older report could be taken for the newest.
            _log.error("report-memory-not-written", error=str(error), subject=subject)


def select_newest(verified: Iterable[VerifiedReport]) -> dict[Key, list[VerifiedReport]]:
    """Return the newest reports of each signer and scanner; several only of equal scan times."""
    newest: dict[Key, list[VerifiedReport]] = {}
    for report in sorted(verified, key=lambda each: each.artifact):
        for signer in report.signers:
            key = (signer.fingerprint, report.scanner)
            known = newest.get(key, [report])[0].report.scanned_at
            if report.report.scanned_at > known:
                newest[key] = [report]
            elif report.report.scanned_at == known:
                newest.setdefault(key, []).append(report)
    return newest


def _worse(known: TidegateError | None, found: TidegateError) -> TidegateError:
    """Return the error to report: limits exceeded violate even where unavailable is ignored."""
    if known is None or isinstance(found, LimitExceededError):
        return found
    return known


def _trusted_rows(
    rows: Sequence[Remembered], keys: Sequence[EvidenceKey]
) -> tuple[Remembered, ...]:
    signers = {key.fingerprint: key for key in keys}
    return tuple(
        row
        for row in rows
        if row.fingerprint in signers and signers[row.fingerprint].covers_scanner(row.scanner)
    )


def _evidence(
    reading: _Reading, newest: dict[Key, list[VerifiedReport]]
) -> Report | Missing | Unavailable:
    unreadable = _unreadable(reading, newest)
    if unreadable is not None:
        return unreadable
    if reading.problem is not None and not (reading.rows or reading.held):
        return unavailable_because(reading.problem)
    if newest:
        chosen = {report.artifact: report for reports in newest.values() for report in reports}
        return join_reports([chosen[artifact].report for artifact in sorted(chosen)])
    if reading.refused:
        sentences = tuple(sorted(map(str, reading.refused)))
        return Missing(MissingReason.UNVERIFIABLE, unverifiable=sentences)
    return Missing(MissingReason.NO_REPORT)


def _unreadable(reading: _Reading, newest: dict[Key, list[VerifiedReport]]) -> Unavailable | None:
    """Return why what is remembered cannot be used: known, not superseded, and not to be read."""
    for row in reading.rows:
        found = newest.get((row.fingerprint, row.scanner))
        if found is not None and found[0].report.scanned_at > row.scanned_at:
            continue
        lost = [artifact for artifact in row.artifacts if artifact not in reading.verified]
        if lost:
            return Unavailable(
                UnavailableReason.UNREADABLE,
                f"{row.scanner}'s report of {row.scanned_at.isoformat()} ({lost[0]})",
            )
    return None
