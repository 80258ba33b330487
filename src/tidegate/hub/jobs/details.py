"""Which details of a scan are kept: those of manifests whose bytes prove that they belong.

A worker names a manifest; its bytes must have that digest, and it must be the leased one or one
that the leased index lists. So a stolen scanner token shows nobody a manifest that is not there.
"""

from dataclasses import dataclass

import msgspec

from tidegate.domain.digest import algorithm_of, digest_of, parse_digest
from tidegate.domain.errors import InputError
from tidegate.domain.finding import Finding
from tidegate.hub.event_body import column_text
from tidegate.hub.packed import pack, pack_json, unpack
from tidegate.wire.hub_data_v1 import (
    MAX_REFERRER_MANIFESTS_CHARS,
    MAX_REFERRERS,
    DetailUploadV1,
    FindingDetailV1,
    LocationV1,
    PackageV1,
    RatingV1,
    ReferrerV1,
    VexMarkV1,
)
from tidegate.wire.oci_v1 import Manifest, parse_manifest
from tidegate.wire.package_list_v1 import parse_package_list
from tidegate.wire.statement_v1 import parse_statement, render_time

SEVERITIES = ("critical", "high", "medium", "low", "unknown")
"""Worst first."""

MAX_DEPTH = 4
"""Of referrers: artifact, signature, and what nobody has seen yet."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One manifest's details, ready to be stored."""

    digest: str
    platform: str
    media_type: str
    size: int
    config: str
    manifest: bytes
    referrers: bytes
    statement: bytes
    findings: bytes
    packages: bytes
    packages_signature: str = ""
    """Empty: the packages are not enough to match them again."""


def accept(upload: DetailUploadV1, leased: str, index: str | None) -> Detail:
    """Return what is kept of `upload` under a job about the manifest `leased`.

    `index`: the leased manifest as stored, None where it is not yet.

    Raises:
        InputError: it does not belong to the job, or is not what it says.
    """
    digest = parse_digest(upload.digest)
    body = upload.manifest.encode()
    if digest_of(body, algorithm_of(digest)) != digest:
        raise InputError(
            f"manifest: its bytes do not have the digest {digest}; send it as the registry has it"
        )
    manifest = parse_manifest(body, upload.media_type)
    if digest != leased:
        _require_listed(digest, leased, index)
    require_bounded(upload.referrers)
    return Detail(
        digest=digest,
        platform=column_text(upload.platform),
        media_type=manifest.media_type,
        size=len(body) + _content_size(manifest),
        config="" if upload.config is None else msgspec.json.encode(upload.config).decode(),
        manifest=pack(body),
        referrers=pack_json(upload.referrers),
        statement=pack(upload.statement.encode()),
        findings=pack_findings(upload.statement, digest),
        packages=_packages(upload, digest),
        packages_signature=column_text(upload.package_list_signature) if _whole(upload) else "",
    )


def pack_findings(statement: str, digest: str) -> bytes:
    """Return the findings in a statement about `digest` as they are stored; empty: none.

    Raises:
        InputError: no statement, or about another manifest.
    """
    return pack_json(_findings(statement, digest))


def stored_packages(stored: bytes) -> list[PackageV1]:
    """Return the packages in a stored list, of this version's workers or of older ones."""
    body = unpack(stored)
    if body.startswith(b"["):
        return msgspec.json.decode(body, type=list[PackageV1])
    return parse_package_list(body).packages


def _whole(upload: DetailUploadV1) -> bool:
    """Whether all that was seen is in the list: of a cut one, findings would be missing."""
    listed = upload.package_list
    return bool(listed) and not parse_package_list(listed.encode()).truncated


def _packages(upload: DetailUploadV1, digest: str) -> bytes:
    if not upload.package_list:
        return pack_json(sorted(upload.packages, key=lambda p: (p.name, p.version, p.purl)))
    body = upload.package_list.encode()
    subject = parse_package_list(body).subject
    if subject != digest:
        raise InputError(f"packageList: it is about {subject}; want {digest}")
    return pack(body)  # byte for byte: the worker's signature is over them


def _require_listed(digest: str, leased: str, index: str | None) -> None:
    if index is None:
        raise InputError(
            f"{digest} is not the leased {leased}; send the leased manifest first, so that it can "
            "be seen whether it lists this one"
        )
    listed = {entry.digest for entry in parse_manifest(index.encode(), "").manifests}
    if digest not in listed:
        raise InputError(
            f"{digest} is neither the leased {leased} nor listed by it; details count only for "
            "the leased digest, or for the platforms of a leased index"
        )


def require_bounded(referrers: list[ReferrerV1]) -> None:
    """Refuse a tree of referrers that is larger or deeper than is kept.

    Raises:
        InputError: it is.
    """
    count, level, depth, shown_chars = 0, referrers, 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        shown_chars += sum(len(node.manifest) for node in level)
        if count > MAX_REFERRERS or depth > MAX_DEPTH:
            raise InputError(
                f"referrers: more than {MAX_REFERRERS} or deeper than {MAX_DEPTH} levels"
            )
        if shown_chars > MAX_REFERRER_MANIFESTS_CHARS:
            raise InputError(
                f"referrers: manifests of more than {MAX_REFERRER_MANIFESTS_CHARS} characters "
                "together; leave the longest out"
            )
        for node in level:
            _require_itself(node)
        level = [child for node in level for child in node.referrers]


def _require_itself(node: ReferrerV1) -> None:
    """Refuse a referrer without a digest, and a manifest that is not the one of that digest."""
    if not node.digest and node.note and not node.manifest:
        return
    digest = parse_digest(node.digest)
    if node.manifest and digest_of(node.manifest.encode(), algorithm_of(digest)) != digest:
        raise InputError(
            f"referrers: the manifest of {digest} does not have that digest; send it as the "
            "registry has it"
        )


def _content_size(manifest: Manifest) -> int:
    config = manifest.config.size if manifest.config is not None else 0
    whole = config + sum(layer.size for layer in manifest.layers)
    return min(whole, 2**62)  # sizes are the manifest's word; the column has 63 bits


def _findings(statement: str, digest: str) -> list[FindingDetailV1]:
    if not statement:
        return []
    parsed = parse_statement(statement.encode())
    if parsed.subject != digest:
        raise InputError(f"statement: it is about {parsed.subject}; want {digest}")
    found = [_finding(finding) for finding in parsed.findings]
    # As they are listed by default, so that a page of them need not be sorted each time.
    return sorted(found, key=lambda f: (SEVERITIES.index(f.severity), f.id, f.package))


def _finding(finding: Finding) -> FindingDetailV1:
    return FindingDetailV1(
        id=finding.canonical_ids[0],
        severity=finding.severity.word,  # type: ignore[arg-type]  # the words are these five
        package=finding.package,
        name=finding.package_name,
        version=finding.version,
        fixed_version=finding.fixed_version,
        aliases=sorted({finding.vulnerability_id, *finding.aliases} - {finding.canonical_ids[0]}),
        cwe_ids=list(finding.cwe_ids),
        locations=[LocationV1(place.path, place.layer) for place in finding.locations],
        references=list(finding.references),
        ratings=[
            RatingV1(r.method, r.score, r.word, r.cvss_version, r.leading, r.source)
            for r in finding.ratings
        ],
        not_affected=[
            VexMarkV1(
                status=mark.status.value,  # type: ignore[arg-type]  # a mark has one of these two
                justification=mark.justification,
                author=mark.author,
                source=mark.source,
                said_at=render_time(mark.said_at) if mark.said_at is not None else "",
                detail=mark.detail,
            )
            for mark in finding.not_affected
        ],
    )
