"""What an operator can set about how people sign in; read by `tidegate.hub.settings`."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from tidegate.domain.errors import ConfigurationError
from tidegate.hub.origin import is_loopback_host

MAX_SECRET_BYTES = 4096


@dataclass(frozen=True)
class OidcSettings:
    """The OpenID provider that people may sign in with."""

    issuer: str
    """Exactly as its ID tokens write it."""
    client_id: str
    client_secret_file: Path | None = None
    """None: a public client, which PKCE alone protects."""
    role_claim: str = "groups"
    """Claim of the ID token; dots descend: `realm_access.roles`."""
    admin_values: frozenset[str] = frozenset()
    reader_values: frozenset[str] = frozenset()
    name: str = "OpenID Connect"
    ca_file: Path | None = None
    """Further certificate authorities that the provider's certificate may come from."""
    allow_private: bool = False
    """Whether the issuer's own host may have a private address."""

    def client_secret(self) -> str:
        """Return the secret in the file, read anew so that it can be renewed.

        Raises:
            ConfigurationError: it cannot be read, or is empty.
        """
        if self.client_secret_file is None:
            return ""
        try:
            secret = self.client_secret_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"TIDEGATE_HUB_OIDC_CLIENT_SECRET_FILE {self.client_secret_file}: {error}"
            ) from error
        if not 0 < len(secret) <= MAX_SECRET_BYTES:
            raise ConfigurationError(
                f"TIDEGATE_HUB_OIDC_CLIENT_SECRET_FILE {self.client_secret_file} holds "
                f"{len(secret)} characters; want the client's secret"
            )
        return secret


@dataclass(frozen=True)
class SignInSettings:
    """How people sign in."""

    public_url: str = ""
    """Where browsers find the hub; empty: wherever they asked for it."""
    trusted_proxies: tuple[str, ...] = ()
    """Whose X-Forwarded-For is believed."""
    bootstrap_password_file: Path | None = None
    """Initial password of the user `admin`, made while there is no local user."""
    oidc: OidcSettings | None = None


def parse_public_url(name: str, text: str) -> str:
    """Return a URL that browsers may find the hub at, without a slash at its end.

    Raises:
        ConfigurationError: it is none, has a path, or would send cookies in clear.
    """
    if not text:
        return ""
    parts = _split(name, text)
    plain = parts.scheme == "http" and is_loopback_host(parts.netloc)
    if not (parts.scheme == "https" or plain) or not parts.netloc or parts.path not in ("", "/"):
        raise ConfigurationError(
            f"{name} is {text!r}; want https://HOST without a path (http on this machine alone)"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_issuer(name: str, text: str) -> str:
    """Return an issuer's URL as it is written.

    Raises:
        ConfigurationError: it is none, or could be listened to.
    """
    parts = _split(name, text)
    plain = parts.scheme == "http" and is_loopback_host(parts.netloc)
    unfit = parts.query or parts.fragment or "@" in parts.netloc
    if not (parts.scheme == "https" or plain) or not parts.netloc or unfit:
        raise ConfigurationError(
            f"{name} is {text!r}; want the provider's https:// URL as its tokens write it in 'iss'"
        )
    return text


def parse_networks(name: str, text: str) -> tuple[str, ...]:
    """Return the addresses and networks in a comma-separated list.

    Raises:
        ConfigurationError: one is none.
    """
    try:
        return tuple(str(ipaddress.ip_network(part)) for part in split_list(text))
    except ValueError as error:
        raise ConfigurationError(
            f"{name} is {text!r}: {error}; want addresses or networks like 10.0.0.0/8, "
            "separated by commas"
        ) from error


def split_list(text: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _split(name: str, text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} is {text!r}, which is no URL: {error}") from error
