"""Which registries may be contacted, and how: an administrator's settings, never a guess."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from tidegate.domain.errors import ConfigurationError, RegistryNotConfiguredError
from tidegate.domain.reference import DOCKER_HUB, normalize_host

KNOWN_ENDPOINTS: Mapping[str, str] = MappingProxyType({DOCKER_HUB: "registry-1.docker.io"})
"""Registries whose API lives under another name than their images' one."""

KNOWN_REALMS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        DOCKER_HUB: frozenset({"auth.docker.io"}),
        "registry.gitlab.com": frozenset({"gitlab.com"}),
    }
)
"""Token servers on another host than their registry, exact names only (THREATS row 8)."""


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """One registry that an administrator allows us to contact.

    Raises:
        ConfigurationError: a host that is none, or half of a user name and password.
    """

    host: str
    """As image references name it, with its port where they write one."""
    plain_http: bool = False
    """No TLS; for a registry on this machine or inside a cluster."""
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    """PEM file with certificate authorities trusted besides the system's own."""
    allow_private: bool = False
    """Its addresses may be private or loopback ones; link-local ones never are."""
    token_realms: tuple[str, ...] = ()
    """Token servers, `host` or `host:port`, that may see its credentials."""
    redirect_hosts: tuple[str, ...] = ()
    """Blob stores, `host` or `host:port`, that may have private addresses."""
    endpoint: str = ""
    """`host` or `host:port` of the API, where it differs from `host`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", normalize_host(self.host))
        for name in (self.host, *self.token_realms, *self.redirect_hosts):
            _require_authority(name)
        if self.endpoint:
            _require_authority(self.endpoint)
        if bool(self.username) != bool(self.password):
            raise ConfigurationError(
                f"registry {self.host}: want both a user name and a password, or neither"
            )

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "http" if self.plain_http else "https"

    @property
    def authority(self) -> str:
        """Host and port that the API is asked at."""
        return (self.endpoint or KNOWN_ENDPOINTS.get(self.host, self.host)).lower()

    @property
    def origin(self) -> str:
        """Scheme and authority: what every path of the API is appended to."""
        return f"{self.scheme}://{self.authority}"

    @property
    def realm_authorities(self) -> frozenset[str]:
        """Hosts that may see this registry's credentials, the registry itself among them."""
        named = {realm.lower() for realm in self.token_realms}
        return KNOWN_REALMS.get(self.host, frozenset()) | named | {self.host, self.authority}

    @property
    def private_authorities(self) -> frozenset[str]:
        """Hosts that may have private addresses."""
        if not self.allow_private:
            return frozenset()
        named = {name.lower() for name in (*self.token_realms, *self.redirect_hosts)}
        return frozenset(named | {self.authority})


def registries_by_host(registries: Iterable[RegistryConfig]) -> Mapping[str, RegistryConfig]:
    """Return `registries` by the host that references name.

    Raises:
        ConfigurationError: two settings for one host.
    """
    found: dict[str, RegistryConfig] = {}
    for registry in registries:
        if registry.host in found:
            raise ConfigurationError(f"registry {registry.host}: configured twice, want it once")
        found[registry.host] = registry
    return MappingProxyType(found)


def select_registry(registries: Mapping[str, RegistryConfig], host: str) -> RegistryConfig:
    """Return the settings of `host`.

    Raises:
        RegistryNotConfiguredError: nobody configured it; it is not contacted.
    """
    found = registries.get(normalize_host(host))
    if found is None:
        raise RegistryNotConfiguredError(
            f"registry {host} is not configured; an administrator can add it"
        )
    return found


def split_authority(authority: str, scheme: str) -> tuple[str, int]:
    """Return host (an IPv6 address without brackets) and port of `authority`.

    Raises:
        ValueError: no host, or no port number behind the colon.
    """
    parts = urlsplit(f"//{authority}")
    if not parts.hostname:
        raise ValueError(f"{authority!r} names no host")
    return parts.hostname, parts.port or (80 if scheme == "http" else 443)


def _require_authority(text: str) -> None:
    try:
        split_authority(text, "https")
    except ValueError as error:
        raise ConfigurationError(f"registry host {text!r}: {error}") from error
    if set(text) & set("/@?#\\ \t\r\n"):
        raise ConfigurationError(f"registry host {text!r}: want HOST or HOST:PORT and nothing else")
