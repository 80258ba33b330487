"""URLs that a registry names, taken apart once and suspiciously."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from tidegate.oci.registries import split_authority

MAX_URL_CHARS = 8192
"""Longest URL looked at; servers refuse longer request lines."""

_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # printable ASCII without space and backslash


def parse_named_url(target: str, base: str = "") -> SplitResult | None:
    """Return where `target` leads from `base`, or None for what is no plain URL of a server.

    A plain one has http or https, a host, no user name, and no character that two parsers could
    read in two ways.
    """
    if len(target) > MAX_URL_CHARS or _PRINTABLE.fullmatch(target) is None:
        return None
    try:
        parts = urlsplit(urljoin(base, target))
        split_authority(parts.netloc, parts.scheme)
    except ValueError:
        return None
    plain = parts.scheme in {"http", "https"} and "@" not in parts.netloc
    return parts._replace(fragment="") if plain else None
