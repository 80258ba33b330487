from pathlib import Path

import pytest

from tidegate.domain.errors import ConfigurationError
from tidegate.registry.settings import Settings, settings_from

DATA_DIR = {"TIDEGATE_REGISTRY_DATA_DIR": "/data"}


def test_only_the_data_folder_is_required() -> None:
    assert settings_from(DATA_DIR) == Settings(Path("/data"))


def test_every_field_is_read_from_its_variable() -> None:
    written: dict[str, tuple[str, object]] = {
        "HOST": ("::1", "::1"),
        "PORT": ("0", 0),
        "PUBLIC_URL": ("https://r.example/", "https://r.example"),
        "MAX_BLOB_BYTES": ("10", 10),
        "MAX_MANIFEST_BYTES": ("20", 20),
        "REFERRERS_PAGE": ("3", 3),
        "LIST_PAGE": ("4", 4),
        "UPLOAD_TTL_S": ("60", 60),
        "NOTIFY_URL": ("http://hub/x", "http://hub/x"),
        "NOTIFY_TOKEN_FILE": ("/t", Path("/t")),
        "NOTIFY_CA_FILE": ("/ca", Path("/ca")),
        "USERS_FILE": ("/u", Path("/u")),
        "ANONYMOUS_PULL": ("false", False),
        "TLS_CERT_FILE": ("/c", Path("/c")),
        "TLS_KEY_FILE": ("/k", Path("/k")),
        "LOG_LEVEL": ("WARNING", "warning"),
    }
    environment = {f"TIDEGATE_REGISTRY_{name}": text for name, (text, _) in written.items()}
    settings = settings_from(DATA_DIR | environment)
    for name, (_, value) in written.items():
        assert getattr(settings, name.lower()) == value
    fields = set(Settings.__dataclass_fields__)
    assert fields == {name.lower() for name in written} | {"data_dir"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("DATA_DIR", "", id="no-data-dir"),
        pytest.param("PORT", "65536", id="port-high"),
        pytest.param("PORT", "-1", id="port-negative"),
        pytest.param("PORT", "http", id="port-word"),
        pytest.param("REFERRERS_PAGE", "0", id="empty-page"),
        pytest.param("ANONYMOUS_PULL", "yes", id="flag"),
        pytest.param("LOG_LEVEL", "trace", id="level"),
        pytest.param("TLS_CERT_FILE", "/c", id="cert-without-key"),
        pytest.param("NOTIFY_URL", "hub:8080", id="url-without-scheme"),
        pytest.param("PUBLIC_URL", "https://", id="url-without-host"),
    ],
)
def test_an_unusable_setting_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"TIDEGATE_REGISTRY_{name}"):
        settings_from(DATA_DIR | {f"TIDEGATE_REGISTRY_{name}": text})
