"""`Link: <…>; rel="next"`: the next page of a list (distribution-spec, "Listing Referrers").

A registry names the next page; it must not name another server or another endpoint. So only the
query of a link is ever used, and only if everything before it is what was just asked.
"""

import re
from urllib.parse import urlsplit

from tidegate.oci.urls import MAX_URL_CHARS, parse_named_url

_LINK = re.compile(r"<([^<>]*+)>([^<>]*+)")
_NEXT = re.compile(r';[ \t]*rel[ \t]*=[ \t]*(?:"next"|next)[ \t]*(?:[;,]|\Z)', re.IGNORECASE)


class ForeignLinkError(ValueError):
    """The next page is said to be somewhere else, or the link is no link."""


def parse_next_query(header: str, asked_url: str) -> str | None:
    """Return the query of the next page of `asked_url`, or None for the last page.

    Raises:
        ForeignLinkError: too long, malformed, or not on the same scheme, host, port and path.
    """
    if len(header) > MAX_URL_CHARS:
        raise ForeignLinkError(f"{len(header)} characters, want at most {MAX_URL_CHARS}")
    targets = [link[1] for link in _LINK.finditer(header) if _NEXT.search(link[2])]
    if not targets:
        return None
    return _query_on(asked_url, targets[0])


def _query_on(asked_url: str, target: str) -> str:
    asked, following = urlsplit(asked_url), parse_named_url(target, asked_url)
    if following is None:
        raise ForeignLinkError("it is no URL")
    if following[:3] != asked[:3]:  # scheme, host with port, path
        raise ForeignLinkError("it is on another server or of another list")
    if not following.query or following.query == asked.query:
        raise ForeignLinkError("it is the page that was just read")
    return following.query
