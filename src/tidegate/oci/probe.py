"""Asks a registry whether it can be used as it is configured, and what it can do.

Nothing is left behind: the manifest that a deletion is tried on exists nowhere, and an upload that
is begun is cancelled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import RegistryRefusesError, RegistryUnavailableError
from tidegate.domain.reference import ImageReference
from tidegate.oci.catalogue import shows_catalogue
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.manifests import delete_scope, push_scope
from tidegate.oci.referrers import list_referrers
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.session import Ask, Session
from tidegate.oci.tags import list_tags
from tidegate.oci.urls import parse_named_url

NO_REPOSITORY = "tidegate/probe"
"""Asked about where nobody names a repository; it need not exist."""

_NO_SUBJECT = digest_of(b"a subject that nobody pushes")

Answer = Literal["", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a registry answered."""

    tags: int
    """Tags of the repository that was asked about."""
    referrers: Literal["api", "tag"]
    """`tag`: no referrers API; pushers there can hide findings by the fallback tag."""
    catalogue: bool
    """It lists its repositories to these credentials."""
    push: Answer
    """Whether findings can be attached; empty: no repository was named to try it in."""
    delete: Answer
    """Whether old reports can be deleted; empty: it did not say."""


async def probe(
    registry: RegistryConfig, repository: str, limits: RegistryLimits, clock_s: Callable[[], float]
) -> Probe:
    """Return what `registry` says about `repository`, which need not exist; empty: about none.

    Raises:
        RegistryUnavailableError: it does not answer, or refuses the credentials.
    """
    session = Session(registry, limits, clock_s)
    asked = ImageReference(registry.host, repository or NO_REPOSITORY, digest=_NO_SUBJECT)
    try:
        tags = await list_tags(session, asked)
        found = await list_referrers(session, asked, _NO_SUBJECT, None)
        return Probe(
            tags=len(tags),
            referrers=found.source,
            catalogue=await shows_catalogue(session),
            push=await _may_push(session, asked) if repository else "",
            delete=await _may_delete(session, asked),
        )
    finally:
        await session.aclose()


async def _may_push(session: Session, reference: ImageReference) -> Answer:
    what = f"trying a push to {reference.name}"
    start, scope = f"/v2/{reference.repository}/blobs/uploads/", push_scope(reference)
    most = session.limits.max_error_bytes
    try:
        begun = await session.read(Ask(what, "POST", start, scope, (202, 404, 405)), most)
    except RegistryRefusesError:
        return "no"
    if begun.status != 202:
        return "no"
    base = f"{session.registry.origin}{start}"
    target = parse_named_url(begun.headers.get("location", ""), base)
    if target is not None and target.netloc == urlsplit(base).netloc:
        path = f"{target.path}?{target.query}" if target.query else target.path
        # Registries forget uploads by themselves where they cannot be cancelled.
        await session.read(Ask(what, "DELETE", path, scope, (202, 204, 404, 405)), most)
    return "yes"


async def _may_delete(session: Session, reference: ImageReference) -> Answer:
    what = f"trying a deletion in {reference.name}"
    path = f"/v2/{reference.repository}/manifests/{_NO_SUBJECT}"
    ask = Ask(what, "DELETE", path, delete_scope(reference), (202, 404, 405))
    try:
        reply = await session.read(ask, session.limits.max_error_bytes)
    except RegistryRefusesError:
        return "no"
    except RegistryUnavailableError:
        return ""  # some answer 400 or 500 to a deletion of what is not there
    return "no" if reply.status == 405 else "yes"
