"""Images: what registries tell of, what people ask to scan, and what is known."""

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
from tidegate.hub.context import Hub
from tidegate.hub.store import images, jobs
from tidegate.hub.store.database import Turn
from tidegate.hub.store.images import ImageFilter, Subject
from tidegate.hub.store.jobs import Asked
from tidegate.hub.store.tokens import Role
from tidegate.wire.distribution_v2 import (
    IMAGE_MEDIA_TYPES,
    INDEX_MEDIA_TYPES,
    NotificationV2,
    NotifiedEventV2,
)
from tidegate.wire.hub_v1 import ImageV1, JobRecordV1, NotificationResultV1, Page, ScanRequestV1

SIGNATURE_TAG_PREFIX = "sha256-"
"""Tags of signatures, attestations and fallback referrers (INTEROP): never an image's."""

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
    "/registries/notifications",
    guards=allow(Role.REGISTRY),
    status_code=202,
    summary="Take push notifications of a registry",
    responses=documented(),
)
async def post_notification(
    hub: TheHub, caller: TheCaller, data: JSONBody[NotificationV2]
) -> NotificationResultV1:
    """Queue a scan for each image that was pushed, in Docker distribution's envelope.

    What is no image's push is counted as skipped, never refused: a registry would repeat it.
    """
    pushes = [push for event in data.events if (push := _push_of(event, hub)) is not None]
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        for subject, event in pushes:
            asked = Asked(caller.name, render_instant(hub.now()), event.target.media_type)
            await _queue(connection, subject, list(filter(None, [event.target.tag])), asked)
    if pushes:
        hub.signals.jobs.ring()
    return NotificationResultV1(len(pushes), len(data.events) - len(pushes))


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
        asked = Asked(caller.name, render_instant(hub.now()), attach=data.attach)
        job = await _queue(connection, subject, data.tags, asked)
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


def _push_of(event: NotifiedEventV2, hub: Hub) -> tuple[Subject, NotifiedEventV2] | None:
    """Return what a notification says was pushed, None if it is not to be scanned."""
    target = event.target
    if event.action != "push" or target.media_type not in IMAGE_MEDIA_TYPES | INDEX_MEDIA_TYPES:
        return None
    if target.tag.startswith(SIGNATURE_TAG_PREFIX) or (target.tag and not is_tag(target.tag)):
        return None
    try:
        host = hub.settings.notify_registry or event.request.host
        return subject_of(host, target.repository, target.digest), event
    except InputError:
        return None


def subject_of(registry: str, repository: str, digest: str) -> Subject:
    """Return the subject in its normal form; refuses what is none."""
    if not is_repository(repository):
        raise InputError(f"repository {repository[:255]!r}: want lower-case path components")
    named = parse_digest(digest)
    host = normalize_host(registry)
    try:
        reference = parse_reference(f"{host}/{repository}@{named}")
    except InvalidReferenceError as error:
        raise InputError(_NO_HOST.format(registry[:261])) from error
    if reference.registry != host:
        raise InputError(_NO_HOST.format(registry[:261]))
    return Subject(host, reference.repository, named)


async def _queue(
    connection: AsyncConnection, subject: Subject, tags: list[str], asked: Asked
) -> Row[Any]:
    await images.note_push(connection, subject, tags, asked.at)
    job = await jobs.queue(connection, subject, asked)
    if job.state == "leased":
        await images.set_status(connection, subject, "scanning")
    return job


HANDLERS = (post_notification, request_scan, list_images)
