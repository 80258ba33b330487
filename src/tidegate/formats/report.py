"""What a format is, and what it makes of a report. Group `tidegate.formats`.

A format reads one kind of document that another tool wrote. It is pure: everything that it needs
is in the bytes, and everything that it does not understand is named in `coverage.not_understood`
or refused, never skipped in silence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidegate.domain.digest import Digest
from tidegate.domain.errors import SubjectMismatchError
from tidegate.domain.evidence import Coverage
from tidegate.domain.finding import Finding, Location, VexStatus
from tidegate.wire.statement_v1 import ScannerIdentity

GROUP = "tidegate.formats"

Head = Mapping[str, object]
"""The top level of a JSON object: scalars as they are, None in the place of lists and objects."""


@dataclass(frozen=True, slots=True)
class StatedSubject:
    """Which image a report says that it is about."""

    manifests: frozenset[str] = frozenset()
    """Digests of image manifests or indexes."""
    configs: frozenset[str] = frozenset()
    """Digests of image configs (the "image id" of Docker)."""

    def __bool__(self) -> bool:
        return bool(self.manifests or self.configs)

    def __or__(self, other: "StatedSubject") -> "StatedSubject":
        return StatedSubject(self.manifests | other.manifests, self.configs | other.configs)


@dataclass(frozen=True, slots=True)
class SeenPackage:
    """A package that the report says was looked at."""

    purl: str
    name: str
    version: str
    ecosystem: str
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class VexProduct:
    """What a VEX statement is about: an image, a package in one, or a package anywhere."""

    image_digests: frozenset[str] = frozenset()
    """Of manifests; empty: any image that holds `packages`."""
    packages: tuple[str, ...] = ()
    """Package URLs; empty: the image as a whole."""


@dataclass(frozen=True, slots=True)
class VexClaim:
    """One statement of a VEX document: vulnerability, products, status and the reason for it."""

    ids: frozenset[str]
    """Every id that the document gives the vulnerability, normalised."""
    products: tuple[VexProduct, ...]
    status: VexStatus
    justification: str
    """Never empty where `status` clears a finding."""
    author: str
    said_at: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """What one document says."""

    scanner: ScannerIdentity | None
    """None: the document is no scanner's report, but holds `claims` alone."""
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = field(default_factory=lambda: Coverage(()))
    subject: StatedSubject = StatedSubject()
    started_at: datetime | None = None
    scanned_at: datetime | None = None
    """End of the scan, UTC; None where the document does not say."""
    packages: tuple[SeenPackage, ...] = ()
    claims: tuple[VexClaim, ...] = ()


class Format(Protocol):
    """Reads one kind of document; made without arguments, and without state."""

    name: str
    """As its entry point is called."""
    media_types: frozenset[str]
    """Media types of files and artifacts in this format."""
    predicate_types: frozenset[str]
    """in-toto predicate types whose predicate is such a document."""

    def recognises(self, head: Head) -> bool:
        """Whether a document with this top level is one of this format, of whatever version."""
        ...

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the document says.

        Raises:
            MalformedReportError: not of this format, or of a version that is not known; names it.
            LimitExceededError: larger, deeper or longer than is read.
        """
        ...


def require_about(subject: StatedSubject, manifest: Digest, config: str) -> None:
    """Return when a report with this `subject` can be about the image `manifest`.

    The config's digest decides where both are stated: tools write the digest of the index into the
    report about one of its platforms.

    Raises:
        SubjectMismatchError: it says that it is about another image; names both.
    """
    if subject.configs:
        found, wanted = subject.configs, config
    elif subject.manifests:
        found, wanted = subject.manifests, str(manifest)
    else:
        return
    if wanted not in found:
        raise SubjectMismatchError(
            f"the report is about {_listed(found)}; want {wanted}, "
            f"{'the config of ' if subject.configs else ''}the image that it is attached to"
        )


def _listed(digests: Iterable[str]) -> str:
    shown = sorted(digests)
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(digest[:80] for digest in shown[:3]) + more
