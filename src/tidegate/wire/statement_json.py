"""The JSON of a findings statement, field by field, with its bounds; `statement_v1` makes values.

Fields of the in-toto predicate `vulns` v0.2 keep their places; what it lacks stands beside them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/vulns/v0.2"
MEDIA_TYPE = "application/vnd.in-toto+json"

MAX_STATEMENT_BYTES = 32 * 2**20
"""Largest statement read or written; 100,000 findings with all their references fit."""

MAX_FINDINGS = 100_000
MAX_LISTED = 1_000
"""Longest list inside one finding; locations and references beyond it are not written."""

MAX_MARKS = 16
"""Statements that clear one finding: trusted sources are a few."""

_Id = Annotated[str, Meta(min_length=1, max_length=256)]
_Word = Annotated[str, Meta(max_length=512)]
_Text = Annotated[str, Meta(max_length=4096)]
_Words = Annotated[list[_Word], Meta(max_length=MAX_LISTED)]


class Wire(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base: camelCase names, unknown fields skipped (in-toto: consumers must ignore them)."""


class Rating(Wire):
    """One opinion on a severity."""

    method: _Word
    score: _Word
    textual_score: _Word = ""
    cvss_version: _Word = ""
    leading: bool = False
    source: _Word = ""


class Location(Wire, omit_defaults=False, kw_only=True):
    """Where a package lies."""

    type: _Word = "filePath"
    path: _Text
    layer_id: _Word = ""


class Link(Wire):
    """A reference."""

    url: _Text


class NotAffected(Wire, kw_only=True):
    """A trusted VEX statement that clears the finding."""

    status: Literal["not_affected", "fixed"]
    justification: Annotated[str, Meta(min_length=1, max_length=4096)]
    author: _Word
    source: _Word
    said_at: _Word = ""
    detail: _Text = ""


class Result(Wire, kw_only=True):
    """One finding."""

    id: _Id
    vulnerable_package: Annotated[str, Meta(min_length=1, max_length=4096)]
    detected_version: _Word
    fix_version: _Word = ""
    severity: Annotated[list[Rating], Meta(max_length=MAX_LISTED)] = []
    leading_severity_score: _Word
    aliases: _Words = []
    cwe_ids: _Words = []
    evidence: Annotated[list[Location], Meta(max_length=MAX_LISTED)] = []
    references: Annotated[list[Link], Meta(max_length=MAX_LISTED)] = []
    not_affected: Annotated[list[NotAffected], Meta(max_length=MAX_MARKS)] = []


class Db(Wire):
    """The advisory database."""

    uri: _Text = ""
    version: _Word = ""
    last_update: _Word = ""


class Scanner(Wire, omit_defaults=False, kw_only=True):
    """Who looked, and what was found."""

    name: _Id
    version: _Word
    uri: _Text = ""
    db: Db = msgspec.field(default_factory=Db)
    result: Annotated[list[Result], Meta(max_length=MAX_FINDINGS)]


class Metadata(Wire):
    """When."""

    scan_started_on: _Word
    scan_finished_on: _Word
    packages_listed_on: _Word = ""


class Ecosystem(Wire):
    """What was judged of one ecosystem."""

    ecosystem: _Word
    package_count: Annotated[int, Meta(ge=0, le=10_000_000)]
    source: _Word = ""
    source_updated_at: _Word = ""


class Coverage(Wire, omit_defaults=False):
    """What was judged at all."""

    ecosystems: Annotated[list[Ecosystem], Meta(max_length=MAX_LISTED)] = []
    not_understood: Annotated[list[_Text], Meta(max_length=MAX_LISTED)] = []


class Origin(Wire):
    """Where a report made elsewhere came from."""

    format: _Word
    digest: _Word
    source: _Word = ""
    artifact: _Word = ""


class Predicate(Wire, omit_defaults=False):
    """The predicate `vulns`."""

    scanner: Scanner
    metadata: Metadata
    coverage: Coverage = msgspec.field(default_factory=Coverage)
    """Absent: nothing was covered, which makes the report incomplete."""
    origin: Origin | msgspec.UnsetType = msgspec.UNSET


class Subject(Wire, kw_only=True):
    """The image."""

    name: _Text = ""
    digest: dict[str, str]


class Header(Wire, omit_defaults=False):
    """Read first: bytes of another kind are refused as such."""

    type_: str = msgspec.field(name="_type", default="")
    predicate_type: str = ""


class Statement(Wire, omit_defaults=False, kw_only=True):
    """The in-toto statement."""

    type_: str = msgspec.field(name="_type", default=STATEMENT_TYPE)
    subject: Annotated[list[Subject], Meta(min_length=1, max_length=1)]
    predicate_type: str = PREDICATE_TYPE
    predicate: Predicate
