"""Settings of the scan worker, read once from the environment."""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.advisories.index import INDEX_FILE
from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.plugins import BUILT_IN_FORMATS

_PREFIX = "TIDEGATE_SCAN_"
_AUDIENCE = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """Everything that a worker is told from outside."""

    hub_url: str
    """`TIDEGATE_SCAN_HUB_URL`: base address of the hub, without `/api/v1`."""
    token_file: Path
    """`TIDEGATE_SCAN_TOKEN_FILE`: file with the scanner token for the hub."""
    key: str
    """`TIDEGATE_SCAN_KEY`: the evidence key: the path of a file, `env:NAME`, or the URI of a key
    that is kept elsewhere, such as `awskms:alias/NAME` (see `scan.key_source`)."""
    data_dir: Path
    """`TIDEGATE_SCAN_DATA_DIR`: folder of the advisory index; images are unpacked below it."""
    registries_file: Path
    """`TIDEGATE_SCAN_REGISTRIES`: YAML file with a `registries` list as in `trust.yaml`."""
    concurrency: int = 1
    """`TIDEGATE_SCAN_CONCURRENCY`: jobs at a time, 1 to 64; default 1."""
    scanner: str = "builtin"
    """`TIDEGATE_SCAN_SCANNER`: entry point of the scanner, group `tidegate.scanners`."""
    scanner_db: Path | None = None
    """`TIDEGATE_SCAN_SCANNER_DB`: folder with the database of scanners `trivy` and `grype`, as
    their own `--cache-dir` or `db.cache-dir` has it; default `scanner-db` in the data folder."""
    formats: tuple[str, ...] = BUILT_IN_FORMATS
    """`TIDEGATE_SCAN_FORMATS`: entry points of group `tidegate.formats` by which reports of
    trusted sources are read, by commas; default all that ship with Tidegate."""
    deadline_s: float = 600.0
    """`TIDEGATE_SCAN_DEADLINE_S`: longest run of the scanner for one platform; default 600."""
    max_image_bytes: int = 10 * 2**30
    """`TIDEGATE_SCAN_MAX_IMAGE_BYTES`: largest platform scanned, layers as packed; 10 GiB."""
    heartbeat_s: float = 5.0
    """`TIDEGATE_SCAN_HEARTBEAT_S`: time between two signs of life about a job; default 5."""
    renew_after_d: float = 182.0
    """`TIDEGATE_SCAN_RENEW_AFTER_D`: days after which a report that says nothing new is attached
    again all the same: half of the smallest `maximumVaFileAge` of the rules; default 182."""
    matchers: int = 0
    """`TIDEGATE_SCAN_MATCHERS`: processes that match packages when advisories change, 1 to 64;
    default 0: one a core."""
    credentials_key: Path | None = None
    """`TIDEGATE_SCAN_CREDENTIALS_KEY_FILE`: X25519 key, PEM, that opens the credentials of the
    hub's registries; workers may share one; default: `credentials.key` in the data folder, made
    at the first start."""
    key_passphrase_file: Path | None = None
    """`TIDEGATE_SCAN_KEY_PASSPHRASE_FILE`: file with the passphrase of a sealed key, or the PIN of
    a hardware token."""
    key_passphrase: str = field(default="", repr=False)
    """`TIDEGATE_SCAN_KEY_PASSPHRASE`: the same, where there is no such file."""
    attestation: bool = False
    """`TIDEGATE_SCAN_ATTESTATION`: `true` adds each report to the image's cosign attestations as
    well, for other policy engines; default `false`."""
    feed_audience: str = ""
    """`TIDEGATE_SCAN_FEED_AUDIENCE`: name of the organisation that clusters' `trust.yaml` has under
    `feed`: signed batches of what is found are made for them; unset: none are, and gates ask
    registries."""
    name: str = "worker"
    """`TIDEGATE_SCAN_NAME`: what the hub calls this worker; default the host's name."""
    metrics_host: str = "127.0.0.1"
    """`TIDEGATE_SCAN_METRICS_HOST`: address for `metrics_port`; default `127.0.0.1`."""
    metrics_port: int | None = None
    """`TIDEGATE_SCAN_METRICS_PORT`: plain HTTP port for `/metrics` and `/healthz`, without a token;
    0: one that is free, which the log names; unset: none."""

    @property
    def index_file(self) -> Path:
        """The advisory index."""
        return self.data_dir / INDEX_FILE

    @property
    def feed_seen_file(self) -> Path:
        """What was last seen of the key's chain."""
        return self.data_dir / "feed-head.json"

    @property
    def feed_dir(self) -> Path:
        """Snapshots of the feed in work."""
        return self.data_dir / "feed"

    @property
    def credentials_key_file(self) -> Path:
        """The key that opens the credentials of the hub's registries."""
        return self.credentials_key or self.data_dir / "credentials.key"

    @property
    def certificates_dir(self) -> Path:
        """Folder for certificates of the hub's registries."""
        return self.data_dir / "registries"

    @property
    def work_dir(self) -> Path:
        """Folder for images in work; emptied at start."""
        return self.data_dir / "scan-work"


