"""Manifests: fetched whole, hashed by ourselves, parsed strictly; pushed and deleted."""

from dataclasses import dataclass

from tidegate.domain.digest import Digest, algorithm_of, digest_of, parse_digest
from tidegate.domain.errors import (
    ContentMismatchError,
    InvalidDigestError,
    InvalidManifestError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import ImageReference
from tidegate.oci.session import Ask, Session
from tidegate.wire.oci_v1 import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    parse_manifest,
)

_ACCEPT = ("Accept", f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_LIST}, {DOCKER_MANIFEST}")


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest as a registry gave it."""

    digest: Digest
    """Of `body`, computed here; what the registry says about it is not looked at (row 6)."""
    media_type: str
    body: bytes
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class PushedManifest:
    """A manifest that a registry took."""

    digest: Digest
    subject_acknowledged: bool
    """The registry lists it as a referrer of its subject by itself (`OCI-Subject`)."""


def pull_scope(reference: ImageReference) -> str:
    """Return the right to read the repository of `reference`."""
    return f"repository:{reference.repository}:pull"


def push_scope(reference: ImageReference) -> str:
    """Return the right to read and write the repository of `reference`."""
    return f"repository:{reference.repository}:pull,push"


def delete_scope(reference: ImageReference) -> str:
    """Return the right to delete in the repository of `reference`."""
    return f"repository:{reference.repository}:delete"


async def fetch_manifest(session: Session, reference: ImageReference) -> FetchedManifest | None:
    """Return the manifest that `reference` names, by its digest if it has one; None: there is none.

    Raises:
        ContentMismatchError: the body does not have the digest that was asked for.
        InvalidManifestError: the body is no manifest.
        LimitExceededError: larger than `max_manifest_bytes`.
        RegistryUnavailableError: the question is not settled.
    """
    what = f"fetching manifest {reference}"
    path = f"/v2/{reference.repository}/manifests/{reference.digest or reference.tag}"
    ask = Ask(what, "GET", path, pull_scope(reference), wanted=(200, 404), headers=(_ACCEPT,))
    reply = await session.read(ask, session.limits.max_manifest_bytes)
    if reply.status == 404:
        return None
    digest = _verified_digest(what, reply.body, reference.digest)
    media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MANIFEST_TYPES:
        words = (
            f"{what}: an answer of type {media_type[:80]!r}, want an OCI manifest or index or "
            "Docker's schema 2 forms"
        )
        if media_type.startswith("application/vnd."):
            # A stored manifest of a foreign kind (schema 1), which is certain: anyone who may push
            # could otherwise make a tag look as if the registry did not answer.
            raise InvalidManifestError(words)
        raise RegistryUnavailableError(words)
    manifest = parse_manifest(reply.body, media_type, max_depth=session.limits.json_depth)
    return FetchedManifest(digest, media_type, reply.body, manifest)


async def find_digest(session: Session, reference: ImageReference) -> Digest | None:
    """Return the digest that a tag names, by the registry's word; None: there is no such tag.

    Good to learn what to look at, never to believe (THREATS row 6): whoever fetches it hashes it.
    A registry that does not say it is asked for the manifest.

    Raises:
        RegistryUnavailableError: the question is not settled.
    """
    path = f"/v2/{reference.repository}/manifests/{reference.tag}"
    ask = Ask(
        f"looking up {reference}", "HEAD", path, pull_scope(reference), (200, 404), (_ACCEPT,)
    )
    reply = await session.read(ask, 0)
    if reply.status == 404:
        return None
    try:
        return parse_digest(reply.headers.get("docker-content-digest", ""))
    except InvalidDigestError:
        fetched = await fetch_manifest(session, reference)
        return None if fetched is None else fetched.digest


async def push_manifest(
    session: Session, reference: ImageReference, body: bytes, media_type: str, *, tag: str | None
) -> PushedManifest:
    """Push `body` at `tag`, or by its digest."""
    digest = digest_of(body)
    subject = parse_manifest(body, media_type).subject
    ask = Ask(
        f"pushing manifest {reference.name}{f':{tag}' if tag else f'@{digest}'}",
        "PUT",
        f"/v2/{reference.repository}/manifests/{tag or digest}",
        push_scope(reference),
        wanted=(201,),
        headers=(("Content-Type", media_type),),
        body=body,
    )
    reply = await session.read(ask, session.limits.max_error_bytes)
    acknowledged = subject is not None and reply.headers.get("oci-subject") == subject.digest
    return PushedManifest(digest, acknowledged)


async def delete_manifest(session: Session, reference: ImageReference, digest: Digest) -> bool:
    """Delete `digest`; False: it was not there."""
    ask = Ask(
        f"deleting manifest {reference.at(digest)}",
        "DELETE",
        f"/v2/{reference.repository}/manifests/{digest}",
        delete_scope(reference),
        wanted=(202, 404),
    )
    return (await session.read(ask, session.limits.max_error_bytes)).status == 202


def subject_of(body: bytes, media_type: str) -> Digest:
    """Return what the manifest in `body` refers to.

    Raises:
        InvalidManifestError: no manifest, or one without a subject.
    """
    subject = parse_manifest(body, media_type).subject
    if subject is None:
        raise InvalidManifestError("referrer without a subject: want a manifest that names one")
    return subject.digest


def _verified_digest(what: str, body: bytes, wanted: Digest | None) -> Digest:
    if wanted is None:
        return digest_of(body)
    came = digest_of(body, algorithm_of(wanted))
    if came != wanted:
        raise ContentMismatchError(f"{what}: the body has the digest {came}; it is not believed")
    return came
