"""Writing: blobs in one or many requests, mounts, manifests, deletes.

distribution-spec, "Push" and "Content Management".
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime

from tidegate.domain.digest import Digest, algorithm_of, digest_of
from tidegate.domain.reference import is_repository, is_tag
from tidegate.registry.exchange import Request, Response
from tidegate.registry.manifest import parse_manifest
from tidegate.registry.notify import Deletion, Push, render_deletion, render_push
from tidegate.registry.records import StoredManifest
from tidegate.registry.refusals import (
    RefusedError,
    invalid_digest,
    invalid_manifest,
    invalid_name,
    shorten,
    unknown_upload,
)
from tidegate.registry.routes import Route, digest_in
from tidegate.registry.store import Store
from tidegate.registry.uploads import Upload

_CONTENT_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class PushRules:
    """What is accepted, and whether and how it is told of."""

    max_blob_bytes: int
    max_manifest_bytes: int
    notifies: bool
    public_url: str


async def start_upload(store: Store, route: Route, request: Request, rules: PushRules) -> Response:
    """Mount a blob, take one whole, or begin an upload in parts."""
    query = request.query()
    if "mount" in query and await _mounted(store, route, query):
        return _blob_created(route.repository, digest_in(query["mount"]))
    digest = digest_in(query["digest"]) if "digest" in query else None
    upload = store.uploads.start(route.repository)
    if digest is None:
        return _progress(202, route.repository, upload)
    try:
        async with upload.lock:
            await _receive(store, upload, request, rules)
            await _finish(store, route.repository, upload, digest)
    finally:
        store.uploads.cancel(upload)
    return _blob_created(route.repository, digest)


async def _mounted(store: Store, route: Route, query: dict[str, str]) -> bool:
    source = query.get("from", "")
    if not source:
        return False  # the spec lets us search everywhere; who may read what is then unclear
    if not is_repository(source):
        raise invalid_name(source)
    return await store.mount_blob(route.repository, digest_in(query["mount"]), source)


async def upload_status(store: Store, route: Route, request: Request) -> Response:
    """Tell how much of an upload has arrived."""
    del request
    upload = await _find(store, route)
    return _progress(204, route.repository, upload)


async def append_chunk(store: Store, route: Route, request: Request, rules: PushRules) -> Response:
    """Add a chunk to an upload; a chunk that breaks off leaves the upload as it was."""
    upload = await _find(store, route)
    async with upload.lock:
        _require_under_way(upload)
        await _receive(store, upload, request, rules)
    return _progress(202, route.repository, upload)


async def finish_upload(store: Store, route: Route, request: Request, rules: PushRules) -> Response:
    """Add the last chunk, if any, and make the upload a blob."""
    query = request.query()
    if "digest" not in query:
        raise invalid_digest("query: no digest; want ?digest=<digest of the whole blob>")
    digest = digest_in(query["digest"])
    upload = await _find(store, route)
    async with upload.lock:
        _require_under_way(upload)
        await _receive(store, upload, request, rules)
        await _finish(store, route.repository, upload, digest)
    return _blob_created(route.repository, digest)


async def cancel_upload(store: Store, route: Route, request: Request) -> Response:
    """Forget an upload."""
    del request
    upload = await _find(store, route)
    async with upload.lock:
        _require_under_way(upload)
        store.uploads.cancel(upload)
    return Response(204)


async def _find(store: Store, route: Route) -> Upload:
    upload = await store.uploads.find(route.repository, route.reference)
    if upload is None:
        raise unknown_upload(route.reference)
    return upload


def _require_under_way(upload: Upload) -> None:
    if upload.ended:
        raise unknown_upload(upload.id)


async def _receive(store: Store, upload: Upload, request: Request, rules: PushRules) -> None:
    before = upload.size
    expected = _announced_bytes(request, upload)
    chunks = request.chunks(rules.max_blob_bytes - before, "blob")
    await store.uploads.append(upload, chunks, expected)


def _announced_bytes(request: Request, upload: Upload) -> int | None:
    """Return how many bytes `Content-Range` announces; None without one.

    Raises:
        RefusedError: the chunk does not start where the upload ends.
    """
    text = request.headers.get("content-range", "")
    if not text:
        return request.content_length()
    match = _CONTENT_RANGE.fullmatch(text)
    if match is None or int(match[2]) < int(match[1]):
        raise RefusedError(
            400, "BLOB_UPLOAD_INVALID", f"Content-Range {shorten(text)!r}: want <first>-<last>"
        )
    first, last = int(match[1]), int(match[2])
    if first != upload.size:
        raise RefusedError(
            416,
            "BLOB_UPLOAD_INVALID",
            f"Content-Range starts at {first}, want {upload.size}: chunks come in order",
            (("Range", _received(upload)),),
        )
    return last - first + 1


async def _finish(store: Store, repository: str, upload: Upload, digest: Digest) -> None:
    await store.uploads.seal(upload, digest)
    await store.add_blob(repository, digest, upload)
    store.uploads.cancel(upload)


def _progress(status: int, repository: str, upload: Upload) -> Response:
    return Response(
        status,
        (
            ("Location", f"/v2/{repository}/blobs/uploads/{upload.id}"),
            ("Range", _received(upload)),
            ("Docker-Upload-UUID", upload.id),
        ),
    )


def _received(upload: Upload) -> str:
    return f"0-{max(upload.size - 1, 0)}"  # of an empty upload, too, as other registries have it


def _blob_created(repository: str, digest: Digest) -> Response:
    location = ("Location", f"/v2/{repository}/blobs/{digest}")
    return Response(201, (location, ("Docker-Content-Digest", digest)))


async def put_manifest(
    store: Store, route: Route, request: Request, rules: PushRules, now: datetime
) -> Response:
    """Keep a manifest under its digest and, where the path has one, a tag."""
    by_digest = ":" in route.reference
    wanted = digest_in(route.reference) if by_digest else None
    if not by_digest and not is_tag(route.reference):
        raise invalid_manifest(
            f"tag {shorten(route.reference)!r}: want 1 to 128 of letters, digits, '_', '.', '-'"
        )
    body = await request.body(rules.max_manifest_bytes, "manifest")
    digest = digest_of(body, algorithm_of(wanted) if wanted else "sha256")
    if wanted is not None and digest != wanted:
        raise invalid_digest(f"manifest: want {wanted}, got {len(body)} bytes of {digest}")
    content_type = request.headers.get("content-type", "")
    manifest = await asyncio.to_thread(parse_manifest, body, content_type)
    tag = "" if by_digest else route.reference
    stored = StoredManifest(digest, manifest.media_type, body)
    event = None
    if rules.notifies:
        event = render_push(Push(route.repository, stored, tag), request, rules.public_url, now)
    await store.put_manifest(route.repository, stored, manifest, tag=tag, event=event)
    headers = [
        ("Location", f"/v2/{route.repository}/manifests/{digest}"),
        ("Docker-Content-Digest", digest),
    ]
    if manifest.subject is not None:
        headers.append(("OCI-Subject", manifest.subject))
    return Response(201, tuple(headers))


async def delete_manifest(
    store: Store, route: Route, request: Request, rules: PushRules, now: datetime
) -> Response:
    """Delete a manifest with its tags by digest, or one tag."""
    if ":" in route.reference:
        digest = digest_in(route.reference)
        gone = Deletion(route.repository, digest)
        event = render_deletion(gone, request, rules.public_url, now) if rules.notifies else None
        await store.remove_manifest(route.repository, digest, event=event)
    else:
        await store.remove_tag(route.repository, route.reference)
    return Response(202)


async def delete_blob(store: Store, route: Route, request: Request) -> Response:
    """Delete a blob that no manifest of this repository needs."""
    del request
    await store.remove_blob(route.repository, digest_in(route.reference))
    return Response(202)
