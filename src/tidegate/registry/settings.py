"""Settings of the registry, read once at start from `TIDEGATE_REGISTRY_*`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tidegate.domain.errors import ConfigurationError, MissingSettingError

_PREFIX = "TIDEGATE_REGISTRY_"
_WORDS = {"true": True, "1": True, "false": False, "0": False}
_LEVELS = frozenset({"debug", "info", "warning", "error"})


@dataclass(frozen=True)
class Settings:
    """One field per variable: `data_dir` is `TIDEGATE_REGISTRY_DATA_DIR`."""

    data_dir: Path
    """Folder of all content; made if missing. Required. One registry per folder."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 5000
    """Port to listen on; 0 takes a free one and names it in the ready line."""
    public_url: str = ""
    """Base URL by which the receiver of push events reaches this registry; default: the URL of the
    ready line. Never taken from a request: who pushes must not say where others fetch."""
    max_blob_bytes: int = 10 * 2**30
    """Largest blob accepted (10 GiB)."""
    max_manifest_bytes: int = 4 * 2**20
    """Largest manifest accepted: 4 MiB, what registries should accept (distribution-spec, "Pushing
    Manifests")."""
    referrers_page: int = 100
    """Referrers in one answer; the rest is reached by `Link`."""
    list_page: int = 1000
    """Most tags or repositories in one answer."""
    upload_ttl_s: int = 24 * 3600
    """Uploads that nothing was added to for this long are removed, at start and hourly."""
    notify_url: str = ""
    """Where push events are sent; empty: nowhere."""
    notify_token_file: Path | None = None
    """File with the bearer token of `notify_url`; read again for every delivery."""
    notify_ca_file: Path | None = None
    """CA certificates (PEM) that `notify_url` is trusted by; default: the system's."""
    users_file: Path | None = None
    """`user:scrypt$…` lines made by `python -m tidegate.registry hash-password`; with it pushes and
    deletes need a password. Changes are seen at the next request."""
    anonymous_pull: bool = True
    """Whether reading needs no password when `users_file` is set."""
    tls_cert_file: Path | None = None
    """Certificate chain (PEM); with `tls_key_file` the registry speaks HTTPS only."""
    tls_key_file: Path | None = None
    """Private key (PEM) of `tls_cert_file`."""
    log_level: str = "info"
    """`debug`, `info` (a line per request), `warning` or `error`."""

    def __post_init__(self) -> None:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise MissingSettingError(
                f"{_PREFIX}TLS_CERT_FILE and {_PREFIX}TLS_KEY_FILE: one is set, want both or none"
            )
        for url, name in ((self.notify_url, "NOTIFY_URL"), (self.public_url, "PUBLIC_URL")):
            _require_url(url, name)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings that `environment` holds.

    Raises:
        ConfigurationError: one is missing or unusable.
    """
    read = _Reader(environment)
    data_dir = read.path("DATA_DIR")
    if data_dir is None:
        raise MissingSettingError(f"{_PREFIX}DATA_DIR is not set; name the folder for all content")
    return Settings(
        data_dir=data_dir,
        host=read.text("HOST", Settings.host),
        port=read.number("PORT", Settings.port, 0, 65535),
        public_url=read.text("PUBLIC_URL", "").rstrip("/"),
        max_blob_bytes=read.number("MAX_BLOB_BYTES", Settings.max_blob_bytes, 1, 2**50),
        max_manifest_bytes=read.number("MAX_MANIFEST_BYTES", Settings.max_manifest_bytes, 1, 2**26),
        referrers_page=read.number("REFERRERS_PAGE", Settings.referrers_page, 1, 10_000),
        list_page=read.number("LIST_PAGE", Settings.list_page, 1, 100_000),
        upload_ttl_s=read.number("UPLOAD_TTL_S", Settings.upload_ttl_s, 60, 2**31),
        notify_url=read.text("NOTIFY_URL", ""),
        notify_token_file=read.path("NOTIFY_TOKEN_FILE"),
        notify_ca_file=read.path("NOTIFY_CA_FILE"),
        users_file=read.path("USERS_FILE"),
        anonymous_pull=read.flag("ANONYMOUS_PULL", default=True),
        tls_cert_file=read.path("TLS_CERT_FILE"),
        tls_key_file=read.path("TLS_KEY_FILE"),
        log_level=read.choice("LOG_LEVEL", Settings.log_level, _LEVELS),
    )


def settings_from_environment() -> Settings:
    """Return the settings of this process; raises as `settings_from` does."""
    return settings_from(os.environ)


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(_PREFIX + name, "").strip() or default

    def path(self, name: str) -> Path | None:
        text = self.text(name, "")
        return Path(text) if text else None

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise ConfigurationError(f"{_PREFIX}{name} is {text!r}: want {least} to {most}")
        return int(text)

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name, str(default)).lower()
        if text not in _WORDS:
            raise ConfigurationError(f"{_PREFIX}{name} is {text!r}: want true or false")
        return _WORDS[text]

    def choice(self, name: str, default: str, choices: frozenset[str]) -> str:
        text = self.text(name, default).lower()
        if text not in choices:
            raise ConfigurationError(
                f"{_PREFIX}{name} is {text!r}: want one of {', '.join(sorted(choices))}"
            )
        return text


def _require_url(text: str, name: str) -> None:
    if text and (urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname):
        raise ConfigurationError(f"{_PREFIX}{name}: want an http:// or https:// URL with a host")
