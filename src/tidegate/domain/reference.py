"""Image references: text as a manifest writes it, to a normalised value.

The grammar is that of distribution/reference. Normalisation is Docker's: a first component without
a dot, a colon or the name `localhost` is no host, so `docker.io` is meant; on docker.io a single
component gets `library/`; no tag and no digest means the tag `latest`. Hosts are lower-cased.
Docker takes `Team/app` for a host because of its capital; written out in lower case it would be
another image, `docker.io/team/app`, so it is refused.
"""

import re
from dataclasses import dataclass, field

from tidegate.domain.digest import Digest, parse_digest
from tidegate.domain.errors import InvalidDigestError, InvalidReferenceError

MAX_REFERENCE_CHARS = 1024
"""Longest reference looked at: host 253 + port 6 + repository 255 + tag 128 + sha512."""

MAX_REPOSITORY_CHARS = 255
"""distribution/reference, `RepositoryNameTotalLengthMax`."""

DOCKER_HUB = "docker.io"

# Separators and letters cannot match the same text, so matching is linear in hostile input.
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]")
_PORT = re.compile(r"[0-9]{1,5}")
_DOCKER_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A normalised image reference; at least one of `tag` and `digest` is set."""

    registry: str
    """Host with its port where one is written, lower case: `docker.io`, `localhost:5000`."""
    repository: str
    """Path within the registry: `library/nginx`."""
    tag: str | None = None
    digest: Digest | None = None
    _hash: int = field(init=False, repr=False, compare=False)
    """Made once: references are keys of every table about images."""

    def __post_init__(self) -> None:
        own = hash((self.registry, self.repository, self.tag, self.digest))
        object.__setattr__(self, "_hash", own)

    def __hash__(self) -> int:
        return self._hash

    @property
    def name(self) -> str:
        """Registry and repository: what an `image` matcher is tested against."""
        return f"{self.registry}/{self.repository}"

    def at(self, digest: Digest) -> "ImageReference":
        """Return the same repository by `digest`, without the tag."""
        return ImageReference(self.registry, self.repository, None, digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> ImageReference:
    """Return the image reference written in `text`.

    Raises:
        InvalidReferenceError: not in the grammar of distribution/reference, or too long.
    """
    if len(text) > MAX_REFERENCE_CHARS:
        raise _invalid(text, f"{len(text)} characters, want at most {MAX_REFERENCE_CHARS}")
    rest, at, digest_text = text.partition("@")
    digest = _digest(text, digest_text) if at else None
    name, tag = _split_tag(rest)
    if tag is not None and _TAG.fullmatch(tag) is None:
        raise _invalid(text, f"tag {tag!r}: want 1 to 128 of letters, digits, '_', '.', '-'")
    registry, repository = _split_name(name)
    if not _is_host(registry):
        raise _invalid(text, f"registry {registry!r}: want a host with a dot or a port")
    if not is_repository(repository):
        raise _invalid(text, f"repository {repository!r}: want lower-case path components")
    if tag is None and digest is None:
        tag = "latest"
    return ImageReference(registry, repository, tag, digest)


def is_repository(text: str) -> bool:
    """Whether `text` is a repository name (distribution-spec, "Pulling manifests", `<name>`)."""
    return 0 < len(text) <= MAX_REPOSITORY_CHARS and all(
        _COMPONENT.fullmatch(component) is not None for component in text.split("/")
    )


def is_tag(text: str) -> bool:
    """Whether `text` is a tag (distribution-spec, "Pulling manifests", `<reference>`)."""
    return _TAG.fullmatch(text) is not None


def normalize_host(text: str) -> str:
    """Return `text` as registries are compared: lower case, Docker Hub under one name."""
    host = text.lower()
    return DOCKER_HUB if host in _DOCKER_HUB_NAMES else host


def _digest(text: str, digest_text: str) -> Digest:
    try:
        return parse_digest(digest_text)
    except InvalidDigestError as error:
        raise _invalid(text, str(error)) from error


def _split_tag(rest: str) -> tuple[str, str | None]:
    colon = rest.rfind(":")
    if colon == -1 or "/" in rest[colon:]:
        return rest, None
    return rest[:colon], rest[colon + 1 :]


def _split_name(name: str) -> tuple[str, str]:
    first, slash, remainder = name.partition("/")
    is_host = slash and _names_host(first.lower())
    if slash and not is_host and first != first.lower():
        return first, remainder  # a host to Docker, and to nobody once it is normalised
    host = normalize_host(first) if is_host else DOCKER_HUB
    repository = remainder if is_host else name
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository


def _names_host(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost"


def _is_host(registry: str) -> bool:
    host, port = registry, None
    if not registry.endswith("]") and ":" in registry:
        host, _, port = registry.rpartition(":")
    if port is not None and (
        _PORT.fullmatch(port) is None or not 0 < int(port) <= 65535
    ):  # TCP's largest port
        return False
    if host.startswith("["):
        return _IPV6.fullmatch(host) is not None
    return len(host) <= 253 and all(  # RFC 1035 section 2.3.4
        _HOST_LABEL.fullmatch(label) is not None for label in host.split(".")
    )


def _invalid(text: str, why: str) -> InvalidReferenceError:
    shown = text if len(text) <= 120 else f"{text[:120]}…"  # a line's worth
    return InvalidReferenceError(f"image reference {shown!r}: {why}")
