"""Bodies of registries' answers: manifests, lists of tags and repositories, tokens, credentials."""

from collections.abc import Callable

from tidegate.domain.errors import (
    InvalidManifestError,
    LimitExceededError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import is_repository, is_tag
from tidegate.oci.catalogue import parse_repositories
from tidegate.oci.docker_config import parse_docker_config, select_credentials
from tidegate.oci.tags import parse_tags
from tidegate.oci.token_server import DEFAULT_TOKEN_S, MAX_TOKEN_S, parse_token
from tidegate.wire.oci_v1 import OCI_INDEX, OCI_MANIFEST, parse_manifest, platforms, render_manifest

ANNOUNCED = ("", OCI_MANIFEST, OCI_INDEX, "application/json", "text/html; charset=utf-8")


def check_manifest(data: bytes) -> None:
    """The first byte says how the manifest was announced."""
    try:
        manifest = parse_manifest(data[1:], ANNOUNCED[data[0] % len(ANNOUNCED)] if data else "")
    except InvalidManifestError:
        return
    assert not (manifest.manifests and (manifest.config or manifest.layers))
    assert all(entry in manifest.manifests for entry in platforms(manifest))
    rendered = render_manifest(manifest)
    assert parse_manifest(rendered, manifest.media_type) == manifest
    assert render_manifest(parse_manifest(rendered, "")) == rendered


def check_answers(data: bytes) -> None:
    """The first byte says which answer it is."""
    try:
        ANSWERS[data[0] % len(ANSWERS) if data else 0](data[1:])
    except (LimitExceededError, RegistryUnavailableError):
        return


def _token(body: bytes) -> None:
    token = parse_token("asking", body)
    assert token.text.isascii()
    assert token.text.isprintable()
    assert " " not in token.text
    assert DEFAULT_TOKEN_S <= token.life_s <= MAX_TOKEN_S


def _tags(body: bytes) -> None:
    assert all(map(is_tag, parse_tags("asking", body, 64)))


def _repositories(body: bytes) -> None:
    assert all(map(is_repository, parse_repositories("asking", body, 64)))


def _docker_config(body: bytes) -> None:
    config = parse_docker_config(body, "the file")
    for host in ("r.example", "docker.io"):
        config.helper_of(host)
        select_credentials(config, host, "team/app", "the file")


ANSWERS: tuple[Callable[[bytes], None], ...] = (_token, _tags, _repositories, _docker_config)
