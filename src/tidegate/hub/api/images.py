"""Images: what people ask to scan, and what is known."""

from typing import Annotated, Any, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import InputError, InvalidReferenceError
from tidegate.domain.reference import is_repository, is_tag, normalize_host, parse_reference
from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow
from tidegate.hub.api.parameters import DEFAULT_LIMIT, Cursor, Limit, parse_cursor, render_cursor
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.store import images, jobs
from tidegate.hub.store.database import Turn
from tidegate.hub.store.due import Priority
from tidegate.hub.store.images import ImageFilter, Subject
from tidegate.hub.store.jobs import Asked
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import ImageV1, JobRecordV1, Page, ScanRequestV1

_NO_HOST = "registry {!r}: want a host name with a dot or a port, or localhost"

Text = Annotated[str, QueryParameter(max_length=512)]
Status = FromQuery[Literal["", "queued", "scanning", "scanned", "failed"]]

TheFilter = NamedDependency[ImageFilter]


async def provide_image_filter(
    hub: TheHub,
    registry: Text = "",
    repository: Text = "",
    status: Status = "",
    tag: Text = "",
    search: Text = "",
) -> ImageFilter:
    """Return the filter that a request asks for."""
    del hub  # asked for first, see `provide_caller`
    return ImageFilter(registry, repository, status, tag, search)


@post(
    "/images/scan",
    guards=allow(Role.ADMIN, Role.SCANNER),
    status_code=202,
    summary="Ask for a scan",
    responses=documented(),
)
async def request_scan(
    hub: TheHub, caller: TheCaller, data: JSONBody[ScanRequestV1]
) -> JobRecordV1:
    """Queue a scan; the answer is the job that is queued for this digest already, if any."""
    subject = subject_of(data.registry, data.repository, data.digest)
    wrong = [tag for tag in data.tags if not is_tag(tag)]
    if wrong:
        raise InputError(f"tags: {wrong[0][:128]!r} is no tag")
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        asked = Asked(
            caller.name,
            render_instant(hub.now()),
            attach=data.attach,
            priority=Priority.WAITED_FOR,  # whoever asks, waits
        )
        job = await queue_scan(connection, subject, data.tags, asked)
    hub.signals.jobs.ring()
    return jobs.record_of(job, hub.settings.jobs.max_attempts)


@get(
    "/images",
    guards=allow(*READERS),
    summary="List images, last pushed first",
    responses=documented(),
)
async def list_images(
    hub: TheHub, image_filter: TheFilter, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[ImageV1]:
    """Return a page of the images that match all filters given."""
    before = parse_cursor(cursor, tuple[str, int])
    async with hub.database.read() as connection:
        found = await images.page(connection, image_filter, before, limit + 1)
    page = found[:limit]
    last = page[-1] if page else None
    following = render_cursor(last.image.pushed_at, last.row_id) if last else None
    return Page([row.image for row in page], following if len(found) > limit else None)


def subject_of(registry: str, repository: str, digest: str) -> Subject:
    """Return the subject in its normal form; refuses what is none."""
    if not is_repository(repository):
        raise InputError(f"repository {repository[:255]!r}: want lower-case path components")
    named = parse_digest(digest)
    host = require_host(registry)
    return Subject(host, parse_reference(f"{host}/{repository}@{named}").repository, named)


def require_host(text: str) -> str:
    """Return the registry that `text` names, in its normal form.

    Raises:
        InputError: it names none.
    """
    host = normalize_host(text)
    try:
        named = parse_reference(f"{host}/any/thing").registry
    except InvalidReferenceError as error:
        raise InputError(_NO_HOST.format(text[:261])) from error
    if named != host:
        raise InputError(_NO_HOST.format(text[:261]))
    return host


async def queue_scan(
    connection: AsyncConnection, subject: Subject, tags: list[str], asked: Asked
) -> Row[Any]:
    """Return the unfinished job for a push that was told of; a worker may have it already."""
    await images.note_push(connection, subject, tags, asked.at)
    job = await jobs.queue(connection, subject, asked)
    if job.state == "leased":
        await images.set_status(connection, subject, "scanning")
    return job


HANDLERS = (request_scan, list_images)
