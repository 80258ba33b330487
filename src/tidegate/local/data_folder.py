"""The folder in which `tidegate up` keeps everything: keys, tokens, ports, content.

A second start on the same folder continues where the first was. Only one runs on it at a time.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from tidegate.domain.errors import ConfigurationError
from tidegate.local.ports import choose_ports
from tidegate.trust.keys import generate_key, private_pem, public_pem

CLUSTER_NAME = "local"
"""The name under which the cluster of one machine is enrolled."""

PARTS = ("hub", "registry", "gate", "agent")
"""Parts that listen, each on a port of its own that stays over restarts."""

TOKENS = ("admin", "scanner", "registry", "cluster", "gate", "direct")
TOKEN_BYTES = 32
PASSWORD_BYTES = 15
"""20 characters: typed once, by a person."""


class UpState(msgspec.Struct, rename="camel"):
    """What `tidegate up --json` prints and other commands read."""

    hub: str
    portal: str
    registry: str
    """`localhost:PORT`, so that stock clients speak plain HTTP."""
    gate: str
    gate_ca: str
    kubeconfig: str | None
    admin_token: str
    data_dir: str
    public_key: str
    admin_password: str = ""
    """Initial password of the portal's user `admin`; empty once it was changed."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where things are in one data folder."""

    root: Path

    @property
    def authority(self) -> Path:
        """Certificate that the gate's is verified by, PEM."""
        return self.root / "tls" / "ca.crt"

    @property
    def evidence_key(self) -> Path:
        """Private evidence key, PKCS8 PEM, readable by us alone."""
        return self.root / "keys" / "evidence.key"

    @property
    def public_key(self) -> Path:
        """Public evidence key, PEM."""
        return self.root / "keys" / "evidence.pub"

    @property
    def trust(self) -> Path:
        """The trust configuration: evidence keys and registries."""
        return self.root / "trust.yaml"

    @property
    def state(self) -> Path:
        """`UpState` of the last start."""
        return self.root / "state.json"

    @property
    def policy(self) -> Path:
        """Policy object files, for a gate without a cluster."""
        return self.root / "policy"

    def token_file(self, name: str) -> Path:
        """File of one of `TOKENS`."""
        return self.root / "tokens" / f"{name}.token"

    def token(self, name: str) -> str:
        """One of `TOKENS`."""
        return self.token_file(name).read_text().strip()

    @property
    def admin_password(self) -> Path:
        """Initial password of the portal's user `admin`."""
        return self.root / "tokens" / "admin.password"

    @property
    def bootstrap_tokens(self) -> Path:
        """The tokens as the hub reads them at start."""
        return self.root / "tokens" / "hub-bootstrap.json"

    def ensure(self) -> dict[str, int]:
        """Make what is not there yet; return the ports of `PARTS`.

        Raises:
            ConfigurationError: the folder cannot be written.
        """
        try:
            return self._ensure()
        except OSError as error:
            raise ConfigurationError(
                f"data folder {self.root}: {error}; want to write there"
            ) from error

    def _ensure(self) -> dict[str, int]:
        for folder in ("keys", "tokens", "policy", "logs"):
            (self.root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
        for name in TOKENS:
            if not self.token_file(name).exists():
                write_private(self.token_file(name), secrets.token_urlsafe(TOKEN_BYTES).encode())
        if not self.admin_password.exists():
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            write_private(self.admin_password, password.encode())
        clusters = {CLUSTER_NAME: self.token("cluster")}
        tokens = {name: self.token(name) for name in ("admin", "scanner", "registry")}
        write_private(self.bootstrap_tokens, msgspec.json.encode({**tokens, "clusters": clusters}))
        if not self.evidence_key.exists():
            key = generate_key()
            write_private(self.evidence_key, private_pem(key))
            self.public_key.write_bytes(public_pem(key.public_key()))
        ports = self._ports()
        if not self.trust.exists():
            self._write_trust(ports["registry"])
        return ports

    def _ports(self) -> dict[str, int]:
        path = self.root / "ports.json"
        if not path.exists():
            write_private(path, msgspec.json.encode(choose_ports(PARTS)))
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])

    def _write_trust(self, registry_port: int) -> None:
        # Registries come last, so that one more can be written behind them.
        document = {
            "feed": {"audience": CLUSTER_NAME},
            "keys": [{"name": "evidence", "publicKey": self.public_key.read_text()}],
            "registries": [
                {"host": f"localhost:{registry_port}", "plainHttp": True, "allowPrivate": True}
            ],
        }
        text = yaml.safe_dump(document, sort_keys=False)
        self.trust.write_text(
            f"# Evidence keys that count, and registries that are contacted.\n{text}"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process.

        Raises:
            ConfigurationError: another process holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConfigurationError(
                    f"data folder {self.root} is in use by another `tidegate up`; end that one, "
                    "or name another folder with --data-dir"
                ) from error
            yield


def write_private(path: Path, body: bytes) -> None:
    """Write a file that only we may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
