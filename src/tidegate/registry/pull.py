"""Reading: manifests, blobs, lists, referrers (distribution-spec, "Pull", "Content Discovery")."""

import re
from urllib.parse import quote

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.reference import is_tag
from tidegate.registry.exchange import FilePart, Request, Response, json_response
from tidegate.registry.manifest import OCI_INDEX
from tidegate.registry.refusals import RefusedError, shorten, unknown_blob, unknown_manifest
from tidegate.registry.routes import Route, digest_in
from tidegate.registry.store import Store

_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")


def get_manifest(store: Store, route: Route, request: Request) -> Response:
    """Answer with a manifest as it was pushed, whatever `Accept` says: its bytes are signed."""
    del request
    if ":" in route.reference:
        digest_in(route.reference)
    elif not is_tag(route.reference):
        raise unknown_manifest(route.repository, route.reference)
    found = store.manifest(route.repository, route.reference)
    headers = (("Content-Type", found.media_type), ("Docker-Content-Digest", found.digest))
    return Response(200, headers, found.body)


def get_blob(store: Store, route: Route, request: Request) -> Response:
    """Answer with a blob, or the part of it that `Range` asks for (RFC 9110, 14)."""
    digest = digest_in(route.reference)
    size = store.blob_size(route.repository, digest)
    path = store.content.path_of(digest)
    if store.content.size_of(digest) != size:
        # Somebody else removed or damaged the file; a short body must not pass for the blob.
        raise unknown_blob(route.repository, digest)
    headers = (
        ("Content-Type", "application/octet-stream"),
        ("Docker-Content-Digest", digest),
        ("Accept-Ranges", "bytes"),
    )
    wanted = _wanted_range(request.headers.get("range", ""), size)
    if wanted is None:
        return Response(200, headers, FilePart(path, 0, size))
    first, last = wanted
    content_range = ("Content-Range", f"bytes {first}-{last}/{size}")
    return Response(206, (*headers, content_range), FilePart(path, first, last - first + 1))


def _wanted_range(text: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte; None where the whole is wanted, or several ranges are."""
    match = _RANGE.fullmatch(text.replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None  # RFC 9110, 14.2: a Range that is not understood is ignored
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    else:
        first, last = max(size - int(match[2]), 0), size - 1
    if first > last:
        raise RefusedError(
            416,
            "SIZE_INVALID",
            f"range {shorten(text)!r}: outside of {size} bytes",
            (("Content-Range", f"bytes */{size}"),),
        )
    return first, last


def list_tags(store: Store, route: Route, request: Request, max_page: int) -> Response:
    """Answer with tags in the order of their bytes (distribution-spec, "Listing Tags")."""
    query = request.query()
    limit, after = _page_size(query, max_page), query.get("last", "")
    names = store.tags(route.repository, after, limit + 1)
    headers = _next_page(f"/v2/{route.repository}/tags/list", names, limit)
    return json_response({"name": route.repository, "tags": names[:limit]}, headers)


def list_repositories(store: Store, route: Route, request: Request, max_page: int) -> Response:
    """Answer with the repositories that hold a manifest, in the order of their bytes."""
    del route
    query = request.query()
    limit, after = _page_size(query, max_page), query.get("last", "")
    names = store.repositories(after, limit + 1)
    return json_response({"repositories": names[:limit]}, _next_page("/v2/_catalog", names, limit))


def _page_size(query: dict[str, str], max_page: int) -> int:
    text = query.get("n", str(max_page))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise RefusedError(
            400, "PAGINATION_NUMBER_INVALID", f"n is {shorten(text)!r}: want a number"
        )
    return min(int(text), max_page)


def _next_page(path: str, names: list[str], limit: int) -> tuple[tuple[str, str], ...]:
    if limit == 0 or len(names) <= limit:
        return ()
    return (("Link", f'<{path}?n={limit}&last={quote(names[limit - 1], safe="")}>; rel="next"'),)


def list_referrers(store: Store, route: Route, request: Request, max_page: int) -> Response:
    """Answer with what refers to a digest, present or not (distribution-spec, "Listing Referrers").

    The order is that of the pushes, and a page starts after the last one's end: what is pushed or
    deleted meanwhile makes no reader skip or repeat anything else.
    """
    subject = digest_in(route.reference)
    query = request.query()
    artifact_type = query.get("artifactType", "")
    after = _position(query.get("last", "0"))
    page, more = store.referrers(route.repository, subject, artifact_type, after, max_page)
    headers: list[tuple[str, str]] = [("Content-Type", OCI_INDEX)]
    if artifact_type:
        headers.append(("OCI-Filters-Applied", "artifactType"))
    if more:
        headers.append(("Link", _referrers_link(route.repository, subject, query, page[-1].seq)))
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [msgspec.Raw(referrer.descriptor) for referrer in page],
    }
    return Response(200, tuple(headers), msgspec.json.encode(index))


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # below SQLite's 2**63
        raise RefusedError(
            400, "UNSUPPORTED", f"last is {shorten(text)!r}: follow the Link as it came"
        )
    return int(text)


def _referrers_link(repository: str, subject: Digest, query: dict[str, str], last: int) -> str:
    artifact_type = query.get("artifactType", "")
    filtered = f"artifactType={quote(artifact_type, safe='')}&" if artifact_type else ""
    return f'</v2/{repository}/referrers/{subject}?{filtered}last={last}>; rel="next"'
