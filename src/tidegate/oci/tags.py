"""The tags of a repository."""

from contextlib import aclosing

import msgspec

from tidegate.domain.errors import LimitExceededError, RegistryUnavailableError
from tidegate.domain.reference import ImageReference, is_tag
from tidegate.oci.manifests import pull_scope
from tidegate.oci.pages import PageLimits, read_pages
from tidegate.oci.session import Ask, Session
from tidegate.wire.json_depth import json_depth

PAGE_TAGS = 1000
"""Tags asked for at a time."""


class _TagsPage(msgspec.Struct):
    tags: list[str] | None = None


async def list_tags(session: Session, reference: ImageReference) -> tuple[str, ...]:
    """Return the tags of the repository of `reference`; none if it does not exist.

    Raises:
        LimitExceededError: more than `max_tags`.
        RegistryUnavailableError: the question is not settled.
    """
    what = f"listing tags of {reference.name}"
    path = f"/v2/{reference.repository}/tags/list?n={PAGE_TAGS}"
    ask = Ask(what, "GET", path, pull_scope(reference), wanted=(200, 404))
    limits = session.limits
    # A registry may give fewer than were asked for; the count of tags is what bounds the pages.
    pages = read_pages(session, ask, PageLimits(limits.max_tags, limits.max_referrer_bytes))
    found: dict[str, None] = {}
    async with aclosing(pages):
        async for reply in pages:
            if reply.status == 404:
                return ()
            found.update(dict.fromkeys(parse_tags(what, reply.body, limits.json_depth)))
            if len(found) > limits.max_tags:
                raise LimitExceededError(f"{what}: more than {limits.max_tags}, want fewer")
    return tuple(found)


def parse_tags(what: str, body: bytes, max_depth: int) -> list[str]:
    """Return the tags of one page.

    Raises:
        LimitExceededError, RegistryUnavailableError: it is no list of tags.
    """
    try:
        if json_depth(body) > max_depth:
            raise LimitExceededError(f"{what}: nested deeper than {max_depth} levels")
        found = _DECODER.decode(body).tags or []
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RegistryUnavailableError(f"{what}: {error}; want a list of tags") from error
    if not all(map(is_tag, found)):
        raise RegistryUnavailableError(f"{what}: what came is no list of tags")
    return found


_DECODER = msgspec.json.Decoder(_TagsPage)
