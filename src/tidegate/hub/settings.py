"""What an operator can set, read once from the environment; see docs/reference/hub-api.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.hub.sign_in_settings import (
    OidcSettings,
    SignInSettings,
    parse_issuer,
    parse_networks,
    parse_public_url,
    split_list,
)

PREFIX = "TIDEGATE_HUB_"


@dataclass(frozen=True)
class JobLimits:
    """How scan jobs are leased and tried again."""

    lease_s: float = 60
    """A worker that says nothing for so long has lost its job."""
    max_attempts: int = 5
    backoff_s: float = 5
    """Before the second attempt; doubled for each further one."""
    max_backoff_s: float = 600
    attach_per_minute: int = 60
    """Images of one registry that get a renewed report in a minute, about seven writes each; those
    beyond wait, and are shown with their new findings meanwhile."""


@dataclass(frozen=True)
class DatabaseLimits:
    """How many requests work on the database at a time, and how many may wait to."""

    connections: int = 20
    """Of this hub in all, besides one that listens; a third of them, of SQLite one, write. They are
    for waiting at the same time more than for working: a database may be an RTT away."""
    queue: int = 1000
    """Requests that wait for a connection, readers and writers each; further ones are refused."""


@dataclass(frozen=True)
class HubSettings:
    """All settings of the hub; each is the environment variable TIDEGATE_HUB_<NAME>."""

    database_url: str
    """SQLAlchemy URL of an async driver; default: SQLite in the data folder."""
    host: str = "127.0.0.1"
    port: int = 8080
    """0: any free one."""
    metrics_port: int | None = None
    """Port on the same address for /metrics and /healthz alone, which asks for no token; 0: any
    free one. None: metrics are for this machine alone, on `port`."""
    bootstrap_tokens_file: Path | None = None
    """JSON {"admin", "reader", "scanner", "registry": token, "clusters": {name: token}}."""
    notify_registry: str = ""
    """Public name of the registry that sends notifications; empty: what its clients called it."""
    event_retention_d: int = 90
    """Days that events, finished jobs and the history of scans are kept; 0: for ever."""
    database: DatabaseLimits = DatabaseLimits()
    jobs: JobLimits = JobLimits()
    sign_in: SignInSettings = field(default_factory=SignInSettings)


def read_settings(environment: Mapping[str, str] | None = None) -> HubSettings:
    """Return the settings in `environment`, by default this process's.

    Raises:
        MissingSettingError: neither a data folder nor a database is given.
        ConfigurationError: a value is not of its kind.
    """
    values = os.environ if environment is None else environment
    return HubSettings(
        database_url=_text(values, "DATABASE_URL") or _default_database(values),
        host=_text(values, "HOST", HubSettings.host),
        port=_whole(values, "PORT", HubSettings.port, most=65535),
        metrics_port=(
            _whole(values, "METRICS_PORT", 0, most=65535) if _text(values, "METRICS_PORT") else None
        ),
        bootstrap_tokens_file=_path(values, "BOOTSTRAP_TOKENS_FILE"),
        notify_registry=_text(values, "NOTIFY_REGISTRY").lower(),
        event_retention_d=_whole(values, "EVENT_RETENTION_D", HubSettings.event_retention_d),
        database=DatabaseLimits(
            connections=_whole(
                values, "DATABASE_CONNECTIONS", DatabaseLimits.connections, least=2, most=1000
            ),
            queue=_whole(values, "DATABASE_QUEUE", DatabaseLimits.queue),
        ),
        jobs=JobLimits(
            lease_s=_whole(values, "JOB_LEASE_S", int(JobLimits.lease_s), least=1),
            max_attempts=_whole(values, "JOB_MAX_ATTEMPTS", JobLimits.max_attempts, least=1),
            backoff_s=_whole(values, "JOB_BACKOFF_S", int(JobLimits.backoff_s)),
            attach_per_minute=_whole(
                values, "RENEWALS_PER_MINUTE", JobLimits.attach_per_minute, least=1
            ),
        ),
        sign_in=_sign_in(values),
    )


def _sign_in(values: Mapping[str, str]) -> SignInSettings:
    oidc = _oidc(values)
    public_url = parse_public_url(f"{PREFIX}PUBLIC_URL", _text(values, "PUBLIC_URL"))
    if oidc is not None and not public_url:
        raise MissingSettingError(
            f"{PREFIX}PUBLIC_URL is not set; sign-in with {PREFIX}OIDC_ISSUER needs the address "
            "that the provider sends browsers back to"
        )
    return SignInSettings(
        public_url=public_url,
        trusted_proxies=parse_networks(
            f"{PREFIX}TRUSTED_PROXIES", _text(values, "TRUSTED_PROXIES")
        ),
        bootstrap_password_file=_path(values, "BOOTSTRAP_PASSWORD_FILE"),
        oidc=oidc,
    )


def _oidc(values: Mapping[str, str]) -> OidcSettings | None:
    issuer = _text(values, "OIDC_ISSUER")
    if not issuer:
        return None
    client_id = _text(values, "OIDC_CLIENT_ID")
    admins = frozenset(split_list(_text(values, "OIDC_ADMIN_VALUES")))
    readers = frozenset(split_list(_text(values, "OIDC_READER_VALUES")))
    if not client_id or not admins | readers:
        lacking = "ADMIN_VALUES or READER_VALUES" if client_id else "CLIENT_ID"
        raise MissingSettingError(
            f"{PREFIX}OIDC_{lacking} is not set; sign-in with {PREFIX}OIDC_ISSUER needs it"
        )
    found = OidcSettings(
        issuer=parse_issuer(f"{PREFIX}OIDC_ISSUER", issuer),
        client_id=client_id,
        client_secret_file=_path(values, "OIDC_CLIENT_SECRET_FILE"),
        role_claim=_text(values, "OIDC_ROLE_CLAIM", OidcSettings.role_claim),
        admin_values=admins,
        reader_values=readers,
        name=_text(values, "OIDC_NAME", OidcSettings.name),
        ca_file=_path(values, "OIDC_CA_FILE"),
        allow_private=_switch(values, "OIDC_ALLOW_PRIVATE"),
    )
    found.client_secret()  # a file that cannot be read is told now
    return found


def _default_database(values: Mapping[str, str]) -> str:
    folder = _text(values, "DATA_DIR")
    if not folder:
        raise MissingSettingError(
            f"{PREFIX}DATA_DIR is not set; name the folder for the hub's database, "
            f"or give {PREFIX}DATABASE_URL"
        )
    path = Path(folder).absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{path / 'hub.db'}"


def _text(values: Mapping[str, str], name: str, default: str = "") -> str:
    return values.get(PREFIX + name, default).strip()


def _path(values: Mapping[str, str], name: str) -> Path | None:
    text = _text(values, name)
    return Path(text) if text else None


def _switch(values: Mapping[str, str], name: str) -> bool:
    text = _text(values, name, "false")
    if text not in ("true", "false"):
        raise ConfigurationError(f"{PREFIX}{name} is {text!r}; want true or false")
    return text == "true"


def _whole(
    values: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 10**6
) -> int:
    text = _text(values, name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigurationError(
            f"{PREFIX}{name} is {text!r}; want a whole number from {least} to {most}"
        )
    return int(text)
