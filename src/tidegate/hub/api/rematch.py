"""Matching images again when advisories change: what workers tell, take and bring.

The hub hands out what workers once brought, signed by them; it neither matches nor signs.
"""

import asyncio
from typing import Annotated, Any

from litestar import Response, get, post, put
from litestar.params import JSONBody, PathParameter
from pyroaring import BitMap

from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import ConflictError, InputError
from tidegate.hub.api.access import READERS, TheHub, allow
from tidegate.hub.api.parameters import Id
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.event_body import column_text
from tidegate.hub.jobs.details import pack_findings, require_bounded
from tidegate.hub.packed import pack, pack_json, unpack
from tidegate.hub.store import (
    advisory_pass,
    due,
    image_details,
    images,
    jobs,
    organisation,
    packages,
    renewal,
)
from tidegate.hub.store.database import Turn
from tidegate.hub.store.due import Due
from tidegate.hub.store.tokens import Role
from tidegate.wire.rematch_v1 import (
    AdvisoriesToldV1,
    FindingsUploadV1,
    PackageListsRequestV1,
    PackageListsV1,
    PackagePageV1,
    PageRequestV1,
    PageResultV1,
    RematchStatusV1,
    RenewalRequestV1,
    RenewalV1,
    StandingV1,
    StoredListV1,
)

MAX_NAMES_BYTES = 32 * 2**20
MAX_FINDINGS_BYTES = 96 * 2**20

WorkerName = Annotated[str, PathParameter(min_length=1, max_length=128)]


@put(
    "/workers/{name:str}/advisories",
    guards=allow(Role.SCANNER),
    request_max_body_size=MAX_NAMES_BYTES,
    summary="Tell what a worker's advisories are",
    responses=documented(),
)
async def put_advisories(
    hub: TheHub, name: WorkerName, data: JSONBody[AdvisoriesToldV1]
) -> StandingV1:
    """Take note of a worker's advisories; where they are fresher, packages are matched again."""
    async with hub.database.write_in_turn(Turn.PACKAGES) as connection:
        told = await advisory_pass.tell(connection, name, data, hub.now())
    if told.began:
        hub.signals.jobs.ring()
    return StandingV1(told.standing)


@post(
    "/advisories/packages",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="Lease packages to match",
    responses=documented(),
)
async def lease_packages(
    hub: TheHub, data: JSONBody[PageRequestV1]
) -> Response[PackagePageV1 | None]:
    """Return a page of the packages that changed advisories name; 204: there are none now."""
    async with hub.database.write_in_turn(Turn.PACKAGES) as connection:
        page = await advisory_pass.lease_page(
            connection, data.state, hub.settings.jobs.lease_s, hub.now()
        )
    return Response(page) if page is not None else Response(None, status_code=204)


@put(
    "/advisories/packages",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Tell what advisories say of packages",
    responses=documented(409),
)
async def put_packages(hub: TheHub, data: JSONBody[PageResultV1]) -> None:
    """Keep it; images with packages of which it is new wait to be matched again."""
    said = [(each.id, each.said) for each in data.said]
    async with hub.database.write_in_turn(Turn.PACKAGES) as connection:
        affected = await advisory_pass.take_page(connection, data.lease, said)
    if affected:
        hub.signals.jobs.ring()


@get(
    "/advisories/rematch",
    guards=allow(*READERS, Role.SCANNER),
    summary="Show how far matching by new advisories is",
    responses=documented(),
)
async def get_rematch(hub: TheHub) -> RematchStatusV1:
    """Return what was matched by the newest advisories, and what waits."""
    async with hub.database.read() as connection:
        return await advisory_pass.status(connection)


@post(
    "/jobs/{job_id:str}/packages",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="Take the packages of a job's image",
    responses=documented(404, 409),
)
async def take_packages(
    hub: TheHub, job_id: Id, data: JSONBody[PackageListsRequestV1]
) -> PackageListsV1:
    """Return the package lists of the leased image, as they were signed; none: scan it."""
    async with hub.database.read() as connection:
        job = await jobs.held(connection, job_id, data.lease, hub.now(), lock=False)
        image_id = await images.id_of(connection, job.subject)
        stored = await image_details.package_lists(connection, image_id) or []
        reports = await images.reports_of(connection, image_id)

    def unpacked() -> list[StoredListV1]:
        artifacts = {report.digest: report.artifact for report in reports}
        return [
            StoredListV1(digest, unpack(packed).decode(), signature, artifacts.get(digest, ""))
            for digest, packed, signature in stored
        ]

    return PackageListsV1(await asyncio.to_thread(unpacked))


@put(
    "/jobs/{job_id:str}/findings",
    guards=allow(Role.SCANNER),
    status_code=204,
    request_max_body_size=MAX_FINDINGS_BYTES,
    summary="Upload what matching again said",
    responses=documented(404, 409),
)
async def put_findings(hub: TheHub, job_id: Id, data: JSONBody[FindingsUploadV1]) -> None:
    """Keep the statement about a platform of the leased image; its packages stay as they are."""
    changes = await asyncio.to_thread(_changes, data)
    async with hub.database.write() as connection:
        job = await jobs.held(connection, job_id, data.lease, hub.now())
        image_id = await images.id_of(connection, job.subject)
        counts = await advisory_pass.counts(connection, data.advisories_state)
        said = await packages.note_opinions(connection, data.opinions, count=counts)
        if said.outdated:  # newer advisories came while it was matched
            await due.add(connection, Due.REMATCH, BitMap([image_id]))
        changes["updated_at"] = render_instant(hub.now())
        await image_details.put_findings(connection, image_id, data.digest, changes)


def _changes(data: FindingsUploadV1) -> dict[str, Any]:
    """Return the columns that change, the large ones packed."""
    digest = parse_digest(data.digest)
    changes: dict[str, Any] = {"findings": pack_findings(data.statement, digest)}
    changes["statement"] = pack(data.statement.encode())
    if data.referrers is not None:
        require_bounded(data.referrers)
        changes["referrers"] = pack_json(data.referrers)
    if data.package_list_signature:
        changes["packages_signature"] = column_text(data.package_list_signature)
    return changes


@post(
    "/reports/renewals",
    guards=allow(Role.ADMIN),
    status_code=200,
    summary="Have reports made anew",
    responses=documented(409),
)
async def renew_reports(hub: TheHub, data: JSONBody[RenewalRequestV1]) -> RenewalV1:
    """Let images with reports of scans before an instant wait for new ones; asking again counts."""
    before = parse_instant(data.before)
    if before is None or before > hub.now():
        raise InputError(
            f"before is {data.before!r}; want an instant that has passed, 2026-11-23T09:00:00Z"
        )
    async with hub.database.write_in_turn(Turn.PACKAGES) as connection:
        if (await organisation.load(connection)).settings.security_findings == "Off":
            raise ConflictError(
                "security findings are switched off: no reports are attached; switch them on first"
            )
        found = await renewal.add_before(connection, before)
    if found.added:
        hub.signals.jobs.ring()
    return found


HANDLERS = (
    put_advisories,
    lease_packages,
    put_packages,
    get_rematch,
    take_packages,
    put_findings,
    renew_reports,
)
