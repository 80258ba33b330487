"""Texts: image references, and headers of registries' answers."""

from collections.abc import Callable
from urllib.parse import urlsplit

from tidegate.domain.errors import InvalidReferenceError, RegistryUnavailableError
from tidegate.domain.reference import is_repository, is_tag, parse_reference
from tidegate.oci.challenge import parse_challenges
from tidegate.oci.links import ForeignLinkError, parse_next_query
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.retry_after import MAX_RETRY_AFTER_S, parse_retry_after
from tidegate.oci.token_server import token_server
from tidegate.oci.urls import parse_named_url

REGISTRY = RegistryConfig("r.example")
ASKED = "https://r.example/v2/app/referrers/sha256:00?n=1"


def check_reference(data: bytes) -> None:
    """A reference that parses is normal: written out, it parses as the same."""
    try:
        reference = parse_reference(data.decode("utf-8", "surrogatepass"))
    except (InvalidReferenceError, UnicodeDecodeError):
        return
    assert is_repository(reference.repository)
    assert reference.tag is None or is_tag(reference.tag)
    assert reference.tag is not None or reference.digest is not None
    assert str(reference).isascii()
    assert str(reference).isprintable()
    assert parse_reference(str(reference)) == reference


def check_headers(data: bytes) -> None:
    """The first byte says which header it is."""
    text = data[1:].decode("latin-1")  # as HTTP clients decode field values (RFC 9110, 5.5)
    HEADERS[data[0] % len(HEADERS) if data else 0](text)


def _link(text: str) -> None:
    try:
        query = parse_next_query(text, ASKED)
    except ForeignLinkError:
        return
    if query is not None:  # what will be asked: the same list, and a page that is another one
        asked, following = urlsplit(ASKED), urlsplit(ASKED)._replace(query=query)
        assert query.isprintable()
        assert query != asked.query
        assert following[:3] == asked[:3]
        assert urlsplit(following.geturl()) == following


def _challenge(text: str) -> None:
    for challenge in parse_challenges(text):
        assert challenge.scheme == challenge.scheme.lower() != ""
        try:
            server = token_server(REGISTRY, challenge, "repository:app:pull", "asking")
        except RegistryUnavailableError:
            continue
        assert server.authority.lower() in {"r.example", "r.example:443"}
        assert urlsplit(server.url).scheme == "https"
        assert urlsplit(server.url).hostname == "r.example"


def _retry_after(text: str) -> None:
    wait, _, date = text.partition("\n")
    assert 0.0 <= parse_retry_after({"retry-after": wait, "date": date}) <= MAX_RETRY_AFTER_S


def _location(text: str) -> None:
    parts = parse_named_url(text, ASKED)
    if parts is not None:
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert parts.username is None
        assert parse_named_url(parts.geturl()) == parts


HEADERS: tuple[Callable[[str], None], ...] = (_link, _challenge, _retry_after, _location)
