"""What refers to a manifest: the referrers API, else the fallback tag (distribution-spec 1.1)."""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from msgspec.structs import replace

from tidegate.domain.digest import Digest, algorithm_of, encoded_part
from tidegate.domain.errors import (
    InvalidManifestError,
    LimitExceededError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import ImageReference
from tidegate.oci.manifests import FetchedManifest, fetch_manifest, pull_scope
from tidegate.oci.pages import PageLimits, read_pages
from tidegate.oci.session import Ask, Reply, Session
from tidegate.wire.oci_v1 import OCI_EMPTY, Descriptor, Manifest, parse_manifest

_NO_API = (404, 303)
"""There is no such API: 404 by the specification; GHCR sends browsers to a page about packages. The
fallback tag, which is read then, settles the question or does not."""

_EARLY_FILTER = (
    "org.opencontainers.references.filtersApplied",
    "org.opencontainers.referrers.filtersApplied",
)
"""How the release candidates of distribution-spec 1.1 said that they had filtered, in the place of
the header `OCI-Filters-Applied`. They took the config's media type for the artifact's, so what they
leave out may be what was asked for (zot 1.4)."""


@dataclass(frozen=True, slots=True)
class ReferrerList:
    """Every referrer of one subject."""

    descriptors: tuple[Descriptor, ...]
    source: Literal["api", "tag"]
    """`tag`: never filtered; entries may carry any artifactType, so open the manifests."""


async def list_referrers(
    session: Session, reference: ImageReference, subject: Digest, artifact_type: str | None
) -> ReferrerList:
    """Return the referrers of `subject`; of `artifact_type` only where the API says which they are.

    Raises:
        LimitExceededError: more than the limits; nothing is cut off.
        RegistryUnavailableError: the question is not settled.
    """
    found = await _from_api(session, reference, subject, artifact_type)
    if found is None:
        return await _from_tag(session, reference, subject)
    return ReferrerList(found, "api")


def fallback_tag(subject: Digest) -> str:
    """Return the tag that lists referrers where there is no API ("Referrers Tag Schema")."""
    return f"{algorithm_of(subject)[:32]}-{encoded_part(subject)[:64]}"


async def fetch_fallback(
    session: Session, reference: ImageReference, subject: Digest
) -> FetchedManifest | None:
    """Return what the fallback tag of `subject` holds, whatever it is; None: there is no such tag.

    Raises:
        RegistryUnavailableError: not settled, or it holds what is no manifest.
    """
    at_tag = ImageReference(reference.registry, reference.repository, fallback_tag(subject))
    try:
        return await fetch_manifest(session, at_tag)
    except InvalidManifestError as error:
        raise RegistryUnavailableError(f"listing referrers by tag {at_tag}: {error}") from error


async def _from_api(
    session: Session, reference: ImageReference, subject: Digest, artifact_type: str | None
) -> tuple[Descriptor, ...] | None:
    what = f"listing referrers of {reference.name}@{subject}"
    path = f"/v2/{reference.repository}/referrers/{subject}"
    query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
    ask = Ask(what, "GET", f"{path}{query}", pull_scope(reference), wanted=(200, *_NO_API))
    limits = session.limits
    found: list[Descriptor] = []
    pages = read_pages(
        session, ask, PageLimits(limits.max_referrer_pages, limits.max_referrer_bytes)
    )
    async with aclosing(pages):
        async for reply in pages:
            if reply.status in _NO_API:
                return None  # only the first page may
            page = _parse_page(what, reply, limits.json_depth)
            if artifact_type and any(word in page.annotations for word in _EARLY_FILTER):
                everything = await _from_api(session, reference, subject, None)
                return None if everything is None else _of_type(everything, artifact_type)
            found += map(_typed, page.manifests)
            if len(found) > limits.max_referrers:
                raise _too_many(what, limits.max_referrers)
    return _of_type(found, artifact_type)


async def _from_tag(session: Session, reference: ImageReference, subject: Digest) -> ReferrerList:
    fetched = await fetch_fallback(session, reference, subject)
    # GitLab resolves such a tag to the image itself; somebody may have pushed anything there.
    if fetched is None or not fetched.manifest.is_index or fetched.digest == subject:
        return ReferrerList((), "tag")
    entries = fetched.manifest.manifests
    if len(entries) > session.limits.max_referrers:
        what = f"listing referrers by tag {reference.name}:{fallback_tag(subject)}"
        raise _too_many(what, session.limits.max_referrers)
    return ReferrerList(entries, "tag")


def _parse_page(what: str, reply: Reply, max_depth: int) -> Manifest:
    try:
        page = parse_manifest(
            reply.body, reply.headers.get("content-type", ""), max_depth=max_depth
        )
    except InvalidManifestError as error:
        raise RegistryUnavailableError(f"{what}: {error}; want an image index") from error
    if not page.is_index:
        raise RegistryUnavailableError(f"{what}: an image manifest, want an image index")
    return page


def _typed(entry: Descriptor) -> Descriptor:
    """Return `entry` without a type that is none: that of the empty config (image-spec)."""
    return replace(entry, artifact_type="") if entry.artifact_type == OCI_EMPTY else entry


def _of_type(entries: Iterable[Descriptor], artifact_type: str | None) -> tuple[Descriptor, ...]:
    """Filtered here too: `OCI-Filters-Applied` is only the registry's word for it.

    An entry that does not say what it is stays: the caller opens it.
    """
    wanted = {"", artifact_type}
    return tuple(e for e in entries if artifact_type is None or e.artifact_type in wanted)


def _too_many(what: str, max_referrers: int) -> LimitExceededError:
    return LimitExceededError(
        f"{what}: more than {max_referrers}, the most that are looked at; delete what is not needed"
    )
