"""Which results of a scan count: those about what was leased, and nothing else."""

from collections.abc import Sequence

import msgspec

from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import InputError
from tidegate.hub.store.jobs import Leased
from tidegate.wire.distribution_v2 import IMAGE_MEDIA_TYPES
from tidegate.wire.hub_v1 import PlatformReportV1

MAX_PLATFORMS = 256


def require_about(job: Leased, reports: Sequence[PlatformReportV1]) -> None:
    """Refuse reports that are not about the leased digest.

    An image has one report, about itself; an index has one for each of its platforms, about their
    digests, which are kept under the index alone: no other image's reports can be touched.

    Raises:
        InputError: says which digest does not belong.
    """
    digests = [parse_digest(report.digest) for report in reports]
    if len(digests) > MAX_PLATFORMS:
        raise InputError(f"{len(digests)} reports; want at most {MAX_PLATFORMS}, one a platform")
    if len(set(digests)) != len(digests):
        raise InputError("two reports are about the same digest; want one each")
    if job.subject.digest in digests:
        foreign = [digest for digest in digests if digest != job.subject.digest]
    else:
        foreign = list(digests) if job.media_type in IMAGE_MEDIA_TYPES else []
    if foreign:
        raise InputError(
            f"job {job.id} is about {job.subject.digest}, but a report is about {foreign[0]}; "
            "results count only for the leased digest, or for the platforms of a leased index"
        )


def still_attached(
    job: Leased, reports: Sequence[PlatformReportV1], before: Sequence[PlatformReportV1]
) -> list[PlatformReportV1]:
    """Return `reports`, with the artifact from before where matching again attached nothing.

    That one stays in the registry until its successor may be written there.
    """
    if job.kind == "scan":
        return list(reports)
    known = {report.digest: report for report in before}
    return [_with_artifact(report, known.get(report.digest)) for report in reports]


def joined(
    job: Leased, reports: Sequence[PlatformReportV1], before: Sequence[PlatformReportV1]
) -> list[PlatformReportV1]:
    """Return `reports` of a scan that failed in part, and those of other platforms from before.

    Raises:
        InputError: the job is no scan: matching again reports everything or nothing.
    """
    if job.kind != "scan":
        raise InputError(f"job {job.id} failed and is no scan; want no reports with its failure")
    new = {report.digest for report in reports}
    return [*reports, *(report for report in before if report.digest not in new)]


def _with_artifact(report: PlatformReportV1, before: PlatformReportV1 | None) -> PlatformReportV1:
    if report.artifact or before is None:
        return report
    return msgspec.structs.replace(report, artifact=before.artifact, attached_at=before.attached_at)
