"""Trusted VEX statements on findings: what they clear stays in the report, marked, and counts not.

A claim reaches a finding when it names the vulnerability by one of its ids, and one of its products
is this image or a package that the finding is in. Of one source the newest claims count: a later
"affected" takes an earlier "not affected" back. Of several sources one "affected" keeps the finding
counted. A finding that stands for several CVEs is cleared when every one of them is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from packageurl import PackageURL

from tidegate.domain.finding import Finding, VexMark, VexStatus
from tidegate.formats.report import VexClaim, VexProduct
from tidegate.wire.statement_v1 import MAX_MARKS

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrustedClaim:
    """A claim, and the trusted source that signed its document."""

    claim: VexClaim
    source: str


def apply_claims(
    findings: Iterable[Finding], claims: Sequence[TrustedClaim], image_digests: frozenset[str]
) -> tuple[Finding, ...]:
    """Return `findings`, those that `claims` clear marked so; `image_digests` name the image.

    None is left out, and none is unmarked: marks of an earlier reading are replaced.
    """
    if not claims:
        return tuple(replace(f, not_affected=()) if f.not_affected else f for f in findings)
    by_id: dict[str, list[TrustedClaim]] = {}
    for claim in claims:
        for identifier in claim.claim.ids:
            by_id.setdefault(identifier, []).append(claim)
    return tuple(
        replace(finding, not_affected=_marks(finding, by_id, image_digests)) for finding in findings
    )


def _marks(
    finding: Finding, by_id: dict[str, list[TrustedClaim]], image_digests: frozenset[str]
) -> tuple[VexMark, ...]:
    marks: dict[VexMark, None] = {}
    alone = len(finding.canonical_ids) == 1
    for canonical in finding.canonical_ids:
        # Of several CVEs each is cleared by its own name: an alias could mean any of them.
        names = finding.ids if alone else (canonical,)
        named = {id(c): c for name in sorted(names) for c in by_id.get(name, ())}
        reaching = [c for c in named.values() if _reaches(c.claim, finding, image_digests)]
        clearing = _clearing(reaching)
        if not clearing:
            return ()
        marks.update(dict.fromkeys(map(_mark, clearing)))
    return tuple(marks)[:MAX_MARKS]


def _clearing(claims: Sequence[TrustedClaim]) -> list[TrustedClaim]:
    """Return the claims that clear; none where a source's newest word is "affected"."""
    clearing = list[TrustedClaim]()
    for source in dict.fromkeys(claim.source for claim in claims):
        own = [claim for claim in claims if claim.source == source]
        newest_at = max(_said_at(claim) for claim in own)
        newest = [claim for claim in own if _said_at(claim) == newest_at]
        if any(claim.claim.status is VexStatus.AFFECTED for claim in newest):
            return []
        if all(claim.claim.status.clears for claim in newest):
            clearing += newest
    return clearing


def _said_at(claim: TrustedClaim) -> datetime:
    return claim.claim.said_at or _LONG_AGO


def _mark(trusted: TrustedClaim) -> VexMark:
    claim = trusted.claim
    return VexMark(
        status=claim.status,
        justification=claim.justification,
        author=claim.author,
        source=trusted.source,
        said_at=claim.said_at,
        detail=claim.detail if claim.detail != claim.justification else "",
    )


def _reaches(claim: VexClaim, finding: Finding, image_digests: frozenset[str]) -> bool:
    return any(_is_of(product, finding, image_digests) for product in claim.products)


def _is_of(product: VexProduct, finding: Finding, image_digests: frozenset[str]) -> bool:
    if product.image_digests and not product.image_digests & image_digests:
        return False
    if not product.packages:
        return bool(product.image_digests)
    found = _parsed(finding.package)
    return found is not None and any(
        _same_package(p, found) for p in map(_parsed, product.packages)
    )


def _same_package(named: PackageURL | None, found: PackageURL) -> bool:
    """Whether `named` is `found`, or a less exact name of it (OpenVEX, purl matching)."""
    if named is None:
        return False
    if (named.type, named.namespace, named.name) != (found.type, found.namespace, found.name):
        return False
    if named.version and named.version != found.version:
        return False
    wanted, present = dict(named.qualifiers or {}), dict(found.qualifiers or {})
    return wanted.items() <= present.items() and named.subpath in (None, found.subpath)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None
