"""`Link: <…>; rel="next"`: the next page of a list (distribution-spec, "Listing Referrers").

A registry names the next page; it must not name another server or another endpoint. So only the
query of a link is ever used, and only if everything before it is what was just asked.
"""

import re
from urllib.parse import urljoin, urlsplit

MAX_LINK_CHARS = 8192
"""Longest header looked at; servers refuse longer request lines."""

_LINK = re.compile(r"<([^<>]*+)>([^<>]*+)")
_NEXT = re.compile(r';[ \t]*rel[ \t]*=[ \t]*(?:"next"|next)[ \t]*(?:[;,]|\Z)', re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # printable ASCII without space and backslash


class ForeignLinkError(ValueError):
    """The next page is said to be somewhere else, or the link is no link."""


def parse_next_query(header: str, asked_url: str) -> str | None:
    """Return the query of the next page of `asked_url`, or None for the last page.

    Raises:
        ForeignLinkError: too long, malformed, or not on the same scheme, host, port and path.
    """
    if len(header) > MAX_LINK_CHARS:
        raise ForeignLinkError(f"{len(header)} characters, want at most {MAX_LINK_CHARS}")
    targets = [link[1] for link in _LINK.finditer(header) if _NEXT.search(link[2])]
    if not targets:
        return None
    return _query_on(asked_url, targets[0])


def _query_on(asked_url: str, target: str) -> str:
    if _PRINTABLE.fullmatch(target) is None:
        raise ForeignLinkError("empty, or characters that no URL has")
    try:
        asked, following = urlsplit(asked_url), urlsplit(urljoin(asked_url, target))
        same = (asked.scheme, asked.netloc.lower(), asked.path) == (
            following.scheme,
            following.netloc.lower(),
            following.path,
        )
    except ValueError as error:
        raise ForeignLinkError("no URL") from error
    if not same:
        raise ForeignLinkError("another server or another list")
    if not following.query or following.query == asked.query:
        raise ForeignLinkError("the page that was just read")
    return following.query
