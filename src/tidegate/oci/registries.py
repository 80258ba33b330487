"""Which registries may be contacted, and how: an administrator's settings, never a guess."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from tidegate.domain.errors import ConfigurationError, RegistryNotConfiguredError
from tidegate.domain.reference import (
    DOCKER_HUB,
    ImageReference,
    is_repository,
    normalize_host,
)
from tidegate.oci.keychain import Keychain

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
    aliases: tuple[str, ...] = ()
    """Other names of the same content, `host` or `host/path`: mirrors, pull-through caches."""
    client_cert_file: str = ""
    """PEM file with the certificate, and its chain, that we show."""
    client_key_file: str = ""
    """PEM file with its private key, without a passphrase."""
    tls_generation: str = ""
    """Names the content of the three files: another one means that they are read again."""
    keychain: Keychain | None = None
    """Where credentials come from that are not `username` and `password`."""
    reads_per_minute: int = 0
    """For who reads with `traffic`; 0: as many as the registry takes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", normalize_host(self.host))
        object.__setattr__(self, "aliases", tuple(map(_alias, self.aliases)))
        for name in (self.host, *self.token_realms, *self.redirect_hosts):
            _require_authority(name)
        if self.endpoint:
            _require_authority(self.endpoint)
        if bool(self.username) != bool(self.password):
            raise ConfigurationError(
                f"registry {self.host}: want both a user name and a password, or neither"
            )
        if self.username and self.keychain is not None:
            raise ConfigurationError(
                f"registry {self.host}: credentials from two sources; want one of them"
            )
        if bool(self.client_cert_file) != bool(self.client_key_file):
            raise ConfigurationError(
                f"registry {self.host}: want both a client's certificate and its key, or neither"
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


def hosts_by_alias(registries: Mapping[str, RegistryConfig]) -> Mapping[str, str]:
    """Return the host of each alias of `registries`.

    Raises:
        ConfigurationError: an alias of two registries, or one that is a registry's own name.
    """
    found: dict[str, str] = {}
    for registry in registries.values():
        for alias in registry.aliases:
            other = found.get(alias) or (alias if alias in registries else "")
            if other:
                raise ConfigurationError(
                    f"registry {registry.host}: its alias {alias} means {other} already"
                )
            found[alias] = registry.host
    return MappingProxyType(found)


def canonical(reference: ImageReference, aliases: Mapping[str, str]) -> ImageReference:
    """Return `reference` by the name of the registry that holds the content.

    Of several aliases that fit, the longest counts: a cache's path before its host.
    """
    if not aliases:
        return reference
    parts = reference.name.split("/")
    for count in range(len(parts) - 1, 0, -1):
        host = aliases.get("/".join(parts[:count]))
        if host is not None:
            rest = "/".join(parts[count:])
            return ImageReference(host, rest, reference.tag, reference.digest)
    return reference


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
    usual = 80 if scheme == "http" else 443
    return parts.hostname, usual if parts.port is None else parts.port


def _alias(text: str) -> str:
    name, slash, rest = text.partition("/")
    _require_authority(name)
    if slash and not is_repository(rest):
        raise ConfigurationError(f"alias {text!r}: want HOST or HOST/PATH")
    return f"{normalize_host(name)}{slash}{rest}"


def _require_authority(text: str) -> None:
    try:
        split_authority(text, "https")
    except ValueError as error:
        raise ConfigurationError(f"registry host {text!r}: {error}") from error
    if set(text) & set("/@?#\\ \t\r\n"):
        raise ConfigurationError(f"registry host {text!r}: want HOST or HOST:PORT and nothing else")
