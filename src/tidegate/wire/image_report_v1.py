"""What an image's newest report rests on, for people: who looked, by what, and at how much."""

import msgspec

from tidegate.domain.errors import MalformedStatementError
from tidegate.wire import statement_json as fields


class Wire(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of bodies: camelCase names."""


class ExemptionMarkV1(Wire):
    """An exemption of a rule that takes a finding out of that rule's count."""

    rule: str
    end_date: str = ""
    """The last day, UTC, on which it holds; empty: no end."""
    reason: str = ""
    added_by: str = ""


class CoveredV1(Wire):
    """What was judged of one ecosystem."""

    ecosystem: str
    package_count: int
    source: str = ""
    """Empty: no advisories are known for it, its packages were not judged."""
    source_updated_at: str = ""
    """When the newest record of that source was modified."""


class OriginV1(Wire):
    """Where a report made elsewhere came from."""

    format: str
    digest: str
    """Of the report's bytes as they came."""
    source: str = ""
    """The trusted source that signed it; empty: given by the evidence key's holder."""
    artifact: str = ""
    """Digest of the manifest that carried it; empty: a file."""


class ImageReportV1(Wire):
    """A findings statement without its findings."""

    subject: str
    scanner: str
    scanner_version: str
    started_at: str
    finished_at: str
    packages_listed_at: str = ""
    """When the image was looked into, where its packages were only matched again since."""
    database: str = ""
    database_updated_at: str = ""
    origin: OriginV1 | None = None
    """null: made by a scan, not taken over."""
    ecosystems: list[CoveredV1] = []
    not_understood: list[str] = []
    """A sentence for each kind of content that was seen and not judged."""


class _Scanner(msgspec.Struct):
    name: str
    version: str = ""
    db: fields.Db = msgspec.field(default_factory=fields.Db)


class _Predicate(msgspec.Struct):
    scanner: _Scanner
    metadata: fields.Metadata
    coverage: fields.Coverage = msgspec.field(default_factory=fields.Coverage)
    origin: fields.Origin | None = None


class _Statement(msgspec.Struct):
    subject: list[fields.Subject]
    predicate: _Predicate


_DECODER = msgspec.json.Decoder(_Statement)


def parse_image_report(body: bytes) -> ImageReportV1:
    """Return what the statement in `body` says but for its findings, which are skipped.

    `body` was taken for a findings statement before (`statement_v1.parse_statement`).

    Raises:
        MalformedStatementError: it is none.
    """
    try:
        wire = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedStatementError(f"findings statement: {error}") from error
    predicate = wire.predicate
    scanner, metadata, origin = predicate.scanner, predicate.metadata, predicate.origin
    return ImageReportV1(
        subject="".join(f"{name}:{value}" for name, value in wire.subject[0].digest.items()),
        scanner=scanner.name,
        scanner_version=scanner.version,
        started_at=metadata.scan_started_on,
        finished_at=metadata.scan_finished_on,
        packages_listed_at=metadata.packages_listed_on,
        database=scanner.db.version or scanner.db.uri,
        database_updated_at=scanner.db.last_update,
        origin=(
            OriginV1(origin.format, origin.digest, origin.source, origin.artifact)
            if origin is not None
            else None
        ),
        ecosystems=[
            CoveredV1(e.ecosystem, e.package_count, e.source, e.source_updated_at)
            for e in predicate.coverage.ecosystems
        ],
        not_understood=predicate.coverage.not_understood,
    )
