"""Settings of the agent, read once from `TIDEGATE_AGENT_*`; docs/reference/agent-settings.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.wire.names import NAMESPACE

PREFIX = "TIDEGATE_AGENT_"
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides about one agent."""

    hub_url: str = ""
    """Base URL of the hub; unset: rules come by GitOps alone, and the agent writes status only."""
    token_file: Path | None = None
    """Bearer token of this cluster for the hub, read at the start, written at enrolment."""
    token_secret: str = ""
    """Name of a Secret, with key `token`, in the place of `token_file`."""
    enrol_token_file: Path | None = None
    """One-time token that is exchanged for the cluster's where that is not there yet."""
    cluster: str = ""
    """Name of this cluster as it is enrolled in the hub; needed with a hub."""
    kubeconfig: Path | None = None
    """Kubeconfig of the cluster; unset and no policy_dir: the pod's own service account."""
    policy_dir: Path | None = None
    """Folder to write policy objects to where there is no cluster."""
    namespace: str = NAMESPACE
    """Tidegate's own namespace, where last good copies are kept."""
    host: str = "127.0.0.1"
    """Address on which gates hand over events."""
    port: int = 0
    """Port of it; 0: one that is free."""
    metrics_port: int | None = None
    """Port on the same address for /metrics and /healthz alone; 0: one that is free. Unset: none
    but `port`, which serves them too."""
    gate_token_file: Path | None = None
    """Bearer token shared with the gates, for events from them and questions to them; read each
    time. Unset: no events are taken."""
    gate_url: str = ""
    """The gates, asked about workloads that run; unset: none is judged again."""
    gate_ca_file: Path | None = None
    """Authority of the gates' certificate, PEM; unset: the system's."""
    webhook_file: Path | None = None
    """The webhook configuration as it was chosen; the cluster's is kept so. Unset: not watched."""
    webhook_config_map: str = ""
    """Name of a ConfigMap of `namespace`, with key `webhook.yaml`, in the place of that file."""
    webhook_ca_file: Path | None = None
    """PEM that becomes its `caBundle`; unset: what the file says, or whoever else writes it."""
    canary_s: int = 60
    """Seconds between two runs of the canary; 0: none."""
    audit_log: Path | None = None
    """Audit log of the API server, where it is at hand: requests that failed open are counted."""
    data_dir: Path | None = None
    """Folder for the copy of the feed, some hundred MB for a million images, and for the index of
    admissions; unset: gates get no feed from this agent and ask registries, and no pod comes back
    by `reAdmission: Audit`."""
    gate_token_secret: str = ""
    """Name of the Secret behind `gate_token_file`: filled with a token where it has none; unset:
    somebody else's."""
    gate_service: str = ""
    """Service of the gates, whose certificate is made, renewed and named in the webhook; unset:
    somebody else's."""
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
    unknown = sorted(given.keys() - Settings.__dataclass_fields__.keys())
    if unknown:
        names = ", ".join(f"{PREFIX}{name.upper()}" for name in unknown)
        raise ConfigurationError(f"no such setting: {names}; see docs/reference/agent-settings.md")
    if "kubeconfig" in given and "policy_dir" in given:
        raise ConfigurationError(
            f"{PREFIX}KUBECONFIG and {PREFIX}POLICY_DIR are both set; policy objects go to a "
            "cluster or to a folder, so unset one"
        )
    settings = Settings(
        hub_url=_url(given, "hub_url"),
        token_file=_path(given, "token_file"),
        token_secret=given.get("token_secret", ""),
        enrol_token_file=_path(given, "enrol_token_file"),
        cluster=given.get("cluster", ""),
        kubeconfig=_path(given, "kubeconfig"),
        policy_dir=_path(given, "policy_dir"),
        namespace=given.get("namespace", NAMESPACE),
        host=given.get("host", "127.0.0.1"),
        port=_number(given, "port", 0, 65535),
        metrics_port=(
            _number(given, "metrics_port", 0, 65535) if "metrics_port" in given else None
        ),
        gate_token_file=_path(given, "gate_token_file"),
        gate_url=_url(given, "gate_url"),
        gate_ca_file=_path(given, "gate_ca_file"),
        webhook_file=_path(given, "webhook_file"),
        webhook_config_map=given.get("webhook_config_map", ""),
        webhook_ca_file=_path(given, "webhook_ca_file"),
        audit_log=_path(given, "audit_log"),
        canary_s=_number(given, "canary_s", 60, 86_400),
        data_dir=_path(given, "data_dir"),
        gate_token_secret=given.get("gate_token_secret", ""),
        gate_service=given.get("gate_service", ""),
        log_level=_log_level(given),
    )
    _require_complete(settings)
    return settings


def _require_complete(settings: Settings) -> None:
    _require_one_place(settings)
    if settings.token_secret and settings.policy_dir:
        raise ConfigurationError(
            f"{PREFIX}TOKEN_SECRET is set without a cluster; name a file with {PREFIX}TOKEN_FILE"
        )
    if settings.webhook_ca_file and not settings.webhook_file:
        raise MissingSettingError(
            f"{PREFIX}WEBHOOK_CA_FILE is set without {PREFIX}WEBHOOK_FILE, whose caBundle it is"
        )
    for name in ("gate_token_secret", "gate_service", "webhook_file", "webhook_config_map"):
        if getattr(settings, name) and settings.policy_dir:
            raise ConfigurationError(
                f"{PREFIX}{name.upper()} is set without a cluster, and what it names is in one"
            )
    if not settings.hub_url and settings.policy_dir:
        raise MissingSettingError(
            f"{PREFIX}HUB_URL is not set; without a hub and without a cluster there is nothing "
            "for an agent to do"
        )
    if settings.hub_url and not (settings.token_file or settings.token_secret):
        raise MissingSettingError(
            f"{PREFIX}TOKEN_FILE is not set, nor {PREFIX}TOKEN_SECRET; an agent with a hub needs "
            "a place for its token"
        )
    if settings.gate_url and not (settings.hub_url and settings.gate_token_file):
        raise MissingSettingError(
            f"{PREFIX}GATE_URL is set without {PREFIX}HUB_URL or {PREFIX}GATE_TOKEN_FILE; to judge "
            "again takes the gates' token, and a hub to tell"
        )
    if settings.hub_url and not settings.cluster:
        raise MissingSettingError(f"{PREFIX}CLUSTER is not set; an agent with a hub needs it")


def _require_one_place(settings: Settings) -> None:
    for one, other, what in (
        ("token_file", "token_secret", "the cluster's token is kept"),
        ("webhook_file", "webhook_config_map", "the webhook is chosen"),
    ):
        if getattr(settings, one) and getattr(settings, other):
            raise ConfigurationError(
                f"{PREFIX}{one.upper()} and {PREFIX}{other.upper()} are both set; {what} in one "
                "place, so unset one"
            )


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


def _number(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or int(text[:10]) > most:
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is {text[:40]!r}; want a number from 0 to {most}"
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
