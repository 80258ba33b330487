"""Lists that come in pages: followed to the end, or refused; never a part taken for the whole."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from tidegate.domain.errors import LimitExceededError, RegistryUnavailableError
from tidegate.oci.links import ForeignLinkError, parse_next_query
from tidegate.oci.session import Ask, Reply, Session


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Bounds on a whole list."""

    max_pages: int
    max_bytes: int


async def read_pages(session: Session, ask: Ask, limits: PageLimits) -> AsyncGenerator[Reply]:
    """Yield every page of the list that `ask` begins (THREATS row 2).

    Raises:
        LimitExceededError: more pages or bytes than `limits`.
        RegistryUnavailableError: a page is missing, or said to be elsewhere or one already read.
    """
    left_bytes = limits.max_bytes
    seen = {ask.path}
    for _ in range(limits.max_pages):
        reply = await session.read(ask, min(left_bytes, session.limits.max_manifest_bytes))
        left_bytes -= len(reply.body)
        yield reply
        following = _following(session, ask, reply)
        if following is None:
            return
        if following.path in seen:
            raise RegistryUnavailableError(f"{ask.what}: its pages go round in a circle")
        seen.add(following.path)
        ask = following
    raise LimitExceededError(
        f"{ask.what}: more than {limits.max_pages} pages, the most that are read"
    )


def _following(session: Session, ask: Ask, reply: Reply) -> Ask | None:
    header = reply.headers.get("link", "")
    try:
        query = parse_next_query(header, f"{session.registry.origin}{ask.path}")
    except ForeignLinkError as error:
        raise RegistryUnavailableError(
            f"{ask.what}: its next page is refused ({error}); the list is not whole without it"
        ) from error
    if query is None:
        return None
    return replace(ask, path=f"{ask.path.partition('?')[0]}?{query}", wanted=(200,))
