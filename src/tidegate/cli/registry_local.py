"""The part of `tidegate registry` on this machine: the trust configuration of an installation."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.cli.trust_edit import TrustDocument
from tidegate.domain.reference import normalize_host
from tidegate.local.data_folder import DataFolder, write_private
from tidegate.oci.registries import RegistryConfig


@dataclass(frozen=True, slots=True)
class LocalRegistry:
    """A registry as the installation's gate and worker are to contact it."""

    config: RegistryConfig
    docker_config: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)


def is_configured(folder: DataFolder, host: str) -> bool:
    """Whether the installation's trust configuration names `host`."""
    return any(each.host == host for each in TrustDocument(folder.trust).configuration.registries)


def keep(folder: DataFolder, registry: LocalRegistry) -> None:
    """Write a registry into the trust configuration, its credentials into files of their own."""
    config, document = registry.config, TrustDocument(folder.trust)
    entry: dict[str, Any] = {"host": config.host}
    settings: dict[str, Any] = {
        "plainHttp": config.plain_http,
        "allowPrivate": config.allow_private,
        "caFile": config.ca_file,
        "tokenRealms": list(config.token_realms),
        "redirectHosts": list(config.redirect_hosts),
        "endpoint": config.endpoint,
        "aliases": list(config.aliases),
        "clientCertFile": config.client_cert_file,
        "clientKeyFile": config.client_key_file,
        "dockerConfigFile": str(registry.docker_config) if registry.docker_config else "",
    }
    entry |= {key: value for key, value in settings.items() if value}
    if registry.username:
        user_file, password_file = _credential_files(folder.root, config.host)
        write_private(user_file, registry.username.encode())
        write_private(password_file, registry.password.encode())
        entry |= {"usernameFile": str(user_file), "passwordFile": str(password_file)}
    document.registries.append(entry)
    document.save()


def forget(folder: DataFolder, host: str) -> bool:
    """Take a registry out of the trust configuration, with its credentials; False: not there."""
    document = TrustDocument(folder.trust)
    kept = [entry for entry in document.registries if normalize_host(entry["host"]) != host]
    if len(kept) == len(document.registries):
        return False
    document.registries[:] = kept
    document.save()
    for path in _credential_files(folder.root, host):
        path.unlink(missing_ok=True)
    return True


def _credential_files(root: Path, host: str) -> tuple[Path, Path]:
    folder = root / "registries" / host.replace(":", "_").replace("/", "_")
    return folder / "username", folder / "password"
