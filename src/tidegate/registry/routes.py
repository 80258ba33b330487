"""Paths of the API to typed routes; every name a stranger sends is judged here, once.

Repository names may contain the API's own words (`a/blobs/uploads` is a repository), so a path is
read from its end, where the words of distribution-spec ("Endpoints") are unambiguous.
"""

from dataclasses import dataclass
from enum import Enum, auto

from tidegate.domain.digest import Digest, parse_digest
from tidegate.domain.errors import InvalidDigestError
from tidegate.domain.reference import is_repository
from tidegate.registry.refusals import RefusedError, invalid_digest, invalid_name, shorten


class Kind(Enum):
    """The endpoints."""

    HEALTH = auto()
    ROOT = auto()
    CATALOG = auto()
    TAGS = auto()
    MANIFEST = auto()
    BLOB = auto()
    UPLOADS = auto()
    UPLOAD = auto()
    REFERRERS = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint with the names in its path."""

    kind: Kind
    repository: str = ""
    """A repository name of distribution-spec's grammar; empty where the endpoint has none."""
    reference: str = ""
    """What follows: tag or digest, digest, or id of an upload; not judged yet."""


_FIXED = {
    "/healthz": Route(Kind.HEALTH),
    "/v2": Route(Kind.ROOT),
    "/v2/": Route(Kind.ROOT),
    "/v2/_catalog": Route(Kind.CATALOG),
}
_LAST_BUT_ONE = {"manifests": Kind.MANIFEST, "blobs": Kind.BLOB, "referrers": Kind.REFERRERS}


def parse_route(path: str) -> Route:
    """Return the route that `path` (percent-decoded) names.

    Raises:
        RefusedError: no endpoint, or a repository name outside the grammar.
    """
    if path in _FIXED:
        return _FIXED[path]
    route = _named_route(path.removeprefix("/v2/").split("/")) if path.startswith("/v2/") else None
    if route is None:
        raise RefusedError(404, "UNSUPPORTED", f"path {shorten(path)!r}: no such endpoint")
    if not is_repository(route.repository):
        raise invalid_name(route.repository)
    return route


def _named_route(parts: list[str]) -> Route | None:
    match parts:
        case [*name, "tags", "list"]:
            return Route(Kind.TAGS, "/".join(name))
        case [*name, "blobs", "uploads"] | [*name, "blobs", "uploads", ""]:
            return Route(Kind.UPLOADS, "/".join(name))
        case [*name, "blobs", "uploads", upload_id]:
            return Route(Kind.UPLOAD, "/".join(name), upload_id)
        case [*name, ("manifests" | "blobs" | "referrers") as word, reference]:
            return Route(_LAST_BUT_ONE[word], "/".join(name), reference)
        case _:
            return None


def digest_in(text: str) -> Digest:
    """Return `text` as a digest.

    Raises:
        RefusedError: it is none.
    """
    try:
        return parse_digest(text)
    except InvalidDigestError as error:
        raise invalid_digest(str(error)) from error
