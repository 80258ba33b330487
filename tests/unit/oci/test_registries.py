from pathlib import Path

import pytest

from tidegate.domain.errors import (
    ConfigurationError,
    RegistryNotConfiguredError,
    RegistryUnavailableError,
)
from tidegate.oci.challenge import parse_challenges
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig, registries_by_host, select_registry
from tidegate.oci.token_server import token_server

SCOPE = "repository:app:pull"


def test_docker_hub_is_asked_where_its_api_lives() -> None:
    hub = RegistryConfig("index.docker.io")
    assert hub.host == "docker.io"
    assert hub.origin == "https://registry-1.docker.io"
    assert RegistryConfig("docker.io", endpoint="mirror.lab:5000").authority == "mirror.lab:5000"


def test_a_registry_is_found_by_any_of_its_names() -> None:
    found = registries_by_host([RegistryConfig("docker.io"), RegistryConfig("R.example:5000")])
    assert select_registry(found, "index.docker.io").host == "docker.io"
    assert select_registry(found, "r.example:5000").host == "r.example:5000"
    with pytest.raises(RegistryNotConfiguredError, match="is not configured"):
        select_registry(found, "r.example")


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(RegistryConfig("r.example", username="u", password="s3cret"))  # noqa: S106 - what must not be shown


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"host": ""}, id="no-host"),
        pytest.param({"host": "https://r.example"}, id="url"),
        pytest.param({"host": "r.example/app"}, id="repository"),
        pytest.param({"host": "u@r.example"}, id="user"),
        pytest.param({"host": "r.example:port"}, id="port-no-number"),
        pytest.param({"host": "r.example:99999"}, id="port-too-large"),
        pytest.param({"host": "r.example", "endpoint": "https://x"}, id="endpoint-url"),
        pytest.param({"host": "r.example", "token_realms": ("https://x/",)}, id="realm-url"),
        pytest.param({"host": "r.example", "username": "u"}, id="no-password"),
    ],
)
def test_a_registry_that_cannot_work_is_refused_at_start(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        RegistryConfig(**settings)


def test_a_registry_configured_twice_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        RegistryClient([RegistryConfig("docker.io"), RegistryConfig("index.docker.io")])


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no-pem"])
def test_a_ca_file_that_cannot_be_read_is_refused_at_start(
    tmp_path: Path, content: str | None
) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(ConfigurationError, match="want a PEM file"):
        RegistryClient([RegistryConfig("r.example", ca_file=str(ca_file))])


@pytest.mark.parametrize(
    ("host", "realm", "url"),
    [
        pytest.param(
            "docker.io",
            "https://auth.docker.io/token",
            "https://auth.docker.io/token?service=s&scope=repository%3Aapp%3Apull",
            id="docker-hub",
        ),
        pytest.param(
            "r.example",
            "https://R.example:443/token?a=b",
            "https://R.example:443/token?a=b&service=s&scope=repository%3Aapp%3Apull",
            id="own-host-with-port-and-query",
        ),
        pytest.param(
            "registry.gitlab.com",
            "https://gitlab.com/jwt/auth",
            "https://gitlab.com/jwt/auth?service=s&scope=repository%3Aapp%3Apull",
            id="gitlab",
        ),
    ],
)
def test_a_known_token_server_is_asked(host: str, realm: str, url: str) -> None:
    challenge = parse_challenges(f'Bearer realm="{realm}",service="s"')[0]
    assert token_server(RegistryConfig(host), challenge, SCOPE, "reading").url == url


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        ("r.example", "https://auth.docker.io/token"),
        ("docker.io", "http://auth.docker.io/token"),
        ("docker.io", "https://auth.docker.io.evil.example/token"),
        ("docker.io", "https://auth.docker.io:8443/token"),
        ("r.example", "https://evil.example/r.example/token"),
        ("r.example", "https://r.example@evil.example/token"),
        ("r.example", "https://evil.example#@r.example/token"),
        ("r.example", "https://sub.r.example/token"),
        ("r.example", "token"),
    ],
)
def test_t08_another_token_server_is_refused_by_name(host: str, realm: str) -> None:
    challenge = parse_challenges(f'Bearer realm="{realm}"')[0]
    with pytest.raises(RegistryUnavailableError, match="no credentials go there"):
        token_server(RegistryConfig(host), challenge, SCOPE, "reading")
