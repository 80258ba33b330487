"""Docker configurations: which of their entries are of a registry, and what they hold. Pure.

Forms: docker/cli, `cli/config/configfile`; containers/image, containers-auth.json(5), for entries
of paths; Kubernetes, "Images", "Interpretation of config.json", for wildcards, and Secrets of the
types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`.

An entry names a host, with a port where references write one, and may go on with the path of a
repository or of those below it. In a host's labels `*` stands for part of one label, so
`*.r.example` means neither `r.example` nor `a.b.r.example`. The closest entry counts: an exact host
before a wildcard, a longer path before a shorter one. Credentials go only to the registry that was
asked for, which an administrator configured by its exact name.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import NoReturn
from urllib.parse import urlsplit

import msgspec

from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.glob import glob_matches
from tidegate.domain.reference import normalize_host
from tidegate.oci.keychain import Credentials
from tidegate.wire.json_depth import json_depth

MAX_CONFIG_BYTES = 2**20
"""A Secret holds at most 1 MiB (Kubernetes, "Secrets")."""

MAX_CONFIG_DEPTH = 16
_API_VERSIONS = ("v1", "v2")
"""What old entries write behind the host: `https://index.docker.io/v1/`."""


class Entry(msgspec.Struct, frozen=True):
    """What a configuration holds of one place."""

    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class DockerConfig(
    msgspec.Struct,
    frozen=True,
    rename={"creds_store": "credsStore", "cred_helpers": "credHelpers"},
):
    """A Docker configuration."""

    auths: dict[str, Entry] | None = None
    creds_store: str = ""
    cred_helpers: dict[str, str] | None = None

    def helper_of(self, host: str) -> str:
        """Return the credential helper of `host`, empty where there is none."""
        for key, name in (self.cred_helpers or {}).items():
            if _place_of(key) == (host, ""):
                return name
        return self.creds_store


def parse_docker_config(body: bytes, where: str) -> DockerConfig:
    """Return the configuration in `body`; `where` stands in front of what is wrong with it.

    Raises:
        RegistryUnavailableError: it is none.
    """
    if len(body) > MAX_CONFIG_BYTES or json_depth(body) > MAX_CONFIG_DEPTH:
        _refuse(where, f"larger than {MAX_CONFIG_BYTES} bytes, or nested too deep")
    try:
        config = msgspec.json.decode(body, type=DockerConfig)
        if config.auths is None and not config.creds_store and not config.cred_helpers:
            # `.dockercfg`: the entries stand at the top.
            config = DockerConfig(msgspec.json.decode(body, type=dict[str, Entry]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RegistryUnavailableError(
            f"{where}: {error}; want Docker's config.json or a pull secret"
        ) from error
    return config


def select_credentials(
    config: DockerConfig, host: str, repository: str, where: str
) -> Credentials | None:
    """Return what `config` holds for `repository` of `host`; None: nothing.

    Raises:
        RegistryUnavailableError: the closest entry cannot be used.
    """
    of_host = [
        (key_host, path, entry)
        for (key_host, path), entry in _entries(config.auths or {})
        if _is_host(key_host, host)
    ]
    fitting = [
        (key_host == host, len(path), len(key_host), entry)
        for key_host, path, entry in of_host
        if not path or f"{repository}/".startswith(f"{path}/")
    ]
    if not fitting:
        return None
    *_, closest = max(fitting, key=lambda each: each[:3])
    shared = not any(path for _, path, _ in of_host)
    return _credentials(closest, where, shared=shared)


def _entries(auths: Mapping[str, Entry]) -> Iterator[tuple[tuple[str, str], Entry]]:
    for key, entry in auths.items():
        yield _place_of(key), entry


def _place_of(key: str) -> tuple[str, str]:
    """Return the host and the path that a key names: `https://r.example/v2/`, `r.example/team`."""
    try:
        parts = urlsplit(key if "://" in key else f"//{key}")
    except ValueError:
        return "", ""
    words = parts.path.strip("/").split("/")
    if words[0] in _API_VERSIONS:
        words = words[1:]
    return normalize_host(parts.netloc), "/".join(words)


def _is_host(pattern: str, host: str) -> bool:
    if "*" not in pattern:
        return pattern == host
    wanted, labels = pattern.split("."), host.split(".")
    return len(wanted) == len(labels) and all(map(glob_matches, wanted, labels))


def _credentials(entry: Entry, where: str, *, shared: bool) -> Credentials | None:
    if entry.identitytoken:
        return Credentials("", identity_token=entry.identitytoken, shared=shared)
    if entry.username and entry.password:
        return Credentials(entry.username, entry.password, shared=shared)
    if not entry.auth:
        return None
    try:
        user, colon, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RegistryUnavailableError(f"{where}: `auth` is no base64 of USER:PASSWORD") from error
    password = password.rstrip("\0")
    return Credentials(user, password, shared=shared) if colon and password else None


def _refuse(where: str, why: str) -> NoReturn:
    raise RegistryUnavailableError(f"{where}: {why}")
