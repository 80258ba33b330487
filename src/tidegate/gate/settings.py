"""Settings of the gate, read once from `TIDEGATE_GATE_*`; docs/reference/gate-settings.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tidegate.domain.errors import ConfigurationError, MissingSettingError

PREFIX = "TIDEGATE_GATE_"
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides about one gate."""

    tls_cert_file: Path
    """Serving certificate chain, PEM; replaced files are taken over within a second."""
    tls_key_file: Path
    """Private key of the certificate, PEM."""
    data_dir: Path
    """Folder for spooled events, remembered reports and last good policy; made where missing."""
    trust_file: Path
    """`trust.yaml`: evidence keys and registries of this cluster."""
    policy_dir: Path | None = None
    """Folder of policy objects as files; set where there is no cluster."""
    kubeconfig: Path | None = None
    """Kubeconfig of the cluster; unset and no policy_dir: the pod's own service account."""
    cluster: str = ""
    """Name of this cluster, as rules' `cluster` matchers see it."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """Port for the API server; 0: one that is free."""
    metrics_port: int | None = None
    """Plain HTTP port for /healthz, /readyz and /metrics; 0: one that is free. Unset: none but
    the main port, which serves them too."""
    client_ca_file: Path | None = None
    """Authority of the API server's client certificate, PEM; set: /admit asks for one."""
    direct_token_file: Path | None = None
    """Bearer token for /direct; unset: no such path."""
    agent_url: str = ""
    """The cluster agent, which takes events and asks for scans; unset: events stay in the spool."""
    agent_token_file: Path | None = None
    """Bearer token shared with the agent, for events to it and questions from it; read each time.
    Unset: no path /rejudge."""
    spool_max_mib: int = 256
    """Largest spool; a full one gives up allows first."""
    max_body_mib: int = 8
    """Largest AdmissionReview."""
    max_in_flight: int = 256
    """Reviews that gather evidence at once; one namespace takes at most half."""
    first_sight_wait_s: int = 0
    """How long a refusal waits for the scans that it queued; 0: it does not wait."""
    max_connections: int = 1024
    """Open connections."""
    processes: int = 1
    """Processes that share the port, each on a core; each has its own connections and evidence."""
    log_level: str = "info"
    """debug, info, warning or error."""


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `environ`, by default the process's.

    Raises:
        MissingSettingError: a setting that is needed is not there.
        ConfigurationError: a value that cannot work, or a setting that does not exist.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in (os.environ if environ is None else environ).items()
        if name.startswith(PREFIX) and value
    }
    _refuse_unknown(given)
    return Settings(
        tls_cert_file=_needed(given, "tls_cert_file"),
        tls_key_file=_needed(given, "tls_key_file"),
        data_dir=_needed(given, "data_dir"),
        trust_file=_needed(given, "trust_file"),
        policy_dir=_path(given, "policy_dir"),
        kubeconfig=_path(given, "kubeconfig"),
        cluster=given.get("cluster", ""),
        host=given.get("host", "127.0.0.1"),
        port=_number(given, "port", 0, (0, 65535)),
        metrics_port=(
            _number(given, "metrics_port", 0, (0, 65535)) if "metrics_port" in given else None
        ),
        client_ca_file=_path(given, "client_ca_file"),
        direct_token_file=_path(given, "direct_token_file"),
        agent_url=_url(given, "agent_url"),
        agent_token_file=_path(given, "agent_token_file"),
        spool_max_mib=_number(given, "spool_max_mib", 256, (1, 1024 * 1024)),
        max_body_mib=_number(given, "max_body_mib", 8, (1, 64)),
        max_in_flight=_number(given, "max_in_flight", 256, (1, 100_000)),
        first_sight_wait_s=_number(given, "first_sight_wait_s", 0, (0, 5)),
        max_connections=_number(given, "max_connections", 1024, (1, 100_000)),
        processes=_number(given, "processes", 1, (1, 64)),
        log_level=_log_level(given),
    )


def _refuse_unknown(given: Mapping[str, str]) -> None:
    unknown = sorted(given.keys() - Settings.__dataclass_fields__.keys())
    if unknown:
        names = ", ".join(f"{PREFIX}{name.upper()}" for name in unknown)
        raise ConfigurationError(f"no such setting: {names}; see docs/reference/gate-settings.md")


def _needed(given: Mapping[str, str], name: str) -> Path:
    if name not in given:
        raise MissingSettingError(f"{PREFIX}{name.upper()} is not set; the gate needs a path there")
    return Path(given[name])


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


def _number(given: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]) -> int:
    text = given.get(name, str(default))
    least, most = bounds
    if not text.isascii() or not text.isdecimal() or not least <= int(text[:10]) <= most:
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is {text[:40]!r}; want a number from {least} to {most}"
        )
    return int(text)


def _url(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is no http(s) URL with a host and without credentials"
        )
    return text


def _log_level(given: Mapping[str, str]) -> str:
    level = given.get("log_level", "info").lower()
    if level not in LOG_LEVELS:
        raise ConfigurationError(
            f"{PREFIX}LOG_LEVEL is {level[:40]!r}; want one of {', '.join(LOG_LEVELS)}"
        )
    return level
