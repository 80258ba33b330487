"""Settings come from the environment alone and are refused with their name."""

from pathlib import Path

import pytest

from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.hub.settings import DatabaseLimits, HubSettings, JobLimits, read_settings
from tidegate.hub.sign_in_settings import OidcSettings, SignInSettings
from tidegate.hub.store.database import Database
from tidegate.hub.store.seed import read_password


def test_a_data_folder_is_all_that_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "hub"
    settings = read_settings({"TIDEGATE_HUB_DATA_DIR": str(folder)})
    assert settings == HubSettings(f"sqlite+aiosqlite:///{folder}/hub.db")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_every_setting_is_read() -> None:
    settings = read_settings(
        {
            "TIDEGATE_HUB_DATABASE_URL": "sqlite+aiosqlite:////x.db",
            "TIDEGATE_HUB_HOST": "0.0.0.0",  # noqa: S104  # it is only read
            "TIDEGATE_HUB_PORT": "0",
            "TIDEGATE_HUB_METRICS_PORT": "8081",
            "TIDEGATE_HUB_BOOTSTRAP_TOKENS_FILE": "/t.json",
            "TIDEGATE_HUB_NOTIFY_REGISTRY": "Localhost:5000",
            "TIDEGATE_HUB_EVENT_RETENTION_D": "7",
            "TIDEGATE_HUB_DATABASE_CONNECTIONS": "4",
            "TIDEGATE_HUB_DATABASE_QUEUE": "0",
            "TIDEGATE_HUB_JOB_LEASE_S": "30",
            "TIDEGATE_HUB_JOB_MAX_ATTEMPTS": "2",
            "TIDEGATE_HUB_JOB_BACKOFF_S": "1",
        }
    )
    assert settings == HubSettings(
        database_url="sqlite+aiosqlite:////x.db",
        host="0.0.0.0",  # noqa: S104  # it is only read
        port=0,
        metrics_port=8081,
        bootstrap_tokens_file=Path("/t.json"),
        notify_registry="localhost:5000",
        event_retention_d=7,
        database=DatabaseLimits(4, 0),
        jobs=JobLimits(30, 2, 1),
    )


OIDC = {
    "TIDEGATE_HUB_DATABASE_URL": "sqlite+aiosqlite:////x.db",
    "TIDEGATE_HUB_PUBLIC_URL": "https://Hub.test/",
    "TIDEGATE_HUB_OIDC_ISSUER": "https://id.test/realms/a",
    "TIDEGATE_HUB_OIDC_CLIENT_ID": "tidegate",
    "TIDEGATE_HUB_OIDC_ADMIN_VALUES": "admins, root",
}


def test_settings_of_sign_in_are_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    more = {
        "TIDEGATE_HUB_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
        "TIDEGATE_HUB_BOOTSTRAP_PASSWORD_FILE": "/p",
        "TIDEGATE_HUB_OIDC_CLIENT_SECRET_FILE": str(secret),
        "TIDEGATE_HUB_OIDC_ROLE_CLAIM": "roles",
        "TIDEGATE_HUB_OIDC_READER_VALUES": "staff",
        "TIDEGATE_HUB_OIDC_NAME": "Example",
        "TIDEGATE_HUB_OIDC_CA_FILE": "/ca.pem",
        "TIDEGATE_HUB_OIDC_ALLOW_PRIVATE": "true",
    }
    assert read_settings({**OIDC, **more}).sign_in == SignInSettings(
        public_url="https://hub.test",
        trusted_proxies=("10.0.0.0/8", "127.0.0.1/32"),
        bootstrap_password_file=Path("/p"),
        oidc=OidcSettings(
            issuer="https://id.test/realms/a",
            client_id="tidegate",
            client_secret_file=secret,
            role_claim="roles",
            admin_values=frozenset({"admins", "root"}),
            reader_values=frozenset({"staff"}),
            name="Example",
            ca_file=Path("/ca.pem"),
            allow_private=True,
        ),
    )


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PUBLIC_URL", "", "PUBLIC_URL is not set"),
        ("PUBLIC_URL", "http://hub.test", "want https://HOST"),
        ("PUBLIC_URL", "https://hub.test/tidegate", "without a path"),
        ("PUBLIC_URL", "hub.test", "want https://HOST"),
        ("PUBLIC_URL", "https://[", "no URL"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "has host bits set"),
        ("TRUSTED_PROXIES", "proxy.test", "want addresses or networks"),
        ("OIDC_ISSUER", "http://id.test", "want the provider's https:// URL"),
        ("OIDC_ISSUER", "https://u:p@id.test", "want the provider's https:// URL"),
        ("OIDC_ISSUER", "https://id.test?x=y", "want the provider's https:// URL"),
        ("OIDC_CLIENT_ID", "", "OIDC_CLIENT_ID is not set"),
        ("OIDC_ADMIN_VALUES", " , ", "ADMIN_VALUES or READER_VALUES is not set"),
        ("OIDC_CLIENT_SECRET_FILE", "/nonexistent", "No such file"),
        ("OIDC_ALLOW_PRIVATE", "yes", "want true or false"),
    ],
)
def test_settings_of_sign_in_that_cannot_be_meant_are_named(
    name: str, value: str, why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why):
        read_settings({**OIDC, f"TIDEGATE_HUB_{name}": value})


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 20, b"adminadminadmin"])
def test_a_bootstrap_password_that_nobody_may_have_stops_the_start(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="bootstrap password"):
        read_password(path)


def test_without_a_place_for_data_the_hub_does_not_start() -> None:
    with pytest.raises(MissingSettingError, match="TIDEGATE_HUB_DATA_DIR is not set"):
        read_settings({})


@pytest.mark.parametrize("value", ["x", "-1", "65536", "1.5", "٣"])
def test_a_port_that_is_none_is_named(value: str) -> None:
    for name in ("TIDEGATE_HUB_PORT", "TIDEGATE_HUB_METRICS_PORT"):
        values = {"TIDEGATE_HUB_DATABASE_URL": "sqlite+aiosqlite://", name: value}
        with pytest.raises(ConfigurationError, match=f"{name} is '{value}'"):
            read_settings(values)


@pytest.mark.parametrize(
    "url",
    ["hunter2", "nosuch://u:hunter2@h/d", "sqlite:////hunter2.db", "sqlite+aiosqlite://"],
)
def test_a_database_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Database(url)
    assert "hunter2" not in str(refused.value)


def test_every_setting_is_documented() -> None:
    source = Path("src/tidegate/hub/settings.py").read_text()
    page = Path("docs/reference/hub-api.md").read_text()
    names = {
        part.split('"')[1]
        for call in ("_text(values, ", "_whole(values, ", "_path(values, ", "_switch(values, ")
        for part in source.split(call)[1:]
        if part.startswith('"')
    }
    assert len(names) >= 20
    assert [name for name in names if f"`TIDEGATE_HUB_{name}`" not in page] == []
