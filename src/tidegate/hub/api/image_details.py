"""What is known about one image: essentials, referrers, statement, findings, packages."""

import asyncio
from typing import Annotated, Literal, TypeVar

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter

from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import NotFoundError
from tidegate.hub.api.access import READERS, TheHub, allow
from tidegate.hub.api.images import Text, subject_of
from tidegate.hub.api.parameters import DEFAULT_LIMIT, Cursor, Limit, parse_cursor, render_cursor
from tidegate.hub.api.problems import documented
from tidegate.hub.api.rules import rules_now
from tidegate.hub.context import Hub
from tidegate.hub.jobs.details import stored_packages
from tidegate.hub.packed import unpack, unpack_json
from tidegate.hub.store import image_details
from tidegate.hub.store.images import Subject
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_data_v1 import FindingDetailV1, ImageDetailV1, PackageV1
from tidegate.wire.hub_v1 import Page
from tidegate.wire.image_report_v1 import ImageReportV1, parse_image_report
from tidegate.wire.statement_v1 import MEDIA_TYPE

T = TypeVar("T", FindingDetailV1, PackageV1)
S = TypeVar("S", bytes, ImageReportV1)

PlatformDigest = Annotated[
    str,
    QueryParameter(
        max_length=160,
        description="Digest of one of its platforms; empty: the image itself, of an index the "
        "first platform.",
    ),
]
SeverityFilter = FromQuery[Literal["", "critical", "high", "medium", "low", "unknown"]]
Sort = Annotated[
    Literal["severity", "id", "package"], QueryParameter(description="Order of the findings.")
]
FixedFilter = Annotated[
    bool | None, QueryParameter(description="true: with a fixed version; false: without.")
]


@get(
    "/images/lookup",
    guards=allow(*READERS, Role.SCANNER),
    summary="Show an image",
    responses=documented(404),
)
async def get_image(hub: TheHub, registry: Text, repository: Text, digest: Text) -> ImageDetailV1:
    """Return one image, or one platform of an index, with what a worker found out about it."""
    subject = subject_of(registry, repository, digest)
    async with hub.database.read() as connection:
        return await image_details.load(connection, subject)


@get(
    "/images/findings",
    guards=allow(*READERS),
    summary="List an image's findings",
    responses=documented(404),
)
async def list_findings(  # noqa: PLR0913, PLR0917  # a list has its filters
    hub: TheHub,
    registry: Text,
    repository: Text,
    digest: Text,
    platform: PlatformDigest = "",
    search: Text = "",
    severity: SeverityFilter = "",
    fixed: FixedFilter = None,
    sort: Sort = "severity",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[FindingDetailV1]:
    """Return a page of the findings in the newest statement, worst first."""
    subject = subject_of(registry, repository, digest)
    stored = await _stored(hub, subject, platform, "findings")
    exemptions = (await rules_now(hub)).exemptions
    now = hub.now()

    def choose() -> Page[FindingDetailV1]:
        found = unpack_json(stored, list[FindingDetailV1])
        if severity:
            found = [f for f in found if f.severity == severity]
        if fixed is not None:
            found = [f for f in found if bool(f.fixed_version) == fixed]
        if search:
            found = [f for f in found if _mentions(search, f.id, f.package, f.name, *f.aliases)]
        if sort == "id":
            found.sort(key=lambda f: (f.id, f.package))
        elif sort == "package":
            found.sort(key=lambda f: (f.name, f.package, f.id))
        page = _page(found, cursor, limit)
        for finding in page.items:
            finding.exempted = exemptions.marks_of(finding, now)
        return page

    return await asyncio.to_thread(choose)


@get(
    "/images/report",
    guards=allow(*READERS),
    summary="Show what an image's findings rest on",
    responses=documented(404),
)
async def get_report(
    hub: TheHub, registry: Text, repository: Text, digest: Text, platform: PlatformDigest = ""
) -> ImageReportV1:
    """Return who looked, by which advisories of which day, and what was not judged."""
    subject = subject_of(registry, repository, digest)
    stored = await _stored(hub, subject, platform, "statement")

    def read() -> ImageReportV1 | None:
        body = unpack(stored)
        return parse_image_report(body) if body else None

    return _told(await asyncio.to_thread(read), subject)


@get(
    "/images/packages",
    guards=allow(*READERS),
    summary="List an image's packages",
    responses=documented(404),
)
async def list_packages(  # noqa: PLR0913, PLR0917  # a list has its filters
    hub: TheHub,
    registry: Text,
    repository: Text,
    digest: Text,
    platform: PlatformDigest = "",
    search: Text = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[PackageV1]:
    """Return a page of the packages that the last scan saw, by name."""
    subject = subject_of(registry, repository, digest)
    stored = await _stored(hub, subject, platform, "packages")

    def choose() -> Page[PackageV1]:
        found = stored_packages(stored)
        if search:
            found = [p for p in found if _mentions(search, p.name, p.purl, p.ecosystem)]
        return _page(found, cursor, limit)

    return await asyncio.to_thread(choose)


@get(
    "/images/statement",
    guards=allow(*READERS),
    summary="Show an image's findings statement",
    media_type=MEDIA_TYPE,
    responses=documented(404),
)
async def get_statement(
    hub: TheHub, registry: Text, repository: Text, digest: Text, platform: PlatformDigest = ""
) -> Response[bytes]:
    """Return the in-toto statement about an image, byte for byte as it was signed."""
    subject = subject_of(registry, repository, digest)
    stored = await _stored(hub, subject, platform, "statement")
    body = await asyncio.to_thread(unpack, stored)
    return Response(_told(body or None, subject), media_type=MEDIA_TYPE)


def _told(found: S | None, subject: Subject) -> S:
    if found is None:
        raise NotFoundError(f"there is no statement about {subject.digest} yet; ask for a scan")
    return found


async def _stored(hub: Hub, subject: Subject, platform: str, column: str) -> bytes:
    wanted = parse_digest(platform) if platform else ""
    async with hub.database.read() as connection:
        return await image_details.load_packed(connection, subject, wanted, column)


def _page(found: list[T], cursor: str, limit: int) -> Page[T]:
    """Return a page of a list that changes only with the next scan: by position."""
    place = parse_cursor(cursor, tuple[int])
    start = place[0] if place else 0
    rest = found[max(start, 0) :]
    return Page(rest[:limit], render_cursor(start + limit) if len(rest) > limit else None)


def _mentions(search: str, *texts: str) -> bool:
    return search.lower() in "\n".join(texts).lower()


HANDLERS = (get_image, list_findings, get_report, list_packages, get_statement)
