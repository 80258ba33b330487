"""`trust.yaml` on disk: read at start, and again when it changes.

A broken new version never replaces a good one: the good one stays in force and the fault is kept
in `problem`, for readiness, metric and log. A file that is broken at start has no good version;
then starting fails, because a gate that trusts nobody would only look as if it worked.
"""

import hashlib
from pathlib import Path

from tidegate.domain.errors import ConfigurationError, InvalidTrustError
from tidegate.oci.acr import AcrKeychain
from tidegate.oci.artifact_registry import ArtifactRegistryKeychain
from tidegate.oci.config_file import DockerConfigKeychain
from tidegate.oci.ecr import EcrKeychain
from tidegate.oci.keychain import Keychain
from tidegate.oci.pull_secret import PullSecretKeychain, SecretReader
from tidegate.oci.registries import RegistryConfig
from tidegate.trust.configuration import (
    MAX_CONFIGURATION_BYTES,
    AcrIdentity,
    EcrIdentity,
    GoogleIdentity,
    TrustConfiguration,
    TrustedRegistry,
    parse_trust_configuration,
)

MAX_CREDENTIAL_BYTES = 64 * 1024
"""Registry tokens are a few kilobytes at most."""


class TrustFile:
    """The trust configuration in force; `current` is what a `Gatherer` asks for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._body = _read(path, MAX_CONFIGURATION_BYTES)
        self._current = parse_trust_configuration(self._body)
        self.problem = ""
        """Why the file on disk is not in force; empty where it is."""

    def current(self) -> TrustConfiguration:
        """Return the configuration in force."""
        return self._current

    def reload(self) -> bool:
        """Read the file again; return whether another configuration is in force now.

        Compared by content: a ConfigMap volume swaps a symbolic link, and times say little.
        """
        try:
            body = _read(self._path, MAX_CONFIGURATION_BYTES)
            if body == self._body and not self.problem:
                return False
            configuration = parse_trust_configuration(body)
        except InvalidTrustError as error:
            self.problem = str(error)
            return False
        self._body, self.problem = body, ""
        changed = configuration.generation != self._current.generation
        self._current = configuration
        return changed


def registry_configs(
    configuration: TrustConfiguration, read_secret: SecretReader | None = None
) -> tuple[RegistryConfig, ...]:
    """Return the registries of `configuration` for a client, with credentials from their files.

    `read_secret` reads the pull secrets that it names; None: this process has no cluster.

    Raises:
        InvalidTrustError: a credential file cannot be read; names the registry and the file.
    """
    return tuple(_registry_config(each, read_secret) for each in configuration.registries)


def _registry_config(registry: TrustedRegistry, read_secret: SecretReader | None) -> RegistryConfig:
    return RegistryConfig(
        host=registry.host,
        plain_http=registry.plain_http,
        username=_credential(registry, registry.username_file),
        password=_credential(registry, registry.password_file),
        ca_file=registry.ca_file,
        allow_private=registry.allow_private,
        token_realms=registry.token_realms,
        redirect_hosts=registry.redirect_hosts,
        endpoint=registry.endpoint,
        aliases=registry.aliases,
        client_cert_file=registry.client_cert_file,
        client_key_file=registry.client_key_file,
        tls_generation=_tls_generation(registry),
        keychain=_keychain(registry, read_secret),
        reads_per_minute=registry.reads_per_minute,
    )


def _keychain(registry: TrustedRegistry, read_secret: SecretReader | None) -> Keychain | None:
    host = registry.host
    if registry.pull_secret:
        return PullSecretKeychain(name=registry.pull_secret, host=host, read=read_secret)
    if registry.docker_config_file:
        return DockerConfigKeychain(Path(registry.docker_config_file), host)
    try:
        match registry.identity:
            case AcrIdentity(tenant_id, client_id, token_file):
                token = Path(token_file)
                return AcrKeychain(
                    host=host, tenant_id=tenant_id, client_id=client_id, token_file=token
                )
            case EcrIdentity(role_arn, token_file):
                return EcrKeychain(host=host, role_arn=role_arn, token_file=Path(token_file))
            case GoogleIdentity(key_file):
                return ArtifactRegistryKeychain(host=host, key_file=Path(key_file))
            case None:
                return None
    except ConfigurationError as error:
        raise InvalidTrustError(str(error)) from error


def _tls_generation(registry: TrustedRegistry) -> str:
    """Return a name for what the certificate files hold, so that new ones are taken up."""
    files = (registry.ca_file, registry.client_cert_file, registry.client_key_file)
    if not any(files):
        return ""
    held = hashlib.sha256()
    for path in filter(None, files):
        try:
            held.update(hashlib.sha256(_read(Path(path), MAX_CONFIGURATION_BYTES)).digest())
        except InvalidTrustError as error:
            raise InvalidTrustError(f"registry {registry.host}: certificates: {error}") from error
    return held.hexdigest()[:16]


def _credential(registry: TrustedRegistry, path: str) -> str:
    if not path:
        return ""
    try:
        return _read(Path(path), MAX_CREDENTIAL_BYTES).decode().strip("\r\n")
    except (InvalidTrustError, UnicodeDecodeError) as error:
        raise InvalidTrustError(f"registry {registry.host}: credentials: {error}") from error


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise InvalidTrustError(f"{path}: cannot be read: {error.strerror}") from error
    if len(body) > max_bytes:
        raise InvalidTrustError(f"{path}: larger than {max_bytes} bytes")
    return body
