"""What workers and hub say to each other to match images again without pulling them."""

from typing import Annotated, Literal

from msgspec import Meta

from tidegate.wire.hub_data_v1 import (
    MAX_LIST_CHARS,
    MAX_REFERRERS,
    MAX_STATEMENT_CHARS,
    Digest,
    OpinionV1,
    ReferrerV1,
    Wire,
    Word,
)

MAX_NAMES = 50_000
"""Package names told at once; where more are touched, all packages are matched again."""

MAX_PAGE = 5000

Standing = Literal["current", "superseded"]

_State = Annotated[str, Meta(max_length=64)]
_Lease = Annotated[str, Meta(max_length=128)]


class AdvisoriesToldV1(Wire, omit_defaults=True):
    """A worker tells what its advisories are, and what changed about them."""

    state: Annotated[str, Meta(min_length=1, max_length=64)]
    """The same for the same records."""
    rank: Annotated[str, Meta(max_length=80)]
    """Sorts as the freshness of the records does: of two workers' the greater counts."""
    since: _State = ""
    """State from which on `names` holds; empty: they are not known."""
    names: Annotated[list[Word], Meta(max_length=MAX_NAMES)] | None = None
    """Package names that the changed advisories concern; null: any."""


class StandingV1(Wire):
    """Whether a worker's advisories are the ones that count."""

    standing: Standing
    """`superseded`: another worker, heard of lately, has fresher ones."""


class PageRequestV1(Wire):
    """A worker asks for packages to match."""

    state: Annotated[str, Meta(min_length=1, max_length=64)]


class DistinctPackageV1(Wire, omit_defaults=True):
    """A package at one version, wherever it is."""

    id: int
    name: Word
    version: Word
    ecosystem: Word
    module: Word = ""


class PackagePageV1(Wire):
    """Packages to match; results count only under this lease."""

    lease: _Lease
    packages: list[DistinctPackageV1]


class SaidV1(Wire, omit_defaults=True):
    """What advisories say of a package of a page."""

    id: int
    said: Annotated[str, Meta(max_length=32)] = ""


class PageResultV1(Wire):
    """A page's packages, matched."""

    lease: _Lease
    said: Annotated[list[SaidV1], Meta(max_length=MAX_PAGE)]


class PackageListsRequestV1(Wire):
    """A worker asks for the packages of the image of its job."""

    lease: _Lease


class StoredListV1(Wire):
    """A package list as a worker signed it."""

    digest: Digest
    """Of the platform's manifest."""
    body: Annotated[str, Meta(max_length=MAX_LIST_CHARS)]
    signature: Annotated[str, Meta(max_length=1024)]
    artifact: Digest = ""
    """The findings artifact that the hub knows of."""


class PackageListsV1(Wire):
    """The packages of each platform of an image; empty: a scan is needed."""

    lists: list[StoredListV1]


class FindingsUploadV1(Wire, omit_defaults=True):
    """What matching again said of one platform of the job's image."""

    lease: _Lease
    digest: Digest
    statement: Annotated[str, Meta(min_length=1, max_length=MAX_STATEMENT_CHARS)]
    opinions: list[OpinionV1]
    advisories_state: _State = ""
    referrers: Annotated[list[ReferrerV1], Meta(max_length=MAX_REFERRERS)] | None = None
    """Null: the registry was not asked; those known stay."""
    package_list_signature: Annotated[str, Meta(max_length=1024)] = ""
    """Of the platform's package list as the hub keeps it, by the worker's own key; empty: the one
    that the hub has stays."""


class RenewalRequestV1(Wire):
    """Somebody wants reports made anew, by the keys that workers sign with now."""

    before: Annotated[str, Meta(min_length=1, max_length=40)]
    """An instant; reports of scans before it are meant."""


class RenewalV1(Wire):
    """How far that is."""

    reports: int
    """Images that have a report of a scan before that instant."""
    added: int
    """Those of them that did not wait for a new one yet."""


class RematchStatusV1(Wire):
    """How far matching by the newest advisories is."""

    state: str
    """Of the advisories that count; empty: no worker has told."""
    started_at: str
    finished_at: str
    """Empty while it goes on."""
    whole: bool
    """Every package is matched, not only those that changed advisories name."""
    packages_matched: int
    packages_changed: int
    """Of which advisories say something new."""
    images_affected: int
    """Added up over packages of several pages."""
    images_due: int
    images_to_scan: int
    """What is kept of them does not serve."""
    images_to_attach: int
    """Matched; their reports wait until their registry may be written to again."""
    images_to_retry: int
    """Matching failed, or their registry did not take the report; tried again within the hour."""