def read_settings(environment: Mapping[str, str] | None = None) -> ScanSettings:
    """Return the settings in `environment`, the process's own by default.

    Raises:
        MissingSettingError: a setting without default is missing.
        ConfigurationError: a setting is no number, or out of its range.
    """
    found = os.environ if environment is None else environment
    return ScanSettings(
        hub_url=_required(found, "HUB_URL").rstrip("/"),
        token_file=Path(_required(found, "TOKEN_FILE")),
        key=_required(found, "KEY"),
        data_dir=Path(_required(found, "DATA_DIR")).absolute(),
        registries_file=Path(_required(found, "REGISTRIES")),
        concurrency=int(_number(found, "CONCURRENCY", 1, 1, 64)),
        scanner=found.get(f"{_PREFIX}SCANNER") or "builtin",
        scanner_db=_optional_path(found, "SCANNER_DB"),
        formats=_names(found, "FORMATS") or BUILT_IN_FORMATS,
        deadline_s=_number(found, "DEADLINE_S", 600, 1, 86_400),
        max_image_bytes=int(_number(found, "MAX_IMAGE_BYTES", 10 * 2**30, 2**20, 2**50)),
        heartbeat_s=_number(found, "HEARTBEAT_S", 5, 0.1, 3600),
        renew_after_d=_number(found, "RENEW_AFTER_D", 182, 0, 36_500),
        matchers=int(_number(found, "MATCHERS", 0, 0, 64)),
        credentials_key=_optional_path(found, "CREDENTIALS_KEY_FILE"),
        key_passphrase_file=_optional_path(found, "KEY_PASSPHRASE_FILE"),
        key_passphrase=found.get(f"{_PREFIX}KEY_PASSPHRASE", ""),
        attestation=_truth(found, "ATTESTATION"),
        feed_audience=_audience(found),
        metrics_host=found.get(f"{_PREFIX}METRICS_HOST", "").strip() or "127.0.0.1",
        metrics_port=_port(found, "METRICS_PORT"),
        name=(found.get(f"{_PREFIX}NAME") or socket.gethostname() or "worker")[:128],
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(f"{_PREFIX}{name}", "").strip()
    if not value:
        raise MissingSettingError(f"{_PREFIX}{name} is not set; the scan worker needs it")
    return value


def _audience(environment: Mapping[str, str]) -> str:
    text = environment.get(f"{_PREFIX}FEED_AUDIENCE", "").strip()
    if text and _AUDIENCE.fullmatch(text) is None:
        raise ConfigurationError(
            f"{_PREFIX}FEED_AUDIENCE is {text[:80]!r}; want up to 128 letters, digits, dots, "
            "hyphens and underscores, as under feed in trust.yaml"
        )
    return text


def _optional_path(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(f"{_PREFIX}{name}", "").strip()
    return Path(text) if text else None


def _truth(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(f"{_PREFIX}{name}", "").strip().lower()
    if text not in {"", "true", "false"}:
        raise ConfigurationError(f"{_PREFIX}{name} is {text[:80]!r}; want true or false")
    return text == "true"


def _names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    text = environment.get(f"{_PREFIX}{name}", "")
    return tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))


def _port(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(f"{_PREFIX}{name}", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or int(text[:10]) > 65535:
        raise ConfigurationError(f"{_PREFIX}{name} is {text[:80]!r}; want a number from 0 to 65535")
    return int(text)


def _number(
    environment: Mapping[str, str], name: str, default: float, low: float, high: float
) -> float:
    text = environment.get(f"{_PREFIX}{name}", "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not low <= value <= high:
        raise ConfigurationError(
            f"{_PREFIX}{name} is {text[:80]!r}; want a number from {low:g} to {high:g}"
        )
    return value
